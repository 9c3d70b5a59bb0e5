//! A descriptor that is kept for the process, as long as the test leaves it alone.
//!
//! A test may close every descriptor that it finds, and then its number is soon a file of the test's. So before each use it
//! is looked at whether it is still what was opened; and nobody of ours ever closes it.

use std::mem::ManuallyDrop;

use rustix::fs::{Stat, fstat};

use crate::descriptor::Descriptor;

pub(super) struct Kept {
    descriptor: ManuallyDrop<Descriptor>,
    opened: Stat,
}

impl Kept {
    pub(super) fn new(descriptor: Descriptor) -> rustix::io::Result<Self> {
        let descriptor = ManuallyDrop::new(descriptor.above_standard()?);
        let opened = fstat(&*descriptor)?;
        Ok(Self { descriptor, opened })
    }

    /// Of one that nobody else has seen yet.
    pub(super) fn close(self) {
        drop(ManuallyDrop::into_inner(self.descriptor));
    }

    /// None where the test has closed it.
    pub(super) fn get(&self) -> Option<&Descriptor> {
        let now = fstat(&*self.descriptor).ok()?;
        let is_same = (now.st_dev, now.st_ino) == (self.opened.st_dev, self.opened.st_ino);
        is_same.then_some(&*self.descriptor)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd as _, AsRawFd as _};

    use rustix::fs::{CWD, Mode, OFlags};

    use super::*;

    #[test]
    fn a_number_that_is_the_tests_by_now_is_left_alone() {
        let open = |path: &str| Descriptor::open(CWD, path, OFlags::RDONLY, Mode::empty());
        let kept = Kept::new(open("/proc/self/stat").unwrap()).unwrap();
        let number = kept
            .get()
            .expect("nobody has closed it")
            .as_fd()
            .as_raw_fd();
        let others = open("/dev/null").unwrap();
        // SAFETY: both are open, and the number is used by nobody else.
        let taken = unsafe { libc::dup2(others.as_fd().as_raw_fd(), number) };
        assert_eq!(taken, number);
        assert!(kept.get().is_none());
        // SAFETY: it is open, and not used again.
        unsafe { libc::close(number) };
        assert!(kept.get().is_none());
    }
}
