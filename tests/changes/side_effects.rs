//! What an Author does besides what it is asked for, when a run deletes a configuration or saves one, is undone or told.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::changes::transactions::post;
use crate::changes::{all_learned, changed, clean, now, run, told};
use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, directory};

const SETTINGS: &str =
    "/apps/system/config/com.adobe.granite.auth.ims.impl.IMSAccessTokenRequestCustomizerImpl.5f1c09e7.config";

#[test]
fn a_customizer_without_a_secret_is_kept_with_its_provider() {
    let (mock, folder) = (Mock::start("configured"), directory("side-effect-customizer"));
    post(mock.url("author"), SETTINGS, "auth.ims.client.secret=");
    let (learned, before) = (all_learned(&folder), now(&mock));
    let flags = ["--requirement", "BP-UPG-05", "--replace-configuration"];
    let output = run(&mock, mock.url("author"), &learned, &flags).output().expect("it starts");
    assert_eq!((output.status.code(), changed(&mock, &before).as_str()), (Some(0), ""), "{}", told(&output));
}

#[test]
fn the_mac_user_of_a_tenant_without_agents_is_kept() {
    let (mock, folder) = (Mock::start("two-tenants"), directory("side-effect-mac-user"));
    for index in 0..4 {
        let agent = format!("/etc/replication/agents.author/mp_replication_agent{index}_default_other");
        post(mock.url("author"), &agent, ":operation=delete");
    }
    let (learned, before) = (all_learned(&folder), now(&mock));
    let users = before.0["home"]["users"]["mac"]["other"].as_object().expect("the folder of the other tenant");
    let (name, _) = users.iter().find(|(_, node)| node.is_object()).expect("its Mac user");
    let home = format!("/home/users/mac/other/{name}");
    let (author, is_deleted) = (mock.url("author").to_owned(), AtomicBool::new(false));
    // The user goes with the configuration, whose deletion comes after this one.
    let proxy = Proxy::start(mock.url("author"), move |request| {
        let deletes = request.starts_with("POST /etc/cloudservices/mediaportal/");
        if deletes && !is_deleted.swap(true, Ordering::SeqCst) {
            post(&author, &home, ":operation=delete");
        }
        Act::Pass
    });
    let flags = ["--requirement", "BP-UPG-03", "--replace-configuration"];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    assert_eq!(changed(&mock, &before), "", "{}", told(&output));
}

#[test]
fn an_agent_under_another_name_is_deleted_with_the_others() {
    let (mock, folder) = (Mock::start("fresh"), directory("side-effect-agent"));
    let (learned, before) = (all_learned(&folder), now(&mock));
    let author = mock.url("author").to_owned();
    let (author, is_made) = (author, AtomicBool::new(false));
    // The Author makes it with the four agents: as soon as one of these is there.
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.starts_with("GET /etc/replication/agents.author/mp_replication_agent0_default_bpdoc")
            && !is_made.swap(true, Ordering::SeqCst)
        {
            let from = "/etc/replication/agents.author/mp_replication_agent0_default_bpdoc";
            post(&author, from, ":operation=copy&:dest=/etc/replication/agents.author/dam_replication_agent9");
        }
        Act::Pass
    });
    let out = folder.join("out");
    let flags = ["--requirement", "BP-CLD-01", "--out", out.to_str().expect("UTF-8")];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    assert_eq!(changed(&mock, &before), "", "{}", told(&output));
}

#[test]
fn what_the_deletion_of_a_configuration_changes_elsewhere_is_told() {
    let (mock, folder) = (Mock::start("configured"), directory("side-effect-change"));
    let (learned, out, before) = (all_learned(&folder), folder.join("out"), now(&mock));
    let (author, is_deleted) = (mock.url("author").to_owned(), AtomicBool::new(false));
    let agent = "/etc/replication/agents.author/mp_replication_agent2_default_bpdoc";
    let proxy = Proxy::start(mock.url("author"), move |request| {
        let deletes = request.starts_with("POST /etc/cloudservices/mediaportal/");
        if deletes && !is_deleted.swap(true, Ordering::SeqCst) {
            post(&author, &format!("{agent}/jcr:content"), "enabled=false");
        }
        Act::Pass
    });
    let flags = ["--requirement", "BP-UPG-03", "--replace-configuration", "--out", out.to_str().expect("UTF-8")];
    let output = run(&mock, &proxy.url, &learned, &flags).output().expect("it starts");
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    assert!(told(&output).contains(agent), "{}", told(&output));
    // The operator sets it right, and undoes the rest.
    post(mock.url("author"), &format!("{agent}/jcr:content"), "enabled=true");
    let cleaned = clean(&mock, &out, &[]);
    assert_eq!((cleaned.code, changed(&mock, &before).as_str()), (Some(0), ""), "{}", cleaned.all());
}
