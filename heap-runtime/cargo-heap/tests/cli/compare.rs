//! `cargo heap compare` and `cargo heap baseline save`.

use std::ffi::OsStr;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::run::{Run, Said, failed, passed, program, skipped};

fn heap(base: &Run, arguments: &[&OsStr]) -> Said {
    base.said(&program().args(arguments).output().unwrap())
}

fn compare(base: &Run, new: &Run, arguments: &[&str]) -> Said {
    let mut all = vec![
        OsStr::new("compare"),
        base.path().as_ref(),
        new.path().as_ref(),
    ];
    all.extend(arguments.iter().map(OsStr::new));
    heap(base, &all)
}

fn two_runs() -> (Run, Run) {
    let base = Run::of(&[
        passed("same", 1 << 20),
        passed("grows", 1 << 20),
        passed("shrinks", 1 << 20),
        passed("breaks", 1 << 20),
        passed("now_skipped", 1 << 20),
        passed("gone", 1 << 20),
        failed("mended"),
    ]);
    let mut elsewhere = passed("same", (1 << 20) + 1000);
    elsewhere["host"]["kernel_release"] = "6.13.0".into();
    let new = Run::of(&[
        elsewhere,
        passed("grows", 3 << 20),
        passed("shrinks", 1 << 19),
        failed("breaks"),
        skipped("now_skipped", "why"),
        passed("new", 1 << 20),
        passed("mended", 1 << 20),
    ]);
    (base, new)
}

