//! Renders a page from its template. Texts from outside are escaped, and the program's own styles and scripts are not.

use minijinja::{AutoEscape, Environment, HtmlEscape, Value};
use serde::Serialize;

use crate::error::Error;

/// Renders the first of these templates, which includes the others.
pub fn render(templates: &[(&'static str, &'static str)], page: impl Serialize) -> Result<String, Error> {
    let rendered = || {
        let mut environment = Environment::new();
        environment
            .set_auto_escape_callback(|name| if name.ends_with(".j2") { AutoEscape::Html } else { AutoEscape::None });
        templates.iter().try_for_each(|(name, source)| environment.add_template(name, source))?;
        let (first, _) = templates.first().copied().unwrap_or_default();
        environment.get_template(first)?.render(page)
    };
    rendered().map_err(|error: minijinja::Error| Error::Internal(format!("the page cannot be rendered: {error:#}")))
}

/// A requirement with what stands between backquotes as code.
pub fn code(text: &str) -> Value {
    let part = |(index, part): (usize, &str)| {
        let part = HtmlEscape(part);
        if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_string() }
    };
    Value::from_safe_string(text.split('`').enumerate().map(part).collect())
}
