//! Messages of generic netlink, and what of them is taskstats. Kernel: `include/uapi/linux/{netlink,genetlink,taskstats}.h`.

use crate::sidecar::Delay;
use crate::time::delays::{Delays, KINDS};
use crate::time::why::Why;

/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// `GENL_ID_CTRL`: the family that knows the others.
pub(super) const CONTROL: u16 = 16;
/// `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_NAME` and `CTRL_ATTR_FAMILY_ID`.
const GET_FAMILY: u8 = 3;
const FAMILY_NAME: u16 = 2;
const FAMILY_ID: u16 = 1;
/// `TASKSTATS_CMD_GET` and `TASKSTATS_CMD_ATTR_PID`.
const GET: u8 = 1;
const PID: u16 = 1;
/// `TASKSTATS_TYPE_AGGR_PID` and `TASKSTATS_TYPE_STATS`.
const OF_PID: u16 = 4;
const STATS: u16 = 3;

/// Of netlink and of generic netlink.
const HEADERS: usize = 16 + 4;

/// Room for any that is asked.
const LONGEST: usize = HEADERS + 4 + 12;

/// A question.
pub(super) struct Question {
    bytes: [u8; LONGEST],
    length: usize,
    number: u32,
}

impl Question {
    /// Which number the family has.
    pub(super) fn family(number: u32) -> Self {
        Self::new(CONTROL, GET_FAMILY, FAMILY_NAME, b"TASKSTATS\0", number)
    }

    pub(super) fn thread(family: u16, thread: u32, number: u32) -> Self {
        Self::new(family, GET, PID, &thread.to_ne_bytes(), number)
    }

