//! The `running` record of an execution, and the name that it takes.

mod of_run;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::mem::take;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use heap_sidecar::timestamp::Rfc3339;
use heap_sidecar::{Allocator, HostHeapState, PanicToll};

use crate::env::Settings;
use crate::formatted::{self, After};
use crate::jemalloc::{allocator, c_allocator, not_the_allocator};
use crate::own;
use crate::pool::Pool;
use crate::process::process_id;
use crate::resident;
use crate::run::{Run, process};
use crate::sampled::Sampled;
use crate::sidecar::{
    Checkpoint, Claim, Contents, Execution, File, FileName, HostMembers, LastSeen, NOTES_SUFFIX,
    Note, ProcessTier, Sidecar, Slot, Source, Status, Store, WriteError, hexadecimal, to_json,
};
use crate::test::Test;
use crate::token::token;
use crate::toll;
use crate::warning::warn_once;

/// There are at most so many labels, metrics and checkpoints of one test.
pub(crate) const MAX_ENTRIES: usize = 1000;

/// Says that there are no more of them.
pub(crate) fn say_full(what: &str) {
    warn_once(&format!(
        "a test has more than {MAX_ENTRIES} {what}: the rest is skipped"
    ));
}

/// A sidecar in the making.
pub(crate) struct Record {
    /// Its `host` lacks what `static_host` and `dynamic_host` have, its `host_before` what `before` has: what is
    /// the same for many executions is formatted once for all of them.
    pub(crate) sidecar: Sidecar,
    /// The process's heap before the test, also where it is not to be recorded.
    heap_before: Option<HostHeapState>,
    resident_before: Option<resident::Before>,
    /// What the hooks of panics had brought into the process before the test.
    toll_before: PanicToll,
    static_host: Arc<HostMembers>,
    dynamic_host: Arc<HostMembers>,
    before: Arc<HostMembers>,
    /// The host as it was before the hook of the last panic.
    pub(crate) before_hook: Option<After>,
    /// What the test has said and is not on the disk yet.
    pub(crate) pending: Note,
    /// Whether there is a file with what it has said.
    has_notes_file: bool,
    /// Which file that is, when the record no longer has it.
    notes_id: String,
    /// A buffer for the contents of the file.
    contents: Vec<u8>,
}

/// What is allocated for every record, without what is in it.
#[derive(Default)]
struct Buffers {
    contents: Vec<u8>,
    test_name: String,
    package: String,
    binary: String,
    source_file: String,
    run_id: String,
    started_at: String,
    notes_id: String,
}

/// Those of records that are no more.
static BUFFERS: Pool<Buffers> = Pool::new();

/// Most sidecars take no more.
const INITIAL_CONTENTS_BYTES: usize = 8192;

impl Drop for Record {
    fn drop(&mut self) {
        let Self {
            sidecar,
            contents,
            notes_id,
            ..
        } = self;
        BUFFERS.give(Buffers {
            contents: take(contents),
            test_name: take(&mut sidecar.test_name),
            package: take(&mut sidecar.package),
            binary: take(&mut sidecar.binary),
            source_file: take(&mut sidecar.source.file),
            run_id: take(&mut sidecar.run_id),
            started_at: take(&mut sidecar.started_at),
            notes_id: take(sidecar.notes.as_mut().unwrap_or(notes_id)),
        });
    }
}

/// The text, in the buffer of another.
fn put(mut buffer: String, text: &str) -> String {
    buffer.clear();
    buffer.push_str(text);
    buffer
}

