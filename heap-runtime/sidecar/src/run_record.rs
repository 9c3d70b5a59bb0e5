//! The record of a run itself: what is the same for all of its tests.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::run_id::{fnv1a, sanitised};
use crate::{FORMAT_VERSION, Runner};

/// How the name of a file about a run ends: not as that of a sidecar.
///
/// ```
/// assert!(!heap_sidecar::RUN_SUFFIX.ends_with(heap_sidecar::SUFFIX));
/// ```
pub const RUN_SUFFIX: &str = ".heap-run.json";

/// What is known of a run, or of a part of one, from its first test on. It stands beside the sidecars, in a
/// file of [that name](Self::file_name), is written once, and by whichever test process comes first: a part is
/// what a run has of one workspace, and of one shard.
///
/// ```
/// use heap_sidecar::{RunRecord, Runner};
///
/// let record = RunRecord::new("45f3fc9c".into(), Runner::Nextest, "2026-11-24T12:00:18.500Z".into());
/// let text = serde_json::to_string(&record)?;
/// assert_eq!(serde_json::from_str::<RunRecord>(&text)?, record);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RunRecord {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// The run.
    pub run_id: String,
    /// The run as nextest calls it, where `HEAP_RUN_ID` has given it another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_run_id: Option<String>,
    /// Which part of the run it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// What started the test process.
    pub runner: Runner,
    /// When its first test began: UTC, RFC 3339, milliseconds.
    pub began_at: String,
    /// What the runner was asked for: its name, subcommands and options. What may be secret is `…`, as are names of
    /// tests; empty where it is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Whose tests they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
    /// How the runtime in the tests was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// The version of jemalloc, where it is the allocator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jemalloc: Option<String>,
}

/// Which workspace it is, without telling where.
///
/// ```
/// use heap_sidecar::Workspace;
///
/// let one = Workspace::at("/home/somebody/queues".as_ref());
/// assert_eq!(one.name, "queues");
/// assert_ne!(one, Workspace::at("/home/another/queues".as_ref()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Workspace {
    /// The name of its folder.
    pub name: String,
    /// A hash of the path of its folder, 16 hexadecimal digits.
    pub root: String,
}

/// How heap-runtime was built: as its package's profile says, which need not be that of the tests.
///
/// ```
/// use heap_sidecar::Build;
///
/// let build = Build::new("0.1.0", "rustc 1.95.0", "x86_64-unknown-linux-gnu", "debug", "0", true);
/// assert_eq!(build.opt_level, "0");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Build {
    /// The version of heap-runtime.
    pub heap_runtime: String,
    /// The compiler, as it calls itself.
    pub rustc: String,
    /// The target's triple.
    pub target: String,
    /// `debug` or `release`: what cargo's profile is made of.
    pub profile: String,
    /// How much it is optimised.
    pub opt_level: String,
    /// Whether debug assertions are on.
    pub debug_assertions: bool,
}

impl RunRecord {
    /// Of a run that begins, with what is always known.
    #[must_use]
    pub fn new(run_id: String, runner: Runner, began_at: String) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            run_id,
            runner_run_id: None,
            shard: None,
            runner,
            began_at,
            command: Vec::new(),
            workspace: None,
            build: None,
            jemalloc: None,
        }
    }

    /// The name of its file, which ends in [`RUN_SUFFIX`].
    ///
    /// ```
    /// use heap_sidecar::{RunRecord, Runner, Workspace};
    ///
    /// let mut record = RunRecord::new("45f3fc9c".into(), Runner::CargoTest, "2026-11-24T12:00:18.500Z".into());
    /// assert_eq!(record.file_name(), "45f3fc9c.heap-run.json");
    /// record.shard = Some("3/20".into());
    /// assert_eq!(record.file_name(), "45f3fc9c@shard3_2f20.heap-run.json");
    /// ```
    #[must_use]
    pub fn file_name(&self) -> String {
        let run_id = sanitised(&self.run_id);
        let of_workspace = self.workspace.as_ref();
        let of_workspace = of_workspace.map(|workspace| format!("@{}", workspace.root));
        let of_shard = self.shard.as_deref();
        let of_shard = of_shard.map(|shard| format!("@shard{}", sanitised(shard)));
        let (of_workspace, of_shard) = (
            of_workspace.unwrap_or_default(),
            of_shard.unwrap_or_default(),
        );
        format!("{run_id}{of_workspace}{of_shard}{RUN_SUFFIX}")
    }
}

impl Workspace {
    /// The workspace of this folder, as this machine knows it.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        let canonical = root.canonicalize();
        let root = canonical.as_deref().unwrap_or(root);
        let name = root.file_name().unwrap_or_default();
        Self {
            name: name.to_string_lossy().into_owned(),
            root: format!("{:016x}", fnv1a([root.as_os_str().as_encoded_bytes()])),
        }
    }
}

impl Build {
    /// Of these.
    #[must_use]
    pub fn new(
        heap_runtime: &str,
        rustc: &str,
        target: &str,
        profile: &str,
        opt_level: &str,
        debug_assertions: bool,
    ) -> Self {
        let [heap_runtime, rustc, target, profile, opt_level] =
            [heap_runtime, rustc, target, profile, opt_level].map(str::to_owned);
        Self {
            heap_runtime,
            rustc,
            target,
            profile,
            opt_level,
            debug_assertions,
        }
    }
}
