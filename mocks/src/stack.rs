//! The four mocked systems together, each at its own address, with one clock.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bpconform_fixtures::certificates::{JWT_CLIENT_CERTIFICATE, JWT_CLIENT_KEY};
use bpconform_fixtures::{Defect, Surfaces, System};
use indexmap::IndexMap;
use jiff::SignedDuration;
use tokio::net::TcpListener;

use crate::author::Author;
use crate::author::seed::{AuthorSeed, Rights, SeedError};
use crate::clock::Clock;
use crate::console::{Console, ConsoleOptions};
use crate::defects::{Defective, Values, Watch, Watched};
use crate::ims::{Client, Ims, Kind};
use crate::machine::Machine;
use crate::server::{Server, Service};
use crate::tenant::Tenant;

/// The organization of every mocked stack.
const ORG_ID: &str = "0123456789ABCDEF01234567@AdobeOrg";

/// The scopes of an OAuth Server-to-Server credential; which ones Brand Portal has is not known (surfaces.md §1.6).
const SCOPES: [&str; 4] = ["openid", "AdobeID", "read_organizations", "additional_info.projectedProductContext"];

const OAUTH_ID: &str = "mock0oauth0client0of0brand0portal";
const OAUTH_SECRET: &str = "p8e-mock-oauth-secret-without-worth";
const JWT_ID: &str = "mock0jwt0client0of0brand0portal00";
const JWT_SECRET: &str = "mock-jwt-secret-without-worth";
const JWT_TECHNICAL_ACCOUNT: &str = "0123456789ABCDEF89ABCDEF@techacct.adobe.com";
const OAUTH_TECHNICAL_ACCOUNT: &str = "0123456789ABCDEF76543210@techacct.adobe.com";
const CONSOLE_TOKEN: &str = "mock-console-token-without-worth";

/// The ports of the four systems; 0 is any that is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// The Author's.
    pub author: u16,
    /// That of IMS.
    pub ims: u16,
    /// The Developer Console's.
    pub console: u16,
    /// The tenant's.
    pub tenant: u16,
}

/// What a stack is started with.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The paths, fields and phrases that it serves.
    pub surfaces: Arc<Surfaces>,
    /// The name of the state that the Author begins in.
    pub seed: String,
    /// The tenant's id: the first label of its host.
    pub tenant_id: String,
    /// The address to listen at.
    pub bind: IpAddr,
    /// The ports to listen at.
    pub ports: Ports,
    /// The deliberate deviations that it has; the first comes first at a request.
    pub defects: Vec<Arc<Defect>>,
    /// The deviations that it has not, but would show.
    pub watch: Option<Watch>,
}

impl StackOptions {
    /// A stack for this machine only, with the built-in surfaces, free ports and the tenant `bpdoc`.
    pub fn new(seed: &str) -> Self {
        Self {
            surfaces: Arc::new(Surfaces::built_in().clone()),
            seed: seed.to_owned(),
            tenant_id: "bpdoc".to_owned(),
            bind: Ipv4Addr::LOCALHOST.into(),
            ports: Ports::default(),
            defects: Vec::new(),
            watch: None,
        }
    }
}

/// A stack that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// An address cannot be listened at.
    #[error("cannot listen at {address} for the {system}: {problem}")]
    Bind {
        /// The system that should have listened there.
        system: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        problem: std::io::Error,
    },
    /// The Author cannot begin in that state.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The tenant's id cannot be the label of a host.
    #[error("`{0}` is no tenant id: it must be 1 to 32 of a-z, 0-9 and - (not first)")]
    Tenant(String),
    /// The shell cannot serve.
    #[error("cannot serve the mocks: {0}")]
    Serve(String),
}

/// A running stack; it stops when it is dropped.
#[derive(Debug)]
pub struct Stack {
    /// The Author's base address, without a slash at its end.
    pub author: String,
    /// That of IMS.
    pub ims: String,
    /// The Developer Console's.
    pub console: String,
    /// The tenant's.
    pub tenant: String,
    credentials: IndexMap<&'static str, String>,
    server: Server,
}

impl Stack {
    /// Starts a stack in the current tokio runtime, and gives it back once all its systems listen.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let StackOptions { surfaces, seed, tenant_id, bind, ports, defects, watch } = options;
        if !is_tenant_id(&tenant_id) {
            return Err(StackError::Tenant(tenant_id));
        }
        let (author, author_url) = listen("Author", bind, ports.author, "127.0.0.1").await?;
        let (ims, ims_url) = listen("IMS", bind, ports.ims, "127.0.0.1").await?;
        let (console, console_url) = listen("Developer Console", bind, ports.console, "127.0.0.1").await?;
        let (tenant, tenant_url) = listen("tenant", bind, ports.tenant, &format!("{tenant_id}.localhost")).await?;