impl Record {
    /// Hands the contents of the file to `write`.
    pub(crate) fn write_with<T>(&mut self, write: impl FnOnce(&Sidecar, Contents<'_>) -> T) -> T {
        let host = [&*self.static_host, &*self.dynamic_host];
        let contents = to_json(&self.sidecar, &host, &self.before, &mut self.contents);
        let result = write(&self.sidecar, contents);
        // What is kept for longer must not have grown: it would be in the process tier.
        if self.contents.capacity() > INITIAL_CONTENTS_BYTES {
            self.contents = Vec::with_capacity(INITIAL_CONTENTS_BYTES);
        }
        result
    }

    /// Puts in a checkpoint. Gives the name of the file that it is to be appended to, and the line; nothing where
    /// there is no place for it.
    pub(crate) fn add_checkpoint(&mut self, checkpoint: Checkpoint) -> Option<(String, Note)> {
        let checkpoints = &mut self.sidecar.heap.checkpoints;
        if checkpoints.len() == MAX_ENTRIES {
            say_full("checkpoints");
            return None;
        }
        self.pending.checkpoint = Some(checkpoint.clone());
        checkpoint.insert_into(checkpoints);
        let name = notes_file_name(self.sidecar.notes.as_deref()?);
        self.has_notes_file = true;
        Some((name, self.pending.take()))
    }

    /// Puts in what was sampled since the last time.
    pub(crate) fn take_samples(&mut self, sampled: &Sampled) {
        sampled.take_into(&mut self.sidecar.samples, &mut self.pending.samples);
    }

    /// Puts in what stands beside samples for who does not read their buckets.
    pub(crate) fn summarize_samples(&mut self) {
        for samples in self.sidecar.samples.values_mut() {
            samples.summarize();
        }
    }

    /// Puts in that the test has ended: what it has said is all in the record. Gives the name of the file that is to be
    /// removed once the record is written.
    pub(crate) fn end(&mut self) -> Option<String> {
        self.sidecar.status = Status::Finished;
        self.notes_id = self.sidecar.notes.take().unwrap_or_default();
        self.has_notes_file.then(|| notes_file_name(&self.notes_id))
    }

    /// Puts in that the test starts now.
    pub(crate) fn set_started_at(&mut self, now: SystemTime) {
        let started_at = &mut self.sidecar.started_at;
        started_at.clear();
        write!(started_at, "{}", Rfc3339(now)).expect("a String takes all");
    }

    /// Puts in what changes of the host, as it is before the test.
    pub(crate) fn set_host_before(&mut self, settings: &Settings) {
        self.before = formatted::dynamic_host(None, settings);
        self.set_of_panics(formatted::of_panics(settings));
    }

    /// Puts in what the hooks of panics have of the process's resident memory, and of its peak.
    fn set_of_panics(&mut self, of_panics: [Option<u64>; 2]) {
        let heap = &mut self.sidecar.heap;
        [heap.panic_rss_bytes, heap.panic_peak_rss_bytes] = of_panics;
    }

    /// Puts in what of the process is resident before the test.
    pub(crate) fn set_resident_before(&mut self, settings: &Settings) {
        let is_told = self.sidecar.heap.allocator == Allocator::Jemalloc
            && !RESIDENT_KEYS
                .iter()
                .any(|key| settings.redact.leaves_out_of_host(key));
        self.resident_before = is_told.then(resident::before).flatten();
    }

    /// Puts in the process's heap before the test.
    pub(crate) fn set_heap_before(&mut self, state: Option<HostHeapState>, settings: &Settings) {
        self.heap_before = state;
        self.toll_before = toll::so_far();
        self.sidecar.host_before.heap_state = recorded(state, settings);
    }

    /// Puts in the process's heap after the test, and what it differs by; and then what is resident.
    pub(crate) fn set_heap_after(&mut self, state: Option<HostHeapState>, settings: &Settings) {
        let states = state.zip(self.heap_before);
        self.sidecar.heap.process = states.map(|(after, before)| {
            let mut process = ProcessTier::new(after.since(&before));
            process.panics = toll::since(&self.toll_before);
            process.resident = self.resident_before.and_then(resident::since);
            process
        });
        self.sidecar.host.heap_state = recorded(state, settings);
    }

    /// Puts in the host after the test.
    pub(crate) fn set_host_after(&mut self, after: After) {
        self.static_host = after.static_host;
        self.dynamic_host = after.dynamic_host;
        self.set_of_panics(after.of_panics);
    }
}

/// Who names one of these in `HEAP_REDACT` wants none of them.
const RESIDENT_KEYS: [&str; 2] = ["rss_bytes", "peak_rss_bytes"];

/// The process's heap, unless `HEAP_REDACT` names it. The difference is no reading of the host.
fn recorded(state: Option<HostHeapState>, settings: &Settings) -> Option<HostHeapState> {
    state.filter(|_| !settings.redact.leaves_out_of_host("heap_state"))
}

/// What is known of an execution before its state is taken.
pub(crate) fn of(test: &Test<'_>, settings: &Settings, exclusive: bool) -> Record {
    static NOTHING: LazyLock<Arc<HostMembers>> = LazyLock::new(Arc::default);
    let mut buffers = BUFFERS.take().unwrap_or_default();
    let mut contents = take(&mut buffers.contents);
    contents.clear();
    contents.reserve(INITIAL_CONTENTS_BYTES);
    Record {
        contents,
        sidecar: sidecar(test, settings, exclusive, buffers),
        heap_before: None,
        resident_before: None,
        toll_before: PanicToll::default(),
        static_host: Arc::clone(formatted::before(settings)),
        dynamic_host: Arc::clone(&NOTHING),
        before: Arc::clone(&NOTHING),
        before_hook: None,
        pending: Note::default(),
        has_notes_file: false,
        notes_id: String::new(),
    }
}

fn sidecar(test: &Test<'_>, settings: &Settings, exclusive: bool, buffers: Buffers) -> Sidecar {
    let run = Run::get();
    let test_name = test.name();
    let allocator = allocator();
    let source = Source::new(put(buffers.source_file, test.file), test.line);
    let name = put(buffers.test_name, test_name);
    let mut sidecar = Sidecar::new(name, source, run.runner, allocator);
    sidecar.iteration = next_iteration(test_name);
    sidecar.package = put(buffers.package, test.package());
    sidecar.binary = put(buffers.binary, test.binary());
    sidecar.run_id = put(buffers.run_id, &run.id);
    sidecar.runner_run_id.clone_from(&run.of_runner);
    sidecar.shard.clone_from(&run.shard);
    sidecar.attempt = run.attempt;
    sidecar.stress_index = run.stress_index;
    sidecar.pid = process_id();
    sidecar.process = process().filter(|_| !settings.redact.leaves_out("process"));
    sidecar.parent = run.parent();
    sidecar.started_at = put(buffers.started_at, "");
    let own = |text: &&str| (*text).to_owned();
    let redact = &settings.redact;
    let is_recorded = |key: &str| redact.is_empty() || !redact.leaves_out(&format!("labels.{key}"));
    sidecar.labels = (test.labels.iter())
        .filter(|(key, _)| is_recorded(key))
        .map(|(key, value)| (own(key), own(value)))
        .collect();
    let heap = &mut sidecar.heap;
    heap.c_allocator = c_allocator();
    heap.reason = missing_tiers(settings, allocator);
    heap.exclusive = exclusive;
    heap.last_seen = may_be_seen(settings, allocator).then(LastSeen::default);
    sidecar.notes = Some(put(
        buffers.notes_id,
        str::from_utf8(&hexadecimal(token(sidecar.pid))).unwrap_or_default(),
    ));
    sidecar
}

/// Whether what is last seen of a test is written while it runs.
fn may_be_seen(settings: &Settings, allocator: Allocator) -> bool {
    settings.last_seen
        && cfg!(target_os = "linux")
        && allocator == Allocator::Jemalloc
        && own::missing().is_none()
        // Nothing that has been sent can be overwritten.
        && !matches!(store(settings), Ok(Store::Sink(_)))
}

/// Why a tier will be missing, or both.
fn missing_tiers(settings: &Settings, allocator: Allocator) -> Option<String> {
    if allocator != Allocator::Jemalloc {
        return Some(not_the_allocator().into());
    }
    let process =
        (!settings.process).then_some("HEAP_PROCESS=0: the process tier was not asked for");
    match (own::missing(), process) {
        (Some(own), Some(process)) => Some(format!("{own}; {process}")),
        (own, process) => own.or(process).map(Into::into),
    }
}

/// How often a test of that name has begun in this process. Not a map by hash, which asks the kernel for a random
/// number and panics where there is none.
static BEGUN: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());

