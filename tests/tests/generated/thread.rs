//! What a thread of a program has, and in which tests it is: the model that the numbers are held against.
//!
//! - A test is inside the one that its thread was in when it began, and what is done for it is done for that too.
//! - A thread that runs a body is in the body's test, and stays in what it was in. But what it was born into does not
//!   count for a body that was begun elsewhere: it may be a pool's thread.
//! - A thread that works by a handle is in the handle's test, and in nothing that it was in before.
//! - A thread is born in what its parent is in.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::cell::RefCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::program::SLOTS;
use crate::witness::{What, say};

/// So many tests has a program at the most: a bit for each.
pub(crate) const TESTS: usize = 64;

/// Each test, and those that it is inside.
static CHAINS: [AtomicU64; TESTS] = [const { AtomicU64::new(0) }; TESTS];

fn chain(test: usize) -> u64 {
    CHAINS[test].load(Ordering::SeqCst)
}

/// A block of the allocator's.
pub(crate) struct Block {
    at: *mut u8,
    layout: Layout,
}

// SAFETY: nobody else has it.
unsafe impl Send for Block {}

impl Block {
    pub(crate) fn new(bytes: usize, align: u32, zeroed: bool) -> Self {
        let layout = Layout::from_size_align(bytes, 1 << align).unwrap();
        // SAFETY: the layout is not empty.
        let at = unsafe {
            if zeroed {
                alloc_zeroed(layout)
            } else {
                alloc(layout)
            }
        };
        assert!(!at.is_null());
        Self {
            at: black_box(at),
            layout,
        }
    }

    pub(crate) fn resize(&mut self, bytes: usize) {
        // SAFETY: the block is this one, by its layout, and the new size is not 0.
        let at = unsafe { realloc(self.at, self.layout, bytes) };
        assert!(!at.is_null());
        self.at = black_box(at);
        self.layout = Layout::from_size_align(bytes, self.layout.align()).unwrap();
    }

    pub(crate) fn free(self) {
        // SAFETY: the block is this one, by its layout, and is used no more.
        unsafe { dealloc(self.at, self.layout) };
    }
}

/// Where a thread has come to by a birth, a body or a handle.
#[derive(Clone, Copy, Default)]
pub(crate) struct Frame {
    /// The innermost test.
    own: Option<usize>,
    /// All of those that what is done counts for.
    set: u64,
    born: bool,
}

/// Far more than programs are deep.
const FRAMES: usize = 64;

pub(crate) struct Thread {
    frames: [Frame; FRAMES],
    depth: usize,
    pub(crate) blocks: [Option<Block>; SLOTS],
}

impl Thread {
    /// In no test.
    pub(crate) fn new() -> Self {
        Self {
            frames: [Frame::default(); FRAMES],
            depth: 0,
            blocks: [const { None }; SLOTS],
        }
    }

    /// The calling thread, which has just been started by one that was there.
    pub(crate) fn born(parents: Frame) -> Self {
        let mut thread = Self::new();
        if parents.own.is_some() {
            thread.push(Frame {
                born: true,
                ..parents
            });
        }
        say(What::Was(parents.set));
        thread
    }

    pub(crate) fn top(&self) -> Frame {
        let at = self.depth.checked_sub(1);
        at.map_or_else(Frame::default, |at| self.frames[at])
    }

    /// The innermost test.
    pub(crate) fn own(&self) -> Option<usize> {
        self.top().own
    }

    fn push(&mut self, frame: Frame) {
        self.frames[self.depth] = frame;
        self.depth += 1;
    }

    /// A test begins here, inside the innermost one.
    pub(crate) fn opens(&self, test: usize) {
        let around = self.own().map_or(0, chain);
        CHAINS[test].store(around | 1 << test, Ordering::SeqCst);
    }

    /// The body of a test runs, until it is left.
    pub(crate) fn enter_body(&mut self, test: usize) {
        let (chain, top) = (chain(test), self.top());
        let is_elsewhere = top.own.is_some_and(|own| chain & 1 << own == 0);
        let stays = !(is_elsewhere && top.born);
        self.push(Frame {
            own: Some(test),
            set: chain | if stays { top.set } else { 0 },
            born: false,
        });
        self.goes_on();
    }

    /// It works for a test by a handle, until it is left.
    pub(crate) fn enter_handle(&mut self, test: Option<usize>) {
        self.push(Frame {
            own: test,
            set: test.map_or(0, chain),
            born: false,
        });
        self.goes_on();
    }

    /// What follows is the tracker's.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
        say(What::Is(0));
    }

    /// What follows is done for the tests that it is in.
    pub(crate) fn goes_on(&self) {
        say(What::Is(self.top().set));
    }

    /// The tracker's part: what that allocates is nobody's.
    pub(crate) fn ours<T>(&self, work: impl FnOnce() -> T) -> T {
        say(What::Is(0));
        let done = work();
        self.goes_on();
        done
    }

    /// What it was started for is done.
    pub(crate) fn ends(mut self) {
        self.free_all();
        say(What::Leaves);
    }

    pub(crate) fn free_all(&mut self) {
        for slot in &mut self.blocks {
            slot.take().into_iter().for_each(Block::free);
        }
    }
}

/// Blocks that go with their thread.
struct Kept([Option<Block>; SLOTS]);

impl Drop for Kept {
    fn drop(&mut self) {
        for slot in &mut self.0 {
            slot.take().into_iter().for_each(Block::free);
        }
    }
}

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept([const { None }; SLOTS])) };
}

/// Has the calling thread keep a block to its end, as long as it has room for more.
pub(crate) fn keep_to_the_end(bytes: usize) {
    KEPT.with_borrow_mut(|kept| {
        if let Some(free) = kept.0.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(Block::new(bytes, 0, false));
        }
    });
}
