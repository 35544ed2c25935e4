//! Texts that a writer broke into pieces: the records of a wire log, and quoted-printable lines.
//!
//! A wire log writes each read and each write of a socket as a record with its own time and `>> ` or `<< `, so that a secret
//! or its name may be split over two of them. Here the pieces are put together without what stands between them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Pieces of a text, put together.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) text: String,
    /// Where each piece begins here, and where it stands in the text.
    pieces: Vec<(usize, Range<usize>)>,
}

impl Joined {
    fn push(&mut self, text: &str, piece: Range<usize>) {
        self.pieces.push((self.text.len(), piece.clone()));
        self.text.push_str(&text[piece]);
    }

    /// The parts of the original text that a part of this one was made of.
    pub(super) fn back(&self, part: &Range<usize>) -> Vec<Range<usize>> {
        let within = |(at, piece): &(usize, Range<usize>)| {
            let (start, end) = (part.start.max(*at), part.end.min(at + piece.len()));
            (start < end).then(|| piece.start + start - at..piece.start + end - at)
        };
        self.pieces.iter().filter_map(within).collect()
    }
}

/// A line of a text that has records.
struct Line {
    /// What it says, without time, level and arrow.
    said: Range<usize>,
    /// `true` for a sent record, `false` for a received one, `None` for any other line.
    sent: Option<bool>,
    /// Whether it begins with a time.
    is_dated: bool,
}

/// Whether a text may have records.
fn may_hold(text: &str) -> bool {
    static ARROW: LazyLock<Regex> = LazyLock::new(|| Regex::new("<<|>>|&[gl]t;&[gl]t;").expect("a constant pattern"));
    memchr::memchr3(b'<', b'>', b'&', text.as_bytes()).is_some() && ARROW.is_match(text)
}

/// The lines of a text, however it breaks them.
fn lines(text: &str) -> Vec<Line> {
    static BREAK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)[\r\n]+|</?(?:br|hr|p|div|li|ul|tr|td|dd|dt|pre|code)(?:[ /][^<>]*)?>")
            .expect("a constant pattern")
    });
    let mut lines = Vec::new();
    let mut start = 0;
    for found in BREAK.find_iter(text) {
        lines.extend(line(text, start..found.start()));
        start = found.end();
    }
    lines.extend(line(text, start..text.len()));
    lines
}

/// The longest text that stands before an arrow, in bytes.
const PREFIX: usize = 320;

/// One line: AEM writes a time, perhaps a level, perhaps the names of a thread and of a connection, and an arrow.
fn line(text: &str, part: Range<usize>) -> Option<Line> {
    static ARROW: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("(?:>>|<<|&gt;&gt;|&lt;&lt;) ?").expect("a constant pattern"));
    static BEFORE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("[0-9]:[0-9][0-9]:[0-9][0-9]|http-outgoing|wire").expect("a constant pattern"));
    static DATED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?x)^[A-Za-z0-9\ ,./\[T-]{0,32}?[0-9]{1,2}:[0-9][0-9]:[0-9][0-9](?:[.,][0-9]+)?
            (?:\ ?[AaPp]\.?[Mm]\b\.?)?(?:Z|[+-][0-9][0-9]:?[0-9][0-9])?[\]\ -]*
            (?:[*\[]?(?:ERROR|WARNING|WARN|INFO|DEBUG|TRACE)\b[*\]]?)?[\ :-]*",
        )
        .expect("a constant pattern")
    });
    let line = &text[part.clone()];
    if line.trim().is_empty() {
        return None;
    }
    let is_prefix = |before: &str| before.trim().is_empty() || (before.len() <= PREFIX && BEFORE.is_match(before));
    let Some(arrow) = ARROW.find(line).filter(|arrow| is_prefix(&line[..arrow.start()])) else {
        let prefix = DATED.find(line).map_or(0, |found| found.end());
        return Some(Line { said: part.start + prefix..part.end, sent: None, is_dated: prefix > 0 });
    };
    let sent = arrow.as_str().starts_with(">>") || arrow.as_str().starts_with("&gt;");
    let begin = arrow.end();
    Some(Line { said: unquoted(text, part.start + begin..part.end), sent: Some(sent), is_dated: true })
}

/// A record without its quotation marks and without the names of the line break that it ends with.
fn unquoted(text: &str, part: Range<usize>) -> Range<usize> {
    let said = &text[part.clone()];
    let quote = ["\"", "&quot;"]
        .into_iter()
        .find(|quote| said.len() >= 2 * quote.len() && said.starts_with(quote) && said.trim_end().ends_with(quote));
    let (start, said) = quote.map_or((part.start, said), |quote| {
        (part.start + quote.len(), &said.trim_end()[quote.len()..said.trim_end().len() - quote.len()])
    });
    let said = said.strip_suffix("[\\n]").map_or(said, |said| said.strip_suffix("[\\r]").unwrap_or(said));
    start..start + said.len()
}

/// Each text that continues from one record to the next, or in the lines below a record. A record that begins another line
/// of HTTP, such as a header, does not continue the previous one.
pub(super) fn continued(text: &str) -> Vec<Joined> {
    if !may_hold(text) {
        return Vec::new();
    }
    let mut all: Vec<Joined> = Vec::new();
    let mut last = None;
    for line in lines(text) {
        let sent = if line.is_dated { line.sent } else { last };
        let open = all
            .last_mut()
            .filter(|open| sent.is_some() && sent == last && continues(&open.text, &text[line.said.clone()]));
        if let Some(open) = open {
            open.push(text, line.said);
        } else {
            let mut begun = Joined::default();
            begun.push(text, line.said);
            all.push(begun);
        }
        last = sent;
    }
    all.retain(|joined| joined.pieces.len() > 1);
    all
}

