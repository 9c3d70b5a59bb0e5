//! What commands are given to read: folders without a run, files that are no sidecars, readings around a run.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::run::{Run, killed, passed, program};

/// What `cargo heap test` keeps of the kernel's kills around a run.
fn around(kills: u64) -> Value {
    let reading = |kills: u64| json!({ "vm_oom_kill": kills });
    json!({
        "format_version": 1, "run_id": "0123456789abcdef",
        "started_at": "2026-11-23T09:59:00.000Z", "ended_at": "2026-11-23T10:01:00.000Z",
        "host": reading(kills), "host_before": reading(0)
    })
}

#[test]
fn the_reading_after_the_run_tells_of_a_kill_of_its_last_test() {
    let run = Run::of(&[killed("eats_everything")]);
    let said = run.heap("report", &[]);
    assert!(said.stdout.contains("would not be seen"), "{}", said.stdout);
    run.file("0123456789abcdef.heap-run.json", &around(1).to_string());
    let said = run.heap("report", &[]);
    assert!(
        said.stdout.contains("eats_everything: out of memory"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("and the end of the run"));
    assert!(!said.stdout.contains("would not be seen"));
    assert_eq!(said.stderr, "");
    let json = run.heap("report", &["--format", "json"]).stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["run_pressure"][0]["host_oom_kills"], 1);
    assert_eq!(report["totals"]["tests"], 1);
    // Nor is it taken for a test by who compares.
    let folder = run.path().to_str().unwrap();
    let compared = run.heap("compare", &[folder]);
    assert_eq!(compared.status, Some(0), "{}", compared.stderr);
    assert!(
        compared.stdout.contains("1 unchanged"),
        "{}",
        compared.stdout
    );
}

#[test]
fn readings_that_are_none_of_ours_are_named_and_left_out() {
    let run = Run::of(&[killed("eats_everything")]);
    run.file("torn.heap-run.json", "{ \"format_version\": 1, ");
    let mut newer = around(1);
    newer["format_version"] = 2.into();
    run.file("newer.heap-run.json", &newer.to_string());
    run.file("large.heap-run.json", &vec![b' '; (16 << 20) + 1]);
    std::os::unix::fs::symlink("/dev/zero", run.path().join("endless.heap-run.json")).unwrap();
    let said = run.heap("report", &[]);
    assert!(said.stdout.contains("would not be seen"), "{}", said.stdout);
    for (file, why) in [
        ("torn", "EOF"),
        ("newer", "its format version is 2"),
        ("large", "more than 16777216 bytes"),
    ] {
        let line = said.stderr.lines().find(|line| line.contains(file));
        let line = line.unwrap_or_else(|| panic!("{file}: {}", said.stderr));
        assert!(line.contains(why), "{line}");
    }
    assert_eq!(said.stderr.lines().count(), 3, "{}", said.stderr);
}

#[test]
fn hostile_files_are_counted_named_and_never_acted_on() {
    let run = Run::of(&[passed("good", 64)]);
    let mut escapes = passed("\u{1b}[2J\u{1b}]0;owned\u{7}<script>", 64);
    escapes["package"] = "x\u{202e}y".into();
    run.file("escapes.heap.json", &escapes.to_string());
    run.file("truncated.heap.json", "{\"format_version\": 1, ");
    run.file("empty.heap.json", "");
    run.file("foreign.heap.json", "{\"hello\": \"\\u001b[31mworld\"}");
    run.file("nested.heap.json", &"[".repeat(100_000));
    run.file("huge.heap.json", &vec![b' '; (16 << 20) + 1]);
    run.file(
        "not-utf8.heap.json",
        b"{\"format_version\": 1, \"x\": \"\xff\"}",
    );
    let mut future = passed("future", 64);
    future["format_version"] = 99.into();
    future["heap"] = "quite different".into();
    run.file("future.heap.json", &future.to_string());
    run.file("name\u{1b}[31m.heap.json", "{}");
    run.file("unrelated.json", "{}");
    std::os::unix::fs::symlink("/dev/zero", run.path().join("link.heap.json")).unwrap();

    let said = run.heap("report", &[]);
    assert!(!said.stdout.contains('\u{1b}') && !said.stderr.contains('\u{1b}'));
    assert_snapshot!("hostile", format!("{}\n---\n{}", said.stdout, said.stderr));
    assert_eq!(said.status, Some(0));

    let said = run.heap("report", &["--format", "markdown"]);
    assert!(!said.stdout.contains("<script>") && !said.stdout.contains('\u{1b}'));

    let page = run.path().join("page.html");
    run.heap("report", &["--html", page.to_str().unwrap()]);
    let page = std::fs::read_to_string(page).unwrap();
    // The file whose name has an escape in it is named.
    assert!(page.contains("could not be read") && !page.contains('\u{1b}'));
}

