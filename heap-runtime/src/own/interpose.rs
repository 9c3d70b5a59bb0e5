//! Standing in for a function of the C library, under its own name.

use std::ffi::c_void;

/// What the linker has found for a function that we stand in for.
#[repr(C)]
pub(super) struct Interposed<F: 'static> {
    /// Our definition, by a name that nobody else has.
    pub(super) ours: *const c_void,
    /// What is taken for the function in this program.
    pub(super) taken: *const c_void,
    /// What a sanitizer has for it, where one is linked.
    pub(super) sanitizers: Option<F>,
}

// SAFETY: nobody writes to it but the linker.
unsafe impl<F> Sync for Interposed<F> {}

/// Goes on to the symbol of a function, as if that had been called.
#[cfg(target_arch = "x86_64")]
macro_rules! go_on {
    () => {
        "endbr64\njmp {ours}"
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! go_on {
    () => {
        // `bti c`, where the processor knows it.
        "hint #34\nb {ours}"
    };
}
#[cfg(target_arch = "riscv64")]
macro_rules! go_on {
    () => {
        "tail {ours}"
    };
}
#[cfg(target_arch = "loongarch64")]
macro_rules! go_on {
    () => {
        "b {ours}"
    };
}
#[cfg(target_arch = "s390x")]
macro_rules! go_on {
    () => {
        "jg {ours}"
    };
}

/// Defines the function `$name`, with that binding, to be `$ours`; and `heap_runtime_$name`, the same, and
/// `heap_runtime_$name_found`, an [`Interposed`].
///
/// Whoever refers to that table has the file of the archive linked that the name is in. And two versions
/// of this crate in one program do not link. It is a table, because the compiler takes it for certain that
/// two functions have two addresses.
macro_rules! interpose {
    ($binding:expr, $name:literal, $ours:path) => {
        std::arch::global_asm!(
            concat!(".pushsection .text.heap_runtime_", $name, ", \"ax\", %progbits"),
            ".p2align 4",
            concat!(".globl heap_runtime_", $name),
            concat!(".hidden heap_runtime_", $name),
            concat!(".type heap_runtime_", $name, ", %function"),
            concat!($binding, " ", $name),
            concat!(".type ", $name, ", %function"),
            concat!("heap_runtime_", $name, ":"),
            concat!($name, ":"),
            go_on!(),
            concat!(".size heap_runtime_", $name, ", . - heap_runtime_", $name),
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            concat!(".weak ___interceptor_", $name),
            concat!(".pushsection .data.rel.ro.heap_runtime_", $name, ", \"aw\", %progbits"),
            ".p2align 3",
            concat!(".globl heap_runtime_", $name, "_found"),
            concat!(".hidden heap_runtime_", $name, "_found"),
            concat!(".type heap_runtime_", $name, "_found, %object"),
            concat!("heap_runtime_", $name, "_found:"),
            concat!(".8byte heap_runtime_", $name),
            concat!(".8byte ", $name),
            concat!(".8byte ___interceptor_", $name),
            concat!(".size heap_runtime_", $name, "_found, 24"),
            ".popsection",
            ours = sym $ours,
        );
    };
}

pub(super) use {go_on, interpose};
