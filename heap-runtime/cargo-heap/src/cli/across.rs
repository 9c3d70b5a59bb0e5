//! Tests that both failed and passed, as a table in any format.

use comfy_table::{
    Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width,
};

use super::quantity::{bytes, percent};
use super::run_table::STYLE;
use super::text::printable;
use crate::report::across::FEWEST_READINGS;
use crate::report::{Across, Association, Side};

/// What stands above the table.
pub(super) const TITLE: &str = "failed and passed";

/// What the columns are: the first and the last are words, the others numbers.
pub(super) const HEADINGS: [&str; 6] =
    ["test", "n", "failed", "pressure", "peak", "when it failed"];

/// What has to be known of the numbers.
pub(super) fn note() -> String {
    format!(
        "n: executions; pressure and peak: medians, passed → failed; with fewer than \
         {FEWEST_READINGS} readings of either, n is too small to say anything"
    )
}

/// The cells of a line, below [`HEADINGS`].
pub(super) fn cells(across: &Across, with_binary: bool) -> [String; 6] {
    let pressure: fn(&Side) -> String =
        |side| side.median_pressure.map_or_else(|| "-".into(), percent);
    let peak: fn(&Side) -> String = |side| side.median_peak_bytes.map_or_else(|| "-".into(), bytes);
    let both = |across: &Across, of: fn(&Side) -> String| {
        format!("{} → {}", of(&across.passed), of(&across.failed))
    };
    let name = if with_binary {
        format!("{}::{} {}", across.package, across.binary, across.test)
    } else {
        across.test.clone()
    };
    [
        printable(&name).into_owned(),
        across.executions().to_string(),
        across.failed.executions.to_string(),
        both(across, pressure),
        both(across, peak),
        verdict(across).into(),
    ]
}

/// Whether names need their binaries. The tests need not be among those that are shown.
pub(super) fn several_binaries(tests: &[Across]) -> bool {
    let binary = |test: &Across| (test.package.clone(), test.binary.clone());
    tests.iter().any(|test| binary(test) != binary(&tests[0]))
}

fn verdict(across: &Across) -> &'static str {
    use Association::{MoreWhenFailed, NoneSeen, TooFew};
    match (across.pressure, across.peak) {
        (MoreWhenFailed, MoreWhenFailed) => "more pressure, a larger peak",
        (MoreWhenFailed, TooFew) => "more pressure; peak: n too small",
        (MoreWhenFailed, NoneSeen) => "more pressure",
        (TooFew, MoreWhenFailed) => "a larger peak; pressure: n too small",
        (NoneSeen, MoreWhenFailed) => "a larger peak",
        (TooFew, TooFew) => "n too small",
        (NoneSeen, TooFew) => "nothing seen; peak: n too small",
        (TooFew, NoneSeen) => "nothing seen; pressure: n too small",
        (NoneSeen, NoneSeen) => "nothing seen",
    }
}

/// The table for people.
pub(super) fn table(tests: &[Across], with_binary: bool, width: Option<u16>) -> Table {
    let cell = |(index, text): (usize, String)| {
        let cell = Cell::new(text);
        if (1..5).contains(&index) {
            cell.set_alignment(CellAlignment::Right)
        } else {
            cell
        }
    };
    let mut table = Table::new();
    table.load_style(STYLE).enforce_styling();
    let headings = HEADINGS
        .map(str::to_owned)
        .into_iter()
        .enumerate()
        .map(cell);
    table.set_header(headings.map(|cell| cell.add_attribute(Attribute::Bold)));
    for test in tests {
        table.add_row(cells(test, with_binary).into_iter().enumerate().map(cell));
    }
    if let Some(width) = width {
        // Only words are ever broken into lines.
        let words = || ColumnConstraint::LowerBoundary(Width::Fixed(10));
        let numbers = std::iter::repeat_n(ColumnConstraint::ContentWidth, 4);
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width)
            .set_constraints(std::iter::once(words()).chain(numbers).chain([words()]));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::State;
    use crate::report::sample::calm;

    #[test]
    fn the_table_fits_a_usual_width() {
        let mut rows = ["latency::of_a_name_that_is_rather_long"; 2].map(calm);
        rows[1].state = State::Passed;
        for width in 80..120 {
            let table = table(&Across::of(&rows), true, Some(width)).to_string();
            let text = anstream::adapter::strip_str(&table).to_string();
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(usize::from(width)), "{width}:\n{text}");
        }
    }
}
