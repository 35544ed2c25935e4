//! The Brand Portal configuration of an Author at one moment: what a run replaces, and what must exist again afterwards.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cloud_configuration::CloudConfiguration;
use super::tree::{LOGINS, SET_BY_THE_REPOSITORY, Tree, is_below, is_ordered};
use super::vault::Contents;
use super::{agents, cloud_configuration, ims_configurations, queue, repository, users};
use crate::problem::{Checked, Kind, Problem};
use crate::session::Session;

/// How Sling's JSON writes a date.
const SLING_DATE: &str = "%a %b %d %Y %H:%M:%S GMT%z";

/// What has become of a node since it was kept.
pub(crate) enum Changed {
    /// Nothing is there any more.
    Gone,
    /// This path, and property where there is one, differs.
    To(String),
}

/// What makes up a Brand Portal configuration, with everything in it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) agents: Vec<String>,
    pub(crate) cloud_configurations: Vec<String>,
    /// The homes of the Mac users.
    pub(crate) mac_users: Vec<String>,
    /// The nodes of the IMS configurations.
    pub(crate) stored: Vec<String>,
    /// Their PIDs.
    pub(crate) ims_configurations: Vec<String>,
    /// All that is in these nodes.
    tree: Tree,
    /// The order of the siblings, by parent, where there is one.
    orders: BTreeMap<String, Vec<String>>,
    /// The groups of which the Mac users are members, by the path of the node that says so.
    memberships: BTreeMap<String, Vec<String>>,
}

impl Kept {
    /// Reads the configuration. It must not be in use: a queue that is not idle is a reason not to replace it.
    pub(crate) async fn read(session: &Session) -> Checked<Self> {
        let mut kept = Self::find(session).await?;
        kept.read_contents(session).await?;
        Ok(kept)
    }

    /// Reads the same nodes again.
    pub(crate) async fn read_again(&self, session: &Session) -> Checked<Self> {
        let mut again = Self {
            agents: self.agents.clone(),
            cloud_configurations: self.cloud_configurations.clone(),
            mac_users: self.mac_users.clone(),
            stored: self.stored.clone(),
            ims_configurations: self.ims_configurations.clone(),
            orders: self.orders.clone(),
            ..Self::default()
        };
        again.read_contents(session).await?;
        Ok(again)
    }

    async fn read_contents(&mut self, session: &Session) -> Checked {
        self.tree = Tree::read(session, &self.roots()).await?;
        let parents = self.roots().into_iter().filter_map(|root| Some(root.rsplit_once('/')?.0.to_owned()));
        self.orders = orders(session, parents.chain(self.orders.keys().cloned()).collect::<BTreeSet<_>>()).await?;
        self.memberships = self.memberships(session).await?;
        Ok(())
    }

    async fn find(session: &Session) -> Checked<Self> {
        let all = agents::all(session).await?;
        let prefix = session.surface("author.agents").phrase("prefix");
        let ours: Vec<_> = all.into_iter().filter(|agent| agent.name.starts_with(prefix)).collect();
        if !ours.is_empty() {
            queue::all_idle(session, &ours).await.map_err(|problem| {
                let kind = if problem.kind == Kind::Failed { Kind::Skipped } else { problem.kind };
                Problem { kind, ..problem }.about("the configuration is not replaced")
            })?;
        }
        let mut tenants: BTreeSet<String> =
            ours.iter().filter_map(|agent| agent.named_for().map(str::to_owned)).collect();
        tenants.insert(session.stack.tenant_id()?);
        let cloud = cloud_configuration::all(session).await?;
        tenants.extend(cloud.iter().filter_map(CloudConfiguration::tenant_id));
        tenants.extend(users::tenants_with_folder(session).await?);
        let mut mac_users = Vec::new();
        for tenant in tenants {
            mac_users.extend(users::mac_user_of(session, &tenant).await?.map(|user| user.home));
        }
        let (storage, ims) =
            (ims_configurations::storage(session).await?, ims_configurations::for_brand_portal(session).await?);
        let surface = session.surface("author.ims-storage");
        // The Author deletes a customizer with its provider, whatever it holds.
        let customizers =
            ims.iter().flat_map(|one| storage.customizers_of(surface, one)).map(|stored| stored.node.clone());
        let nodes: BTreeSet<_> = ims.iter().map(|one| one.stored.node.clone()).chain(customizers).collect();
        let root = surface.path.split_once(".2.json").map_or(surface.path.as_str(), |(root, _)| root);
        Ok(Self {
            agents: ours.into_iter().map(|agent| agents::path(&agent.name)).collect(),
            cloud_configurations: cloud.into_iter().map(|one| one.path).collect(),
            mac_users,
            stored: nodes.into_iter().map(|node| format!("{root}/{node}")).collect(),
            ims_configurations: ims.into_iter().map(|one| one.pid).collect(),
            ..Self::default()
        })
    }

