//! What of a process is resident and is not its allocator's.

use std::fmt;

use crate::size::Human;
use crate::{Allocator, HostHeapState, OwnTier, ProcessTier, ResidentSet, Sidecar};

/// From so many bytes on, what is resident beside the allocator's is worth a word: [`ProcessTier::unseen`].
pub const UNSEEN_BYTES: u64 = 16 << 20;

/// Memory that has become resident during a test and that its allocator does not know.
///
/// ```
/// use heap_sidecar::{Allocator, HeapDelta, HostHeapState, ProcessTier, Resident, ResidentSet};
///
/// let resident = |mib: u64| {
///     let mut resident = Resident::default();
///     (resident.bytes, resident.anonymous_bytes) = (Some(mib << 20), Some(mib << 20));
///     (resident.file_bytes, resident.shared_bytes) = (Some(0), Some(0));
///     resident
/// };
/// let mut delta = HeapDelta::default();
/// delta.resident_bytes = Some(0);
/// let mut process = ProcessTier::new(delta);
/// process.resident = Some(ResidentSet::new(resident(8), resident(264)));
/// let mut before = HostHeapState::default();
/// before.resident_bytes = Some(4 << 20);
/// let unseen = process.unseen(Some(&before), None).expect("256 MiB are worth a word");
/// assert_eq!(unseen.bytes, 256 << 20);
/// assert_eq!(
///     unseen.words(Some(Allocator::Other)),
///     "the process's resident set grew by 256 MiB, of which its allocator knows 0 B: mmap, C's malloc, stacks"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Unseen {
    /// How much, in bytes.
    pub bytes: u64,
    /// By how much the process's resident set has grown in all, in bytes.
    pub grown_bytes: u64,
    /// By how much that of its allocator has grown at the most, in bytes.
    pub known_bytes: u64,
    /// What most of it is.
    pub kind: UnseenKind,
    /// It was so at the most, and no more at the end.
    pub was_given_back: bool,
    /// The allocator had so much before that some of it may have been touched for the first time.
    pub may_be_older: bool,
}

/// What most of the [`Unseen`] memory is, as the kernel tells it apart.
///
/// ```
/// use heap_sidecar::UnseenKind;
///
/// assert_ne!(UnseenKind::File, UnseenKind::Shared);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnseenKind {
    /// Memory in no file: `mmap`, C's `malloc`, stacks.
    Anonymous,
    /// Files that are mapped.
    File,
    /// Shared memory.
    Shared,
    /// Any of those: what is known is that there was so much.
    Any,
}

impl Unseen {
    /// It in one line, for people. `c_allocator` is what serves C's `malloc`.
    #[must_use]
    pub fn words(&self, c_allocator: Option<Allocator>) -> String {
        let anonymous = match c_allocator {
            Some(Allocator::Jemalloc) => "mmap, stacks",
            _ => "mmap, C's malloc, stacks",
        };
        let (what, more) = match self.kind {
            UnseenKind::Anonymous => (anonymous, ""),
            UnseenKind::File => ("files that are mapped", ""),
            UnseenKind::Shared => ("shared memory", ""),
            UnseenKind::Any => (anonymous, ", mapped files"),
        };
        let at_most = if self.was_given_back {
            " at its most"
        } else {
            ""
        };
        let older = if self.may_be_older {
            ", or blocks of before that were touched now"
        } else {
            ""
        };
        format!(
            "the process's resident set grew by {}{at_most}, of which its allocator knows {}: {what}{more}{older}",
            Human(self.grown_bytes),
            Human(self.known_bytes),
        )
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.words(None))
    }
}

