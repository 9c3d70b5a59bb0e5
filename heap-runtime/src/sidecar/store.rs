//! Where the sidecars of this process's run go: a folder, or lines of text where there is none.

use std::io;
use std::path::{Path, PathBuf};

use heap_sidecar::frame::Operation;

use super::sink::Sink;
use super::write::WriteError;
use super::write::platform::Identity;
use super::{FileName, Folder, LastSeen, Place, Sidecar, to_line};
use crate::env::{Settings, SinkTarget};
use crate::pool::Lent;
use crate::process::process_id;
use crate::warning::warn_once;

/// What takes the files of a run.
pub(crate) enum Store {
    Folder(Folder),
    Sink(Sink),
}

/// What came of a record's attempt to get a name.
pub(crate) enum Claim {
    /// Another execution has it.
    Taken,
    /// It is the record's. What the file is, where it is one that can be known again.
    Written(Option<Identity>),
}

impl Store {
    /// The one of a run, of which [`Place::base`] may be known.
    ///
    /// # Errors
    ///
    /// Says why there is none, and what to set.
    pub(crate) fn of(
        settings: &Settings,
        base: Option<&Path>,
        run_id: &str,
    ) -> Result<Self, String> {
        if let Some(target) = &settings.sink {
            return Sink::open(target).map(Self::Sink);
        }
        let place = match base {
            Some(base) => Ok(Place::below(base.to_owned(), settings, run_id)),
            // Looked for again, to say why there is none.
            None => Place::of(settings, run_id),
        };
        match place {
            Ok(place) => Ok(Self::Folder(Folder::new(place))),
            // What the first process of a guest writes to a folder that it was not told to would be seen by nobody.
            Err(_) if process_id() == 1 => Sink::open(&SinkTarget::CONSOLE).map(Self::Sink),
            Err(error) => Err(error),
        }
    }

    /// The folder, where it is one.
    #[cfg_attr(not(proc_fs), expect(dead_code, reason = "nothing is told there"))]
    pub(crate) fn folder(&self) -> Option<&Folder> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Sink(_) => None,
        }
    }

    /// Where a file of this name is, for people.
    pub(crate) fn place_of(&self, name: &str) -> String {
        match self {
            Self::Folder(folder) => folder.path_of(name).display().to_string(),
            Self::Sink(sink) => format!("{name} in {}", sink.target()),
        }
    }

    /// The path of a file of this name, where it will have one.
    pub(crate) fn lend_path_of(&self, name: &str) -> Option<Lent<PathBuf>> {
        match self {
            Self::Folder(folder) => Some(folder.lend_path_of(name)),
            Self::Sink(_) => None,
        }
    }

    /// Puts a whole file at `name`, if nothing is there but a record of another run than this one.
    pub(crate) fn claim(
        &self,
        name: &str,
        contents: &[u8],
        run_id: &str,
    ) -> Result<Claim, WriteError> {
        match self {
            Self::Folder(folder) => {
                let identity = folder.claim(name, contents, run_id)?;
                Ok(identity.map_or(Claim::Taken, |identity| Claim::Written(Some(identity))))
            }
            // Whoever collects the lines keeps two processes' files of one name apart.
            Self::Sink(sink) => {
                // Where it is torn, the record of its end may come through all the same.
                if let Err(error) = written(sink, sink.write(Operation::Put, name, contents)) {
                    warn_once(&error.to_string());
                }
                Ok(Claim::Written(None))
            }
        }
    }

    /// Puts a whole file at `name`, in place of what is there: the record of a test that has ended.
    pub(crate) fn finish(
        &self,
        name: &str,
        record: &Sidecar,
        contents: &[u8],
    ) -> Result<(), WriteError> {
        match self {
            Self::Folder(folder) => folder.replace(name, contents),
            Self::Sink(sink) => {
                let mut seen = Vec::new();
                to_line(&last_seen(record), &mut seen);
                let written = (sink.write(Operation::Seen, name, &seen))
                    .and_then(|()| sink.write(Operation::Put, name, contents));
                self::written(sink, written)
            }
        }
    }

    /// Appends a line to the file `name`, which is made where it is not there yet.
    pub(crate) fn append(&self, name: &str, line: &[u8]) -> Result<(), WriteError> {
        match self {
            Self::Folder(folder) => folder.append(name, line),
            Self::Sink(sink) => written(sink, sink.write(Operation::Append, name, line)),
        }
    }

    /// Removes the file `name`, if it is there.
    pub(crate) fn remove(&self, name: &str) {
        match self {
            Self::Folder(folder) => folder.remove(name),
            Self::Sink(sink) => {
                // Where that does not come through, a file is left that no record names.
                let _ = sink.write(Operation::Remove, name, &[]);
            }
        }
    }
}

fn written(sink: &Sink, result: io::Result<()>) -> Result<(), WriteError> {
    result.map_err(|error| {
        WriteError::new(
            "write a sidecar to",
            PathBuf::from(sink.target().to_string()),
            error,
        )
    })
}

/// How a test has ended, in one line: all that is known of it, where its record is torn.
fn last_seen(record: &Sidecar) -> LastSeen {
    let own = record.heap.own.unwrap_or_default();
    let mut seen = LastSeen::default();
    seen.at_ns = record.duration_ns.unwrap_or_default();
    seen.live_bytes = u64::try_from(own.retained_bytes).unwrap_or_default();
    seen.outcome = record.outcome;
    seen
}

/// Where one execution's sidecar is, once it has its name.
pub(crate) struct File {
    pub(crate) store: &'static Store,
    pub(crate) name: FileName,
}
