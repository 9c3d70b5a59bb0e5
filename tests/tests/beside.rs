//! `#[heap_tracked]` beside what people have on their tests already: the project
//! `projects/beside`, with the real crates, under every number of test threads and under nextest.
//!
//! The project's tests say in their labels what must be in their sidecars, and in their names
//! whether they fail.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use heap_runtime::sidecar::{Outcome, Sidecar, Status};
use heap_runtime::{Runner, heap_tracked};
use heap_tests::damage::{nextest_is_installed, skip};
use heap_tests::project::{Project, Run};

heap_runtime::use_jemalloc!();

/// What a crate beside a test may free and keep of its own where it says `keeps_some`: a runtime, a
/// logger, the symbols of a first backtrace. Half of what the smallest test keeps, and twice that.
const SOME: Range<i64> = -(32 << 10)..(128 << 10);

/// The project, where its crates are here or can be fetched.
fn project() -> Option<MutexGuard<'static, Project>> {
    static PROJECT: LazyLock<Mutex<Project>> =
        LazyLock::new(|| Mutex::new(Project::copy_of("beside")));
    let project = PROJECT.lock().unwrap_or_else(PoisonError::into_inner);
    let fetched = project.cargo(["fetch"]).output().expect("cargo starts");
    if !fetched.status.success() {
        let why = String::from_utf8_lossy(&fetched.stderr);
        skip(&format!(
            "the crates beside which it is tested cannot be fetched: {why}"
        ));
        return None;
    }
    Some(project)
}

/// How often a harness says of each test that it passed, and that it failed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdicts {
    passed: usize,
    failed: usize,
}

/// What a harness says: lines of libtest's, or of nextest's.
fn verdicts(run: &Run) -> BTreeMap<String, Verdicts> {
    let mut verdicts: BTreeMap<String, Verdicts> = BTreeMap::new();
    for line in run.stdout.lines().chain(run.stderr.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        // nextest shows what libtest says of a test that failed, further in.
        let is_libtest = line.starts_with("test ");
        let (name, passed) = match words.as_slice() {
            ["test", name, .., "...", "ok"] if is_libtest => (*name, true),
            ["test", name, .., "...", "FAILED"] if is_libtest => (*name, false),
            ["PASS", .., name] => (*name, true),
            ["FAIL", .., name] => (*name, false),
            _ => continue,
        };
        let verdict = verdicts.entry(name.to_owned()).or_default();
        if passed {
            verdict.passed += 1;
        } else {
            verdict.failed += 1;
        }
    }
    verdicts
}

/// A label of a test.
fn label<'a>(sidecar: &'a Sidecar, key: &str) -> Option<&'a str> {
    sidecar.labels.get(key).map(String::as_str)
}

fn number(sidecar: &Sidecar, key: &str) -> Option<i64> {
    label(sidecar, key).map(|text| text.parse().expect("the label is a number"))
}

/// What a test says in its labels about its sidecar is so.
#[track_caller]
fn is_as_it_says(sidecar: &Sidecar) {
    let name = &sidecar.test_name;
    assert_eq!(sidecar.status, Status::Finished, "{name}");
    let own = sidecar
        .heap
        .own
        .unwrap_or_else(|| panic!("{name} was not measured"));
    if let Some(keeps) = number(sidecar, "keeps") {
        assert_eq!(own.retained_bytes, keeps, "{name}: {own:?}");
    }
    if let Some(keeps) = number(sidecar, "keeps_some") {
        let more = own.retained_bytes - keeps;
        assert!(SOME.contains(&more), "{name}: {own:?}");
    }
    if let Some(peak) = number(sidecar, "peak") {
        let more = i64::try_from(own.peak_bytes.expect("it was sampled")).unwrap() - peak;
        assert!(SOME.contains(&more), "{name}: {own:?}");
    }
    if let Some(text) = label(sidecar, "says") {
        let failure = sidecar.failure.as_ref().expect("it failed");
        assert!(
            failure.message.contains(text),
            "{name}: {}",
            failure.message
        );
    }
    if label(sidecar, "takes") == Some("no time") {
        let took = Duration::from_nanos(sidecar.duration_ns.expect("it has ended"));
        assert!(took < Duration::from_mins(10), "{name}: {took:?}");
    }
}

