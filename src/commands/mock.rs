//! `bpconform mock`: serves the mocked stack to other programs.

mod check;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use bpconform_fixtures::{Defects, Product, System};
use bpconform_mocks::author::AuthorSeed;
use bpconform_mocks::author::brand_portal::{Skin, UiAssets};
use bpconform_mocks::authority::Authority;
use bpconform_mocks::faults::Fault;
use bpconform_mocks::renewal::RestartableStack;
use bpconform_mocks::stack::{self, Ports, StackOptions};

use crate::cli::mock::{MockArgs, SkinKind};
use crate::config::connection::pem;
use crate::environment;
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs::surfaces;
use crate::mocked::{client, defects_named, start, variations_named};
use crate::output::Output;
use crate::serve::CERTIFICATE;
use crate::signals;

/// `bpconform mock`: serves until it is asked to end.
pub async fn command(mock: &MockArgs, variables: &BTreeMap<String, String>, output: &Output) -> Result<Exit, Error> {
    if mock.check {
        return check::check(mock, output).await;
    }
    let mut options = options(mock)?;
    if options.serve.contains(&System::Ims) {
        options.client = client::given(&environment::credentials(variables, BTreeMap::new(), None)?)?;
    }
    let running = start(options).await?;
    let (serving, text) = (running.serving(), text(&running, mock));
    let addresses = |control: Option<&str>| if mock.json { json(&serving, control) } else { Ok(text.clone()) };
    // Listen for signals first: a program that reads the addresses may end this process immediately.
    let end = signals::asked_to_end();
    match mock.control_port {
        None => {
            output.out(&addresses(None)?);
            end.await;
            running.stop().await;
        }
        Some(port) => {
            let renewable =
                RestartableStack::start(running, port).await.map_err(|error| Error::Mock(error.to_string()))?;
            output.out(&addresses(Some(&renewable.control))?);
            output.err(&format!("the control of the mocks serves at {}\n", renewable.control));
            end.await;
        }
    }
    Ok(Exit::Green)
}

fn options(mock: &MockArgs) -> Result<StackOptions, Error> {
    let mut options = mock.how.options(&mock.seed)?;
    options.surfaces = surfaces(mock.surfaces.as_deref())?;
    options.product = mock.product;
    if let Some(file) = &mock.seed_file {
        options.own_seed = Some(own_seed(mock.product, file)?);
        options.seed = file.display().to_string();
    }
    options.ports = Ports { author: mock.author_port, console: mock.console_port, ..options.ports };
    options.defects = defects_named(&mock.defects)?;
    options.variations = variations_named(&mock.variations)?;
    options.elsewhere = elsewhere(mock);
    options.serve = served(mock, &options)?;
    options.trust = mock.trust.as_deref().map(|file| pem(file, "--trust")).transpose()?.unwrap_or_default();
    // An Author that delivers elsewhere names its agents by the first label of that host.
    let there = mock.tenant_url.as_ref().and_then(|url| url.domain()?.split('.').next());
    if let (Some(id), None) = (there, &mock.how.tenant_id) {
        id.clone_into(&mut options.tenant_id);
    }
    options.skin = skin(mock.ui_skin, mock.ui_assets.as_deref())?;
    options.jitter = mock.jitter;
    options.wire = mock.wire.as_deref().and_then(Fault::get);
    let tls = mock.tls || options.wire.is_some_and(Fault::needs_tls);
    if tls && options.authority.is_none() {
        options.authority = Some(Arc::new(Authority::new().map_err(Error::Internal)?));
    }
    Ok(options)
}

/// The skin of the Author's pages.
fn skin(kind: SkinKind, assets: Option<&Path>) -> Result<Skin, Error> {
    match (kind, assets) {
        (SkinKind::Spectrum, Some(directory)) => {
            let read = UiAssets::read(directory).map_err(|problem| Error::Usage(format!("--ui-assets: {problem}")))?;
            Ok(Skin::Spectrum(Arc::new(read)))
        }
        (SkinKind::Spectrum, None) => Err(Error::Usage(
            "--ui-skin spectrum needs --ui-assets DIR, the unpacked npm package @adobe/coral-spectrum".into(),
        )),
        (SkinKind::Plain | SkinKind::Coral3, Some(_)) => {
            Err(Error::Usage("--ui-assets has no effect without --ui-skin spectrum".into()))
        }
        (SkinKind::Plain, None) => Ok(Skin::Plain),
        (SkinKind::Coral3, None) => Ok(Skin::Coral3),
    }
}

