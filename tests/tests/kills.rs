//! Processes that are killed: every test that began has a readable sidecar, every test that ended
//! its finished one, and nothing else is taken for one.
//!
//! The victims are tests of this binary that are ignored, run by it as a child.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cargo_heap::report::{Context, Diagnosis, Run, Verdict};
use heap_sidecar::{LastSeen, Outcome, Sidecar, Status, read_run};
use heap_tests::{damage, scratch};

heap_runtime::use_jemalloc!();

#[path = "kills/calls.rs"]
mod calls;
#[path = "kills/victims.rs"]
mod victims;

/// This binary again, to run one of its victims.
fn victim(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "--ignored", "--nocapture", name])
        .env("HEAP_SIDECAR_DIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The sidecars of a folder, every one of them readable.
fn sidecars(folder: &Path) -> Vec<Sidecar> {
    let (sidecars, unreadable) = read_run(folder).unwrap();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    sidecars
}

/// What is in the folder beside sidecars must not look like one.
fn assert_nothing_else(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            [".heap.json", ".heap.notes", ".heap-run.json"]
                .iter()
                .any(|end| name.ends_with(end))
                || name.starts_with('.'),
            "{name}"
        );
    }
}

/// Kills `child` and gives how many bodies had begun, and how many had ended for their callers.
fn kill(mut child: Child) -> (usize, usize) {
    child.kill().unwrap();
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    child.wait().unwrap();
    (said.matches('B').count(), said.matches('E').count())
}

/// Numbers that are the same in every run: a xorshift.
fn numbers(mut state: u64) -> impl Iterator<Item = u64> {
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
}

#[test]
fn a_busy_process_is_killed_at_any_moment_and_loses_nothing() {
    let kills = std::env::var("HEAP_TESTS_KILLS").map_or(300, |text| text.parse().unwrap());
    kill_at_any_moment("victims::busy", kills);
}

#[test]
fn a_process_that_grows_is_killed_at_any_moment_and_loses_nothing() {
    let kills = std::env::var("HEAP_TESTS_KILLS").map_or(100, |text| text.parse().unwrap());
    kill_at_any_moment("victims::grows", kills);
}

fn kill_at_any_moment(name: &str, kills: usize) {
    let mut began_in_all = 0;
    for (kill_number, number) in numbers(0x9e37_79b9_7f4a_7c15).take(kills).enumerate() {
        let folder = scratch::folder();
        let mut command = victim(name, folder.path());
        // The one who kills gets a CPU when it wants one, and not when eight threads leave it one:
        // each test that they begin meanwhile is one more sidecar to read.
        // SAFETY: one system call.
        unsafe { damage::before(&mut command, || Ok(rustix::process::nice(19).map(drop)?)) };
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        // libtest's own lines, then the first body.
        let mut byte = [0];
        while byte != *b"B" {
            child
                .stdout
                .as_mut()
                .unwrap()
                .read_exact(&mut byte)
                .unwrap();
        }
        std::thread::sleep(Duration::from_micros(number % 15_000));
        let (began, ended) = kill(child);
        let began = began + 1;

        let sidecars = sidecars(folder.path());
        let finished = sidecars
            .iter()
            .filter(|sidecar| sidecar.status == Status::Finished)
            .count();
        assert!(
            sidecars.len() >= began,
            "kill {kill_number}: {} of {began}",
            sidecars.len()
        );
        assert!(
            finished >= ended,
            "kill {kill_number}: {finished} of {ended}"
        );
        assert!(sidecars.len() - finished <= 8, "kill {kill_number}");
        for sidecar in &sidecars {
            match sidecar.status {
                Status::Finished => {
                    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
                    assert_eq!(sidecar.heap.last_seen, None);
                }
                _ => assert_eq!(sidecar.outcome, None),
            }
            assert!(sidecar.host_before.heap_state.is_some());
        }
        assert_nothing_else(folder.path());
        began_in_all += began;
    }
    println!("{kills} kills, {began_in_all} tests had begun, none lost");
}

/// Runs a victim until it says that it is ready, reading its record all the while, and kills it.
fn killed_when_ready(name: &str) -> Sidecar {
    let folder = scratch::folder();
    let mut child = victim(name, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                sidecars(folder.path());
            }
        });
        let mut byte = [0];
        let stdout = child.stdout.as_mut().unwrap();
        while byte != *b"B" {
            stdout.read_exact(&mut byte).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    kill(child);
    let mut sidecars = sidecars(folder.path());
    assert_eq!(sidecars.len(), 1);
    assert_nothing_else(folder.path());
    let sidecar = sidecars.remove(0);
    assert_eq!(sidecar.status, Status::Running);
    sidecar
}

const MIB: u64 = 1 << 20;

