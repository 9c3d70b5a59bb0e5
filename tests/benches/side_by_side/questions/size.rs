//! What tracking weighs.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Ask;
use crate::contender::{Rivals, succeed, suite, target};
use crate::finding::Finding;
use crate::rounds::{Spread, number};

const TESTS: usize = 1000;

pub(crate) fn ask(_ask: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    let bare = suite("heap_runtime::use_jemalloc!();", "#[test]", TESTS, |_| {
        String::new()
    });
    let tracked = suite(
        "heap_runtime::use_jemalloc!();",
        "#[heap_runtime::heap_tracked]\n#[test]",
        TESTS,
        |_| String::new(),
    );
    let busy = "heap_runtime::use_jemalloc!();\n#[heap_runtime::heap_tracked]\n#[test]\nfn busy() {\n    \
         let mut kept = Vec::new();\n    for size in 1..2000_usize {\n        kept.push(vec![0_u8; size]);\n    }\n}\n";
    rivals.file("tests/weight_bare.rs", &bare);
    rivals.file("tests/weight_tracked.rs", &tracked);
    rivals.file("tests/weight_busy.rs", busy);
    let mut findings = Vec::new();
    for profile in ["dev", "release"] {
        let sizes = ["weight_bare", "weight_tracked"].map(|name| {
            let binary = rivals.suite(name, profile);
            number(fs::metadata(binary).expect("it was built").len())
        });
        findings.push(
            Finding::new(
                format!("added to a test binary by each test, {profile}"),
                "bytes",
            )
            .side(
                "heap_tracked",
                Spread::exactly((sizes[1] - sizes[0]) / number(TESTS as u64)),
            ),
        );
    }
    let (count, bytes) = written(rivals, "weight_tracked");
    let ten_thousand = number(bytes) / number(count) * 10_000.0 / 1_048_576.0;
    findings.push(
        Finding::new("the sidecar of an empty test", "bytes")
            .side(
                "heap_tracked",
                Spread::exactly(number(bytes) / number(count)),
            )
            .at_most(number(bytes) / number(count), 4096.0),
    );
    findings.push(
        Finding::new("a run of 10,000 such tests", "MiB")
            .side("heap_tracked", Spread::exactly(ten_thousand))
            .at_most(ten_thousand, 40.0),
    );
    findings.push(typical());
    let (_, bytes) = written(rivals, "weight_busy");
    findings.push(
        Finding::new("the sidecar of a test with a timeline of 4 MB", "bytes")
            .side("heap_tracked", Spread::exactly(number(bytes)))
            .at_most(number(bytes), 4096.0),
    );
    findings
}

/// The sidecars of tests that do something: the project's own scheduler suite.
fn typical() -> Finding {
    let folder = heap_tests::scratch::folder();
    let mut suite = Command::new(env!("CARGO"));
    suite
        .args(["test", "--package", "heap-tests", "--test", "scheduler"])
        .env("CARGO_TARGET_DIR", target())
        .env("HEAP_SIDECAR_DIR", folder.path());
    succeed(&mut suite);
    let sizes = sizes(folder.path());
    let spread = Spread::of(sizes.iter().map(|bytes| number(*bytes)).collect());
    Finding::new("the sidecars of the scheduler suite", "bytes")
        .side("heap_tracked", spread)
        .at_most(spread.median, 4096.0)
        .note(format!("{} of them; decided by the median", sizes.len()))
}

/// How many sidecars a suite writes, and their bytes.
fn written(rivals: &Rivals, name: &str) -> (u64, u64) {
    let folder = heap_tests::scratch::folder();
    let binary = rivals.suite(name, "dev");
    succeed(Command::new(binary).env("HEAP_SIDECAR_DIR", folder.path()));
    let sizes = sizes(folder.path());
    (sizes.len() as u64, sizes.iter().sum())
}

/// The bytes of each sidecar in a folder.
fn sizes(folder: &Path) -> Vec<u64> {
    fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| {
            entry
                .and_then(|entry| entry.metadata())
                .expect("a file")
                .len()
        })
        .collect()
}
