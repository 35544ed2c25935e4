//! The fields of a form that are properties of a user's or group's profile.

use super::node_types;
use crate::machine::Form;

/// Fields of the forms that are not properties of a profile.
const COMMANDS: [&str; 11] = [
    "createUser",
    "createGroup",
    "authorizableId",
    "rep:password",
    "intermediatePath",
    "addMembers",
    "removeMembers",
    "_charset_",
    "currentPassword",
    "disableUser",
    "enableUser",
];

/// Properties of a profile that a form sets; one without a value is taken away.
pub(super) struct Profile(pub(super) Vec<(String, Vec<String>)>);

impl Profile {
    /// The fields `profile/name` or `name` of a form. The error names a field that is neither.
    pub(super) fn read(form: &Form) -> Result<Self, String> {
        let mut properties = Vec::new();
        for (field, values) in &form.fields {
            if COMMANDS.contains(&field.as_str()) || field.starts_with(':') {
                continue;
            }
            let name = field.trim_start_matches("./");
            let name = name.strip_prefix("profile/").unwrap_or(name);
            if name.contains(['/', '@']) || node_types::property_refusal("nt:unstructured", false, name, &[]).is_some()
            {
                return Err(format!("the mock does not set the property {field} of a user"));
            }
            properties.push((name.to_owned(), values.clone()));
        }
        Ok(Self(properties))
    }
}
