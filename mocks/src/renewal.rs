//! A stack with a control beside it, at a port of its own: who asks it learns what is served, and can have the stack
//! begin again in another state. It stands beside the four systems, not in one of them, since it outlives them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bpconform_fixtures::{Surfaces, System};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::author::seed;
use crate::machine::{Form, Machine, Request, Response, Step};
use crate::server::{Server, Service, Ways};
use crate::stack::{Serving, Stack, StackError};

/// What the control tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// What serves: a real system would hardly say this.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// How many states were begun with, this one included.
    pub generation: u64,
    /// The state that the Author began in.
    pub seed: String,
    /// The deliberate deviations of the stack.
    pub defects: Vec<String>,
    /// Where it serves and what it accepts.
    #[serde(flatten)]
    pub serving: Serving,
}

/// What [`Told::tool`] says.
pub const TOOL: &str = "bpconform mock";

impl Told {
    fn of(stack: &Stack, generation: u64) -> Self {
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

/// A stack that begins again when its control is asked to. Both stop when it is dropped.
#[derive(Debug)]
pub struct Renewable {
    /// The control's base address.
    pub control: String,
    _server: Server,
    _renewals: JoinSet<()>,
}

impl Renewable {
    /// Serves a stack and, at a port, its control; 0 is any port that is free.
    pub async fn start(stack: Stack, port: u16) -> Result<Self, StackError> {
        let options = stack.options();
        let address = SocketAddr::new(options.bind, port);
        let failed = |problem| StackError::Bind { system: "control", address, problem };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let control = format!("http://127.0.0.1:{}", listener.local_addr().map_err(failed)?.port());
        let surfaces = Arc::clone(&options.surfaces);
        let told = Arc::new(Mutex::new(Ok(Told::of(&stack, 1))));
        let (wishes, wished) = mpsc::unbounded_channel();
        let machine = Control { surfaces: Arc::clone(&surfaces), begun: 1, told: Arc::clone(&told), wishes };
        let service = Service {
            system: System::Control,
            listener,
            tls: None,
            machine: Box::new(machine),
            wire: None,
            jitter: None,
        };
        let server = Server::start(surfaces, vec![service], Ways::default()).await.map_err(StackError::Serve)?;
        let mut renewals = JoinSet::new();
        renewals.spawn(renew(stack, wished, told));
        Ok(Self { control, _server: server, _renewals: renewals })
    }
}

/// What the control tells, or why there is nothing left to tell of.
type Shared = Arc<Mutex<Result<Told, String>>>;

fn lock(told: &Shared) -> MutexGuard<'_, Result<Told, String>> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins again as often as it is wished.
async fn renew(mut stack: Stack, mut wished: mpsc::UnboundedReceiver<(u64, String)>, told: Shared) {
    while let Some((generation, seed)) = wished.recv().await {
        match stack.begin_again(&seed).await {
            Ok(begun) => {
                *lock(&told) = Ok(Told::of(&begun, generation));
                stack = begun;
            }
            Err(problem) => {
                *lock(&told) = Err(format!("the stack did not begin again: {problem}"));
                return;
            }
        }
    }
    // The control has gone; the stack goes with it.
}

/// The control as a machine: what takes time is done by others, so it only says what there is and takes wishes.
struct Control {
    surfaces: Arc<Surfaces>,
    begun: u64,
    told: Shared,
    wishes: mpsc::UnboundedSender<(u64, String)>,
}

impl Control {
    fn tell(&self) -> Response {
        match &*lock(&self.told) {
            Ok(told) => Response::json(200, &serde_json::json!(told)),
            Err(problem) => Response::new(500, "text/plain;charset=utf-8", problem.as_str()),
        }
    }

    /// The answer names the generation to wait for.
    fn wish(&mut self, request: &Request) -> Response {
        let field = self.surfaces.get("control.stack-renew").field("seed");
        let seed = Form::read(request).ok().and_then(|form| form.get(field).map(str::to_owned)).unwrap_or_default();
        let known = seed::names();
        if !known.contains(&seed.as_str()) {
            let problem = format!("the field {field} must name a seed: one of {}", known.join(", "));
            return Response::new(400, "text/plain;charset=utf-8", problem);
        }
        self.begun += 1;
        // It fails only when the stack could not begin again before, which the next question is told.
        let _ = self.wishes.send((self.begun, seed));
        Response::json(202, &serde_json::json!({ "generation": self.begun }))
    }
}

impl Machine for Control {
    fn handle(&mut self, _: Timestamp, request: &Request) -> Step {
        let asks = |id: &str| self.surfaces.get(id).matches(&request.method, &request.path).is_some();
        Step::Answer(if asks("control.stack") {
            self.tell()
        } else if asks("control.stack-renew") {
            self.wish(request)
        } else {
            Response::new(404, "text/plain;charset=utf-8", "here is only the control of a mocked stack")
        })
    }
}
