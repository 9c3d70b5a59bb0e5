//! Builds nothing. `links` in the manifest asks for a build script: by it, cargo refuses two versions
//! of this crate in one program, of which only one could see threads being born.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(heap_runtime_sanitizer)");
    // Set by compilers that sanitizers can be asked of, where one is.
    println!("cargo::rerun-if-env-changed=CARGO_CFG_SANITIZE");
    let sanitizers = std::env::var("CARGO_CFG_SANITIZE").unwrap_or_default();
    let starts_threads =
        |name: &str| matches!(name, "address" | "hwaddress" | "leak" | "memory" | "thread");
    if sanitizers.split(',').any(starts_threads) {
        println!("cargo::rustc-cfg=heap_runtime_sanitizer");
    }
}
