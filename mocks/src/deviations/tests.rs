use bpconform_fixtures::Variations;
use jiff::SignedDuration;

use super::*;

/// A system that creates a node for a POST, and calls another system before it answers a GET.
#[derive(Default)]
struct Small {
    repository: Repository,
    asked: Vec<CallResult>,
    /// Whether the node of the last read exists.
    found: bool,
}

impl Machine for Small {
    fn handle(&mut self, _: Timestamp, request: &Request) -> Step {
        if request.method == "POST" {
            self.repository.ensure(&request.path, "nt:unstructured").set("made", true);
            let said = String::from_utf8_lossy(&request.body).into_owned();
            return Step::Answer(Response::new(201, "text/plain", said));
        }
        self.found = self.repository.exists(request.path.trim_end_matches(".json"));
        let headers = vec![("action".to_owned(), "Test".to_owned())];
        let call =
            Call { method: "POST".into(), url: "http://tenant/bin/receive".into(), headers, body: b"bytes".into() };
        Step::Call(1, call)
    }

    fn resume(&mut self, _: Timestamp, _: Ticket, outcome: CallResult) -> Step {
        let response = outcome.clone().unwrap_or_default();
        self.asked.push(outcome);
        Step::Answer(response)
    }

    fn dump(&self) -> serde_json::Value {
        self.found.into()
    }

    fn repository_mut(&mut self) -> Option<&mut Repository> {
        Some(&mut self.repository)
    }
}

fn deviation(id: &str, text: &str) -> Deviation {
    let text = format!("[[variation]]\nid = '{id}'\nsays = 'b'\nsource = 'surfaces.md §1'\n{text}");
    let variations = Variations::parse("test", &text).unwrap_or_else(|error| panic!("{error}"));
    variations.all[0].deviation()
}

fn with(text: &str) -> Deviating {
    let surfaces = Arc::new(Surfaces::built_in().clone());
    let values = Arc::new(Values::from([("tenant".to_owned(), "bpdoc".to_owned())]));
    Deviating::new(Box::new(Small::default()), System::Author, surfaces, values, deviation("a", text))
}

fn post(path: &str, body: &str) -> Request {
    let headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    Request { method: "POST".into(), path: path.into(), headers, body: body.into(), ..Request::default() }
}

fn test_of(agent: &str) -> Request {
    let path = format!("/etc/replication/agents.author/{agent}.test.html");
    Request { method: "GET".into(), path, ..Request::default() }
}

fn answered(step: Step) -> Response {
    match step {
        Step::Answer(response) => response,
        other => panic!("no answer: {other:?}"),
    }
}

fn has(machine: &mut Deviating, path: &str) -> bool {
    machine.repository_mut().is_some_and(|repository| repository.exists(path))
}

#[test]
fn a_node_goes_as_often_as_it_comes() {
    let mut machine = with("edits = [{ node = '/home/mac-{tenant}/*', change = 'remove' }]");
    for _ in 0..2 {
        assert_eq!(answered(machine.handle(Timestamp::UNIX_EPOCH, &post("/home/mac-bpdoc/x", ""))).status, 201);
        assert!(has(&mut machine, "/home/mac-bpdoc") && !has(&mut machine, "/home/mac-bpdoc/x"));
    }
    machine.handle(Timestamp::UNIX_EPOCH, &post("/home/mac-other/x", ""));
    assert!(has(&mut machine, "/home/mac-other/x"));
}

#[test]
fn a_late_node_comes_at_its_time() {
    let mut machine = with("edits = [{ node = '/etc/agent3', change = { late = 60 } }]");
    machine.handle(Timestamp::UNIX_EPOCH, &post("/etc/agent3", ""));
    let due = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(60);
    assert!(!has(&mut machine, "/etc/agent3"));
    assert_eq!(machine.next_due(), Some(due));
    machine.tick(due);
    assert!(has(&mut machine, "/etc/agent3"));
    assert_eq!(machine.next_due(), None);
}

#[test]
fn an_edit_waits_for_the_request_that_it_is_said_to_follow() {
    let edit = "edits = [{ node = '/etc/publish', change = 'remove', \
                after = { surface = 'author.node-write', path = 'agent3' } }]";
    let mut machine = with(edit);
    machine.handle(Timestamp::UNIX_EPOCH, &post("/etc/publish", ""));
    assert!(has(&mut machine, "/etc/publish"));
    machine.handle(Timestamp::UNIX_EPOCH, &post("/etc/agent3", ""));
    assert!(!has(&mut machine, "/etc/publish"));
}

#[test]
fn a_request_is_swallowed_or_changed_and_an_answer_too() {
    let mut machine = with("answers = [{ to = { surface = 'author.cloud-create' }, instead = true }]");
    let response = answered(machine.handle(Timestamp::UNIX_EPOCH, &post("/apps/brandportal/config", "name=x")));
    assert_eq!((response.status, has(&mut machine, "/apps/brandportal/config")), (200, false));

    let answer = "answers = [{ to = { surface = 'author.cloud-create', fields = { name = '^$' } }, \
                  form = { name = 'Untitled {tenant}' }, status = 202, replace = [['Untitled', 'Un']] }]";
    let mut machine = with(answer);
    let response = answered(machine.handle(Timestamp::UNIX_EPOCH, &post("/apps/brandportal/config", "item=")));
    assert_eq!((response.status, response.text().as_str()), (202, "item=&name=Un+bpdoc"));
    let response = answered(machine.handle(Timestamp::UNIX_EPOCH, &post("/apps/brandportal/config", "name=x")));
    assert_eq!((response.status, response.text().as_str()), (201, "name=x"));
}

