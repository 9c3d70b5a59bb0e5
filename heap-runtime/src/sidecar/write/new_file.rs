//! A file that is whole before it gets its name.

use rustix::fs::{
    AtFlags, Mode, OFlags, SeekFrom, Stat, ftruncate, linkat, renameat, seek, statat, unlinkat,
};
use rustix::io::{Errno, Result};

use crate::descriptor::Descriptor;
use crate::kernel;
use crate::sidecar::write::{ShortName, temporary_name};

/// A whole file, which no reader takes for a sidecar. It goes away where it gets no name.
pub(super) struct NewFile<'f> {
    pub(super) folder: &'f Descriptor,
    name: ShortName,
    is_placed: bool,
}

/// So often a name is made that turns out to be taken.
const NAMES: usize = 8;

impl<'f> NewFile<'f> {
    pub(super) fn write(folder: &'f Descriptor, contents: &[u8]) -> Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mut taken = Errno::EXIST;
        for _ in 0..NAMES {
            let name = temporary_name();
            match Descriptor::open(folder, name.as_str(), flags, Mode::from_raw_mode(0o666)) {
                // By a fork of ours, which goes on with our numbers.
                Err(error @ Errno::EXIST) => taken = error,
                Err(error) => return Err(error),
                Ok(descriptor) => {
                    let written = write_all(descriptor, contents);
                    let new = Self {
                        folder,
                        name,
                        is_placed: false,
                    };
                    return written.map(|()| new);
                }
            }
        }
        Err(taken)
    }

    /// Gives it that name, in place of whatever has it.
    pub(super) fn rename(&mut self, name: &str) -> Result<()> {
        renameat(self.folder, self.name.as_str(), self.folder, name)?;
        self.is_placed = true;
        Ok(())
    }

    /// Gives it that name, unless there is one of that name: says whether it was free.
    pub(super) fn place(&mut self, name: &str) -> Result<bool> {
        let (folder, own) = (self.folder, self.name.as_str());
        match rename_new(folder, own, name) {
            Ok(()) => {
                self.is_placed = true;
                return Ok(true);
            }
            Err(Errno::EXIST) => return Ok(false),
            // It is gone, or the folder is.
            Err(error @ (Errno::NOENT | Errno::STALE)) => return Err(error),
            // Not every file system knows how, and not every process may: a hard link does not replace either.
            Err(_) => {}
        }
        match linkat(folder, own, folder, name, AtFlags::empty()) {
            // Over a network it may have been done, and asked for again as the answer was lost.
            Err(Errno::EXIST) if !self.has_two_names() => Ok(false),
            Err(error) if error != Errno::EXIST => Err(error),
            _ => Ok(true),
        }
    }

    /// What it is, under the name that nobody else has: device and inode tell it from others.
    pub(super) fn identity(&self) -> Result<Stat> {
        statat(self.folder, self.name.as_str(), AtFlags::SYMLINK_NOFOLLOW)
    }

    fn has_two_names(&self) -> bool {
        self.identity().is_ok_and(|now| now.st_nlink == 2)
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if !self.is_placed {
            // Where this fails, a file stays behind that no reader takes for a sidecar.
            let _ = unlinkat(self.folder, self.name.as_str(), AtFlags::empty());
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_new(folder: &Descriptor, own: &str, name: &str) -> Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    renameat_with(folder, own, folder, name, RenameFlags::NOREPLACE)
}

/// Other kernels have no such call.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_new(_: &Descriptor, _: &str, _: &str) -> Result<()> {
    Err(Errno::NOSYS)
}

/// Writes to a new file.
fn write_all(descriptor: Descriptor, contents: &[u8]) -> Result<()> {
    // Where a test allows no larger files, to write one is answered with a signal that kills.
    if contents.len() as u64 > kernel::file_size_limit().ok_or(Errno::PERM)? {
        return Err(Errno::FBIG);
    }
    let was_standard = !descriptor.is_above_standard();
    let descriptor = descriptor.above_standard()?;
    if was_standard {
        // Another thread may have printed into it.
        ftruncate(&descriptor, 0)?;
        seek(&descriptor, SeekFrom::Start(0))?;
    }
    descriptor.write(contents)
}
