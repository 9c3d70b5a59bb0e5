//! What tracking adds to building.

use std::path::Path;

use heap_tests::project::Project;

use crate::Ask;
use crate::callgrind;
use crate::contender::{Rivals, succeed, suite};
use crate::finding::Finding;
use crate::rounds::{Spread, by_turns, number};
use crate::spawned;

const TESTS: usize = 2000;
const ROUNDS: usize = 3;
const SUITES: [(&str, &str); 6] = [
    ("build_bare", "#[test]"),
    ("build_tracked", "#[heap_runtime::heap_tracked]\n#[test]"),
    ("build_rstest", "#[rstest::rstest]"),
    ("build_serial", "#[serial_test::serial]\n#[test]"),
    ("build_log", "#[test_log::test]"),
    (BY_HAND, "#[test]"),
];
const BY_HAND: &str = "build_by_hand";
const NAMES: [&str; 6] = [
    "bare #[test]",
    "heap_tracked",
    "rstest",
    "serial_test",
    "test-log",
    "the body in a call, by hand",
];
/// The others' attributes, in those.
const OTHERS: std::ops::Range<usize> = 2..5;

/// Of which instructions are counted: the difference is that of so many tests.
const FEW: [usize; 2] = [100, 300];
/// The sides of that, in `SUITES`: bare, ours, the least of the others, by hand.
const COUNTED: [usize; 4] = [0, 1, 2, 5];

pub(crate) fn ask(_ask: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    let mut version = 0;
    let mut write = |rivals: &mut Rivals, name: &str, attribute: &str, tests: usize| {
        version += 1;
        let body = if name == BY_HAND {
            in_a_call
        } else {
            |_| String::new()
        };
        let text = suite("heap_runtime::use_jemalloc!();", attribute, tests, body);
        // One body is another each time.
        let changed = text.replacen("{}", &format!("{{ let _ = {version}; }}"), 1);
        rivals.file(&format!("tests/{name}.rs"), &changed);
    };
    let mut findings = Vec::new();
    for (what, incremental) in [("clean", false), ("one body changed", true)] {
        for (name, attribute) in SUITES {
            write(rivals, name, attribute, TESTS);
            // All that it depends on.
            rivals.suite(name, "dev");
        }
        let cpu = by_turns(ROUNDS, &SUITES, |(name, attribute)| {
            write(rivals, name, attribute, TESTS);
            let mut command = rivals.cargo(&["test", "--no-run", "--test", name]);
            // Said outright: an environment may have turned it off.
            command.env("CARGO_INCREMENTAL", if incremental { "1" } else { "0" });
            if incremental {
                // Once to fill the cache; then the change.
                assert!(spawned::run(&mut command).status.success(), "{command:?}");
                write(rivals, name, attribute, TESTS);
                command = rivals.cargo(&["test", "--no-run", "--test", name]);
                command.env("CARGO_INCREMENTAL", "1");
            }
            let spent = spawned::run(&mut command);
            assert!(spent.status.success(), "{command:?}");
            spent.cpu_s * 1e6 / number(TESTS as u64)
        });
        let bare = cpu[0].median;
        let added: Vec<Spread> = cpu
            .iter()
            .map(|spread| spread.map(|us| us - bare))
            .collect();
        let least = added[OTHERS]
            .iter()
            .map(|spread| spread.median)
            .fold(f64::MAX, f64::min);
        findings.push(
            Finding::new(format!("CPU time of compiling a test, {what}"), "us")
                .sides(NAMES.into_iter().zip(cpu.iter().copied()))
                .at_most(added[1].median, least)
                .note(format!(
                    "added, us: heap_tracked {:.0}; the body in a call, by hand {:.0}; the limit is the least that \
                     any of the others adds, and rstest, which leaves such a test as it is, runs nothing in a call",
                    added[1].median,
                    added[OTHERS.end].median
                )),
        );
    }
    findings.push(if callgrind::is_here() {
        let instructions = COUNTED.map(|side| {
            let (name, attribute) = SUITES[side];
            let [few, more] = FEW.map(|tests| {
                write(rivals, name, attribute, tests);
                let mut command = rivals.cargo(&["test", "--no-run", "--test", name]);
                callgrind::count_compiling(command.env("CARGO_INCREMENTAL", "0"), name)
            });
            (more - few) / (FEW[1] - FEW[0]) as u64
        });
        instructions_added(instructions)
    } else {
        Finding::skipped("instructions of compiling a test", "they need valgrind")
    });
    findings.push(macros());
    findings
}

/// What `#[heap_tracked]` makes of an empty test, where `test` is its number.
fn in_a_call(test: usize) -> String {
    let name = format!("t{test:05}");
    format!(
        " fn {name}() {{}} rivals::by_hand::run(concat!(\"rivals \", module_path!(), \"::{name}\"), {name}) "
    )
}

/// Where times are too close to tell: the same each time.
fn instructions_added(instructions: [u64; 4]) -> Finding {
    let [bare, tracked, rstest, by_hand] = instructions;
    Finding::new(
        "instructions of the compiler for a test, clean",
        "instructions",
    )
    .sides(
        COUNTED
            .map(|side| NAMES[side])
            .into_iter()
            .zip(instructions.map(|count| Spread::exactly(number(count)))),
    )
    .note(format!(
        "added: heap_tracked {}, rstest {}; by hand {}, which is no attribute's work, but a call's",
        tracked - bare,
        rstest - bare,
        by_hand - bare
    ))
}

/// The macro crates themselves, with all that they depend on, from nothing.
fn macros() -> Finding {
    let heap_macros = Path::new(env!("CARGO_MANIFEST_DIR")).join("../heap-macros");
    let heap_macros = format!("{{ path = \"{}\" }}", heap_macros.display());
    // Features as these crates' users have them who ask for none.
    let plain = "{ version = \"*\", default-features = false }";
    let crates = [
        ("heap-macros", heap_macros.as_str()),
        ("rstest_macros", plain),
        ("serial_test_derive", plain),
        ("test-log-macros", plain),
    ];
    // What depends on a macro crate alone; cargo does not build one that others only test with.
    let projects = crates.map(|(name, source)| {
        let manifest = format!(
            "[package]\nname = \"only_{name}\"\nedition = \"2024\"\n\n[dependencies]\n{name} = {source}\n\n[workspace]\n"
        );
        let project = Project::new(&format!("only_{name}"))
            .file("Cargo.toml", &manifest)
            .file("src/lib.rs", "");
        succeed(&mut project.cargo(["fetch"]));
        project
    });
    let times = by_turns(ROUNDS, &projects, |project| {
        let target = heap_tests::scratch::folder();
        let mut command = project.cargo(["build", "--target-dir"]);
        command.arg::<&Path>(target.path());
        let spent = spawned::run(&mut command);
        if !spent.status.success() {
            succeed(&mut command);
        }
        spent.cpu_s
    });
    Finding::new(
        "CPU time of building the macro crate and what it needs",
        "s",
    )
    .sides(crates.into_iter().map(|(name, _)| name).zip(times))
}
