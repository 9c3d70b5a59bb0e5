//! The layout of a sidecar's text: pretty, but for arrays inside of arrays, each on one line. Or all on one.
//!
//! What is between values is written here, and the values that are not made of others.

use std::io::Write as _;

/// Writes values one after another, each in its place on its line.
pub(super) struct Writer<'a> {
    pub(super) text: &'a mut Vec<u8>,
    /// In how many brackets the next value is.
    pub(super) depth: usize,
    /// How many of them are arrays.
    arrays: usize,
    /// Whether what was begun last has anything in it so far.
    has_value: bool,
    /// Whether all is on one line, without a blank.
    is_compact: bool,
}

/// Where to go back to, where a value turns out to be none.
pub(super) struct Mark {
    length: usize,
    depth: usize,
    arrays: usize,
    has_value: bool,
}

impl<'a> Writer<'a> {
    /// Writes behind what is in `text` already, in so many brackets.
    pub(super) fn at_depth(depth: usize, text: &'a mut Vec<u8>) -> Self {
        Self {
            text,
            depth,
            arrays: 0,
            has_value: false,
            is_compact: false,
        }
    }

    /// Writes all on one line.
    pub(super) fn compact(text: &'a mut Vec<u8>) -> Self {
        Self {
            is_compact: true,
            ..Self::at_depth(0, text)
        }
    }

    pub(super) fn begin_object(&mut self) {
        self.begin(b'{');
    }

    pub(super) fn end_object(&mut self) {
        self.end(b'}');
    }

    pub(super) fn begin_array(&mut self) {
        self.arrays += 1;
        self.begin(b'[');
    }

    pub(super) fn end_array(&mut self) {
        self.has_value &= !self.is_on_one_line();
        self.arrays -= 1;
        self.end(b']');
    }

    /// Goes to where the next value of an array stands.
    pub(super) fn begin_element(&mut self) -> Mark {
        let mark = self.mark();
        if !self.is_on_one_line() {
            self.begin_line();
        } else if self.has_value {
            self.text.extend_from_slice(self.spaced(b", "));
        }
        mark
    }

    /// Goes to where the next key of an object stands.
    pub(super) fn begin_key(&mut self) -> Mark {
        let mark = self.mark();
        self.begin_line();
        mark
    }

    /// Goes from a key to its value.
    pub(super) fn end_key(&mut self) {
        self.text.extend_from_slice(self.spaced(b": "));
    }

    /// What stands between two, with the blank behind it or without.
    fn spaced(&self, separator: &'static [u8]) -> &'static [u8] {
        &separator[..separator.len() - usize::from(self.is_compact)]
    }

    /// What has begun with that element or key is written.
    pub(super) fn has_value(&mut self) {
        self.has_value = true;
    }

    /// Members of the object that has been begun, as they stand in it.
    pub(super) fn members(&mut self, members: &str) {
        if !members.is_empty() {
            if self.has_value {
                self.text.push(b',');
            }
            self.text.extend_from_slice(members.as_bytes());
            self.has_value = true;
        }
    }

    fn mark(&self) -> Mark {
        Mark {
            length: self.text.len(),
            depth: self.depth,
            arrays: self.arrays,
            has_value: self.has_value,
        }
    }

    /// Takes back what was written since.
    pub(super) fn back_to(&mut self, mark: &Mark) {
        let Mark {
            length,
            depth,
            arrays,
            has_value,
        } = *mark;
        self.text.truncate(length);
        (self.depth, self.arrays, self.has_value) = (depth, arrays, has_value);
    }

    fn is_on_one_line(&self) -> bool {
        self.arrays > 1
    }

    fn begin(&mut self, bracket: u8) {
        self.depth += 1;
        self.has_value = false;
        self.text.push(bracket);
    }

    fn end(&mut self, bracket: u8) {
        self.depth -= 1;
        if self.has_value && !self.is_compact {
            self.has_value = false;
            self.begin_line();
        }
        self.has_value = true;
        self.text.push(bracket);
    }

    /// Goes to the next line, after a comma unless it is the first of what is inside a bracket. Most of a
    /// sidecar is lines of a few bytes: the end of one, and what the next begins with, are one copy.
    fn begin_line(&mut self) {
        const LINE: &[u8] = b",\n                ";
        if self.is_compact {
            self.text.extend(self.has_value.then_some(b','));
            return;
        }
        let (start, end) = (usize::from(!self.has_value), b",\n".len() + 2 * self.depth);
        self.text
            .extend_from_slice(&LINE[start..end.min(LINE.len())]);
        self.text
            .resize(self.text.len() + end.saturating_sub(LINE.len()), b' ');
    }

    /// A text between quotes.
    pub(super) fn string(&mut self, string: &str) {
        self.text.push(b'"');
        let mut written = 0;
        for (at, byte) in string.bytes().enumerate() {
            if let Some(escape) = Escape::of(byte) {
                // What is escaped is one byte of ASCII, so that the rest begins with a letter.
                self.text.extend_from_slice(&string.as_bytes()[written..at]);
                escape.write(self.text);
                written = at + 1;
            }
        }
        self.text.extend_from_slice(&string.as_bytes()[written..]);
        self.text.push(b'"');
    }

    pub(super) fn bool(&mut self, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.text.extend_from_slice(word);
    }

    pub(super) fn signed(&mut self, value: i64) {
        if value < 0 {
            self.text.push(b'-');
        }
        self.unsigned(value.unsigned_abs());
    }

    /// Digits by hand: a sidecar has some sixty numbers, and `write!` takes several times as long for each.
    pub(super) fn unsigned(&mut self, mut value: u64) {
        const MAX_DIGITS: usize = "18446744073709551615".len();
        let mut digits = [0; MAX_DIGITS];
        let mut start = MAX_DIGITS;
        loop {
            start -= 1;
            digits[start] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.text.extend_from_slice(&digits[start..]);
    }

    /// The shortest text that is read as the same number; it must be finite.
    pub(super) fn float(&mut self, value: f64) {
        // With a point, and small numbers without an exponent, as long as others of as many digits are.
        let written = if (1e-5..1e-4).contains(&value.abs()) {
            write!(self.text, "{value}")
        } else {
            write!(self.text, "{value:?}")
        };
        written.expect("a Vec takes all");
    }
}

/// How a byte is written that cannot stand in a text as it is.
enum Escape {
    /// Behind a backslash, this letter.
    Letter(u8),
    /// By its number.
    Number(u8),
}

impl Escape {
    fn of(byte: u8) -> Option<Self> {
        Some(Self::Letter(match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\t' => b't',
            b'\r' => b'r',
            0x08 => b'b',
            0x0C => b'f',
            0..=0x1F => return Some(Self::Number(byte)),
            _ => return None,
        }))
    }

    fn write(&self, text: &mut Vec<u8>) {
        match self {
            Self::Letter(letter) => text.extend_from_slice(&[b'\\', *letter]),
            Self::Number(byte) => write!(text, "\\u{byte:04x}").expect("a Vec takes all"),
        }
    }
}
