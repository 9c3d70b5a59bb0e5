//! The least that a tracked test can do: two advances of the epoch, two files, one rename. And the
//! same with what a record needs besides to be right.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use tikv_jemalloc_ctl::{epoch, epoch_mib};

use crate::arenas::flush;

/// As long as a sidecar of an empty test.
const CONTENTS: [u8; 3600] = [b' '; 3600];

static EPOCH: LazyLock<epoch_mib> = LazyLock::new(|| epoch::mib().unwrap());

/// The final and the temporary file of the test of this number, in the folder for sidecars.
fn names(test: usize) -> [String; 2] {
    static FOLDER: LazyLock<String> =
        LazyLock::new(|| std::env::var("HEAP_SIDECAR_DIR").expect("a folder"));
    ["json", "new"].map(|suffix| format!("{}/t{test}.{suffix}", *FOLDER))
}

/// Does it, for the test of this number.
pub fn once(test: usize) {
    let [name, new] = names(test);
    EPOCH.advance().unwrap();
    write(Path::new(&name));
    EPOCH.advance().unwrap();
    write(Path::new(&new));
    fs::rename(new, name).unwrap();
}

/// [`once`], with the thread's cache flushed before each epoch, without which the numbers are wrong,
/// and the first file put at its name in one step, without which a reader may see half of it.
pub fn once_right(test: usize) {
    let [name, new] = names(test);
    for _ in 0..2 {
        flush();
        EPOCH.advance().unwrap();
        write(Path::new(&new));
        fs::rename(&new, &name).unwrap();
    }
}

fn write(path: &Path) {
    fs::write(path, CONTENTS).unwrap();
}
