use heap_runtime::heap_tracked;
use test_context::{AsyncTestContext, TestContext, test_context};

use crate::keep;

/// What is kept before the body and behind it is the test's.
struct Pages;

impl TestContext for Pages {
    fn setup() -> Self {
        keep(1);
        Self
    }

    fn teardown(self) {
        keep(2);
    }
}

/// Of tests that pass, and fail once they are over.
struct NotTornDown;

impl TestContext for NotTornDown {
    fn setup() -> Self {
        Self
    }

    fn teardown(self) {
        panic!("the task is still there");
    }
}

struct LaterPages;

impl AsyncTestContext for LaterPages {
    async fn setup() -> Self {
        tokio::spawn(async { keep(1) }).await.unwrap();
        Self
    }

    async fn teardown(self) {
        tokio::spawn(async { keep(2) }).await.unwrap();
    }
}

#[heap_tracked(labels(keeps = "262144"))]
#[test_context(Pages)]
#[test]
fn above(_pages: &mut Pages) {
    keep(1);
}

#[test_context(Pages)]
#[heap_tracked(labels(keeps = "262144"))]
#[test]
fn between(_pages: &mut Pages) {
    keep(1);
}

#[test_context(Pages)]
#[test]
#[heap_tracked(labels(keeps = "262144"))]
fn below(_pages: &mut Pages) {
    keep(1);
}

#[heap_tracked(labels(says = "still there"))]
#[test_context(NotTornDown)]
#[test]
fn fails_at_the_end_above(_task: &NotTornDown) {}

#[test_context(NotTornDown)]
#[test]
#[heap_tracked(labels(says = "still there"))]
fn fails_at_the_end_below(_task: &NotTornDown) {}

#[heap_tracked(labels(keeps_some = "262144"))]
#[test_context(LaterPages)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn async_above(_pages: &mut LaterPages) {
    keep(1);
}

#[test_context(LaterPages)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[heap_tracked(labels(keeps_some = "262144"))]
async fn async_below(_pages: &mut LaterPages) {
    keep(1);
}
