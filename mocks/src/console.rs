//! The mocked Adobe Developer Console: projects, their APIs, and the credentials that IMS then knows (surfaces.md §6.2).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bpconform_fixtures::surfaces::{Arguments, expand};
use bpconform_fixtures::{Surface, Surfaces, System};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ims::{Client, Kind};
use crate::machine::{Call, CallResult, Form, Machine, Request, Response, Step, Ticket};
use crate::routing::{bearer, not_found, route};

/// The maximum number of projects.
const MOST_PROJECTS: usize = 10_000;

/// A mocked Developer Console of one organization.
pub struct Console {
    surfaces: Arc<Surfaces>,
    org_id: String,
    token: String,
    scopes: Vec<String>,
    ims: String,
    projects: BTreeMap<String, Project>,
    waiting: HashMap<Ticket, Waiting>,
    made: u64,
}

struct Project {
    title: String,
    credentials: Vec<Credential>,
}

#[derive(Clone)]
struct Credential {
    id: String,
    name: String,
    created: Timestamp,
    product_profile: String,
    client: Client,
}

/// What follows the answer of IMS.
enum Waiting {
    Add { project: String, credential: Box<Credential> },
    Delete { project: String },
}

/// The options of a console.
#[derive(Clone)]
pub struct ConsoleOptions {
    /// Its organization.
    pub org_id: String,
    /// The bearer token that it accepts.
    pub token: String,
    /// The scopes of its new credentials.
    pub scopes: Vec<String>,
    /// The base address of the IMS that it registers credentials at.
    pub ims: String,
}

impl Console {
    /// A console without projects.
    pub fn new(surfaces: Arc<Surfaces>, options: ConsoleOptions) -> Self {
        let ConsoleOptions { org_id, token, scopes, ims } = options;
        let (projects, waiting) = (BTreeMap::new(), HashMap::new());
        Self { surfaces, org_id, token, scopes, ims, projects, waiting, made: 0 }
    }

    fn step(&mut self, now: Timestamp, request: &Request) -> Result<Step, Response> {
        let surfaces = Arc::clone(&self.surfaces);
        let Some((surface, arguments)) = route(&surfaces, &[System::Console], request) else {
            return Err(not_found(&surfaces, System::Console, request));
        };
        self.admit(request, &arguments)?;
        let argument = |name: &str| arguments.get(name).map_or("", String::as_str);
        match surface.id.as_str() {
            "console.project-create" => self.create(&fields(request)?, surface).map(Step::Answer),
            "console.projects" => Ok(Step::Answer(self.list())),
            "console.project" => self.project(argument("project")).map(|found| found.0).map(Step::Answer),
            "console.project-delete" => self.delete(argument("project")),
            "console.api-add" => self.add_api(now, argument("project"), &fields(request)?, surface),
            "console.secrets" => self.secrets(argument("credential")).map(Step::Answer),
            _ => Err(not_found(&surfaces, System::Console, request)),
        }
    }

    fn admit(&self, request: &Request, arguments: &Arguments) -> Result<(), Response> {
        if bearer(request) != Some(self.token.as_str()) {
            return Err(refusal(401, "unauthorized", "the bearer token of the Developer Console is missing or wrong"));
        }
        if arguments.get("org").is_some_and(|org| *org != self.org_id) {
            return Err(refusal(403, "forbidden", "the user is not an administrator of that organization"));
        }
        Ok(())
    }

    fn create(&mut self, fields: &Form, surface: &Surface) -> Result<Response, Response> {
        let title = required(fields, surface, "title")?.to_owned();
        if self.projects.len() >= MOST_PROJECTS {
            return Err(refusal(507, "too_many_projects", "the mock keeps no more projects"));
        }
        let id = self.next().to_string();
        self.projects.insert(id.clone(), Project { title, credentials: Vec::new() });
        let (mut created, _) = self.project(&id)?;
        created.status = 201;
        Ok(created)
    }

