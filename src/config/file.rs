//! `bpconform.toml`: settings that are common to all profiles, and one table `[target.NAME]` for each profile. The
//! position of each key is kept, so that every error names the line. The file must not contain a secret, and no error
//! quotes a value, which might be one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bpconform_fixtures::line_of;
use bpconform_steps::credentials;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::settings::{self, Setting, credential_key};
use crate::error::Error;
use crate::nearest::nearest;
use crate::text_file;

/// The table of profiles.
const PROFILES: &str = "target";

/// A configuration file.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Where it lies.
    pub path: PathBuf,
    common: BTreeMap<String, FileEntry>,
    profiles: BTreeMap<String, BTreeMap<String, FileEntry>>,
}

/// What the file says for one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// The line of the key, from 1.
    pub line: usize,
    /// The profile in which it stands.
    pub profile: Option<String>,
    /// The value as text, or the values of a list.
    pub texts: Vec<String>,
    /// Whether the file wrote a list.
    pub list: bool,
}

impl FileEntry {
    /// Where it stands, for a person.
    pub fn origin(&self, file: &ConfigFile) -> String {
        let place = format!("{}:{}", file.path.display(), self.line);
        match &self.profile {
            Some(profile) => format!("profile {profile}, {place}"),
            None => format!("file {place}"),
        }
    }
}

impl ConfigFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = text_file::read(path).map_err(|error| Error::Configuration {
            place: path.display().to_string(),
            problem: format!("cannot be read: {error}"),
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let mut file = Self { path: path.to_owned(), common: BTreeMap::new(), profiles: BTreeMap::new() };
        let table = DeTable::parse(text).map_err(|error| {
            // The parser's own message would show the line, which may hold a secret.
            let line = error.span().map_or(1, |span| line_of(text, &span));
            file.error(line, error.message().lines().collect::<Vec<_>>().join(", "))
        })?;
        for (key, value) in table.get_ref() {
            if key.get_ref() == PROFILES {
                file.read_profiles(text, key, value)?;
            } else {
                let (key, entry) = file.entry(text, key, value, None)?;
                file.common.insert(key, entry);
            }
        }
        Ok(file)
    }

    fn read_profiles(&mut self, text: &str, key: &TomlKey<'_>, value: &Spanned<DeValue<'_>>) -> Result<(), Error> {
        let shape = "profiles are tables; write [target.NAME] and the settings below it";
        let Some(profiles) = value.get_ref().as_table() else {
            return Err(self.error(line_of(text, &key.span()), shape.into()));
        };
        for (name, table) in profiles {
            let Some(table) = table.get_ref().as_table() else {
                return Err(self.error(line_of(text, &name.span()), shape.into()));
            };
            let mut entries = BTreeMap::new();
            for (key, value) in table {
                let (key, entry) = self.entry(text, key, value, Some(name.get_ref()))?;
                entries.insert(key, entry);
            }
            self.profiles.insert(name.get_ref().to_string(), entries);
        }
        Ok(())
    }

    fn entry(
        &self,
        text: &str,
        key: &TomlKey<'_>,
        value: &Spanned<DeValue<'_>>,
        profile: Option<&str>,
    ) -> Result<(String, FileEntry), Error> {
        let line = line_of(text, &key.span());
        let name = canonical(key.get_ref()).into_owned();
        if !settings::keys().contains(&name) || (profile.is_some() && name == "profile") {
            let hint = settings::did_you_mean(&name);
            return Err(self.error(line, format!("`{}` is not a setting{hint}", key.get_ref())));
        }
        let secret = credentials::ALL.iter().find(|named| named.secret && credential_key(named.name) == name);
        if let Some(named) = secret {
            return Err(self.error(
                line,
                format!(
                    "{name} is a secret ({}), and a file like this one is copied and shared; write {name}_file = \
                    \"PATH\" or {name}_command = [\"PROGRAM\", \"ARGUMENT\"] in its place, or set {}; and change the \
                    secret if others could read it here",
                    named.what, named.name
                ),
            ));
        }
        let list = value.get_ref().is_array();
        let values = value.get_ref().as_array().map_or_else(|| vec![value], |values| values.iter().collect());
        let texts: Option<Vec<String>> = values.into_iter().map(|value| scalar(value.get_ref())).collect();
        let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
            return Err(self.error(line, format!("{name}: it is a text, a number, true or false, or a list of these")));
        };
        Ok((name, FileEntry { line, profile: profile.map(str::to_owned), texts, list }))
    }

    /// The names of the profiles, in alphabetical order.
    pub fn profiles(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// Every entry, of all profiles, with its key.
    pub fn entries(&self) -> impl Iterator<Item = (&String, &FileEntry)> {
        self.common.iter().chain(self.profiles.values().flatten())
    }

    /// The profile that is in use: the one that is asked for, else the file's usual one.
    pub fn profile<'a>(&'a self, asked: Option<&'a str>) -> Option<&'a str> {
        asked.or_else(|| self.common.get("profile")?.texts.first().map(String::as_str))
    }

    /// What the file gives under a profile: the profile's own before what is common. The profile is the one that is
    /// asked for, else the one that the file names.
    pub fn given(&self, profile: Option<&str>) -> Result<BTreeMap<String, FileEntry>, Error> {
        let mut given = self.common.clone();
        if let Some(name) = self.profile(profile) {
            let Some(entries) = self.profiles.get(name) else { return Err(self.no_profile(name)) };
            for key in entries.keys() {
                // The profile's way to a credential replaces every way that is common.
                let base = base(key);
                given.retain(|known, _| self::base(known) != base);
            }
            given.extend(entries.clone());
        }
        // An address that were not used would make a person believe that it was checked.
        if let Some(author) = given.get("author_url").filter(|_| !given.contains_key(PROFILES)).cloned() {
            given.insert(PROFILES.to_owned(), FileEntry { texts: vec!["author".into()], ..author });
        }
        Ok(given)
    }

    fn no_profile(&self, name: &str) -> Error {
        let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
        let near = nearest(name, names.iter().copied());
        let hint = match (near, names.as_slice()) {
            (Some(near), _) => format!("; did you mean {near}?"),
            (None, []) => "; it has none: write [target.NAME]".into(),
            (None, names) => format!("; it has {}", names.join(", ")),
        };
        Error::Configuration {
            place: self.path.display().to_string(),
            problem: format!("unknown profile {name}{hint}"),
        }
    }

    /// The values for a setting's argument: a path is relative to the file.
    pub fn values(&self, setting: &Setting, entry: &FileEntry) -> Vec<String> {
        let absolute = |text: &String| {
            if setting.path { self.beside(text).display().to_string() } else { text.clone() }
        };
        entry.texts.iter().map(absolute).collect()
    }

    /// A path that the file names, which is relative to the file.
    pub fn beside(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// A complaint about a line of the file.
    pub fn error(&self, line: usize, problem: String) -> Error {
        Error::Configuration { place: format!("{}:{line}", self.path.display()), problem }
    }
}

type TomlKey<'a> = Spanned<toml::de::DeString<'a>>;

/// `user` and `password` without more are those of the Author.
fn canonical(key: &str) -> Cow<'_, str> {
    if key == "user" || key == "password" || key.starts_with("password_") {
        Cow::Owned(format!("author_{key}"))
    } else {
        Cow::Borrowed(key)
    }
}

