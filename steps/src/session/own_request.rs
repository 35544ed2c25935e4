//! Whether a page's request can be the one that an action is about: by its method, its address, and the values in it. Whole
//! values are compared: a name may be the beginning of another one.

use std::collections::BTreeSet;

use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::{Surface, System, effects};
use futures::FutureExt as _;
use multer::Multipart;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::browser::traffic::PageRequest;

/// How deep JSON within a field may hold JSON within a field.
const DEEPEST: usize = 3;

/// An action, as far as its request can be recognised by it.
#[derive(Debug)]
pub(super) struct Own<'a> {
    /// The endpoint whose place the request takes.
    pub(super) surface: &'a Surface,
    /// The values of which the request says one at least.
    pub(super) about: Vec<String>,
    /// What a command parameter may say, in lower case.
    pub(super) commands: &'a [String],
}

/// What a request says: its path, and its parameters with their names.
#[derive(Debug)]
pub(super) struct Said {
    path: String,
    fields: Vec<(String, String)>,
}

impl Said {
    /// What that request says.
    pub(super) fn by(request: &PageRequest) -> Self {
        let path = percent_decode_str(request.url.path()).decode_utf8_lossy().into_owned();
        let pairs = |text: &[u8]| -> Vec<(String, String)> {
            url::form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
        };
        let mut fields = pairs(request.url.query().unwrap_or_default().as_bytes());
        let content_type = request.headers.iter().find(|(name, _)| name == "content-type");
        let content_type = content_type.map(|(_, value)| value.as_str()).unwrap_or_default();
        if let Ok(boundary) = multer::parse_boundary(content_type) {
            fields.extend(parts(boundary, request.body.clone()).now_or_never().unwrap_or_default());
        } else if let Ok(json) = serde_json::from_slice::<Value>(&request.body) {
            flatten("", &json, &mut fields);
        } else {
            fields.extend(pairs(&request.body));
        }
        for _ in 0..DEEPEST {
            fields = fields.into_iter().flat_map(unfolded).collect();
        }
        Self { path, fields }
    }

    /// Whether a POST can be one that only asks: it names the value in a field, since what is named by a path is where the
    /// default servlet of Sling stores fields, and none of its fields is a property or a file. The error says what is one.
    fn stores_nothing(&self, about: &[String]) -> Result<(), String> {
        if !self.fields.iter().any(|(_, said)| about.iter().any(|value| value == said.trim())) {
            return Err(format!("it can store something: no field is {}", about.join(" or ")));
        }
        let is_property = |name: &str| name.starts_with(['.', '/']) || name.contains('@') || name.contains("jcr:");
        match self.fields.iter().find(|(name, _)| is_property(name.trim())) {
            Some((name, _)) => Err(format!("it can store something: {name}")),
            None => Ok(()),
        }
    }

    fn names(&self, about: &[String]) -> bool {
        let in_field = |value: &String| self.fields.iter().any(|(_, said)| said.trim() == value);
        about.iter().any(|value| in_field(value) || path_names(&self.path, value))
    }

    /// Another value of the field that names what the action is about: the request would also change something else.
    fn beside(&self, about: &[String]) -> Option<&str> {
        let is_about = |said: &str| about.iter().any(|value| value == said.trim());
        let names = self.fields.iter().filter(|(_, said)| is_about(said)).map(|(name, _)| name);
        let names: BTreeSet<_> = names.collect();
        let mut others = self
            .fields
            .iter()
            .filter(|(name, said)| !said.trim().is_empty() && !is_about(said) && names.contains(name));
        others.next().map(|(_, said)| said.as_str())
    }
}

impl Own<'_> {
    /// Whether the request names what the action is about.
    pub(super) fn is_named_by(&self, said: &Said) -> bool {
        said.names(&self.about)
    }

    /// Whether the request can be the action's own; the error says why not. `known` holds the known endpoints that do more
    /// than read and are at the address of the request.
    pub(super) fn fits(&self, request: &PageRequest, said: &Said, known: &[&Surface]) -> Result<(), String> {
        let methods: &[&str] = match self.surface.class {
            Class::Change => &["POST"],
            Class::Probe => &["GET", "POST"],
            Class::Read => &["GET"],
        };
        if !methods.contains(&request.method.as_str()) {
            return Err(format!("only {} can be what the step sends", methods.join(" and ")));
        }
        if !request.is_content() || !self.is_named_by(said) {
            return Err(format!("it does not name {}", self.about.join(" or ")));
        }
        let is_own = known.iter().any(|known| known.id == self.surface.id);
        if let Some(other) = known.first().filter(|_| !is_own) {
            return Err(format!("it is the request of {}", other.id));
        }
        if !is_own && let Some(effect) = effects::effect_of_get(request.url.path(), &[], &self.surface.query) {
            return Err(effect);
        }
        self.commands(request, said)?;
        if self.surface.class != Class::Change && !request.reads() {
            said.stores_nothing(&self.about)?;
        }
        match said.beside(&self.about).filter(|_| !request.reads()) {
            Some(other) => Err(format!("it also names {other}")),
            None => Ok(()),
        }
    }

    fn commands(&self, request: &PageRequest, said: &Said) -> Result<(), String> {
        let query = effects::parameters(request.url.query().unwrap_or_default());
        let usual = |name: &str, value: &str| {
            let sent = |sent: &std::collections::BTreeMap<String, String>| sent.get(name).is_some_and(|it| it == value);
            sent(&self.surface.query) || sent(&self.surface.always)
        };
        let permitted = |value: &str| self.commands.contains(&value.trim().to_lowercase());
        let mut others = query.iter().chain(&said.fields).filter(|(name, value)| {
            effects::is_command(name) && !value.is_empty() && !usual(name, value) && !permitted(value)
        });
        match others.next() {
            Some((name, value)) => Err(format!("{name}={value} is a command that the step does not give")),
            None => Ok(()),
        }
    }
}

