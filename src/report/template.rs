//! Renders a page from its template. Texts from outside are escaped, and the program's own styles and scripts are not.

use minijinja::{AutoEscape, Environment, HtmlEscape, Value};
use serde::Serialize;

use crate::error::Error;

/// Built-in templates, parsed. A fleet renders a page for each environment.
pub fn parsed(templates: &[(&'static str, &'static str)]) -> Environment<'static> {
    let mut environment = Environment::new();
    environment
        .set_auto_escape_callback(|name| if name.ends_with(".j2") { AutoEscape::Html } else { AutoEscape::None });
    for &(name, source) in templates {
        environment.add_template(name, source).expect("a test renders every page");
    }
    environment
}

/// Renders the template of this name.
pub fn render(templates: &Environment<'_>, name: &str, page: impl Serialize) -> Result<String, Error> {
    let rendered = templates.get_template(name).and_then(|template| template.render(page));
    rendered.map_err(|error| Error::Internal(format!("the page cannot be rendered: {error:#}")))
}

/// A requirement with what stands between backquotes as code.
pub fn code(text: &str) -> Value {
    let part = |(index, part): (usize, &str)| {
        let part = HtmlEscape(part);
        if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_string() }
    };
    Value::from_safe_string(text.split('`').enumerate().map(part).collect())
}
