//! Crates outside the workspace: whatever starts their test binaries, each execution leaves its own
//! sidecar, and those of one run are together.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use heap_runtime::{Allocator, Runner, heap_tracked};
use heap_sidecar::{Outcome, Sidecar, Status, read_run};
use heap_tests::damage::nextest_is_installed;
use heap_tests::project::{Project, Run};

heap_runtime::use_jemalloc!();

/// What tells the sidecars of a run apart.
fn identities(sidecars: &[Sidecar]) -> BTreeSet<(&str, &str, &str, u32, u32)> {
    sidecars
        .iter()
        .map(|sidecar| {
            (
                sidecar.package.as_str(),
                sidecar.binary.as_str(),
                sidecar.test_name.as_str(),
                sidecar.attempt,
                sidecar.iteration,
            )
        })
        .collect()
}

/// The folders of runs that the package has sidecars in.
fn run_folders(package: &str) -> Vec<PathBuf> {
    let Ok(runs) = Project::target().join("heap").read_dir() else {
        return Vec::new();
    };
    let prefix = format!("{package}+");
    runs.map(|run| run.expect("the folder can be read").path())
        .filter(|run| {
            // Another project's may be removed meanwhile.
            run.read_dir().is_ok_and(|files| {
                files
                    .flatten()
                    .any(|file| file.file_name().to_string_lossy().starts_with(&prefix))
            })
        })
        .collect()
}

#[test]
fn all_test_binaries_of_one_cargo_test_are_one_run() {
    let project = Project::copy_of("outside");
    // Of an earlier run of this test that was killed.
    for old in run_folders("outside") {
        fs::remove_dir_all(old).expect("nobody else has it");
    }
    let run = project.cargo(["test"]).output().expect("cargo starts");
    let folders = run_folders("outside");
    let [folder] = folders.as_slice() else {
        panic!(
            "{folders:?}\n{}{}",
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        );
    };
    let (sidecars, unreadable) = read_run(folder).expect("the folder can be read");
    assert!(unreadable.is_empty(), "{unreadable:?}");

    let kinds = |kind: &str| {
        let of_kind = |sidecar: &&Sidecar| sidecar.labels.get("kind").is_some_and(|is| is == kind);
        let found: Vec<_> = sidecars.iter().filter(of_kind).collect();
        assert_eq!(found.len(), 1, "{kind}");
        found[0].clone()
    };
    let (unit, integration, doctest) = (kinds("unit"), kinds("integration"), kinds("doctest"));
    assert_eq!(
        (unit.test_name.as_str(), unit.binary.as_str()),
        ("tests::picks", "outside")
    );
    assert_eq!(unit.heap.allocator, Allocator::Jemalloc);
    assert_eq!(
        (integration.test_name.as_str(), integration.binary.as_str()),
        ("picks", "fair")
    );
    // A doctest is a program of its own, and this one does not ask for jemalloc.
    assert!(
        doctest.test_name.ends_with("example"),
        "{}",
        doctest.test_name
    );
    assert_eq!(doctest.heap.allocator, Allocator::Other);
    assert_eq!(doctest.host.heap_state, None);

    let run_id = folder.file_name().and_then(|name| name.to_str());
    for sidecar in &sidecars {
        assert_eq!(Some(sidecar.run_id.as_str()), run_id);
        assert_eq!(sidecar.runner, Runner::CargoTest);
        assert_eq!(sidecar.package, "outside");
        assert_eq!(sidecar.status, Status::Finished);
    }
    assert_eq!(identities(&sidecars).len(), sidecars.len());
    fs::remove_dir_all(folder).expect("nobody else has it");
}

#[test]
fn a_test_binary_that_runs_itself_has_both_sidecars() {
    let run = Project::copy_of("outside")
        .test(&["--test", "idle", "runs_itself"])
        .success();
    let [parent, child] = run.sidecars_of("runs_itself")[..] else {
        panic!("{:?}", identities(&run.sidecars));
    };
    // In the order of their file names, and the parent began first.
    assert_eq!((parent.iteration, child.iteration), (0, 1));
    assert_eq!(parent.labels.get("is"), None);
    assert_eq!(child.labels["is"], "the child");
    assert_ne!(parent.pid, child.pid);
    assert_eq!(parent.run_id, child.run_id);
    for sidecar in [parent, child] {
        assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    }
}

