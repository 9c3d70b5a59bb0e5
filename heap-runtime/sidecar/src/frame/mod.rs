//! A run's files as lines of text, for a place that has no file system.
//!
//! In a guest whose `init` is the test binary nothing that is written outlives the guest, but what goes out by
//! its console or a port of the hypervisor. There, other programs and the kernel write as well, a line may be cut, and what
//! was to come may not come any more. So what is done to a file is a frame, cut into lines each of which stands for itself:
//!
//! ```text
//! [    3.141592] kernel: something
//! @heap1 5f2d09aa 9c01f0e7b2d4a683 0 1/9 put queues+queue+grows.heap.json {%0a  "format_version": 1,%0a...
//!        │        │                │ │   │   │                            └─ a part of the contents
//!        │        │                │ │   │   └─ the file's name             (a letter that is not printable is %xx)
//!        │        │                │ │   └─ what is done to it
//!        │        │                │ └─ which of the frame's lines
//!        │        │                └─ which of the process's frames, from 0
//!        │        └─ which process
//!        └─ CRC-32 of all that is behind it on the line
//! ```
//!
//! [`Lines`] writes them, and with the feature `read` `Collector` makes files of them again. What stands before the mark on a
//! line, such as a time, is passed over. Each line begins with a newline, so that what somebody else has left unfinished is not
//! its beginning.

#[cfg(feature = "read")]
mod collect;

use std::fmt;
use std::ops::Deref;

#[cfg(feature = "read")]
pub use collect::{Collected, Collector, Torn};

/// What the name of a frame's line begins with: the format's name and version.
pub const MARK: &str = "@heap1 ";

/// What is done to a file.
///
/// ```
/// use heap_sidecar::frame::{Lines, Operation};
///
/// // What is removed has no contents, and one line.
/// assert_eq!(Lines::new(7, 1, Operation::Remove, "a.heap.notes", b"").count(), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// It is written, or replaced by these contents.
    Put,
    /// This is appended to it.
    Append,
    /// It is removed.
    Remove,
    /// It stays as it is, but for the value of its `heap.last_seen`: how a test ended, in one line, in case that the
    /// record of its end does not come through.
    Seen,
}

impl Operation {
    #[cfg(any(feature = "read", test))]
    const ALL: [Self; 4] = [Self::Put, Self::Append, Self::Remove, Self::Seen];

    fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Append => "append",
            Self::Remove => "remove",
            Self::Seen => "seen",
        }
    }

    #[cfg(feature = "read")]
    fn of(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == word)
    }
}

/// So much of the contents is in one line, as it is written: with what is around it, a line is shorter than what any pipe
/// takes at once (`PIPE_BUF`, 4096 on Linux), and a torn one loses little.
const PART: usize = 256;

/// The longest name of a file, on every file system of today.
const LONGEST_NAME: usize = 255;

/// The lines of a frame, in order.
///
/// ```
/// use heap_sidecar::frame::{Operation, Lines};
///
/// let mut lines = Lines::new(0x9c01_f0e7_b2d4_a683, 0, Operation::Put, "t.heap.json", b"{}\n");
/// let line = lines.next().unwrap();
/// assert_eq!(
///     *line,
///     *b"\n@heap1 cd215ab9 9c01f0e7b2d4a683 0 1/1 put t.heap.json {}%0a\n"
/// );
/// assert!(lines.next().is_none());
/// ```
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    process: u64,
    number: u32,
    operation: Operation,
    name: &'a str,
    rest: &'a [u8],
    part: u32,
    parts: u32,
}

impl<'a> Lines<'a> {
    /// Of the frame of this number, which no other of the process has. A name has up to 255 bytes; what is more is cut.
    #[must_use]
    pub fn new(
        process: u64,
        number: u32,
        operation: Operation,
        name: &'a str,
        contents: &'a [u8],
    ) -> Self {
        let mut parts = 0;
        let mut rest = contents;
        loop {
            parts += 1;
            (_, rest) = first_part(rest);
            if rest.is_empty() {
                break;
            }
        }
        Self {
            process,
            number,
            operation,
            name: name.get(..LONGEST_NAME).unwrap_or(name),
            rest: contents,
            part: 0,
            parts,
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.part == self.parts {
            return None;
        }
        self.part += 1;
        let (part, rest) = first_part(self.rest);
        self.rest = rest;
        let mut line = Line::empty();
        line.push_all(b"\n");
        line.push_all(MARK.as_bytes());
        let checksum_at = line.length;
        line.push_all(b"00000000 ");
        let checked_at = line.length;
        line.push_hexadecimal(self.process, 16);
        line.push(b' ');
        line.push_decimal(self.number);
        line.push(b' ');
        line.push_decimal(self.part);
        line.push(b'/');
        line.push_decimal(self.parts);
        line.push(b' ');
        line.push_all(self.operation.as_str().as_bytes());
        line.push(b' ');
        // A blank would end it.
        (self.name.bytes()).for_each(|byte| line.push_escaped(byte, byte == b' '));
        // Blanks at the end of a line get lost.
        if let Some((last, others)) = part.split_last() {
            line.push(b' ');
            for byte in others {
                line.push_escaped(*byte, false);
            }
            line.push_escaped(*last, *last == b' ');
        }
        let checksum = crc32(line.get(checked_at..).unwrap_or_default());
        for (place, to) in line.text.iter_mut().skip(checksum_at).take(8).enumerate() {
            *to = digit(u64::from(checksum) >> (28 - 4 * place));
        }
        line.push(b'\n');
        Some(line)
    }
}

/// A line of a frame, with the newlines around it. It is on the stack alone: to make one allocates nothing.
///
/// ```
/// use std::io::Write as _;
///
/// use heap_sidecar::frame::{Lines, Operation};
///
/// let mut console = Vec::new();
/// for line in Lines::new(7, 0, Operation::Put, "t.heap.json", b"{}") {
///     console.write_all(&line)?;
/// }
/// assert!(console.starts_with(b"\n@heap1 "));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Line {
    text: [u8; Self::LONGEST],
    length: usize,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Line")
            .field(&String::from_utf8_lossy(self))
            .finish()
    }
}