/// The known endpoints of an Author that do more than read, at one of the paths as which it may read that of a request by
/// that method. Endpoints for any node do not count. Sling serves a path with other extensions and suffixes, too.
pub(super) fn more_than_reads<'a>(
    all: impl Iterator<Item = &'a Surface>,
    method: &str,
    paths: &[String],
) -> Vec<&'a Surface> {
    let method = if method == "HEAD" { "GET" } else { method };
    let at = |surface: &Surface, path: &String| {
        surface.matches(method, path).is_some()
            || surface.method == method
                && std::iter::once(&surface.path).chain(&surface.alternatives).any(|known| is_below_stem(known, path))
    };
    let more = all.filter(|surface| {
        surface.class != Class::Read && surface.system == System::Author && !surface.path.starts_with("/{")
    });
    more.filter(|surface| paths.iter().any(|path| at(surface, path))).collect()
}

/// Whether a path is a fixed one with another extension or a suffix.
fn is_below_stem(known: &str, path: &str) -> bool {
    let (folder, name) = known.rsplit_once('/').unwrap_or(("", known));
    let stem = format!("{folder}/{}", name.split('.').next().unwrap_or_default());
    !known.contains('{')
        && !stem.ends_with('/')
        && path.strip_prefix(&stem).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
}

/// Whether a decoded path names a value: as whole segments, or as all of a name before its extension.
fn path_names(path: &str, value: &str) -> bool {
    !value.is_empty()
        && path.match_indices(value).any(|(at, _)| {
            let (before, after) = (&path[..at], &path[at + value.len()..]);
            (value.starts_with('/') || before.is_empty() || before.ends_with('/'))
                && (after.is_empty() || after.starts_with(['/', '.']))
        })
}

/// The fields of a multipart body up to the first that is not whole. A file counts by its name.
async fn parts(boundary: String, body: Vec<u8>) -> Vec<(String, String)> {
    let stream = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let mut parts = Multipart::new(stream, boundary);
    let mut fields = Vec::new();
    while let Ok(Some(part)) = parts.next_field().await {
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().map(str::to_owned);
        let Ok(text) = part.bytes().await else { break };
        fields.push((name, file.unwrap_or_else(|| String::from_utf8_lossy(&text).into_owned())));
    }
    fields
}

fn unfolded((name, value): (String, String)) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if value.trim_start().starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str(&value)
    {
        flatten(&name, &json, &mut fields);
    }
    if fields.is_empty() { vec![(name, value)] } else { fields }
}

