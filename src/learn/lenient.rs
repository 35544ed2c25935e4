//! JSON as recorders write it: with half a surrogate pair, with numbers that JSON does not have, and with commas too many.

use std::io::{self, BufRead, Read};

/// The longest text that has to be looked at to decide what a byte means, in bytes: two escapes of four digits.
const LOOKED_AHEAD: usize = 12;

/// What JSON has no word for, and writes as `null`.
const NO_VALUES: [&[u8]; 6] = [b"-Infinity", b"Infinity", b"-NaN", b"NaN", b"undefined", b"None"];

/// A text that is read as valid JSON, as far as it can be: an incomplete surrogate pair becomes U+FFFD, `NaN` becomes `null`.
pub(super) struct Lenient<R> {
    inner: R,
    /// Bytes that are not decided yet.
    pending: Vec<u8>,
    /// Bytes to give out, and how many of them were.
    ready: Vec<u8>,
    given: usize,
    is_string: bool,
    /// A comma was read, and what follows it not yet.
    has_comma: bool,
    ended: bool,
}

impl<R: BufRead> Lenient<R> {
    pub(super) const fn new(inner: R) -> Self {
        Self {
            inner,
            pending: Vec::new(),
            ready: Vec::new(),
            given: 0,
            is_string: false,
            has_comma: false,
            ended: false,
        }
    }

    /// Reads more, and decides what can be decided.
    fn fill(&mut self) -> io::Result<()> {
        let more = self.inner.fill_buf()?;
        let count = more.len();
        self.pending.extend_from_slice(more);
        self.inner.consume(count);
        self.ended = count == 0;
        let pending = std::mem::take(&mut self.pending);
        let mut at = 0;
        while at < pending.len() && (self.ended || pending.len() - at >= LOOKED_AHEAD) {
            at += if self.is_string { self.within_string(&pending[at..]) } else { self.outside(&pending[at..]) };
        }
        self.pending = pending[at..].to_vec();
        Ok(())
    }

    /// Takes what a string begins with, and returns its length.
    fn within_string(&mut self, text: &[u8]) -> usize {
        match text[0] {
            b'"' => self.is_string = false,
            b'\\' => return self.escape(text),
            // A line break that was not escaped.
            0..0x20 => {
                self.ready.push(b' ');
                return 1;
            }
            _ => {}
        }
        self.ready.push(text[0]);
        1
    }

    fn escape(&mut self, text: &[u8]) -> usize {
        let length = match text.get(1) {
            Some(b'u') => match (unit(text), text.get(6..).and_then(unit)) {
                (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
                (Some(0xd800..0xe000), _) => {
                    self.ready.extend_from_slice(b"\\ufffd");
                    return 6;
                }
                _ => 2,
            },
            // An escape of JavaScript alone.
            Some(b'\'') => {
                self.ready.push(b'\'');
                return 2;
            }
            _ => 2,
        };
        let length = length.min(text.len());
        self.ready.extend_from_slice(&text[..length]);
        length
    }

    fn outside(&mut self, text: &[u8]) -> usize {
        let first = text[0];
        // Some recorders fill the file up with zero bytes.
        if first == 0 || first.is_ascii_whitespace() {
            self.ready.push(if first == 0 { b' ' } else { first });
            return 1;
        }
        if std::mem::take(&mut self.has_comma) && !matches!(first, b']' | b'}') {
            self.ready.push(b',');
        }
        if let Some(word) = NO_VALUES.iter().find(|word| text.starts_with(word)) {
            self.ready.extend_from_slice(b"null");
            return word.len();
        }
        if first == b',' {
            self.has_comma = true;
        } else {
            self.is_string = first == b'"';
            self.ready.push(first);
        }
        1
    }
}

/// The unit of UTF-16 that an escape at the start of a text stands for.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.get(..6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?, 16).ok()
}

impl<R: BufRead> Read for Lenient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !(self.ended && self.pending.is_empty()) {
            self.ready.clear();
            self.given = 0;
            self.fill()?;
        }
        let count = buffer.len().min(self.ready.len() - self.given);
        buffer[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(text: &str, at_once: usize) -> String {
        let mut read = String::new();
        let text = BufReader::with_capacity(at_once, text.as_bytes());
        Lenient::new(text).read_to_string(&mut read).expect("it is text");
        read
    }

    #[test]
    fn what_is_no_json_is_read_as_the_json_that_is_meant() {
        for (text, meant) in [
            (r#"{"a":"x\ud83dy"}"#, r#"{"a":"x\ufffdy"}"#),
            (r#"["\ude00","\ud83d\ud83d\ude00","\ud83d"]"#, r#"["\ufffd","\ufffd\ud83d\ude00","\ufffd"]"#),
            ("[NaN, -Infinity,Infinity , undefined]", "[null, null,null ,null]"),
            ("[1,2 ,\n]", "[1,2 \n]"),
            ("{\"a\":\"b\nc\",\"d\":\"NaN, ]\"}", "{\"a\":\"b c\",\"d\":\"NaN, ]\"}"),
            (r#"["\\ud83d","\"NaN","it\'s"]"#, r#"["\\ud83d","\"NaN","it's"]"#),
            ("{}\0\0", "{}  "),
            (r#"["\u"#, r#"["\u"#),
            ("", ""),
        ] {
            for at_once in [1, 7, 4096] {
                let plain = |text: &str| text.replace(' ', "");
                assert_eq!(plain(&read(text, at_once)), plain(meant), "{text}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn valid_json_means_the_same(text in "(\\PC|\\\\|\"|NaN|,|\\]|\\\\ud83d|\n){0,40}", number in 0..9_u8) {
            let value = serde_json::json!({"a": [text, number], "b": {text.as_str(): null}});
            let read = read(&value.to_string(), 16);
            proptest::prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&read).ok(), Some(value));
        }
    }
}
