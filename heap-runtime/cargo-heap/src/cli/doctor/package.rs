//! What the tests of this package were able to measure, by what the newest run has left: only a test can prove which
//! allocator it has.

use std::collections::BTreeSet;

use heap_sidecar::{Allocator, PeakSource};

use super::check::Check;
use crate::report::{Row, Run};

/// What makes a run.
const A_RUN: &str = "cargo heap test";

/// Coroutines on stacks so small that jemalloc's own calls overflow them where they are not optimised.
const ON_SMALL_STACKS: [&str; 4] = ["loom", "corosensei", "generator", "may"];

/// By a run, or the reason why there is none.
pub(super) fn checks(run: Result<&Run, &str>) -> Vec<Check> {
    type Of = fn(&Run) -> Check;
    let of_run: [(&'static str, &'static str, Of); 4] = [
        ("versions", VERSIONS, versions),
        ("allocator", ALLOCATOR, allocator),
        ("call-backs", CALL_BACKS, call_backs),
        ("time-in-tests", TIME, time),
    ];
    of_run
        .into_iter()
        .map(|(name, measures, of)| match run {
            Ok(run) => of(run),
            Err(reason) => Check::unknown(name, measures, reason, A_RUN),
        })
        .collect()
}

const VERSIONS: &str = "whether what reads is as new as what writes";
const ALLOCATOR: &str = "the heap at all: jemalloc, proved by an allocation";
const CALL_BACKS: &str = "peaks of all threads together, and threads that tests start";
const TIME: &str = "where the time of a test's threads went, as tests have met it";

fn versions(run: &Run) -> Check {
    let ours = env!("CARGO_PKG_VERSION");
    let builds: BTreeSet<(&str, &str)> = (run.records.iter())
        .filter_map(|record| record.build.as_ref())
        .map(|build| (build.heap_runtime.as_str(), build.rustc.as_str()))
        .collect();
    let said: Vec<String> = builds
        .iter()
        .map(|(runtime, rustc)| format!("heap-runtime {runtime} ({rustc})"))
        .collect();
    if builds.is_empty() {
        let found = "the newest run does not say what it was built with";
        return Check::unknown("versions", VERSIONS, found, A_RUN);
    }
    let found = format!("cargo-heap {ours}, {}", said.join(", "));
    if builds.iter().all(|(runtime, _)| *runtime == ours) {
        return Check::good("versions", VERSIONS, found);
    }
    let newest = builds.last().map_or(ours, |(runtime, _)| runtime);
    let mend = format!("cargo install cargo-heap --version {newest}");
    Check::missing("versions", VERSIONS, found, mend)
}

/// The test binaries that have a test of that kind.
fn binaries(run: &Run, is: impl Fn(&Row) -> bool) -> BTreeSet<String> {
    let rows = run.rows.iter().filter(|row| is(row));
    rows.map(|row| format!("{} of {}", row.binary, row.package))
        .collect()
}

fn list(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.join(", ")
}

fn allocator(run: &Run) -> Check {
    let others = binaries(run, |row| row.allocator == Allocator::Other);
    let absent = binaries(run, |row| row.allocator == Allocator::Absent);
    if !absent.is_empty() {
        return Check::missing(
            "allocator",
            ALLOCATOR,
            format!("built without jemalloc: {}", list(&absent)),
            "cargo heap init",
        );
    }
    if others.is_empty() {
        let tests = run.rows.len();
        return Check::good(
            "allocator",
            ALLOCATOR,
            format!("jemalloc, in all of {tests} test(s)"),
        );
    }
    Check::missing(
        "allocator",
        ALLOCATOR,
        format!("no `heap_runtime::use_jemalloc!();` in {}", list(&others)),
        "cargo heap init",
    )
}

