//! The fields of forms, each in a wrapper with its label (aem-ui.md §1.4).

use crate::author::{Author, escape};

/// A field that is typed into.
#[derive(Clone, Copy)]
pub(super) struct TextField<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) kind: &'a str,
    pub(super) required: bool,
    pub(super) value: &'a str,
}

impl<'a> TextField<'a> {
    /// A line of text.
    pub(super) const fn line(name: &'a str, label: &'a str, required: bool) -> Self {
        Self { name, label, kind: "text", required, value: "" }
    }
}

impl Author {
    fn wrapped(&self, name: &str, label: &str, required: bool, field: &str) -> String {
        let mark = if required { " *" } else { "" };
        format!(
            "<div class=\"coral-Form-fieldwrapper\"><label class=\"coral-Form-fieldlabel\" id=\"label_{name}\">{label}{mark}</label>\n\
             {field}</div>\n",
            label = escape(self.say(label)),
        )
    }

    /// A field that is bound to its label.
    pub(super) fn text_field(&self, field: TextField<'_>) -> String {
        self.input(field, &format!(" labelledby=\"label_{}\"", field.name))
    }

    /// A field whose label is beside it only: it has no accessible name.
    pub(super) fn unnamed_field(&self, field: TextField<'_>) -> String {
        self.input(field, "")
    }

    fn input(&self, field: TextField<'_>, labelled: &str) -> String {
        let TextField { name, label, kind, required, value } = field;
        let needed = if required { " data-required" } else { "" };
        let value = escape(value);
        let input = if kind == "textarea" {
            format!(
                "<textarea is=\"coral-textarea\" class=\"coral-Form-field\" name=\"{name}\"{labelled}{needed}>{value}</textarea>"
            )
        } else {
            format!(
                "<input is=\"coral-textfield\" type=\"{kind}\" class=\"coral-Form-field\" name=\"{name}\" value=\"{value}\" \
                 autocomplete=\"off\"{labelled}{needed}>"
            )
        };
        self.wrapped(name, label, required, &input)
    }

    /// A list of values that is no `<select>`; without a chosen value it shows a placeholder.
    pub(super) fn select_field(
        &self,
        (name, label, required): (&str, &str, bool),
        options: &[(String, String)],
        chosen: Option<&str>,
    ) -> String {
        let items: String = options
            .iter()
            .map(|(value, text)| {
                let selected = if chosen == Some(value.as_str()) { " selected" } else { "" };
                let (value, text) = (escape(value), escape(text));
                format!("<coral-select-item value=\"{value}\"{selected}>{text}</coral-select-item>")
            })
            .collect();
        let needed = if required { " data-required" } else { "" };
        let field = format!(
            "<coral-select class=\"coral-Form-field\" name=\"{name}\" labelledby=\"label_{name}\" placeholder=\"{please}\"{needed}>\
             {items}</coral-select>",
            please = escape(self.say("Please select")),
        );
        self.wrapped(name, label, required, &field)
    }
}
