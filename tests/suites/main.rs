//! Runs the suites of other people's crates as they are and with every test tracked, and prints the
//! table of `README.md`. Needs the network.
//!
//! ```text
//! cargo run --package heap-tests --example suites [CRATE ...]
//! ```

use std::process::ExitCode;

use heap_tests::project::built_here;
use heap_tests::suite::comparison::{self, Comparison};
use heap_tests::suite::package::{Package, Subject};

/// With the features that bring threads and macros of other crates' into their tests.
const SUBJECTS: [Subject; 5] = [
    Subject {
        name: "indexmap",
        features: &["rayon", "serde"],
    },
    Subject {
        name: "smallvec",
        features: &["const_generics", "drain_filter", "union", "write"],
    },
    Subject {
        name: "bytes",
        features: &["serde"],
    },
    Subject {
        name: "petgraph",
        features: &["all", "serde-1"],
    },
    Subject {
        name: "hashbrown",
        features: &["rayon", "serde"],
    },
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for name in &wanted {
        if !SUBJECTS.iter().any(|subject| subject.name == name) {
            let names = SUBJECTS.map(|subject| subject.name).join(", ");
            eprintln!("`{name}` is not among the suites: they are {names}");
            return ExitCode::from(2);
        }
    }
    let folder = built_here().join("suites");
    let mut comparisons = Vec::new();
    for subject in SUBJECTS {
        if wanted.is_empty() || wanted.iter().any(|name| name == subject.name) {
            eprintln!("{}", subject.name);
            comparisons.push(comparison::of(&Package::newest(subject, &folder)));
        }
    }
    println!("{}", Comparison::headings());
    for comparison in &comparisons {
        println!("{}", comparison.line());
    }
    let mut status = ExitCode::SUCCESS;
    for comparison in &comparisons {
        println!("\n{}", comparison.package);
        for fault in &comparison.faults {
            status = ExitCode::FAILURE;
            println!("- fault: {fault}");
        }
        for differing in &comparison.differing {
            println!("- differs: {differing}");
        }
    }
    status
}
