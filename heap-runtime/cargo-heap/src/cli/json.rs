//! JSON on standard output, which nothing in a sidecar can act upon, with the version of its format.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::error::Error;
use super::text::printable_json;

/// Within one version, keys are only added. One that goes or changes its meaning raises it.
const FORMAT_VERSION: u32 = 1;

/// What a command prints as JSON.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}")]
pub(super) struct Output<T> {
    /// The version of this format: 1. Within one version, keys are only added.
    format_version: u32,
    #[serde(flatten)]
    output: T,
}

impl<T> Output<T> {
    fn of(output: T) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            output,
        }
    }
}

/// Prints one document.
pub(super) fn json(output: impl Serialize, out: &mut impl Write) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(&Output::of(output)).map_err(io::Error::from)?;
    writeln!(out, "{}", printable_json(&text))?;
    Ok(())
}

/// Prints a line for each value, each of which stands for itself.
pub(super) fn lines<T: Serialize>(
    values: impl IntoIterator<Item = T>,
    out: &mut impl Write,
) -> Result<(), Error> {
    ndjson(values.into_iter().map(Output::of), out)
}

/// Prints a line for each value, whose format is told elsewhere.
pub(super) fn ndjson<T: Serialize>(
    values: impl IntoIterator<Item = T>,
    out: &mut impl Write,
) -> Result<(), Error> {
    for value in values {
        let text = serde_json::to_string(&value).map_err(io::Error::from)?;
        writeln!(out, "{}", printable_json(&text))?;
    }
    Ok(())
}
