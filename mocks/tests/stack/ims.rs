//! IMS: surfaces.md §1.

use bpconform_fixtures::certificates::{IMS_SIGNING_KEY, IMS_SIGNING_PUBLIC_KEY};
use bpconform_fixtures::jwt;
use bpconform_mocks::stack::Stack;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use reqwest::multipart;
use serde_json::{Value, json as object};

use crate::{advance, client, json, stack, token, token_form};

async fn validity(stack: &Stack, token: &str) -> Value {
    let url = format!("{}/ims/validate_token/v1", stack.ims);
    let form = [("type", "access_token"), ("client_id", &stack.credentials()["BPCONFORM_IMS_CLIENT_ID"])];
    let (status, body) = json(client().post(url).bearer_auth(token).form(&form).send().await.unwrap()).await;
    assert_eq!(status, 200);
    body
}

#[tokio::test]
async fn every_version_takes_every_encoding() {
    let stack = stack().await;
    let fields = token_form(&stack);
    for version in 1..=4 {
        let url = format!("{}/ims/token/v{version}", stack.ims);
        let multipart =
            fields.iter().fold(multipart::Form::new(), |form, (name, value)| form.text(*name, value.clone()));
        let requests = [
            client().post(&url).form(&fields),
            client().post(&url).multipart(multipart),
            client().post(&url).query(&fields),
            client().post(&url).query(&fields[1..2]).form(&[&fields[..1], &fields[2..]].concat()),
        ];
        for request in requests {
            let (status, body) = json(request.send().await.unwrap()).await;
            assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &"bearer".into(), &86_399.into()));
        }
    }
}

#[tokio::test]
async fn a_token_is_signed_and_says_what_the_documentation_shows() {
    let stack = stack().await;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let key = DecodingKey::from_rsa_pem(IMS_SIGNING_PUBLIC_KEY.as_bytes()).unwrap();
    let claims = jwt::verify::<Value>(&token(&stack).await, &key, &validation).unwrap().claims;
    assert_eq!((&claims["type"], &claims["as"]), (&"access_token".into(), &"ims-na1".into()));
    assert_eq!(claims["client_id"], stack.credentials()["BPCONFORM_IMS_CLIENT_ID"].as_str());
    let number = |name: &str| claims[name].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(number("expires_in"), 86_400_000);
    assert!((Timestamp::now().as_millisecond() - number("created_at")).abs() < 60_000);
}

#[tokio::test]
async fn a_wrong_token_request_is_refused_row_by_row() {
    let stack = stack().await;
    let rows = [
        ("client_id", "nobody", "invalid_client", Some("invalid client_id parameter")),
        ("client_id", "", "invalid_client", Some("invalid client_id parameter")),
        ("client_secret", "wrong", "invalid_client", Some("invalid client_secret parameter")),
        ("client_secret", "", "invalid_client", Some("invalid client_secret parameter")),
        ("scope", "openid,not_mine", "invalid_scope", None),
        ("scope", "", "invalid_scope", None),
        ("grant_type", "password", "unsupported_grant_type", None),
    ];
    for (name, value, code, description) in rows {
        let mut form = token_form(&stack);
        form.iter_mut().filter(|field| field.0 == name).for_each(|field| value.clone_into(&mut field.1));
        let url = format!("{}/ims/token/v3", stack.ims);
        let (status, body) = json(client().post(url).form(&form).send().await.unwrap()).await;
        assert_eq!((status, body["error"].as_str()), (400, Some(code)), "{name}={value}");
        assert!(description.is_none_or(|description| body["error_description"] == description), "{body}");
        assert_eq!(body["access_token"], Value::Null);
    }
}

#[tokio::test]
async fn a_token_is_valid_until_the_clock_says_otherwise() {
    let stack = stack().await;
    let token = token(&stack).await;
    assert_eq!(validity(&stack, &token).await["valid"], true);
    advance(&stack, 86_000_000).await;
    assert_eq!(validity(&stack, &token).await["valid"], true);
    advance(&stack, 400_001).await;
    let after = validity(&stack, &token).await;
    assert_eq!((&after["valid"], &after["reason"]), (&false.into(), &"expired".into()));
}

#[tokio::test]
async fn a_forged_token_is_not_valid() {
    let stack = stack().await;
    let genuine = token(&stack).await;
    let (unsigned, signature) = genuine.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    for forged in [format!("{unsigned}.{flipped}"), "nonsense".to_owned(), format!("{unsigned}.")] {
        let answer = validity(&stack, &forged).await;
        assert_eq!(answer["valid"], false);
        assert!(answer["reason"].is_string());
    }
}

/// What a service account signs (surfaces.md §1.3).
fn claims(stack: &Stack) -> Value {
    let credential = |name: &str| &stack.credentials()[name];
    object!({
        "exp": Timestamp::now().as_second() + 3600,
        "iss": credential("BPCONFORM_IMS_ORG_ID"),
        "sub": credential("BPCONFORM_JWT_TECHNICAL_ACCOUNT"),
        "aud": format!("https://ims-na1.adobelogin.com/c/{}", credential("BPCONFORM_JWT_CLIENT_ID")),
        "https://ims-na1.adobelogin.com/s/ent_brand_portal_sdk": true,
    })
}

