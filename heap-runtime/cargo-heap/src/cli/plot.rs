//! Live bytes over time, drawn with blocks.

use std::fmt::Write as _;

use super::quantity::{difference, time};
use heap_sidecar::Timeline;

/// So many lines high; each is eight steps.
const HEIGHT: usize = 8;

/// The timeline as lines of text, `width` columns wide in all; `None` where there is nothing to see.
///
/// Each column is as high as the most that was live in its part of the time. What was live does not
/// change between two points, as far as is known.
pub(super) fn plot(timeline: &Timeline, ended_ns: Option<u64>, width: usize) -> Option<String> {
    let points = &timeline.points;
    let last = points.iter().map(|(at, _)| *at).max()?;
    let end = ended_ns.unwrap_or(last).max(last).max(1);
    let highest = points.iter().map(|(_, live)| *live).max().unwrap_or(0);
    let lowest = points
        .iter()
        .map(|(_, live)| *live)
        .min()
        .unwrap_or(0)
        .min(0);
    if points.len() < 2 || highest <= 0 {
        return None;
    }
    let top = difference(highest);
    let labels = top.len().max("0 B".len());
    let columns = width.saturating_sub(labels + 3).clamp(10, 100);
    let heights: Vec<usize> = columns_of(points, end, columns)
        .into_iter()
        .map(|live| eighths(live, highest))
        .collect();
    let mut text = String::new();
    for line in (0..HEIGHT).rev() {
        let label = match line {
            0 => "0 B",
            line if line == HEIGHT - 1 => top.as_str(),
            _ => "",
        };
        write!(text, "{label:>labels$} │").expect("a String takes all");
        let blocks: String = heights
            .iter()
            .map(|height| BLOCKS[height.saturating_sub(line * 8).min(8)])
            .collect();
        text.push_str(blocks.trim_end());
        text.push('\n');
    }
    let ended = time(end);
    writeln!(text, "{:>labels$} └{}", "", "─".repeat(columns)).expect("a String takes all");
    write!(text, "{:>labels$}  0{ended:>1$}", "", columns - 1).expect("a String takes all");
    if lowest < 0 {
        write!(
            text,
            "\n{:>labels$}  below zero, down to {}, is not drawn",
            "",
            difference(lowest)
        )
        .expect("a String takes all");
    }
    Some(text)
}

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The most that was live in each of so many equal parts of the time up to `end`.
fn columns_of(points: &[(u64, i64)], end: u64, columns: usize) -> Vec<i64> {
    let mut highest = vec![i64::MIN; columns];
    let mut lasting = vec![None; columns];
    for (at, live) in points {
        let part = u128::from(*at) * columns as u128 / (u128::from(end) + 1);
        let column = usize::try_from(part).unwrap_or(columns).min(columns - 1);
        highest[column] = highest[column].max(*live);
        lasting[column] = Some(*live);
    }
    let mut live = 0;
    for (highest, lasting) in highest.iter_mut().zip(lasting) {
        *highest = live.max(*highest);
        live = lasting.unwrap_or(live);
    }
    highest
}

/// How high a column is, in eighths of a line: something is seen of whatever is above zero.
fn eighths(live: i64, highest: i64) -> usize {
    if live <= 0 {
        return 0;
    }
    let steps = (HEIGHT * 8) as i128;
    let height = (i128::from(live) * steps + i128::from(highest) / 2) / i128::from(highest.max(1));
    usize::try_from(height).unwrap_or(0).clamp(1, HEIGHT * 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(points: &[(u64, i64)]) -> Timeline {
        let mut timeline = Timeline::default();
        timeline.every_bytes = 4096;
        timeline.points = points.to_vec();
        timeline
    }

    #[test]
    fn a_picture_shows_rise_stay_and_fall() {
        let steps = timeline(&[(0, 0), (250, 512), (500, 1024), (750, 64)]);
        insta::assert_snapshot!(plot(&steps, Some(1000), 40).unwrap());
    }

    #[test]
    fn a_short_spike_is_not_lost() {
        let columns = columns_of(&[(0, 0), (500, 900), (501, 0)], 1_000_000, 10);
        assert_eq!(columns, [900, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn nothing_and_nonsense_are_no_picture_and_no_panic() {
        assert_eq!(plot(&timeline(&[]), None, 80), None);
        assert_eq!(plot(&timeline(&[(5, 100)]), None, 80), None);
        assert_eq!(plot(&timeline(&[(0, -1), (1, 0)]), None, 80), None);
        let extremes = timeline(&[(u64::MAX, i64::MAX), (0, i64::MIN), (3, 1)]);
        assert!(plot(&extremes, Some(u64::MAX), 0).is_some());
        assert!(plot(&extremes, None, usize::MAX).is_some());
    }
}
