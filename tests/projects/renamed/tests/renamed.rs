//! `::heap_runtime` is not there, so each test says where it is.

use evidence::heap_tracked;

evidence::use_jemalloc!();

#[heap_tracked(crate = evidence)]
#[test]
fn by_name() {}

#[heap_tracked(crate = ::evidence, labels(path = "absolute"))]
#[test]
#[should_panic(expected = "absolute")]
fn by_absolute_path() {
    panic!("absolute");
}

#[heap_tracked(crate = "evidence")]
#[test]
fn by_text() -> Result<(), String> {
    Ok(())
}

#[heap_tracked(crate = renamed::kit::heap)]
#[test]
fn behind_another_crate() {}

#[heap_tracked(crate = evidence)]
async fn later() -> u32 {
    3
}

#[test]
fn asynchronous() {
    let mut future = std::pin::pin!(later());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_ready());
}
