//! What a test says of itself while it runs, on the disk at once.
//!
//! A record of a thousand checkpoints is not written anew for each of them: a running record names a file
//! beside it, to which each is appended as a line, and the finished one has all of them.
//!
//! ```text
//! queues+queue+it_never_ends.heap.json     { "status": "running", "notes": "5d1c…", ... }
//! 5d1c….heap.notes                         { "n": 0, "checkpoint": { "label": "filled", ... } }
//!                                          { "n": 1, "checkpoint": { ... }, "metrics": { ... } }
//! ```
//!
//! A line that was cut by a kill is none. The file has a name that no other execution's has, so the lines of a test
//! that was killed in an earlier run are never taken for another's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Checkpoint, Description, Samples};

/// How the name ends of a file beside a `running` record, with what the test has said so far. It begins with the
/// record's [`notes`](crate::Sidecar::notes), and each of its lines is a [`Note`].
///
/// ```
/// assert_eq!(heap_sidecar::NOTES_SUFFIX, ".heap.notes");
/// ```
pub const NOTES_SUFFIX: &str = ".heap.notes";

/// A checkpoint of a test that runs, and what it has said of itself since the one before.
///
/// ```
/// use heap_sidecar::{Checkpoint, Note};
///
/// let mut note = Note::default();
/// note.checkpoint = Some(Checkpoint::new("warm".into(), 4_000_000, None));
/// note.metrics.insert("wakeup_p99_us".into(), 41.0);
/// let line = r#"{"n":0,"checkpoint":{"label":"warm","at_ns":4000000},"metrics":{"wakeup_p99_us":41.0}}"#;
/// assert_eq!(serde_json::to_string(&note)?, line);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Note {
    /// Which of the test's it is, from 0: threads may append theirs in another order.
    pub n: u32,
    /// The checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// Labels of [`Sidecar::labels`](crate::Sidecar::labels).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Numbers of [`Sidecar::metrics`](crate::Sidecar::metrics).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// Values of [`Sidecar::samples`](crate::Sidecar::samples) that came since the note before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub samples: BTreeMap<String, Samples>,
    /// Of [`Sidecar::descriptions`](crate::Sidecar::descriptions).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub descriptions: BTreeMap<String, Description>,
    /// See [`Sidecar::skip_reason`](crate::Sidecar::skip_reason).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<String>,
}

impl Note {
    /// What is gathered in it, to be appended now. From here on, the next is gathered.
    ///
    /// ```
    /// use heap_sidecar::Note;
    ///
    /// let mut gathered = Note::default();
    /// gathered.labels.insert("area".into(), "queue".into());
    /// let first = gathered.take();
    /// assert_eq!((first.n, first.labels.len()), (0, 1));
    /// assert_eq!((gathered.n, gathered.labels.len()), (1, 0));
    /// ```
    #[must_use]
    pub fn take(&mut self) -> Self {
        let next = Self {
            n: self.n.saturating_add(1),
            ..Self::default()
        };
        std::mem::replace(self, next)
    }
}

impl Checkpoint {
    /// Puts it where it belongs: another thread's may have been taken before it and come later.
    ///
    /// ```
    /// use heap_sidecar::Checkpoint;
    ///
    /// let mut checkpoints = Vec::new();
    /// for (label, at_ns) in [("a", 1), ("c", 5), ("b", 3), ("d", 5)] {
    ///     Checkpoint::new(label.into(), at_ns, None).insert_into(&mut checkpoints);
    /// }
    /// let labels: Vec<&str> = checkpoints.iter().map(|point| point.label.as_str()).collect();
    /// assert_eq!(labels, ["a", "b", "c", "d"]);
    /// ```
    pub fn insert_into(self, checkpoints: &mut Vec<Self>) {
        let place = checkpoints.partition_point(|earlier| earlier.at_ns <= self.at_ns);
        checkpoints.insert(place, self);
    }
}

/// Reading them.
#[cfg(feature = "read")]
pub(crate) mod file {
    use std::path::{Path, PathBuf};

    use super::{NOTES_SUFFIX, Note};

    /// Where the file is with the notes of the running record at `path`. None for what is no mark: no record is
    /// followed to another folder.
    pub(crate) fn beside(path: &Path, mark: &str) -> Option<PathBuf> {
        name(mark).map(|name| path.with_file_name(name))
    }

    /// What that file is called.
    pub(crate) fn name(mark: &str) -> Option<String> {
        let is_mark = mark.len() == 16 && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_mark.then(|| format!("{mark}{NOTES_SUFFIX}"))
    }

    /// The notes of a file, in the order that they were said in.
    pub(crate) fn all(text: &[u8]) -> Vec<Note> {
        // What is not a line of ours was cut, or was printed by a test that has closed its output.
        let lines = text.split(|byte| *byte == b'\n');
        let mut all: Vec<Note> = lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        all.sort_by_key(|note| note.n);
        all
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn lines_are_read_in_their_order_and_what_is_none_is_passed_over() {
            let text = b"\n{\"n\":1,\"labels\":{\"a\":\"later\"}}\n\
                printed by the test{\"n\":7}\n\n\
                {\"n\":0,\"labels\":{\"a\":\"first\"},\"of_a_later_release\":[1]}\n\xff\n{\"n\":2,\"lab";
            let all = all(text);
            let labels: Vec<&str> = all.iter().map(|note| note.labels["a"].as_str()).collect();
            assert_eq!(labels, ["first", "later"]);
        }

        #[test]
        fn a_mark_names_one_file_beside_its_record() {
            let record = Path::new("folder/t.heap.json");
            let path = PathBuf::from("folder/00000000000000ab.heap.notes");
            assert_eq!(beside(record, "00000000000000ab"), Some(path));
            for other in [
                "",
                "../../etc/passwd",
                "/000000000000000",
                "0000000000000000a",
            ] {
                assert_eq!(beside(record, other), None, "{other}");
            }
        }
    }
}
