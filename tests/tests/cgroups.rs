//! The cgroup that a test's record tells of is the process's own, and the limit that binds it is the one that is
//! named: in cgroups of this machine's kernel, of either version.
//!
//! The victims are tests of this binary that are ignored, run by it as a child in such cgroups.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use cargo_heap::report::{Context, Diagnosis, Finding, Row, Run, Verdict};
use heap_runtime::HostContext;
use heap_runtime::heap_tracked;
use heap_runtime::sidecar::Sidecar;
use heap_tests::memory_group::MemoryGroup;
use heap_tests::{damage, rerun};

heap_runtime::use_jemalloc!();

const LIMIT: u64 = 128 << 20;
/// Near enough to the limit, with room for a test's process.
const HELD: usize = 118 << 20;

mod victims {
    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn does_little() {
        std::hint::black_box(vec![1_u8; 1024]);
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child, and fails"]
    fn fails() {
        std::hint::black_box(vec![1_u8; 1024]);
        assert_eq!(1 + 1, 3);
    }

    /// As two tests of one process.
    #[test]
    #[ignore = "is run as a child"]
    fn fail_one_after_another() {
        for name in ["first", "second"] {
            let failed = std::panic::catch_unwind(|| {
                heap_runtime::track(name, || assert_eq!(1 + 1, 3));
            });
            assert!(failed.is_err());
        }
    }

    /// Holds memory until its standard input ends.
    #[test]
    #[ignore = "is run as a child"]
    fn holds_much() {
        let held = std::hint::black_box(vec![1_u8; super::HELD]);
        println!("{} held", held.len());
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }

    /// Out of the cgroup namespace that it was started in, in the middle.
    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn leaves_its_namespace() {
        super::damage::cgroup_namespace().unwrap();
        // A reading is at most so old.
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
}

const FAILS: &str = "victims::fails";

/// What is said of a victim that fails in a group, and its row.
fn said_of_a_failure_in(group: &MemoryGroup) -> (Row, Diagnosis) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = rerun::victim(FAILS, folder.path());
    // What a failure says of itself costs memory too.
    group.enter(command.env("RUST_BACKTRACE", "0")).unwrap();
    let output = damage::output(&mut command);
    assert!(!output.status.success(), "{output:?}");
    let run = Run::read(&[folder.path().to_owned()], |_, _| ()).unwrap();
    let [row] = &run.rows[..] else {
        panic!("{run:?}");
    };
    (row.clone(), Diagnosis::of(row, &Context::of_run(&run)))
}

/// What is said of a test's memory, its cgroup's and the host's. Others may want the CPUs and the disks at any time.
fn of_memory(diagnosis: &Diagnosis) -> Vec<&Finding> {
    let of_memory = [
        Verdict::OutOfMemory,
        Verdict::CgroupLimit,
        Verdict::HostShort,
        Verdict::LargeProcess,
    ];
    let findings = diagnosis.findings.iter();
    let findings = findings.filter(|finding| of_memory.contains(&finding.verdict));
    findings.collect()
}

/// The symbols that the first failure has the process read are more than half of the group's limit, and neither's
/// cause.
#[heap_tracked]
#[test]
fn what_a_backtrace_reads_is_no_cause() {
    let Some(group) = group() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = rerun::victim("victims::fail_one_after_another", folder.path());
    group.enter(command.env("RUST_BACKTRACE", "1")).unwrap();
    let output = damage::output(&mut command);
    assert!(output.status.success(), "{output:?}");
    let run = Run::read(&[folder.path().to_owned()], |_, _| ()).unwrap();
    let context = Context::of_run(&run);
    let second = run.rows.iter().find(|row| row.test == "second").unwrap();
    assert!(second.peak_rss_bytes > Some(LIMIT / 2), "{second:?}");
    for row in &run.rows {
        let diagnosis = Diagnosis::of(row, &context);
        assert!(
            of_memory(&diagnosis).is_empty(),
            "{}: {diagnosis:?}",
            row.test
        );
    }
}

/// The record of a victim that was run in a group.
fn run_in(group: &MemoryGroup, victim: &str, prepare: impl FnOnce(&mut Command)) -> Sidecar {
    let folder = tempfile::tempdir().unwrap();
    let mut command = rerun::victim(victim, folder.path());
    group.enter(&mut command).unwrap();
    prepare(&mut command);
    let output = damage::output(&mut command);
    assert_eq!(output.status.success(), victim != FAILS, "{output:?}");
    let mut sidecars = damage::sidecars(folder.path());
    assert_eq!(sidecars.len(), 1, "{sidecars:?}");
    sidecars.remove(0)
}

fn group() -> Option<MemoryGroup> {
    let made = MemoryGroup::create(LIMIT);
    made.inspect_err(|error| damage::skip(&format!("no memory cgroup of its own: {error}")))
        .ok()
}

/// A process of a test needs some, and the host's root has more.
fn is_the_groups_own(host: &HostContext) {
    let memory = host.cgroup_memory.as_ref().expect("it is in one");
    let current = memory.current_bytes.unwrap();
    assert!((64 << 10..LIMIT).contains(&current), "{memory:?}");
    assert_eq!(host.cgroup_memory_reason, None);
}

#[heap_tracked]
#[test]
fn a_namespace_of_its_own_shows_the_groups_own_memory() {
    let Some(group) = group() else { return };
    let deeper = group.below("deeper").unwrap();
    let sidecar = run_in(&deeper, "victims::does_little", |command| {
        // SAFETY: one system call.
        unsafe { damage::before(command, damage::cgroup_namespace) };
    });
    for host in [&sidecar.host_before, &sidecar.host] {
        is_the_groups_own(host);
    }
    let limits = sidecar.host.cgroup_memory.unwrap();
    assert_eq!(limits.max_bytes, Some(LIMIT));
}

#[heap_tracked]
#[test]
fn a_namespace_that_is_left_in_the_middle_changes_no_number() {
    let Some(group) = group() else { return };
    let sidecar = run_in(&group, "victims::leaves_its_namespace", |_| {});
    for host in [&sidecar.host_before, &sidecar.host] {
        is_the_groups_own(host);
    }
}

/// 200 MB written and on the disk: what the group had of it can be dropped at once.
#[heap_tracked]
#[test]
fn a_group_full_of_clean_page_cache_is_calm() {
    let Some(group) = group() else { return };
    // A file system in memory has no page cache that can be dropped.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut write = Command::new("dd");
    write
        .args(["if=/dev/zero", "bs=1M", "count=200", "conv=fsync"])
        .arg(format!("of={}", folder.path().join("written").display()));
    group.enter(&mut write).unwrap();
    let output = damage::output(&mut write);
    assert!(output.status.success(), "{output:?}");
    if group.used().unwrap() < LIMIT / 10 * 9 {
        return damage::skip("the temporary folder leaves no page cache in the group");
    }
    let (row, diagnosis) = said_of_a_failure_in(&group);
    // To drop it takes a turn of a CPU. Who is kept waiting for that has waited for memory.
    let waited = |finding: &&Finding| {
        finding
            .evidence
            .iter()
            .all(|said| said.contains("waited for memory"))
    };
    assert!(
        of_memory(&diagnosis).iter().all(waited),
        "{diagnosis:?} {row:?}"
    );
    assert_eq!(row.cgroup_binding_limit_bytes, Some(LIMIT));
    assert!(
        row.cgroup_binding_current_bytes > Some(LIMIT / 10 * 9),
        "{row:?}"
    );
    assert!(
        row.cgroup_binding_reclaimable_bytes > Some(LIMIT / 10 * 8),
        "{row:?}"
    );
}

#[heap_tracked]
#[test]
fn a_neighbour_below_the_same_limit_is_what_binds() {
    let Some(group) = group() else { return };
    let (own, neighbour) = (
        group.below("own").unwrap(),
        group.below("neighbour").unwrap(),
    );
    let folder = tempfile::tempdir().unwrap();
    let mut holder = rerun::victim("victims::holds_much", folder.path());
    holder
        .arg("--nocapture")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    neighbour.enter(&mut holder).unwrap();
    let mut holder = holder.spawn().unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let holds = lines.any(|line| line.ends_with(" held"));
    assert!(holds, "{holder:?}");

    let (row, diagnosis) = said_of_a_failure_in(&own);
    drop(holder.stdin.take());
    lines.for_each(drop);
    assert!(holder.wait().unwrap().success());
    assert_eq!(
        diagnosis.verdict(),
        Verdict::CgroupLimit,
        "{diagnosis:?} {row:?}"
    );
    let evidence = &diagnosis.findings[0].evidence[0];
    assert!(
        evidence.starts_with("the cgroup above the test's own had 1"),
        "{evidence}"
    );
    assert!(evidence.contains(" of its 128 MiB"), "{evidence}");
    assert_eq!(row.cgroup_binding_above, Some(1));
    assert!(
        row.cgroup_binding_current_bytes > Some(HELD as u64),
        "{row:?}"
    );
    // The process's own group has little, as it said before.
    assert!(row.cgroup_current_bytes < Some(LIMIT / 8), "{row:?}");
}
