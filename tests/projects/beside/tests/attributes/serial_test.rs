use heap_runtime::heap_tracked;
use serial_test::{parallel, serial};

use crate::keep;

// Whatever the order, a test's own turn comes before the lock: or all would wait for ever for one
// that is `exclusive` as well.
mod one_at_a_time {
    use super::*;

    crate::orders! {
        [serial] [heap_tracked(labels(keeps_some = "131072"))] [test]
        fn sync() {
            keep(2);
        }
    }

    mod on_tokio {
        use super::*;

        crate::orders! {
            [serial] [heap_tracked(labels(keeps_some = "131072"))] [tokio::test]
            async fn run() {
                keep(1);
                tokio::task::yield_now().await;
                keep(1);
            }
        }
    }
}

mod together {
    use super::*;

    crate::orders! {
        [parallel] [heap_tracked(labels(keeps_some = "131072"))] [test]
        fn sync() {
            keep(2);
        }
    }
}

mod exclusive {
    use super::*;

    crate::orders! {
        [serial] [heap_tracked(exclusive, labels(keeps_some = "131072"))] [test]
        fn sync() {
            keep(2);
        }
    }

    mod together {
        use super::*;

        crate::orders! {
            [parallel] [heap_tracked(exclusive, labels(keeps_some = "131072"))] [test]
            fn sync() {
                keep(2);
            }
        }
    }
}

#[heap_tracked]
#[test]
#[serial]
fn fails_above() -> Result<(), String> {
    Err("no CPU".into())
}

#[serial]
#[test]
#[heap_tracked]
fn fails_below() -> Result<(), String> {
    Err("no CPU".into())
}
