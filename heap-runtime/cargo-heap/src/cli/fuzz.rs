//! Whatever a file says that is named like a sidecar: it is read or refused, and no report of it
//! panics, acts on the terminal or is markup. How these targets run for longer is in CONTRIBUTING.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::rc::Rc;

use serde_json::{Value, json};

use super::args::Selection;
use super::json::{json, ndjson};
use super::report::contents::Report;
use super::report::people::for_people;
use super::terminal::Terminal;
use super::text::acts;
use super::{github, html, markdown};
use crate::report::{Baseline, Comparison, Run, Tolerance};

/// What values are replaced with. The markup carries a name by which the reports are searched.
const HOSTILE: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "-9223372036854775808",
    "1e308",
    "-1e308",
    "5e-324",
    "1e999",
    "0.1",
    "[]",
    "{}",
    "[[]]",
    "[0, 0]",
    "[[0, 18446744073709551615], [18446744073709551615, 0]]",
    "\"\"",
    "\"running\"",
    "\"finished\"",
    "\"passed\"",
    "\"failed\"",
    "\"skipped\"",
    "\"panic\"",
    "\"budget\"",
    "\"jemalloc\"",
    "\"other\"",
    "\"exact\"",
    "\"max_allocations\"",
    "\"<hostile onload=x>\"",
    "\"'\\\"<hostile>&amp;\"",
    "\"</script><hostile>\"",
    "\"\\u001b]0;x\\u0007\\u001b[2J\"",
    "\"a\\r\\nb\\n::error::c\"",
    "\"\\u202e\\u200b\\u009b\"",
    "\"| a | [b](c) ![d](e) @f `g` |\"",
    "\"{{ 7 * 7 }}\"",
    "\"\\u0000\"",
    "\"%s%n%25\"",
];

/// A sidecar with all that a report looks at.
fn sample() -> Value {
    let host = json!({
        "cpu_model": "Test CPU", "arch": "x86_64", "kernel_release": "6.12.0", "online_cpus": 4,
        "total_memory_kib": 16 << 20, "mem_available_kib": 1 << 20, "swap_free_kib": 1 << 20,
        "memory_pressure": {
            "some": { "avg10": 31.5, "total": 1000 }, "full": { "avg10": 9.5, "total": 500 }
        },
        "cgroup_memory": {
            "version": 2, "current_bytes": 1_u64 << 30, "max_bytes": 8_u64 << 30,
            "high_bytes": 8_u64 << 30,
            "events": { "low": 0, "high": 0, "max": 0, "oom": 0, "oom_kill": 0 }
        },
        "vm_oom_kill": 0, "rss_bytes": 30 << 20, "peak_rss_bytes": 48 << 20
    });
    let own = json!({
        "allocated_bytes": 4096, "deallocated_bytes": 4064, "retained_bytes": 32, "peak_bytes": 2048,
        "peak_error_bytes": 64, "peak_source": "thread_event", "allocations": 3, "threads": 2,
        "threads_running": 1
    });
    json!({
        "format_version": 1, "status": "finished", "test_name": "fairness::share",
        "package": "heap-tests", "binary": "scheduler",
        "source": { "file": "tests/scheduler.rs", "line": 41 },
        "run_id": "run", "runner": "cargo-test", "attempt": 1, "stress_index": 0, "iteration": 0,
        "pid": u32::MAX, "started_at": "2026-11-23T10:00:00.000Z", "duration_ns": 12_345_678,
        "outcome": "failed", "failure": { "kind": "panic", "message": "two\nlines" },
        "skip_reason": "why", "labels": { "scheduler": "eevdf" }, "metrics": { "p99_us": 41.5 },
        "host": host, "host_before": host,
        "heap": {
            "allocator": "jemalloc", "reason": "none", "overlap": 2, "exclusive": true,
            "process": { "delta": { "allocated_bytes": 1024, "resident_bytes": 4096 } },
            "own": own,
            "timeline": { "every_bytes": 4096, "points": [[0, 0], [200_000, 2048], [900_000, 32]] },
            "checkpoints": [{ "label": "warm", "at_ns": 4_000_000, "own": own }]
        },
        "budgets": [{ "limit": "max_peak", "bytes": 1024, "actual": 2048, "held": false }]
    })
}

