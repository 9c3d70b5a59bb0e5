//! `cargo heap doctor`: what this machine, this user and this package can measure, and what is to be done about the rest.
//!
//! The machine and the user are asked here, by the kernel's files. The package is not: cargo-heap links no tracker, and which
//! allocator a test binary has is proved by an allocation of its own. So that is read from what the newest run has left.

mod check;
mod disk;
mod machine;
mod package;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use super::error::Error;
use super::terminal::{self, Terminal};
use super::text::{printable, printable_json};
use super::workspace::Workspace;
use crate::report::Run;
use check::{Check, State};
use machine::Machine;

/// What is told.
#[derive(Debug, Serialize)]
struct Said {
    cargo_heap: &'static str,
    /// The run that the package was judged by.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    /// Whether all is good.
    complete: bool,
    checks: Vec<Check>,
}

/// Says it, by the run whose tests the package is judged by, or why there is none. Gives whether all is good.
pub(super) fn run(
    run: Result<Run, Error>,
    as_json: bool,
    terminal: &mut Terminal,
) -> Result<bool, Error> {
    let mut checks = Machine::at(Path::new("/")).checks();
    let workspace = Workspace::of(&[]);
    match &workspace {
        Ok(workspace) => {
            checks.push(disk::check(
                &workspace.target().join(heap_sidecar::RUNS_FOLDER),
            ));
            // A workspace that was never built has none.
            let of_root =
                |name| fs::read_to_string(workspace.root().join(name)).unwrap_or_default();
            let (lock, manifest) = (of_root("Cargo.lock"), of_root("Cargo.toml"));
            let stacks = package::small_stacks(&lock, &manifest, run.as_ref().ok());
            checks.push(stacks);
        }
        // Where there is no package either, that is what is wrong.
        Err(error) if run.is_err() => terminal::warn(error),
        Err(_) => {}
    }
    let reason = run.as_ref().err().map(ToString::to_string);
    let of_run = run
        .as_ref()
        .map_err(|_| reason.as_deref().unwrap_or_default());
    checks.extend(package::checks(of_run));
    let said = Said {
        cargo_heap: env!("CARGO_PKG_VERSION"),
        run_id: (run.ok()).and_then(|run| Some(run.rows.first()?.run_id.clone())),
        complete: checks.iter().all(|check| check.state == State::Good),
        checks,
    };
    if as_json {
        let text = serde_json::to_string_pretty(&said).map_err(io::Error::from)?;
        writeln!(terminal, "{}", printable_json(&text))?;
    } else {
        for_people(&said, terminal)?;
    }
    Ok(said.complete)
}

fn for_people(said: &Said, terminal: &mut Terminal) -> Result<(), Error> {
    let (good, bad, dim) = (terminal::GOOD, terminal::BAD, terminal::DIM);
    let width = said.checks.iter().map(|check| check.name.len()).max();
    let width = width.unwrap_or(0);
    for check in &said.checks {
        let style = if check.state == State::Good {
            good
        } else {
            bad
        };
        writeln!(
            terminal,
            "{style}{:7}{style:#}  {:width$}  {}",
            check.state,
            check.name,
            printable(&check.found)
        )?;
        if let Some(mend) = &check.mend {
            let margin = 7 + 2 + width;
            writeln!(
                terminal,
                "{:margin$}  {dim}for{dim:#} {}",
                "", check.measures
            )?;
            writeln!(
                terminal,
                "{:margin$}  {dim}mend{dim:#} {}",
                "",
                printable(mend)
            )?;
        }
    }
    Ok(())
}
