//! What an empty tracked test asks the kernel for in a process of its own, as nextest runs it: counted, because time is
//! not the same on a busy machine and an idle one. `tests/benches/README.md` says why each is asked.
//!
//! Where strace is not installed, the test says that it is skipped.

use std::fs;
use std::path::Path;
use std::process::Command;

use heap_runtime::heap_tracked;
use heap_sidecar::{Sidecar, read_run};
use heap_tests::project::clean_environment;
use heap_tests::scratch;

heap_runtime::use_jemalloc!();

#[test]
#[ignore = "run by the other, under strace"]
fn bare() {}

#[test]
#[ignore = "run by the other, under strace"]
#[heap_tracked]
fn first() {}

#[test]
#[ignore = "run by the other, under strace"]
#[heap_tracked]
fn second() {}

/// What is not about a file of `/proc` or `/sys`: the two records, the folder, who this process is, and what jemalloc
/// asks for on its own. Of the host there are as many files as it has cgroups and tunables, and what moves is read
/// again as often as 10 ms go by.
const AT_MOST: usize = 70;

/// What never changes, and takes longest to find out: read by the first process of a run, for all others.
const FOUND_OUT_ONCE: [&str; 9] = [
    "/proc/cpuinfo",
    "/proc/cmdline",
    "/proc/self/mountinfo",
    "/cgroup.procs",
    "/sys/devices/system/node/online",
    "/sys/devices/system/cpu/cpufreq",
    "/environ",
    "/memory.use_hierarchy",
    "\"/proc/sys/kernel\"",
];

/// To look a thread up below its process makes whoever waits for the end of the process wait longer.
const BELOW_THE_PROCESS: [&str; 2] = ["\"/proc/thread-self/", "\"/proc/self/task/"];

#[test]
fn the_second_process_of_a_run_asks_for_little() {
    let found = Command::new("strace").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: strace is not installed");
        return;
    }
    let folder = scratch::folder();
    let [bare, first, second] = calls(folder.path(), ["bare", "first", "second"]);
    let opened = |calls: &[String], name: &str| {
        calls
            .iter()
            .any(|call| is_of_host(call) && call.contains(name))
    };
    assert!(opened(&first, "/proc/cpuinfo"), "{first:#?}");
    let again: Vec<_> = FOUND_OUT_ONCE
        .into_iter()
        .filter(|name| opened(&second, name) && !opened(&bare, name))
        .collect();
    assert!(
        again.is_empty(),
        "{again:?} is found out again: {second:#?}"
    );
    for calls in [&first, &second] {
        let below = BELOW_THE_PROCESS.iter().find(|name| opened(calls, name));
        assert_eq!(below, None, "{calls:#?}");
    }
    let others = |calls: &[String]| {
        let opened = calls
            .iter()
            .filter(|call| is_of_host(call) && !call.contains("= -1"));
        calls.len() - 3 * opened.count()
    };
    let (with, without) = (others(&second), others(&bare));
    assert!(
        with <= without + AT_MOST,
        "{with} calls, and {without} without tracking: {second:#?}"
    );
    println!(
        "{} calls, {} in the first process of a run, {} without tracking; {} and {} of them not of the host's files",
        second.len(),
        first.len(),
        bare.len(),
        with,
        without
    );
}

/// Files of the host that move, which are good for 10 ms, or for 20.
const MOVES: [&str; 4] = [
    "/proc/meminfo",
    "/proc/stat",
    "/proc/vmstat",
    "/proc/pressure/",
];

/// Those that somebody may set, which are good for 20 ms.
const IS_SET: [&str; 2] = ["/sys/devices/system/cpu/online", "/proc/sys/kernel/sched_"];

