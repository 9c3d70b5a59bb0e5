//! Beside tracing-test, which needs a process without another subscriber.

use std::hint::black_box;

use heap_runtime::heap_tracked;
use tracing_test::traced_test;

heap_runtime::use_jemalloc!();

/// Keeps so many pages, of 64 KiB, until the process ends.
fn keep(pages: usize) {
    for _ in 0..pages {
        std::mem::forget(black_box(Vec::<u8>::with_capacity(64 << 10)));
    }
}

/// The item in each place that this attribute has beside those two.
macro_rules! both {
    ([$($test:tt)*] $($item:tt)*) => {
        mod above { use super::*; #[heap_tracked(labels(keeps_some = "131072"))] #[$($test)*] #[traced_test] $($item)* }
        mod between { use super::*; #[$($test)*] #[heap_tracked(labels(keeps_some = "131072"))] #[traced_test] $($item)* }
        mod below { use super::*; #[$($test)*] #[traced_test] #[heap_tracked(labels(keeps_some = "131072"))] $($item)* }
    };
}

mod synchronous {
    use super::*;

    both! {
        [test]
        fn keeps() {
            tracing::info!("two tasks");
            assert!(logs_contain("two tasks"));
            keep(2);
        }
    }
}

mod on_tokio {
    use super::*;

    both! {
        [tokio::test]
        async fn keeps() {
            tracing::info!("two tasks");
            assert!(logs_contain("two tasks"));
            tokio::spawn(async { keep(2) }).await.unwrap();
        }
    }
}
