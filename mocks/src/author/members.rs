//! Members of groups and profiles of users, by the forms of Granite's user administration (surfaces.md §5.3).

use serde_json::json;

use super::Author;
use super::profile::Profile;
use super::repository::{Node, join};
use super::seed::{Account, BasicEncoding, Rights};
use super::sling_get::to_json;
use super::sling_post::Reply;
use super::users::{DISABLED, ID, MEMBERSHIP, display_name};
use crate::machine::{Form, Request, Response};

/// The type of a group.
const GROUP: &str = "rep:Group";

/// The field with the reason why a user is disabled.
const DISABLE: &str = "disableUser";

/// The fields for a group that already exists.
const OF_GROUPS: [&str; 2] = ["addMembers", "removeMembers"];

/// The fields for a user that already exists.
const OF_USERS: [&str; 2] = ["rep:password", DISABLE];

/// The property with the members of a group.
const MEMBERS: &str = "rep:members";

impl Author {
    /// Sets properties of a profile.
    pub(super) fn apply_profile(&mut self, home: &str, Profile(properties): &Profile) {
        if properties.is_empty() {
            return;
        }
        let profile = self.repository.ensure(&join(home, "profile"), "nt:unstructured");
        for (name, values) in properties {
            match &values[..] {
                [one] if one.is_empty() => drop(profile.properties.remove(name)),
                [one] => profile.set(name, one.as_str()),
                several => profile.set(name, several.to_vec()),
            }
        }
    }

    /// Why members cannot be added or removed: an id that does not exist, or that is not a member.
    pub(super) fn members_problem(&self, form: &Form) -> Option<String> {
        let changed = || named(form, "addMembers").chain(named(form, "removeMembers"));
        if let Some(id) = changed().chain(named(form, MEMBERSHIP)).find(|id| self.authorizable(id).is_none()) {
            return Some(format!("no user or group has the id {id}"));
        }
        let is_group = |id: &&str| self.authorizable(id).is_some_and(|(_, node)| node.primary_type() == GROUP);
        named(form, MEMBERSHIP).find(|id| !is_group(id)).map(|id| format!("{id} is not a group"))
    }

    /// Makes a user or group a member of exactly the groups that the form names, if it names any.
    pub(super) fn set_membership(&mut self, home: &str, form: &Form) {
        if !form.fields.contains_key(MEMBERSHIP) {
            return;
        }
        let wanted: Vec<_> = named(form, MEMBERSHIP).filter_map(|id| Some(self.authorizable(id)?.0)).collect();
        self.leave_groups(home);
        for group in wanted {
            if let Some(node) = self.repository.get_mut(&group) {
                let members: Vec<_> = node.texts(MEMBERS).iter().cloned().chain([home.to_owned()]).collect();
                node.set(MEMBERS, members);
            }
        }
    }

    /// Adds and removes members, which are known by their homes.
    pub(super) fn change_members(&mut self, group: &str, form: &Form) {
        let homes = |author: &Self, field: &str| -> Vec<String> {
            named(form, field).filter_map(|id| author.authorizable(id).map(|(home, _)| home)).collect()
        };
        let (added, removed) = (homes(self, "addMembers"), homes(self, "removeMembers"));
        let Some(node) = self.repository.get_mut(group) else { return };
        let mut members = node.texts(MEMBERS).to_vec();
        members.retain(|member| !removed.contains(member));
        for home in added {
            if !members.contains(&home) {
                members.push(home);
            }
        }
        if members.is_empty() {
            node.properties.remove(MEMBERS);
        } else {
            node.set(MEMBERS, members);
        }
    }

    /// A POST to `HOME.rw.html` or `HOME.rw.userprops.html`: members of a group, a password, properties of a profile.
    pub(super) fn write_authorizable(&mut self, home: &str, request: &Request, form: &Form) -> Response {
        let home = format!("/{home}");
        let reply = Reply::new(request, form, &home);
        let Some(node) = self.repository.get(&home).filter(|node| node.text(ID).is_some()) else {
            return self.not_found("POST", &request.path);
        };
        let (is_group, id) = (node.primary_type() == GROUP, node.text(ID).unwrap_or_default().to_owned());
        if form.fields.contains_key("deleteAuthorizable") {
            return self.delete_authorizable(request, form);
        }
        let commands = if is_group { OF_GROUPS } else { OF_USERS };
        let profile = match Profile::read(form, &[&commands[..], &[MEMBERSHIP]].concat()) {
            Ok(profile) => profile,
            Err(problem) => return reply.refuse(400, &format!("{id}: {problem}")),
        };
        if let Some(problem) = self.members_problem(form) {
            return reply.refuse(400, &problem);
        }
        if form.get(DISABLE) == Some("") {
            return reply.refuse(400, &format!("{DISABLE} needs a reason; the mock does not enable a user again"));
        }
        if let Some((reason, node)) = form.get(DISABLE).zip(self.repository.get_mut(&home)) {
            node.set(DISABLED, reason);
        }
        if let Some(password) = form.get("rep:password") {
            let rights = if self.access.is_administrator(&id) { Rights::Administrator } else { Rights::Reader };
            let basic_encoding = BasicEncoding::default();
            self.access.add(Account { id, password: password.to_owned(), rights, basic_encoding, token: None });
        }
        self.change_members(&home, form);
        self.set_membership(&home, form);
        self.apply_profile(&home, &profile);
        let mut reply = reply;
        reply.changed("modified", &home);
        reply.send()
    }

    /// `HOME.rw.json`: a user or group with its members and the groups that it is in.
    pub(super) fn read_authorizable(&self, home: &str) -> Option<Response> {
        let home = format!("/{home}");
        let node = self.repository.get(&home).filter(|_| self.may_read(&home))?;
        let id = node.text(ID)?;
        let members = node.texts(MEMBERS).iter().filter_map(|member| Some(brief(member, self.repository.get(member)?)));
        let groups = self.authorizables().filter(|(_, group)| group.texts(MEMBERS).contains(&home));
        let mut answer = json!({
            "type": if node.primary_type() == "rep:Group" { "group" } else { "user" },
            "authorizableId": id, "authorizableId_xss": id, "name": display_name(node), "name_xss": display_name(node),
            "home": home, "memberOf": groups.map(|(home, group)| brief(&home, group)).collect::<Vec<_>>(),
        });
        if node.primary_type() == "rep:Group" {
            answer["members"] = members.collect();
        }
        if let Some(profile) = node.child("profile") {
            answer["profile"] = to_json(profile, Some(0));
        }
        Some(Response::json(200, &answer))
    }

    /// `HOME.userproperties.json` or `HOME/profile.userproperties.json`: the profile.
    pub(super) fn profile_of(&self, home: &str) -> Option<Response> {
        let home = format!("/{home}");
        let node = self.repository.get(&home).filter(|_| self.may_read(&home))?;
        let is_profile = home.ends_with("/profile");
        let empty = Node::default();
        let profile = if is_profile { node } else { node.text(ID).map(|_| node.child("profile").unwrap_or(&empty))? };
        Some(Response::json(200, &to_json(profile, Some(0))))
    }
}

/// The ids in a field, which may be repeated and separated by commas.
fn named<'a>(form: &'a Form, field: &str) -> impl Iterator<Item = &'a str> {
    form.all(field).iter().flat_map(|ids| ids.split(',')).map(str::trim).filter(|id| !id.is_empty())
}

fn brief(home: &str, node: &Node) -> serde_json::Value {
    json!({ "authorizableId": node.text(ID), "home": home, "name": display_name(node) })
}