#[test]
fn a_call_is_answered_here_or_goes_out_changed() {
    let calls = |change: &str| {
        format!("calls = [{{ url = '/bin/receive', fields = {{ action = 'Test' }}, change = {change} }}]")
    };
    let mut machine = with(&calls("{ answer = { status = 401, body = 'no' } }"));
    let response = answered(machine.handle(Timestamp::UNIX_EPOCH, &test_of("agent0")));
    assert_eq!((response.status, response.text().as_str()), (401, "no"));

    let mut machine = with(&calls("{ body = 'other' }"));
    match machine.handle(Timestamp::UNIX_EPOCH, &test_of("agent0")) {
        Step::Call(_, call) => assert_eq!(call.body, b"other"),
        other => panic!("no call: {other:?}"),
    }
}

#[test]
fn the_answer_after_a_call_is_changed_for_the_request_that_is_meant() {
    let answer = "answers = [{ to = { surface = 'author.agent-test', path = 'agent1' }, body = 'succeeded' }]";
    for (agent, expected) in [("agent0", "failed"), ("agent1", "succeeded")] {
        let mut machine = with(answer);
        let Step::Call(ticket, _) = machine.handle(Timestamp::UNIX_EPOCH, &test_of(agent)) else { panic!("no call") };
        let outcome = Ok(Response::new(200, "text/html", "failed"));
        let response = answered(machine.resume(Timestamp::UNIX_EPOCH, ticket, outcome));
        assert_eq!(response.text(), expected, "{agent}");
    }
}

#[test]
fn a_watch_detects_which_deviation_would_have_had_an_effect() {
    let texts = [
        "edits = [{ node = '/etc/agent3', change = 'remove' }]",
        "edits = [{ node = '/etc/agent4', change = 'remove' }]",
        "answers = [{ to = { surface = 'author.agent-test' }, status = 500 }]",
        "calls = [{ url = '/bin/receive', change = { fail = 'cut' } }]",
        "calls = [{ from = 'tenant', url = '/bin/receive', change = { fail = 'cut' } }]",
    ];
    let named = texts.iter().enumerate().map(|(number, text)| deviation(&number.to_string(), text));
    let watch = Watch::new(Arc::new(named.collect()));
    let (surfaces, values) = (Arc::new(Surfaces::built_in().clone()), Arc::new(Values::new()));
    let mut machine = Watched::new(Box::new(Small::default()), System::Author, &surfaces, &values, watch.clone());
    assert!(watch.touched().is_empty());
    machine.handle(Timestamp::UNIX_EPOCH, &post("/etc/agent3", ""));
    assert_eq!(watch.touched(), ["0".to_owned()].into());
    machine.handle(Timestamp::UNIX_EPOCH, &test_of("agent0"));
    assert_eq!(watch.touched(), ["0", "2", "3"].map(str::to_owned).into());
}

#[test]
fn a_stale_read_shows_the_repository_before_the_last_change() {
    let mut machine = with("stale = [{ to = { surface = 'author.*' }, reads = 1 }]");
    machine.handle(Timestamp::UNIX_EPOCH, &post("/etc/a", ""));
    let read = Request { method: "GET".into(), path: "/etc/a.json".into(), ..Request::default() };
    let mut exists = || {
        machine.handle(Timestamp::UNIX_EPOCH, &read);
        machine.machine.dump()
    };
    assert_eq!([exists(), exists()], [false, true].map(serde_json::Value::from));
}

#[test]
fn properties_change_their_types_and_a_node_its_name() {
    let edits = "edits = [{ node = '/etc/a', change = { convert = { made = 'text' } } }, \
                 { node = '/etc/a', change = { rename = ['^a$', 'b-{tenant}'] } }]";
    let mut machine = with(edits);
    machine.handle(Timestamp::UNIX_EPOCH, &post("/etc/a", ""));
    let repository = machine.repository_mut().expect("a repository");
    let made = repository.get("/etc/b-bpdoc").and_then(|node| node.text("made").map(str::to_owned));
    assert_eq!(made.as_deref(), Some("true"));
}

#[test]
fn an_answer_is_changed_only_with_the_properties_of_its_filter() {
    let answers = "answers = [{ to = { surface = 'author.cloud-create' }, having = { body = 'name' }, \
                   add-headers = [['set-cookie', 'a=1'], ['set-cookie', 'b=2']], encode = ['byte-order-mark'] }]";
    let mut machine = with(answers);
    let response = answered(machine.handle(Timestamp::UNIX_EPOCH, &post("/apps/brandportal/config", "name=x")));
    let cookies: Vec<_> = response.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
    assert_eq!((cookies.len(), response.text().as_str()), (2, "\u{feff}name=x"));
    let response = answered(machine.handle(Timestamp::UNIX_EPOCH, &post("/apps/brandportal/config", "item=x")));
    assert_eq!(response.text(), "item=x");
}
