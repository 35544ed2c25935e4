//! The package manager's lists (surfaces.md §5.6).

pub(super) mod held;
mod vault;

use serde_json::json;

use super::seed::Package;
use super::status::Product;
use super::{Author, escape, plain};
use crate::machine::{Form, Response};

/// When all packages were made and installed, in milliseconds since 1970.
const PACKAGED: i64 = 1_700_000_000_000;

impl Author {
    /// The packages as JSON; an installed one has been unpacked at some time.
    pub(super) fn package_list(&self) -> Response {
        let held = self.packages.iter().map(held::Held::describe);
        let results: Vec<_> = self.product.packages.iter().map(describe).chain(held).collect();
        Response::json(200, &json!({ "total": results.len(), "results": results }))
    }
}

impl Product {
    /// The packages as the XML of the old service; the mock knows its command `ls` only.
    pub(super) fn package_service(&self, form: &Form) -> Response {
        let command = form.get("cmd").unwrap_or_default();
        if command != "ls" {
            return plain(400, &format!("The mock's package service only knows cmd=ls, not `{command}`\n"));
        }
        let packages: String = self.packages.iter().map(element).collect();
        let xml = format!(
            "<crx version=\"1.4.56\" user=\"admin\" workspace=\"crx.default\">\n<request>\n\
             <param name=\"cmd\" value=\"ls\"/>\n</request>\n<response>\n<data><packages>\n{packages}</packages></data>\n\
             <status code=\"200\">ok</status>\n</response>\n</crx>\n"
        );
        Response::new(200, "text/xml;charset=utf-8", xml)
    }
}

fn file_name(package: &Package) -> String {
    format!("{}-{}.zip", package.name, package.version)
}

fn describe(package: &Package) -> serde_json::Value {
    let file = file_name(package);
    json!({
        "pid": format!("{}:{}:{}", package.group, package.name, package.version),
        "path": format!("/etc/packages/{}/{file}", package.group),
        "name": package.name, "downloadName": file, "group": package.group, "version": package.version,
        "size": 1, "created": PACKAGED, "lastModified": PACKAGED, "resolved": true,
        "lastUnpacked": if package.installed { PACKAGED } else { 0 },
    })
}

fn element(package: &Package) -> String {
    format!(
        "<package>\n<group>{}</group>\n<name>{}</name>\n<version>{}</version>\n<downloadName>{}</downloadName>\n\
         <size>1</size>\n<lastUnpacked>{}</lastUnpacked>\n</package>\n",
        escape(&package.group),
        escape(&package.name),
        escape(&package.version),
        escape(&file_name(package)),
        if package.installed { "Tue, 14 Nov 2023 22:13:20 +0000" } else { "" },
    )
}
