//! A library without `std`, which its tests do not bring in either.

#![no_std]

extern crate alloc;

/// A hundred bytes.
pub fn kept() -> alloc::vec::Vec<u8> {
    alloc::vec![0; 100]
}

#[cfg(test)]
heap_runtime::use_jemalloc!();

#[cfg(test)]
mod tests {
    use heap_runtime::heap_tracked;

    #[heap_tracked(max_peak = "64 KiB")]
    #[test]
    fn unit() {
        core::mem::forget(crate::kept());
    }

    #[heap_tracked]
    #[test]
    fn result() -> Result<(), core::num::ParseIntError> {
        "1".parse::<u8>().map(drop)
    }
}