    /// The paths of all nodes that are replaced.
    pub(crate) fn roots(&self) -> Vec<String> {
        let all = [&self.agents, &self.cloud_configurations, &self.mac_users, &self.stored];
        all.into_iter().flatten().cloned().collect()
    }

    /// All that may be deleted: paths, and PIDs of IMS configurations.
    pub(crate) fn deletable(&self) -> BTreeSet<String> {
        self.roots().into_iter().chain(self.ims_configurations.iter().cloned()).collect()
    }

    async fn memberships(&self, session: &Session) -> Checked<BTreeMap<String, Vec<String>>> {
        if self.mac_users.is_empty() {
            return Ok(BTreeMap::new());
        }
        let names: BTreeSet<&str> = self.mac_users.iter().flat_map(|home| self.names_of(home)).collect();
        let groups = Tree::read(session, &["/home/groups".to_owned()]).await?;
        let of_ours = |members: &Value| -> Vec<String> {
            let all = members.as_array().into_iter().flatten().filter_map(Value::as_str);
            all.filter(|member| names.contains(member)).map(str::to_owned).collect()
        };
        let groups = groups.nodes.into_iter();
        let groups = groups.filter_map(|(path, node)| Some((path, of_ours(node.properties.get("rep:members")?))));
        Ok(groups.filter(|(_, members)| !members.is_empty()).collect())
    }

    /// The names by which a group may know the user of that home.
    fn names_of<'a>(&'a self, home: &'a str) -> impl Iterator<Item = &'a str> {
        let text = |name: &str| self.tree.nodes.get(home)?.properties.get(name)?.as_str();
        [Some(home), text("jcr:uuid"), text("rep:authorizableId")].into_iter().flatten()
    }

    /// Where two reads of an unchanged configuration differ.
    pub(crate) fn first_change(&self, other: &Self) -> Option<String> {
        self.first_difference(other, &[]).or_else(|| first_lost_member(&other.memberships, &self.memberships))
    }

    /// What differs now at one of the nodes and below it, by two reads; nothing at all may be there any more. What a repository
    /// counts by itself does not count.
    pub(crate) async fn first_change_at(&self, session: &Session, root: &str) -> Checked<Option<Changed>> {
        let now = Tree::agreed_at(session, root).await?;
        if !now.has(root) {
            return Ok(Some(Changed::Gone));
        }
        if let Some(path) = self.tree.below(root).first_difference(&now, &[]) {
            return Ok(Some(Changed::To(path)));
        }
        if !self.mac_users.iter().any(|home| home == root) {
            return Ok(None);
        }
        let now = self.memberships(session).await?;
        Ok(first_lost_member(&self.memberships, &now)
            .or_else(|| first_lost_member(&now, &self.memberships))
            .map(Changed::To))
    }

    /// Whether a node is still the one that was kept, whatever somebody has changed in it: one that was made again has another
    /// time of creation. Where none is stored, only a node that has not changed at all is known to be the same.
    pub(crate) fn is_same_node(&self, now: &Tree, root: &str) -> bool {
        let mut times = 0;
        for path in [root.to_owned(), format!("{root}/jcr:content")] {
            let created = |tree: &Tree| tree.nodes.get(&path)?.properties.get("jcr:created").cloned();
            let Some(kept) = created(&self.tree) else { continue };
            if created(now) != Some(kept) {
                return false;
            }
            times += 1;
        }
        times > 0 || self.tree.below(root).first_difference(now, &[]).is_none()
    }

    /// What is at these nodes and was not kept so: a node that was deleted, or half restored, has nothing of that.
    pub(crate) fn first_addition(&self, now: &Tree) -> Option<String> {
        self.tree.first_addition(now)
    }

    /// The first node that was kept at a root or below it, and is not there.
    pub(crate) fn first_missing_at(&self, root: &str, now: &Tree) -> Option<String> {
        self.tree.nodes.keys().find(|path| is_below(path, root) && !now.has(path)).cloned()
    }