/// The number of the next execution of a test of that name.
fn next_iteration(test_name: &str) -> u32 {
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(next) = begun.get_mut(test_name) {
        let iteration = *next;
        *next = iteration.saturating_add(1);
        return iteration;
    }
    begun.insert(test_name.to_owned(), 1);
    0
}

/// Goes on with that number, if another thread has not gone further. Gives the number of this execution.
fn skip_to(test_name: &str, iteration: u32) -> u32 {
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(next) = begun.get_mut(test_name) else {
        return iteration;
    };
    let iteration = iteration.max(*next);
    *next = iteration.saturating_add(1);
    iteration
}

/// The name of the file with what was said, by the id that a running record has.
fn notes_file_name(notes_id: &str) -> String {
    format!("{notes_id}{NOTES_SUFFIX}")
}

fn execution(record: &Sidecar) -> Execution<'_> {
    Execution {
        package: &record.package,
        binary: &record.binary,
        test_name: &record.test_name,
        shard: record.shard.as_deref(),
        attempt: record.attempt,
        stress_index: record.stress_index,
        iteration: record.iteration,
    }
}

/// The file name that a record takes, where it is free.
pub(crate) fn name(record: &Record) -> FileName {
    execution(&record.sidecar).file_name()
}

/// Where what is last seen of an execution stands, once its record has taken that name. Nowhere
/// where nothing is measured: there is no 0 to be taken for a number.
pub(crate) fn slot(record: &Record, name: &str, settings: &Settings) -> Option<Slot> {
    record.sidecar.heap.last_seen?;
    let path = store(settings).ok()?.lend_path_of(name)?;
    Slot::new(path, record.sidecar.pid)
}

