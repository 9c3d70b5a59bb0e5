//! Nothing is in scope that is not named, and names of the prelude are other things here.

#![no_implicit_prelude]

/// No result.
pub struct Result;
/// No option.
pub struct Option;

/// A hundred bytes.
pub fn kept() -> ::std::vec::Vec<u8> {
    ::std::vec![0; 100]
}

#[cfg(test)]
::heap_runtime::use_jemalloc!();

#[cfg(test)]
mod tests {
    #[::heap_runtime::heap_tracked]
    #[::core::prelude::v1::test]
    fn unit() {
        ::std::mem::forget(crate::kept());
    }

    #[::heap_runtime::heap_tracked(exact, max_peak = "64 KiB", max_allocations = 9, labels(a = "b"))]
    #[::core::prelude::v1::test]
    fn fallible() -> ::core::result::Result<(), ::std::num::ParseIntError> {
        ::std::mem::forget(crate::kept());
        ::core::result::Result::map("1".parse::<u8>(), ::core::mem::drop)
    }

    #[::heap_runtime::heap_tracked(warmup = 1)]
    mod tracked {
        #[::core::prelude::v1::test]
        #[should_panic(expected = "as it should")]
        fn panics() {
            ::std::panic!("as it should");
        }
    }
}
