//! Files, out of what a console has shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{MARK, Operation, crc32};
use crate::SUFFIX;

/// Takes lines as they come, and makes files of them.
///
/// ```
/// use heap_sidecar::frame::{Operation, Collector, Lines};
///
/// let mut console = b"booting".to_vec();
/// for line in Lines::new(7, 0, Operation::Put, "t.heap.json", b"{}\n") {
///     console.extend_from_slice(&line);
/// }
/// let mut collector = Collector::default();
/// console.split(|byte| *byte == b'\n').for_each(|line| collector.line(line));
/// let collected = collector.finish();
/// assert_eq!(collected.files["t.heap.json"], b"{}\n");
/// assert!(collected.torn.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct Collector {
    processes: BTreeMap<u64, BTreeMap<u32, Frame>>,
    damaged: usize,
}

/// What has come through.
///
/// ```
/// use heap_sidecar::frame::Collector;
///
/// let mut collector = Collector::default();
/// collector.line(b"[    0.000000] Linux version 6.18");
/// collector.line(b"@heap1 00000000 of which the rest is gone");
/// let collected = collector.finish();
/// assert!(collected.files.is_empty());
/// assert_eq!(collected.damaged, 1);
/// ```
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// The contents of each file, by its name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What has not come through whole.
    pub torn: Vec<Torn>,
    /// How many lines had the mark, and not the contents that their checksum is of.
    pub damaged: usize,
}

/// A frame of which lines are missing.
///
/// ```
/// use heap_sidecar::frame::{Collector, Lines, Operation};
///
/// let contents = "x".repeat(1000);
/// let mut collector = Collector::default();
/// let lines = Lines::new(7, 0, Operation::Put, "t.heap.json", contents.as_bytes());
/// for line in lines.skip(1) {
///     collector.line(line.trim_ascii());
/// }
/// let torn = &collector.finish().torn[0];
/// assert_eq!(torn.name.as_deref(), Some("t.heap.json"));
/// assert_eq!((torn.lines, torn.of), (3, 4));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Torn {
    /// The file's name. None where no line of the frame has come through.
    pub name: Option<String>,
    /// How many lines have come through.
    pub lines: usize,
    /// How many there were. 0 where that is not known.
    pub of: usize,
}

/// More lines than this no frame has: a sidecar is no longer than [`read`](crate::read()) takes.
const MOST_PARTS: usize = 1 << 20;

#[derive(Debug)]
struct Frame {
    operation: Operation,
    name: String,
    parts: BTreeMap<usize, Vec<u8>>,
    of: usize,
}

impl Frame {
    fn contents(&self) -> Option<Vec<u8>> {
        (self.parts.len() == self.of).then(|| self.parts.values().flatten().copied().collect())
    }
}

/// One line of a frame.
struct Line {
    process: u64,
    number: u32,
    part: usize,
    of: usize,
    operation: Operation,
    name: String,
    contents: Vec<u8>,
}

impl Line {
    /// Without the mark.
    fn read(line: &[u8]) -> Option<Self> {
        let (checksum, checked) = line.split_at_checked(8)?;
        let checked = checked.strip_prefix(b" ")?;
        let checksum = u32::from_str_radix(str::from_utf8(checksum).ok()?, 16).ok()?;
        if crc32(checked) != checksum {
            return None;
        }
        let mut words = str::from_utf8(checked).ok()?.splitn(6, ' ');
        let process = u64::from_str_radix(words.next()?, 16).ok()?;
        let number = words.next()?.parse().ok()?;
        let (part, of) = words.next()?.split_once('/')?;
        let (part, of) = (part.parse().ok()?, of.parse().ok()?);
        let line = Self {
            process,
            number,
            part,
            of,
            operation: Operation::of(words.next()?)?,
            name: String::from_utf8(unescape(words.next()?)?).ok()?,
            contents: unescape(words.next().unwrap_or_default())?,
        };
        ((1..=of).contains(&part) && of <= MOST_PARTS).then_some(line)
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        bytes.push(u8::from_str_radix(escaped.get(..2)?, 16).ok()?);
        rest = escaped.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

/// A file's name that is one, and leads nowhere else.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('.')
        && !name.contains(['/', '\\', '\0'])
        && !name.contains(char::is_control)
}

impl Collector {
    /// Takes a line, whatever it is.
    pub fn line(&mut self, line: &[u8]) {
        let line = line.trim_ascii_end();
        let mark = MARK.as_bytes();
        // A line that was cut has another behind it, where whoever cut it wrote no newline.
        let starts = (line.windows(mark.len()).enumerate())
            .filter(|(_, window)| *window == mark)
            .map(|(start, _)| start + mark.len());
        let mut had_mark = false;
        for start in starts {
            had_mark = true;
            let found = line.get(start..).and_then(Line::read);
            if let Some(found) = found.filter(|found| is_name(&found.name)) {
                self.take(found);
                return;
            }
        }
        self.damaged += usize::from(had_mark);
    }

