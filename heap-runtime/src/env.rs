//! Every environment variable that the library reads: the `HEAP_*` of its own, strictly, and what
//! cargo and nextest say about the run.

mod harness;
mod near;
mod sink;
mod workspace;

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use heap_sidecar::{Limit, Redaction, run_id};

use crate::size;

pub(crate) use harness::{output_is_kept, runs_one_at_a_time};
pub(crate) use sink::SinkTarget;
pub(crate) use workspace::root as workspace_root;

/// All variables that are ours. Whatever else begins with `HEAP_`, and is nearly one of them, is a mistake.
const KNOWN: [&str; 15] = [
    "HEAP_LAST_SEEN",
    "HEAP_MAX_ALLOCATED",
    "HEAP_MAX_CPU",
    "HEAP_MAX_PEAK",
    "HEAP_MAX_RETAINED",
    "HEAP_PROCESS",
    "HEAP_REDACT",
    "HEAP_REQUIRE",
    "HEAP_RUN_ID",
    "HEAP_SAMPLE_BYTES",
    "HEAP_SHARD",
    "HEAP_SIDECAR_DIR",
    "HEAP_SINK",
    "HEAP_TIME",
    "HEAP_TRACK",
];

/// The limits that the environment may set for every test, in bytes or nanoseconds. `max_allocations` is none: to count
/// is too dear to be asked of all.
const DEFAULT_LIMITS: [(Limit, &str, Parse); 4] = [
    (Limit::MaxPeak, "HEAP_MAX_PEAK", size::parse),
    (Limit::MaxRetained, "HEAP_MAX_RETAINED", size::parse),
    (Limit::MaxAllocated, "HEAP_MAX_ALLOCATED", size::parse),
    (Limit::MaxCpu, "HEAP_MAX_CPU", size::parse_duration),
];

type Parse = fn(&str) -> Result<u64, String>;

/// How many bytes a thread allocates or frees between two samples, unless `HEAP_SAMPLE_BYTES` says
/// otherwise.
///
/// A call-back takes some 470 instructions, most of them jemalloc's. This is the smallest power of two
/// at which a loop that does nothing but allocate and free 24 bytes takes at most a hundredth more;
/// with 256 bytes, which take no longer, it is some six hundredths: `cargo bench -p heap-tests -- sampling`.
pub(crate) const SAMPLE_BYTES: u64 = 64 << 10;

/// What the environment asks of tracking.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a variable that is a switch"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `HEAP_TRACK`: `0` runs the tests as if the attribute were not there.
    pub(crate) track: bool,
    /// `HEAP_REQUIRE`: `1` fails a test that could not be tracked in full.
    pub(crate) require: bool,
    /// `HEAP_LAST_SEEN`: `0` leaves what was last seen of a test out, and its system calls on the test's threads.
    pub(crate) last_seen: bool,
    /// `HEAP_PROCESS`: `0` leaves the process tier out, and its epochs.
    pub(crate) process: bool,
    /// `HEAP_TIME`: `0` leaves the tier of time out, and its system calls on the test's threads.
    pub(crate) time: bool,
    /// `HEAP_SIDECAR_DIR`: where the sidecars go, instead of a folder of the run.
    pub(crate) sidecar_dir: Option<PathBuf>,
    /// `HEAP_SINK`: where they go where there is no folder that outlives the tests.
    pub(crate) sink: Option<SinkTarget>,
    /// `HEAP_RUN_ID`: what the run is called that this process is part of.
    pub(crate) run_id: Option<String>,
    /// `HEAP_SHARD`: which part of it.
    pub(crate) shard: Option<String>,
    /// `HEAP_SAMPLE_BYTES`: how many bytes a thread moves between two looks at its live bytes.
    pub(crate) sample_bytes: u64,
    /// Those of [`DEFAULT_LIMITS`], for tests that declare none.
    default_limits: [Option<u64>; DEFAULT_LIMITS.len()],
    /// `HEAP_REDACT`: what to leave out.
    pub(crate) redact: Redaction,
}

