//! Users and groups: who am I, searches, creation and deletion (surfaces.md §5.3).

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;

use super::repository::{Node, Value, join, split};
use super::seed::{Account, BasicEncoding, Rights};
use super::sling_post::Reply;
use super::{Author, plain};
use crate::machine::{Form, Request, Response};

/// The root of users and groups.
const HOME: &str = "/home";
/// The root of users.
const USERS: &str = "/home/users";
/// The property that holds the id of a user or group.
const ID: &str = "rep:authorizableId";

impl Author {
    /// The path and node of the user or group of that id.
    pub(crate) fn authorizable(&self, id: &str) -> Option<(String, &Node)> {
        self.authorizables().find(|(_, node)| node.text(ID) == Some(id))
    }

    fn authorizables(&self) -> impl Iterator<Item = (String, &Node)> {
        self.repository.walk(HOME).filter(|(_, node)| node.text(ID).is_some())
    }

    /// Creates a user below `/home/users/<folder>` with a random node name, as Oak does, and returns its path; `None` if the id
    /// exists already. The default folder is the first letter of the id.
    pub(crate) fn create_authorizable(
        &mut self,
        now: Timestamp,
        id: &str,
        folder: Option<&str>,
        primary_type: &str,
    ) -> Option<String> {
        if self.authorizable(id).is_some() {
            return None;
        }
        let initial: String = id.chars().take(1).collect();
        let folder = folder.map(|folder| folder.trim_start_matches(USERS)).filter(|folder| !folder.is_empty());
        let mut path = USERS.to_owned();
        for name in folder.unwrap_or(&initial).split('/').filter(|name| !name.is_empty()) {
            path = join(&path, name);
            self.repository.ensure(&path, "rep:AuthorizableFolder");
        }
        let path = join(&path, &random_name(id));
        let node = self.repository.ensure(&path, primary_type);
        node.set(ID, id);
        node.set("rep:principalName", id);
        node.set("jcr:created", now);
        Some(path)
    }

    /// `createUser` of the form.
    pub(super) fn create_user_by_form(&mut self, now: Timestamp, request: &Request, form: &Form) -> Response {
        let surface = self.surfaces.get("author.user-create").clone();
        let field = |word| form.get(surface.field(word));
        let mut reply = Reply::new(request, form, &request.path);
        let id = field("id").filter(|id| !id.is_empty());
        let (Some(_), Some(id)) = (field("create"), id) else {
            return reply.refuse(400, "createUser and authorizableId are needed");
        };
        let Some(path) = self.create_authorizable(now, id, field("folder"), "rep:User") else {
            return reply.refuse(409, &format!("Authorizable with ID {id} already exists"));
        };
        if let Some(password) = field("password") {
            let (id, password) = (id.to_owned(), password.to_owned());
            let basic_encoding = BasicEncoding::default();
            self.access.add(Account { id, password, rights: Rights::Reader, basic_encoding });
        }
        reply.at(&path).create();
        reply.changed("created", &path);
        reply.send()
    }

    /// `deleteAuthorizable` posted to the home of a user or group.
    pub(super) fn delete_authorizable(&mut self, request: &Request, form: &Form) -> Response {
        let path = self.repository.resolve(&request.path).map_or(request.path.clone(), |(path, _)| path.to_owned());
        let mut reply = Reply::new(request, form, &path);
        let id = self.repository.get(&path).and_then(|node| node.text(ID)).map(str::to_owned);
        let Some(id) = id.filter(|_| path.starts_with(HOME)) else {
            return reply.refuse(404, &format!("No user or group at {path}"));
        };
        self.repository.remove(&path);
        self.access.remove(&id);
        self.leave_groups(&path);
        reply.changed("deleted", &path);
        reply.send()
    }

    /// Removes a member from all groups, by its home path.
    fn leave_groups(&mut self, home: &str) {
        let groups: Vec<_> = self
            .authorizables()
            .filter(|(_, node)| node.texts("rep:members").iter().any(|member| member == home))
            .map(|(path, _)| path)
            .collect();
        for group in groups {
            let Some(node) = self.repository.get_mut(&group) else { continue };
            let rest: Vec<_> = node.texts("rep:members").iter().filter(|member| *member != home).cloned().collect();
            node.set("rep:members", rest);
        }
    }

    /// The user who sent the request, `anonymous` without a login.
    pub(super) fn current_user(&self) -> Response {
        let (home, name) = self
            .authorizable(&self.user)
            .map_or((String::new(), self.user.clone()), |(home, node)| (home, display_name(node)));
        let administrator = self.access.is_administrator(&self.user);
        Response::json(
            200,
            &json!({
                "authorizableId": self.user, "authorizableId_xss": self.user, "name": name, "name_xss": name,
                "type": "user", "home": home, "isAdmin": administrator,
            }),
        )
    }

    fn may_read(&self, path: &str) -> bool {
        self.access.is_administrator(&self.user) || !path.starts_with(HOME)
    }

