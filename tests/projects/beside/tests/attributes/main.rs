//! `#[heap_tracked]` beside the attributes of other crates, in every order that compiles.
//!
//! What each test keeps for itself is known beforehand and stands in its labels: `keeps` to the
//! byte, `keeps_some` where the crate beside it also keeps or frees a little of its own, made lazily
//! for the process or by another test. A test whose name says `fails` fails. All else is checked by `tests/tests/beside.rs`.

mod actix_rt;
mod async_std;
mod cfg_attr;
mod googletest;
mod insta;
mod modules;
mod ntest;
mod proptest;
mod quickcheck;
mod rstest;
mod serial_test;
mod smol;
mod test_case;
mod test_context;
mod test_log;
mod tokio;

use std::hint::black_box;

heap_runtime::use_jemalloc!();

/// Keeps so many pages, of 64 KiB, until the process ends.
fn keep(pages: usize) {
    for _ in 0..pages {
        std::mem::forget(black_box(Vec::<u8>::with_capacity(64 << 10)));
    }
}

/// The item once for each order of three attributes, in a module named by the order.
macro_rules! orders {
    ([$($a:tt)*] [$($b:tt)*] [$($c:tt)*] $item:item) => {
        mod abc { use super::*; #[$($a)*] #[$($b)*] #[$($c)*] $item }
        mod acb { use super::*; #[$($a)*] #[$($c)*] #[$($b)*] $item }
        mod bac { use super::*; #[$($b)*] #[$($a)*] #[$($c)*] $item }
        mod bca { use super::*; #[$($b)*] #[$($c)*] #[$($a)*] $item }
        mod cab { use super::*; #[$($c)*] #[$($a)*] #[$($b)*] $item }
        mod cba { use super::*; #[$($c)*] #[$($b)*] #[$($a)*] $item }
    };
}
use orders;
