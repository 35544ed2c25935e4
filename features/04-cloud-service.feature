@product:aem-6.5 @product:aem-6.5-lts
Feature: Brand Portal cloud service

  Section "Configure cloud service":
  https://experienceleague.adobe.com/docs/experience-manager-65/content/assets/brand-portal/configure-aem-assets-with-brand-portal.html#configure-cloud-service

  Tools > Cloud Services > AEM Brand Portal > Create: a Title, the IMS configuration and the Service URL, then Save & Close.
  An Author may be configured with one Brand Portal tenant only.

  @BP-CLD-01 @change @author:fresh @surface:author.ims-create @surface:author.ims-delete
  Scenario: Save & Close creates the cloud configuration
    Given the Author has no Brand Portal configuration
    And an IMS configuration for Brand Portal was created from the credential's details
    When I create a cloud configuration with a title, that IMS configuration and the tenant URL, and click Save & Close
    Then the cloud configuration appears with that title, that IMS configuration and the tenant URL
    And the four replication agents of the tenant appear
    And the Mac user of the tenant appears

  @BP-CLD-02 @observe
  Scenario: The cloud configuration holds title, IMS configuration and tenant URL
    Given the Brand Portal cloud configuration of the tenant
    Then it has a title
    And its IMS configuration is one for Brand Portal that exists on the Author
    And its Service URL is the tenant URL

  @BP-CLD-03 @observe
  Scenario: The Author is configured with one Brand Portal tenant only
    Then every Brand Portal cloud configuration of the Author is for the tenant
    And no replication agent of another tenant is on the Author

  @BP-CLD-04 @change @author:fresh @surface:author.ims-create @surface:author.ims-delete
  Scenario Outline: A configuration with <mistake> is refused and leaves nothing behind
    Given the Author has no Brand Portal configuration
    And an IMS configuration for Brand Portal was created from the credential's details
    When I click Save & Close on a cloud configuration with <mistake>
    Then the Author refuses it
    And after a while there is still no Brand Portal cloud configuration, replication agent or Mac user of the tenant

    Examples:
      | mistake                               |
      | no title                              |
      | no IMS configuration                  |
      | no Service URL                        |
      | the Service URL "bpconform"           |
      | the Service URL "https://"            |
      | the Service URL "ftp://a.example/"    |
