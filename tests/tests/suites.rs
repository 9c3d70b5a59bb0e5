//! What `suites/README.md` does to other people's crates, done to a little one: its attribute on
//! every test, and nothing changed by it. The crates themselves need the network.

use std::fs;
use std::path::Path;

use cargo_heap::__cli::Additions;
use heap_tests::project::built_here;
use heap_tests::suite::comparison::{self, Tally};
use heap_tests::suite::package::Package;
use heap_tests::suite::unamended::Unamended;

#[test]
fn a_suite_that_is_tracked_is_the_same_suite() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("projects/suite");
    let package = Package::at("plain", &source, &built_here().join("projects"));
    let comparison = comparison::of(&package);
    assert_eq!(
        comparison.additions,
        Additions {
            tracked: 0,
            untracked: 7,
            attributes: 7,
            allocators: 3,
            own_allocators: 1
        }
    );
    // Two of a macro, one of a file that two binaries have.
    let tally = Tally {
        passed: 7,
        failed: 1,
        ignored: 1,
    };
    assert_eq!((comparison.before, comparison.after), (tally, tally));
    assert_eq!(comparison.faults, [""; 0]);
    assert_eq!(comparison.differing, [""; 0]);
    assert_eq!(
        (comparison.sidecars, comparison.of_other_allocators),
        (8, 1)
    );
    assert!(
        comparison
            .line()
            .starts_with("| plain 0.0.0 | 7 | 3, and 1 with")
    );
}

#[test]
fn a_suite_that_is_left_as_it_is_compiles_beside_the_runtime() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("projects/suite");
    let package = Package::at("plain", &source, &built_here().join("projects/unamended"));
    let unamended = Unamended::of(&package);
    assert_eq!(unamended.targets, 4);
    assert!(unamended.before.is_empty(), "{unamended:?}");
    assert!(unamended.faults.is_empty(), "{unamended:?}");
    // There can be one that links what ours does: cargo says so before the compiler says anything.
    let manifest = package.folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let name = "name = \"plain\"\n";
    let links = format!("{name}links = \"heap_runtime\"\nbuild = \"build.rs\"\n");
    fs::write(&manifest, text.replacen(name, &links, 1)).unwrap();
    fs::write(package.folder.join("build.rs"), "fn main() {}\n").unwrap();
    let unamended = Unamended::of(&package);
    assert!(unamended.before.is_empty(), "{unamended:?}");
    assert_eq!(unamended.faults.len(), 1, "{unamended:?}");
}
