//! The `running` record of an execution, and the name that it takes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use crate::env::Settings;
use crate::formatted;
use crate::host::HostContext;
use crate::jemalloc::{Allocator, NOT_THE_ALLOCATOR, allocator};
use crate::pool::Pool;
use crate::run::{Run, process_id};
use crate::sidecar::{
    Execution, FORMAT_VERSION, File, Folder, Heap, HostMembers, LastSeen, Place, Replace, Sidecar,
    Slot, Source, Status, WriteError, to_json,
};
use crate::test::Test;

/// A sidecar in the making.
pub(crate) struct Record {
    /// Its `host` lacks what `settled` and `moving` have, its `host_before` what `before` has: what is
    /// the same for many executions is formatted once for all of them.
    pub(crate) sidecar: Sidecar,
    settled: Arc<HostMembers>,
    moving: Arc<HostMembers>,
    before: Arc<HostMembers>,
    /// Room for the contents of the file.
    contents: Room,
}

/// Room for the contents of a file.
struct Room(Vec<u8>);

static ROOMS: Pool<Vec<u8>> = Pool::new();

impl Room {
    /// Most sidecars take no more.
    const SIZE: usize = 4096;

    fn take() -> Self {
        Self(
            ROOMS
                .take()
                .unwrap_or_else(|| Vec::with_capacity(Self::SIZE)),
        )
    }

    /// What is kept for longer must not have grown: it would be in the process tier.
    fn settle(&mut self) {
        if self.0.capacity() > Self::SIZE {
            self.0 = Vec::with_capacity(Self::SIZE);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        ROOMS.give(std::mem::take(&mut self.0));
    }
}

impl Record {
    /// Hands the contents of the file to `write`.
    pub(crate) fn written<T>(&mut self, write: impl FnOnce(&Sidecar, &[u8]) -> T) -> T {
        let host = [&*self.settled, &*self.moving];
        let contents = &mut self.contents.0;
        to_json(&self.sidecar, &host, &self.before, contents);
        let result = write(&self.sidecar, contents);
        self.contents.settle();
        result
    }

    /// Puts in what changes of the host, as it is before the test.
    pub(crate) fn set_host_before(&mut self, settings: &Settings) {
        self.before = formatted::moving(None, settings);
    }

    /// Puts in the host after the test.
    pub(crate) fn set_host_after(&mut self, settings: &Settings) {
        let settled = formatted::settled(settings);
        self.moving = formatted::moving(settled.limits, settings);
        self.settled = Arc::clone(&settled.members);
    }
}

/// What is known of an execution before its state is taken.
pub(crate) fn of(test: &Test<'_>, settings: &Settings, exclusive: bool) -> Record {
    static NOTHING: LazyLock<Arc<HostMembers>> = LazyLock::new(Arc::default);
    Record {
        sidecar: sidecar(test, settings, exclusive),
        settled: Arc::clone(formatted::before(settings)),
        moving: Arc::clone(&NOTHING),
        before: Arc::clone(&NOTHING),
        contents: Room::take(),
    }
}

fn sidecar(test: &Test<'_>, settings: &Settings, exclusive: bool) -> Sidecar {
    let run = Run::get();
    let test_name = test.name();
    let allocator = allocator();
    Sidecar {
        format_version: FORMAT_VERSION,
        status: Status::Running,
        iteration: next_iteration(test_name),
        test_name: test_name.to_owned(),
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
        host: HostContext::default(),
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
    Slot::new(folder(settings).ok()?.path_of(name))
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
        let written = record.written(|sidecar, contents| {
            let replace = Replace::OtherThan(&sidecar.run_id);
            let written = folder.put(&name, contents, replace)?;
            if let Some((slot, written)) = slot.as_mut().zip(written.as_ref()) {
                slot.is_in(written, contents);
            }
            Ok::<_, WriteError>(written.is_some())
        });
        match written {
            Ok(true) => return Ok((File { folder, name }, slot)),
            Ok(false) => {
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
