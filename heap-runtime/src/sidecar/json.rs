//! A sidecar as text: pretty, but for the points of a timeline, each on one line.

use std::io::{self, Write};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::{Sidecar, slot};
use crate::HostContext;

/// Members of a sidecar's `host` or `host_before`, as they stand in its file: what many sidecars have
/// in common is formatted once.
#[derive(Default)]
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

/// Writes the contents of a sidecar's file into `contents`, in place of what is there, with more
/// members of `host` and of `host_before`: such as the sidecar lacks.
pub(crate) fn to_json(
    sidecar: &Sidecar,
    host: &[&HostMembers],
    before: &HostMembers,
    contents: &mut Vec<u8>,
) {
    contents.clear();
    let mut serializer = Serializer::with_formatter(&mut *contents, Layout::default());
    sidecar
        .serialize(&mut serializer)
        .expect("maps with text keys and finite numbers only");
    contents.push(b'\n');
    let host_at = end_of(&HOST, contents, 0);
    let before_at = end_of(&HOST_BEFORE, contents, host_at);
    // The later one first, which does not move the other.
    insert(before, contents, before_at);
    for members in host.iter().rev() {
        insert(members, contents, host_at);
    }
    if sidecar.heap.last_seen.is_some() {
        slot::settle(contents);
    }
}

/// Writes a value on a line of its own, which begins with a newline: what somebody else has left on the line is
/// not its beginning.
pub(crate) fn to_line(value: &impl Serialize, line: &mut Vec<u8>) {
    line.push(b'\n');
    value
        .serialize(&mut Serializer::new(&mut *line))
        .expect("maps with text keys and finite numbers only");
    line.push(b'\n');
}

static HOST: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\n  \"host\": {"));
static HOST_BEFORE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\n  \"host_before\": {"));

/// Where the first such line after `from` ends.
fn end_of(line: &Finder<'_>, contents: &[u8], from: usize) -> usize {
    // No text has a newline in it, so at this depth only the member itself looks like this.
    let found = line.find(&contents[from..]);
    from + found.expect("every sidecar has both objects") + line.needle().len()
}

/// Puts members at the start of an object.
fn insert(members: &HostMembers, contents: &mut Vec<u8>, start: usize) {
    let members = members.0.as_bytes();
    if members.is_empty() {
        return;
    }
    let is_empty = contents.get(start) == Some(&b'}');
    let end: &[u8] = if is_empty { b"\n  " } else { b"," };
    let (length, gap) = (contents.len(), members.len() + end.len());
    contents.resize(length + gap, 0);
    contents.copy_within(start..length, start + gap);
    let (first, second) = contents[start..start + gap].split_at_mut(members.len());
    first.copy_from_slice(members);
    second.copy_from_slice(end);
}

/// `serde_json`'s pretty layout, with arrays that are inside arrays on one line. It writes each end of
/// a line, and what the next begins with, at once: most of a sidecar is lines of a few bytes.
#[derive(Default)]
struct Layout {
    depth: usize,
    arrays: usize,
    /// Whether what was begun last has anything in it so far.
    has_value: bool,
}

impl Layout {
    fn on_one_line(&self) -> bool {
        self.arrays > 1
    }

    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        writer.write_all(bracket)
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.begin_line(writer, true)?;
        }
        self.has_value = true;
        writer.write_all(bracket)
    }

    /// Goes to the next line, after a comma unless it is the first of what is inside a bracket.
    fn begin_line<W: ?Sized + Write>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        const LINE: &[u8] = b",\n                ";
        let (start, end) = (usize::from(first), b",\n".len() + 2 * self.depth);
        writer.write_all(&LINE[start..end.min(LINE.len())])?;
        (LINE.len()..end).try_for_each(|_| writer.write_all(b" "))
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.arrays += 1;
        self.begin(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.has_value &= !self.on_one_line();
        self.arrays -= 1;
        self.end(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if !self.on_one_line() {
            self.begin_line(writer, first)
        } else if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.begin_line(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
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
        let json = |sidecar: &Sidecar, host: &[&HostMembers], before: &HostMembers| {
            let mut contents = b"what was there".to_vec();
            to_json(sidecar, host, before, &mut contents);
            contents
        };
        let pretty = |sidecar: &Sidecar| json(sidecar, &[], &HostMembers::default());

        let mut more = HostContext::default();
        more.rss_bytes = Some(4096);
        // All of it, none of it, a part of it; the text of a label is no member.
        let mut part = HostContext::default();
        part.kernel_cmdline = Some("\n  \"host\": {".into());
        part.sched_tunables = whole.host.sched_tunables.clone();
        for moved in [whole.host.clone(), HostContext::default(), part] {
            let mut rest = whole.clone();
            rest.labels.insert("l".into(), "\n  \"host\": {".into());
            let expected = {
                let mut expected = rest.clone();
                expected.host = rest.host.clone().merge(moved.clone()).merge(more.clone());
                pretty(&expected)
            };
            let moved_keys = serde_json::to_value(&moved).unwrap();
            let keys = moved_keys.as_object().unwrap().keys();
            let unknown = rest.host.redact(keys.map(String::as_str));
            assert!(unknown.is_empty(), "{unknown:?}");
            rest.host_before = HostContext::default();
            let spliced = json(
                &rest,
                &[
                    &HostMembers::of(&moved),
                    &HostMembers::default(),
                    &HostMembers::of(&more),
                ],
                &HostMembers::of(&whole.host_before),
            );
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

    #[test]
    fn without_arrays_in_arrays_it_is_serde_jsons_own_layout() {
        let mut value =
            json!({"empty": {}, "none": [], "list": [1, "a", {"b": {}}, {}], "c": null});
        // Deeper than a line's blanks are written at once.
        for depth in 0..20 {
            value = json!({ "first": depth, "value": value, "z": [{ "last": [] }] });
        }
        let mut text = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut text, Layout::default());
        value.serialize(&mut serializer).unwrap();
        let expected = serde_json::to_string_pretty(&value).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
