use std::future::{pending, poll_fn};
use std::hint::black_box;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use heap_runtime::heap_tracked;
use tokio::time::{Instant, sleep, timeout};

use crate::keep;

/// Lets the runtime go on elsewhere. Tokio's own would have to keep a list.
async fn come_again() {
    let mut again = true;
    poll_fn(|context| {
        if std::mem::take(&mut again) {
            context.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// Above or below, it is the whole test: the runtime, its threads and what they run.
macro_rules! both {
    ([$($runtime:tt)*] [$($ours:tt)*] $($item:tt)*) => {
        mod above { use super::*; #[$($ours)*] #[$($runtime)*] $($item)* }
        mod below { use super::*; #[$($runtime)*] #[$($ours)*] $($item)* }
    };
}

mod current_thread {
    use super::*;

    both! {
        [tokio::test] [heap_tracked(labels(keeps_some = "131072"))]
        async fn keeps() {
            keep(1);
            come_again().await;
            keep(1);
        }
    }
}

mod multi_thread {
    use super::*;

    both! {
        [tokio::test(flavor = "multi_thread", worker_threads = 2)]
        [heap_tracked(labels(keeps_some = "65536000"))]
        async fn spawned_tasks_are_in_it() {
            tokio::spawn(async { keep(999) }).await.unwrap();
            keep(1);
        }
    }

    mod warm {
        use super::*;

        both! {
            [tokio::test(flavor = "multi_thread", worker_threads = 2)]
            [heap_tracked(warmup = 1, labels(keeps_some = "6553600"))]
            async fn spawned_tasks_are_in_it() {
                tokio::spawn(async { keep(99) }).await.unwrap();
                keep(1);
            }
        }
    }

    mod over_budget {
        use super::*;

        both! {
            [tokio::test(flavor = "multi_thread", worker_threads = 2)]
            [heap_tracked(max_allocated = "64 KiB", labels(says = "max_allocated: limit 65536 B"))]
            async fn fails_by_its_tasks() {
                let tasks: Vec<_> = (0..50)
                    .map(|_| tokio::spawn(async { drop(black_box(vec![1_u8; 8 << 10])) }))
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
            }
        }
    }

    mod on_a_thread_for_what_blocks {
        use super::*;

        both! {
            [tokio::test(flavor = "multi_thread", worker_threads = 2)]
            [heap_tracked(labels(keeps_some = "131072"))]
            async fn keeps() {
                tokio::task::spawn_blocking(|| keep(2)).await.unwrap();
            }
        }
    }
}

/// One that is called `test`, as the language's own is. That one is for no `async fn`.
mod by_its_last_name {
    use tokio::test;

    use super::{heap_tracked, keep};

    #[heap_tracked(labels(keeps_some = "131072"))]
    #[test]
    async fn above() {
        tokio::spawn(async { keep(2) }).await.unwrap();
    }

    #[test]
    #[heap_tracked(labels(keeps_some = "131072"))]
    async fn below() {
        tokio::spawn(async { keep(2) }).await.unwrap();
    }
}

mod outcomes {
    use super::*;

    both! {
        [tokio::test] [heap_tracked(labels(keeps_some = "65536"))]
        async fn returns() -> Result<(), std::num::ParseIntError> {
            keep("1".parse()?);
            Ok(())
        }
    }

    mod error {
        use super::*;

        both! {
            [tokio::test] [heap_tracked]
            async fn fails() -> Result<(), std::num::ParseIntError> {
                keep("one".parse()?);
                Ok(())
            }
        }
    }

    mod panic {
        use super::*;

        both! {
            [tokio::test] [heap_tracked]
            async fn fails() {
                come_again().await;
                panic!("after an await");
            }
        }
    }

    mod should_panic {
        use super::*;

        both! {
            [tokio::test] [heap_tracked(labels(keeps_some = "65536"))]
            #[should_panic(expected = "an await")]
            async fn panics() {
                come_again().await;
                keep(1);
                panic!("after an await");
            }
        }
    }

    mod over_budget {
        use super::*;

        both! {
            [tokio::test] [heap_tracked(max_retained = "4 KiB")]
            async fn fails() {
                keep(2);
            }
        }
    }
}

/// It is polled on one thread after the other, and its numbers come together from all of them. Those
/// of the test that starts the threads have a node of std's map of all threads in them, perhaps.
#[heap_tracked(labels(keeps_some = "1310720"))]
#[test]
fn moves_between_threads() {
    #[heap_tracked(labels(keeps = "1310720", is = "inner"))]
    async fn body() {
        for _ in 0..20 {
            keep(1);
            come_again().await;
        }
    }
    let mut body = Box::pin(body());
    // No runtime: whichever it was, nothing would say that it moves.
    for turn in 0..=20 {
        body = thread::scope(|scope| {
            let poll = move || {
                let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
                assert_eq!(body.as_mut().poll(context).is_ready(), turn == 20);
                body
            };
            scope.spawn(poll).join().unwrap()
        });
    }
}

/// Futures that hold memory, and are dropped half-way.
mod dropped {
    use super::*;

    async fn holds() {
        let held = vec![1_u8; 1 << 20];
        pending::<()>().await;
        drop(held);
    }

    #[heap_tracked(labels(keeps_some = "65536", peak = "1048576"))]
    #[tokio::test]
    async fn by_select() {
        tokio::select! {
            biased;
            () = holds() => unreachable!(),
            () = come_again() => keep(1),
        }
    }

    #[heap_tracked(labels(keeps_some = "65536", peak = "1048576"))]
    #[tokio::test(start_paused = true)]
    async fn by_a_timeout() {
        let late = timeout(Duration::from_secs(3600), holds()).await;
        assert!(late.is_err());
        keep(1);
    }

    /// A tracked future that is dropped has a finished sidecar too.
    #[heap_tracked(labels(keeps_some = "65536"))]
    #[tokio::test(start_paused = true)]
    async fn a_tracked_future() {
        #[heap_tracked(labels(is = "inner", keeps_some = "65536"))]
        async fn inner() {
            keep(1);
            holds().await;
        }
        let late = timeout(Duration::from_secs(1), inner()).await;
        assert!(late.is_err());
    }

    #[heap_tracked(labels(keeps_some = "65536", peak = "1048576"))]
    #[tokio::test]
    async fn by_the_end_of_its_scope() {
        let mut half = pin!(holds());
        poll_fn(|context| {
            assert!(half.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        keep(1);
    }
}

/// An hour of virtual time takes no time.
mod paused {
    use super::*;

    async fn an_hour() {
        let start = Instant::now();
        sleep(Duration::from_secs(3600)).await;
        assert!(start.elapsed() >= Duration::from_secs(3600));
        keep(1);
    }

    #[heap_tracked(labels(keeps_some = "65536", takes = "no time"))]
    #[tokio::test(start_paused = true)]
    async fn above() {
        an_hour().await;
    }

    #[tokio::test(start_paused = true)]
    #[heap_tracked(labels(keeps_some = "65536", takes = "no time"))]
    async fn below() {
        an_hour().await;
    }

    #[heap_tracked(labels(keeps_some = "65536", takes = "no time"))]
    #[tokio::test]
    async fn in_the_body() {
        tokio::time::pause();
        an_hour().await;
    }
}
