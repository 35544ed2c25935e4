//! The documented upgrade, step by step over plain HTTP, changes the documented nodes of the Author and no other.

use std::collections::BTreeSet;

use crate::support::{Mock, post, send};
use serde_json::{Value, json};

const AGENTS: &str = "/etc/replication/agents.author";
const CLOUD_SERVICE: &str = "/etc/cloudservices/mediaportal/BPdocConfiguration";
const MAC_USERS: &str = "/home/users/mac/bpdoc";
const IMS_CONFIGURATION: &str = "com.adobe.granite.auth.oauth.accesstoken.provider.5f1c09e7";

fn agent(index: usize) -> String {
    format!("{AGENTS}/mp_replication_agent{index}_default_bpdoc")
}

/// The differences between two dumps of a repository: a node that is gone or new, or a property, each with its path.
/// Of a tree that is gone or new only the top is named.
fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                let none = Value::Null;
                let (old, new) = (old.get(name).unwrap_or(&none), new.get(name).unwrap_or(&none));
                compare(&format!("{path}/{name}"), old, new, found);
            }
        }
        (old, new) if old == new => {}
        (_, Value::Null) => found.push(format!("- {path}")),
        (Value::Null, _) => found.push(format!("+ {path}")),
        (old, new) => found.push(format!("~ {path}: {old} -> {new}")),
    }
}

/// Those that are neither at nor below these nodes.
fn undocumented<'a>(differences: &'a [String], documented: &[String]) -> Vec<&'a String> {
    let inside = |path: &str| documented.iter().any(|node| path == node || path.starts_with(&format!("{node}/")));
    let path = |line: &'a String| line[2..].split(": ").next().unwrap_or_default();
    differences.iter().filter(|line| !inside(path(line))).collect()
}

fn assert_post(mock: &Mock, path: &str, form: &str) {
    let answer = post(mock, path, form);
    assert!(answer.contains(" 200 "), "POST {path}: {answer}");
}

/// The path of the tenant's only Mac user.
fn mac_user(repository: &Value) -> String {
    let folder = &repository["home"]["users"]["mac"]["bpdoc"];
    let mut users = folder.as_object().expect("a folder").iter().filter(|(_, node)| node.is_object());
    let (name, _) = users.next().expect("a Mac user");
    assert!(users.next().is_none(), "one Mac user only: {folder}");
    format!("{MAC_USERS}/{name}")
}

/// Agents, cloud service and Mac user are deleted (surfaces.md §5.7, §5.3).
fn delete(mock: &Mock, mac_user: &str) {
    for index in 0..4 {
        assert_post(mock, &agent(index), "%3Aoperation=delete");
    }
    assert_post(mock, CLOUD_SERVICE, "%3Aoperation=delete");
    assert_post(mock, mac_user, "deleteAuthorizable=1");
}

/// The cloud service is created again (§3.2); what AEM creates for it appears some time later.
fn create(mock: &Mock) {
    let tenant = mock.url("tenant").replace(':', "%3A").replace('/', "%2F");
    let form = format!(
        "item=&name=BPdocConfiguration&tenantURL={tenant}&pubFolder=&oauthScopes=dam-read+dam-write+dam-sync+cc-share\
         &imsConfig={IMS_CONFIGURATION}&sling%3AresourceType=dam%2Fcomponents%2Fmediaportal%2Fconfig"
    );
    assert_post(mock, "/apps/brandportal/config", &form);
    assert_post(mock, "/__bpconform/clock", "advance=60000");
}

/// Test Connection of an agent (§4.2).
fn assert_tested(mock: &Mock, agent: &str) {
    let head = format!("GET {agent}.test.html HTTP/1.0\r\nAuthorization: Basic YWRtaW46YWRtaW4=\r\n");
    let page = send(mock.url("author"), &head, "");
    assert!(page.contains("Replication test <strong>succeeded</strong>"), "{agent}: {page}");
}

#[test]
fn an_upgrade_changes_the_documented_nodes_and_no_other() {
    let mock = Mock::start("configured");
    let before = mock.repository();
    let old_user = mac_user(&before);

    delete(&mock, &old_user);
    let gone = differences(&before, &mock.repository());
    println!("deleted:\n{}", gone.join("\n"));
    let documented = (0..4).map(agent).chain([CLOUD_SERVICE.to_owned(), old_user.clone()]);
    let expected: BTreeSet<_> = documented.map(|path| format!("- {path}")).collect();
    assert_eq!(gone.iter().cloned().collect::<BTreeSet<_>>(), expected);

    create(&mock);
    (0..4).for_each(|index| assert_tested(&mock, &agent(index)));
    let after = mock.repository();
    let new_user = mac_user(&after);
    let different = differences(&before, &after);
    println!("before and after the upgrade:\n{}", different.join("\n"));
    let documented: Vec<_> =
        (0..4).map(agent).chain([CLOUD_SERVICE.to_owned(), old_user.clone(), new_user.clone()]).collect();
    assert_eq!(undocumented(&different, &documented), Vec::<&String>::new());
    assert!(old_user != new_user && different.contains(&format!("- {old_user}")), "the Mac user is a new one");
    for path in documented.iter().take(5) {
        assert!(different.iter().any(|line| line.contains(path.as_str())), "{path} was not created again");
    }
}

#[test]
fn one_more_node_that_changed_is_reported() {
    let before = json!({"etc": {"a": {"enabled": true}, "b": {"enabled": true}, "c": {"x": {}}}});
    let after = json!({"etc": {"a": {"enabled": false}, "b": {"enabled": false}, "d": {}}});
    let found = differences(&before, &after);
    assert_eq!(found, ["~ /etc/a/enabled: true -> false", "~ /etc/b/enabled: true -> false", "- /etc/c", "+ /etc/d"]);
    let documented = ["/etc/a", "/etc/c", "/etc/d"].map(str::to_owned);
    assert_eq!(undocumented(&found, &documented), ["~ /etc/b/enabled: true -> false"]);
}
