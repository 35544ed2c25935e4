//! What people read: Markdown, and the text of a terminal.

use bpconform::report::ReportFormat;

use super::sample;

#[test]
fn markdown_shows_what_failed_why_and_what_to_do() {
    let text = ReportFormat::Markdown.render(&sample::failing()).expect("rendered");
    for expected in [
        "does not conform",
        "BP-REP-03",
        "#test-integration",
        "401 Unauthorized",
        "What the documentation says",
        "it needs --allow change",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    assert_eq!(
        text.matches("<script>").count(),
        text.matches("```text\n</script><script>").count(),
        "markup stays inside a fence"
    );
    assert!(!text.contains("@everyone") || text.contains("````text"), "a fence is longer than what it holds");
}

#[test]
fn what_passed_needs_no_list() {
    let record = sample::passing();
    let text = ReportFormat::Markdown.render(&record).expect("rendered");
    assert!(text.starts_with("# ✅") && !text.contains("What did not pass") && !text.contains("## Skipped"), "{text}");
    assert_eq!(text.matches("| ✅ passed |").count(), record.proved());
}

#[test]
fn the_terminal_is_rendered_from_the_record_too() {
    let text = ReportFormat::Text.render(&sample::failing()).expect("rendered");
    assert!(text.contains("exit 1: does not conform") && text.contains("BP-REP-08"), "{text}");
}
