//! One execution of a tracked test, from just before its body to the finished sidecar.

use std::collections::{HashMap, HashSet};
use std::process;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use crate::budget;
use crate::env::Settings;
use crate::host::{self, HostContext};
use crate::jemalloc::{Allocator, allocator};
use crate::notes::Notes;
use crate::outcome::Ending;
use crate::own::{self, Entered, Own};
use crate::run::Run;
use crate::sidecar::{
    Execution, FORMAT_VERSION, Failure, FailureKind, Folder, Heap, Outcome, Place, ProcessTier,
    Replace, Sidecar, Source, Status,
};
use crate::snapshot::process_heap;
use crate::test::Test;
use crate::turn::{self, Turn};

/// An execution that has begun. Its `running` record is written.
pub(crate) struct Scope {
    test: &'static Test,
    settings: &'static Settings,
    /// What will be the sidecar.
    record: Sidecar,
    /// Absent where no sidecar can be written, for which the reason is kept.
    file: Result<File, String>,
    own: Own,
    notes: Arc<Notes>,
    /// Given back last, when the state after is taken.
    turn: Option<Turn>,
    /// The process that began it: a fork that comes out of the body must not end it too.
    pid: u32,
}

struct File {
    folder: &'static Folder,
    name: String,
}

impl Scope {
    /// Takes the state before, and writes the `running` record. An exclusive test waits here for
    /// its turn.
    pub(crate) fn begin(test: &'static Test, settings: &'static Settings) -> Self {
        own::unmeasured(|| Self::begin_unmeasured(test, settings))
    }

    fn begin_unmeasured(test: &'static Test, settings: &'static Settings) -> Self {
        let run = Run::get();
        let test_name = test.name();
        // Inside another tracked test, or on a pool's thread, to wait might be to wait for oneself.
        let turn = (!own::is_measured() && turn::is_harness_thread(&test_name))
            .then(|| turn::take(test.exclusive))
            .flatten();
        let host = redacted(host::constant().clone(), settings);
        let mut record = Sidecar {
            format_version: FORMAT_VERSION,
            status: Status::Running,
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
            iteration: 0,
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
            metrics: std::collections::BTreeMap::new(),
            host,
            host_before: HostContext::default(),
            heap: Heap {
                allocator: allocator(),
                reason: None,
                process: None,
                own: None,
                overlap: None,
                exclusive: turn.as_ref().is_some_and(Turn::is_exclusive),
                timeline: None,
                checkpoints: Vec::new(),
            },
            budgets: Vec::new(),
        };
        record.heap.reason = missing_tier(settings, record.heap.allocator);
        record.iteration = next_iteration(&record.test_name);
        let mut name = execution(&record).file_name();
        record.started_at = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        record.host_before = redacted(host::changing(), settings);
        let own = Own::open(test.exact, settings.sample_bytes);
        let notes = Arc::new(Notes::new(own));
        // From here to the body nothing may be allocated that outlives this function: it would be
        // in the process tier.
        if settings.process {
            record.host_before.heap_state = process_heap();
        }
        let file = folder(settings).map_err(String::clone).and_then(|folder| {
            claim(folder, &mut record, &mut name)?;
            Ok(File { folder, name })
        });
        if let Err(error) = &file {
            complain(error);
        }
        Self {
            test,
            settings,
            record,
            file,
            own,
            notes,
            turn,
            pid: process::id(),
        }
    }

    /// Takes the state before again: what has happened since `begin` was not to be measured.
    pub(crate) fn begin_again(&mut self) {
        own::unmeasured(|| {
            self.record.host_before = redacted(host::changing(), self.settings);
            if self.settings.process {
                self.record.host_before.heap_state = process_heap();
            }
        });
    }

    /// Starts the clock: the body is next.
    pub(crate) fn start(&self) {
        own::unmeasured(|| self.own.start(Arc::clone(&self.notes)));
    }

