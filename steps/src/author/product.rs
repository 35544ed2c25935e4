//! Which AEM the Author is: its version, its run modes, its packages (surfaces.md §5.5, §5.6).

use std::fmt;
use std::str::FromStr;

use bpconform_fixtures::Cause;
use regex::Regex;
use serde::{Deserialize, Deserializer};

use super::bundles;
use crate::call::Call;
use crate::pattern::pattern;
use crate::problem::{Because as _, Checked, Kind, Problem, ensure};
use crate::reply::Reply;
use crate::run::Judged;
use crate::session::Session;

/// A version of AEM, comparable by its numbers: `6.5.4.0` < `6.5.21.0`. Numbers that are not written count as 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 4]);

impl Version {
    /// A version by its four numbers.
    pub const fn new(numbers: [u32; 4]) -> Self {
        Self(numbers)
    }

    /// The release line: 6.5 of `6.5.21.0`.
    const fn line(&self) -> (u32, u32) {
        (self.0[0], self.0[1])
    }

    /// The number of the service pack: 21 of `6.5.21.0`.
    pub const fn service_pack(&self) -> u32 {
        self.0[2]
    }
}

impl FromStr for Version {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let malformed = || Problem::error(format!("`{text}` is not a version of AEM like 6.5.21.0"));
        let parts: Vec<&str> = text.trim().split('.').collect();
        if !(2..=4).contains(&parts.len()) {
            return Err(malformed());
        }
        let mut numbers = [0; 4];
        for (number, part) in numbers.iter_mut().zip(parts) {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *number = part.parse().ok().filter(|_| digits).ok_or_else(malformed)?;
        }
        Ok(Self(numbers))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, service_pack, fix] = self.0;
        write!(f, "{major}.{minor}.{service_pack}.{fix}")
    }
}

/// The first version that is configured through Developer Console (surfaces.md §5.5).
const DEVELOPER_CONSOLE: Version = Version::new([6, 5, 4, 0]);

/// Fails unless it is a version of AEM that is installed, 6.x: a Cloud SDK counts by its date, `2024.11.18598`.
pub fn is_installed_line(found: &Version) -> Checked {
    ensure(found.0[0] == 6, || format!("AEM is {found}, a version of another product than AEM 6.5"))
}

/// Fails unless the version is configured through Developer Console.
pub fn supports_developer_console(found: &Version) -> Checked {
    is_installed_line(found)?;
    let old_line = found.0[..2] == [6, 5] && *found < Version::new([6, 5, 5, 0]);
    ensure(*found >= DEVELOPER_CONSOLE, || format!("AEM is {found}; it must be {DEVELOPER_CONSOLE} or later"))
        .because(old_line.then_some(Cause::VersionLimits))
}

/// Which Service Pack counts as the latest of a release line, for example `6.5=6.5.25.0`, or `6.5.25.0` for its own line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatestServicePack(Version);

impl FromStr for LatestServicePack {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let whole = |version: &str| {
            let version = version.trim();
            if version.split('.').count() >= 3 && version.starts_with("6.") {
                return version.parse::<Version>();
            }
            Err(Problem::error(format!(
                "`{version}` is not the version of a Service Pack of AEM 6.x, like 6.5.25.0 or 6.6.3: it needs three \
                 numbers at least"
            )))
        };
        let Some((line, latest)) = text.split_once('=') else { return Ok(Self(whole(text)?)) };
        let (of, latest): (Version, Version) = (line.parse()?, whole(latest)?);
        if of.line() != latest.line() || of.0[2..] != [0, 0] {
            return Err(Problem::error(format!(
                "`{text}` is not a release line and a version of it, like 6.5=6.5.25.0"
            )));
        }
        Ok(Self(latest))
    }
}

/// Fails unless the version is at least the latest one of its release line; skipped if that was not given. The latest
/// version of one line does not apply to another.
pub fn is_latest(found: &Version, given: &[String]) -> Checked {
    is_installed_line(found)?;
    let given = given.iter().map(|text| text.parse::<LatestServicePack>()).collect::<Result<Vec<_>, _>>()?;
    // Of several for one line the last counts, as with any flag.
    let Some(LatestServicePack(latest)) = given.iter().rfind(|latest| latest.0.line() == found.line()) else {
        let [major, minor, ..] = found.0;
        return Err(Problem::skipped(format!(
            "AEM is {found}, and the latest Service Pack of the release line {major}.{minor} is not given: set \
             BPCONFORM_LATEST_SERVICE_PACK, for example {major}.{minor}={major}.{minor}.{}",
            found.0[2]
        )));
    };
    ensure(found >= latest, || format!("AEM is {found}; it must be {latest} or later"))
}

