//! std's map of threads, which is no test's.
//!
//! For what it says when a stack overflows, std keeps all threads in one map. A node of it, 640 bytes for up to
//! eleven threads, is allocated by the thread that happens to need it, when that begins, and freed by
//! another that ends. So a test that starts threads while others do would be off by a few of them, either way.
//!
//! What a thread of std's allocates and frees for the map is known by its place, between two other
//! things that the thread does:
//!
//! ```text
//!  first function ─▶ into the map ─▶ sigaltstack(ask) ─▶ sigaltstack(set) ─▶ the closure
//!                                                                                │
//!       it returns ◀─ out of the map ◀───────────── sigaltstack(disable) ◀───────┘
//! ```
//!
//! Before the first, nothing else is allocated; after the last, nothing else is freed. A thread that
//! does not go this way, because it is not std's, or has been given another stack for signals, or std has
//! changed, is counted as it is.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread;

use libc::stack_t;

use super::interpose::{Interposed, go_on, interpose};
use super::member::Member;
use super::moved::Moved;
use super::this_thread::{MEMBER, REGISTRY};

/// More than the nodes take that one thread allocates for it, or frees: one on each level, of 640 bytes and of 736.
const NODES: u64 = 4 << 10;

/// How far a thread has come.
#[derive(Clone, Copy)]
enum Progress {
    /// It does not go this way.
    Other,
    /// It has begun, having allocated so much.
    Begun {
        allocated: u64,
    },
    /// It is in the map, for which it has allocated so much since it began, when it had so much.
    InMap {
        began: u64,
        allocated: u64,
    },
    Runs,
    /// It goes out of the map, having freed so much before.
    Leaves {
        deallocated: u64,
    },
}

thread_local! {
    static PROGRESS: Cell<Progress> = const { Cell::new(Progress::Other) };
    /// Allocations that may be for the map, and are counted by nobody yet.
    static DEFERRED: Cell<u32> = const { Cell::new(0) };
    /// The first function of a thread is looked for, and no thread is to be started.
    static PROBING: Cell<bool> = const { Cell::new(false) };
}

/// The first function of std's threads, once it is known.
static STD_START: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Finds out what std's threads begin with: has it start one, which [`is_probe`] is told of.
pub(super) fn prepare() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        next();
        PROBING.set(true);
        // It fails as where the system has no more threads to give.
        let _refused = thread::Builder::new().spawn(|| ());
        PROBING.set(false);
    });
}

/// Whether the calling thread starts another only to show its first function.
pub(super) fn is_probe(first: *mut c_void) -> bool {
    let looks = PROBING.get();
    if looks {
        STD_START.store(first, Ordering::Relaxed);
    }
    looks
}

/// What the calling thread has moved without what it may have allocated or freed for the map. None where that is what
/// it has just done: its groups are told when it is known. This is what runs inside the allocator.
pub(super) fn without_map(member: &Member, is_alloc: bool, now: Moved) -> Option<Moved> {
    match PROGRESS.get() {
        Progress::Begun { allocated: began } | Progress::InMap { began, .. } => {
            if now.allocated.wrapping_sub(began) > NODES {
                PROGRESS.set(Progress::Other);
                for _ in 0..DEFERRED.take() {
                    member.count(|group| group.is_hooked() || group.is_each());
                }
                return Some(now);
            }
            DEFERRED.set(DEFERRED.get() + u32::from(is_alloc));
            (!is_alloc).then_some(Moved {
                allocated: began,
                ..now
            })
        }
        Progress::Leaves { deallocated } => {
            let is_more = now.deallocated.wrapping_sub(deallocated) > NODES;
            (is_alloc || is_more).then_some(now)
        }
        Progress::Runs | Progress::Other => Some(now),
    }
}

/// The calling thread has begun, and this is its first function.
pub(super) fn begins(member: &Member, first: *mut c_void) {
    if first == STD_START.load(Ordering::Relaxed)
        && let Some(Moved { allocated, .. }) = member.counted()
    {
        PROGRESS.set(Progress::Begun { allocated });
    }
}

/// The first function of the calling thread has returned.
pub(super) fn ends(member: &'static Member) {
    if let Progress::Leaves { deallocated } = PROGRESS.replace(Progress::Other)
        && let Some(now) = member.counted()
    {
        disown(
            member,
            Moved {
                allocated: 0,
                deallocated: now.deallocated - deallocated,
            },
        );
    }
}

fn disown(member: &'static Member, moved: Moved) {
    if moved != Moved::default() {
        REGISTRY.disown(member, moved);
    }
}

type Alter = unsafe extern "C" fn(*const stack_t, *mut stack_t) -> c_int;

interpose!(".weak", "sigaltstack", alter);

fn found() -> &'static Interposed<Alter> {
    unsafe extern "C" {
        static heap_runtime_sigaltstack_found: Interposed<Alter>;
    }
    // SAFETY: `interpose` has made it, and the interceptor is of this type.
    unsafe { &heap_runtime_sigaltstack_found }
}

/// The function that sets the stack in truth, once it was looked for: that is not for signal handlers.
static NEXT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

fn next() {
    // SAFETY: the name ends in a nul.
    let next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"sigaltstack".as_ptr()) };
    NEXT.store(next, Ordering::Relaxed);
}

/// Sets and tells the calling thread's stack for signals.
///
/// # Safety
///
/// As the C library's.
unsafe extern "C" fn alter(new: *const stack_t, old: *mut stack_t) -> c_int {
    let next = NEXT.load(Ordering::Relaxed);
    // SAFETY: the caller's arguments, for a function of this type, or for the kernel.
    let code = unsafe {
        if let Some(sanitizers) = found().sanitizers {
            sanitizers(new, old)
        } else if next.is_null() {
            -c_int::from(libc::syscall(libc::SYS_sigaltstack, new, old) != 0)
        } else {
            transmute::<*mut c_void, Alter>(next)(new, old)
        }
    };
    if !matches!(PROGRESS.get(), Progress::Other)
        && code == 0
        && let Some(member) = MEMBER.get()
        && let Some(now) = member.counted()
    {
        // SAFETY: it has just been read by the kernel.
        let disables = unsafe { new.as_ref() }.map(|new| new.ss_flags & libc::SS_DISABLE != 0);
        altered(member, now, disables, !old.is_null());
    }
    code
}

/// The calling thread has enabled or disabled a stack for signals, or neither, and has asked for the one
/// before, or has not.
fn altered(member: &'static Member, now: Moved, disables: Option<bool>, asks: bool) {
    let way = match (PROGRESS.get(), disables, asks) {
        (Progress::Begun { allocated: began }, None, true) => Progress::InMap {
            began,
            allocated: now.allocated - began,
        },
        (Progress::InMap { allocated, .. }, Some(false), false) => {
            DEFERRED.set(0);
            disown(
                member,
                Moved {
                    allocated,
                    deallocated: 0,
                },
            );
            Progress::Runs
        }
        // Of several, the last is std's: it gives back what it has set, after the closure.
        (Progress::Runs | Progress::Leaves { .. }, Some(true), false) => Progress::Leaves {
            deallocated: now.deallocated,
        },
        (Progress::Runs | Progress::Leaves { .. }, _, _) => Progress::Runs,
        _ => Progress::Other,
    };
    let leaves = matches!(way, Progress::Leaves { .. });
    member.leaves.store(leaves, Ordering::Relaxed);
    PROGRESS.set(way);
}
