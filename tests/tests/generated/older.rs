//! Threads that are older than all tests, and what threads of a program share. Nothing here allocates.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::thread::{Block, TESTS};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an older thread is to do. It is waited for.
#[derive(Clone, Copy)]
struct Job(*mut (dyn FnMut() + Send));

// SAFETY: it is called once, by one thread, while the one that it is from waits.
unsafe impl Send for Job {}

struct Older {
    is_taken: AtomicBool,
    job: Mutex<Option<Job>>,
    changed: Condvar,
}

static OLDER: [Older; 2] = [const {
    Older {
        is_taken: AtomicBool::new(false),
        job: Mutex::new(None),
        changed: Condvar::new(),
    }
}; 2];

impl Older {
    fn work(&self) -> ! {
        loop {
            let mut job = lock(&self.job);
            let Some(Job(work)) = *job else {
                drop(self.changed.wait(job));
                continue;
            };
            // SAFETY: who has put it there waits until it is gone.
            unsafe { (*work)() };
            *job = None;
            self.changed.notify_all();
        }
    }

    fn has_done(&self, work: &mut (dyn FnMut() + Send)) {
        let work: *mut (dyn FnMut() + Send + '_) = work;
        #[expect(
            clippy::transmute_ptr_to_ptr,
            reason = "a cast keeps the lifetime of what is behind it"
        )]
        // SAFETY: the lifetime alone is another, and it is not used after this function.
        let work = unsafe {
            std::mem::transmute::<*mut (dyn FnMut() + Send + '_), *mut (dyn FnMut() + Send)>(work)
        };
        let mut job = lock(&self.job);
        *job = Some(Job(work));
        self.changed.notify_all();
        while job.is_some() {
            job = self
                .changed
                .wait(job)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Starts them: before anything is tracked.
pub(crate) fn start() {
    for older in &OLDER {
        thread::spawn(|| older.work());
    }
}

/// Has an older thread do it, and waits for that. Says whether one was free.
pub(crate) fn has_done(mut work: impl FnMut() + Send) -> bool {
    let free = OLDER
        .iter()
        .find(|older| !older.is_taken.swap(true, Ordering::SeqCst));
    let Some(free) = free else {
        return false;
    };
    free.has_done(&mut work);
    free.is_taken.store(false, Ordering::SeqCst);
    true
}

/// Where blocks change hands.
static EXCHANGE: Mutex<[Option<Block>; 4]> = Mutex::new([const { None }; 4]);

/// Gives it back where there is no room.
pub(crate) fn give(block: Block) -> Option<Block> {
    let mut places = lock(&EXCHANGE);
    match places.iter_mut().find(|place| place.is_none()) {
        Some(free) => {
            *free = Some(block);
            None
        }
        None => Some(block),
    }
}

pub(crate) fn take() -> Option<Block> {
    lock(&EXCHANGE).iter_mut().find_map(Option::take)
}

/// How many threads a test leaves behind.
const AT_ONCE: usize = 4;

/// Threads that a test leaves behind.
pub(crate) struct Outliving {
    is_over: Mutex<bool>,
    changed: Condvar,
    reserved: AtomicUsize,
    threads: Mutex<[Option<JoinHandle<()>>; AT_ONCE]>,
}

static OUTLIVING: [Outliving; TESTS] = [const {
    Outliving {
        is_over: Mutex::new(false),
        changed: Condvar::new(),
        reserved: AtomicUsize::new(0),
        threads: Mutex::new([const { None }; AT_ONCE]),
    }
}; TESTS];

impl Outliving {
    pub(crate) fn of(test: usize) -> &'static Self {
        &OUTLIVING[test]
    }

    /// Waits for the end of the test.
    pub(crate) fn wait(&self) {
        let mut is_over = lock(&self.is_over);
        while !*is_over {
            is_over = self
                .changed
                .wait(is_over)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says whether there was room for one more. Threads of a test ask at the same time, and start theirs before they
    /// add it: a place is theirs from here on.
    pub(crate) fn reserve(&self) -> bool {
        let one_more = |reserved| (reserved < AT_ONCE).then_some(reserved + 1);
        self.reserved
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more)
            .is_ok()
    }

    /// Who adds one has reserved its place.
    pub(crate) fn add(&self, thread: JoinHandle<()>) {
        let mut threads = lock(&self.threads);
        let free = threads.iter_mut().find(|place| place.is_none());
        *free.expect("a place was reserved") = Some(thread);
    }

    /// The test is over: they go on to their ends.
    pub(crate) fn end(&self) {
        *lock(&self.is_over) = true;
        self.changed.notify_all();
        loop {
            let next = lock(&self.threads).iter_mut().find_map(Option::take);
            let Some(thread) = next else { break };
            self.reserved.fetch_sub(1, Ordering::SeqCst);
            thread.join().unwrap();
        }
        *lock(&self.is_over) = false;
    }
}
