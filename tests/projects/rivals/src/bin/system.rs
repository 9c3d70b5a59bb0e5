//! The allocator that dhat, allocation-counter and peak_alloc are built around, alone.

use rivals::{Contender, live};

struct Glibc;

impl Contender for Glibc {
    fn prove_live() {
        assert!(live::glibc());
    }
}

fn main() {
    rivals::main::<Glibc>();
}
