//! The note on a page of a recording: a small box in a corner that shows the documented step and what was recognised.
//!
//! Its script runs in a world of its own, and what it shows is in a closed shadow root: the scripts of the page neither see
//! nor press it.

use serde::Serialize;
use serde_json::{Value, json};

use super::Event;
use super::page::Page;
use crate::problem::Checked;

/// The world of the note's script.
const WORLD: &str = "bpconform-recorder";

/// The function by which the note reports that a page has begun, and which of its buttons was pressed.
const BINDING: &str = "bpconformRecorder";

/// Reports that a page has begun: at once, and when it has a body.
const BEGUN: &str = "if (window === window.top) {
  bpconformRecorder('begun');
  addEventListener('DOMContentLoaded', () => bpconformRecorder('begun'));
}";

/// Shows the note, or what is new in it.
const SHOW: &str = "function (note) {
  if (!document.documentElement) return;
  const make = (tag, style, text) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(style)) made.style.setProperty(name, value);
    if (text) made.textContent = text;
    return made;
  };
  const old = globalThis.bpconformNote;
  const host = old?.isConnected ? old : make('div', {});
  if (host !== old) {
    // Above everything. It takes no clicks but those on its buttons.
    for (const [name, value] of Object.entries({ all: 'initial', position: 'fixed', bottom: '12px', right: '12px',
        'z-index': '2147483647', 'pointer-events': 'none' })) host.style.setProperty(name, value, 'important');
    globalThis.bpconformNote = host;
    globalThis.bpconformBox = host.attachShadow({ mode: 'closed' });
    document.documentElement.append(host);
  }
  const box = make('section', { width: '320px', padding: '12px 14px', 'border-radius': '8px', background: '#20242b',
    color: '#f4f5f6', font: '14px/1.45 system-ui, sans-serif', 'box-shadow': '0 4px 18px rgb(0 0 0 / .4)' });
  box.setAttribute('role', 'region');
  box.setAttribute('aria-label', 'Recorder');
  box.append(make('div', { color: '#a9b1bd', 'font-size': '12px' }, note.place));
  box.append(make('div', { 'font-weight': '600', margin: '2px 0 6px' }, note.step));
  for (const line of note.lines)
    box.append(make('div', { 'font-size': '12.5px', 'overflow-wrap': 'anywhere', 'margin-top': '4px' }, line));
  const row = make('div', { display: 'flex', 'flex-wrap': 'wrap', gap: '6px', 'margin-top': '10px' });
  const button = (text, act) => {
    const made = make('button', { font: 'inherit', 'font-size': '13px', padding: '3px 10px', 'border-radius': '6px',
      cursor: 'pointer', border: '1px solid #59616d', background: '#2d333c', color: 'inherit', 'pointer-events': 'auto' }, text);
    made.type = 'button';
    made.addEventListener('click', (event) => { event.stopPropagation(); if (event.isTrusted) act(); });
    row.append(made);
  };
  if (note.asks) {
    button('Yes', () => bpconformRecorder('yes'));
    button('No', () => bpconformRecorder('no'));
  }
  if (note.has_more) button('Another step', () => bpconformRecorder('another'));
  button('Finish', () => bpconformRecorder('finish'));
  button('Move', () => {
    const left = host.style.getPropertyValue('left') !== '12px';
    host.style.setProperty(left ? 'left' : 'right', '12px', 'important');
    host.style.setProperty(left ? 'right' : 'left', 'auto', 'important');
  });
  box.append(row);
  globalThis.bpconformBox.replaceChildren(box);
}";

/// What the note shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// How far the recording is.
    pub place: String,
    /// The documented step.
    pub step: String,
    /// What else there is to say, one paragraph each.
    pub lines: Vec<String>,
    /// Whether the last line is a question.
    pub asks: bool,
    /// Whether other steps are missing, too.
    pub has_more: bool,
}

/// A button of the note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// The answer to its question.
    Yes,
    /// The answer to its question.
    No,
    /// Shows another missing step.
    Another,
    /// Ends the recording.
    Finish,
}

/// What the note reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// A page has begun: the note can be shown in this world.
    Begun(i64),
    /// A button was pressed.
    Pressed(Button),
}

impl Report {
    /// The report that an event is; none for another event.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        if event.name != "Runtime.bindingCalled" || event.about["name"] != BINDING {
            return None;
        }
        let pressed = match event.about["payload"].as_str()? {
            "begun" => return event.about["executionContextId"].as_i64().map(Self::Begun),
            "yes" => Button::Yes,
            "no" => Button::No,
            "another" => Button::Another,
            "finish" => Button::Finish,
            _ => return None,
        };
        Some(Self::Pressed(pressed))
    }
}

impl Page<'_> {
    /// Prepares the note: each page of the window reports that it has begun.
    pub(crate) async fn prepare_note(&self) -> Checked {
        let binding = json!({ "name": BINDING, "executionContextName": WORLD });
        self.call("Runtime.addBinding", binding).await?;
        let script = json!({ "source": BEGUN, "worldName": WORLD });
        self.call("Page.addScriptToEvaluateOnNewDocument", script).await.map(drop)
    }

    /// Shows the note in the world of a page.
    pub(crate) async fn show_note(&self, world: i64, note: &Note) {
        let note: Value = json!(note);
        let call = json!({
            "functionDeclaration": SHOW, "executionContextId": world, "arguments": [{ "value": note }],
        });
        // A page that has gone in the meantime reports the next one.
        let _ = self.call("Runtime.callFunctionOn", call).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_notes_own_reports_are_read() {
        let report = |name: &str, payload: &str| {
            let about = json!({ "name": name, "payload": payload, "executionContextId": 7 });
            Report::of(&Event { name: "Runtime.bindingCalled".to_owned(), about })
        };
        assert_eq!(report(BINDING, "begun"), Some(Report::Begun(7)));
        assert_eq!(report(BINDING, "finish"), Some(Report::Pressed(Button::Finish)));
        assert_eq!(report(BINDING, "delete"), None);
        assert_eq!(report("other", "finish"), None);
    }
}
