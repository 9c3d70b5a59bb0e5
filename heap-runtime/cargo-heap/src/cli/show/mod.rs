//! `cargo heap show`: everything about one test.

mod host;
mod recorded;
mod spent;

use std::collections::{BTreeSet, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::error::{Chain, Error};
use super::format::TableOrJson;
use super::json::json;
use super::plot::plot;
use super::quantity::{QUANTITIES, bytes, difference, time};
use super::report::left_out::warn_of_left_out;
use super::report::people::{self, Message, evidence};
use super::run_table::{both_verdicts, full_name, name};
use super::status::Status;
use super::terminal::{self, Terminal};
use super::text::printable;
use super::{args, runs, sampled, unseen};
use crate::report::{Context, Diagnosis, Row, State, TestKey, Totals, sidecars_of};
use heap_sidecar::{Allocator, Budget, Checkpoint, Limit, SharedThreads, Sidecar};
use host::{host, waits};
use recorded::recorded;
use spent::spent;

/// Where there is no terminal to ask, pictures are so wide.
const WIDTH: u16 = 80;

/// The executions of a test.
#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    executions: Vec<Execution>,
}

/// One execution, and all that there is about it.
#[derive(Serialize, JsonSchema)]
struct Execution {
    /// Where its sidecar is; behind the file of a run that is packed, its name in there.
    file: String,
    /// What a report says of it, as its runner judged.
    row: Row,
    /// What explains it, where it failed or the machine has cost it time.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnosis: Option<Diagnosis>,
    /// All that it has recorded.
    sidecar: Sidecar,
}

pub(super) fn run(command: &args::Show, terminal: &mut Terminal) -> Result<Status, Error> {
    let run = runs::Runs::default().read(command.run.as_slice())?;
    warn_of_left_out(&run);
    let tests = chosen(&run.rows, &command.test)?;
    let context = Context::of_run(&run);
    let mut executions = Vec::new();
    let runs: HashSet<&str> = run.rows.iter().map(|row| row.run_id.as_str()).collect();
    let is_it = |row: &Row| tests.contains(&row.key()) && runs.contains(row.run_id.as_str());
    let folders: Vec<&Path> = run.folders.iter().map(PathBuf::as_path).collect();
    let found = sidecars_of(&folders, is_it).map_err(|error| Error::of(&error))?;
    for (file, read, sidecar) in found {
        // As it stands in the run: the runner may have judged otherwise than its sidecar.
        let row = run.rows.iter().find(|row| is_same(row, &read)).cloned();
        let row = row.unwrap_or(read);
        let sidecar = sidecar.map_err(|error| Error::at("read", &file, Chain(&error)))?;
        let diagnosis = match row.state {
            State::Passed => Diagnosis::of_passed(&row),
            state => state.is_bad().then(|| Diagnosis::of(&row, &context)),
        };
        executions.push(Execution {
            // A path need not be UTF-8, and JSON is.
            file: file.to_string_lossy().into_owned(),
            row,
            diagnosis,
            sidecar,
        });
    }
    let shown = Shown { executions };
    if command.format == TableOrJson::Json {
        json(&shown, terminal)?;
    } else {
        for execution in &shown.executions {
            for_people(execution, terminal)?;
        }
    }
    // A test that a later attempt has made good is good.
    let bad = Totals::of(shown.executions.iter().map(|execution| &execution.row)).is_bad();
    Ok(if bad { Status::Bad } else { Status::Good })
}

/// Whether it is the same execution.
fn is_same(a: &Row, b: &Row) -> bool {
    let of = |row| -> (_, _, _, _) { (Row::key(row), row.turn(), &row.shard, &row.source_file) };
    a.run_id == b.run_id && of(a) == of(b)
}

