//! Reading small files of the kernel: no allocation, nothing kept open, and no error but "not there".

use super::tape;
use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;
use rustix::path::Arg;
use std::os::fd::{BorrowedFd, IntoRawFd as _, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Room for any of these files.
pub(crate) type Buffer = [u8; 8192];

/// An empty [`Buffer`].
pub(crate) fn buffer() -> Buffer {
    [0; 8192]
}

/// An open file. Not std's, which aborts the process where a test has closed the descriptor meanwhile, as it may close
/// each that it finds, and which in a debug build asks the kernel before each close whether it is open.
pub(crate) struct File(RawFd);

impl File {
    pub(crate) fn open(path: impl Arg + Copy) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        let opened = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty())).ok()?;
        Some(Self(opened.into_raw_fd()))
    }

    pub(crate) fn read(&self, room: &mut [u8]) -> Option<usize> {
        // SAFETY: it was opened by `open` and is closed by `drop` alone; or by the test, and then there is
        // nothing to be read, or something else, which is no number.
        let file = unsafe { BorrowedFd::borrow_raw(self.0) };
        retry_on_intr(|| rustix::io::read(file, &mut *room)).ok()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: it was opened by `open`, and is not used again.
        unsafe { rustix::io::close(self.0) };
    }
}

/// The content of a file that the kernel hands out whole in one read(2), as it does with the attributes of sysfs and
/// cgroups and the single records of /proc. A file that does not fit is not read: the cut end of a number would be
/// another number.
pub(crate) fn content(path: impl Arg + Copy, buffer: &mut Buffer) -> Option<&str> {
    let bytes = start(path, buffer)?;
    if bytes.len() == size_of::<Buffer>() {
        return None;
    }
    str::from_utf8(bytes).ok()
}

/// What the first read(2) of a file gives.
pub(crate) fn start(path: impl Arg + Copy, buffer: &mut Buffer) -> Option<&[u8]> {
    start_of(path, buffer, |content| content)
}

/// The first line of a file, without its end.
pub(super) fn first_line(path: impl Arg + Copy, buffer: &mut Buffer) -> Option<&[u8]> {
    start_of(path, buffer, |content| {
        let mut lines = content.split(|byte| *byte == b'\n');
        lines.next().unwrap_or_default()
    })
}

/// What is taken of the first read(2) of a file.
fn start_of(
    path: impl Arg + Copy,
    buffer: &mut Buffer,
    take: impl FnOnce(&[u8]) -> &[u8],
) -> Option<&[u8]> {
    if let Some(told) = tape::told(path, buffer) {
        return buffer.get(..told.this()?);
    }
    let length = File::open(path).and_then(|file| file.read(&mut buffer[..]));
    let content = length.and_then(|length| buffer.get(..length)).map(take);
    tape::note(path, content);
    content
}

/// All of a file of many records, which the kernel hands out page by page.
pub(crate) fn whole(path: impl Arg + Copy) -> Option<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    // Not in room at the end of `bytes`: in a build without optimisation, to fill that with zeros takes longer than
    // all else, as it is done byte by byte.
    let mut page = buffer();
    loop {
        let read = file.read(&mut page[..])?;
        if read == 0 {
            return Some(bytes);
        }
        bytes.extend_from_slice(page.get(..read)?);
    }
}

/// The trimmed content of a file; nothing where it is blank.
pub(super) fn value(path: impl Arg + Copy, buffer: &mut Buffer) -> Option<&str> {
    content(path, buffer)
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

/// The number that is all of a file.
pub(super) fn number(path: impl Arg + Copy, buffer: &mut Buffer) -> Option<u64> {
    value(path, buffer)?.parse().ok()
}

/// The number that follows `key` in a file of many records, which the kernel makes while it is read, and so only as
/// far as it is asked for. `key` holds the newline before and the blank after. `end` is where the record ended last
/// time, for the next: the first read(2) asks for no more.
pub(super) fn number_after(
    key: &str,
    end: &AtomicUsize,
    path: impl Arg + Copy,
    buffer: &mut Buffer,
) -> Option<u64> {
    if let Some(told) = tape::told(path, buffer) {
        return str::from_utf8(buffer.get(..told.this()?)?)
            .ok()?
            .parse()
            .ok();
    }
    let number = read_number_after(key, end, path, buffer);
    tape::note(
        path,
        number
            .map(|number| number.to_string())
            .as_deref()
            .map(str::as_bytes),
    );
    number
}

fn read_number_after(
    key: &str,
    end: &AtomicUsize,
    path: impl Arg + Copy,
    buffer: &mut Buffer,
) -> Option<u64> {
    let file = File::open(path)?;
    let mut length = 0;
    // Some more, as the numbers before it grow.
    let mut step = end.load(Ordering::Relaxed) + 64;
    loop {
        let room = buffer.get_mut(length..).filter(|room| !room.is_empty())?;
        let asked = step.min(room.len());
        let read = file.read(room.get_mut(..asked)?)?;
        if read == 0 {
            return None;
        }
        length += read;
        step = 1024;
        let text = str::from_utf8(buffer.get(..length)?).ok()?;
        if let Some((_, rest)) = text.split_once(key)
            && let Some((number, after)) = rest.split_once('\n')
        {
            end.store(length - after.len(), Ordering::Relaxed);
            return number.trim().parse().ok();
        }
    }
}

/// The names in a directory that start with `prefix`, in order.
pub(super) fn names(directory: &str, prefix: &str) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        if let Ok(name) = entry?.file_name().into_string()
            && name.starts_with(prefix)
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
