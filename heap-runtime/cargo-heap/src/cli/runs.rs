//! Which runs are meant, and reading them.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::junit::{is_run, word};
use super::progress::Progress;
use super::report::left_out::warn_of_left_out;
use super::text::printable;
use super::workspace::{self, Workspace};
use crate::report::pack::Pack;
use crate::report::{Run, RunFolder};
use crate::settings::Settings;
use heap_sidecar::{RunRecord, Runner};

/// The places where runs are looked for; asked only if somebody has to look.
#[derive(Default)]
pub(super) struct Runs {
    kept: OnceCell<Kept>,
}

/// The runs of a target folder.
pub(super) struct Kept {
    /// The newest first.
    all: Vec<RunFolder>,
    /// Whose they are to be.
    workspace: heap_sidecar::Workspace,
}

impl Kept {
    /// Those of this workspace, the newest first, and how many others are there: several may share a target
    /// folder.
    pub(super) fn own(&self) -> Result<(Vec<&RunFolder>, usize), Error> {
        let mut own = Vec::new();
        for run in &self.all {
            if is_of(&records(run)?, &self.workspace) {
                own.push(run);
            }
        }
        let others = self.all.len() - own.len();
        Ok((own, others))
    }

    /// All of them, the newest first.
    pub(super) fn all(&self) -> Vec<&RunFolder> {
        self.all.iter().collect()
    }

    /// The newest of this workspace, and how many of others are newer.
    fn newest(&self) -> Result<(Option<&RunFolder>, usize), Error> {
        for (newer, run) in self.all.iter().enumerate() {
            if is_of(&records(run)?, &self.workspace) {
                return Ok((Some(run), newer));
            }
        }
        Ok((None, self.all.len()))
    }
}

fn records(run: &RunFolder) -> Result<Vec<RunRecord>, Error> {
    match run.records() {
        // Cleaned away since.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        records => records.map_err(|error| Error::at("read", &run.path, error)),
    }
}

/// Whether a run, or a part of it, is of the workspace, as far as is known.
fn is_of<'a>(
    records: impl IntoIterator<Item = &'a RunRecord>,
    workspace: &heap_sidecar::Workspace,
) -> bool {
    let mut told = records
        .into_iter()
        .filter_map(|record| record.workspace.as_ref())
        .map(|of| of.root == workspace.root)
        .peekable();
    told.peek().is_none() || told.any(|is_it| is_it)
}

impl Runs {
    /// Reads the runs that these arguments name; the newest where there are none.
    pub(super) fn read(&self, names: &[OsString]) -> Result<Run, Error> {
        if names.is_empty() {
            return self.read_newest();
        }
        if let [name] = names
            && let Some(run) = of_sidecar_dir(name)?
        {
            return with_tests(run);
        }
        // A run that is named twice is one all the same.
        let mut folders: Vec<PathBuf> = Vec::new();
        for name in names {
            let folder = self.folder(name)?;
            let is_it = |known: &PathBuf| *known == folder || is_same(known, &folder);
            if !folders.iter().any(is_it) {
                folders.push(folder);
            }
        }
        with_tests(read(&folders)?)
    }

    /// Reads the runs that these arguments name; the one with this id where there are none.
    pub(super) fn read_run(&self, names: &[OsString], id: &str) -> Result<Run, Error> {
        if !names.is_empty() {
            return self.read(names);
        }
        let settings = Settings::get().map_err(Error::new)?;
        if let Some(folder) = workspace::sidecar_dir(settings)? {
            let mut run = with_tests(read(&[folder])?)?;
            let found = run.rows.iter().find(|row| is_run(row, id));
            if let Some(id) = found.map(|row| row.run_id.clone()) {
                run.keep(&id);
            }
            return Ok(run);
        }
        let is_it = |run: &&RunFolder| run.path.file_name().is_some_and(|name| name == id);
        if let Some(found) = self.kept()?.all.iter().find(is_it) {
            return with_tests(read(std::slice::from_ref(&found.path))?);
        }
        // It may have been given another name.
        for folder in &self.kept()?.all {
            let run = read(std::slice::from_ref(&folder.path))?;
            if run.rows.iter().any(|row| is_run(row, id)) {
                return Ok(run);
            }
        }
        let id = printable(id);
        Err(Error::new(format!(
            "there are no sidecars of run {id}: name their folder"
        )))
    }

