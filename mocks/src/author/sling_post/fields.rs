//! The fields of a form as changes of properties: names with paths, `@Delete`, `@TypeHint`, typed values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};

use super::Refusal;
use crate::author::repository::{Value, join, normal, split};
use crate::machine::{File, Form};

/// The change of a property's value.
pub(super) enum Change {
    /// No change: the form has no value.
    Keep,
    /// Removal: Sling removes a property that is set to an empty value.
    Remove,
    /// A new value.
    Set(Value),
    /// The value that Sling writes for an empty field of that name, unless Oak sets the property itself.
    Automatic(Value),
    /// Values to add or to remove.
    Patch(Vec<(bool, String)>),
}

/// The changes of a form to one property.
pub(super) struct Field {
    /// The absolute path of the property.
    pub(super) path: String,
    /// Whether the property, or a node of that path, is to be deleted first.
    pub(super) delete: bool,
    /// The change of the value.
    pub(super) change: Change,
    /// Whether the form gives the type.
    pub(super) typed: bool,
    /// The origin, if something is copied or moved to the path.
    pub(super) from: Option<Origin>,
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

/// The fields of the form for one property, by suffix.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a suffix of Sling's")]
struct Raw<'a> {
    values: Option<Vec<&'a str>>,
    hint: Option<&'a str>,
    delete: bool,
    patch: bool,
    default: Option<&'a str>,
    default_when_missing: bool,
    ignore_blanks: bool,
    from: Option<Origin>,
}

/// The origin of a value or of a node.
pub(super) struct Origin {
    /// The absolute path of a node or property.
    pub(super) path: String,
    /// Whether it is moved rather than copied.
    pub(super) moves: bool,
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
        let first = values.first().map_or("", String::as_str);
        let is_true = first.eq_ignore_ascii_case("true");
        match suffix {
            None => field.values = Some(values.iter().map(String::as_str).collect()),
            Some("Delete") => field.delete = true,
            Some("TypeHint") => field.hint = Some(first),
            Some("ValueFrom") => field.values = Some(form.all(first).iter().map(String::as_str).collect()),
            Some("DefaultValue") => field.default = Some(first),
            Some("UseDefaultWhenMissing") => field.default_when_missing = is_true,
            Some("IgnoreBlanks") => field.ignore_blanks = is_true,
            Some("Patch") => field.patch = is_true,
            Some("CopyFrom") => field.from = Some(Origin { path: property_path(target, first)?, moves: false }),
            Some("MoveFrom") => field.from = Some(Origin { path: property_path(target, first)?, moves: true }),
            Some(other) => {
                return Err((500, format!("The mock does not know the suffix @{other} of the field {name}")));
            }
        }
    }
    raw.into_iter().map(|(path, raw)| field(path, raw, now, user)).collect()
}

fn field(path: String, raw: Raw<'_>, now: Timestamp, user: &str) -> Result<Field, Refusal> {
    let name = split(&path).map_or("", |(_, name)| name);
    let mut values = raw.values;
    if raw.ignore_blanks {
        values = values.map(|values| values.into_iter().filter(|value| !value.trim().is_empty()).collect());
    }
    let is_blank = values.as_ref().is_some_and(|values| values.iter().all(|value| value.is_empty()));
    if (is_blank || (values.is_none() && raw.default_when_missing)) && raw.default.is_some() {
        values = raw.default.map(|default| vec![default]);
    }
    let change = match values.as_deref() {
        None => Change::Keep,
        Some([] | [""]) => automatic(name, now, user).map_or(Change::Remove, Change::Automatic),
        Some(values) if raw.patch => {
            Change::Patch(values.iter().map(|value| patch(&path, value)).collect::<Result<_, _>>()?)
        }
        Some(values) => Change::Set(typed(&path, values, raw.hint)?),
    };
    Ok(Field { change, delete: raw.delete, typed: raw.hint.is_some(), from: raw.from, path })
}

/// `+value` adds to the values of a property, `-value` removes from them.
fn patch(path: &str, value: &str) -> Result<(bool, String), Refusal> {
    let refusal = || (500, format!("`{value}` begins with neither + nor -, as {path}@Patch has it"));
    let plus = value.strip_prefix('+').map(|value| (true, value.to_owned()));
    plus.or_else(|| value.strip_prefix('-').map(|value| (false, value.to_owned()))).ok_or_else(refusal)
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

fn typed(path: &str, values: &[&str], hint: Option<&str>) -> Result<Value, Refusal> {
    let hint = hint.unwrap_or_default();
    let (kind, many) = hint.strip_suffix("[]").map_or((hint, false), |kind| (kind, true));
    if matches!(kind, "" | "String" | "Name" | "Path" | "URI") {
        let texts = values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        return Ok(match &texts[..] {
            [one] if !many => Value::Text(one.clone()),
            _ => Value::Texts(texts),
        });
    }
    let wrong = |value: &str| (500, format!("`{value}` is not a {kind}, the type of {path}"));
    let one = |value: &&str| -> Result<Value, Refusal> {
        let read = match kind {
            "Boolean" => Some(Value::Bool(value.eq_ignore_ascii_case("true"))),
            "Long" => value.trim().parse().ok().map(Value::Long),
            "Double" | "Decimal" => {
                value.trim().parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double)
            }
            "Date" => date(value).map(|(date, offset)| Value::Date(date, offset)),
            _ => return Err((500, format!("The mock cannot write values of type {hint} to {path}"))),
        };
        read.ok_or_else(|| wrong(value))
    };
    match values {
        [value] if !many => one(value),
        values => values.iter().map(one).collect::<Result<_, _>>().map(Value::Several),
    }
}

/// A date in one of the formats that Sling accepts, with its offset; without an offset it is UTC.
pub(in crate::author) fn date(text: &str) -> Option<(Timestamp, Offset)> {
    let utc = |time: DateTime| Some((TimeZone::UTC.to_timestamp(time).ok()?, Offset::UTC));
    let local = || text.parse::<DateTime>().ok().and_then(utc);
    let german = || DateTime::strptime("%d.%m.%Y %H:%M:%S", text).ok().and_then(utc);
    let german_day = || Date::strptime("%d.%m.%Y", text).ok().and_then(|day| utc(day.into()));
    let instant = || {
        let offset = Pieces::parse(text).ok()?.to_numeric_offset().unwrap_or(Offset::UTC);
        Some((text.parse().ok()?, offset))
    };
    instant().or_else(|| ecma(text)).or_else(local).or_else(german).or_else(german_day)
}

/// A date in the format of Sling's JSON, `Mon Nov 23 2026 20:00:00 GMT+0100`.
pub(super) fn ecma(text: &str) -> Option<(Timestamp, Offset)> {
    let time = strtime::parse("%a %b %d %Y %H:%M:%S GMT%z", text).ok()?;
    Some((time.to_timestamp().ok()?, time.offset()?))
}

/// The path of an uploaded file: below the target, with the name of the field, or for `*` with the name of the file.
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
            assert_eq!(date(text).map(|(date, _)| date.to_string()).as_deref(), Some("2026-11-23T20:00:00Z"), "{text}");
        }
        assert_eq!(date("23.11.2026").map(|(date, _)| date.to_string()).as_deref(), Some("2026-11-23T00:00:00Z"));
        assert_eq!(date("tomorrow"), None);
        let offset = |text| date(text).map(|(_, offset)| offset.seconds());
        assert_eq!(offset("2026-11-23T21:00:00+01:00"), Some(3600));
        assert_eq!(offset("Mon Nov 23 2026 20:00:00 GMT-0330"), Some(-12600));
    }
}
