//! Packages that are unlike most: in each, tests compile and run, and have their sidecars.
//!
//! | package | what is unusual |
//! |---|---|
//! | `oldest` | edition 2015: crates are declared, paths begin in the root, and later keywords are names |
//! | `preludeless` | `#![no_implicit_prelude]`, and other things by the prelude's names |
//! | `shared` | a `cdylib` and a `staticlib` |
//! | `counted` | a `#[global_allocator]` of its own |
//! | `lean` | the runtime without its default features, beside members that have them |
//!
//! All in one workspace with `resolver = "1"`. Others have tests of their own: editions 2018 to 2024, `no_std`, doctests,
//! benches, examples, a renamed runtime and tests made by macros in `shapes`, lints that are denied in `lints`, `harness = false` in
//! `beside`, the unit tests of a proc-macro crate in `shapes`.

use heap_runtime::Allocator;
use heap_runtime::sidecar::Outcome;
use heap_tests::project::{Project, Run};

#[test]
fn unusual_packages_have_their_sidecars() {
    let project = Project::copy_of("consumers");
    let run = project.test(&["--workspace"]).success();
    let tests = [
        ("counted", "counted", "tests::is_counted"),
        ("lean", "lean", "tests::unit"),
        ("oldest", "integration", "async::try"),
        ("oldest", "integration", "integrated"),
        ("oldest", "integration", "tracked::in_a_module"),
        ("oldest", "integration", "try::async"),
        ("oldest", "integration", "try::await"),
        ("oldest", "integration", "try::dyn"),
        ("oldest", "integration", "try::gen"),
        ("oldest", "integration", "try::union"),
        ("oldest", "oldest", "tests::fallible"),
        ("oldest", "oldest", "tests::unit"),
        ("preludeless", "preludeless", "tests::fallible"),
        ("preludeless", "preludeless", "tests::tracked::panics"),
        ("preludeless", "preludeless", "tests::unit"),
        ("shared", "integration", "integrated"),
        ("shared", "shared", "tests::unit"),
    ];
    assert_eq!(names(&run), tests);
    for sidecar in &run.sidecars {
        let name = &sidecar.test_name;
        assert_eq!(sidecar.outcome, Some(Outcome::Passed), "{name}");
        assert_eq!(run.verdict(name), Some("ok"), "{name}");
        let heap = &sidecar.heap;
        if sidecar.package == "counted" {
            // Its numbers would be another allocator's: the budget is not checked, and the test is as it was.
            assert_eq!((heap.allocator, heap.own), (Allocator::Other, None));
            assert_eq!(sidecar.budgets[0].held, None);
            continue;
        }
        assert_eq!(heap.allocator, Allocator::Jemalloc, "{name}");
        let own = heap.own.expect("jemalloc counts");
        // A panic's own allocations come and go.
        if !name.ends_with("panics") && !name.ends_with("::gen") {
            assert_eq!(own.retained_bytes, 112, "{name}");
        }
    }
}

/// By itself it is what it asked for.
#[test]
fn a_member_without_jemalloc_has_none_where_no_other_asks_for_it() {
    let run = Project::copy_of("consumers").test(&["--package", "lean"]);
    let sidecar = &run.success().sidecars[0];
    assert_eq!(sidecar.heap.allocator, Allocator::Absent);
    assert_eq!(sidecar.heap.c_allocator, None);
    assert_eq!(sidecar.budgets[0].held, None);
}

fn names(run: &Run) -> Vec<(&str, &str, &str)> {
    let names = run.sidecars.iter();
    let names = names.map(|sidecar| (&*sidecar.package, &*sidecar.binary, &*sidecar.test_name));
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}
