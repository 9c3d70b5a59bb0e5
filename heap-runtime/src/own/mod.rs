//! The own tier: what a test itself allocates, kept and peaked at, whatever else the process does.
//!
//! ```text
//!  scope ──open──▶ Own ──enter──▶ registry ◀──sample── sampler (inside the allocator)
//!                                    ▲
//!        spawn (pthread_create) ─────┴───── end (the thread's last destructors)
//! ```
//!
//! Nothing here is on the allocation path but one call-back of jemalloc's each
//! [`SAMPLE_BYTES`](crate::env::SAMPLE_BYTES) bytes of a thread's traffic.
//!
//! What it cannot know:
//!
//! - Whether a large block that was given another size has stayed in its place, where Rust's allocator is not that of
//!   [`use_jemalloc!`](crate::use_jemalloc) or C's is jemalloc too. Then the peak has it once, and its error twice.
//! - In the rounds of a thread's last destructors after jemalloc's own, totals are exact, but
//!   `exact` counts no allocations. In the last round, those of `pthread` keys that come after ours are missed:
//!   of a program with some five hundred keys.
//! - The C library's own threads (`timer_create`, `getaddrinfo_a`) are not started through
//!   `pthread_create`'s public name, and belong to nobody.
//! - What `arena.N.reset` and `arena.N.destroy` free, nobody counts. Where something has happened meanwhile in
//!   arenas that were made by hand, nothing is told: see [`arenas`].
//! - What std makes once and keeps is the test's that happened to be first: `warmup` is for that. What
//!   a panic's hook makes is nobody's ([`crate::panics`]).

// A static C library has no next definition to go on to.
#[cfg_attr(not(spawns), path = "alive_elsewhere.rs")]
mod alive;
mod arenas;
mod ending;
mod group;
mod handle;
mod hooks;
mod instrumented;
#[cfg(spawns)]
mod interpose;
mod interval;
mod lists;
#[cfg_attr(
    not(spawns),
    expect(dead_code, reason = "spawned threads use more of it")
)]
mod member;
mod moved;
mod per_thread;
#[cfg_attr(not(proc_fs), path = "preexisting_elsewhere.rs")]
mod preexisting;
#[cfg_attr(
    not(spawns),
    expect(dead_code, reason = "spawned threads use more of it")
)]
mod registry;
#[cfg(test)]
mod registry_tests;
mod sampler;
mod shared;
mod shared_record;
#[cfg(test)]
mod shared_tests;
#[cfg_attr(not(spawns), path = "spawn_elsewhere.rs")]
mod spawn;
mod spending;
mod stack;
#[cfg_attr(not(spawns), path = "std_map_elsewhere.rs")]
mod std_map;
mod sync;
#[cfg_attr(not(posix), path = "thread_end_elsewhere.rs")]
mod thread_end;
mod timeline;
#[cfg(test)]
mod timeline_tests;
mod unreported;
mod watch;

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use heap_sidecar::Allocator;

use crate::fork;
use crate::jemalloc;
use crate::notes::Notes;
use crate::sidecar::{LastSeen, OwnTier, PeakSource, SharedWith, Slot, Timeline};
use crate::time::{Clock, Ledger, Ran};

pub use handle::{Entered as EnteredHandle, Handle, current, nobody};
pub use instrumented::Instrumented;

use group::Group;
#[cfg(jemalloc)]
pub(crate) use interval::SMALL_REALLOCATION;
use member::{Counters, Member};
use registry::{GroupTotals, Registry, Ticket};
use sampler::Sampling;
pub(crate) use sampler::Wanted;
pub(crate) use shared::ExecutionId;
use stack::Joins;
use std_map::without_map;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

thread_local! {
    /// This thread's member. Without a destructor, so that it can be read from inside the
    /// allocator at any moment of the thread's life.
    static MEMBER: Cell<Option<&'static Member>> = const { Cell::new(None) };
}

/// Nanoseconds since a moment of this machine; 0 where the clock may not be asked. Allocates nothing, and is asked
/// inside the allocator, where std's clock would panic.
#[cfg(posix)]
fn now_ns() -> u64 {
    crate::kernel::monotonic_ns().unwrap_or(0)
}

/// Nanoseconds since a moment of this process.
#[cfg(not(posix))]
fn now_ns() -> u64 {
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// This thread's member, which it becomes with the first call.
fn member() -> &'static Member {
    MEMBER.get().unwrap_or_else(|| {
        let member = REGISTRY.enlist(None);
        member.set_thread(ending::this_thread());
        member.alive.begins();
        let ends_with_thread = thread_end::watch(member);
        REGISTRY.begin(member, counters());
        if !ends_with_thread {
            // Its samples start from here; nobody else may read the counters.
            REGISTRY.detach_counters(member);
        }
        MEMBER.set(Some(member));
        member
    })
}

/// jemalloc's counters of this thread.
fn counters() -> Option<Counters> {
    let (allocated, deallocated) = jemalloc::thread_counters()?;
    Some(Counters {
        allocated,
        deallocated,
    })
}

