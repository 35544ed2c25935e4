//! The fields of a form that are properties of a user's or group's profile.

use super::node_types;
use crate::machine::Form;

/// Fields with a colon that a form of Granite's may have, and that change nothing of a user.
const OF_ANSWERS: [&str; 6] = [":status", ":redirect", ":errorpage", ":http-equiv-accept", ":accept", ":cq_csrf_token"];

/// The folder of a profile below the home of a user or group.
const FOLDER: &str = "profile/";

/// Properties of a profile that a form sets; one without a value is taken away.
pub(super) struct Profile(pub(super) Vec<(String, Vec<String>)>);

impl Profile {
    /// The fields `profile/name` of a form. The error names a field that is neither one of them nor one of `commands`: it
    /// would be without effect.
    pub(super) fn read(form: &Form, commands: &[&str]) -> Result<Self, String> {
        let mut properties = Vec::new();
        for (field, values) in &form.fields {
            let field = field.as_str();
            if commands.contains(&field) || OF_ANSWERS.contains(&field) || field == "_charset_" {
                continue;
            }
            let name = field.trim_start_matches("./").strip_prefix(FOLDER);
            let is_name = |name: &&str| {
                !name.contains(['/', '@'])
                    && node_types::property_refusal("nt:unstructured", false, name, &[]).is_none()
            };
            let name = name.filter(is_name).ok_or_else(|| format!("the mock does not know the field {field} here"))?;
            properties.push((name.to_owned(), values.clone()));
        }
        match form.files.keys().next() {
            Some(file) => Err(format!("the mock does not know the file {file} here")),
            None => Ok(Self(properties)),
        }
    }
}
