//! The consoles from which content is published, Assets and Tagging: each lists the content of a folder.

use jiff::Timestamp;

use super::page::{Field, document, form as html_form};
use crate::author::repository::{Node, join, split};
use crate::author::{Author, escape};
use crate::machine::{Form, Request, Response};

/// The longest list.
const MOST: usize = 1000;

impl Author {
    /// The list of the content of a folder, with buttons for each item; `None` if the folder does not exist.
    pub(super) fn console(&self, now: Timestamp, title: &str, console: &str, path: &str) -> Option<Response> {
        let path = format!("/{}", path.trim_matches('/'));
        let folder = self.repository.get(&path)?;
        let items = folder.children.iter().filter(|(_, node)| is_listed(node)).take(MOST);
        let items: String =
            items.map(|(name, node)| self.console_item(now, console, &join(&path, name), node)).collect();
        let up = split(&path).filter(|_| path.matches('/').count() > 2).map(|(parent, _)| address(console, parent));
        let up = up.map_or_else(String::new, |up| format!("<p><a href=\"{}\">Up</a></p>\n", escape(&up)));
        Some(document(200, title, &format!("<p>{}</p>\n{up}<ul>\n{items}</ul>", escape(&path))))
    }

    fn console_item(&self, now: Timestamp, console: &str, path: &str, node: &Node) -> String {
        let name = escape(path.rsplit('/').next().unwrap_or(path));
        let shown = if node.primary_type() == "dam:Asset" {
            name
        } else {
            format!("<a href=\"{}\">{name}</a>", escape(&address(console, path)))
        };
        let button = |surface: &str, label: &str| {
            let surface = self.surfaces.get(surface);
            let token = self.csrf_field(now);
            html_form("post", &surface.path, &[token.field(), Field::Hidden(surface.field("path"), path)], label)
        };
        format!(
            "<li data-foundation-collection-item-id=\"{}\">{shown} {}{}</li>\n",
            escape(path),
            button("author.publish", "Publish to Brand Portal"),
            button("author.unpublish", "Unpublish from Brand Portal"),
        )
    }

    /// The answer to a button of a console as a page for a person, with the way back; for a program it stays as it is.
    pub(super) fn shown_in_console(&self, request: &Request, form: &Form, surface: &str, answer: Response) -> Response {
        let path = form.get(self.surfaces.get(surface).field("path")).unwrap_or_default();
        let parent = split(path).map_or("/", |(parent, _)| parent);
        let tags = self.surfaces.get("author.publish").phrase("tags");
        let page = if path.starts_with(tags) { "author.tags-page" } else { "author.assets-page" };
        let console = &self.surfaces.get(page).path;
        let message = serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default();
        let message = message["status.message"].as_str().unwrap_or("Done").to_owned();
        super::page::shown(request, answer, &message, &address(console, parent))
    }
}

/// The address of a console's page for a folder.
fn address(console: &str, path: &str) -> String {
    format!("{}{path}", console.trim_end_matches("/{*path}"))
}

/// Whether a console lists the node.
pub(super) fn is_listed(node: &Node) -> bool {
    let kind = node.primary_type();
    matches!(kind, "dam:Asset" | "cq:Tag")
        || kind.ends_with("Folder")
        || node.text("sling:resourceType") == Some("dam/collection")
}
