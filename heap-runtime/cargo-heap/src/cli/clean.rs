//! `cargo heap clean`: the only command that deletes, and only what it is told to.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::args;
use super::error::Error;
use super::runs::{Runs, read};
use super::status::Status;
use super::terminal::{self, Terminal};
use super::text::printable;
use crate::report::State;
use heap_sidecar::{NOTES_SUFFIX, RUN_SUFFIX, SUFFIX};

pub(super) fn run(command: &args::Clean, terminal: &mut Terminal) -> Result<Status, Error> {
    let runs = Runs::default();
    let (kept, others) = runs.kept()?.own()?;
    let mut removed = 0;
    for run in kept.iter().skip(command.keep) {
        let shown = printable(&run.path.to_string_lossy()).into_owned();
        if let Some(why) = why_not(&run.path)? {
            terminal::warn(&format!("kept {shown}: {why}"));
            continue;
        }
        if command.dry_run {
            writeln!(terminal, "would remove {shown}")?;
        } else {
            fs::remove_dir_all(&run.path).map_err(|error| Error::at("remove", &run.path, error))?;
            writeln!(terminal, "removed {shown}")?;
        }
        removed += 1;
    }
    let stay = kept.len() - removed;
    let would = if command.dry_run { "would be " } else { "" };
    let others = match others {
        0 => String::new(),
        others => format!("; {others} of other workspaces are not counted"),
    };
    writeln!(terminal, "{stay} run(s) {would}kept{others}")?;
    Ok(Status::Good)
}

/// Why a folder is not to be removed: it is more than a run, or one that goes on.
fn why_not(folder: &Path) -> Result<Option<String>, Error> {
    let error = |error| Error::at("look into", folder, error);
    for entry in folder.read_dir().map_err(error)? {
        let entry = entry.map_err(error)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !is_ours(&name) || entry.file_type().map_err(error)?.is_dir() {
            return Ok(Some(format!(
                "it contains `{}`, which is not a sidecar",
                printable(&name)
            )));
        }
    }
    let run = read(&[folder.to_owned()])?;
    let running = (run.rows.iter().chain(&run.children)).find(|row| row.state == State::Running);
    Ok(running.map(|row| format!("`{}` is still running", printable(&row.test))))
}

/// Whether a file of this name is of a run: a test that was killed leaves its notes, a writer
/// `.<process>-<number>.tmp`.
pub(super) fn is_ours(name: &str) -> bool {
    const TEMPORARY: &str = ".tmp";
    let suffixes = [SUFFIX, NOTES_SUFFIX, RUN_SUFFIX];
    suffixes.iter().any(|suffix| name.ends_with(suffix))
        || name.starts_with('.') && name.ends_with(TEMPORARY)
}