    /// Measures the calling thread as the test's until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered {
        self.own.enter()
    }

    /// Takes the state after, and writes the finished record. Says what is wrong on our side, for
    /// which the test has asked to fail. Without `ran_for`, the body was never reached.
    pub(crate) fn end(
        self,
        ran_for: Option<Duration>,
        ending: impl FnOnce() -> Ending,
    ) -> Option<String> {
        // A fork that came out of the body is not the test; its parent is. There, a lock may be
        // held for ever by a thread that did not come along, so nothing is given back.
        if self.pid != process::id() {
            std::mem::forget(self);
            return None;
        }
        own::unmeasured(|| self.end_unmeasured(ran_for, ending))
    }

    fn end_unmeasured(
        mut self,
        ran_for: Option<Duration>,
        ending: impl FnOnce() -> Ending,
    ) -> Option<String> {
        // First of all, so that nothing below is in it.
        let heap_state = self.settings.process.then(process_heap).flatten();
        let measured = self.own.close();
        let record = &mut self.record;
        record.status = Status::Finished;
        record.duration_ns = ran_for.and_then(|time| u64::try_from(time.as_nanos()).ok());
        let constant = std::mem::take(&mut record.host);
        let host = constant.merge(host::settings()).merge(host::changing());
        record.host = redacted(host, self.settings);
        record.host.heap_state = heap_state;
        record.heap.process =
            heap_state
                .zip(record.host_before.heap_state)
                .map(|(after, before)| ProcessTier {
                    delta: after.since(&before),
                });
        let noted = std::mem::take(&mut *self.notes.lock());
        record.labels.extend(noted.labels);
        record.metrics = noted.metrics;
        record.heap.checkpoints = noted.checkpoints;
        record.heap.overlap = Some(measured.overlap);
        if ran_for.is_some() {
            record.heap.own = measured.tier;
            record.budgets = budget::judge(&self.test.limits(self.settings), &measured);
            record.heap.timeline = measured.timeline;
        }
        let (mut outcome, mut failure) = ending().outcome(self.test);
        if outcome == Outcome::Passed && noted.skip_reason.is_some() {
            outcome = Outcome::Skipped;
        }
        record.skip_reason = noted.skip_reason;
        let mut complaint = None;
        if outcome == Outcome::Passed {
            complaint = self.complaint();
            failure = complaint
                .as_ref()
                .map(|(kind, text)| Failure::new(*kind, text));
            if failure.is_some() {
                outcome = Outcome::Failed;
            }
        }
        self.record.outcome = Some(outcome);
        self.record.failure = failure;
        let unwritten = self.write().err();
        if let Some(error) = &unwritten {
            complain(error);
        }
        let unwritten = unwritten.filter(|_| self.settings.require && outcome == Outcome::Passed);
        drop(self.turn);
        complaint
            .map(|(_, text)| text)
            .or_else(|| unwritten.map(|error| required(&error)))
    }

    /// Why a test whose body passed is to fail.
    fn complaint(&self) -> Option<(FailureKind, String)> {
        if self.settings.require
            && let Some(unmet) = self.unmet()
        {
            return Some((FailureKind::Error, unmet));
        }
        if self
            .record
            .budgets
            .iter()
            .any(|budget| budget.held.is_none())
        {
            let unchecked = self.record.heap.reason.as_deref().unwrap_or("not measured");
            complain(&format!("a heap budget was not checked: {unchecked}"));
        }
        let sidecar = match &self.file {
            Ok(file) => file.folder.path().join(&file.name).display().to_string(),
            Err(error) => format!("none, because {error}"),
        };
        let Sidecar {
            test_name,
            budgets,
            heap,
            ..
        } = &self.record;
        let text = budget::complaint(test_name, budgets, &heap.checkpoints, &sidecar)?;
        Some((FailureKind::Budget, text))
    }

    /// Replaces the `running` record.
    fn write(&self) -> Result<(), String> {
        let Ok(File { folder, name }) = &self.file else {
            // Said when the test began.
            return Ok(());
        };
        folder
            .put(
                name,
                &contents(&self.record),
                &self.record.run_id,
                Replace::Own,
            )
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// What `HEAP_REQUIRE=1` asks for and this execution lacks.
    fn unmet(&self) -> Option<String> {
        match (&self.file, self.record.heap.allocator) {
            (Err(error), _) => Some(required(error)),
            (Ok(_), Allocator::Jemalloc) => None,
            (Ok(_), Allocator::Other) => Some(required(NO_JEMALLOC)),
        }
    }
}

const NO_JEMALLOC: &str = "jemalloc is not the allocator of this process: \
     write `heap_runtime::use_jemalloc!();` once in the test binary";

fn required(error: &str) -> String {
    format!("HEAP_REQUIRE=1 and the test could not be tracked: {error}")
}

/// Why a tier will be missing.
fn missing_tier(settings: &Settings, allocator: Allocator) -> Option<String> {
    match allocator {
        Allocator::Other => Some(NO_JEMALLOC.into()),
        Allocator::Jemalloc if !settings.process => {
            Some("HEAP_PROCESS=0: the process tier was not asked for".into())
        }
        Allocator::Jemalloc => None,
    }
}

/// Without the keys that `HEAP_REDACT` names. The settings are checked: every key is one of `host`.
fn redacted(mut host: HostContext, settings: &Settings) -> HostContext {
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

/// Writes the `running` record under a name that no other execution of the run has, which another
/// process may have taken: a test binary that runs itself, for one.
fn claim(folder: &Folder, record: &mut Sidecar, name: &mut String) -> Result<(), String> {
    loop {
        let put = folder.put(name, &contents(record), &record.run_id, Replace::OtherRuns);
        match put {
            Ok(true) => return Ok(()),
            Ok(false) => {
                record.iteration += 1;
                *name = execution(record).file_name();
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn contents(record: &Sidecar) -> Vec<u8> {
    let mut contents =
        serde_json::to_vec_pretty(record).expect("maps with text keys and finite numbers only");
    contents.push(b'\n');
    contents
}

/// The folder of this process's run.
fn folder(settings: &Settings) -> Result<&'static Folder, &'static String> {
    static FOLDER: OnceLock<Result<Folder, String>> = OnceLock::new();
    FOLDER
        .get_or_init(|| Place::of(settings, Run::get()).map(Folder::new))
        .as_ref()
}

/// Says once for each process and cause what went wrong. Past the harness, which would show it
/// only for tests that fail.
fn complain(error: &str) {
    use std::io::Write as _;
    static SAID: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    // The cause is what stands behind the path.
    let cause = error.rsplit("`: ").next().unwrap_or(error).to_owned();
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.insert(cause) {
        // With stderr closed there is nobody left to tell.
        let _ = writeln!(std::io::stderr(), "heap_tracked: {error}");
    }
}
