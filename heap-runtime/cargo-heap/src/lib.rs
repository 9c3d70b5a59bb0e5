//! What the sidecars of [heap-runtime](https://docs.rs/heap-runtime) say when they are read together, and
//! `cargo heap`, which asks it of them on the command line.
//!
//! It reads what tracked tests leave, and links nothing that tracks. A program of your own that needs the
//! analysis and not the command line takes [`report`]; one that needs the files alone takes
//! [heap-sidecar](heap_sidecar).
//!
//! # What is promised
//!
//! - **The items of [`report`]** follow [semantic versioning](https://semver.org). `__cli`, whatever else is
//!   hidden in this documentation, and traits of other crates that are implemented for the command line's
//!   sake are not part of it. The columns of [`report::Row`], and so of `cargo heap export`, are held to
//!   what a sidecar is, [keys are only added](heap_sidecar#what-is-promised), and
//!   [baselines](report::BASELINE_VERSION) have a version of their own.
//! - **Text for people**, such as messages, tables and the page of `--html`, may change in any release;
//!   programs read `--format json`, whose keys are only added to.

mod cli;
pub mod report;
mod settings;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __cli;
