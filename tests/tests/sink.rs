//! Evidence from where there is no folder: `HEAP_SINK` and `cargo heap collect`.

use std::fs;
use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Command, Stdio};

use heap_runtime::{checkpoint, heap_tracked, metric};
use heap_sidecar::frame::{Collector, MARK};
use heap_sidecar::{Outcome, Sidecar, Status, read_run};
use heap_tests::rerun::victim;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{FdFlags, fcntl_setfd, write};

heap_runtime::use_jemalloc!();

const HEAP: &str = env!("CARGO_BIN_EXE_heap-for-tests");

#[heap_tracked]
#[test]
#[ignore = "is run as a child"]
fn grows_and_passes() {
    let _grown = vec![1_u8; 1 << 20];
    checkpoint("grown");
    metric("wakeup_p99_us", 41.0);
    println!("something else that is printed");
}

#[heap_tracked]
#[test]
#[ignore = "is run as a child"]
fn is_wrong() {
    assert_eq!(1 + 1, 3, "arithmetic");
}

#[heap_tracked]
#[test]
#[ignore = "is run as a child"]
fn the_guest_goes_down() {
    let _grown = vec![1_u8; 1 << 20];
    checkpoint("just before");
    std::process::abort();
}

/// A test as a guest would run it: without a folder that it could write to.
fn guest(test: &str, sink: &str) -> Command {
    let mut command = victim(test, Path::new("/nowhere/at/all"));
    command
        .env("HEAP_SINK", sink)
        .env("HEAP_RUN_ID", "guest")
        .stdin(Stdio::null());
    command
}

/// What the tests' console shows.
fn console() -> Vec<u8> {
    let mut console = b"[    0.000000] Linux version\n".to_vec();
    for test in ["grows_and_passes", "is_wrong", "the_guest_goes_down"] {
        let shown = guest(test, "fd:2").arg("--nocapture").output().unwrap();
        console.extend(shown.stdout);
        console.extend(shown.stderr);
    }
    console
}

/// `cargo heap collect` of a console, the folder that it made, and what it said.
fn collect(console: &[u8], folder: &Path) -> (Option<i32>, String) {
    let file = folder.join("console");
    fs::write(&file, console).unwrap();
    let said = Command::new(HEAP)
        .args(["heap", "collect"])
        .arg(&file)
        .arg("--out")
        .arg(folder)
        .output()
        .unwrap();
    let text = [said.stdout, said.stderr].concat();
    (said.status.code(), String::from_utf8(text).unwrap())
}

fn of<'a>(sidecars: &'a [Sidecar], test: &str) -> &'a Sidecar {
    let found = sidecars.iter().find(|sidecar| sidecar.test_name == test);
    found.unwrap_or_else(|| panic!("{test} is not in {sidecars:?}"))
}

#[test]
fn a_run_comes_out_of_its_console() {
    let folder = tempfile::tempdir().unwrap();
    let (status, said) = collect(&console(), folder.path());
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("3 sidecar(s) of run guest: "), "{said}");
    let (sidecars, unreadable) = read_run(folder.path().join("guest")).unwrap();
    assert_eq!((sidecars.len(), unreadable.len()), (3, 0));

    let passed = of(&sidecars, "grows_and_passes");
    assert_eq!(passed.outcome, Some(Outcome::Passed));
    assert_eq!(passed.metrics.get("wakeup_p99_us"), Some(&41.0));
    assert_eq!(passed.heap.checkpoints[0].label, "grown");
    assert_eq!(passed.heap.own.unwrap().retained_bytes, 0);

    let failed = of(&sidecars, "is_wrong");
    assert_eq!(failed.outcome, Some(Outcome::Failed));
    let message = &failed.failure.as_ref().unwrap().message;
    assert!(message.contains("arithmetic"), "{message}");

    // What it said last is what is known of it.
    let killed = of(&sidecars, "the_guest_goes_down");
    assert_eq!((killed.status, killed.outcome), (Status::Running, None));
    let last = &killed.heap.checkpoints[0];
    assert_eq!(last.label, "just before");
    let live = last.own.unwrap().retained_bytes;
    assert!((1 << 20..(1 << 20) + 4096).contains(&live), "{live}");

    let report = Command::new(HEAP)
        .args(["heap", "report"])
        .arg(folder.path().join("guest"))
        .output()
        .unwrap();
    let report = String::from_utf8(report.stdout).unwrap();
    let expected = "3 tests: 1 killed, 1 failed, 1 passed";
    assert!(report.contains(expected), "{report}");
}

