//! The least that a tracked test can do: two advances of the epoch, two files, one rename. And the
//! same with what a record needs besides to be right.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use tikv_jemalloc_ctl::{epoch, epoch_mib};

/// As long as a sidecar of an empty test.
const CONTENTS: [u8; 3600] = [b' '; 3600];

/// Does it, for the test of this number, in the folder for sidecars.
pub fn once(test: usize) {
    static EPOCH: LazyLock<epoch_mib> = LazyLock::new(|| epoch::mib().unwrap());
    static FOLDER: LazyLock<String> =
        LazyLock::new(|| std::env::var("HEAP_SIDECAR_DIR").expect("a folder"));
    let name = format!("{}/t{test}.json", *FOLDER);
    let new = format!("{}/t{test}.new", *FOLDER);
    EPOCH.advance().unwrap();
    write(Path::new(&name));
    EPOCH.advance().unwrap();
    write(Path::new(&new));
    fs::rename(new, name).unwrap();
}

/// [`once`], with the thread's cache flushed before each epoch, without which the numbers are wrong,
/// and the first file put at its name in one step, without which a reader may see half of it.
pub fn once_right(test: usize) {
    static EPOCH: LazyLock<epoch_mib> = LazyLock::new(|| epoch::mib().unwrap());
    static FOLDER: LazyLock<String> =
        LazyLock::new(|| std::env::var("HEAP_SIDECAR_DIR").expect("a folder"));
    let name = format!("{}/t{test}.json", *FOLDER);
    let new = format!("{}/t{test}.new", *FOLDER);
    flush();
    EPOCH.advance().unwrap();
    write(Path::new(&new));
    fs::rename(&new, &name).unwrap();
    flush();
    EPOCH.advance().unwrap();
    write(Path::new(&new));
    fs::rename(new, name).unwrap();
}

fn flush() {
    // SAFETY: it takes no value and gives none.
    unsafe {
        tikv_jemalloc_sys::mallctl(
            c"thread.tcache.flush".as_ptr(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            0,
        )
    };
}

fn write(path: &Path) {
    fs::write(path, CONTENTS).unwrap();
}
