//! `cargo heap collect`: a run, out of what a console has shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use heap_sidecar::frame::{Collected, Collector, Torn};
use heap_sidecar::{NOTES_SUFFIX, RUNS_FOLDER, SUFFIX, run_id};
use serde_json::Value;

use super::error::Error;
use super::status::Status;
use super::terminal::{self, Terminal};
use super::text::printable;
use super::workspace::{self, Workspace};
use super::{args, replace};
use crate::settings::Settings;

/// No line of a frame is longer. What is, is somebody else's, and looked at in pieces.
const LONGEST_LINE: u64 = 64 << 10;

/// The files of one run, by their names.
type Files = BTreeMap<String, Vec<u8>>;

pub(super) fn run(command: &args::Collect, terminal: &mut Terminal) -> Result<Status, Error> {
    let collected = collect(&command.file)?;
    let (runs, strays) = runs_of(collected.files);
    let mut status = Status::Good;
    for torn in &collected.torn {
        terminal::warn(&of_torn(torn));
        status = Status::Bad;
    }
    if collected.damaged > 0 {
        let lines = collected.damaged;
        terminal::warn(&format!(
            "{lines} line(s) with a part of a sidecar came through damaged and are skipped"
        ));
    }
    for stray in strays {
        terminal::warn(&format!(
            "`{}` belongs to no test that came through",
            printable(&stray)
        ));
        status = Status::Bad;
    }
    if runs.is_empty() {
        let file = command.file.display();
        return Err(Error::new(format!(
            "there is no sidecar in `{file}`: it should have what tests wrote to HEAP_SINK, such as the output of a console"
        )));
    }
    for (id, files) in runs {
        let folder = folder_of(command, &id)?;
        let sidecars = files.keys().filter(|name| name.ends_with(SUFFIX)).count();
        write(&folder, &files)?;
        let shown = folder.display().to_string();
        writeln!(
            terminal,
            "{sidecars} sidecar(s) of run {id}: {}",
            printable(&shown)
        )?;
    }
    Ok(status)
}

fn collect(file: &Path) -> Result<Collected, Error> {
    let failed = |error| Error::at("read", file, error);
    let mut input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).map_err(failed)?)
    };
    let mut reader = BufReader::new(&mut input);
    let mut collector = Collector::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line);
        if length.map_err(failed)? == 0 {
            return Ok(collector.finish());
        }
        collector.line(&line);
    }
}

/// The files of each run; and those that are of none.
fn runs_of(files: Files) -> (BTreeMap<String, Files>, BTreeSet<String>) {
    let mut runs: BTreeMap<String, Files> = BTreeMap::new();
    let mut run_of_notes = BTreeMap::new();
    let (sidecars, others): (Files, Files) =
        (files.into_iter()).partition(|(name, _)| name.ends_with(SUFFIX));
    let mut strays = BTreeSet::new();
    for (name, contents) in sidecars {
        let record: Value = serde_json::from_slice(&contents).unwrap_or_default();
        let text = |key: &str| Some(record.get(key)?.as_str()?.to_owned());
        let Some(run_id) = text("run_id").filter(|id| run_id::checked(id).is_ok()) else {
            strays.insert(name);
            continue;
        };
        if let Some(mark) = text("notes") {
            run_of_notes.insert(mark + NOTES_SUFFIX, run_id.clone());
        }
        runs.entry(run_id).or_default().insert(name, contents);
    }
    for (name, contents) in others {
        match run_of_notes.get(&name) {
            Some(id) => {
                let run = runs.entry(id.clone()).or_default();
                run.insert(name, contents);
            }
            None => {
                strays.insert(name);
            }
        }
    }
    (runs, strays)
}

fn of_torn(torn: &Torn) -> String {
    match &torn.name {
        Some(name) => format!(
            "what was written to `{}` is torn: {} of {} lines came through, and the file is as it was before",
            printable(name),
            torn.lines,
            torn.of
        ),
        None => "something that was written to a file did not come through at all".into(),
    }
}

/// Where a run is put: where it is asked for, or where it would be if its tests had run here.
fn folder_of(command: &args::Collect, id: &str) -> Result<PathBuf, Error> {
    if let Some(folder) = &command.out {
        return Ok(folder.join(id));
    }
    let settings = Settings::get().map_err(Error::new)?;
    if let Some(folder) = workspace::sidecar_dir(settings)? {
        return Ok(folder);
    }
    let workspace = Workspace::of(&[])?;
    Ok(workspace.target().join(RUNS_FOLDER).join(id))
}

fn write(folder: &Path, files: &Files) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| Error::at("make", folder, error))?;
    for (name, contents) in files {
        let path = folder.join(name);
        replace::file(&path, contents).map_err(|error| Error::at("write", &path, error))?;
    }
    Ok(())
}
