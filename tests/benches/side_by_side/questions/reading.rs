//! How fast runs are read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Ask;
use crate::contender::{Rivals, succeed, target};
use crate::finding::Finding;
use crate::rounds::{Spread, by_turns};
use crate::spawned::{self, Spent};

const JQ: &str = "[.test_name, .outcome, .duration_ns, .heap.own.peak_bytes]";
const PYTHON: &str = "import json, os, sys
rows = []
for entry in os.scandir(sys.argv[1]):
    with open(entry.path, 'rb') as file:
        record = json.load(file)
    rows.append((record['test_name'], record['outcome'], record['duration_ns'], record['heap']['own']['peak_bytes']))
rows.sort(key=lambda row: row[3])
print(rows[-1])
";
const DUCKDB: &str = "import duckdb, sys
print(duckdb.sql(\"select test_name, outcome, duration_ns, heap.own.peak_bytes as peak from read_json('\" + sys.argv[1] + \"/*.heap.json', maximum_object_size = 1000000) order by peak desc limit 1\"))
";

pub(crate) fn ask(ask: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    let cargo_heap = cargo_heap(rivals);
    let sample = sample(rivals);
    let duckdb = python_with(&["duckdb"]);
    let counts: &[(usize, usize)] = if ask.long {
        &[(1000, 9), (10_000, 5), (100_000, 3), (1_000_000, 1)]
    } else {
        &[(1000, 9), (10_000, 5), (100_000, 1)]
    };
    counts
        .iter()
        .flat_map(|(count, rounds)| {
            let folder = run_of(&sample, *count);
            let sides = sides(folder.path(), &cargo_heap, duckdb.as_deref());
            read(*count, *rounds, &sides)
        })
        .collect()
}

type Side = (&'static str, Vec<String>);

fn sides(run: &Path, cargo_heap: &Path, duckdb: Option<&Path>) -> Vec<Side> {
    let run = run.display().to_string();
    let heap = |arguments: &[&str]| {
        let mut command = vec![cargo_heap.display().to_string(), "heap".into()];
        command.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        command
    };
    let shell = |script: String| vec!["sh".into(), "-c".into(), script];
    let each = |program: &str| {
        format!("find '{run}' -name '*.heap.json' -print0 | xargs -0 {program} > /dev/null")
    };
    let mut sides = vec![
        ("cat", shell(each("cat"))),
        ("report", heap(&["report", &run])),
        ("compare", heap(&["compare", &run, &run])),
        ("export", heap(&["export", &run, "--format", "ndjson"])),
        (
            "Python's json",
            vec!["python3".into(), "-c".into(), PYTHON.into(), run.clone()],
        ),
    ];
    if Command::new("jq").arg("--version").output().is_ok() {
        sides.push(("jq", shell(each(&format!("jq -c '{JQ}'")))));
    }
    if let Some(python) = duckdb {
        let python = python.display().to_string();
        sides.push(("DuckDB", vec![python, "-c".into(), DUCKDB.into(), run]));
    }
    sides
}

fn read(count: usize, rounds: usize, sides: &[Side]) -> Vec<Finding> {
    let mut memory = vec![0.0_f64; sides.len()];
    let order: Vec<usize> = (0..sides.len()).collect();
    let times = by_turns(rounds, &order, |at| {
        let (name, arguments) = &sides[*at];
        let Spent {
            status,
            wall_s,
            peak_kib,
            ..
        } = spawned::run(Command::new(&arguments[0]).args(&arguments[1..]));
        assert!(status.success(), "{name}: {arguments:?}");
        memory[*at] = memory[*at].max(peak_kib / 1024.0);
        wall_s * 1000.0
    });
    let names = || sides.iter().map(|(name, _)| *name);
    let ratio = times[1].median / times[0].median;
    vec![
        Finding::new(format!("{count} sidecars: time"), "ms")
            .sides(names().zip(times))
            .at_most(ratio, 3.0),
        Finding::new(format!("{count} sidecars: memory"), "MiB")
            .sides(names().zip(memory.into_iter().map(Spread::exactly))),
    ]
}

/// The command line as it is installed.
fn cargo_heap(rivals: &Rivals) -> PathBuf {
    let manifest =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../heap-runtime/cargo-heap/Cargo.toml");
    let mut build = rivals.cargo(&["build", "--release", "--manifest-path"]);
    build.arg(&manifest).env("CARGO_TARGET_DIR", target());
    succeed(&mut build);
    target().join("release").join("cargo-heap")
}

/// The sidecar of an empty test.
fn sample(rivals: &mut Rivals) -> String {
    let test =
        "heap_runtime::use_jemalloc!();\n#[heap_runtime::heap_tracked]\n#[test]\nfn sample() {}\n";
    rivals.file("tests/sample.rs", test);
    let folder = heap_tests::scratch::folder();
    succeed(
        Command::new(rivals.suite("sample", "optimised")).env("HEAP_SIDECAR_DIR", folder.path()),
    );
    let entry = fs::read_dir(folder.path())
        .expect("a folder")
        .next()
        .expect("one sidecar");
    fs::read_to_string(entry.expect("a file").path()).expect("text")
}

/// A run of so many tests, in memory where the system has such a place.
fn run_of(sample: &str, count: usize) -> tempfile::TempDir {
    let folder = heap_tests::scratch::folder();
    for test in 0..count {
        let name = format!("module_{}::t{test:07}", test % 97);
        let contents = sample.replacen(
            "\"test_name\": \"sample\"",
            &format!("\"test_name\": \"{name}\""),
            1,
        );
        let file = format!("rivals+sample+module_{}+t{test:07}.heap.json", test % 97);
        fs::write(folder.path().join(file), contents).expect("there is room");
    }
    folder
}

/// A Python with packages from its registry, in the target folder; none where they cannot be had.
pub(crate) fn python_with(packages: &[&str]) -> Option<PathBuf> {
    let folder = target()
        .join("bench")
        .join(format!("python-{}", packages.join("-")));
    let python = folder.join("bin").join("python3");
    let install =
        |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let is_there = python.exists()
        && install(Command::new(&python).args(["-c", &format!("import {}", packages[0])]));
    let is_there = is_there
        || (install(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            && install(
                Command::new(&python)
                    .args(["-m", "pip", "install", "--quiet"])
                    .args(packages),
            ));
    is_there.then_some(python)
}
