//! What a checkpoint costs: the same, the first and the thousandth time, and in no number of the test.

use std::fs;

use heap_runtime::heap_tracked;
use heap_tests::{damage, rerun, scratch, trace};

const MANY: usize = 1000;

mod victims {
    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn has_many() {
        for number in 0..super::MANY {
            heap_runtime::metric(format!("m{number}"), 1.0);
            heap_runtime::checkpoint(format!("c{number}"));
        }
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn has_one() {
        heap_runtime::checkpoint("one");
    }
}

/// The system calls of the body, one a line.
fn calls_of_body(log: &str) -> Vec<&str> {
    let lines = log.lines();
    let is_of_notes = |line: &&str| line.contains(".heap.notes");
    let body: Vec<&str> = lines
        .skip_while(|line| !is_of_notes(line))
        .take_while(|line| !line.contains("unlinkat"))
        .collect();
    body
}

#[heap_tracked]
#[test]
fn the_thousandth_checkpoint_takes_what_the_first_takes() {
    if !trace::is_possible() {
        return;
    }
    let (folder, logs) = (scratch::folder(), scratch::folder());
    let log = logs.path().join("calls");
    let options = ["-e", "trace=!futex,mmap,munmap,madvise,mprotect,brk", "-o"];
    let options = options.into_iter().chain([log.to_str().unwrap()]);
    let victim = rerun::victim("checkpoints::victims::has_many", folder.path());
    let output = damage::output(&mut trace::traced(&victim, options));
    assert!(output.status.success(), "{output:?}");
    let log = fs::read_to_string(log).unwrap();
    // From one opening of the file to the next: the calls, and the bytes that are written.
    let body = calls_of_body(&log);
    let openings = body
        .iter()
        .filter(|line| line.contains(".heap.notes"))
        .count();
    assert_eq!(openings, MANY);
    let checkpoints = body.split(|line| line.contains(".heap.notes")).skip(1);
    for (number, calls) in checkpoints.enumerate().take(MANY - 1) {
        let names: Vec<&str> = calls.iter().map(|line| name_of(line)).collect();
        // A dozen, and up to six at each of the moments between which the thread's own time is told from what a
        // checkpoint takes: its waiting is read only where it has been off the CPU.
        let is_constant = names.len() <= 12 + 4 * 6;
        assert!(is_constant, "checkpoint {number}: {calls:?}");
        let written: Vec<usize> = calls.iter().filter_map(|line| written(line)).collect();
        assert!(
            matches!(written[..], [bytes] if bytes < 512),
            "checkpoint {number}: {calls:?}"
        );
    }
    let sidecars = damage::sidecars(folder.path());
    assert_eq!(sidecars[0].heap.checkpoints.len(), MANY);
    assert_eq!(sidecars[0].metrics.len(), MANY);
    let own = sidecars[0].heap.own.unwrap();
    // The texts are the test's own, and it has freed them.
    assert_eq!(own.retained_bytes, 0);
    assert!(own.peak_bytes.unwrap() < 1024, "{own:?}");
}

/// `1234 write(4, "..."..., 96) = 96` is `write`.
fn name_of(line: &str) -> &str {
    let call = line.split_once(' ').map_or(line, |(_, call)| call);
    call.split_once('(').map_or(call, |(name, _)| name)
}

fn written(line: &str) -> Option<usize> {
    (name_of(line).trim() == "write").then(|| {
        let (_, bytes) = line.rsplit_once("= ").unwrap();
        bytes.parse().unwrap()
    })
}

/// The disk takes half a second for each file that is opened in the folder.
#[heap_tracked]
#[test]
fn the_time_of_a_checkpoint_is_not_the_tests() {
    const SLOW_US: u64 = 500_000;
    if !trace::is_possible() {
        return;
    }
    let folder = scratch::folder();
    let inject = format!("inject=openat:delay_enter={SLOW_US}");
    let path = folder.path().to_str().unwrap();
    let victim = rerun::victim("checkpoints::victims::has_one", folder.path());
    let options = ["-o", "/dev/null", "-P", path, "-e", &inject];
    let output = damage::output(&mut trace::traced(&victim, options));
    assert!(output.status.success(), "{output:?}");
    let sidecars = damage::sidecars(folder.path());
    assert_eq!(sidecars[0].heap.checkpoints.len(), 1);
    let took = sidecars[0].duration_ns.unwrap();
    assert!(took < SLOW_US * 1000, "{took}");
}
