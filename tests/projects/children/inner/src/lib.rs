//! What is tested by a test of another package: most of it is meant to fail.

#[cfg(test)]
mod tests {
    heap_runtime::use_jemalloc!();

    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    fn it_fails() {
        panic!("as it should");
    }

    #[heap_tracked]
    #[test]
    fn it_passes() {}

    #[heap_tracked]
    #[test]
    fn own_fails() {
        panic!("as it should");
    }
}