    fn list(&self) -> Response {
        let projects = self.projects.iter().map(|(id, project)| json!({ "id": id, "title": project.title }));
        Response::json(200, &json!({ "projects": projects.collect::<Vec<_>>() }))
    }

    fn project(&self, id: &str) -> Result<(Response, &Project), Response> {
        let project = self.projects.get(id).ok_or_else(|| refusal(404, "not_found", "the project does not exist"))?;
        let api = self.surfaces.get("console.api-add").phrase("api");
        let apis: Vec<_> = project.credentials.iter().map(|_| api).take(1).collect();
        let credentials: Vec<_> = project.credentials.iter().map(|credential| self.describe(credential)).collect();
        let (title, org_id) = (&project.title, &self.org_id);
        let body = json!({ "id": id, "title": title, "orgId": org_id, "apis": apis, "credentials": credentials });
        Ok((Response::json(200, &body), project))
    }

    fn delete(&mut self, id: &str) -> Result<Step, Response> {
        self.project(id)?;
        Ok(self.delete_next(id))
    }

    /// Removes the credentials from IMS one by one, then deletes the project.
    fn delete_next(&mut self, id: &str) -> Step {
        let credential = self.projects.get_mut(id).and_then(|project| project.credentials.pop());
        let Some(credential) = credential else {
            self.projects.remove(id);
            return Step::Answer(Response { status: 204, ..Response::default() });
        };
        let surfaces = Arc::clone(&self.surfaces);
        let surface = surfaces.get("control.ims-credential-delete");
        self.call(Waiting::Delete { project: id.to_owned() }, surface, &credential.client.id, Vec::new())
    }

    fn add_api(&mut self, now: Timestamp, id: &str, fields: &Form, surface: &Surface) -> Result<Step, Response> {
        self.project(id)?;
        if required(fields, surface, "api")? != surface.phrase("api") {
            return Err(refusal(400, "unknown_api", &format!("the mock has one API: {}", surface.phrase("api"))));
        }
        let kind = required(fields, surface, "credential-type")?;
        if kind == surface.phrase("jwt") {
            let said = surface.wording("jwt-refused");
            let instead = "create an OAuth Server-to-Server credential instead";
            return Err(refusal(400, "jwt_credentials_deprecated", &format!("{said}; {instead}")));
        }
        if kind != surface.phrase("oauth") {
            let known = surface.phrase("oauth");
            return Err(refusal(400, "unknown_credential_type", &format!("the credential's type must be {known}")));
        }
        let name = required(fields, surface, "credential-name")?.to_owned();
        let profile = fields.get(surface.field("product-profile")).unwrap_or(surface.phrase("product-profile"));
        if profile != surface.phrase("product-profile") {
            return Err(refusal(400, "unknown_product_profile", "the organization has no such product profile"));
        }
        let product_profile = profile.to_owned();
        let number = self.next();
        let client = self.new_client(now, number);
        let body = serde_json::to_vec(&client).map_err(|error| refusal(500, "mock", &error.to_string()))?;
        let credential = Credential { id: number.to_string(), name, created: now, product_profile, client };
        let waiting = Waiting::Add { project: id.to_owned(), credential: Box::new(credential) };
        let surfaces = Arc::clone(&self.surfaces);
        Ok(self.call(waiting, surfaces.get("control.ims-credential"), "", body))
    }

    fn new_client(&self, now: Timestamp, number: u64) -> Client {
        // Unique, and recognizable as made by a mock.
        let unique = format!("{number:08x}{:016x}", now.as_nanosecond().unsigned_abs() & u128::from(u64::MAX));
        Client {
            id: format!("mock{unique}"),
            secrets: vec![format!("p8e-mock-{unique}")],
            org_id: self.org_id.clone(),
            technical_account: format!("{}@techacct.adobe.com", unique.to_uppercase()),
            kind: Kind::OAuth { scopes: self.scopes.clone() },
        }
    }

