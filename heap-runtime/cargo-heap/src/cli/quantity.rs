//! Quantities as people read them.

use std::time::Duration;

use crate::report::Row;
use heap_sidecar::Limit;
use heap_sidecar::size::{Human, Signed};

/// A column of the tables: its heading, what stands in it, and what it is sorted by.
pub(super) struct Quantity {
    pub(super) heading: &'static str,
    pub(super) of: fn(&Row) -> Option<String>,
    pub(super) value: fn(&Row) -> Option<f64>,
}

macro_rules! quantity {
    ($heading:literal, $field:ident, $words:expr) => {
        Quantity {
            heading: $heading,
            of: |row| row.$field.map($words),
            // Through text, which every type of number has: it is only sorted by.
            value: |row| row.$field?.to_string().parse().ok(),
        }
    };
}

/// The columns of a report behind test and outcome, in their order.
pub(super) const QUANTITIES: [Quantity; 10] = [
    quantity!("time", duration_ns, time),
    quantity!("cpu", own_cpu_ns, time),
    quantity!("waited", own_run_delay_ns, time),
    Quantity {
        heading: "peak",
        of: |row| {
            let at_least = || {
                row.own_peak_at_least()
                    .map(|peak| format!("≥ {}", bytes(peak)))
            };
            between(row, Limit::MaxPeak)
                .or_else(|| row.own_peak_bytes.map(bytes))
                .or_else(at_least)
        },
        value: |row| {
            let peak = row.peak_or_least()?;
            peak.to_string().parse().ok()
        },
    },
    Quantity {
        of: |row| {
            between(row, Limit::MaxRetained).or_else(|| row.own_retained_bytes.map(difference))
        },
        ..quantity!("retained", own_retained_bytes, difference)
    },
    Quantity {
        of: |row| between(row, Limit::MaxAllocated).or_else(|| row.own_allocated_bytes.map(bytes)),
        ..quantity!("allocated", own_allocated_bytes, bytes)
    },
    Quantity {
        heading: "threads",
        of: |row| {
            let running = row.own_threads_running.filter(|running| *running > 0);
            let running = running.map(|running| format!(", {running} running"));
            Some(format!(
                "{}{}",
                row.own_threads?,
                running.unwrap_or_default()
            ))
        },
        value: |row| row.own_threads.map(f64::from),
    },
    quantity!("process", process_allocated_delta_bytes, difference),
    quantity!("overlap", overlap, |overlap| overlap.to_string()),
    Quantity {
        heading: "pressure",
        of: |row| row.pressure().map(percent),
        value: Row::pressure,
    },
];

/// The least and the most that it may be, where it is not known for threads that tests share.
fn between(row: &Row, limit: Limit) -> Option<String> {
    let (least, most) = row.not_known(limit)?;
    let words = |bytes: i64| match limit {
        Limit::MaxRetained => difference(bytes),
        _ => Human(bytes.unsigned_abs()).to_string(),
    };
    Some(format!("{} to {}", words(least), words(most)))
}

/// Three digits and a unit.
pub(super) fn time(ns: u64) -> String {
    let time = Duration::from_nanos(ns);
    if ns == 0 {
        "0 s".into()
    } else if time < Duration::from_secs(100) {
        format!("{time:.2?}")
    } else {
        format!("{time:.0?}")
    }
}

/// How many percent one is of the other.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

pub(super) fn percent(percent: f64) -> String {
    format!("{percent:.1} %")
}

pub(super) fn bytes(bytes: u64) -> String {
    Human(bytes).to_string()
}

pub(super) fn difference(bytes: i64) -> String {
    Signed(bytes).to_string()
}
