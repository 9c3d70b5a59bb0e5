//! Unit tests, one of them not tracked.

#[cfg(test)]
mod tests {
    heap_runtime::use_jemalloc!();

    #[heap_runtime::heap_tracked]
    #[test]
    fn keeps_a_hundred() {
        std::mem::forget(vec![0_u8; 100]);
    }

    #[test]
    fn untracked() {}
}
