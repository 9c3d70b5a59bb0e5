//! `cargo heap report`.

use std::sync::Mutex;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::run::{Run, failed, killed, over_budget, passed, program};

#[test]
fn the_table_says_what_each_test_did_and_why_it_failed() {
    let said = Run::of_all_kinds().heap("report", &[]);
    assert_snapshot!(said.stdout);
    assert_eq!((said.stderr.as_str(), said.status), ("", Some(1)));
}

#[test]
fn markdown_is_for_a_step_summary_and_annotations_are_beside_it() {
    let said = Run::of_all_kinds().heap("report", &["--format", "markdown", "--github"]);
    assert_snapshot!("markdown", said.stdout);
    assert_snapshot!("annotations", said.stderr);
}

#[test]
fn json_is_one_document_and_ndjson_a_line_for_each_test() {
    let run = Run::of_all_kinds();
    let said = run.heap("report", &["--format", "json"]);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(report["totals"]["tests"], 7);
    assert_eq!(report["totals"]["killed"], 1);
    assert_eq!(report["tests"][0]["state"], "killed");
    assert_eq!(report["diagnoses"].as_array().unwrap().len(), 3);
    assert_eq!(
        report["diagnoses"][1]["findings"][0]["verdict"],
        "host_short"
    );

    let said = run.heap("report", &["--format", "ndjson"]);
    let lines: Vec<Value> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|mut line: Value| {
            // What explains a failure stands with it.
            let line_of = line.as_object_mut().unwrap();
            assert_eq!(line_of.remove("format_version"), Some(1.into()));
            let explained =
                ["verdict", "confounded", "causes"].map(|key| line_of.remove(key).is_some());
            let is_bad = ["killed", "failed"].contains(&line_of["state"].as_str().unwrap());
            assert_eq!(explained, [is_bad; 3], "{line}");
            line
        })
        .collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(Value::Array(lines), report["tests"]);
}

/// An attempt of nextest's, or a round of a stress run.
fn again(mut sidecar: Value, attempt: u32, stress_index: Option<u32>) -> Value {
    sidecar["attempt"] = attempt.into();
    sidecar["runner"] = "nextest".into();
    if let Some(index) = stress_index {
        sidecar["stress_index"] = index.into();
    }
    sidecar
}

#[test]
fn a_test_that_was_tried_again_is_one_test() {
    let run = Run::of(&[
        again(failed("never_passes"), 1, None),
        again(failed("never_passes"), 2, None),
        again(over_budget("over"), 1, None),
        again(over_budget("over"), 2, None),
        again(failed("flaky"), 1, None),
        again(passed("flaky", 64), 2, None),
        again(passed("steady", 64), 1, Some(0)),
        again(passed("steady", 64), 1, Some(1)),
    ]);
    let said = run.heap("report", &["--github"]);
    assert_snapshot!("attempts", said.stdout);
    let annotations: Vec<&str> = said
        .stderr
        .lines()
        .map(|line| line.split("::").nth(1).unwrap_or(line))
        .collect();
    let at = "file=tests/tests/scheduler.rs,line=41,title=";
    let expected = [
        format!("error {at}over%3A budget"),
        format!("error {at}never_passes%3A failed"),
        format!("warning {at}flaky%3A failed"),
    ];
    assert_eq!(annotations, expected);
    assert_eq!(said.status, Some(1));

    let said = run.heap("report", &["--format", "json"]);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let totals = &report["totals"];
    assert_eq!([&totals["tests"], &totals["executions"]], [4, 8]);
    assert_eq!([&totals["failed"], &totals["passed"]], [2, 2]);
    assert_eq!([&totals["flaky"], &totals["broken_budgets"]], [1, 1]);
    assert_eq!(report["deciding"], json!([0, 2, 4, 6]));
    assert_eq!(report["diagnoses"].as_array().unwrap().len(), 3);

    let said = run.heap("report", &["--format", "markdown"]);
    assert!(said.stdout.contains("| ↳ attempt 1 | **failed** |"));
    assert_eq!(said.stdout.matches("**failed** never").count(), 1);
    let said = run.heap("report", &["--top", "1"]);
    assert!(said.stdout.contains(" never_passes ") && !said.stdout.contains("steady"));
    assert!(said.stdout.contains("; 3 not shown"), "{}", said.stdout);

    let show = |test| {
        let run = run.path().to_str().unwrap();
        let arguments = ["show", test, "--run", run];
        program().args(arguments).output().unwrap().status.code()
    };
    assert_eq!([show("flaky"), show("never_passes")], [Some(0), Some(1)]);
}

