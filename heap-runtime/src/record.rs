//! The `running` record of an execution, and the name that it takes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use crate::env::Settings;
use crate::host::{self, CgroupMemory, HostContext};
use crate::jemalloc::{Allocator, NOT_THE_ALLOCATOR, allocator};
use crate::run::{Run, process_id};
use crate::sidecar::{
    Execution, FORMAT_VERSION, File, Folder, Heap, HostMembers, LastSeen, Place, Replace, Sidecar,
    Slot, Source, Status, to_json,
};
use crate::test::Test;

/// A sidecar in the making.
pub(crate) struct Record {
    /// Its `host` lacks what `known` has.
    pub(crate) sidecar: Sidecar,
    /// What is the same for many executions, and formatted once for all of them.
    known: Arc<HostMembers>,
}

impl Record {
    /// The contents of the file.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        to_json(&self.sidecar, &self.known)
    }

    /// Puts in the host after the test.
    pub(crate) fn set_host_after(&mut self, settings: &Settings) {
        let known = known_after(settings);
        let moving = host::changing().merge(host::incidents());
        self.sidecar.host = redacted(with_limits(moving, &known), settings);
        self.known = Arc::clone(&known.members);
    }
}

/// What is known of an execution before its state is taken.
pub(crate) fn of(test: &Test<'_>, settings: &Settings, exclusive: bool) -> Record {
    let known = known_before(settings);
    Record {
        sidecar: sidecar(test, settings, exclusive, known),
        known: Arc::clone(&known.members),
    }
}

fn sidecar(test: &Test<'_>, settings: &Settings, exclusive: bool, known: &Known) -> Sidecar {
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
        pid: process_id(),
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
        host: redacted(with_limits(HostContext::default(), known), settings),
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
            last_seen: (allocator == Allocator::Jemalloc).then(LastSeen::default),
        },
        budgets: Vec::new(),
    }
}

/// Why a tier will be missing.
fn missing_tier(settings: &Settings, allocator: Allocator) -> Option<&'static str> {
    match allocator {
        Allocator::Other => Some(NOT_THE_ALLOCATOR),
        Allocator::Jemalloc if !settings.process => {
            Some("HEAP_PROCESS=0: the process tier was not asked for")
        }
        Allocator::Jemalloc => None,
    }
}

/// What does not move with every test.
struct Known {
    members: Arc<HostMembers>,
    /// The limits of the cgroup. They stand in one object with what it uses, which moves.
    limits: Option<CgroupMemory>,
}

impl Known {
    fn of(mut host: HostContext, settings: &Settings) -> Self {
        let limits = host.cgroup_memory.take();
        Self {
            members: Arc::new(HostMembers::of(&redacted(host, settings))),
            limits,
        }
    }
}

/// What of the host a test that is killed should have in its sidecar: what never changes, and the
/// limits of its cgroup, which may be what killed it. Those are read once, and after the test again.
fn known_before(settings: &Settings) -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let limits = HostContext {
            cgroup_memory: host::settings().cgroup_memory,
            ..HostContext::default()
        };
        Known::of(host::constant().clone().merge(limits), settings)
    })
}

/// What of the host does not move with every test, now.
fn known_after(settings: &Settings) -> Arc<Known> {
    // Of the last reading of the settings.
    static LAST: Mutex<Option<(Arc<HostContext>, Arc<Known>)>> = Mutex::new(None);
    let reading = host::settings();
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some((of, known)) if Arc::ptr_eq(of, &reading) => Arc::clone(known),
        _ => {
            let host = host::constant().clone().merge((*reading).clone());
            let known = Arc::new(Known::of(host, settings));
            let (_, known) = last.insert((reading, known));
            Arc::clone(known)
        }
    }
}

fn with_limits(host: HostContext, known: &Known) -> HostContext {
    let limits = HostContext {
        cgroup_memory: known.limits,
        ..HostContext::default()
    };
    limits.merge(host)
}

/// Without the keys that `HEAP_REDACT` names. The settings are checked: every key is one of `host`.
pub(crate) fn redacted(mut host: HostContext, settings: &Settings) -> HostContext {
    let _none = host.redact(settings.redact.iter().map(String::as_str));
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
pub(crate) fn name(record: &Record) -> String {
    execution(&record.sidecar).file_name()
}

/// Where what is last seen of an execution stands, once its record has taken that name.
pub(crate) fn slot(name: &str, settings: &Settings) -> Option<Slot> {
    Slot::new(folder(settings).ok()?.path().join(name))
}

/// Writes the `running` record under `name`, or under another that no other execution of the run
/// has: another process may have taken it, such as a test binary that runs itself.
///
/// # Errors
///
/// Says why no sidecar can be written.
pub(crate) fn claim(
    record: &mut Record,
    mut name: String,
    mut slot: Option<Slot>,
    settings: &Settings,
) -> Result<(File, Option<Slot>), String> {
    let folder = folder(settings).map_err(Clone::clone)?;
    loop {
        let replace = Replace::OtherThan(&record.sidecar.run_id);
        let contents = record.to_json();
        match folder.put(&name, &contents, replace) {
            Ok(Some(written)) => {
                if let Some(slot) = &mut slot {
                    slot.is_in(&written, &contents);
                }
                return Ok((File { folder, name }, slot));
            }
            Ok(None) => {
                let sidecar = &mut record.sidecar;
                sidecar.iteration = next_iteration(&sidecar.test_name).max(sidecar.iteration + 1);
                name = self::name(record);
                slot = self::slot(&name, settings);
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
