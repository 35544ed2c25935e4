//! Restores the Brand Portal configuration that a run has replaced, from the package in which it was kept (`keeping.rs`).
//!
//! Only what is lost is restored. A node that the run did not delete and that is there is left, whoever has changed it; one
//! that was made again where the run deleted it is somebody's, and a person must decide. What is restored is compared with
//! what was kept before the package may go. The journal says how far the run is with each node: an attempt that was cut short
//! leaves nodes by half, which the next one must not take for somebody's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zip::ZipArchive;

use super::keeping::{
    command, copy, delete_package, download, filter, is_there, package, part_of, path, succeeded, uploaded,
};
use super::kept::Kept;
use super::repository;
use super::tree::Tree;
use super::vault::{self, Contents};
use crate::call::Call;
use crate::journal::{Change, NodeStage};
use crate::problem::{Checked, Problem, agreed};
use crate::session::Session;
use crate::state_dir::StateDir;
use crate::undo::{AFTERMATH, AGENTS, OR_ACCEPT, USERS};

/// How long the Author may need to put a package's content back.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a difference in the order of the siblings of a node ends.
const ORDER: &str = " (the order of its children)";

/// What a configuration must be like again: the copy on this machine says it, or the package alone.
enum Wanted<'a> {
    Copy(Kept),
    Package(Vec<String>, &'a Contents),
}

impl<'a> Wanted<'a> {
    /// What these roots must be like.
    fn of(kept: Option<Kept>, roots: &[String], package: &'a Contents) -> Self {
        match kept {
            Some(kept) => {
                let others: Vec<_> = kept.roots().into_iter().filter(|root| !roots.contains(root)).collect();
                Self::Copy(others.iter().fold(kept, |kept, root| kept.without(root)))
            }
            None => Self::Package(roots.to_vec(), package),
        }
    }

    /// What the Author has not, the first of each node, apart from the order of siblings.
    async fn lost_content(&self, session: &Session) -> Checked<Vec<String>> {
        match self {
            Self::Copy(kept) => kept.lost_content(session).await,
            Self::Package(roots, package) => {
                let mut lost = Vec::new();
                for root in roots {
                    let now = Tree::read(session, std::slice::from_ref(root)).await?;
                    lost.extend(Kept::of(now, vec![root.clone()]).first_difference_from(package));
                }
                Ok(lost)
            }
        }
    }

    /// What the Author has not, with the groups of Mac users and the order of siblings, where the copy says them.
    async fn differences(&self, session: &Session) -> Checked<Vec<String>> {
        match self {
            Self::Copy(kept) => Ok(kept.losses(&kept.read_again(session).await?)),
            Self::Package(..) => self.lost_content(session).await,
        }
    }

    /// The roots that a difference is about: of an order, all that have their place in it.
    fn roots_of(&self, difference: &str) -> Vec<String> {
        let (roots, users) = match self {
            Self::Copy(kept) => (kept.roots(), kept.mac_users.clone()),
            Self::Package(roots, _) => (roots.clone(), Vec::new()),
        };
        let own = roots.iter().filter(|root| is_of(difference, root)).max_by_key(|root| root.len());
        if let Some(root) = own {
            return vec![root.clone()];
        }
        if !difference.ends_with(ORDER) {
            return users;
        }
        let parent = |root: &String| root.rsplit_once('/').map(|(parent, _)| format!("{parent}{ORDER}"));
        roots.into_iter().filter(|root| parent(root).as_deref() == Some(difference)).collect()
    }

    async fn wait_for_content(&self, session: &Session) -> Checked {
        let is_there = async || Ok(self.lost_content(session).await?.is_empty().then_some(()));
        session.wait_for("the content of the package", AFTERMATH, is_there).await
    }
}

/// Installs the package again, and sees that everything is as it was.
pub(crate) async fn put_back(session: &Session, name: &str, change: &Change) -> Checked {
    let state = StateDir::look(session.run.settings.state_dir.as_deref());
    // What was undone before this may have noted more of its nodes.
    let open = session.run.journal.open(Some(&change.scenario));
    let change = open.iter().find(|it| it.number == change.number).unwrap_or(change);
    let Err(problem) = restore(session, name, &state, change).await else { return Ok(()) };
    let mut places = Vec::new();
    if !matches!(is_there(session, name).await, Ok(false)) {
        places.push(format!("in {} on the Author", path(name)));
    }
    let copy = state.path(&format!("{name}.zip"));
    if copy.exists() {
        places.push(format!("in {}", copy.display()));
    }
    if places.is_empty() {
        return Err(problem);
    }
    Err(Problem::error(format!("{}; what was kept is {}", problem.reason, places.join(" and "))))
}

