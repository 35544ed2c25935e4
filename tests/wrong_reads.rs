//! One wrong read changes nothing: whatever single answer to a run that only looks is wrong, the run says of no requirement
//! that it is violated.
//!
//! A sample fits into every run of the tests; `BPCONFORM_TEST_WHOLE=1` tries each wrong answer at some reads, and together
//! with `BPCONFORM_TEST_FAULTS=1` at every read in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, bpconform_with, directory, sample};

const WRONG: [(&str, &str); 7] = [
    ("404", "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot found"),
    ("300", "HTTP/1.1 300 Multiple Choices\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"),
    ("500", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops"),
    ("none", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"),
    (
        "empty",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 34\r\nConnection: close\r\n\r\n\
         {\"jcr:primaryType\":\"sling:Folder\"}",
    ),
    ("list", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"),
    ("page", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\nConnection: close\r\n\r\nWelcome"),
];

/// A proxy in front of the Author that answers the n-th matching read wrongly, and the number of those so far.
fn one_wrong(mock: &Mock, path: &'static str, number: usize, answer: &'static str) -> (Proxy, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let proxy = Proxy::start(mock.url("author"), move |request| {
        let is_read = request.starts_with("GET ") && request.contains(path);
        let is_wrong = is_read && counted.fetch_add(1, Ordering::SeqCst) + 1 == number;
        if is_wrong { Act::Answer(answer) } else { Act::Pass }
    });
    (proxy, reads)
}

fn step(usual: usize) -> usize {
    std::env::var("BPCONFORM_TEST_FAULTS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// How a run ends whose n-th read of the Author is answered wrongly; nothing if there are not so many reads.
fn end(mock: &Mock, name: &str, level: &str, number: usize, wrong: &(&str, &'static str)) -> Option<i32> {
    let (proxy, reads) = one_wrong(mock, "/", number, wrong.1);
    let folder = directory(&format!("wrong-read-{name}-{level}-{}-{number}", wrong.0));
    let target = ["--author-url", &proxy.url, "--ims-url", mock.url("ims"), "--tenant-url", mock.url("tenant")];
    let flags = ["run", "--target", "author", "--quiet", "--allow", level, "--out", folder.to_str().expect("UTF-8")];
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let told = bpconform_with(&[&flags[..], &target[..]].concat(), &variables);
    if reads.load(Ordering::SeqCst) < number {
        return None;
    }
    assert!(matches!(told.code, Some(0 | 3)), "{name}, {level}, read {number}, {}: {}", wrong.0, told.all());
    // Nothing is recorded if the Author does not seem to be one.
    if let Ok(record) = std::fs::read_to_string(folder.join("run.json")) {
        let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
        let judged = &record["target"]["judged_as"]["products"];
        assert_eq!(judged, &serde_json::json!([name]), "{level}, read {number}, {}", wrong.0);
    }
    let _ = std::fs::remove_dir_all(&folder);
    told.code
}

#[test]
fn no_single_wrong_read_makes_a_requirement_fail() {
    makes_nothing_fail("aem-6.5", &Mock::start("configured"), step(13));
}

#[test]
fn no_single_wrong_read_makes_a_requirement_of_the_cloud_fail() {
    makes_nothing_fail("aem-cloud", &Mock::with(&["--product", "aem-cloud"]), step(11));
}

/// Runs without `--product`: a wrong read must not change the product either.
fn makes_nothing_fail(name: &str, mock: &Mock, step: usize) {
    let levels = ["observe", "probe"].into_iter();
    let all = levels.flat_map(|level| WRONG.iter().enumerate().map(move |(index, wrong)| (level, index, wrong)));
    for (level, index, wrong) in sample(&format!("wrong answers to a run on {name}"), all.collect(), 5) {
        let first = 1 + index * step / WRONG.len();
        let numbers = (first..).step_by(step);
        let ends: Vec<_> = numbers.map_while(|number| end(mock, name, level, number, wrong)).collect();
        assert!(!ends.is_empty());
        let green = ends.iter().filter(|code| **code == 0).count();
        println!("{name}, --allow {level}, {}: {} positions, {green} green all the same", wrong.0, ends.len());
    }
}

#[test]
fn no_single_wrong_read_is_a_problem_for_the_doctor() {
    is_no_problem_for_the_doctor("aem-6.5", &Mock::start("configured"), step(7));
    is_no_problem_for_the_doctor("aem-cloud", &Mock::with(&["--product", "aem-cloud"]), step(5));
}

fn is_no_problem_for_the_doctor(product: &str, mock: &Mock, step: usize) {
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let all = sample(&format!("wrong answers to the doctor on {product}"), WRONG.iter().enumerate().collect(), 3);
    for (index, (name, answer)) in all {
        for number in (1 + index * step / WRONG.len()..).step_by(step) {
            let (proxy, reads) = one_wrong(mock, "/", number, answer);
            let urls = ["--author-url", &proxy.url, "--ims-url", mock.url("ims"), "--tenant-url", mock.url("tenant")];
            let told = bpconform_with(&[&["doctor"][..], &urls].concat(), &variables);
            if reads.load(Ordering::SeqCst) < number {
                break;
            }
            assert!(matches!(told.code, Some(0 | 3)), "read {number}, {name}: {}", told.all());
        }
    }
}

#[test]
fn a_failure_that_a_second_attempt_does_not_find_is_an_error_that_names_both() {
    let mock = Mock::start("configured");
    let empty = WRONG.iter().find(|(name, _)| *name == "empty").expect("it is there");
    // The Author's folder of configurations is empty once.
    let (proxy, _) = one_wrong(&mock, "/apps/system/config.2.json", 1, empty.1);
    let mut variables = mock.credentials();
    variables.push(("NO_PROXY", "*"));
    let arguments =
        ["run", "--target", "author", "--author-url", &proxy.url, "--allow", "observe", "--requirement", "BP-IMS-03"];
    let told = bpconform_with(&arguments, &variables);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.out.contains("asked a second time") && told.out.contains("0 IMS configurations"), "{}", told.all());
    assert!(told.out.contains("attempt 1 failed: "), "{}", told.all());
}
