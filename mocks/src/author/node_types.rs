//! Node types of the repository: the existing types, the properties that Oak adds to nodes, and what a type forbids.

use jiff::Timestamp;

use super::repository::{Node, PRIMARY_TYPE};

/// The types and mixins of an AEM Author that clients use (surfaces.md §5.7).
const KNOWN: &str = "nt:unstructured nt:base nt:folder nt:file nt:hierarchyNode nt:linkedFile nt:resource nt:address \
    nt:version nt:versionHistory nt:frozenNode oak:Unstructured oak:QueryIndexDefinition oak:Resource \
    sling:Folder sling:OrderedFolder sling:OsgiConfig sling:Mapping sling:Message sling:MessageEntry sling:Resource \
    sling:ResourceSuperType sling:Redirect sling:VanityPath sling:Job sling:Event slingevent:Event slingevent:Job slingevent:TimedEvent \
    cq:Page cq:PageContent cq:PseudoPage cq:Template cq:Component cq:ComponentMixin cq:Tag cq:Taggable cq:Console \
    cq:ClientLibraryFolder cq:Dialog cq:Panel cq:TabPanel cq:Widget cq:WidgetCollection cq:Field cq:EditConfig \
    cq:EditListenersConfig cq:InplaceEditingConfig cq:DropTargetConfig cq:ReplicationStatus cq:LiveSync cq:LiveRelationship \
    cq:LiveSyncConfig cq:MigrationDate cq:Workflow cq:WorkflowModel cq:WorkflowNode cq:WorkflowTransition cq:WorkItem \
    cq:CalendarEvent cq:OwnerTaggable cq:Geo cq:Folder cq:BlueprintAction cq:Cugs \
    dam:Asset dam:AssetContent dam:Thumbnails dam:SmartTags dam:Publish24PageContent granite:AuthenticationRequired \
    granite:ScheduledTrigger \
    mix:title mix:created mix:lastModified mix:referenceable mix:versionable mix:simpleVersionable mix:lockable \
    mix:language mix:etag mix:shareable mix:lifecycle mix:mimeType \
    rep:AccessControllable rep:ACL rep:GrantACE rep:DenyACE rep:Authorizable rep:AuthorizableFolder rep:User \
    rep:SystemUser rep:Group rep:Members rep:MemberReferences rep:Cache rep:Token rep:Unstructured rep:CugMixin \
    vlt:Package vlt:PackageDefinition vlt:FullCoverage vlt:HierarchyNode";

/// Types with `mix:created`.
const WITH_CREATED: [&str; 15] = [
    "nt:file",
    "nt:folder",
    "nt:hierarchyNode",
    "nt:linkedFile",
    "sling:Folder",
    "sling:OrderedFolder",
    "sling:OsgiConfig",
    "cq:Page",
    "cq:PageContent",
    "cq:PseudoPage",
    "cq:Tag",
    "cq:Template",
    "cq:Component",
    "dam:Asset",
    "mix:created",
];

/// Types and mixins whose nodes have an identifier.
const WITH_IDENTIFIER: [&str; 4] = ["nt:resource", "mix:referenceable", "mix:versionable", "mix:shareable"];

/// Types of Oak's own that a client may create; it makes the others itself, with users and permissions.
const OPEN: [&str; 2] = ["rep:AuthorizableFolder", "rep:Unstructured"];

/// Types whose properties with the prefix `rep` Oak protects.
const OF_USERS: [&str; 3] = ["rep:User", "rep:SystemUser", "rep:Group"];

/// Types that have only the properties of their definition.
const CLOSED: [&str; 3] = ["nt:folder", "nt:file", "cq:Page"];

/// Prefixes of names that the repository has registered.
const PREFIXES: &str = "jcr nt mix rep oak sling slingevent cq dam granite vlt dc xmp xmpMM xmpRights tiff exif photoshop \
    pdf pdfx social crx fd mixin xml wcm acl viewerpreset prism stEvt stRef Iptc4xmpCore lr crs aux psAux";

/// Whether the repository has a type or mixin.
pub(super) fn exists(name: &str) -> bool {
    KNOWN.split_whitespace().any(|known| known == name)
}

/// Adds the properties that Oak adds to a new node: its creator, its time of creation, and its identifier.
pub(super) fn complete(node: &mut Node, now: Timestamp, user: &str) {
    let types: Vec<String> =
        std::iter::once(node.primary_type().to_owned()).chain(node.texts("jcr:mixinTypes").iter().cloned()).collect();
    let is_one_of = |some: &[&str]| types.iter().any(|one| some.contains(&one.as_str()));
    if is_one_of(&WITH_CREATED) {
        default(node, "jcr:created", now);
        default(node, "jcr:createdBy", user);
    }
    if is_one_of(&["nt:resource", "mix:lastModified"]) {
        default(node, "jcr:lastModified", now);
        default(node, "jcr:lastModifiedBy", user);
    }
    if is_one_of(&WITH_IDENTIFIER) {
        default(node, "jcr:uuid", identifier());
    }
}

/// Adds these properties to a node and all its descendants.
pub(super) fn complete_all(node: &mut Node, now: Timestamp, user: &str) {
    complete(node, now, user);
    node.children.values_mut().for_each(|child| complete_all(child, now, user));
}

