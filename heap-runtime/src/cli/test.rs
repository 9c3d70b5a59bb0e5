//! `cargo heap test`: cargo's tests as one run, and what came of it.

use std::env;
use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus};

use super::error::Error;
use super::report::Format;
use super::terminal::{self, Terminal};
use super::text::printable;
use super::workspace::{self, Workspace};
use super::{Status, args, report, runs};
use crate::env::{Settings, cargo_target_dir};
use crate::report::Run;
use crate::sidecar::runs_folder;

/// Runs `cargo test`, then reports what its tests left.
pub(super) fn run(
    command: &args::Test,
    args: &[OsString],
    terminal: &mut Terminal,
) -> Result<Status, Error> {
    let settings = Settings::get().map_err(Error::new)?;
    let arguments = command.cargo_arguments(args);
    let workspace = Workspace::of(&arguments)?;
    let arguments = or_default(&arguments, &workspace)?;
    let sidecar_dir = workspace::sidecar_dir(settings)?;
    let ended = Cargo {
        workspace: &workspace,
        sidecar_dir: sidecar_dir.as_deref(),
    }
    .test(&arguments)?;
    let folders: Vec<PathBuf> = if let Some(folder) = &sidecar_dir {
        vec![folder.clone()]
    } else {
        let targets = workspace.targets();
        targets
            .iter()
            .map(|target| runs_folder(target).join(&ended.run_id))
            .collect()
    };
    let run = read(&folders, &ended.run_id)?;
    let tracked = !run.rows.is_empty();
    if command.output.format == Format::Table {
        writeln!(terminal)?;
    }
    if !tracked && run.unreadable.is_empty() {
        terminal::note(&why_empty(settings, &folders));
    } else {
        report::print(run, &args::Selection::default(), &command.output, terminal)?;
    }
    status(ended.status, tracked)
}

/// What the user wrote; where there is nothing for cargo, what the workspace says.
fn or_default(arguments: &[OsString], workspace: &Workspace) -> Result<Vec<OsString>, Error> {
    let of_cargo = arguments.first().is_some_and(|first| first != "--");
    let default = if of_cargo {
        Vec::new()
    } else {
        workspace.test_arguments()?
    };
    if !default.is_empty() {
        let shown: Vec<_> = default.iter().map(|text| text.to_string_lossy()).collect();
        terminal::note(&format!(
            "running `cargo test {}`, the `test-args` of [workspace.metadata.heap] in Cargo.toml; \
             arguments of your own replace them",
            printable(&shown.join(" "))
        ));
    }
    Ok(default.into_iter().chain(arguments.to_vec()).collect())
}

/// How cargo is run.
struct Cargo<'a> {
    workspace: &'a Workspace,
    sidecar_dir: Option<&'a Path>,
}

/// A `cargo test` that has ended.
struct Ended {
    status: ExitStatus,
    run_id: String,
}

impl Cargo<'_> {
    /// Runs it to its end, on this terminal.
    fn test(&self, arguments: &[OsString]) -> Result<Ended, Error> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = process::Command::new(&cargo);
        command.arg("test").args(arguments);
        if let Some(folder) = self.sidecar_dir {
            command.env("HEAP_SIDECAR_DIR", folder);
        }
        // The tests go by the variable; cargo goes by --target-dir where there is one.
        if cargo_target_dir().is_some() {
            command.env("CARGO_TARGET_DIR", self.workspace.target());
        }
        let start = |error| Error::at("start", Path::new(&cargo), error);
        let mut child = command.spawn().map_err(start)?;
        // Until it is waited for it keeps its number, even if it has ended already.
        let run_id = id_of_cargo(child.id());
        let status = child.wait().map_err(start)?;
        Ok(Ended {
            status,
            run_id: run_id?,
        })
    }
}

/// The run id that the tests of this cargo process work out for themselves.
fn id_of_cargo(pid: u32) -> Result<String, Error> {
    #[cfg(target_os = "linux")]
    let id = crate::run::id_of_cargo(pid);
    #[cfg(not(target_os = "linux"))]
    let id: Option<String> = {
        let _ = pid;
        None
    };
    id.ok_or_else(|| {
        Error::new(
            "the run of this cargo cannot be told, because there is no /proc: set HEAP_SIDECAR_DIR, \
             run `cargo test`, and read that folder",
        )
    })
}

/// The sidecars of this run; there need not be any, nor a folder.
fn read(folders: &[PathBuf], run_id: &str) -> Result<Run, Error> {
    let mut there = Vec::new();
    for folder in folders {
        match folder.metadata() {
            Ok(_) => there.push(folder.clone()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::at("look for sidecars in", folder, error)),
        }
    }
    let mut run = runs::read(&there)?;
    run.keep(run_id);
    Ok(run)
}

fn why_empty(settings: &Settings, folders: &[PathBuf]) -> String {
    if !settings.track {
        return "no sidecar was written, because HEAP_TRACK is 0: unset it to track".into();
    }
    format!(
        "no sidecar was written to {}: no test that ran is #[heap_tracked], or the build failed",
        printable(&folders[0].to_string_lossy())
    )
}

/// Cargo's exit status in the words of this command line.
///
/// Cargo exits with 1 for arguments that it does not understand, but also where the only test
/// binary that failed did: then there are sidecars.
fn status(of_cargo: ExitStatus, tracked: bool) -> Result<Status, Error> {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = of_cargo.signal() {
            return Ok(Status::Signal(u8::try_from(signal).unwrap_or(0)));
        }
    }
    match of_cargo.code() {
        Some(0) => Ok(Status::Good),
        Some(1) if !tracked => Err(Error::new("cargo did not run the tests: see above")),
        _ => Ok(Status::Bad),
    }
}
