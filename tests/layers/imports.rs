//! The imports between the files of a crate, read from its tokens: `use` items and paths in code, macros included. What
//! is compiled for tests only is left out, and so is what a module and those around it take from each other.

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// An import of one file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// The importing file, from the root of the crate.
    pub(super) from: String,
    /// The line, from 1.
    pub(super) line: usize,
    /// The path as it is written, without the braces after it.
    pub(super) path: String,
    /// The file that holds what is imported.
    pub(super) to: String,
}

/// A module: the names on the way to it from the root of the crate.
type Module = Vec<String>;

/// A path in a file.
struct Mention {
    module: Module,
    segments: Vec<String>,
    line: usize,
    /// The name under which others can import it from here.
    exported: Option<String>,
}

/// The files of a crate.
pub(super) struct Sources {
    files: BTreeMap<String, Vec<Mention>>,
    modules: BTreeMap<Module, String>,
}

impl Sources {
    /// Reads all files below a directory.
    pub(super) fn read(directory: &Path) -> Self {
        let mut files = Vec::new();
        collect(directory, directory, &mut files);
        Self::of(files)
    }

    /// Takes files as name and text. Files of tests are left out.
    pub(super) fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_test = |file: &str| file.ends_with("tests.rs") || file.contains("tests/");
        let files: Vec<_> = files.into_iter().filter(|(file, _)| !is_test(file)).collect();
        let modules = files.iter().map(|(file, _)| (module_of(file), file.clone())).collect();
        let mentions = |(file, text): (String, String)| {
            let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
            let mut mentions = Vec::new();
            walk(tokens, &module_of(&file), &mut mentions);
            (file, mentions)
        };
        Self { files: files.into_iter().map(mentions).collect(), modules }
    }

    /// The names of the files.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// All imports, each line once.
    pub(super) fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (from, mentions) in &self.files {
            for mention in mentions {
                let Some(to) = self.file_of(&mention.module, &mention.segments, 0) else { continue };
                if related(&module_of(from), &module_of(&to)) {
                    continue;
                }
                let import = Import { from: from.clone(), line: mention.line, path: mention.segments.join("::"), to };
                if !imports.contains(&import) {
                    imports.push(import);
                }
            }
        }
        imports
    }

    /// The file that a path leads to; a name that a module exports from elsewhere leads there.
    fn file_of(&self, module: &Module, segments: &[String], depth: usize) -> Option<String> {
        let (mut at, mut rest) = self.start(module, segments)?;
        while let Some((first, more)) = rest.split_first() {
            let next: Module = at.iter().chain([first]).cloned().collect();
            if !self.modules.contains_key(&next) {
                break;
            }
            (at, rest) = (next, more);
        }
        let file = self.modules.get(&at)?;
        let exported = rest.first().and_then(|name| {
            self.files[file].iter().find(|mention| mention.exported.as_ref() == Some(name) && mention.module == at)
        });
        match exported {
            // Some re-exports lead to each other by way of a name of another crate.
            Some(mention) if depth < 8 => self.file_of(&mention.module, &mention.segments, depth + 1),
            _ => Some(file.clone()),
        }
    }

    /// The module at which a path starts, and what is left of it; none for a path into another crate.
    fn start<'a>(&self, module: &Module, segments: &'a [String]) -> Option<(Module, &'a [String])> {
        let (first, rest) = segments.split_first()?;
        match first.as_str() {
            "crate" => Some((Module::new(), rest)),
            "self" => Some((module.clone(), rest)),
            "super" => {
                let ups = segments.iter().take_while(|segment| *segment == "super").count();
                let around = module.len().checked_sub(ups)?;
                Some((module[..around].to_vec(), &segments[ups..]))
            }
            name => {
                let child: Module = module.iter().map(String::as_str).chain([name]).map(str::to_owned).collect();
                self.modules.contains_key(&child).then_some((child, rest))
            }
        }
    }
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).expect("the directory is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("it is below the root").display().to_string();
            files.push((name, std::fs::read_to_string(&path).expect("the file is readable")));
        }
    }
}

