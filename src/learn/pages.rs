//! What a page sent for an action that the run did in a browser. Nothing has to be recognised: which action it was is known,
//! and so is the value of each field.

use std::collections::BTreeMap;

use bpconform_fixtures::{Actions, Surface, Surfaces};
use bpconform_steps::run::PageAction;

use super::capture::{Capture, Raw};
use super::surface::written;

/// The endpoint that the request teaches, and the values that must not be written. The error says why it cannot be written.
pub(super) fn learned(sent: &PageAction, source: String) -> Result<(Surface, Vec<String>), String> {
    let surface = Surfaces::built_in().find(&sent.surface).ok_or("no such endpoint is built in")?;
    let action = Actions::built_in().all.iter().find(|action| action.surface == sent.surface);
    let action = action.ok_or("nothing is known about such requests")?;
    let content_type = sent.headers.iter().find(|(name, _)| name == "content-type");
    let raw = Raw {
        method: sent.method.clone(),
        headers: sent.headers.clone(),
        content_type: content_type.map(|(_, value)| value.clone()).unwrap_or_default(),
        body: sent.body.clone(),
        fields: Vec::new(),
    };
    let capture = Capture::reduce(String::new(), &sent.url, raw)?.ok_or("the request is not for an Author")?;
    let secrets = capture.secrets.clone();
    let capture = Capture { path: with_placeholders(&capture.path, surface, &sent.values), ..capture };
    let sure = by_value(&capture, surface, &sent.values);
    Ok((written(&capture, action, surface, sure, source)?, secrets))
}

/// The wire's name of each value that one field alone has.
fn by_value(capture: &Capture, surface: &Surface, values: &[(String, String)]) -> BTreeMap<String, String> {
    let name_of = |value: &str| {
        let mut having = capture.all_fields().filter(|(name, held)| held == value && !name.starts_with(':'));
        having.next().filter(|_| having.next().is_none()).map(|(name, _)| name.clone())
    };
    let known = values.iter().filter(|(word, value)| surface.fields.contains_key(word) && !value.is_empty());
    known.filter_map(|(word, value)| Some((word.clone(), name_of(value)?))).collect()
}

/// The path with the placeholders of the endpoint in place of their values.
fn with_placeholders(path: &str, surface: &Surface, values: &[(String, String)]) -> String {
    let placeholders = values.iter().filter(|(word, value)| {
        !value.is_empty()
            && (surface.path.contains(&format!("{{{word}}}")) || surface.path.contains(&format!("{{*{word}}}")))
    });
    placeholders.fold(path.to_owned(), |path, (word, value)| path.replace(value.as_str(), &format!("{{{word}}}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(surface: &str, method: &str, url: &str, body: &str, values: &[(&str, &str)]) -> PageAction {
        PageAction {
            surface: surface.to_owned(),
            method: method.to_owned(),
            url: url.to_owned(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: body.as_bytes().to_vec(),
            values: values.iter().map(|(word, value)| ((*word).to_owned(), (*value).to_owned())).collect(),
        }
    }

    #[test]
    fn each_field_is_known_by_its_value_whatever_its_name() {
        let body = "%3Acq_csrf_token=canary&a=Mine&b=an-id&c=canary-secret&d=oauth&_charset_=utf-8";
        let values = [("title", "Mine"), ("client-id", "an-id"), ("client-secret", "canary-secret")];
        let sent = sent("author.ims-create", "POST", "http://author/x/save", body, &values);
        let (surface, secrets) = learned(&sent, "a test".into()).expect("it is an action");
        let name = |word: &str| surface.fields.get(word).map(String::as_str);
        assert_eq!((name("title"), name("client-id"), name("client-secret")), (Some("a"), Some("b"), Some("c")));
        assert_eq!((surface.path.as_str(), surface.method.as_str()), ("/x/save", "POST"));
        assert!(!format!("{surface:?}").contains("canary") && !secrets.is_empty());
    }

    #[test]
    fn what_stands_in_the_path_becomes_a_placeholder() {
        let url = "http://author/x/mine/AEM-Adobe-IMS.crt";
        let sent = sent("author.certificate-download", "GET", url, "", &[("alias", "mine")]);
        let (surface, _) = learned(&sent, "a test".into()).expect("it is an action");
        assert_eq!(surface.path, "/x/{alias}/AEM-Adobe-IMS.crt");
    }

    #[test]
    fn a_value_that_two_fields_have_says_nothing() {
        let sent = sent(
            "author.publish",
            "POST",
            "http://author/x",
            "a=/content/dam/m&b=/content/dam/m",
            &[("path", "/content/dam/m")],
        );
        let (surface, _) = learned(&sent, "a test".into()).expect("it is an action");
        assert_ne!(surface.fields.get("path").map(String::as_str), Some("b"));
    }
}
