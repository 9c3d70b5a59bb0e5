//! Forks of a process with threads, and other processes.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use heap_runtime::heap_tracked;
use heap_sidecar::{Outcome, Status, read_run};

use crate::child::{Child, own, rounds};

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("forks", || {
        let neighbours = Neighbours::start();
        for _ in 0..20 {
            forks();
        }
        drop(neighbours);
    }),
    ("returns_twice", || {
        returns_twice();
        if std::process::id() != PARENT.load(Ordering::Relaxed) {
            // SAFETY: nothing is to be cleaned up: it is the parent's.
            unsafe { libc::_exit(7) };
        }
    }),
    ("commands", commands),
    ("forks_in_a_crowd", forks_in_a_crowd),
    ("forks_first", forks_first),
    ("loses_threads", loses_threads),
];

static PARENT: AtomicU32 = AtomicU32::new(0);

fn leak(bytes: usize) {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
}

/// Threads that are born, end and are counted while another forks.
struct Neighbours {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

#[heap_tracked]
fn bears_threads(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        thread::spawn(|| leak(8)).join().unwrap();
    }
}

impl Neighbours {
    fn start() -> Self {
        let stop = Arc::<AtomicBool>::default();
        let thread = thread::spawn({
            let stop = Arc::clone(&stop);
            move || bears_threads(&stop)
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Gives the child's exit code.
fn wait_for(pid: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: the child is ours, and the status is written before it is read.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(waited, pid);
    assert!(libc::WIFEXITED(status), "status {status:#x}");
    libc::WEXITSTATUS(status)
}

#[heap_tracked]
fn forks() {
    leak(4096);
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let held = thread::spawn(move || receiver.recv());
    // SAFETY: jemalloc and the registry are ready for it; the child takes no other lock.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        leak(1 << 20);
        let child = thread::spawn(|| leak(1 << 20));
        let joined = child.join().is_ok();
        let entered = heap_runtime::current();
        let inside = entered.enter();
        leak(1 << 20);
        drop(inside);
        heap_runtime::checkpoint("in the child");
        // SAFETY: nothing is to be cleaned up: it is the parent's.
        unsafe { libc::_exit(if joined { 7 } else { 1 }) };
    }
    assert_eq!(wait_for(pid), 7);
    drop(sender);
    assert!(held.join().unwrap().is_err());
}

#[test]
fn a_forked_child_is_not_the_tests() {
    let ran = Child::of("forks").run();
    assert!(ran.status.success(), "{}", ran.said);
    let all = ran.of("forks");
    assert_eq!(all.len(), 20, "{}", ran.said);
    for sidecar in all {
        let own = own(sidecar);
        assert_eq!(own.retained_bytes, 4096, "{own:?}");
        assert_eq!((own.threads, own.threads_running), (2, 0));
        assert_eq!(sidecar.heap.checkpoints, []);
    }
}

/// The size of the stacks that the C library keeps for later threads is 40 MiB: of more, it gives
/// some back.
const STACK: usize = 16 << 20;
const STACKS: usize = 8;

/// An address in the memory that is the calling thread's own, where jemalloc's counters are too.
fn thread_local_address() -> usize {
    thread_local! {
        static MARK: std::cell::Cell<u8> = const { std::cell::Cell::new(0) };
    }
    MARK.with(|mark| std::ptr::from_ref(mark) as usize)
}

fn is_mapped(address: usize) -> bool {
    const PAGE: usize = 4096;
    let page = (address / PAGE * PAGE) as *mut libc::c_void;
    let mut resident = 0;
    // SAFETY: it looks at one page, mapped or not, and writes one byte.
    unsafe { libc::mincore(page, PAGE, &raw mut resident) == 0 }
}

/// In the child of a fork, the memory of the other threads is given back when a new one ends.
#[heap_tracked]
fn loses_threads() {
    let big = || thread::Builder::new().stack_size(STACK);
    let (sender, addresses) = std::sync::mpsc::channel();
    let held: Vec<_> = (0..STACKS)
        .map(|_| {
            let sender = sender.clone();
            let held = move || {
                sender.send(thread_local_address()).unwrap();
                thread::park();
            };
            big().spawn(held).unwrap()
        })
        .collect();
    let addresses: Vec<_> = addresses.iter().take(STACKS).collect();
    assert!(addresses.iter().all(|address| is_mapped(*address)));
    // SAFETY: jemalloc and the registry are ready for it; the child takes no other lock.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let joined = big().spawn(|| leak(8)).unwrap().join().is_ok();
        let lost = addresses.iter().any(|address| !is_mapped(*address));
        // Asks what the test has come to, and so what its threads have.
        heap_runtime::checkpoint("in the child");
        // SAFETY: nothing is to be cleaned up: it is the parent's.
        unsafe { libc::_exit(if joined && lost { 7 } else { 1 }) };
    }
    assert_eq!(wait_for(pid), 7);
    for held in held {
        held.thread().unpark();
        held.join().unwrap();
    }
}

#[test]
fn a_forked_child_does_not_read_the_memory_of_threads_that_are_gone() {
    let ran = Child::of("loses_threads").times(5).run();
    assert!(ran.status.success(), "{}", ran.said);
    let all = ran.of("loses_threads");
    assert_eq!(all.len(), 5, "{}", ran.said);
    for sidecar in all {
        assert_eq!(sidecar.outcome, Some(Outcome::Passed), "{}", ran.said);
        assert_eq!(own(sidecar).threads, u32::try_from(STACKS).unwrap() + 1);
    }
}

#[heap_tracked]
fn returns_twice() {
    PARENT.store(std::process::id(), Ordering::Relaxed);
    leak(4096);
    // SAFETY: as above; the child leaves as soon as it has come out of the test.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        leak(8192);
        heap_runtime::label("written by", "the child");
        return;
    }
    assert_eq!(wait_for(pid), 7);
    assert_eq!(written_as_running(), 1, "the child has written the end");
    assert_eq!(std::process::id(), PARENT.load(Ordering::Relaxed));
}

/// How many sidecars say that their test is running.
fn written_as_running() -> usize {
    let folder = std::env::var_os("HEAP_SIDECAR_DIR").unwrap();
    let (sidecars, _) = read_run(Path::new(&folder)).unwrap();
    let running = sidecars.iter();
    running
        .filter(|sidecar| sidecar.status == Status::Running)
        .count()
}

#[test]
fn a_child_that_comes_out_of_the_body_does_not_end_the_test() {
    let ran = Child::of("returns_twice").times(20).run();
    let all = ran.of("returns_twice");
    assert_eq!(all.len(), 20, "{}", ran.said);
    for sidecar in all {
        assert_eq!(sidecar.outcome, Some(Outcome::Passed));
        assert_eq!(own(sidecar).retained_bytes, 4096);
        assert!(sidecar.labels.is_empty());
    }
}

/// All that a program can call of ours.
fn calls_everything() {
    heap_runtime::metric("m", 1.0);
    heap_runtime::label("l", "v");
    heap_runtime::checkpoint("c");
    let entered = heap_runtime::current();
    let inside = entered.enter();
    heap_runtime::track("inner", || leak(8));
    heap_runtime::skip("no reason");
    drop(inside);
    black_box((heap_runtime::collect(), heap_runtime::allocator()));
    black_box(heap_runtime::HostContext::read());
}

/// Calls it all until another is done.
#[heap_tracked]
fn calls_until(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        calls_everything();
    }
}

