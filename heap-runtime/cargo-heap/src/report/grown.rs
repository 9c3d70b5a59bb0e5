//! Which part of a test's time has grown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::row::Row;

/// What is a smaller share of all that has grown, in percent, is not named.
const NAMED_PERCENT: f64 = 1.0;

/// By how much a part of the time of the thread that runs a test has grown.
///
/// ```
/// let json = r#"{ "part": "block I/O", "by_ns": 840000000.0 }"#;
/// let grown: cargo_heap::report::Grown = serde_json::from_str(json)?;
/// assert_eq!(grown.part, "block I/O");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Grown {
    /// The part: `running`, `waiting for a CPU`, and either `blocked` or what that is made of.
    pub part: String,
    /// How much longer its median is, in nanoseconds.
    pub by_ns: f64,
}

type Readings = BTreeMap<&'static str, Vec<f64>>;

/// Readings of the parts of a test's time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parts {
    /// In three parts, and in five where delays were counted.
    by_cpu: Readings,
    by_delays: Readings,
}

impl Parts {
    pub(super) fn add(&mut self, row: &Row) {
        for (readings, parts) in [
            (&mut self.by_cpu, row.cpu_parts()),
            (&mut self.by_delays, row.delay_parts()),
        ] {
            for (part, ns) in parts {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "of hours, less than a microsecond"
                )]
                readings.entry(part).or_default().push(ns as f64);
            }
        }
    }

    /// What has grown since, the most first.
    pub(super) fn grown(&self, new: &Self, median: impl Fn(&[f64]) -> Option<f64>) -> Vec<Grown> {
        // Where some of either side were not counted, the finer parts would be of others than the times.
        let is_whole = |parts: &Self| {
            let count = |readings: &Readings| readings.values().next().map_or(0, Vec::len);
            count(&parts.by_delays) == count(&parts.by_cpu)
        };
        let (base, new) = if is_whole(self) && is_whole(new) {
            (&self.by_delays, &new.by_delays)
        } else {
            (&self.by_cpu, &new.by_cpu)
        };
        let parts = base.iter().filter_map(|(part, base)| {
            let by_ns = median(new.get(part)?)? - median(base)?;
            let part = (*part).to_owned();
            (by_ns > 0.0).then_some(Grown { part, by_ns })
        });
        let mut grown: Vec<Grown> = parts.collect();
        let all: f64 = grown.iter().map(|grown| grown.by_ns).sum();
        grown.retain(|grown| grown.by_ns * 100.0 >= all * NAMED_PERCENT);
        grown.sort_by(|a, b| b.by_ns.total_cmp(&a.by_ns));
        grown
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::full;
    use super::*;

    const MS: u64 = 1_000_000;

    /// Milliseconds on a CPU, waiting for one, in reclaim, waiting for a device, and blocked in all.
    fn parts(rows: &[[u64; 5]]) -> Parts {
        let mut parts = Parts::default();
        for [cpu, waited, reclaiming, block_io, blocked] in rows {
            let mut row = full();
            row.body_cpu_ns = Some(cpu * MS);
            row.body_run_delay_ns = Some(waited * MS);
            row.body_reclaiming_ns = Some(reclaiming * MS);
            row.body_memory_wait_ns = Some(0);
            row.body_block_io_ns = Some(block_io * MS);
            row.body_blocked_ns = Some(blocked * MS);
            parts.add(&row);
        }
        parts
    }

    /// By so many milliseconds each.
    fn grown(base: &Parts, new: &Parts) -> Vec<String> {
        let last = |readings: &[f64]| readings.last().copied();
        let grown = base.grown(new, last).into_iter();
        let told = grown.map(|grown| format!("{} {:.0}", grown.part, grown.by_ns / 1e6));
        told.collect()
    }

    #[test]
    fn the_part_that_has_grown_most_is_named_first() {
        let base = parts(&[[500, 2, 0, 54, 62]]);
        let new = parts(&[[1375, 98, 875, 892, 900]]);
        assert_eq!(
            grown(&base, &new),
            [
                "reclaim, swap-in, thrashing 875",
                "block I/O 838",
                "waiting for a CPU 96",
            ]
        );
        assert_eq!(grown(&new, &base), Vec::<String>::new());
    }

    #[test]
    fn without_the_delays_of_all_readings_there_are_three_parts() {
        let mut base = parts(&[[500, 2, 0, 54, 60]]);
        base.by_delays.clear();
        let new = parts(&[[520, 2, 0, 892, 900]]);
        assert_eq!(grown(&base, &new), ["blocked 840", "running 20"]);
    }
}
