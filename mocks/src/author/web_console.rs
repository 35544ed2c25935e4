//! Pages of Felix's web console that other clients than bpconform read: a bundle, components, events, the product.

use jiff::Timestamp;
use serde_json::json;

use super::seed::BundleState;
use super::status::{Product, describe};
use super::{escape, html, plain};
use crate::machine::Response;

/// The services that the mock provides, as components of their bundles.
const COMPONENTS: [&str; 5] = [
    "org.apache.sling.auth.core.impl.SlingAuthenticator",
    "org.apache.sling.jcr.resource.internal.JcrResourceResolverFactoryImpl",
    "org.apache.sling.servlets.get.DefaultGetServlet",
    "org.apache.sling.servlets.post.impl.SlingPostServlet",
    "org.apache.sling.servlets.resolver.SlingServletResolver",
];

impl Product {
    /// A bundle by its id or symbolic name.
    pub(super) fn bundle(&self, wanted: &str) -> Option<Response> {
        let mut all = self.bundles.iter().enumerate();
        let (id, bundle) = all.find(|(id, bundle)| bundle.symbolic_name == wanted || id.to_string() == wanted)?;
        let mut one = describe(id, bundle);
        let properties = [("Symbolic Name", bundle.symbolic_name.as_str()), ("Version", bundle.version.as_str())];
        one["props"] = properties.map(|(key, value)| json!({ "key": key, "value": value })).into_iter().collect();
        let (status, counts) = self.bundle_counts();
        Some(Response::json(200, &json!({ "status": status, "s": counts, "data": [one] })))
    }

    /// The components that are active.
    pub(super) fn components(&self) -> Response {
        let of_bundle = |name: &str| {
            let prefix = |symbolic: &str| name.starts_with(&format!("{symbolic}."));
            self.bundles.iter().position(|bundle| prefix(&bundle.symbolic_name) && bundle.state == BundleState::Active)
        };
        let component = |(id, name): (usize, &&str)| {
            json!({
                "id": (id + 1).to_string(), "bundleId": of_bundle(name).unwrap_or_default(), "name": name,
                "state": "active", "stateRaw": 8, "pid": name, "configurable": name,
            })
        };
        let data: Vec<_> = COMPONENTS.iter().enumerate().map(component).collect();
        Response::json(200, &json!({ "status": data.len(), "data": data }))
    }

    /// The lines of the product information.
    pub(super) fn product_lines(&self) -> Vec<String> {
        let product = format!("  Adobe Experience Manager ({})", self.version);
        ["Product Information", "", "Installed Products", ""].map(str::to_owned).into_iter().chain([product]).collect()
    }

    /// The product information as JSON: its lines.
    pub(super) fn product_info_json(&self) -> Response {
        Response::json(200, &json!(self.product_lines()))
    }

    /// The product information as a page.
    pub(super) fn product_page(&self) -> Response {
        let lines: String = self.product_lines().iter().map(|line| escape(line) + "\n").collect();
        html(
            200,
            &format!(
                "<!DOCTYPE html>\n<html><head><title>Adobe Experience Manager Web Console - Product Information</title></head>\n\
                 <body><pre>\n{lines}</pre></body></html>\n"
            ),
        )
    }

    /// Sling's settings as text.
    pub(super) fn sling_settings_text(&self) -> Response {
        plain(200, &format!("*** Sling Settings:\n{}\n", self.sling_settings_lines().join("\n")))
    }
}

/// The events of OSGi, of which the mock sends none.
pub(super) fn events(now: Timestamp) -> Response {
    let since = now.strftime("%a %b %d %H:%M:%S UTC %Y");
    let status = format!("0 Events received since {since}. (Event admin: available; Config admin: available)");
    Response::json(200, &json!({ "status": status, "data": [] }))
}
