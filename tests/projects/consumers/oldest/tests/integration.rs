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

/// Keywords of later editions: here they are names as others are.
mod try {
    #[heap_tracked]
    #[test]
    fn async() {
        ::std::mem::forget(::oldest::kept());
    }

    #[heap_tracked(exact)]
    #[test]
    fn dyn() {
        ::std::mem::forget(::oldest::kept());
    }

    #[heap_tracked]
    #[test]
    fn await() -> Result<(), ::std::num::ParseIntError> {
        ::std::mem::forget(::oldest::kept());
        Ok(())
    }

    #[heap_tracked]
    #[test]
    #[should_panic(expected = "gen")]
    fn gen() {
        ::std::mem::forget(::oldest::kept());
        panic!("gen");
    }

    // In no edition is it a keyword that has a meaning.
    #[heap_tracked]
    #[test]
    fn union() {
        ::std::mem::forget(::oldest::kept());
    }
}

#[heap_tracked(exact)]
mod async {
    #[test]
    fn try() {
        ::std::mem::forget(::oldest::kept());
    }
}
