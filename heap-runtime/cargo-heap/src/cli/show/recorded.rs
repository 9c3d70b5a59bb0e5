//! Everything that a sidecar has, key by key: what the parts above do not say is left out of nothing.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Map, Value};

use super::super::error::Error;
use super::super::terminal::{self, Terminal};
use super::super::text::printable;
use heap_sidecar::Sidecar;

/// What is printed above, value for value.
const SAID: [&str; 12] = [
    "test_name",
    "package",
    "binary",
    "labels",
    "metrics",
    "samples",
    "descriptions",
    "budgets",
    "failure.message",
    "skip_reason",
    "heap.checkpoints",
    "heap.timeline.points",
];

/// The readings of the host, which stand beside each other.
const BEFORE: &str = "host_before";
const AFTER: &str = "host";

pub(super) fn recorded(sidecar: &Sidecar, terminal: &mut Terminal) -> Result<(), Error> {
    let value = serde_json::to_value(sidecar)
        .map_err(|error| Error::new(format!("the sidecar cannot be shown: {error}")))?;
    let (all, host) = parts(value);
    let width = all.keys().chain(host.keys()).map(String::len).max();
    let width = width.unwrap_or(0);
    let strong = terminal::STRONG;
    writeln!(terminal, "\n{strong}recorded{strong:#}")?;
    for (path, value) in &all {
        writeln!(
            terminal,
            "  {:<width$}  {}",
            printable(path),
            printable(value)
        )?;
    }
    if host.is_empty() {
        return Ok(());
    }
    let before = host.values().filter_map(|[before, _]| before.as_deref());
    let wide = before.map(str::len).filter(|len| *len < MAX_WIDTH).max();
    let wide = wide.unwrap_or(0).max("before".len());
    writeln!(
        terminal,
        "\n  {strong}{:<width$}  {:<wide$}  after{strong:#}",
        "of the host", "before"
    )?;
    for (path, [before, after]) in &host {
        let cell = |cell: &Option<String>| {
            cell.as_deref()
                .map_or_else(|| "-".to_owned(), |text| printable(text).into_owned())
        };
        let (before, after) = (cell(before), cell(after));
        writeln!(
            terminal,
            "  {:<width$}  {before:<wide$}  {after}",
            printable(path)
        )?;
    }
    Ok(())
}

/// A value that is wider does not push the others away.
const MAX_WIDTH: usize = 40;

type Both = BTreeMap<String, [Option<String>; 2]>;

/// What is not of the host, and what was read of that before and after.
fn parts(mut value: Value) -> (BTreeMap<String, String>, Both) {
    let mut host = Both::new();
    for (side, key) in [BEFORE, AFTER].into_iter().enumerate() {
        let read = value.as_object_mut().and_then(|all| all.remove(key));
        let mut leaves = BTreeMap::new();
        collect(read.unwrap_or_default(), "", &mut leaves);
        for (path, text) in leaves {
            host.entry(path).or_default()[side] = Some(text);
        }
    }
    let mut all = BTreeMap::new();
    collect(value, "", &mut all);
    (all, host)
}

fn collect(value: Value, path: &str, leaves: &mut BTreeMap<String, String>) {
    if SAID.contains(&path) {
        return;
    }
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match value {
        Value::Null => {}
        Value::Object(members) => match same_for_all(&members) {
            Some(text) => {
                leaves.insert(below("*"), format!("{text} ({})", members.len()));
            }
            None => {
                for (key, member) in members {
                    collect(member, &below(&key), leaves);
                }
            }
        },
        Value::Array(values) => {
            for (index, value) in values.into_iter().enumerate() {
                collect(value, &format!("{path}[{index}]"), leaves);
            }
        }
        Value::String(text) => {
            leaves.insert(path.to_owned(), text);
        }
        value => {
            leaves.insert(path.to_owned(), value.to_string());
        }
    }
}

/// What each CPU's governor is, say, where all have the same.
fn same_for_all(members: &Map<String, Value>) -> Option<String> {
    let mut values = members.values().map(Value::as_str);
    let first = values.next()??;
    let are_numbered = || members.keys().all(|key| key.parse::<u64>().is_ok());
    let same = members.len() > 1 && values.all(|value| value == Some(first));
    (same && are_numbered()).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_has_a_line_of_its_own_or_is_said_above() {
        let (all, host) = parts(json!({
            "test_name": "t", "pid": 7, "failure": { "kind": "panic", "message": "said" },
            "heap": { "own": { "threads": 3 }, "timeline": { "every_bytes": 1, "points": [[1, 2]] } },
            "host": { "cpus": 4, "levels": [{ "above": 0 }, { "above": 2 }],
                      "cpufreq_governor": { "0": "powersave", "1": "powersave" } },
            "host_before": { "cpus": 3 }
        }));
        let all: Vec<_> = all
            .iter()
            .map(|(path, text)| format!("{path}={text}"))
            .collect();
        assert_eq!(
            all,
            [
                "failure.kind=panic",
                "heap.own.threads=3",
                "heap.timeline.every_bytes=1",
                "pid=7"
            ]
        );
        let two =
            |before: Option<&str>, after: &str| [before.map(str::to_owned), Some(after.to_owned())];
        assert_eq!(host["cpus"], two(Some("3"), "4"));
        assert_eq!(host["levels[1].above"], two(None, "2"));
        assert_eq!(host["cpufreq_governor.*"], two(None, "powersave (2)"));
    }
}