/// An error while the Author's signs of its product contradict each other, or it shows none: then its version judges nothing.
pub fn is_clear(session: &Session) -> Checked {
    match session.run.judged.get().and_then(Judged::contradiction) {
        Some(contradiction) => Err(Problem::error(format!("{contradiction}; --product says which one it is"))),
        None => Ok(()),
    }
}

/// The version of AEM that the Author says it is.
pub async fn version(session: &Session) -> Checked<Version> {
    let (reply, named) = ask_version(session, Call::to("author.product-info")).await?;
    let missing = || Problem::error(format!("{} names no Adobe Experience Manager; {}", reply.what(), reply.excerpt()));
    named.ok_or_else(missing)?.parse()
}

/// The version that the Author names, as text: that of a Cloud SDK is not made of numbers alone. It is read again if `fresh`
/// is asked for.
pub async fn named_version(session: &Session, fresh: bool) -> Checked<Option<String>> {
    let call = Call::to("author.product-info");
    Ok(ask_version(session, if fresh { call.fresh() } else { call }).await?.1)
}

async fn ask_version(session: &Session, call: Call) -> Checked<(Reply, Option<String>)> {
    let line = pattern(session.surface("author.product-info"), "line")?;
    let reply = session.send(call).await?.expect_status(&[200])?;
    let named = find_version(&line, &reply.text())?;
    Ok((reply, named))
}

/// The version in the product information; an error if several lines name different ones.
pub(crate) fn find_version(line: &Regex, text: &str) -> Checked<Option<String>> {
    let named = |text: &str| Some(line.captures(text.trim_end())?.get(1)?.as_str().to_owned());
    let mut all: Vec<String> = text.lines().filter_map(named).collect();
    if all.iter().any(|other| *other != all[0]) {
        return Err(Problem::error(format!("the Author names several versions of AEM: {}", all.join(", "))));
    }
    Ok(all.pop())
}

/// The run modes of the Author, for example `author` and `crx3`.
pub async fn run_modes(session: &Session) -> Checked<Vec<String>> {
    let surface = session.surface("author.sling-settings");
    let reply = session.send(Call::to("author.sling-settings")).await?.expect_status(&[200])?;
    let lines: Vec<String> = serde_json::from_value(reply.lenient_json()?)
        .map_err(|_| Problem::error(format!("{} is not a list of lines; {}", reply.what(), reply.excerpt())))?;
    parse_run_modes(&lines, surface.phrase("run-modes"))
        .ok_or_else(|| Problem::error(format!("{} contains no run modes; {}", reply.what(), reply.excerpt())))
}

pub(crate) fn parse_run_modes(lines: &[String], phrase: &str) -> Option<Vec<String>> {
    let modes = lines.iter().find_map(|line| line.trim().strip_prefix(phrase.trim_start()))?;
    let modes = modes.trim().strip_prefix('[')?.strip_suffix(']')?;
    Some(modes.split(',').map(|mode| mode.trim().to_owned()).collect())
}

/// A package in Package Manager.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// Its group.
    #[serde(default, deserialize_with = "or_null")]
    pub group: String,
    /// Its name.
    #[serde(deserialize_with = "or_null")]
    pub name: String,
    /// Its version.
    #[serde(default, deserialize_with = "or_null")]
    pub version: String,
    /// When it was installed, in milliseconds since 1970; a package that was only uploaded has none.
    #[serde(default)]
    pub last_unpacked: Option<i64>,
}

/// A text that may also be `null`, as Package Manager writes what a package does not have.
fn or_null<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    Option::deserialize(text).map(Option::unwrap_or_default)
}

impl Package {
    /// Whether it is installed, not only uploaded.
    pub fn is_installed(&self) -> bool {
        self.last_unpacked.is_some_and(|time| time > 0)
    }
}

/// The packages that Package Manager lists.
pub async fn packages(session: &Session) -> Checked<Vec<Package>> {
    read_packages(&session.send(Call::to("author.packages")).await?)
}

