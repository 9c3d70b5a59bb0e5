//! `cargo heap schema`: the JSON Schema of a sidecar, out of its types.

use std::io::Write as _;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;

use heap_sidecar::Sidecar;

use super::error::Error;
use super::status::Status;
use super::terminal::Terminal;

pub(super) fn print(terminal: &mut Terminal) -> Result<Status, Error> {
    let schema = SchemaSettings::default()
        .with_transform(RecursiveTransform(leave_out_examples))
        .into_generator()
        .into_root_schema_for::<Sidecar>();
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Error::new(format!("cannot write the schema as JSON: {error}")))?;
    writeln!(terminal, "{text}")?;
    Ok(Status::Good)
}

/// Descriptions are the types' documentation, whose examples are Rust: of no use to who reads JSON.
fn leave_out_examples(schema: &mut Schema) {
    if let Some(serde_json::Value::String(description)) = schema.get_mut("description") {
        // What is between two fences is every second part.
        let words: String = description.split("```").step_by(2).collect();
        words.trim_end().clone_into(description);
    }
}
