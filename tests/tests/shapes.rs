//! Every place that cargo runs tests in: the project `projects/shapes`, run once, and its sidecars
//! compared with what cargo itself says.

use std::collections::BTreeMap;

use heap_runtime::Allocator;
use heap_runtime::sidecar::{Outcome, Sidecar, Status};
use heap_tests::project::{Project, Run};

/// What the harness says of tests: by crate and name, for a library and a program of one name too.
type Verdicts = BTreeMap<(String, String), Vec<String>>;

#[test]
fn every_test_that_cargo_runs_has_its_sidecar() {
    let run = Project::copy_of("shapes").test(&["--workspace"]).success();
    let mut said = verdicts(&run);
    let mut take = |binary: &str, test: &str| {
        let taken = said.remove(&(binary.to_owned(), test.to_owned()));
        taken.unwrap_or_else(|| panic!("{binary} {test} in {said:?}"))
    };
    assert_eq!(take("integration", "untracked"), ["ok"]);
    assert_eq!(take("all_kinds", "tests::ignored"), ["ignored"]);
    assert_eq!(
        take("all_kinds", "tests::unit").len(),
        2,
        "library and program"
    );
    let both = run
        .sidecars
        .iter()
        .filter(|sidecar| sidecar.binary == "all_kinds" && sidecar.test_name == "tests::unit");
    let mut both: Vec<_> = both.map(|sidecar| sidecar.source.file.as_str()).collect();
    both.sort_unstable();
    assert_eq!(both, ["all/src/lib.rs", "all/src/main.rs"]);

    let (doctests, tests): (Vec<_>, Vec<_>) = run
        .sidecars
        .iter()
        .partition(|sidecar| is_of_doctest(sidecar));
    let mut left: Verdicts = BTreeMap::new();
    for sidecar in tests {
        is_whole(sidecar);
        if (&*sidecar.binary, &*sidecar.test_name) != ("all_kinds", "tests::unit") {
            let test = (sidecar.binary.clone(), sidecar.test_name.clone());
            // A test that should panic, and did, has passed.
            left.entry(test).or_default().push("ok".into());
        }
    }
    assert_eq!(left, said);

    let mut names: Vec<_> = doctests
        .iter()
        .map(|sidecar| sidecar.test_name.rsplit("::").next().expect("a name"))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["of_the_module", "that_panics", "without_an_allocator_line"]
    );
    for sidecar in doctests {
        let outcome = if sidecar.test_name.ends_with("that_panics") {
            Outcome::Failed
        } else {
            Outcome::Passed
        };
        assert_eq!(sidecar.outcome, Some(outcome), "{}", sidecar.test_name);
        assert_eq!(sidecar.package, "all-kinds");
        // rustdoc may make one program of several doctests, whose allocator is then that of all.
        let jemalloc = sidecar.heap.allocator == Allocator::Jemalloc;
        assert_eq!(sidecar.heap.own.is_some(), jemalloc);
        assert!(jemalloc || !sidecar.test_name.ends_with("of_the_module"));
    }
}

/// A doctest is no test function: what is tracked is a function in it.
fn is_of_doctest(sidecar: &Sidecar) -> bool {
    ["of_the_module", "that_panics", "without_an_allocator_line"]
        .iter()
        .any(|name| sidecar.test_name.ends_with(name))
}

/// Every test of the project keeps what its name says, of a hundred bytes if it says nothing.
#[track_caller]
fn is_whole(sidecar: &Sidecar) {
    let test = format!("{} {}", sidecar.binary, sidecar.test_name);
    assert_eq!(sidecar.status, Status::Finished, "{test}");
    assert_eq!(sidecar.outcome, Some(Outcome::Passed), "{test}");
    assert_eq!(sidecar.heap.allocator, Allocator::Jemalloc, "{test}");
    let retained = sidecar.heap.own.map(|own| own.retained_bytes);
    let expected = match &*sidecar.test_name {
        "deep::unit" | "tests::result" => 0,
        "tests::ninety" => 96,
        // jemalloc has no block of a hundred.
        name if !name.contains("panics") => 112,
        // A panic's message stays.
        _ => return,
    };
    assert_eq!(retained, Some(expected), "{test}");
    let package = match &*sidecar.binary {
        "bare" | "with_std" => "bare",
        "old" | "by_kit" => "old",
        "evidence_user" => "evidence-user",
        _ => "all-kinds",
    };
    assert_eq!(sidecar.package, package, "{test}");
}

/// The verdicts of all test binaries but the doctests. Cargo names each binary on stderr, and what
/// it says follows on stdout in the same order.
fn verdicts(run: &Run) -> Verdicts {
    let crates = run.stderr.lines().filter_map(|line| {
        let (_, path) = line
            .trim_start()
            .strip_prefix("Running ")?
            .rsplit_once('/')?;
        let (name, _hash) = path.rsplit_once('-')?;
        Some(name.to_owned())
    });
    let mut verdicts = Verdicts::new();
    let outputs = run.stdout.split("\nrunning ").skip(1);
    for (name, output) in crates.zip(outputs) {
        for line in output.lines() {
            let Some((test, verdict)) = line
                .strip_prefix("test ")
                .and_then(|line| line.split_once(" ... "))
            else {
                continue;
            };
            let test = test.trim_end_matches(" - should panic").to_owned();
            let verdict = verdict.split(',').next().expect("one part").to_owned();
            let of_test = verdicts.entry((name.clone(), test)).or_default();
            of_test.push(verdict);
        }
    }
    verdicts
}

/// Cargo links the standard library dynamically there, with an allocator of its own that none of the crate's
/// can take the place of.
#[test]
fn the_unit_tests_of_a_proc_macro_crate_run_without_numbers() {
    let run = Project::copy_of("dynamic").test(&["--lib"]).success();
    let sidecar = run.sidecar("tests::allocates");
    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    assert_eq!(sidecar.heap.allocator, Allocator::Other);
    assert_eq!(sidecar.heap.own, None);
    let reason = sidecar.heap.reason.as_deref().expect("there is one");
    assert!(reason.contains("linked dynamically"), "{reason}");
    assert_eq!(sidecar.budgets[0].held, None);
}