#[test]
fn what_changed_is_said_test_by_test() {
    let (base, new) = two_runs();
    let said = compare(&base, &new, &[]);
    assert_snapshot!("table", format!("{}---\n{}", said.stdout, said.stderr));
    assert_eq!(said.status, Some(1));
    let said = compare(&base, &new, &["--format", "markdown", "--tolerance", "5%"]);
    assert_snapshot!("compare_markdown", said.stdout);
    let said = compare(&base, &base, &[]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    let said = compare(&base, &new, &["--format", "json"]);
    let comparison: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(comparison["changes"][0]["kind"], "regression");
    assert_eq!(
        compare(&base, &new, &["--tolerance", "8 parsecs"]).status,
        Some(2)
    );
}

/// The sidecars of two partitions of the same run.
fn parts(run: &Run) -> [Run; 2] {
    let mut parts = [Vec::new(), Vec::new()];
    let mut files: Vec<_> = (std::fs::read_dir(run.path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for (index, file) in files.iter().enumerate() {
        let mut sidecar: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        sidecar["run_id"] = format!("partition-{}", index % 2).into();
        parts[index % 2].push(sidecar);
    }
    parts.map(|sidecars| Run::of(&sidecars))
}

#[test]
fn the_parts_of_a_run_are_compared_as_the_whole() {
    let (base, new) = two_runs();
    let (base_parts, new_parts) = (parts(&base), parts(&new));
    let [base_1, base_2] = base_parts.each_ref().map(|part| part.path().as_os_str());
    let [new_1, new_2] = new_parts.each_ref().map(|part| part.path().as_os_str());
    let [compare_with, of_base] = ["compare", "--base"].map(OsStr::new);
    let whole = compare(&base, &new, &[]);
    let (base_path, new_path) = (base.path().as_os_str(), new.path().as_os_str());
    for arguments in [
        vec![compare_with, base_path, new_1, new_2],
        vec![compare_with, of_base, base_path, new_path],
        vec![compare_with, of_base, base_1, of_base, base_2, new_1, new_2],
        vec![compare_with, new_1, new_2, of_base, base_1, of_base, base_2],
    ] {
        let said = heap(&base, &arguments);
        assert_eq!(said.stdout, whole.stdout, "{arguments:?}: {}", said.stderr);
        assert_eq!(said.status, whole.status);
    }
    // What is one part of the whole has lost the other's tests.
    let half = heap(&base, &[compare_with, base_path, new_1]);
    assert!(half.stdout.contains("gone"), "{}", half.stdout);

    // A baseline of the parts is that of the whole, and stands alone.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heap.json");
    let save = ["baseline", "save"].map(OsStr::new);
    let [save_1, save_2] = save;
    let saved = heap(&base, &[save_1, save_2, file.as_os_str(), base_1, base_2]);
    assert_eq!(saved.status, Some(0), "{}", saved.stderr);
    let against = heap(&base, &[compare_with, file.as_os_str(), new_1, new_2]);
    assert_eq!(against.stdout, whole.stdout);
    let among = [
        compare_with,
        of_base,
        file.as_os_str(),
        of_base,
        base_2,
        new_1,
        new_2,
    ];
    let refused = heap(&base, &among);
    assert_eq!(refused.status, Some(2));
    assert!(
        refused.stderr.contains("a baseline stands for a whole run"),
        "{}",
        refused.stderr
    );
    assert_eq!(heap(&base, &[compare_with]).status, Some(2));
}

#[test]
fn a_saved_baseline_says_the_same_as_its_run() {
    let (base, new) = two_runs();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heap.json");
    let save = [
        OsStr::new("baseline"),
        OsStr::new("save"),
        file.as_os_str(),
        base.path().as_ref(),
    ];
    assert_eq!(heap(&base, &save).status, Some(0));
    let against = |base_name: &OsStr| {
        heap(
            &base,
            &[OsStr::new("compare"), base_name, new.path().as_ref()],
        )
        .stdout
    };
    assert_eq!(against(file.as_os_str()), against(base.path().as_ref()));
    let first = std::fs::read_to_string(&file).unwrap();
    assert_eq!(heap(&base, &save).status, Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), first);
    assert!(!first.contains("duration") && !first.contains("run_id"));
    assert_snapshot!(
        "baseline",
        first.lines().take(32).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let (base, _) = two_runs();
    let mut other = passed("same", 1 << 20);
    other["heap"] = json!({ "allocator": "other", "reason": "no jemalloc" });
    let said = compare(&base, &Run::of(&[other]), &[]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.contains("cannot be compared"),
        "{}",
        said.stderr
    );

    base.file("no-baseline.json", "{}");
    let file = base.path().join("no-baseline.json");
    let said = heap(
        &base,
        &[
            OsStr::new("compare"),
            file.as_os_str(),
            base.path().as_ref(),
        ],
    );
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.contains("is not a valid baseline"),
        "{}",
        said.stderr
    );
}

/// A test that took so many milliseconds, once in each of as many iterations, and measured something.
fn repeated(times: &[u64], wakeup: f64) -> Run {
    let rows: Vec<Value> = (0..)
        .zip(times)
        .map(|(iteration, ms)| {
            let mut sidecar = passed("wakes", 4096);
            sidecar["iteration"] = Value::from(iteration);
            sidecar["duration_ns"] = (ms * 1_000_000).into();
            sidecar["metrics"]["wakeup_p99_us"] = wakeup.into();
            sidecar
        })
        .collect();
    Run::of(&rows)
}

#[test]
fn times_and_metrics_are_compared_by_their_readings() {
    let base = repeated(&[13, 12, 14, 13, 13], 41.0);
    let slower = repeated(&[70, 69, 72, 70, 71], 60.0);
    let said = compare(&base, &slower, &[]);
    assert_eq!(said.status, Some(1), "{}", said.stdout);
    for expected in [
        "wakes",
        "regression",
        "13.00ms, median of 5",
        "70.00ms, median of 5",
        "x 5.4 (+438 %)",
        "metric wakeup_p99_us",
        "x 1.5 (+46 %)",
    ] {
        assert!(
            said.stdout.contains(expected),
            "{expected} in {}",
            said.stdout
        );
    }
    // A reading is no more than that.
    let said = compare(&repeated(&[13], 41.0), &repeated(&[70], 60.0), &[]);
    assert_eq!(said.status, Some(0), "{}", said.stdout);
    assert!(
        said.stdout.contains("13.00ms, one reading") && said.stdout.contains(" changed "),
        "{}",
        said.stdout
    );
    let said = compare(&base, &base, &[]);
    assert!(said.stdout.starts_with("1 unchanged;"), "{}", said.stdout);
}

#[test]
fn what_runs_were_made_with_is_named_where_it_differs() {
    let [base, new] = ["debug", "release"].map(|profile| {
        let mut sidecar = passed("same", 4096);
        let ops = if profile == "debug" { Value::Null } else { "simple_fifo".into() };
        let state = if profile == "debug" { "disabled" } else { "enabled" };
        let mut sched_ext = json!({ "state": state, "enable_seq": 1, "nr_rejected": 0 });
        if !ops.is_null() {
            sched_ext["ops"] = ops;
        }
        sidecar["host"]["sched_ext"] = sched_ext.clone();
        sidecar["host_before"]["sched_ext"] = sched_ext;
        let run = Run::of(&[sidecar]);
        let record = json!({
            "format_version": 1, "run_id": "0123456789abcdef", "runner": "cargo-test",
            "began_at": "2026-11-23T09:59:59.000Z",
            "build": { "heap_runtime": "0.1.0", "rustc": "rustc 1.95.0", "target": "x86_64-unknown-linux-gnu",
                       "profile": profile, "opt_level": "0", "debug_assertions": profile == "debug" }
        });
        run.file("0123456789abcdef.heap-run.json", &record.to_string());
        run
    });
    let said = compare(&base, &new, &[]);
    for expected in [
        "the runs differ: profile was debug, and is release\n",
        "the runs differ: debug assertions was on, and is off\n",
        "the runs differ: scheduler was the kernel's own, and is simple_fifo\n",
    ] {
        assert!(
            said.stderr.contains(expected),
            "{expected} in {}",
            said.stderr
        );
    }
    assert!(!said.stderr.contains("rustc"), "{}", said.stderr);
    let said = compare(&base, &new, &["--format", "json"]).stdout;
    let comparison: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(comparison["differences"].as_array().unwrap().len(), 3);
    let said = compare(&base, &new, &["--format", "markdown"]).stdout;
    assert!(
        said.contains("The runs differ: profile was debug, and is release."),
        "{said}"
    );
}
