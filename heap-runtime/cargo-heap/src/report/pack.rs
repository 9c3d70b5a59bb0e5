//! A run in one file, as `cargo heap pack` makes it: JSON lines in zstd.
//!
//! ```text
//! {"heap_pack":1,"beside":2,"sidecars":30000}
//! {"name":"45f3fc9c@875efd72e2a78533.heap-run.json","text":"{\n  \"format_version\": 1, ..."}
//! {"name":"queues+queue+grows.heap.json","text":"{\n  \"format_version\": 1, ..."}
//! ```
//!
//! What is no sidecar comes first, in frames of its own, as sidecars are read with what is beside them. Each frame has whole
//! lines. Where the frames are stands at the end, in the frame that zstd's [seekable format] has for that: so several threads
//! read at once, and yet any `zstd -d` gives the lines.
//!
//! [seekable format]: https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::{Deserialize, Serialize};

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
/// What every frame of zstd begins with.
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// What a frame begins with that is passed over, of those the one with the table of frames.
const TABLE_MAGIC: [u8; 4] = 0x184D_2A5E_u32.to_le_bytes();
/// What that one ends with.
const TABLE_END: [u8; 4] = 0x8F92_EAB1_u32.to_le_bytes();
/// How many frames, a byte of flags, and that.
const FOOTER_BYTES: u32 = 9;
/// In front of the table: the magic number, and its length.
const TABLE_HEAD_BYTES: u32 = 8;
/// The lengths of a frame, packed and not.
const ENTRY_BYTES: u32 = 8;
/// A flag: behind each entry stands a checksum. The frames have theirs themselves.
const HAS_CHECKSUMS: u8 = 1 << 7;
/// More is in no frame: the longest sidecar, each byte of which is escaped.
const MAX_FRAME_BYTES: u64 = 128 << 20;

/// The first line.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Head {
    heap_pack: u32,
    /// How many files there are that are no sidecars.
    beside: usize,
    sidecars: usize,
}

impl Head {
    pub(crate) fn new(beside: usize, sidecars: usize) -> Self {
        Self {
            heap_pack: VERSION,
            beside,
            sidecars,
        }
    }
}

/// Each other line: a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Packed {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Of one that is not UTF-8: two hexadecimal digits a byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hexadecimal: Option<String>,
}

impl Packed {
    pub(crate) fn new(name: String, contents: Vec<u8>) -> Self {
        let (text, hexadecimal) = match String::from_utf8(contents) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(digits(error.as_bytes()))),
        };
        Self {
            name,
            text,
            hexadecimal,
        }
    }

    /// Its name, which leads nowhere else, and its contents.
    fn file(self) -> io::Result<Contents> {
        let is_name =
            !matches!(&*self.name, "" | "." | "..") && !self.name.contains(['/', '\\', ':', '\0']);
        let contents = match (self.text, self.hexadecimal) {
            (Some(text), None) => Some(text.into_bytes()),
            (None, Some(digits)) => bytes(&digits),
            _ => None,
        };
        let contents = contents.filter(|_| is_name);
        let contents = contents.ok_or_else(|| wrong("a line of it is no file of a run"))?;
        Ok((self.name, contents))
    }
}

fn digits(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let of = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes
        .iter()
        .flat_map(|byte| [of(byte >> 4), of(byte & 15)])
        .collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        u8::from_str_radix(
            str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?,
            16,
        )
        .ok()
    };
    pairs.map(byte).collect()
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// What is told of a file that is cut or damaged.
const TORN: &str = "it is no whole file of `cargo heap pack`";

/// Where a frame is, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    start: u64,
    packed: u32,
    unpacked: u32,
}

/// Lines that are compressed: a frame, and how long it is unpacked.
pub(crate) struct Compressed {
    pub(crate) frame: Vec<u8>,
    unpacked: u32,
}

/// Compresses whole lines, and makes sure that they come back.
pub(crate) fn compressed(lines: &[u8]) -> io::Result<Compressed> {
    let length = u32::try_from(lines.len())
        .ok()
        .filter(|length| u64::from(*length) <= MAX_FRAME_BYTES);
    let unpacked = length.ok_or_else(|| wrong("a file of the run is too long"))?;
    let frame = compress_to_vec(lines, CompressionLevel::Fastest);
    // Whoever packs a run may remove it then.
    if decompressed(&frame, unpacked)? != lines {
        return Err(wrong("it does not come back as it was"));
    }
    Ok(Compressed { frame, unpacked })
}

