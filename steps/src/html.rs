//! HTML pages: the visible lines of text, and the elements by name, class, id and attribute. A page is recognized by its
//! elements, which are the same in every language of the interface.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// Tags that end a line of the page.
const BLOCKS: [&str; 22] = [
    "body", "br", "code", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "table", "td",
    "th", "title", "tr", "ul",
];

/// Elements without an end tag.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "source", "wbr"];

/// Elements whose text is not the content of a page: what a browser hides, strikes out or offers as a control.
const NO_CONTENT: [&str; 12] =
    ["a", "button", "del", "footer", "nav", "noscript", "option", "s", "select", "template", "textarea", "title"];

/// The largest page whose tags are read, and the longest tag, in bytes. The tokenizer compares each attribute of a tag
/// with all others, so that a hostile page could hold a run for hours.
const LARGEST_PAGE: usize = 4 * 1024 * 1024;
const LONGEST_TAG: usize = 64 * 1024;

/// The maximum number of open elements among which the element of an end tag is searched.
const DEEPEST: usize = 256;

/// A parsed page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The elements, in the order in which they begin.
    pub elements: Vec<Element>,
    text: String,
}

/// An element of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The tag's name, in lower case.
    pub name: String,
    /// The attributes.
    pub attributes: Vec<(String, String)>,
    start: usize,
    end: usize,
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether its end tag was found.
    pub fn is_closed(&self) -> bool {
        self.end != usize::MAX
    }

    /// Whether a person does not read it as content: it is hidden, or a part of the page's frame.
    fn is_no_content(&self) -> bool {
        let style: String = format!("{};", self.attribute("style").unwrap_or_default())
            .to_ascii_lowercase()
            .split_whitespace()
            .collect();
        let is_closed = ["details", "dialog"].contains(&self.name.as_str()) && self.attribute("open").is_none();
        let is_hidden = is_closed
            || self.attribute("hidden").is_some()
            || self.attribute("aria-hidden") == Some("true")
            || ["display:none", "visibility:hidden", "opacity:0;", "font-size:0;"]
                .iter()
                .any(|hidden| style.contains(hidden));
        !VOID.contains(&self.name.as_str())
            && (is_hidden || NO_CONTENT.contains(&self.name.as_str()) || self.name.starts_with("coral-shell"))
    }

    /// The classes.
    pub fn classes(&self) -> impl Iterator<Item = &str> {
        self.attribute("class").unwrap_or_default().split_whitespace()
    }
}

impl Page {
    /// Parses a page, as leniently as a browser. It never fails: a page beyond the limits has its source as text, and no
    /// elements.
    pub fn read(page: &str) -> Self {
        let longest = page.split('>').map(str::len).max().unwrap_or_default();
        if page.len() > LARGEST_PAGE || longest > LONGEST_TAG {
            return Self { elements: Vec::new(), text: page.to_owned() };
        }
        let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(page));
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        tokenizer.sink.0.into_inner().page
    }

    /// The visible lines, without tags and empty lines, and with decoded entities.
    pub fn lines(&self) -> Vec<String> {
        lines_of(&self.text)
    }

    /// The lines that a person reads as the content of the page: without what is hidden, and without its title, links and
    /// controls.
    pub fn content_lines(&self) -> Vec<String> {
        let (mut shown, mut at) = (String::new(), 0);
        for element in self.elements.iter().filter(|element| element.is_no_content()) {
            if let Some(before) = self.text.get(at..element.start) {
                shown.push_str(before);
                shown.push('\n');
            }
            at = at.max(element.end.min(self.text.len()));
        }
        shown.push_str(self.text.get(at..).unwrap_or_default());
        lines_of(&shown)
    }

    /// The text of an element and of the elements within it, on one line.
    pub fn text(&self, element: &Element) -> String {
        let text = self.text.get(element.start..element.end.min(self.text.len())).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The lines before and after the beginning of an element.
    pub fn lines_around(&self, element: &Element) -> (Vec<String>, Vec<String>) {
        let (before, after) = self.text.split_at(element.start.min(self.text.len()));
        (lines_of(before), lines_of(after))
    }

    /// The elements with that class.
    pub fn with_class<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| element.classes().any(|known| known == class))
    }

    /// The element with that id.
    pub fn by_id(&self, id: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.attribute("id") == Some(id))
    }

    /// The rest of the first class with this prefix: `idle` for the class `cq-agent-queue-idle`.
    pub fn class_suffix<'a>(&'a self, prefix: &'a str) -> Option<&'a str> {
        self.elements.iter().flat_map(Element::classes).find_map(|class| class.strip_prefix(prefix))
    }

    /// Whether the value of any attribute contains a text. Scripts and styles are not searched.
    pub fn mentions(&self, text: &str) -> bool {
        self.values().any(|value| value.contains(text))
    }

    /// The values of all attributes.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.elements.iter().flat_map(|element| &element.attributes).map(|(_, value)| value.as_str())
    }

    /// The language that the page declares.
    pub fn language(&self) -> Option<&str> {
        self.elements.iter().find(|element| element.name == "html")?.attribute("lang").filter(|lang| !lang.is_empty())
    }
}

