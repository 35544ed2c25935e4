Feature: The service account (JWT) set-up, still in the field
  Before OAuth Server-to-Server there was the service account: a certificate created on the Author, uploaded to the Developer
  Console, and a JSON Web Token signed with its key that IMS exchanges for an access token. The Developer Console no longer
  creates such credentials, and existing ones stop working when their certificate expires. Authors that still have one are
  checked as they are, and the report names the steps of the migration.

  Rule: A certificate is created under an alias and downloaded

    @BP-JWT-01 @change @author:legacy-jwt @surface:author.certificate-create @surface:author.certificate-download
    Scenario: Create certificate and Download Public Key give an X.509 certificate of the key in the key store
      When a certificate for Brand Portal is created under an alias of this run
      Then the public key that is downloaded is an X.509 certificate that is valid now
      And the key store has that certificate under the alias

  Rule: IMS exchanges a token that was signed as documented

    @BP-JWT-02 @probe @author:legacy-jwt @real:ims
    Scenario: A signed JSON Web Token is exchanged for an access token
      When a JSON Web Token for Brand Portal is exchanged at IMS
      Then IMS answers with a bearer token that is good for at most 24 hours

    @BP-JWT-05 @probe @author:legacy-jwt @real:ims
    Scenario Outline: IMS refuses <what is wrong>
      When a JSON Web Token is exchanged with <what is wrong>
      Then IMS refuses it with status <status> and the error "<error>"

      Examples: the documented table of errors
        | what is wrong                                | status | error             |
        | no client id                                 | 400    | invalid_client    |
        | a client that IMS does not know              | 400    | invalid_client    |
        | the audience of another client               | 400    | invalid_client    |
        | a client that may not exchange tokens        | 401    | invalid_client    |
        | a client secret that is not the client's     | 401    | invalid_client    |
        | no token at all                              | 400    | invalid_token     |
        | a token that cannot be decoded               | 400    | invalid_token     |
        | a token that has expired                     | 400    | invalid_token     |
        | an expiry that is not a whole number         | 400    | invalid_token     |
        | a token id that is not a whole number        | 400    | invalid_token     |
        | a signature by another key                   | 400    | invalid_signature |
        | a token id that was used before              | 400    | invalid_jti       |
        | a metascope that the client does not have    | 400    | invalid_scope     |
        | an issuer that is no organization            | 400    | bad_request       |

  Rule: The IMS account passes its health check

    @BP-JWT-03 @change @author:legacy-jwt @surface:author.ims-create @surface:author.ims-health @surface:author.ims-delete
    Scenario: An IMS account is configured from the service account's credentials and is healthy
      Given the certificate of the JWT integration that the Author has
      When an IMS account of this run is created with authorization server, API key, client secret and JWT payload
      Then the health check of that IMS account retrieves a token

  Rule: A certificate that has expired, or soon will, is reported with its date

    @BP-JWT-04 @observe @author:configured
    Scenario: No certificate that Brand Portal relies on has expired or expires soon
      Then every certificate that Brand Portal relies on is good for longer than the warning time

    @BP-JWT-04 @observe @author:legacy-jwt
    Scenario: The end of a certificate is told with its date, before it and after it
      Given the certificate of the JWT integration that the Author has
      Then a day before its end it is reported as expiring soon, with its date
      And a day after its end it is reported as expired, with its date

  Rule: A configuration on JWT is deprecated

    @BP-JWT-06 @observe @author:configured
    Scenario: No Brand Portal integration is still on JWT
      Then no IMS configuration for Brand Portal is still on JWT

    @BP-JWT-06 @observe @author:legacy-jwt
    Scenario: An integration that is still on JWT is reported, with the migration's steps
      Then an IMS configuration that is still on JWT is reported as deprecated, with the steps of the migration
      And no request of this scenario has changed anything
