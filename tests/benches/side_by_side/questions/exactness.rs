//! Who is right while others allocate too.

use std::fmt::Write as _;
use std::process::Command;

use crate::Ask;
use crate::contender::{Rivals, figures};
use crate::finding::Finding;
use crate::rounds::{Spread, number};

const MEASURING: [&str; 7] = [
    "tracked",
    "densa_alloc",
    "stats_alloc",
    "alloc_tracker",
    "allocation_counter",
    "peak_alloc",
    "dhat",
];

pub(crate) fn ask(ask: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (thread, where_) in [
        ("own", "on the test's thread"),
        ("child", "on a thread it starts"),
    ] {
        for neighbours in [0, 1, 8] {
            let wrong = MEASURING.map(|contender| {
                let figures = figures(&mut rivals.program(contender, "known", neighbours));
                let of = figures[&format!("{thread}_of")];
                Spread::exactly(100.0 * figures[&format!("{thread}_wrong")] / of)
            });
            findings.push(
                Finding::new(
                    format!("known answers {where_}, {neighbours} neighbours"),
                    "% wrong",
                )
                .sides(MEASURING.into_iter().zip(wrong))
                .at_most(wrong[0].median, 0.0)
                .note("each is asked only for what it claims to tell"),
            );
        }
    }
    findings.push(budgets(ask, rivals));
    findings
}

/// Each suite: what it is, what stands at its top, and how a test is within its budget.
const BUDGETS: [(&str, &str, &str); 5] = [
    (
        "tracked",
        "heap_runtime::use_jemalloc!();",
        "#[heap_runtime::heap_tracked(max_allocated = LIMIT)] #[test] fn NAME() { work(); }",
    ),
    (
        "allocation_counter",
        "",
        "#[test] fn NAME() { assert!(allocation_counter::measure(work).bytes_total <= LIMIT); }",
    ),
    (
        "stats_alloc",
        "use stats_alloc::*;\n#[global_allocator] static A: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;",
        "#[test] fn NAME() { let region = Region::new(A); work(); assert!(region.change().bytes_allocated <= LIMIT); }",
    ),
    (
        "peak_alloc",
        "#[global_allocator] static A: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;",
        "#[test] fn NAME() { A.reset_peak_usage(); let before = A.current_usage(); work(); assert!(A.peak_usage() - before <= LIMIT / 60); }",
    ),
    (
        "dhat",
        "#[global_allocator] static A: dhat::Alloc = dhat::Alloc;",
        "#[test] fn NAME() { let _profiler = dhat::Profiler::builder().testing().build(); work(); assert!(dhat::HeapStats::get().total_bytes <= LIMIT); }",
    ),
];
/// 64 times 64 KiB, of which one is live at a time.
const WORK: &str = "fn work() { for _ in 0..64 { std::hint::black_box(vec![1_u8; 65536]); std::thread::yield_now(); } }";
/// A tenth more than each test allocates.
const LIMIT: usize = 64 * 65536 * 11 / 10;

/// How many of so many runs of four tests fail, although each keeps to its budget.
fn budgets(ask: &Ask, rivals: &mut Rivals) -> Finding {
    let runs = if ask.long { 1000 } else { 200 };
    for (name, head, test) in BUDGETS {
        for (kind, limit) in [("held", LIMIT), ("broken", LIMIT / 2)] {
            let tests: String = (0..4)
                .map(|at| {
                    test.replace("NAME", &format!("t{at}"))
                        .replace("LIMIT", &limit.to_string())
                        + "\n"
                })
                .collect();
            rivals.file(
                &format!("tests/budget_{name}_{kind}.rs"),
                &format!("{head}\n{WORK}\n{tests}"),
            );
        }
    }
    let failures = |rivals: &Rivals, name: &str, threads: usize, runs: usize| {
        let binary = rivals.suite(name, "optimised");
        let failed = (0..runs).filter(|_| {
            let folder = heap_tests::scratch::folder();
            let output = Command::new(&binary)
                .arg(format!("--test-threads={threads}"))
                .env("HEAP_SIDECAR_DIR", folder.path())
                .output()
                .expect("the suite can be started");
            !output.status.success()
        });
        failed.count()
    };
    let mut alone = String::new();
    let counts = BUDGETS.map(|(name, ..)| {
        // Who never fails is not exact but blind.
        assert_eq!(
            failures(rivals, &format!("budget_{name}_broken"), 1, 1),
            1,
            "{name}"
        );
        let held = format!("budget_{name}_held");
        write!(alone, " {name} {};", failures(rivals, &held, 1, 20)).expect("a String");
        Spread::exactly(number(failures(rivals, &held, 4, runs) as u64))
    });
    Finding::new(
        format!("false failures of four tests at a time, {runs} runs"),
        "runs",
    )
    .sides(BUDGETS.iter().map(|(name, ..)| *name).zip(counts))
    .at_most(counts[0].median, 0.0)
    .note(format!("one at a time, of 20 runs:{alone}"))
}
