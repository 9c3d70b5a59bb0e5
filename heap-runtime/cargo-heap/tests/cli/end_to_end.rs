//! From tests that really run to the report on them: a project outside the workspace, of which every
//! test binary ends in another way.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::browser;
use crate::run::{Said, program};

const MANIFEST: &str = r#"
[package]
name = "project"
edition = "2024"

[workspace]
[workspace.metadata.heap]
test-args = ["--offline", "--test", "good"]

[dev-dependencies]
heap-runtime = { path = "HEAP_RUNTIME" }

# As in the workspace, whose lock file this is.
[profile.dev.package.tikv-jemalloc-sys]
opt-level = 3
"#;

const TESTS: [(&str, &str); 3] = [
    (
        "good",
        r#"
        #[heap_tracked] #[test] fn passes() {}
        mod deep { #[heap_runtime::heap_tracked] #[test] fn skips() { heap_runtime::skip("no need"); } }
        "#,
    ),
    (
        "bad",
        r#"
        #[heap_tracked] #[test] fn fails() { panic!("on purpose"); }
        #[heap_tracked(max_peak = "64 KiB")] #[test]
        fn is_greedy() { drop(std::hint::black_box(vec![1_u8; 1 << 20])); }
        #[heap_tracked] #[test] fn passes() {}
        "#,
    ),
    (
        "ugly",
        r#"
        #[heap_tracked] #[test] fn aborts() {
            let _held = std::hint::black_box(vec![1_u8; 2 << 20]);
            heap_runtime::checkpoint("filled");
            std::process::abort();
        }
        #[heap_tracked] #[test] #[ignore] fn leaves() { std::process::exit(0); }
        #[heap_tracked] #[test] #[ignore] fn waits() {
            println!("waiting");
            loop { std::thread::park(); }
        }
        "#,
    ),
];

/// The project, whose build is kept from one run of these tests to the next.
struct Project {
    folder: PathBuf,
}

impl Project {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("end-to-end");
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let runtime = package.parent().unwrap();
        fs::create_dir_all(folder.join("tests")).unwrap();
        fs::create_dir_all(folder.join("src")).unwrap();
        write(&folder.join("src/lib.rs"), "");
        let manifest = MANIFEST.replace("HEAP_RUNTIME", runtime.to_str().unwrap());
        write(&folder.join("Cargo.toml"), &manifest);
        let lock = fs::read_to_string(runtime.parent().unwrap().join("Cargo.lock")).unwrap();
        write(&folder.join("Cargo.lock"), &lock);
        for (name, tests) in TESTS {
            let head = "heap_runtime::use_jemalloc!();\nuse heap_runtime::heap_tracked;\n";
            write(
                &folder.join(format!("tests/{name}.rs")),
                &format!("{head}{tests}"),
            );
        }
        Self { folder }
    }

    fn heap(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .arg("heap")
            .args(arguments)
            .current_dir(&self.folder)
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_TERM_COLOR", "never");
        command
    }

    fn says(&self, arguments: &[&str]) -> Said {
        said(&mut self.heap(arguments))
    }
}

fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        status: output.status.code(),
    }
}

/// Only what differs is written: a newer file would be built again.
fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::write(path, text).unwrap();
    }
}