    fn read_newest(&self) -> Result<Run, Error> {
        let settings = Settings::get().map_err(Error::new)?;
        if let Some(folder) = workspace::sidecar_dir(settings)? {
            let mut run = with_tests(read(std::slice::from_ref(&folder))?)?;
            keep_newest(&mut run);
            return Ok(run);
        }
        let (newest, foreign, others) = self.newest()?;
        let mut run = read(std::slice::from_ref(&newest.path))?;
        (run.foreign_runs, run.other_runs) = (foreign, others);
        with_tests(run)
    }

    /// The newest run of the workspace, how many of others are newer, and how many other runs there are.
    fn newest(&self) -> Result<(&RunFolder, usize, usize), Error> {
        let kept = self.kept()?;
        let (newest, foreign) = kept.newest()?;
        let newest = newest.ok_or_else(|| match Workspace::of(&[]) {
            Err(error) => error,
            Ok(workspace) => Error::new(format!(
                "there is no run yet in `{}`: `cargo heap test` makes one, and `cargo test` does too",
                workspace.target().join(heap_sidecar::RUNS_FOLDER).display()
            )),
        })?;
        Ok((newest, foreign, kept.all.len() - 1 - foreign))
    }

    /// The folder of the newest run; that of all of them, where `HEAP_SIDECAR_DIR` is set.
    pub(super) fn newest_folder(&self) -> Result<PathBuf, Error> {
        let settings = Settings::get().map_err(Error::new)?;
        match workspace::sidecar_dir(settings)? {
            Some(folder) => Ok(folder),
            None => self.newest().map(|(newest, ..)| newest.path.clone()),
        }
    }

    /// The folder that a name stands for: a folder's path, a run's id, or the beginning of one.
    pub(super) fn folder(&self, name: &OsStr) -> Result<PathBuf, Error> {
        let path = Path::new(name);
        let shown = path.display();
        if path.is_dir() || Pack::is_at(path) {
            return Ok(path.to_owned());
        }
        if path.exists() {
            return Err(Error::new(format!(
                "`{shown}` is not a run: give a folder of `*{}` files, a file of `cargo heap pack`, or a run's id",
                heap_sidecar::SUFFIX
            )));
        }
        let kept = &self.kept()?.all;
        let id = |run: &RunFolder| run.path.file_name()?.to_str().map(str::to_owned);
        // An id has nothing in it but ASCII.
        let beginning = name.to_str().filter(|name| !name.is_empty());
        let begins_so = |run: &&RunFolder| {
            id(run).is_some_and(|id| beginning.is_some_and(|begin| id.starts_with(begin)))
        };
        let mut matching = kept.iter().filter(begins_so);
        match (matching.next(), matching.next()) {
            (Some(run), None) => Ok(run.path.clone()),
            (Some(_), Some(_)) => Err(Error::new(format!(
                "`{shown}` is the beginning of several runs' ids: write more of it"
            ))),
            (None, _) => {
                let known: Vec<String> = kept.iter().take(5).filter_map(id).collect();
                let known = if known.is_empty() {
                    "there is none".to_owned()
                } else {
                    format!("the newest are {}", known.join(", "))
                };
                Err(Error::new(format!(
                    "there is neither a folder nor a run `{shown}`: {known}"
                )))
            }
        }
    }

    /// The runs that are kept.
    pub(super) fn kept(&self) -> Result<&Kept, Error> {
        if let Some(kept) = self.kept.get() {
            return Ok(kept);
        }
        let workspace = Workspace::of(&[])?;
        let mut all = Vec::new();
        for folder in workspace.targets() {
            let runs = RunFolder::all_in(&folder)
                .map_err(|error| Error::at("list the runs in", &folder, error))?;
            all.extend(runs);
        }
        all.sort_by_key(|run| Reverse(run.modified));
        Ok(self.kept.get_or_init(|| Kept {
            all,
            workspace: heap_sidecar::Workspace::at(workspace.root()),
        }))
    }
}

