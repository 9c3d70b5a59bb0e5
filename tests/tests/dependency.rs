//! What it does to a test to depend on heap-runtime: nothing, before the attribute is on it.

use heap_tests::project::Project;

/// Comparisons whose other side only its type's one `PartialEq` can tell. `serde_json` has more of them, for
/// the primitives and strings, and is not to be in the graph of a crate that tests depend on.
const LINES: &str = r#"
use std::collections::VecDeque;

// Linked, as by a test that tracks.
use heap_runtime as _;

#[test]
fn slices_and_nothing() {
    let bytes: Vec<u8> = Vec::new();
    assert_eq!(&bytes[..], &[]);
    assert_eq!(bytes, []);
    assert_eq!(bytes, vec![]);
    assert_eq!(bytes.iter().rev().collect::<Vec<_>>(), Vec::<&u8>::new());
    let counts: VecDeque<u64> = VecDeque::new();
    assert_eq!(counts, []);
    assert_eq!(Some(&bytes[..]), Some(&[][..]));
}

#[test]
fn texts_that_are_parsed() {
    let (number, share, flag) = (5_u32, 0.5_f64, true);
    assert!(number == "5".parse().unwrap());
    assert_eq!(number, "5".parse().unwrap());
    assert_eq!(share, "0.5".parse().unwrap());
    assert_eq!(flag, "true".parse().unwrap());
    assert_eq!(String::from("a"), "a".parse::<String>().unwrap());
}

#[test]
fn sums_and_conversions() {
    let sum = (1..4_u32).sum();
    assert_eq!(6_u32, sum);
    let product = [1.5_f64, 2.0].iter().product();
    assert_eq!(3.0_f64, product);
    assert_eq!(7_i64, 7_i32.into());
    let length = "four".len().try_into().unwrap();
    assert_eq!(4_usize, length);
    assert_eq!(0_i8, Default::default());
}
"#;

#[test]
fn what_a_test_compares_is_as_clear_as_without_it() {
    let project = Project::new("dependency")
        .file("tests/lines.rs", LINES)
        .file("src/lib.rs", "");
    let output = project
        .cargo(["check", "--tests", "--quiet"])
        .output()
        .expect("cargo starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

/// As `tikv-jemallocator` 0.5 is, or `jemallocator`: a second jemalloc, of which cargo takes one for each program.
#[test]
fn beside_another_jemalloc_it_is_taken_without_its_own() {
    for (features, resolves) in [("default-features = false, ", true), ("", false)] {
        let project = Project::new("another_jemalloc")
            .file(
                "Cargo.toml",
                &format!(
                    "[package]\nname = \"another_jemalloc\"\nedition = \"2024\"\n\n\
                     [dependencies]\nanother.path = \"another\"\n\n\
                     [dev-dependencies]\nheap-runtime = {{ {features}path = \"../../../heap-runtime\" }}\n\n\
                     [workspace]\n"
                ),
            )
            .file("src/lib.rs", "")
            .file(
                "another/Cargo.toml",
                "[package]\nname = \"another\"\nversion = \"0.5.4\"\nlinks = \"jemalloc\"\n",
            )
            .file("another/build.rs", "fn main() {}")
            .file("another/src/lib.rs", "");
        let output = project
            .cargo(["metadata", "--format-version=1"])
            .output()
            .expect("cargo starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), resolves, "{said}");
        let is_refused = said.contains("links to the native library `jemalloc`");
        assert_eq!(is_refused, !resolves, "{said}");
    }
}
