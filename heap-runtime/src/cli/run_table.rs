//! The table of a run's tests, for people.

use std::fmt::Write as _;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Table,
    TableStyle, Width,
};

use super::quantity::{QUANTITIES, Quantity};
use super::text::printable;
use crate::report::{Row, State};

/// A line under the headings is enough.
pub(super) const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Where there is no room for all columns, these go, the first one first.
const DISPENSABLE: [&str; 6] = [
    "overlap",
    "threads",
    "allocated",
    "process",
    "pressure",
    "retained",
];

/// The names of tests get at least so many columns before others go.
const NAME_WIDTH: usize = 28;

/// One line for each execution, fitted to the width if there is one. Columns in which nothing was
/// measured are left out.
pub(super) fn run_table(rows: &[Row], width: Option<u16>) -> Table {
    let several = several_binaries(rows);
    let names: Vec<String> = rows.iter().map(|row| name(row, several)).collect();
    let mut columns: Vec<(&Quantity, Vec<Option<String>>)> = QUANTITIES
        .iter()
        .map(|quantity| (quantity, rows.iter().map(quantity.of).collect()))
        .filter(|(_, cells): &(_, Vec<_>)| cells.iter().any(Option::is_some))
        .collect();
    if let Some(width) = width {
        fit(&mut columns, &names, usize::from(width));
    }

    let mut table = Table::new();
    let headings = ["test", "outcome"]
        .into_iter()
        .chain(columns.iter().map(|(quantity, _)| quantity.heading));
    table
        .load_style(STYLE)
        // Whoever prints takes the colours out where they are not wanted.
        .enforce_styling()
        .set_header(headings.enumerate().map(|(index, text)| {
            let cell = Cell::new(text).add_attribute(Attribute::Bold);
            // Above what they head: names to the left, numbers to the right.
            if index < 2 {
                cell
            } else {
                cell.set_alignment(CellAlignment::Right)
            }
        }));
    if let Some(width) = width {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    let fixed_columns = columns.len() + 1;
    // A text goes when its cell is made: there may be a million rows.
    let mut columns: Vec<_> = columns
        .into_iter()
        .map(|(quantity, values)| (quantity, values.into_iter()))
        .collect();
    for (row, name) in rows.iter().zip(names) {
        let broken = row.broken_budgets().next().is_some();
        let mut cells = vec![Cell::new(name), state(row.state)];
        for (quantity, values) in &mut columns {
            let cell = number(values.next().flatten().as_deref());
            cells.push(if broken && quantity.heading == "peak" {
                cell.fg(Color::Red)
            } else {
                cell
            });
        }
        table.add_row(cells);
    }
    if width.is_some() {
        // Only names are ever broken into lines.
        let fixed = std::iter::repeat_n(ColumnConstraint::ContentWidth, fixed_columns);
        let name = ColumnConstraint::LowerBoundary(Width::Fixed(10));
        table.set_constraints(std::iter::once(name).chain(fixed));
    }
    table
}

/// Leaves columns out until the names have room.
fn fit(columns: &mut Vec<(&Quantity, Vec<Option<String>>)>, names: &[String], width: usize) {
    let longest = names.iter().map(|name| name.chars().count()).max();
    let name = longest.unwrap_or(0).min(NAME_WIDTH);
    // With a blank on either side.
    let needed = |(quantity, cells): &(&Quantity, Vec<Option<String>>)| {
        let widest = cells
            .iter()
            .flatten()
            .map(|cell| cell.chars().count())
            .max();
        widest.unwrap_or(1).max(quantity.heading.len()) + 2
    };
    for dispensable in DISPENSABLE {
        let all = name + 2 + "outcome".len() + 2 + columns.iter().map(needed).sum::<usize>();
        if all <= width {
            return;
        }
        columns.retain(|(quantity, _)| quantity.heading != dispensable);
    }
}

/// Whether the binary has to be said to tell tests apart.
pub(super) fn several_binaries(rows: &[Row]) -> bool {
    rows.iter()
        .any(|row| (&row.package, &row.binary) != (&rows[0].package, &rows[0].binary))
}

/// The test, and which execution of it this is if there may be others.
pub(super) fn name(row: &Row, with_binary: bool) -> String {
    let mut name = if with_binary {
        printable(&format!("{}::{} {}", row.package, row.binary, row.test)).into_owned()
    } else {
        printable(&row.test).into_owned()
    };
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
fn number(value: Option<&str>) -> Cell {
    Cell::new(value.unwrap_or("-")).set_alignment(CellAlignment::Right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{calm, full, killed};

    fn uncoloured(table: &Table) -> String {
        anstream::adapter::strip_str(&table.to_string()).to_string()
    }

    #[test]
    fn the_table_fits_any_usual_width_and_keeps_what_matters() {
        let mut rows = vec![killed("fairness::nice_5_gets_its_share"), calm("a"), full()];
        rows[1].test = "very::".repeat(20);
        for width in 40..200 {
            let text = uncoloured(&run_table(&rows, Some(width)));
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(usize::from(width)), "{width}:\n{text}");
            for heading in ["test", "outcome", "time", "peak"] {
                assert!(text.contains(heading), "{width}:\n{text}");
            }
        }
    }

    #[test]
    fn columns_that_nobody_measured_are_left_out() {
        let rows = [calm("a"), calm("b")];
        let text = uncoloured(&run_table(&rows, None));
        assert!(
            !text.contains("peak") && text.contains("pressure"),
            "{text}"
        );
    }
}
