//! What a page shows because of its request: only what was not there before, and only if the request's own answer does not
//! say otherwise.

use std::collections::HashMap;

use bpconform_fixtures::ui::Label;
use serde_json::Value;

use crate::html;
use crate::plain::tells_failure;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;

/// Keys of an answer that say by true or false whether it went well.
const WELL: [&str; 6] = ["success", "succeeded", "successful", "ok", "healthy", "valid"];

/// Keys of an answer under which a failure is described.
const WRONG: [&str; 7] = ["error", "errors", "errormessage", "exception", "failure", "failures", "failed"];

/// Keys of an answer whose value is a status, as a number or as text.
const STATUS: [&str; 7] = ["status", "status.code", "statuscode", "code", "state", "result", "health"];

/// Words of a status that say that it went well.
const GOOD: [&str; 7] = ["success", "succeeded", "successful", "ok", "healthy", "passed", "valid"];

/// The lines of a text that are not empty.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|it| !it.is_empty()).collect()
}

/// The lines that are new, or appear more often than before.
pub(super) fn new_lines(before: &[String], after: Vec<String>) -> Vec<String> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for line in before {
        *known.entry(line).or_default() += 1;
    }
    let is_new = |line: &String| match known.get_mut(line.as_str()) {
        Some(left @ 1..) => {
            *left -= 1;
            false
        }
        _ => true,
    };
    after.into_iter().filter(is_new).collect()
}

/// The line with the English text in the place of that of another language: as the whole line, or after a colon, with or
/// without an exclamation mark.
pub(super) fn in_english(line: String, said: &[&Label]) -> String {
    let (before, text) = line.rsplit_once(": ").map_or(("", line.as_str()), |(before, text)| (before, text));
    let (text, mark) = text.strip_suffix('!').map_or((text, ""), |text| (text, "!"));
    let english = said.iter().find(|label| label.is(text)).and_then(|label| label.en.first());
    match english {
        Some(english) if before.is_empty() => format!("{english}{mark}"),
        Some(english) => format!("{before}: {english}{mark}"),
        None => line,
    }
}

/// Whether a line is one of these texts, in the place where [`in_english`] looks for it.
pub(super) fn says_one_of(line: &str, said: &[&Label]) -> bool {
    let text = line.rsplit_once(": ").map_or(line, |(_, text)| text);
    said.iter().any(|label| label.is(text.strip_suffix('!').unwrap_or(text)))
}

/// What an answer itself says about its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Nothing,
    Well,
    Wrong,
    NotUnderstood,
}

/// The lines that the page shows, if the request's own answer agrees; after a change with those of the answer. `is_shown` is
/// for an answer that is the page.
pub(super) fn agreed(page: Vec<String>, reply: &Reply, is_shown: bool, changes: bool) -> Checked<Vec<String>> {
    if is_shown && reply.looks_like_html() || reply.body.trim_ascii().is_empty() {
        return Ok(page);
    }
    let text = reply.text();
    let json = text
        .trim_start()
        .starts_with(['{', '['])
        .then(|| reply.json().ok().map_or(Says::NotUnderstood, |it| says(&it)));
    let own = if reply.looks_like_html() { html::lines(&text) } else { lines(&text) };
    let said =
        json.unwrap_or_else(|| if own.iter().any(|line| tells_failure(line)) { Says::Wrong } else { Says::Nothing });
    let page_is_wrong = page.iter().any(|line| tells_failure(line));
    let disagree = match said {
        Says::Wrong => !page_is_wrong,
        Says::Well => page_is_wrong && !changes,
        Says::NotUnderstood => !changes,
        Says::Nothing => false,
    };
    if disagree {
        let why = if said == Says::NotUnderstood { "is not understood" } else { "says otherwise" };
        let problem = format!("the page shows a result, but the answer to its own request {why}: {}", reply.what());
        return Err(Problem::error(problem).showing(page.into_iter().chain(own).collect()));
    }
    if json.is_some() || !changes {
        return Ok(page);
    }
    let more: Vec<_> = own.into_iter().filter(|line| !page.contains(line)).collect();
    Ok(page.into_iter().chain(more).collect())
}

/// What a document of JSON says: one sign of a failure outweighs all others.
fn says(json: &Value) -> Says {
    let mut signs = Vec::new();
    collect("", json, &mut signs);
    match (signs.contains(&Says::Wrong), signs.contains(&Says::Well)) {
        (true, _) => Says::Wrong,
        (false, true) => Says::Well,
        (false, false) => Says::NotUnderstood,
    }
}