/// Under strace some processes take longer than a reading is good for. Of many, one is quick enough, where any is.
#[test]
fn a_process_takes_the_files_to_say_what_they_said_a_moment_ago() {
    let found = Command::new("strace").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: strace is not installed");
        return;
    }
    let reads = |calls: &[String], names: &[&str]| {
        let mut opened = calls.iter().filter(|call| is_of_host(call));
        opened.any(|call| names.iter().any(|name| call.contains(name)))
    };
    for _ in 0..20 {
        let folder = scratch::folder();
        let [first, second, others @ ..] = calls(
            folder.path(),
            ["first", "second", "second", "second", "second", "second"],
        );
        for untold in [&first, &second] {
            assert!(
                reads(untold, &MOVES) && reads(untold, &IS_SET),
                "{untold:#?}"
            );
        }
        let Some(told) = others.iter().find(|calls| !reads(calls, &IS_SET)) else {
            continue;
        };
        if !reads(told, &MOVES) {
            let sidecars = sidecars(&folder.path().join("sidecars"));
            let all: Vec<_> = sidecars.iter().filter_map(pressure).collect();
            let mut different = all.clone();
            different.sort_unstable();
            different.dedup();
            // Two processes have the same reading.
            assert!(all.is_empty() || different.len() < all.len(), "{all:?}");
        }
        return;
    }
    println!("skipped: a process takes longer here than a reading is good for");
}

/// How long tasks had waited for a CPU before the test, and for memory, to the microsecond; and what was free.
fn pressure(sidecar: &Sidecar) -> Option<[u64; 3]> {
    let host = &sidecar.host_before;
    Some([
        host.cpu_pressure.as_ref()?.some.total,
        host.memory_pressure.as_ref()?.some.total,
        host.mem_available_kib?,
    ])
}

fn sidecars(folder: &Path) -> Vec<Sidecar> {
    let (sidecars, unreadable) = read_run(folder).expect("the folder is there");
    assert!(unreadable.is_empty(), "{unreadable:?}");
    sidecars
}

/// Whether it opens what the kernel says of the host or of a process.
fn is_of_host(call: &str) -> bool {
    let opens = call.starts_with("open");
    opens && (call.contains("\"/proc/") || call.contains("\"/sys/"))
}

/// The calls of these tests, each in a process of its own that one and the same nextest has started.
fn calls<const N: usize>(folder: &Path, tests: [&str; N]) -> [Vec<String>; N] {
    let nextest = folder.join("cargo-nextest");
    fs::copy("/bin/sh", &nextest).expect("there is a shell");
    let (trace, sidecars) = (folder.join("trace"), folder.join("sidecars"));
    // As the real one has, it has the variable for its children alone.
    let script = format!(
        "export NEXTEST_RUN_ID=11111111-2222-3333-4444-555555555555; for test in {}; do \"$0\" --exact --ignored --test-threads=1 $test || exit 1; done",
        tests.join(" ")
    );
    let mut command = Command::new("strace");
    clean_environment(&mut command);
    let output = command
        .args(["-f", "-qq", "-s", "200", "-o"])
        .arg(&trace)
        .arg(&nextest)
        .args(["-c", &script])
        .arg(std::env::current_exe().expect("the test binary is known"))
        .env("HEAP_SIDECAR_DIR", &sidecars)
        .output()
        .expect("strace can be started");
    assert!(output.status.success(), "{output:?}");
    let trace = fs::read_to_string(&trace).expect("strace leaves a file");
    let mut lines = trace
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(process, call)| (process, call.trim_start()))
        .filter(|(_, call)| !call.contains("resumed>") && !call.starts_with(['+', '-']))
        .peekable();
    let shell = lines.peek().expect("it has traced something").0;
    let mut processes: Vec<Vec<String>> = Vec::new();
    for (process, call) in lines {
        if process == shell {
            continue;
        }
        if call.starts_with("execve(") {
            processes.push(Vec::new());
        }
        // A child of the shell, before it executes anything.
        if let Some(calls) = processes.last_mut() {
            calls.push(call.to_owned());
        }
    }
    processes.try_into().expect("a process for each test")
}