async fn restore(session: &Session, name: &str, state: &StateDir, change: &Change) -> Checked {
    let kept = copy(state, name);
    let package = match whole_package(session, name, state, kept.as_ref()).await? {
        Ok(package) => package,
        Err(why) => return without_package(session, kept.as_ref(), change, &why).await,
    };
    let roots = kept.as_ref().map_or_else(|| package.roots.clone(), Kept::roots);
    let look =
        async |roots: &[String]| Found::look(session, kept.as_ref(), &package.contents, roots, &change.nodes).await;
    let mut found = look(&roots).await?;
    let part = part_of(name);
    // Somebody may make one of them again meanwhile, and one answer may have been wrong: what is there is not written over.
    while !found.lost.is_empty() {
        if found.lost != package.roots {
            upload_part(session, &part, &found.lost, package.archive.clone()).await?;
        }
        let again = look(&found.lost).await?;
        if again.lost == found.lost {
            break;
        }
        found.left.extend(again.left);
        found.changed.extend(again.changed);
        found.lost = again.lost;
    }
    note(session, change, &found.lost, NodeStage::Restores)?;
    let installed = if found.lost.is_empty() {
        Ok(())
    } else if found.lost == package.roots {
        install(session, name).await
    } else {
        install_part(session, &part).await
    };
    let wanted = Wanted::of(copy(state, name), &found.lost, &package.contents);
    // It may have been installed all the same.
    if let Err(problem) = installed
        && wanted.wait_for_content(session).await.is_err()
    {
        let lost = wanted.lost_content(session).await.unwrap_or_else(|_| found.lost.clone());
        return Err(Problem::error(format!("{}; not as they were: {}", problem.reason, lost.join(", "))));
    }
    if let Wanted::Copy(kept) = &wanted {
        bring_into_order(session, kept).await?;
    }
    wait_until_restored(session, &wanted).await?;
    // With a configuration that is there again an Author may write agents and Mac user, by itself and a moment later.
    if found.lost.iter().any(|root| is_configuration(root)) && !session.run.embedded {
        tokio::time::sleep(AFTERMATH).await;
        wait_until_restored(session, &wanted).await?;
    }
    note(session, change, &found.lost, NodeStage::Restored)?;
    // What the run had deleted may have been shown once more by a node of a cluster that lags behind.
    for root in &found.left {
        if !Tree::agreed_at(session, root).await?.has(root) {
            let problem = format!("{root} was left as it was and is gone now; it is restored next time");
            return Err(Problem::error(problem));
        }
    }
    let untouched = found.left.iter().filter(|root| may_be_untouched(change.nodes.get(*root)));
    let untouched: Vec<_> = untouched.cloned().collect();
    let mut problems = Vec::new();
    if !untouched.is_empty() {
        let untouched = Wanted::of(kept, &untouched, &package.contents);
        problems.extend(tell_what_differs(session, change, &untouched).await.err().map(|problem| problem.reason));
    }
    if !found.changed.is_empty() {
        problems.push(format!(
            "{} differs from what was kept, where the run deleted a node or was about to; it is left as it is; to restore what \
             was kept, {OR_ACCEPT}",
            found.changed.join(", ")
        ));
    }
    if problems.is_empty() { Ok(()) } else { Err(Problem::error(problems.join("; "))) }
}

/// Whether a node with which the run is that far, and that is there, may be one that it has not deleted.
const fn may_be_untouched(stage: Option<&NodeStage>) -> bool {
    matches!(stage, None | Some(NodeStage::Deletes | NodeStage::Differs))
}

/// Whether the run deleted, or was about to delete, a configuration with which an Author may change other nodes.
fn deletes_a_configuration(change: &Change) -> bool {
    change.nodes.keys().any(|root| is_configuration(root))
}

/// Whether what a difference names is at a root, or below it, or a property of it.
fn is_of(difference: &str, root: &str) -> bool {
    difference.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ' ']))
}