fn call_backs(run: &Run) -> Check {
    let name = "call-backs";
    let counted = || {
        run.rows
            .iter()
            .filter(|row| row.allocator == Allocator::Jemalloc)
    };
    if counted().next().is_none() {
        let found = "no test of the newest run had jemalloc";
        return Check::unknown(name, CALL_BACKS, found, "cargo heap init");
    }
    let reasons: BTreeSet<&str> = counted()
        .filter_map(|row| row.heap_reason.as_deref())
        .collect();
    if let Some(reason) = reasons.first() {
        let mend = "see \"the limits of exactness\" in the guide, and `cargo heap show`";
        return Check::missing(name, CALL_BACKS, *reason, mend);
    }
    let rough = binaries(run, |row| {
        row.own_peak_source == Some(PeakSource::ThreadPeak)
    });
    if rough.is_empty() {
        return Check::good(
            name,
            CALL_BACKS,
            "jemalloc calls back, and threads are seen",
        );
    }
    let found = format!("jemalloc refuses its call-backs in {}", list(&rough));
    Check::missing(name, CALL_BACKS, found, "cargo update -p tikv-jemalloc-sys")
}

fn time(run: &Run) -> Check {
    let name = "time-in-tests";
    let reasons: BTreeSet<&str> = run
        .rows
        .iter()
        .filter_map(|row| row.time_reason.as_deref())
        .collect();
    if let Some(reason) = reasons.first() {
        let mend = "see delay-accounting, taskstats and run-delay";
        return Check::missing(name, TIME, *reason, mend);
    }
    if run.rows.iter().any(|row| row.own_cpu_ns.is_some()) {
        return Check::good(name, TIME, "nothing is wanting");
    }
    let found = "no test of the newest run has it: HEAP_TIME=0, or another system than Linux";
    Check::missing(name, TIME, found, "unset HEAP_TIME")
}