impl Settings {
    /// The settings of this process, read once.
    ///
    /// # Errors
    ///
    /// One line for each variable whose value is invalid.
    pub(crate) fn get() -> Result<&'static Self, &'static str> {
        static SETTINGS: OnceLock<Result<Settings, String>> = OnceLock::new();
        SETTINGS
            .get_or_init(|| {
                let names = env::vars_os().map(|(name, _)| name);
                Self::read(env::var_os, names)
            })
            .as_ref()
            .map_err(String::as_str)
    }

    pub(crate) fn read(
        variable: impl Fn(&'static str) -> Option<OsString>,
        names: impl Iterator<Item = OsString>,
    ) -> Result<Self, String> {
        let mut reader = Reader {
            variable,
            errors: near::mistakes(names, &KNOWN),
        };
        let settings = Self {
            track: reader.switch("HEAP_TRACK", true),
            require: reader.switch("HEAP_REQUIRE", false),
            last_seen: reader.switch("HEAP_LAST_SEEN", true),
            process: reader.switch("HEAP_PROCESS", true),
            time: reader.switch("HEAP_TIME", true),
            sidecar_dir: reader.path("HEAP_SIDECAR_DIR"),
            sink: reader.sink("HEAP_SINK"),
            run_id: reader.run_id("HEAP_RUN_ID"),
            shard: reader.line("HEAP_SHARD"),
            sample_bytes: reader.interval("HEAP_SAMPLE_BYTES").unwrap_or(SAMPLE_BYTES),
            default_limits: DEFAULT_LIMITS.map(|(_, name, parse)| reader.amount(name, parse)),
            redact: reader.redaction("HEAP_REDACT"),
        };
        // Without tracking no other setting has a meaning, so none can be wrong.
        if settings.track && !reader.errors.is_empty() {
            return Err(reader.errors);
        }
        Ok(settings)
    }

    /// The limit of a whole run.
    pub(crate) fn default_limit(&self, limit: Limit) -> Option<u64> {
        let at = DEFAULT_LIMITS.iter().position(|(of, ..)| *of == limit)?;
        self.default_limits.get(at).copied().flatten()
    }
}

struct Reader<F> {
    variable: F,
    /// One line for each mistake.
    errors: String,
}

impl<F: Fn(&'static str) -> Option<OsString>> Reader<F> {
    /// The text of a variable. One that is set to nothing counts as not set.
    fn text(&mut self, name: &'static str) -> Option<String> {
        match (self.variable)(name)?.into_string() {
            Ok(text) if text.is_empty() => None,
            Ok(text) => Some(text),
            Err(bytes) => {
                self.error(name, &bytes.to_string_lossy(), "it is not UTF-8");
                None
            }
        }
    }

    fn error(&mut self, name: &str, value: &str, mend: &str) {
        if !self.errors.is_empty() {
            self.errors.push('\n');
        }
        write!(
            self.errors,
            "the environment variable {name} is `{value}`: {mend}"
        )
        .expect("a String takes all");
    }

    fn switch(&mut self, name: &'static str, default: bool) -> bool {
        match self.text(name).as_deref() {
            None => default,
            Some("0") => false,
            Some("1") => true,
            Some(other) => {
                self.error(name, other, "set it to 0 or 1, or unset it");
                default
            }
        }
    }

    fn amount(&mut self, name: &'static str, parse: Parse) -> Option<u64> {
        let text = self.text(name)?;
        parse(&text)
            .map_err(|error| self.error(name, &text, &error))
            .ok()
    }

    fn interval(&mut self, name: &'static str) -> Option<u64> {
        let bytes = self.amount(name, size::parse)?;
        if bytes == 0 {
            let text = self.text(name).unwrap_or_default();
            self.error(name, &text, "set it to at least one byte, or unset it");
        }
        Some(bytes)
    }

    fn run_id(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name)?;
        if let Err(mend) = run_id::checked(&text) {
            self.error(name, &text, &mend);
        }
        Some(text)
    }