    /// The configuration without what is at a path and below.
    pub(crate) fn without(mut self, root: &str) -> Self {
        let names: BTreeSet<String> = self.names_of(root).map(str::to_owned).collect();
        for members in self.memberships.values_mut() {
            members.retain(|member| !names.contains(member));
        }
        self.memberships.retain(|_, members| !members.is_empty());
        for roots in [&mut self.agents, &mut self.cloud_configurations, &mut self.mac_users, &mut self.stored] {
            roots.retain(|it| it != root);
        }
        for path in self.tree.below(root).nodes.keys() {
            self.tree.nodes.remove(path);
        }
        self
    }

    /// What is not as it was in these nodes, the first of each, apart from what the repository sets by itself, and from their
    /// order.
    pub(crate) async fn lost_content(&self, session: &Session) -> Checked<Vec<String>> {
        let now = Tree::read(session, &self.roots()).await?;
        Ok(self.differences_of_roots(&now, &SET_BY_THE_REPOSITORY).collect())
    }

    /// What is not as it was, the first of each node, apart from what the repository sets by itself.
    pub(crate) fn losses(&self, now: &Self) -> Vec<String> {
        self.differences(now, &SET_BY_THE_REPOSITORY).collect()
    }

    fn first_difference(&self, other: &Self, exempt: &[&str]) -> Option<String> {
        self.differences(other, exempt).next()
    }

    fn differences_of_roots<'a>(&'a self, now: &'a Tree, exempt: &'a [&str]) -> impl Iterator<Item = String> + 'a {
        let roots = self.roots().into_iter();
        roots.filter_map(move |root| self.tree.below(&root).first_difference(&now.below(&root), exempt))
    }

    fn differences<'a>(&'a self, other: &'a Self, exempt: &'a [&str]) -> impl Iterator<Item = String> + 'a {
        let (own, others) = (self.deletable(), other.deletable());
        let sets: Vec<String> = own.symmetric_difference(&others).cloned().collect();
        let roots = self.roots();
        let is_in_order = move |parent: &String, order: &Vec<String>| {
            let is_root = |name: &&String| roots.contains(&format!("{parent}/{name}"));
            let Some(other) = other.orders.get(parent) else { return false };
            let mut names = order.iter().filter(is_root).filter(|name| other.contains(name));
            names.all(|name| next(order, name, other) == next(other, name, order))
        };
        let orders = self.orders.iter().filter(move |(parent, order)| !is_in_order(parent, order));
        let orders = orders.map(|(parent, _)| format!("{parent} (the order of its children)"));
        let member = first_lost_member(&self.memberships, &other.memberships);
        sets.into_iter().chain(self.differences_of_roots(&other.tree, exempt)).chain(orders).chain(member)
    }

    /// The first root that has nothing behind it: it cannot be kept.
    pub(crate) fn first_empty_root(&self) -> Option<String> {
        self.roots().into_iter().find(|root| !self.tree.has(root))
    }

    /// The first group that names a Mac user by something else than its UUID. A UUID stays when the user is deleted, and
    /// means the user again when it is restored; no package restores another name.
    pub(crate) fn first_lost_membership(&self) -> Option<&str> {
        let uuid = |home: &String| self.tree.nodes.get(home)?.properties.get("jcr:uuid")?.as_str();
        let uuids: BTreeSet<&str> = self.mac_users.iter().filter_map(uuid).collect();
        let mut groups = self.memberships.iter();
        let lost = |(_, members): &(&String, &Vec<String>)| members.iter().any(|it| !uuids.contains(it.as_str()));
        groups.find(lost).map(|(group, _)| group.as_str())
    }

    /// The moves that bring the nodes into their order among their siblings again.
    pub(crate) async fn moves(&self, session: &Session) -> Checked<Vec<(String, Option<String>)>> {
        Ok(self.moves_among(&orders(session, self.orders.keys().cloned()).await?))
    }

    /// Each node, and the sibling before which it belongs, of those that are there. The last one first, so that the sibling
    /// is in its place.
    fn moves_among(&self, now: &BTreeMap<String, Vec<String>>) -> Vec<(String, Option<String>)> {
        let roots = self.roots();
        let mut moves = Vec::new();
        for (parent, order) in &self.orders {
            let now = now.get(parent).map_or(&[][..], Vec::as_slice);
            for name in order.iter().rev() {
                let path = format!("{parent}/{name}");
                // A request for a node that is not there would make it.
                if roots.contains(&path) && now.contains(name) {
                    moves.push((path, next(order, name, now).cloned()));
                }
            }
        }
        moves
    }

    /// The first node or property that a package lacks.
    pub(crate) fn first_missing_in(&self, package: &Contents) -> Option<String> {
        let node = |(path, node): (&String, &super::tree::Node)| {
            let is_file = package.has_file(path);
            let described = path.strip_suffix("/jcr:content").is_some_and(|file| package.has_file(file));
            if !package.nodes.contains_key(path) && !is_file && !described {
                return Some(path.clone());
            }
            let mut names = node.properties.iter().filter(|(name, _)| !SET_BY_THE_REPOSITORY.contains(&name.as_str()));
            let lacks = |(name, value): &(&String, &Value)| {
                let found = package.values(path, name.trim_start_matches(':'));
                // What is usual for a file is not written down.
                let usual = (is_file || described) && found.is_none() && !name.starts_with(':');
                !usual && !found.is_some_and(|found| is_same(name, value, &found))
            };
            names.find(lacks).map(|(name, _)| format!("{path} ({})", name.trim_start_matches(':')))
        };
        self.tree.nodes.iter().find_map(node)
    }

    /// What the Author has at the roots of a package, where nothing else says what was there.
    pub(crate) fn of(tree: Tree, roots: Vec<String>) -> Self {
        Self { stored: roots, tree, ..Self::default() }
    }

    /// What is on the Author and not in the package, or the other way round.
    pub(crate) fn first_difference_from(&self, package: &Contents) -> Option<String> {
        self.first_lost_of(package).or_else(|| self.first_missing_in(package))
    }

    /// The first node or property of a package that is not there.
    fn first_lost_of(&self, package: &Contents) -> Option<String> {
        let roots = self.roots();
        let is_kept = |path: &str| roots.iter().any(|root| is_below(path, root)) && !path.contains(LOGINS);
        // What Oak keeps for itself of a user it may not show.
        let is_shown = |name: &str| !name.starts_with("rep:") && !SET_BY_THE_REPOSITORY.contains(&name);
        let mut kept = package.nodes.iter().filter(|(path, _)| is_kept(path));
        kept.find_map(|(path, packed)| {
            let Some(node) = self.tree.nodes.get(path) else { return Some(path.clone()) };
            let mut packed = packed.iter().filter(|(name, values)| is_shown(name) && !values.is_empty());
            // The name of a binary has a colon before it.
            let value = |name: &str| node.properties.get(name).or_else(|| node.properties.get(&format!(":{name}")));
            let lacks = |(name, values): &(&String, &Vec<String>)| {
                value(name).is_none_or(|value| !is_same(name, value, values))
            };
            packed.find(lacks).map(|(name, _)| format!("{path} ({name})"))
        })
    }
}