    fn new(family: u16, command: u8, attribute: u16, value: &[u8], number: u32) -> Self {
        /// `NLM_F_REQUEST`.
        const REQUEST: u16 = 1;
        const VERSION: u8 = 1;
        let mut question = Self {
            bytes: [0; LONGEST],
            length: 0,
            number,
        };
        let whole = HEADERS + 4 + value.len().next_multiple_of(4);
        // Neither is longer than a few bytes.
        let [whole, of_attribute] =
            [whole, 4 + value.len()].map(|length| u16::try_from(length).unwrap_or(u16::MAX));
        question.put(&u32::from(whole).to_ne_bytes());
        question.put(&family.to_ne_bytes());
        question.put(&REQUEST.to_ne_bytes());
        question.put(&number.to_ne_bytes());
        // The kernel knows who asks.
        question.put(&[0; 4]);
        question.put(&[command, VERSION, 0, 0]);
        question.put(&of_attribute.to_ne_bytes());
        question.put(&attribute.to_ne_bytes());
        question.put(value);
        question.length = usize::from(whole);
        question
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(bytes);
            self.length = end;
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Whether that is the answer to it.
    pub(super) fn is_answered_by(&self, answer: &[u8]) -> bool {
        u32_at(answer, 8) == Some(self.number)
    }
}

/// What an answer has behind its headers. The number of the error, where it is one.
fn contents(answer: &[u8]) -> Result<&[u8], i32> {
    match u16_at(answer, 4) {
        Some(ERROR) => {
            let number = u32_at(answer, 16).unwrap_or_default();
            Err(number.cast_signed().saturating_neg())
        }
        _ => answer.get(HEADERS..).ok_or(0),
    }
}

/// The number of the family.
pub(super) fn family(answer: &[u8]) -> Result<u16, Why> {
    let contents = contents(answer).map_err(|number| match number {
        libc::ENOENT => Why::NoFamily,
        number => Why::NoAnswer(number),
    })?;
    let number = value(contents, FAMILY_ID).and_then(|value| u16_at(value, 0));
    number.ok_or(Why::NoAnswer(0))
}

/// What it says of that thread.
pub(super) fn delays(answer: &[u8], thread: u32) -> Result<Delays, Why> {
    let contents = contents(answer).map_err(|number| match number {
        libc::EPERM => Why::NoPrivilege,
        number => Why::NoAnswer(number),
    })?;
    let stats = value(contents, OF_PID).and_then(|of_pid| value(of_pid, STATS));
    stats_of(stats.ok_or(Why::NoAnswer(0))?, thread)
}

/// Where a version of the struct has the number of the thread, and the pairs of count and time.
struct Layout {
    thread: usize,
    kinds: [usize; KINDS],
}

/// The struct has grown at its end, version by version.
const GROWN: Layout = Layout {
    thread: 128,
    kinds: [32, 48, 312, 328, 352, 400, 416],
};

/// But for version 15, which has put two numbers more behind each pair. Version 16 has taken that back.
const IN_BETWEEN: Layout = Layout {
    thread: 176,
    kinds: [48, 80, 360, 392, 432, 496, 528],
};

/// The struct, no further than it reaches.
fn stats_of(stats: &[u8], thread: u32) -> Result<Delays, Why> {
    let version = u16_at(stats, 0).ok_or(Why::NoAnswer(0))?;
    let layout = if version == 15 { &IN_BETWEEN } else { &GROWN };
    // It says itself which thread it is of: then the rest stands where it is looked for, too.
    if u32_at(stats, layout.thread) != Some(thread) {
        return Err(Why::Layout(version));
    }
    Ok(Delays::of(layout.kinds.map(|at| {
        Some(Delay::new(u64_at(stats, at)?, u64_at(stats, at + 8)?))
    })))
}

/// The value of the first attribute of a kind.
fn value(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    /// `NLA_TYPE_MASK`: the two highest bits say other things.
    const KIND: u16 = 0x3fff;
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let kind = u16_at(attributes, 2)? & KIND;
        let value = attributes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_ne_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::delays::Kind;

    const THREAD: u32 = 4711;

    /// A struct of so many bytes, in which each number of 64 bits is where it stands, and the thread's is in its place.
    fn stats(version: u16, length: usize, thread_at: usize) -> Vec<u8> {
        let words = (0..length / 8).map(|word| (word as u64 * 8).to_ne_bytes());
        let mut stats: Vec<u8> = words.flatten().collect();
        stats[..2].copy_from_slice(&version.to_ne_bytes());
        stats[thread_at..thread_at + 4].copy_from_slice(&THREAD.to_ne_bytes());
        stats
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn answer(kind: u16, contents: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADERS];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes.extend(contents);
        bytes
    }

    fn read(stats: &[u8]) -> Result<Delays, Why> {
        // Some processors have an empty attribute before it, so that it is aligned.
        let inside = [
            attribute(1, &THREAD.to_ne_bytes()),
            attribute(6, &[]),
            attribute(STATS, stats),
        ];
        let nested = attribute(OF_PID | 0x8000, &inside.concat());
        delays(&answer(31, &nested), THREAD)
    }

    fn at(delays: &Delays, kind: Kind) -> Option<[u64; 2]> {
        delays.get(kind).map(|delay| [delay.count, delay.ns])
    }

    #[test]
    fn nothing_is_read_beyond_what_the_kernel_has() {
        // Lengths as they are since versions 8, 9, 11, 13, 14 and 16; of one in the making, half a pair.
        let of_length = |version, length| read(&stats(version, length, 128)).unwrap();
        let lengths = [
            (8, 328),
            (9, 344),
            (9, 336),
            (11, 368),
            (13, 416),
            (14, 432),
            (16, 560),
        ];
        let reach = lengths.map(|(version, length)| {
            let delays = of_length(version, length);
            assert_eq!(at(&delays, Kind::BlockIo), Some([32, 40]));
            assert_eq!(at(&delays, Kind::SwapIn), Some([48, 56]));
            assert_eq!(at(&delays, Kind::Reclaim), Some([312, 320]));
            [
                Kind::Thrashing,
                Kind::Compaction,
                Kind::WriteProtectCopy,
                Kind::Irq,
            ]
            .map(|kind| at(&delays, kind).is_some())
            .into_iter()
            .filter(|is_there| *is_there)
            .count()
        });
        assert_eq!(reach, [0, 1, 0, 2, 3, 4, 4]);
        let newest = of_length(17, 700);
        assert_eq!(at(&newest, Kind::WriteProtectCopy), Some([400, 408]));
        assert_eq!(at(&newest, Kind::Irq), Some([416, 424]));
    }

    #[test]
    fn version_15_has_more_between_them() {
        let delays = read(&stats(15, 560, 176)).unwrap();
        let found = [
            Kind::BlockIo,
            Kind::SwapIn,
            Kind::Reclaim,
            Kind::Thrashing,
            Kind::Compaction,
            Kind::WriteProtectCopy,
            Kind::Irq,
        ];
        let found = found.map(|kind| at(&delays, kind).map(|[count, _]| count));
        assert_eq!(found, [48, 80, 360, 392, 432, 496, 528].map(Some));
    }

    #[test]
    fn a_struct_that_is_not_of_the_thread_is_not_read() {
        assert_eq!(read(&stats(15, 560, 128)), Err(Why::Layout(15)));
        assert_eq!(read(&stats(16, 560, 176)), Err(Why::Layout(16)));
        assert_eq!(read(&stats(1, 80, 0)), Err(Why::Layout(4711)));
        assert_eq!(read(&[]), Err(Why::NoAnswer(0)));
    }

    #[test]
    fn a_refusal_is_told() {
        let error = |number: i32| {
            answer(ERROR, &[])[..16]
                .iter()
                .copied()
                .chain((-number).to_ne_bytes())
                .collect::<Vec<u8>>()
        };
        assert_eq!(delays(&error(libc::EPERM), THREAD), Err(Why::NoPrivilege));
        assert_eq!(
            delays(&error(libc::ESRCH), THREAD),
            Err(Why::NoAnswer(libc::ESRCH))
        );
        assert_eq!(family(&error(libc::ENOENT)), Err(Why::NoFamily));
        for length in 0..HEADERS {
            assert_eq!(delays(&vec![0; length], THREAD), Err(Why::NoAnswer(0)));
        }
        // Lengths that lead nowhere.
        for length in [0_u16, 3, 4, u16::MAX] {
            let contents = [length.to_ne_bytes(), 9_u16.to_ne_bytes()].concat();
            assert_eq!(family(&answer(16, &contents)), Err(Why::NoAnswer(0)));
        }
    }

    #[test]
    fn questions_are_as_the_kernel_takes_them() {
        let question = Question::thread(31, THREAD, 7);
        assert_eq!(question.bytes().len(), 28);
        assert_eq!(u32_at(question.bytes(), 0), Some(28));
        assert_eq!(u16_at(question.bytes(), 4), Some(31));
        assert_eq!(
            value(&question.bytes()[HEADERS..], PID),
            Some(&THREAD.to_ne_bytes()[..])
        );
        let question = Question::family(8);
        assert_eq!(question.bytes().len(), 36);
        assert_eq!(
            value(&question.bytes()[HEADERS..], FAMILY_NAME),
            Some(&b"TASKSTATS\0"[..])
        );
        assert!(question.is_answered_by(question.bytes()));
        assert!(!Question::family(9).is_answered_by(question.bytes()));
    }
}
