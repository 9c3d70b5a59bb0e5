//! What `suites/README.md` does to other people's crates, done to a little one: its attribute on
//! every test, and nothing changed by it. The crates themselves need the network.

use std::path::Path;

use cargo_heap::__cli::Additions;
use heap_tests::project::built_here;
use heap_tests::suite::comparison::{self, Tally};
use heap_tests::suite::package::Package;

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
