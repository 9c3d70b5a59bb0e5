//! Writing in the folder that was opened, through no link.

use std::fs;
use std::io::{self, Write as _};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, SeekFrom, Stat, flock, fstat, ftruncate, linkat,
    mkdirat, openat, renameat, seek, stat, unlinkat,
};
use rustix::io::{Errno, fcntl_dupfd_cloexec, retry_on_intr};

use super::{Replace, TemporaryName, WriteError, read_run_id};
use crate::kernel;
use crate::pool::Lent;
use crate::sidecar::Place;

/// What a file is: device and inode tell whether another is the same.
pub(crate) type Identity = Stat;

/// The open folder of a run.
///
/// It stays open for the life of the process, so that a test that changes its root or its
/// privileges still has its sidecar where it belongs. A test may close every descriptor it finds,
/// so each use first makes sure that ours still is what it was.
pub(crate) struct Folder {
    place: Place,
    /// Held to look at it, not while files are written: tests that end together do that together.
    open: Mutex<Option<Arc<Open>>>,
    /// The root directory of the process when the folder was first opened.
    root: OnceLock<Stat>,
}

struct Open {
    // Never closed by us: where the test has closed it, the number may be the test's by now.
    descriptor: ManuallyDrop<OwnedFd>,
    /// What the descriptor was when it was opened: device and inode tell whether it still is.
    opened: Stat,
}

impl Open {
    fn is_still_ours(&self) -> bool {
        fstat(&*self.descriptor).is_ok_and(|now| is_same(&now, &self.opened))
    }
}

pub(in crate::sidecar) fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

impl Folder {
    pub(crate) fn new(place: Place) -> Self {
        let folder = Self {
            place,
            open: Mutex::new(None),
            root: OnceLock::new(),
        };
        // Before any test's state is taken, which what is allocated here is not to be in. Where it
        // fails, so does the first write, and says so.
        let _ = folder.open();
        folder
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.place.path()
    }

    /// The path of a file in it.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.place.path_of(name)
    }

    pub(crate) fn lend_path_of(&self, name: &str) -> Lent<PathBuf> {
        self.place.lend_path_of(name)
    }

    /// Puts a whole file at `name`, and gives what the file is: nothing, where the name is taken and
    /// `replace` spares what is there.
    pub(crate) fn put(
        &self,
        name: &str,
        contents: &[u8],
        replace: Replace<'_>,
    ) -> Result<Option<Identity>, WriteError> {
        let open = self.open()?;
        match self.attempt(&open.descriptor, name, contents, replace) {
            // The folder was removed under us: once, it is made anew.
            Err(error) if error.error.kind() == io::ErrorKind::NotFound => {
                self.forget(&open);
                self.attempt(&self.open()?.descriptor, name, contents, replace)
            }
            result => result,
        }
    }

    fn attempt(
        &self,
        folder: &OwnedFd,
        name: &str,
        contents: &[u8],
        replace: Replace<'_>,
    ) -> Result<Option<Identity>, WriteError> {
        let file_error = |error: io::Error| WriteError {
            what: "write the sidecar",
            path: self.path_of(name),
            error,
        };
        let (temporary, written) = write_temporary(folder, contents).map_err(file_error)?;
        let temporary = temporary.as_str();
        let placed = match replace {
            Replace::Own => renameat(folder, temporary, folder, name).map(|()| true),
            Replace::OtherThan(run_id) => match place_new(folder, temporary, name) {
                Err(Errno::EXIST) => replace_other_run(folder, temporary, name, run_id),
                placed => placed.map(|()| true),
            },
        };
        if !matches!(placed, Ok(true)) {
            // Where this fails too, a file stays behind that no reader takes for a sidecar.
            let _ = unlinkat(folder, temporary, AtFlags::empty());
        }
        placed
            .map(|placed| placed.then_some(written))
            .map_err(|error| file_error(error.into()))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder, opened and made where need be.
    fn open(&self) -> Result<Arc<Open>, WriteError> {
        let mut open = self.lock();
        match &*open {
            Some(open) if open.is_still_ours() => Ok(Arc::clone(open)),
            _ => {
                *open = None;
                let made = self.open_anew().map_err(|error| WriteError {
                    what: "open the folder for sidecars",
                    path: self.path(),
                    error,
                })?;
                Ok(Arc::clone(open.insert(Arc::new(made))))
            }
        }
    }

    fn open_anew(&self) -> io::Result<Open> {
        self.check_root()?;
        let descriptor = above_standard(self.make()?)?;
        let opened = fstat(&descriptor)?;
        Ok(Open {
            descriptor: ManuallyDrop::new(descriptor),
            opened,
        })
    }

    /// Opens it anew the next time, unless another thread has done so already.
    fn forget(&self, removed: &Arc<Open>) {
        let mut open = self.lock();
        if open.as_ref().is_some_and(|open| Arc::ptr_eq(open, removed)) {
            *open = None;
        }
    }

    /// Refuses to open the folder under another root, where its path is another folder's.
    fn check_root(&self) -> io::Result<()> {
        let root = stat("/")?;
        if is_same(self.root.get_or_init(|| root), &root) {
            return Ok(());
        }
        Err(io::Error::other(
            "the test has closed the folder and changed the root directory",
        ))
    }

    fn make(&self) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let base = &self.place.base;
        let mut folder = match openat(CWD, base, flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                fs::create_dir_all(base)
                    .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
                openat(CWD, base, flags, Mode::empty())?
            }
            opened => opened?,
        };
        for name in &self.place.below {
            match mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
            folder = openat(&folder, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(folder)
    }
}

