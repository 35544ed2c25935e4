//! Texts within a text, in base64 or in hex digits.

use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine as _;
use data_encoding::HEXLOWER_PERMISSIVE;
use regex::Regex;

use super::value::LENIENT;

/// The shortest run that is looked into, in characters.
const SHORTEST: usize = 24;

/// How much of a run shows whether it may be a text, in characters: a multiple of what base64 groups.
const FIRST: usize = 16;

/// The runs of base64 or hex digits in a text that are long enough to hold a name and a value.
pub(super) fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let mut at = 0;
    std::iter::from_fn(move || {
        // From behind, most of a text is passed over: a run that begins here cannot go past what is not allowed.
        while let Some(next) = bytes.get(at..at + SHORTEST) {
            if let Some(last) = next.iter().rposition(|byte| !allowed(byte)) {
                at += last + 1;
                continue;
            }
            let start = at;
            at = bytes[at..].iter().position(|byte| !allowed(byte)).map_or(bytes.len(), |length| start + length);
            return Some(start..at);
        }
        None
    })
}

/// A longer run is no user and password, in characters.
const LOGIN: usize = 512;

/// So many texts that may begin in a run are decoded: each is as long as the rest of it.
const STARTS: usize = 8;

/// Runs of base64 that writers broke into lines of equal length, as MIME asks for: the pieces of each.
pub(super) fn blocks(text: &str) -> Vec<Vec<Range<usize>>> {
    let mut blocks = Vec::new();
    let mut seen = 0;
    for run in runs(text) {
        if run.start < seen {
            continue;
        }
        let mut block = vec![run];
        while let Some(next) = continuation(text, block[block.len() - 1].end) {
            // Before the first line a name may stand.
            let length = if block.len() > 1 { block[1].len() } else { block[0].len() };
            if next.len() > length {
                break;
            }
            let is_last = next.len() < length;
            block.push(next);
            if is_last && block.len() > 2 {
                break;
            }
        }
        seen = block[block.len() - 1].end;
        if block.len() > 1 {
            blocks.push(block);
        }
    }
    blocks
}

/// The base64 at the beginning of the line below.
fn continuation(text: &str, end: usize) -> Option<Range<usize>> {
    let rest = &text[end..];
    let below = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    let line = below.trim_start_matches([' ', '\t']);
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "+/-_".contains(letter);
    let length = line.find(|letter: char| !allowed(letter)).unwrap_or(line.len());
    let start = text.len() - line.len();
    let after = line[length..].trim_start_matches('=');
    // A line of a text has more words.
    let is_whole = after.is_empty() || after.starts_with(['\n', '\r', '"', '\'', '<', '\\', ',']);
    (length > 0 && is_whole).then_some(start..start + length)
}

/// What the pieces say, from each place where it may begin.
pub(super) fn decoded_block(text: &str, block: &[Range<usize>]) -> Vec<String> {
    let whole: String = block.iter().map(|piece| &text[piece.clone()]).collect();
    let first = &text[block[0].clone()];
    starts(first).filter_map(|start| decoded(&whole[start..])).collect()
}

/// Hex digits in pairs with something between them: `7b:22:70`, `7b 22 70`.
pub(super) fn separated_hex(text: &str) -> impl Iterator<Item = Range<usize>> {
    static PAIRS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("(?:[0-9A-Fa-f]{2}:){11,}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}[ -]){11,}[0-9A-Fa-f]{2}")
            .expect("a constant pattern")
    });
    PAIRS.find_iter(text).map(|found| found.range())
}

/// What such pairs say.
pub(super) fn decoded_hex(pairs: &str) -> Option<String> {
    let digits: String = pairs.chars().filter(char::is_ascii_hexdigit).collect();
    text(&HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?)
}

/// Where in a run the encoded text may begin: at its start, or after a path or a name before it, or after `0x`.
pub(super) fn starts(run: &str) -> impl Iterator<Item = usize> {
    let hex = run.starts_with("0x").then_some(2);
    let after = run.bytes().enumerate().filter(|(_, byte)| b"/-_+".contains(byte)).map(|(at, _)| at + 1);
    let all = std::iter::once(0).chain(hex).chain(after).take_while(|start| run.len() - start >= SHORTEST);
    all.filter(|start| begins_text(&run[*start..])).take(STARTS)
}

