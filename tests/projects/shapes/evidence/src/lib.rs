//! The runtime by another name.

#[cfg(test)]
evidence::use_jemalloc!();

#[test]
#[cfg_attr(test, evidence::heap_tracked(crate = evidence))]
fn by_another_name() {
    std::mem::forget(vec![0_u8; 100]);
}
