//! `cargo heap show`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::run::{Run, Said, killed_after_checkpoint, passed, program};

fn show(run: &Run, arguments: &[&str]) -> Said {
    let output = program()
        .arg("show")
        .args(arguments)
        .arg("--run")
        .arg(run.path())
        .output()
        .unwrap();
    run.said(&output)
}

#[test]
fn everything_about_one_test() {
    let run = Run::of_all_kinds();
    assert_snapshot!("passed", show(&run, &["two_spinners"]).stdout);
    let said = show(&run, &["lifetime::a_thousand_threads"]);
    assert_snapshot!("over_budget", said.stdout);
    assert_eq!(said.status, Some(1));
    assert_snapshot!("killed", show(&run, &["eats"]).stdout);
    assert_snapshot!("skipped", show(&run, &["deadline"]).stdout);
    // What it said has two lines.
    assert_snapshot!("failed", show(&run, &["pipe_switch"]).stdout);
}

#[test]
fn a_killed_test_is_shown_up_to_its_last_checkpoint() {
    let run = Run::of(&[killed_after_checkpoint("eats"), passed("small", 4096)]);
    assert_snapshot!("killed_after_checkpoint", show(&run, &["eats"]).stdout);
    assert_snapshot!("killed_in_the_table", run.heap("report", &[]).stdout);
}

#[test]
fn where_the_time_went_is_a_bar_of_the_duration() {
    let mut waits = passed("waits", 4096);
    let duration = waits["duration_ns"].as_u64().unwrap();
    let (ran, waited) = (duration / 4, duration / 2);
    let blocked = duration - ran - waited;
    waits["time"] = json!({
        "wall_ns": duration, "cpu_ns": 3 * ran, "user_ns": 2 * ran, "system_ns": ran, "run_delay_ns": waited,
        "run_delay_error_ns": 9000, "voluntary_switches": 7, "involuntary_switches": 5,
        "minor_faults": 3, "major_faults": 1, "threads": 2, "threads_running": 0,
        "test_thread": { "cpu_ns": ran, "run_delay_ns": waited, "blocked_ns": blocked },
        "reason": { "delays": "nobody asked" }
    });
    let run = Run::of(&[waits, passed("small", 64)]);
    let said = show(&run, &["waits"]).stdout;
    let bar = said.lines().find(|line| line.contains("█▒")).expect(&said);
    let cells = |fill| bar.matches(fill).count();
    let [ran, waited, blocked] = ['█', '▒', '·'].map(cells);
    assert!(
        ran.abs_diff(blocked) <= 1 && waited.abs_diff(2 * ran) <= 2,
        "{bar}"
    );
    for words in [
        "▒ waiting for a CPU, 50.0 %",
        "± 9.00µs for a CPU, by all threads",
        "7 to wait for something, 5 for others to run",
        "3, and 1 that read from a device",
        "delays: nobody asked",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // Of the other, nothing is known.
    assert!(
        !show(&run, &["small"])
            .stdout
            .contains("where its time went")
    );
    let table = run.heap("report", &[]).stdout;
    let headings = table.lines().find(|line| line.contains("outcome")).unwrap();
    assert!(
        headings.contains("cpu") && headings.contains("waited"),
        "{table}"
    );
}

#[test]
fn json_has_the_sidecar_in_it() {
    let said = show(&Run::of_all_kinds(), &["pipe_switch", "--format", "json"]);
    let shown: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        shown["executions"][0]["sidecar"]["test_name"],
        "latency::pipe_switch"
    );
    assert_eq!(
        shown["executions"][0]["diagnosis"]["findings"][0]["verdict"],
        "host_short"
    );
}

#[test]
fn a_name_has_to_be_one_tests() {
    let run = Run::of_all_kinds();
    let said = show(&run, &["lifetime"]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.contains("2 tests have `lifetime`"),
        "{}",
        said.stderr
    );
    // As the table prints it, where there are several binaries.
    for name in [
        "heap-tests::scheduler latency::pipe_switch",
        "scheduler latency::pipe",
    ] {
        let said = show(&run, &[name]);
        assert!(
            said.stdout.contains("latency::pipe_switch"),
            "{}",
            said.stderr
        );
    }
    // A part of a test's name counts before one of its binary's.
    let named = Run::of(&[passed("scheduler_starts", 64), passed("other", 64)]);
    let said = show(&named, &["scheduler"]);
    assert!(said.stdout.contains("scheduler_starts"), "{}", said.stderr);
    let said = show(&run, &["no such"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("no tracked test"), "{}", said.stderr);
}
