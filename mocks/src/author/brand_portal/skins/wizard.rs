//! The pages behind Create: the wizard of an IMS configuration, and the page of a cloud configuration (aem-ui.md §1.4, §1.5).

use super::widgets::TextField;
use crate::author::{Author, escape, html};
use crate::machine::{Form, Response};

/// The parameter of the request for a step that is loaded when it is reached.
const STEP: &str = "step";

/// The address of the page behind Create of a console.
pub(super) fn address(console: &str) -> String {
    format!("{}/create.html", console.trim_end_matches(".html"))
}

impl Author {
    /// The page behind Create at that path.
    pub(super) fn wizard_page(&self, path: &str, form: &Form) -> Option<Response> {
        let is = |console: &str| path == address(&self.surfaces.get(console).path);
        if is("author.ims-console") {
            let step = form.fields.contains_key(STEP);
            return Some(if step { html(200, &self.account_step()) } else { self.ims_wizard(path) });
        }
        is("author.cloud-console").then(|| self.cloud_page())
    }

    fn ims_wizard(&self, path: &str) -> Response {
        let create = self.surfaces.get("author.ims-create");
        let console = &self.surfaces.get("author.ims-console").path;
        let control = |action: &str, kind: &str, label: &str, variant: &str| {
            format!(
                "<button is=\"coral-button\" type=\"{kind}\" form=\"ims\" variant=\"{variant}\" class=\"foundation-wizard-control\" \
                 data-foundation-wizard-control-action=\"{action}\" hidden>{}</button>\n",
                self.say(label)
            )
        };
        let controls = [
            format!(
                "<a is=\"coral-anchorbutton\" class=\"foundation-wizard-control\" \
                 data-foundation-wizard-control-action=\"cancel\" href=\"{}\">{}</a>\n",
                escape(console),
                self.say("Cancel")
            ),
            control("prev", "button", "Back", "default"),
            control("next", "button", "Next", "primary"),
            control("next", "submit", "Create", "primary"),
        ];
        let title = self.say("Adobe IMS Technical Account Configuration");
        let body = format!(
            "{bar}<coral-steplist><coral-step selected><coral-step-label>{certificate}</coral-step-label></coral-step>\
             <coral-step><coral-step-label>{account}</coral-step-label></coral-step></coral-steplist>\n\
             <form id=\"ims\" class=\"foundation-form foundation-wizard page\" novalidate action=\"{action}\" data-redirect=\"{console}\" \
             data-title=\"{field}\">\n\
             <section class=\"foundation-wizard-step foundation-wizard-step-active\" data-foundation-wizard-step-title=\"{certificate}\">\
             {first}</section>\n<section class=\"foundation-wizard-step\" data-foundation-wizard-step-title=\"{account}\" \
             data-src=\"{path}?{STEP}\" hidden></section></form>",
            bar = self.title_bar(title, &controls.concat(), ""),
            certificate = self.say("Certificate"),
            account = self.say("Account"),
            action = escape(&create.path),
            console = escape(console),
            field = create.field("title"),
            path = escape(path),
            first = self.certificate_step(),
        );
        self.framed(title, &body)
    }

    fn certificate_step(&self) -> String {
        let create = self.surfaces.get("author.ims-create");
        let solution = create.phrase("cloud-solution").to_owned();
        let types = [("oauth", "OAuth"), ("jwt", "JWT (deprecated)")];
        let types = types.map(|(word, label)| (create.phrase(word).to_owned(), label.to_owned()));
        let aliases: Vec<_> = self.aliases().into_iter().map(|alias| (alias.clone(), alias)).collect();
        let (certificate, download) =
            (self.surfaces.get("author.certificate-create"), self.surfaces.get("author.certificate-download"));
        let alias = create.field("key-pair-alias");
        [
            self.select_field((create.field("cloud-solution"), "Cloud Solution", true), &[(solution.clone(), solution)], None),
            self.select_field(
                (create.field("authentication-type"), "Authentication Type", false),
                &types,
                Some(create.phrase("oauth")),
            ),
            self.select_field((alias, "Certificate", false), &aliases, None),
            format!(
                "<p><button is=\"coral-button\" data-download=\"{path}\" data-from=\"[name='{alias}']\" data-missing=\"{missing}\">\
                 {label}</button></p>\n",
                path = escape(&download.path),
                missing = escape(self.say("Please select")),
                label = escape(self.say("Download Public Key")),
            ),
            // The alias has no label.
            format!(
                "<div class=\"new-certificate\"><coral-checkbox data-shows=\".new-alias\">{new}</coral-checkbox>\
                 <p class=\"new-alias\" hidden><input is=\"coral-textfield\" class=\"coral-Form-field\" data-alias autocomplete=\"off\">\
                 <button is=\"coral-button\" data-create-certificate data-url=\"{url}\" data-field=\"{field}\" data-done=\"{done}\">\
                 {label}</button></p></div>\n",
                new = self.say("Create new certificate"),
                url = escape(&certificate.path),
                field = certificate.field("alias"),
                done = escape(self.say("Certificate created")),
                label = self.say("Create certificate"),
            ),
        ]
        .concat()
    }

