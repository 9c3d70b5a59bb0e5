//! `cargo heap compare` and `cargo heap baseline save`.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table};

use super::args;
use super::error::Error;
use super::format::TableJsonMarkdown;
use super::json::json;
use super::quantity::{difference, time};
use super::report::left_out::warn_of_left_out;
use super::run_table::STYLE;
use super::runs::Runs;
use super::status::Status;
use super::terminal::{self, Terminal};
use super::text::printable;
use super::{markdown, replace};
use crate::report::pack::Pack;
use crate::report::{
    BASELINE_VERSION, Baseline, Change, Comparison, Host, Kind, Moved, Number, Run, Shift, Spread,
    Spreads, Tolerance,
};
use heap_sidecar::size::{Human, Signed};

pub(super) fn run(command: &args::Compare, terminal: &mut Terminal) -> Result<Status, Error> {
    let runs = Runs::default();
    let base = load(&command.base_names(), &runs)?;
    let new = load(&command.new_names(), &runs)?;
    let tolerance = command
        .tolerance
        .map(|written| written.0)
        .unwrap_or_default();
    print(&of(&base, &new, tolerance)?, command.format, terminal)
}

/// A side of a comparison.
pub(super) struct Side {
    pub(super) baseline: Baseline,
    /// What a committed baseline does not have.
    pub(super) spreads: Option<Spreads>,
}

impl Side {
    pub(super) fn of(run: &Run) -> Self {
        Self {
            baseline: Baseline::of(&run.rows),
            spreads: Some(Spreads::of(run)),
        }
    }
}

/// Compares two runs.
pub(super) fn of(base: &Side, new: &Side, tolerance: Tolerance) -> Result<Comparison, Error> {
    let comparison = Comparison::of(&base.baseline, &new.baseline, tolerance)
        .map_err(|error| Error::of(&error))?;
    Ok(match (&base.spreads, &new.spreads) {
        (Some(base), Some(new)) => comparison.with(base, new),
        _ => comparison,
    })
}

/// Prints what changed, and tells whether anything got worse.
pub(super) fn print(
    comparison: &Comparison,
    format: TableJsonMarkdown,
    terminal: &mut Terminal,
) -> Result<Status, Error> {
    match format {
        TableJsonMarkdown::Json => json(comparison, terminal)?,
        TableJsonMarkdown::Table => for_people(comparison, terminal)?,
        TableJsonMarkdown::Markdown => for_github(comparison, terminal)?,
    }
    Ok(if comparison.has_regression() {
        Status::Bad
    } else {
        Status::Good
    })
}

/// A committed baseline, or runs, which are taken for parts of one; the newest where none is named.
pub(super) fn load(names: &[OsString], runs: &Runs) -> Result<Side, Error> {
    let is_baseline = |name: &OsString| Path::new(name).is_file() && !Pack::is_at(Path::new(name));
    if let [name] = names
        && is_baseline(name)
    {
        return Ok(Side {
            baseline: read(Path::new(name))?,
            spreads: None,
        });
    }
    if let Some(file) = names.iter().find(|name| is_baseline(name)) {
        let file = file.display();
        return Err(Error::new(format!(
            "`{file}` is a file among several runs, and a baseline stands for a whole run: `cargo heap \
             baseline save` makes one of several runs"
        )));
    }
    let run = runs.read(names)?;
    warn_of_left_out(&run);
    Ok(Side::of(&run))
}

/// Reads a committed baseline.
fn read(path: &Path) -> Result<Baseline, Error> {
    let name = path.display();
    let text = fs::read(path).map_err(|error| Error::at("read the baseline", path, error))?;
    let baseline: Baseline = serde_json::from_slice(&text).map_err(|error| {
        Error::new(format!(
            "`{name}` is not a valid baseline: {error}; `cargo heap baseline save` writes one"
        ))
    })?;
    if baseline.baseline_version > BASELINE_VERSION {
        return Err(Error::new(format!(
            "the baseline `{name}` has version {}, and this cargo-heap reads up to {BASELINE_VERSION}: \
             use a newer cargo-heap",
            baseline.baseline_version
        )));
    }
    Ok(baseline)
}

