//! The guided recording of `bpconform surface learn --browser`: which documented step is shown, what its requests teach, and
//! what is still missing.

use bpconform_fixtures::actions::Action;
use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::{Actions, Surfaces, UserInterface};
use bpconform_steps::browser::note::{Button, Note};
use bpconform_steps::plain::plain_line;
use bpconform_steps::session::recording::{Recogniser, RecordedRequest, RecordingEnd};

use super::capture::{Capture, Raw, cut};
use super::recognise::{Recognised, is_possible, recognise};
use super::{Learned, show, today, unknown_actions};
use crate::error::Error;
use crate::output::Output;

/// How many names of fields a question lists.
const LISTED: usize = 8;

/// What the person has to know of each change.
const NOT_SENT: &str =
    "What would change the Author is recorded, and not sent. A page may look as if it had been done.";

/// What a recording ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedUntil {
    /// By the browser, or the person in it.
    Recording(RecordingEnd),
    /// By Ctrl-C.
    Interrupt,
    /// By the time limit.
    Timeout,
}

impl From<RecordingEnd> for RecordedUntil {
    fn from(end: RecordingEnd) -> Self {
        Self::Recording(end)
    }
}

impl RecordedUntil {
    /// The reason, for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Recording(RecordingEnd::Complete) => "nothing is missing",
            Self::Recording(RecordingEnd::Finished) => "Finish was pressed",
            Self::Recording(RecordingEnd::WindowClosed) => "the window was closed",
            Self::Interrupt => "it was interrupted",
            Self::Timeout => "the time limit of --timeout",
        }
    }
}

/// What a person must know before a recording.
pub fn introduction(author: &str) -> String {
    let steps = unknown_actions().count();
    format!(
        "a browser opens {author}: perform the {steps} steps that its note shows, in any order. What would change the Author is \
         recorded and not sent, so a page that needs the result of a step cannot show it. Press Finish in the note, close the window \
         or press Ctrl-C to end\n"
    )
}

/// The actions that a recording has recognised so far.
#[derive(Debug)]
pub struct Recorder {
    learned: Learned,
    output: Output,
    /// The endpoint of the step that the note shows.
    current: String,
    /// A request of the current step that the person is asked about.
    asked: Option<Capture>,
    /// What became of the last request.
    last: Option<String>,
    /// The built-in endpoints as text: a value that occurs in it is not masked.
    known: String,
}

impl Recorder {
    /// A recording that has not begun; `secrets` are those of the run, which no file may hold either.
    pub fn new<'a>(output: Output, secrets: impl Iterator<Item = &'a str>) -> Result<Self, Error> {
        let learned = Learned { secrets: secrets.map(str::to_owned).collect(), ..Learned::default() };
        let known = show::toml(Surfaces::built_in())?;
        let mut recorder = Self { learned, output, current: String::new(), asked: None, last: None, known };
        recorder.go_on();
        Ok(recorder)
    }

    /// Whether something was recognised.
    pub fn has_learned(&self) -> bool {
        !self.learned.surfaces.is_empty()
    }

    /// What was recognised, without what would hold a secret.
    pub fn learned(mut self) -> Result<Learned, Error> {
        self.learned.leave_out_secrets()?;
        Ok(self.learned)
    }

    /// Shows the next missing step after the current one.
    fn go_on(&mut self) {
        let missing: Vec<&Action> = self.learned.missing().collect();
        let all: Vec<&str> = unknown_actions().map(|action| action.surface.as_str()).collect();
        let place = |id: &str| all.iter().position(|other| *other == id);
        let next = missing.iter().find(|action| place(&action.surface) > place(&self.current)).or(missing.first());
        self.current = next.map(|action| action.surface.clone()).unwrap_or_default();
        self.asked = None;
    }

    fn current(&self) -> Option<&'static Action> {
        unknown_actions().find(|action| action.surface == self.current)
    }

    /// Takes a request as an action, and reports it.
    fn take_as(&mut self, capture: &Capture, recognised: &Recognised<'_>) {
        let id = recognised.surface.id.clone();
        // An endpoint that is built in is written, too, but not announced.
        let is_new = unknown_actions().any(|action| action.surface == id) && !self.learned.surfaces.contains_key(&id);
        let source = format!("recorded in a browser, {}", today());
        let step = step_of(recognised.action);
        self.last = match self.learned.take_as(capture, recognised, source) {
            Err(problem) => Some(format!("{step}: recognised, but cannot be used: {problem}")),
            Ok(()) if is_new => {
                let (missing, all) = (self.learned.missing().count(), unknown_actions().count());
                self.output.err(&format!("recognised: {step} ({id}); {missing} of {all} missing\n"));
                Some(format!("Recognised: {step}"))
            }
            Ok(()) => return,
        };
        if self.learned.surfaces.contains_key(&self.current) {
            self.go_on();
        }
    }

    /// Keeps the secrets of a request, so that neither the file nor any output shows them.
    fn keep_secrets(&mut self, capture: &Capture) {
        for secret in &capture.secrets {
            if self.learned.secrets.contains(secret) {
                continue;
            }
            if !self.known.contains(secret.as_str()) {
                self.output.redactor.learn(secret);
            }
            self.learned.secrets.push(secret.clone());
        }
    }
}

