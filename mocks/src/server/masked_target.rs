//! Request targets without the secrets in their query, for whatever shows a request.

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
        let secret = named || SECRET.iter().any(|part| lower.contains(part));
        kept.append_pair(&name, if secret { "***" } else { &value });
    }
    format!("{path}?{}", kept.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_a_query_are_not_kept() {
        let kept =
            without_secrets("/ims/token/v3", Some("client_id=a&client_secret=hush&jwt_token=hush&j_password=hush"));
        assert_eq!(kept, "/ims/token/v3?client_id=a&client_secret=***&jwt_token=***&j_password=***");
    }
}
