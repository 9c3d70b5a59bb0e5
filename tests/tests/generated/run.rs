//! Runs a program.

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{catch_unwind, resume_unwind};
use std::pin::Pin;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{LazyLock, mpsc};
use std::task::{Context, Poll as Polled, Waker};
use std::thread::{self, JoinHandle};

use heap_runtime::Test;

use crate::older::{self, Outliving};
use crate::program::{Op, Poll};
use crate::thread::{Block, TESTS, Thread, keep_to_the_end};
use crate::witness::{What, say};

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    (0..TESTS)
        .map(|test| format!("generated::t{test}"))
        .collect()
});

/// What a test is called.
pub(crate) fn name(test: usize) -> &'static str {
    &NAMES[test]
}

/// How the child of a fork has ended that has not ended well.
pub(crate) static WRONG_CHILD: AtomicI32 = AtomicI32::new(0);

fn test(number: usize, exact: bool) -> Test<'static> {
    let test = Test::new(name(number));
    if exact { test.exact() } else { test }
}

/// Does one after the other, and joins what they have started.
pub(crate) fn run(ops: &'static [Op], thread: &mut Thread) {
    const MOST: usize = 8;
    let mut started = [const { None }; MOST];
    for (op, place) in ops.iter().zip(0..) {
        if let Op::Spawn { ops, at_once } = op {
            let child = spawn(ops, thread);
            if *at_once {
                child.join().unwrap();
            } else if let Some(place) = started.get_mut(place) {
                *place = Some(child);
            }
        } else {
            one(op, thread);
        }
    }
    for child in started.into_iter().flatten() {
        child.join().unwrap();
    }
}

fn spawn(ops: &'static [Op], thread: &Thread) -> JoinHandle<()> {
    let parents = thread.top();
    thread::spawn(move || {
        let mut child = Thread::born(parents);
        run(ops, &mut child);
        child.ends();
    })
}

fn one(op: &'static Op, thread: &mut Thread) {
    match op {
        Op::Scope { threads, meanwhile } => scope(threads, meanwhile, thread),
        Op::Channel {
            blocks,
            bound,
            keeps,
        } => channel(blocks, *bound, *keeps, thread),
        Op::Test { number, exact, ops } => {
            in_test(*number, *exact, thread, |thread| run(ops, thread));
        }
        Op::Future {
            number,
            exact,
            parts,
            polls,
        } => {
            let future = async move {
                test(*number, *exact)
                    .run_async(in_parts(*number, parts))
                    .await;
            };
            poll_all(future, *number, polls, thread);
        }
        Op::Fork { ops } => fork(ops, thread),
        Op::OnOlder { ops } => on_older(ops, thread),
        Op::Outlives { before, after } => outlives(before, after, thread),
        // Where it is at the end of a list, `run` has seen to it.
        Op::Spawn { ops, .. } => spawn(ops, thread).join().unwrap(),
        op => plain(op, thread),
    }
}

fn plain(op: &Op, thread: &mut Thread) {
    match *op {
        Op::Allocate {
            slot,
            bytes,
            align,
            zeroed,
        } => {
            let before = thread.blocks[slot].replace(Block::new(bytes, align, zeroed));
            before.into_iter().for_each(Block::free);
        }
        Op::Resize { slot, bytes } => {
            if let Some(block) = &mut thread.blocks[slot] {
                block.resize(bytes);
            }
        }
        Op::Free { slot } => thread.blocks[slot].take().into_iter().for_each(Block::free),
        Op::Leak { bytes } => {
            Block::new(bytes, 3, false);
        }
        Op::Give { slot } => {
            let given = thread.blocks[slot].take();
            thread.blocks[slot] = given.and_then(older::give);
        }
        Op::Take { slot } => {
            if thread.blocks[slot].is_none() {
                thread.blocks[slot] = older::take();
            }
        }
        Op::Unwind => {
            let thrown = catch_unwind(|| resume_unwind(Box::new([1_u64; 5])));
            assert!(thrown.is_err());
        }
        Op::AtEnd { bytes } => keep_to_the_end(bytes),
        Op::Note => thread.ours(|| {
            heap_runtime::checkpoint("here");
            heap_runtime::metric("metric", 1.0);
            heap_runtime::label("label", "value");
        }),
        _ => unreachable!("it is not plain: {op:?}"),
    }
}

fn scope(threads: &'static [Vec<Op>], meanwhile: &'static [Op], thread: &mut Thread) {
    let parents = thread.top();
    thread::scope(|scope| {
        for ops in threads {
            scope.spawn(move || {
                let mut child = Thread::born(parents);
                run(ops, &mut child);
                child.ends();
            });
        }
        run(meanwhile, thread);
    });
}

fn channel(blocks: &[usize], bound: Option<usize>, keeps: usize, thread: &Thread) {
    let parents = thread.top();
    let receive = move |blocks: mpsc::Receiver<Vec<u8>>| {
        let child = Thread::born(parents);
        for (at, block) in blocks.iter().enumerate() {
            if at % 3 < keeps {
                std::mem::forget(block);
            }
        }
        drop(blocks);
        child.ends();
    };
    let made = blocks.iter().map(|bytes| Vec::with_capacity(*bytes));
    if let Some(bound) = bound {
        let (sender, receiver) = mpsc::sync_channel(bound);
        let receiving = thread::spawn(move || receive(receiver));
        made.for_each(|block| sender.send(block).unwrap());
        drop(sender);
        receiving.join().unwrap();
    } else {
        let (sender, receiver) = mpsc::channel();
        let receiving = thread::spawn(move || receive(receiver));
        made.for_each(|block| sender.send(block).unwrap());
        drop(sender);
        receiving.join().unwrap();
    }
}

