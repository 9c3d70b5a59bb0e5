use heap_runtime::heap_tracked;
use insta::{assert_debug_snapshot, assert_snapshot};

use crate::keep;

#[heap_tracked(labels(keeps_some = "65536"))]
#[test]
fn inline() {
    keep(1);
    assert_snapshot!("two tasks", @"two tasks");
    assert_debug_snapshot!([1, 2].len(), @"2");
}

#[heap_tracked(labels(says = "snapshot assertion"))]
#[test]
fn fails_inline() {
    assert_snapshot!("two tasks", @"one task");
}
