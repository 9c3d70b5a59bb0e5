//! Pictures of a page, as SVG that takes the page's colours.

use plotters::prelude::{
    AreaSeries, ChartBuilder, Circle, IntoDrawingArea, IntoFont, IntoLogRange, LineSeries,
    RGBColor, SVGBackend,
};
use plotters::style::{Color, TextStyle};

use crate::cli::quantity::{bytes, difference, time};
use crate::report::{Row, State};
use heap_sidecar::Timeline;

/// Stand-ins: a picture is drawn in these, and the page's own colours take their places.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const LINE: RGBColor = RGBColor(3, 3, 3);
const BAD: RGBColor = RGBColor(4, 4, 4);
const ODD: RGBColor = RGBColor(5, 5, 5);
const PAGE: [(&str, &str); 5] = [
    ("#010101", "var(--ink)"),
    ("#020202", "var(--grid)"),
    ("#030303", "var(--line)"),
    ("#040404", "var(--bad)"),
    ("#050505", "var(--odd)"),
];

/// More points than that are not told apart, and make the page slow.
const MOST_POINTS: usize = 4_000;

/// Why a picture could not be drawn: there is none then, and the page is without it.
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn svg(size: (u32, u32), draw: impl FnOnce(SVGBackend<'_>) -> Drawn) -> Option<String> {
    let mut svg = String::new();
    draw(SVGBackend::with_string(&mut svg, size)).ok()?;
    // The page says how large it is; the picture only how wide for its height.
    let (width, height) = size;
    let fixed = format!("width=\"{width}\" height=\"{height}\"");
    let svg = svg.replacen(&fixed, "role=\"img\"", 1);
    Some(
        PAGE.iter()
            .fold(svg, |svg, (stand_in, colour)| svg.replace(stand_in, colour)),
    )
}

fn label() -> TextStyle<'static> {
    ("sans-serif", 14).into_font().color(&INK)
}

fn number(value: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "labels of axes, which begin at 0 and show three digits"
    )]
    let whole = value.max(0.0) as u64;
    whole
}

fn signed(value: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "labels of axes, of three digits"
    )]
    let whole = value as i64;
    whole
}

/// Live bytes of a test over its time, as a step from point to point.
pub(super) fn timeline(timeline: &Timeline, ended_ns: Option<u64>) -> Option<String> {
    let last = timeline.points.iter().map(|(at, _)| *at).max()?;
    let end = f64_of(ended_ns.unwrap_or(last).max(last).max(1));
    let every = timeline.points.len().div_ceil(MOST_POINTS);
    let mut points = vec![(0.0, 0.0)];
    for (at, live) in timeline.points.iter().step_by(every) {
        let (at, live) = (f64_of(*at), f64_of_signed(*live));
        let before = points.last().map_or(0.0, |(_, before)| *before);
        points.extend([(at, before), (at, live)]);
    }
    let before = points.last().map_or(0.0, |(_, before)| *before);
    points.push((end, before));
    let highest = points.iter().map(|(_, live)| *live).fold(1.0, f64::max);
    let lowest = points.iter().map(|(_, live)| *live).fold(0.0, f64::min);
    svg((720, 200), |backend| {
        let root = backend.into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(28)
            .y_label_area_size(84)
            .build_cartesian_2d(0.0..end, lowest * 1.05..highest * 1.05)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(GRID.mix(0.0))
            .bold_line_style(GRID)
            .axis_style(GRID)
            .label_style(label())
            .x_labels(6)
            .y_labels(4)
            .x_label_formatter(&|at| time(number(*at)))
            .y_label_formatter(&|live| difference(signed(*live)))
            .draw()?;
        chart.draw_series(
            AreaSeries::new(points, 0.0, LINE.mix(0.25)).border_style(LINE.stroke_width(2)),
        )?;
        root.present()?;
        drop(chart);
        Ok(())
    })
}

