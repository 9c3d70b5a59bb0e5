//! A sidecar as text: pretty, but for the points of a timeline, each on one line. And notes, each on a line.
//!
//! ```text
//! Sidecar ─ serializer ─▶ document ─▶ writer ─▶ the contents of a file
//!           which value    what is     layout,
//!           comes next     formatted   numbers,
//!                          already     texts
//! ```

mod document;
mod serializer;
#[cfg(test)]
mod tests;
mod writer;

use heap_sidecar::Sidecar;
use serde::Serialize;

pub(crate) use document::HostMembers;

use document::Document;
use writer::Writer;

/// What is to stand in a sidecar's file.
#[derive(Clone, Copy)]
pub(crate) struct Contents<'a> {
    pub(crate) text: &'a [u8],
    /// Where the value of `heap.last_seen` begins, if there is one.
    pub(crate) last_seen_at: Option<usize>,
}

/// Writes the contents of a sidecar's file into `text`, in place of what is there, with more
/// members of `host` and of `host_before`: such as the sidecar lacks.
pub(crate) fn to_json<'t>(
    sidecar: &Sidecar,
    host: &[&HostMembers],
    before: &HostMembers,
    text: &'t mut Vec<u8>,
) -> Contents<'t> {
    text.clear();
    let before = [before];
    let mut document = Document::new(host, &before, text);
    sidecar
        .serialize(&mut document)
        .expect("maps with text keys");
    let last_seen_at = document.last_seen_at();
    text.push(b'\n');
    Contents { text, last_seen_at }
}

/// A value as the contents of a file.
pub(crate) fn to_text(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    value
        .serialize(&mut Document::part(Writer::at_depth(0, &mut text)))
        .expect("maps with text keys");
    text.push(b'\n');
    text
}

/// Writes a value on a line of its own, which begins with a newline: what somebody else has left on the line is
/// not its beginning.
pub(crate) fn to_line(value: &impl Serialize, line: &mut Vec<u8>) {
    line.push(b'\n');
    value
        .serialize(&mut Document::part(Writer::compact(&mut *line)))
        .expect("maps with text keys");
    line.push(b'\n');
}
