//! An outcome as a text of seven letters: as wide as any other.

use serde::{Deserialize, Deserializer, Serializer};

use super::Outcome;

/// The text for an outcome, and for none yet.
pub(super) fn text(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        None => "running",
        Some(Outcome::Passed) => "passed ",
        Some(Outcome::Failed) => "failed ",
        Some(Outcome::Skipped) => "skipped",
    }
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for it"
)]
pub(super) fn serialize<S: Serializer>(
    outcome: &Option<Outcome>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text(*outcome))
}

/// What is half overwritten is none yet.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Outcome>, D::Error> {
    let given = String::deserialize(deserializer)?;
    let outcomes = [Outcome::Passed, Outcome::Failed, Outcome::Skipped];
    Ok(outcomes
        .into_iter()
        .find(|outcome| text(Some(*outcome)) == given))
}