/// Writes a run's baseline to a file.
pub(super) fn save(command: &args::Save, terminal: &mut Terminal) -> Result<Status, Error> {
    let run = Runs::default().read(&command.runs)?;
    warn_of_left_out(&run);
    let baseline = Baseline::of(&run.rows);
    if baseline.tests.is_empty() {
        return Err(Error::new(
            "the run has no tracked test, so there is nothing to save as a baseline",
        ));
    }
    let mut text = serde_json::to_vec_pretty(&baseline)
        .map_err(|error| Error::at("write the baseline", &command.file, error))?;
    text.push(b'\n');
    replace::output(&command.file, &text)
        .map_err(|error| Error::at("write the baseline", &command.file, error))?;
    let tests = baseline.tests.len();
    let file = command.file.to_string_lossy();
    writeln!(terminal, "{tests} test(s) saved to {}", printable(&file))?;
    Ok(Status::Good)
}

/// A line of the table: what changed, from what to what.
struct Line {
    what: String,
    base: String,
    new: String,
    by: String,
}

fn lines(change: &Change) -> Vec<Line> {
    let mut lines = Vec::new();
    let state = |state: Option<_>| state.map_or_else(|| "-".into(), |state| format!("{state}"));
    if change.base_state != change.new_state {
        lines.push(Line {
            what: "outcome".into(),
            base: state(change.base_state),
            new: state(change.new_state),
            by: String::new(),
        });
    }
    lines.extend(change.moved.iter().map(|moved| Line {
        what: moved.number.to_string(),
        base: amount(moved.number, moved.base),
        new: amount(moved.number, moved.new),
        by: by(moved),
    }));
    for shift in &change.shifted {
        lines.push(shifted(shift));
        lines.extend(grown(shift));
    }
    lines
}

/// Which parts of a time are longer than they were.
fn grown(shift: &Shift) -> Option<Line> {
    let parts = shift.grown.iter();
    let parts = parts.map(|grown| format!("{} +{}", grown.part, time_of(grown.by_ns)));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| Line {
        what: "what of it has grown".into(),
        base: String::new(),
        new: String::new(),
        by: parts.join(", "),
    })
}

/// Of nanoseconds, which are not below 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time is not below 0, and none is longer than centuries"
)]
fn time_of(ns: f64) -> String {
    time(ns as u64)
}

/// A time or a metric, with how many readings each side has.
fn shifted(shift: &Shift) -> Line {
    let amount = |value: f64| match &shift.metric {
        None => time_of(value),
        Some(_) => format!("{value}"),
    };
    let side = |side: &Spread| {
        let readings = match side.readings {
            1 => "one reading".to_owned(),
            several => format!("median of {several}"),
        };
        format!("{}, {readings}", amount(side.median))
    };
    let (base, new) = (shift.base.median, shift.new.median);
    let by = if base > 0.0 {
        format!(
            "x {:.1} ({:+.0} %)",
            new / base,
            (new - base) / base * 100.0
        )
    } else {
        String::new()
    };
    Line {
        what: match &shift.metric {
            None => "time".to_owned(),
            Some(metric) => format!("metric {}", printable(metric)),
        },
        base: side(&shift.base),
        new: side(&shift.new),
        by,
    }
}

/// The whole table, of text.
pub(super) fn table(comparison: &Comparison) -> Vec<[String; 6]> {
    let mut table = Vec::new();
    for change in &comparison.changes {
        for line in lines(change) {
            let kind = change.kind.to_string();
            table.push([name(change), kind, line.what, line.base, line.new, line.by]);
        }
    }
    table
}

fn amount(number: Number, value: i64) -> String {
    match number {
        Number::Allocations => value.to_string(),
        Number::Retained | Number::Process => difference(value),
        _ => Human(value.unsigned_abs()).to_string(),
    }
}

/// How much, and how much of what it was.
fn by(moved: &Moved) -> String {
    let difference = moved.new.saturating_sub(moved.base);
    let text = match moved.number {
        Number::Allocations => format!("{difference:+}"),
        _ => Signed(difference).to_string(),
    };
    if moved.base <= 0 {
        return text;
    }
    #[expect(clippy::cast_precision_loss, reason = "whole percents are shown")]
    let percent = difference as f64 / moved.base as f64 * 100.0;
    format!("{text} ({percent:+.0} %)")
}

fn name(change: &Change) -> String {
    let Change {
        package,
        binary,
        test,
        ..
    } = change;
    printable(&format!("{package}::{binary} {test}")).into_owned()
}

