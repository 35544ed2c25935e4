//! The product that an Author is judged as: the one that the operator named, or the one that its signs show.

use bpconform_fixtures::Product;
use bpconform_steps::run::Judged;

/// What an Author shows of its product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// The version that it reports.
    pub version: Option<String>,
    /// The first distribution agent for Brand Portal, which only AEM as a Cloud Service has.
    pub distribution_agent: Option<String>,
    /// The first replication agent for Brand Portal, which AEM as a Cloud Service does not have.
    pub replication_agent: Option<String>,
}

impl Signs {
    fn of_version(&self) -> Option<Product> {
        Product::of_version(self.version.as_deref()?)
    }

    /// The products that the signs show, and the signs. Agents alone do not distinguish AEM 6.5 from its LTS.
    fn told(&self) -> (Vec<Product>, Vec<String>) {
        let of_version = self.of_version();
        let installed = of_version.filter(|product| *product != Product::AemCloud).unwrap_or(Product::Aem65);
        let version = self.version.as_ref().map(|version| format!("it reports the version {version}"));
        let distribution = self.distribution_agent.as_ref().map(|name| format!("it has the distribution agent {name}"));
        let replication = self.replication_agent.as_ref().map(|name| format!("it has the replication agent {name}"));
        let signs = [(of_version, version), (Some(Product::AemCloud), distribution), (Some(installed), replication)];
        let told = || signs.iter().filter_map(|(product, sign)| Some(((*product)?, sign.clone()?)));
        let mut products: Vec<Product> = told().map(|(product, _)| product).collect();
        products.sort();
        products.dedup();
        (products, told().map(|(_, sign)| sign).collect())
    }
}

/// Decides which product an Author is judged as. What the operator says counts more than any sign.
pub fn judge(asked: Option<Product>, signs: Option<&Signs>) -> Judged {
    let names_its_version = signs.is_some_and(|signs| signs.of_version().is_some());
    if let Some(product) = asked {
        return Judged { names_its_version, ..Judged::as_named(product, "--product") };
    }
    let Some(signs) = signs else {
        return Judged::as_named(Product::Aem65, "the default, before the Author was asked");
    };
    let (products, decided_by) = signs.told();
    if products.is_empty() {
        return Judged::as_named(Product::Aem65, "the default, since the Author shows no sign of its product");
    }
    Judged { products, decided_by, names_its_version }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(version: &str, distribution: bool, replication: bool) -> Signs {
        Signs {
            version: Some(version.to_owned()).filter(|version| !version.is_empty()),
            distribution_agent: distribution.then(|| "bpdistributionagent0".to_owned()),
            replication_agent: replication.then(|| "mp_replication_agent0_default_x".to_owned()),
        }
    }

    #[test]
    fn the_signs_tell_the_product() {
        use Product::{Aem65, Aem65Lts, AemCloud};
        for (version, distribution, replication, expected) in [
            ("6.5.25.0", false, false, vec![Aem65]),
            ("6.5.25.0", false, true, vec![Aem65]),
            ("6.6.3.0", false, true, vec![Aem65Lts]),
            ("2024.11.18598", false, false, vec![AemCloud]),
            ("2024.11.18598", true, false, vec![AemCloud]),
            ("", true, false, vec![AemCloud]),
            ("", false, true, vec![Aem65]),
            ("", false, false, vec![Aem65]),
            ("7.0.0", false, false, vec![Aem65]),
            // Contradictory signs: the rows of both products are judged.
            ("6.5.25.0", true, true, vec![Aem65, AemCloud]),
            ("6.6.3.0", true, false, vec![Aem65Lts, AemCloud]),
            ("2024.11.18598", false, true, vec![Aem65, AemCloud]),
            ("", true, true, vec![Aem65, AemCloud]),
        ] {
            let judged = judge(None, Some(&signs(version, distribution, replication)));
            assert_eq!(judged.products, expected, "{version} {distribution} {replication}");
            assert_eq!(judged.contradiction().is_some(), expected.len() > 1);
            assert!(!judged.decided_by.is_empty());
        }
    }

    #[test]
    fn what_the_operator_says_counts_more() {
        let judged = judge(Some(Product::Aem65Lts), Some(&signs("6.5.25.0", true, true)));
        assert_eq!((judged.products, judged.decided_by), (vec![Product::Aem65Lts], vec!["--product".to_owned()]));
    }
}
