//! The runs of a workspace: the newest is meant where none is named, and `cargo heap clean`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use heap_sidecar::{RunRecord, Runner};
use serde_json::Value;
use tempfile::TempDir;

use crate::outputs::assert_is_of;
use crate::run::{Said, passed, program};

/// A workspace without any code, and runs in its target folder.
struct Workspace {
    folder: TempDir,
}

impl Workspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), "").unwrap();
        let manifest = "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n";
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        Self { folder }
    }

    fn runs(&self) -> PathBuf {
        self.folder.path().join("target/heap")
    }

    /// A run of one test of its name, so many hours old.
    fn run(&self, id: &str, hours: u64) {
        let folder = self.runs().join(id);
        fs::create_dir_all(&folder).unwrap();
        let mut sidecar = passed(id, 64);
        sidecar["run_id"] = id.into();
        fs::write(folder.join("t.heap.json"), sidecar.to_string()).unwrap();
        let time = SystemTime::now() - Duration::from_secs(hours * 3600);
        fs::File::open(&folder).unwrap().set_modified(time).unwrap();
    }

    /// The same, of the workspace in that folder.
    fn run_of(&self, root: &Path, id: &str, hours: u64) {
        self.run(id, hours);
        let began = "2026-11-23T09:59:59.000Z".to_owned();
        let mut record = RunRecord::new(id.into(), Runner::CargoTest, began);
        record.workspace = Some(heap_sidecar::Workspace::at(root));
        let folder = self.runs().join(id);
        let text = serde_json::to_string(&record).unwrap();
        fs::write(folder.join(record.file_name()), text).unwrap();
        self.run(id, hours);
    }

    fn kept(&self) -> Vec<String> {
        let mut kept: Vec<String> = fs::read_dir(self.runs())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        kept.sort();
        kept
    }

    fn heap(&self, arguments: &[&str]) -> Said {
        let output = program()
            .args(arguments)
            .env_remove("CARGO_TARGET_DIR")
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Said {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code(),
        }
    }
}

