//! The CPUs that the suite may use, and the right to be alone on one.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;

use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};

/// The CPUs that this process may run on, in order.
///
/// # Errors
///
/// What `sched_getaffinity(2)` answers.
pub fn allowed_cpus() -> io::Result<Vec<usize>> {
    // The calling thread is a test's own, which nothing in the suite ever pins, so it has the process's mask.
    Ok(cpus_of(&sched_getaffinity(None)?))
}

/// The CPUs of a mask, in order.
#[must_use]
pub fn cpus_of(mask: &CpuSet) -> Vec<usize> {
    (0..CpuSet::MAX_CPU)
        .filter(|&cpu| mask.is_set(cpu))
        .collect()
}

/// The mask of one CPU alone.
#[must_use]
pub fn only(cpu: usize) -> CpuSet {
    let mut mask = CpuSet::new();
    mask.set(cpu);
    mask
}

/// Pins the calling thread. Only threads that a test has started are pinned: libtest may run several tests on one thread.
///
/// # Errors
///
/// What `sched_setaffinity(2)` answers.
pub fn pin_this_thread(cpu: usize) -> io::Result<()> {
    Ok(sched_setaffinity(Some(gettid()), &only(cpu))?)
}

/// A lock that all tests on this machine respect: threads, processes, and other checkouts.
///
/// It is a file lock, so the kernel lets go of it however its holder ends.
#[derive(Debug)]
pub struct MachineLock {
    _file: File,
}

impl MachineLock {
    /// Waits for the lock of this name.
    ///
    /// # Errors
    ///
    /// If the lock's file can be neither opened nor made.
    pub fn wait(name: &str) -> io::Result<Self> {
        let file = lock_file(name)?;
        file.lock()?;
        Ok(Self { _file: file })
    }

    /// Takes the lock if nobody has it.
    fn attempt(name: &str) -> io::Result<Option<Self>> {
        let file = lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A CPU on which no other test of the suite measures or starves anybody.
#[derive(Debug)]
pub struct OwnedCpu {
    number: usize,
    _lock: MachineLock,
}

impl OwnedCpu {
    /// Takes a free CPU of the allowed ones, or waits for one.
    ///
    /// # Errors
    ///
    /// If the affinity cannot be read or the lock's file cannot be made.
    pub fn acquire() -> io::Result<Self> {
        let cpus = allowed_cpus()?;
        for &number in &cpus {
            if let Some(lock) = MachineLock::attempt(&cpu_lock(number))? {
                return Ok(Self {
                    number,
                    _lock: lock,
                });
            }
        }
        // All are taken. Those who wait spread over the CPUs by their thread numbers.
        let waiter = usize::try_from(gettid().as_raw_nonzero().get()).map_err(io::Error::other)?;
        let number = cpus[waiter % cpus.len()];
        Ok(Self {
            number,
            _lock: MachineLock::wait(&cpu_lock(number))?,
        })
    }

    /// The CPU's number.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }
}

/// All the CPUs that this process may have: no other test of the suite measures or starves anybody meanwhile.
#[derive(Debug)]
pub struct AllCpus {
    _locks: Vec<MachineLock>,
}

impl AllCpus {
    /// Waits for all of them. Nobody who has one waits for another but here, in their order, so this ends.
    ///
    /// # Errors
    ///
    /// If the affinity cannot be read or a lock's file cannot be made.
    pub fn acquire() -> io::Result<Self> {
        let locks = allowed_cpus()?
            .into_iter()
            .map(|number| MachineLock::wait(&cpu_lock(number)));
        Ok(Self {
            _locks: locks.collect::<io::Result<_>>()?,
        })
    }
}

/// The CPUs that the kernel's command line keeps out of balancing, as the kernel lists them: empty if there are none.
#[must_use]
pub fn isolated_cpus() -> String {
    // A kernel that has no such file isolates none.
    fs::read_to_string("/sys/devices/system/cpu/isolated")
        .map(|list| list.trim().to_owned())
        .unwrap_or_default()
}

fn cpu_lock(number: usize) -> String {
    format!("cpu-{number}")
}

/// Opens the file, or makes it. A file of another user is only ever opened for reading: that is enough for a lock,
/// and `fs.protected_regular` forbids more in a sticky folder.
fn lock_file(name: &str) -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("heap-tests-{name}.lock"));
    loop {
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            // Somebody else was first.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(made) => {
                // Other users have to open it too, whatever the umask is.
                made.set_permissions(Permissions::from_mode(0o644))?;
                return Ok(made);
            }
        }
    }
}