/// The key without the source that it names.
fn base(key: &str) -> &str {
    let stripped = settings::SOURCES.iter().find_map(|source| key.strip_suffix(source));
    stripped.filter(|base| credentials::ALL.iter().any(|named| credential_key(named.name) == *base)).unwrap_or(key)
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().replace('_', "")),
        DeValue::Float(number) => Some(number.as_str().replace('_', "")),
        DeValue::Boolean(is) => Some(is.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, String> {
        ConfigFile::parse(Path::new("bpconform.toml"), text).map_err(|error| error.to_string())
    }

    const TWO: &str = "request_timeout = 5\nauthor_url = 'https://a.example'\npassword_file = 'p'\n\n\
        [target.staging]\nauthor_url = 'https://b.example'\npassword_command = ['pass', 'aem']\n\
        [target.production]\nretries = 0\n";

    #[test]
    fn a_profile_comes_before_what_is_common() {
        let file = parse(TWO).expect("it is right");
        let text = |profile, key: &str| {
            let given = file.given(profile).expect("there is such a profile");
            given.get(key).map(|entry| (entry.texts.join(" "), entry.origin(&file)))
        };
        assert_eq!(
            text(Some("staging"), "author_url"),
            Some(("https://b.example".into(), "profile staging, bpconform.toml:6".into()))
        );
        assert_eq!(text(Some("staging"), "request_timeout"), Some(("5".into(), "file bpconform.toml:1".into())));
        assert_eq!(text(Some("staging"), "author_password_file"), None);
        assert_eq!(text(None, "author_password_file").map(|(text, _)| text), Some("p".into()));
    }

    #[test]
    fn an_address_means_that_it_is_checked() {
        let given = parse(TWO).expect("it is right").given(None).expect("no profile is needed");
        assert_eq!(given["target"].texts, ["author"]);
        let given = parse("[target.a]\nretries = 1").expect("it is right").given(Some("a")).expect("it is there");
        assert!(!given.contains_key("target"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_what_was_meant() {
        let error = |text: &str| parse(text).expect_err("it is wrong");
        assert_eq!(
            error("\n\n[target.x]\nautor_url = 'https://a'"),
            "bpconform.toml:4: `autor_url` is not a setting; did you mean `author_url`?"
        );
        assert!(error("target = 'author'").starts_with("bpconform.toml:1: profiles are tables"));
        assert!(error("retries = {}").starts_with("bpconform.toml:1: retries: it is a text"));
        assert!(error("retries = 1\nretries = 2").starts_with("bpconform.toml:2: "));
        let file = parse(TWO).expect("it is right");
        let missing = file.given(Some("stagin")).expect_err("there is none").to_string();
        assert_eq!(missing, "bpconform.toml: unknown profile stagin; did you mean staging?");
    }

    #[test]
    fn a_secret_is_refused_and_not_shown() {
        for text in ["author_password = 'canary-1234'", "password = 'canary-1234'", "password = canary-1234"] {
            let error = parse(&format!("# c\n{text}")).expect_err("it holds a secret");
            assert!(error.starts_with("bpconform.toml:2: ") && !error.contains("canary"), "{error}");
        }
        let error = parse("ims_client_secret = 'canary'").expect_err("it holds a secret");
        assert!(error.contains("ims_client_secret_file") && error.contains("BPCONFORM_IMS_CLIENT_SECRET"), "{error}");
    }
}
