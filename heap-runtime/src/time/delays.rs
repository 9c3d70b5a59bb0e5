//! What the kernel made a thread wait for, or several.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::why::Why;
use crate::sidecar::{self, Delay};

/// What there is to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    BlockIo,
    SwapIn,
    Reclaim,
    Thrashing,
    Compaction,
    WriteProtectCopy,
    Irq,
}

pub(super) const KINDS: usize = Kind::Irq as usize + 1;

/// The keys of a sidecar, in the order of the kinds.
const KEYS: [&str; KINDS] = [
    "block_io",
    "swap_in",
    "reclaim",
    "thrashing",
    "compaction",
    "write_protect_copy",
    "irq",
];

/// Whether any thread was ever delayed by an interrupt: a kernel that does not count them says 0.
static COUNTS_IRQ: AtomicBool = AtomicBool::new(false);

/// A thread has told of these.
#[cfg_attr(not(proc_fs), expect(dead_code, reason = "nobody is asked"))]
pub(super) fn note_irq(delays: &Delays) {
    if delays.get(Kind::Irq).is_some_and(|irq| irq.count > 0) {
        COUNTS_IRQ.store(true, Ordering::Relaxed);
    }
}

fn counts_irq() -> bool {
    COUNTS_IRQ.load(Ordering::Relaxed)
}

/// Of each kind how often and how long, or that it is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delays([Option<Delay>; KINDS]);

impl Delays {
    /// None of any kind.
    pub(super) fn none() -> Self {
        Self([Some(Delay::default()); KINDS])
    }

    #[cfg(any(proc_fs, test))]
    pub(super) fn of(kinds: [Option<Delay>; KINDS]) -> Self {
        Self(kinds)
    }

    pub(super) fn get(&self, kind: Kind) -> Option<Delay> {
        self.0.get(kind as usize).copied().flatten()
    }

    /// Whether there was any of any kind.
    pub(super) fn is_any(&self) -> bool {
        self.0.iter().flatten().any(|delay| delay.count > 0)
    }

    pub(super) fn total_ns(&self) -> u64 {
        let ns = self.0.iter().flatten().map(|delay| delay.ns);
        ns.fold(0, u64::saturating_add)
    }

    /// What is not known of one is not known of both.
    fn both(&self, other: &Self, of_one: impl Fn(u64, u64) -> u64) -> Self {
        let mut both = *self;
        for (mine, theirs) in both.0.iter_mut().zip(other.0) {
            *mine = mine.zip(theirs).map(|(mine, theirs)| {
                Delay::new(of_one(mine.count, theirs.count), of_one(mine.ns, theirs.ns))
            });
        }
        both
    }

    pub(super) fn since(&self, before: &Self) -> Self {
        self.both(before, u64::saturating_sub)
    }
}

/// What came to a thread since it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portion {
    pub(super) delays: Result<Delays, Why>,
    /// How much of it may be somebody else's, or how much may be missing.
    pub(super) error_ns: u64,
}

/// The portions of several threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summed(Portion);

impl Summed {
    pub(super) const fn unknown(why: Why) -> Self {
        Self(Portion {
            delays: Err(why),
            error_ns: 0,
        })
    }

    pub(super) fn nothing() -> Self {
        Self(Portion {
            delays: Ok(Delays::none()),
            error_ns: 0,
        })
    }

    /// Whether the kernel was not counting.
    pub(super) fn is_off(&self) -> bool {
        self.0.delays == Err(Why::Off)
    }

    /// The first reason why something is not known stays.
    pub(super) fn add(&mut self, more: &Portion) {
        if let Ok(sum) = self.0.delays {
            self.0.delays = more.delays.map(|more| sum.both(&more, u64::saturating_add));
            self.0.error_ns = self.0.error_ns.saturating_add(more.error_ns);
        }
    }

    /// For people and programs.
    pub(crate) fn told(&self) -> Option<sidecar::Delays> {
        let delays = self.0.delays.ok()?;
        let mut told = sidecar::Delays::default();
        told.block_io = delays.get(Kind::BlockIo);
        told.swap_in = delays.get(Kind::SwapIn);
        told.reclaim = delays.get(Kind::Reclaim);
        told.thrashing = delays.get(Kind::Thrashing);
        told.compaction = delays.get(Kind::Compaction);
        told.write_protect_copy = delays.get(Kind::WriteProtectCopy);
        told.irq = delays.get(Kind::Irq).filter(|_| counts_irq());
        told.error_ns = Some(self.0.error_ns).filter(|error| *error > 0);
        Some(told)
    }

    /// Says why something is not known, by the keys of a sidecar.
    pub(crate) fn put_reasons(&self, reasons: &mut BTreeMap<String, String>) {
        let mut put = |key: String, why: String| {
            reasons.entry(key).or_insert(why);
        };
        match self.0.delays {
            Err(why) => put("delays".into(), why.to_string()),
            Ok(delays) => {
                let uncounted = KEYS.iter().zip(delays.0).filter(|(_, it)| it.is_none());
                for (key, _) in uncounted {
                    put(
                        format!("delays.{key}"),
                        "this kernel does not count it".into(),
                    );
                }
                if !counts_irq() && delays.get(Kind::Irq).is_some() {
                    // It does in each tick, or never.
                    let why = "this kernel has counted none yet: it was built without \
                         CONFIG_IRQ_TIME_ACCOUNTING, or no thread has met an interrupt";
                    put("delays.irq".into(), why.into());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reclaim(count: u64, ns: u64) -> Delays {
        let mut delays = Delays::none();
        delays.0[Kind::Reclaim as usize] = Some(Delay::new(count, ns));
        delays
    }

    fn portion(delays: Result<Delays, Why>) -> Portion {
        Portion {
            delays,
            error_ns: 5,
        }
    }

    #[test]
    fn what_is_not_known_of_one_thread_is_not_known_of_all() {
        let mut sum = Summed::nothing();
        sum.add(&portion(Ok(reclaim(2, 70))));
        sum.add(&portion(Ok(reclaim(1, 30))));
        let told = sum.told().unwrap();
        assert_eq!(told.reclaim, Some(Delay::new(3, 100)));
        assert_eq!(told.swap_in, Some(Delay::default()));
        assert_eq!(told.error_ns, Some(10));
        sum.add(&portion(Err(Why::Uncounted)));
        sum.add(&portion(Err(Why::Off)));
        sum.add(&portion(Ok(reclaim(1, 30))));
        assert_eq!(sum.told(), None);
        let mut reasons = BTreeMap::new();
        sum.put_reasons(&mut reasons);
        assert_eq!(reasons["delays"], Why::Uncounted.to_string());
    }

    #[test]
    fn a_kind_that_the_kernel_does_not_count_is_absent_with_its_reason() {
        let mut delays = reclaim(1, 1);
        delays.0[Kind::Compaction as usize] = None;
        let mut sum = Summed::nothing();
        sum.add(&portion(Ok(delays)));
        assert_eq!(sum.told().unwrap().compaction, None);
        let mut reasons = BTreeMap::new();
        sum.put_reasons(&mut reasons);
        assert!(reasons.contains_key("delays.compaction"), "{reasons:?}");
        assert!(!reasons.contains_key("delays.reclaim"), "{reasons:?}");
    }
}
