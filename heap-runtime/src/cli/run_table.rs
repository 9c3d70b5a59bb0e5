//! The table of a run's tests, for people.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};

use super::text::printable;
use crate::report::{Row, State};
use crate::size::Signed;

/// A line under the headings is enough.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// One line for each execution, fitted to the width if there is one.
pub(super) fn run_table(rows: &[Row], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        // Whoever prints takes the colours out where they are not wanted.
        .enforce_styling()
        .set_header(["test", "outcome", "time", "process"].map(heading));
    if let Some(width) = width {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    for row in rows {
        table.add_row([
            Cell::new(name(row)),
            state(row.state),
            number(row.duration_ns.map(time)),
            number(row.process_allocated_delta_bytes.map(Signed)),
        ]);
    }
    table
}

fn heading(text: &str) -> Cell {
    Cell::new(text).add_attribute(Attribute::Bold)
}

/// The test, and which execution of it this is if there may be others.
fn name(row: &Row) -> String {
    let mut name = printable(&row.test).into_owned();
    let turns = [
        ("attempt", (row.attempt > 1).then_some(row.attempt)),
        ("stress", row.stress_index),
        ("iteration", (row.iteration > 0).then_some(row.iteration)),
    ];
    for (turn, number) in turns {
        if let Some(number) = number {
            write!(name, " ({turn} {number})").expect("a String takes all");
        }
    }
    name
}

fn state(state: State) -> Cell {
    let cell = Cell::new(state);
    match state {
        State::Passed => cell.fg(Color::Green),
        State::Skipped | State::Running => cell.fg(Color::Yellow),
        State::Failed | State::Killed => cell.fg(Color::Red).add_attribute(Attribute::Bold),
    }
}

/// Numbers are compared by their ends. What was not measured is no number.
fn number(value: Option<impl ToString>) -> Cell {
    let text = value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Three digits and a unit.
fn time(ns: u64) -> String {
    format!("{:.2?}", Duration::from_nanos(ns))
}
