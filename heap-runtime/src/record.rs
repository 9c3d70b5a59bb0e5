//! The `running` record of an execution, and the name that it takes.

use std::collections::{BTreeMap, HashMap};
use std::process;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use crate::env::Settings;
use crate::host::{self, HostContext};
use crate::jemalloc::{Allocator, allocator};
use crate::run::Run;
use crate::sidecar::{
    Execution, FORMAT_VERSION, File, Folder, Heap, Place, Replace, Sidecar, Source, Status, to_json,
};
use crate::test::Test;

/// What is known of an execution before its state is taken.
pub(crate) fn of(test: &Test<'_>, settings: &Settings, exclusive: bool) -> Sidecar {
    let run = Run::get();
    let test_name = test.name();
    let allocator = allocator();
    Sidecar {
        format_version: FORMAT_VERSION,
        status: Status::Running,
        iteration: next_iteration(&test_name),
        test_name,
        package: test.package().into(),
        binary: test.binary().into(),
        source: Source {
            file: test.file.into(),
            line: test.line,
        },
        run_id: run.id.clone(),
        runner: run.runner,
        attempt: run.attempt,
        stress_index: run.stress_index,
        pid: process::id(),
        started_at: String::new(),
        duration_ns: None,
        outcome: None,
        failure: None,
        skip_reason: None,
        labels: test
            .labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        metrics: BTreeMap::new(),
        host: redacted(known_before(), settings),
        host_before: HostContext::default(),
        heap: Heap {
            allocator,
            reason: missing_tier(settings, allocator).map(Into::into),
            process: None,
            own: None,
            overlap: None,
            exclusive,
            timeline: None,
            checkpoints: Vec::new(),
        },
        budgets: Vec::new(),
    }
}

/// Why both tiers are missing where jemalloc is not the allocator, and how to mend it.
pub(crate) const NO_JEMALLOC: &str = "jemalloc is not the allocator of this process: \
     write `heap_runtime::use_jemalloc!();` once in the test binary";

/// Why a tier will be missing.
fn missing_tier(settings: &Settings, allocator: Allocator) -> Option<&'static str> {
    match allocator {
        Allocator::Other => Some(NO_JEMALLOC),
        Allocator::Jemalloc if !settings.process => {
            Some("HEAP_PROCESS=0: the process tier was not asked for")
        }
        Allocator::Jemalloc => None,
    }
}

/// What of the host a test that is killed should have in its sidecar: what never changes, and the
/// limits of its cgroup, which may be what killed it. Those are read once, and after the test again.
fn known_before() -> HostContext {
    static KNOWN: OnceLock<HostContext> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let limits = HostContext {
            cgroup_memory: host::settings().cgroup_memory,
            ..HostContext::default()
        };
        host::constant().clone().merge(limits)
    });
    known.clone()
}

/// Without the keys that `HEAP_REDACT` names. The settings are checked: every key is one of `host`.
pub(crate) fn redacted(mut host: HostContext, settings: &Settings) -> HostContext {
    host.redact(settings.redact.iter().map(String::as_str));
    host
}

/// How often a test of that name has begun in this process.
fn next_iteration(test_name: &str) -> u32 {
    static BEGUN: LazyLock<Mutex<HashMap<String, u32>>> = LazyLock::new(Mutex::default);
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(count) = begun.get_mut(test_name) {
        *count += 1;
        return *count;
    }
    begun.insert(test_name.to_owned(), 0);
    0
}

fn execution(record: &Sidecar) -> Execution<'_> {
    Execution {
        package: &record.package,
        binary: &record.binary,
        test_name: &record.test_name,
        attempt: record.attempt,
        stress_index: record.stress_index,
        iteration: record.iteration,
    }
}

/// The file name that a record takes, where it is free.
pub(crate) fn name(record: &Sidecar) -> String {
    execution(record).file_name()
}

/// Writes the `running` record under `name`, or under another that no other execution of the run
/// has: another process may have taken it, such as a test binary that runs itself.
///
/// # Errors
///
/// Says why no sidecar can be written.
pub(crate) fn claim(
    record: &mut Sidecar,
    mut name: String,
    settings: &Settings,
) -> Result<File, String> {
    let folder = folder(settings).map_err(Clone::clone)?;
    loop {
        let put = folder.put(&name, &to_json(record), &record.run_id, Replace::OtherRuns);
        match put {
            Ok(true) => return Ok(File { folder, name }),
            Ok(false) => {
                record.iteration = next_iteration(&record.test_name).max(record.iteration + 1);
                name = self::name(record);
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The folder of this process's run.
fn folder(settings: &Settings) -> Result<&'static Folder, &'static String> {
    static FOLDER: OnceLock<Result<Folder, String>> = OnceLock::new();
    FOLDER
        .get_or_init(|| Place::of(settings, Run::get()).map(Folder::new))
        .as_ref()
}