/// A tracked test on this thread.
fn in_test(number: usize, exact: bool, thread: &mut Thread, body: impl FnOnce(&mut Thread)) {
    thread.opens(number);
    say(What::Is(0));
    test(number, exact).run(|| {
        thread.enter_body(number);
        body(thread);
        thread.leave();
    });
    is_over(number, thread);
}

/// The record of a test is there.
fn is_over(number: usize, thread: &Thread) {
    say(What::Closed(number as u64));
    thread.goes_on();
    Outliving::of(number).end();
}

thread_local! {
    /// The thread that polls.
    static POLLER: Cell<*mut Thread> = const { Cell::new(null_mut()) };
}

/// The body of a tracked future.
async fn in_parts(number: usize, parts: &'static [Vec<Op>]) {
    for (at, ops) in parts.iter().enumerate() {
        if at > 0 {
            come_again().await;
        }
        // SAFETY: `poll` has put it there, and uses it itself only after this has returned.
        let thread = unsafe { &mut *POLLER.get() };
        thread.enter_body(number);
        run(ops, thread);
        thread.leave();
    }
}

pub(crate) async fn come_again() {
    let mut again = true;
    poll_fn(|_| {
        if std::mem::take(&mut again) {
            Polled::Pending
        } else {
            Polled::Ready(())
        }
    })
    .await;
}

type Begun<F> = Pin<Box<Option<F>>>;

/// Polls a future in each of those places, and drops it.
fn poll_all<F: Future<Output = ()> + Send>(
    future: F,
    number: usize,
    polls: &'static [Poll],
    thread: &mut Thread,
) {
    let mut begun = Box::pin(Some(future));
    let mut is_done = false;
    for (at, place) in polls.iter().enumerate() {
        let opens = at == 0;
        let mut poll = |thread: &mut Thread| {
            if opens {
                thread.opens(number);
            }
            is_done = poll(&mut begun, thread);
            if is_done {
                is_over(number, thread);
            }
        };
        match place {
            Poll::Here => poll(thread),
            Poll::InTest { number, exact } => in_test(*number, *exact, thread, poll),
            Poll::OnThread => {
                let parents = thread.top();
                thread::scope(|scope| {
                    let polling = scope.spawn(move || {
                        let mut child = Thread::born(parents);
                        poll(&mut child);
                        child.ends();
                    });
                    polling.join().unwrap();
                });
            }
            Poll::OnOlder => {
                let done = older::has_done(|| {
                    let mut older = Thread::new();
                    poll(&mut older);
                    older.free_all();
                });
                if !done {
                    poll(thread);
                }
            }
        }
    }
    if !is_done {
        // Who drops it frees what it holds, and is in it for that.
        thread.enter_body(number);
        thread.leave();
        begun.as_mut().set(None);
        is_over(number, thread);
    }
}

/// Says whether it has come to its end.
fn poll<F: Future<Output = ()>>(begun: &mut Begun<F>, thread: &mut Thread) -> bool {
    let around = POLLER.replace(thread);
    say(What::Is(0));
    let mut context = Context::from_waker(Waker::noop());
    let future = begun.as_mut().as_pin_mut().expect("it is not dropped");
    let is_done = future.poll(&mut context).is_ready();
    POLLER.set(around);
    thread.goes_on();
    is_done
}

fn fork(ops: &'static [Op], thread: &mut Thread) {
    const ENDS_WELL: i32 = 7;
    /// Seconds: who is not done by then never will be.
    const PATIENCE: u32 = 60;
    // SAFETY: the child does what is safe in one: it allocates, and calls what it may.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: nothing is to be cleaned up: it is the parent's.
        unsafe {
            libc::alarm(PATIENCE);
            run(ops, thread);
            libc::_exit(ENDS_WELL);
        }
    }
    let mut status = 0;
    // SAFETY: the child is ours, and the status is written before it is read.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    if waited != pid || !libc::WIFEXITED(status) || libc::WEXITSTATUS(status) != ENDS_WELL {
        WRONG_CHILD.store(status, Ordering::SeqCst);
    }
}

fn on_older(ops: &'static [Op], thread: &mut Thread) {
    let handle = thread.ours(heap_runtime::current);
    let own = thread.own();
    let done = older::has_done(|| {
        let mut older = Thread::new();
        let entered = older.ours(|| handle.enter());
        older.enter_handle(own);
        run(ops, &mut older);
        older.free_all();
        older.leave();
        drop(entered);
    });
    thread.ours(|| drop(handle));
    if !done {
        run(ops, thread);
    }
}

fn outlives(before: &'static [Op], after: &'static [Op], thread: &mut Thread) {
    let room = thread
        .own()
        .map(Outliving::of)
        .filter(|room| room.reserve());
    let Some(room) = room else {
        return run(before, thread);
    };
    let parents = thread.top();
    let (ready, is_ready) = mpsc::sync_channel::<()>(1);
    let child = thread::spawn(move || {
        let mut child = Thread::born(parents);
        run(before, &mut child);
        drop(ready);
        room.wait();
        run(after, &mut child);
        child.ends();
    });
    assert!(is_ready.recv().is_err());
    room.add(child);
}
