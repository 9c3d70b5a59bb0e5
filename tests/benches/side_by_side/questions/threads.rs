//! What tracking costs where many tests run at once, and where each runs in a process of its own.

use std::fs;
use std::process::Command;

use crate::Ask;
use crate::contender::{Rivals, suite};
use crate::finding::Finding;
use crate::rounds::{Spread, by_turns, number};
use crate::spawned;

const TESTS: usize = 500;
const ROUNDS: usize = 3;

/// Test threads, and arenas: jemalloc makes four for each CPU.
const CROWDS: [(usize, usize); 7] = [
    (1, 8),
    (2, 8),
    (8, 32),
    (8, 512),
    (32, 128),
    (128, 512),
    (128, 8),
];
const SIDES: [(&str, &str, &str); 3] = [
    ("bare #[test]", "sleeping_bare", "1"),
    ("heap_tracked", "sleeping_tracked", "1"),
    ("heap_tracked, HEAP_PROCESS=0", "sleeping_tracked", "0"),
];

pub(crate) fn ask(_: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    let head = "heap_runtime::use_jemalloc!();";
    let tracked = "#[heap_runtime::heap_tracked]\n#[test]";
    let sleep = |_| " std::thread::sleep(std::time::Duration::from_millis(2)) ".into();
    for (name, attribute) in [("sleeping_bare", "#[test]"), ("sleeping_tracked", tracked)] {
        rivals.file(
            &format!("tests/{name}.rs"),
            &suite(head, attribute, TESTS, sleep),
        );
    }
    for (name, attribute) in [("single_bare", "#[test]"), ("single_tracked", tracked)] {
        let empty = |_| String::new();
        rivals.file(
            &format!("tests/{name}.rs"),
            &suite(head, attribute, 1, empty),
        );
    }
    let mut findings = Vec::new();
    for crowd in CROWDS {
        findings.extend(at_once(rivals, crowd));
    }
    findings.push(processes(rivals));
    findings
}

/// A suite of tests that sleep for 2 ms.
fn at_once(rivals: &Rivals, (threads, arenas): (usize, usize)) -> [Finding; 2] {
    let binaries = SIDES.map(|(_, suite, _)| rivals.suite(suite, "optimised"));
    let mut cpu = [const { Vec::new() }; SIDES.len()];
    let sides: Vec<usize> = (0..SIDES.len()).collect();
    let wall = by_turns(ROUNDS, &sides, |at| {
        let folder = heap_tests::scratch::folder();
        let spent = spawned::run(
            Command::new(&binaries[*at])
                .arg(format!("--test-threads={threads}"))
                .env("HEAP_SIDECAR_DIR", folder.path())
                .env("HEAP_PROCESS", SIDES[*at].2)
                .env("_RJEM_MALLOC_CONF", format!("narenas:{arenas}")),
        );
        assert!(spent.status.success(), "{}", SIDES[*at].0);
        cpu[*at].push(spent.cpu_s * 1e6 / number(TESTS as u64));
        spent.wall_s * 1e3
    });
    let named = |what: &str| format!("{what}, {threads} test threads, {arenas} arenas");
    let labels = || SIDES.iter().map(|(name, ..)| *name);
    [
        Finding::new(named("CPU time of a test that sleeps 2 ms"), "us")
            .sides(labels().zip(cpu.map(Spread::of))),
        Finding::new(named("time of 500 such tests"), "ms").sides(labels().zip(wall)),
    ]
}

/// One empty test in a new process, started by what goes by the name of nextest.
fn processes(rivals: &Rivals) -> Finding {
    const PROCESSES: u32 = 100;
    let what = "CPU time of a process of one empty test, dependencies as in `dev`";
    let folder = heap_tests::scratch::folder();
    let nextest = folder.path().join("cargo-nextest");
    if let Err(error) = fs::copy("/bin/sh", &nextest) {
        return Finding::skipped(what, &error.to_string());
    }
    let binaries = ["single_bare", "single_tracked"].map(|suite| rivals.suite(suite, "dev"));
    let script = format!(
        "export NEXTEST_RUN_ID=$$-$2; i=0; while [ $i -lt {PROCESSES} ]; do \"$1\" || exit 1; i=$((i + 1)); done"
    );
    let times = by_turns(9, &[0, 1], |at| {
        let sidecars = heap_tests::scratch::folder();
        let mut command = Command::new(&nextest);
        command
            .args(["-c", &script, "nextest"])
            .arg(&binaries[*at])
            .arg(sidecars.path().file_name().unwrap_or_default())
            .env("HEAP_SIDECAR_DIR", sidecars.path());
        let spent = spawned::run(&mut command);
        assert!(spent.status.success(), "{command:?}");
        spent.cpu_s * 1e3 / f64::from(PROCESSES)
    });
    let added = times[1].median - times[0].median;
    Finding::new(what, "ms")
        .sides(["bare #[test]", "heap_tracked"].into_iter().zip(times))
        .at_most(added, 1.0)
}
