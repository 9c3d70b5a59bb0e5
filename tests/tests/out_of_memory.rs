//! The kernel kills a test's process for want of memory: what is left names the test, how far it
//! had come, the limit, and the kernel's count.
//!
//! The victims are tests of this binary that are ignored, run by it as a child in a memory cgroup.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use cargo_heap::report::{Context, Diagnosis, Run, State, Verdict};
use heap_runtime::heap_tracked;
use heap_runtime::sidecar::Status;
use heap_tests::memory_group::MemoryGroup;
use heap_tests::project::Project;
use heap_tests::{damage, rerun};

heap_runtime::use_jemalloc!();

/// More than a test binary needs, and little to fill.
const LIMIT: u64 = 64 << 20;

mod victims {
    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    #[ignore = "is killed by the kernel"]
    fn takes_it_all() {
        let mut held = vec![std::hint::black_box(vec![1_u8; 8 << 20])];
        heap_runtime::checkpoint("eight");
        while held.len() < 1000 {
            held.push(std::hint::black_box(vec![1; 1 << 20]));
        }
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn comes_after() {}

    #[test]
    #[ignore = "is run as a child"]
    fn cargo_heap() -> std::process::ExitCode {
        heap_tests::rerun::cargo_heap()
    }
}

/// A project whose only test is killed.
const EATS_EVERYTHING: &str = r"
heap_runtime::use_jemalloc!();

#[heap_runtime::heap_tracked]
#[test]
fn eats_everything() {
    let mut held = Vec::new();
    while held.len() < 4000 {
        held.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}
";

/// More than cargo needs.
const LIMIT_OF_CARGO: u64 = 256 << 20;

#[heap_tracked]
#[test]
fn the_very_last_test_of_a_run_is_named_with_what_killed_it() {
    let group = match MemoryGroup::create(LIMIT_OF_CARGO) {
        Ok(group) => group,
        Err(error) => return damage::skip(&format!("no memory cgroup of its own: {error}")),
    };
    let project = Project::new("out-of-memory").file("tests/eats.rs", EATS_EVERYTHING);
    let build = project
        .cargo(["test", "--no-run", "--test", "eats"])
        .output();
    let build = build.expect("cargo starts");
    assert!(build.status.success(), "{build:?}");

    let folder = tempfile::tempdir().unwrap();
    let heap = |arguments: &[&str]| rerun::heap("victims::cargo_heap", arguments, folder.path());
    let mut command = heap(&["test", "--test", "eats"]);
    project.enter(&mut command);
    group.enter(&mut command).unwrap();
    let output = damage::output(&mut command);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("eats_everything: out of memory"),
        "{output:?}"
    );
    assert!(said.contains("killed 1 process(es) of the cgroup that the run"));
    assert!(
        said.contains("live; its cgroup's limit is 256 MiB"),
        "{output:?}"
    );

    // What was read is kept, for whoever asks later, and is nobody's sidecar.
    let run = Run::read(&[folder.path().to_owned()], |_, _| ()).unwrap();
    assert!(run.unreadable.is_empty(), "{:?}", run.unreadable);
    let ([row], [around]) = (&run.rows[..], &run.pressure[..]) else {
        panic!("{run:?}");
    };
    assert_eq!(row.state, State::Killed);
    assert_eq!(around.run_id, row.run_id);
    assert_eq!(around.cgroup_oom_kills_before, Some(0));
    assert_eq!(around.cgroup_oom_kills, Some(1));
    let diagnosis = Diagnosis::of(row, &Context::of_run(&run));
    assert_eq!(diagnosis.verdict(), Verdict::OutOfMemory, "{diagnosis:?}");
    let alone = Diagnosis::of(row, &Context::of(&run.rows));
    assert_ne!(alone.verdict(), Verdict::OutOfMemory, "{alone:?}");
    let mut later = heap(&["report"]);
    project.enter(&mut later);
    let output = damage::output(&mut later);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("eats_everything: out of memory"),
        "{output:?}"
    );
}

fn in_group(group: &MemoryGroup, name: &str, folder: &Path) -> Command {
    let mut command = rerun::victim(name, folder);
    // As nextest runs tests: a process for each, in one run.
    command.env("NEXTEST_RUN_ID", "one-run");
    group.enter(&mut command).unwrap();
    command
}

#[heap_tracked]
#[test]
fn the_killed_test_is_named_with_what_killed_it() {
    const SIGKILL: i32 = 9;
    let group = match MemoryGroup::create(LIMIT) {
        Ok(group) => group,
        Err(error) => return damage::skip(&format!("no memory cgroup of its own: {error}")),
    };
    // Not in memory: files there would be charged to the group.
    let folder = tempfile::tempdir().unwrap();
    let output = damage::output(&mut in_group(
        &group,
        "victims::takes_it_all",
        folder.path(),
    ));
    assert_eq!(output.status.signal(), Some(SIGKILL), "{output:?}");

    let sidecars = damage::sidecars(folder.path());
    let [sidecar] = &sidecars[..] else {
        panic!("{sidecars:?}");
    };
    assert_eq!(sidecar.status, Status::Running);
    assert_eq!(sidecar.test_name, "victims::takes_it_all");
    let checkpoint = sidecar.heap.checkpoints.last().unwrap();
    assert_eq!(checkpoint.label, "eight");
    assert!(checkpoint.own.unwrap().retained_bytes >= 8 << 20);
    // The limit is on what is resident: not all that is live is, and more than that is.
    let seen = sidecar.heap.last_seen.unwrap();
    assert!((24 << 20..LIMIT).contains(&seen.live_bytes), "{seen:?}");
    let limits = sidecar.host.cgroup_memory.as_ref().unwrap();
    assert_eq!(limits.max_bytes, Some(LIMIT));

    // So far nobody can know, and that is said.
    let diagnosis = diagnosis(folder.path());
    assert!(
        diagnosis.findings[0].evidence.iter().any(|evidence| {
            evidence.starts_with("last seen ")
                && evidence.ends_with(" live; its cgroup's limit is 64.0 MiB")
        }),
        "{diagnosis:?}"
    );
    assert_ne!(diagnosis.verdict(), Verdict::OutOfMemory);
    assert!(
        diagnosis
            .caveats
            .iter()
            .any(|caveat| caveat.contains("no test of the run started after it")),
        "{diagnosis:?}"
    );

    // The dead cannot count; the next test of the run does.
    let output = damage::output(&mut in_group(&group, "victims::comes_after", folder.path()));
    assert!(output.status.success(), "{output:?}");
    let diagnosis = self::diagnosis(folder.path());
    assert_eq!(diagnosis.verdict(), Verdict::OutOfMemory, "{diagnosis:?}");
    assert!(
        diagnosis.findings[0].evidence.iter().any(|evidence| {
            evidence.contains("killed 1 process(es) of its cgroup")
                && evidence.contains("victims::comes_after")
        }),
        "{diagnosis:?}"
    );
}

/// What is said of the one test that was killed.
fn diagnosis(folder: &Path) -> Diagnosis {
    let run = Run::read(&[folder.to_owned()], |_, _| ()).unwrap();
    assert!(run.unreadable.is_empty());
    let killed: Vec<_> = run
        .rows
        .iter()
        .filter(|row| row.state == State::Killed)
        .collect();
    let [row] = killed[..] else {
        panic!("{killed:?}");
    };
    assert_eq!(row.test, "victims::takes_it_all");
    assert_eq!(row.cgroup_max_bytes, Some(LIMIT));
    assert_eq!(row.cgroup_oom_kills_before, Some(0));
    Diagnosis::of(row, &Context::of(&run.rows))
}
