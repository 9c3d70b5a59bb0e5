//! What a running test has said of itself, put into what was read of its record.

use std::collections::BTreeMap;

use crate::{Checkpoint, Description, Note, Samples, Status};

/// The parts of a record that a test fills while it runs, for a reader to add what stands beside the record: see
/// [`Readable::said`](crate::Readable::said).
///
/// ```
/// use heap_sidecar::{Note, Readable};
///
/// let mut sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
/// let mut said = sidecar.said().expect("a sidecar has all of them");
/// // Its checkpoint stands in the record itself.
/// assert_eq!(said.mark(), None);
///
/// let mut note = Note::default();
/// note.metrics.insert("rounds".into(), 7.0);
/// said.put(note);
/// assert_eq!(sidecar.metrics["rounds"], 7.0);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Said<'a> {
    /// [`Sidecar::status`](crate::Sidecar::status).
    pub status: Status,
    /// [`Sidecar::notes`](crate::Sidecar::notes).
    pub notes: Option<&'a str>,
    /// [`Sidecar::skip_reason`](crate::Sidecar::skip_reason).
    pub skip_reason: &'a mut Option<String>,
    /// [`Heap::checkpoints`](crate::Heap::checkpoints).
    pub checkpoints: &'a mut Vec<Checkpoint>,
    /// [`Sidecar::labels`](crate::Sidecar::labels).
    pub labels: &'a mut BTreeMap<String, String>,
    /// [`Sidecar::metrics`](crate::Sidecar::metrics).
    pub metrics: &'a mut BTreeMap<String, f64>,
    /// [`Sidecar::samples`](crate::Sidecar::samples).
    pub samples: &'a mut BTreeMap<String, Samples>,
    /// [`Sidecar::descriptions`](crate::Sidecar::descriptions).
    pub descriptions: &'a mut BTreeMap<String, Description>,
}

impl<'a> Said<'a> {
    /// Which file beside the record has the rest. Of a finished record there is none.
    #[must_use]
    pub fn mark(&self) -> Option<&'a str> {
        self.notes.filter(|_| self.status == Status::Running)
    }

    /// Adds what was said after all that is there: the last value of a label or metric counts, and the first
    /// reason; samples are added to those that there are.
    pub fn put(&mut self, mut note: Note) {
        if self.skip_reason.is_none() {
            *self.skip_reason = note.skip_reason.take();
        }
        self.labels.append(&mut note.labels);
        self.metrics.append(&mut note.metrics);
        self.descriptions.append(&mut note.descriptions);
        for (name, samples) in note.samples {
            let all = self.samples.entry(name).or_default();
            all.merge(&samples);
            all.summarize();
        }
        if let Some(checkpoint) = note.checkpoint {
            checkpoint.insert_into(self.checkpoints);
        }
    }
}
