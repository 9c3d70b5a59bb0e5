//! A page that the calling thread copies: a delay of a kind that the kernel counts, made to see whether it does.

use std::ptr::null_mut;

/// Reads from a new page, which maps the page of zeros that all share, and then writes to it, which copies that.
pub(super) fn copy_a_page() {
    /// One of the smallest size: of a larger one it is a part.
    const LENGTH: usize = 4096;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: it is a new mapping, at an address that was free.
    let page = unsafe { libc::mmap(null_mut(), LENGTH, access, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return;
    }
    let byte = page.cast::<u8>();
    // SAFETY: the page is ours alone, may be read and written, and is given back once. That it is to be no part of a huge
    // page is advice, which a kernel without those refuses.
    unsafe {
        libc::madvise(page, LENGTH, libc::MADV_NOHUGEPAGE);
        byte.read_volatile();
        byte.write_volatile(1);
        libc::munmap(page, LENGTH);
    }
}
