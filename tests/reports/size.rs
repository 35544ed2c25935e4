//! Two thousand scenarios, which is more than any set-up has.

use std::time::Instant;

use bpconform::record_file;
use bpconform::report::Format;

use super::{Folder, sample};

/// Measured in a release build and alone in its process, as `ci/check-reports.sh` does.
#[test]
#[ignore = "its limits are those of a release build that runs alone; ci/check-reports.sh measures it"]
fn two_thousand_scenarios_are_written_in_no_time_and_little_memory() {
    let record = sample::many(2000);
    let folder = Folder::new("size");
    let took = |what: &str, write: &dyn Fn()| {
        let began = Instant::now();
        write();
        let took = began.elapsed();
        println!("{what}: {took:?}");
        assert!(took.as_secs_f64() < 2.0, "{what} took {took:?}");
    };
    took("run.json", &|| record_file::write(&record, &folder.0.join("run.json"), str::to_owned).expect("written"));
    for format in [Format::Html, Format::Junit] {
        let file = folder.0.join(format.word());
        took(&format.word(), &|| std::fs::write(&file, format.draw(&record).expect("drawn")).expect("written"));
        println!("{} bytes", std::fs::metadata(&file).expect("written").len());
    }
    let most = most_memory_kib();
    println!("most memory: {} MiB", most / 1024);
    assert!(most < 300 * 1024, "{most} KiB");
}

/// The most memory that this process ever had, in KiB; 0 where the system does not tell.
fn most_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or_default()
}