/// The first member of a group that is none any more.
fn first_lost_member(before: &BTreeMap<String, Vec<String>>, now: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let is_lost = |group: &String, member: &String| now.get(group).is_none_or(|members| !members.contains(member));
    let mut groups = before.iter();
    let (group, _) = groups.find(|(group, members)| members.iter().any(|member| is_lost(group, member)))?;
    Some(format!("the membership of the Mac user in the group {group}"))
}

/// The sibling before which a name is, of those that are there now: others may come, go and move beside what is kept.
fn next<'a>(order: &'a [String], name: &str, there: &[String]) -> Option<&'a String> {
    order.iter().skip_while(|it| *it != name).skip(1).find(|it| there.contains(it))
}

/// Whether a property has the same values in Sling's JSON and in a package.
fn is_same(name: &str, value: &Value, packaged: &[String]) -> bool {
    // Of a binary that could not be read only the length is known.
    if name.starts_with(':') && value.is_number() {
        return !packaged.is_empty();
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let values: Vec<String> = match value {
        Value::Array(values) => values.iter().map(text).collect(),
        value => vec![text(value)],
    };
    let same = |(one, two): (&String, &String)| one == two || time(one).is_some_and(|time| Some(time) == iso_time(two));
    values.len() == packaged.len() && values.iter().zip(packaged).all(same)
}

fn time(text: &str) -> Option<i64> {
    Some(strtime::parse(SLING_DATE, text).ok()?.to_timestamp().ok()?.as_second())
}

fn iso_time(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// The order of the children of each node that has one.
async fn orders(
    session: &Session,
    parents: impl IntoIterator<Item = String>,
) -> Checked<BTreeMap<String, Vec<String>>> {
    let mut orders = BTreeMap::new();
    for parent in parents {
        let Some(node) = repository::read(session, &parent, "1").await? else { continue };
        if is_ordered(node.get("jcr:primaryType")) {
            let children = node.as_object().into_iter().flatten().filter(|(_, value)| value.is_object());
            orders.insert(parent, children.map(|(name, _)| name.clone()).collect());
        }
    }
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::author::tree::Node;

    #[test]
    fn values_are_the_same_in_both_notations() {
        let same = |value: Value, packaged: &[&str]| {
            is_same("x", &value, &packaged.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
        };
        assert!(same(json!(true), &["true"]) && same(json!(["a", "b"]), &["a", "b"]) && same(json!(60000), &["60000"]));
        assert!(same(json!("Tue Nov 14 2023 23:13:20 GMT+0100"), &["2023-11-14T22:13:20.000Z"]));
        assert!(!same(json!("Tue Nov 14 2023 23:13:21 GMT+0100"), &["2023-11-14T22:13:20.000Z"]));
        assert!(!same(json!("a"), &["b"]) && !same(json!(["a", "b"]), &["a"]) && !same(json!("a"), &[]));
    }

    #[test]
    fn what_somebody_changed_is_no_part_of_what_is_put_back() {
        let node = |properties: Value| Node {
            properties: serde_json::from_value(properties).expect("an object"),
            ..Node::default()
        };
        let nodes = [("/u/mac", json!({"jcr:uuid": "1"})), ("/u/mac/keystore", json!({})), ("/p/a", json!({}))];
        let kept = Kept {
            agents: vec!["/p/a".into()],
            mac_users: vec!["/u/mac".into()],
            tree: Tree { nodes: nodes.map(|(path, properties)| (path.to_owned(), node(properties))).into() },
            memberships: BTreeMap::from([("/g".to_owned(), vec!["1".to_owned()])]),
            ..Kept::default()
        };
        let rest = kept.without("/u/mac");
        assert_eq!((rest.roots(), rest.tree.nodes.len(), rest.memberships.len()), (vec!["/p/a".to_owned()], 1, 0));
    }

    #[test]
    fn a_node_of_the_package_that_is_not_there_is_named() {
        let mut package = Contents::default();
        for path in ["/p", "/p/a", "/p/a/b", "/p/a/.tokens/x"] {
            package.nodes.insert(path.to_owned(), BTreeMap::new());
        }
        let there = |paths: &[&str]| Kept {
            stored: vec!["/p/a".into()],
            tree: Tree { nodes: paths.iter().map(|&path| (path.to_owned(), Node::default())).collect() },
            ..Kept::default()
        };
        assert_eq!(there(&["/p/a"]).first_lost_of(&package).as_deref(), Some("/p/a/b"));
        assert_eq!(there(&["/p/a", "/p/a/b"]).first_lost_of(&package), None);
    }

    #[test]
    fn what_somebody_does_with_siblings_changes_no_order() {
        let kept = |order: &[&str]| Kept {
            agents: vec!["/p/b".into(), "/p/a".into()],
            orders: BTreeMap::from([("/p".to_owned(), order.iter().map(|&name| name.to_owned()).collect())]),
            ..Kept::default()
        };
        assert_eq!(kept(&["a", "b"]).losses(&kept(&["a", "x", "b"])), Vec::<String>::new());
        assert_eq!(kept(&["a", "x", "b"]).losses(&kept(&["a", "b"])), Vec::<String>::new());
        assert!(kept(&["a", "b"]).losses(&kept(&["b", "a"]))[0].starts_with("/p ("));
        assert_eq!(
            kept(&["x", "a", "b", "y"]).losses(&kept(&["a", "b", "y", "x"])),
            Vec::<String>::new(),
            "x is not ours"
        );
        assert!(!kept(&["a"]).losses(&Kept { agents: kept(&[]).agents, ..Kept::default() }).is_empty());
    }

    #[test]
    fn siblings_are_moved_into_their_order() {
        let kept = Kept {
            agents: vec!["/p/b".into(), "/p/d".into()],
            orders: BTreeMap::from([("/p".to_owned(), ["a", "b", "c", "d"].map(str::to_owned).to_vec())]),
            ..Kept::default()
        };
        let moves = |now: &[&str]| {
            let now = now.iter().map(|&name| name.to_owned()).collect();
            kept.moves_among(&BTreeMap::from([("/p".to_owned(), now)]))
        };
        let last = ("/p/d".to_owned(), None);
        assert_eq!(moves(&["a", "c", "b", "d"]), [last.clone(), ("/p/b".to_owned(), Some("c".to_owned()))]);
        assert_eq!(moves(&["a", "b", "d"]), [last, ("/p/b".to_owned(), Some("d".to_owned()))], "c was deleted");
    }
}
