//! The table of a run's tests, for people.

use std::fmt::Write as _;
use std::ops::Range;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, LineStyle, Table, TableStyle, Width,
};
use unicode_width::UnicodeWidthStr;

use super::quantity::{QUANTITIES, Quantity};
use super::text::printable;
use crate::report::{Row, State, TestKey};

/// A line under the headings is enough.
pub(super) const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

const NAME: &str = "test";
/// As wide as the longest of the outcomes.
const OUTCOME: &str = "outcome";

/// Where there is no room for all columns, these go, the first one first.
const DISPENSABLE: [&str; 8] = [
    "overlap",
    "threads",
    "allocated",
    "process",
    "pressure",
    "waited",
    "cpu",
    "retained",
];

/// The names of tests get at least so many columns before others go.
const NAME_WIDTH: usize = 28;

/// And so many where there is no room: longer ones are broken into lines.
const NARROWEST_NAME: usize = 8;

/// Blanks beside what is in a cell, and between two columns.
const PADDING: usize = 2;
const GAP: usize = 1;

/// Rows that are laid out at once: their cells take some two kilobytes each, and there may be a million.
const PART: usize = 1000;

/// One line for each test, and below it one for each other of its executions, fitted to the width if
/// there is one. `tests` says which rows are of one test. Columns in which nothing was measured are left
/// out. It comes in parts, one to be printed below the other.
pub(super) fn run_table(
    rows: &[Row],
    tests: &[Range<usize>],
    width: Option<u16>,
) -> impl Iterator<Item = Table> {
    let several = several_binaries(rows);
    let mut names: Vec<String> = rows.iter().map(|row| name(row, several)).collect();
    for other in tests.iter().flat_map(|test| test.start + 1..test.end) {
        names[other] = format!("  {}", turn(&rows[other]));
    }
    let layout = Layout::of(rows, &names, width.map(usize::from));
    let names: Vec<Vec<String>> = names.chunks(PART).map(<[String]>::to_vec).collect();
    rows.chunks(PART)
        .zip(names)
        .enumerate()
        .map(move |(index, (rows, names))| layout.part(rows, names, index == 0))
}

/// The columns of a table, and how wide the widest cell of each is.
struct Layout {
    name: usize,
    columns: Vec<(&'static Quantity, usize)>,
}

impl Layout {
    fn of(rows: &[Row], names: &[String], width: Option<usize>) -> Self {
        let measured = |quantity: &&Quantity| rows.iter().any(|row| (quantity.of)(row).is_some());
        let widths = QUANTITIES.iter().filter(measured).map(|quantity| {
            let cells = rows.iter().filter_map(quantity.of);
            (quantity, widest(quantity.heading, cells))
        });
        let mut layout = Self {
            name: widest(NAME, names),
            columns: widths.collect(),
        };
        if let Some(width) = width {
            layout.fit(width);
        }
        layout
    }

    /// Leaves columns out until the names have room, and gives them what there is.
    fn fit(&mut self, width: usize) {
        for dispensable in DISPENSABLE {
            if self.name.min(NAME_WIDTH) + PADDING + self.beside_names() <= width {
                break;
            }
            self.columns
                .retain(|(quantity, _)| quantity.heading != dispensable);
        }
        let room = width.saturating_sub(self.beside_names() + PADDING);
        self.name = self.name.min(room.max(NARROWEST_NAME));
    }

    /// How wide all columns but that of the names are.
    fn beside_names(&self) -> usize {
        let quantities = self.columns.iter().map(|(_, width)| *width);
        let widths = std::iter::once(OUTCOME.len()).chain(quantities);
        widths.map(|width| GAP + width + PADDING).sum()
    }

    /// Some of the rows, with the headings or without.
    fn part(&self, rows: &[Row], names: Vec<String>, with_headings: bool) -> Table {
        let mut table = Table::new();
        // Whoever prints takes the colours out where they are not wanted.
        table.load_style(STYLE).enforce_styling();
        if with_headings {
            table.set_header(self.headings());
        }
        for (row, name) in rows.iter().zip(names) {
            table.add_row(self.cells(row, name));
        }
        let quantities = self.columns.iter().map(|(_, width)| *width);
        let widths = [self.name, OUTCOME.len()].into_iter().chain(quantities);
        table.set_constraints(widths.map(|width| {
            let width = u16::try_from(width + PADDING).unwrap_or(u16::MAX);
            ColumnConstraint::Absolute(Width::Fixed(width))
        }));
        table
    }

    fn headings(&self) -> impl Iterator<Item = Cell> {
        let heading = |text| Cell::new(text).add_attribute(Attribute::Bold);
        // Above what they head: names to the left, numbers to the right.
        let quantities = self.columns.iter().map(move |(quantity, _)| {
            heading(quantity.heading).set_alignment(CellAlignment::Right)
        });
        [heading(NAME), heading(OUTCOME)]
            .into_iter()
            .chain(quantities)
    }