    /// Users and groups by conditions such as `{"condition":[{"named":"admin"}]}`.
    pub(super) fn search_authorizables(&self, form: &Form) -> Response {
        let word = self.surfaces.get("author.authorizables").field("query");
        let named = match form.get(word).map(conditions).transpose() {
            Ok(named) => named.unwrap_or_default(),
            Err(problem) => return plain(400, &format!("The query cannot be read: {problem}\n")),
        };
        let found: Vec<_> = self
            .authorizables()
            .filter(|(home, node)| self.may_read(home) || node.text(ID) == Some(&self.user))
            .filter(|(_, node)| named.iter().all(|name| node.text(ID) == Some(name)))
            .map(|(home, node)| describe(&home, node))
            .collect();
        Response::json(200, &json!({ "total": found.len(), "authorizables": found }))
    }

    /// The query builder with the predicates `path`, `type`, `property` and `property.value`, any of them numbered.
    pub(super) fn query_builder(&self, form: &Form) -> Response {
        let query = match Query::read(form) {
            Ok(query) => query,
            Err(problem) => return plain(400, &format!("{problem}\n")),
        };
        let mut found: Vec<_> = self
            .repository
            .walk(&query.path)
            .filter(|(path, node)| *path != query.path && self.may_read(path) && query.fits(node))
            .map(|(path, node)| hit(&path, node))
            .collect();
        let total = found.len();
        found.truncate(query.limit.unwrap_or(total));
        let results = found.len();
        let more = results < total;
        Response::json(
            200,
            &json!({
                "success": true, "results": results, "total": total, "more": more, "offset": 0, "hits": found,
            }),
        )
    }
}

/// The ids that all conditions name.
fn conditions(query: &str) -> Result<Vec<String>, String> {
    let query: serde_json::Value = serde_json::from_str(query).map_err(|error| error.to_string())?;
    let conditions = query.get("condition").and_then(serde_json::Value::as_array).ok_or("it has no `condition`")?;
    let named =
        |condition: &serde_json::Value| condition.get("named").and_then(serde_json::Value::as_str).map(str::to_owned);
    let unknown = |condition: &serde_json::Value| format!("the mock only knows the condition `named`, not {condition}");
    conditions.iter().map(|condition| named(condition).ok_or_else(|| unknown(condition))).collect()
}

fn describe(home: &str, node: &Node) -> serde_json::Value {
    let id = node.text(ID).unwrap_or_default();
    let name = display_name(node);
    let kind = if node.primary_type() == "rep:Group" { "group" } else { "user" };
    json!({
        "type": kind, "authorizableId": id, "authorizableId_xss": id, "name": name, "name_xss": name, "home": home,
    })
}

fn display_name(node: &Node) -> String {
    let profile = |name| node.child("profile").and_then(|profile| profile.text(name));
    let names: Vec<_> = ["givenName", "familyName"].into_iter().filter_map(profile).collect();
    if names.is_empty() { node.text(ID).unwrap_or_default().to_owned() } else { names.join(" ") }
}

fn hit(path: &str, node: &Node) -> serde_json::Value {
    let name = split(path).map_or("", |(_, name)| name);
    let title = node.text("jcr:title").or_else(|| node.text(ID)).unwrap_or(name);
    json!({ "path": path, "excerpt": "", "name": name, "title": title })
}

/// A query of the query builder.
#[derive(Debug, Default)]
struct Query {
    path: String,
    primary_type: Option<String>,
    /// Property name and required value, if any, by the name of the predicate.
    properties: std::collections::BTreeMap<String, (String, Option<String>)>,
    /// `None` means no limit.
    limit: Option<usize>,
}

impl Query {
    fn read(form: &Form) -> Result<Self, String> {
        let mut query = Self { path: "/".to_owned(), limit: Some(10), ..Self::default() };
        for (field, values) in &form.fields {
            let value = values.first().cloned().unwrap_or_default();
            let (predicate, part) = field.split_once('.').unwrap_or((field, ""));
            let kind = predicate.trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_start_matches('_');
            match (kind, part) {
                ("path", "") => query.path = super::repository::normal(&value),
                ("type", "") => query.primary_type = Some(value),
                ("property", "") => query.properties.entry(predicate.to_owned()).or_default().0 = value,
                ("property", "value") => query.properties.entry(predicate.to_owned()).or_default().1 = Some(value),
                ("p", "limit") => query.limit = value.parse().ok(),
                ("p" | "charset_", _) => {}
                _ => return Err(format!("The mock's query builder does not know the predicate `{field}`")),
            }
        }
        Ok(query)
    }

    fn fits(&self, node: &Node) -> bool {
        self.primary_type.as_deref().is_none_or(|wanted| wanted == node.primary_type())
            && self.properties.values().all(|(name, wanted)| match (node.properties.get(name), wanted) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(Value::Bool(flag)), Some(wanted)) => flag.to_string() == *wanted,
                (Some(Value::Long(number)), Some(wanted)) => number.to_string() == *wanted,
                (Some(_), Some(wanted)) => node.texts(name).contains(wanted),
            })
    }
}

/// A node name like those that Oak generates for users; unlike there, it is the same for the same id.
fn random_name(id: &str) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (id, salt).hash(&mut hasher);
        hasher.finish().to_be_bytes()
    };
    let name = BASE64_URL_SAFE_NO_PAD.encode([half(0), half(1)].concat()).replace(['_', '-'], "x");
    format!("{}-{}-{}", &name[..7], &name[7..14], &name[14..18])
}
