//! Users and groups: who am I, searches, creation and deletion (surfaces.md §5.3).

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;

use super::node_types;
use super::profile::Profile;
use super::repository::{Node, join};
use super::seed::{Account, BasicEncoding, Rights};
use super::sling_post::Reply;
use super::{Author, plain};
use crate::machine::{Form, Request, Response};

/// The root of users and groups.
const HOME: &str = "/home";
/// The root of users.
const USERS: &str = "/home/users";
/// The root of groups.
const GROUPS: &str = "/home/groups";
/// The property that holds why a user is disabled.
pub(super) const DISABLED: &str = "rep:disabled";
/// The field with the groups that a user or group is to be in.
pub(super) const MEMBERSHIP: &str = "membership";
/// The property that holds the id of a user or group.
pub(super) const ID: &str = "rep:authorizableId";

impl Author {
    /// The path and node of the user or group of that id.
    pub(crate) fn authorizable(&self, id: &str) -> Option<(String, &Node)> {
        self.repository.find(HOME, |node| node.text(ID) == Some(id))
    }

    pub(super) fn authorizables(&self) -> impl Iterator<Item = (String, &Node)> {
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
        self.create_below(now, id, folder, primary_type, USERS)
    }

    fn create_below(
        &mut self,
        now: Timestamp,
        id: &str,
        folder: Option<&str>,
        primary_type: &str,
        root: &str,
    ) -> Option<String> {
        if self.authorizable(id).is_some() {
            return None;
        }
        let initial: String = id.chars().take(1).collect();
        let folder = folder.map(|folder| folder.trim_start_matches(root)).filter(|folder| !folder.is_empty());
        let mut path = root.to_owned();
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

    /// `createUser` or `createGroup` of the form, with the properties of a profile.
    pub(super) fn create_authorizable_by_form(&mut self, now: Timestamp, request: &Request, form: &Form) -> Response {
        let surface = self.surfaces.get("author.user-create").clone();
        let field = |word| form.get(surface.field(word));
        let mut reply = Reply::new(request, form, &request.path);
        let is_group = form.get("createGroup").is_some();
        let id = field("id").filter(|id| !id.is_empty());
        if field("create").is_some() == is_group {
            return reply.refuse(400, "either createUser or createGroup is needed");
        }
        let Some(id) = id else { return reply.refuse(400, "authorizableId is needed") };
        let commands = [surface.field("id"), surface.field("folder"), MEMBERSHIP];
        let of_kind =
            if is_group { ["createGroup", "addMembers"] } else { [surface.field("create"), surface.field("password")] };
        let profile = match Profile::read(form, &[&commands[..], &of_kind[..]].concat()) {
            Ok(profile) => profile,
            Err(problem) => return reply.refuse(400, &problem),
        };
        if let Some(problem) = self.members_problem(form).or_else(|| folder_problem(field("folder"))) {
            return reply.refuse(400, &problem);
        }
        let (kind, root) = if is_group { ("rep:Group", GROUPS) } else { ("rep:User", USERS) };
        let Some(path) = self.create_below(now, id, field("folder"), kind, root) else {
            return reply.refuse_as(
                500,
                "org.apache.jackrabbit.api.security.user.AuthorizableExistsException",
                &format!("User or Group for '{id}' already exists"),
            );
        };
        self.apply_profile(&path, &profile);
        self.set_membership(&path, form);
        if is_group {
            self.change_members(&path, form);
        } else if let Some(password) = field("password") {
            let (id, password) = (id.to_owned(), password.to_owned());
            let basic_encoding = BasicEncoding::default();
            self.access.add(Account { id, password, rights: Rights::Reader, basic_encoding, token: None });
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
    pub(super) fn leave_groups(&mut self, home: &str) {
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

    pub(super) fn may_read(&self, path: &str) -> bool {
        self.access.is_administrator(&self.user) || !path.starts_with(HOME)
    }

    /// Whether a user exists and is not disabled.
    pub(super) fn is_enabled(&self, id: &str) -> bool {
        self.authorizable(id).is_some_and(|(_, node)| node.text(DISABLED).is_none())
    }

    /// Users and groups by conditions such as `{"condition":[{"named":"admin"}]}`.
    pub(super) fn search_authorizables(&self, form: &Form) -> Response {
        let word = self.surfaces.get("author.authorizables").field("query");
        if let Some(other) = form.other_than(&[word]) {
            return plain(400, &format!("The mock searches users and groups by `{word}` only, not by `{other}`\n"));
        }
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
}

/// Why users cannot be made in a folder.
fn folder_problem(folder: Option<&str>) -> Option<String> {
    let mut names = folder?.split('/').filter(|name| !name.is_empty());
    let wrong = names.find(|name| node_types::refusal("", name, "rep:AuthorizableFolder").is_some())?;
    Some(format!("intermediatePath: `{wrong}` is not a name of a folder"))
}

/// The ids that all conditions name.
fn conditions(query: &str) -> Result<Vec<String>, String> {
    let query: serde_json::Value = serde_json::from_str(query).map_err(|error| error.to_string())?;
    let object = query.as_object().ok_or("it is not an object")?;
    if let Some(unknown) = object.keys().find(|name| name.as_str() != "condition") {
        return Err(format!("the mock does not know `{unknown}`, only `condition`"));
    }
    // Without a condition it is everybody.
    if object.is_empty() {
        return Ok(Vec::new());
    }
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

pub(super) fn display_name(node: &Node) -> String {
    let profile = |name| node.child("profile").and_then(|profile| profile.text(name));
    let names: Vec<_> = ["givenName", "familyName"].into_iter().filter_map(profile).collect();
    if names.is_empty() { node.text(ID).unwrap_or_default().to_owned() } else { names.join(" ") }
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
