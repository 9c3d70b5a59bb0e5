//! All executions of a run.

use std::io;
use std::path::PathBuf;

use super::row::Row;
use crate::sidecar::{self, Unreadable};

/// What is left of a run: a row for each sidecar, and the files that are none.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Run {
    /// The folders that the sidecars are in.
    pub folders: Vec<PathBuf>,
    /// The executions: those that were killed first, then the failed, then by name.
    pub rows: Vec<Row>,
    /// Files that are named like sidecars and could not be read.
    pub unreadable: Vec<Unreadable>,
}

impl Run {
    /// Reads the sidecars in these folders; only those of the run `id`, if there is one.
    ///
    /// # Errors
    ///
    /// Where one of the folders cannot be read. Files in it that cannot be are in
    /// [`unreadable`](Self::unreadable).
    pub fn read(folders: &[PathBuf], id: Option<&str>) -> io::Result<Self> {
        let mut run = Self::default();
        for folder in folders {
            let (sidecars, unreadable) = sidecar::read_run(folder)?;
            run.rows.extend(
                sidecars
                    .iter()
                    .filter(|sidecar| id.is_none_or(|id| sidecar.run_id == id))
                    .map(Row::of),
            );
            run.unreadable.extend(unreadable);
            run.folders.push(folder.clone());
        }
        run.rows.sort_by(|a, b| order(a).cmp(&order(b)));
        Ok(run)
    }
}

fn order(row: &Row) -> impl Ord + '_ {
    (
        row.state,
        (&row.package, &row.binary, &row.test),
        (row.attempt, row.stress_index, row.iteration),
    )
}
