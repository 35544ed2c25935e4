//! Request targets with the secrets in their query masked, for everything that shows a request.

use bpconform_fixtures::{SecretNames, Sensitivity};
use url::form_urlencoded;

/// Parts of a parameter name that mark its value as a secret.
const SECRET: [&str; 6] = ["secret", "pass", "token", "jwt", "key", "assertion"];

/// A request target with the values of secret parameters masked.
pub(super) fn without_secrets(path: &str, query: Option<&str>) -> String {
    let Some(query) = query else { return path.to_owned() };
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let lower = name.to_ascii_lowercase();
        let named = SecretNames::built_in().classify(&name) > Sensitivity::Public;
        let secret = named || SECRET.iter().any(|part| lower.contains(part)) || names_a_secret(&value);
        kept.append_pair(&name, if secret { "***" } else { &value });
    }
    format!("{path}?{}", kept.finish())
}

/// Whether a value holds fields itself, such as an address with a query or JSON, and one is named like a secret's.
fn names_a_secret(value: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
    let words = decoded.split(|letter: char| !(letter.is_alphanumeric() || "_-.".contains(letter)));
    let mut names = words.filter(|word| SecretNames::built_in().classify(word) == Sensitivity::Secret);
    let is_followed = |name: &str| {
        decoded.match_indices(name).any(|(at, _)| {
            let rest = decoded[at + name.len()..].trim_start_matches(['"', '\'', '\\', ' ']);
            rest.starts_with(['=', ':'])
        })
    };
    names.any(|name| !name.is_empty() && is_followed(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_holds_the_field_of_a_secret_is_not_kept() {
        for hidden in ["back=https%3A%2F%2Fx%2F%3Faccess_token%3Dhush", "q=%7B%22password%22%3A%22hush%22%7D"] {
            let kept = without_secrets("/a", Some(hidden));
            assert!(!kept.contains("hush"), "{kept}");
        }
        assert_eq!(without_secrets("/a", Some("property=rep%3ApasswordAge")), "/a?property=rep%3ApasswordAge");
    }

    #[test]
    fn secrets_in_a_query_are_not_kept() {
        let kept =
            without_secrets("/ims/token/v3", Some("client_id=a&client_secret=hush&jwt_token=hush&j_password=hush"));
        assert_eq!(kept, "/ims/token/v3?client_id=a&client_secret=***&jwt_token=***&j_password=***");
    }
}
