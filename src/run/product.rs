//! The product that an Author is judged as: the one that the operator named, or the one that its signs show.

use bpconform_fixtures::Product;
use bpconform_steps::run::Judged;

/// One thing that an Author may show of its product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It shows this.
    Shown(String),
    /// It answered, and does not show it.
    Absent,
    /// Its answer cannot be read, for this reason: whether it shows it stays open.
    Unreadable(String),
}

/// Nothing was read.
impl Default for Sign {
    fn default() -> Self {
        Self::Unreadable(String::new())
    }
}

impl Sign {
    /// What is shown.
    pub fn shown(&self) -> Option<&str> {
        match self {
            Self::Shown(text) => Some(text),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }

    /// What two of three readings agree on.
    fn majority(first: Self, second: &Self, third: Self) -> Self {
        if first == *second || first == third {
            first
        } else if *second == third {
            third
        } else {
            Self::Unreadable("its answers contradict each other".to_owned())
        }
    }

    fn missing(&self, what: &str) -> Option<String> {
        match self {
            Self::Shown(_) => None,
            Self::Absent => Some(format!("it shows no {what}")),
            Self::Unreadable(why) if why.is_empty() => Some(format!("whether it has a {what} cannot be read")),
            Self::Unreadable(why) => Some(format!("whether it has a {what} cannot be read: {why}")),
        }
    }
}

/// What an Author shows of its product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// The version that it reports.
    pub version: Sign,
    /// The first distribution agent for Brand Portal, which only AEM as a Cloud Service has.
    pub distribution_agent: Sign,
    /// The first replication agent for Brand Portal, which AEM as a Cloud Service does not have.
    pub replication_agent: Sign,
}

impl Signs {
    /// What two of three readings agree on, sign by sign.
    pub fn majority(first: Self, second: &Self, third: Self) -> Self {
        let of = Sign::majority;
        Self {
            version: of(first.version, &second.version, third.version),
            distribution_agent: of(first.distribution_agent, &second.distribution_agent, third.distribution_agent),
            replication_agent: of(first.replication_agent, &second.replication_agent, third.replication_agent),
        }
    }

    /// Whether they show AEM 6.5 by its version, and nothing else: the usual case.
    pub fn are_of_aem_65(&self) -> bool {
        self.of_version() == Some(Product::Aem65) && self.told().0 == [Product::Aem65]
    }

    fn of_version(&self) -> Option<Product> {
        Product::of_version(self.version.shown()?)
    }

    /// The products that the signs show, and the signs. Agents alone do not distinguish AEM 6.5 from its LTS.
    fn told(&self) -> (Vec<Product>, Vec<String>) {
        let of_version = self.of_version();
        let installed = of_version.filter(|product| *product != Product::AemCloud).unwrap_or(Product::Aem65);
        let version = self.version.shown().map(|version| format!("it reports the version {version}"));
        let distribution = self.distribution_agent.shown().map(|name| format!("it has the distribution agent {name}"));
        let replication = self.replication_agent.shown().map(|name| format!("it has the replication agent {name}"));
        let signs = [(of_version, version), (Some(Product::AemCloud), distribution), (Some(installed), replication)];
        let told = || signs.iter().filter_map(|(product, sign)| Some(((*product)?, sign.clone()?)));
        let mut products: Vec<Product> = told().map(|(product, _)| product).collect();
        products.sort();
        products.dedup();
        (products, told().map(|(_, sign)| sign).collect())
    }

    fn all(&self) -> [(&Sign, &str); 3] {
        [
            (&self.version, "version"),
            (&self.distribution_agent, "distribution agent for Brand Portal"),
            (&self.replication_agent, "replication agent for Brand Portal"),
        ]
    }

    fn missing(&self) -> Vec<String> {
        self.all().iter().filter_map(|(sign, what)| sign.missing(what)).collect()
    }

    /// What cannot be read, if something cannot.
    pub fn unread(&self) -> Option<String> {
        let unread = self.all().into_iter().filter(|(sign, _)| matches!(sign, Sign::Unreadable(_)));
        let unread: Vec<_> = unread.filter_map(|(sign, what)| sign.missing(what)).collect();
        (!unread.is_empty()).then(|| unread.join("; "))
    }
}

/// Decides which product an Author is judged as. What the operator says counts more than any sign. An Author that shows
/// none may be any product.
pub fn judge(asked: Option<Product>, signs: Option<&Signs>) -> Judged {
    let names_its_version = signs.is_some_and(|signs| signs.of_version().is_some());
    if let Some(product) = asked {
        return Judged { names_its_version, ..Judged::as_named(product, "--product") };
    }
    let Some(signs) = signs else {
        return Judged::as_named(Product::Aem65, "the default, before the Author was asked");
    };
    let (products, decided_by) = signs.told();
    if !products.is_empty() {
        return Judged { products, decided_by, names_its_version };
    }
    match &signs.version {
        // It reports its version as AEM 6.5 does, and the version is judged.
        Sign::Shown(_) => {
            Judged::as_named(Product::Aem65, "the default, since the Author shows no sign of its product")
        }
        _ => Judged { products: Product::ALL.to_vec(), decided_by: signs.missing(), names_its_version },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(version: &str, distribution: bool, replication: bool) -> Signs {
        let sign = |is: bool, name: &str| if is { Sign::Shown(name.to_owned()) } else { Sign::Absent };
        Signs {
            version: sign(!version.is_empty(), version),
            distribution_agent: sign(distribution, "bpdistributionagent0"),
            replication_agent: sign(replication, "mp_replication_agent0_default_x"),
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
            ("7.0.0", false, false, vec![Aem65]),
            ("6.4.8.4", false, false, vec![Aem65]),
            // No sign: the rows that differ by product are not judged.
            ("", false, false, Product::ALL.to_vec()),
            // Contradictory signs: the rows of both products are judged.
            ("6.5.25.0", true, true, vec![Aem65, AemCloud]),
            ("6.6.3.0", true, false, vec![Aem65Lts, AemCloud]),
            ("2024.11.18598", false, true, vec![Aem65, AemCloud]),
            ("", true, true, vec![Aem65, AemCloud]),
        ] {
            let judged = judge(None, Some(&signs(version, distribution, replication)));
            assert_eq!(judged.products, expected, "{version} {distribution} {replication}");
            assert_eq!(judged.contradiction().is_some(), expected.len() > 1);
            assert_eq!(judged.is_undecided(), expected.len() == 3);
            assert!(!judged.decided_by.is_empty());
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_sign_and_not_absent() {
        let judged = judge(None, Some(&Signs::default()));
        assert!(judged.is_undecided());
        assert_eq!(judged.decided_by[0], "whether it has a version cannot be read");
    }

    #[test]
    fn one_reading_of_three_decides_nothing() {
        let (right, wrong) = (signs("6.5.25.0", false, true), signs("6.6.3.0", true, false));
        for readings in [
            [wrong.clone(), right.clone(), right.clone()],
            [right.clone(), wrong.clone(), right.clone()],
            [right.clone(), right.clone(), wrong],
        ] {
            let [first, second, third] = readings;
            assert_eq!(Signs::majority(first, &second, third), right);
        }
        let all_differ = Sign::majority(Sign::Absent, &Sign::default(), Sign::Shown("x".into()));
        assert!(matches!(all_differ, Sign::Unreadable(_)));
    }

    #[test]
    fn what_the_operator_says_counts_more() {
        let judged = judge(Some(Product::Aem65Lts), Some(&signs("6.5.25.0", true, true)));
        assert_eq!((judged.products, judged.decided_by), (vec![Product::Aem65Lts], vec!["--product".to_owned()]));
    }
}
