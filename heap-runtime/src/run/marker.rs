//! Marks this process, for those below it, as one in which a tracked test has begun.
//!
//! The mark is the name of a file in memory that is mapped: it is seen from outside in `/proc/PID/maps`,
//! is passed on to a fork, and goes when another program is executed. It takes no descriptor, as the test's
//! descriptors are the test's, no page, as nobody touches it, and no variable, as to set one beside other
//! threads is undefined.

use std::ptr::null_mut;

use heap_sidecar::process::Mark;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::descriptor::Descriptor;

/// A page of the smallest size: of a larger one it is a part.
const LENGTH: usize = 4096;

/// Where the process may not be marked, what is below it is not told apart from a run.
pub(super) fn put(mark: &Mark) {
    let name = mark.name();
    let flags = MemfdFlags::CLOEXEC;
    // Kernels before 6.3 do not know the second flag, and later ones complain of its absence.
    let file = memfd_create(&*name, flags | MemfdFlags::NOEXEC_SEAL)
        .or_else(|_| memfd_create(&*name, flags));
    let Ok(file) = file.map(Descriptor::from) else {
        return;
    };
    // SAFETY: it is a new mapping, at an address that was free, and nobody is given a reference to what
    // is in it. It stays until the process ends.
    let _ = unsafe {
        mmap(
            null_mut(),
            LENGTH,
            ProtFlags::empty(),
            MapFlags::PRIVATE,
            &file,
            0,
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_put() {
        let own = std::process::id();
        let mark = Mark {
            pid: own,
            base: 0x0123_4567_89ab_cdef,
            run_id: "45f3fc9c-7d21_0".into(),
        };
        put(&mark);
        assert_eq!(Mark::of_process(own.cast_signed()), Some(mark));
        assert_eq!(Mark::of_process(i32::MAX), None);
    }
}
