//! Tells the tests where cargo has built jemalloc, so that the projects they build need not build
//! it once more: that takes longer than all the rest of them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // As in the runtime, of which `tests/own_model.rs` has some files.
    println!("cargo::rustc-check-cfg=cfg(jemalloc, posix)");
    println!("cargo::rustc-cfg=jemalloc");
    if let Ok(root) = std::env::var("DEP_JEMALLOC_ROOT") {
        println!("cargo::rustc-env=JEMALLOC={root}/lib/libjemalloc.a");
    }
}
