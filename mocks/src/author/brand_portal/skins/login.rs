//! The login page (aem-ui.md §1.1).

use crate::author::{Author, escape, html};
use crate::machine::{Form, Response};

impl Author {
    /// The login page, with why the last attempt failed.
    pub(super) fn skinned_login_page(&self, form: &Form) -> Response {
        let login = self.surfaces.get("author.login");
        let ready = self.surfaces.get("author.login-page").phrase("ready");
        let problem = match form.get("j_reason") {
            Some("invalid_login") => "User name and password do not match",
            Some(_) => "Your password has expired",
            None => "",
        };
        let hidden = if problem.is_empty() { " hidden" } else { "" };
        let resource = form.get(login.field("resource")).unwrap_or_default();
        html(
            200,
            &format!(
                "<!DOCTYPE html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><title>AEM Sign In</title>{head}</head>\n\
                 <body class=\"coral--light\"><!-- {ready} --><main class=\"page\">\n\
                 <form id=\"login\" name=\"login\" method=\"POST\" novalidate action=\"{action}\">\n\
                 <p id=\"sign-in-title\">Sign In</p>\n<input type=\"hidden\" name=\"_charset_\" value=\"UTF-8\">\
                 <input type=\"hidden\" name=\"{field}\" value=\"{resource}\">\n\
                 <input is=\"coral-textfield\" id=\"username\" name=\"{user}\" aria-label=\"User name\" autocomplete=\"username\">\n\
                 <input is=\"coral-textfield\" id=\"password\" type=\"password\" name=\"{password}\" aria-label=\"Password\" autocomplete=\"current-password\">\n\
                 <coral-alert id=\"error\" variant=\"error\"{hidden}><coral-alert-content>{problem}</coral-alert-content></coral-alert>\n\
                 <button is=\"coral-button\" id=\"submit-button\" type=\"submit\" variant=\"primary\">Sign In</button></form></main></body></html>\n",
                lang = self.locale.code(),
                head = self.scripts(),
                action = login.path,
                field = login.field("resource"),
                resource = escape(resource),
                user = login.field("user"),
                password = login.field("password"),
            ),
        )
    }
}
