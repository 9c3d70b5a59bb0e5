//! A sidecar as text: pretty, but for the points of a timeline, each on one line.

use std::io::{self, Write};

use serde::Serialize as _;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use super::{Sidecar, slot};
use crate::HostContext;

/// Members of a sidecar's `host`, as they stand in its file: what many sidecars have in common is
/// formatted once.
pub(crate) struct HostMembers(String);

impl HostMembers {
    pub(crate) fn of(host: &HostContext) -> Self {
        let object = serde_json::to_string_pretty(host).expect("maps with text keys");
        let members = object.strip_prefix('{').unwrap_or_default();
        let members = members.strip_suffix("\n}").unwrap_or_default();
        // As deep as they will be.
        Self(members.replace('\n', "\n  "))
    }
}

/// The contents of a sidecar's file, with more members of `host`: such as the sidecar lacks.
pub(crate) fn to_json(sidecar: &Sidecar, host: &HostMembers) -> Vec<u8> {
    let mut contents = Vec::with_capacity(4096);
    let mut serializer = Serializer::with_formatter(&mut contents, Layout::default());
    sidecar
        .serialize(&mut serializer)
        .expect("maps with text keys and finite numbers only");
    contents.push(b'\n');
    if !host.0.is_empty() {
        let (before, after) = contents.split_at(start_of_host(&contents));
        let end = if after.starts_with(b"}") { "\n  " } else { "," };
        contents = [before, host.0.as_bytes(), end.as_bytes(), after].concat();
    }
    if sidecar.heap.last_seen.is_some() {
        slot::settle(&mut contents);
    }
    contents
}

/// Where the members of `host` start.
fn start_of_host(contents: &[u8]) -> usize {
    // No text has a newline in it, so at this depth only the member itself looks like this.
    const HOST: &[u8] = b"\n  \"host\": {";
    let start = contents
        .windows(HOST.len())
        .position(|window| window == HOST)
        .expect("every sidecar has a host");
    start + HOST.len()
}

/// `serde_json`'s pretty layout, with arrays that are inside arrays on one line.
#[derive(Default)]
struct Layout<'a> {
    pretty: PrettyFormatter<'a>,
    arrays: usize,
}

impl Layout<'_> {
    fn on_one_line(&self) -> bool {
        self.arrays > 1
    }
}

impl Formatter for Layout<'_> {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.arrays += 1;
        if self.on_one_line() {
            writer.write_all(b"[")
        } else {
            self.pretty.begin_array(writer)
        }
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let on_one_line = self.on_one_line();
        self.arrays -= 1;
        if on_one_line {
            writer.write_all(b"]")
        } else {
            self.pretty.end_array(writer)
        }
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if !self.on_one_line() {
            self.pretty.begin_array_value(writer, first)
        } else if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.on_one_line() {
            Ok(())
        } else {
            self.pretty.end_array_value(writer)
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.pretty.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_formatted_once_stands_among_the_rest() {
        let whole: Sidecar = serde_json::from_value(json!({
            "format_version": 1, "status": "running", "test_name": "t", "package": "p",
            "binary": "b", "source": { "file": "f.rs", "line": 1 }, "run_id": "r",
            "runner": "other", "attempt": 1, "iteration": 0, "pid": 1, "started_at": "",
            "host": {
                "cpu_model": "c", "sched_tunables": { "a": "1", "b": "2" }, "online_cpus": 2,
                "cgroup_memory": { "max_bytes": 3 }
            },
            "host_before": { "vm_oom_kill": 0 },
            "heap": { "allocator": "jemalloc", "timeline": { "every_bytes": 1, "points": [[1, 2]] } }
        }))
        .unwrap();
        let value = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap();
        let pretty = |sidecar: &Sidecar| to_json(sidecar, &HostMembers(String::new()));

        // All of it, none of it, a part of it; the text of a label is no member.
        let part = HostContext {
            kernel_cmdline: Some("\n  \"host\": {".into()),
            sched_tunables: whole.host.sched_tunables.clone(),
            ..HostContext::default()
        };
        for moved in [whole.host.clone(), HostContext::default(), part] {
            let mut rest = whole.clone();
            rest.labels.insert("l".into(), "\n  \"host\": {".into());
            let expected = {
                let mut expected = rest.clone();
                expected.host = rest.host.clone().merge(moved.clone());
                pretty(&expected)
            };
            let moved_keys = serde_json::to_value(&moved).unwrap();
            let keys = moved_keys.as_object().unwrap().keys();
            let unknown = rest.host.redact(keys.map(String::as_str));
            assert!(unknown.is_empty(), "{unknown:?}");
            let spliced = to_json(&rest, &HostMembers::of(&moved));
            assert_eq!(value(&spliced), value(&expected));
            // In another order, it is the same text.
            let lines = |text: &[u8]| {
                let text = String::from_utf8(text.to_vec()).unwrap();
                let mut lines: Vec<_> = (text.lines())
                    .map(|line| line.trim_end_matches(',').to_owned())
                    .collect();
                lines.sort();
                lines
            };
            assert_eq!(lines(&spliced), lines(&expected));
        }
    }

    #[test]
    fn points_are_on_one_line_and_all_else_is_pretty() {
        let value = json!({"budgets": [{"held": true}], "none": [], "points": [[1, -2], [3, 4]]});
        let mut text = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut text, Layout::default());
        value.serialize(&mut serializer).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), value);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "{\n  \"budgets\": [\n    {\n      \"held\": true\n    }\n  ],\n  \"none\": [],\n  \
             \"points\": [\n    [1, -2],\n    [3, 4]\n  ]\n}"
        );
    }
}
