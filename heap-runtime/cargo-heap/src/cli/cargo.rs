//! Cargo, or nextest, as a child on the same terminal.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::stderr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
#[cfg(unix)]
use std::sync::OnceLock;

#[cfg(unix)]
use super::clock::now;
use super::error::Error;
#[cfg(unix)]
use super::terminal;
use crate::report::{End, Interrupted};

/// What runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harness {
    /// `cargo test`
    Test,
    /// `cargo nextest run`
    Nextest,
}

impl Harness {
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Test => &["test"],
            Self::Nextest => &["nextest", "run"],
        }
    }
}

/// Where the child prints what is for standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prints {
    /// There, before the report.
    Beside,
    /// To stderr: our standard output is for a program.
    ToStderr,
}

/// How cargo ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// The first signal to end that came meanwhile: to a terminal's programs, it comes to the tests too.
    pub(super) interrupted: Option<Interrupted>,
}

impl Ended {
    pub(super) fn end(&self) -> Option<End> {
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt as _;
            if let Some(signal) = self.status.signal() {
                return Some(End::Signal(signal));
            }
        }
        self.status.code().map(End::Exit)
    }
}

/// Runs cargo to its end.
///
/// Ctrl-C is for the child, which the terminal tells as well: we wait for it, to report what there
/// is. A request to terminate is passed on.
pub(super) fn run(
    harness: Harness,
    own: &[OsString],
    arguments: &[OsString],
    variables: &[(&str, &OsStr)],
    prints: Prints,
) -> Result<Ended, Error> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.args(harness.arguments()).args(own).args(arguments);
    command.envs(variables.iter().copied());
    // Started inside a test of nextest's, this is a run of its own all the same.
    command.env_remove("NEXTEST_RUN_ID");
    if prints == Prints::ToStderr {
        command.stdout(stderr());
    }
    wait_with_signals(&mut command, &cargo)
}

fn start(command: &mut Command, cargo: &OsStr) -> Result<Child, Error> {
    command
        .spawn()
        .map_err(|error| Error::at("start", Path::new(cargo), error))
}

#[cfg(unix)]
fn wait_with_signals(command: &mut Command, cargo: &OsStr) -> Result<Ended, Error> {
    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::Signals;

    let listen = |error| Error::at("wait for", Path::new(cargo), error);
    // Before there is a child, so that no signal comes in between. The child starts without these
    // handlers: exec takes them away.
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]).map_err(listen)?;
    let handle = signals.handle();
    let mut child = start(command, cargo)?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let first = OnceLock::new();
    let status = std::thread::scope(|scope| {
        let first = &first;
        let pass_on = move || {
            let told = |signal| {
                // Only the first is of interest.
                let _ = first.set(Interrupted::new(signal, now()));
            };
            for signal in signals.forever() {
                told(signal);
                if signal == SIGTERM
                    && let Some(pid) = pid
                {
                    // Gone already is as good.
                    let _ = kill_process(pid, Signal::TERM);
                }
            }
            // What came just before cargo ended.
            signals.pending().for_each(told);
        };
        // Cargo is running: where the host has no thread to give, it is waited for all the same.
        if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, pass_on) {
            terminal::warn(&format!("SIGTERM will not be passed on to cargo: {error}"));
        }
        let status = child.wait();
        handle.close();
        status
    });
    Ok(Ended {
        status: status.map_err(listen)?,
        interrupted: first.into_inner(),
    })
}

#[cfg(not(unix))]
fn wait_with_signals(command: &mut Command, cargo: &OsStr) -> Result<Ended, Error> {
    let mut child = start(command, cargo)?;
    let status = child.wait();
    Ok(Ended {
        status: status.map_err(|error| Error::at("wait for", Path::new(cargo), error))?,
        interrupted: None,
    })
}