#[test]
fn the_newest_run_is_meant_where_none_is_named() {
    let workspace = Workspace::new();
    let said = workspace.heap(&["report"]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.contains("there is no run yet"),
        "{}",
        said.stderr
    );
    workspace.run("aaa1", 5);
    workspace.run("aab2", 1);
    workspace.run("aac3", 3);
    assert!(workspace.heap(&["report"]).stdout.contains(" aab2 "));
    assert!(workspace.heap(&["report", "aac"]).stdout.contains(" aac3 "));
    let both = workspace.heap(&["report", "aaa1", "aac3", "--format", "ndjson"]);
    assert_eq!(both.stdout.lines().count(), 2);
    let said = workspace.heap(&["report", "aa"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("several"), "{}", said.stderr);
    let all = workspace.heap(&["export", "--all"]);
    assert_eq!(all.stdout.lines().count(), 3);
}

#[test]
fn the_runs_are_listed_by_what_they_are_called() {
    let workspace = Workspace::new();
    let another = tempfile::tempdir().unwrap();
    workspace.run_of(workspace.folder.path(), "ours1", 2);
    workspace.run("ours2", 1);
    workspace.run_of(another.path(), "theirs", 3);
    let listed = |arguments: &[&str]| -> Value {
        let said = workspace.heap(&[&["runs", "--format", "json"], arguments].concat());
        let listing = serde_json::from_str(&said.stdout).unwrap();
        assert_is_of(&listing, "runs");
        listing
    };
    let ids = |listing: &Value| -> Vec<String> {
        let runs = listing["runs"].as_array().unwrap().iter();
        runs.map(|run| run["run_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let own = listed(&[]);
    assert_eq!(
        (ids(&own), &own["foreign_runs"]),
        (vec!["ours2".into(), "ours1".into()], &1.into())
    );
    let [newest, first] = [&own["runs"][0], &own["runs"][1]];
    assert_eq!(
        (&newest["sidecars"], &first["sidecars"]),
        (&1.into(), &1.into())
    );
    // Its record is one of its files.
    assert!(first["bytes"].as_u64() > newest["bytes"].as_u64());
    assert_eq!(first["parts"][0]["run_id"], "ours1");
    assert_eq!(ids(&listed(&["--all"])), ["ours2", "ours1", "theirs"]);
    let said = workspace.heap(&["runs"]);
    assert!(
        said.stdout.contains("1 of other workspaces"),
        "{}",
        said.stdout
    );
    // The newest one is what is packed where none is named.
    let said = workspace.heap(&["pack"]);
    assert!(
        said.stdout.contains("ours2.heap-pack.zst"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    assert!(
        workspace
            .folder
            .path()
            .join("ours2.heap-pack.zst")
            .is_file()
    );
}

#[test]
fn clean_removes_old_runs_and_nothing_else() {
    let workspace = Workspace::new();
    for (id, hours) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        workspace.run(id, hours);
    }
    fs::write(workspace.runs().join("d/notes.txt"), "mine").unwrap();
    workspace.run("d", 4);
    let around = workspace.runs().join("c/c.heap-run.json");
    fs::write(around, "{}").unwrap();
    workspace.run("c", 3);
    let precious = workspace.folder.path().join("precious");
    fs::create_dir(&precious).unwrap();
    std::os::unix::fs::symlink(&precious, workspace.runs().join("link")).unwrap();
    assert_eq!(workspace.heap(&["clean"]).status, Some(2), "unasked");
    let said = workspace.heap(&["clean", "--keep", "2", "--dry-run"]);
    assert!(said.stdout.contains("would remove"), "{}", said.stdout);
    assert_eq!(workspace.kept(), ["a", "b", "c", "d", "link"]);
    let said = workspace.heap(&["clean", "--keep", "2"]);
    assert_eq!(workspace.kept(), ["a", "b", "d", "link"]);
    assert!(
        said.stderr
            .contains("it contains `notes.txt`, which is not a sidecar"),
        "{}",
        said.stderr
    );
    assert!(precious.is_dir());
}

/// A path is bytes, not text.
#[cfg(unix)]
#[test]
fn a_folder_whose_name_is_no_text_is_read_by_every_command() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join(OsStr::from_bytes(b"r\xfcn"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("t.heap.json"), passed("t", 64).to_string()).unwrap();
    let baseline = above.path().join(OsStr::from_bytes(b"b\xe4se.json"));
    let run = |arguments: &[&OsStr]| {
        let output = program().args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = OsStr::new;
    let (folder, baseline) = (folder.as_os_str(), baseline.as_os_str());
    assert!(run(&[text("report"), folder]).contains("1 test: 1 passed"));
    let show = ["show", "t", "--run"].map(text);
    assert!(run(&[show.as_slice(), &[folder]].concat()).contains("passed"));
    run(&[show.as_slice(), &[folder, text("--format"), text("json")]].concat());
    assert!(run(&[text("export"), folder]).lines().count() > 0);
    run(&[text("baseline"), text("save"), baseline, folder]);
    for base in [folder, baseline] {
        run(&[text("compare"), base, folder]);
        run(&[text("compare"), text("--base"), base, folder]);
    }
    let from_the_variable = program()
        .arg("report")
        .env("HEAP_SIDECAR_DIR", folder)
        .output()
        .unwrap();
    assert_eq!(from_the_variable.status.code(), Some(0));
}

#[test]
fn runs_of_another_workspace_in_the_same_target_folder_are_not_ours() {
    let ours = Workspace::new();
    let theirs = tempfile::tempdir().unwrap();
    ours.run("untold", 9);
    ours.run_of(ours.folder.path(), "old", 6);
    ours.run_of(ours.folder.path(), "own", 3);
    ours.run_of(theirs.path(), "foreign", 1);
    let said = ours.heap(&["report"]);
    assert!(said.stdout.contains(" own "), "{}", said.stdout);
    let left_out = "1 newer run(s) of other workspaces and 2 other run(s) are not included";
    assert!(said.stdout.contains(left_out), "{}", said.stdout);
    let said = ours.heap(&["report", "--format", "json"]);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!([&report["foreign_runs"], &report["other_runs"]], [1, 2]);
    let said = ours.heap(&["report", "--format", "ndjson"]);
    assert!(said.stderr.contains(left_out), "{}", said.stderr);
    // It can be named, and what is of nobody known is ours.
    assert!(
        ours.heap(&["report", "foreign"])
            .stdout
            .contains(" foreign ")
    );
    let all = ours.heap(&["export", "--all"]);
    assert_eq!(all.stdout.lines().count(), 3, "{}", all.stdout);
    assert!(
        all.stderr
            .contains("1 run(s) of other workspaces are skipped"),
        "{}",
        all.stderr
    );
    let said = ours.heap(&["clean", "--keep", "1"]);
    assert_eq!(ours.kept(), ["foreign", "own"], "{}", said.stdout);
    let expected = "1 run(s) kept; 1 of other workspaces are not counted";
    assert!(said.stdout.contains(expected), "{}", said.stdout);
}

#[test]
fn a_folder_for_all_runs_says_what_else_is_in_it() {
    let ours = Workspace::new();
    let theirs = tempfile::tempdir().unwrap();
    ours.run_of(ours.folder.path(), "own", 3);
    ours.run_of(theirs.path(), "foreign", 1);
    let both = tempfile::tempdir().unwrap();
    for (id, started) in [
        ("own", "2026-11-23T10:00:00.000Z"),
        ("foreign", "2026-11-23T11:00:00.000Z"),
    ] {
        for entry in fs::read_dir(ours.runs().join(id)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path)
                .unwrap()
                .replace("2026-11-23T10:00:00.000Z", started);
            let name = format!("{id}-{}", path.file_name().unwrap().to_str().unwrap());
            fs::write(both.path().join(name), text).unwrap();
        }
    }
    let report = |arguments: &[&str]| {
        let mut command = program();
        command.args(arguments).current_dir(ours.folder.path());
        let output = command
            .env("HEAP_SIDECAR_DIR", both.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = report(&["report"]);
    assert!(
        said.contains(" own ") && said.contains("; 1 other run(s) are not included"),
        "{said}"
    );
    let all = report(&["report", both.path().to_str().unwrap()]);
    assert!(
        all.contains("2 tests: 2 passed") && !all.contains("not included"),
        "{all}"
    );
}