    fn take(&mut self, line: Line) {
        let frames = self.processes.entry(line.process).or_default();
        let frame = frames.entry(line.number).or_insert_with(|| Frame {
            operation: line.operation,
            name: line.name.clone(),
            parts: BTreeMap::new(),
            of: line.of,
        });
        // A console that was read twice shows the same twice.
        if (frame.operation, &frame.name, frame.of) == (line.operation, &line.name, line.of) {
            frame.parts.insert(line.part, line.contents);
        }
    }

    /// What all of it comes to.
    #[must_use]
    pub fn finish(self) -> Collected {
        let mut collected = Collected {
            damaged: self.damaged,
            ..Collected::default()
        };
        let mut taken = BTreeSet::new();
        for (process, frames) in self.processes {
            let (files, torn) = files_of(frames);
            collected.torn.extend(torn);
            for (name, contents) in files {
                let name = if taken.contains(&name) {
                    of_process(&name, process)
                } else {
                    name
                };
                taken.insert(name.clone());
                collected.files.insert(name, contents);
            }
        }
        collected
    }
}

/// The name of another process's file of the same name.
fn of_process(name: &str, process: u64) -> String {
    let stem = name.strip_suffix(SUFFIX).unwrap_or(name);
    let end = &name[stem.len()..];
    format!("{stem}~{process:016x}{end}")
}

/// What one process has done, in its order.
fn files_of(frames: BTreeMap<u32, Frame>) -> (BTreeMap<String, Vec<u8>>, Vec<Torn>) {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    let mut torn = Vec::new();
    let mut next = 0;
    for (number, frame) in frames {
        for _ in next..number {
            torn.push(Torn {
                name: None,
                lines: 0,
                of: 0,
            });
        }
        next = number.saturating_add(1);
        let Some(contents) = frame.contents() else {
            torn.push(Torn {
                name: Some(frame.name),
                lines: frame.parts.len(),
                of: frame.of,
            });
            continue;
        };
        match frame.operation {
            Operation::Put => {
                seen.remove(&frame.name);
                files.insert(frame.name, contents);
            }
            Operation::Append => files.entry(frame.name).or_default().extend(contents),
            Operation::Remove => {
                files.remove(&frame.name);
            }
            Operation::Seen => {
                if let Ok(value) = serde_json::from_slice(&contents) {
                    seen.insert(frame.name, value);
                }
            }
        }
    }
    for (name, value) in seen {
        if let Some(file) = files.get_mut(&name)
            && let Some(with) = with_last_seen(file, value)
        {
            *file = with;
        }
    }
    (files, torn)
}

/// A record whose test has ended, as only that line says.
fn with_last_seen(record: &[u8], value: Value) -> Option<Vec<u8>> {
    let mut record: Value = serde_json::from_slice(record).ok()?;
    let heap = record.get_mut("heap")?.as_object_mut()?;
    heap.insert("last_seen".into(), value);
    let mut text = serde_json::to_vec_pretty(&record).ok()?;
    text.push(b'\n');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::Lines;
    use super::*;

    fn frame(number: u32, operation: Operation, name: &str, contents: &str) -> Vec<Vec<u8>> {
        frame_of(7, number, operation, name, contents)
    }

    fn frame_of(
        process: u64,
        number: u32,
        operation: Operation,
        name: &str,
        contents: &str,
    ) -> Vec<Vec<u8>> {
        let lines = Lines::new(process, number, operation, name, contents.as_bytes());
        lines.map(|line| line.to_vec()).collect()
    }

    fn collected(console: &[u8]) -> Collected {
        let mut collector = Collector::default();
        console
            .split(|byte| *byte == b'\n')
            .for_each(|line| collector.line(line));
        collector.finish()
    }

    fn long() -> String {
        let numbers: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        numbers.join("\u{e4}\n%")
    }

    #[test]
    fn contents_come_back_to_the_byte_through_a_console_that_others_write_to() {
        let mut console = b"login: ".to_vec();
        let lines = frame(0, Operation::Put, "a b\u{e4}.heap.json", &long());
        assert!(lines.len() > 10);
        for line in lines.iter().rev() {
            console.extend_from_slice(b"[    0.1] kernel: @heap1 is not mine\n[    0.2] ");
            // Terminals end a line so.
            console.extend_from_slice(&line[1..line.len() - 1]);
            console.extend_from_slice(b"\r\n");
        }
        let collected = collected(&console);
        assert_eq!(collected.files["a b\u{e4}.heap.json"], long().as_bytes());
        assert_eq!(collected.torn, []);
        assert_eq!(collected.damaged, lines.len());
    }

    #[test]
    fn what_is_torn_is_said_and_loses_nothing_else() {
        let first = frame(0, Operation::Put, "a", &long()).concat();
        let torn = frame(1, Operation::Put, "a", &long());
        let other = frame(3, Operation::Put, "b", "whole").concat();
        let mut cut = torn.concat();
        cut.truncate(cut.len() - torn.last().unwrap().len() / 2);
        let collected = collected(&[first, cut, other].concat());
        assert_eq!(collected.files["a"], long().as_bytes());
        assert_eq!(collected.files["b"], b"whole");
        let of = torn.len();
        let [cut, missing] = &collected.torn[..] else {
            panic!("{:?}", collected.torn);
        };
        assert_eq!(
            (cut.name.as_deref(), cut.lines, cut.of),
            (Some("a"), of - 1, of)
        );
        assert_eq!((&missing.name, missing.lines), (&None, 0));
    }

    #[test]
    fn any_byte_that_changes_on_the_way_is_noticed() {
        let line = frame(0, Operation::Put, "a", "contents").concat();
        for at in 1 + MARK.len()..line.len() - 1 {
            let mut changed = line.clone();
            changed[at] ^= 1;
            let collected = collected(&changed);
            assert_eq!((collected.files.len(), collected.damaged), (0, 1), "{at}");
        }
    }

    #[test]
    fn changes_are_made_in_their_order_whatever_the_order_of_lines() {
        let mut lines = [
            frame(0, Operation::Put, "a", "one"),
            frame(1, Operation::Append, "n", "x"),
            frame(2, Operation::Append, "n", "y "),
            frame(3, Operation::Put, "a", "two"),
            frame(4, Operation::Append, "m", "z "),
            frame(5, Operation::Remove, "m", ""),
        ]
        .concat();
        lines.reverse();
        let files = collected(&lines.concat()).files;
        let expected = [("a", "two"), ("n", "xy ")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        assert_eq!(files, BTreeMap::from(expected));
    }

    #[test]
    fn a_test_whose_end_is_torn_has_ended_as_one_line_says() {
        let record = r#"{"status":"running","heap":{"last_seen":{"outcome":"x"}}}"#;
        let mut console = frame(0, Operation::Put, "t.heap.json", record).concat();
        console
            .extend(frame(1, Operation::Seen, "t.heap.json", r#"{"outcome":"failed"}"#).concat());
        let finished = frame(2, Operation::Put, "t.heap.json", &long());
        let read = |console: &[u8]| collected(console).files["t.heap.json"].clone();
        let torn = [console.clone(), finished[1..].concat()].concat();
        let record: Value = serde_json::from_slice(&read(&torn)).unwrap();
        assert_eq!(record["heap"]["last_seen"]["outcome"], "failed");
        assert_eq!(record["status"], "running");
        let whole = [console, finished.concat()].concat();
        assert_eq!(read(&whole), long().as_bytes());
    }

    #[test]
    fn processes_with_one_name_keep_their_files_apart() {
        let both = [
            frame_of(7, 0, Operation::Put, "t.heap.json", "one"),
            frame_of(8, 0, Operation::Put, "t.heap.json", "two"),
        ];
        let files = collected(&both.concat().concat()).files;
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["t.heap.json", "t~0000000000000008.heap.json"]);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in ["../x", "a/b", ".hidden", "a\0", ""] {
            let console = frame(0, Operation::Put, name, "x").concat();
            assert_eq!(collected(&console).files.len(), 0, "{name:?}");
        }
    }
}
