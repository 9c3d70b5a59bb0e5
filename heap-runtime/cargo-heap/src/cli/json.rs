//! JSON on standard output, which nothing in a sidecar can act upon.

use std::io::{self, Write};

use serde::Serialize;

use super::error::Error;
use super::text::printable_json;

pub(super) fn json(value: &impl Serialize, out: &mut impl Write) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    writeln!(out, "{}", printable_json(&text))?;
    Ok(())
}

pub(super) fn ndjson<T: Serialize>(values: &[T], out: &mut impl Write) -> Result<(), Error> {
    for value in values {
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        writeln!(out, "{}", printable_json(&text))?;
    }
    Ok(())
}
