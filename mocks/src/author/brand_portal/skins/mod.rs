//! Skins of the mocked Author's pages: instead of plain forms, pages with the structure of AEM 6.5's user interface
//! (aem-ui.md §1, §5.2), in English and German. The markup is the mock's own; it uses elements of Coral. The script that
//! defines these elements is either the mock's own, or Adobe's open-source library, read from a directory.

mod assets;
mod consoles;
mod frame;
mod login;
mod start;
mod texts;
mod widgets;
mod wizard;

use std::sync::Arc;

use bpconform_fixtures::surfaces::Arguments;

pub use assets::UiAssets;
pub(crate) use texts::Locale;

use crate::author::Author;
use crate::machine::{Form, Request, Response};

/// The folder of the scripts and styles of the skins.
const OWN: &str = "/etc.clientlibs/bpconform/skins/";

/// The folder of the files of the library.
const LIBRARY: &str = "/etc.clientlibs/bpconform/coral-spectrum/";

/// How the pages of the mocked Author look.
#[derive(Clone, Debug, Default)]
pub enum Skin {
    /// Plain forms.
    #[default]
    Plain,
    /// Elements with the roles and names of Coral 3 in AEM 6.5, defined by the mock.
    Coral3,
    /// Elements of Adobe's `@adobe/coral-spectrum`.
    Spectrum(Arc<UiAssets>),
}

impl Skin {
    const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }

    const fn is_spectrum(&self) -> bool {
        matches!(self, Self::Spectrum(_))
    }
}

impl Author {
    /// A script or style of the skin; these need no login.
    pub(crate) fn skin_file(&self, path: &str) -> Option<Response> {
        if let (Skin::Spectrum(assets), Some(name)) = (&self.skin, path.strip_prefix(LIBRARY)) {
            return assets.file(name);
        }
        let name = path.strip_prefix(OWN).filter(|_| !self.skin.is_plain())?;
        let (kind, text) = match name {
            "foundation.js" => ("text/javascript", include_str!("foundation.js")),
            "shared.css" => ("text/css", include_str!("shared.css")),
            "coral3.js" => ("text/javascript", include_str!("coral3.js")),
            "coral3.css" => ("text/css", include_str!("coral3.css")),
            "spectrum.css" => ("text/css", include_str!("spectrum.css")),
            _ => return None,
        };
        Some(Response::new(200, &format!("{kind};charset=utf-8"), text))
    }

    /// Reads the language of the pages: that of the user's preferences, otherwise the one that the browser prefers.
    pub(crate) fn read_locale(&mut self, request: &Request) {
        let preference =
            self.authorizable(&self.user).and_then(|(_, user)| user.child("preferences")?.text("language"));
        let accepted = request.header("accept-language").unwrap_or_default();
        self.locale = Locale::of(preference.unwrap_or(accepted));
    }

    /// The page of the skin for a GET of a console, a wizard or the start page; none for everything else.
    pub(crate) fn skinned(
        &self,
        surface: &str,
        arguments: &Arguments,
        request: &Request,
        form: &Form,
    ) -> Option<Response> {
        if self.skin.is_plain() || request.method != "GET" {
            return None;
        }
        if request.path == "/" || surface == "author.start-page" {
            return Some(self.skinned_start_page(form));
        }
        self.wizard_page(&request.path, form).or_else(|| match surface {
            "author.ims-console" => Some(self.skinned_ims_console(form)),
            "author.cloud-console" => Some(self.skinned_cloud_console(form)),
            "author.assets-page" | "author.tags-page" => {
                self.skinned_content_console(surface, arguments.get("path")?, form)
            }
            "author.login-page" => Some(self.skinned_login_page(form)),
            _ => None,
        })
    }

    /// The message of a healthy configuration in the language of the page.
    pub(super) fn healthy(&self, message: &str) -> String {
        const RETRIEVED: &str = "Token retrieved successfully";
        if self.skin.is_plain() { message.to_owned() } else { message.replace(RETRIEVED, self.say(RETRIEVED)) }
    }

    /// The text in the language of the page.
    pub(super) fn say<'a>(&self, text: &'a str) -> &'a str {
        self.locale.text(text)
    }
}
