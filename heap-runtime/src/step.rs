//! Steps: what lies between two checkpoints of a test, from its start to its end.
//!
//! A broken budget names the step that it was broken in. That is told from totals alone, as they were at
//! the end of each step:
//!
//! - The *peak* was reached in the first step at whose end it was as high as it is in the end. Where it is
//!   known to within an error, each step at whose end it was higher than that much below may be the one.
//! - What is *retained* stays from the steps in which the live amount rose, as far as it has not fallen
//!   again: what a step frees it takes from its own first, then from the newest that there is. Which block was
//!   freed is not in a total: a step that frees more than it allocates may have kept its own in place of
//!   what it has left of an earlier one. Then nobody can say which, and both are named together.
//! - The most was *allocated* in the step in which that total rose most.

use std::fmt;

use crate::sidecar::{Checkpoint, Limit, OwnTier};
use crate::size::{Human, Signed};

/// The ends of a test's steps, in order: its checkpoints and its own end.
pub(crate) struct Steps<'a>(Vec<(Point<'a>, &'a OwnTier)>);

/// A moment between two steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Point<'a> {
    Start,
    Checkpoint(&'a str),
    End,
}

impl fmt::Display for Point<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("the start"),
            Self::Checkpoint(label) => write!(f, "`{label}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// Memory that was kept in one of the steps from here to there.
struct Stay<'a> {
    from: Point<'a>,
    to: Point<'a>,
    bytes: i64,
}

/// So many steps are named, those that matter most.
const MAX_NAMED: usize = 3;

impl<'a> Steps<'a> {
    /// The steps of a test. None where it has no checkpoints, or nothing was measured.
    pub(crate) fn of(checkpoints: &'a [Checkpoint], end: Option<&'a OwnTier>) -> Option<Self> {
        let mut ends: Vec<_> = checkpoints
            .iter()
            .filter_map(|checkpoint| {
                let point = Point::Checkpoint(&checkpoint.label);
                Some((point, checkpoint.own.as_ref()?))
            })
            .collect();
        let end = end.filter(|_| !ends.is_empty())?;
        ends.push((Point::End, end));
        Some(Self(ends))
    }

    /// What there is to say of the steps where this limit is broken.
    pub(crate) fn words(&self, limit: Limit) -> Option<String> {
        match limit {
            Limit::MaxPeak => self.peak(),
            Limit::MaxRetained => self.retained(),
            Limit::MaxAllocated => {
                let (from, to, most) = self.most(|own| Some(own.allocated_bytes))?;
                Some(format!("most: {} between {from} and {to}", Human(most)))
            }
            Limit::MaxAllocations => {
                let (from, to, most) = self.most(|own| own.allocations)?;
                Some(format!("most: {most} between {from} and {to}"))
            }
            // Of any other, no step is worse than another.
            _ => None,
        }
    }

    /// Where the peak was reached, and how high it is above what was live at the step's start.
    fn peak(&self) -> Option<String> {
        let (_, end) = self.0.last()?;
        let (peak, error) = (end.peak_bytes?, end.peak_error_bytes.unwrap_or(0));
        let mut from = (Point::Start, 0);
        for (point, own) in &self.0 {
            // At a moment when others ran, it may not have been known.
            let Some(so_far) = own.peak_bytes else {
                continue;
            };
            if so_far >= peak {
                let (from, live) = from;
                let above = i64::try_from(peak).unwrap_or(i64::MAX);
                let above = Signed(above.saturating_sub(live));
                return Some(format!(
                    "reached: between {from} and {point}, {above} above what was live at {from}"
                ));
            }
            if so_far < peak.saturating_sub(error) {
                from = (*point, own.retained_bytes);
            }
        }
        None
    }

    /// The steps whose memory has stayed, the largest first.
    fn retained(&self) -> Option<String> {
        let mut stays = self.stays();
        // Of equals, the earlier comes first.
        stays.sort_by_key(|stay| std::cmp::Reverse(stay.bytes));
        let others = stays.get(MAX_NAMED..).unwrap_or_default();
        let mut words: Vec<String> = stays
            .iter()
            .take(MAX_NAMED)
            .map(|Stay { from, to, bytes }| format!("{} between {from} and {to}", Signed(*bytes)))
            .collect();
        if !others.is_empty() {
            let bytes = others.iter().map(|stay| stay.bytes).sum();
            words.push(format!("{} in {} other steps", Signed(bytes), others.len()));
        }
        (!words.is_empty()).then(|| format!("stayed: {}", words.join(", ")))
    }

