//! The consoles: lists that are loaded after the page, and the actions on what is selected (aem-ui.md §1.3).

use bpconform_fixtures::Surface;
use serde_json::json;

use crate::author::repository::{Node, join, split};
use crate::author::{Author, escape, html};
use crate::machine::{Form, Response};

/// The parameter of the request for the items of a list.
pub(super) const ITEMS: &str = "items";

/// The longest list.
const MOST: usize = 1000;

/// An action on the selected item.
struct Action<'a> {
    /// The endpoint, and the name of its field with the item.
    surface: &'a Surface,
    field: &'a str,
    /// The text of its control.
    label: &'a str,
    icon: &'a str,
    /// The class by which AEM's own scripts know it.
    class: &'a str,
    /// The text of the button of its dialog.
    confirm: &'a str,
    /// What follows an answer: `dialog`, `reload` or `notify`.
    result: &'a str,
    variant: &'a str,
}

impl Author {
    /// Adobe IMS Configurations.
    pub(super) fn skinned_ims_console(&self, form: &Form) -> Response {
        let console = self.surfaces.get("author.ims-console");
        if form.fields.contains_key(ITEMS) {
            let jwt = self.say(console.wording("deprecated"));
            let card = |provider: &super::super::token::Provider| {
                let badge = if provider.is_jwt() { jwt } else { "" };
                self.card(&provider.pid, &provider.title, console.wording("card"), badge)
            };
            return html(200, &self.providers().iter().map(card).collect::<String>());
        }
        let (health, delete) = (self.surfaces.get("author.ims-health"), self.surfaces.get("author.ims-delete"));
        let health = Action {
            surface: health,
            field: health.field("configuration"),
            label: "Check Health",
            icon: "heart",
            class: "cq-adobeims-actions-health-activator",
            confirm: "Check",
            result: "dialog",
            variant: "default",
        };
        let delete = Action {
            surface: delete,
            field: delete.field("configuration"),
            label: "Delete",
            icon: "delete",
            class: "cq-confadmin-actions-delete-activator",
            confirm: "OK",
            result: "reload",
            variant: "warning",
        };
        let actions = [self.text_button(&health), self.icon_button(&delete)].concat();
        self.console_of_cards("Adobe IMS Configurations", &console.path, &actions)
    }

    /// AEM Brand Portal.
    pub(super) fn skinned_cloud_console(&self, form: &Form) -> Response {
        let path = &self.surfaces.get("author.cloud-console").path;
        if form.fields.contains_key(ITEMS) {
            let root = self.cloud_path();
            let all = self.cloud_configurations();
            let cards = all.iter().map(|one| self.card(&join(&root, &one.name), &one.title, &one.tenant_url, ""));
            return html(200, &cards.collect::<String>());
        }
        self.console_of_cards("Brand Portal Configurations", path, "")
    }

    fn console_of_cards(&self, title: &str, path: &str, actions: &str) -> Response {
        let create = format!(
            "<a is=\"coral-anchorbutton\" class=\"granite-collection-create foundation-toggleable-control\" variant=\"primary\" \
             icon=\"addCircle\" href=\"{}\">{}</a>",
            escape(&super::wizard::address(path)),
            self.say("Create"),
        );
        let title = self.say(title);
        let body = format!(
            "{}<coral-masonry class=\"foundation-collection foundation-collection-main\" data-foundation-collection-src=\"{}?{ITEMS}\" \
             data-foundation-selections-mode=\"single\"><coral-wait></coral-wait></coral-masonry>",
            self.title_bar(title, &create, actions),
            escape(path),
        );
        self.framed(title, &body)
    }

    /// An item of a console. Coral 3 selects it by a quick action that appears under the pointer, its successor by a check box.
    fn card(&self, id: &str, title: &str, context: &str, badge: &str) -> String {
        let select = if self.skin.is_spectrum() {
            format!(
                "<coral-checkbox class=\"foundation-collection-item-select\" labelled=\"{}\"></coral-checkbox>",
                self.say("Select")
            )
        } else {
            format!(
                "<coral-quickactions><coral-quickactions-item icon=\"check\">{}</coral-quickactions-item></coral-quickactions>",
                self.say("Select")
            )
        };
        let badge = if badge.is_empty() {
            String::new()
        } else {
            format!("<coral-card-property>{}</coral-card-property>", escape(badge))
        };
        format!(
            "<coral-masonry-item class=\"foundation-collection-item\" data-foundation-collection-item-id=\"{id}\">\
             <coral-card><coral-card-content><coral-card-context>{context}</coral-card-context>\
             <coral-card-title class=\"foundation-collection-item-title\">{title}</coral-card-title>\
             <coral-card-propertylist>{badge}</coral-card-propertylist></coral-card-content></coral-card>{select}</coral-masonry-item>\n",
            id = escape(id),
            context = escape(context),
            title = escape(title),
        )
    }

