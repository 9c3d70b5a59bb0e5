//! The numbers, both sides in one run: see `../README.md`.
//!
//! ```text
//! questions/*  ──▶ rounds: each side in turn ──▶ Finding ──▶ the terminal, target/bench/{findings.json,table.md}
//!     │
//!     └─ contender: tests/projects/rivals, a program or a suite for each side
//! ```

mod callgrind;
mod contender;
mod finding;
mod questions;
mod rounds;
mod spawned;

use std::path::Path;

use contender::Rivals;
use finding::Finding;

/// What was asked for.
struct Ask {
    /// Also what takes longer than a few minutes.
    long: bool,
}

type Question = fn(&Ask, &mut Rivals) -> Vec<Finding>;

const QUESTIONS: [(&str, Question); 10] = [
    ("allocation", questions::allocation::ask),
    ("sampling", questions::sampling::ask),
    ("samples", questions::samples::ask),
    ("measurement", questions::measurement::ask),
    ("tracked-test", questions::tracked_test::ask),
    ("threads", questions::threads::ask),
    ("building", questions::building::ask),
    ("exactness", questions::exactness::ask),
    ("reading", questions::reading::ask),
    ("size", questions::size::ask),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ask = Ask {
        long: arguments.iter().any(|argument| argument == "--long"),
    };
    let names: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    for name in &names {
        assert!(
            QUESTIONS.iter().any(|(question, _)| question == name),
            "there is no question `{name}`; there are {}",
            QUESTIONS.map(|(question, _)| question).join(", ")
        );
    }
    let mut rivals = Rivals::new();
    let mut findings = Vec::new();
    for (name, question) in QUESTIONS {
        if names.is_empty() || names.contains(&name) {
            println!("\n{name}");
            for finding in question(&ask, &mut rivals) {
                println!("  {finding}");
                findings.push((name, finding));
            }
        }
    }
    let folder = contender::target().join("bench");
    finding::write(&folder, &findings);
    println!("\n{}", Path::new(&folder).join("table.md").display());
}
