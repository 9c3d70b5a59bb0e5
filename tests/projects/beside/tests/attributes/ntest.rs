use heap_runtime::heap_tracked;
use ntest::timeout;

use crate::keep;

mod in_time {
    use super::*;

    crate::orders! {
        [timeout(600_000)] [heap_tracked(labels(keeps_some = "131072"))] [test]
        fn keeps() {
            keep(2);
        }
    }
}

#[heap_tracked(labels(says = "timeout"))]
#[test]
#[timeout(20)]
fn fails_above() {
    std::thread::park();
}

#[timeout(20)]
#[test]
#[heap_tracked(labels(says = "timeout"))]
fn fails_below() {
    std::thread::park();
}