/// A dot for each test: how long it ran, and its own peak. Both axes are logarithmic.
pub(super) fn peaks(rows: &[Row]) -> Option<String> {
    let dots: Vec<(f64, f64, RGBColor)> = thinned(rows)
        .filter_map(|row| {
            let (time, peak) = row.duration_ns.zip(row.own_peak_bytes)?;
            Some((f64_of(time.max(1)), f64_of(peak.max(1)), colour(row.state)))
        })
        .collect();
    let (shortest, longest) = ends(dots.iter().map(|dot| dot.0))?;
    let (smallest, largest) = ends(dots.iter().map(|dot| dot.1))?;
    svg((720, 300), |backend| {
        let root = backend.into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(28)
            .y_label_area_size(84)
            .build_cartesian_2d(
                (shortest / 2.0..longest * 2.0).log_scale(),
                (smallest / 2.0..largest * 2.0).log_scale().base(2.0),
            )?;
        chart
            .configure_mesh()
            .light_line_style(GRID.mix(0.0))
            .bold_line_style(GRID)
            .axis_style(GRID)
            .label_style(label())
            .x_label_formatter(&|at| time(number(*at)))
            .y_label_formatter(&|peak| bytes(number(*peak)))
            .draw()?;
        chart.draw_series(dots.iter().map(|(time, peak, colour)| {
            Circle::new((*time, *peak), 4, colour.mix(0.6).filled())
        }))?;
        root.present()?;
        drop(chart);
        Ok(())
    })
}

/// Pressure of memory along the run, with a dot for each test that failed.
pub(super) fn pressure(rows: &[Row]) -> Option<String> {
    let mut readings: Vec<(f64, f64, State)> = rows
        .iter()
        .filter_map(|row| {
            let started = humantime::parse_rfc3339(&row.started_at).ok()?;
            let started = started.duration_since(std::time::UNIX_EPOCH).ok()?;
            let some = row.psi_some_avg10.or(row.psi_some_avg10_before)?;
            // Read at the end of the test; where it was killed, at its start.
            let ended = started.as_secs_f64() + f64_of(row.duration_ns.unwrap_or(0)) / 1e9;
            some.is_finite()
                .then_some((ended, some.clamp(0.0, 100.0), row.state))
        })
        .collect();
    readings.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (first, last) = ends(readings.iter().map(|reading| reading.0))?;
    if readings.len() < 2 || first >= last {
        return None;
    }
    let highest = readings.iter().map(|reading| reading.1).fold(1.0, f64::max);
    // Two labels should not say the same.
    let digits = usize::from(highest < 4.0);
    let every = readings.len().div_ceil(MOST_POINTS);
    svg((720, 300), |backend| {
        let root = backend.into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(28)
            .y_label_area_size(84)
            .build_cartesian_2d(0.0..last - first, 0.0..highest * 1.1)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(GRID.mix(0.0))
            .bold_line_style(GRID)
            .axis_style(GRID)
            .label_style(label())
            .y_labels(4)
            .x_label_formatter(&|at| time(number(*at * 1e9)))
            .y_label_formatter(&|percent| format!("{percent:.digits$} %"))
            .draw()?;
        let line = readings.iter().step_by(every);
        let line = line.map(|(at, some, _)| (*at - first, *some));
        chart.draw_series(LineSeries::new(line, LINE.stroke_width(2)))?;
        let marked = readings.iter().filter(|(_, _, state)| state.is_bad());
        chart.draw_series(marked.take(MOST_POINTS).map(|(at, some, state)| {
            Circle::new((*at - first, *some), 5, colour(*state).filled())
        }))?;
        root.present()?;
        drop(chart);
        Ok(())
    })
}

/// All rows, or so many that are spread among them; all that are bad are among those.
fn thinned(rows: &[Row]) -> impl Iterator<Item = &Row> {
    let every = rows.len().div_ceil(MOST_POINTS).max(1);
    rows.iter()
        .enumerate()
        .filter(move |(index, row)| index % every == 0 || row.state.is_bad())
        .map(|(_, row)| row)
}

fn colour(state: State) -> RGBColor {
    match state {
        State::Killed | State::Failed => BAD,
        State::Running | State::Skipped => ODD,
        State::Passed => LINE,
    }
}

fn ends(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let lowest = values.clone().min_by(f64::total_cmp)?;
    let highest = values.max_by(f64::total_cmp)?;
    Some((lowest, highest))
}

#[expect(clippy::cast_precision_loss, reason = "a picture has fewer digits")]
fn f64_of(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "a picture has fewer digits")]
fn f64_of_signed(value: i64) -> f64 {
    value as f64
}