/// Every test that the harness ran has its sidecars, one for each time, which say what the harness
/// says.
#[track_caller]
fn sidecars_say_what_the_harness_says(run: &Run) {
    let verdicts = verdicts(run);
    let output = || format!("{}{}", run.stdout, run.stderr);
    assert!(verdicts.len() > 150, "{}", output());
    let mut written: BTreeMap<String, Verdicts> = BTreeMap::new();
    for sidecar in &run.sidecars {
        is_as_it_says(sidecar);
        // What a test calls inside is no test of the harness's.
        if label(sidecar, "is") == Some("inner") {
            continue;
        }
        let verdict = written.entry(sidecar.test_name.clone()).or_default();
        match sidecar.outcome {
            Some(Outcome::Failed) => verdict.failed += 1,
            _ => verdict.passed += 1,
        }
    }
    let is_nextest = run
        .sidecars
        .iter()
        .any(|sidecar| sidecar.runner == Runner::Nextest);
    if is_nextest {
        // A test that is there twice has one name, by which nextest runs both at once.
        for verdict in written.values_mut() {
            verdict.passed = verdict.passed.min(1);
            verdict.failed = verdict.failed.min(1);
        }
    }
    for (name, verdict) in &verdicts {
        // rstest can have one case of many tracked.
        if name.contains("untracked") {
            assert!(!written.contains_key(name), "{name}");
            continue;
        }
        assert_eq!(written.get(name), Some(verdict), "{name}\n{}", output());
        let fails = name.contains("fails");
        assert_eq!(
            (verdict.failed > 0, verdict.passed > 0),
            (fails, !fails),
            "{name}"
        );
    }
    let foreign = written.keys().find(|name| !verdicts.contains_key(*name));
    assert_eq!(foreign, None);
}

/// The tests with attributes and those of libtest-mimic.
const BINARIES: [&str; 6] = [
    "--test",
    "attributes",
    "--test",
    "mimic",
    "--test",
    "traced",
];

#[track_caller]
fn on_threads(threads: &str) {
    let Some(project) = project() else { return };
    let mut command = project.cargo(["test", "--no-fail-fast"]);
    command
        .args(BINARIES)
        .args(["--", "--test-threads", threads]);
    sidecars_say_what_the_harness_says(&Run::of(&mut command));
}

#[heap_tracked]
#[test]
fn on_one_thread() {
    on_threads("1");
}

#[heap_tracked]
#[test]
fn on_two_threads() {
    on_threads("2");
}

#[heap_tracked]
#[test]
fn on_sixteen_threads() {
    on_threads("16");
}

#[heap_tracked]
#[test]
fn under_nextest() {
    if !nextest_is_installed() {
        return;
    }
    let Some(project) = project() else { return };
    let mut command = project.cargo(["nextest", "run", "--no-fail-fast", "--status-level=all"]);
    command.args(["--final-status-level=none"]).args(BINARIES);
    sidecars_say_what_the_harness_says(&Run::of(&mut command));
}

#[heap_tracked]
#[test]
fn a_main_of_ones_own() {
    let Some(project) = project() else { return };
    let run = Run::of(project.cargo(["test", "--test", "own_main"]).arg("--quiet"));
    assert!(!run.status.success(), "its exit status is the user's");
    for pages in 1..=3 {
        let sidecar = run.sidecar(&format!("own_main::keeps_{pages}"));
        let own = sidecar.heap.own.expect("it was measured");
        assert_eq!(own.retained_bytes, 4096 * pages);
        assert_eq!(sidecar.outcome, Some(Outcome::Passed));
        assert_eq!(
            (&*sidecar.package, &*sidecar.binary),
            ("beside", "own_main")
        );
    }
    assert_eq!(
        run.sidecar("own_main::fails").outcome,
        Some(Outcome::Failed)
    );
}

/// It has a `pthread_create` of its own, which is the one that is linked.
#[heap_tracked]
#[test]
fn a_crash_handler_starts_the_threads() {
    let Some(project) = project() else { return };
    let run = project.test(&["--test", "crash_handler"]).success();
    let sidecar = run.sidecar("starts_a_thread");
    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    assert_eq!(sidecar.heap.own, None, "it would lack the thread's");
    let reason = sidecar.heap.reason.as_deref().expect("a tier is missing");
    assert!(reason.contains("`pthread_create`"), "{reason}");
}

/// Every crate of the project is in the documentation's table, with the version that was run.
#[heap_tracked]
#[test]
fn the_table_names_what_is_run() {
    let table = include_str!("../../heap-runtime/docs/beside.md");
    let documented: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            Some((cells.next()?, cells.next()?))
        })
        .filter(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    let manifest = include_str!("../projects/beside/Cargo.toml");
    let (_, rest) = manifest
        .split_once("[dev-dependencies]\n")
        .expect("it has some");
    let (asked, _) = rest.split_once("\n\n").expect("more follows");
    let lock = include_str!("../projects/beside/Cargo.lock");
    let run: Vec<(&str, &str)> = asked
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        // They are test-log's subject.
        .filter(|(name, _)| !["log", "tracing"].contains(name))
        .map(|(name, _)| {
            let (_, package) = lock
                .split_once(&format!("\nname = \"{name}\"\nversion = \""))
                .expect("it is locked");
            (name, package.split('"').next().expect("a version"))
        })
        .collect();
    assert_eq!(documented, run);
}
