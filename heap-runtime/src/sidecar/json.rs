//! A sidecar as text: pretty, but for the points of a timeline, each on one line.

use std::io::{self, Write};

use serde::Serialize as _;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use super::Sidecar;

/// The contents of a sidecar's file.
pub(crate) fn to_json(sidecar: &Sidecar) -> Vec<u8> {
    let mut contents = Vec::with_capacity(4096);
    let mut serializer = Serializer::with_formatter(&mut contents, Layout::default());
    sidecar
        .serialize(&mut serializer)
        .expect("maps with text keys and finite numbers only");
    contents.push(b'\n');
    contents
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
    use serde_json::json;

    #[test]
    fn points_are_on_one_line_and_all_else_is_pretty() {
        let value = json!({"budgets": [{"held": true}], "none": [], "points": [[1, -2], [3, 4]]});
        let mut text = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut text, Layout::default());
        value.serialize(&mut serializer).unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&text).unwrap(),
            value
        );
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "{\n  \"budgets\": [\n    {\n      \"held\": true\n    }\n  ],\n  \"none\": [],\n  \
             \"points\": [\n    [1, -2],\n    [3, 4]\n  ]\n}"
        );
    }
}
