//! What needs no engine: the messages without an engine, without permission to use it, and for wrong flags.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;

use super::{LOGIN, over};
use crate::support::{bpconform, bpconform_with, command};

#[test]
fn a_missing_engine_is_reported_with_the_next_step() {
    for host in ["unix:///no/such/docker.sock", "tcp://127.0.0.1:1"] {
        for arguments in [&over("an-image", &[])[..], &["clean", "--containers"]] {
            let told = bpconform_with(arguments, &[("DOCKER_HOST", host)]);
            assert_eq!(told.code, Some(3), "{}", told.all());
            assert!(told.err.contains(&format!("no Docker Engine answers at {host}")), "{}", told.err);
            assert!(told.err.contains("DOCKER_HOST"), "{}", told.err);
        }
    }
}

#[test]
fn an_engine_without_permission_is_reported_with_the_next_step() {
    let directory = std::env::temp_dir().join(format!("bpconform-forbidden-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("it can be written");
    std::fs::set_permissions(&directory, Permissions::from_mode(0o755)).expect("it is ours");
    let socket = directory.join("docker.sock");
    let _engine = UnixListener::bind(&socket).expect("it is free");
    std::fs::set_permissions(&socket, Permissions::from_mode(0o600)).expect("it is ours");
    // Root has all permissions, so another user runs it, who must also be able to start the binary.
    let binary = directory.join("bpconform");
    std::fs::copy(env!("CARGO_BIN_EXE_bpconform"), &binary).expect("there is room");
    let mut asked = std::process::Command::new(&binary);
    asked.args(over("an-image", &[])).env("DOCKER_HOST", format!("unix://{}", socket.display())).envs(LOGIN);
    asked.current_dir(&directory);
    if is_root() {
        asked.uid(65534).gid(65534);
    } else {
        std::fs::set_permissions(&socket, Permissions::from_mode(0o000)).expect("it is ours");
    }
    let output = asked.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    std::fs::remove_dir_all(&directory).expect("it is ours");
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("has no permission to use the Docker Engine") && said.contains("usermod -aG docker"),
        "{said}"
    );
}

fn is_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output().expect("id is there");
    id.stdout.starts_with(b"0\n")
}

#[test]
fn flags_that_do_not_go_together_are_rejected() {
    for (arguments, says) in [
        (&["run", "--target", "container"][..], "no image of the Author was given"),
        (&["run", "--author-image", "x"], "--author-image has no effect without --target container"),
        (&["run", "--mount", "a:/b"], "--mount has no effect without --target container"),
        (&over("x", &["--author-url", "http://localhost:4502"]), "--author-url cannot be used with a container"),
        (&over("x", &["--mount", "a"]), "SOURCE:TARGET"),
        (&over("x", &["--container-env", "A_PASSWORD=x"]), "A_PASSWORD looks like a secret"),
        (&over("x", &["--start-timeout", "0"]), "minutes greater than 0"),
        (&["clean"], "<JOURNAL>"),
        (&["clean", "--containers", "journal.jsonl"], "cannot be used with"),
        (&["clean", "journal.jsonl", "--all"], "cannot be used with"),
        (&["rehearse", "--from", "x"], "--to"),
        (&["rehearse", "--from", "x", "--to", "y", "--keep", "relative"], "absolute path"),
        (&["rehearse", "--from", "x", "--to", "y", "--shard", "1/2"], "a rehearsal takes no"),
    ] {
        let told = bpconform(arguments);
        assert_eq!(told.code, Some(2), "{arguments:?}: {}", told.all());
        assert!(told.err.contains(says), "{arguments:?}: {}", told.err);
    }
}

#[test]
fn the_help_of_the_new_commands_is_there() {
    for name in ["rehearse", "clean"] {
        let output = command(&[name, "--help"]).output().expect("it starts");
        assert!(output.status.success() && !output.stdout.is_empty(), "{name}");
    }
}
