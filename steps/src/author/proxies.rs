//! The proxy of each of the Author's two HTTP clients, as it is stored under `/apps/system/config` (aem-cloud.md). A
//! configuration that is deployed elsewhere is not seen.

use serde_json::Value;

use super::ims_configurations::{DEPTH, FOLDER, configurations, is_of, properties};
use super::{osgi_file, repository};
use crate::call::Call;
use crate::problem::Checked;
use crate::session::Session;

/// The setting of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientProxy {
    /// The PID of its configuration.
    pub pid: String,
    /// The proxy, `host:port`; none when it has none or does not use it.
    pub address: Option<String>,
}

/// The settings of the two clients, 3.x first.
pub async fn of_clients(session: &Session) -> Checked<[ClientProxy; 2]> {
    let surface = session.surface("author.ims-storage").clone();
    let root = repository::at(session, Call::to("author.ims-storage"), FOLDER, DEPTH).await?.unwrap_or_default();
    let mut clients =
        ["proxy-3", "proxy-4"].map(|word| ClientProxy { pid: surface.phrase(word).to_owned(), address: None });
    for (file, name, node) in configurations(&root) {
        let Some(client) = clients.iter_mut().find(|client| is_for(name, &client.pid)) else { continue };
        let properties = properties(session, &file, node).await?;
        client.address = client.address.take().or_else(|| address(&properties, |word| surface.field(word)));
    }
    Ok(clients)
}

fn is_for(name: &str, pid: &str) -> bool {
    osgi_file::without_ending(name) == pid || is_of(name, pid)
}

fn address<'a>(properties: &Value, field: impl Fn(&str) -> &'a str) -> Option<String> {
    let text = |word: &str| repository::text(properties, field(word)).map(|text| text.trim().to_owned());
    let used = text("proxy-enabled").is_none_or(|enabled| !enabled.eq_ignore_ascii_case("false"));
    let host = text("proxy-host").filter(|host| used && !host.is_empty())?;
    let port = text("proxy-port").filter(|port| !port.is_empty() && port != "0");
    Some(port.map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Surfaces;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_proxy_counts_when_it_is_used() {
        let surface = Surfaces::built_in().get("author.ims-storage");
        let read = |properties: Value| address(&properties, |word| surface.field(word));
        for (properties, expected) in [
            (json!({"proxy.enabled": true, "proxy.host": "proxy", "proxy.port": 8080}), Some("proxy:8080")),
            (json!({"proxy.host": "proxy", "proxy.port": "8080"}), Some("proxy:8080")),
            (json!({"proxy.enabled": "TRUE", "proxy.host": " proxy "}), Some("proxy")),
            (json!({"proxy.enabled": false, "proxy.host": "proxy", "proxy.port": 8080}), None),
            (json!({"proxy.enabled": "False", "proxy.host": "proxy"}), None),
            (json!({"proxy.enabled": true, "proxy.host": ""}), None),
            (json!({}), None),
        ] {
            assert_eq!(read(properties.clone()).as_deref(), expected, "{properties}");
        }
    }

    #[test]
    fn a_configuration_is_known_by_its_pid() {
        let (old, new) = ("com.day.commons.httpclient", "org.apache.http.proxyconfigurator");
        for name in
            ["com.day.commons.httpclient", "com.day.commons.httpclient.config", "com.day.commons.httpclient.cfg.json"]
        {
            assert!(is_for(name, old) && !is_for(name, new), "{name}");
        }
        for name in ["org.apache.http.proxyconfigurator-a1", "org.apache.http.proxyconfigurator~p.cfg.json"] {
            assert!(is_for(name, new) && !is_for(name, old), "{name}");
        }
        assert!(!is_for("com.day.commons.httpclient4", old));
    }
}