    fn describe(&self, credential: &Credential) -> Value {
        let Credential { id, name, client, product_profile, .. } = credential;
        let technical_account = &client.technical_account;
        let email = technical_account.replace('@', "+mock@");
        json!({
            "id": id,
            "name": name,
            "type": self.surfaces.get("console.api-add").phrase("oauth"),
            "clientId": client.id,
            "scopes": self.scopes.join(","),
            "orgId": client.org_id,
            "technicalAccountId": technical_account,
            "technicalAccountEmail": email,
            "productProfile": product_profile,
        })
    }

    /// The secrets of a credential, masked (surfaces.md §1.1).
    fn secrets(&self, id: &str) -> Result<Response, Response> {
        let all = self.projects.values().flat_map(|project| &project.credentials);
        let credential = all.into_iter().find(|credential| credential.id == id);
        let credential = credential.ok_or_else(|| refusal(404, "not_found", "the credential does not exist"))?;
        let client = &credential.client;
        let secrets: Vec<_> = (1..=client.secrets.len())
            .map(|number| json!({ "uuid": format!("{id}-{number}"), "created_at": credential.created }))
            .collect();
        Ok(Response::json(200, &json!({ "client_id": client.id, "client_secrets": secrets })))
    }

    fn call(&mut self, waiting: Waiting, surface: &Surface, client: &str, body: Vec<u8>) -> Step {
        let ticket = self.next();
        self.waiting.insert(ticket, waiting);
        let arguments = Arguments::from([("client".to_owned(), client.to_owned())]);
        let path = expand(&surface.path, &arguments).expect("the surface has no other placeholder");
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let url = format!("{}{path}", self.ims.trim_end_matches('/'));
        Step::Call(ticket, Call { method: surface.method.clone(), url, headers, body })
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn added(&mut self, project: &str, credential: Credential) -> Response {
        let mut description = self.describe(&credential);
        description["clientSecret"] = credential.client.secrets[0].as_str().into();
        match self.projects.get_mut(project) {
            Some(project) => {
                project.credentials.push(credential);
                Response::json(201, &description)
            }
            None => refusal(404, "not_found", "the project was deleted in the meantime"),
        }
    }
}

impl Machine for Console {
    fn handle(&mut self, now: Timestamp, request: &Request) -> Step {
        self.step(now, request).unwrap_or_else(Step::Answer)
    }

    fn resume(&mut self, _: Timestamp, ticket: Ticket, outcome: CallResult) -> Step {
        let Some(waiting) = self.waiting.remove(&ticket) else { return Step::Done };
        let problem = match outcome {
            Ok(response) if response.status < 300 || response.status == 404 => None,
            Ok(response) => Some(format!("IMS answered {}", response.status)),
            Err(problem) => Some(problem),
        };
        if let Some(problem) = problem {
            return Step::Answer(refusal(502, "ims", &format!("IMS does not know the credential: {problem}")));
        }
        match waiting {
            Waiting::Add { project, credential } => Step::Answer(self.added(&project, *credential)),
            Waiting::Delete { project } => self.delete_next(&project),
        }
    }
}

/// The fields of a form or of an object of JSON.
fn fields(request: &Request) -> Result<Form, Response> {
    let malformed = |problem: String| refusal(400, "bad_request", &problem);
    let mut form = Form::read(request).map_err(malformed)?;
    if request.header("content-type").is_some_and(|content_type| content_type.starts_with("application/json")) {
        let object: BTreeMap<String, String> =
            serde_json::from_slice(&request.body).map_err(|error| malformed(error.to_string()))?;
        form.fields.extend(object.into_iter().map(|(name, value)| (name, vec![value])));
    }
    Ok(form)
}

fn required<'a>(fields: &'a Form, surface: &Surface, word: &str) -> Result<&'a str, Response> {
    let name = surface.field(word);
    let value = fields.get(name).filter(|value| !value.trim().is_empty());
    value.ok_or_else(|| refusal(400, "bad_request", &format!("the field {name} is missing")))
}

fn refusal(status: u16, error: &str, message: &str) -> Response {
    Response::json(status, &json!({ "error": error, "message": message }))
}
