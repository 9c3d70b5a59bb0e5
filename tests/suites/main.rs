//! Runs the suites of other people's crates as they are and with every test tracked, and prints the
//! table of `README.md`. Needs the network.
//!
//! ```text
//! cargo run --package heap-tests --example suites [CRATE ...]
//! ```

use std::process::ExitCode;

use heap_tests::project::built_here;
use heap_tests::suite::comparison::{self, Comparison};
use heap_tests::suite::package::{Amendment, Package, Subject};

/// With the features that bring threads and macros of other crates' into their tests.
const SUBJECTS: [Subject; 5] = [
    Subject {
        name: "indexmap",
        features: &["rayon", "serde"],
        amendments: &[],
    },
    Subject {
        name: "smallvec",
        features: &["const_generics", "drain_filter", "union", "write"],
        amendments: &[Amendment {
            file: "src/tests.rs",
            from: "assert_eq!(&*small_vec, &[]);",
            to: "assert_eq!(&*small_vec, &[0; 0]);",
        }],
    },
    Subject {
        name: "bytes",
        features: &["serde"],
        amendments: &[Amendment {
            file: "tests/test_bytes.rs",
            from: "let mut sum = Vec::new();",
            to: "let mut sum = Vec::<u8>::new();",
        }],
    },
    Subject {
        name: "petgraph",
        features: &["all", "serde-1"],
        amendments: &[
            Amendment {
                file: "src/csr.rs",
                from: "(b), &[]);",
                to: "(b), &[0; 0]);",
            },
            Amendment {
                file: "src/csr.rs",
                from: "(c), &[]);",
                to: "(c), &[0; 0]);",
            },
            Amendment {
                file: "tests/graphmap.rs",
                from: "assert_eq!(neighbors, []);",
                to: "assert_eq!(neighbors, [0; 0]);",
            },
            Amendment {
                file: "tests/list.rs",
                from: "assert_equal(g.neighbors(d), vec![]);",
                to: "assert_equal(g.neighbors(d), vec![0; 0]);",
            },
        ],
    },
    Subject {
        name: "hashbrown",
        features: &["rayon", "serde"],
        amendments: &[],
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
