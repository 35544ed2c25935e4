//! A stack with a control at a separate port. The control reports what is served, and restarts the stack with another
//! seed. It is not part of one of the four systems, since it stays up while they restart.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bpconform_fixtures::{Product, Surfaces, System};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::author::seed;
use crate::machine::{Form, Machine, Request, Response, Step};
use crate::server::{CallOptions, Server, Service};
use crate::stack::{Serving, Stack, StackError};

/// What the control reports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StackStatus {
    /// The name of this tool, which identifies a mock.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// The number of starts, this one included.
    pub generation: u64,
    /// The seed of the Author.
    pub seed: String,
    /// The ids of the active defects.
    pub defects: Vec<String>,
    /// The addresses and credentials.
    #[serde(flatten)]
    pub serving: Serving,
}

/// The value of [`StackStatus::tool`].
pub const TOOL: &str = "bpconform mock";

impl StackStatus {
    fn new(stack: &Stack, generation: u64) -> Self {
        let options = stack.options();
        Self {
            tool: TOOL.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            generation,
            seed: options.seed.clone(),
            defects: options.defects.iter().map(|defect| defect.id.clone()).collect(),
            serving: stack.serving(),
        }
    }
}

/// A stack that its control can restart. Both stop when it is dropped.
#[derive(Debug)]
pub struct RestartableStack {
    /// The control's base address.
    pub control: String,
    _server: Server,
    _restarts: JoinSet<()>,
}

impl RestartableStack {
    /// Serves a stack and its control at a port; 0 means any free port.
    pub async fn start(stack: Stack, port: u16) -> Result<Self, StackError> {
        let options = stack.options();
        let address = SocketAddr::new(options.bind, port);
        let failed = |problem| StackError::Bind { system: "control", address, problem };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let control = format!("http://127.0.0.1:{}", listener.local_addr().map_err(failed)?.port());
        let surfaces = Arc::clone(&options.surfaces);
        let status = Arc::new(Mutex::new(Ok(StackStatus::new(&stack, 1))));
        let (restarts, requests) = mpsc::unbounded_channel();
        let product = options.product;
        let machine =
            Control { product, surfaces: Arc::clone(&surfaces), generation: 1, status: Arc::clone(&status), restarts };
        let service = Service {
            system: System::Control,
            listener,
            tls: None,
            machine: Box::new(machine),
            wire: None,
            framing: None,
            jitter: None,
        };
        let server = Server::start(surfaces, vec![service], CallOptions::default()).await.map_err(StackError::Serve)?;
        let mut restarting = JoinSet::new();
        restarting.spawn(run_restarts(stack, requests, status));
        Ok(Self { control, _server: server, _restarts: restarting })
    }
}

/// The report of the control, or the error that ended the stack.
type SharedStatus = Arc<Mutex<Result<StackStatus, String>>>;

fn lock(status: &SharedStatus) -> MutexGuard<'_, Result<StackStatus, String>> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Restarts the stack for each request of the control.
async fn run_restarts(mut stack: Stack, mut requests: mpsc::UnboundedReceiver<(u64, String)>, status: SharedStatus) {
    while let Some((generation, seed)) = requests.recv().await {
        match stack.restart(&seed).await {
            Ok(begun) => {
                *lock(&status) = Ok(StackStatus::new(&begun, generation));
                stack = begun;
            }
            Err(problem) => {
                *lock(&status) = Err(format!("the stack could not be restarted: {problem}"));
                return;
            }
        }
    }
    // The control was dropped; the stack stops with it.
}

/// The control as a machine. It only reports and queues restarts; a background task carries them out.
struct Control {
    product: Product,
    surfaces: Arc<Surfaces>,
    generation: u64,
    status: SharedStatus,
    restarts: mpsc::UnboundedSender<(u64, String)>,
}

impl Control {
    fn report(&self) -> Response {
        match &*lock(&self.status) {
            Ok(status) => Response::json(200, &serde_json::json!(status)),
            Err(problem) => Response::new(500, "text/plain;charset=utf-8", problem.as_str()),
        }
    }

    /// Queues a restart; the answer contains the generation to wait for.
    fn queue_restart(&mut self, request: &Request) -> Response {
        let field = self.surfaces.get("control.stack-renew").field("seed");
        let seed = Form::read(request).ok().and_then(|form| form.get(field).map(str::to_owned)).unwrap_or_default();
        let known = seed::names_of(self.product);
        if !known.contains(&seed.as_str()) {
            let problem = format!("the field {field} must name a seed: one of {}", known.join(", "));
            return Response::new(400, "text/plain;charset=utf-8", problem);
        }
        self.generation += 1;
        // Sending fails only after a failed restart, which the next report shows.
        let _ = self.restarts.send((self.generation, seed));
        Response::json(202, &serde_json::json!({ "generation": self.generation }))
    }
}

impl Machine for Control {
    fn handle(&mut self, _: Timestamp, request: &Request) -> Step {
        let asks = |id: &str| self.surfaces.get(id).matches(&request.method, &request.path).is_some();
        Step::Answer(if asks("control.stack") {
            self.report()
        } else if asks("control.stack-renew") {
            self.queue_restart(request)
        } else {
            Response::new(404, "text/plain;charset=utf-8", "this port serves only the control of a mocked stack")
        })
    }
}
