use heap_runtime::heap_tracked;
use macro_rules_attribute::apply;
use smol_macros::{Executor, test};

use crate::keep;

async fn two_pages() {
    keep(1);
    smol::future::yield_now().await;
    keep(1);
}

#[heap_tracked(labels(keeps_some = "131072"))]
#[test]
fn block_on_inside() {
    smol::block_on(two_pages());
}

#[heap_tracked(labels(keeps_some = "131072"))]
#[test]
fn spawned_inside() {
    // On threads that smol starts for the first who asks, and keeps.
    smol::block_on(smol::unblock(|| ()));
    smol::block_on(smol::spawn(async {}));
    smol::block_on(two_pages());
}

#[heap_tracked(labels(keeps_some = "131072"))]
#[apply(test!)]
async fn above() {
    two_pages().await;
}

#[apply(test!)]
#[heap_tracked(labels(keeps_some = "131072"))]
async fn below() {
    two_pages().await;
}

/// Its threads are the test's. They come by what others of smol's threads have allocated, and free
/// it.
mod on_an_executor {
    use super::*;

    #[heap_tracked(labels(keeps_some = "13107200"))]
    #[apply(test!)]
    async fn above(executor: &Executor<'_>) {
        executor.spawn(async { keep(100) }).await;
        keep(100);
    }

    #[apply(test!)]
    #[heap_tracked(labels(keeps_some = "13107200"))]
    async fn below(executor: &Executor<'_>) {
        executor.spawn(async { keep(100) }).await;
        keep(100);
    }
}

#[heap_tracked]
#[apply(test!)]
async fn fails_above() -> Result<(), String> {
    smol::future::yield_now().await;
    Err("no CPU".into())
}

#[apply(test!)]
#[heap_tracked]
async fn fails_below() -> Result<(), String> {
    smol::future::yield_now().await;
    Err("no CPU".into())
}