    /// The second step, which is loaded when it is reached.
    fn account_step(&self) -> String {
        let create = self.surfaces.get("author.ims-create");
        let field = |word, label, required| self.text_field(TextField::line(create.field(word), label, required));
        let secret = TextField::line(create.field("client-secret"), "Client Secret", true);
        let payload = TextField::line(create.field("jwt-claims"), "Payload", false);
        [
            field("title", "Title", true),
            field("authorization-server", "Authorization Server", true),
            field("client-id", "API Key", true),
            self.text_field(TextField { kind: "password", ..secret }),
            field("scope", "Scope", false),
            field("org-id", "Organization ID", false),
            self.text_field(TextField { kind: "textarea", ..payload }),
        ]
        .concat()
    }

    fn cloud_page(&self) -> Response {
        let create = self.surfaces.get("author.cloud-create");
        let console = &self.surfaces.get("author.cloud-console").path;
        let accounts: Vec<_> = self.providers().into_iter().map(|provider| (provider.pid, provider.title)).collect();
        let hidden =
            [("item", ""), ("resource-type", create.phrase("resource-type")), ("scopes", create.phrase("scopes"))];
        let hidden = hidden.map(|(word, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", create.field(word), escape(value))
        });
        let fields = [
            hidden.concat(),
            self.text_field(TextField::line(create.field("title"), "Title", true)),
            self.select_field(
                (create.field("ims-configuration"), "Associated Adobe IMS Configuration", true),
                &accounts,
                None,
            ),
            self.unnamed_field(TextField::line(create.field("tenant-url"), "Service URL", true)),
            format!(
                "<coral-checkbox name=\"{}\" value=\"true\">{}</coral-checkbox>\n",
                create.field("public-folder"),
                self.say("Public Folder Publish")
            ),
        ];
        let controls = format!(
            "<a is=\"coral-anchorbutton\" id=\"shell-propertiespage-closeactivator\" href=\"{console}\">{cancel}</a>\n\
             <button is=\"coral-button\" type=\"submit\" form=\"cloud\" variant=\"primary\" id=\"shell-propertiespage-doneactivator\" \
             class=\"granite-form-saveactivator\">{done}</button>\n\
             <button is=\"coral-button\" id=\"more\" icon=\"chevronDown\" title=\"{save}\"></button>\
             <coral-popover target=\"#more\" placement=\"bottom\"><coral-popover-content><coral-buttonlist>\
             <button is=\"coral-buttonlist-item\" type=\"submit\" form=\"cloud\" data-stays=\"true\" \
             id=\"shell-propertiespage-saveactivator\">{save}</button></coral-buttonlist></coral-popover-content></coral-popover>",
            console = escape(console),
            cancel = self.say("Cancel"),
            done = escape(self.say("Save & Close")),
            save = self.say("Save"),
        );
        let title = "Brand Portal Configuration";
        let body = format!(
            "{bar}<form id=\"cloud\" class=\"foundation-form page\" novalidate action=\"{action}\" data-redirect=\"{console}\" \
             data-title=\"{field}\"><h2>AEM Brand Portal Settings</h2>\n{fields}</form>",
            bar = self.title_bar(title, &controls, ""),
            action = escape(&create.path),
            console = escape(console),
            field = create.field("title"),
            fields = fields.concat(),
        );
        self.framed(title, &body)
    }
}
