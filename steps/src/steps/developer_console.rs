//! Sentences of `02-developer-console.feature`.

#![expect(clippy::needless_pass_by_value, reason = "cucumber gives a step its values")]

use bpconform_step_macros::{then, when};
use serde_json::Value;

use super::{STATUS, number};
use crate::author::repository::text;
use crate::call::Call;
use crate::ims::{self, Refusal, Token};
use crate::problem::{Checked, Problem, ensure};
use crate::reply::Reply;
use crate::undo::Undo;
use crate::world::World;

/// The longest time that a token may be good for, in seconds: 24 h (surfaces.md §1.1).
const LONGEST: i64 = 86_400;

/// A project of this run in the Developer Console.
#[derive(Debug)]
struct Project {
    org: String,
    id: String,
}

/// The credential that the Developer Console made. Its fields are secrets and are never shown.
struct Credential(Value);

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential")
    }
}

#[derive(Debug)]
struct JwtAttempt(Reply);

#[derive(Debug)]
struct Answer(Reply);

#[when("I create a project for the IMS organization")]
async fn create_project(world: &mut World) -> Checked {
    let session = world.session()?;
    let org = session.credentials.need("BPCONFORM_IMS_ORG_ID")?.to_owned();
    let title = session.name("project");
    let call = Call::to("console.project-create").with("org", &org).field("title", &title);
    let undo = Undo::Project { org: org.clone(), title };
    let reply = session.send(call.undone_by([undo])).await?.expect_status(&[200, 201])?;
    let id = text(&reply.json()?, "id").ok_or_else(|| {
        Problem::error(format!("{} contains no id of the project; {}", reply.what(), reply.excerpt()))
    })?;
    world.keep(Project { org, id });
    Ok(())
}

#[when(expr = "I add the API {string} to it with an OAuth Server-to-Server credential")]
async fn add_oauth(world: &mut World, api: String) -> Checked {
    let reply = add_api(world, &api, "oauth").await?;
    // Other statuses, and pages, are those of a gateway or of a session that ended.
    if reply.status == 400 && reply.json().is_ok() {
        return Err(Problem::failed(format!(
            "the Developer Console refuses an OAuth credential for {api} with {}; {}",
            reply.status,
            reply.excerpt()
        )));
    }
    let credential = reply.expect_status(&[200, 201])?.json()?;
    if let Some(secret) = text(&credential, "clientSecret") {
        world.session()?.run.redactor.learn(&secret);
    }
    world.keep(Credential(credential));
    Ok(())
}

#[when(expr = "I try to add the API {string} to it with a service account \\(JWT) credential")]
async fn try_jwt(world: &mut World, api: String) -> Checked {
    let reply = add_api(world, &api, "jwt").await?;
    world.keep(JwtAttempt(reply));
    Ok(())
}

/// Adds an API to the project; it goes away with the project.
async fn add_api(world: &World, api: &str, credential_type: &str) -> Checked<Reply> {
    let (session, project) = (world.session()?, world.kept::<Project>()?);
    let surface = session.surface("console.api-add");
    let call = Call::to("console.api-add")
        .with("org", &project.org)
        .with("project", &project.id)
        .field("api", api)
        .field("credential-name", session.name("credential"))
        .field("credential-type", surface.phrase(credential_type))
        .field("product-profile", surface.phrase("product-profile"));
    session.send(call.undone_by([])).await
}

async fn project(world: &World) -> Checked<Value> {
    let (session, project) = (world.session()?, world.kept::<Project>()?);
    let call = Call::to("console.project").with("org", &project.org).with("project", &project.id);
    session.send(call).await?.expect_status(&[200])?.json()
}

#[then(expr = "the project belongs to that organization and lists the API {string}")]
async fn project_lists(world: &mut World, api: String) -> Checked {
    let (found, expected) = (project(world).await?, &world.kept::<Project>()?.org);
    let org = text(&found, "orgId").unwrap_or_default();
    ensure(org == *expected, || format!("the project belongs to the organization {org}, not {expected}"))?;
    let name = |it: &Value| it.as_str().map(str::to_owned).or_else(|| text(it, "name")).unwrap_or_default();
    let apis: Vec<String> = list(&found, "apis")?.iter().map(name).collect();
    ensure(apis.contains(&api), || format!("the project lists the APIs [{}], without {api}", apis.join(", ")))
}

fn list<'a>(project: &'a Value, name: &str) -> Checked<&'a Vec<Value>> {
    let list = project.get(name).and_then(Value::as_array);
    list.ok_or_else(|| Problem::error(format!("the Developer Console does not contain the project's {name}")))
}

#[then("the credential has a client id, a client secret, scopes and a technical account of that organization")]
fn credential_is_whole(world: &mut World) -> Checked {
    let (Credential(found), Project { org, .. }) = (world.kept()?, world.kept()?);
    for field in ["clientId", "clientSecret", "scopes", "technicalAccountId"] {
        ensure(text(found, field).is_some_and(|value| !value.is_empty()), || format!("the credential has no {field}"))?;
    }
    let found = text(found, "orgId").unwrap_or_default();
    ensure(found == *org, || format!("the credential is of the organization {found}, not {org}"))
}

