Feature: Adobe IMS integration in AEM

  Section "Create new Adobe IMS integration using OAuth":
  https://experienceleague.adobe.com/docs/experience-manager-65/content/assets/brand-portal/configure-aem-assets-with-brand-portal.html#create-ims-account-configuration

  Tools > Security > Adobe IMS Configurations > Create, cloud solution "Adobe Brand Portal", details from the Developer
  Console. There must be only one IMS configuration for Brand Portal, and it must pass the health check.

  @BP-IMS-01 @change @author:fresh @surface:author.ims-create @surface:author.ims-delete
  Scenario: An OAuth integration for Brand Portal is created from the credential's details
    Given the Author has no IMS configuration for Brand Portal
    When I create an IMS configuration of type OAuth for "Adobe Brand Portal" from the credential's details
    Then the Author has exactly one IMS configuration for Brand Portal
    And it is of type OAuth and holds the title, client id, scopes and token endpoint that I gave

  @BP-IMS-02 @probe @surface:author.ims-health
  Scenario: The health check retrieves a token
    Given the IMS configuration for Brand Portal
    When I select it and click Check Health
    Then AEM shows "Healthy configuration" and that the token was retrieved successfully

  # Only a mock can show what the Author really sends.
  @BP-IMS-02 @probe @surface:author.ims-health @mock:ims
  Scenario: For the health check the Author asks IMS for a token as documented
    Given the IMS configuration for Brand Portal
    And what arrives at IMS is watched
    When I select it and click Check Health
    Then IMS got a token request of the Author, by POST at the endpoint that its IMS configuration names
    And its form held the grant "client_credentials", the client id and scopes of that IMS configuration, and a client secret
    And IMS gave a token for it

  @BP-IMS-02 @observe
  Scenario: The Author tells of no token that IMS refused
    When I read the end of the Author's error log
    Then it shows no token that IMS refused

  @BP-IMS-03 @observe
  Scenario: There is only one IMS configuration for Brand Portal
    Then the Author has exactly one IMS configuration for Brand Portal

  @BP-IMS-04 @change @author:fresh
  @surface:author.ims-create @surface:author.ims-delete @surface:author.ims-health
  Scenario: An integration that fails the health check is deleted and a valid one created
    Given the Author has no IMS configuration for Brand Portal
    And an IMS configuration with a wrong client secret was created
    When I select it and click Check Health
    Then AEM does not show that the configuration is healthy
    When I delete it
    Then the Author has no IMS configuration for Brand Portal any more
    When I create an IMS configuration of type OAuth for "Adobe Brand Portal" from the credential's details
    And I select it and click Check Health
    Then AEM shows "Healthy configuration" and that the token was retrieved successfully
    And the Author has exactly one IMS configuration for Brand Portal

  @BP-IMS-05 @observe
  Scenario: The client secret cannot be read in clear
    Given the IMS configuration for Brand Portal
    Then its client secret is stored encrypted
    And none of these shows the client secret that was given:
      | Tools > Security > Adobe IMS Configurations         |
      | the stored IMS configurations                       |
      | the Brand Portal cloud configurations               |
      | the replication agents in the repository            |
