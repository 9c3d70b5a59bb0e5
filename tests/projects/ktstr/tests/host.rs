//! ktstr's own types read `host` and `host_before` of our sidecars.

use std::fs;
use std::path::Path;

use heap_runtime::sidecar::{SUFFIX, read};
use ktstr::prelude::HostContext;
use serde_json::Value;

heap_runtime::use_jemalloc!();

/// Writes a sidecar of this version.
fn write_sidecar() {
    heap_runtime::Test::new("golden").run(|| drop(Vec::<u8>::with_capacity(1 << 20)));
}

/// What of ours is not as it was, once ktstr has read and written it.
fn lost(ours: &Value) -> Vec<String> {
    let theirs: HostContext = serde_json::from_value(ours.clone()).expect("ktstr reads it");
    let theirs = serde_json::to_value(theirs).expect("ktstr writes it");
    let keys = theirs.as_object().expect("an object");
    assert!(keys.len() > 1, "ktstr has found next to nothing in {ours}");
    keys.iter()
        .filter(|(key, value)| ours.get(*key) != Some(value))
        .filter(|(key, value)| ours.get(*key).is_some() || !is_nothing(value))
        .map(|(key, value)| format!("{key}: {:?} is {value} to ktstr", ours.get(key)))
        .collect()
}

/// What ktstr writes for want of a value.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}

#[test]
fn ktstr_reads_the_host_of_a_sidecar() {
    write_sidecar();
    let folder = std::env::var("HEAP_SIDECAR_DIR").expect("tests/projects/ktstr/run sets it");
    let path = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().ends_with(SUFFIX))
        .expect("the sidecar that was just written");
    let sidecar = read(&path).expect("ours");
    let json: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    assert_eq!(lost(&json["host"]), [""; 0]);
    assert_eq!(lost(&json["host_before"]), [""; 0]);
    let host: HostContext = serde_json::from_value(json["host"].clone()).expect("ktstr reads it");
    let heap = host
        .heap_state
        .expect("the heap state is what this is all about");
    let ours = sidecar.host.heap_state.expect("jemalloc is the allocator");
    assert_eq!(heap.allocated_bytes, ours.allocated_bytes);
    // For the everyday tests, which have no ktstr.
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../heap-runtime/tests/fixtures/read-by-ktstr-0.50.heap.json");
    fs::copy(path, golden).expect("the golden file can be written");
}