/// The calling thread in a group, until this is dropped; then it goes back to where it was.
struct Membership {
    member: &'static Member,
    ticket: Ticket,
    // It is about the thread that made it.
    not_send: PhantomData<*const ()>,
}

/// Moves the calling thread into a group.
fn join(group: &'static Group, joins: Joins) -> Membership {
    let member = member();
    if sampler::has_to_learn() {
        unmeasured(sampler::learn);
    }
    sampler::take_thread_peak(member);
    spending::stops(member);
    let membership = Membership {
        member,
        ticket: REGISTRY.join(member, group, joins),
        not_send: PhantomData,
    };
    spending::starts(member);
    membership
}

impl Drop for Membership {
    fn drop(&mut self) {
        // After the thread's last destructors, the member may be another thread's.
        if MEMBER
            .get()
            .is_some_and(|member| std::ptr::eq(member, self.member))
        {
            spending::stops(self.member);
            sampler::take_thread_peak(self.member);
            REGISTRY.part(self.member, self.ticket);
            spending::starts(self.member);
        }
    }
}

/// Whether a thread of this process is known to have died with its counters, which jemalloc's statistics
/// would be read from, too.
pub(crate) fn has_lost_a_thread() -> bool {
    // In a fork the others are gone anyway, and our own may not be there to ask.
    if !fork::is_child() && REGISTRY.reap() {
        LOST.store(true, Ordering::Relaxed);
    }
    LOST.load(Ordering::Relaxed)
}

static LOST: AtomicBool = AtomicBool::new(false);

/// Why a number is missing that such a thread had a part in.
pub(crate) const LOST_A_THREAD: &str = "a thread of this process has ended by the system call `exit`, and its \
     counters are gone with its memory";

/// Why a number is missing beside such arenas.
const ARENAS_BY_HAND: &str = "arenas of jemalloc's that were made by hand were in use meanwhile: what `arena.N.reset` \
     and `arena.N.destroy` free is counted for no thread";

/// Why there is no own tier in this process, where jemalloc counts and there is none all the same.
pub(crate) fn missing() -> Option<&'static str> {
    if !thread_end::prepare() {
        return Some(
            "the ends of threads are not seen: the process has no key left for `pthread_key_create`",
        );
    }
    spawn::missing()
}

/// The measurement of one tracked body.
#[derive(Clone, Copy)]
pub(crate) struct Own {
    group: &'static Group,
    sampling: Sampling,
    counted: bool,
}

/// What a tracked body has come to.
pub(crate) struct Measured {
    /// Absent where jemalloc does not count.
    pub(crate) tier: Option<OwnTier>,
    /// What the true peak is at the least, and at the most.
    pub(crate) peak_at_least: u64,
    pub(crate) peak_at_most: u64,
    pub(crate) timeline: Option<Timeline>,
    /// Why there is no tier although jemalloc counts, and all threads are there.
    pub(crate) missing: Option<&'static str>,
    pub(crate) overlap: u32,
    pub(crate) threads: u32,
    pub(crate) threads_running: u32,
    /// Where the time of its threads has gone. Absent where nobody wanted to know.
    pub(crate) ran: Option<Ran>,
    /// Why only the thread's that ran the body is known.
    pub(crate) others_unknown: Option<&'static str>,
    /// Who had ended that the threads which it left may have worked for.
    pub(crate) shared_with: Vec<SharedWith>,
    /// Where what was last seen of it stands.
    pub(crate) slot: Option<Slot>,
}

impl Own {
    /// Gets ready to measure, inside what the calling thread is measured for already.
    pub(crate) fn open(wanted: Wanted, every_bytes: u64, time: bool) -> Self {
        spawn::prepare();
        handle::prepare();
        per_thread::prepare();
        let member = member();
        let counted = missing().is_none() && jemalloc::allocator() == Allocator::Jemalloc;
        let sampling = if counted {
            sampler::start(wanted, every_bytes)
        } else {
            Sampling::None
        };
        let group = REGISTRY.open(member, sampling.sample_mode());
        group.ledger.open(time);
        Self {
            group,
            sampling,
            counted,
        }
    }

    /// Whether no other tracked test of the process has run at any moment of it, up to now.
    pub(crate) fn is_alone(&self) -> bool {
        !self.group.has_overlapped()
    }

    /// Starts the clock of timeline and checkpoints, and takes notes from now on.
    pub(crate) fn start(&self, notes: Arc<Notes>) {
        self.group.set_notes(Some(notes));
        self.group.arenas().start();
        self.group.timeline().start();
        if self.sampling.is_sampling() {
            self.group.watch().start();
        }
    }

    /// Says where what is last seen of it is to be written.
    pub(crate) fn watch(&self, slot: Slot) {
        self.group.watch().set(slot);
    }

