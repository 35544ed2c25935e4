//! The start page, with the menus Navigation and Tools (aem-ui.md §1.2).

use crate::author::{Author, escape};
use crate::machine::{Form, Response};

/// The parameter of the request for the cards of a group of tools.
const GROUP: &str = "group";

/// The preference that says whether the onboarding is shown.
const ONBOARDING: &str = "granite.shell.showonboarding620";

/// The tools of a group: the title and the endpoint of each.
type Tools = &'static [(&'static str, &'static str)];

/// The groups of tools: name of the item, title, and the tools: title and endpoint.
const GROUPS: [(&str, &str, Tools); 4] = [
    ("general", "General", &[("Tagging", "author.tags-page")]),
    ("deployment", "Deployment", &[("Agents on author", "author.agents-page")]),
    ("security", "Security", &[("Adobe IMS Configurations", "author.ims-console")]),
    ("cloudservices", "Cloud Services", &[("AEM Brand Portal", "author.cloud-console")]),
];

impl Author {
    /// The start page, or the cards of a group of tools.
    pub(super) fn skinned_start_page(&self, form: &Form) -> Response {
        if let Some(group) = form.get(GROUP) {
            return crate::author::html(200, &self.tool_cards(group));
        }
        let start = &self.surfaces.get("author.start-page").path;
        let groups: String = GROUPS
            .iter()
            .map(|(id, title, _)| {
                format!(
                    "<coral-columnview-item class=\"globalnav-tools-navigation-item\" variant=\"drilldown\" \
                     data-foundation-collection-item-id=\"/mnt/overlay/cq/core/content/nav/tools/{id}\" \
                     data-src=\"{start}?{GROUP}={id}\"><coral-columnview-item-content>{title}</coral-columnview-item-content>\
                     </coral-columnview-item>\n",
                    title = escape(self.say(title)),
                )
            })
            .collect();
        let assets =
            card("Assets", "/mnt/overlay/cq/core/content/nav/assets", &self.console_root("author.assets-page"));
        let body = format!(
            "<coral-tabview orientation=\"vertical\"><coral-tablist>\n\
             <coral-tab icon=\"compass\" title=\"Navigation\"></coral-tab><coral-tab icon=\"hammer\" title=\"Tools\"></coral-tab>\n\
             </coral-tablist><coral-panelstack><coral-panel><coral-masonry id=\"globalnav-start-home-collection\">{assets}\
             </coral-masonry></coral-panel>\n<coral-panel><div class=\"globalnav-tools\">\
             <coral-columnview class=\"globalnav-tools-navigation\" navigable><coral-columnview-column>\
             <coral-columnview-column-content>{groups}</coral-columnview-column-content></coral-columnview-column></coral-columnview>\n\
             <coral-masonry id=\"globalnav-start-tools-content-collection\"></coral-masonry></div></coral-panel>\n\
             </coral-panelstack></coral-tabview>\n{}",
            self.onboarding(),
        );
        self.framed("AEM Start", &body)
    }

    fn tool_cards(&self, group: &str) -> String {
        let tools = GROUPS.iter().find(|(id, ..)| *id == group).map_or(&[][..], |(_, _, tools)| tools);
        let cards = tools.iter().map(|(title, surface)| {
            let id =
                format!("/mnt/overlay/cq/core/content/nav/tools/{group}/{}", surface.trim_start_matches("author."));
            card(self.say(title), &id, &self.console_root(surface))
        });
        cards.collect()
    }

    fn console_root(&self, surface: &str) -> String {
        let root = if surface == "author.tags-page" { "content/cq:tags" } else { "content/dam" };
        self.surfaces.get(surface).path.replace("{*path}", root)
    }

    /// What a user sees who has not closed it before.
    fn onboarding(&self) -> String {
        let Some((home, user)) = self.authorizable(&self.user) else { return String::new() };
        let shown = user.child("preferences").and_then(|preferences| preferences.text(ONBOARDING)) != Some("false");
        if !shown {
            return String::new();
        }
        format!(
            "<coral-overlay class=\"granite-shell-onboarding\" data-preferences=\"{home}/preferences\" \
             data-preference=\"{ONBOARDING}\" hidden><div class=\"granite-shell-onboarding-panel\"><h2>{welcome}</h2><p>{text}</p>\n\
             <button is=\"coral-button\" variant=\"primary\" icon=\"close\" title=\"{close}\" coral-close></button></div></coral-overlay>",
            home = escape(&home),
            welcome = self.say("Welcome"),
            text = self.say("This is a mocked Author."),
            close = self.say("Close"),
        )
    }
}

/// A card that leads to a console. It is no link and has no role.
fn card(title: &str, id: &str, href: &str) -> String {
    format!(
        "<coral-masonry-item class=\"foundation-collection-item\" data-foundation-collection-item-id=\"{id}\">\
         <coral-card class=\"globalnav-anchor globalnav-toolcard\" data-globalnav-anchor-href=\"{href}\" \
         data-globalnav-anchor-target=\"_self\"><coral-card-content><coral-card-title>{title}</coral-card-title>\
         </coral-card-content></coral-card></coral-masonry-item>\n",
        id = escape(id),
        href = escape(href),
        title = escape(title),
    )
}