/// Wherever a console ends, what is whole is kept, what is torn is said, and no test has another end than its own.
#[test]
fn a_console_may_end_anywhere() {
    let console = console();
    let starts: Vec<usize> = (0..console.len())
        .filter(|at| console[*at..].starts_with(MARK.as_bytes()))
        .collect();
    assert!(starts.len() > 30, "{}", starts.len());
    // In the middle of each line, and just before it.
    for end in starts.iter().flat_map(|start| [*start, start + 60]) {
        let mut collector = Collector::default();
        (console[..end].split(|byte| *byte == b'\n')).for_each(|line| collector.line(line));
        for (name, contents) in collector.finish().files {
            if !name.ends_with(heap_sidecar::SUFFIX) {
                continue;
            }
            let sidecar: Sidecar = serde_json::from_slice(&contents).expect(&name);
            let own_end = match &*sidecar.test_name {
                "grows_and_passes" => Some(Outcome::Passed),
                "is_wrong" => Some(Outcome::Failed),
                _ => None,
            };
            let seen = sidecar.heap.last_seen.and_then(|seen| seen.outcome);
            let outcome = sidecar.outcome.or(seen);
            assert!(outcome.is_none() || outcome == own_end, "{name} at {end}");
        }
    }
}

#[test]
fn a_torn_end_is_told_by_one_line() {
    let shown = guest("is_wrong", "fd:2").output().unwrap();
    // The last line is one of the finished record, as nothing was said before.
    let last = without_its_last_line(&shown.stderr);
    let folder = tempfile::tempdir().unwrap();
    let (status, said) = collect(last, folder.path());
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("is torn: "), "{said}");
    let (sidecars, _) = read_run(folder.path().join("guest")).unwrap();
    let seen = sidecars[0].heap.last_seen.unwrap();
    assert_eq!(seen.outcome, Some(Outcome::Failed));
    assert_eq!(sidecars[0].status, Status::Running);
    let report = Command::new(HEAP)
        .args(["heap", "report"])
        .arg(folder.path().join("guest"))
        .output()
        .unwrap();
    let report = String::from_utf8(report.stdout).unwrap();
    assert!(report.contains("1 test: 1 failed"), "{report}");
}

/// A console without its last line of a sidecar.
fn without_its_last_line(console: &[u8]) -> &[u8] {
    let mark = MARK.as_bytes();
    let last = (0..console.len()).rfind(|at| console[*at..].starts_with(mark));
    &console[..last.expect("there is one")]
}

#[test]
fn many_processes_may_write_to_one_console() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let children: Vec<_> = (0..8)
        .map(|_| {
            guest("grows_and_passes", "fd:2")
                .stdout(Stdio::null())
                .stderr(writer.try_clone().unwrap())
                .spawn()
                .unwrap()
        })
        .collect();
    drop(writer);
    let mut console = Vec::new();
    reader.read_to_end(&mut console).unwrap();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let folder = tempfile::tempdir().unwrap();
    let (status, said) = collect(&console, folder.path());
    assert_eq!(status, Some(0), "{said}");
    let (sidecars, _) = read_run(folder.path().join("guest")).unwrap();
    assert_eq!(sidecars.len(), 8);
    for sidecar in &sidecars {
        assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    }
}

/// Whoever has the console may never read it: tests go on, and say so.
#[test]
fn nobody_waits_for_a_console_that_is_not_read() {
    let (reader, writer) = std::io::pipe().unwrap();
    let number = writer.as_raw_fd();
    // Anew, so that only this one does not block.
    let own = format!("/proc/self/fd/{number}");
    let own = open(own, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
    while write(&own, &[b'x'; 4096]).is_ok() {}
    let mut command = guest("grows_and_passes", &format!("fd:{number}"));
    fcntl_setfd(&writer, FdFlags::empty()).unwrap();
    let said = command.arg("--nocapture").output().unwrap();
    let stderr = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.success(), "{stderr}");
    assert!(stderr.contains("nobody read it for 250ms"), "{stderr}");
    drop((reader, writer));
}

#[test]
fn a_sink_that_cannot_be_had_is_said_and_fails_no_test() {
    let said = guest("grows_and_passes", "/dev/no-such-port")
        .arg("--nocapture")
        .output()
        .unwrap();
    let stderr = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.success(), "{stderr}");
    let expected = "cannot open `/dev/no-such-port`, which sidecars are to be written to";
    assert!(stderr.contains(expected), "{stderr}");
}
