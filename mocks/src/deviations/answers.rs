//! Changes of requests before the machine handles them, and of answers.

use std::collections::BTreeMap;

use bpconform_fixtures::changes::{AnswerChange, AnswerFilter, Encoding};
use bpconform_fixtures::remedies::Pattern;
use url::form_urlencoded;

use super::headers::set_headers;
use super::{Rules, encoding, token};
use crate::machine::{Request, Response};

impl Rules {
    /// The request for the machine; `None` if it is withheld.
    pub(super) fn changed_request(&self, request: &Request) -> Option<Request> {
        let mut changed = request.clone();
        for answer in self.answer_changes(request) {
            if answer.instead {
                return None;
            }
            if let Some(path) = &answer.as_path {
                changed.path = self.fill(path);
            }
            if let Some((pattern, text)) = &answer.rewrite_path {
                changed.path = pattern.regex().replace(&changed.path, self.fill(text)).into_owned();
            }
            let form = answer.form.iter().map(|(name, value)| (name.clone(), self.fill(value))).collect();
            set_fields(&mut changed, &form);
        }
        Some(changed)
    }

    /// The answer for the client.
    pub(super) fn changed_answer(&self, request: &Request, mut response: Response) -> Response {
        for answer in self.answer_changes(request) {
            if answer.instead && response.status == 0 {
                response = Response::new(200, "text/html;charset=utf-8", "");
            }
            if answer.having.as_ref().is_some_and(|filter| !passes(filter, &response)) {
                continue;
            }
            let miscounts = answer.encode.contains(&Encoding::BundleTotals) && !encoding::counts_rightly(&response);
            self.change_head(answer, &mut response);
            self.change_body(answer, &mut response);
            for encoding in &answer.encode {
                // A console that miscounts its bundles does so with other bundles, too.
                if *encoding == Encoding::BundleTotals && miscounts {
                    continue;
                }
                encoding::encode(*encoding, &mut response);
            }
        }
        response
    }

    fn change_head(&self, answer: &AnswerChange, response: &mut Response) {
        if let Some(status) = answer.status {
            response.status = status;
        }
        set_headers(&mut response.headers, &self.filled(&answer.headers));
        let added = answer.add_headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), self.fill(value)));
        response.headers.extend(added);
    }

    fn filled(&self, texts: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        texts.iter().map(|(name, text)| (name.clone(), self.fill(text))).collect()
    }

    fn change_body(&self, answer: &AnswerChange, response: &mut Response) {
        if let Some(body) = &answer.body {
            response.body = self.fill(body).into_bytes();
        }
        for (pattern, text) in &answer.replace {
            let changed = pattern.regex().replace_all(&response.text(), self.fill(text)).into_owned();
            response.body = changed.into_bytes();
        }
        if !(answer.json.is_empty()
            && answer.append.is_empty()
            && answer.without.is_empty()
            && answer.claims.is_empty())
        {
            self.change_json(answer, response);
        }
    }

    /// Changes a JSON body; any other body stays as it is.
    fn change_json(&self, answer: &AnswerChange, response: &mut Response) {
        let Ok(mut json) = serde_json::from_slice(&response.body) else { return };
        for (pointer, value) in &answer.json {
            put(&mut json, pointer, Some(self.json(value)));
        }
        for (pointer, items) in &answer.append {
            if let Some(serde_json::Value::Array(array)) = json.pointer_mut(pointer) {
                array.extend(items.iter().map(|item| self.json(item)));
            }
        }
        for pointer in &answer.without {
            put(&mut json, pointer, None);
        }
        if !answer.claims.is_empty()
            && let Some(serde_json::Value::String(token)) = json.get_mut("access_token")
        {
            *token = token::with_claims(token, &self.filled(&answer.claims));
        }
        response.body = json.to_string().into_bytes();
    }

    /// A TOML value as JSON, with its placeholders filled in.
    fn json(&self, value: &toml::Value) -> serde_json::Value {
        match value {
            toml::Value::String(text) => self.fill(text).into(),
            toml::Value::Array(values) => values.iter().map(|value| self.json(value)).collect(),
            toml::Value::Table(table) => {
                let members = table.iter().map(|(name, value)| (self.fill(name), self.json(value)));
                serde_json::Value::Object(members.collect())
            }
            other => serde_json::to_value(other).unwrap_or_default(),
        }
    }
}