fn for_people(comparison: &Comparison, terminal: &mut Terminal) -> Result<(), Error> {
    if !comparison.changes.is_empty() {
        let mut table = Table::new();
        table.load_style(STYLE).enforce_styling().set_header([
            "test",
            "",
            "what",
            "base",
            "new",
            "difference",
        ]);
        if let Some(width) = terminal.width() {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
        }
        for change in &comparison.changes {
            for (index, line) in lines(change).into_iter().enumerate() {
                let right = |text| Cell::new(text).set_alignment(CellAlignment::Right);
                let kind = Cell::new(change.kind);
                let kind = match change.kind {
                    Kind::Regression => kind.fg(Color::Red),
                    Kind::Improvement => kind.fg(Color::Green),
                    _ => kind,
                };
                // A test is named once.
                let (name, kind) = if index == 0 {
                    (Cell::new(name(change)), kind)
                } else {
                    (Cell::new(""), Cell::new(""))
                };
                table.add_row([
                    name,
                    kind,
                    Cell::new(line.what),
                    right(line.base),
                    right(line.new),
                    right(line.by),
                ]);
            }
        }
        writeln!(terminal, "{}\n", table.trim_fmt())?;
    }
    writeln!(terminal, "{}", summary(comparison))?;
    warn_of_differences(comparison);
    Ok(())
}

/// Says what the runs were made with that is not the same.
fn warn_of_differences(comparison: &Comparison) {
    for difference in &comparison.differences {
        terminal::warn(&format!(
            "the runs differ: {}",
            printable(&difference.to_string())
        ));
    }
    for (which, hosts) in [
        ("base", &comparison.base_hosts),
        ("new run", &comparison.new_hosts),
    ] {
        for host in hosts {
            terminal::warn(&format!(
                "the hosts differ: the {which} ran on {}",
                printable(&words(host))
            ));
        }
    }
}

fn for_github(comparison: &Comparison, out: &mut impl Write) -> Result<(), Error> {
    writeln!(out, "### {}\n", markdown::escaped(&summary(comparison)))?;
    if !comparison.changes.is_empty() {
        writeln!(out, "| test | | what | base | new | difference |")?;
        writeln!(out, "|---|---|---|---:|---:|---:|")?;
    }
    for change in &comparison.changes {
        for line in lines(change) {
            let name = markdown::escaped(&name(change));
            let Line {
                what,
                base,
                new,
                by,
            } = line;
            let kind = change.kind;
            let what = markdown::escaped(&what);
            writeln!(out, "| {name} | {kind} | {what} | {base} | {new} | {by} |")?;
        }
    }
    for difference in &comparison.differences {
        let difference = markdown::escaped(&printable(&difference.to_string()));
        writeln!(out, "\nThe runs differ: {difference}.")?;
    }
    for (which, hosts) in [
        ("base", &comparison.base_hosts),
        ("new run", &comparison.new_hosts),
    ] {
        for host in hosts {
            let host = markdown::escaped(&printable(&words(host)));
            writeln!(out, "\nThe hosts differ: the {which} ran on {host}.")?;
        }
    }
    Ok(())
}

pub(super) fn summary(comparison: &Comparison) -> String {
    let mut parts = Vec::new();
    for kind in [
        Kind::Regression,
        Kind::Improvement,
        Kind::Changed,
        Kind::New,
        Kind::Gone,
    ] {
        let count = comparison
            .changes
            .iter()
            .filter(|change| change.kind == kind);
        match count.count() {
            0 => {}
            count => parts.push(format!("{count} {kind}")),
        }
    }
    parts.push(format!("{} unchanged", comparison.unchanged));
    let tolerance = comparison.tolerance;
    let tolerance = if tolerance.percent > 0.0 {
        format!(
            "a number counts beyond its error and {} %",
            tolerance.percent
        )
    } else {
        format!(
            "bytes count beyond their error and {}, allocations always",
            Human(tolerance.bytes)
        )
    };
    format!("{}; {tolerance}", parts.join(", "))
}

fn words(host: &Host) -> String {
    let cpus = host.online_cpus.map(|cpus| format!("{cpus} CPUs"));
    let kernel = host
        .kernel_release
        .as_ref()
        .map(|kernel| format!("Linux {kernel}"));
    let parts = [host.arch.clone(), host.cpu_model.clone(), cpus, kernel];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
