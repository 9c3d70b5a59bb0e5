//! Edition 2015: crates are declared, and paths begin in the crate's root.

#[cfg(test)]
extern crate heap_runtime;

#[cfg(test)]
heap_runtime::use_jemalloc!();

/// A hundred bytes.
pub fn kept() -> Vec<u8> {
    vec![0; 100]
}

#[cfg(test)]
mod tests {
    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    fn unit() {
        ::std::mem::forget(::kept());
    }

    #[heap_tracked(exact, max_peak = "64 KiB", labels(edition = "2015"))]
    #[test]
    fn fallible() -> Result<(), ::std::num::ParseIntError> {
        let dyn = "100".parse::<usize>()?;
        ::std::mem::forget(vec![0_u8; dyn]);
        Ok(())
    }
}