#[test]
fn wrong_usage_is_2_and_says_what_to_do() {
    let run = Run::empty();
    let elsewhere = program().args(["report", "no-such-run"]).output().unwrap();
    let said = run.said(&elsewhere);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr
            .contains("neither a folder nor a run `no-such-run`"),
        "{}",
        said.stderr
    );
    assert_eq!(run.heap("report", &["--format", "pdf"]).status, Some(2));
    assert_eq!(run.heap("reprot", &[]).status, Some(2));
}

#[test]
fn what_holds_no_run_is_no_good_one() {
    let good = Run::of(&[passed("t", 64)]);
    let good = good.path().to_str().unwrap();
    let (empty, torn, above) = (Run::empty(), Run::empty(), Run::empty());
    torn.file("a.heap.json", "{");
    std::fs::create_dir(above.path().join("a-run")).unwrap();
    above.file("a-run/a.heap.json", &passed("t", 64).to_string());
    for (run, says) in [
        (&empty, "a run's folder has files named `*.heap.json`"),
        (&torn, "no sidecar in `RUN` can be read"),
        (&above, "name a folder in it, such as `RUN/a-run`"),
    ] {
        for (command, arguments) in [
            ("report", &[][..]),
            ("export", &[]),
            ("compare", &[good]),
            ("baseline", &["save"]),
        ] {
            let said = match command {
                "baseline" => {
                    let file = run.path().join("baseline.json");
                    let mut save = program();
                    save.args(["baseline", "save"]).arg(file).arg(run.path());
                    run.said(&save.output().unwrap())
                }
                command => run.heap(command, arguments),
            };
            assert_eq!(said.status, Some(2), "{command}: {}", said.stdout);
            assert!(said.stderr.contains(says), "{command}: {}", said.stderr);
        }
    }
    // Nor where the environment names it.
    for run in [&empty, &torn] {
        let mut report = program();
        report.arg("report").env("HEAP_SIDECAR_DIR", run.path());
        let said = run.said(&report.output().unwrap());
        assert_eq!(said.status, Some(2), "{}", said.stdout);
    }
    // What cannot be read beside what can is named, whoever reads.
    torn.file("b.heap.json", &passed("t", 64).to_string());
    for (command, arguments) in [("report", &[][..]), ("compare", &[good]), ("export", &[])] {
        let said = torn.heap(command, arguments);
        assert_eq!(said.status, Some(0), "{command}: {}", said.stderr);
        assert!(
            said.stderr.contains("`RUN/a.heap.json` is skipped"),
            "{command}"
        );
    }
    // A filter that takes nothing has been mistyped.
    let said = torn.heap("report", &["--filter", "typo"]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.contains("--filter matches no tracked test"),
        "{}",
        said.stderr
    );
    // Twice the same run is one.
    let said = torn.heap("report", &[torn.path().to_str().unwrap()]);
    assert!(said.stdout.contains("1 test: 1 passed"), "{}", said.stdout);
}

#[test]
fn a_sidecar_dir_that_is_used_again_shows_its_newest_run() {
    let mut older = passed("older", 64);
    older["run_id"] = "older".into();
    older["started_at"] = "2026-11-22T10:00:00.000Z".into();
    let run = Run::of(&[older, passed("newer", 64)]);
    let output = program()
        .args(["heap", "report", "--format", "ndjson"])
        .env("HEAP_SIDECAR_DIR", run.path())
        .output()
        .unwrap();
    let said = run.said(&output);
    assert_eq!(said.stdout.lines().count(), 1, "{}", said.stdout);
    assert!(said.stdout.contains("\"newer\""));
}
