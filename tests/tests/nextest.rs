//! nextest for real: the project `projects/nextest`, under everything that nextest does to the
//! number of times a test runs and to the place it runs in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use heap_runtime::{Runner, heap_tracked};
use heap_sidecar::{Outcome, Sidecar, read_run};
use heap_tests::damage::{names, nextest_is_installed};
use heap_tests::project::{Project, Run, Said};
use tempfile::TempDir;

heap_runtime::use_jemalloc!();

/// The project, where nextest is installed.
fn project() -> Option<Project> {
    nextest_is_installed().then(|| Project::copy_of("nextest"))
}

/// `cargo nextest run`, with sidecars in a folder.
fn nextest(project: &Project, folder: &Path, arguments: &[&str]) -> Run {
    let mut command = project.cargo(["nextest", "run", "--workspace"]);
    command.args(arguments).env("HEAP_SIDECAR_DIR", folder);
    let run = Run::with_sidecars_in(&mut command, || folder.to_owned());
    for sidecar in &run.sidecars {
        assert_eq!(sidecar.runner, Runner::Nextest);
    }
    run
}

fn heap(project: &Project, arguments: &[&str]) -> Said {
    project.heap(env!("CARGO_BIN_EXE_heap-for-tests"), arguments)
}

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().to_str().expect("text").to_owned();
    (folder, path)
}

/// What a test kept, by attempt and stress round, in order.
fn kept(run: &Run, package: &str, test: &str) -> Vec<(u32, Option<u32>, i64)> {
    let sidecars = run.sidecars.iter();
    let mut kept: Vec<_> = sidecars
        .filter(|sidecar| sidecar.package == package && sidecar.test_name == test)
        .map(|sidecar| {
            let own = sidecar.heap.own.expect("it was measured");
            (sidecar.attempt, sidecar.stress_index, own.retained_bytes)
        })
        .collect();
    kept.sort_unstable();
    kept
}

/// The test case of that name in a `JUnit` file.
fn case<'a>(junit: &'a str, test: &str) -> &'a str {
    let start = junit.find(&format!("<testcase name=\"{test}\""));
    let case = &junit[start.unwrap_or_else(|| panic!("{test} in {junit}"))..];
    let tag = case.find('>').expect("it ends") + 1;
    if case[..tag].ends_with("/>") {
        return &case[..tag];
    }
    &case[..case.find("</testcase>").expect("it ends")]
}

fn property(case: &str, name: &str) -> Option<String> {
    let (_, value) = case.split_once(&format!("<property name=\"{name}\" value=\""))?;
    Some(value.split_once('"')?.0.to_owned())
}

/// Where nextest keeps it, wherever the target folder is.
fn junit_file(project: &Project) -> PathBuf {
    project.folder().join("target/nextest/default/junit.xml")
}

