//! The users of the Author (surfaces.md §5.3), the Mac user of a tenant among them (§0.5).

use std::collections::BTreeMap;

use bpconform_fixtures::Cause;
use bpconform_fixtures::surfaces::expand;
use serde::Deserialize;
use serde_json::{Value, json};

use super::repository;
use crate::call::Call;
use crate::credentials::AuthorLogin;
use crate::problem::{Checked, Problem, ensure};
use crate::session::Session;

/// A user of the Author.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user's id.
    #[serde(rename = "authorizableId")]
    pub id: String,
    /// The path of the user's node.
    pub home: String,
}

/// Who is not logged in.
pub const NOBODY: &str = "anonymous";

/// The user that the run is logged in as; `anonymous` without a login.
pub async fn current(session: &Session) -> Checked<String> {
    // A session may end at any time, so an earlier answer must not be reused.
    let reply = session.send(Call::to("author.current-user").fresh()).await?.expect_status(&[200])?;
    let id = reply.json()?.get("authorizableId").and_then(Value::as_str).map(str::to_owned);
    let id = id.filter(|id| !id.is_empty());
    id.ok_or_else(|| Problem::error(format!("{} does not say who the user is; {}", reply.what(), reply.excerpt())))
}

/// The user that the run is logged in as; an error if that is nobody any more.
pub async fn logged_in(session: &Session) -> Checked<String> {
    let found = current(session).await?;
    if found == NOBODY {
        // It accepted the credentials when the run began.
        let advice = session.credentials.author_advice();
        let problem = Problem::error(format!(
            "the Author identifies the run as {found}: the session has ended, or something removes the login; {advice}"
        ));
        return Err(problem.because(Cause::SessionEnded));
    }
    Ok(found)
}

/// A user that every Author has: who cannot see this one cannot see users.
const EVERYWHERE: &str = NOBODY;

/// The user with that id, ignoring case; `None` only if the user is proved to be absent.
pub async fn find(session: &Session, id: &str) -> Checked<Option<User>> {
    let found = search(session, id).await?;
    if found.is_none() && search(session, EVERYWHERE).await?.is_none() {
        let problem = Problem::error(format!(
            "no user {id} is found, and neither is {EVERYWHERE}, whom every Author has: the run's user may not read users"
        ));
        return Err(problem.because(Cause::AccessDenied));
    }
    Ok(found)
}

async fn search(session: &Session, id: &str) -> Checked<Option<User>> {
    #[derive(Deserialize)]
    struct Page {
        authorizables: Vec<Value>,
    }
    let query = json!({ "condition": [{ "named": id }] }).to_string();
    let reply = session.send(Call::to("author.authorizables").field("query", query)).await?.expect_status(&[200])?;
    let unreadable = |error: &serde_json::Error| {
        Problem::error(format!("{} is not a list of users ({error}); {}", reply.what(), reply.excerpt()))
    };
    let page: Page = serde_json::from_value(reply.json()?).map_err(|error| unreadable(&error))?;
    // The search may find similar names too.
    let same = |user: &&Value| {
        user.get("authorizableId").and_then(Value::as_str).is_some_and(|it| it.eq_ignore_ascii_case(id))
    };
    let user = page.authorizables.iter().find(same);
    user.map(|user| serde_json::from_value(user.clone()).map_err(|error| unreadable(&error))).transpose()
}

/// The id of the run's tenant's Mac user, `mac-<tenant>-replication`.
pub fn mac_user_id(session: &Session) -> Checked<String> {
    of_tenant(session, "mac-user")
}

/// The folder of the run's tenant's Mac user, `/home/users/mac/<tenant>`.
pub fn mac_folder(session: &Session) -> Checked<String> {
    of_tenant(session, "mac-folder")
}

fn of_tenant(session: &Session, phrase: &str) -> Checked<String> {
    named(session, phrase, &session.stack.tenant_id()?)
}

fn named(session: &Session, phrase: &str, tenant: &str) -> Checked<String> {
    let values = BTreeMap::from([("tenant".to_owned(), tenant.to_owned())]);
    expand(session.surface("author.authorizables").phrase(phrase), &values)
        .map_err(|missing| Problem::error(format!("author.authorizables: {phrase}: no value for {missing}")))
}

/// The Mac user of the run's tenant, if there is one.
pub async fn mac_user(session: &Session) -> Checked<Option<User>> {
    mac_user_of(session, &session.stack.tenant_id()?).await
}

/// The Mac user of any tenant, if there is one: by the search, or in the folder of the tenant, since the index that is
/// searched may lag behind. What a run takes for absent counts as its own later.
pub async fn mac_user_of(session: &Session, tenant: &str) -> Checked<Option<User>> {
    let id = named(session, "mac-user", tenant)?;
    if let Some(user) = find(session, &id).await? {
        return Ok(Some(user));
    }
    let path = named(session, "mac-folder", tenant)?;
    let folder = repository::read(session, &path, "1").await?.unwrap_or_default();
    let is_the_user = |node: &Value| {
        let own = repository::text(node, "rep:authorizableId").or_else(|| repository::text(node, "rep:principalName"));
        own.is_some_and(|own| own.eq_ignore_ascii_case(&id))
    };
    let home = repository::children(&folder).find(|(_, node)| is_the_user(node));
    Ok(home.map(|(name, _)| User { id: id.clone(), home: format!("{path}/{name}") }))
}

