//! What is one run: the project `projects/workspace`, whose two packages have a test binary each, under
//! cargos that are not called cargo, and in several commands.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use heap_runtime::sidecar::Sidecar;
use heap_runtime::{Runner, heap_tracked};
use heap_tests::damage::{names, nextest_is_installed};
use heap_tests::project::{Project, Run};
use tempfile::TempDir;

heap_runtime::use_jemalloc!();

const HEAP: &str = env!("CARGO_BIN_EXE_heap-for-tests");

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Where the toolchain has its cargo: one of PATH may be rustup's.
fn cargo() -> Command {
    let rustc = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = String::from_utf8(rustc.expect("rustc runs").stdout).expect("text");
    Command::new(Path::new(sysroot.trim()).join("bin/cargo"))
}

/// A program of that name in a folder: a script, or else a copy of the real cargo.
fn program(folder: &Path, name: &str, script: Option<&str>) -> Command {
    let path = folder.join(name);
    match script {
        Some(script) => {
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&path, executable).expect("it may be executed");
        }
        None => {
            fs::copy(cargo().get_program(), &path).expect("a copy");
        }
    }
    Command::new(path)
}

/// Runs the tests of both packages with another cargo.
fn tests_with(project: &Project, mut cargo: Command) -> Run {
    for (name, value) in project.cargo(["test"]).get_envs() {
        match value {
            Some(value) => cargo.env(name, value),
            None => cargo.env_remove(name),
        };
    }
    cargo
        .current_dir(project.folder())
        .args(["test", "--tests"]);
    Run::of(&mut cargo).success()
}

fn runs(sidecars: &[Sidecar]) -> BTreeSet<&str> {
    sidecars.iter().map(|sidecar| &*sidecar.run_id).collect()
}

#[heap_tracked]
#[test]
fn cargo_is_known_by_what_it_executes() {
    let project = Project::copy_of("workspace");
    let programs = folder();
    let copy = |name| program(programs.path(), name, None);
    let script = |name, script: &str| program(programs.path(), name, Some(script));
    copy("another-name");
    for cargo in [
        // As nixpkgs wraps it.
        copy(".cargo-wrapped"),
        copy("of-a-vendor"),
        script("wrapper", "exec \"$(dirname \"$0\")/another-name\" \"$@\""),
        script(
            "cargo",
            "\"$(dirname \"$0\")/another-name\" \"$@\"; exit $?",
        ),
    ] {
        let name = cargo.get_program().to_owned();
        let run = tests_with(&project, cargo);
        assert_eq!(run.sidecars.len(), 2, "{name:?}: {}", run.stdout);
        assert_eq!(runs(&run.sidecars).len(), 1, "{name:?}");
        for sidecar in &run.sidecars {
            assert_eq!(sidecar.runner, Runner::CargoTest, "{name:?}");
        }
    }
}

