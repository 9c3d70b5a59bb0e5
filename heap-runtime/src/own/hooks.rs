//! jemalloc's hooks: called with each block of every thread while they are there, and taken out with the last test
//! that wants them.
//!
//! They tell what is live to the byte. A block that is freed is told of before that, a new one after it was made. A
//! reallocation that moves a block tells of the new one, then of the old one, and its counters move after both; one
//! that leaves it in its place tells of both sizes at once.
//!
//! They run inside the allocator, and are held to what is said of the other call-back: see [`super::sampler`].

use std::ffi::{c_uint, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::group::Group;
use super::member::Member;
use super::moved::Moved;
use super::std_map::without_map;
use super::this_thread::{MEMBER, REGISTRY};
use crate::jemalloc::{EXPANDED_BY_XALLOCX, Hooks, Installed, usable_size};

/// Who wants them. Only taken under the registry's lock, over which nobody forks: jemalloc does not see to it that
/// a fork finds its own lock for hooks free.
static WANTED: Mutex<WantedBy> = Mutex::new(WantedBy {
    tests: 0,
    installed: None,
});

struct WantedBy {
    tests: u32,
    installed: Option<Installed>,
}

/// Has jemalloc call the hooks, until they are [removed](remove) as often as this was called. Says whether it does.
pub(super) fn install() -> bool {
    let _locked = REGISTRY.lock();
    let mut wanted = WANTED.lock().unwrap_or_else(PoisonError::into_inner);
    if wanted.installed.is_none() {
        wanted.installed = Hooks {
            alloc,
            dalloc,
            expand,
            extra: null_mut(),
        }
        .install();
    }
    let installed = wanted.installed.is_some();
    if installed {
        wanted.tests += 1;
        // In this order: see `Seen`.
        THERE.store(wanted.tests, Ordering::SeqCst);
        EVER.fetch_add(1, Ordering::SeqCst);
    }
    installed
}

/// How many tests want them now.
static THERE: AtomicU32 = AtomicU32::new(0);

/// How many have wanted them so far.
static EVER: AtomicU64 = AtomicU64::new(0);

/// What was known of them when a test began: whoever runs beside one that wants them pays for it too.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    ever: u64,
    are_there: bool,
}

impl Seen {
    /// Before the test wants any itself.
    pub(super) fn now() -> Self {
        // In this order: who comes between the two is seen by one of them.
        let ever = EVER.load(Ordering::SeqCst);
        let are_there = THERE.load(Ordering::SeqCst) > 0;
        Self { ever, are_there }
    }

    /// Whether another test has wanted them at any moment since, or already did; this one may have, too.
    pub(super) fn has_others(self, wanted: bool) -> bool {
        let since = EVER.load(Ordering::SeqCst) - self.ever;
        self.are_there || since > u64::from(wanted)
    }
}

/// See [`install`].
pub(super) fn remove() {
    let _locked = REGISTRY.lock();
    let mut wanted = WANTED.lock().unwrap_or_else(PoisonError::into_inner);
    wanted.tests = wanted.tests.saturating_sub(1);
    THERE.store(wanted.tests, Ordering::SeqCst);
    if wanted.tests == 0
        && let Some(installed) = wanted.installed.take()
    {
        installed.remove();
    }
}

/// The calling thread, where hooks are to look at what it has allocated or freed, and its counters.
fn hooked(is_alloc: bool) -> Option<(&'static Member, Moved)> {
    let member = MEMBER.get()?;
    if !member.is_looked_at(Group::is_hooked) {
        return None;
    }
    let now = without_map(member, is_alloc, member.counted()?)?;
    Some((member, now))
}

unsafe extern "C" fn alloc(
    _: *mut c_void,
    _kind: c_uint,
    block: *mut c_void,
    _raw: usize,
    _arguments: *const usize,
) {
    if block.is_null() {
        return;
    }
    if let Some((member, now)) = hooked(true) {
        // SAFETY: jemalloc has just made this block.
        member.hooked_allocated(now, || unsafe { usable_size(block) });
    }
}

unsafe extern "C" fn dalloc(
    _: *mut c_void,
    _kind: c_uint,
    block: *mut c_void,
    _arguments: *const usize,
) {
    if let Some((member, now)) = hooked(false) {
        // SAFETY: jemalloc is about to free this block.
        member.hooked_freed(now, unsafe { usable_size(block) });
    }
}

unsafe extern "C" fn expand(
    _: *mut c_void,
    kind: c_uint,
    _block: *mut c_void,
    old_size: usize,
    new_size: usize,
    _raw: usize,
    _arguments: *const usize,
) {
    let Some((member, now)) = hooked(true) else {
        return;
    };
    if kind != EXPANDED_BY_XALLOCX {
        member.hooked_resized(now, old_size as u64, new_size as u64);
    } else if old_size != new_size {
        member.hooked_allocated(now, || 0);
    }
}
