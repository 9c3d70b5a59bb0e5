//! A package that wants no jemalloc, beside others that do.

#[cfg(test)]
heap_runtime::use_jemalloc!();

#[cfg(test)]
mod tests {
    #[heap_runtime::heap_tracked(max_peak = "64 KiB")]
    #[test]
    fn unit() {
        std::mem::forget(vec![0_u8; 100]);
    }
}
