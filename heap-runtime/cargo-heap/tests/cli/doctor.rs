//! What can be measured is told, with its exit status.

use serde_json::Value;

use crate::run::{Run, passed, program};

#[test]
fn the_doctor_tells_of_each_thing_whether_it_is_there_and_what_mends_it() {
    let run = Run::of(&[passed("a", 4096)]);
    let mut doctor = program();
    let said = doctor.args(["doctor", "--format", "json"]).arg(run.path());
    let output = said.output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = told["checks"].as_array().unwrap();
    let names: Vec<&str> = checks
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "proc",
            "run-delay",
            "delay-accounting",
            "taskstats",
            "pressure",
            "cgroup",
            "sched_ext",
            "disk",
            "small-stacks",
            "versions",
            "allocator",
            "call-backs",
            "time-in-tests",
        ]
    );
    // Whatever this machine is like.
    let is_good = |check: &&Value| check["state"] == "good";
    let complete = checks.iter().filter(is_good).count() == checks.len();
    assert_eq!(told["complete"], complete);
    assert_eq!(output.status.code(), Some(i32::from(!complete)));
    for check in checks {
        assert_eq!(check["mend"].is_string(), !is_good(&check), "{check}");
    }
    let of = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    assert!(is_good(&of("allocator")), "{}", of("allocator"));
    // A run of which nobody knows what it was built with.
    assert_eq!(of("versions")["state"], "unknown");
}

#[test]
fn the_doctor_tells_people_the_same() {
    let run = Run::of(&[passed("a", 4096)]);
    let output = program().arg("doctor").arg(run.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for word in [
        "allocator",
        "jemalloc",
        "versions",
        "mend",
        "cargo heap test",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
