//! The table of requests of real clients (`table.toml`): none is answered by a success without its effect.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use bpconform_mocks::machine::{Machine, Response};
use serde::Deserialize;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Client, basic};

/// What `NODE` stands for in a package.
const NODE: &str = "<jcr:root xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" xmlns:nt=\"http://www.jcp.org/jcr/nt/1.0\" \
                    jcr:primaryType=\"nt:unstructured\" x=\"1\"/>";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    package: BTreeMap<String, Package>,
    section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    filter: String,
    files: BTreeMap<String, String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    of: String,
    title: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    send: String,
    form: Option<String>,
    file: Option<String>,
    header: Option<String>,
    body: Option<String>,
    #[serde(default)]
    given: Vec<String>,
    status: u16,
    says: Option<Vec<String>>,
    #[serde(default)]
    then: Vec<String>,
    as_real: Option<String>,
}

/// A package's file.
fn zip(name: &str, package: &Package) -> Vec<u8> {
    let fixed = [("name", name), ("version", "1.0"), ("group", "my_packages")].into_iter();
    let own = package.properties.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let entries: String =
        fixed.chain(own).map(|(key, value)| format!("<entry key=\"{key}\">{value}</entry>")).collect();
    let filter = format!("<workspaceFilter version=\"1.0\">{}</workspaceFilter>", package.filter);
    let meta = [
        ("META-INF/vault/filter.xml", filter),
        ("META-INF/vault/properties.xml", format!("<properties>{entries}</properties>")),
    ];
    let files = package.files.iter().map(|(name, text)| (name.as_str(), text.replace("NODE", NODE)));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in meta.into_iter().chain(files) {
        zip.start_file(name, SimpleFileOptions::default()).expect("an entry");
        zip.write_all(text.as_bytes()).expect("its text");
    }
    zip.finish().expect("a file").into_inner()
}

fn fields(form: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

/// An Author, with the answer to the last request.
struct Tried<'a> {
    table: &'a Table,
    client: Client,
    last: Response,
}

