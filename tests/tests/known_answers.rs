//! The difference of two snapshots is what was allocated in between, to the byte.
//!
//! A binary without libtest, whose threads allocate too: this process has one thread.

use std::hint::black_box;
use std::process::{Command, ExitCode};

use heap_runtime::{HostHeapState, collect};
use heap_tests::options::{OPTIONS, VARIABLES};

heap_runtime::use_jemalloc!();

const TESTS: [(&str, fn()); 4] = [
    ("a_box_of_24_bytes_is_32", a_box_of_24_bytes_is_32),
    (
        "a_thousand_of_them_are_32_000",
        a_thousand_of_them_are_32_000,
    ),
    ("ten_mebibytes_are_10_485_760", ten_mebibytes_are_10_485_760),
    ("and_so_under_each_option", and_so_under_each_option),
];

/// Each answer comes so many times in a row.
const ROUNDS: usize = 1000;

/// Those of before, in a process of its own for each of jemalloc's options that people set.
fn and_so_under_each_option() {
    let others = TESTS.map(|(name, _)| name);
    let others = others.iter().filter(|name| !name.starts_with("and_so"));
    for option in OPTIONS {
        let mut command = Command::new(std::env::current_exe().expect("it is known"));
        command.args(["--exact"]).args(others.clone());
        for variable in VARIABLES {
            command.env(variable, option);
        }
        let output = command.output().expect("it can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{option}: {said}");
        // jemalloc has nothing to say against it.
        assert_eq!(said, "", "{option}");
    }
}

fn a_box_of_24_bytes_is_32() {
    for round in 0..ROUNDS {
        let before = collect();
        let held = black_box(Box::new([0_u8; 24]));
        allocated(&before, 32, round);
        drop(held);
        allocated(&before, 0, round);
    }
}

fn a_thousand_of_them_are_32_000() {
    let mut held: Vec<Box<[u8; 24]>> = Vec::with_capacity(1000);
    for round in 0..ROUNDS {
        let before = collect();
        held.extend((0..1000).map(|_| black_box(Box::new([0_u8; 24]))));
        allocated(&before, 32_000, round);
        held.clear();
        allocated(&before, 0, round);
    }
}

fn ten_mebibytes_are_10_485_760() {
    for round in 0..ROUNDS {
        let before = collect();
        let held = black_box(Vec::<u8>::with_capacity(10 << 20));
        allocated(&before, 10 << 20, round);
        drop(held);
        allocated(&before, 0, round);
    }
}

#[track_caller]
fn allocated(before: &HostHeapState, bytes: i64, round: usize) {
    let delta = collect().since(before).allocated_bytes;
    assert_eq!(delta, Some(bytes), "in round {round}");
}

/// As much of libtest as cargo and nextest ask for.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let mut filters: Vec<&str> = Vec::new();
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        if ["--format", "--test-threads", "--skip", "--color"].contains(&argument) {
            // Its value is no filter.
            rest.next();
        } else if !argument.starts_with('-') {
            filters.push(argument);
        }
    }
    let exact = has("--exact");
    let chosen = TESTS.iter().filter(|(name, _)| {
        let fits = |filter: &&str| {
            if exact {
                name == filter
            } else {
                name.contains(*filter)
            }
        };
        // None is ignored.
        !has("--ignored") && (filters.is_empty() || filters.iter().any(fits))
    });
    if has("--list") {
        for (name, _) in chosen {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    let mut passed = 0;
    for (name, test) in chosen {
        let result = if std::panic::catch_unwind(test).is_ok() {
            passed += 1;
            "ok"
        } else {
            failed += 1;
            "FAILED"
        };
        println!("test {name} ... {result}");
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {result}. {passed} passed; {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}
