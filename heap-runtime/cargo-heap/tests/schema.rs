//! The committed JSON Schema is the one of the types.

use std::path::Path;
use std::process::Command;

#[test]
fn the_schema_is_the_one_of_the_types() {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-heap"))
        .arg("schema")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let generated = String::from_utf8(output.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sidecar/sidecar.schema.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == generated,
        "the types of the sidecar have changed and its schema has not; at the top of the workspace, run \
         `cargo heap schema > heap-runtime/sidecar/sidecar.schema.json` and look at the difference"
    );
}