/// The test of that name, with its binary or without; else the only one whose name contains it. Of several
/// binaries, each has one.
fn chosen<'a>(rows: &'a [Row], wanted: &str) -> Result<BTreeSet<TestKey<'a>>, Error> {
    let keys = |is_it: &dyn Fn(&Row) -> bool| -> BTreeSet<TestKey<'a>> {
        rows.iter().filter(|row| is_it(row)).map(Row::key).collect()
    };
    let exactly = keys(&|row| row.test == wanted || full_name(row.key()) == wanted);
    if !exactly.is_empty() {
        return Ok(exactly);
    }
    let mut matching = keys(&|row| row.test.contains(wanted));
    if matching.is_empty() {
        matching = keys(&|row| full_name(row.key()).contains(wanted));
    }
    let names: BTreeSet<&str> = matching.iter().map(|(.., test)| *test).collect();
    let wanted = printable(wanted);
    match names.len() {
        1 => Ok(matching),
        many @ 2.. => {
            let some: Vec<_> = names.iter().take(5).map(|test| printable(test)).collect();
            Err(Error::new(format!(
                "{many} tests have `{wanted}` in their names, {} among them: write more of it",
                some.join(", ")
            )))
        }
        0 => Err(Error::new(format!(
            "no tracked test of the run has `{wanted}` in its name: `cargo heap report` lists them"
        ))),
    }
}

fn for_people(shown: &Execution, terminal: &mut Terminal) -> Result<(), Error> {
    let (row, sidecar) = (&shown.row, &shown.sidecar);
    let strong = terminal::STRONG;
    if let Some(diagnosis) = &shown.diagnosis
        && row.state.is_bad()
    {
        people::diagnosis(row, &name(row, true), diagnosis, Message::Whole, terminal)?;
        writeln!(terminal)?;
    } else {
        let name = name(row, true);
        writeln!(terminal, "{strong}{}{strong:#} {name}", row.state)?;
        if let Some(cost) = &shown.diagnosis {
            evidence(cost, terminal)?;
        }
        writeln!(terminal)?;
    }
    facts(shown, terminal)?;
    quantities(row, terminal)?;
    said(row, terminal)?;
    let width = usize::from(terminal.width().unwrap_or(WIDTH));
    if let Some(timeline) = &sidecar.heap.timeline
        && let Some(picture) = plot(timeline, row.duration_ns, width)
    {
        writeln!(terminal, "\n{strong}live bytes{strong:#}\n{picture}")?;
    }
    spent(row, width, terminal)?;
    checkpoints(&sidecar.heap.checkpoints, terminal)?;
    budgets(&sidecar.budgets, terminal)?;
    host(row, terminal)?;
    waits(row, terminal)?;
    recorded(sidecar, terminal)?;
    writeln!(terminal, "\nsidecar: {}\n", printable(&shown.file))?;
    Ok(())
}

/// Its numbers, each as a report has it.
fn quantities(row: &Row, terminal: &mut Terminal) -> Result<(), Error> {
    let dim = terminal::DIM;
    for quantity in &QUANTITIES {
        if let Some(text) = (quantity.of)(row) {
            let error = row
                .own_peak_error_bytes
                .filter(|_| quantity.heading == "peak" && row.not_known(Limit::MaxPeak).is_none());
            let error = error.map(|error| format!(" ± {}", bytes(error)));
            let checkpoint = row.checkpoint_label.as_deref().filter(|_| {
                let at_least = row.own_peak_at_least();
                let is_it = at_least == row.checkpoint_least_peak_bytes;
                quantity.heading == "peak" && at_least.is_some() && is_it
            });
            let checkpoint =
                checkpoint.map(|label| format!(", by its checkpoint `{}`", printable(label)));
            writeln!(
                terminal,
                "{:>14}  {text}{dim}{}{dim:#}",
                quantity.heading,
                error.or(checkpoint).unwrap_or_default()
            )?;
        }
    }
    if let Some(allocations) = row.own_allocations {
        writeln!(terminal, "{:>14}  {allocations}", "allocations")?;
    }
    Ok(())
}

/// What there is to say of an execution beside its numbers.
fn facts(shown: &Execution, terminal: &mut Terminal) -> Result<(), Error> {
    let (row, sidecar) = (&shown.row, &shown.sidecar);
    let facts = [
        (
            "source",
            Some(format!("{}:{}", row.source_file, row.source_line)),
        ),
        ("started", Some(row.started_at.clone())),
        (
            "last seen",
            row.last_seen_live_bytes.map(|live| {
                let at = row.last_seen_at_ns.unwrap_or(0);
                format!("{} in, {} live", time(at), bytes(live))
            }),
        ),
        ("judged", both_verdicts(row)),
        // Of one that stands as good, because its runner says so.
        (
            "it said",
            row.failure_message.clone().filter(|_| !row.state.is_bad()),
        ),
        ("skipped", row.skip_reason.clone()),
        ("not measured", row.heap_reason.clone()),
        (
            "shared",
            row.own_shared.map(|_| SharedThreads::NOTE.to_owned()),
        ),
        ("C's malloc", row.c_allocator.map(served_by)),
        ("not counted", unseen::words(sidecar)),
    ];
    for (what, fact) in facts {
        if let Some(fact) = fact {
            writeln!(terminal, "{what:>14}  {}", printable(&fact))?;
        }
    }
    Ok(())
}