impl Recogniser for Recorder {
    fn does_more(&self, request: &RecordedRequest) -> bool {
        let recognised = capture(String::new(), request).and_then(|capture| Some(recognised(&capture)?.surface.class));
        recognised.is_some_and(|class| class != Class::Read)
    }

    fn take(&mut self, request: RecordedRequest) {
        let Some(capture) = capture(format!("request {}", self.learned.requests + 1), &request) else { return };
        self.learned.requests += 1;
        self.keep_secrets(&capture);
        if let Some(recognised) = recognised(&capture) {
            return self.take_as(&capture, &recognised);
        }
        if request.answer.is_some() {
            return;
        }
        let is_possible = self
            .current()
            .is_some_and(|action| is_possible(&capture, Surfaces::built_in().get(&action.surface), action));
        self.last = Some(format!("Not recognised, and not sent: {}", described(&capture)));
        // A question that is open is answered first.
        if is_possible && self.asked.is_none() {
            self.asked = Some(capture);
        }
    }

    fn pressed(&mut self, button: Button) {
        match button {
            Button::Yes => {
                if let (Some(capture), Some(action)) = (self.asked.take(), self.current()) {
                    let surface = Surfaces::built_in().get(&action.surface);
                    // Nothing says more than the person.
                    self.take_as(&capture, &Recognised { action, surface, score: usize::MAX });
                }
            }
            Button::No => self.asked = None,
            Button::Another => {
                self.last = None;
                self.go_on();
            }
            Button::Finish => {}
        }
    }

    fn note(&self) -> Note {
        let (missing, all) = (self.learned.missing().count(), unknown_actions().count());
        let mut lines: Vec<String> = vec![NOT_SENT.to_owned()];
        match &self.asked {
            Some(capture) => {
                lines
                    .push(format!("This request was not recognised: {}. Is it that of this step?", described(capture)));
            }
            None => lines.extend(self.last.clone()),
        }
        Note {
            place: format!("{} of {all} steps recognised", all - missing),
            step: self.current().map_or_else(|| "Nothing is missing".to_owned(), step_of),
            lines,
            asks: self.asked.is_some(),
            has_more: missing > 1,
        }
    }

    fn is_complete(&self) -> bool {
        self.learned.missing().next().is_none()
    }
}

/// The documented step of an action, from the start page on where that is documented.
fn step_of(action: &Action) -> String {
    let steps = UserInterface::built_in().actions.iter().find(|steps| steps.surface == action.surface);
    steps.map_or(&action.step, |steps| &steps.step).clone()
}

fn recognised(capture: &Capture) -> Option<Recognised<'static>> {
    recognise(capture, Surfaces::built_in(), Actions::built_in())
}

/// The request as it is recognised; none for what cannot be an action.
fn capture(place: String, request: &RecordedRequest) -> Option<Capture> {
    let content_type = request.headers.iter().find(|(name, _)| name == "content-type");
    let raw = Raw {
        method: request.method.clone(),
        headers: request.headers.clone(),
        content_type: content_type.map(|(_, value)| value.clone()).unwrap_or_default(),
        body: request.body.clone(),
        fields: Vec::new(),
    };
    let mut answer = request.answer.clone().unwrap_or_default();
    cut(&mut answer);
    let capture = Capture::reduce(place, &request.url, raw).ok().flatten()?;
    Some(Capture { answer, ..capture })
}