/// Whether a node is a cloud configuration or one of IMS, with which an Author may delete or change the others.
fn is_configuration(root: &str) -> bool {
    !root.starts_with(AGENTS) && !root.starts_with(USERS)
}

/// Tells what differs in nodes that the run did not delete, by two reads. After the deletion of a configuration it may be the
/// Author that has changed them, and a person must decide; otherwise somebody has.
async fn tell_what_differs(session: &Session, change: &Change, untouched: &Wanted<'_>) -> Checked {
    let mut differs: BTreeMap<String, String> = BTreeMap::new();
    for difference in agreed(async || untouched.differences(session).await).await? {
        // Where a node is among its siblings is no part of it.
        if !difference.ends_with(ORDER) {
            for root in untouched.roots_of(&difference) {
                differs.entry(root).or_insert_with(|| difference.clone());
            }
        }
    }
    if differs.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = differs.iter().map(|(root, difference)| named(root, difference)).collect();
    let names = names.join(", ");
    if !deletes_a_configuration(change) {
        tracing::warn!("{names} differs from what was kept; the run did not delete it, and it is left as it is");
        return Ok(());
    }
    note(session, change, &differs.into_keys().collect::<Vec<_>>(), NodeStage::Differs)?;
    Err(Problem::error(format!(
        "{names} differs from what was kept; the run did not delete it, but the Author may have changed it with the \
         configuration that the run deleted; it is left as it is; set it right, or, to restore what was kept, {OR_ACCEPT}"
    )))
}

/// A root, and what of it a difference is about.
fn named(root: &str, difference: &str) -> String {
    match difference.strip_prefix(root).unwrap_or(difference).trim_start_matches(['/', ' ']) {
        "" => root.to_owned(),
        property if property.starts_with('(') => format!("{root} {property}"),
        rest => format!("{root} ({rest})"),
    }
}

