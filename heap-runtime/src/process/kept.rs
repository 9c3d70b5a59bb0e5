//! This process's number, asked for once. Whether a process is a fork is asked some twenty times for each test, and the
//! C library asks the kernel each time.
//!
//! It is kept in a page that the kernel empties in every fork, made by whichever call. A child of `vfork` shares
//! the page, as it does all memory, until it executes another program.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// Where it is kept; null before, and where there is no such page.
static PLACE: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());

/// This process's number. Allocates nothing and takes no lock: it is asked inside the allocator too.
pub(crate) fn process_id() -> u32 {
    let Some(place) = place() else {
        return ask();
    };
    match place.load(Ordering::Relaxed) {
        // Not asked for yet in this process.
        0 => {
            let number = ask();
            place.store(number, Ordering::Relaxed);
            number
        }
        number => number,
    }
}

/// Not by rustix, which takes a refusal for a panic: a test may have given up the call, by a seccomp filter.
fn ask() -> u32 {
    // SAFETY: it takes nothing, and touches nothing.
    unsafe { libc::getpid() }.cast_unsigned()
}

fn place() -> Option<&'static AtomicU32> {
    static IS_TRIED: AtomicBool = AtomicBool::new(false);
    // SAFETY: it is null, or what `page` gave, which is for ever.
    if let Some(place) = unsafe { PLACE.load(Ordering::Acquire).as_ref() } {
        return Some(place);
    }
    // Who comes while another thread makes it, or where it cannot be made, goes without.
    if IS_TRIED.swap(true, Ordering::Relaxed) {
        return None;
    }
    let place = page()?;
    PLACE.store(std::ptr::from_ref(place).cast_mut(), Ordering::Release);
    Some(place)
}

/// A page of zeros, and of zeros again in every fork.
fn page() -> Option<&'static AtomicU32> {
    /// One of the smallest size: of a larger one it is a part.
    const LENGTH: usize = 4096;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: it is a new mapping, at an address that was free.
    let page = unsafe { libc::mmap(null_mut(), LENGTH, access, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the page is ours, and nobody has seen it.
    let advise = |advice| unsafe { libc::madvise(page, LENGTH, advice) } == 0;
    // Emulators are known that take any advice, and do nothing.
    if advise(-1) || !advise(libc::MADV_WIPEONFORK) {
        // SAFETY: as above, and nobody will.
        unsafe { libc::munmap(page, LENGTH) };
        return None;
    }
    // SAFETY: it is aligned, holds zeros, and is never unmapped. Others than atomic accesses there are none.
    Some(unsafe { &*page.cast::<AtomicU32>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the number is taken for in a fork that was made like that.
    fn in_fork(fork: impl FnOnce() -> libc::pid_t) -> i32 {
        assert_eq!(process_id(), std::process::id());
        let child = fork();
        if child == 0 {
            let is_right = process_id() == std::process::id() && process_id() == ask();
            // SAFETY: nothing of this process is to run on in the fork.
            unsafe { libc::_exit(if is_right { 17 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: the child is ours, and not waited for yet.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(waited, child);
        status
    }

    #[test]
    fn a_fork_has_a_number_of_its_own_whichever_call_made_it() {
        // SAFETY: the child calls nothing but what may be called in one.
        let by_library = || unsafe { libc::fork() };
        // The C library knows nothing of it.
        // SAFETY: as above.
        let by_kernel = || unsafe {
            let none = 0_usize;
            libc::syscall(libc::SYS_clone, libc::SIGCHLD, none, none, none, none)
        };
        let status = in_fork(by_library);
        assert!(
            libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 17,
            "{status}"
        );
        let status = in_fork(|| libc::pid_t::try_from(by_kernel()).expect("a process"));
        assert!(
            libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 17,
            "{status}"
        );
        assert_eq!(process_id(), std::process::id());
    }
}
