//! What sidecars say when they are read together: the same analysis that `cargo heap` prints, as
//! types.
//!
//! ```
//! use cargo_heap::report::{Context, Diagnosis, Run};
//!
//! let run = Run::read(&["docs/runs/tuesday"], |_, _| ())?;
//! let context = Context::of_run(&run);
//! let mut lines = Vec::new();
//! for row in run.rows.iter().filter(|row| row.state.is_bad()) {
//!     let diagnosis = Diagnosis::of(row, &context);
//!     lines.push(format!("{} {}: {}", row.state, row.test, diagnosis.verdict()));
//! }
//! assert_eq!(
//!     lines,
//!     [
//!         "killed it_never_ends: not enough recorded to say",
//!         "failed a_burst_fits: over its budget: look at the test",
//!     ]
//! );
//! # Ok::<(), heap_sidecar::FolderError>(())
//! ```
//!
//! The run is one of two that are kept in `docs/runs` beside the sources of this crate, for the
//! examples here: on Monday all three tests passed, and on Tuesday only one did.
//!
//! # Questions in SQL
//!
//! `cargo heap export` prints the same [rows](Row), for programs such as
//! [DuckDB](https://duckdb.org):
//!
//! ```text
//! cargo heap export --all --format csv > rows.csv
//! duckdb < worst_peaks.sql
//! ```
//!
//! A column that is empty in all rows has no type of its own, so the questions say the types of
//! those that they count with.
//!
//! ```sql
#![doc = include_str!("../../sql/worst_peaks.sql")]
//! ```
//!
//! ```sql
#![doc = include_str!("../../sql/grown_peaks.sql")]
//! ```
//!
//! ```sql
#![doc = include_str!("../../sql/failures_under_pressure.sql")]
//! ```

pub mod across;
mod attempts;
mod baseline;
mod binding;
mod change;
mod compare;
mod context;
pub mod diagnosis;
mod end;
mod folder;
mod grown;
mod order;
pub(crate) mod pack;
mod reading;
mod readings;
mod record;
mod row;
mod run;
mod run_pressure;
mod runner;
#[cfg(test)]
pub(crate) mod sample;
mod shared;
mod shifts;
mod spent;
mod spread;
mod state;
mod totals;
pub(crate) mod workers;

pub use across::{Across, Association, Side};
pub use baseline::{BASELINE_VERSION, Baseline, Host, Measured};
pub use change::{Change, Kind, Moved, Number};
pub use compare::{Comparison, DifferentAllocators, HARNESS_BYTES, Tolerance};
pub use context::Context;
pub use diagnosis::{Diagnosis, Finding, Verdict};
pub use end::End;
pub use folder::RunFolder;
pub use grown::Grown;
pub use order::Order;
pub(crate) use reading::sidecars_of;
pub use row::{Column, Row, TestKey};
pub use run::Run;
pub(crate) use run_pressure::FORMAT_VERSION as RUN_FORMAT_VERSION;
pub use run_pressure::{Interrupted, RunPressure};
pub use runner::{Ended, RunnerVerdict};
pub use spread::{
    Difference, FEWEST_READINGS, SHIFTED_METRIC_FACTOR, SHIFTED_PERCENT, SHIFTED_TIME_FACTOR,
    SHORTEST_SHIFT_NS, Shift, Spread, Spreads,
};
pub use state::State;
pub use totals::Totals;
