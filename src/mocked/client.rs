//! The credential that a mocked IMS accepts: the one of the run, or a generated one.

use bpconform_mocks::ims::{Client, Kind};
use bpconform_steps::credentials::Credentials;

use crate::error::Error;

/// The variables of the credential that a mocked IMS accepts.
pub const CREDENTIAL: [&str; 4] =
    ["BPCONFORM_IMS_CLIENT_ID", "BPCONFORM_IMS_CLIENT_SECRET", "BPCONFORM_IMS_SCOPE", "BPCONFORM_IMS_ORG_ID"];

/// The credential of the run, for a mocked IMS to accept, so that the Author can keep its own.
pub fn given(credentials: &Credentials) -> Result<Option<Client>, Error> {
    let [id, secret, scope, org] = CREDENTIAL.map(|name| credentials.get(name));
    if [id, secret, scope, org].iter().all(Option::is_none) {
        return Ok(None);
    }
    let (Some(id), Some(secret), Some(scope), Some(org)) = (id, secret, scope, org) else {
        let missing = CREDENTIAL.into_iter().find(|name| credentials.get(name).is_none()).unwrap_or_default();
        let advice = format!("set {missing}, or none of {}", CREDENTIAL.join(", "));
        return Err(Error::Missing { what: "complete credential for the mocked IMS", advice });
    };
    Ok(Some(Client {
        id: id.to_owned(),
        secrets: vec![secret.to_owned()],
        org_id: org.to_owned(),
        technical_account: "bpconform@techacct.adobe.com".to_owned(),
        kind: Kind::OAuth {
            scopes: scope.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_credential_is_none() {
        let client = |names: &[&str]| {
            let values = names.iter().map(|name| ((*name).to_owned(), "a@b".to_owned()));
            given(&Credentials::new(values).0).map(|client| client.is_some())
        };
        assert!(matches!(client(&[]), Ok(false)) && matches!(client(&CREDENTIAL), Ok(true)));
        let problem = client(&CREDENTIAL[..3]).expect_err("the organization is missing").to_string();
        assert!(problem.contains("set BPCONFORM_IMS_ORG_ID"), "{problem}");
    }
}
