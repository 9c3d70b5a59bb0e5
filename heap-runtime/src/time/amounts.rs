//! What is counted of a thread, or of several.

use crate::sidecar::Spent;

/// What there is to count: times in nanoseconds, and numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    Wall,
    Cpu,
    User,
    System,
    RunDelay,
    /// How far `RunDelay` may be off, either way.
    RunDelayError,
    Slices,
    Voluntary,
    Involuntary,
    MinorFaults,
    MajorFaults,
}

const COUNTS: usize = Count::MajorFaults as usize + 1;

/// Of each count an amount, or that it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    values: [u64; COUNTS],
    /// A bit for each count that is not known.
    unknown: u32,
}

impl Amounts {
    /// Nothing of anything.
    pub(crate) const NONE: Self = Self {
        values: [0; COUNTS],
        unknown: 0,
    };

    pub(crate) fn get(&self, count: Count) -> Option<u64> {
        let is_known = self.unknown & (1 << count as u32) == 0;
        self.values
            .get(count as usize)
            .copied()
            .filter(|_| is_known)
    }

    pub(super) fn set(&mut self, count: Count, value: Option<u64>) {
        let bit = 1 << count as u32;
        match value {
            Some(_) => self.unknown &= !bit,
            None => self.unknown |= bit,
        }
        if let Some(place) = self.values.get_mut(count as usize) {
            *place = value.unwrap_or_default();
        }
    }

    /// Adds others. What is not known of them is not known of the sum.
    pub(crate) fn add(&mut self, more: &Self) {
        for (sum, more) in self.values.iter_mut().zip(more.values) {
            *sum = sum.saturating_add(more);
        }
        self.unknown |= more.unknown;
    }

    /// What came to it since `before`; of two readings that differ in how exact they are, nothing is counted twice.
    pub(super) fn advance(&mut self, now: &Self) -> Self {
        let mut since = Self::NONE;
        let values = self.values.iter_mut().zip(now.values);
        for (since, (before, now)) in since.values.iter_mut().zip(values) {
            *since = now.saturating_sub(*before);
            *before = now.max(*before);
        }
        since.unknown = self.unknown | now.unknown;
        self.unknown = now.unknown;
        since
    }

    /// For people and programs. Of a thread that took so long in all, with what is left of that.
    pub(crate) fn spent(&self, took_ns: Option<u64>) -> Spent {
        let mut spent = Spent::default();
        spent.cpu_ns = self.get(Count::Cpu);
        spent.user_ns = self.get(Count::User);
        spent.system_ns = self.get(Count::System);
        spent.run_delay_ns = self.get(Count::RunDelay);
        spent.run_delay_error_ns = (spent.run_delay_ns)
            .and_then(|_| self.get(Count::RunDelayError))
            .filter(|error| *error > 0);
        spent.blocked_ns = took_ns
            .zip(spent.cpu_ns.zip(spent.run_delay_ns))
            .map(|(took, (cpu, delay))| took.saturating_sub(cpu).saturating_sub(delay));
        spent.slices = self.get(Count::Slices);
        spent.voluntary_switches = self.get(Count::Voluntary);
        spent.involuntary_switches = self.get(Count::Involuntary);
        spent.minor_faults = self.get(Count::MinorFaults);
        spent.major_faults = self.get(Count::MajorFaults);
        spent
    }

    /// As [`spent`](Self::spent), but what was asked of running threads only at their last stop.
    pub(crate) fn spent_on_a_cpu(&self) -> Spent {
        let all = self.spent(None);
        let mut spent = Spent::default();
        spent.cpu_ns = all.cpu_ns;
        spent.run_delay_ns = all.run_delay_ns;
        spent.run_delay_error_ns = all.run_delay_error_ns;
        spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeMap;

    fn amounts(cpu: Option<u64>, faults: u64) -> Amounts {
        let mut amounts = Amounts::NONE;
        amounts.set(Count::Cpu, cpu);
        amounts.set(Count::MinorFaults, Some(faults));
        amounts
    }

    #[test]
    fn what_is_not_known_once_is_not_known_of_the_sum() {
        let mut sum = amounts(Some(5), 1);
        sum.add(&amounts(Some(7), 2));
        assert_eq!(
            (sum.get(Count::Cpu), sum.get(Count::MinorFaults)),
            (Some(12), Some(3))
        );
        sum.add(&amounts(None, 1));
        sum.add(&amounts(Some(1), 1));
        assert_eq!(
            (sum.get(Count::Cpu), sum.get(Count::MinorFaults)),
            (None, Some(5))
        );
        let mut reasons = BTreeMap::new();
        sum.put_reasons(&mut reasons);
        assert_eq!(reasons.keys().collect::<Vec<_>>(), ["cpu_ns"]);
    }

    #[test]
    fn a_rougher_reading_takes_nothing_back() {
        let mut at = amounts(Some(15), 0);
        // By another thread, in larger steps.
        assert_eq!(at.advance(&amounts(Some(10), 0)).get(Count::Cpu), Some(0));
        assert_eq!(at.advance(&amounts(Some(18), 0)).get(Count::Cpu), Some(3));
        // From what is not known, nothing is known to have come.
        assert_eq!(at.advance(&amounts(None, 0)).get(Count::Cpu), None);
        assert_eq!(at.advance(&amounts(Some(30), 0)).get(Count::Cpu), None);
        assert_eq!(at.advance(&amounts(Some(31), 0)).get(Count::Cpu), Some(1));
    }

    #[test]
    fn what_is_left_was_blocked() {
        let mut thread = amounts(Some(40), 0);
        thread.set(Count::RunDelay, Some(25));
        assert_eq!(thread.spent(Some(100)).blocked_ns, Some(35));
        // Two clocks that differ by a little.
        assert_eq!(thread.spent(Some(60)).blocked_ns, Some(0));
        assert_eq!(thread.spent(None).blocked_ns, None);
        thread.set(Count::RunDelay, None);
        let spent = thread.spent(Some(100));
        assert_eq!((spent.blocked_ns, spent.run_delay_error_ns), (None, None));
    }
}
