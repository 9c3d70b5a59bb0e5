//! The least that a tracked test can do: two advances of the epoch, two files, one rename.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use tikv_jemalloc_ctl::{epoch, epoch_mib};

/// As long as a sidecar of an empty test.
const CONTENTS: [u8; 3072] = [b' '; 3072];

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

fn write(path: &Path) {
    fs::write(path, CONTENTS).unwrap();
}