impl Tried<'_> {
    fn upload(&mut self, target: &str, form: &str, package: &str) -> Response {
        let file = zip(package, &self.table.package[package]);
        let mut body = Vec::new();
        for (name, value) in fields(form) {
            body.extend(format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        body.extend(
            b"--X\r\nContent-Disposition: form-data; name=\"package\"; filename=\"p.zip\"\r\n\
              Content-Type: application/zip\r\n\r\n",
        );
        body.extend(file);
        body.extend(b"\r\n--X--\r\n");
        self.client.send("POST", target, &[("content-type", "multipart/form-data; boundary=X")], &body)
    }

    /// A text with what the last answer says in place of `{location}` and `{body}`.
    fn filled(&self, text: &str) -> String {
        let location = self.last.header("location").unwrap_or_default();
        text.replace("{location}", location).replace("{body}", &self.last.text())
    }

    fn give(&mut self, given: &str) {
        let given = self.filled(given);
        let mut words = given.splitn(3, ' ');
        let [method, target, form] = [(); 3].map(|()| words.next().unwrap_or_default());
        self.last = match method {
            "UPLOAD" => self.upload("/crx/packmgr/service/.json", "cmd=upload", target),
            "POST" => self.client.post(target, &pairs(&fields(form))),
            method => self.client.send(method, target, &[], b""),
        };
    }

    fn send(&mut self, row: &Row) {
        let (method, target) = row.send.split_once(' ').expect("a method and a target");
        let target = self.filled(target);
        let header = row.header.as_deref().and_then(|header| header.split_once(": "));
        let header = header.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        let headers: Vec<_> = header.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let form = self.filled(row.form.as_deref().unwrap_or_default());
        self.last = match (&row.file, &row.body) {
            (Some(package), _) => self.upload(&target, &form, package),
            (None, Some(body)) => self.client.send(method, &target, &headers, body.as_bytes()),
            (None, None) if method == "POST" => self.client.post_with(&target, &headers, &pairs(&fields(&form))),
            (None, None) => self.client.send(method, &target, &headers, b""),
        };
    }

    /// What a read is answered: the request and what it must be answered come before and after the arrow.
    fn read(&mut self, then: &str) -> (Response, String) {
        let (request, expected) = then.split_once(" -> ").expect("an arrow");
        let (login, target) = request.split_once(' ').unwrap_or(("admin:admin", request));
        let (user, password) = login.split_once(':').expect("a user and a password");
        self.client.set_header("authorization", &basic(user, password));
        let target = self.filled(target);
        let answer = self.client.get(&target);
        self.client.set_header("authorization", &basic("admin", "admin"));
        (answer, expected.to_owned())
    }

    /// The repository and the packages.
    fn state(&mut self) -> String {
        format!("{}\n{}", self.client.author.dump(), self.client.get("/crx/packmgr/list.jsp").text())
    }
}

fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn is_refused(answer: &Response) -> bool {
    let text = answer.text();
    answer.status >= 400
        || text.contains("\"success\":false")
        || text.contains("<status code=\"404\">")
        || text.contains("<status code=\"500\">")
}

/// What is wrong with the answer to a row, a line for each.
fn problems(table: &Table, row: &Row) -> String {
    let client = Client::admin();
    let mut tried = Tried { table, client, last: Response::default() };
    row.given.iter().for_each(|given| tried.give(given));
    let (before, reads) = (tried.state(), reads(&mut tried, row));
    tried.send(row);
    let answer = tried.last.clone();
    let mut problems = unlike(row, &answer);
    let mut has_effect = tried.state() != before;
    for (then, then_before) in row.then.iter().zip(reads) {
        let (read, expected) = tried.read(then);
        has_effect |= then_before.is_some_and(|earlier| (earlier.status, &earlier.body) != (read.status, &read.body));
        let (status, text) = expected.split_once(' ').unwrap_or((&expected, ""));
        if read.status.to_string() != status || !read.text().contains(text) {
            let _ = writeln!(problems, "{then}: it is {} {}", read.status, read.text());
        }
    }
    let must_have_effect = !is_read(row) && !is_refused(&answer) && row.as_real.is_none();
    if has_effect != must_have_effect {
        let _ = writeln!(problems, "effect: {has_effect}, and it must be {must_have_effect}: {}", answer.text());
    }
    if must_have_effect && row.then.is_empty() {
        let _ = writeln!(problems, "nothing shows the effect");
    }
    problems
}

/// The answers to the reads of a row before its request; none where the target depends on its answer.
fn reads(tried: &mut Tried<'_>, row: &Row) -> Vec<Option<Response>> {
    let known = |then: &String| (!then.contains("{location}")).then(|| tried.read(then).0);
    row.then.iter().map(known).collect()
}

fn is_read(row: &Row) -> bool {
    row.send.starts_with("GET ") || row.send.starts_with("HEAD ")
}

fn unlike(row: &Row, answer: &Response) -> String {
    let (mut problems, text) = (String::new(), answer.text());
    if answer.status != row.status {
        let _ = writeln!(problems, "status {}, not {}: {text}", answer.status, row.status);
    }
    for says in row.says.iter().flatten() {
        let (wanted, says) = says.strip_prefix('!').map_or((true, says.as_str()), |says| (false, says));
        if text.contains(says) != wanted {
            let _ = writeln!(problems, "`{says}` {}: {text}", if wanted { "is missing" } else { "is there" });
        }
    }
    if row.says.is_none() && is_refused(answer) && text.trim().len() < 20 {
        let _ = writeln!(problems, "no reason: {text}");
    }
    if row.says.is_none() && is_read(row) && !is_refused(answer) {
        let _ = writeln!(problems, "nothing is expected of the answer");
    }
    problems
}

#[test]
fn no_request_is_answered_by_a_success_without_its_effect() {
    let table: Table = toml::from_str(include_str!("table.toml")).expect("the table can be read");
    let (mut wrong, mut count) = (String::new(), 0);
    for section in &table.section {
        for row in &section.rows {
            count += 1;
            let problems = problems(&table, row);
            if !problems.is_empty() {
                let form = row.form.as_deref().unwrap_or_default();
                let _ = writeln!(wrong, "{} ({}): {} {form}\n{problems}", section.of, section.title, row.send);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let of: BTreeSet<_> = table.section.iter().map(|section| section.of.as_str()).collect();
    assert_eq!(of, BTreeSet::from(["F.1", "F.2", "F.3", "F.4", "F.5", "F.6", "F.7", "F.9"]));
    assert!(count >= 250, "the table has only {count} requests");
}
