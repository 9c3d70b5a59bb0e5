//! Who may replace a record of another run.
//!
//! A folder may be used again, and then every name in it is taken. Two processes of the new run may both find
//! the same old record: the second must not replace what the first has put there. A lock would tell them apart,
//! but whoever else holds it keeps every test waiting, and not every file system has locks. So the right to
//! a name is a file that only one of them can make, and that none waits for: who does not get it takes another
//! name for its record.
//!
//! A process that is killed while it has the right leaves it behind. Then the old record stays where it is, for as
//! long as this run goes on.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, statat, unlinkat};
use rustix::io::{Errno, Result};

use super::is_same;
use super::new_file::NewFile;
use crate::descriptor::Descriptor;
use crate::sidecar::write::{START, ShortName, name_of_right, run_id_of};

/// Replaces the record at `name`, if it is of another run: says whether it did.
pub(super) fn replace_other_run(new: &mut NewFile<'_>, name: &str, run_id: &str) -> Result<bool> {
    // It stays open, so that the number of its inode is not given to another file.
    let Some((_old, was)) = of_other_run(new.folder, name, run_id) else {
        return Ok(false);
    };
    let replaced = by_right(new, name, run_id, |now| {
        now.is_ok_and(|now| is_same(&now, &was))
    });
    match replaced {
        // It is another user's.
        Err(Errno::PERM | Errno::ACCESS) => Ok(false),
        replaced => replaced,
    }
}

/// Gives the file that name, where neither the file system nor the kernel can tell in one step whether it is
/// free: says whether it was. Nobody else but processes of the run is kept from taking it meanwhile.
pub(super) fn place(new: &mut NewFile<'_>, name: &str, run_id: &str) -> Result<bool> {
    by_right(new, name, run_id, |now| now.err() == Some(Errno::NOENT))
}

/// Gives the file that name by right, if what is there now is as it has to be.
fn by_right(
    new: &mut NewFile<'_>,
    name: &str,
    run_id: &str,
    is_free: impl FnOnce(Result<Stat>) -> bool,
) -> Result<bool> {
    let Some(_right) = Right::take(new.folder, name_of_right(name, run_id))? else {
        return Ok(false);
    };
    if !is_free(statat(new.folder, name, AtFlags::SYMLINK_NOFOLLOW)) {
        return Ok(false);
    }
    new.rename(name)?;
    Ok(true)
}

/// Given back when it is dropped.
struct Right<'f> {
    folder: &'f Descriptor,
    name: ShortName,
}

impl<'f> Right<'f> {
    fn take(folder: &'f Descriptor, name: ShortName) -> Result<Option<Self>> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        match Descriptor::open(folder, name.as_str(), flags, Mode::from_raw_mode(0o666)) {
            Ok(_) => Ok(Some(Self { folder, name })),
            Err(Errno::EXIST) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Right<'_> {
    fn drop(&mut self) {
        let _ = unlinkat(self.folder, self.name.as_str(), AtFlags::empty());
    }
}

/// The record at `name`, open, if it is one of another run.
fn of_other_run(folder: &Descriptor, name: &str, run_id: &str) -> Option<(Descriptor, Stat)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let old = Descriptor::open(folder, name, flags, Mode::empty()).ok()?;
    let was = fstat(&old).ok()?;
    if FileType::from_raw_mode(was.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut start = [0; START];
    let length = old.read(&mut start).ok()?;
    let of = run_id_of(start.get(..length)?)?;
    (of != run_id).then_some((old, was))
}