impl ProcessTier {
    /// What has become resident and is not the allocator's, where that is worth a word: it is [`UNSEEN_BYTES`] or
    /// more, beyond what the readings may be off by, and at least half of what the allocator has grown by. A huge page that
    /// the allocator has touched a part of is resident as a whole, and is no more than that.
    ///
    /// It is the whole process's, so other tests that ran meanwhile are in it. What was given back before the test's
    /// end is seen by the most that there was, and only where the test was [alone](ResidentSet::alone): of others, nobody
    /// knows what their allocations were at their most. jemalloc's own count of what is resident is an
    /// upper bound, so there may be more. `heap_before` is the process's heap before the test.
    #[must_use]
    pub fn unseen(
        &self,
        heap_before: Option<&HostHeapState>,
        own: Option<&OwnTier>,
    ) -> Option<Unseen> {
        let set = self.resident.as_ref()?;
        let panics = self.panics.unwrap_or_default();
        let of_panics = not_below_zero(panics.rss_bytes.unwrap_or(0));
        let allocator = self.delta.resident_bytes?;
        let allocator = allocator.saturating_sub(panics.delta.resident_bytes.unwrap_or(0));
        let known = not_below_zero(allocator);
        let error = set.before.error_bytes.unwrap_or(0) + set.after.error_bytes.unwrap_or(0);
        let is_much = |grown: u64, known: u64| {
            let unseen = grown.saturating_sub(known);
            unseen >= UNSEEN_BYTES.saturating_add(error) && unseen >= known / 2
        };
        let had = heap_before.and_then(|heap| heap.resident_bytes);
        let unseen = |grown: u64, known: u64| {
            let bytes = grown.saturating_sub(known);
            Unseen {
                bytes,
                grown_bytes: grown,
                known_bytes: known.min(grown),
                kind: UnseenKind::Any,
                was_given_back: false,
                may_be_older: had.is_none_or(|had| had >= bytes),
            }
        };
        let grown = not_below_zero(set.grown_bytes()?).saturating_sub(of_panics);
        if is_much(grown, known) {
            return Some(Unseen {
                kind: kind(set, known, of_panics),
                ..unseen(grown, known)
            });
        }
        let peaked = set.after.peak_bytes > set.before.peak_bytes;
        let grown = set.after.peak_bytes?.saturating_sub(set.before.bytes?);
        let known = known.max(own?.allocated_bytes);
        (set.alone && peaked && of_panics == 0 && is_much(grown, known)).then(|| Unseen {
            was_given_back: true,
            ..unseen(grown, known)
        })
    }
}

impl Sidecar {
    /// What has become resident during the test that the process's allocator does not know: [`ProcessTier::unseen`].
    ///
    /// ```
    /// // The test allocated 5 MiB, and that was all.
    /// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
    /// assert_eq!(sidecar.unseen(), None);
    /// # Ok::<(), heap_sidecar::ReadError>(())
    /// ```
    #[must_use]
    pub fn unseen(&self) -> Option<Unseen> {
        let heap = &self.heap;
        let before = self.host_before.heap_state.as_ref();
        heap.process.as_ref()?.unseen(before, heap.own.as_ref())
    }
}

/// What has grown most beside what the allocator knows.
fn kind(set: &ResidentSet, known: u64, of_panics: u64) -> UnseenKind {
    let grown = |part, less: u64| {
        let grown = set.grown(part).map(not_below_zero);
        grown.map(|grown| grown.saturating_sub(less))
    };
    let parts = [
        (UnseenKind::Anonymous, grown(|of| of.anonymous_bytes, known)),
        // The hook of a panic maps the program's symbols.
        (UnseenKind::File, grown(|of| of.file_bytes, of_panics)),
        (UnseenKind::Shared, grown(|of| of.shared_bytes, 0)),
    ];
    if parts.iter().any(|(_, grown)| grown.is_none()) {
        return UnseenKind::Any;
    }
    let most = parts.into_iter().max_by_key(|(_, grown)| *grown);
    most.map_or(UnseenKind::Any, |(kind, _)| kind)
}

