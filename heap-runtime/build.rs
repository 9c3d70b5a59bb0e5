//! Builds nothing. `links` in the manifest asks for a build script: by it, cargo refuses two versions
//! of this crate in one program, of which only one could see threads being born.
//!
//! And what there is on the target is worked out here once, and has a name for each `cfg` in `src`:
//!
//! | name | there is |
//! |---|---|
//! | `posix` | a Unix whose descriptors, limits and threads are dealt with themselves |
//! | `proc_fs` | Linux's `/proc`, of this process and of others |
//! | `births` | a C library in front of whose `pthread_create` another can stand |
//! | `jemalloc` | jemalloc, and counters of it that a thread can read of another |
//! | `sanitizer` | a sanitizer that starts threads itself |

use std::env::{var, var_os};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Set by compilers that sanitizers can be asked of, where one is.
    println!("cargo::rerun-if-env-changed=CARGO_CFG_SANITIZE");

    // `heap_runtime_elsewhere` is for the tests of how it is where there is nothing: see CONTRIBUTING.md.
    let is_elsewhere = is("miri") || is("heap_runtime_elsewhere");
    let posix = is("unix") && !is_one_of("target_family", &["wasm"]) && !is_elsewhere;
    let proc_fs = is_one_of("target_os", &["linux"]) && !is_elsewhere;
    // A static C library has no next definition to go on to.
    let births = proc_fs
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
        ("births", births),
        ("jemalloc", jemalloc),
        ("sanitizer", sanitizer),
    ] {
        println!("cargo::rustc-check-cfg=cfg({name})");
        if is_there {
            println!("cargo::rustc-cfg={name}");
        }
    }
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
