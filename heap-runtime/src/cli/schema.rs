//! `cargo heap schema`: the JSON Schema of a sidecar, out of its types.

use std::io::Write as _;

use crate::sidecar::Sidecar;

use super::Status;
use super::error::Error;
use super::terminal::Terminal;

pub(super) fn print(terminal: &mut Terminal) -> Result<Status, Error> {
    let schema = schemars::schema_for!(Sidecar);
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Error::new(format!("cannot write the schema as JSON: {error}")))?;
    writeln!(terminal, "{text}")?;
    Ok(Status::Good)
}
