//! Runs the suites of other people's crates as they are and with every test tracked, and prints the
//! table of `README.md`. Needs the network.
//!
//! ```text
//! cargo run --package heap-tests --example suites [CRATE ...]
//! cargo run --package heap-tests --example suites -- --unamended [--no-run] [CRATE ...|all]
//! ```
//!
//! With `--unamended`, it puts nothing into other crates' sources, and says whether their tests compile beside heap-runtime,
//! and end as they do without.

use std::process::ExitCode;

use heap_tests::project::built_here;
use heap_tests::suite::comparison::{self, Comparison};
use heap_tests::suite::package::{Package, Subject};
use heap_tests::suite::unamended::Unamended;

/// With the features that bring threads and macros of other crates' into their tests.
const SUBJECTS: [Subject; 5] = [
    Subject {
        name: "indexmap",
        version: "*",
        features: &["rayon", "serde"],
    },
    Subject {
        name: "smallvec",
        version: "*",
        features: &["const_generics", "drain_filter", "union", "write"],
    },
    Subject {
        name: "bytes",
        version: "*",
        features: &["serde"],
    },
    Subject {
        name: "petgraph",
        version: "*",
        features: &["all", "serde-1"],
    },
    Subject {
        name: "hashbrown",
        version: "*",
        features: &["rayon", "serde"],
    },
];

/// What becomes of a suite that is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Compiled, linked and run, in every run of CI.
    Always,
    /// The same, where all are asked for.
    Run,
    /// Compiled alone: its tests, or what they depend on, take minutes.
    Compiled,
}

use Extent::{Always, Compiled, Run};

/// Crates whose tests are to compile beside heap-runtime, with default features, and in versions that do not change: what a
/// later one brings is no reason for CI to fail.
const UNAMENDED: [(&str, &str, Extent); 24] = [
    ("arrayvec", "=0.7.8", Always),
    ("base64", "=0.23.1", Run),
    ("bitflags", "=2.13.2", Run),
    ("bytes", "=1.12.2", Always),
    ("either", "=1.19.0", Run),
    ("fixedbitset", "=0.5.9", Run),
    ("flume", "=0.12.0", Compiled),
    ("fnv", "=1.0.7", Run),
    ("hashbrown", "=0.17.2", Run),
    ("heck", "=0.5.0", Run),
    ("httparse", "=1.10.1", Run),
    ("humantime", "=2.4.0", Run),
    ("indexmap", "=2.14.2", Compiled),
    ("itertools", "=0.15.0", Compiled),
    ("itoa", "=1.0.19", Run),
    ("matchit", "=0.9.2", Run),
    ("memchr", "=2.8.3", Compiled),
    ("percent-encoding", "=2.3.2", Run),
    ("petgraph", "=0.8.3", Compiled),
    ("rayon-core", "=1.13.0", Compiled),
    ("ryu", "=1.0.23", Run),
    ("semver", "=1.0.28", Run),
    ("slab", "=0.4.12", Run),
    ("smallvec", "=1.16.6", Always),
];

/// Those that are named, `all`, or those of every run of CI. With `--no-run` before them, none is linked.
fn unamended(wanted: &[String]) -> ExitCode {
    let (no_run, wanted) = match wanted {
        [first, others @ ..] if first == "--no-run" => (true, others),
        all => (false, all),
    };
    let folder = built_here().join("suites");
    let is_wanted = |name: &str, extent| match wanted {
        [] => extent == Always,
        [all] if all == "all" => true,
        names => names.iter().any(|wanted| wanted == name),
    };
    let mut status = ExitCode::SUCCESS;
    println!("{}", Unamended::headings());
    for (name, version, extent) in UNAMENDED {
        if !is_wanted(name, extent) {
            continue;
        }
        let subject = Subject {
            name,
            version,
            features: &[],
        };
        let unamended = Unamended::of(&Package::of_registry(subject, &folder));
        let unamended = if no_run || extent == Compiled {
            unamended
        } else {
            unamended.run()
        };
        println!("{}", unamended.line());
        for fault in &unamended.faults {
            status = ExitCode::FAILURE;
            println!("- fault: {fault}");
        }
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
            comparisons.push(comparison::of(&Package::of_registry(subject, &folder)));
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
