//! Texts of a target that try to steer whoever reads a report: harmless in every format.

use bpconform::record::Record;
use bpconform::report::ReportFormat;
use bpconform_steps::evidence::Outcome;

use super::sample;

/// What the title of an agent may hold.
const TITLE: &str = "Agent\u{1b}[31mred\u{1b}[8m\u{1b}]8;;http://evil.example\u{7}link\u{1b}]8;;\u{7}\rgone\n::error::x\n\
    \t##vso[task.setvariable variable=a]b\n##teamcity[x]\n##[error]y\nsection_start:1:x\n<script>alert(1)</script>\
    \"><img src=x onerror=alert(1)>\u{202e}txt.exe\u{2066}\u{2028}\u{9b}2J\u{85} [a](javascript:b) | @all `c` $(d)";

/// A record in which every text of the target is that title.
fn record() -> Record {
    let mut record = sample::failing();
    record.target.product = Some(TITLE.into());
    record.left_behind.push(TITLE.into());
    record.requirements.iter_mut().filter_map(|it| it.reason.as_mut()).for_each(|reason| *reason += TITLE);
    for scenario in &mut record.scenarios {
        scenario.reason.iter_mut().for_each(|reason| *reason += TITLE);
        scenario.lines.push(TITLE.into());
        scenario.left_behind.push(TITLE.into());
        for step in &mut scenario.steps {
            step.reason.iter_mut().for_each(|reason| *reason += TITLE);
            step.lines.push(TITLE.into());
            step.pages.push(sample::page(TITLE));
            for exchange in &mut step.exchanges {
                exchange.url += TITLE;
                exchange.request_headers.push(("x-title".into(), TITLE.into()));
                exchange.request_body.text += TITLE;
                match &mut exchange.outcome {
                    Outcome::Response { headers, body, .. } => {
                        headers.push(("x-title".into(), TITLE.into()));
                        body.text += TITLE;
                    }
                    Outcome::Error(reason) => *reason += TITLE,
                }
            }
        }
    }
    // The evidence of the causes is what the scenarios say.
    record.judge_again(false);
    record
}

fn steers(letter: char) -> bool {
    let is_direction = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    is_direction || (letter.is_control() && letter != '\n' && letter != '\t')
}

/// A document without what stands between fences, which is shown as it is.
fn without_fenced(text: &str) -> String {
    let mut fence: Option<&str> = None;
    let outside = text.lines().filter(|line| {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line.trim_end() == open => fence = None,
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => return true,
            Some(_) => {}
        }
        false
    });
    outside.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_hostile_title_is_harmless_in_every_format() {
    let record = record();
    for format in ReportFormat::ALL {
        let text = format.render(&record).unwrap_or_else(|error| panic!("{}: {error}", format.word()));
        let word = format.word();
        assert!(text.contains("Agent") && text.contains("red"), "{word} does not show it at all");
        let at = text.find(steers).map(|at| text[..at].chars().rev().take(60).collect::<String>());
        assert_eq!(at, None, "{word} holds a character that steers");
        if matches!(
            format,
            ReportFormat::Json | ReportFormat::Har | ReportFormat::Ctrf | ReportFormat::Sarif | ReportFormat::Messages
        ) {
            text.lines().filter(|_| format == ReportFormat::Messages).for_each(|line| {
                serde_json::from_str::<serde_json::Value>(line).expect("JSON");
            });
            continue;
        }
        for command in ["##vso[", "##teamcity[", "##[", "section_start:"] {
            assert!(!text.contains(command), "{word} holds {command}");
        }
        let own = |line: &str| format == ReportFormat::Annotations && line.contains("title=");
        let command = text.lines().find(|line| line.trim_start().starts_with("::") && !own(line));
        assert_eq!(command, None, "{word} holds a workflow command");
        let is_markup =
            matches!(format, ReportFormat::Html | ReportFormat::Markdown | ReportFormat::Github | ReportFormat::Junit);
        let text = without_fenced(&text);
        assert!(!is_markup || !(text.contains("<script>alert") || text.contains("<img src=x")), "{word} holds markup");
    }
}

#[test]
fn a_hostile_title_is_harmless_in_a_trace() {
    let trace = ReportFormat::Trace.bytes(&record(), &str::to_owned).expect("it is rendered");
    let files = crate::support::unzipped(&trace);
    assert!(files.len() > 4, "{}", files.len());
    for (name, bytes) in files {
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.contains("Agent") && !text.contains(steers), "{name}: {text:?}");
    }
}

#[test]
fn a_scenario_on_the_terminal_is_harmless() {
    let mut terminal = bpconform::report::terminal::Terminal::new(
        bpconform::report::style::Styles::PLAIN,
        bpconform::report::terminal::Detail::Verbose,
    );
    for scenario in record().scenarios {
        let text = terminal.scenario(&scenario.plain());
        assert!(!text.contains(steers), "{text:?}");
    }
}
