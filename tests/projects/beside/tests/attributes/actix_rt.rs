use heap_runtime::heap_tracked;

use crate::keep;

/// On an arbiter, which is a thread.
async fn two_pages() {
    let arbiter = actix_rt::Arbiter::new();
    assert!(arbiter.spawn_fn(|| {
        keep(1);
        actix_rt::Arbiter::current().stop();
    }));
    arbiter.join().unwrap();
    keep(1);
}

#[heap_tracked(labels(keeps_some = "131072"))]
#[actix_rt::test]
async fn above() {
    two_pages().await;
}

#[actix_rt::test]
#[heap_tracked(labels(keeps_some = "131072"))]
async fn below() {
    two_pages().await;
}

#[heap_tracked]
#[actix_rt::test]
async fn fails_above() -> Result<(), String> {
    Err("no CPU".into())
}

#[actix_rt::test]
#[heap_tracked]
async fn fails_below() -> Result<(), String> {
    Err("no CPU".into())
}
