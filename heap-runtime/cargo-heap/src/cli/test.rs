//! `cargo heap test`: cargo's tests as one run, and what came of it.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitStatus;

use super::cargo::{self, Harness};
use super::error::Error;
use super::format::Format;
use super::junit::word::Asked;
use super::new_run::{NewRun, run_id};
use super::run_pressure::{Readings, Started};
use super::runs::{self, Runs};
use super::status::Status;
use super::terminal::{self, Terminal};
use super::text::printable;
use super::workspace::Workspace;
use super::{args, compare, report};
use crate::report::{Change, Comparison, Run, RunnerVerdict, Tolerance};
use crate::settings::Settings;

/// Runs the tests, then reports what they left.
pub(super) fn run(
    command: &args::Test,
    args: &[OsString],
    terminal: &mut Terminal,
) -> Result<Status, Error> {
    let settings = Settings::get().map_err(Error::new)?;
    let harness = if command.nextest {
        Harness::Nextest
    } else {
        Harness::Test
    };
    let arguments = command.cargo_arguments(args);
    let workspace = Workspace::of(&arguments)?;
    let arguments = or_default(&arguments, &workspace, harness)?;
    // Before the tests: a base that cannot be read should not cost a whole run, and the newest run
    // is this one afterwards.
    let base = Some(&command.compare).filter(|names| !names.is_empty());
    let base = base
        .map(|names| compare::load(names, &Runs::default()))
        .transpose()?;
    let sidecar_dir = workspace.sidecar_dir(settings);
    let new = NewRun {
        workspace: &workspace,
        sidecar_dir,
        id: run_id(settings),
    };
    let variables = variables(&new);
    let started = Started::now(settings);
    let prints = match command.output.format {
        Format::Table => cargo::Prints::Beside,
        Format::Json | Format::Markdown | Format::Ndjson => cargo::Prints::ToStderr,
    };
    let asked = match harness {
        Harness::Nextest => Some(Asked::new()?),
        Harness::Test => None,
    };
    let own = asked
        .as_ref()
        .map_or_else(Vec::new, |asked| asked.arguments().to_vec());
    let ended = cargo::run(harness, &own, &arguments, &variables, prints)?;
    let readings = started.ended(&ended);
    let ended = ended.status;
    let mut run = new.read()?;
    let word = asked.map(|asked| asked.said(&workspace.targets(), &run.rows));
    let word = word.unwrap_or_default();
    let otherwise = run.hear(word.verdicts);
    keep(readings, otherwise, &mut run);
    let tracked = !run.rows.is_empty();
    if command.output.format == Format::Table {
        writeln!(terminal)?;
    }
    if !tracked && run.unreadable.is_empty() {
        terminal::note(&why_empty(settings, &new.place()));
        return status(ended, tracked, Status::Good, None);
    }
    if !tracked {
        return Err(runs::nothing_in(&run));
    }
    let side = base.as_ref().map(|_| compare::Side::of(&run));
    let comparison = base
        .zip(side)
        .map(|(base, new)| compare::of(&base, &new, Tolerance::default()));
    let comparison = comparison.transpose()?;
    let selection = args::Selection::default();
    let judged = report::print(
        run,
        &selection,
        &command.output,
        comparison.as_ref(),
        terminal,
    )?;
    if harness == Harness::Test && ended.success() && judged.status != Status::Good {
        terminal::note(
            &"cargo saw no failure, but the report has one: a test that exits its process ends the harness with it, \
              and a tracked function that is called inside a test can fail without failing that test",
        );
    }
    let mut found = judged.status;
    if let Some(comparison) = &comparison {
        writeln!(terminal)?;
        let format = command.output.format.of_comparison();
        compare::print(comparison, format, terminal)?;
        found = worse_than_base(found, comparison, &judged.confounded);
    }
    let status = status(ended, tracked, found, word.others_failed)?;
    if found == Status::Confounded && status == Status::Bad && harness == Harness::Test {
        say_others_may_have_failed();
    }
    Ok(command.output.fail_on.status(status))
}

fn say_others_may_have_failed() {
    terminal::note(
        &"the machine explains the failures of all tracked tests; `cargo test` does not say whether another test \
          failed too, `--nextest` does",
    );
}

