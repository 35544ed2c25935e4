Feature: Prerequisites

  Section "Prerequisites" of "Configure AEM Assets with Brand Portal" (AEM 6.5):
  https://experienceleague.adobe.com/docs/experience-manager-65/content/assets/brand-portal/configure-aem-assets-with-brand-portal.html#prerequisites

  The document requires a running AEM Assets Author instance with the latest Service Pack, a Brand Portal tenant URL, and a
  user with the privileges that the steps need. These scenarios only read.

  @BP-PRE-01 @observe
  Scenario: The Author is up and running
    When I open the Author's login page
    Then AEM's login page is shown
    And the Author's run modes include "author"
    And all OSGi bundles are active
    And the replication bundle is active

  @BP-PRE-07 @observe
  Scenario: Brand Portal's own bundles are there and active
    Then each bundle of Brand Portal is there and active

  @BP-PRE-02 @observe
  Scenario: AEM supports the configuration through Adobe Developer Console
    Then the version of AEM is 6.5.4.0 or later

  @BP-PRE-03 @observe
  Scenario: The latest Service Pack is installed
    # The latest Service Pack changes over time, so the operator of the run specifies it.
    Then the version of AEM is the latest Service Pack or later

  @BP-PRE-03 @observe
  Scenario: AEM can hold OAuth credentials for Adobe IMS
    # JWT credentials can no longer be created; OAuth needs Service Pack 21, or the hotfix on Service Packs 11 to 20.
    Then AEM is at Service Pack 21 or later, or at 11 to 20 with the package "ims-jwt-compatibility-package-6.5"

  @BP-PRE-04 @observe @real:tenant
  Scenario: The Brand Portal tenant URL is well formed and answers
    Given the Brand Portal tenant URL
    Then it has the form https://TENANT-ID.brand-portal.adobe.com/
    And the tenant answers at it

  @BP-PRE-04 @observe @product:aem-6.5 @product:aem-6.5-lts
  Scenario: The Author uses the URL with the tenant id, not an alias
    Given the Brand Portal tenant URL
    Then the Author's cloud configuration uses that URL
    And the replication agents that deliver to it carry its tenant id in their names

  @BP-PRE-05 @observe
  Scenario: The user who drives the set-up is logged in
    Then the Author identifies me as the user whose credentials were given

  @BP-PRE-05 @observe @product:aem-6.5 @product:aem-6.5-lts
  Scenario: The user has the privileges that the steps need
    Then I may open each of these:
      | Tools > Security > Adobe IMS Configurations           |
      | Tools > Deployment > Replication > Agents on author   |
      | the replication agents in the repository              |
      | the stored IMS configurations                         |
      | the users of the Author                               |
      | Package Manager                                       |
      | the OSGi bundles of the Web Console                   |

  @BP-PRE-06 @observe
  Scenario: The Author is reached as configured, and a wrong address is a clear error
    # Checks the scheme, certificate authority, proxy and context path of the run's configuration.
    When I open the Author's login page
    Then AEM's login page is shown
    When I ask for the replication agents below a context path that does not exist
    Then the problem names that address and the context path
