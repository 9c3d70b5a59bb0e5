//! Runs the suites of other people's crates as they are and with every test tracked, and prints the
//! table of `README.md`. Needs the network.
//!
//! ```text
//! cargo run --package heap-tests --example suites [CRATE ...]
//! cargo run --package heap-tests --example suites -- --unamended [CRATE ...]
//! ```
//!
//! With `--unamended`, it puts nothing into other crates' sources, and says whether their tests compile beside heap-runtime.

use std::process::ExitCode;

use heap_tests::project::built_here;
use heap_tests::suite::comparison::{self, Comparison};
use heap_tests::suite::package::{Package, Subject};
use heap_tests::suite::unamended::Unamended;

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

/// Crates whose tests are to compile beside heap-runtime, with default features.
const UNAMENDED: [&str; 24] = [
    "arrayvec",
    "base64",
    "bitflags",
    "bytes",
    "either",
    "fixedbitset",
    "flume",
    "fnv",
    "hashbrown",
    "heck",
    "httparse",
    "humantime",
    "indexmap",
    "itertools",
    "itoa",
    "matchit",
    "memchr",
    "percent-encoding",
    "petgraph",
    "rayon-core",
    "ryu",
    "semver",
    "slab",
    "smallvec",
];

fn unamended(wanted: &[String]) -> ExitCode {
    let folder = built_here().join("suites");
    let named = |name: &&str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let mut checked = Vec::new();
    for name in UNAMENDED.into_iter().filter(named) {
        eprintln!("{name}");
        let features = &[];
        let package = Package::newest(Subject { name, features }, &folder);
        checked.push(Unamended::of(&package));
    }
    println!("{}", Unamended::headings());
    for unamended in &checked {
        println!("{}", unamended.line());
    }
    let mut status = ExitCode::SUCCESS;
    for fault in checked.iter().flat_map(|unamended| &unamended.faults) {
        status = ExitCode::FAILURE;
        println!("- fault: {fault}");
    }
    status
}

fn main() -> ExitCode {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.first().is_some_and(|first| first == "--unamended") {
        return unamended(&wanted.split_off(1));
    }
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