#[test]
fn a_killed_test_was_last_seen_with_what_it_had_but_a_sixteenth() {
    let sidecar = killed_when_ready("victims::holds_64_mib");
    let seen = sidecar.heap.last_seen.unwrap();
    // Two threads, each of which may be 64 KiB behind.
    assert_eq!(seen.error_bytes, 2 * (64 << 10));
    let (least, most) = (64 * MIB - seen.error_bytes, 64 * MIB + seen.error_bytes);
    assert!(seen.live_bytes <= most, "{seen:?}");
    // What comes next would have been written.
    let next = seen.live_bytes + (seen.live_bytes / 16).max(MIB);
    assert!(next > least, "{seen:?}");
    assert!(seen.at_ns > 0, "{seen:?}");
}

#[test]
fn what_was_last_seen_goes_on_in_the_record_of_a_checkpoint() {
    let sidecar = killed_when_ready("victims::grows_between_checkpoints");
    assert_eq!(sidecar.heap.checkpoints.len(), 20);
    let seen = sidecar.heap.last_seen.unwrap();
    let last = sidecar.heap.checkpoints.last().unwrap();
    // 32 MiB at the end, of which 20 by the last checkpoint.
    assert!(seen.live_bytes > 29 * MIB, "{seen:?}");
    assert!(seen.live_bytes < 33 * MIB, "{seen:?}");
    assert!(seen.at_ns > last.at_ns, "{seen:?}");
}

#[test]
fn a_small_test_is_not_written_down() {
    let sidecar = killed_when_ready("victims::stays_small");
    assert_eq!(sidecar.heap.last_seen, Some(LastSeen::default()));
}

/// What remains of a test that ended its own process.
fn remains(name: &str) -> (ExitStatus, Sidecar) {
    let folder = scratch::folder();
    let (status, sidecar) = remains_of(victim(name, folder.path()), folder.path());
    assert_eq!(sidecar.test_name, name);
    (status, sidecar)
}

/// What a victim with one checkpoint leaves in its folder.
fn remains_of(mut victim: Command, folder: &Path) -> (ExitStatus, Sidecar) {
    let status = victim.status().unwrap();
    let mut sidecars = sidecars(folder);
    assert_eq!(sidecars.len(), 1);
    let sidecar = sidecars.remove(0);
    assert_eq!(sidecar.status, Status::Running);
    assert_eq!(sidecar.outcome, None);
    assert!(sidecar.host_before.heap_state.is_some());
    assert!(sidecar.host.kernel_release.is_some());
    assert_eq!(sidecar.labels["stage"], "prepared");
    let [checkpoint] = &sidecar.heap.checkpoints[..] else {
        panic!("{:?}", sidecar.heap.checkpoints);
    };
    assert_eq!(checkpoint.label, "before the end");
    assert_eq!(checkpoint.own.unwrap().retained_bytes, 8192);
    (status, sidecar)
}

const SIGABRT: i32 = 6;
const SIGTERM: i32 = 15;

#[test]
fn an_abort_leaves_its_last_checkpoint() {
    let (status, _) = remains("victims::aborts");
    assert_eq!(status.signal(), Some(SIGABRT));
}

#[test]
fn an_exit_keeps_its_status() {
    let (status, _) = remains("victims::exits");
    assert_eq!(status.code(), Some(7));
}

#[test]
fn a_stack_overflow_leaves_its_last_checkpoint() {
    let (status, _) = remains("victims::overflows_its_stack");
    assert_eq!(status.signal(), Some(SIGABRT));
}

#[test]
fn a_termination_leaves_its_last_checkpoint() {
    let (status, _) = remains("victims::is_terminated");
    assert_eq!(status.signal(), Some(SIGTERM));
}

#[test]
fn an_allocation_that_fails_leaves_its_last_checkpoint() {
    let folder = scratch::folder();
    let mut victim = victim("victims::runs_out_of_address_space", folder.path());
    let limit = rustix::process::Rlimit {
        current: Some(1 << 30),
        maximum: Some(1 << 30),
    };
    let set = move || {
        Ok(rustix::process::setrlimit(
            rustix::process::Resource::As,
            limit,
        )?)
    };
    // SAFETY: one system call.
    unsafe { damage::before(&mut victim, set) };
    let (status, _) = remains_of(victim, folder.path());
    assert_eq!(status.signal(), Some(SIGABRT));

    let run = Run::read(&[folder.path().to_owned()], |_, _| ()).unwrap();
    assert_eq!(run.rows[0].address_space_limit_bytes, Some(1 << 30));
    let diagnosis = Diagnosis::of(&run.rows[0], &Context::of_run(&run));
    assert_eq!(diagnosis.verdict(), Verdict::OutOfMemory, "{diagnosis:?}");
    let evidence = diagnosis.findings[0].evidence.join("\n");
    assert!(evidence.contains("1.00 GiB of address space"), "{evidence}");
    assert!(evidence.contains("`before the end`"), "{evidence}");
}
