//! Whether the run's user has the rights that the documentation requires for publishing (surfaces.md §3.6): read on what AEM
//! and the configuration consist of, and the privilege to replicate content.

use serde_json::Value;

use super::{repository, users};
use crate::problem::{Checked, Kind, Problem};
use crate::session::Session;

/// What shows that a user may publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It is the administrator, to whom nothing is denied.
    Administrator,
    /// The repository grants it to the user by name.
    Granted,
    /// The user may read all that is needed; whether a group grants or denies the rest is not shown.
    Open,
}

/// What the entries of one node say of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Allows,
    Denies,
    /// Something, but for a part of what is below only.
    Partly,
    Silent,
}

/// Fails when the run's user lacks what publishing needs.
pub async fn judge(session: &Session) -> Checked<(String, Shown)> {
    let surface = session.surface("author.current-user");
    let user = users::logged_in(session).await?;
    if user == surface.phrase("administrator") {
        return Ok((user, Shown::Administrator));
    }
    reads_all(session, &user, surface.phrase("publisher-reads").split(' ')).await?;
    let privileges: Vec<&str> = surface.phrase("replicates-by").split(' ').collect();
    let mut entries = Vec::new();
    for path in surface.phrase("publisher-replicates").split(' ') {
        let policy = repository::read(session, &format!("{path}/rep:policy"), "2").await?.unwrap_or_default();
        let entry = entry_of(&policy, &user, &privileges);
        if entry == Entry::Denies {
            return Err(Problem::failed(format!("{path} denies {user} the privilege {}", privileges[0])));
        }
        entries.push(entry);
    }
    // A grant on a node applies to everything below it that has no entry for the user.
    let is_granted = entries.first() == Some(&Entry::Allows) && !entries.contains(&Entry::Partly);
    let shown = if is_granted { Shown::Granted } else { Shown::Open };
    Ok((user, shown))
}

/// Fails for the first node that is hidden from the user, if another one is not: where the Author sends no node as JSON, the
/// user's rights are not the reason.
async fn reads_all<'a>(session: &Session, user: &str, paths: impl Iterator<Item = &'a str>) -> Checked {
    let (mut hidden, mut read) = (None, 0);
    for path in paths {
        match may_read(session, user, path).await {
            Ok(()) => read += 1,
            Err(problem) if problem.kind == Kind::Failed => hidden = hidden.or(Some(problem)),
            Err(problem) => return Err(problem),
        }
    }
    match hidden {
        None => Ok(()),
        Some(problem) if read > 0 => Err(problem),
        Some(problem) => Err(Problem::error(format!("{}; no node is sent as JSON at all", problem.reason))),
    }
}

/// Every Author has these nodes, so that one which Sling's own page does not find is hidden from the user. Any other refusal
/// may come from a web server in between.
async fn may_read(session: &Session, user: &str, path: &str) -> Checked {
    let reply = session.send(repository::node(path, "0")).await?;
    let is_refused = matches!(reply.status, 403 | 404);
    if is_refused && reply.is_slings_own_page() && users::current(session).await? == user {
        return Err(Problem::failed(format!("{user} may not read {path}, and publishing requires it")));
    }
    if reply.status == 404 {
        return Err(repository::hidden(session, path, &reply).await);
    }
    repository::object(reply).map(drop)
}

/// The properties of an entry that holds for all below its node. Any other is a restriction.
const OF_ENTRY: [&str; 4] = ["jcr:primaryType", "rep:principalName", "rep:privileges", "rep:nodePath"];

/// What the entries of an access control list say of a user by name. The last one counts; an entry with a restriction
/// holds for a part of what is below only. The entries of groups are left out: which groups a user is in is not known.
fn entry_of(policy: &Value, user: &str, privileges: &[&str]) -> Entry {
    let mut entries = policy.as_object().into_iter().flatten().map(|(_, entry)| entry);
    let is_about = |entry: &&Value| {
        let names = entry.get("rep:privileges").and_then(Value::as_array).into_iter().flatten();
        let named = names.filter_map(Value::as_str).any(|name| privileges.contains(&name));
        let whose = repository::text(entry, "rep:principalName");
        named && whose.is_some_and(|it| it.eq_ignore_ascii_case(user))
    };
    let Some(last) = entries.rfind(is_about) else { return Entry::Silent };
    let mut names = last.as_object().into_iter().flat_map(|entry| entry.keys());
    if !names.all(|name| OF_ENTRY.contains(&name.as_str())) {
        return Entry::Partly;
    }
    match repository::text(last, "jcr:primaryType").as_deref() {
        Some("rep:GrantACE") => Entry::Allows,
        Some("rep:DenyACE") => Entry::Denies,
        _ => Entry::Silent,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_entry_of_the_user_counts() {
        let entry = |kind: &str, who: &str, privilege: &str| json!({"jcr:primaryType": kind, "rep:principalName": who, "rep:privileges": [privilege]});
        let (grant, deny) = ("rep:GrantACE", "rep:DenyACE");
        let restricted = {
            let mut restricted = entry(deny, "jane", "crx:replicate");
            restricted["rep:restrictions"] = json!({"rep:glob": "/x"});
            restricted
        };
        for (entries, expected) in [
            (vec![], Entry::Silent),
            (vec![entry(deny, "jane", "crx:replicate")], Entry::Denies),
            (vec![entry(deny, "Jane", "jcr:all")], Entry::Denies),
            (vec![entry(grant, "jane", "jcr:all")], Entry::Allows),
            (vec![entry(deny, "jane", "jcr:all"), entry(grant, "jane", "crx:replicate")], Entry::Allows),
            (vec![entry(grant, "jane", "jcr:all"), entry(deny, "jane", "crx:replicate")], Entry::Denies),
            (vec![entry(deny, "everyone", "jcr:all"), entry(deny, "john", "jcr:all")], Entry::Silent),
            (vec![entry(deny, "jane", "jcr:read")], Entry::Silent),
            (vec![restricted.clone()], Entry::Partly),
            (vec![entry(grant, "jane", "jcr:all"), restricted.clone()], Entry::Partly),
            (vec![restricted, entry(grant, "jane", "jcr:all")], Entry::Allows),
        ] {
            let mut policy = json!({"jcr:primaryType": "rep:ACL"});
            for (index, entry) in entries.iter().enumerate() {
                policy[format!("entry{index}")] = entry.clone();
            }
            assert_eq!(entry_of(&policy, "jane", &["crx:replicate", "jcr:all"]), expected, "{policy}");
        }
    }
}
