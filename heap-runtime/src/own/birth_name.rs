//! The name `pthread_create`, which threads of all kinds are started by.
//!
//! Others want it too: sanitizers, crash handlers, whoever counts threads. A program that has two
//! definitions does not link, so this one is weak: it is taken where there is no other. That other
//! then starts the threads, and nobody here hears of them, which is found out and said.
//!
//! A definition in the executable comes before those of libraries in the order of look-up, also
//! before preloaded ones. Those are found as the next.
//!
//! A sanitizer's is weak too, and must see every thread, or it aborts. In a program that is compiled
//! for one, ours is not weak: it comes first and goes on to the sanitizer's, which has a second name.

use std::arch::global_asm;
use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::sync::OnceLock;

// "C-unwind", because `pthread_exit` and cancellation unwind through the frame of the first function.
pub(super) type Start = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
pub(super) type Create = unsafe extern "C" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    Start,
    *mut c_void,
) -> c_int;

/// What the linker has found.
#[repr(C)]
struct Found {
    /// Our definition, by a name that nobody else has.
    ours: *const c_void,
    /// What is taken for `pthread_create` in this program.
    taken: *const c_void,
    /// What a sanitizer starts threads by, where one is linked.
    sanitizers: Option<Create>,
}

unsafe extern "C" {
    /// Whoever refers to it has the file of the archive linked that the name is in. And two versions
    /// of this crate in one program, of which one would be blind, do not link.
    ///
    /// A table, because the compiler takes it for certain that two functions have two addresses.
    static heap_runtime_pthread_create_found: Found;
}

fn found() -> &'static Found {
    // SAFETY: the linker alone writes to it: addresses, the last of a function of this type, or 0.
    unsafe { &heap_runtime_pthread_create_found }
}

// SAFETY: nobody writes to it.
unsafe impl Sync for Found {}

#[cfg(not(heap_runtime_sanitizer))]
macro_rules! binding {
    () => {
        ".weak pthread_create"
    };
}
#[cfg(heap_runtime_sanitizer)]
macro_rules! binding {
    () => {
        ".globl pthread_create"
    };
}

/// Goes on to the symbol of a function, as if that had been called.
#[cfg(target_arch = "x86_64")]
macro_rules! go_on {
    () => {
        "endbr64\njmp {create}"
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! go_on {
    () => {
        // `bti c`, where the processor knows it.
        "hint #34\nb {create}"
    };
}
#[cfg(target_arch = "riscv64")]
macro_rules! go_on {
    () => {
        "tail {create}"
    };
}
#[cfg(target_arch = "loongarch64")]
macro_rules! go_on {
    () => {
        "b {create}"
    };
}
#[cfg(target_arch = "s390x")]
macro_rules! go_on {
    () => {
        "jg {create}"
    };
}

global_asm!(
    ".pushsection .text.heap_runtime_pthread_create, \"ax\", %progbits",
    ".p2align 4",
    ".globl heap_runtime_pthread_create",
    ".hidden heap_runtime_pthread_create",
    ".type heap_runtime_pthread_create, %function",
    binding!(),
    ".type pthread_create, %function",
    "heap_runtime_pthread_create:",
    "pthread_create:",
    go_on!(),
    ".size heap_runtime_pthread_create, . - heap_runtime_pthread_create",
    ".size pthread_create, . - pthread_create",
    ".popsection",
    ".weak ___interceptor_pthread_create",
    ".pushsection .data.rel.ro.heap_runtime_pthread_create, \"aw\", %progbits",
    ".p2align 3",
    ".globl heap_runtime_pthread_create_found",
    ".hidden heap_runtime_pthread_create_found",
    ".type heap_runtime_pthread_create_found, %object",
    "heap_runtime_pthread_create_found:",
    ".8byte heap_runtime_pthread_create",
    ".8byte pthread_create",
    ".8byte ___interceptor_pthread_create",
    ".size heap_runtime_pthread_create_found, 24",
    ".popsection",
    create = sym super::create,
);

/// What starts a thread in truth: a sanitizer's function, a preloaded library's, the C library's.
pub(super) fn next() -> Option<Create> {
    static NEXT: OnceLock<Option<Create>> = OnceLock::new();
    *NEXT.get_or_init(|| {
        found().sanitizers.or_else(|| {
            // SAFETY: the name ends in a nul; what is found by it has this type, by POSIX.
            unsafe {
                let found = libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr());
                (!found.is_null()).then(|| transmute::<*mut c_void, Create>(found))
            }
        })
    })
}

/// Whether threads are started by another definition than ours: this program's own, or those of its
/// shared libraries.
pub(super) fn is_anothers() -> bool {
    static ANOTHERS: OnceLock<bool> = OnceLock::new();
    *ANOTHERS.get_or_init(|| {
        let Found { ours, taken, .. } = *found();
        // SAFETY: the name ends in a nul.
        let librarys = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"pthread_create".as_ptr()) };
        ours != taken || ours != librarys.cast_const()
    })
}
