//! The project `projects/children`: what a test starts is its own, and none of the run's tests.

use std::collections::BTreeSet;
use std::path::Path;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::Sidecar;
use heap_tests::damage::nextest_is_installed;
use heap_tests::project::{Project, Run};

heap_runtime::use_jemalloc!();

const HEAP: &str = env!("CARGO_BIN_EXE_heap-for-tests");

/// Runs the project's tests, three of them below others, and checks what is said of each.
fn check(project: &Project, runner: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = ["--package", "outer", "--test", "starts"];
    let mut command = project.cargo(runner.iter().chain(&arguments));
    command.env("HEAP_SIDECAR_DIR", folder.path());
    let run = Run::with_sidecars_in(&mut command, || folder.path().to_owned()).success();
    let tests: Vec<&Sidecar> = of(&run, "outer", |sidecar| sidecar.parent.is_none());
    let names: BTreeSet<&str> = tests.iter().map(|sidecar| &*sidecar.test_name).collect();
    let expected = [
        "a_child_aborts",
        "a_child_of_a_shell_fails",
        "a_run_of_its_own_fails",
        "another_packages_tests_fail",
    ];
    assert_eq!(names, BTreeSet::from(expected), "{}", run.stdout);
    assert_eq!(tests.len(), 4);
    let parent = |test: &str| tests.iter().find(|sidecar| sidecar.test_name == test);
    let has_child_of = |children: &[&Sidecar], test: &str| {
        let parent = parent(test).expect("it is there");
        children.iter().any(|child| {
            child.parent.map(|parent| parent.pid) == Some(parent.pid)
                && child.run_id == parent.run_id
        })
    };
    let below = of(&run, "outer", |sidecar| sidecar.parent.is_some());
    assert_eq!(below.len(), 2);
    for test in ["a_child_aborts", "a_child_of_a_shell_fails"] {
        assert!(has_child_of(&below, test), "{test}: {below:?}");
    }
    let inner = of(&run, "inner", |sidecar| sidecar.parent.is_some());
    assert_eq!(inner.len(), 2);
    assert!(has_child_of(&inner, "another_packages_tests_fail"));
    let own = of(&run, "inner", |sidecar| sidecar.run_id == "its-own");
    assert_eq!(own.len(), 1);
    assert!(own.iter().all(|sidecar| sidecar.parent.is_none()));

    // Of its own run: the newest here may be either.
    let of_run = folder.path().join("run");
    std::fs::create_dir(&of_run).expect("a folder");
    for entry in folder.path().read_dir().expect("it is there") {
        let path = entry.expect("it can be read").path();
        let is_own =
            |path: &Path| heap_sidecar::read(path).is_ok_and(|sidecar| sidecar.run_id != "its-own");
        if is_own(&path) {
            let name = path.file_name().expect("it has one");
            std::fs::rename(&path, of_run.join(name)).expect("it can be moved");
        }
    }
    let said = project.heap(HEAP, ["report".as_ref(), of_run.as_os_str()]);
    let expected = "4 tests: 4 passed;";
    assert!(said.stdout.contains(expected), "{}", said.stdout);
    let expected = "; 4 execution(s) in processes that tests started not counted\n";
    assert!(said.stdout.contains(expected), "{}", said.stdout);
    assert_eq!((said.stderr.as_str(), said.status), ("", Some(0)));
}

fn of<'a>(run: &'a Run, package: &str, which: impl Fn(&Sidecar) -> bool) -> Vec<&'a Sidecar> {
    let sidecars = run.sidecars.iter();
    sidecars
        .filter(|sidecar| sidecar.package == package && which(sidecar))
        .collect()
}

#[heap_tracked]
#[test]
fn what_tests_start_is_no_test_of_the_run() {
    let project = Project::copy_of("children");
    check(&project, &["test"]);
    if nextest_is_installed() {
        check(&project, &["nextest", "run"]);
    }
}

#[heap_tracked]
#[test]
fn cargo_heap_test_counts_what_cargo_counts() {
    let project = Project::copy_of("children");
    let arguments = ["test", "--package", "outer", "--test", "starts"];
    let said = project.heap(HEAP, arguments);
    let expected = "4 tests: 4 passed;";
    assert!(
        said.stdout.contains(expected),
        "{}{}",
        said.stdout,
        said.stderr
    );
    assert_eq!(said.status, Some(0), "{}", said.stderr);
}
