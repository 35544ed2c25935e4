//! The fields of a form as changes of properties: names with paths, `@Delete`, `@TypeHint`, typed values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::Refusal;
use crate::author::repository::{Value, join, normal, split};
use crate::machine::{File, Form};

/// What becomes of a property's value.
pub(super) enum Change {
    /// The form has no value for it.
    Keep,
    /// It goes, which is what Sling makes of an empty value.
    Remove,
    /// It is set.
    Set(Value),
}

/// What a form does to one property.
pub(super) struct Field {
    /// The property's whole path.
    pub(super) path: String,
    /// Whether the property, or a node of that path, is to be deleted first.
    pub(super) delete: bool,
    /// What becomes of its value.
    pub(super) change: Change,
    /// Whether the form gives the type.
    pub(super) typed: bool,
}

impl Field {
    /// The new value, if it is a text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.change {
            Change::Set(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Raw<'a> {
    values: Option<&'a [String]>,
    hint: Option<&'a str>,
    delete: bool,
}

/// The changes that a form asks for on the node at `target`.
pub(super) fn read(form: &Form, target: &str, now: Timestamp, user: &str) -> Result<Vec<Field>, Refusal> {
    let prefixed = form.fields.keys().chain(form.files.keys()).any(|name| name.starts_with("./"));
    let mut raw: BTreeMap<String, Raw<'_>> = BTreeMap::new();
    for (name, values) in &form.fields {
        let wanted = !prefixed || name.starts_with("./") || name.starts_with('/');
        if name.starts_with(':') || name == "_charset_" || !wanted {
            continue;
        }
        let (base, suffix) = name.split_once('@').map_or((name.as_str(), None), |(base, suffix)| (base, Some(suffix)));
        let field = raw.entry(property_path(target, base)?).or_default();
        match suffix {
            None => field.values = Some(values),
            Some("Delete") => field.delete = true,
            Some("TypeHint") => field.hint = values.first().map(String::as_str),
            Some(other) => {
                return Err((500, format!("The mock does not know the suffix @{other} of the field {name}")));
            }
        }
    }
    raw.into_iter().map(|(path, raw)| field(path, &raw, now, user)).collect()
}

fn field(path: String, raw: &Raw<'_>, now: Timestamp, user: &str) -> Result<Field, Refusal> {
    let name = split(&path).map_or("", |(_, name)| name);
    let change = match raw.values {
        None => Change::Keep,
        Some([one]) if one.is_empty() => automatic(name, now, user).map_or(Change::Remove, Change::Set),
        Some(values) => Change::Set(typed(&path, values, raw.hint)?),
    };
    Ok(Field { change, delete: raw.delete, typed: raw.hint.is_some(), path })
}

/// What Sling writes for an empty field of these names.
fn automatic(name: &str, now: Timestamp, user: &str) -> Option<Value> {
    match name {
        "jcr:created" | "jcr:lastModified" | "cq:lastModified" => Some(now.into()),
        "jcr:createdBy" | "jcr:lastModifiedBy" | "cq:lastModifiedBy" => Some(user.into()),
        _ => None,
    }
}

fn property_path(target: &str, name: &str) -> Result<String, Refusal> {
    let path = if name.starts_with('/') { name.to_owned() } else { join(target, name.trim_start_matches("./")) };
    if path.split('/').any(|segment| segment == "..") {
        return Err((500, format!("The mock does not follow `..` in the field {name}")));
    }
    Ok(normal(&path))
}

fn typed(path: &str, values: &[String], hint: Option<&str>) -> Result<Value, Refusal> {
    let wrong = |hint: &str, value: &str| (500, format!("`{value}` is no {hint}, which {path} is said to be"));
    match (hint.unwrap_or_default(), values) {
        ("" | "String" | "Name" | "Path" | "URI", [one]) => Ok(Value::Text(one.clone())),
        ("" | "String" | "Name" | "Path" | "URI" | "String[]" | "Name[]" | "Path[]" | "URI[]", values) => {
            Ok(Value::Texts(values.to_vec()))
        }
        ("Boolean", [one]) => Ok(Value::Bool(one.eq_ignore_ascii_case("true"))),
        ("Long", [one]) => one.trim().parse().map(Value::Long).map_err(|_| wrong("Long", one)),
        ("Date", [one]) => date(one).map(Value::Date).ok_or_else(|| wrong("Date", one)),
        (hint, _) => Err((500, format!("The mock cannot write {} value(s) of type {hint} to {path}", values.len()))),
    }
}

/// A date in one of the forms that Sling reads; one without an offset is taken as UTC.
fn date(text: &str) -> Option<Timestamp> {
    let utc = |time: DateTime| TimeZone::UTC.to_timestamp(time).ok();
    let ecma = || strtime::parse("%a %b %d %Y %H:%M:%S GMT%z", text).ok()?.to_timestamp().ok();
    let local = || text.parse::<DateTime>().ok().and_then(utc);
    let german = || DateTime::strptime("%d.%m.%Y %H:%M:%S", text).ok().and_then(utc);
    let german_day = || Date::strptime("%d.%m.%Y", text).ok().and_then(|day| utc(day.into()));
    text.parse().ok().or_else(ecma).or_else(local).or_else(german).or_else(german_day)
}

/// Where an uploaded file goes: below the target under the field's name, `*` being the file's own.
pub(super) fn file_path(target: &str, field: &str, file: &File) -> String {
    let field = field.trim_start_matches("./");
    let own = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let path = field.strip_suffix('*').map_or_else(|| field.to_owned(), |folder| format!("{folder}{own}"));
    normal(&if path.starts_with('/') { path } else { join(target, &path) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_that_sling_knows() {
        for text in [
            "2026-11-23T20:00:00Z",
            "2026-11-23T21:00:00+01:00",
            "2026-11-23T21:00:00.000+0100",
            "Mon Nov 23 2026 20:00:00 GMT+0000",
            "2026-11-23T20:00:00",
            "23.11.2026 20:00:00",
        ] {
            assert_eq!(date(text).map(|date| date.to_string()).as_deref(), Some("2026-11-23T20:00:00Z"), "{text}");
        }
        assert_eq!(date("23.11.2026").map(|date| date.to_string()).as_deref(), Some("2026-11-23T00:00:00Z"));
        assert_eq!(date("tomorrow"), None);
    }
}
