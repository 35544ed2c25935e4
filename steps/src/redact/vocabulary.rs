//! The program's own words: the names of verdicts, levels and fields, and the words of the facts about the systems. Such a
//! word occurs in every report, even if it is also a password.

use std::sync::LazyLock;

use bpconform_fixtures::facts;
use memchr::memmem::Finder;

/// Longer values are neither words nor phrases of them.
const LONGEST: usize = 40;

/// Words of the record and of reports that no fixture holds.
const WORDS: [&str; 12] = [
    "changeit",
    "passed",
    "password",
    "internal",
    "interrupted",
    "not-applicable",
    "applicable",
    "inconclusive",
    "conforms",
    "bpconform",
    "localhost",
    "undefined",
];

/// The names that the formats of reports have, which are not those of the record. Without them a report is not well-formed.
const FORMATS: [&str; 4] = [
    // JUnit
    "testsuites testsuite testcase classname timestamp encoding version skipped failure rerunFailure flakyFailure \
     rerunError flakyError stackTrace system-out system-err properties property disabled failures errors",
    // HAR and SARIF
    "creator browser startedDateTime pageTimings onContentLoad onLoad pageref httpVersion cookies headers queryString \
     headersSize bodySize statusText mimeType redirectURL timings postData params request response receive connect blocked \
     entries comment driver semanticVersion informationUri shortDescription helpUri defaultConfiguration invocations \
     executionSuccessful exitCode startTimeUtc endTimeUtc columnKind utf16CodeUnits physicalLocation artifactLocation region \
     startLine partialFingerprints ruleIndex relatedLocations $schema",
    // CTRF
    "reportFormat specVersion generatedBy timestamp rawStatus filePath appName appVersion testEnvironment osPlatform \
     exitCode results summary environment duration retries message pending suite",
    // Cucumber Messages
    "protocolVersion implementation runtime mediaType gherkinDocument location column keywordType Context Outcome Action \
     Conjunction Unknown dataTable docString comments children background scenario examples tableHeader tableBody pickle \
     pickles astNodeIds astNodeId argument testRunStarted testCase pickleId testSteps pickleStepId stepDefinitionIds \
     stepMatchArgumentsLists stepMatchArguments testRunStartedId testCaseStarted testCaseStartedId testCaseId \
     testStepStarted testStepId testStepFinished testStepResult testCaseFinished willBeRetried attachment contentEncoding \
     IDENTITY BASE64 testRunFinished success nanos seconds",
];

/// What HTML reports are made of.
const PAGE: [&str; 3] = [
    include_str!("../../../src/report/templates/report.html.j2"),
    include_str!("../../../src/report/templates/report.css"),
    include_str!("../../../src/report/templates/report.js"),
];

/// Whether a value is one of these words, several of them as one name, or a phrase of them: `Brand Portal`.
pub(super) fn holds(value: &str) -> bool {
    value.len() <= LONGEST && value.split(' ').all(holds_word)
}

fn holds_word(value: &str) -> bool {
    static LOWER: LazyLock<Vec<String>> = LazyLock::new(|| {
        [&facts::TEXTS[..], &FORMATS, &PAGE].concat().into_iter().map(str::to_ascii_lowercase).collect()
    });
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-/".contains(&byte);
    if value.is_empty() || !value.bytes().all(plain) {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    WORDS.contains(&lower.as_str()) || LOWER.iter().any(|text| is_word_of(&lower, text))
}

fn is_word_of(word: &str, text: &str) -> bool {
    let finder = Finder::new(word);
    let mut from = 0;
    while let Some(further) = finder.find(&text.as_bytes()[from..]) {
        let (start, end) = (from + further, from + further + word.len());
        if !touches(text[..start].chars().next_back()) && !touches(text[end..].chars().next()) {
            return true;
        }
        from = start + 1;
    }
    false
}

fn touches(neighbour: Option<char>) -> bool {
    neighbour.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reports_are_made_of_are_words() {
        for word in
            ["timestamp", "testcase", "testsuites", "pickle", "testStepId", "script", "legend", "fieldset", "helpUri"]
        {
            assert!(holds(word), "{word}");
        }
        assert!(holds("Brand Portal") && holds("Access Token") && !holds("Brand horse"));
    }
}
