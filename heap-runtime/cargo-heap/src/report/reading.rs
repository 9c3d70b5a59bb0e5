//! Reading all sidecars of a run, on all CPUs: those of folders, and those that are packed.

use std::io;
use std::mem::take;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::pack::Pack;
use super::record::Record;
use super::row::Row;
use super::run_pressure::RunPressure;
use super::shared::Shares;
use super::workers::on_all_cpus;
use heap_sidecar::{
    FolderError, RUN_SUFFIX, ReadError, RunRecord, SUFFIX, SharedWith, Sidecar, Unreadable,
};

/// Often enough to be seen moving, and seldom enough to cost nothing.
const STEP: usize = 64;

/// What a run is read from.
pub(super) struct Sources {
    /// The sidecars in folders.
    paths: Vec<PathBuf>,
    /// The files about the run itself, there.
    about: Vec<PathBuf>,
    packs: Vec<Pack>,
}

/// What was read.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rows: Vec<Row>,
    pub(super) unreadable: Vec<Unreadable>,
    pub(super) shares: Vec<Shares>,
    done: usize,
}

/// A part of it, which a thread reads at once.
#[derive(Clone, Copy)]
enum Part<'a> {
    Files(&'a [PathBuf]),
    Packed(&'a Pack, usize),
}

impl Sources {
    /// Folders, and files of `cargo heap pack`.
    pub(super) fn of(places: &[&Path]) -> Result<Self, FolderError> {
        let mut sources = Self {
            paths: Vec::new(),
            about: Vec::new(),
            packs: Vec::new(),
        };
        for place in places {
            let failed = |error| FolderError::new(place, error);
            if Pack::is_at(place) {
                sources.packs.push(Pack::open(place).map_err(failed)?);
                continue;
            }
            let named = |suffix| heap_sidecar::paths(place, suffix).map_err(failed);
            sources.paths.extend(named(SUFFIX)?);
            sources.about.extend(named(RUN_SUFFIX)?);
        }
        Ok(sources)
    }

    /// The records of the runs themselves, and what was read around them.
    pub(super) fn about(
        &self,
        unreadable: &mut Vec<Unreadable>,
    ) -> (Vec<RunRecord>, Vec<RunPressure>) {
        let (mut records, mut pressure) = (Vec::new(), Vec::new());
        let mut keep =
            |path: &Path,
             record: Result<RunRecord, ReadError>,
             around: &dyn Fn() -> Result<RunPressure, ReadError>| {
                match record {
                    Ok(record) => records.push(record),
                    // Or what `cargo heap test` has read around it.
                    Err(_) => keep_read(around(), path, &mut pressure, unreadable),
                }
            };
        for path in &self.about {
            keep(path, heap_sidecar::read_as(path), &|| {
                RunPressure::read(path)
            });
        }
        for pack in &self.packs {
            let about = pack
                .beside
                .iter()
                .filter(|(name, _)| name.ends_with(RUN_SUFFIX));
            for (name, contents) in about {
                let record = heap_sidecar::read_slice(contents, |_| None);
                keep(&pack.path.join(name), record, &|| {
                    RunPressure::of_slice(contents)
                });
            }
        }
        (records, pressure)
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let packed = |pack| (0..Pack::parts(pack)).map(move |part| Part::Packed(pack, part));
        let files = self.paths.chunks(STEP).map(Part::Files);
        files.chain(self.packs.iter().flat_map(packed)).collect()
    }

    /// Reads them. `progress` is told how many are done, and how many there are.
    pub(super) fn read(&self, progress: &(impl Fn(usize, usize) + Sync)) -> Found {
        let packed: usize = self.packs.iter().map(|pack| pack.sidecars).sum();
        let count = self.paths.len() + packed;
        let parts = self.parts();
        let next = AtomicUsize::new(0);
        // Memory that is not used is not taken, and a kilobyte for each row is moved into its place once.
        let all = Mutex::new(Found {
            rows: Vec::with_capacity(self.paths.len()),
            ..Found::default()
        });
        let work = || {
            while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                let found = read_part(*part);
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.add(found);
                progress(all.done, count);
            }
        };
        // A thread is not worth starting for fewer files than it takes at once.
        on_all_cpus(parts.len(), work);
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    fn add(&mut self, mut found: Self) {
        self.rows.append(&mut found.rows);
        self.unreadable.append(&mut found.unreadable);
        self.shares.append(&mut found.shares);
        self.done += found.done;
    }

    fn keep(&mut self, path: &Path, read: Result<(Row, Vec<SharedWith>), ReadError>) {
        let read = read.map(|(row, with)| {
            self.shares.extend(Shares::new(&row, with));
            row
        });
        keep_read(read, path, &mut self.rows, &mut self.unreadable);
        self.done += 1;
    }
}

impl Row {
    /// Reads the row of a file, and what its sidecar says of others.
    pub(super) fn read_with(path: &Path) -> Result<(Self, Vec<SharedWith>), ReadError> {
        heap_sidecar::read_as(path).map(Self::with_shared)
    }

    /// The same of a sidecar in memory.
    fn of_slice<'a>(
        sidecar: &[u8],
        beside: impl FnOnce(&str) -> Option<&'a [u8]>,
    ) -> Result<(Self, Vec<SharedWith>), ReadError> {
        heap_sidecar::read_slice(sidecar, beside).map(Self::with_shared)
    }

    fn with_shared(mut record: Record) -> (Self, Vec<SharedWith>) {
        let shared_with = take(&mut record.heap.shared_with);
        (Self::of(record), shared_with)
    }
}