/// Writes a file that no reader takes for a sidecar, and gives its name and what it is.
fn write_temporary(folder: &OwnedFd, contents: &[u8]) -> io::Result<(TemporaryName, Stat)> {
    loop {
        let name = TemporaryName::next();
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(folder, name.as_str(), flags, Mode::from_raw_mode(0o666)) {
            // Left by an earlier process of our number.
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
            Ok(descriptor) => {
                let written = write_all(descriptor, contents);
                if written.is_err() {
                    let _ = unlinkat(folder, name.as_str(), AtFlags::empty());
                }
                return Ok((name, written?));
            }
        }
    }
}

/// Writes to a new file.
fn write_all(descriptor: OwnedFd, contents: &[u8]) -> io::Result<Stat> {
    // Where a test allows no larger files, to write one is answered with a signal that kills.
    let limit = kernel::file_size_limit().ok_or(Errno::PERM)?;
    if contents.len() as u64 > limit {
        return Err(Errno::FBIG.into());
    }
    let was = descriptor.as_raw_fd();
    let descriptor = above_standard(descriptor)?;
    if descriptor.as_raw_fd() != was {
        // Another thread may have printed into it.
        ftruncate(&descriptor, 0)?;
        seek(&descriptor, SeekFrom::Start(0))?;
    }
    let file = fstat(&descriptor)?;
    fs::File::from(descriptor).write_all(contents)?;
    Ok(file)
}

/// The same descriptor under a number that is nobody's standard input, output or error. A test that
/// has closed those goes on to print, and what it prints must not come into a sidecar.
fn above_standard(descriptor: OwnedFd) -> rustix::io::Result<OwnedFd> {
    const FIRST: RawFd = 3;
    if descriptor.as_raw_fd() >= FIRST {
        return Ok(descriptor);
    }
    fcntl_dupfd_cloexec(&descriptor, FIRST)
}

/// Gives the file its name, unless there is one of that name.
fn place_new(folder: &OwnedFd, temporary: &str, name: &str) -> rustix::io::Result<()> {
    match rename_new(folder, temporary, name) {
        // Not every file system knows how; a hard link does not replace either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            linkat(folder, temporary, folder, name, AtFlags::empty())?;
            unlinkat(folder, temporary, AtFlags::empty())
        }
        placed => placed,
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_new(folder: &OwnedFd, temporary: &str, name: &str) -> rustix::io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    renameat_with(folder, temporary, folder, name, RenameFlags::NOREPLACE)
}

/// Other kernels have no such call.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_new(_: &OwnedFd, _: &str, _: &str) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

/// Replaces a sidecar of another run. Two processes may both find the old one: the lock lets the
/// second find the first one's.
fn replace_other_run(
    folder: &OwnedFd,
    temporary: &str,
    name: &str,
    run_id: &str,
) -> rustix::io::Result<bool> {
    // By a descriptor of its own: one that a fork has inherited shares its lock, and one that is
    // closed gives it back.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let lock = openat(folder, ".", flags, Mode::empty())?;
    // A signal handler of the test's may interrupt it.
    retry_on_intr(|| flock(&lock, FlockOperation::LockExclusive))?;
    let outdated = run_of(folder, name).is_some_and(|run| run != run_id);
    if outdated {
        renameat(folder, temporary, folder, name)?;
    }
    Ok(outdated)
}

/// The run that the sidecar `name` is of.
fn run_of(folder: &OwnedFd, name: &str) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let descriptor = openat(folder, name, flags, Mode::empty()).ok()?;
    read_run_id(fs::File::from(descriptor))
}