/// Whether a record continues what the records before it began.
fn continues(before: &str, next: &str) -> bool {
    static HEADER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^(?<name>[A-Za-z][A-Za-z0-9_-]*):(?:\s|$)").expect("a constant pattern"));
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("^[A-Za-z][A-Za-z0-9_-]*$").expect("a constant pattern"));
    if before.trim().is_empty() || next.trim().is_empty() || next.starts_with("HTTP/") || before.starts_with("HTTP/") {
        return false;
    }
    if HEADER.is_match(next) {
        return NAME.is_match(before);
    }
    let Some(header) = HEADER.find(before) else { return true };
    let value = before[header.end()..].trim();
    // A folded line, or a header whose value is still to come.
    if next.starts_with([' ', '\t']) || value.is_empty() {
        return true;
    }
    let mut words = next.split_whitespace();
    let first = words.next().unwrap_or_default();
    !next.starts_with(['{', '[', '<'])
        && (words.next().is_none()
            || first.ends_with([';', ',', '&'])
            || first.contains(|it: char| it.is_ascii_digit() || it == '='))
}

/// A text as it was before it was broken, in each way that is possible: only for secrets that the run knows, since what is
/// not continued is put together too.
pub(super) fn rejoined(text: &str) -> Vec<Joined> {
    let mut all = Vec::new();
    all.extend(without_soft_breaks(text));
    if !may_hold(text) {
        return all;
    }
    let lines = lines(text);
    if lines.len() < 2 || lines.iter().all(|line| line.sent.is_none()) {
        return all;
    }
    // Between the parts of a body the sizes of its chunks may stand.
    let is_size = |line: &&Line| {
        let said = text[line.said.clone()].trim();
        line.sent.is_some() && said.len() <= 8 && said.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    let mut join = |lines: &[&Line]| {
        let mut joined = Joined::default();
        lines.iter().for_each(|line| joined.push(text, line.said.clone()));
        all.extend(Some(joined).filter(|joined| joined.pieces.len() > 1));
    };
    let every: Vec<&Line> = lines.iter().collect();
    let sent: Vec<&Line> = lines.iter().filter(|line| line.sent == Some(true)).collect();
    let received: Vec<&Line> = lines.iter().filter(|line| line.sent == Some(false)).collect();
    for lines in [every, sent, received] {
        if lines.iter().any(is_size) {
            join(&lines.iter().copied().filter(|line| !is_size(line)).collect::<Vec<_>>());
        }
        join(&lines);
    }
    all
}

/// A text without the soft line breaks of quoted-printable.
fn without_soft_breaks(text: &str) -> Option<Joined> {
    let bytes = text.as_bytes();
    let mut joined = Joined::default();
    let mut start = 0;
    for at in memchr::memchr_iter(b'\n', bytes) {
        let line = &text[start.min(at)..at];
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some(kept) = line.strip_suffix('=') {
            joined.push(text, start..start + kept.len());
            start = at + 1;
        }
    }
    if start == 0 {
        return None;
    }
    joined.push(text, start..text.len());
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> Vec<String> {
        continued(text).into_iter().map(|joined| joined.text).collect()
    }

    #[test]
    fn records_that_continue_are_put_together() {
        for (first, next) in [
            ("2026-11-29 13:07:59 - &gt;&gt; ", "<br>\n2026-11-29 13:07:59 - &gt;&gt; "),
            ("29.11.2026 13:07:59.123 *DEBUG* [x] org.apache.http.wire http-outgoing-3 >> ", "\r\nhttp-outgoing-3 >> "),
            ("11/29/2026, 1:07:59 PM - << ", "</p><p>11/29/2026, 1:07:59 PM - << "),
            (">> ", "\n>> "),
            ("<span>2026-11-29 13:07:59</span> - INFO - >> ", "\n"),
        ] {
            let text = format!("{first}Authorization: Bearer abc{next}def-1<br>");
            assert_eq!(joined(&text), ["Authorization: Bearer abcdef-1"], "{text}");
        }
        assert_eq!(joined(">> Authorization: Bearer\n>>  abc"), ["Authorization: Bearer abc"]);
        assert_eq!(joined(">> X-Auth-Tok\n>> en: abc"), ["X-Auth-Token: abc"]);
        assert_eq!(joined(">> \"Cookie: a=b\"\n>> \"c=d; e[\\r][\\n]\""), ["Cookie: a=bc=d; e"]);
    }

    #[test]
    fn a_line_of_its_own_continues_nothing() {
        for text in [
            ">> POST /a HTTP/1.0\n>> X-Auth-Token: abc\n>> Path: /content/dam",
            "<< HTTP/1.1 200 OK\n<< Set-Cookie: a=b\n<<\n<< ReplicationAction TEST ok",
            "<< Set-Cookie: a=b\n<< ReplicationAction TEST ok",
            ">> X-Auth-Token: abc\n<< def",
            ">> X-Auth-Token: abc\n2026-11-29 13:07:59 - Message sent.",
            "a >> b\nc >> d",
        ] {
            assert!(joined(text).is_empty(), "{text}: {:?}", joined(text));
        }
    }
}
