//! Which known endpoint a page's request is for, by its address, and what a GET of it does.

use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::{Surface, effects};

use super::Session;
use super::own_request::more_than_reads;
use crate::browser::traffic::PageRequest;

/// The endpoint that a read of a page counts as, if it is not that of another one.
const PAGES: &str = "author.start-page";

impl Session {
    /// What a GET is known to do besides reading.
    pub(super) fn effect(&self, request: &PageRequest) -> Option<String> {
        if let Some(more) = self.more_than_reads(request).first() {
            return Some(format!("it is the request of {}", more.id));
        }
        let parameters = effects::parameters(request.url.query().unwrap_or_default());
        let nothing = std::collections::BTreeMap::new();
        let usual = self.known(request).map_or(&nothing, |surface| &surface.query);
        effects::effect_of_get(request.url.path(), &parameters, usual)
    }

    /// The paths at the Author as which it may read that of the request. What is outside of its context path is taken as it
    /// is.
    fn paths(&self, request: &PageRequest) -> Vec<String> {
        let context = self.stack.author.path().trim_end_matches('/');
        let at = |path: String| path.strip_prefix(context).map(str::to_owned).unwrap_or(path);
        effects::spellings(request.url.path()).into_iter().map(at).collect()
    }

    /// The known endpoints that do more than read, at the address of the request.
    pub(super) fn more_than_reads(&self, request: &PageRequest) -> Vec<&Surface> {
        let more = more_than_reads(self.run.surfaces.iter(), &request.method, &self.paths(request));
        more.into_iter().chain(self.change_by_post(request).filter(|_| request.reads())).collect()
    }

    /// The known change whose address a GET has that is no known read: a servlet may accept both methods.
    fn change_by_post(&self, request: &PageRequest) -> Option<&Surface> {
        let paths = self.paths(request);
        let is_there = |surface: &Surface| {
            std::iter::once(&surface.path).chain(&surface.alternatives).any(|known| paths.contains(known))
        };
        let mut changes = self.run.surfaces.iter().filter(|surface| {
            surface.class == Class::Change && surface.id.starts_with("author.") && !surface.path.contains('{')
        });
        changes.find(|surface| is_there(surface)).filter(|_| self.known(request).is_none())
    }

    /// The known endpoint that the request reads. Endpoints for any node do not count.
    fn known(&self, request: &PageRequest) -> Option<&Surface> {
        let paths = self.paths(request);
        let mut own = self.run.surfaces.iter().filter(|surface| {
            surface.id.starts_with("author.") && surface.class == Class::Read && !surface.path.starts_with("/{")
        });
        let method = if request.reads() { "GET" } else { &request.method };
        own.find(|surface| paths.iter().any(|path| surface.matches(method, path).is_some()))
    }

    pub(super) fn surface_of(&self, request: &PageRequest) -> &Surface {
        self.known(request).unwrap_or_else(|| self.run.surfaces.get(PAGES))
    }
}
