//! The files of Adobe's component library, which the mock serves but does not contain.

use std::collections::BTreeMap;
use std::path::Path;

use crate::machine::Response;

/// The file without which the library cannot be used.
const SCRIPT: &str = "js/coral.min.js";

/// The files that the pages load: the library, its styles and its icons.
const NEEDED: [&str; 4] =
    [SCRIPT, "css/coral.min.css", "resources/spectrum-css-icons.js", "resources/spectrum-icons.js"];

/// The icons with colors, which the library always asks for.
const COLORED: &str = "resources/spectrum-icons-color.js";

/// The largest file, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The files of the library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UiAssets(BTreeMap<&'static str, Vec<u8>>);

impl UiAssets {
    /// Reads the files from the directory of the unpacked npm package, or from its `dist`.
    ///
    /// # Errors
    /// If a file is missing or cannot be read. The error names it.
    pub fn read(directory: &Path) -> Result<Self, String> {
        let inside = [directory.join("dist"), directory.join("package/dist"), directory.to_owned()];
        let root = inside.iter().find(|root| root.join(SCRIPT).is_file()).ok_or_else(|| {
            format!("{} has no dist/{SCRIPT}: unpack the npm package @adobe/coral-spectrum there", directory.display())
        })?;
        let read = |name: &'static str| {
            let file = root.join(name);
            let wrong = |why: String| format!("{}: {why}", file.display());
            let size = std::fs::metadata(&file).map_err(|error| wrong(error.to_string()))?.len();
            if size > LARGEST {
                return Err(wrong(format!("it is larger than {LARGEST} bytes")));
            }
            std::fs::read(&file).map(|content| (name, content)).map_err(|error| wrong(error.to_string()))
        };
        NEEDED.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// One file.
    pub(super) fn file(&self, name: &str) -> Option<Response> {
        let kind = if name.ends_with(".css") { "text/css" } else { "text/javascript" };
        // No page needs the colored icons, and their file in the package has a syntax error.
        let nothing = Vec::new();
        let content = if name == COLORED { &nothing } else { self.0.get(name)? };
        Some(
            Response::new(200, &format!("{kind};charset=utf-8"), content.clone())
                .with_header("cache-control", "max-age=600"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_without_the_library_is_named_with_what_to_do() {
        let problem = UiAssets::read(Path::new("/no/such/directory")).expect_err("it is missing");
        assert!(problem.contains("/no/such/directory") && problem.contains("@adobe/coral-spectrum"), "{problem}");
    }
}
