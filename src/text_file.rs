//! Text files as the programs of people save them: with or without a byte-order mark, in UTF-8 or UTF-16.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufRead, Read};
use std::path::Path;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// Reads a whole file.
///
/// # Errors
///
/// The file cannot be read, or is not text; the message names the line.
pub fn read(file: &Path) -> io::Result<String> {
    text(fs::read(file)?).map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem))
}

/// The text of a file.
///
/// # Errors
///
/// The line that is not valid in the file's encoding, and how to save the file.
pub fn text(bytes: Vec<u8>) -> Result<String, String> {
    let encoding = encoding(&bytes);
    if encoding == UTF_8 {
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("line {line} is not valid UTF-8; save the file as UTF-8")
        })?;
        return Ok(without_mark(text));
    }
    let (text, _, malformed) = encoding.decode(&bytes);
    if malformed {
        return Err(format!("it is not valid {}; save the file as UTF-8", encoding.name()));
    }
    Ok(text.into_owned())
}

fn without_mark(text: String) -> String {
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

/// A text whose lines end with line feeds. A lone carriage return, as old editors write it, also ends a line.
pub fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text.into() }
}

/// Decodes a file in chunks, since it may be too large to be read at once. Invalid bytes become U+FFFD.
pub fn decoded(mut reader: impl BufRead) -> io::Result<impl Read> {
    let encoding = encoding(reader.fill_buf()?);
    Ok(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(true).build(reader))
}

/// The encoding according to the byte-order mark. Without one, UTF-16 is recognised by the zero byte of its first
/// character, which is an ASCII one in all the formats that are read here.
fn encoding(bytes: &[u8]) -> &'static Encoding {
    match (Encoding::for_bom(bytes), bytes) {
        (Some((encoding, _)), _) => encoding,
        (None, [0, second, ..]) if *second != 0 => UTF_16BE,
        (None, [first, 0, ..]) if *first != 0 => UTF_16LE,
        (None, _) => UTF_8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_of_a_text_is_read() {
        let files = [
            "a = ü\n".as_bytes().to_vec(),
            "\u{feff}a = ü\n".as_bytes().to_vec(),
            utf16("\u{feff}a = ü\n", u16::to_le_bytes),
            utf16("\u{feff}a = ü\n", u16::to_be_bytes),
            utf16("a = ü\n", u16::to_le_bytes),
            utf16("a = ü\n", u16::to_be_bytes),
        ];
        for file in files {
            assert_eq!(text(file.clone()).as_deref(), Ok("a = ü\n"), "{file:?}");
            let mut streamed = String::new();
            decoded(file.as_slice()).and_then(|mut reader| reader.read_to_string(&mut streamed)).expect("it is text");
            assert_eq!(streamed, "a = ü\n", "{file:?}");
        }
        assert_eq!(text(Vec::new()).as_deref(), Ok(""));
    }

    #[test]
    fn what_is_no_text_is_told_by_its_line() {
        assert_eq!(text(b"a\nb\xfcc".to_vec()), Err("line 2 is not valid UTF-8; save the file as UTF-8".to_owned()));
        let half = [0xff, 0xfe, b'a', 0, 0x00, 0xd8];
        assert_eq!(text(half.to_vec()), Err("it is not valid UTF-16LE; save the file as UTF-8".to_owned()));
    }
}
