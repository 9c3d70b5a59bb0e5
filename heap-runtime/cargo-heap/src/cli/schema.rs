//! `cargo heap schema`: the JSON Schemas of what is written and printed, out of its types.

use std::io::Write as _;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};

use heap_sidecar::{RunRecord, Sidecar};

use super::args;
use super::error::Error;
use super::json::Output;
use super::listing::Listing;
use super::report::Line;
use super::report::contents::Report;
use super::schema_of::Of;
use super::show::Shown;
use super::status::Status;
use super::terminal::Terminal;
use crate::report::Comparison;

pub(super) fn print(command: &args::Schema, terminal: &mut Terminal) -> Result<Status, Error> {
    let schema = match command.of {
        Of::Sidecar => of::<Sidecar>(SchemaSettings::default()),
        Of::RunRecord => of::<RunRecord>(SchemaSettings::default()),
        Of::Report => printed::<Report>(),
        Of::ReportLine => printed::<Line<'_>>(),
        Of::Show => printed::<Shown>(),
        Of::Compare => printed::<Comparison>(),
        Of::Runs => printed::<Listing>(),
    };
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Error::new(format!("cannot write the schema as JSON: {error}")))?;
    writeln!(terminal, "{text}")?;
    Ok(Status::Good)
}

/// Of what is printed, and read by others: what may be left out is what is not always there.
fn printed<T: JsonSchema>() -> Schema {
    of::<Output<T>>(SchemaSettings::default().for_serialize())
}

fn of<T: JsonSchema>(settings: SchemaSettings) -> Schema {
    let settings = settings.with_transform(RecursiveTransform(leave_out_examples));
    SchemaGenerator::new(settings).into_root_schema_for::<T>()
}

/// Descriptions are the types' documentation, whose examples are Rust: of no use to who reads JSON.
fn leave_out_examples(schema: &mut Schema) {
    if let Some(serde_json::Value::String(description)) = schema.get_mut("description") {
        // What is between two fences is every second part.
        let words: String = description.split("```").step_by(2).collect();
        words.trim_end().clone_into(description);
    }
}