    fn cells(&self, row: &Row, name: String) -> impl Iterator<Item = Cell> {
        let broken = row.broken_budgets().next().is_some();
        let quantities = self.columns.iter().map(move |(quantity, _)| {
            let cell = number((quantity.of)(row).as_deref());
            if broken && quantity.heading == "peak" {
                cell.fg(Color::Red)
            } else {
                cell
            }
        });
        [Cell::new(name), state(row.state)]
            .into_iter()
            .chain(quantities)
    }
}

/// The width of the widest of these, on a terminal.
fn widest(heading: &str, cells: impl IntoIterator<Item = impl AsRef<str>>) -> usize {
    let widths = cells.into_iter().map(|cell| cell.as_ref().width());
    widths.fold(heading.width(), usize::max)
}

/// Whether the binary has to be said to tell tests apart.
pub(super) fn several_binaries(rows: &[Row]) -> bool {
    rows.iter()
        .any(|row| (&row.package, &row.binary) != (&rows[0].package, &rows[0].binary))
}

/// A test as it is told apart from those of other binaries.
pub(super) fn full_name((package, binary, test): TestKey<'_>) -> String {
    format!("{package}::{binary} {test}")
}

/// The test, and which execution of it this is if there may be others.
pub(super) fn name(row: &Row, with_binary: bool) -> String {
    let mut name = if with_binary {
        printable(&full_name(row.key())).into_owned()
    } else {
        printable(&row.test).into_owned()
    };
    for (turn, number) in turns(row, row.attempt > 1) {
        write!(name, " ({turn} {number})").expect("a String takes all");
    }
    name
}

/// What the runner and the sidecar say of a test, where that is not the same.
pub(super) fn both_verdicts(row: &Row) -> Option<String> {
    let sidecar = row.sidecar_state?;
    let why = row.runner_message.as_deref().filter(|why| !why.is_empty());
    let why = why.map_or_else(String::new, |why| format!(" ({})", printable(why)));
    Some(format!(
        "{} for nextest{why}, which has the last word; {sidecar} for its sidecar",
        row.state
    ))
}

/// Which execution of its test this is.
pub(super) fn turn(row: &Row) -> String {
    let is_only_turn = row.stress_index.is_none() && row.iteration == 0;
    let shard = row.shard.as_deref();
    let shard = shard.map(|shard| format!("shard {}", printable(shard)));
    let turns = turns(row, row.attempt > 1 || (is_only_turn && shard.is_none()));
    let turns = turns.map(|(turn, number)| format!("{turn} {number}"));
    let turns: Vec<String> = shard.into_iter().chain(turns).collect();
    turns.join(", ")
}

fn turns(row: &Row, with_attempt: bool) -> impl Iterator<Item = (&'static str, u32)> {
    let turns = [
        ("attempt", with_attempt.then_some(row.attempt)),
        ("stress", row.stress_index),
        ("iteration", (row.iteration > 0).then_some(row.iteration)),
    ];
    turns
        .into_iter()
        .filter_map(|(turn, number)| Some((turn, number?)))
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

    fn printed(rows: &[Row], width: Option<u16>) -> String {
        let tests: Vec<_> = (0..rows.len()).map(|row| row..row + 1).collect();
        printed_tests(rows, &tests, width)
    }

    fn printed_tests(rows: &[Row], tests: &[Range<usize>], width: Option<u16>) -> String {
        let mut text = String::new();
        for part in run_table(rows, tests, width) {
            let part = part.to_string();
            writeln!(text, "{}", anstream::adapter::strip_str(&part)).expect("a String takes all");
        }
        text
    }

    #[test]
    fn the_table_fits_any_usual_width_and_keeps_what_matters() {
        let mut rows = vec![killed("fairness::nice_5_gets_its_share"), calm("a"), full()];
        rows[1].test = "very::".repeat(20);
        for width in 40..200 {
            let text = printed(&rows, Some(width));
            let widest = text.lines().map(UnicodeWidthStr::width).max();
            assert!(widest <= Some(usize::from(width)), "{width}:\n{text}");
            for heading in ["test", "outcome", "time", "peak"] {
                assert!(text.contains(heading), "{width}:\n{text}");
            }
        }
    }

    #[test]
    fn columns_that_nobody_measured_are_left_out() {
        let rows = [calm("a"), calm("b")];
        let text = printed(&rows, None);
        assert!(
            !text.contains("peak") && text.contains("pressure"),
            "{text}"
        );
    }

    #[test]
    fn attempts_stand_below_their_test() {
        let row = |attempt, iteration| Row {
            attempt,
            iteration,
            ..calm("t")
        };
        let rows = [row(3, 0), row(1, 0), row(2, 1), calm("u")];
        let text = printed_tests(&rows, &[0..3, 3..4], None);
        let names: Vec<&str> = text
            .lines()
            .map(|line| line.split("  failed").next())
            .map(|name| name.unwrap_or("").trim_end())
            .collect();
        assert_eq!(
            names[2..],
            [
                " t (attempt 3)",
                "   attempt 1",
                "   attempt 2, iteration 1",
                " u"
            ]
        );
    }

    #[test]
    fn parts_are_one_table() {
        let mut rows: Vec<Row> = (0..=2 * PART)
            .map(|test| calm(&format!("t{test}")))
            .collect();
        // The widest, in every column and in the last part.
        rows.push(full());
        rows.last_mut().expect("it is there").test = "größe::漢字_that_fit".into();
        for width in [None, Some(60)] {
            let text = printed(&rows, width);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 2 + rows.len(), "{}", lines[..4].join("\n"));
            let widths: Vec<usize> = lines.iter().map(|line| line.width()).collect();
            assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
            let headings = lines.iter().filter(|line| line.contains("outcome")).count();
            assert_eq!(headings, 1);
        }
    }
}
