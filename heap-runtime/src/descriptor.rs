//! An open descriptor of ours, in a process whose descriptors are the test's.
//!
//! Not std's, for three reasons. A test may close every descriptor that it finds, at any moment, and std
//! aborts the process where one of its own turns out to be closed. Its close is a point of cancellation, and
//! whoever is cancelled inside the allocator leaves it locked. And in a debug build it asks the kernel, each
//! time, whether what it closes is open.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, IntoRawFd as _, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{fcntl_dupfd_cloexec, read, retry_on_intr, write};
use rustix::path::Arg;

/// The first that is nobody's standard input, output or error.
pub(crate) const FIRST_OF_OURS: RawFd = 3;

pub(crate) struct Descriptor(RawFd);

impl Descriptor {
    /// Opens a file, below a folder where its path is relative. No program that is executed inherits it.
    pub(crate) fn open(
        folder: impl AsFd,
        path: impl Arg,
        flags: OFlags,
        mode: Mode,
    ) -> rustix::io::Result<Self> {
        openat(folder, path, flags | OFlags::CLOEXEC, mode).map(Self::from)
    }

    pub(crate) fn is_above_standard(&self) -> bool {
        self.0 >= FIRST_OF_OURS
    }

    /// The same under a number that is nobody's standard input, output or error. A test that has
    /// closed those goes on to print, and what it prints must not come into a file of ours.
    pub(crate) fn above_standard(self) -> rustix::io::Result<Self> {
        if self.is_above_standard() {
            return Ok(self);
        }
        fcntl_dupfd_cloexec(&self, FIRST_OF_OURS).map(Self::from)
    }

    /// Reads as much as there is room for, or less where the file ends before; gives how much.
    pub(crate) fn read(&self, room: &mut [u8]) -> rustix::io::Result<usize> {
        let mut length = 0;
        while let Some(rest) = room.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match retry_on_intr(|| read(self, &mut *rest))? {
                0 => break,
                more => length += more,
            }
        }
        Ok(length)
    }

    /// What one read(2) gives: all that the kernel's files of a single record have, and what fits of others.
    #[cfg(proc_fs)]
    pub(crate) fn read_once(&self, room: &mut [u8]) -> rustix::io::Result<usize> {
        retry_on_intr(|| read(self, &mut *room))
    }

    /// All that is still to be read.
    #[cfg(proc_fs)]
    pub(crate) fn rest(&self) -> Option<Vec<u8>> {
        const STEP: usize = 8 << 10;
        let mut bytes = Vec::new();
        // Not in room at the end of `bytes`, which is filled with zeros byte by byte where nothing is optimised.
        let mut step = [0; STEP];
        loop {
            let read = self.read(&mut step).ok()?;
            bytes.extend_from_slice(step.get(..read)?);
            if read < STEP {
                return Some(bytes);
            }
        }
    }

    pub(crate) fn write(&self, mut contents: &[u8]) -> rustix::io::Result<()> {
        while !contents.is_empty() {
            let written = retry_on_intr(|| write(self, contents))?;
            // The kernel takes no more than it was given.
            contents = contents.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

/// All of a file of the kernel's, which has no size before it is read: std begins with reads of 32 bytes.
#[cfg(proc_fs)]
pub(crate) fn whole(path: &str) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY;
    Descriptor::open(rustix::fs::CWD, path, flags, Mode::empty())
        .ok()?
        .rest()
}

impl From<OwnedFd> for Descriptor {
    fn from(owned: OwnedFd) -> Self {
        Self(owned.into_raw_fd())
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it is not -1, as it was an `OwnedFd`. It is closed by `drop` alone; or by the test, and
        // then whatever is done with it fails, or is done to a file of the test's that is looked at before
        // it is written to.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: it was opened by us, and is not used again.
        unsafe { rustix::io::close(self.as_fd().as_raw_fd()) };
    }
}
