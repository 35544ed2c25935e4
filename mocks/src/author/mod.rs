//! The mocked AEM Author: a repository behind Sling's GET and POST servlets, users, the pages of the web console, and Brand
//! Portal.

pub(crate) mod access;
pub mod brand_portal;
mod members;
mod node_types;
mod not_found;
mod packages;
mod profile;
mod query;
pub mod repository;
pub mod seed;
pub(crate) mod sling_get;
mod sling_post;
mod status;
mod users;
mod web_console;

use std::sync::Arc;

use bpconform_fixtures::surfaces::Arguments;
use bpconform_fixtures::{Product as ProductLine, Surface, Surfaces, System};
use jiff::Timestamp;

use crate::machine::{Call, CallResult, Form, Machine, Request, Response, Step, Ticket};

use access::Access;
use brand_portal::{Locale, Skin};
use repository::Repository;
pub use seed::AuthorSeed;
use status::Product;

/// The endpoints for any node of the repository; they match last.
const GENERIC: [&str; 4] = ["author.node", "author.node-write", "author.node-delete", "author.authorizable-delete"];

/// Paths that an Author of AEM as a Cloud Service does not serve (aem-cloud.md).
const NOT_IN_CLOUD: [&str; 4] = ["/system/console", "/crx/packmgr", "/etc/packages", "/apps/system/config"];

/// A mocked Author.
pub struct Author {
    /// The paths, fields and phrases that it serves.
    pub(crate) surfaces: Arc<Surfaces>,
    /// Its product line.
    pub(crate) line: ProductLine,
    /// Its content.
    pub(crate) repository: Repository,
    /// Version, bundles, packages, health checks and error log.
    pub(crate) product: Product,
    /// The accounts and the key of the login tokens.
    pub(crate) access: Access,
    /// The uploaded packages.
    packages: Vec<packages::held::Held>,
    /// The id of the user whose request is being handled.
    pub(crate) user: String,
    /// The state of Brand Portal outside the repository.
    pub(crate) brand_portal: brand_portal::BrandPortal,
    /// How its pages look.
    skin: Skin,
    /// The language of the page that is being made.
    locale: Locale,
}

impl Author {
    /// Creates an Author from a seed.
    pub fn new(surfaces: Arc<Surfaces>, seed: AuthorSeed) -> Self {
        let mut author = Self {
            line: seed.product,
            surfaces,
            repository: seed.repository(),
            access: Access::new(&seed.accounts),
            product: Product::new(seed),
            packages: Vec::new(),
            user: access::ANONYMOUS.to_owned(),
            brand_portal: brand_portal::BrandPortal::default(),
            skin: Skin::default(),
            locale: Locale::default(),
        };
        author.brand_portal_start();
        author
    }

    /// The same Author with another skin of its pages.
    #[must_use]
    pub fn with_skin(self, skin: Skin) -> Self {
        Self { skin, ..self }
    }

    /// The endpoint that serves a request, with its arguments: fixed paths first, endpoints for any node last.
    fn route(&self, method: &str, path: &str) -> Option<(Surface, Arguments)> {
        let rank = |surface: &Surface| {
            (GENERIC.contains(&surface.id.as_str()), surface.path.contains("{*"), surface.path.contains('{'))
        };
        self.surfaces
            .iter()
            .chain(Surfaces::mocked_only().iter())
            .filter(|surface| surface.system == System::Author)
            .filter_map(|surface| Some((surface, surface.matches(method, path)?)))
            .min_by_key(|(surface, _)| rank(surface))
            .map(|(surface, arguments)| (surface.clone(), arguments))
    }

    fn answer(&mut self, now: Timestamp, request: &Request) -> Result<Step, Response> {
        let form =
            Form::read(request).map_err(|problem| plain(400, &format!("The form cannot be read: {problem}\n")))?;
        let route = self.route(&request.method, &request.path);
        let id = route.as_ref().map_or("", |(surface, _)| surface.id.as_str());
        if id == "author.login" {
            return Ok(Step::Answer(self.log_in(now, request, &form)));
        }
        if let Some(file) = self.skin_file(&request.path) {
            return Ok(Step::Answer(file));
        }
        self.user = self.authenticate(now, request, id)?;
        self.access.guard(now, &self.surfaces, &self.user, request, &form)?;
        self.read_locale(request);
        let nothing = Arguments::new();
        if let Some(page) = self.skinned(id, route.as_ref().map_or(&nothing, |(_, it)| it), request, &form) {
            return Ok(Step::Answer(page));
        }
        if request.method == "GET" && (request.path == "/" || id == "author.start-page") {
            return Ok(Step::Answer(self.start_page()));
        }
        if self.is_out_of_reach(&request.path) {
            return Ok(Step::Answer(self.not_found(&request.method, &request.path)));
        }
        let Some((surface, arguments)) = route else { return Ok(Step::Answer(self.fall_through(now, request, &form))) };
        if let Some(response) = self.own_surface(now, &surface.id, &arguments, request, &form) {
            return Ok(Step::Answer(response));
        }
        if GENERIC.contains(&surface.id.as_str()) {
            return Ok(Step::Answer(self.fall_through(now, request, &form)));
        }
        if let Some(step) = self.brand_portal_surface(now, &surface, &arguments, request, &form) {
            return Ok(step);
        }
        // Many endpoints for reads are nodes of the repository, which the default servlet serves.
        Ok(Step::Answer(match request.method.as_str() {
            "GET" => self.fall_through(now, request, &form),
            method => self.not_found(method, &request.path),
        }))
    }