fn module_of(file: &str) -> Module {
    let path = file.trim_end_matches(".rs");
    let mut names: Module = path.split('/').map(str::to_owned).collect();
    if names.last().is_some_and(|name| name == "mod" || name == "lib") {
        names.pop();
    }
    names
}

/// Whether one of two modules is the other or lies around it.
fn related(one: &Module, other: &Module) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Collects the paths of a module's tokens.
fn walk(tokens: TokenStream, module: &Module, found: &mut Vec<Mention>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    let mut public = false;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_test_attribute(tokens.get(at + 1)) => {
                at = after_item(&tokens, at + 2);
                continue;
            }
            TokenTree::Ident(ident) if ident == "pub" => {
                public = true;
                let restriction = matches!(&tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                at += if restriction { 2 } else { 1 };
                continue;
            }
            TokenTree::Ident(ident) if ident == "use" => {
                let end = (at..tokens.len()).find(|index| is_punct(tokens.get(*index), ';')).unwrap_or(tokens.len());
                read_use(&tokens[at + 1..end], &[], module, public, found);
                at = end;
            }
            TokenTree::Ident(ident) if ident == "mod" => {
                if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    let inner: Module = module.iter().cloned().chain([name.to_string()]).collect();
                    walk(body.stream(), &inner, found);
                    at += 2;
                }
            }
            TokenTree::Ident(_) if is_path(&tokens, at) => at = read_path(&tokens, at, module, found),
            TokenTree::Group(group) => walk(group.stream(), module, found),
            _ => {}
        }
        public = false;
        at += 1;
    }
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// Whether a path of several segments begins here.
fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let continues = is_punct(before, ':') || is_punct(before, '.');
    is_separator(tokens, at + 1) && !continues
}

/// `#[cfg(test)]`, and `#[cfg(all(test, …))]`.
fn is_test_attribute(token: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(group)) = token else { return false };
    let text: String = group.stream().to_string().split_whitespace().collect();
    text.starts_with("cfg(test") || text.starts_with("cfg(all(test")
}

/// The place after the item that begins here: after its block or its semicolon.
fn after_item(tokens: &[TokenTree], start: usize) -> usize {
    let ends = |token: &TokenTree| {
        is_punct(Some(token), ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    tokens.iter().skip(start).position(ends).map_or(tokens.len(), |length| start + length + 1)
}

/// Reads a path in code, and returns the place of its last token.
fn read_path(tokens: &[TokenTree], start: usize, module: &Module, found: &mut Vec<Mention>) -> usize {
    let line = tokens[start].span().start().line;
    let mut segments = Vec::new();
    let mut at = start;
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        segments.push(ident.to_string());
        if !is_separator(tokens, at + 1) || !matches!(tokens.get(at + 3), Some(TokenTree::Ident(_))) {
            break;
        }
        at += 3;
    }
    found.push(Mention { module: module.clone(), segments, line, exported: None });
    at
}

/// Reads a tree of `use`: each of its leaves is one path.
fn read_use(tokens: &[TokenTree], prefix: &[String], module: &Module, public: bool, found: &mut Vec<Mention>) {
    for part in tokens.split(|token| is_punct(Some(token), ',')).filter(|part| !part.is_empty()) {
        let mut segments = prefix.to_vec();
        let mut name = None;
        let mut inside: Option<&Group> = None;
        let mut idents = part.iter().peekable();
        while let Some(token) = idents.next() {
            match token {
                TokenTree::Ident(ident) if ident == "as" => name = idents.next().map(ToString::to_string),
                TokenTree::Ident(ident) if ident == "self" && !segments.is_empty() => {}
                TokenTree::Ident(ident) => segments.push(ident.to_string()),
                TokenTree::Group(group) => inside = Some(group),
                _ => {}
            }
        }
        if let Some(group) = inside {
            let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
            read_use(&tokens, &segments, module, public, found);
        } else {
            let exported = name.or_else(|| segments.last().cloned()).filter(|_| public);
            let line = part[0].span().start().line;
            found.push(Mention { module: module.clone(), segments, line, exported });
        }
    }
}
