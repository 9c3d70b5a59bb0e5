//! Runs that were made in parts, and several runs in one folder.

use serde_json::Value;

use crate::run::{Run, passed, program};

fn of_shard(test: &str, shard: Option<&str>, run_id: &str) -> Value {
    let mut sidecar = passed(test, 64);
    sidecar["run_id"] = run_id.into();
    if let Some(shard) = shard {
        sidecar["shard"] = shard.into();
    }
    sidecar
}

#[test]
fn a_test_that_ran_in_two_shards_is_said() {
    let shards: Vec<String> = (1..=20).map(|shard| format!("{shard}/20")).collect();
    let mut sidecars: Vec<Value> = shards
        .iter()
        .map(|shard| {
            of_shard(
                &format!("t{}", shard.replace('/', "_of_")),
                Some(shard),
                "ci-7",
            )
        })
        .collect();
    let run = Run::of(&sidecars);
    let said = run.heap("report", &[]);
    assert!(
        said.stdout.contains("20 tests: 20 passed; 20 shards;"),
        "{}",
        said.stdout
    );
    assert!(
        !said.stdout.contains("more than one shard"),
        "{}",
        said.stdout
    );
    sidecars.push(of_shard("t3_of_20", Some("7/20"), "ci-7"));
    let run = Run::of(&sidecars);
    let said = run.heap("report", &[]);
    assert!(
        said.stdout.contains(
            "20 tests: 20 passed; 20 shards; 1 ran in more than one shard; 21 executions;"
        ),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout
            .contains("t3_of_20 ran in more than one shard: 3/20, 7/20"),
        "{}",
        said.stdout
    );
    let report: Value =
        serde_json::from_str(&run.heap("report", &["--format", "json"]).stdout).unwrap();
    assert_eq!(report["shards"].as_array().unwrap().len(), 20);
    let test = report["in_several_shards"][0]["test"].as_u64().unwrap();
    assert_eq!(
        report["tests"][usize::try_from(test).unwrap()]["test"],
        "t3_of_20"
    );
}

#[test]
fn the_runs_of_one_folder_are_counted_and_can_be_named() {
    let run = Run::of(&[
        of_shard("first", None, "aaaa0"),
        of_shard("second", None, "bbbb0"),
        of_shard("third", None, "bbbb1"),
    ]);
    let heap = |arguments: &[&str]| {
        let output = program()
            .args(arguments)
            .env("HEAP_SIDECAR_DIR", run.path())
            .output()
            .unwrap();
        run.said(&output)
    };
    let said = heap(&["report"]);
    let expected = "2 other run(s) are not included: see `cargo heap runs`";
    assert!(said.stdout.contains(expected), "{}", said.stdout);
    let said = heap(&["runs"]);
    for id in ["aaaa0", "bbbb0", "bbbb1"] {
        assert!(said.stdout.contains(id), "{}", said.stdout);
    }
    assert!(said.stdout.contains("3 run(s)"), "{}", said.stdout);
    for (name, test) in [("a", "first"), ("bbbb0", "second"), ("bbbb1", "third")] {
        let said = heap(&["report", name]);
        assert!(
            said.stdout.contains(test) && said.stdout.contains("1 test: 1 passed"),
            "{}{}",
            said.stdout,
            said.stderr
        );
    }
    let said = heap(&["report", "bbbb"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("several runs' ids"), "{}", said.stderr);
}