#[heap_tracked]
#[test]
fn every_attempt_has_its_sidecar_and_its_place_in_junit() {
    let Some(project) = project() else { return };
    let (sidecars, path) = folder();
    let arguments = ["--retries", "2", "--no-fail-fast", "--run-ignored", "all"];
    let run = nextest(&project, sidecars.path(), &arguments);
    assert_eq!(run.status.code(), Some(100), "{}{}", run.stdout, run.stderr);
    let attempts = [(1, None, 1024), (2, None, 2048), (3, None, 3072)];
    for test in ["passes_the_third_time", "never_passes"] {
        assert_eq!(kept(&run, "one", test), attempts, "{test}");
    }
    for attempt in ["", "@attempt2", "@attempt3"] {
        let name = format!("one+turns+passes_the_third_time{attempt}.heap.json");
        assert!(names(sidecars.path()).contains(&name), "{name}");
    }
    for sidecar in run.sidecars_of("passes_the_third_time") {
        let outcome = match sidecar.attempt {
            3 => Outcome::Passed,
            _ => Outcome::Failed,
        };
        assert_eq!(sidecar.outcome, Some(outcome));
    }

    let report = heap(&project, &["report", &path]);
    assert_eq!(report.status, Some(1), "{}", report.stderr);
    assert!(
        report
            .stdout
            .contains("5 tests: 1 failed, 4 passed; 1 flaky; 9 executions;"),
        "{}",
        report.stdout
    );
    let flaky = heap(&project, &["report", &path, "--filter", "passes_the_third"]);
    assert_eq!(flaky.status, Some(0), "{}", flaky.stdout);

    let (input, output) = (junit_file(&project), sidecars.path().join("junit.xml"));
    let junit = ["report", &path, "--junit"].map(str::to_owned).into_iter();
    let junit: Vec<String> = junit
        .chain([&input, &output].map(|path| path.to_str().expect("text").to_owned()))
        .collect();
    let junit: Vec<&str> = junit.iter().map(String::as_str).collect();
    let said = heap(&project, &junit);
    assert!(
        said.stderr.contains("5 of 6 test case(s) have"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr
            .contains("without a sidecar: one tests::untracked"),
        "{}",
        said.stderr
    );
    let text = fs::read_to_string(&output).expect("it was written");
    let numbers =
        |test: &str, names: [&str; 5]| names.map(|name| property(case(&text, test), name));
    let some = |values: [&str; 5]| values.map(|value| Some(value.to_owned()));
    // The test case is about the attempt that passed, or else about the first.
    assert_eq!(
        numbers(
            "passes_the_third_time",
            [
                "heap.attempt",
                "heap.state",
                "heap.own_retained_bytes",
                "heap.attempt1.own_retained_bytes",
                "heap.attempt2.state",
            ]
        ),
        some(["3", "passed", "3072", "1024", "failed"])
    );
    assert_eq!(
        numbers(
            "never_passes",
            [
                "heap.attempt",
                "heap.state",
                "heap.own_retained_bytes",
                "heap.attempt2.own_retained_bytes",
                "heap.attempt3.own_retained_bytes",
            ]
        ),
        some(["1", "failed", "1024", "2048", "3072"])
    );
    assert_eq!(
        property(case(&text, "tests::untracked"), "heap.attempt"),
        None
    );
    assert_eq!(
        property(
            case(&text, "tests::keeps_a_hundred"),
            "heap.own_retained_bytes"
        )
        .as_deref(),
        Some("112")
    );
}

#[heap_tracked]
#[test]
fn every_round_of_a_stress_run_has_its_sidecar() {
    let Some(project) = project() else { return };
    let (sidecars, path) = folder();
    let arguments = ["--stress-count", "3", "-E", "test(steady)"];
    let run = nextest(&project, sidecars.path(), &arguments).success();
    let rounds = |bytes| [0, 1, 2].map(|round| (1, Some(round), bytes));
    assert_eq!(kept(&run, "one", "steady"), rounds(1024));
    assert_eq!(kept(&run, "two", "steady"), rounds(4096));
    assert!(names(sidecars.path()).contains(&"two+turns+steady@stress2.heap.json".to_owned()));

    let output = sidecars.path().join("junit.xml");
    let (input, output_path) = (junit_file(&project), output.to_str().expect("text"));
    let input = input.to_str().expect("text");
    let said = heap(&project, &["report", &path, "--junit", input, output_path]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(
        said.stderr.contains("6 of 6 test case(s) have"),
        "{}",
        said.stderr
    );
    assert!(said.stdout.contains("\n   stress 2 "), "{}", said.stdout);
    let summary = "2 tests: 2 passed; 6 executions;";
    assert!(said.stdout.contains(summary), "{}", said.stdout);
    let text = fs::read_to_string(output).expect("it was written");
    let kept: Vec<_> = text
        .split("<testcase ")
        .skip(1)
        .map(|case| property(case, "heap.own_retained_bytes").expect("it has one"))
        .collect();
    assert_eq!(kept.iter().filter(|bytes| *bytes == "1024").count(), 3);
    assert_eq!(kept.iter().filter(|bytes| *bytes == "4096").count(), 3);
}

fn tests(sidecars: &[Sidecar]) -> BTreeSet<(String, String)> {
    let test = |sidecar: &Sidecar| (sidecar.package.clone(), sidecar.test_name.clone());
    sidecars.iter().map(test).collect()
}

#[heap_tracked]
#[test]
fn partitions_are_one_report() {
    let Some(project) = project() else { return };
    let parts = [folder(), folder()];
    let [first, second] = ["count:1/2", "count:2/2"].map(|part| {
        let (sidecars, _) = &parts[usize::from(part != "count:1/2")];
        let arguments = ["--retries", "2", "--partition", part];
        nextest(&project, sidecars.path(), &arguments).success()
    });
    let (whole, whole_path) = folder();
    let all = nextest(&project, whole.path(), &["--retries", "2"]).success();
    let [first_tests, second_tests] = [&first, &second].map(|run| tests(&run.sidecars));
    assert!(!first_tests.is_empty() && !second_tests.is_empty());
    assert!(first_tests.is_disjoint(&second_tests));
    assert_eq!(&first_tests | &second_tests, tests(&all.sidecars));
    assert_ne!(first.sidecars[0].run_id, second.sidecars[0].run_id);

    let [one, other] = [&parts[0].1, &parts[1].1];
    let together = heap(&project, &["report", one, other]);
    assert_eq!(together.status, Some(0), "{}", together.stdout);
    let expected = "4 tests: 4 passed; 2 shards; 1 flaky; 6 executions;";
    assert!(together.stdout.contains(expected), "{}", together.stdout);
    let at_once = heap(&project, &["report", &whole_path]);
    let expected = "4 tests: 4 passed; 1 flaky; 6 executions;";
    assert!(at_once.stdout.contains(expected), "{}", at_once.stdout);

    // Put into one folder, they are compared as one: no name is in both.
    // What the processes of a run tell each other is no record.
    let records = names(parts[1].0.path());
    for name in records.into_iter().filter(|name| name != ".host.tmp") {
        let to = parts[0].0.path().join(&name);
        assert!(!to.exists(), "{name}");
        fs::copy(parts[1].0.path().join(&name), to).expect("a copy");
    }
    let arguments = ["compare", &whole_path, one, "--format", "json"];
    let compared = heap(&project, &arguments);
    let said = format!("{}{}", compared.stdout, compared.stderr);
    assert_eq!(compared.status, Some(0), "{said}");
    let comparison: serde_json::Value = serde_json::from_str(&compared.stdout).expect("JSON");
    let changes = comparison["changes"].as_array().expect("a list");
    // Each ran once on either side, on a machine with other work: it may have taken longer, and nothing else.
    let is_its_time = |change: &serde_json::Value| {
        change["kind"] == "changed" && change["moved"] == serde_json::json!([])
    };
    assert!(changes.iter().all(is_its_time), "{said}");
    let unchanged = comparison["unchanged"].as_u64().expect("a number");
    assert_eq!(unchanged + changes.len() as u64, 4, "{said}");
}

#[heap_tracked]
#[test]
fn an_archive_leaves_its_sidecars_where_it_is_unpacked() {
    let Some(project) = project() else { return };
    let (elsewhere, path) = folder();
    let archive = elsewhere.path().join("tests.tar.zst");
    let output = project
        .cargo(["nextest", "archive", "--workspace", "--archive-file"])
        .arg(&archive)
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Only the packages' folders have to be there.
    let workspace = elsewhere.path().join("checkout");
    for file in ["Cargo.toml", "two/Cargo.toml"] {
        let to = workspace.join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("it can be made");
        fs::copy(project.folder().join(file), to).expect("a copy");
    }
    let mut command = project.cargo(["nextest", "run", "--retries", "2", "--archive-file"]);
    command
        .arg(&archive)
        .arg("--workspace-remap")
        .arg(&workspace)
        .current_dir(&path)
        .env_remove("CARGO_TARGET_DIR");
    let output = command.output().expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let mut found = Vec::new();
    for package in ["", "two"] {
        let runs = workspace.join(package).join("target/heap");
        for run in names(&runs) {
            let (sidecars, unreadable) = read_run(runs.join(&run)).expect("it can be read");
            assert!(unreadable.is_empty(), "{unreadable:?}");
            assert!(sidecars.iter().all(|sidecar| sidecar.run_id == run));
            found.extend(sidecars);
        }
    }
    assert_eq!(found.len(), 6, "{found:?}");
    assert_eq!(tests(&found).len(), 4);
    let runs: BTreeSet<_> = found.iter().map(|sidecar| &sidecar.run_id).collect();
    assert_eq!(runs.len(), 1);
}

#[heap_tracked]
#[test]
fn cargo_heap_test_runs_nextest_and_reports_it() {
    let Some(project) = project() else { return };
    let said = heap(
        &project,
        &["test", "--nextest", "--workspace", "--retries", "2"],
    );
    // A test that is flaky has passed.
    assert_eq!(said.status, Some(0), "{}{}", said.stdout, said.stderr);
    let expected = "4 tests: 4 passed; 1 flaky; 6 executions;";
    assert!(said.stdout.contains(expected), "{}", said.stdout);
    let run = said
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("sidecars: "));
    let (sidecars, _) = read_run(Path::new(run.expect("it is named"))).expect("it can be read");
    assert_eq!(sidecars.len(), 6);
    for sidecar in sidecars {
        assert_eq!(sidecar.runner, Runner::Nextest);
        assert_eq!(
            run.expect("it is named").rsplit('/').next(),
            Some(&*sidecar.run_id)
        );
    }
    let failing = ["test", "--nextest", "--workspace", "--run-ignored", "only"];
    let said = heap(&project, &failing);
    assert_eq!(said.status, Some(1), "{}{}", said.stdout, said.stderr);
}

#[heap_tracked]
#[test]
fn how_nextest_ended_a_test_is_told_by_every_report_of_the_run() {
    if !nextest_is_installed() {
        return;
    }
    let project = Project::copy_of("timeouts");
    let arguments = ["test", "--nextest", "--no-fail-fast", "--test", "hang"];
    let said = heap(&project, &arguments);
    assert_eq!(said.status, Some(1), "{}{}", said.stdout, said.stderr);
    let run = said
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("sidecars: "));
    let later = heap(&project, &["report", run.expect("it is named")]);
    for said in [said, later] {
        for test in ["hangs", "hangs_and_ignores_sigterm"] {
            let expected = format!("killed {test}: timed out");
            assert!(said.stdout.contains(&expected), "{}", said.stdout);
        }
    }
}
