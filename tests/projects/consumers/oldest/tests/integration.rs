#[macro_use]
extern crate heap_runtime;
extern crate oldest;

use_jemalloc!();

#[heap_tracked]
#[test]
fn integrated() {
    std::mem::forget(oldest::kept());
}

#[heap_tracked(warmup = 1)]
mod tracked {
    #[test]
    fn in_a_module() {
        ::std::mem::forget(::oldest::kept());
    }
}
