//! Finds the endpoint of a request, or answers 404 or 405.

use bpconform_fixtures::surfaces::Arguments;
use bpconform_fixtures::{Surface, Surfaces, System};

use crate::machine::{Request, Response};

/// The maximum number of suggested paths.
const MOST_NEAR: usize = 3;

/// The endpoint that serves a request, with the values of its path. The one with the shortest values wins.
pub fn route<'a>(surfaces: &'a Surfaces, systems: &[System], request: &Request) -> Option<(&'a Surface, Arguments)> {
    surfaces
        .iter()
        .filter(|surface| systems.contains(&surface.system))
        .filter_map(|surface| Some((surface, surface.matches(&request.method, &request.path)?)))
        .min_by_key(|(_, arguments)| arguments.values().map(String::len).sum::<usize>())
}

/// 404 with the system and similar paths, or 405 if only the method is wrong.
pub fn not_found(surfaces: &Surfaces, system: System, request: &Request) -> Response {
    let own = || surfaces.iter().filter(|surface| surface.system == system);
    let Request { method, path, .. } = request;
    let allowed: Vec<_> = own()
        .filter(|surface| surface.matches(&surface.method, path).is_some())
        .map(|surface| surface.method.as_str())
        .collect();
    if !allowed.is_empty() {
        let allowed = allowed.join(", ");
        return text(405, &format!("the mocked {} serves {path} by {allowed}, not by {method}\n", system.name()))
            .with_header("allow", allowed);
    }
    let mut near: Vec<_> =
        own().map(|surface| (strsim::normalized_damerau_levenshtein(&surface.path, path), surface)).collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let near = near.iter().take(MOST_NEAR).fold(String::new(), |text, (_, surface)| {
        text + &format!("  {} {} ({})\n", surface.method, surface.path, surface.id)
    });
    text(404, &format!("the mocked {} has nothing at {method} {path}; near it:\n{near}", system.name()))
}

/// An answer of plain text.
pub fn text(status: u16, text: &str) -> Response {
    Response::new(status, "text/plain;charset=utf-8", text)
}

/// The token of an `Authorization: Bearer …` header.
pub fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str) -> Request {
        Request { method: method.into(), path: path.into(), ..Request::default() }
    }

    #[test]
    fn a_path_that_nobody_serves_is_answered_with_what_is_near() {
        let answer = not_found(Surfaces::built_in(), System::Ims, &request("POST", "/ims/tokens/v3"));
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("POST /ims/token/v3 (ims.token)"), "{}", answer.text());
    }

    #[test]
    fn a_wrong_method_is_answered_with_the_right_one() {
        let answer = not_found(Surfaces::built_in(), System::Ims, &request("GET", "/ims/token/v3"));
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
}