#[then("IMS gives an access token for that credential")]
async fn credential_yields_token(world: &mut World) -> Checked {
    let (session, Credential(credential)) = (world.session()?, world.kept()?);
    let value = |name| text(credential, name).unwrap_or_default();
    let (id, secret, scope) = (value("clientId"), value("clientSecret"), value("scopes"));
    let own = [("client-id", id.as_str()), ("client-secret", &secret), ("scope", &scope)];
    ims::token_with(session, &own).await.map(drop)
}

#[when("I ask IMS for an access token with the credential")]
async fn ask_for_token(world: &mut World) -> Checked {
    let token = ims::token(world.session()?).await?;
    world.keep(token);
    Ok(())
}

#[then(expr = "the token's type is {string}")]
fn token_type_is(world: &mut World, expected: String) -> Checked {
    let found = world.kept::<Token>()?.token_type.as_deref().unwrap_or("not told");
    ensure(found.eq_ignore_ascii_case(&expected), || format!("the token's type is {found}, not {expected}"))
}

#[then("the token expires in more than 0 and at most 86400 seconds")]
fn token_expires(world: &mut World) -> Checked {
    let found = world.kept::<Token>()?.expires_in;
    ensure(found.is_some_and(|seconds| seconds > 0 && seconds <= LONGEST), || {
        let found = found.map_or_else(|| "no whole number".to_owned(), |seconds| format!("{seconds}"));
        format!("expires_in is {found}; it must be in seconds, more than 0 and at most {LONGEST}")
    })
}

#[then("IMS says that the token is valid")]
async fn token_is_valid(world: &mut World) -> Checked {
    let valid = ims::validate(world.session()?, world.kept::<Token>()?).await?;
    ensure(valid, || "IMS says that the token that it has just given is not valid".to_owned())
}

#[when(regex = r#"^I ask IMS for an access token with the (client id|client secret|scope|grant) "([^"]+)"$"#)]
async fn ask_wrongly(world: &mut World, what: String, value: String) -> Checked {
    let reply = ims::request(world.session()?, &[(&what.replace(' ', "-"), &value)]).await?;
    world.keep(Answer(reply));
    Ok(())
}

#[then(expr = "IMS refuses with status {int} and the error {string}")]
fn ims_refuses(world: &mut World, status: String, error: String) -> Checked {
    let status = number(&status, STATUS)?;
    let Answer(reply) = world.kept()?;
    if reply.status >= 500 || (300..400).contains(&reply.status) {
        return reply.clone().expect_status(&[status]).map(drop);
    }
    let refusal = Refusal::read(reply).map_err(|problem| {
        // A token for a wrong credential is not an unreadable refusal: the request was not refused.
        let given = reply.status == 200 && reply.json().is_ok_and(|json| ims::read(&json).is_some());
        if given { Problem::failed("IMS does not refuse: it answers 200 with a token") } else { problem }
    })?;
    ensure(reply.status == status && refusal.error == error, || {
        format!("IMS answers {} with {refusal}; the documentation says {status} with {error}", reply.status)
    })
}

#[then(expr = "IMS describes the error as {string}")]
fn ims_describes(world: &mut World, description: String) -> Checked {
    let Answer(reply) = world.kept()?;
    if description.is_empty() {
        return Ok(());
    }
    let found = Refusal::read(reply)?.description;
    ensure(found == description, || format!("IMS describes the error as \"{found}\", not \"{description}\""))
}

#[then("the Developer Console refuses")]
fn console_refuses(world: &mut World) -> Checked {
    let JwtAttempt(reply) = world.kept()?;
    match reply.status {
        200..300 => {
            Err(Problem::failed(format!("the Developer Console made a JWT credential (status {})", reply.status)))
        }
        _ => reply.expect_refusal(names_a_code),
    }
}

/// Whether an answer of the Developer Console says why it refuses: with a message, and a code that is one word.
fn names_a_code(json: &Value) -> bool {
    let is_code = |name: &str| {
        let code = json.get(name).and_then(Value::as_str).unwrap_or_default();
        !code.is_empty() && code.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
    };
    json["message"].is_string() && ["error_code", "error"].into_iter().any(is_code)
}

#[then("the project has no credential")]
async fn project_has_no_credential(world: &mut World) -> Checked {
    let found = project(world).await?;
    let credentials = list(&found, "credentials")?;
    ensure(credentials.is_empty(), || format!("the project has {} credentials after the refusal", credentials.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_of_the_developer_console_has_a_code_and_a_message() {
        for key in ["error", "error_code"] {
            assert!(names_a_code(&json!({key: "jwt_credentials_deprecated", "message": "x"})), "{key}");
        }
        for other in [
            json!({"status": 400, "error": "Bad Request", "message": "blocked"}),
            json!({"error": "bad_request"}),
            json!({"message": "Forbidden"}),
            json!([]),
            json!(null),
        ] {
            assert!(!names_a_code(&other), "{other}");
        }
    }
}
