//! A future, tracked on an executor of one's own: a thread that parks until it is woken.
//!
//! ```text
//! cargo run --package heap-runtime --example own_executor
//! ```

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

heap_runtime::use_jemalloc!();

fn main() {
    let test = heap_runtime::track_async("sums::of_a_thread", async {
        // Started inside the test, so what it allocates is the test's.
        let numbers: Vec<u64> = on_a_thread(|| (1..=100).collect()).await;
        heap_runtime::checkpoint("there");
        match numbers.iter().sum() {
            5050 => Ok(()),
            wrong => Err(wrong),
        }
    });
    let sum: Result<(), u64> = block_on(test);
    println!("{sum:?}");
    assert_eq!(sum, Ok(()));
}

/// What the work comes to, done on a new thread. To be awaited where it is always the same task.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let mut work = Some(work);
    poll_fn(|context| {
        if let Some(work) = work.take() {
            let (sender, waker) = (sender.clone(), context.waker().clone());
            thread::spawn(move || {
                if sender.send(work()).is_ok() {
                    waker.wake();
                }
            });
        }
        receiver.try_recv().map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sum_is_right() {
        super::main();
    }
}
