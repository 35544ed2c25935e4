//! Texts within a text, in base64 or in hex digits.

use std::ops::Range;

use base64::Engine as _;
use data_encoding::HEXLOWER_PERMISSIVE;

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

/// So many texts that may begin in a run are decoded: each is as long as the rest of it.
const STARTS: usize = 8;

/// Where in a run the encoded text may begin: at its start, or after a path or a name before it.
pub(super) fn starts(run: &str) -> impl Iterator<Item = usize> {
    let after = run.bytes().enumerate().filter(|(_, byte)| b"/-_+".contains(byte)).map(|(at, _)| at + 1);
    let all = std::iter::once(0).chain(after).take_while(|start| run.len() - start >= SHORTEST);
    all.filter(|start| begins_text(&run[*start..])).take(STARTS)
}

/// What a run says, if it is a text.
pub(super) fn decoded(run: &str) -> Option<String> {
    if run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        // An odd number of digits may lack the last one.
        return text(&HEXLOWER_PERMISSIVE.decode(&run.as_bytes()[..run.len() / 2 * 2]).ok()?);
    }
    text(&base64(run)?)
}

/// Whether the beginning of a run may be that of a text. Most long runs are paths and names of classes.
fn begins_text(run: &str) -> bool {
    let first = &run[..FIRST.min(run.len())];
    first.bytes().all(|byte| byte.is_ascii_hexdigit()) || base64(first).is_some_and(|bytes| text(&bytes).is_some())
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
        Err(_) => None,
    })?;
    text.chars().all(|letter| !letter.is_control() || letter.is_whitespace()).then_some(text)
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