    /// The consoles from which content is published; none if the folder does not exist.
    pub(super) fn skinned_content_console(&self, surface: &str, path: &str, form: &Form) -> Option<Response> {
        let console = self.surfaces.get(surface).path.trim_end_matches("/{*path}").to_owned();
        let path = format!("/{}", path.trim_matches('/'));
        let folder = self.repository.get(&path)?;
        if form.fields.contains_key(ITEMS) {
            let items = folder.children.iter().filter(|(_, node)| super::super::consoles::is_listed(node)).take(MOST);
            let rows: String = items.map(|(name, node)| self.row(&console, &join(&path, name), node)).collect();
            return Some(html(
                200,
                &format!(
                    "<thead><tr><th></th><th>{name}</th></tr></thead><tbody>{rows}</tbody>",
                    name = self.say("Name")
                ),
            ));
        }
        let title = if surface == "author.tags-page" { "AEM Tags" } else { "AEM Assets | Files" };
        let up = split(&path).filter(|_| path.matches('/').count() > 2).map_or_else(String::new, |(parent, _)| {
            format!(
                "<a is=\"coral-anchorbutton\" icon=\"chevronUp\" href=\"{}\">{}</a>",
                escape(&format!("{console}{parent}")),
                self.say("Up")
            )
        });
        let body = format!(
            "{}<p class=\"page\">{path}</p>\n<table class=\"foundation-collection foundation-collection-main coral3-Table\" \
             data-foundation-collection-src=\"{console}{path}?{ITEMS}\" data-foundation-selections-mode=\"single\"></table>",
            self.title_bar(title, &up, &self.publishing()),
            path = escape(&path),
            console = escape(&console),
        );
        Some(self.framed(title, &body))
    }

    fn row(&self, console: &str, path: &str, node: &Node) -> String {
        let name = escape(path.rsplit('/').next().unwrap_or(path));
        let shown = if node.primary_type() == "dam:Asset" {
            name
        } else {
            format!("<a href=\"{}\">{name}</a>", escape(&format!("{console}{path}")))
        };
        let select = if self.skin.is_spectrum() {
            format!(
                "<coral-checkbox class=\"foundation-collection-item-select\" labelled=\"{}\"></coral-checkbox>",
                self.say("Select")
            )
        } else {
            "<img class=\"foundation-collection-item-thumbnail\" alt=\"\">".to_owned()
        };
        format!(
            "<tr class=\"foundation-collection-item\" data-foundation-collection-item-id=\"{id}\"><td>{select}</td>\
             <td class=\"foundation-collection-item-title\">{shown}</td></tr>\n",
            id = escape(path),
        )
    }

    /// Quick Publish with its menu, and Unpublish from Brand Portal.
    fn publishing(&self) -> String {
        let (publish, unpublish) = (self.surfaces.get("author.publish"), self.surfaces.get("author.unpublish"));
        let publish = Action {
            surface: publish,
            field: publish.field("path"),
            label: "Publish to Brand Portal",
            icon: "",
            class: "cq-damadmin-admin-actions-publishtomediaportal-activator",
            confirm: "Publish",
            result: "notify",
            variant: "default",
        };
        let unpublish = Action {
            surface: unpublish,
            field: unpublish.field("path"),
            label: "Unpublish from Brand Portal",
            icon: "globeStrike",
            class: "cq-damadmin-admin-actions-unpublishfrommediaportal-activator",
            confirm: "Unpublish",
            result: "notify",
            variant: "warning",
        };
        format!(
            "<coral-actionbar-item><button is=\"coral-button\" variant=\"quiet\" icon=\"globe\" id=\"quickpublish\" \
             class=\"cq-damadmin-admin-actions-quickpublish-activator\">{quick}</button>\
             <coral-popover target=\"#quickpublish\" placement=\"bottom\"><coral-popover-content><coral-buttonlist>\
             <button is=\"coral-buttonlist-item\" class=\"{class}\" data-action=\"{data}\">{label}</button>\
             </coral-buttonlist></coral-popover-content></coral-popover></coral-actionbar-item>{unpublish}",
            quick = self.say("Quick Publish"),
            class = publish.class,
            data = self.data(&publish),
            label = self.say(publish.label),
            unpublish = self.icon_button(&unpublish),
        )
    }

    fn text_button(&self, action: &Action<'_>) -> String {
        self.button(action, "", self.say(action.label))
    }

    /// A button without a text: only its title says what it does.
    fn icon_button(&self, action: &Action<'_>) -> String {
        self.button(action, &format!(" title=\"{}\"", escape(self.say(action.label))), "")
    }

    fn button(&self, action: &Action<'_>, title: &str, text: &str) -> String {
        format!(
            "<coral-actionbar-item><button is=\"coral-button\" variant=\"quiet\" icon=\"{icon}\" class=\"{class}\"{title} \
             data-action=\"{data}\">{text}</button></coral-actionbar-item>\n",
            icon = action.icon,
            class = action.class,
            data = self.data(action),
        )
    }

    fn data(&self, action: &Action<'_>) -> String {
        let data = json!({
            "method": action.surface.method,
            "url": action.surface.path,
            "field": action.field,
            "title": self.say(action.label),
            "confirm": self.say(action.confirm),
            "result": action.result,
            "variant": action.variant,
            "good": self.surfaces.get("author.ims-health").wording("heading"),
        });
        escape(&data.to_string())
    }
}