/// The seed of a file, with the one that it extends.
fn own_seed(product: Product, file: &Path) -> Result<AuthorSeed, Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Error::Usage(format!("--seed-file {}: {error}", file.display())))?;
    AuthorSeed::read(product, &file.display().to_string(), &text)
        .map_err(|error| Error::Usage(format!("--seed-file: {error}")))
}

fn elsewhere(mock: &MockArgs) -> BTreeMap<System, String> {
    let named = [(System::Ims, &mock.ims_url), (System::Tenant, &mock.tenant_url)];
    let named = named.into_iter().filter_map(|(system, url)| Some((system, url.as_ref()?)));
    named.map(|(system, url)| (system, url.as_str().trim_end_matches('/').to_owned())).collect()
}

/// The systems that were asked for, or all that are not elsewhere.
fn served(mock: &MockArgs, options: &StackOptions) -> Result<BTreeSet<System>, Error> {
    let asked: BTreeSet<System> = mock.serve.iter().copied().collect();
    if let Some(both) = asked.iter().find(|system| options.elsewhere.contains_key(system)) {
        let word = both.word();
        return Err(Error::Usage(format!("--{word}-url says that it is elsewhere, and --serve that it is here")));
    }
    let here = |system: &System| !options.elsewhere.contains_key(system);
    Ok(if asked.is_empty() { System::ALL.into_iter().filter(here).collect() } else { asked })
}

fn json(serving: &stack::Serving, control: Option<&str>) -> Result<String, Error> {
    let mut json = serde_json::to_value(serving).map_err(|error| Error::Internal(error.to_string()))?;
    if let Some(control) = control {
        json["control"] = control.into();
    }
    Ok(json.to_string() + "\n")
}

fn text(running: &stack::Stack, mock: &MockArgs) -> String {
    let StackOptions { serve: served, authority, client, .. } = running.options();
    let mut text = if served.contains(&System::Author) {
        let state = &running.options().seed;
        format!("the mocked stack serves, the Author in the state `{state}`; Ctrl-C stops it\n")
    } else {
        "the mocks serve; Ctrl-C stops them\n".to_owned()
    };
    for defect in mock.defects.iter().filter_map(|id| Defects::built_in().get(id)) {
        let _ = writeln!(text, "  with the defect {}: {}", defect.id, defect.says);
    }
    for variation in &running.options().variations {
        let _ = writeln!(text, "  with the variation {}: {}", variation.id, variation.says);
    }
    if let Some(fault) = mock.wire.as_deref().and_then(Fault::get) {
        let _ = writeln!(text, "  at every request to the Author, {}", fault.says);
    }
    text.push('\n');
    let addresses = [&running.author, &running.ims, &running.console, &running.tenant];
    for (system, address) in System::ALL.into_iter().zip(addresses).filter(|(_, address)| !address.is_empty()) {
        let elsewhere = if served.contains(&system) { "" } else { " (elsewhere)" };
        let _ = writeln!(text, "  {:<18} {address}{elsewhere}", system.name());
    }
    text += "\nit accepts these made-up values, which are not secret:\n\n";
    for (name, value) in running.accepted() {
        let _ = writeln!(text, "  {name}='{value}'");
    }
    if client.is_some() {
        text += "\nIMS knows the credential of BPCONFORM_IMS_CLIENT_ID too\n";
    }
    match (authority.as_ref().map(|authority| authority.certificate()), &mock.how.ca_dir) {
        (Some(_), Some(directory)) => {
            let file = directory.join(CERTIFICATE);
            let _ = writeln!(text, "\nwho reaches it must trust the authority in {}", file.display());
        }
        (Some(ca), None) => {
            let _ = write!(text, "\nwho reaches it must trust this authority, which ends with it:\n\n{ca}");
        }
        (None, _) => {}
    }
    text
}
