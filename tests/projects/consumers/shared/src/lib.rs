//! A library for C, and for Rust.

/// So many bytes, which nobody gives back.
#[no_mangle]
pub extern "C" fn shared_keep(bytes: usize) {
    std::mem::forget(vec![0_u8; bytes]);
}

#[cfg(test)]
heap_runtime::use_jemalloc!();

#[cfg(test)]
mod tests {
    #[heap_runtime::heap_tracked]
    #[test]
    fn unit() {
        super::shared_keep(100);
    }
}