fn not_below_zero(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HeapDelta, PanicToll, Resident};

    const MIB: u64 = 1 << 20;

    /// In MiB: anonymous, of files, shared, and the peak.
    fn resident([anonymous, file, shared, peak]: [u64; 4]) -> Resident {
        Resident {
            bytes: Some((anonymous + file + shared) * MIB),
            anonymous_bytes: Some(anonymous * MIB),
            file_bytes: Some(file * MIB),
            shared_bytes: Some(shared * MIB),
            peak_bytes: Some(peak * MIB),
            error_bytes: None,
        }
    }

    /// By how many MiB the allocator's has grown, and what was resident before and after.
    fn tier(allocator: i64, before: [u64; 4], after: [u64; 4]) -> ProcessTier {
        let delta = HeapDelta {
            resident_bytes: Some(allocator << 20),
            ..HeapDelta::default()
        };
        let mut tier = ProcessTier::new(delta);
        tier.resident = Some(ResidentSet::new(resident(before), resident(after)));
        tier
    }

    fn heap(mib: u64) -> HostHeapState {
        HostHeapState {
            resident_bytes: Some(mib * MIB),
            ..HostHeapState::default()
        }
    }

    fn unseen(tier: &ProcessTier) -> Option<(u64, UnseenKind)> {
        let unseen = tier.unseen(Some(&heap(4)), None)?;
        assert_eq!(unseen.grown_bytes - unseen.known_bytes, unseen.bytes);
        assert!(!unseen.may_be_older && !unseen.was_given_back);
        Some((unseen.bytes / MIB, unseen.kind))
    }

    #[test]
    fn what_the_allocator_does_not_know_is_told_by_its_kind() {
        use UnseenKind::{Anonymous, File, Shared};
        let before = [6, 4, 0, 10];
        let of = |allocator, after| unseen(&tier(allocator, before, after));
        assert_eq!(of(0, [262, 4, 0, 266]), Some((256, Anonymous)));
        assert_eq!(of(64, [326, 4, 0, 330]), Some((256, Anonymous)));
        assert_eq!(of(0, [6, 100, 0, 106]), Some((96, File)));
        assert_eq!(of(0, [6, 4, 64, 74]), Some((64, Shared)));
        // It gave back what was its own meanwhile: that is not to be had twice.
        assert_eq!(of(-64, [6, 4, 0, 80]), None);
    }

    #[test]
    fn what_is_little_is_not_worth_a_word() {
        let before = [6, 4, 0, 10];
        assert_eq!(unseen(&tier(0, before, before)), None);
        assert_eq!(unseen(&tier(64, before, [70, 4, 0, 74])), None);
        assert_eq!(unseen(&tier(0, before, [21, 4, 0, 25])), None);
        assert!(unseen(&tier(0, before, [22, 4, 0, 26])).is_some());
        // Huge pages.
        assert_eq!(unseen(&tier(256, before, [331, 4, 0, 335])), None);
        // Memory that was allocated and not touched.
        assert_eq!(unseen(&tier(1024, before, before)), None);
        let mut batched = tier(0, before, [22, 4, 0, 26]);
        let set = batched.resident.as_mut().unwrap();
        set.after.error_bytes = Some(1);
        assert_eq!(unseen(&batched), None);
    }

    #[test]
    fn what_is_not_there_at_the_end_is_seen_in_a_process_of_ones_own() {
        let mut tier = tier(0, [6, 4, 0, 10], [6, 4, 0, 42]);
        let mut own = OwnTier {
            allocated_bytes: 4 * MIB,
            ..OwnTier::default()
        };
        assert_eq!(tier.unseen(None, Some(&own)), None);
        tier.resident.as_mut().unwrap().alone = true;
        let unseen = tier.unseen(None, Some(&own)).unwrap();
        assert_eq!((unseen.bytes, unseen.kind), (28 * MIB, UnseenKind::Any));
        assert!(unseen.was_given_back);
        // All that was ever allocated may have been there at once.
        own.allocated_bytes = 20 * MIB;
        assert_eq!(tier.unseen(None, Some(&own)), None);
    }

    #[test]
    fn what_was_allocated_before_may_be_touched_now() {
        let tier = tier(0, [6, 4, 0, 10], [262, 4, 0, 266]);
        let unseen = tier.unseen(Some(&heap(300)), None).unwrap();
        assert!(unseen.may_be_older);
        let words = unseen.words(Some(Allocator::Jemalloc));
        assert!(words.ends_with(": mmap, stacks, or blocks of before that were touched now"));
    }

    #[test]
    fn what_the_hook_of_a_panic_reads_is_none_of_it() {
        let mut tier = tier(40, [6, 4, 0, 10], [46, 24, 0, 70]);
        tier.panics = Some(PanicToll {
            delta: HeapDelta {
                resident_bytes: Some(40 << 20),
                ..HeapDelta::default()
            },
            rss_bytes: Some(60 << 20),
        });
        assert_eq!(unseen(&tier), None);
    }
}
