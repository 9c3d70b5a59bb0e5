//! The allocator of this binary: jemalloc, as `use_jemalloc!` has it, and beside it a log of what each thread asks
//! for, in which the programs say whose that is.
//!
//! A block is counted by its layout, and not by what jemalloc has to say of it. Nothing here allocates.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use heap_runtime::__private::Jemalloc;
use tikv_jemalloc_sys as ffi;

const RELAXED: Ordering = Ordering::Relaxed;

/// More than any program has: of a hundred thousand, one had 35,000.
const ENTRIES: usize = 1 << 17;

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Allocated(u64),
    Freed(u64),
    /// It was in both places at once, unless it has stayed in its own.
    Resized {
        from: u64,
        to: u64,
        in_place: bool,
    },
    /// From here on, what the thread does is these tests', a bit for each.
    Is(u64),
    /// All of the thread up to here was these tests': it has been born in them.
    Was(u64),
    /// What the thread was started for is done.
    Leaves,
    /// A test has ended, and its record is there.
    Closed(u64),
}

/// An entry of the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) thread: u32,
    /// The clock before and after.
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    /// The size that was asked for, or given back.
    pub(crate) size: usize,
    pub(crate) what: What,
}

struct Entry {
    thread: AtomicU32,
    kind: AtomicU32,
    begun: AtomicU64,
    ended: AtomicU64,
    size: AtomicUsize,
    numbers: [AtomicU64; 2],
}

static LOG: [Entry; ENTRIES] = [const {
    Entry {
        thread: AtomicU32::new(0),
        kind: AtomicU32::new(0),
        begun: AtomicU64::new(0),
        ended: AtomicU64::new(0),
        size: AtomicUsize::new(0),
        numbers: [const { AtomicU64::new(0) }; 2],
    }
}; ENTRIES];
static NEXT: AtomicUsize = AtomicUsize::new(0);
static CLOCK: AtomicU64 = AtomicU64::new(0);
static IS_ON: AtomicBool = AtomicBool::new(false);
static THREADS: AtomicU32 = AtomicU32::new(0);

/// A thread whose doings nobody asks for.
const NOBODY: u32 = u32::MAX;

thread_local! {
    static THREAD: Cell<u32> = const { Cell::new(0) };
}

/// The calling thread is no program's.
pub(crate) fn is_noise() {
    THREAD.set(NOBODY);
}

/// The calling thread's number.
fn thread() -> u32 {
    let known = THREAD.get();
    if known != 0 {
        return known;
    }
    let new = THREADS.fetch_add(1, RELAXED) + 1;
    THREAD.set(new);
    new
}

/// Begins a new log.
pub(crate) fn start() {
    NEXT.store(0, RELAXED);
    IS_ON.store(true, Ordering::SeqCst);
}

/// Ends the log, and gives it. All threads of the program have ended.
pub(crate) fn stop() -> Vec<Event> {
    IS_ON.store(false, Ordering::SeqCst);
    let length = NEXT.load(RELAXED);
    assert!(length < ENTRIES, "a program of {length} events");
    let mut events: Vec<Event> = LOG[..length].iter().map(Entry::read).collect();
    events.sort_by_key(|event| event.begun);
    events
}

fn now() -> u64 {
    CLOCK.fetch_add(1, Ordering::SeqCst)
}

fn log(begun: u64, ended: u64, size: usize, what: What) {
    let Some(entry) = LOG.get(NEXT.fetch_add(1, RELAXED)) else {
        return;
    };
    let (kind, numbers) = match what {
        What::Allocated(bytes) => (0, [bytes, 0]),
        What::Freed(bytes) => (1, [bytes, 0]),
        What::Resized {
            from,
            to,
            in_place: true,
        } => (2, [from, to]),
        What::Resized { from, to, .. } => (3, [from, to]),
        What::Is(set) => (4, [set, 0]),
        What::Was(set) => (5, [set, 0]),
        What::Leaves => (6, [0, 0]),
        What::Closed(test) => (7, [test, 0]),
    };
    entry.thread.store(thread(), RELAXED);
    entry.kind.store(kind, RELAXED);
    entry.begun.store(begun, RELAXED);
    entry.ended.store(ended, RELAXED);
    entry.size.store(size, RELAXED);
    for (place, number) in entry.numbers.iter().zip(numbers) {
        place.store(number, RELAXED);
    }
}

impl Entry {
    fn read(&self) -> Event {
        let [first, second] = self.numbers.each_ref().map(|number| number.load(RELAXED));
        let kind = self.kind.load(RELAXED);
        Event {
            thread: self.thread.load(RELAXED),
            begun: self.begun.load(RELAXED),
            ended: self.ended.load(RELAXED),
            size: self.size.load(RELAXED),
            what: match kind {
                0 => What::Allocated(first),
                1 => What::Freed(first),
                2 | 3 => What::Resized {
                    from: first,
                    to: second,
                    in_place: kind == 2,
                },
                4 => What::Is(first),
                5 => What::Was(first),
                6 => What::Leaves,
                _ => What::Closed(first),
            },
        }
    }
}

/// Puts down what is no block, where there is a log.
pub(crate) fn say(what: What) {
    if IS_ON.load(RELAXED) {
        let now = now();
        log(now, now, 0, what);
    }
}

/// The bytes that a block of this layout takes.
fn class(layout: Layout, size: usize) -> u64 {
    const LARGEST: usize = 16;
    let flags: c_int = if layout.align() <= LARGEST && layout.align() <= size {
        0
    } else {
        ffi::MALLOCX_ALIGN(layout.align())
    };
    // SAFETY: it computes, and touches nothing; the size is not 0.
    unsafe { ffi::nallocx(size, flags) as u64 }
}

/// The allocator.
pub(crate) struct Witness;

impl Witness {
    /// Has something done, and puts it down.
    fn see(
        size: usize,
        act: impl FnOnce() -> *mut u8,
        what: impl FnOnce(*mut u8) -> What,
    ) -> *mut u8 {
        if !IS_ON.load(RELAXED) || THREAD.get() == NOBODY {
            return act();
        }
        let begun = now();
        let block = act();
        let ended = now();
        log(begun, ended, size, what(block));
        block
    }
}

// SAFETY: each block is jemalloc's, by the caller's layout.
unsafe impl GlobalAlloc for Witness {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size();
        // SAFETY: as the caller has promised.
        let act = || unsafe { Jemalloc.alloc(layout) };
        Self::see(size, act, |_| What::Allocated(class(layout, size)))
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let size = layout.size();
        // SAFETY: as the caller has promised.
        let act = || unsafe { Jemalloc.alloc_zeroed(layout) };
        Self::see(size, act, |_| What::Allocated(class(layout, size)))
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let size = layout.size();
        let act = || {
            // SAFETY: as the caller has promised.
            unsafe { Jemalloc.dealloc(block, layout) };
            block
        };
        Self::see(size, act, |_| What::Freed(class(layout, size)));
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller has promised.
        let act = || unsafe { Jemalloc.realloc(block, layout, size) };
        Self::see(size, act, |moved| What::Resized {
            from: class(layout, layout.size()),
            to: class(layout, size),
            in_place: moved == block,
        })
    }
}
