//! Where a test's time went: its duration as a bar, and what its threads come to.

use std::io::Write as _;

use crate::cli::error::Error;
use crate::cli::quantity::{percent, share, time};
use crate::cli::terminal::{self, Terminal};
use crate::cli::text::printable;
use crate::report::Row;
use heap_sidecar::Delays;

/// What the parts are drawn with, in their order.
const FILLS: [char; 5] = ['█', '▒', '▓', '░', '·'];

/// Without delays.
const THREE_FILLS: [char; 3] = ['█', '▒', '·'];

fn fills(parts: &[(&str, u64)]) -> &'static [char] {
    if parts.len() > THREE_FILLS.len() {
        &FILLS
    } else {
        &THREE_FILLS
    }
}

/// Blanks before what stands in a column of its own.
const MARGIN: usize = 16;

pub(super) fn spent(row: &Row, width: usize, terminal: &mut Terminal) -> Result<(), Error> {
    let parts = row.time_parts();
    if parts.is_empty() && row.own_cpu_ns.is_none() && row.time_reason.is_none() {
        return Ok(());
    }
    let (strong, dim) = (terminal::STRONG, terminal::DIM);
    writeln!(terminal, "\n{strong}where its time went{strong:#}")?;
    if !parts.is_empty() {
        let room = width.saturating_sub(MARGIN + 1).max(FILLS.len());
        writeln!(terminal, "{:MARGIN$}{}", "", bar(&parts, room))?;
        let whole = parts.iter().map(|(_, ns)| ns).sum();
        let fills = fills(&parts);
        for ((name, ns), fill) in parts.into_iter().zip(fills) {
            let (took, of_it) = (time(ns), percent(share(ns, whole)));
            writeln!(terminal, "{took:>14}  {fill} {name}{dim}, {of_it}{dim:#}")?;
        }
    }
    threads(row, terminal)
}

/// What all threads of the test come to.
fn threads(row: &Row, terminal: &mut Terminal) -> Result<(), Error> {
    let all = [
        (
            "cpu",
            row.own_cpu_ns.map(|cpu| {
                let halves = row.own_user_ns.zip(row.own_system_ns);
                let halves = halves.map(|(user, system)| {
                    format!(
                        ", {} of it outside the kernel, {} in it",
                        time(user),
                        time(system)
                    )
                });
                format!("{} by all threads{}", time(cpu), halves.unwrap_or_default())
            }),
        ),
        (
            "waited",
            row.own_run_delay_ns.map(|waited| {
                let error = row.own_run_delay_error_ns.filter(|error| *error > 0);
                let error = error.map(|error| format!(" ± {}", time(error)));
                format!(
                    "{}{} for a CPU, by all threads",
                    time(waited),
                    error.unwrap_or_default()
                )
            }),
        ),
        (
            "delayed",
            row.own_delays.and_then(|delays| delayed(&delays)),
        ),
        (
            "switches",
            row.own_voluntary_switches
                .zip(row.own_involuntary_switches)
                .map(|(voluntary, involuntary)| {
                    format!("{voluntary} to wait for something, {involuntary} for others to run")
                }),
        ),
        (
            "page faults",
            row.own_minor_faults
                .zip(row.own_major_faults)
                .map(|(minor, major)| format!("{minor}, and {major} that read from a device")),
        ),
        ("not measured", row.time_reason.clone()),
    ];
    for (what, words) in all {
        if let Some(words) = words {
            writeln!(terminal, "{what:>14}  {}", printable(&words))?;
        }
    }
    Ok(())
}

/// What threads were made to wait for, by kinds of which there was any.
fn delayed(delays: &Delays) -> Option<String> {
    let kinds = [
        ("reclaim", delays.reclaim),
        ("swap-in", delays.swap_in),
        ("thrashing", delays.thrashing),
        ("compaction", delays.compaction),
        ("block I/O", delays.block_io),
        ("copies of written pages", delays.write_protect_copy),
        ("interrupts", delays.irq),
    ];
    let told = kinds.into_iter().filter_map(|(name, delay)| {
        let delay = delay.filter(|delay| delay.count > 0)?;
        Some(format!("{name} {} in {}", time(delay.ns), delay.count))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// The parts, side by side. One that is there at all is seen.
fn bar(parts: &[(&str, u64)], room: usize) -> String {
    let whole: u64 = parts.iter().map(|(_, ns)| ns).sum();
    let mut ended = 0;
    let mut cells = 0;
    let mut bar = String::new();
    for ((_, ns), fill) in parts.iter().zip(fills(parts)) {
        ended += ns;
        let end = u128::from(ended) * room as u128 / u128::from(whole.max(1));
        let end = usize::try_from(end).unwrap_or(room);
        let length = end.saturating_sub(cells).max(usize::from(*ns > 0));
        bar.extend(std::iter::repeat_n(*fill, length));
        cells += length;
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_wide_as_there_is_room_and_shows_each_part() {
        assert_eq!(bar(&[("a", 50), ("b", 25), ("c", 25)], 8), "████▒▒··");
        assert_eq!(bar(&[("a", 1), ("b", 0), ("c", 999)], 8), "█·······");
        assert_eq!(bar(&[("a", u64::MAX / 2), ("b", 0), ("c", 0)], 4), "████");
        assert_eq!(bar(&[("a", 0), ("b", 0), ("c", 0)], 4), "");
        let five = [("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)];
        assert_eq!(bar(&five, 10), "██▒▒▓▓░░··");
    }
}
