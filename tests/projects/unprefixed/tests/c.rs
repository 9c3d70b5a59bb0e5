//! What C code allocates is in the numbers, and held to budgets.

use std::ffi::CString;
use std::hint::black_box;
use std::ptr::write_bytes;

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

/// Allocates as C code does, touches all of it, and gives it back.
fn hold(bytes: usize) {
    // SAFETY: the block has so many bytes, and is used no more after it is freed.
    unsafe {
        let block = libc::malloc(bytes);
        assert!(!block.is_null());
        write_bytes(block.cast::<u8>(), 1, bytes);
        libc::free(black_box(block));
    }
}

#[heap_tracked(max_peak = "64 KiB")]
#[test]
fn breaks_its_peak() {
    hold(64 << 20);
}

#[heap_tracked(max_retained = "0 B")]
#[test]
fn leaks() {
    // SAFETY: any size may be asked for.
    black_box(unsafe { libc::malloc(64 << 20) });
}

/// On a thread of C's, and by a function of the C library's that allocates itself.
#[heap_tracked(max_allocated = "64 KiB")]
#[test]
fn copies_a_text_on_a_thread() {
    extern "C" fn copy(text: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the text ends in a nul, and the copy is used no more after it is freed.
        unsafe { libc::free(black_box(libc::strdup(text.cast_const().cast())).cast()) };
        std::ptr::null_mut()
    }
    let mut text = vec![b'a'; 1 << 20];
    *text.last_mut().unwrap() = 0;
    let text = CString::from_vec_with_nul(text).unwrap();
    let mut thread = 0;
    // SAFETY: the thread is joined before the text goes.
    unsafe {
        let text = text.as_ptr().cast_mut().cast();
        assert_eq!(libc::pthread_create(&raw mut thread, std::ptr::null(), copy, text), 0);
        assert_eq!(libc::pthread_join(thread, std::ptr::null_mut()), 0);
    }
}

#[heap_tracked(exact, max_peak = "64 MiB", max_retained = "0 B")]
#[test]
fn stays_within() {
    hold(64 << 20);
}