#[test]
fn what_attempts_failed_of_is_all_said() {
    let run = Run::of(&[
        again(failed("t"), 2, None),
        again(over_budget("t"), 1, None),
    ]);
    let said = run.heap("report", &[]).stdout;
    let expected = "  attempt 1 had another cause (failed): over its budget";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn tests_are_filtered_sorted_and_cut() {
    let run = Run::of_all_kinds();
    let names = |arguments: &[&str]| -> Vec<String> {
        let all = [&["--format", "ndjson"], arguments].concat();
        let said = run.heap("report", &all);
        let name = |line| serde_json::from_str::<Value>(line).unwrap()["test"].to_string();
        said.stdout.lines().map(name).collect()
    };
    assert_eq!(
        names(&["--filter", "latency", "--sort", "name"]),
        ["\"latency::futex_wakeup\"", "\"latency::pipe_switch\""]
    );
    assert_eq!(
        names(&["--filter", "/^f.*cpu$/"]),
        ["\"fairness::two_spinners_share_one_cpu\""]
    );
    assert_eq!(
        names(&["--sort", "peak", "--top", "2"]),
        [
            "\"lifetime::a_thousand_threads\"",
            "\"fairness::two_spinners_share_one_cpu\""
        ]
    );
    // What was killed comes first in any order.
    assert_eq!(
        names(&["--sort", "peak"])[0],
        "\"lifetime::eats_everything\""
    );
    assert_eq!(run.heap("report", &["--filter", "/(/"]).status, Some(2));
}

#[test]
fn what_the_table_cannot_say_is_said_below_it() {
    let mut unsure = passed("unsure", 1000);
    unsure["heap"]["own"]["peak_error_bytes"] = (64 << 10).into();
    unsure["budgets"] = json!([{
        "limit": "max_peak", "bytes": 2000, "actual": 1000, "held": true,
        "note": "within error; use `exact`"
    }]);
    let mut other = passed("other", 64);
    other["heap"] = json!({
        "allocator": "other",
        "reason": "jemalloc is not the allocator of this process: write `heap_runtime::use_jemalloc!();`"
    });
    let said = Run::of(&[unsure, other, passed("sure", 64)]).heap("report", &[]);
    assert_eq!(said.status, Some(0), "{}", said.stdout);
    let doubts: Vec<&str> = (said.stdout.lines())
        .filter(|line| line.starts_with("? "))
        .collect();
    assert_eq!(
        doubts,
        [
            "? 1 test(s) without heap numbers: jemalloc is not the allocator of this process: write \
             `heap_runtime::use_jemalloc!();`",
            "? unsure: max_peak is 1.95 KiB and the peak 1000 B ± 64.0 KiB: with `exact` it is told to the byte",
        ]
    );
}

#[test]
fn colours_are_for_those_who_force_them() {
    let run = Run::of_all_kinds();
    let coloured = |variables: &[(&str, &str)]| {
        let output = program()
            .arg("report")
            .arg(run.path())
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        run.said(&output).stdout.contains("\u{1b}[")
    };
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "0")]));
}

/// Runs of a test that fails under pressure, of one that failed once, and of one that never did.
fn flaky(runs: usize) -> Run {
    let tests = (0..runs).flat_map(|index| {
        let under_pressure = if index % 2 == 0 {
            failed("latency::under_pressure")
        } else {
            passed("latency::under_pressure", 1 << 20)
        };
        let once = if index == 0 {
            killed("lifetime::once")
        } else {
            passed("lifetime::once", 4096)
        };
        [under_pressure, once, passed("fairness::never", 4096)].map(|mut test| {
            test["run_id"] = format!("run{index}").into();
            test
        })
    });
    Run::of(&tests.collect::<Vec<_>>())
}

#[test]
fn tests_that_failed_and_passed_are_set_against_pressure_and_peak() {
    let run = flaky(10);
    let after_diagnoses = |text: &str, from: &str| text[text.find(from).unwrap()..].to_owned();
    let said = run.heap("report", &[]).stdout;
    assert_snapshot!("across", after_diagnoses(&said, "failed and passed"));
    let said = run.heap("report", &["--format", "markdown"]).stdout;
    assert_snapshot!("across_markdown", after_diagnoses(&said, "####"));

    let json = |run: &Run, arguments: &[&str]| -> Value {
        let said = run.heap("report", &[&["--format", "json"], arguments].concat());
        serde_json::from_str::<Value>(&said.stdout).unwrap()["across"].take()
    };
    let across = json(&run, &[]);
    assert_eq!(across[0]["pressure"], "more_when_failed");
    assert_eq!(across[1]["peak"], "too_few");
    assert_eq!(across[1]["failed"]["executions"], 1);
    assert_eq!(json(&run, &["--filter", "never"]), serde_json::json!([]));
    // With as many of them in half the runs, there is no verdict.
    assert_eq!(json(&flaky(5), &[])[0]["pressure"], "too_few");
}

#[test]
fn what_is_not_printed_has_failed_all_the_same() {
    let mut retry = passed("flaky", 64);
    retry["attempt"] = 2.into();
    let good = Run::of(&[failed("flaky"), retry]);
    for arguments in [&[][..], &["--top", "1"]] {
        let said = good.heap("report", arguments);
        assert_eq!(said.status, Some(0), "{}", said.stdout);
        assert!(said.stdout.contains("1 flaky"), "{}", said.stdout);
    }
    let bad = Run::of(&[passed("large", 1 << 30), failed("small")]);
    let said = bad.heap("report", &["--sort", "peak", "--top", "1"]);
    assert_eq!(said.status, Some(1), "{}", said.stdout);
    assert!(
        said.stdout.contains("2 tests: 1 failed, 1 passed"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("1 not shown"), "{}", said.stdout);
    // A filter says which tests are meant.
    let said = bad.heap("report", &["--filter", "large"]);
    assert_eq!(said.status, Some(0), "{}", said.stdout);
}

#[test]
fn progress_is_told_by_how_many_files_are_done() {
    let sidecars: Vec<Value> = (0..200)
        .map(|test| passed(&format!("t{test}"), 64))
        .collect();
    let run = Run::of(&sidecars);
    let told = Mutex::new(Vec::new());
    let read = cargo_heap::report::Run::read(&[run.path()], |done, all| {
        told.lock().unwrap().push((done, all));
    });
    assert_eq!(read.unwrap().rows.len(), 200);
    let told = told.into_inner().unwrap();
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(told.last(), Some(&(200, 200)));
    assert_eq!(told.len(), 4);
}