fn decompressed(frame: &[u8], unpacked: u32) -> io::Result<Vec<u8>> {
    let mut decoder = StreamingDecoder::new(frame).map_err(io::Error::other)?;
    let mut lines = Vec::with_capacity(unpacked.min(1 << 24) as usize);
    (&mut decoder)
        .take(u64::from(unpacked) + 1)
        .read_to_end(&mut lines)?;
    let checksum = decoder.decoder.get_checksum_from_data();
    let is_whole = checksum.is_some() && checksum == decoder.decoder.get_calculated_checksum();
    if !is_whole || lines.len() as u64 != u64::from(unpacked) {
        return Err(wrong(TORN));
    }
    Ok(lines)
}

/// The frame that says where the others are.
pub(crate) fn table(frames: &[Compressed]) -> io::Result<Vec<u8>> {
    let number = |length: usize| u32::try_from(length).map_err(|_| wrong("the run is too large"));
    let length = frames.len() * ENTRY_BYTES as usize + FOOTER_BYTES as usize;
    let mut table = TABLE_MAGIC.to_vec();
    table.extend(number(length)?.to_le_bytes());
    for Compressed { frame, unpacked } in frames {
        table.extend(number(frame.len())?.to_le_bytes());
        table.extend(unpacked.to_le_bytes());
    }
    table.extend(number(frames.len())?.to_le_bytes());
    table.push(0);
    table.extend(TABLE_END);
    Ok(table)
}

/// Reads where the frames are.
fn frames(file: &mut File) -> io::Result<Vec<Frame>> {
    let torn = || wrong(TORN);
    let length = file.metadata()?.len();
    let mut footer = [0; FOOTER_BYTES as usize];
    file.seek(SeekFrom::Start(
        length
            .checked_sub(u64::from(FOOTER_BYTES))
            .ok_or_else(torn)?,
    ))?;
    file.read_exact(&mut footer)?;
    let [a, b, c, d, flags, end @ ..] = footer;
    let count = u64::from(u32::from_le_bytes([a, b, c, d]));
    if end != TABLE_END || flags & HAS_CHECKSUMS != 0 {
        return Err(torn());
    }
    let entries = count * u64::from(ENTRY_BYTES);
    // No more than the file has.
    let start = length.checked_sub(u64::from(TABLE_HEAD_BYTES + FOOTER_BYTES) + entries);
    file.seek(SeekFrom::Start(start.ok_or_else(torn)?))?;
    let mut table = Vec::new();
    file.take(u64::from(TABLE_HEAD_BYTES) + entries)
        .read_to_end(&mut table)?;
    let entries = table
        .strip_prefix(&TABLE_MAGIC)
        .and_then(|rest| rest.get(4..));
    let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap_or_default();
    let mut frames = Vec::new();
    let mut next = 0;
    for entry in entries.ok_or_else(torn)?.chunks_exact(ENTRY_BYTES as usize) {
        let (packed, unpacked) = entry.split_at(4);
        let frame = Frame {
            start: next,
            packed: number(packed),
            unpacked: number(unpacked),
        };
        if u64::from(frame.unpacked) > MAX_FRAME_BYTES {
            return Err(torn());
        }
        next += u64::from(frame.packed);
        frames.push(frame);
    }
    // All that is in front of the table.
    if Some(next) != start {
        return Err(torn());
    }
    Ok(frames)
}

/// The name and the contents of a file.
type Contents = (String, Vec<u8>);

/// A packed run, of which the sidecars are not read yet.
#[derive(Debug)]
pub(crate) struct Pack {
    pub(crate) path: PathBuf,
    /// The frames of the sidecars.
    frames: Vec<Frame>,
    /// The contents of what is no sidecar, by name.
    pub(crate) beside: BTreeMap<String, Vec<u8>>,
    /// How many sidecars there are.
    pub(crate) sidecars: usize,
}