    /// Whether the product does not serve a path (aem-cloud.md).
    fn is_out_of_reach(&self, path: &str) -> bool {
        let is_below =
            |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.starts_with(['/', '.']) || rest.is_empty());
        self.line == ProductLine::AemCloud && NOT_IN_CLOUD.into_iter().any(is_below)
    }

    /// The endpoints of every AEM, with or without Brand Portal.
    fn own_surface(
        &mut self,
        now: Timestamp,
        id: &str,
        arguments: &Arguments,
        request: &Request,
        form: &Form,
    ) -> Option<Response> {
        Some(match id {
            "author.login-page" => self.login_page(form),
            "author.csrf-token" => self.csrf_token(now),
            "author.current-user" if form.fields.contains_key("props") => {
                plain(400, "The mocked Author does not add properties to the current user: leave `props` out\n")
            }
            "author.current-user" => self.current_user(),
            "author.authorizables" => self.search_authorizables(form),
            "author.querybuilder" | "author.querybuilder-post" => self.query_builder(form),
            "author.user-create" | "author.user-create-page" => self.create_authorizable_by_form(now, request, form),
            "author.authorizable-read" => return self.read_authorizable(arguments.get("home")?),
            "author.authorizable-properties" => return self.profile_of(arguments.get("home")?),
            "author.authorizable-write" => self.write_authorizable(arguments.get("home")?, request, form),
            "author.bundles" => self.product.bundles(),
            "author.console-bundle" => return self.product.bundle(arguments.get("bundle")?),
            "author.console-components" => self.product.components(),
            "author.console-events" => web_console::events(now),
            "author.console-product-info" => self.product.product_page(),
            "author.console-product-info-json" => self.product.product_info_json(),
            "author.health" => self.product.health(now, form, "html"),
            "author.health-rendered" => self.product.health(now, form, arguments.get("format")?),
            "author.product-info" => self.product.product_info(),
            "author.system-overview" => self.product.system_overview(),
            "author.sling-settings" => self.product.sling_settings(),
            "author.console-sling-settings-text" => self.product.sling_settings_text(),
            "author.error-log" => self.product.tail(form),
            "author.packages" => self.package_list(form),
            "author.package-upload" | "author.package-upload-exec" => self.package_service_json(now, "", form),
            "author.package-command" | "author.package-command-exec" => {
                self.package_service_json(now, arguments.get("package")?, form)
            }
            "author.package-filter" => self.package_filter(now, form),
            "author.package-file" => return self.package_file(&request.path),
            "author.package-service" | "author.package-service-post" => self.package_service(now, request, form),
            "author.package-install-status" => Self::package_install_status(),
            _ => return None,
        })
    }

    /// Sling's default servlets: they read, write or delete the node at any path.
    fn fall_through(&mut self, now: Timestamp, request: &Request, form: &Form) -> Response {
        match request.method.as_str() {
            "GET" => self.sling_get(&request.path),
            method if !self.is_for_default_servlet(&request.path) => self.not_found(method, &request.path),
            "POST" if form.fields.contains_key(self.surfaces.get("author.authorizable-delete").field("delete")) => {
                self.delete_authorizable(request, form)
            }
            "POST" => self.sling_post(now, request, form),
            "DELETE" => self.sling_delete(&request.path),
            method => self.not_found(method, &request.path),
        }
    }
}

impl Machine for Author {
    fn handle(&mut self, now: Timestamp, request: &Request) -> Step {
        let head = request.method == "HEAD";
        let method = if head { "GET".to_owned() } else { request.method.clone() };
        let request = Request { method, path: unmangled(&request.path), ..request.clone() };
        match self.answer(now, &request).unwrap_or_else(Step::Answer) {
            Step::Answer(response) if head => Step::Answer(Response { body: Vec::new(), ..response }),
            step => step,
        }
    }

    fn resume(&mut self, now: Timestamp, ticket: Ticket, outcome: CallResult) -> Step {
        self.brand_portal_resume(now, ticket, outcome)
    }

    fn tick(&mut self, now: Timestamp) -> Vec<(Ticket, Call)> {
        self.brand_portal_tick(now)
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.brand_portal_next_due()
    }

    fn dump(&self) -> serde_json::Value {
        self.repository.dump()
    }

    fn repository_mut(&mut self) -> Option<&mut Repository> {
        Some(&mut self.repository)
    }
}

/// The path with `jcr:content` for `_jcr_content`: Sling accepts both, since some clients cannot send a colon.
fn unmangled(path: &str) -> String {
    const PREFIXES: [&str; 6] = ["cq", "dam", "jcr", "nt", "rep", "sling"];
    let unmangle = |name: &str| {
        let (prefix, rest) = name.strip_prefix('_')?.split_once('_')?;
        PREFIXES.contains(&prefix).then(|| format!("{prefix}:{rest}"))
    };
    let names: Vec<_> = path.split('/').map(|name| unmangle(name).unwrap_or_else(|| name.to_owned())).collect();
    names.join("/")
}

/// An answer of plain text.
pub(crate) fn plain(status: u16, text: &str) -> Response {
    Response::new(status, "text/plain;charset=utf-8", text)
}

/// An answer of HTML.
pub(crate) fn html(status: u16, text: &str) -> Response {
    Response::new(status, "text/html;charset=utf-8", text)
}

/// Escapes a text for content and attributes of HTML and XML.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Pages are also printed on terminals, which must not execute these characters.
            _ if is_control(letter) => escaped.push_str(&format!("&#x{:x};", u32::from(letter))),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Whether a character changes how a terminal or a browser shows the text around it.
fn is_control(letter: char) -> bool {
    let is_break = matches!(letter, '\n' | '\r' | '\t');
    let is_direction =
        matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (letter.is_control() && !is_break) || is_direction
}
