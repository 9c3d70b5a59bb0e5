//! What explains how a test ended: in every output, and in the exit status.

use std::fs;

use serde_json::{Value, json};

use crate::run::{Run, failed, killed, over_budget, passed, program};

/// The same in a cgroup that got no CPU for 80 ms of its 100.
fn short_of_cpu(mut sidecar: Value) -> Value {
    let stall = |total: u64| json!({ "avg10": 0.0, "total": total });
    let pressure = |total: u64| json!({ "cpu": { "some": stall(total), "full": stall(total) } });
    sidecar["duration_ns"] = 100_000_000.into();
    sidecar["host_before"]["cgroup_pressure"] = pressure(5);
    sidecar["host"]["cgroup_pressure"] = pressure(80_005);
    sidecar
}

/// A test that failed for nothing else.
fn late() -> Value {
    let mut sidecar = short_of_cpu(passed("late", 64));
    sidecar["outcome"] = "failed".into();
    sidecar["failure"] = json!({ "kind": "panic", "message": "p99 was 900 µs\nof 500 µs" });
    sidecar
}

fn attempt(number: u32, mut sidecar: Value) -> Value {
    sidecar["runner"] = "nextest".into();
    sidecar["attempt"] = number.into();
    sidecar["test_name"] = "late".into();
    sidecar
}

const CAUSES: &str = "cpu_contention 70 % (cgroup, likely), test 30 % (possible)";

#[test]
fn what_explains_a_failure_is_in_every_output() {
    let run = Run::of(&[late()]);
    let table = run.heap("report", &["--github"]);
    let expected = format!("  it said: p99 was 900 µs …\n  causes: {CAUSES}\n");
    assert!(table.stdout.contains(&expected), "{}", table.stdout);
    let summary = "1 test: 1 failed; 1 of them explained by the machine; ";
    assert!(table.stdout.contains(summary), "{}", table.stdout);
    // What the test said comes first.
    let causes = CAUSES.replace('%', "%25");
    let expected = format!(
        "late%3A failed::p99 was 900 µs%0Aof 500 µs%0Ahost short of CPU%0Acauses: {causes}%0A"
    );
    assert!(table.stderr.contains(&expected), "{}", table.stderr);

    let markdown = run.heap("report", &["--format", "markdown"]).stdout;
    let expected = "- it said: p99 was 900 µs\n- causes: cpu\\_contention 70 %";
    assert!(markdown.contains(expected), "{markdown}");

    let json = run.heap("report", &["--format", "json"]).stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["confounded"], 1);
    let diagnosis = &report["diagnoses"][0];
    assert_eq!(diagnosis["confounded"], true);
    assert_eq!(diagnosis["causes"][0]["figures"]["stalled_us"], 80_000);
    let line = run.heap("report", &["--format", "ndjson"]).stdout;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["causes"], diagnosis["causes"]);
    assert_eq!(
        [&line["verdict"], &line["confounded"]],
        [&json!("cpu_contention"), &json!(true)]
    );

    let page = run.path().join("page.html");
    run.heap("report", &["--html", page.to_str().unwrap()]);
    let page = fs::read_to_string(page).unwrap();
    let expected = format!("<dt>causes</dt><dd>{CAUSES}</dd>");
    assert!(page.contains(&expected), "{page}");
}

#[test]
fn a_budget_that_broke_beside_does_not_hide_what_the_test_said() {
    let mut both = over_budget("both");
    both["failure"] = json!({ "kind": "panic", "message": "not that" });
    let said = Run::of(&[both]).heap("report", &["--github"]).stderr;
    assert!(said.contains("both%3A budget::peak 12.0 MiB"), "{said}");
    assert!(said.contains("both%3A failed::not that%0A"), "{said}");
}

#[test]
fn what_the_machine_explains_has_a_status_of_its_own() {
    let unexplained = || failed("wrong");
    let cases: [(&[Value], i32, i32); 6] = [
        (&[late(), passed("good", 64)], 3, 0),
        (&[late(), unexplained()], 1, 1),
        (&[unexplained()], 1, 1),
        (&[passed("good", 64)], 0, 0),
        // The first attempt is as much a failure of the test's.
        (&[attempt(1, failed("late")), attempt(2, late())], 1, 1),
        (&[attempt(1, late()), attempt(2, late())], 3, 0),
    ];
    for (index, (sidecars, any, unexplained)) in cases.into_iter().enumerate() {
        let run = Run::of(sidecars);
        // Of all tests, also of those that are not printed.
        for arguments in [&[][..], &["--top", "1"], &["--format", "json"]] {
            let said = run.heap("report", arguments);
            assert_eq!(said.status, Some(any), "{index}: {}", said.stdout);
            let but = [arguments, &["--fail-on", "unexplained"]].concat();
            let said = run.heap("report", &but);
            assert_eq!(said.status, Some(unexplained), "{index}: {}", said.stdout);
        }
    }
}