#[heap_tracked]
fn forks_often(times: u32) {
    for _ in 0..times {
        // SAFETY: jemalloc is ready for it, and so are we.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // Who hangs is ended by this signal, and that is no exit.
            // SAFETY: it sets a clock.
            unsafe { libc::alarm(60) };
            calls_everything();
            let child = thread::spawn(|| leak(8));
            let joined = child.join().is_ok();
            // SAFETY: nothing is to be cleaned up: it is the parent's.
            unsafe { libc::_exit(if joined { 7 } else { 1 }) };
        }
        assert_eq!(wait_for(pid), 7);
    }
}

fn forks_in_a_crowd() {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| calls_until(&stop));
        }
        let forked = scope.spawn(|| forks_often(rounds(20))).join();
        stop.store(true, Ordering::Relaxed);
        forked.unwrap();
    });
}

#[test]
fn a_fork_waits_for_none_of_our_locks() {
    let ran = Child::of("forks_in_a_crowd").run();
    assert!(ran.status.success(), "{}", ran.said);
    let forks = ran.only("forks_often");
    assert_eq!(forks.outcome, Some(Outcome::Passed), "{}", ran.said);
    assert_eq!(forks.heap.checkpoints, [], "they are the children's");
    assert!(ran.said.contains("leaves no sidecar"), "{}", ran.said);
    let processes: BTreeSet<u32> = ran.sidecars.iter().map(|one| one.pid).collect();
    assert_eq!(processes.len(), 1, "a child has left some");
}

#[heap_tracked]
fn after_the_fork() {
    leak(4096);
}

/// Before it has tracked anything.
fn forks_first() {
    // SAFETY: nothing of ours was there before.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        after_the_fork();
        // SAFETY: nothing is to be cleaned up: it is the parent's.
        unsafe { libc::_exit(7) };
    }
    assert_eq!(wait_for(pid), 7);
}

#[test]
fn a_fork_of_a_process_that_tracked_nothing_is_tracked() {
    let ran = Child::of("forks_first").run();
    assert_eq!(ran.own("after_the_fork").retained_bytes, 4096);
    assert!(!ran.said.contains("leaves no sidecar"), "{}", ran.said);
}

#[heap_tracked(warmup = 1)]
fn commands() {
    use std::os::unix::process::CommandExt as _;
    // The first is spawned without a fork, the second by one.
    assert!(Command::new("true").status().unwrap().success());
    let mut forked = Command::new("true");
    // SAFETY: it does nothing.
    unsafe { forked.pre_exec(|| Ok(())) };
    assert!(forked.status().unwrap().success());
}

#[test]
fn other_programs_leave_nothing() {
    let ran = Child::of("commands").times(20).run();
    for sidecar in ran.of("commands") {
        assert_eq!(own(sidecar).retained_bytes, 0);
        assert_eq!(own(sidecar).threads, 1);
    }
}