#[heap_tracked]
#[test]
fn what_has_one_name_is_one_run() {
    let project = Project::copy_of("workspace").variable("HEAP_RUN_ID", "ci-7");
    let sidecars = folder();
    let part = |shard: &str, arguments: &[&str]| {
        let mut command = project.cargo(arguments);
        command.env("HEAP_SIDECAR_DIR", sidecars.path());
        command.env("HEAP_SHARD", shard);
        let output = command.output().expect("cargo starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
    };
    part("1/2", &["test", "--tests", "--package", "package-one"]);
    part("2/2", &["test", "--tests", "--package", "package-two"]);
    let (found, _) = heap_sidecar::read_run(sidecars.path()).expect("it can be read");
    assert_eq!(runs(&found), BTreeSet::from(["ci-7"]));
    let shards: BTreeSet<_> = found
        .iter()
        .map(|sidecar| sidecar.shard.as_deref())
        .collect();
    assert_eq!(shards, BTreeSet::from([Some("1/2"), Some("2/2")]));
    let name = "package-one+scheduler+fairness+shares_the_cpu@shard1%2f2.heap.json";
    assert!(names(sidecars.path()).contains(&name.to_owned()));

    let folder = sidecars.path().to_str().expect("text");
    let project = project.variable("HEAP_SIDECAR_DIR", folder);
    let said = project.heap(HEAP, ["report"]);
    assert!(
        said.stdout.contains("2 tests: 2 passed;"),
        "{}",
        said.stdout
    );
    // It hands the name on, and reports all of the run.
    let said = project.heap(HEAP, ["test", "--tests", "--package", "package-one"]);
    let expected = "2 tests: 2 passed; 2 shards; 3 executions;";
    assert!(
        said.stdout.contains(expected),
        "{}{}",
        said.stdout,
        said.stderr
    );
}

#[heap_tracked]
#[test]
fn a_partition_of_nextests_is_a_shard() {
    if !nextest_is_installed() {
        return;
    }
    let project = Project::copy_of("workspace").variable("HEAP_RUN_ID", "ci-8");
    let sidecars = folder();
    for arguments in [
        ["--partition", "slice:1/2"].as_slice(),
        &["--partition=slice:2/2"],
    ] {
        let mut command = project.cargo(["nextest", "run"].iter().chain(arguments));
        command.env("HEAP_SIDECAR_DIR", sidecars.path());
        let output = command.output().expect("cargo starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
    }
    let (found, _) = heap_sidecar::read_run(sidecars.path()).expect("it can be read");
    let shards: BTreeSet<_> = found
        .iter()
        .map(|sidecar| sidecar.shard.as_deref())
        .collect();
    assert_eq!(
        shards,
        BTreeSet::from([Some("slice:1/2"), Some("slice:2/2")])
    );
    assert_eq!(runs(&found), BTreeSet::from(["ci-8"]));
    let of_nextest: BTreeSet<_> = found.iter().map(|sidecar| &sidecar.runner_run_id).collect();
    assert_eq!(of_nextest.len(), 2, "{of_nextest:?}");
    assert!(of_nextest.iter().all(|id| id.is_some()));
}

#[heap_tracked]
#[test]
fn a_relative_folder_is_one_from_the_workspaces_root() {
    let project = Project::copy_of("workspace").variable("HEAP_SIDECAR_DIR", "target/out");
    let folder = project.folder().join("target/out");
    let mut runners = vec![["test", "--tests"].as_slice()];
    if nextest_is_installed() {
        runners.push(&["nextest", "run"]);
    }
    for runner in runners {
        let _ = fs::remove_dir_all(&folder);
        let output = project.cargo(runner).output().expect("cargo starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        let sidecars = names(&folder);
        let sidecars = sidecars.iter().filter(|name| name.ends_with(".heap.json"));
        assert_eq!(sidecars.count(), 2, "{runner:?}");
        let said = project.heap(HEAP, ["report"]);
        assert!(
            said.stdout.contains("2 tests: 2 passed;"),
            "{}{}",
            said.stdout,
            said.stderr
        );
    }
    let said = project.heap(HEAP, ["test", "--tests"]);
    assert!(
        said.stdout.contains("2 tests: 2 passed;"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    for package in ["one", "two"] {
        assert!(
            !project.folder().join(package).join("target").exists(),
            "{package}"
        );
    }
    fs::remove_dir_all(&folder).expect("it is there");
}

const SHARDS: usize = 20;

/// A project of two tests for each shard.
fn project_of_shards() -> Project {
    let tests = (0..2 * SHARDS).map(|test| {
        format!("#[heap_tracked]\n#[test]\nfn t{test:02}() {{\n    std::hint::black_box(vec![0_u8; 4096]);\n}}\n\n")
    });
    let tests: String = tests.collect();
    Project::new("shards")
        .file("src/lib.rs", "")
        .file(
            "tests/many.rs",
            &format!(
                "use heap_runtime::heap_tracked;\n\nheap_runtime::use_jemalloc!();\n\n{tests}"
            ),
        )
        .variable("HEAP_RUN_ID", "ci-20")
}

/// Makes a shard by a runner of its own.
fn shard(project: &Project, shard: usize, tests: [usize; 2], folder: &Path) -> Command {
    let [one, two] = tests.map(|test| format!("t{test:02}"));
    let mut command = if shard.is_multiple_of(2) && nextest_is_installed() {
        let filter = format!("test(={one}) | test(={two})");
        project.cargo(["nextest", "run", "--test", "many", "-E", &filter])
    } else {
        project.cargo(["test", "--test", "many", "--", "--exact", &one, &two])
    };
    command
        .env("HEAP_SIDECAR_DIR", folder)
        .env("HEAP_SHARD", format!("{shard}/{SHARDS}"));
    command
}

fn succeeds(command: &mut Command) {
    let output = command.output().expect("cargo starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

/// Makes all of them at the same time, each in the folder that is given for it.
fn make_shards(project: &Project, folder_of: impl Fn(usize) -> PathBuf) {
    let commands = (1..=SHARDS).map(|number| {
        let tests = [number - 1, number - 1 + SHARDS];
        shard(project, number, tests, &folder_of(number))
    });
    // The project is there and built, with its lock file, before any of them reads it.
    let commands: Vec<Command> = commands.collect();
    succeeds(&mut project.cargo(["test", "--no-run", "--test", "many"]));
    let started = commands.into_iter().map(|mut command| {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("cargo starts")
    });
    let started: Vec<_> = started.collect();
    for child in started {
        let output = child.wait_with_output().expect("cargo ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
    }
}

#[heap_tracked]
#[test]
fn twenty_shards_that_are_made_at_once_are_one_run() {
    let project = project_of_shards();
    let above = folder();
    let in_one = above.path().join("one");
    make_shards(&project, |_| in_one.clone());
    let in_twenty = |number: usize| above.path().join(format!("artefact-{number}"));
    make_shards(&project, in_twenty);
    let folders: Vec<_> = (1..=SHARDS).map(in_twenty).collect();
    // What a job uploads may be packed.
    let packed = above.path().join("1.heap-pack.zst");
    let said = project.heap(
        HEAP,
        [
            "pack".as_ref(),
            in_twenty(1).as_os_str(),
            "--out".as_ref(),
            packed.as_os_str(),
        ],
    );
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let with_packed = std::iter::once(&packed)
        .chain(&folders[1..])
        .cloned()
        .collect();

    for places in [vec![in_one.clone()], folders, with_packed] {
        let run = cargo_heap::report::Run::read(&places, |_, _| ()).expect("it can be read");
        let ids: BTreeSet<_> = run.rows.iter().map(|row| &*row.run_id).collect();
        assert_eq!(ids, BTreeSet::from(["ci-20"]));
        let tests: BTreeSet<_> = run.rows.iter().map(|row| &row.test).collect();
        assert_eq!((run.rows.len(), tests.len()), (2 * SHARDS, 2 * SHARDS));
        // Each shard has one record, whoever of its tests was first.
        let of_records: Vec<_> = run
            .records
            .iter()
            .filter_map(|record| record.shard.as_ref())
            .collect();
        let shards: BTreeSet<_> = of_records.iter().copied().collect();
        assert_eq!((of_records.len(), shards.len()), (SHARDS, SHARDS));
        assert!(run.unreadable.is_empty(), "{:?}", run.unreadable);
        let said = project.heap(
            HEAP,
            std::iter::once("report".as_ref()).chain(places.iter().map(|place| place.as_os_str())),
        );
        let expected = "40 tests: 40 passed; 20 shards; ";
        assert!(
            said.stdout.contains(expected),
            "{}{}",
            said.stdout,
            said.stderr
        );
        assert!(
            !said.stdout.contains("more than one shard"),
            "{}",
            said.stdout
        );
    }

    // A shard that was given a test of another.
    succeeds(&mut shard(&project, 3, [2, 7], &in_one));
    let said = project.heap(HEAP, ["report".as_ref(), in_one.as_os_str()]);
    assert!(
        said.stdout
            .contains("40 tests: 40 passed; 20 shards; 1 ran in more than one shard;"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout
            .contains("t07 ran in more than one shard: 3/20, 8/20"),
        "{}",
        said.stdout
    );
}

/// The records of runs in a folder.
fn records(folder: &Path) -> Vec<heap_sidecar::RunRecord> {
    let paths = heap_sidecar::paths(folder, heap_sidecar::RUN_SUFFIX).expect("it can be read");
    let records = paths.iter().map(|path| heap_sidecar::read_as(path));
    records.map(|record| record.expect("a record")).collect()
}

#[heap_tracked]
#[test]
fn a_run_has_a_record_of_its_own_that_is_written_once() {
    let project = Project::copy_of("workspace");
    let workspace = heap_sidecar::Workspace::at(project.folder());
    let mut runners = vec![(Runner::CargoTest, ["test", "--tests"].as_slice())];
    if nextest_is_installed() {
        // Each test has a process, and is the first of its run for all that it knows.
        runners.push((Runner::Nextest, &["nextest", "run"]));
    }
    for (runner, arguments) in runners {
        let folder = folder();
        let mut command = project.cargo(arguments.iter().copied());
        command.args(["--config", "net.offline=true"]);
        let run = Run::with_sidecars_in(command.env("HEAP_SIDECAR_DIR", folder.path()), || {
            folder.path().to_owned()
        })
        .success();
        let all = records(folder.path());
        let [record] = &all[..] else {
            panic!("{all:?}");
        };
        assert_eq!(record.run_id, run.sidecars[0].run_id);
        assert_eq!(
            (record.runner, record.workspace.as_ref()),
            (runner, Some(&workspace))
        );
        let mut starts = run.sidecars.iter().map(|sidecar| &sidecar.started_at);
        assert!(starts.any(|start| *start <= record.began_at), "{record:?}");
        let command = record.command.join(" ");
        // Its value may be a secret.
        assert!(
            command.contains("--config …") && !command.contains("offline"),
            "{command}"
        );
        let build = record.build.as_ref().expect("it is known");
        assert!(
            build.rustc.starts_with("rustc 1.") && build.debug_assertions,
            "{build:?}"
        );
        assert!(
            record
                .jemalloc
                .as_ref()
                .is_some_and(|version| version.starts_with("5."))
        );
        let read = cargo_heap::report::Run::read(&[folder.path()], |_, _| ()).expect("a run");
        assert_eq!(read.records, all);
        assert!(read.unreadable.is_empty());
    }
}
