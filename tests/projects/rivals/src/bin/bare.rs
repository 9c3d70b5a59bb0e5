//! jemalloc, alone.

use rivals::{Contender, live};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

struct Bare;

impl Contender for Bare {
    fn prove_live() {
        assert!(live::jemalloc());
    }
}

fn main() {
    rivals::main::<Bare>();
}
