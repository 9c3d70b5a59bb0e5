//! `cargo heap export`: flat rows for other programs.

use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

use super::error::Error;
use super::format::RowFormat;
use super::json::ndjson;
use super::report::left_out::warn_of_left_out;
use super::runs::Runs;
use super::status::Status;
use super::terminal::{self, Terminal};
use super::text::printable;
use super::{args, runs};
use crate::report::Row;

pub(super) fn run(command: &args::Export, terminal: &mut Terminal) -> Result<Status, Error> {
    if command.columns {
        for column in Row::COLUMNS {
            let about: Vec<_> = column.about.iter().map(|line| line.trim()).collect();
            writeln!(terminal, "{:<30} {}", column.name, about.join(" "))?;
        }
        return Ok(Status::Good);
    }
    let all = Runs::default();
    let run = if command.all {
        let (kept, others) = all.kept()?.own()?;
        if others > 0 {
            terminal::note(&format!("{others} run(s) of other workspaces are skipped"));
        }
        let folders: Vec<_> = kept.iter().map(|run| run.path.clone()).collect();
        runs::read(&folders)?
    } else {
        all.read(&command.runs)?
    };
    warn_of_left_out(&run);
    match command.format {
        RowFormat::Ndjson => ndjson(&run.rows, terminal)?,
        RowFormat::Csv => csv(&run.rows, terminal)?,
    }
    Ok(Status::Good)
}

fn csv(rows: &[Row], terminal: &mut Terminal) -> Result<(), Error> {
    // Who looks at it is not to be acted on by it; a file gets what is there.
    let watched = std::io::stdout().is_terminal();
    let wrong = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => Error::from(error),
        kind => Error::new(format!("cannot write CSV: {kind:?}")),
    };
    let mut writer = csv::Writer::from_writer(terminal);
    let headings = Row::COLUMNS.iter().map(|column| column.name);
    writer.write_record(headings).map_err(wrong)?;
    for row in rows {
        let row = serde_json::to_value(row)
            .map_err(|error| Error::new(format!("cannot write CSV: {error}")))?;
        let cells = Row::COLUMNS
            .iter()
            .map(|column| match row.get(column.name) {
                None => String::new(),
                Some(Value::String(text)) if watched => printable(text).into_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            });
        writer.write_record(cells).map_err(wrong)?;
    }
    writer.flush()?;
    Ok(())
}