#[test]
fn packages_with_the_same_test_do_not_collide() {
    let run = Project::copy_of("workspace").test(&[]).success();
    let test = ("scheduler", "fairness::shares_the_cpu", 1, 0);
    let of = |package| (package, test.0, test.1, test.2, test.3);
    assert_eq!(
        identities(&run.sidecars),
        BTreeSet::from([of("package-one"), of("package-two")])
    );
    assert_eq!(run.sidecars.len(), 2);
    assert_eq!(run.sidecars[0].run_id, run.sidecars[1].run_id);
    for (sidecar, folder) in run.sidecars.iter().zip(["one", "two"]) {
        let file = format!("{folder}/tests/scheduler.rs");
        assert_eq!((&sidecar.source.file, sidecar.source.line), (&file, 8));
    }
}

#[test]
fn the_runtime_may_have_another_name() {
    let run = Project::copy_of("renamed").test(&[]).success();
    let tests = [
        "behind_another_crate",
        "by_absolute_path",
        "by_name",
        "by_text",
        "later",
    ];
    assert_eq!(run.sidecars.len(), tests.len());
    for test in tests {
        let sidecar = run.sidecar(test);
        assert_eq!(sidecar.outcome, Some(Outcome::Passed), "{test}");
        assert_eq!(sidecar.heap.allocator, Allocator::Jemalloc, "{test}");
    }
    assert_eq!(run.sidecar("by_absolute_path").labels["path"], "absolute");
}

#[heap_tracked]
#[test]
fn a_retry_of_nextest_has_its_own_sidecar() {
    if !nextest_is_installed() {
        return;
    }
    let marker = tempfile::tempdir().expect("a temporary folder");
    let project = Project::copy_of("outside");
    let arguments = ["nextest", "run", "--retries", "1", "--test", "idle"];
    let run = Run::of(
        project
            .cargo(arguments)
            .env("MARKER", marker.path().join("been here")),
    )
    .success();
    let attempts = run.sidecars_of("passes_the_second_time");
    let [first, second] = attempts.as_slice() else {
        panic!("{}{}", run.stdout, run.stderr);
    };
    assert_eq!(first.attempt.min(second.attempt), 1);
    assert_eq!(first.attempt.max(second.attempt), 2);
    for sidecar in attempts {
        let outcome = match sidecar.attempt {
            1 => Outcome::Failed,
            _ => Outcome::Passed,
        };
        assert_eq!(sidecar.outcome, Some(outcome));
    }
    let run_id = &run.sidecar("picks").run_id;
    for sidecar in &run.sidecars {
        assert_eq!(sidecar.runner, Runner::Nextest);
        assert_eq!(&sidecar.run_id, run_id);
        assert_eq!(
            sidecar.iteration,
            u32::from(sidecar.labels.contains_key("is"))
        );
    }
}

#[heap_tracked]
#[test]
#[ignore = "run by the test below, which reads its sidecar"]
fn is_tracked() {}

#[test]
fn a_binary_that_neither_runner_has_started_is_its_own_run() {
    // The shell ends first, so that the test binary's ancestors are no cargo's: this one's are.
    const ORPHANED: &str = r#"exec 3<&0; (read -r go <&3; exec "$@" 3<&-) & "#;
    let sidecars = tempfile::tempdir().expect("a temporary folder");
    let mut shell = Command::new("sh")
        .args(["-c", ORPHANED, "sh"])
        .arg(std::env::current_exe().expect("the test binary is known"))
        .args(["is_tracked", "--exact", "--ignored"])
        .env("HEAP_SIDECAR_DIR", sidecars.path())
        .env_remove("HEAP_TRACK")
        .env_remove("NEXTEST_RUN_ID")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let mut go = shell.stdin.take().expect("piped");
    let mut stdout = shell.stdout.take().expect("piped");
    assert!(shell.wait().expect("it ends").success());
    go.write_all(b"go\n").expect("the test binary waits for it");
    let mut output = String::new();
    stdout.read_to_string(&mut output).expect("text");
    let (found, _) = read_run(sidecars.path()).expect("the folder can be read");
    let [sidecar] = found.as_slice() else {
        panic!("{output}");
    };
    assert_eq!(sidecar.runner, Runner::Other);
    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
}