/// The packages of an answer to that question. A list without any is an error, as every Author has some, and so is one of
/// which a part is missing.
pub(super) fn read_packages(reply: &Reply) -> Checked<Vec<Package>> {
    let PackageList { results, total } = PackageList::read(reply)?;
    let listed = results.len() as u64;
    if listed == 0 || listed < total {
        return Err(reply.instead(&format!("{listed} of {total} packages, which are not all")));
    }
    Ok(results)
}

/// What Package Manager lists, perhaps only a part.
#[derive(Deserialize)]
struct PackageList {
    results: Vec<Package>,
    #[serde(default)]
    total: u64,
}

impl PackageList {
    fn read(reply: &Reply) -> Checked<Self> {
        let reply = reply.clone().expect_status(&[200])?;
        serde_json::from_value(reply.json()?).map_err(|error| {
            Problem::error(format!("{} is not a list of packages ({error}); {}", reply.what(), reply.excerpt()))
        })
    }
}

/// Whether a package of which the name begins like that is installed. A part of the list can show that it is, and only the
/// whole list that it is not.
fn has_installed(reply: &Reply, name: &str) -> Checked<bool> {
    // The file is named with its version: ims-jwt-compatibility-package-6.5-1.0.zip.
    let is_it = |package: &Package| package.is_installed() && package.name.starts_with(name);
    if PackageList::read(reply)?.results.iter().any(is_it) {
        return Ok(true);
    }
    read_packages(reply).map(|_| false)
}

/// The Service Packs that bring OAuth (surfaces.md §2.1, §5.5): by themselves, and with [`OAUTH_HOTFIX`].
const OAUTH: Version = Version::new([6, 5, 21, 0]);
const OAUTH_BY_HOTFIX: Version = Version::new([6, 5, 11, 0]);

/// The package that brings OAuth to older Service Packs, as the feature `01-prerequisites` names it.
pub const OAUTH_HOTFIX: &str = "ims-jwt-compatibility-package-6.5";

/// Fails unless the Author can hold OAuth credentials, by its Service Pack or by that package.
pub async fn judge_oauth(session: &Session, hotfix: &str) -> Checked {
    let found = match version(session).await {
        Err(problem) if problem.kind == Kind::Skipped => return can_by_bundle(session, problem).await,
        found => found?,
    };
    is_installed_line(&found)?;
    if found >= OAUTH {
        return Ok(());
    }
    ensure(found >= OAUTH_BY_HOTFIX, || {
        format!("AEM is {found}, which can hold no OAuth credential: it needs {OAUTH}")
    })?;
    let reply = session.send(Call::to("author.packages")).await?;
    ensure(has_installed(&reply, hotfix)?, || {
        format!("AEM is {found} and the package {hotfix} is not installed; without it OAuth needs {OAUTH}")
    })
}

