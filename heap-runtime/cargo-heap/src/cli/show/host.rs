//! The host around a test.

use std::io::Write as _;

use super::super::error::Error;
use super::super::quantity::{bytes, time};
use super::super::terminal::{self, Terminal};
use super::super::text::printable;
use crate::report::Row;

/// A line of a table: what it is of, before and after.
type Line = (String, Option<String>, Option<String>);

fn line(what: &str, before: Option<String>, after: Option<String>) -> Line {
    (what.to_owned(), before, after)
}

/// What moved of the host's memory, before and after.
pub(super) fn host(row: &Row, terminal: &mut Terminal) -> Result<(), Error> {
    let mut lines = memory(row);
    lines.extend(cgroup(row));
    lines.extend(process(row));
    lines.retain(|(_, before, after)| before.is_some() || after.is_some());
    if lines.is_empty() {
        return Ok(());
    }
    let strong = terminal::STRONG;
    writeln!(
        terminal,
        "\n{strong}{:>14}  {:>10}  {:>10}{strong:#}",
        "host", "before", "after"
    )?;
    for (what, before, after) in lines {
        let (before, after) = (before.unwrap_or("-".into()), after.unwrap_or("-".into()));
        writeln!(terminal, "{what:>14}  {before:>10}  {after:>10}")?;
    }
    Ok(())
}

fn memory(row: &Row) -> Vec<Line> {
    let kib = |kib: Option<u64>| kib.map(|kib| bytes(kib.saturating_mul(1024)));
    let percent = |percent: Option<f64>| percent.map(|percent| format!("{percent:.1} %"));
    vec![
        line(
            "available",
            kib(row.mem_available_before_kib),
            kib(row.mem_available_kib),
        ),
        line(
            "free swap",
            kib(row.swap_free_before_kib),
            kib(row.swap_free_kib),
        ),
        line(
            "some waited",
            percent(row.psi_some_avg10_before),
            percent(row.psi_some_avg10),
        ),
        line(
            "all waited",
            percent(row.psi_full_avg10_before),
            percent(row.psi_full_avg10),
        ),
    ]
}

fn cgroup(row: &Row) -> Vec<Line> {
    let mut lines = vec![line(
        "cgroup",
        row.cgroup_current_before_bytes.map(bytes),
        row.cgroup_current_bytes.map(bytes),
    )];
    // That many levels above the process's own.
    if let Some(above @ 1..) = row.cgroup_binding_above {
        let some = |current: Option<u64>| current.filter(|bytes| *bytes > 0).map(bytes);
        lines.push(line(
            &format!("cgroup +{above}"),
            some(row.cgroup_binding_current_before_bytes),
            some(row.cgroup_binding_current_bytes),
        ));
    }
    lines.push(line(
        "droppable",
        row.cgroup_binding_reclaimable_before_bytes.map(bytes),
        row.cgroup_binding_reclaimable_bytes.map(bytes),
    ));
    let limit = row.cgroup_binding_limit_bytes.map(bytes);
    lines.push(line("its limit", None, limit));
    lines
}

fn process(row: &Row) -> Vec<Line> {
    let count = |count: Option<u64>| count.map(|count| count.to_string());
    vec![
        line(
            "resident",
            row.rss_before_bytes.map(bytes),
            row.rss_bytes.map(bytes),
        ),
        line("of symbols", None, row.panic_rss_bytes.map(bytes)),
        line(
            "oom kills",
            count(row.host_oom_kills_before),
            count(row.host_oom_kills),
        ),
    ]
}

/// Who waited for what meanwhile, and who else had the CPUs.
pub(super) fn waits(row: &Row, terminal: &mut Terminal) -> Result<(), Error> {
    let strong = terminal::STRONG;
    let pairs = [
        (
            "memory",
            [
                row.cgroup_memory_some_stall_us,
                row.cgroup_memory_full_stall_us,
            ],
            [row.psi_some_stall_us, row.psi_full_stall_us],
        ),
        (
            "a CPU",
            [row.cgroup_cpu_some_stall_us, row.cgroup_cpu_full_stall_us],
            [row.cpu_some_stall_us, None],
        ),
        (
            "block devices",
            [row.cgroup_io_some_stall_us, row.cgroup_io_full_stall_us],
            [row.io_some_stall_us, row.io_full_stall_us],
        ),
    ];
    let known = |[some, all]: [Option<u64>; 2]| some.or(all).is_some();
    if pairs
        .iter()
        .any(|(_, cgroup, host)| known(*cgroup) || known(*host))
    {
        writeln!(
            terminal,
            "\n{strong}{:>14}  {:>23}  {:>23}{strong:#}",
            "waited for", "its cgroup: some, all", "the host: some, all"
        )?;
        let pair = |[some, all]: [Option<u64>; 2]| {
            let us = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), micros);
            format!("{:>11} {:>11}", us(some), us(all))
        };
        for (what, cgroup, host) in pairs {
            writeln!(terminal, "{what:>14}  {}  {}", pair(cgroup), pair(host))?;
        }
    }
    who_had_the_cpus(row, terminal)
}

fn who_had_the_cpus(row: &Row, terminal: &mut Terminal) -> Result<(), Error> {
    for (what, fact) in [
        (
            "quota",
            row.cgroup_quota_millicpus.map(|quota| {
                let (whole, part) = (quota / 1000, quota % 1000);
                let stopped = row.cgroup_throttled_us.map_or_else(String::new, |us| {
                    let periods = row.cgroup_throttled_periods.unwrap_or(0);
                    format!(", stopped for {} in {periods} period(s)", micros(us))
                });
                format!("{whole}.{part:03} CPUs{stopped}")
            }),
        ),
        ("steal", row.steal_us.map(over_all)),
        ("iowait", row.iowait_us.map(over_all)),
        (
            "sched_ext",
            row.sched_ext.as_deref().map(|after| {
                let before = row.sched_ext_before.as_deref().unwrap_or("-");
                let loads = row.sched_ext_loads.unwrap_or(0);
                let names = if before == after {
                    printable(after).into_owned()
                } else {
                    format!("{} before, {} after", printable(before), printable(after))
                };
                format!("{names}, loaded {loads} time(s) during the test")
            }),
        ),
    ] {
        if let Some(fact) = fact {
            writeln!(terminal, "{what:>14}  {fact}")?;
        }
    }
    Ok(())
}

fn micros(us: u64) -> String {
    time(us.saturating_mul(1000))
}

fn over_all(us: u64) -> String {
    format!("{}, the sum over all CPUs", micros(us))
}