    fn stays(&self) -> Vec<Stay<'a>> {
        let mut stays: Vec<Stay<'a>> = Vec::new();
        let mut before = (Point::Start, OwnTier::default());
        for (point, own) in &self.0 {
            let (from, then) = before;
            before = (*point, **own);
            let change = own.retained_bytes.saturating_sub(then.retained_bytes);
            if change > 0 {
                stays.push(Stay {
                    from,
                    to: *point,
                    bytes: change,
                });
                continue;
            }
            let mut freed = change.unsigned_abs();
            while let Some(newest) = stays.last_mut().filter(|_| freed > 0) {
                let there = newest.bytes.unsigned_abs();
                if there <= freed {
                    freed -= there;
                    stays.pop();
                    continue;
                }
                newest.bytes = newest.bytes.saturating_sub_unsigned(freed);
                freed = 0;
                let allocated = own.allocated_bytes.saturating_sub(then.allocated_bytes);
                if allocated >= newest.bytes.unsigned_abs() {
                    newest.to = *point;
                }
            }
        }
        stays
    }

    /// The step in which a total has risen most, and by how much.
    fn most(&self, total: impl Fn(&OwnTier) -> Option<u64>) -> Option<(Point<'a>, Point<'a>, u64)> {
        let mut before = (Point::Start, 0);
        let mut most: Option<(Point<'a>, Point<'a>, u64)> = None;
        for (point, own) in &self.0 {
            let Some(now) = total(own) else { continue };
            let (from, then) = before;
            let risen = now.saturating_sub(then);
            if most.is_none_or(|(.., most)| risen > most) {
                most = Some((from, *point, risen));
            }
            before = (*point, now);
        }
        most.filter(|(.., risen)| *risen > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn own(allocated: u64, retained: i64, peak: Option<u64>, error: u64) -> OwnTier {
        let mut own = OwnTier::default();
        own.allocated_bytes = allocated;
        own.retained_bytes = retained;
        own.peak_bytes = peak;
        own.peak_error_bytes = peak.map(|_| error);
        own
    }

    fn checkpoint(label: &str, own: OwnTier) -> Checkpoint {
        Checkpoint::new(label.into(), 0, Some(own))
    }

    /// The words of a test that has allocated and freed so much in each of its steps.
    fn retained(steps: &[(u64, u64)]) -> Option<String> {
        let (mut allocated, mut freed) = (0, 0);
        let mut tiers = Vec::new();
        for step in steps {
            allocated += step.0;
            freed += step.1;
            let retained = allocated.cast_signed() - freed.cast_signed();
            tiers.push(own(allocated, retained, None, 0));
        }
        let (end, tiers) = tiers.split_last()?;
        let labels = ["a", "b", "c", "d", "e"];
        let checkpoints: Vec<_> = tiers
            .iter()
            .zip(labels)
            .map(|(own, label)| checkpoint(label, *own))
            .collect();
        Steps::of(&checkpoints, Some(end))?.words(Limit::MaxRetained)
    }

    fn peak(tiers: &[OwnTier]) -> Option<String> {
        let (end, tiers) = tiers.split_last()?;
        let checkpoints: Vec<_> = tiers
            .iter()
            .zip(["a", "b", "c", "d"])
            .map(|(own, label)| checkpoint(label, *own))
            .collect();
        Steps::of(&checkpoints, Some(end))?.words(Limit::MaxPeak)
    }

    #[test]
    fn what_was_freed_again_has_not_stayed() {
        for (steps, expected) in [
            // What is freed in the next step, which keeps nothing itself.
            (
                &[(100, 0), (5000, 0), (0, 5000), (32, 0)][..],
                "stayed: +100 B between the start and `a`, +32 B between `c` and the end",
            ),
            // What comes and goes within a step is not taken from an earlier one.
            (
                &[(64, 0), (1 << 20, 1 << 20), (32, 0), (4096, 4096)],
                "stayed: +64 B between the start and `a`, +32 B between `b` and `c`",
            ),
            // A part of it.
            (
                &[(4096, 0), (0, 3072)],
                "stayed: +1.00 KiB between the start and `a`",
            ),
            (
                &[(4096, 0), (1000, 4072)],
                "stayed: +1.00 KiB between the start and `a`",
            ),
            // It had freed what it was handed.
            (
                &[(0, 100), (0, 0), (120, 0)],
                "stayed: +120 B between `b` and the end",
            ),
            (
                &[(1, 0), (2, 0), (4, 0), (0, 1), (10, 0), (10, 0)],
                "stayed: +10 B between `d` and `e`, +10 B between `e` and the end, +3 B between `b` and `c`, \
                 +3 B in 2 other steps",
            ),
        ] {
            assert_eq!(retained(steps).as_deref(), Some(expected), "{steps:?}");
        }
        assert_eq!(retained(&[(100, 0), (10, 110)]), None);
        assert_eq!(retained(&[(100, 0)]), None);
    }

    #[test]
    fn steps_of_which_either_may_have_kept_it_are_named_together() {
        let steps = [(10, 0), (1 << 20, 0), (64, 1 << 20), (0, 0)];
        assert_eq!(
            retained(&steps).as_deref(),
            Some("stayed: +64 B between `a` and `c`, +10 B between the start and `a`")
        );
    }

    #[test]
    fn what_stayed_from_the_steps_is_what_is_retained() {
        // Each sequence of five steps that go up to one of four amounts, or down.
        for number in 0..4_u32.pow(5) {
            let mut live = 0;
            let steps: Vec<_> = (0..5)
                .map(|place| {
                    let before = live;
                    live = u64::from(number / 4_u32.pow(place) % 4) * 8;
                    (live, before)
                })
                .collect();
            let words = retained(&steps).unwrap_or_default();
            let stayed: u64 = words
                .split('+')
                .skip(1)
                .filter_map(|word| word.split_once(" B")?.0.parse::<u64>().ok())
                .sum();
            assert_eq!(stayed, live, "{steps:?}: {words}");
        }
    }

    #[test]
    fn a_peak_is_reached_where_it_first_was_as_high() {
        let tiers = [
            own(0, 1000, Some(15_000), 0),
            own(0, 2000, Some(5 * MIB), 0),
            own(0, 900_000, Some(5 * MIB), 0),
            own(0, 0, Some(5 * MIB), 0),
        ];
        assert_eq!(
            peak(&tiers).as_deref(),
            Some("reached: between `a` and `b`, +5.00 MiB above what was live at `a`")
        );
        assert_eq!(
            peak(&tiers[1..]).as_deref(),
            Some("reached: between the start and `a`, +5.00 MiB above what was live at the start")
        );
        let later = [tiers[0], own(0, 0, Some(20_000), 0)];
        assert_eq!(
            peak(&later).as_deref(),
            Some("reached: between `a` and the end, +18.6 KiB above what was live at `a`")
        );
    }

    #[test]
    fn steps_that_a_peak_cannot_be_told_of_are_named_together() {
        // Within the error, it may have been reached before `b`.
        let tiers = [
            own(0, 100, Some(MIB), 65_536),
            own(0, 200, Some(4 * MIB - 4096), 65_536),
            own(0, 300, Some(4 * MIB), 65_536),
            own(0, 0, Some(4 * MIB), 65_536),
        ];
        let expected = "reached: between `a` and `c`, +4.00 MiB above what was live at `a`";
        assert_eq!(peak(&tiers).as_deref(), Some(expected));
        // At `b` it was not known.
        let mut unknown = tiers;
        unknown[1].peak_bytes = None;
        assert_eq!(peak(&unknown).as_deref(), Some(expected));
        unknown[3].peak_bytes = None;
        assert_eq!(peak(&unknown), None);
    }

    #[test]
    fn the_most_was_allocated_where_the_total_rose_most() {
        let mut tiers = [
            own(100, 0, None, 0),
            own(5000, 0, None, 0),
            own(5100, 0, None, 0),
        ];
        for (tier, allocations) in tiers.iter_mut().zip([2, 3, 9]) {
            tier.allocations = Some(allocations);
        }
        let checkpoints = [checkpoint("a", tiers[0]), checkpoint("b", tiers[1])];
        let steps = Steps::of(&checkpoints, Some(&tiers[2])).unwrap();
        assert_eq!(
            steps.words(Limit::MaxAllocated).as_deref(),
            Some("most: 4.79 KiB between `a` and `b`")
        );
        assert_eq!(
            steps.words(Limit::MaxAllocations).as_deref(),
            Some("most: 6 between `b` and the end")
        );
    }
}