/// The decision by the version of a bundle, for a product whose own version is not known.
async fn can_by_bundle(session: &Session, unknown: Problem) -> Checked {
    let bundles = bundles::all(session).await?;
    let version = bundles.oauth_ability(session.surface("author.bundles")).ok_or(unknown)?;
    tracing::info!("AEM can hold OAuth credentials, as inferred from the version {version} of its bundle for IMS");
    Ok(())
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Surfaces;
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::redact::Redactor;

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    #[test]
    fn a_latest_service_pack_is_a_whole_version() {
        for whole in ["6.5.25.0", "6.6.3", "6.5=6.5.25.0", "6.6=6.6.3"] {
            assert!(whole.parse::<LatestServicePack>().is_ok(), "{whole}");
        }
        for part in ["6.5", "6", "", "6.5=6.5", "2024.11.18598", "6.5=6.6.3", "latest"] {
            assert!(part.parse::<LatestServicePack>().is_err(), "{part}");
        }
    }

    #[test]
    fn versions_compare_by_number_not_by_letter() {
        assert!(version("6.5.21.0") > version("6.5.4.0"));
        assert!(version("6.5.4") == version("6.5.4.0"));
        assert!(version("6.5.3.9") < version("6.5.4.0"));
        assert_eq!(version("6.5.21.0").service_pack(), 21);
    }

    #[test]
    fn a_cloud_sdk_is_no_later_version_and_lines_are_not_compared() {
        let kind = |judged: Checked| judged.map_err(|problem| problem.kind);
        assert_eq!(kind(supports_developer_console(&version("6.5.4.0"))), Ok(()));
        assert_eq!(kind(supports_developer_console(&version("6.6.1"))), Ok(()));
        for other in ["6.5.3.0", "2024.11.18598", "7.0.0"] {
            assert_eq!(kind(supports_developer_console(&version(other))), Err(Kind::Failed), "{other}");
        }
        let latest = |found: &str, given: &[&str]| {
            let given: Vec<String> = given.iter().map(ToString::to_string).collect();
            kind(is_latest(&version(found), &given))
        };
        let both = ["6.5=6.5.25.0", "6.6=6.6.3"];
        for (found, given, expected) in [
            ("6.5.25.0", &["6.5.25.0"][..], Ok(())),
            ("6.5.25.0", &["6.5.26"], Err(Kind::Failed)),
            ("6.5.25.0", &["6.6.3"], Err(Kind::Skipped)),
            ("6.5.25.0", &both, Ok(())),
            ("6.5.24.0", &both, Err(Kind::Failed)),
            ("6.6.0", &["6.5.25.0"], Err(Kind::Skipped)),
            ("6.6.0", &["6.6.3"], Err(Kind::Failed)),
            ("6.6.0", &both, Err(Kind::Failed)),
            ("6.6.3", &both, Ok(())),
            ("6.6.4", &both, Ok(())),
            ("6.5.25.0", &["6.5.24.0", "6.5=6.5.26.0"], Err(Kind::Failed)),
            ("6.5.25.0", &[], Err(Kind::Skipped)),
            ("6.5.25.0", &["6.5=6.6.3"], Err(Kind::Error)),
            ("6.5.25.0", &["6.5.1=6.5.25.0"], Err(Kind::Error)),
            ("6.5.25.0", &["latest"], Err(Kind::Error)),
            ("2024.11.18598", &["6.5.25.0"], Err(Kind::Failed)),
        ] {
            assert_eq!(latest(found, given), expected, "{found} {given:?}");
        }
    }

    #[test]
    fn what_is_no_version_is_an_error() {
        for text in ["", "6", "6.5.x", "6.5.4.0.1", "6.5.-4", "6.5.+4", "6.5.99999999999", "6.5.21-SNAPSHOT", "latest"]
        {
            assert_eq!(text.parse::<Version>().map_err(|problem| problem.kind), Err(Kind::Error), "{text}");
        }
    }

    #[test]
    fn the_version_is_read_from_the_line_of_the_product() {
        let line = Regex::new(Surfaces::built_in().get("author.product-info").phrase("line")).expect("a regex");
        let text = "Installed Products\n  Adobe Experience Manager (6.5.21.0)\n  Other (1.0)\n";
        assert_eq!(find_version(&line, text), Ok(Some("6.5.21.0".to_owned())));
        assert_eq!(find_version(&line, "  Other Product (6.5.21.0)"), Ok(None));
        let two = find_version(&line, &format!("{text}\n  Adobe Experience Manager (6.5.0)"));
        assert!(two.expect_err("they differ").reason.contains("6.5.21.0, 6.5.0"));
    }

    #[test]
    fn a_part_of_the_packages_shows_what_is_installed_and_not_what_is_missing() {
        let has = |total: u64, unpacked: Option<i64>| {
            let packages = json!({ "total": total, "results": [
                { "name": "other", "group": null, "version": null },
                { "name": format!("{OAUTH_HOTFIX}-1.0"), "group": "adobe", "lastUnpacked": unpacked },
            ]});
            let reply = Reply {
                surface: "author.packages".into(),
                method: "GET".into(),
                url: Url::parse("http://localhost/").expect("a URL"),
                status: 200,
                headers: Vec::new(),
                body: packages.to_string().into(),
                redactor: Redactor::default(),
            };
            has_installed(&reply, OAUTH_HOTFIX).map_err(|problem| problem.kind)
        };
        assert_eq!(has(2, Some(1)), Ok(true));
        assert_eq!(has(7, Some(1)), Ok(true));
        assert_eq!(has(2, None), Ok(false));
        assert_eq!(has(7, None), Err(Kind::Error));
    }

    #[test]
    fn run_modes_are_read_one_by_one() {
        let lines = ["Sling ID = x".to_owned(), "Run Modes = [crx3, author, samplecontent]".to_owned()];
        let modes = parse_run_modes(&lines, "Run Modes = ").expect("there");
        assert_eq!(modes, ["crx3", "author", "samplecontent"]);
        assert_eq!(parse_run_modes(&lines[..1], "Run Modes = "), None);
    }
}
