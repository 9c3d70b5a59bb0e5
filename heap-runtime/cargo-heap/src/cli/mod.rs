//! The command line, `cargo heap`: arguments in, text and an exit status out.
//!
//! What is worked out of the sidecars is in [`crate::report`]; here is only how people ask for it
//! and how it is shown to them. Not public API.

mod across;
mod args;
mod args_of_runs;
mod cargo;
mod cause;
mod clean;
mod clock;
mod collect;
mod compare;
mod doctor;
#[cfg(test)]
mod documents;
mod error;
mod export;
mod fail_on;
mod filter;
mod format;
#[cfg(test)]
mod fuzz;
mod github;
mod html;
pub(crate) mod init;
mod json;
mod junit;
mod listing;
mod manual;
mod markdown;
mod new_run;
mod pack;
mod plot;
mod progress;
mod quantity;
mod replace;
mod report;
mod run_pressure;
mod run_table;
mod runs;
mod sampled;
mod schema;
mod schema_of;
mod show;
mod status;
mod terminal;
mod test;
mod text;
mod tolerance;
mod unseen;
mod workspace;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use error::Error;
use format::TableOrJson;
use runs::Runs;
use status::Status;
use terminal::Terminal;

/// Runs `cargo heap`, or `cargo-heap`, with the process's arguments.
///
/// The exit status is 0 where all is good, 1 where tests failed or something regressed, 2 where
/// the usage is wrong or the input unreadable, 3 where tests failed and the machine explains all of them,
/// and 128 and the signal's number where a signal ended the tests.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = args::of_subcommand(args);
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell where this cannot be printed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut terminal = Terminal::of_stdout();
    let status = run(&cli, &args, &mut terminal).and_then(|status| {
        terminal.flush()?;
        Ok(status)
    });
    match status {
        // A pipe that was closed, as with `cargo heap report | head`: they have seen enough.
        Ok(Status::Good) | Err(Error::NobodyReads) => ExitCode::SUCCESS,
        Ok(Status::Bad) => ExitCode::from(1),
        Ok(Status::Confounded) => ExitCode::from(3),
        Ok(Status::Signal(signal)) => ExitCode::from(128_u8.saturating_add(signal)),
        Err(error) => {
            terminal::complain(&error);
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli, args: &[OsString], terminal: &mut Terminal) -> Result<Status, Error> {
    match &cli.command {
        Command::Test(command) => test::run(command, args, terminal),
        Command::Report(command) => report::run(command, terminal),
        Command::Show(command) => show::run(command, terminal),
        Command::Compare(command) => compare::run(command, terminal),
        Command::Baseline(args::Baseline::Save(command)) => compare::save(command, terminal),
        Command::Export(command) => export::run(command, terminal),
        Command::Init(command) => init::run(command, terminal),
        Command::Collect(command) => collect::run(command, terminal),
        Command::Runs(command) => listing::run(command, terminal),
        Command::Pack(command) => pack::pack(command, terminal),
        Command::Unpack(command) => pack::unpack(command, terminal),
        Command::Clean(command) => clean::run(command, terminal),
        Command::Doctor(command) => {
            let run = Runs::default().read(&command.runs);
            let as_json = command.format == TableOrJson::Json;
            let complete = doctor::run(run, as_json, terminal)?;
            Ok(if complete { Status::Good } else { Status::Bad })
        }
        Command::Completions { shell } => manual::completions(*shell, terminal),
        Command::Man => manual::man(terminal),
        Command::Schema(command) => schema::print(command, terminal),
    }
}
