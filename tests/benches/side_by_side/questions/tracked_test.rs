//! What tracking adds to one empty test.

use std::process::Command;

use crate::Ask;
use crate::contender::{Rivals, suite};
use crate::finding::Finding;
use crate::rounds::{Spread, by_turns, number};
use crate::spawned;

const TESTS: usize = 5000;
const ROUNDS: usize = 9;
const SUITES: [(&str, &str, &str); 6] = [
    ("suite_bare", "", "#[test]"),
    ("suite_floor", "", "#[test]"),
    (
        "suite_tracked",
        "",
        "#[heap_runtime::heap_tracked]\n#[test]",
    ),
    ("suite_serial", "", "#[serial_test::serial]\n#[test]"),
    ("suite_log", "", "#[test_log::test]"),
    ("suite_right", "", "#[test]"),
];

/// A side: its suite, and whether the process tier is left out.
type Side = (&'static str, bool);
const SIDES: [Side; 7] = [
    ("suite_bare", false),
    ("suite_floor", false),
    ("suite_tracked", false),
    ("suite_tracked", true),
    ("suite_serial", false),
    ("suite_log", false),
    ("suite_right", false),
];
const NAMES: [&str; 7] = [
    "bare #[test]",
    "floor",
    "heap_tracked",
    "heap_tracked, HEAP_PROCESS=0",
    "serial_test",
    "test-log",
    "floor, made right",
];

pub(crate) fn ask(ask: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    for (name, head, attribute) in SUITES {
        let head = format!("heap_runtime::use_jemalloc!();\n{head}");
        let body = match name {
            "suite_floor" => |test| format!(" rivals::floor::once({test}) "),
            "suite_right" => |test| format!(" rivals::floor::once_right({test}) "),
            _ => |_| String::new(),
        };
        rivals.file(
            &format!("tests/{name}.rs"),
            &suite(&head, attribute, TESTS, body),
        );
    }
    let mut findings = Vec::new();
    for (profile, threads) in [("optimised", 1), ("optimised", 2), ("dev", 1)] {
        findings.extend(libtest(rivals, profile, threads));
    }
    findings.push(nextest(ask, rivals));
    findings.push(memray());
    findings
}

fn libtest(rivals: &Rivals, profile: &str, threads: usize) -> Vec<Finding> {
    let binaries = SIDES.map(|(name, _)| rivals.suite(name, profile));
    let mut cpu = vec![Vec::new(); SIDES.len()];
    let sides: Vec<usize> = (0..SIDES.len()).collect();
    let wall = by_turns(ROUNDS, &sides, |at| {
        let folder = heap_tests::scratch::folder();
        let mut command = Command::new(&binaries[*at]);
        command
            .arg(format!("--test-threads={threads}"))
            .env("HEAP_SIDECAR_DIR", folder.path());
        if SIDES[*at].1 {
            command.env("HEAP_PROCESS", "0");
        }
        let spent = spawned::run(&mut command);
        assert!(spent.status.success(), "{command:?}");
        cpu[*at].push(spent.cpu_s * 1e6 / number(TESTS as u64));
        spent.wall_s * 1e6 / number(TESTS as u64)
    });
    let cpu: Vec<Spread> = cpu.into_iter().map(Spread::of).collect();
    [("CPU time", cpu), ("time", wall)]
        .into_iter()
        .flat_map(|(what, spreads)| {
            let bare = spreads[0].median;
            let added: Vec<Spread> = spreads.iter().map(|s| s.map(|us| us - bare)).collect();
            let named = |what: &str| {
                format!("{what}, dependencies as in `{profile}`, {threads} test threads")
            };
            let floor = added[1].median;
            vec![
                Finding::new(named(&format!("{what} added to an empty test")), "us")
                    .sides(NAMES.into_iter().zip(added.iter().copied()).skip(1))
                    .at_most(added[2].median, 100.0)
                    .note(format!(
                        "bare: {bare:.1} us each; added by HEAP_PROCESS=0, to be at most 60: {:.1}",
                        added[3].median
                    )),
                Finding::new(named(&format!("{what} against the floor")), "times")
                    .side("heap_tracked", Spread::exactly(added[2].median / floor))
                    .side(NAMES[6], Spread::exactly(added[6].median / floor))
                    .at_most(added[2].median / floor, 1.5)
                    .note(format!(
                        "against the floor made right: {:.2}",
                        added[2].median / added[6].median
                    )),
            ]
        })
        .collect()
}

/// A process for each test.
fn nextest(ask: &Ask, rivals: &Rivals) -> Finding {
    let what = "a test under nextest";
    if !Command::new("cargo-nextest")
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success())
    {
        return Finding::skipped(what, "cargo-nextest is not installed");
    }
    let part = if ask.long { 1 } else { 10 };
    let sides = [
        "suite_bare",
        "suite_floor",
        "suite_tracked",
        "suite_serial",
        "suite_log",
    ];
    let times = by_turns(3, &sides, |name| {
        let folder = heap_tests::scratch::folder();
        let mut command = rivals.cargo(&[
            "nextest",
            "run",
            "--cargo-profile",
            "optimised",
            "--test",
            name,
        ]);
        command
            .args(["--partition", &format!("count:1/{part}")])
            .env("HEAP_SIDECAR_DIR", folder.path());
        let spent = spawned::run(&mut command);
        assert!(spent.status.success(), "{command:?}");
        spent.wall_s * 1e6 / number((TESTS / part) as u64)
    });
    let added = times[2].median - times[0].median;
    Finding::new(what, "us each")
        .sides(sides.into_iter().zip(times))
        .note(format!(
            "added by heap_tracked: {added:.0} us; the time of cargo itself is in all of them"
        ))
}

/// What pytest-memray adds to an empty Python test.
fn memray() -> Finding {
    let what = "an empty test under pytest";
    let Some(python) = crate::questions::reading::python_with(&["pytest", "pytest-memray"]) else {
        return Finding::skipped(what, "pytest-memray cannot be installed here");
    };
    let folder = heap_tests::scratch::folder();
    let tests: Vec<String> = (0..1000)
        .map(|test| format!("def test_{test}(): pass\n"))
        .collect();
    std::fs::write(folder.path().join("test_empty.py"), tests.concat())
        .expect("a temporary folder");
    let sides = [&[][..], &["--memray"]];
    let times = by_turns(3, &sides, |arguments| {
        let mut command = Command::new(&python);
        command
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
            .args(*arguments)
            .current_dir(folder.path());
        let spent = spawned::run(&mut command);
        assert!(spent.status.success(), "{command:?}");
        spent.wall_s * 1e6 / 1000.0
    });
    let added = times[1].median - times[0].median;
    Finding::new(what, "us each")
        .sides(["pytest", "pytest-memray"].into_iter().zip(times))
        .note(format!("added by pytest-memray: {added:.0} us"))
}
