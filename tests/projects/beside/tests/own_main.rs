//! A `main` of one's own, without any harness.

use std::hint::black_box;
use std::process::ExitCode;

heap_runtime::use_jemalloc!();

fn main() -> ExitCode {
    for pages in 1..=3 {
        heap_runtime::track(&format!("own_main::keeps_{pages}"), || {
            for _ in 0..pages {
                std::mem::forget(black_box(Vec::<u8>::with_capacity(4096)));
            }
        });
    }
    heap_runtime::track("own_main::fails", || ExitCode::from(7))
}
