use heap_runtime::heap_tracked;

use crate::keep;

#[heap_tracked(labels(keeps_some = "131072"))]
#[async_std::test]
async fn above() {
    keep(1);
    async_std::task::yield_now().await;
    keep(1);
}

#[async_std::test]
#[heap_tracked(labels(keeps_some = "131072"))]
async fn below() {
    keep(1);
    async_std::task::yield_now().await;
    keep(1);
}

#[heap_tracked]
#[async_std::test]
async fn fails_above() -> Result<(), String> {
    async_std::task::yield_now().await;
    Err("no CPU".into())
}

#[async_std::test]
#[heap_tracked]
async fn fails_below() -> Result<(), String> {
    async_std::task::yield_now().await;
    Err("no CPU".into())
}
