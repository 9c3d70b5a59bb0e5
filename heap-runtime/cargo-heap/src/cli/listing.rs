//! `cargo heap runs`: which runs there are, and what they are called.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use comfy_table::{Cell, CellAlignment, Table};
use schemars::JsonSchema;
use serde::Serialize;

use super::error::Error;
use super::format::TableOrJson;
use super::json::json;
use super::quantity::bytes;
use super::run_table::STYLE;
use super::runs::{self, Runs};
use super::status::Status;
use super::terminal::Terminal;
use super::text::printable;
use super::{args, workspace};
use crate::report::{Run, RunFolder};
use crate::settings::Settings;
use heap_sidecar::timestamp::Rfc3339;
use heap_sidecar::{RunRecord, SUFFIX};

/// The runs that are kept.
#[derive(Serialize, JsonSchema)]
pub(super) struct Listing {
    /// The newest first.
    runs: Vec<Listed>,
    /// How many runs of other workspaces are not among them.
    foreign_runs: usize,
    /// How many files are named like ours and cannot be read, where they had to be.
    unreadable: usize,
}

/// One of them.
#[derive(Serialize, JsonSchema)]
struct Listed {
    /// What it is called: this, or the beginning of it, is RUN for other commands.
    run_id: String,
    /// The folder that it is in.
    folder: String,
    /// When something was last written to it: UTC, RFC 3339, milliseconds.
    changed_at: String,
    /// How many sidecars it has: one for each execution of a test.
    sidecars: usize,
    /// What its files have, in bytes. Absent where they are among those of other runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// What is known of each part of it: of each workspace, and each shard.
    parts: Vec<RunRecord>,
}

pub(super) fn run(command: &args::Runs, terminal: &mut Terminal) -> Result<Status, Error> {
    let settings = Settings::get().map_err(Error::new)?;
    let listing = match workspace::sidecar_dir(settings)? {
        Some(folder) => in_one_folder(&folder)?,
        None => kept(command.all)?,
    };
    match command.format {
        TableOrJson::Json => json(&listing, terminal)?,
        TableOrJson::Table => for_people(&listing, terminal)?,
    }
    Ok(Status::Good)
}

/// The runs of the target folder.
fn kept(all: bool) -> Result<Listing, Error> {
    let kept = Runs::default();
    let kept = kept.kept()?;
    let (folders, foreign_runs) = if all { (kept.all(), 0) } else { kept.own()? };
    let mut runs = Vec::new();
    for folder in folders {
        match listed(folder) {
            Ok(run) => runs.push(run),
            // Cleaned away since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::at("read", &folder.path, error)),
        }
    }
    Ok(Listing {
        runs,
        foreign_runs,
        unreadable: 0,
    })
}

fn listed(folder: &RunFolder) -> io::Result<Listed> {
    let name = folder.path.file_name().unwrap_or_default();
    let mut run = Listed {
        run_id: name.to_string_lossy().into_owned(),
        folder: folder.path.to_string_lossy().into_owned(),
        changed_at: Rfc3339(folder.modified).to_string(),
        sidecars: 0,
        bytes: Some(0),
        parts: folder.records()?,
    };
    for entry in folder.path.read_dir()? {
        let entry = entry?;
        run.sidecars += usize::from(entry.file_name().to_string_lossy().ends_with(SUFFIX));
        match entry.metadata() {
            Ok(metadata) => run.bytes = run.bytes.map(|bytes| bytes + metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(run)
}

/// The runs whose sidecars are all in `HEAP_SIDECAR_DIR`: they are told apart by what is in them.
fn in_one_folder(folder: &Path) -> Result<Listing, Error> {
    let Run {
        rows,
        records,
        unreadable,
        ..
    } = runs::read(&[folder.to_owned()])?;
    let mut runs: BTreeMap<String, Listed> = BTreeMap::new();
    for row in rows {
        let run = runs.entry(row.run_id.clone()).or_insert_with(|| Listed {
            run_id: row.run_id,
            folder: folder.to_string_lossy().into_owned(),
            changed_at: String::new(),
            sidecars: 0,
            bytes: None,
            parts: Vec::new(),
        });
        run.sidecars += 1;
        run.changed_at = row.started_at.max(std::mem::take(&mut run.changed_at));
    }
    for record in records {
        if let Some(run) = runs.get_mut(&record.run_id) {
            run.parts.push(record);
        }
    }
    let mut runs: Vec<Listed> = runs.into_values().collect();
    runs.sort_by(|a, b| b.changed_at.cmp(&a.changed_at));
    Ok(Listing {
        runs,
        foreign_runs: 0,
        unreadable: unreadable.len(),
    })
}

fn for_people(listing: &Listing, terminal: &mut Terminal) -> Result<(), Error> {
    if !listing.runs.is_empty() {
        let mut table = Table::new();
        let headings = [
            "run",
            "changed",
            "tests",
            "size",
            "workspace",
            "shards",
            "command",
        ];
        table.load_style(STYLE).set_header(headings);
        for run in &listing.runs {
            let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
            table.add_row([
                Cell::new(printable(&run.run_id)),
                Cell::new(printable(&run.changed_at)),
                right(run.sidecars.to_string()),
                right(run.bytes.map(bytes).unwrap_or_default()),
                Cell::new(printable(&names(run))),
                right(shards(run)),
                Cell::new(printable(&command(run))),
            ]);
        }
        writeln!(terminal, "{}\n", table.trim_fmt())?;
    }
    let sizes: Option<Vec<u64>> = listing.runs.iter().map(|run| run.bytes).collect();
    let size = sizes.filter(|sizes| !sizes.is_empty());
    let size = size.map(|sizes| format!(", {}", bytes(sizes.iter().sum())));
    let others = match listing.foreign_runs {
        0 => String::new(),
        others => format!("; {others} of other workspaces: --all"),
    };
    let unreadable = match listing.unreadable {
        0 => String::new(),
        files => format!("; {files} file(s) could not be read"),
    };
    let count = listing.runs.len();
    writeln!(
        terminal,
        "{count} run(s){}{others}{unreadable}",
        size.unwrap_or_default()
    )?;
    Ok(())
}

/// The workspaces that it is of.
fn names(run: &Listed) -> String {
    let names = run.parts.iter().filter_map(|part| part.workspace.as_ref());
    let mut names: Vec<&str> = names.map(|workspace| &*workspace.name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn shards(run: &Listed) -> String {
    match run.parts.iter().filter(|part| part.shard.is_some()).count() {
        0 => String::new(),
        shards => shards.to_string(),
    }
}

/// What it was started by, as far as that was recorded.
fn command(run: &Listed) -> String {
    let first = run.parts.iter().min_by_key(|part| &part.began_at);
    first.map(|part| part.command.join(" ")).unwrap_or_default()
}
