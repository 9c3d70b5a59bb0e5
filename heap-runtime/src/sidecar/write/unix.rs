//! Writing in the folder that was opened, through no link.

mod new_file;
mod noted;
mod right;

use std::fs;
use std::io;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, mkdirat, stat, unlinkat};
use rustix::io::Errno;

use super::WriteError;
use crate::descriptor::Descriptor;
use crate::pool::Lent;
use crate::sidecar::Place;
use new_file::NewFile;

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
    descriptor: ManuallyDrop<Descriptor>,
    /// What the descriptor was when it was opened: device and inode tell whether it still is.
    opened: Stat,
    /// Whether it has been used: it is opened where it is to be used at once.
    is_used: AtomicBool,
}

impl Open {
    fn is_still_ours(&self) -> bool {
        !self.is_used.swap(true, Ordering::Relaxed)
            || fstat(&*self.descriptor).is_ok_and(|now| is_same(&now, &self.opened))
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

    /// Puts a whole file at `name`, in place of what is there.
    pub(crate) fn replace(&self, name: &str, contents: &[u8]) -> Result<(), WriteError> {
        self.within(name, |folder| {
            NewFile::write(folder, contents)?.rename(name)
        })
    }

    /// Puts a whole file at `name`, if nothing is there but a record of another run than this one, as in a
    /// `HEAP_SIDECAR_DIR` that is used again. Gives what the file is: nothing, where the name is taken.
    pub(crate) fn claim(
        &self,
        name: &str,
        contents: &[u8],
        run_id: &str,
    ) -> Result<Option<Identity>, WriteError> {
        self.within(name, |folder| {
            let mut new = NewFile::write(folder, contents)?;
            let identity = new.identity()?;
            let is_placed = match new.place(name) {
                Ok(true) => true,
                Ok(false) => right::replace_other_run(&mut new, name, run_id)?,
                Err(error) if is_gone(error) => return Err(error),
                // What is wrong is wrong from the first way on.
                Err(error) => right::place(&mut new, name, run_id).map_err(|_| error)?,
            };
            Ok(is_placed.then_some(identity))
        })
    }

    /// Appends a line to the file `name`, which is made where it is not there yet.
    pub(crate) fn append(&self, name: &str, line: &[u8]) -> Result<(), WriteError> {
        self.within(name, |folder| noted::append(folder, name, line))
    }

    /// Removes the file `name`, if it is there.
    pub(crate) fn remove(&self, name: &str) {
        // Where it cannot be removed, what stays behind is of no record any more.
        if let Ok(open) = self.open() {
            let _ = unlinkat(&*open.descriptor, name, AtFlags::empty());
        }
    }

    /// Does something in the folder for a file in it.
    fn within<T>(
        &self,
        name: &str,
        act: impl Fn(&Descriptor) -> rustix::io::Result<T>,
    ) -> Result<T, WriteError> {
        let open = self.open()?;
        let done = match act(&open.descriptor) {
            // The folder was removed under us: once, it is made anew.
            Err(error) if is_gone(error) => {
                self.forget(&open);
                act(&self.open()?.descriptor)
            }
            done => done,
        };
        done.map_err(|error| WriteError {
            what: "write the sidecar",
            path: self.path_of(name),
            error: error.into(),
        })
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
        let descriptor = self.make()?.above_standard()?;
        let opened = fstat(&descriptor)?;
        Ok(Open {
            descriptor: ManuallyDrop::new(descriptor),
            opened,
            is_used: AtomicBool::new(false),
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

    fn make(&self) -> rustix::io::Result<Descriptor> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let base = &self.place.base;
        let mut folder = match Descriptor::open(CWD, base, flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                fs::create_dir_all(base)
                    .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
                Descriptor::open(CWD, base, flags, Mode::empty())?
            }
            opened => opened?,
        };
        for name in &self.place.below {
            match mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
            let flags = flags | OFlags::NOFOLLOW;
            folder = Descriptor::open(&folder, name, flags, Mode::empty())?;
        }
        Ok(folder)
    }
}

/// Whether the folder is no more, here or on the server that has it.
fn is_gone(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::STALE)
}
