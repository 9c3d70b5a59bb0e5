//! Tells the tests where cargo has built jemalloc, so that the projects they build need not build
//! it once more: that takes longer than all the rest of them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(root) = std::env::var("DEP_JEMALLOC_ROOT") {
        println!("cargo::rustc-env=JEMALLOC={root}/lib/libjemalloc.a");
    }
}
