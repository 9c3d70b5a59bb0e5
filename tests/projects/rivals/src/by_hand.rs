//! The least that runs a body in a call: what no attribute that does so can be compiled faster than.

/// Runs it.
#[inline(never)]
pub fn run(name: &str, body: fn()) {
    std::hint::black_box(name);
    body();
}
