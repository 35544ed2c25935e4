@product:aem-cloud
Feature: The distribution agent of AEM as a Cloud Service

  "Configure AEM Assets with Brand Portal" (AEM as a Cloud Service):
  https://experienceleague.adobe.com/docs/experience-manager-cloud-service/content/assets/brand-portal/configure-aem-assets-with-brand-portal.html

  AEM as a Cloud Service has no replication agents for Brand Portal but one distribution agent: Tools > Deployment >
  Distribution > Publish to Brand Portal. It has two queues, a log and Test Connection. Its settings are generated and are
  not to be edited.

  @BP-CS-01 @observe
  Scenario: Exactly one distribution agent for Brand Portal exists, and it is enabled
    When I open Distribution
    Then exactly one distribution agent for Brand Portal is there, named as AEM names it
    And it is enabled

  @BP-CS-02 @observe
  Scenario: Both queues of the agent are idle and empty
    Given the distribution agent for Brand Portal
    When I look at its queues
    Then each of its two queues is idle and empty

  @BP-CS-03 @probe
  Scenario: Test Connection delivers the test package
    Given the distribution agent for Brand Portal
    And what its log holds is noted
    When I click its Test Connection
    Then its log gets a new TEST request of mine, and no failure of it

  @BP-CS-04 @observe
  Scenario: The log of the agent shows no failure after its last delivery
    Given the distribution agent for Brand Portal
    When I open its log
    Then no failure follows its last delivery

  @BP-CS-05 @change @surface:author.publish @surface:author.unpublish
  Scenario: A published asset is requested with its parent folder, and delivered
    Given the distribution agent for Brand Portal
    And what its log holds is noted
    And an asset folder of this run, with the Brand Portal configuration
    And an asset of this run, uploaded by createasset
    When the asset is published to Brand Portal
    Then the Author says that it is queued for publishing
    And the tenant receives the asset, byte for byte
    And its log shows a request and a delivery of the asset and of its parent folder
    When I look at its queues
    Then each of its two queues is idle and empty

  @BP-IMS-01 @BP-IMS-02 @change @author:fresh
  @surface:author.ims-create @surface:author.ims-delete @surface:author.ims-health
  Scenario: An OAuth integration is created from the credential's details and is healthy
    # Where AEM as a Cloud Service stores it cannot be read there, so its health check shows that it exists.
    When I create an IMS configuration of type OAuth for "Adobe Brand Portal" from the credential's details
    And I select it and click Check Health
    Then AEM shows "Healthy configuration" and that the token was retrieved successfully

  @BP-CLD-01 @change @author:fresh @surface:author.ims-create @surface:author.ims-delete
  Scenario: Save & Close creates the cloud configuration and the distribution agent
    Given the Author has no distribution agent for Brand Portal yet
    And an IMS configuration for Brand Portal was created from the credential's details
    When I create a cloud configuration with a title, that IMS configuration and the tenant URL, and click Save & Close
    Then the cloud configuration appears, with that IMS configuration and the tenant URL
    And the distribution agent for Brand Portal appears

  @BP-CLD-02 @observe
  Scenario: The cloud configuration names an IMS configuration and the tenant URL
    Given the Brand Portal cloud configuration of the tenant
    Then it has a title
    And it names an IMS configuration
    And its Service URL is the tenant URL

  @BP-CLD-03 @observe
  Scenario: The Author is configured with one Brand Portal tenant
    Then every Brand Portal cloud configuration of the Author is for the tenant

  @BP-CLD-04 @change @author:fresh @surface:author.ims-create @surface:author.ims-delete
  Scenario Outline: A configuration with <mistake> is refused and makes no distribution agent
    Given an IMS configuration for Brand Portal was created from the credential's details
    When I click Save & Close on a cloud configuration with <mistake>
    Then the Author refuses it
    And after a while there is still no Brand Portal cloud configuration or distribution agent

    Examples:
      | mistake                               |
      | no title                              |
      | no IMS configuration                  |
      | no Service URL                        |
      | the Service URL "https://"            |