/// What serves C's `malloc`, and what that means for the numbers.
fn served_by(allocator: Allocator) -> String {
    match allocator {
        Allocator::Jemalloc => "jemalloc's: what C code allocates is in the numbers",
        _ => "not jemalloc's: what C code allocates is in no number",
    }
    .into()
}

/// Its limits, and what came of them.
fn budgets(budgets: &[Budget], terminal: &mut Terminal) -> Result<(), Error> {
    let strong = terminal::STRONG;
    if !budgets.is_empty() {
        writeln!(terminal, "\n{strong}budgets{strong:#}")?;
    }
    for entry in budgets {
        budget(entry, terminal)?;
    }
    Ok(())
}

/// What it has said of itself.
fn said(row: &Row, terminal: &mut Terminal) -> Result<(), Error> {
    for (key, value) in row.labels.iter().flatten() {
        writeln!(
            terminal,
            "{:>14}  {} = {}",
            "label",
            printable(key),
            printable(value)
        )?;
    }
    for (key, value) in row.metrics.iter().flatten() {
        let described = sampled::described(row, key);
        let key = printable(key);
        writeln!(terminal, "{:>14}  {key} = {value}{described}", "metric")?;
    }
    for line in sampled::lines(row) {
        writeln!(terminal, "{:>14}  {line}", "samples")?;
    }
    Ok(())
}

/// The own tier at the moments that the test has named.
fn checkpoints(checkpoints: &[Checkpoint], terminal: &mut Terminal) -> Result<(), Error> {
    if checkpoints.is_empty() {
        return Ok(());
    }
    let strong = terminal::STRONG;
    writeln!(terminal, "\n{strong}checkpoints{strong:#}")?;
    for checkpoint in checkpoints {
        let own = checkpoint.own.as_ref().map_or_else(String::new, |own| {
            let peak = own
                .peak_bytes
                .map(|peak| format!(", peak so far {}", bytes(peak)));
            format!(
                "{} live{}, {} allocated",
                difference(own.retained_bytes),
                peak.unwrap_or_default(),
                bytes(own.allocated_bytes)
            )
        });
        let label = printable(&checkpoint.label);
        writeln!(terminal, "{:>14}  {label}: {own}", time(checkpoint.at_ns))?;
    }
    Ok(())
}

fn budget(budget: &Budget, terminal: &mut Terminal) -> Result<(), Error> {
    let style = match budget.held {
        Some(true) => terminal::STRONG,
        Some(false) => terminal::BAD,
        None => terminal::DIM,
    };
    writeln!(
        terminal,
        "{:>14}  {style}{}{style:#}",
        budget.limit,
        amounts(budget)
    )?;
    Ok(())
}

/// A budget in one line.
pub(super) fn budget_words(budget: &Budget) -> String {
    format!("{}: {}", budget.limit, amounts(budget))
}

/// `4.00 MiB of 8.00 MiB: held`
fn amounts(budget: &Budget) -> String {
    let amount = |value: u64| match budget.limit {
        Limit::MaxAllocations => value.to_string(),
        limit if limit.is_time() => time(value),
        _ => bytes(value),
    };
    let actual = match budget.actual {
        None => "not measured".to_owned(),
        Some(actual @ 0..) => amount(actual.unsigned_abs()),
        Some(actual) => difference(actual),
    };
    let verdict = match budget.held {
        Some(true) => "held",
        Some(false) => "broken",
        None => "not checked",
    };
    let note = budget.note.as_deref();
    let note = note
        .map(|note| format!(" ({})", printable(note)))
        .unwrap_or_default();
    format!("{actual} of {}: {verdict}{note}", amount(budget.bytes))
}
