//! What a page reports in the console of its browser.

use serde_json::Value;

use super::Event;

/// What a page is not to blame for: blocked requests, which are evidence themselves, and the icon that a browser asks for.
const OF_NO_INTEREST: [&str; 2] = ["ERR_BLOCKED_BY_CLIENT", "/favicon.ico"];

/// The error of a page that an event is about, as a whole: it is masked before it is cut. None for another event.
pub(crate) fn error(event: &Event) -> Option<String> {
    let about = &event.about;
    let text = match event.name.as_str() {
        "Runtime.exceptionThrown" => {
            let details = &about["exceptionDetails"];
            details["exception"]["description"].as_str().or_else(|| details["text"].as_str())?.to_owned()
        }
        "Runtime.consoleAPICalled" if matches!(about["type"].as_str(), Some("error" | "assert")) => {
            let parts = about["args"].as_array().into_iter().flatten().map(argument);
            parts.collect::<Vec<_>>().join(" ")
        }
        "Log.entryAdded" if about["entry"]["level"] == "error" => {
            let entry = &about["entry"];
            let url = entry["url"].as_str().map(|url| format!(" ({url})")).unwrap_or_default();
            format!("{}{url}", entry["text"].as_str()?)
        }
        _ => return None,
    };
    (!text.trim().is_empty() && !OF_NO_INTEREST.iter().any(|it| text.contains(it))).then_some(text)
}

fn argument(value: &Value) -> String {
    match &value["value"] {
        Value::String(text) => text.clone(),
        Value::Null => value["description"].as_str().unwrap_or("null").to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn errors_of_a_page_are_read_and_nothing_else() {
        let read = |name: &str, about: Value| error(&Event { name: name.to_owned(), about });
        let logged = |kind: &str| json!({ "type": kind, "args": [{ "value": "no" }, { "value": 7 }] });
        assert_eq!(read("Runtime.consoleAPICalled", logged("error")).as_deref(), Some("no 7"));
        assert_eq!(read("Runtime.consoleAPICalled", logged("log")), None);
        let thrown = json!({ "exceptionDetails": { "exception": { "description": "Error: gone\n at x" } } });
        assert_eq!(read("Runtime.exceptionThrown", thrown).as_deref(), Some("Error: gone\n at x"));
        let entry = |text: &str| json!({ "entry": { "level": "error", "text": text, "url": "http://a/x" } });
        assert_eq!(read("Log.entryAdded", entry("404")).as_deref(), Some("404 (http://a/x)"));
        assert_eq!(read("Log.entryAdded", entry("net::ERR_BLOCKED_BY_CLIENT")), None);
    }
}
