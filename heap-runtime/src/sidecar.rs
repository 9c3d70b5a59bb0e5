//! The sidecar: one JSON file for each execution of a tracked test.
//!
//! ```text
//!            begins                          ends
//! (no file) ───────▶ status "running" ──────────────▶ status "finished"
//!                    the state before     rename      outcome, the state after
//!                          │
//!                          └─ killed, aborted, out of memory: this is what remains
//! ```
//!
//! The record stands at its final name before the body starts, and the finished one replaces it in
//! one step, so that a reader sees one whole file or the other at every moment. A key that is
//! absent was not measured; there is never a `null`.
//!
//! Its types are those of [`heap_sidecar`], which also reads them: a dependency of its own with the
//! feature `read`, so that a program that reads sidecars links nothing that tracks, and a tracked test
//! nothing that reads.

mod json;
mod name;
mod place;
#[cfg_attr(posix, path = "sidecar/sink/unix.rs")]
#[cfg_attr(not(posix), path = "sidecar/sink/elsewhere.rs")]
mod sink;
#[cfg_attr(posix, path = "sidecar/slot/unix.rs")]
#[cfg_attr(not(posix), path = "sidecar/slot/elsewhere.rs")]
mod slot;
mod store;
mod write;

#[doc(inline)]
pub use heap_sidecar::{
    Better, Budget, Checkpoint, Delay, Delays, Description, FORMAT_VERSION, Failure, FailureKind,
    Heap, LastSeen, Limit, NOTES_SUFFIX, Note, Outcome, OwnTier, PeakSource, ProcessTier,
    Quantiles, SUFFIX, Samples, SharedThreads, SharedWith, Sidecar, Source, Spent, Status, Time,
    Timeline,
};

pub(crate) use json::{Contents, HostMembers, to_json, to_line, to_text};
pub(crate) use name::{Execution, FileName};
pub(crate) use place::Place;
pub(crate) use slot::Slot;
pub(crate) use store::{Claim, File, Store};
pub(crate) use write::{Folder, WriteError, hexadecimal};

/// A text that a test has made, cut after so many bytes.
pub(crate) fn bounded(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let end = (0..=longest).rfind(|at| text.is_char_boundary(*at));
    format!("{}…", &text[..end.unwrap_or(0)])
}

/// A failure, with as much of the message as is kept.
pub(crate) fn failure(kind: FailureKind, message: impl AsRef<str>) -> Failure {
    Failure::new(kind, bounded(message.as_ref(), Failure::MAX_MESSAGE_BYTES))
}
