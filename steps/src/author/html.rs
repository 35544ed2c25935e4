//! Pages for people as lines of text: what the agents' test, log and console pages say.

/// Tags that end a line of the page.
const BLOCKS: [&str; 16] =
    ["br", "div", "h1", "h2", "h3", "h4", "hr", "li", "p", "pre", "table", "td", "th", "title", "tr", "ul"];

/// The text of a page: one entry for each line that a reader sees, without tags, entities decoded, empty lines left out.
/// Text that is not well formed is kept as text; nothing makes it fail, and nothing makes it read a page twice.
pub fn lines(page: &str) -> Vec<String> {
    let mut text = String::with_capacity(page.len());
    let mut rest = page;
    let mut comments_end = true;
    while let Some(start) = rest.find('<') {
        text += &rest[..start];
        rest = &rest[start..];
        match tag(rest, &mut comments_end) {
            Tag::Whole(name, after) => {
                if BLOCKS.contains(&name.trim_start_matches('/')) {
                    text.push('\n');
                }
                rest = without_content(&name, after);
            }
            Tag::None => {
                text.push('<');
                rest = &rest[1..];
            }
            Tag::Open => break,
        }
    }
    text += rest;
    let line = |line: &str| html_escape::decode_html_entities(line.trim()).trim().to_owned();
    text.lines().map(line).filter(|line| !line.is_empty()).collect()
}

/// What begins at a `<`.
enum Tag<'a> {
    /// A tag, by its name in lower case and with the slash of a closing one, and what follows it.
    Whole(String, &'a str),
    /// Text.
    None,
    /// A tag that does not end, so that no other one after it does.
    Open,
}

/// Reads a tag. `<` begins one only before a letter, `/` or `!`: a transcript's `<< HTTP/1.1 200 OK` is text, as it is for a
/// browser. `comments_end` remembers when no comment ends any more.
fn tag<'a>(text: &'a str, comments_end: &mut bool) -> Tag<'a> {
    let inside = &text[1..];
    if !inside.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/' || first == '!') {
        return Tag::None;
    }
    let end = if inside.starts_with("!--") {
        let end = if *comments_end { inside.find("-->") } else { None };
        *comments_end = end.is_some();
        match end {
            Some(end) => end + 2,
            None => return Tag::None,
        }
    } else {
        match inside.find('>') {
            Some(end) => end,
            None => return Tag::Open,
        }
    };
    let length = inside[1..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(inside.len(), |length| length + 1);
    Tag::Whole(inside[..length].to_ascii_lowercase(), &inside[end + 1..])
}

/// Leaves out what stands inside a script or a style, which nobody reads.
fn without_content<'a>(name: &str, after: &'a str) -> &'a str {
    if name != "script" && name != "style" {
        return after;
    }
    after.find(&format!("</{name}")).map_or("", |end| &after[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_a_person_reads_it() {
        let page = "<h1>Test of <i>agent</i></h1>2 &gt; 1 &amp; so<br>\n- << HTTP/1.1 200 OK<br/><hr>Done <b>well</b>";
        assert_eq!(lines(page), ["Test of agent", "2 > 1 & so", "- << HTTP/1.1 200 OK", "Done well"]);
    }

    #[test]
    fn scripts_and_comments_are_not_read() {
        assert_eq!(lines("a<script>if (a<b) succeeded()</script><!-- > succeeded -->b"), ["ab"]);
        assert_eq!(lines("a</script>b"), ["ab"]);
        assert_eq!(lines("a<!-- b<br>c"), ["a<!-- b", "c"]);
    }

    #[test]
    fn what_does_not_end_is_text_and_is_not_looked_for_again_and_again() {
        // Read once this takes no time; read once for each `<` it would take hours.
        for never in ["<a", "<!--", "</", "<"] {
            let page = never.repeat(2_000_000);
            assert_eq!(lines(&page), [page]);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(page in ".*", tail in "(<|</|<!|<!--|&#|&#x110000;|<script|>|ü){0,9}") {
            let all = lines(&format!("{page}{tail}"));
            proptest::prop_assert!(all.iter().all(|line| !line.is_empty()));
        }
    }
}