impl Deref for Line {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }
}

impl Line {
    /// The newlines, the mark, the checksum, five words, a name of which each byte takes three, and a part.
    const LONGEST: usize = 128 + 3 * LONGEST_NAME + PART;

    fn empty() -> Self {
        Self {
            text: [0; Self::LONGEST],
            length: 0,
        }
    }

    fn push(&mut self, byte: u8) {
        // There is room: see `LONGEST`.
        if let Some(place) = self.text.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn push_all(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.push(*byte);
        }
    }

    fn push_escaped(&mut self, byte: u8, always: bool) {
        if is_plain(byte) && !always {
            self.push(byte);
        } else {
            self.push(b'%');
            self.push_hexadecimal(byte.into(), 2);
        }
    }

    fn push_hexadecimal(&mut self, number: u64, digits: u32) {
        (0..digits)
            .rev()
            .for_each(|place| self.push(digit(number >> (4 * place))));
    }

    fn push_decimal(&mut self, number: u32) {
        let digits = number.checked_ilog10().unwrap_or(0);
        for place in (0..=digits).rev() {
            let digit = number / 10_u32.pow(place) % 10;
            self.push(b'0' + u8::try_from(digit).unwrap_or_default());
        }
    }
}

/// How much goes on one line.
fn first_part(contents: &[u8]) -> (&[u8], &[u8]) {
    let mut length = 0;
    let is_over = |byte: &u8| {
        length += if is_plain(*byte) { 1 } else { 3 };
        length > PART
    };
    let end = contents.iter().position(is_over);
    contents.split_at(end.unwrap_or(contents.len()))
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'%'
}

/// The digit of the lowest four bits.
fn digit(number: u64) -> u8 {
    b"0123456789abcdef"[usize::try_from(number & 0xf).unwrap_or_default()]
}

/// CRC-32 as in Ethernet, gzip and PNG (polynomial 0x04c11db7, reflected).
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        // As a number of each kind: there is no conversion in a constant that says that nothing is lost.
        let (mut index, mut value_of_index) = (0_usize, 0_u32);
        while index < table.len() {
            let mut value = value_of_index;
            let mut bit = 0;
            while bit < 8 {
                let low = value & 1;
                value >>= 1;
                if low == 1 {
                    value ^= 0xedb8_8320;
                }
                bit += 1;
            }
            table[index] = value;
            index += 1;
            value_of_index += 1;
        }
        table
    };
    let mut crc = !0;
    for byte in bytes {
        let [low, ..] = u32::to_le_bytes(crc);
        crc = crc >> 8 ^ TABLE[usize::from(low ^ byte)];
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn the_longest_line_has_room() {
        let name = "\u{e4}".repeat(127);
        let contents = vec![0xff; 100_000];
        let mut lines = Lines::new(u64::MAX, u32::MAX, Operation::Append, &name, &contents);
        // Numbers of ten digits.
        (lines.part, lines.parts) = (u32::MAX - 2, u32::MAX);
        for line in lines {
            assert!(line.len() < Line::LONGEST, "{}", line.len());
            assert!(line.iter().all(u8::is_ascii));
            assert!(line.ends_with(b"\n"));
        }
        let lines = Lines::new(0, 0, Operation::Put, &name, &contents);
        assert_eq!(lines.count(), contents.len().div_ceil(PART / 3));
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, 99, 100, u32::MAX] {
            let mut line = Line::empty();
            line.push_decimal(number);
            assert_eq!(*line, *number.to_string().as_bytes());
        }
    }

    #[test]
    fn words_are_what_changes_are_read_by() {
        let words: Vec<&str> = Operation::ALL.map(Operation::as_str).to_vec();
        assert_eq!(words, ["put", "append", "remove", "seen"]);
    }
}