#[test]
fn a_test_that_passed_although_is_named_with_its_evidence() {
    let run = Run::of(&[short_of_cpu(passed("slow", 64)), passed("calm", 64)]);
    let expected = format!(
        "passed slow, although: host short of CPU\n  causes: {CAUSES}\n  - nothing of the test's cgroup got a \
         CPU, though it wanted one, for 80.0 ms of the test's 100.0 ms\n"
    );
    let said = run.heap("report", &[]);
    assert!(said.stdout.contains(&expected), "{}", said.stdout);
    assert!(!said.stdout.contains("calm, although"), "{}", said.stdout);
    assert_eq!(said.status, Some(0));
    let json = run.heap("report", &["--format", "json"]).stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["diagnoses"], json!([]));
    assert_eq!(report["slowed"].as_array().unwrap().len(), 1);
    let markdown = run.heap("report", &["--format", "markdown"]).stdout;
    assert!(
        markdown.contains("passed slow, although: host"),
        "{markdown}"
    );
}

#[test]
fn how_nextest_saw_a_process_end_is_told_and_kept() {
    let run = Run::of(&[killed("hangs"), killed("aborts"), killed("silent")]);
    let verdict = |test: &str, end: Value| {
        json!({
            "run_id": "0123456789abcdef", "package": "heap-tests", "binary": "scheduler", "test": test,
            "source_file": "tests/tests/scheduler.rs", "outcome": "failed",
            "ends": [{ "attempt": 1, "end": end }]
        })
    };
    let kept = json!({
        "format_version": 1, "run_id": "0123456789abcdef",
        "started_at": "2026-11-23T09:59:00.000Z", "ended_at": "2026-11-23T10:01:00.000Z",
        "host": {}, "host_before": {}, "cargo_end": { "exit": 100 },
        "runner_verdicts": [verdict("hangs", json!("timed_out")), verdict("aborts", json!({ "signal": 6 }))]
    });
    run.file("0123456789abcdef.heap-run.json", &kept.to_string());
    let said = run.heap("report", &[]).stdout;
    for expected in [
        "killed hangs: timed out\n  causes: timeout 100 % (sure)\n",
        "killed aborts: ended by a signal\n  causes: signal 100 % (sure)\n  - its process was ended: signal 6 (SIGABRT)\n",
        "killed silent: memory was calm: look at the test\n",
        "? how its process ended is not recorded: `cargo heap test --nextest` tells time-outs and signals\n",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    let json = run.heap("report", &["--format", "json"]).stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        report["run_pressure"][0]["cargo_end"],
        json!({ "exit": 100 })
    );
    let of = |test: &str| {
        let tests = report["tests"].as_array().unwrap();
        tests.iter().find(|row| row["test"] == test).unwrap()["end"].clone()
    };
    assert_eq!(
        [of("hangs"), of("aborts"), of("silent")],
        [json!("timed_out"), json!({ "signal": 6 }), Value::Null]
    );
}

/// The values in a document, each by its keys.
fn leaves(value: &Value, path: &str, all: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                leaves(member, &format!("{path}.{key}"), all);
            }
        }
        Value::Array(members) => {
            for (index, member) in members.iter().enumerate() {
                leaves(member, &format!("{path}[{index}]"), all);
            }
        }
        Value::String(text) => all.push((path.to_owned(), text.clone())),
        value => all.push((path.to_owned(), value.to_string())),
    }
}

#[test]
fn what_a_sidecar_holds_is_shown() {
    let sidecar = short_of_cpu(passed("slow", 4 << 20));
    let run = Run::of(std::slice::from_ref(&sidecar));
    let folder = run.path().to_str().unwrap();
    let output = program()
        .args(["show", "slow", "--run", folder])
        .output()
        .unwrap();
    let said = run.said(&output).stdout;
    assert!(said.contains(CAUSES), "{said}");
    // In a picture, a list, or words.
    let elsewhere = [
        ".test_name",
        ".package",
        ".binary",
        ".labels.",
        ".metrics.",
        ".budgets[",
        ".heap.checkpoints[",
        ".heap.timeline.points[",
    ];
    let mut all = Vec::new();
    leaves(&sidecar, "", &mut all);
    for (path, value) in all {
        if elsewhere.iter().any(|other| path.starts_with(other)) {
            continue;
        }
        let key = path
            .replacen(".host_before.", ".", 1)
            .replacen(".host.", ".", 1);
        let line = said
            .lines()
            .find(|line| line.split_whitespace().next() == Some(&key[1..]));
        let line = line.unwrap_or_else(|| panic!("{key} in {said}"));
        assert!(line.contains(&value), "{path} is {value}, and {line}");
    }
}