fn signed(claims: &Value, key: &str) -> String {
    jwt::sign(&Header::new(Algorithm::RS256), claims, &EncodingKey::from_rsa_pem(key.as_bytes()).unwrap()).unwrap()
}

async fn exchange(stack: &Stack, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/ims/exchange/jwt", stack.ims);
    json(client().post(url).form(form).send().await.unwrap()).await
}

#[tokio::test]
async fn a_signed_jwt_is_exchanged_for_a_token_that_is_good() {
    let stack = stack().await;
    let credential = |name: &str| stack.credentials()[name].as_str();
    let jwt = signed(&claims(&stack), credential("BPCONFORM_JWT_PRIVATE_KEY"));
    let fields = [
        ("client_id", credential("BPCONFORM_JWT_CLIENT_ID")),
        ("client_secret", credential("BPCONFORM_JWT_CLIENT_SECRET")),
        ("jwt_token", &jwt),
    ];
    let (status, body) = exchange(&stack, &fields).await;
    assert_eq!((status, &body["expires_in"]), (200, &86_399_000.into()));
    let token = body["access_token"].as_str().unwrap();
    let url = format!("{}/ims/validate_token/v1", stack.ims);
    let form = [("type", "access_token"), ("client_id", credential("BPCONFORM_JWT_CLIENT_ID"))];
    let (_, body) = json(client().post(url).bearer_auth(token).form(&form).send().await.unwrap()).await;
    assert_eq!(body["valid"], true);
}

#[tokio::test]
async fn a_wrong_exchange_is_refused_row_by_row() {
    let stack = stack().await;
    let credential = |name: &str| stack.credentials()[name].as_str();
    let (id, secret) = (credential("BPCONFORM_JWT_CLIENT_ID"), credential("BPCONFORM_JWT_CLIENT_SECRET"));
    let key = credential("BPCONFORM_JWT_PRIVATE_KEY");
    let with = |name: &str, value: Value| {
        let mut claims = claims(&stack);
        claims[name] = value;
        signed(&claims, key)
    };
    let good = signed(&claims(&stack), key);
    let once = with("jti", 1.into());
    let mut no_scope = claims(&stack);
    no_scope.as_object_mut().unwrap().retain(|name, _| !name.contains("/s/"));
    let (past, elsewhere) = (Timestamp::now().as_second() - 10, "https://ims-na1.adobelogin.com/c/somebody-else");
    let oauth = (credential("BPCONFORM_IMS_CLIENT_ID"), credential("BPCONFORM_IMS_CLIENT_SECRET"));
    let used = [("client_id", id), ("client_secret", secret), ("jwt_token", &once)];
    assert_eq!(exchange(&stack, &used).await.0, 200);
    let rows = [
        ("nothing at all", "", "", String::new(), 400, "bad_request"),
        ("no client", "", secret, good.clone(), 400, "invalid_client"),
        ("an unknown client", "nobody", secret, good.clone(), 400, "invalid_client"),
        ("another audience", id, secret, with("aud", elsewhere.into()), 400, "invalid_client"),
        ("a wrong secret", id, "wrong", good.clone(), 401, "invalid_client"),
        ("a client without exchange_jwt", oauth.0, oauth.1, good, 401, "invalid_client"),
        ("no JWT", id, secret, String::new(), 400, "invalid_token"),
        ("no JWT but noise", id, secret, "a.b.c".to_owned(), 400, "invalid_token"),
        ("an expired JWT", id, secret, with("exp", past.into()), 400, "invalid_token"),
        ("exp as a text", id, secret, with("exp", "soon".into()), 400, "invalid_token"),
        ("jti as a text", id, secret, with("jti", "one".into()), 400, "invalid_token"),
        ("an issuer that is not an organization", id, secret, with("iss", "nobody".into()), 400, "bad_request"),
        ("a stranger's signature", id, secret, signed(&claims(&stack), IMS_SIGNING_KEY), 400, "invalid_signature"),
        ("a jti again", id, secret, once.clone(), 400, "invalid_jti"),
        ("no metascope", id, secret, signed(&no_scope, key), 400, "invalid_scope"),
        (
            "a metascope that is not bound",
            id,
            secret,
            with("https://ims-na1.adobelogin.com/s/ent_other_sdk", true.into()),
            400,
            "invalid_scope",
        ),
    ];
    for (row, id, secret, jwt, status, code) in rows {
        let form = [("client_id", id), ("client_secret", secret), ("jwt_token", &jwt)];
        let (got, body) = exchange(&stack, &form).await;
        assert_eq!((got, body["error"].as_str()), (status, Some(code)), "{row}: {body}");
    }
}