/// How many values there are in a value, itself among them.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// The value that is `index`th when all are counted.
fn nth<'v>(value: &'v mut Value, index: &mut usize) -> Option<&'v mut Value> {
    if *index == 0 {
        return Some(value);
    }
    *index -= 1;
    match value {
        Value::Array(values) => values.iter_mut().find_map(|value| nth(value, index)),
        Value::Object(members) => members.values_mut().find_map(|value| nth(value, index)),
        _ => None,
    }
}

/// A sidecar in which each pair of bytes has replaced a value.
fn changed(bytes: &[u8]) -> String {
    let mut sidecar = sample();
    for pair in bytes.chunks_exact(2) {
        let mut index = usize::from(pair[0]) % count(&sidecar);
        let word = HOSTILE[usize::from(pair[1]) % HOSTILE.len()];
        // Not all of them are JSON of a value: those are for the reader of raw bytes.
        if let (Some(value), Ok(word)) = (nth(&mut sidecar, &mut index), word.parse()) {
            *value = word;
        }
    }
    sidecar.to_string()
}

/// Where a report is looked at.
#[derive(Clone, Default)]
struct Seen(Rc<RefCell<Vec<u8>>>);

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).expect("reports are UTF-8")
    }
}

/// Without the colours that reports have of their own.
fn without_colours(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end {
            Some(end) if after[end..].starts_with('m') => rest = &after[end + 1..],
            _ => {
                plain.push('\u{1b}');
                rest = after;
            }
        }
    }
    plain + rest
}

fn does_not_act(what: &str, text: &str) {
    let acting = text.chars().find(|c| *c != '\n' && acts(*c));
    assert_eq!(acting, None, "in the {what}:\n{text:?}");
}

/// Reads files of these contents as a run, and looks at every report of it.
fn reports(contents: &[&[u8]]) {
    let folder = tempfile::tempdir().unwrap();
    for (index, content) in contents.iter().enumerate() {
        let path = folder
            .path()
            .join(format!("{index}{}", heap_sidecar::SUFFIX));
        fs::write(&path, content).unwrap();
        // What `show` reads; it may be refused, as the row may.
        let _ = heap_sidecar::read(&path);
    }
    let run = || Run::read(&[folder.path().to_owned()], |_, _| ()).unwrap();
    let base = Baseline::of(&run().rows);
    let comparison = Comparison::of(&base, &base, Tolerance::default()).expect("one allocator");
    let report = Report::of(run(), &Selection::default());
    assert_eq!(report.tests.len() + report.unreadable.len(), contents.len());

    for width in [None, Some(20), Some(80)] {
        let seen = Seen::default();
        for_people(&report, &mut Terminal::of(seen.clone(), width)).unwrap();
        does_not_act("table", &without_colours(&seen.text()));
    }
    let printed = |print: &dyn Fn(&mut Seen)| {
        let mut seen = Seen::default();
        print(&mut seen);
        seen.text()
    };
    let text = printed(&|seen| markdown::report(&report, seen).unwrap());
    does_not_act("markdown", &text);
    assert!(!text.contains("<hostile"), "{text}");
    let text = printed(&|seen| json(&report, seen).unwrap());
    does_not_act("JSON", &text);
    serde_json::from_str::<Value>(&text).expect("JSON");
    let text = printed(&|seen| ndjson(&report.tests, seen).unwrap());
    does_not_act("lines of JSON", &text);
    assert_eq!(text.lines().count(), report.tests.len());
    let text = printed(&|seen| github::annotate(&report, seen).unwrap());
    does_not_act("annotations", &text);
    assert!(
        text.lines().all(|line| line.starts_with("::error ")),
        "{text}"
    );

    let page = folder.path().join("page.html");
    html::write(&page, &report, Some(&comparison)).unwrap();
    let text = fs::read_to_string(page).unwrap();
    does_not_act("page", &text);
    assert!(!text.contains("<hostile"), "{text}");
}

#[test]
fn sidecars_of_any_values() {
    bolero::check!()
        .with_iterations(150)
        .for_each(|bytes: &[u8]| {
            let (one, other) = bytes.split_at(bytes.len() / 2);
            reports(&[changed(one).as_bytes(), changed(other).as_bytes()]);
        });
}

#[test]
fn sidecars_of_any_bytes() {
    bolero::check!()
        .with_iterations(150)
        .for_each(|bytes: &[u8]| reports(&[bytes]));
}
