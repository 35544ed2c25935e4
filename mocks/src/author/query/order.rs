//! The order of the results: `orderby`, with `.sort` and `.case`.

use std::cmp::Ordering;

use super::Parameters;
use super::predicates::value;
use crate::author::repository::{Node, Value, split};

/// One criterion.
pub(super) struct Order {
    by: By,
    descending: bool,
    ignores_case: bool,
}

enum By {
    Path,
    Name,
    Property(String),
}

impl Order {
    /// Reads the parameters of one `orderby`.
    pub(super) fn read(parameters: &Parameters) -> Result<Self, String> {
        let mut order = Self { by: By::Path, descending: false, ignores_case: false };
        for (part, value) in parameters {
            match (part.as_str(), value.as_str()) {
                ("", "path") => order.by = By::Path,
                ("", "nodename") => order.by = By::Name,
                ("", name) if name.starts_with('@') && !name.ends_with("jcr:score") => {
                    order.by = By::Property(name.to_owned());
                }
                ("sort", "asc" | "desc") => order.descending = value == "desc",
                ("case", "ignore") => order.ignores_case = true,
                (part, value) => {
                    let dot = if part.is_empty() { "" } else { "." };
                    return Err(format!(
                        "it does not know orderby{dot}{part}={value}, only path, nodename and @property"
                    ));
                }
            }
        }
        Ok(order)
    }

    fn compare(&self, a: &(String, &Node), b: &(String, &Node)) -> Ordering {
        let ordering = match &self.by {
            By::Path => self.text(&a.0).cmp(&self.text(&b.0)),
            By::Name => {
                let name = |path: &str| self.text(split(path).map_or("", |(_, name)| name));
                name(&a.0).cmp(&name(&b.0))
            }
            By::Property(name) => self.values(value(a.1, name), value(b.1, name)),
        };
        if self.descending { ordering.reverse() } else { ordering }
    }

    fn text(&self, text: &str) -> String {
        if self.ignores_case { text.to_lowercase() } else { text.to_owned() }
    }

    /// What has no value comes first.
    #[expect(clippy::cast_precision_loss, reason = "a comparison of large numbers need not be exact")]
    fn values(&self, a: Option<&Value>, b: Option<&Value>) -> Ordering {
        let number = |value: &Value| match value {
            Value::Long(number) => Some(*number as f64),
            Value::Double(number) => Some(*number),
            _ => None,
        };
        match (a, b) {
            (Some(Value::Date(a, _)), Some(Value::Date(b, _))) => a.cmp(b),
            (Some(a), Some(b)) => match (number(a), number(b)) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => self.text(&a.as_texts().concat()).cmp(&self.text(&b.as_texts().concat())),
            },
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    }
}

/// Sorts results; without a criterion they stay in the order of the repository.
pub(super) fn sort(found: &mut [(String, &Node)], orders: &[Order]) {
    found.sort_by(|a, b| {
        orders.iter().map(|order| order.compare(a, b)).find(|one| one.is_ne()).unwrap_or(Ordering::Equal)
    });
}