fn lines_of(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The text of a page, line by line.
pub fn lines(page: &str) -> Vec<String> {
    Page::read(page).lines()
}

#[derive(Default)]
struct Reading {
    page: Page,
    open: Vec<usize>,
    /// Whether the text belongs to a script or a style, which a browser does not display.
    hidden: bool,
}

#[derive(Default)]
struct Sink(RefCell<Reading>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut reading = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => return reading.tag(&tag),
            Token::CharacterTokens(text) if !reading.hidden => reading.page.text.push_str(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Reading {
    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        if BLOCKS.contains(&name) {
            self.page.text.push('\n');
        }
        if tag.kind == TagKind::EndTag {
            self.hidden = false;
            self.close(name);
            return TokenSinkResult::Continue;
        }
        let attributes = tag.attrs.iter().map(|it| (it.name.local.to_string(), it.value.to_string())).collect();
        let start = self.page.text.len();
        if !VOID.contains(&name) && !tag.self_closing {
            self.open.push(self.page.elements.len());
        }
        self.page.elements.push(Element { name: name.to_owned(), attributes, start, end: usize::MAX });
        match name {
            "script" | "style" => {
                self.hidden = true;
                TokenSinkResult::RawData(if name == "script" { RawKind::ScriptData } else { RawKind::Rawtext })
            }
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }

    /// Closes the innermost open element with that name, and the elements within it.
    fn close(&mut self, name: &str) {
        let elements = &mut self.page.elements;
        let near = self.open.iter().rev().take(DEEPEST);
        let Some(depth) = near.clone().position(|open| elements[*open].name == name) else { return };
        let end = self.page.text.len();
        for open in self.open.drain(self.open.len() - depth - 1..) {
            elements[open].end = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_what_a_person_sees() {
        let page =
            |body: &str| Page::read(&format!("<html><title>t</title><body>{body}</body></html>")).content_lines();
        assert_eq!(
            page("<nav><a>Home</a></nav><h1>Good</h1><p>all <b>is</b> well</p><button>Close</button>"),
            ["Good", "all is well"]
        );
        for hidden in [
            "<div hidden><p>Good</p></div>",
            "<div style='display: none'><p>Good</p></div>",
            "<div aria-hidden=true><p>Good</p></div>",
            "<template><p>Good</p></template>",
            "<noscript><p>Good</p></noscript>",
            "<textarea>\nGood\n</textarea>",
            "<select><option>Good</option></select>",
            "<del><p>Good</p></del>",
            "<dialog><p>Good</p></dialog>",
            "<details><p>Good</p></details>",
            "<div style='opacity: 0'><p>Good</p></div>",
        ] {
            assert_eq!(page(&format!("{hidden}<input hidden><p>Bad</p>")), ["Bad"], "{hidden}");
        }
        assert_eq!(page("<div hidden><p>never closed"), [""; 0]);
    }

    #[test]
    fn a_page_is_read_as_a_person_reads_it() {
        let page = "<h1>Test of <i>agent</i></h1>2 &gt; 1 &amp; so<br>\n- << HTTP/1.1 200 OK<br/><hr>Done <b>well</b>";
        assert_eq!(lines(page), ["Test of agent", "2 > 1 & so", "- << HTTP/1.1 200 OK", "Done well"]);
    }

    #[test]
    fn scripts_and_comments_are_not_read() {
        assert_eq!(lines("a<script>if (a<b) succeeded()</script><!-- > succeeded -->b"), ["ab"]);
        assert_eq!(lines("a</script>b"), ["ab"]);
        assert_eq!(lines("a<style>succeeded"), ["a"]);
    }

    #[test]
    fn elements_are_found_by_class_id_and_attribute_in_any_language() {
        let page = Page::read(
            "<html lang=de><body><li class='li-bullet cq-agent-queue-blocked'>Warteschlange ist <b>blockiert</b></li>\
             <div id=Status>200</div><form action='/libs/cq/adobeims-configuration/x'></form></body></html>",
        );
        assert_eq!(page.class_suffix("cq-agent-queue-"), Some("blocked"));
        assert_eq!(page.by_id("Status").map(|it| page.text(it)).as_deref(), Some("200"));
        assert!(page.mentions("adobeims-configuration") && !page.mentions("blockiert"));
        assert_eq!(page.language(), Some("de"));
        let item = page.with_class("li-bullet").next().expect("it is there");
        assert_eq!(page.text(item), "Warteschlange ist blockiert");
    }

    #[test]
    fn what_does_not_end_is_not_looked_for_again_and_again() {
        // Read once this takes no time; read once for each `<` it would take hours.
        let attributes: String = (0..500_000).map(|n| format!(" a{n}")).collect();
        for never in ["<a", "<!--", "</", "<", "<b>", "</b>"] {
            let _ = lines(&never.repeat(100_000));
        }
        let _ = lines(&format!("<a{attributes}>"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(page in ".*", tail in "(<|</|<!|<!--|&#|&#x110000;|<script|>|ü){0,9}") {
            let all = lines(&format!("{page}{tail}"));
            proptest::prop_assert!(all.iter().all(|line| !line.is_empty()));
        }
    }
}
