//! The measurement of one tracked body, from its opening to what it has come to.

use heap_sidecar::Allocator;

use super::group::{Attachment, Group};
use super::lost::{LOST_A_THREAD, arenas_by_hand_now, note_lost_thread};
use super::membership::{Membership, join, member};
use super::sampler::{self, PeakMethod, Wanted};
use super::shared::ExecutionId;
use super::stack::Joins;
use super::this_thread::{REGISTRY, is_in};
use super::totals::GroupTotals;
use super::{ending, handle, hooks, per_thread, shared_record, spawn, spending, thread_end};
use crate::jemalloc;
use crate::sidecar::{OwnTier, PeakSource, SharedWith, Slot, Spent, Timeline};
use crate::time::{Ask, Ran};

/// Why a number is missing beside such arenas.
const ARENAS_BY_HAND: &str = "arenas of jemalloc's that were made by hand were in use meanwhile: what `arena.N.reset` \
     and `arena.N.destroy` free is counted for no thread";

/// Why there is no own tier in this process, where jemalloc counts and there is none all the same.
pub(crate) fn missing() -> Option<&'static str> {
    if !thread_end::prepare() {
        return Some(
            "the ends of threads cannot be seen: the process has no key left for `pthread_key_create`",
        );
    }
    spawn::missing()
}

/// The measurement of one tracked body.
#[derive(Clone, Copy)]
pub(crate) struct Own {
    group: &'static Group,
    sampling: PeakMethod,
    counted: bool,
    /// Of the hooks that others want.
    hooks_before: hooks::Seen,
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
    /// Whether hooks that another test wanted were there at any moment.
    pub(crate) beside_exact: bool,
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
        let hooks_before = hooks::Seen::now();
        let sampling = if counted {
            sampler::start(wanted, every_bytes)
        } else {
            PeakMethod::None
        };
        let group = REGISTRY.open(member, sampling.sample_mode());
        group.ledger.open(time);
        Self {
            group,
            sampling,
            counted,
            hooks_before,
        }
    }

    /// Whether no other tracked test of the process has run at any moment of it, up to now.
    pub(crate) fn is_alone(&self) -> bool {
        !self.group.has_overlapped()
    }

    /// Starts the clock of timeline and checkpoints. Threads of the test find what is attached from now on.
    pub(crate) fn start(&self, attachment: Attachment) {
        self.group.attach(Some(attachment));
        self.group.arenas().start(arenas_by_hand_now());
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
    pub(crate) fn enter(&self, ask: Ask) -> Entered {
        spending::set_runner(self.group, Some(member()));
        Entered(join(self.group, Joins::Inside, ask))
    }

    /// The own tier up to now, and nanoseconds since the start.
    pub(crate) fn so_far(&self) -> (Option<OwnTier>, u64) {
        let at_ns = self.group.timeline().elapsed_ns();
        let tier = self.counted_tier(&REGISTRY.totals(self.group));
        (
            tier.filter(|_| self.group.arenas().is(arenas_by_hand_now())),
            at_ns,
        )
    }

    /// What its threads have spent on a CPU and waiting for one, up to now. None where nobody wants to know.
    pub(crate) fn spent_so_far(&self) -> Option<Spent> {
        spending::so_far(self.group)
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
        self.group.ledger.close();
        let measured = REGISTRY.close(self.group, execution, |group, totals, handed| {
            let tier = self.counted_tier(&totals);
            let is_all = tier.is_none() || group.arenas().is(arenas_by_hand_now());
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
                beside_exact: (self.hooks_before).has_others(self.sampling == PeakMethod::Hooks),
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
            note_lost_thread();
        }
        if !self.counted || totals.lost {
            return None;
        }
        // Only the calling thread's, and those of threads that have ended, are in it.
        let others = totals
            .threads_running
            .saturating_sub(u32::from(is_in(self.group)));
        let sampling = match self.sampling {
            PeakMethod::ThreadPeak if others > 0 => PeakMethod::None,
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
