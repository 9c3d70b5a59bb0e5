//! A process that is killed at each system call of its writes in turn.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Output;

use heap_runtime::heap_tracked;
use heap_sidecar::{Sidecar, Status, read_run};
use heap_tests::{damage, rerun, scratch, trace};

use super::assert_nothing_else;

/// What is done to the folder, and in which order does not matter: each is tried as the first, the
/// second and so on, until the process gets to its end.
const IN_THE_FOLDER: [&str; 6] = [
    "openat",
    "fstat",
    "newfstatat",
    "renameat2",
    "renameat",
    "unlinkat",
];

/// What is done to the files in it. The harness and the readers of the host call these too.
const ANYWHERE: [&str; 2] = ["write", "close"];

/// Runs a victim under strace, with options, as a test of the run `run`.
fn traced(victim: &str, options: &[&str], folder: &Path, run: &str) -> Output {
    let victim = rerun::victim(&format!("victims::{victim}"), folder);
    let mut options = options.to_vec();
    options.extend(["-o", "/dev/null"]);
    let mut command = trace::traced(&victim, options);
    command.arg("--nocapture").env("NEXTEST_RUN_ID", run);
    damage::output(&mut command)
}

/// Whether it was killed; if not, it has got to its end.
fn was_killed(output: &Output) -> bool {
    const SIGKILL: i32 = 9;
    let killed = output.status.signal() == Some(SIGKILL);
    assert!(killed || output.status.success(), "{output:?}");
    killed
}

fn sidecar(folder: &Path) -> Option<Sidecar> {
    let (mut sidecars, unreadable) = read_run(folder).unwrap();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    assert!(sidecars.len() <= 1);
    assert_nothing_else(folder);
    sidecars.pop()
}

/// What must be there after a kill, told from what the victim has said until then.
fn assert_nothing_lost(output: &Output, folder: &Path, fault: &str) {
    let said = |mark| output.stdout.contains(&mark);
    let sidecar = sidecar(folder).filter(|sidecar| sidecar.run_id == "this");
    if said(b'B') {
        assert!(sidecar.is_some(), "{fault}");
    }
    if said(b'E') {
        assert_eq!(
            sidecar.as_ref().unwrap().status,
            Status::Finished,
            "{fault}"
        );
    }
    for label in ["X", "Y"] {
        if said(label.as_bytes()[0]) {
            let sidecar = sidecar.as_ref().unwrap();
            let checkpoints = &sidecar.heap.checkpoints;
            let has = checkpoints.iter().any(|point| point.label == label);
            assert!(
                has && sidecar.metrics.contains_key(label),
                "{fault}: {label}"
            );
            // Once, though the finished record has what its notes had.
            let counts = sidecar.samples.get(label).map(|samples| samples.count);
            assert_eq!(counts, Some(1), "{fault}: {label}");
        }
    }
}

#[heap_tracked]
#[test]
fn a_process_is_killed_at_each_system_call_of_its_writes() {
    if !trace::is_possible() {
        return;
    }
    let mut kills = 0;
    // In a folder that is not there yet, and beside the sidecar of an earlier run.
    for earlier in [false, true] {
        kills += killed_at_each_call("once", earlier);
    }
    // Two writes, each of them opened, written, closed and renamed, twice.
    assert!(kills >= 16, "{kills}");
    let checkpoints = killed_at_each_call("once_with_checkpoints", false);
    // Of one execution, and two lines more, each of them opened and closed, and their file removed. What else is asked is not
    // the same each time.
    assert!(checkpoints >= 16 / 2 + 5, "{checkpoints}");
    kills += checkpoints;
    println!("killed at {kills} system calls, nothing lost");
    heap_runtime::metric("kills", f64::from(kills));
}

fn killed_at_each_call(victim: &str, earlier: bool) -> u32 {
    let mut kills = 0;
    let start = scratch::folder();
    if earlier {
        assert!(!was_killed(&traced(victim, &[], start.path(), "earlier")));
    }
    for call in IN_THE_FOLDER.into_iter().chain(ANYWHERE) {
        for when in 1.. {
            let parent = scratch::folder();
            let folder = parent.path().join("sidecars");
            if earlier {
                fs::create_dir(&folder).unwrap();
                for name in damage::names(start.path()) {
                    fs::copy(start.path().join(&name), folder.join(&name)).unwrap();
                }
            }
            let inject = format!("inject={call}:signal=SIGKILL:when={when}");
            let path = folder.to_str().unwrap();
            let mut options = vec!["-e", &inject];
            if IN_THE_FOLDER.contains(&call) {
                options.extend(["-P", path]);
            }
            let output = traced(victim, &options, &folder, "this");
            if !was_killed(&output) {
                assert!(output.stdout.contains(&b'E'), "{output:?}");
                break;
            }
            kills += 1;
            if folder.exists() {
                assert_nothing_lost(&output, &folder, &inject);
                assert!(!earlier || sidecar(&folder).is_some(), "{inject}");
            } else {
                assert!(!output.stdout.contains(&b'B'), "{inject}");
            }
        }
    }
    kills
}