/// Replaces the identifiers in a copy of a node.
pub(super) fn renew_identifiers(node: &mut Node) {
    if node.properties.contains_key("jcr:uuid") {
        node.set("jcr:uuid", identifier());
    }
    node.children.values_mut().for_each(renew_identifiers);
}

fn default(node: &mut Node, name: &str, value: impl Into<super::repository::Value>) {
    if !node.properties.contains_key(name) {
        node.set(name, value);
    }
}

/// A random UUID (RFC 9562, version 4).
pub(super) fn identifier() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) | (4 << 76);
    let bits = bits & !(0b11 << 62) | (0b10 << 62);
    let text = format!("{bits:032x}");
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

/// Why a node with that name and type cannot be created below a parent of a type, in the words of Oak.
pub(super) fn refusal(parent_type: &str, name: &str, primary_type: &str) -> Option<String> {
    if !is_name(name) {
        return Some(format!("javax.jcr.RepositoryException: Invalid name or path: {name}"));
    }
    if !exists(primary_type) {
        return Some(format!("javax.jcr.nodetype.NoSuchNodeTypeException: Node type {primary_type} does not exist"));
    }
    let is_hierarchy = ["nt:", "sling:", "cq:", "vlt:"].iter().any(|prefix| primary_type.starts_with(prefix))
        && !["nt:unstructured", "nt:base", "nt:resource", "cq:PageContent"].contains(&primary_type);
    if is_of_oak(primary_type) {
        return Some(format!("javax.jcr.nodetype.ConstraintViolationException: Item is protected: {name}"));
    }
    let is_allowed = match parent_type {
        "rep:AuthorizableFolder" => primary_type == "rep:AuthorizableFolder",
        "nt:folder" => is_hierarchy || primary_type == "dam:Asset",
        "nt:file" => name == "jcr:content",
        _ => true,
    };
    (!is_allowed).then(|| {
        format!(
            "javax.jcr.nodetype.ConstraintViolationException: No matching definition found for child node {name} with \
             effective type [{primary_type}]"
        )
    })
}

/// Why a property may not be set on a node of that type; `values` are its texts.
pub(super) fn property_refusal(node_type: &str, has_mixins: bool, name: &str, values: &[String]) -> Option<String> {
    if name == PRIMARY_TYPE || name == "jcr:mixinTypes" {
        if let Some(unknown) = values.iter().find(|value| !exists(value)) {
            return Some(format!("javax.jcr.nodetype.NoSuchNodeTypeException: Node type {unknown} does not exist"));
        }
        let of_oak = values.iter().find(|value| name == PRIMARY_TYPE && is_of_oak(value))?;
        return Some(format!("javax.jcr.nodetype.ConstraintViolationException: Node type {of_oak} is protected"));
    }
    let is_closed = CLOSED.contains(&node_type) && !name.starts_with("jcr:") && !has_mixins;
    (!is_name(name) || is_closed).then(|| {
        format!("javax.jcr.nodetype.ConstraintViolationException: No matching property definition found for {name}")
    })
}

/// The child or property without which Oak keeps no node of a type.
pub(super) fn mandatory(primary_type: &str) -> Option<&'static str> {
    match primary_type {
        "nt:file" => Some("jcr:content"),
        "nt:resource" => Some("jcr:data"),
        _ => None,
    }
}

/// Whether only Oak makes nodes of a type.
fn is_of_oak(primary_type: &str) -> bool {
    primary_type.starts_with("rep:") && !OPEN.contains(&primary_type)
}

/// Whether Oak sets a property of a node itself and lets no client write or remove it. The types are the node's own and its
/// mixins.
pub(super) fn is_protected(types: &[String], name: &str) -> bool {
    let is_one_of = |some: &[&str]| types.iter().any(|one| some.contains(&one.as_str()));
    match name {
        "jcr:created" | "jcr:createdBy" => is_one_of(&WITH_CREATED),
        "jcr:uuid" => is_one_of(&WITH_IDENTIFIER),
        name => name.starts_with("rep:") && is_one_of(&OF_USERS),
    }
}

/// Whether the repository allows a name: none of JCR's own signs, no blank at an end, and only prefixes that it has.
fn is_name(name: &str) -> bool {
    let is_plain = !name.is_empty() && !name.contains(['/', '[', ']', '|', '*']) && name.trim() == name;
    let has_known_prefix = |(prefix, rest): (&str, &str)| {
        !rest.is_empty() && !rest.contains(':') && PREFIXES.split_whitespace().any(|known| known == prefix)
    };
    is_plain && name != "." && name != ".." && name.split_once(':').is_none_or(has_known_prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_a_uuid_of_version_4() {
        let text = identifier();
        assert_eq!(text.len(), 36);
        assert_eq!(&text[14..15], "4");
        assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"), "{text}");
        assert_ne!(text, identifier());
    }

    #[test]
    fn names_of_jcrs_own_signs_are_refused() {
        for name in ["a*b", "a[b", "a|b", ":x", "x:y", "a ", " a", "", "a/b"] {
            assert!(refusal("sling:Folder", name, "nt:unstructured").is_some(), "{name}");
        }
        for name in ["jcr:content", "a b", "Märkte & 100 % + x", "x.y"] {
            assert_eq!(refusal("sling:Folder", name, "nt:unstructured"), None, "{name}");
        }
        assert!(refusal("", "a", "bpconform:Nothing").is_some());
        assert!(refusal("nt:folder", "a", "nt:unstructured").is_some());
    }
}
