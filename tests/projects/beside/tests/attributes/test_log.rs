use heap_runtime::heap_tracked;

use crate::keep;

#[heap_tracked(labels(keeps_some = "131072"))]
#[test_log::test]
fn above() {
    log::info!("by log");
    tracing::info!("by tracing");
    keep(2);
}

#[test_log::test]
#[heap_tracked(labels(keeps_some = "131072"))]
fn below() {
    log::info!("by log");
    tracing::info!("by tracing");
    keep(2);
}

#[heap_tracked]
#[test_log::test]
fn fails_above() {
    log::info!("by log");
    tracing::info!("by tracing");
    panic!("no CPU");
}

#[test_log::test]
#[heap_tracked]
fn fails_below() {
    log::info!("by log");
    tracing::info!("by tracing");
    panic!("no CPU");
}

#[heap_tracked(labels(keeps_some = "131072"))]
#[test_log::test(tokio::test)]
async fn async_above() {
    log::info!("by log");
    tracing::info!("by tracing");
    keep(2);
}

#[test_log::test(tokio::test)]
#[heap_tracked(labels(keeps_some = "131072"))]
async fn async_below() {
    log::info!("by log");
    tracing::info!("by tracing");
    keep(2);
}

mod beside_the_plain_one {
    use super::*;

    crate::orders! {
        [test_log::test] [heap_tracked(labels(keeps_some = "131072"))] [test]
        fn sync() {
            log::info!("by log");
            tracing::info!("by tracing");
            keep(2);
        }
    }
}