        let values = seed_values(
            &tenant_id,
            &[("author", &author_url), ("ims", &ims_url), ("console", &console_url), ("tenant-url", &tenant_url)],
        );
        let seed = AuthorSeed::load(&seed)?.fill(&values);
        let values = Arc::new(values);
        let service = |listener: TcpListener, system: System, machine: Box<dyn Machine>| {
            let machine = defects.iter().rev().fold(machine, |machine, defect| {
                let (surfaces, values) = (Arc::clone(&surfaces), Arc::clone(&values));
                Box::new(Defective::new(machine, system, surfaces, values, Arc::clone(defect)))
            });
            let machine = match &watch {
                Some(watch) => Box::new(Watched::new(machine, system, &surfaces, &values, watch.clone())),
                None => machine,
            };
            Service { listener, machine }
        };
        let credentials = credentials(&seed);
        let console_machine = Console::new(Arc::clone(&surfaces), console_options(&ims_url));
        let services = vec![
            service(author, System::Author, Box::new(Author::new(Arc::clone(&surfaces), seed))),
            service(ims, System::Ims, Box::new(Ims::new(Arc::clone(&surfaces), clients()))),
            service(console, System::Console, Box::new(console_machine)),
            service(tenant, System::Tenant, Box::new(Tenant::new(Arc::clone(&surfaces), &tenant_id, &ims_url))),
        ];
        let server = Server::start(surfaces, services).await.map_err(StackError::Serve)?;
        Ok(Self { author: author_url, ims: ims_url, console: console_url, tenant: tenant_url, credentials, server })
    }

    /// What the systems accept, by the names in the environment of a run.
    pub fn credentials(&self) -> &IndexMap<&'static str, String> {
        &self.credentials
    }

    /// The clock of all four systems.
    pub fn clock(&self) -> &Clock {
        self.server.clock()
    }

    /// Moves the clock ahead through all that falls due, as `control.clock-advance` does. The error says why it could
    /// not be done.
    pub async fn advance(&self, by: SignedDuration) -> Result<jiff::Timestamp, String> {
        self.server.advance(by).await
    }

    /// Stops the stack and waits until nothing of it runs any more.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// The values for the placeholders of a seed.
fn seed_values(tenant_id: &str, addresses: &[(&str, &String)]) -> Values {
    let scopes = SCOPES.join(",");
    let fixed = [
        ("tenant", tenant_id),
        ("org-id", ORG_ID),
        ("scope", &scopes),
        ("client-id", OAUTH_ID),
        ("client-secret", OAUTH_SECRET),
        ("jwt-client-id", JWT_ID),
        ("jwt-client-secret", JWT_SECRET),
        ("jwt-technical-account", JWT_TECHNICAL_ACCOUNT),
        ("jwt-private-key", JWT_CLIENT_KEY),
        ("jwt-certificate", JWT_CLIENT_CERTIFICATE),
    ];
    let addresses = addresses.iter().map(|(name, url)| (*name, url.as_str()));
    fixed.into_iter().chain(addresses).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn credentials(seed: &AuthorSeed) -> IndexMap<&'static str, String> {
    let administrator = seed.accounts.iter().find(|account| account.rights == Rights::Administrator);
    let (user, password) = administrator.map(|account| (account.id.as_str(), account.password.as_str())).unzip();
    let scopes = SCOPES.join(",");
    let all = [
        ("BPCONFORM_AUTHOR_USER", user.unwrap_or_default()),
        ("BPCONFORM_AUTHOR_PASSWORD", password.unwrap_or_default()),
        ("BPCONFORM_IMS_CLIENT_ID", OAUTH_ID),
        ("BPCONFORM_IMS_CLIENT_SECRET", OAUTH_SECRET),
        ("BPCONFORM_IMS_SCOPE", &scopes),
        ("BPCONFORM_IMS_ORG_ID", ORG_ID),
        ("BPCONFORM_CONSOLE_TOKEN", CONSOLE_TOKEN),
        ("BPCONFORM_JWT_CLIENT_ID", JWT_ID),
        ("BPCONFORM_JWT_CLIENT_SECRET", JWT_SECRET),
        ("BPCONFORM_JWT_TECHNICAL_ACCOUNT", JWT_TECHNICAL_ACCOUNT),
        ("BPCONFORM_JWT_PRIVATE_KEY", JWT_CLIENT_KEY),
    ];
    all.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

fn clients() -> [Client; 2] {
    let metascope = Surfaces::built_in().get("ims.exchange-jwt").phrase("metascope").to_owned();
    let oauth = Client {
        id: OAUTH_ID.to_owned(),
        secrets: vec![OAUTH_SECRET.to_owned()],
        org_id: ORG_ID.to_owned(),
        technical_account: OAUTH_TECHNICAL_ACCOUNT.to_owned(),
        kind: Kind::OAuth { scopes: scopes() },
    };
    let jwt = Client {
        id: JWT_ID.to_owned(),
        secrets: vec![JWT_SECRET.to_owned()],
        org_id: ORG_ID.to_owned(),
        technical_account: JWT_TECHNICAL_ACCOUNT.to_owned(),
        kind: Kind::Jwt { certificates: vec![JWT_CLIENT_CERTIFICATE.to_owned()], metascopes: vec![metascope] },
    };
    [oauth, jwt]
}

fn console_options(ims: &str) -> ConsoleOptions {
    ConsoleOptions { org_id: ORG_ID.into(), token: CONSOLE_TOKEN.into(), scopes: scopes(), ims: ims.to_owned() }
}

fn scopes() -> Vec<String> {
    SCOPES.map(str::to_owned).to_vec()
}

async fn listen(
    system: &'static str,
    bind: IpAddr,
    port: u16,
    host: &str,
) -> Result<(TcpListener, String), StackError> {
    let address = SocketAddr::new(bind, port);
    let failed = |problem| StackError::Bind { system, address, problem };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok((listener, format!("http://{host}:{port}")))
}

fn is_tenant_id(id: &str) -> bool {
    (1..=32).contains(&id.len())
        && !id.starts_with('-')
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