/// Ends without the package where nothing is to be restored, and otherwise names what a person must make.
async fn without_package(session: &Session, kept: Option<&Kept>, change: &Change, why: &str) -> Checked {
    let stage = |root: &str| change.nodes.get(root);
    let roots = kept.map_or_else(|| change.nodes.keys().cloned().collect(), Kept::roots);
    let mut missing: Vec<String> = roots
        .into_iter()
        .filter(|root| !matches!(stage(root), Some(NodeStage::Accepted | NodeStage::Restored)))
        .collect();
    // Without a copy only the journal says what there was.
    if let Some(kept) = kept {
        let differences = agreed(async || kept.lost_content(session).await).await?;
        missing.retain(|root| differences.iter().any(|difference| is_of(difference, root)));
        if !deletes_a_configuration(change) {
            let mut left = Vec::new();
            for root in missing.iter().filter(|root| may_be_untouched(stage(root))) {
                let now = Tree::agreed_at(session, root).await?;
                left.extend((now.has(root) && kept.is_same_node(&now, root)).then(|| root.clone()));
            }
            missing.retain(|root| !left.contains(root));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let unnoted: Vec<_> = missing.iter().filter(|root| stage(root).is_none()).cloned().collect();
    note(session, change, &unnoted, NodeStage::Differs)?;
    let more = if kept.is_none() && deletes_a_configuration(change) {
        " (and agents and Mac user that went with it, if they are not there)"
    } else {
        ""
    };
    Err(Problem::error(format!(
        "{why}; if the machine of the run has a copy, run `bpconform clean` there, with this journal; otherwise make by hand \
         what is missing of {}{more}, and then name each of these paths with `bpconform clean --accept PATH`",
        missing.join(", ")
    )))
}

/// Writes down how far the run is with nodes, before it goes on.
fn note(session: &Session, change: &Change, nodes: &[String], stage: NodeStage) -> Checked {
    if nodes.is_empty() {
        return Ok(());
    }
    let written = session.run.journal.notes_nodes(change.number, nodes, stage);
    written.map_err(|error| Problem::error(format!("not restored: the journal cannot be written: {error}")))
}

/// What has become of the nodes of a configuration.
#[derive(Default)]
struct Found {
    /// Those that are gone, and those that were gone and hold nothing but what was kept of them: an import may have been cut
    /// short.
    lost: Vec<String>,
    /// Those that are there and were not deleted, or are restored.
    left: Vec<String>,
    /// What else is where a node was deleted, and what of it was not kept so.
    changed: Vec<String>,
}

impl Found {
    async fn look(
        session: &Session,
        kept: Option<&Kept>,
        package: &Contents,
        roots: &[String],
        stages: &BTreeMap<String, NodeStage>,
    ) -> Checked<Self> {
        let mut found = Self::default();
        // What somebody wants to stay as it is may also be gone.
        for root in roots.iter().filter(|root| stages.get(*root) != Some(&NodeStage::Accepted)) {
            let stage = stages.get(root);
            let now = Tree::agreed_at(session, root).await?;
            if !now.has(root) {
                // What the run did not delete is gone only if the node above it says so, too.
                let was_deleted = !matches!(stage, None | Some(NodeStage::Restored | NodeStage::Differs));
                let is_gone = was_deleted || repository::read(session, root, "0").await?.is_none();
                if is_gone { &mut found.lost } else { &mut found.left }.push(root.clone());
                continue;
            }
            match stage {
                None | Some(NodeStage::Restored | NodeStage::Differs | NodeStage::Accepted) => {
                    found.left.push(root.clone());
                }
                // Its deletion was refused, or something was made in its place.
                Some(NodeStage::Deletes) if is_same_node(kept, package, &now, root) => found.left.push(root.clone()),
                Some(NodeStage::Deletes) => found.changed.push(root.clone()),
                Some(NodeStage::Gone | NodeStage::Restores) => {
                    let missing = kept.and_then(|kept| kept.first_missing_at(root, &now));
                    let missing = missing.map(|path| format!(", without {path}")).unwrap_or_default();
                    match first_addition(kept, package, now, root) {
                        Some(path) => found.changed.push(format!("{root} (with {path}{missing})")),
                        None => found.lost.push(root.clone()),
                    }
                }
            }
        }
        Ok(found)
    }
}

/// Whether a node is still the one that was kept. The package may not say when it was created.
fn is_same_node(kept: Option<&Kept>, package: &Contents, now: &Tree, root: &str) -> bool {
    match kept {
        Some(kept) => kept.is_same_node(now, root),
        None => Kept::of(now.clone(), vec![root.to_owned()]).first_difference_from(package).is_none(),
    }
}

/// What is at a node and was not kept so.
fn first_addition(kept: Option<&Kept>, package: &Contents, now: Tree, root: &str) -> Option<String> {
    match kept {
        Some(kept) => kept.first_addition(&now),
        None => Kept::of(now, vec![root.to_owned()]).first_missing_in(package),
    }
}

/// The package from which a configuration is restored.
struct Package {
    archive: ZipArchive<Cursor<Vec<u8>>>,
    contents: Contents,
    /// The nodes that its filter names.
    roots: Vec<String>,
}

impl Package {
    fn open(bytes: Vec<u8>) -> Checked<Self> {
        let contents = vault::contents(&bytes)?;
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Problem::error(error.to_string()))?;
        let roots = filter(&archive)?;
        Ok(Self { archive, contents, roots })
    }

    /// What it lacks of what was kept, or of what it is to hold: somebody may have built it again.
    fn first_missing(&self, kept: Option<&Kept>) -> Option<String> {
        let missing = kept.and_then(|kept| kept.first_missing_in(&self.contents));
        let is_empty = |root: &&String| !self.contents.nodes.contains_key(*root) && !self.contents.has_file(root);
        let nothing = || self.roots.is_empty().then(|| "anything".to_owned());
        missing.or_else(|| self.roots.iter().find(is_empty).cloned()).or_else(nothing)
    }
}

/// The package on the Author, or, where that is lost or does not hold what was kept, the copy of this machine, which is then
/// the package on the Author again. Where there is neither, that is said.
async fn whole_package(
    session: &Session,
    name: &str,
    state: &StateDir,
    kept: Option<&Kept>,
) -> Checked<Result<Package, String>> {
    let is_there = is_there(session, name).await?;
    let mut why = "the package is not on the Author any more".to_owned();
    if is_there {
        let package = Package::open(download(session, name).await?)?;
        match package.first_missing(kept) {
            None => return Ok(Ok(package)),
            Some(missing) => why = format!("the package does not hold {missing} any more and was not installed"),
        }
    }
    let Some(copy) = state.read(&format!("{name}.zip")) else {
        return Ok(Err(format!("{why}, and this machine has no copy of it")));
    };
    if is_there {
        delete_package(session, name).await?;
    }
    succeeded(&session.send(uploaded(name, copy)).await?)?;
    let package = Package::open(download(session, name).await?)?;
    match package.first_missing(kept) {
        None => Ok(Ok(package)),
        Some(missing) => Err(Problem::error(format!("{why}, and the copy of this machine does not hold {missing}"))),
    }
}

/// Uploads what is in a package at these roots and below, and nothing else.
async fn upload_part(session: &Session, name: &str, roots: &[String], archive: ZipArchive<Cursor<Vec<u8>>>) -> Checked {
    let bytes = package(name, roots, Some(archive)).map_err(|error| Problem::error(format!("a package: {error}")))?;
    // It may be left of an attempt that was cut short.
    if is_there(session, name).await? {
        delete_package(session, name).await?;
    }
    succeeded(&session.send(uploaded(name, bytes)).await?)
}

async fn install_part(session: &Session, name: &str) -> Checked {
    install(session, name).await?;
    delete_package(session, name).await
}

async fn install(session: &Session, name: &str) -> Checked {
    succeeded(&session.send(command(name, "install")).await?)
}

/// An import puts nodes behind all their siblings.
async fn bring_into_order(session: &Session, kept: &Kept) -> Checked {
    for (path, next) in kept.moves(session).await? {
        let order = next.map_or_else(|| "last".to_owned(), |next| format!("before {next}"));
        let call = Call::to("author.node-write").with("path", path.trim_start_matches('/')).property(":order", order);
        let reply = session.send(call).await?;
        if !(200..300).contains(&reply.status) {
            return Err(Problem::error(format!("{} answered {}; {}", reply.what(), reply.status, reply.excerpt())));
        }
    }
    Ok(())
}

/// Waits until the configuration is what it was, by two reads. The package alone does not say all orders.
async fn wait_until_restored(session: &Session, wanted: &Wanted<'_>) -> Checked {
    let differs = Mutex::new(Vec::new());
    let differs = || differs.lock().unwrap_or_else(PoisonError::into_inner);
    let same = async || {
        for _ in 0..2 {
            let differences = wanted.differences(session).await?;
            if !differences.is_empty() {
                *differs() = differences;
                return Ok(None);
            }
        }
        Ok(Some(()))
    };
    let waited = session.wait_for("the configuration as it was", PATIENCE, same).await;
    waited.map_err(|problem| {
        let differs = differs();
        let roots: BTreeSet<_> = differs.iter().flat_map(|difference| wanted.roots_of(difference)).collect();
        if roots.is_empty() {
            return Problem::error(format!("what was restored could not be compared: {}", problem.reason));
        }
        let roots = roots.into_iter().collect::<Vec<_>>().join(", ");
        Problem::error(format!(
            "the configuration is not as it was: {} differs ({}); to restore {roots} once more, {OR_ACCEPT}",
            differs.join(", "),
            problem.reason
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_with_the_root_that_can_be_accepted() {
        let package = Contents::default();
        let roots = ["/p/a".to_owned(), "/p/a b".to_owned(), "/q/c".to_owned()];
        let roots_of = |difference: &str| Wanted::of(None, &roots, &package).roots_of(difference).join(", ");
        assert_eq!(roots_of("/p/a/jcr:content (enabled)"), "/p/a");
        assert_eq!(roots_of("/p/a b (enabled)"), "/p/a b");
        assert_eq!(roots_of(&format!("/p{ORDER}")), "/p/a, /p/a b");
        assert_eq!(roots_of("/p/ab"), "");
        assert_eq!(named("/p/a", "/p/a/jcr:content (enabled)"), "/p/a (jcr:content (enabled))");
        assert_eq!(named("/p/a", "/p/a (enabled)"), "/p/a (enabled)");
        assert_eq!(named("/p/a", "/p/a"), "/p/a");
    }

    #[test]
    fn a_package_that_was_built_again_after_the_deletion_is_not_whole() {
        let bytes = package("bpconform-1-kept", &["/etc/a".to_owned()], None).expect("a package");
        let built_again = Package::open(bytes).expect("a package");
        assert_eq!(built_again.first_missing(None).as_deref(), Some("/etc/a"));
        let nothing = Package::open(package("bpconform-1-kept", &[], None).expect("a package")).expect("a package");
        assert!(nothing.first_missing(None).is_some());
    }
}
