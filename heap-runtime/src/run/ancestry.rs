//! Which processes started this one, as `/proc` knows them.
//!
//! ```text
//! cargo ─▶ (rustdoc) ─▶ test process ─▶ (sh) ─▶ itself, or cargo ─▶ another test process
//!   │                        │                     below a test: its child, nobody's run
//!   │                        └ marked, once a tracked test has begun in it
//!   └ the run: all that it starts
//! ```

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use heap_sidecar::process::{Mark, Stat};
use heap_sidecar::run_id::of_process as id;

use super::command;
use crate::descriptor::whole;
use crate::env;

/// What was found above this process.
#[derive(Debug, Default)]
pub(super) struct Ancestry {
    /// The run of the nearest cargo.
    pub(super) of_cargo: Option<String>,
    /// What `--partition` the nearest nextest was given.
    pub(super) partition: Option<String>,
    /// The nearest cargo or nextest.
    pub(super) runner: Option<i32>,
    /// The nearest process in which a tracked test has begun.
    pub(super) marked: Option<Mark>,
    /// A nextest has started this process itself, and nobody above that is of interest.
    pub(super) is_nextest_alone: bool,
}

impl Ancestry {
    /// Looks at the processes above this one, which is that.
    pub(super) fn look(own: &Stat) -> Self {
        let mut found = Self::default();
        let cargo = env::cargo().as_deref().and_then(file_of);
        let mut parent = own.parent;
        // Ancestors end at process 0; a bound guards against a /proc that lies.
        for level in 0..64 {
            let Some(process) = Stat::of_process(&parent.to_string()) else {
                break;
            };
            match program(&process, cargo) {
                Program::Other => {
                    found.marked = found.marked.or_else(|| Mark::of_process(process.pid));
                }
                runner => {
                    if found.of_cargo.is_none() && runner == Program::Cargo {
                        found.of_cargo = Some(id(process.pid, process.start_ticks));
                    }
                    found.runner = found.runner.or(Some(process.pid));
                    if found.partition.is_none() && runner == Program::Nextest {
                        found.partition = partition_of(process.pid);
                    }
                    // Most are started by a person or a CI, and then nobody above is of interest: to
                    // look at all of them takes a millisecond, in each process.
                    if !is_below_cargo(process.pid) {
                        found.is_nextest_alone = level == 0 && runner == Program::Nextest;
                        break;
                    }
                }
            }
            parent = process.parent;
        }
        found
    }
}

/// The run of a process that nothing else tells the run of.
pub(super) fn by_itself(own: Option<&Stat>) -> String {
    let pid = super::process_id().cast_signed();
    id(pid, own.map_or(0, |own| own.start_ticks))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Cargo,
    Nextest,
    Other,
}

/// A file, whatever it is called.
type FileId = (u64, u64);

fn file_of(path: &Path) -> Option<FileId> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// What a process executes. Cargo tells its tests which file it is itself: so it is found also where it
/// is called otherwise, as behind a wrapper. Where that cannot be known, the name has to do.
fn program(process: &Stat, cargo: Option<FileId>) -> Program {
    let link = format!("/proc/{}/exe", process.pid);
    let link = Path::new(&link);
    if cargo.is_some() && file_of(link) == cargo {
        return Program::Cargo;
    }
    let executable = fs::read_link(link).ok();
    let name = executable.as_deref().and_then(Path::file_name);
    let of_file = name.map_or(Program::Other, by_name);
    // A script is executed by its interpreter, and another user's program is not shown.
    match of_file {
        Program::Other => by_name(OsStr::new(&process.name)),
        known => known,
    }
}

fn by_name(name: &OsStr) -> Program {
    let name = name.as_encoded_bytes();
    // It may have been replaced since it was started.
    let name = name.strip_suffix(b" (deleted)").unwrap_or(name);
    match name {
        b"cargo" | b".cargo-wrapped" => Program::Cargo,
        b"cargo-nextest" | b".cargo-nextest-" | b".cargo-nextest-wrapped" => Program::Nextest,
        _ => Program::Other,
    }
}

/// Whether a cargo or a nextest was itself started by what another one has started: only such have the
/// variables of a package.
fn is_below_cargo(pid: i32) -> bool {
    let Some(variables) = whole(&format!("/proc/{pid}/environ")) else {
        // Another user's: it may be.
        return true;
    };
    variables.split(|byte| *byte == 0).any(|variable| {
        variable.starts_with(b"CARGO_MANIFEST_DIR=") || variable.starts_with(b"NEXTEST_RUN_ID=")
    })
}

/// What a runner was asked for, as far as that is nobody's secret.
pub(super) fn command_of(runner: i32) -> Vec<String> {
    let arguments = whole(&format!("/proc/{runner}/cmdline"));
    arguments.map_or_else(Vec::new, |arguments| command::shown(&arguments))
}

/// The `--partition` that nextest was given: it does not tell its tests.
fn partition_of(pid: i32) -> Option<String> {
    let arguments = whole(&format!("/proc/{pid}/cmdline"))?;
    let mut arguments = arguments.split(|byte| *byte == 0);
    while let Some(argument) = arguments.next() {
        if argument == b"--" {
            break;
        }
        let value = match argument.strip_prefix(b"--partition") {
            Some(b"") => arguments.next()?,
            Some(value) => value.strip_prefix(b"=")?,
            None => continue,
        };
        return String::from_utf8(value.to_vec()).ok();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_and_replaced_programs_are_known_by_their_names() {
        for (name, program) in [
            ("cargo", Program::Cargo),
            ("cargo (deleted)", Program::Cargo),
            (".cargo-wrapped", Program::Cargo),
            ("cargo-nextest", Program::Nextest),
            ("cargo-heap", Program::Other),
            ("rustdoc", Program::Other),
        ] {
            assert_eq!(by_name(OsStr::new(name)), program, "{name}");
        }
    }
}
