//! What an empty tracked test asks the kernel for in a process of its own, as nextest runs it: counted, because time is
//! not the same on a busy machine and an idle one. `tests/benches/README.md` says why each is asked.
//!
//! Where strace is not installed, the test says that it is skipped.

use std::fs;
use std::path::Path;
use std::process::Command;

use heap_runtime::heap_tracked;
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
const AT_MOST: usize = 80;

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

#[test]
fn the_second_process_of_a_run_asks_for_little() {
    let found = Command::new("strace").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: strace is not installed");
        return;
    }
    let folder = scratch::folder();
    let [bare, first, second] = calls(folder.path());
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

/// Whether it opens what the kernel says of the host or of a process.
fn is_of_host(call: &str) -> bool {
    let opens = call.starts_with("open");
    opens && (call.contains("\"/proc/") || call.contains("\"/sys/"))
}

/// The calls of the three tests, each in a process of its own that one and the same nextest has started.
fn calls(folder: &Path) -> [Vec<String>; 3] {
    let nextest = folder.join("cargo-nextest");
    fs::copy("/bin/sh", &nextest).expect("there is a shell");
    let (trace, sidecars) = (folder.join("trace"), folder.join("sidecars"));
    // As the real one has, it has the variable for its children alone.
    let script = "export NEXTEST_RUN_ID=11111111-2222-3333-4444-555555555555; for test in bare first second; do \"$0\" --exact --ignored --test-threads=1 $test || exit 1; done";
    let mut command = Command::new("strace");
    clean_environment(&mut command);
    let output = command
        .args(["-f", "-qq", "-s", "200", "-o"])
        .arg(&trace)
        .arg(&nextest)
        .args(["-c", script])
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
    processes.try_into().expect("three processes")
}