/// The line of a test in a table, its columns apart by one blank.
fn line(said: &Said, test: &str) -> String {
    let line = said.stdout.lines().find(|line| {
        let line = line.trim_start();
        line.strip_prefix(test)
            .is_some_and(|rest| rest.starts_with("  "))
    });
    let line = line.unwrap_or_else(|| panic!("{test} in {}\n{}", said.stdout, said.stderr));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

// One test, because all of them would wait for the same build.
#[test]
fn a_run_of_every_kind_is_run_reported_and_compared() {
    let project = Project::new();

    let good = project.says(&["test"]);
    assert_eq!(good.status, Some(0), "{}", good.stderr);
    assert!(
        good.stderr
            .contains("running `cargo test --offline --test good`")
    );
    assert!(
        good.stdout.contains("test passes ... ok"),
        "cargo's output goes through"
    );
    assert!(line(&good, "passes").contains("passes passed"));
    assert!(line(&good, "deep::skips").contains("deep::skips skipped"));
    let run = good
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("sidecars: "))
        .unwrap();

    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let all = [
        "test",
        "--compare",
        run,
        "--html",
        page.to_str().unwrap(),
        "--github",
        "--offline",
        "--no-fail-fast",
    ];
    // Its repository is the folder around it.
    let repository = project.folder.parent().unwrap();
    let bad = said(project.heap(&all).env("GITHUB_WORKSPACE", repository));
    assert_eq!(bad.status, Some(1), "{}", bad.stderr);
    let aborts = line(&bad, "project::ugly aborts");
    let columns: Vec<&str> = aborts.split(' ').collect();
    assert_eq!(columns[1..3], ["aborts", "killed"], "{aborts}");
    assert!(aborts.contains(" ≥ 2.00 MiB "), "{aborts}");
    assert!(bad.stdout.contains("at its last checkpoint `filled`"));
    assert!(line(&bad, "project::bad is_greedy").contains("is_greedy failed"));
    let annotation = bad.stderr.lines().find(|line| line.contains("is_greedy"));
    let annotation = annotation.unwrap_or_else(|| panic!("{}", bad.stderr));
    assert!(
        annotation.starts_with(
            "::error file=end-to-end/tests/bad.rs,line=6,title=is_greedy%3A budget::peak 1.00 MiB"
        ) && annotation.ends_with("and max_peak is 64.0 KiB"),
        "{annotation}"
    );
    assert!(line(&bad, "project::bad fails").contains("fails failed"));
    assert!(bad.stdout.contains("it said: on purpose"));
    assert!(line(&bad, "project::good passes").contains("passes passed"));
    assert!(bad.stdout.contains("4 new, 2 unchanged"), "{}", bad.stdout);

    browser::shows_a_comparison(&page, &["project::bad is_greedy", "project::ugly aborts"]);

    let newest = project.says(&["report", "--format", "ndjson"]);
    assert_eq!((newest.stdout.lines().count(), newest.status), (6, Some(1)));
    let compared = project.says(&["compare", run]);
    assert_eq!(compared.status, Some(1), "{}", compared.stdout);

    let untracked = said(project.heap(&["test"]).env("HEAP_TRACK", "0"));
    assert_eq!(untracked.status, Some(0));
    assert!(
        untracked.stderr.contains("HEAP_TRACK is 0"),
        "{}",
        untracked.stderr
    );
    let nothing = project.says(&["test", "--offline", "--lib"]);
    assert_eq!(nothing.status, Some(0));
    assert!(
        nothing
            .stderr
            .contains("no test that ran is #[heap_tracked]")
    );
    let misused = project.says(&["test", "--no-such-option"]);
    assert_eq!(misused.status, Some(2));
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = said(
        project
            .heap(&["test"])
            .env("HEAP_SIDECAR_DIR", folder.path()),
    );
    assert!(line(&elsewhere, "passes").contains("passed"));
    let files = folder.path().read_dir().unwrap();
    let files: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let (of_run, sidecars): (Vec<_>, Vec<_>) =
        (files.iter()).partition(|file| file.ends_with(".heap-run.json"));
    assert!(sidecars.iter().all(|file| file.ends_with(".heap.json")));
    assert_eq!(sidecars.len(), 2);
    // The run's own record, and what was read around it.
    assert_eq!(of_run.len(), 2, "{of_run:?}");
    let read = |file: &&String| fs::read(folder.path().join(file)).unwrap();
    let records = of_run.iter().map(read);
    let mut records = records.map(|text| serde_json::from_slice::<Value>(&text).unwrap());
    let around = records.find(|record| record.get("host").is_some()).unwrap();
    assert!(around["host"]["vm_oom_kill"].is_u64(), "{around}");
    assert_eq!(
        around["host"]["rss_bytes"],
        Value::Null,
        "ours, not the run's"
    );

    left(&project);
    interrupted(&project);
}

/// A test that ends its process: cargo takes that for a success.
fn left(project: &Project) {
    let arguments = [
        "test",
        "--format",
        "json",
        "--offline",
        "--test",
        "ugly",
        "leaves",
        "--",
        "--ignored",
    ];
    let left = project.says(&arguments);
    assert_eq!(left.status, Some(1), "{}", left.stderr);
    assert!(
        left.stderr.contains("cargo saw no failure"),
        "{}",
        left.stderr
    );
    // Standard output is the document's alone.
    let report: Value = serde_json::from_str(&left.stdout).unwrap();
    assert_eq!(report["totals"]["killed"], 1);
    assert!(left.stderr.contains("running 1 test"), "{}", left.stderr);
}

/// Ctrl-C, as a terminal sends it: to the whole foreground group.
fn interrupted(project: &Project) {
    let arguments = [
        "test",
        "--offline",
        "--test",
        "ugly",
        "waits",
        "--",
        "--ignored",
        "--nocapture",
    ];
    let mut child = project
        .heap(&arguments)
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let group = rustix::process::Pid::from_child(&child);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("waiting") {
        assert_ne!(stdout.read_line(&mut text).unwrap(), 0, "{text}");
    }
    rustix::process::kill_process_group(group, rustix::process::Signal::INT).unwrap();
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{text}");
    // The test's process may take a moment longer than cargo's to be gone.
    assert!(
        text.contains("killed waits: interrupted") || text.contains("1 test: 1 running"),
        "{text}"
    );
}
