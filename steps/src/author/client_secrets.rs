//! Checks that the client secret of an IMS configuration is stored encrypted, and shown nowhere.

use super::ims_configurations::{ImsConfiguration, Storage};
use super::{pages, repository};
use crate::problem::{Checked, Problem, ensure};
use crate::redact;
use crate::reply::Reply;
use crate::session::Session;

/// What must not show the client secret, as the feature `03-ims-integration` names it.
pub const WHERE: [&str; 4] = [
    "Tools > Security > Adobe IMS Configurations",
    "the stored IMS configurations",
    "the Brand Portal cloud configurations",
    "the replication agents in the repository",
];

/// Fails unless the secret of that configuration is stored encrypted; an error if it is not found.
pub fn judge_stored(session: &Session, storage: &Storage, configuration: &ImsConfiguration) -> Checked {
    let given = session.credentials.get("BPCONFORM_IMS_CLIENT_SECRET");
    let secrets = storage.secrets_of(session.surface("author.ims-storage"), configuration, given);
    if secrets.is_empty() {
        return Err(Problem::error(format!(
            "no client secret of {} can be found below /apps/system/config, so its storage cannot be checked",
            configuration.named()
        )));
    }
    let clear: Vec<_> = secrets.iter().filter(|secret| !secret.is_safe(given)).collect();
    // The secret itself is not printed: node and property identify it.
    let named: Vec<_> = clear.iter().map(|secret| format!("{} in {}", secret.property, secret.node)).collect();
    ensure(clear.is_empty(), || {
        format!("the client secret is not stored encrypted, as braces around hexadecimal digits: {}", named.join(", "))
    })
}

/// Fails if one of these pages, or of these data, shows the secret that was given, at any of its paths.
pub async fn judge_shown(session: &Session, secret: &str, names: impl IntoIterator<Item: AsRef<str>>) -> Checked {
    for name in names {
        let (name, call) = (name.as_ref(), pages::request(name.as_ref())?);
        for variant in 0..=session.surface(&call.surface).alternatives.len() {
            // A page that the Author does not show to this user shows no secret either; one that a gateway hides may show it
            // to others.
            let reply = session.send(call.clone().variant(variant)).await?.expect_status(&[200, 300, 403, 404])?;
            pages::judge_denial(&reply)?;
            if reply.status == 200 {
                pages::judge(session, &reply)?;
            }
            let text = if reply.status == 300 { in_parts(session, &reply, variant).await? } else { reply.text() };
            ensure(!redact::shows(&text, secret), || {
                format!("the client secret can be read in clear: {name}, {}", reply.what())
            })?;
        }
    }
    Ok(())
}

/// A tree that is too large for one answer, as JSON.
async fn in_parts(session: &Session, reply: &Reply, variant: usize) -> Checked<String> {
    let surface = session.surface(&reply.surface);
    let whole = variant.checked_sub(1).map_or(&surface.path, |index| &surface.alternatives[index]);
    // The path without the depth, as `.2.json`.
    let path = whole.strip_suffix(".json").and_then(|path| path.rsplit_once('.'));
    let path = path.map_or(whole.as_str(), |(path, _)| path);
    let tree = repository::read(session, path, "-1").await?;
    tree.map(|tree| tree.to_string()).ok_or_else(|| reply.instead("a tree that is not there"))
}
