//! Addresses that the Author stores as text.

use url::Url;

/// An address as it is compared: without blanks around it, with scheme and host in small letters, and without the scheme's
/// own port. A text that is not an address stays as it is.
pub(crate) fn normal(text: &str) -> String {
    let text = text.trim();
    match Url::parse(text) {
        // A URL without a path gets one, which the text may lack.
        Ok(url) if url.path() == "/" && !text.ends_with('/') => url.as_str().trim_end_matches('/').to_owned(),
        Ok(url) => url.into(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_means_the_same_is_equal() {
        let address = "https://bpdoc.example/bin/receive?sling:authRequestLogin=1";
        assert_eq!(normal(address), address);
        for same in [
            " https://bpdoc.example/bin/receive?sling:authRequestLogin=1\n",
            "HTTPS://BPDOC.example:443/bin/receive?sling:authRequestLogin=1",
        ] {
            assert_eq!(normal(same), address, "{same}");
        }
        for other in [
            "http://bpdoc.example/bin/receive?sling:authRequestLogin=1",
            "https://bpdoc.example/BIN/receive?sling:authRequestLogin=1",
            "https://bpdoc.example/bin/receive",
            "https://bpdoc.example:8443/bin/receive?sling:authRequestLogin=1",
        ] {
            assert_ne!(normal(other), address, "{other}");
        }
        assert_eq!(normal("https://BPDOC.example"), "https://bpdoc.example");
        assert_eq!(normal("not an address"), "not an address");
    }
}
