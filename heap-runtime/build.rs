//! Builds nothing. `links` in the manifest asks for a build script: by it, cargo refuses two versions
//! of this crate in one program, of which only one could see threads being born.
//!
//! And what there is on the target is worked out here once, and has a name for each `cfg` in `src`:
//!
//! | name | there is |
//! |---|---|
//! | `posix` | a Unix whose descriptors, limits and threads are dealt with themselves |
//! | `proc_fs` | Linux's `/proc`, of this process and of others |
//! | `spawns` | a C library in front of whose `pthread_create` another can stand |
//! | `jemalloc` | jemalloc, and counters of it that a thread can read of another |
//! | `sanitizer` | a sanitizer that starts threads itself |
//!
//! And what only a build script is told of how it is built has a variable for each part, for the record of a run.

use std::env::{var, var_os};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Set by compilers that sanitizers can be asked of, where one is.
    println!("cargo::rerun-if-env-changed=CARGO_CFG_SANITIZE");

    for (name, value) in [
        ("RUSTC", compiler()),
        ("TARGET", var("TARGET").unwrap_or_default()),
        ("PROFILE", var("PROFILE").unwrap_or_default()),
        ("OPT_LEVEL", var("OPT_LEVEL").unwrap_or_default()),
    ] {
        println!("cargo::rustc-env=HEAP_RUNTIME_{name}={value}");
    }

    // `heap_runtime_elsewhere` is for the tests of how it is where there is nothing: see CONTRIBUTING.md.
    let is_elsewhere = is("miri") || is("heap_runtime_elsewhere");
    let posix = is("unix") && !is_one_of("target_family", &["wasm"]) && !is_elsewhere;
    let proc_fs = is_one_of("target_os", &["linux"]) && !is_elsewhere;
    // A static C library has no next definition to go on to.
    let spawns = proc_fs
        && is_one_of("target_env", &["gnu"])
        && !is_one_of("target_feature", &["crt-static"]);
    // A processor of 32 bits need not write 64 at once.
    let jemalloc = posix
        && is_one_of("target_pointer_width", &["64"])
        && var_os("CARGO_FEATURE_JEMALLOC").is_some();
    let starting_threads = ["address", "hwaddress", "leak", "memory", "thread"];
    let sanitizer = is_one_of("sanitize", &starting_threads);

    for (name, is_there) in [
        ("posix", posix),
        ("proc_fs", proc_fs),
        ("spawns", spawns),
        ("jemalloc", jemalloc),
        ("sanitizer", sanitizer),
    ] {
        println!("cargo::rustc-check-cfg=cfg({name})");
        if is_there {
            println!("cargo::rustc-cfg={name}");
        }
    }
}

/// What the compiler calls itself; nothing where it does not say.
fn compiler() -> String {
    let rustc = var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).arg("--version").output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned());
    said.unwrap_or_default()
}

/// Whether the compiler has a `cfg` of that name set.
fn is(name: &str) -> bool {
    var_os(variable(name)).is_some()
}

/// Whether a `cfg` of that name has one of these values, perhaps among others.
fn is_one_of(name: &str, values: &[&str]) -> bool {
    let set = var(variable(name)).unwrap_or_default();
    set.split(',').any(|value| values.contains(&value))
}

fn variable(name: &str) -> String {
    format!("CARGO_CFG_{}", name.to_uppercase())
}
