//! The environment variables that `cargo heap` goes by: those of the tests' that say what they leave and
//! where. The tests themselves judge the others.

use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

use heap_sidecar::{HostContext, Redaction, run_id};

/// What the environment asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `HEAP_TRACK`: `0` runs the tests as if the attribute were not there.
    pub(crate) track: bool,
    /// `HEAP_SIDECAR_DIR`: where the sidecars are, instead of a folder of the run.
    pub(crate) sidecar_dir: Option<PathBuf>,
    /// `HEAP_RUN_ID`: what the run is called.
    pub(crate) run_id: Option<String>,
    /// `HEAP_REDACT`: what to leave out.
    redact: Redaction,
}

impl Settings {
    /// The settings of this process, read once.
    ///
    /// # Errors
    ///
    /// Says which variable has which value, and what to do about it.
    pub(crate) fn get() -> Result<&'static Self, &'static str> {
        static SETTINGS: OnceLock<Result<Settings, String>> = OnceLock::new();
        SETTINGS
            .get_or_init(Self::read)
            .as_ref()
            .map_err(String::as_str)
    }

    fn read() -> Result<Self, String> {
        // A path need not be UTF-8.
        let sidecar_dir = env::var_os("HEAP_SIDECAR_DIR").filter(|path| !path.is_empty());
        Ok(Self {
            track: track(&text("HEAP_TRACK")?)?,
            sidecar_dir: sidecar_dir.map(PathBuf::from),
            run_id: run_id(text("HEAP_RUN_ID")?)?,
            redact: redaction(&text("HEAP_REDACT")?)?,
        })
    }

    /// Without the keys that `HEAP_REDACT` names.
    pub(crate) fn redacted(&self, host: HostContext) -> HostContext {
        self.redact.host(host)
    }
}

/// The text of a variable; empty where it is not set.
fn text(name: &str) -> Result<String, String> {
    let value = env::var_os(name).unwrap_or_default();
    value
        .into_string()
        .map_err(|bytes| mistake(name, &bytes.to_string_lossy(), "it is not UTF-8"))
}

fn mistake(name: &str, value: &str, mend: &str) -> String {
    format!("the environment variable {name} is `{value}`: {mend}")
}

fn track(value: &str) -> Result<bool, String> {
    match value {
        "0" => Ok(false),
        "" | "1" => Ok(true),
        other => Err(mistake(
            "HEAP_TRACK",
            other,
            "set it to 0 or 1, or unset it",
        )),
    }
}

fn run_id(value: String) -> Result<Option<String>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    run_id::checked(&value).map_err(|mend| mistake("HEAP_RUN_ID", &value, &mend))?;
    Ok(Some(value))
}

fn redaction(value: &str) -> Result<Redaction, String> {
    Redaction::parse(value).map_err(|mend| mistake("HEAP_REDACT", value, &mend))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_its_variable_and_value() {
        assert_eq!(
            (track("0"), track(""), track("1")),
            (Ok(false), Ok(true), Ok(true))
        );
        assert_eq!(
            track("yes").unwrap_err(),
            "the environment variable HEAP_TRACK is `yes`: set it to 0 or 1, or unset it"
        );
        assert!(redaction("kernel_cmdline, ,rss_bytes").is_ok());
        assert_eq!(
            redaction("kernel_cmdline,hostname").unwrap_err(),
            "the environment variable HEAP_REDACT is `kernel_cmdline,hostname`: `hostname` is not a key \
             that can be redacted"
        );
    }
}
