//! Pages for people as lines of text: what the agents' test, log and console pages say.

/// Tags that end a line of the page.
const BLOCKS: [&str; 16] =
    ["br", "div", "h1", "h2", "h3", "h4", "hr", "li", "p", "pre", "table", "td", "th", "title", "tr", "ul"];

/// The text of a page: one entry for each line that a reader sees, without tags, entities decoded, empty lines left out.
/// Text that is not well formed is kept as text; nothing makes it fail.
pub fn lines(page: &str) -> Vec<String> {
    let mut text = String::with_capacity(page.len());
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        text += &rest[..start];
        rest = &rest[start..];
        if let Some((name, after)) = tag(rest) {
            if BLOCKS.contains(&name.trim_start_matches('/')) {
                text.push('\n');
            }
            rest = without_content(&name, after);
        } else {
            text.push('<');
            rest = &rest[1..];
        }
    }
    text += rest;
    let line = |line: &str| html_escape::decode_html_entities(line.trim()).trim().to_owned();
    text.lines().map(line).filter(|line| !line.is_empty()).collect()
}

/// The name of the tag that begins here, in lower case and with the slash of a closing one, and what follows the tag. `<`
/// begins a tag only before a letter, `/` or `!`: a transcript's `<< HTTP/1.1 200 OK` is text, as it is for a browser.
fn tag(text: &str) -> Option<(String, &str)> {
    let inside = &text[1..];
    if !inside.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/' || first == '!') {
        return None;
    }
    let end = if inside.starts_with("!--") { inside.find("-->")? + 2 } else { inside.find('>')? };
    let length = inside[1..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(inside.len(), |length| length + 1);
    Some((inside[..length].to_ascii_lowercase(), &inside[end + 1..]))
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
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(page in ".*", tail in "(<|</|<!|<!--|&#|&#x110000;|<script|>|ü){0,9}") {
            let all = lines(&format!("{page}{tail}"));
            proptest::prop_assert!(all.iter().all(|line| !line.is_empty()));
        }
    }
}