/// By the names in a lock file, the workspace's manifest, and how the newest run was built.
pub(super) fn small_stacks(lock: &str, manifest: &str, run: Option<&Run>) -> Check {
    let (name, measures) = (
        "small-stacks",
        "tests that run coroutines on stacks of their own",
    );
    let has = |crate_name: &&str| lock.contains(&format!("name = \"{crate_name}\"\n"));
    let found: Vec<&str> = ON_SMALL_STACKS.into_iter().filter(has).collect();
    if found.is_empty() {
        return Check::good(name, measures, "no crate of the kind is depended on");
    }
    let found = found.join(", ");
    let of_packages = ["package.tikv-jemalloc-sys]", "package.\"*\"]"];
    if of_packages.iter().any(|section| manifest.contains(section)) {
        return Check::good(
            name,
            measures,
            format!("{found}, and a profile of jemalloc's own"),
        );
    }
    let mut builds = run
        .into_iter()
        .flat_map(|run| &run.records)
        .filter_map(|record| record.build.as_ref());
    match builds.next() {
        Some(build) if build.opt_level != "0" => {
            Check::good(name, measures, format!("{found}, and all is optimised"))
        }
        _ => Check::missing(
            name,
            measures,
            format!(
                "{found}: jemalloc that is not optimised needs more stack than theirs, of 32 KiB"
            ),
            "[profile.dev.package.tikv-jemalloc-sys] opt-level = 3, in the workspace's Cargo.toml",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use heap_sidecar::{Build, RunRecord, Runner};

    use super::super::check::State;
    use super::*;

    /// A run that is kept, whose tests had jemalloc.
    fn kept() -> Run {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sidecar/docs/runs/tuesday");
        Run::read(&[folder], |_, _| ()).unwrap()
    }

    fn built(run: &mut Run, heap_runtime: &str, opt_level: &str) {
        let began_at = "2026-11-24T12:00:18.500Z".into();
        let mut record = RunRecord::new("x".into(), Runner::Nextest, began_at);
        let build = Build::new(
            heap_runtime,
            "rustc 1.95.0",
            "x86_64",
            "debug",
            opt_level,
            true,
        );
        record.build = Some(build);
        run.records = vec![record];
    }

    fn state(checks: &[Check], name: &str) -> State {
        let mut checks = checks.iter();
        checks.find(|check| check.name == name).unwrap().state
    }

    #[test]
    fn without_a_run_nothing_is_known_and_a_run_mends_it() {
        let checks = checks(Err("there is no run yet"));
        assert_eq!(checks.len(), 4);
        for check in checks {
            assert_eq!(
                (check.state, check.found.as_str()),
                (State::Unknown, "there is no run yet")
            );
            assert_eq!(check.mend.as_deref(), Some(A_RUN));
        }
    }

    #[test]
    fn a_binary_without_jemalloc_is_named() {
        let mut run = kept();
        assert_eq!(state(&checks(Ok(&run)), "allocator"), State::Good);
        run.rows[0].allocator = Allocator::Other;
        let checks = checks(Ok(&run));
        let check = checks
            .iter()
            .find(|check| check.name == "allocator")
            .unwrap();
        assert_eq!(check.state, State::Missing);
        assert!(check.found.contains(&run.rows[0].binary), "{}", check.found);
    }

    #[test]
    fn a_peak_of_one_thread_alone_is_a_call_back_that_was_refused() {
        let mut run = kept();
        run.rows.iter_mut().for_each(|row| row.heap_reason = None);
        assert_eq!(state(&checks(Ok(&run)), "call-backs"), State::Good);
        run.rows[0].own_peak_source = Some(PeakSource::ThreadPeak);
        assert_eq!(state(&checks(Ok(&run)), "call-backs"), State::Missing);
        run.rows
            .iter_mut()
            .for_each(|row| row.allocator = Allocator::Other);
        assert_eq!(state(&checks(Ok(&run)), "call-backs"), State::Unknown);
    }

    #[test]
    fn what_the_tests_could_not_read_is_told_in_their_words() {
        let mut run = kept();
        run.rows[0].own_cpu_ns = Some(1);
        run.rows.iter_mut().for_each(|row| row.time_reason = None);
        assert_eq!(state(&checks(Ok(&run)), "time-in-tests"), State::Good);
        let reason = "delays: kernel.task_delayacct is 0";
        run.rows[0].time_reason = Some(reason.into());
        let checks = checks(Ok(&run));
        let check = checks
            .iter()
            .find(|check| check.name == "time-in-tests")
            .unwrap();
        assert_eq!(
            (check.state, check.found.as_str()),
            (State::Missing, reason)
        );
    }

    #[test]
    fn another_version_is_told() {
        let mut run = kept();
        built(&mut run, env!("CARGO_PKG_VERSION"), "0");
        assert_eq!(state(&checks(Ok(&run)), "versions"), State::Good);
        built(&mut run, "9.9.9", "0");
        let checks = checks(Ok(&run));
        let check = checks
            .iter()
            .find(|check| check.name == "versions")
            .unwrap();
        assert_eq!(check.state, State::Missing);
        assert_eq!(
            check.mend.as_deref(),
            Some("cargo install cargo-heap --version 9.9.9")
        );
    }

    #[test]
    fn small_stacks_are_told_where_nothing_is_optimised() {
        let lock = "[[package]]\nname = \"loom\"\nversion = \"0.7.2\"\n";
        let state = |lock, manifest, run: Option<&Run>| small_stacks(lock, manifest, run).state;
        assert_eq!(state("name = \"looming\"\n", "", None), State::Good);
        assert_eq!(state(lock, "", None), State::Missing);
        let mut run = kept();
        built(&mut run, "1.0.0", "0");
        assert_eq!(state(lock, "", Some(&run)), State::Missing);
        built(&mut run, "1.0.0", "3");
        assert_eq!(state(lock, "", Some(&run)), State::Good);
        let manifest = "[profile.dev.package.tikv-jemalloc-sys]\nopt-level = 3\n";
        assert_eq!(state(lock, manifest, None), State::Good);
    }
}