/// The tenants that have a folder for their Mac user.
pub(crate) async fn tenants_with_folder(session: &Session) -> Checked<Vec<String>> {
    let own = mac_folder(session)?;
    let Some((parent, _)) = own.rsplit_once('/') else { return Ok(Vec::new()) };
    let folder = repository::read(session, parent, "1").await?.unwrap_or_default();
    Ok(repository::children(&folder).map(|(name, _)| name.to_owned()).collect())
}

/// Fails when a user is disabled: the property holds the reason.
pub async fn judge_enabled(session: &Session, user: &User) -> Checked {
    let node = repository::read(session, &user.home, "0").await?;
    let node = node.ok_or_else(|| Problem::failed(format!("the user {} has no node at {}", user.id, user.home)))?;
    if let Some(other) = repository::text(&node, "rep:authorizableId").filter(|it| !it.eq_ignore_ascii_case(&user.id)) {
        return Err(Problem::error(format!("the node at {} is of the user {other}, not of {}", user.home, user.id)));
    }
    if repository::text(&node, "jcr:primaryType").as_deref() == Some("rep:Group") {
        return Err(Problem::failed(format!("{} at {} is a group, not a user", user.id, user.home)));
    }
    match repository::text(&node, "rep:disabled") {
        Some(reason) => {
            let problem = Problem::failed(format!("the user {} is disabled: {reason}", user.id));
            Err(problem.because(Cause::UserDisabled))
        }
        None => Ok(()),
    }
}

/// Fails unless the Author identifies the run as the user whose credentials were given.
pub async fn judge_current(session: &Session) -> Checked {
    let (login, found) = (session.credentials.author_login()?, logged_in(session).await?);
    // The run does not know the user of a token.
    let AuthorLogin::Password(given, _) = login else { return Ok(()) };
    ensure(is_same_user(&found, given), || {
        format!("the Author identifies the run as {found}, not as {given}: are user and password right?")
    })
}

/// Whether the id of a user is that of a login. A directory such as LDAP may write it in another case, and a person may log
/// in with a domain (`CORP\name`, `name@corp.example`) or a distinguished name (`uid=name,ou=people`).
fn is_same_user(id: &str, login: &str) -> bool {
    let (id, login) = (id.trim().to_lowercase(), login.trim().to_lowercase());
    let (plain_id, plain_login) = (without_domain(&id), without_domain(&login));
    // Two users of different domains may have the same name.
    let is_one_plain = plain_id == id || plain_login == login;
    id == login || (is_one_plain && !plain_id.is_empty() && plain_id == plain_login)
}

/// The name in a login, in lower case.
fn without_domain(login: &str) -> &str {
    let first = login.split(',').next().unwrap_or(login);
    let named = first.split_once('=').filter(|(kind, _)| ["uid", "cn", "samaccountname"].contains(&kind.trim()));
    let name = named.map_or(login, |(_, name)| name);
    let name = name.rsplit('\\').next().unwrap_or(name);
    name.split('@').next().unwrap_or(name).trim()
}

/// Fails unless a user is below that folder, which ends with a slash.
pub fn judge_home(user: &User, folder: &str) -> Checked {
    ensure(user.home.starts_with(folder), || format!("the user {} is at {}, not below {folder}", user.id, user.home))
}

/// Fails unless a user has these nodes.
pub async fn judge_nodes(session: &Session, user: &User, names: &[&str]) -> Checked {
    let mut missing = Vec::new();
    for name in names {
        if !repository::has_child(session, &user.home, name).await? {
            missing.push(*name);
        }
    }
    ensure(missing.is_empty(), || format!("the user {} at {} lacks {missing:?}", user.id, user.home))
}

/// Deletes a user as the documentation's examples do.
pub fn deletion(home: &str) -> Call {
    Call::to("author.authorizable-delete").with("path", home.trim_start_matches('/')).field("delete", "")
}

#[cfg(test)]
mod tests {
    use super::is_same_user;

    #[test]
    fn a_login_with_a_domain_is_the_same_user() {
        for login in
            ["admin", "ADMIN", "CORP\\admin", "admin@corp.example", "uid=admin,ou=people,dc=corp", "cn=Admin,o=x"]
        {
            assert!(is_same_user("admin", login), "{login}");
        }
        for login in ["administrator", "CORP\\other", "other@admin", "uid=other,ou=admin", ""] {
            assert!(!is_same_user("admin", login), "{login}");
        }
        assert!(is_same_user("jane@corp.example", "jane@corp.example") && is_same_user("CORP\\jane", "jane"));
        assert!(!is_same_user("jane@corp.example", "jane@other.example") && !is_same_user("A\\jane", "B\\jane"));
    }
}
