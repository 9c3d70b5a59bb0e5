//! Names that are keywords, in a file that has one's name.
#![deny(warnings)]

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

#[heap_tracked]
#[test]
fn r#match() {}

mod r#async {
    use heap_runtime::heap_tracked;

    #[test]
    #[heap_tracked]
    fn r#dyn() {}

    // In the edition of 2024.
    #[heap_tracked]
    #[test]
    fn r#gen() {}

    // Like a module that its body uses.
    #[heap_tracked(exact)]
    #[test]
    fn r#loop() {
        assert_eq!(r#loop::three(), 3);
    }

    mod r#loop {
        pub(super) fn three() -> u32 {
            3
        }
    }
}

mod r#gen {
    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    fn r#plain() {}
}
