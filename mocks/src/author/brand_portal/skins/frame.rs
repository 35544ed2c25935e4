//! The frame of a page: header with the way home, title and content (aem-ui.md §1.2).

use super::{LIBRARY, OWN, Skin};
use crate::author::{Author, escape, html};
use crate::machine::Response;

impl Author {
    /// A page of the skin; `body` is HTML.
    pub(super) fn framed(&self, title: &str, body: &str) -> Response {
        let start = &self.surfaces.get("author.start-page").path;
        // The library has this icon in a file with a syntax error.
        let icon = if self.skin.is_spectrum() { "home" } else { "adobeExperienceManagerColor" };
        let header = format!(
            "<coral-shell-header class=\"coral3-Shell-header\" role=\"region\" aria-label=\"{bar}\">\n\
             <coral-shell-header-home role=\"heading\" aria-level=\"2\"><a is=\"coral-shell-homeanchor\" \
             icon=\"{icon}\" href=\"{start}\">Adobe Experience Manager</a></coral-shell-header-home>\n\
             </coral-shell-header>",
            bar = self.say("Header Bar"),
        );
        let csrf = self.surfaces.get("author.csrf-token");
        let words = [
            ("token-source", csrf.path.as_str()),
            ("token-header", csrf.field("header")),
            ("text-cancel", self.say("Cancel")),
            ("text-close", self.say("Close")),
            ("text-error", self.say("Error")),
            ("text-ok", self.say("OK")),
            ("text-submitted", self.say("The form has been submitted successfully")),
        ];
        let words = words.map(|(name, value)| format!(" data-{name}=\"{}\"", escape(value))).concat();
        html(
            200,
            &format!(
                "<!DOCTYPE html>\n<html lang=\"{lang}\" data-i18n-dictionary-src=\"/libs/cq/i18n/dict.{{+locale}}.json\">\n\
                 <head><meta charset=\"utf-8\"><title>{title}</title>\n{head}</head>\n\
                 <body class=\"coral--light foundation-layout-util-maximized\"{words}>\n<coral-shell>{header}\n\
                 <coral-shell-content class=\"foundation-content\" role=\"main\">{body}</coral-shell-content></coral-shell>\n\
                 </body></html>\n",
                lang = self.locale.code(),
                title = escape(title),
                head = self.scripts(),
            ),
        )
    }

    /// The scripts and styles of the skin.
    pub(super) fn scripts(&self) -> String {
        let library = match self.skin {
            // The library fetches its fonts from another host, unless that has been done.
            Skin::Spectrum(_) => format!(
                "<script>window.Typekit = {{}};</script>\n<link rel=\"stylesheet\" href=\"{LIBRARY}css/coral.min.css\">\n\
                 <link rel=\"stylesheet\" href=\"{OWN}spectrum.css\">\n\
                 <script defer src=\"{LIBRARY}js/coral.min.js\" data-coral-icons=\"{LIBRARY}resources/\" \
                 data-coral-icons-external=\"js\"></script>\n"
            ),
            Skin::Plain | Skin::Coral3 => format!(
                "<link rel=\"stylesheet\" href=\"{OWN}coral3.css\">\n<script defer src=\"{OWN}coral3.js\"></script>\n"
            ),
        };
        format!(
            "{library}<link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"{OWN}shared.css\">\n<script defer src=\"{OWN}foundation.js\"></script>\n"
        )
    }

    /// The title bar of a page, with controls, and the bar that takes its place while something is selected.
    pub(super) fn title_bar(&self, title: &str, controls: &str, actions: &str) -> String {
        let selection = if actions.is_empty() {
            String::new()
        } else {
            format!(
                "<div class=\"granite-collection-selectionbar foundation-mode-switcher\" hidden>\n\
                 <coral-actionbar class=\"foundation-collection-actionbar\" role=\"region\" aria-label=\"Action Bar\">\n\
                 <coral-actionbar-primary>{actions}</coral-actionbar-primary></coral-actionbar>\n\
                 <span><span class=\"foundation-admin-selectionstatus\">0</span> {selected}</span>\n\
                 <button is=\"coral-button\" variant=\"quiet\" icon=\"close\" class=\"granite-collection-deselect\" \
                 title=\"{deselect}\"></button></div>\n",
                selected = self.say("selected"),
                deselect = self.say("Deselect"),
            )
        };
        format!(
            "<div class=\"granite-title-bar\"><betty-titlebar><betty-titlebar-title><span class=\"granite-title\" role=\"heading\" \
             aria-level=\"1\">{title}</span></betty-titlebar-title>\n\
             <betty-titlebar-secondary>{controls}</betty-titlebar-secondary></betty-titlebar></div>\n{selection}",
            title = escape(title),
        )
    }
}