/// A request in a few words, without the values of its fields.
fn described(capture: &Capture) -> String {
    let mut names: Vec<&str> = capture.all_fields().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names.truncate(LISTED);
    let fields = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    plain_line(&format!("{} {}{fields}", capture.method, capture.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder() -> Recorder {
        Recorder::new(Output::captured(), ["the-password-of-the-run"].into_iter()).expect("it begins")
    }

    fn post(path: &str, body: &str) -> RecordedRequest {
        RecordedRequest {
            method: "POST".into(),
            url: format!("http://author{path}"),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: body.as_bytes().to_vec(),
            answer: None,
        }
    }

    fn get(path: &str, answer: &str) -> RecordedRequest {
        RecordedRequest {
            method: "GET".into(),
            url: format!("http://author{path}"),
            answer: Some(answer.into()),
            ..RecordedRequest::default()
        }
    }

    const DELETE: &str = "configurationIds=com.adobe.granite.auth.oauth.accesstoken.provider.1";

    #[test]
    fn the_note_goes_from_step_to_step_in_any_order() {
        let mut recorder = recorder();
        let first = recorder.note();
        assert_eq!(first.step, "Tools > Security > Adobe IMS Configurations > Create > Create certificate");
        assert!(first.place.starts_with("0 of 9") && first.has_more && !first.asks, "{first:?}");
        recorder.take(post("/mnt/x/bp/unpublish", "path=/content/dam/mine"));
        let note = recorder.note();
        assert_eq!((note.step, note.place.as_str()), (first.step, "1 of 9 steps recognised"));
        assert!(note.lines[1].starts_with("Recognised: Assets"), "{:?}", note.lines);
        recorder.pressed(Button::Another);
        assert!(recorder.note().step.ends_with("Download Public Key"));
        recorder.take(get("/mnt/x/mine/AEM-Adobe-IMS.crt", "-----BEGIN CERTIFICATE-----"));
        assert!(recorder.note().step.ends_with("Create"), "it goes on by itself");
        let learned = recorder.learned().expect("it ends");
        assert_eq!(learned.surfaces["author.certificate-download"].path, "/mnt/x/{alias}/AEM-Adobe-IMS.crt");
        assert!(learned.summary().contains("not there, and unknown so far"), "{}", learned.summary());
    }

    #[test]
    fn what_too_little_speaks_for_is_a_question() {
        let mut recorder = recorder();
        while recorder.current != "author.ims-health" {
            recorder.pressed(Button::Another);
        }
        recorder.take(post("/mnt/x/ims/remove", DELETE));
        assert!(!recorder.note().asks, "a change is not taken for a check");
        while recorder.current != "author.ims-delete" {
            recorder.pressed(Button::Another);
        }
        recorder.take(post("/home/preferences", "theme=dark"));
        let note = recorder.note();
        assert!(!note.asks && note.lines[1].contains("POST /home/preferences (theme)"), "{note:?}");
        for button in [Button::No, Button::Yes] {
            recorder.take(post("/mnt/x/ims/remove", DELETE));
            assert!(recorder.note().asks && !recorder.has_learned());
            recorder.pressed(button);
            assert!(!recorder.note().asks);
        }
        let learned = recorder.learned().expect("it ends");
        let surface = &learned.surfaces["author.ims-delete"];
        assert_eq!((surface.path.as_str(), surface.method.as_str()), ("/mnt/x/ims/remove", "POST"));
    }

    #[test]
    fn a_read_that_is_known_to_do_more_is_not_sent() {
        let health = |path: &str| get(&format!("{path}?id=com.adobe.granite.auth.oauth.accesstoken.provider.1"), "");
        assert!(recorder().does_more(&health("/mnt/ims/imsconfig/checkhealth")));
        assert!(!recorder().does_more(&health("/mnt/ims/properties.html")));
        assert!(!recorder().does_more(&get("/mnt/x/mine/AEM-Adobe-IMS.crt", "")));
    }

    #[test]
    fn no_secret_is_learned_or_shown() {
        let mut recorder = recorder();
        let ims = "title=Mine&apiKey=an-id&clientSecret=canary-secret&orgId=1%40AdobeOrg&:cq_csrf_token=canary-token";
        recorder.take(post("/mnt/canary-secret/imsconfig/save", ims));
        recorder.take(post("/mnt/the-password-of-the-run/bp/publish", "path=/content/dam/mine"));
        recorder.take(post("/mnt/x/bp/unpublish", "path=/content/dam/mine&csrf=canary-token"));
        let output = recorder.output.clone();
        let learned = recorder.learned().expect("it ends");
        assert_eq!(learned.surfaces.keys().collect::<Vec<_>>(), ["author.unpublish"]);
        let text = learned.text().expect("the others can be written");
        assert!(learned.summary().contains("author.ims-create: not written: it would hold a secret"));
        for (what, text) in [("the file", text), ("the output", output.said())] {
            assert!(!text.contains("canary") && !text.contains("password-of"), "{what}: {text}");
        }
    }
}