    fn line(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name)?;
        if text.contains(char::is_control) || text.len() > run_id::MAX_BYTES {
            let mend = format!("write one line of up to {} bytes", run_id::MAX_BYTES);
            self.error(name, &text, &mend);
        }
        Some(text)
    }

    fn path(&mut self, name: &'static str) -> Option<PathBuf> {
        // A path need not be UTF-8.
        (self.variable)(name)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    }

    fn sink(&mut self, name: &'static str) -> Option<SinkTarget> {
        let value = self.path(name)?;
        SinkTarget::parse(value.as_os_str())
            .map_err(|mend| self.error(name, &value.to_string_lossy(), mend))
            .ok()
    }

    fn redaction(&mut self, name: &'static str) -> Redaction {
        let text = self.text(name).unwrap_or_default();
        Redaction::parse(&text).unwrap_or_else(|mend| {
            self.error(name, &text, &mend);
            Redaction::default()
        })
    }
}

/// What nextest tells each test process.
#[derive(Debug)]
pub(crate) struct Nextest {
    pub(crate) run_id: String,
    /// From 1.
    pub(crate) attempt: u32,
    /// From 0; absent outside a stress run.
    pub(crate) stress_index: Option<u32>,
}

impl Nextest {
    /// Absent where nextest does not run this process.
    pub(crate) fn get() -> Option<Self> {
        let number = |name| env::var(name).ok()?.parse().ok();
        Some(Self {
            run_id: env::var("NEXTEST_RUN_ID")
                .ok()
                .filter(|id| !id.is_empty())?,
            attempt: number("NEXTEST_ATTEMPT").unwrap_or(1),
            stress_index: number("NEXTEST_STRESS_CURRENT"),
        })
    }
}

/// `CARGO_TARGET_DIR`, where it is set.
pub(crate) fn cargo_target_dir() -> Option<PathBuf> {
    env::var_os("CARGO_TARGET_DIR").map(PathBuf::from)
}

/// `CARGO`: the cargo that has started this process, as a file.
#[cfg(proc_fs)]
pub(crate) fn cargo() -> Option<PathBuf> {
    env::var_os("CARGO").map(PathBuf::from)
}

/// `CARGO_MANIFEST_DIR` at run time: the package whose test this is.
pub(crate) fn cargo_manifest_dir() -> Option<PathBuf> {
    env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)
}

/// `CARGO_PKG_NAME` at run time: the package that cargo or nextest runs.
pub(crate) fn cargo_pkg_name() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| {
        env::var("CARGO_PKG_NAME")
            .ok()
            .filter(|name| !name.is_empty())
    })
    .as_deref()
}

/// The crate that this executable was made of, by its name: cargo puts a hash behind it.
pub(crate) fn executable_name() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| {
        let path = env::current_exe().ok()?;
        Some(crate_of(path.file_stem()?.to_str()?))
    })
    .as_deref()
}

