//! Has a test of the same name as `fair.rs`, one that runs this binary again, and one that passes
//! the second time only.

use heap_runtime::heap_tracked;
use std::path::Path;
use std::process::Command;

heap_runtime::use_jemalloc!();

#[heap_tracked]
#[test]
fn picks() {
    assert_eq!(outside::pick(&[]), None);
}

#[heap_tracked]
#[test]
fn runs_itself() {
    if std::env::var_os("CHILD").is_none() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["runs_itself", "--exact"])
            .env("CHILD", "1")
            .status()
            .unwrap();
        assert!(child.success());
    } else {
        heap_runtime::label("is", "the child");
    }
}

#[heap_tracked]
#[test]
fn passes_the_second_time() {
    let Some(marker) = std::env::var_os("MARKER") else {
        return heap_runtime::skip("needs a file to remember the first time by");
    };
    let first = !Path::new(&marker).exists();
    std::fs::write(marker, "").unwrap();
    assert!(!first, "the first time");
}
