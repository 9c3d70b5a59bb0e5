//! Async functions.

use std::fmt::Display;
use std::process::{ExitCode, Termination};

use heap_runtime::heap_tracked;

use super::Once;

/// Polls until done; nothing here waits for anything.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut paused, true) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

#[heap_tracked]
async fn later(tasks: &mut Vec<u32>) -> Result<usize, String> {
    heap_runtime::metric("before_the_pause", 1.0);
    pause().await;
    heap_runtime::metric("after_the_pause", 2.0);
    tasks.push(3);
    if tasks.len() > 2 {
        return Err("too many".into());
    }
    Ok(tasks.len())
}

#[heap_tracked]
async fn later_and_panics() {
    pause().await;
    panic!("later");
}

#[heap_tracked]
async fn later_and_opaque(text: &str) -> impl Display {
    pause().await;
    text.to_uppercase()
}

#[heap_tracked]
async fn later_and_termination() -> impl Termination {
    pause().await;
    Once
}

#[heap_tracked]
async fn later_and_never() -> ! {
    pause().await;
    std::panic::panic_any("never")
}

#[test]
fn async_functions() {
    let mut tasks = Vec::new();
    assert_eq!(block_on(later(&mut tasks)), Ok(1));
    assert_eq!(tasks, [3]);
    tasks.push(3);
    assert_eq!(block_on(later(&mut tasks)), Err("too many".into()));
    assert_eq!(block_on(later_and_opaque("a")).to_string(), "A");
    assert_eq!(
        block_on(later_and_termination()).report(),
        ExitCode::from(6)
    );
    std::panic::catch_unwind(|| block_on(later_and_panics())).unwrap_err();
    std::panic::catch_unwind(|| block_on(later_and_never())).unwrap_err();
    // Dropped in the middle: it has begun, and never ends.
    let mut dropped = Box::pin(later_and_dropped());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(dropped.as_mut().poll(&mut context).is_pending());
}

#[heap_tracked]
async fn later_and_dropped() {
    pause().await;
    unreachable!("dropped before");
}