/// The run in `HEAP_SIDECAR_DIR` whose id begins so: there, runs have no folders of their own. None where it stands for
/// something else.
fn of_sidecar_dir(name: &OsStr) -> Result<Option<Run>, Error> {
    let settings = Settings::get().map_err(Error::new)?;
    let beginning = name.to_str().filter(|name| !name.is_empty());
    let (false, Some(beginning)) = (Path::new(name).exists(), beginning) else {
        return Ok(None);
    };
    let folder = workspace::sidecar_dir(settings)?.filter(|folder| folder.is_dir());
    let Some(folder) = folder else {
        return Ok(None);
    };
    let mut run = read(&[folder])?;
    let ids = run.rows.iter().map(|row| &*row.run_id);
    let ids: BTreeSet<&str> = ids.filter(|id| id.starts_with(beginning)).collect();
    let id = match (ids.len(), ids.first()) {
        (0, _) | (_, None) => return Ok(None),
        (1, Some(id)) => (*id).to_owned(),
        (_, Some(id)) if *id == beginning => beginning.to_owned(),
        _ => {
            return Err(Error::new(format!(
                "`{}` is the beginning of several runs' ids: write more of it",
                printable(beginning)
            )));
        }
    };
    run.keep(&id);
    Ok(Some(run))
}

/// Leaves the newest run of this workspace: a `HEAP_SIDECAR_DIR` may be used for run after run, and by several.
fn keep_newest(run: &mut Run) {
    let own = Workspace::of(&[]).ok();
    let own = own.map(|own| heap_sidecar::Workspace::at(own.root()));
    let is_own = |id: &str| {
        let records = run.records.iter().filter(|record| record.run_id == id);
        own.as_ref().is_none_or(|own| is_of(records, own))
    };
    let all: BTreeSet<&str> = run.rows.iter().map(|row| &*row.run_id).collect();
    let foreign: BTreeSet<&str> = all.iter().copied().filter(|id| !is_own(id)).collect();
    let of_own = run
        .rows
        .iter()
        .filter(|row| !foreign.contains(&*row.run_id));
    let newest = of_own.max_by_key(|row| &row.started_at);
    // Where all are of others, somebody has put them here to be read.
    let newest = newest.or_else(|| run.rows.iter().max_by_key(|row| &row.started_at));
    let Some(newest) = newest.map(|row| row.run_id.clone()) else {
        return;
    };
    run.keep(&newest);
}

fn is_same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// The run, where it has a test.
fn with_tests(run: Run) -> Result<Run, Error> {
    if run.rows.is_empty() {
        return Err(nothing_in(&run));
    }
    Ok(run)
}

/// Why there is no test in these folders.
pub(super) fn nothing_in(run: &Run) -> Error {
    warn_of_left_out(run);
    let folders: Vec<_> = (run.folders.iter())
        .map(|folder| format!("`{}`", folder.display()))
        .collect();
    let folders = folders.join(", ");
    if !run.unreadable.is_empty() {
        return Error::new(format!("no sidecar in {folders} can be read"));
    }
    let runs = run.folders.iter().find_map(|folder| {
        let holds_sidecars = |path: &PathBuf| {
            heap_sidecar::paths(path, heap_sidecar::SUFFIX).is_ok_and(|paths| !paths.is_empty())
        };
        let inside = folder.read_dir().ok()?.filter_map(Result::ok);
        inside.map(|entry| entry.path()).find(holds_sidecars)
    });
    let hint = runs.map_or_else(
        || format!("a run's folder has files named `*{}`", heap_sidecar::SUFFIX),
        |inside| format!("name a folder in it, such as `{}`", inside.display()),
    );
    Error::new(format!("there is no sidecar in {folders}: {hint}"))
}

/// Reads these folders, with progress to see where that takes long. Where nextest has left what it says of
/// the tests, they stand as it says.
pub(super) fn read(folders: &[PathBuf]) -> Result<Run, Error> {
    let progress = Progress::of("reading sidecars");
    let run = Run::read(folders, |done, all| progress.set(done, all));
    let mut run = run.map_err(|error| Error::of(&error))?;
    if run.rows.iter().any(|row| row.runner == Runner::Nextest) {
        // A run's folder is below that of all runs, and that in the target folder; nextest keeps its files in
        // `target` of the workspace, wherever cargo's own is.
        let above = folders
            .iter()
            .filter_map(|folder| folder.parent()?.parent());
        let mut targets: BTreeSet<PathBuf> = above.map(Path::to_owned).collect();
        targets.extend(Workspace::of(&[]).into_iter().flat_map(|all| all.targets()));
        for target in targets {
            let verdicts = word::found(&target, &run.rows);
            run.hear(verdicts);
        }
    }
    Ok(run)
}