/// The crate's name in a file's, such as `my_harness` in `my_harness-0123456789abcdef`.
fn crate_of(stem: &str) -> String {
    let is_hash =
        |hash: &str| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = match stem.rsplit_once('-') {
        Some((name, hash)) if is_hash(hash) => name,
        _ => stem,
    };
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    use std::fs;
    use std::path::Path;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let names = variables.iter().map(|(name, _)| name.into());
        let value = |name| {
            let mut variables = variables.iter();
            let variable = variables.find(|(variable, _)| *variable == name)?;
            Some(variable.1.into())
        };
        Settings::read(value, names)
    }

    #[test]
    fn all_that_is_read_is_known() {
        let read = RefCell::new(BTreeSet::new());
        let variable = |name| {
            read.borrow_mut().insert(name);
            None
        };
        Settings::read(variable, std::iter::empty()).expect("nothing is set");
        assert_eq!(read.into_inner(), BTreeSet::from(KNOWN));
    }

    #[test]
    fn a_variable_that_is_nearly_ours_is_a_mistake() {
        let error = read(&[("HEAP_MAX_ALOCATED", "1 B"), ("HEAP_TRACK", "yes")]).unwrap_err();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 2, "{error}");
        assert!(lines[0].contains("HEAP_MAX_ALOCATED: did you mean HEAP_MAX_ALLOCATED?"));
        assert!(lines[1].contains("HEAP_TRACK is `yes`"));
        assert!(read(&[("HEAP_MAX_ALOCATED", "1 B"), ("HEAP_TRACK", "0")]).is_ok());
    }

    #[test]
    fn nothing_set_tracks_in_full() {
        let settings = read(&[]).unwrap();
        assert!(settings.track && settings.process && !settings.require);
        assert_eq!(settings.sidecar_dir, None);
        assert_eq!(
            read(&[("HEAP_TRACK", ""), ("HEAP_SIDECAR_DIR", "")]),
            Ok(settings)
        );
    }

    #[test]
    fn every_mistake_names_its_variable_and_value() {
        let error = read(&[
            ("HEAP_REQUIRE", "yes"),
            ("HEAP_REDACT", "kernel_cmdline,hostname"),
        ])
        .unwrap_err();
        assert_eq!(
            error,
            "the environment variable HEAP_REQUIRE is `yes`: set it to 0 or 1, or unset it\n\
             the environment variable HEAP_REDACT is `kernel_cmdline,hostname`: \
             `hostname` is not a key that can be redacted"
        );
    }

    #[test]
    fn a_run_and_its_parts_have_names_that_files_can_have() {
        let settings = read(&[("HEAP_RUN_ID", "ci-7_1"), ("HEAP_SHARD", "3/20")]).unwrap();
        let names = (settings.run_id.as_deref(), settings.shard.as_deref());
        assert_eq!(names, (Some("ci-7_1"), Some("3/20")));
        for id in ["a/b", "..", "ä", &"x".repeat(101)] {
            let error = read(&[("HEAP_RUN_ID", id)]).unwrap_err();
            assert!(
                error.contains(&format!("HEAP_RUN_ID is `{id}`: write")),
                "{error}"
            );
        }
        assert!(read(&[("HEAP_SHARD", "a\nb")]).is_err());
    }

    #[test]
    fn without_tracking_nothing_else_is_judged() {
        let settings = read(&[("HEAP_TRACK", "0"), ("HEAP_REQUIRE", "yes")]).unwrap();
        assert!(!settings.track);
    }

    #[test]
    fn an_executable_is_called_after_its_crate() {
        assert_eq!(crate_of("my_harness-0123456789abcdef"), "my_harness");
        assert_eq!(crate_of("my-program"), "my_program");
        assert_eq!(
            crate_of("my-program-0123456789abcdeg"),
            "my_program_0123456789abcdeg"
        );
    }

    /// The words of a text that begin with `HEAP_`.
    fn variables(text: &str) -> BTreeSet<&str> {
        text.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_')
            .filter(|word| word.starts_with("HEAP_"))
            .collect()
    }

    #[test]
    fn every_variable_that_a_document_names_exists_and_readme_has_all() {
        let known = RefCell::new(BTreeSet::new());
        let variable = |name| {
            known.borrow_mut().insert(name);
            None
        };
        let settings = Settings::read(variable, std::iter::empty());
        settings.expect("no variable is set wrongly");
        let known = known.into_inner();
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = |path: &Path| fs::read_to_string(path).expect("a document can be read");
        let chapters = fs::read_dir(package.join("docs/guide")).expect("the guide is there");
        for chapter in chapters {
            let path = chapter.expect("it can be listed").path();
            let text = text(&path);
            let unknown: Vec<&str> = variables(&text).difference(&known).copied().collect();
            assert!(unknown.is_empty(), "{}: {unknown:?}", path.display());
        }
        assert_eq!(variables(&text(&package.join("../README.md"))), known);
    }
}
