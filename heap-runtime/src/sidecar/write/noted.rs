//! What a test says of itself while it runs: appended to a file of its own, a line at a time.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, unlinkat};
use rustix::io::{Errno, Result};

use crate::descriptor::Descriptor;
use crate::kernel;

/// Appends a line, in one call: the kernel lets one writer after the other to the end of the file, so that no
/// thread waits for another of the test's while that one is not running.
pub(super) fn append(folder: &Descriptor, name: &str, line: &[u8]) -> Result<()> {
    let flags = OFlags::WRONLY
        | OFlags::CREATE
        | OFlags::APPEND
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY;
    let file = Descriptor::open(folder, name, flags, Mode::from_raw_mode(0o666))?;
    let file = file.above_standard()?;
    let now = fstat(&file)?;
    // Nobody else can tell the name before the first line, but the running record has told it by then.
    let is_file = FileType::from_raw_mode(now.st_mode) == FileType::RegularFile;
    if !is_file || now.st_nlink != 1 {
        return Err(Errno::EXIST);
    }
    let before = u64::try_from(now.st_size).map_err(|_| Errno::OVERFLOW)?;
    let after = before.saturating_add(line.len() as u64);
    // To write more is answered with a signal that kills.
    if after > kernel::file_size_limit().ok_or(Errno::PERM)? {
        return Err(Errno::FBIG);
    }
    let written = file.write(line);
    // On a disk that is full, a file can be made that nothing comes into.
    if written.is_err() && fstat(&file)?.st_size == 0 {
        let _ = unlinkat(folder, name, AtFlags::empty());
    }
    written
}