fn collect(name: &str, json: &Value, signs: &mut Vec<Says>) {
    let name = name.to_lowercase();
    match json {
        Value::Object(object) if WRONG.contains(&name.as_str()) && !object.is_empty() => signs.push(Says::Wrong),
        Value::Array(array) if WRONG.contains(&name.as_str()) && !array.is_empty() => signs.push(Says::Wrong),
        Value::Object(object) => object.iter().for_each(|(name, value)| collect(name, value, signs)),
        Value::Array(array) => array.iter().for_each(|value| collect(&name, value, signs)),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => signs.push(sign(&name, json)),
    }
}

fn sign(name: &str, value: &Value) -> Says {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_lowercase());
    let is_no = matches!(text.as_str(), "" | "false" | "0" | "no" | "none");
    if WRONG.contains(&name) {
        return if is_no { Says::Nothing } else { Says::Wrong };
    }
    if WELL.contains(&name) {
        return if is_no { Says::Wrong } else { Says::Well };
    }
    if STATUS.contains(&name) {
        return match text.parse::<u32>() {
            Ok(200..400) => Says::Well,
            Ok(400..) => Says::Wrong,
            Err(_) if GOOD.contains(&text.as_str()) || text == "true" => Says::Well,
            Err(_) if tells_failure(&text) || text == "false" => Says::Wrong,
            Ok(_) | Err(_) => Says::Nothing,
        };
    }
    if value.is_string() && tells_failure(&text) { Says::Wrong } else { Says::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn strings(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn only_what_is_new_counts() {
        let before = strings(&["Healthy", "Acme"]);
        assert_eq!(new_lines(&before, strings(&["Acme", "Healthy"])), strings(&[]));
        assert_eq!(new_lines(&before, strings(&["Healthy", "Healthy", "New"])), strings(&["Healthy", "New"]));
    }

    #[test]
    fn a_message_in_another_language_is_read_as_the_english_one() {
        let label = &bpconform_fixtures::UserInterface::built_in().labels["token-retrieved"];
        let english = |line: &str| in_english(line.to_owned(), &[label]);
        assert_eq!(english("Acme: Token erfolgreich abgerufen!"), "Acme: Token retrieved successfully!");
        assert_eq!(english("Token erfolgreich abgerufen"), "Token retrieved successfully");
        for other in ["Acme: Kein Token erfolgreich abgerufen!", "Acme: Fehler", ""] {
            assert_eq!(english(other), other);
        }
    }

    fn agreed_on(page: &[&str], content_type: &str, body: &str, changes: bool) -> Checked<Vec<String>> {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let reply = Reply {
            surface: "author.ims-health".to_owned(),
            status: 200,
            headers,
            body: body.as_bytes().to_vec(),
            method: "GET".to_owned(),
            url: "http://author/x".parse().expect("an address"),
            redactor: crate::redact::Redactor::default(),
        };
        agreed(strings(page), &reply, false, changes)
    }

    #[test]
    fn the_answer_to_the_request_outweighs_what_the_page_shows() {
        let json = |page: &str, body: &str, changes| agreed_on(&[page], "application/json", body, changes);
        assert_eq!(json("Healthy", "{\"success\":true}", false), Ok(strings(&["Healthy"])));
        assert_eq!(json("Saved", "{\"id\":1}", true), Ok(strings(&["Saved"])));
        for (page, body, changes) in [
            ("Healthy", "{\"success\":false}", false),
            ("Healthy", "{\"success\":true,\"message\":\"the request failed\"}", false),
            ("Healthy", "{\"success\":", false),
            ("Healthy", "{\"id\":1}", false),
            ("An error occurred", "{\"success\":true}", false),
            ("Saved", "{\"status.code\":500}", true),
        ] {
            let problem = json(page, body, changes).expect_err(body);
            assert_eq!(problem.kind, crate::problem::Kind::Error, "{body}");
        }
        let html = |page: &str, body: &str| agreed_on(&[page], "text/html", body, false);
        assert!(html("Healthy", "<html><body><p>invalid_client</p></body></html>").is_err());
        assert_eq!(html("Wait", "<html><body><p>Healthy</p></body></html>"), Ok(strings(&["Wait"])));
    }

    #[test]
    fn json_is_understood_by_what_it_says() {
        for (json, wanted) in [
            (json!({ "success": true }), Says::Well),
            (json!({ "status": 200, "error": null }), Says::Well),
            (json!({ "status": "SUCCESS", "errors": [] }), Says::Well),
            (json!({ "success": false }), Says::Wrong),
            (json!({ "success": true, "error": "invalid_client" }), Says::Wrong),
            (json!({ "status.code": 500 }), Says::Wrong),
            (json!({ "status": "failed" }), Says::Wrong),
            (json!([{ "healthy": "false" }]), Says::Wrong),
            (json!({ "ok": true, "message": "The token request was refused" }), Says::Wrong),
            (json!({ "id": "an id" }), Says::NotUnderstood),
            (json!({}), Says::NotUnderstood),
        ] {
            assert_eq!(says(&json), wanted, "{json}");
        }
    }
}
