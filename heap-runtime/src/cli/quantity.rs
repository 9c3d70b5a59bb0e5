//! Quantities as people read them.

use std::time::Duration;

use crate::report::Row;
use crate::size::{Human, Signed};

/// A column of the tables: its heading, and what stands in it.
pub(super) struct Quantity {
    pub(super) heading: &'static str,
    pub(super) of: fn(&Row) -> Option<String>,
}

/// The columns of a report behind test and outcome, in their order.
pub(super) const QUANTITIES: [Quantity; 8] = [
    Quantity {
        heading: "time",
        of: |row| row.duration_ns.map(time),
    },
    Quantity {
        heading: "peak",
        of: |row| row.own_peak_bytes.map(bytes),
    },
    Quantity {
        heading: "retained",
        of: |row| row.own_retained_bytes.map(difference),
    },
    Quantity {
        heading: "allocated",
        of: |row| row.own_allocated_bytes.map(bytes),
    },
    Quantity {
        heading: "threads",
        of: |row| row.own_threads.map(|threads| threads.to_string()),
    },
    Quantity {
        heading: "process",
        of: |row| row.process_allocated_delta_bytes.map(difference),
    },
    Quantity {
        heading: "overlap",
        of: |row| row.overlap.map(|overlap| overlap.to_string()),
    },
    Quantity {
        heading: "pressure",
        of: pressure,
    },
];

/// Three digits and a unit.
pub(super) fn time(ns: u64) -> String {
    let time = Duration::from_nanos(ns);
    if time < Duration::from_secs(100) {
        format!("{time:.2?}")
    } else {
        format!("{time:.0?}")
    }
}

pub(super) fn bytes(bytes: u64) -> String {
    Human(bytes).to_string()
}

pub(super) fn difference(bytes: i64) -> String {
    Signed(bytes).to_string()
}

/// The higher of the two readings of PSI.
fn pressure(row: &Row) -> Option<String> {
    row.psi_some_avg10_before
        .into_iter()
        .chain(row.psi_some_avg10)
        .max_by(f64::total_cmp)
        .map(|percent| format!("{percent:.1} %"))
}