    /// Measures the calling thread, which runs the body, and the threads it starts, until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered {
        spending::set_runner(self.group, Some(member()));
        Entered(join(self.group, Joins::Inside))
    }

    /// The own tier up to now, and nanoseconds since the start.
    pub(crate) fn so_far(&self) -> (Option<OwnTier>, u64) {
        let at_ns = self.group.timeline().elapsed_ns();
        let tier = self.counted_tier(&REGISTRY.totals(self.group));
        (tier.filter(|_| self.group.arenas().is_now()), at_ns)
    }

    /// Waits for the test's threads that are about to end. Nothing of the calling thread's is in it any
    /// more.
    pub(crate) fn wait_for_ends(&self) {
        ending::wait_for(self.group);
    }

    /// Ends the measurement, which is of that execution. Nobody may be in it any more who is not to stay.
    pub(crate) fn close(self, execution: Option<ExecutionId<&str>>) -> Measured {
        let slot = self.group.watch().stop();
        spending::look_at_others(self.group);
        let measured = REGISTRY.close(self.group, execution, |group, totals, handed| {
            let tier = self.counted_tier(&totals);
            let is_all = tier.is_none() || group.arenas().is_now();
            let mut points = group.timeline().points();
            if !is_all {
                points.clear();
            }
            let [peak_at_least, peak_at_most] = self.sampling.bounds(&totals);
            Measured {
                tier: tier.filter(|_| is_all),
                peak_at_least,
                peak_at_most,
                timeline: (!points.is_empty()).then(|| {
                    let mut timeline = Timeline::default();
                    timeline.every_bytes = group.timeline().every_bytes();
                    timeline.points = points;
                    timeline
                }),
                missing: (!is_all).then_some(ARENAS_BY_HAND),
                overlap: totals.overlap,
                threads: totals.threads,
                threads_running: totals.threads_running,
                ran: group.ledger.ran(),
                others_unknown: if totals.lost {
                    Some(LOST_A_THREAD)
                } else {
                    missing()
                },
                shared_with: shared_record::others(handed),
                slot,
            }
        });
        sampler::stop(self.sampling);
        measured
    }

    /// The tier by what threads have counted.
    fn counted_tier(&self, totals: &GroupTotals) -> Option<OwnTier> {
        if totals.lost {
            LOST.store(true, Ordering::Relaxed);
        }
        if !self.counted || totals.lost {
            return None;
        }
        // Only the calling thread's, and those of threads that have ended, are in it.
        let others = totals
            .threads_running
            .saturating_sub(u32::from(is_in(self.group)));
        let sampling = match self.sampling {
            Sampling::ThreadPeak if others > 0 => Sampling::None,
            sampling => sampling,
        };
        let peak_source = sampling.source();
        let [at_least, at_most] = sampling.bounds(totals);
        let peak = totals.peak;
        let error = peak
            .saturating_sub(at_least)
            .max(at_most.saturating_sub(peak));
        let mut tier = OwnTier::default();
        tier.allocated_bytes = totals.moved.allocated;
        tier.deallocated_bytes = totals.moved.deallocated;
        tier.retained_bytes = totals.moved.net();
        tier.peak_bytes = peak_source.map(|_| peak);
        tier.peak_error_bytes = peak_source.map(|_| error);
        tier.peak_source = peak_source;
        tier.allocations = (peak_source == Some(PeakSource::Exact)).then_some(totals.allocations);
        tier.threads = totals.threads;
        tier.threads_running = totals.threads_running;
        tier.shared = shared_record::threads(totals.shared);
        Some(tier)
    }
}

/// A thread in a measurement; it goes back to where it was when this is dropped.
pub(crate) struct Entered(#[expect(dead_code, reason = "dropped, that is all")] Membership);

/// A reallocation of the calling thread's is over, in the middle of which it may have been noticed. In its place, a
/// block has kept so many bytes of what it had.
#[cfg(jemalloc)]
pub(crate) fn reallocated(noticed: bool, in_place: Option<usize>) {
    sampler::reallocated(noticed, in_place);
}

/// Runs code of our own inside a measured body: what it allocates and frees is nobody's.
pub(crate) fn unmeasured<T>(run: impl FnOnce() -> T) -> T {
    struct Resume(&'static Member, Instant);
    impl Drop for Resume {
        fn drop(&mut self) {
            REGISTRY.resume(self.0);
            sampler::start_thread_peak();
            UNMEASURED.set(UNMEASURED.get().saturating_add(self.1.elapsed()));
            spending::starts(self.0);
        }
    }
    let paused = MEMBER.get().filter(|member| !member.is_paused());
    let Some(member) = paused else {
        return run();
    };
    spending::stops(member);
    let start = Instant::now();
    sampler::take_thread_peak(member);
    REGISTRY.pause(member);
    let _resume = Resume(member, start);
    run()
}

thread_local! {
    static UNMEASURED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// How long the calling thread has run code of our own inside measured bodies: that is no time of a test's.
pub(crate) fn time_unmeasured() -> Duration {
    UNMEASURED.get()
}

/// Whether the calling thread is in a tracked test.
pub(crate) fn is_measured() -> bool {
    MEMBER
        .get()
        .is_some_and(|member| member.open_group().is_some())
}

/// Whether the calling thread is in that group.
fn is_in(group: &'static Group) -> bool {
    MEMBER.get().is_some_and(|member| member.is_in(group))
}

/// The notes of the test that the calling thread is in.
pub(crate) fn current_notes() -> Option<Arc<Notes>> {
    MEMBER.get()?.notes()
}