impl Pack {
    /// Whether a file is one, or was meant to be.
    pub(crate) fn is_at(path: &Path) -> bool {
        let begins = || -> io::Result<bool> {
            let mut start = [0; MAGIC.len()];
            // A pipe is not opened: that would wait for who writes to it.
            Ok(path.metadata()?.is_file() && {
                File::open(path)?.read_exact(&mut start)?;
                start == MAGIC
            })
        };
        begins().unwrap_or(false)
    }

    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut frames = frames(&mut File::open(path)?)?.into_iter();
        let mut pack = Self {
            path: path.to_owned(),
            frames: Vec::new(),
            beside: BTreeMap::new(),
            sidecars: 0,
        };
        let first = pack.lines(frames.next().ok_or_else(|| wrong(TORN))?)?;
        let (head, rest) =
            first.split_at(first.iter().position(|byte| *byte == b'\n').unwrap_or(0));
        let head: Head = serde_json::from_slice(head).map_err(|_| wrong(TORN))?;
        if head.heap_pack > VERSION {
            let version = head.heap_pack;
            return Err(wrong(&format!(
                "it is packed as version {version} and this reader knows up to {VERSION}: use a newer cargo-heap"
            )));
        }
        pack.sidecars = head.sidecars;
        pack.beside.extend(files(rest)?);
        while pack.beside.len() < head.beside {
            let frame = frames.next().ok_or_else(|| wrong(TORN))?;
            let lines = pack.lines(frame)?;
            pack.beside.extend(files(&lines)?);
        }
        pack.frames = frames.collect();
        Ok(pack)
    }

    /// In how many parts the sidecars can be read.
    pub(crate) fn parts(&self) -> usize {
        self.frames.len()
    }

    /// The sidecars of a part: their names and contents.
    pub(crate) fn part(&self, part: usize) -> io::Result<Vec<Contents>> {
        let frame = self.frames.get(part).ok_or_else(|| wrong(TORN))?;
        files(&self.lines(*frame)?)
    }

    /// The contents of a file beside the sidecars.
    pub(crate) fn contents_of(&self, name: &str) -> Option<&[u8]> {
        self.beside.get(name).map(Vec::as_slice)
    }

    fn lines(&self, frame: Frame) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(frame.start))?;
        let mut packed = Vec::new();
        file.take(u64::from(frame.packed))
            .read_to_end(&mut packed)?;
        decompressed(&packed, frame.unpacked)
    }
}

fn files(lines: &[u8]) -> io::Result<Vec<Contents>> {
    let lines = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let file = |line| {
        serde_json::from_slice::<Packed>(line)
            .map_err(|_| wrong(TORN))?
            .file()
    };
    lines.map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: &impl Serialize) -> Vec<u8> {
        let mut line = serde_json::to_vec(value).unwrap();
        line.push(b'\n');
        line
    }

    /// What is beside, and the sidecars of two frames.
    fn packed(contents: &[u8]) -> Vec<u8> {
        let file = |name: &str| line(&Packed::new(name.to_owned(), contents.to_vec()));
        let first = [line(&Head::new(1, 3)), file("n.heap.notes")].concat();
        let frames = [first, [file("a"), file("b")].concat(), file("c")];
        let frames: Vec<Compressed> = frames
            .iter()
            .map(|lines| compressed(lines).unwrap())
            .collect();
        let mut pack: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame.frame.clone())
            .collect();
        pack.extend(table(&frames).unwrap());
        pack
    }

    fn read(bytes: &[u8]) -> io::Result<(Pack, Vec<Contents>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pack");
        std::fs::write(&path, bytes).unwrap();
        let pack = Pack::open(&path)?;
        let mut files = Vec::new();
        for part in 0..pack.parts() {
            files.extend(pack.part(part)?);
        }
        Ok((pack, files))
    }

    #[test]
    fn what_is_packed_comes_back_to_the_byte() {
        for contents in [
            b"{\n}\n".as_slice(),
            b"",
            b"\xff\x00\n",
            "\u{1f600}\\\"".as_bytes(),
        ] {
            let (pack, files) = read(&packed(contents)).unwrap();
            let names: Vec<&str> = files.iter().map(|(name, _)| &**name).collect();
            assert_eq!((pack.sidecars, &*names), (3, &["a", "b", "c"][..]));
            assert!(files.iter().all(|(_, read)| read == contents));
            assert_eq!(pack.beside["n.heap.notes"], contents);
        }
    }

    #[test]
    fn any_cut_and_any_byte_that_changed_is_noticed() {
        let whole = packed(b"{\"some\": \"contents\"}\n");
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            // What the format leaves open, such as the window, may change: what is read is right then.
            if let Ok((_, files)) = read(&changed) {
                assert!(
                    files
                        .iter()
                        .all(|(_, read)| read == b"{\"some\": \"contents\"}\n"),
                    "{at}"
                );
            }
        }
    }

    #[test]
    fn no_name_leads_out_of_the_folder_and_no_newer_version_is_read() {
        for name in ["../x", "a/b", "", "..", "c:x"] {
            let lines = line(&Packed::new(name.to_owned(), Vec::new()));
            assert!(files(&lines).is_err(), "{name}");
        }
        let mut head = Head::new(0, 0);
        head.heap_pack += 1;
        let frames = [compressed(&line(&head)).unwrap()];
        let error = read(&[frames[0].frame.clone(), table(&frames).unwrap()].concat()).unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
    }
}