fn read_part(part: Part<'_>) -> Found {
    let mut found = Found::default();
    match part {
        Part::Files(paths) => {
            for path in paths {
                found.keep(path, Row::read_with(path));
            }
        }
        Part::Packed(pack, part) => match pack.part(part) {
            Ok(files) => {
                for (name, contents) in files {
                    let row = Row::of_slice(&contents, |name| pack.contents_of(name));
                    found.keep(&pack.path.join(name), row);
                }
            }
            Err(error) => {
                let unreadable = Unreadable::new(pack.path.clone(), ReadError::Io(error));
                found.unreadable.push(unreadable);
            }
        },
    }
    found
}

fn keep_read<T>(
    read: Result<T, ReadError>,
    path: &Path,
    all: &mut Vec<T>,
    unreadable: &mut Vec<Unreadable>,
) {
    match read {
        Ok(one) => all.push(one),
        // A run that goes on replaces its files; one that was cleaned away is no longer there.
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => unreadable.push(Unreadable::new(path.to_owned(), error)),
    }
}

/// An execution that is wanted: where it is, its row, and all of it.
type Wanted = (PathBuf, Row, Result<Sidecar, ReadError>);

/// The executions of tests that are wanted, in these folders and packs. Those that cannot be read are nobody's.
pub(crate) fn sidecars_of(
    places: &[&Path],
    wanted: impl Fn(&Row) -> bool,
) -> Result<Vec<Wanted>, FolderError> {
    let sources = Sources::of(places)?;
    let is_wanted = |row: &Row| row.parent_pid.is_none() && wanted(row);
    let mut found = Vec::new();
    for path in &sources.paths {
        if let Ok(row) = Row::read(path)
            && is_wanted(&row)
        {
            found.push((path.clone(), row, heap_sidecar::read(path)));
        }
    }
    for pack in &sources.packs {
        for (name, contents) in (0..pack.parts())
            .filter_map(|part| pack.part(part).ok())
            .flatten()
        {
            let beside = |name: &str| pack.contents_of(name);
            if let Ok((row, _)) = Row::of_slice(&contents, beside)
                && is_wanted(&row)
            {
                let sidecar = heap_sidecar::read_slice(&contents, beside);
                found.push((pack.path.join(name), row, sidecar));
            }
        }
    }
    Ok(found)
}
