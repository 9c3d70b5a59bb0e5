//! Reading small files of the kernel: no allocation, nothing kept open, and no error but "not there".

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;
use rustix::path::Arg;

/// Room for any of these files.
pub(super) type Buffer = [u8; 8192];

/// An empty [`Buffer`].
pub(super) fn buffer() -> Buffer {
    [0; 8192]
}

/// How much [`number_after`] asks for at a time.
const STEP: usize = 1024;

fn open(path: impl Arg + Copy) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty())).ok()
}

/// The content of a file that the kernel hands out whole in one read(2), as it does with the attributes of sysfs and
/// cgroups and the single records of /proc. A file that does not fit is not read: the cut end of a number would be
/// another number.
pub(super) fn content(path: impl Arg + Copy, buffer: &mut Buffer) -> Option<&str> {
    let bytes = start(path, buffer)?;
    if bytes.len() == size_of::<Buffer>() {
        return None;
    }
    str::from_utf8(bytes).ok()
}

/// What the first read(2) of a file gives.
pub(super) fn start(path: impl Arg + Copy, buffer: &mut Buffer) -> Option<&[u8]> {
    let file = open(path)?;
    let length = retry_on_intr(|| rustix::io::read(&file, &mut buffer[..])).ok()?;
    buffer.get(..length)
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

/// The number in the line `key number` of a file of many records, which the kernel makes as it is read: it stops
/// reading when it has it. `key` holds the newline before and the blank after it.
pub(super) fn number_after(key: &str, path: impl Arg + Copy, buffer: &mut Buffer) -> Option<u64> {
    let file = open(path)?;
    let mut length = 0;
    loop {
        let room = buffer.get_mut(length..)?;
        let step = room.len().min(STEP);
        let read = retry_on_intr(|| rustix::io::read(&file, &mut room[..step])).ok()?;
        if read == 0 {
            return None;
        }
        length += read;
        let text = str::from_utf8(buffer.get(..length)?).ok()?;
        if let Some((_, rest)) = text.split_once(key)
            && let Some((number, _)) = rest.split_once('\n')
        {
            return number.trim().parse().ok();
        }
        if length == size_of::<Buffer>() {
            return None;
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