/// What a run says, if it is a text.
pub(super) fn decoded(run: &str) -> Option<String> {
    if run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        // An odd number of digits may lack the last one.
        return text(&HEXLOWER_PERMISSIVE.decode(&run.as_bytes()[..run.len() / 2 * 2]).ok()?);
    }
    if run.len() <= LOGIN
        && let Some(login) = sasl_plain(&base64(run)?)
    {
        return Some(login);
    }
    text(&base64(run)?)
}

/// Whether the beginning of a run may be that of a text. Most long runs are paths and names of classes.
fn begins_text(run: &str) -> bool {
    let first = &run[..FIRST.min(run.len())];
    let is_login = |bytes: &[u8]| {
        let plain = |text: &str| text.chars().all(|letter| letter == '\0' || !letter.is_control());
        run.len() <= LOGIN && bytes.contains(&0) && std::str::from_utf8(bytes).is_ok_and(plain)
    };
    let begins = |bytes: Vec<u8>| text(&bytes).is_some() || is_login(&bytes);
    first.bytes().all(|byte| byte.is_ascii_hexdigit()) || base64(first).is_some_and(begins)
}

/// User and password as SASL sends them, with names before them: nobody has to know how it separates them.
fn sasl_plain(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let parts: Vec<&str> = text.split('\0').collect();
    let [_, user, password] = parts.as_slice() else { return None };
    let is_text = |part: &&str| !part.contains(char::is_control);
    let is_login = parts.iter().all(is_text) && !user.is_empty() && !password.is_empty();
    is_login.then(|| format!("user={user}\npassword={password}"))
}

fn base64(run: &str) -> Option<Vec<u8>> {
    let standard = run.replace('-', "+").replace('_', "/");
    LENIENT.decode(&standard[..standard.len() / 4 * 4]).ok()
}

/// Bytes as a text, in UTF-8 or UTF-16.
fn text(bytes: &[u8]) -> Option<String> {
    let text = in_wide_units(bytes).or_else(|| match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        // The last letter may not be complete.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok().map(str::to_owned)
        }
        Err(_) => in_latin1(bytes),
    })?;
    text.chars().all(|letter| !letter.is_control() || letter.is_whitespace()).then_some(text)
}

/// Bytes in Latin-1. Nearly every letter of a structure is of ASCII, at its start all are, and of those above the first are
/// controls.
fn in_latin1(bytes: &[u8]) -> Option<String> {
    let ascii = bytes.iter().filter(|byte| byte.is_ascii()).count();
    let begins = bytes.iter().take(6).all(u8::is_ascii);
    let is_text = begins && ascii * 4 >= bytes.len() * 3 && !bytes.iter().any(|byte| (0x7f..0xa0).contains(byte));
    is_text.then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
}

/// Bytes in UTF-16 or UTF-32, which is told by the zeros between the letters or by the mark at the start.
pub(crate) fn in_wide_units(body: &[u8]) -> Option<String> {
    let start = &body[..body.len().min(512)];
    // Of the bytes at each place within four, whether nearly all are zero.
    let zeros: [bool; 4] = std::array::from_fn(|place| {
        let at_place = start.iter().skip(place).step_by(4);
        let count = at_place.clone().count();
        count > 0 && at_place.filter(|byte| **byte == 0).count() * 10 > count * 8
    });
    let units = |unit: fn([u8; 2]) -> u16| -> String {
        let units = body.chunks_exact(2).map(|bytes| unit([bytes[0], bytes[1]]));
        char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    let letters = |unit: fn([u8; 4]) -> u32| -> String {
        let units = body.chunks_exact(4).map(|bytes| unit([bytes[0], bytes[1], bytes[2], bytes[3]]));
        units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match (zeros, start) {
        ([false, true, true, true], _) => Some(letters(u32::from_le_bytes)),
        ([true, true, true, false], _) => Some(letters(u32::from_be_bytes)),
        ([false, true, false, true], _) | (_, [0xff, 0xfe, ..]) => Some(units(u16::from_le_bytes)),
        ([true, false, true, false], _) | (_, [0xfe, 0xff, ..]) => Some(units(u16::from_be_bytes)),
        _ => None,
    }
}