/// Writes the `running` record under `name`, or under another that no other execution of the run
/// has: another process may have taken it, such as a test binary that runs itself.
///
/// # Errors
///
/// Says why no sidecar can be written.
pub(crate) fn claim(
    record: &mut Record,
    mut name: FileName,
    mut slot: Option<Slot>,
    settings: &Settings,
) -> Result<(File, Option<Slot>), String> {
    let store = store(settings).map_err(Clone::clone)?;
    for attempt in NameAttempt::ALL {
        if attempt != NameAttempt::First {
            let sidecar = &mut record.sidecar;
            sidecar.iteration = skip_to(&sidecar.test_name, attempt.iteration(sidecar));
            name = self::name(record);
            slot = self::slot(record, &name, settings);
        }
        let written = record.write_with(|sidecar, contents| {
            let claim = store.claim(&name, contents.text, &sidecar.run_id)?;
            if let (Claim::Written(Some(file)), Some(slot)) = (&claim, &mut slot) {
                slot.is_in(file, contents.last_seen_at);
            }
            Ok::<_, WriteError>(claim)
        });
        match written {
            Ok(Claim::Written(_)) => {
                of_run::put_once(settings, store);
                return Ok((File { store, name }, slot));
            }
            Ok(Claim::Taken) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(format!(
        "cannot write the sidecar `{}`: there is such a file, and one under each other name that was tried",
        store.place_of(&name)
    ))
}

/// By which number an execution tries to get a name. Those of a process count up; where others run the same test, they
/// have taken some of them, and to try one after the other would take the longer the more there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameAttempt {
    First,
    Next,
    Anywhere,
    AnywhereElse,
}

impl NameAttempt {
    const ALL: [Self; 4] = [Self::First, Self::Next, Self::Anywhere, Self::AnywhereElse];

    fn iteration(self, taken: &Sidecar) -> u32 {
        match self {
            Self::First => taken.iteration,
            Self::Next => taken.iteration.saturating_add(1),
            // No less than those that are counted one by one, and with room to go on counting.
            Self::Anywhere | Self::AnywhereElse => {
                let [a, b, c, d, ..] = token(taken.pid).to_le_bytes();
                (u32::from_le_bytes([a, b, c, d]) >> 1) | (1 << 20)
            }
        }
    }
}

/// What takes the files of this process's run.
fn store(settings: &Settings) -> Result<&'static Store, &'static String> {
    static STORE: OnceLock<Result<Store, String>> = OnceLock::new();
    STORE
        .get_or_init(|| {
            let run = Run::get();
            Store::of(settings, run.base.as_deref(), &run.id)
        })
        .as_ref()
}
