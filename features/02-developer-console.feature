Feature: OAuth credentials in the Adobe Developer Console

  Section "Configure the OAuth credentials in the Adobe Developer Console":
  https://experienceleague.adobe.com/docs/experience-manager-65/content/assets/brand-portal/configure-aem-assets-with-brand-portal.html#config-oauth

  A project is created for the Brand Portal tenant (organization), the Brand Portal API is added to it with an OAuth
  Server-to-Server credential, and with that credential Adobe IMS gives an access token.

  @BP-CON-01 @change @real:ims
  @surface:console.project-create @surface:console.project @surface:console.project-delete @surface:console.api-add
  Scenario: A project with the Brand Portal API is created for the tenant's organization
    When I create a project for the IMS organization
    And I add the API "AEM Brand Portal" to it with an OAuth Server-to-Server credential
    Then the project belongs to that organization and lists the API "AEM Brand Portal"
    And the credential has a client id, a client secret, scopes and a technical account of that organization
    And IMS gives an access token for that credential

  @BP-CON-02 @probe @real:ims
  Scenario: The OAuth Server-to-Server credential yields a token
    When I ask IMS for an access token with the credential
    Then the token's type is "bearer"
    And the token expires in more than 0 and at most 86400 seconds
    And IMS says that the token is valid

  @BP-CON-03 @probe @real:ims
  Scenario Outline: IMS refuses a wrong <what>
    When I ask IMS for an access token with the <what> "<value>"
    Then IMS refuses with status 400 and the error "<error>"
    And IMS describes the error as "<description>"

    # An empty description means that the documentation does not give one.
    Examples:
      | what          | value                     | error                  | description                     |
      | client id     | bpconform-no-such-client  | invalid_client         | invalid client_id parameter     |
      | client secret | bpconform-wrong-secret    | invalid_client         | invalid client_secret parameter |
      | scope         | bpconform_no_such_scope   | invalid_scope          |                                 |
      | grant         | bpconform_no_such_grant   | unsupported_grant_type |                                 |

  @BP-CON-04 @change
  @surface:console.project-create @surface:console.project @surface:console.project-delete @surface:console.api-add
  Scenario: New JWT credentials can no longer be created, only OAuth credentials
    When I create a project for the IMS organization
    And I try to add the API "AEM Brand Portal" to it with a service account (JWT) credential
    Then the Developer Console refuses
    And the project has no credential
    When I add the API "AEM Brand Portal" to it with an OAuth Server-to-Server credential
    Then the project belongs to that organization and lists the API "AEM Brand Portal"