/// What was found, and a regression that is more than what the machine explains.
fn worse_than_base(found: Status, comparison: &Comparison, confounded: &[[String; 3]]) -> Status {
    let is_explained = |change: &Change| {
        let Change {
            package,
            binary,
            test,
            ..
        } = change;
        confounded
            .iter()
            .any(|of| of.each_ref() == [package, binary, test])
    };
    let mut regressions = comparison
        .changes
        .iter()
        .filter(|change| change.is_regression());
    if regressions.any(|change| !is_explained(change)) {
        Status::Bad
    } else {
        found
    }
}

/// Keeps the readings around the run in its folders, and has the run know them.
fn keep(readings: Readings, verdicts: Vec<RunnerVerdict>, run: &mut Run) {
    let Some(run_id) = run.rows.first().map(|row| row.run_id.clone()) else {
        return;
    };
    let readings = readings.of_run(run_id, verdicts);
    for folder in &run.folders {
        if let Err(error) = readings.keep(folder) {
            terminal::warn(&format!(
                "the kernel's kills during the run and what nextest said of its tests are not stored: {}",
                printable(&error)
            ));
        }
    }
    run.pressure.push(readings.into());
}

/// What the user wrote; where there is nothing for cargo, what the workspace says.
fn or_default(
    arguments: &[OsString],
    workspace: &Workspace,
    harness: Harness,
) -> Result<Vec<OsString>, Error> {
    let of_cargo = arguments.first().is_some_and(|first| first != "--");
    let default = if of_cargo {
        Vec::new()
    } else {
        workspace.test_arguments()?
    };
    if !default.is_empty() {
        let shown: Vec<_> = default.iter().map(|text| text.to_string_lossy()).collect();
        terminal::note(&format!(
            "running `cargo {} {}`, the `test-args` of [workspace.metadata.heap] in Cargo.toml; \
             arguments of your own replace them",
            harness.arguments().join(" "),
            printable(&shown.join(" "))
        ));
    }
    Ok(default.into_iter().chain(arguments.to_vec()).collect())
}

fn variables<'a>(new: &'a NewRun<'_>) -> Vec<(&'static str, &'a OsStr)> {
    let mut variables = vec![("HEAP_RUN_ID", OsStr::new(&new.id))];
    if let Some(folder) = &new.sidecar_dir {
        variables.push(("HEAP_SIDECAR_DIR", folder.as_os_str()));
    }
    // The tests go by the variable; cargo goes by --target-dir where there is one.
    if std::env::var_os("CARGO_TARGET_DIR").is_some() {
        variables.push(("CARGO_TARGET_DIR", new.workspace.target().as_os_str()));
    }
    variables
}

fn why_empty(settings: &Settings, place: &Path) -> String {
    if !settings.track {
        return "no sidecar was written, because HEAP_TRACK is 0: unset it to track".into();
    }
    format!(
        "no sidecar was written to {}: no test that ran is #[heap_tracked], or the build failed",
        printable(&place.to_string_lossy())
    )
}

/// The exit status of cargo in the words of this command line; of two that differ, the worse.
///
/// Cargo exits with 1 for arguments that it does not understand, but also where the only test
/// binary that failed did: then there are sidecars. nextest has a number for each of its own
/// errors; 100 is a failed test and 101 a failed build. What cargo says is explained only where nextest
/// says that no other test failed.
fn status(
    of_cargo: ExitStatus,
    tracked: bool,
    found: Status,
    others_failed: Option<usize>,
) -> Result<Status, Error> {
    const TEST_FAILED: i32 = 100;
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = of_cargo.signal() {
            return Ok(Status::Signal(u8::try_from(signal).unwrap_or(0)));
        }
    }
    match of_cargo.code() {
        Some(0) => Ok(found),
        Some(TEST_FAILED) if found == Status::Confounded && others_failed == Some(0) => Ok(found),
        Some(code) if code < 100 && !tracked => Err(Error::new(format!(
            "cargo ran no test (exit status {code}): see above"
        ))),
        _ => Ok(Status::Bad),
    }
}