/// Whether an answer has the properties of a filter.
fn passes(filter: &AnswerFilter, response: &Response) -> bool {
    let matches =
        |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.regex().is_match(text));
    matches(&filter.status, &response.status.to_string())
        && matches(&filter.media_type, response.header("content-type").unwrap_or_default())
        && (filter.body.is_none() || matches(&filter.body, &response.text()))
}

/// Sets or removes the value at a JSON pointer, in which `*` means every member. A missing parent stays missing.
fn put(json: &mut serde_json::Value, pointer: &str, value: Option<serde_json::Value>) {
    let Some((name, rest)) = pointer.strip_prefix('/').map(|rest| rest.split_once('/').unwrap_or((rest, ""))) else {
        return;
    };
    if rest.is_empty() {
        match (json, value) {
            (serde_json::Value::Object(object), Some(value)) => drop(object.insert(name.to_owned(), value)),
            (serde_json::Value::Object(object), None) => drop(object.shift_remove(name)),
            (serde_json::Value::Array(array), value) => {
                if let Some(at) = name.parse().ok().filter(|at: &usize| *at < array.len()) {
                    array.remove(at);
                    array.splice(at..at, value);
                }
            }
            _ => {}
        }
        return;
    }
    let rest = format!("/{rest}");
    let members: Vec<&mut serde_json::Value> = match json {
        serde_json::Value::Object(object) if name == "*" => object.values_mut().collect(),
        serde_json::Value::Array(array) if name == "*" => array.iter_mut().collect(),
        other => other.pointer_mut(&format!("/{name}")).into_iter().collect(),
    };
    for member in members {
        put(member, &rest, value.clone());
    }
}

/// Sets fields of the query or an urlencoded body; an empty text removes one.
fn set_fields(request: &mut Request, fields: &BTreeMap<String, String>) {
    if fields.is_empty() {
        return;
    }
    let in_query: Vec<_> = fields.iter().filter(|(name, _)| request.query(name).is_some()).collect();
    for (name, value) in &in_query {
        request.query.retain(|(known, _)| known != *name);
        request.query.extend((!value.is_empty()).then(|| ((*name).clone(), (*value).clone())));
    }
    let others: Vec<_> = fields.iter().filter(|field| !in_query.contains(field)).collect();
    let kept: Vec<(String, String)> = form_urlencoded::parse(&request.body)
        .into_owned()
        .filter(|(name, _)| !others.iter().any(|(other, _)| *other == name))
        .collect();
    let set =
        others.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| ((*name).clone(), (*value).clone()));
    request.body =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept.into_iter().chain(set)).finish().into();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_sets_and_takes_away_in_objects_and_arrays() {
        let mut json = json!({ "a": { "b": 1 }, "list": [{ "x": 1 }, { "x": 2 }] });
        put(&mut json, "/a/b", Some(json!(2)));
        put(&mut json, "/list/*/x", Some(json!(7)));
        put(&mut json, "/list/1", None);
        put(&mut json, "/no/where", Some(json!(1)));
        assert_eq!(json, json!({ "a": { "b": 2 }, "list": [{ "x": 7 }] }));
    }

    #[test]
    fn fields_are_set_where_they_are() {
        let query = vec![("a".to_owned(), "1".to_owned())];
        let mut request = Request { query, body: b"b=2&c=3".to_vec(), ..Request::default() };
        let fields = [("a", "9"), ("b", "8"), ("c", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        set_fields(&mut request, &fields.into());
        assert_eq!((request.query("a"), request.body.as_slice()), (Some("9"), b"b=8".as_slice()));
    }
}
