//! `bpconform mock --check`: checks that running mocks answer. It is the health check of the image, which has no shell.

use url::Url;

use crate::cli::mock::MockArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::mocked::control::Control;
use crate::output::Output;

/// Asks the control what is served, and then each of the systems.
pub(super) async fn check(mock: &MockArgs, output: &Output) -> Result<Exit, Error> {
    let port = mock.control_port.unwrap_or_default();
    let url = |address: &str| Url::parse(address).map_err(|error| Error::Mock(format!("{address}: {error}")));
    let control = Control::at(url(&format!("http://127.0.0.1:{port}"))?, None, output.redactor.clone())?;
    let silent = |problem: bpconform_steps::Problem| Error::NotServed(problem.reason);
    let status = control.status().await.map_err(silent)?;
    let serving = &status.serving;
    let all = [&serving.author, &serving.ims, &serving.console, &serving.tenant];
    for system in all.into_iter().filter(|address| !address.is_empty()) {
        control.answers(&url(system)?).await.map_err(silent)?;
    }
    output.out(&format!("the mocks serve, the Author in the state `{}`\n", status.seed));
    Ok(Exit::Green)
}