fn flatten(name: &str, json: &Value, fields: &mut Vec<(String, String)>) {
    match json {
        Value::Object(object) => object.iter().for_each(|(name, value)| flatten(name, value, fields)),
        Value::Array(array) => array.iter().for_each(|value| flatten(name, value, fields)),
        Value::String(text) => fields.push((name.to_owned(), text.clone())),
        Value::Null => {}
        other => fields.push((name.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::{Surfaces, UserInterface};

    use super::*;

    const ASSET: &str = "/content/dam/m/asset.bin";

    /// Why a request is not the own one of an action; none if it is.
    fn refused(id: &str, about: &str, method: &str, target: &str, kind: &str, body: &str) -> Option<String> {
        let action = UserInterface::built_in().action(id, "/content/dam/m").expect("it is documented");
        let surface = Surfaces::built_in().get(id);
        let own = Own { surface, about: vec![about.to_owned()], commands: &action.commands };
        let request = PageRequest::for_test(method, &format!("http://author{target}"), kind, body.as_bytes());
        let paths: Vec<_> = effects::spellings(request.url.path()).into_iter().collect();
        let known = more_than_reads(Surfaces::built_in().iter(), method, &paths);
        own.fits(&request, &Said::by(&request), &known).err()
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn what_writes_is_never_the_request_of_a_probe() {
        let refused = |method, target, body| refused("author.ims-health", "an.id", method, target, FORM, body);
        for (method, target, body) in [
            ("DELETE", "/apps/system/config/an.id.config", ""),
            ("PUT", "/x?id=an.id", ""),
            ("PATCH", "/x", "id=an.id"),
            ("MOVE", "/x/an.id", ""),
            ("HEAD", "/x?id=an.id", ""),
            ("POST", "/x/an.id", ":operation=delete"),
            ("POST", "/x?%3Aoperation=delete", "id=an.id"),
            ("POST", "/x", "%3Aoperation=delete&id=an.id"),
            ("GET", "/x?cmd=rm&id=an.id", ""),
            ("GET", "/x?_method=DELETE&id=an.id", ""),
            ("GET", "/etc/replication/agents.author/a.test.html?id=an.id", ""),
            ("POST", "/bin/replicate.json", "path=an.id"),
            ("POST", "//bin/repl%69cate.json;v=1", "path=an.id"),
            ("POST", "/bin/replicate.xml/suffix", "path=an.id"),
            (
                "POST",
                "/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/delete",
                "a=an.id",
            ),
            ("POST", "/apps/brandportal/config", "imsConfig=an.id"),
            ("POST", "/apps/system/config/an.id", "clientId=x"),
            ("POST", "/apps/system/config/an.id", ""),
            ("POST", "/x", "./id=an.id"),
            ("POST", "/x", "id=an.id&clientId%40Delete=true"),
            ("POST", "/x", "id=an.id&jcr:primaryType=nt:unstructured"),
        ] {
            assert!(refused(method, target, body).is_some(), "{method} {target} {body}");
        }
        assert_eq!(refused("GET", "/x/check?id=an.id", ""), None);
        assert_eq!(refused("POST", "/x/check", "id=an.id"), None);
    }

    #[test]
    fn only_whole_values_name_what_the_step_is_about() {
        let multipart =
            |value: &str| format!("--B\r\nContent-Disposition: form-data; name=\"path\"\r\n\r\n{value}\r\n--B--\r\n");
        let of_parts = "multipart/form-data; boundary=B";
        let refused = |target: &str, kind, body: &str| refused("author.publish", ASSET, "POST", target, kind, body);
        for (target, kind, body) in [
            ("/x", FORM, format!("path={ASSET}-of-somebody-else")),
            ("/x", FORM, format!("path=/other{ASSET}")),
            ("/x", FORM, format!("path={ASSET}&path=/content/dam/m/other")),
            ("/x", FORM, format!("{ASSET}=x")),
            ("/x", "application/json", format!("{{\"path\":\"{ASSET}-2\"}}")),
            ("/x", "application/json", format!("{{\"paths\":[\"{ASSET}\",\"/content/dam/m/other\"]}}")),
            ("/x", of_parts, multipart(&format!("{ASSET}-2"))),
            ("/x?path=/content/dam/m/asset.bin-2", FORM, String::new()),
            ("/content/dam/m/asset.bin-2", FORM, String::new()),
        ] {
            assert!(refused(target, kind, &body).is_some(), "{target} {body}");
        }
        for (target, kind, body) in [
            ("/x", FORM, "path=%2Fcontent%2Fdam%2Fm%2Fasset.bin&action=publish".to_owned()),
            ("/x", FORM, format!("data={{\"path\":\"{ASSET}\"}}")),
            ("/x", "text/plain", format!("{{\"list\":[{{\"path\":\"{ASSET}\"}}]}}")),
            ("/x", of_parts, multipart(ASSET)),
            ("/x?path=%2Fcontent/dam/m/asset.bin", FORM, String::new()),
            ("/x.html/content/dam/m/asset.bin", FORM, String::new()),
            ("/content/dam/m/asset.bin/jcr:content", FORM, String::new()),
            ("/content/dam/m/asset.bin.publish.html", FORM, String::new()),
        ] {
            assert_eq!(refused(target, kind, &body), None, "{target} {body}");
        }
    }

    #[test]
    fn a_step_gives_its_own_command_only() {
        let cmd = |id, cmd: &str| refused(id, ASSET, "POST", "/x", FORM, &format!("path={ASSET}&cmd={cmd}"));
        assert_eq!(cmd("author.publish", "Activate"), None);
        assert_eq!(cmd("author.unpublish", "Deactivate"), None);
        assert!(cmd("author.publish", "Deactivate").is_some_and(|why| why.contains("cmd=Deactivate is a command")));
        assert!(cmd("author.unpublish", "Delete").is_some());
    }
}
