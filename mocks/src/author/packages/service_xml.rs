//! The package manager's old service, `/crx/packmgr/service.jsp`: commands by name and group, an upload, answers in XML.

use jiff::Timestamp;

use super::{Listed, Mark};
use crate::author::{Author, escape};
use crate::machine::{Form, Request, Response};

impl Author {
    /// `cmd` is `ls`, `rm`, `inst`, `uninst`, `build` or `help`; a POST with a file is an upload.
    pub(in crate::author) fn package_service(&mut self, now: Timestamp, request: &Request, form: &Form) -> Response {
        let command = form.get("cmd").unwrap_or_default().to_owned();
        let is_upload = !form.files.is_empty() && matches!(command.as_str(), "" | "upload");
        let result = match command.as_str() {
            _ if is_upload && request.method == "POST" => self.upload_by_form(now, form),
            "ls" => {
                Ok(format!("<packages>\n{}</packages>", self.listed_packages().iter().map(element).collect::<String>()))
            }
            "help" => Ok("ls, rm, inst, uninst, build, and a file to upload".to_owned()),
            "rm" | "inst" | "uninst" | "build" => self.command_by_name(now, form, &command),
            other => {
                Err((500, format!("unknown command `{other}`: the mock knows ls, rm, inst, uninst, build and help")))
            }
        };
        let parameters: String = form
            .fields
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
            .map(|(name, value)| format!("<param name=\"{}\" value=\"{}\"/>\n", escape(name), escape(value)))
            .collect();
        let user = escape(&self.user);
        let (data, code, message) = match result {
            Ok(data) => (format!("<data>{data}</data>\n"), 200, "ok".to_owned()),
            Err((code, problem)) => (String::new(), code, format!("error: {}", escape(&problem))),
        };
        let xml = format!(
            "<crx version=\"1.4.56\" user=\"{user}\" workspace=\"crx.default\">\n<request>\n{parameters}</request>\n\
             <response>\n{data}<status code=\"{code}\">{message}</status>\n</response>\n</crx>\n"
        );
        Response::new(200, "text/xml;charset=utf-8", xml)
    }

    /// The field `file`, with `force` and `install`.
    fn upload_by_form(&mut self, now: Timestamp, form: &Form) -> Result<String, (u16, String)> {
        let is_on = |name: &str| form.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let known = [
            self.surfaces.get("author.package-upload").field("package"),
            "cmd",
            "file",
            "name",
            "force",
            "install",
            "strict",
        ];
        if let Some(other) = form.other_than(&known) {
            return Err((500, format!("the mock does not know the field {other}")));
        }
        let before = self.packages.clone();
        let path = self.upload(form, is_on("force")).map_err(|(_, problem)| (500, problem))?;
        if is_on("install")
            && let Err(problem) = self.command_package(now, &path, "install")
        {
            // One request does all that it asks for, or nothing.
            self.packages = before;
            return Err((500, problem));
        }
        let listed = self.listed_packages().into_iter().find(|listed| listed.path == path);
        Ok(listed.as_ref().map(element).unwrap_or_default())
    }

    /// A command on the package of a name and group; of several versions the last one.
    fn command_by_name(&mut self, now: Timestamp, form: &Form, command: &str) -> Result<String, (u16, String)> {
        let (name, group) = (form.get("name").unwrap_or_default(), form.get("group"));
        let is_named = |listed: &&Listed| {
            (listed.name == name || listed.file_name() == name) && group.is_none_or(|group| listed.group == group)
        };
        let found = self.listed_packages().iter().rfind(is_named).map(|listed| listed.path.clone());
        let path = found.ok_or_else(|| (404, format!("no package `{name}`")))?;
        let command = match command {
            "rm" => "delete",
            "inst" => "install",
            "uninst" => "uninstall",
            other => other,
        };
        self.command_package(now, &path, command).map_err(|problem| (500, problem)).map(|()| String::new())
    }
}

fn element(package: &Listed) -> String {
    let text = |name: &str, value: &str| format!("<{name}>{}</{name}>\n", escape(value));
    let mark = |name: &str, mark: &Mark| {
        let at = mark.at.map(|at| at.strftime("%a, %d %b %Y %H:%M:%S %z").to_string());
        text(name, &at.unwrap_or_default()) + &text(&format!("{name}By"), mark.by.as_deref().unwrap_or_default())
    };
    format!(
        "<package>\n{}{}{}{}{}{}{}{}</package>\n",
        text("group", &package.group),
        text("name", &package.name),
        text("version", &package.version),
        text("downloadName", &package.file_name()),
        text("size", &package.size.to_string()),
        mark("created", &package.created),
        mark("lastModified", &package.modified),
        mark("lastUnpacked", &package.unpacked),
    )
}
