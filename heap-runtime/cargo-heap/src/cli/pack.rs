//! `cargo heap pack` and `unpack`: a run in one file, and a folder of it again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::Error;
use super::quantity::bytes;
use super::runs::Runs;
use super::status::Status;
use super::terminal::{self, Terminal};
use super::text::printable;
use super::{args, clean, replace};
use crate::report::pack::{Compressed, Head, Pack, Packed, compressed, table};
use crate::report::workers::on_all_cpus;
use heap_sidecar::SUFFIX;

/// How the name of such a file ends, where nobody says otherwise.
const PACK_SUFFIX: &str = ".heap-pack.zst";

/// So many sidecars are in one frame: some hundred kilobytes, of which zstd makes as little as of more.
const IN_A_FRAME: usize = 256;

pub(super) fn pack(command: &args::Pack, terminal: &mut Terminal) -> Result<Status, Error> {
    let runs = Runs::default();
    let folder = match &command.run {
        Some(name) => runs.folder(name)?,
        None => runs.newest_folder()?,
    };
    if Pack::is_at(&folder) {
        let folder = folder.display();
        return Err(Error::new(format!("`{folder}` is packed already")));
    }
    let failed = |error| Error::at("pack", &folder, error);
    let (paths, others) = files_of(&folder).map_err(failed)?;
    let (sidecars, beside): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| is_sidecar(path));
    if sidecars.is_empty() {
        let folder = folder.display();
        return Err(Error::new(format!("there is no sidecar in `{folder}`")));
    }
    let packed = packed(&beside, &sidecars).map_err(failed)?;
    let out = command.out.clone().unwrap_or_else(|| {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(PACK_SUFFIX);
        PathBuf::from(name)
    });
    replace::output(&out, &packed.bytes).map_err(|error| Error::at("write", &out, error))?;
    if others > 0 {
        terminal::note(&format!(
            "{others} other file(s) in the folder are not packed"
        ));
    }
    writeln!(
        terminal,
        "{} file(s), {}, are packed to {}, {}",
        packed.files,
        bytes(packed.length),
        printable(&out.to_string_lossy()),
        bytes(packed.bytes.len() as u64)
    )?;
    Ok(Status::Good)
}

/// The files of a run in a folder, and how many others there are.
fn files_of(folder: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
    let (mut paths, mut others) = (Vec::new(), 0);
    for entry in folder.read_dir()? {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().is_some_and(clean::is_ours);
        if is_ours && entry.file_type()?.is_file() {
            paths.push(entry.path());
        } else {
            others += 1;
        }
    }
    paths.sort_unstable();
    Ok((paths, others))
}

fn is_sidecar(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.ends_with(SUFFIX))
}

/// What a pack consists of.
struct Whole {
    bytes: Vec<u8>,
    files: usize,
    /// How long the files are together.
    length: u64,
}

/// Lines of files.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    files: usize,
    length: u64,
}

impl Lines {
    fn put(&mut self, line: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.text, line)?;
        self.text.push(b'\n');
        Ok(())
    }

    /// Of those that are still there: a run that goes on removes some.
    fn of(paths: &[PathBuf]) -> io::Result<Self> {
        let mut lines = Self::default();
        for path in paths {
            let contents = match fs::read(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                contents => contents?,
            };
            lines.files += 1;
            lines.length += contents.len() as u64;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            lines.put(&Packed::new(name.into_owned(), contents))?;
        }
        Ok(lines)
    }
}

fn packed(beside: &[PathBuf], sidecars: &[PathBuf]) -> io::Result<Whole> {
    // What is beside is read first: a test that ends meanwhile has all of it in its sidecar.
    let beside = Lines::of(beside)?;
    let frames = compressed_sidecars(sidecars)?;
    let count = frames.iter().map(|(lines, _)| lines.files).sum();
    let mut first = Lines::default();
    first.put(&Head::new(beside.files, count))?;
    first.text.extend(&beside.text);
    let mut whole = Whole {
        bytes: Vec::new(),
        files: beside.files + count,
        length: beside.length + frames.iter().map(|(lines, _)| lines.length).sum::<u64>(),
    };
    let first = compressed(&first.text)?;
    let frames: Vec<Compressed> = std::iter::once(first)
        .chain(frames.into_iter().map(|(_, frame)| frame))
        .collect();
    for frame in &frames {
        whole.bytes.extend(&frame.frame);
    }
    whole.bytes.extend(table(&frames)?);
    Ok(whole)
}

/// On all CPUs: a frame of so many sidecars each, in their order. Their text is gone by then.
fn compressed_sidecars(paths: &[PathBuf]) -> io::Result<Vec<(Lines, Compressed)>> {
    let parts: Vec<&[PathBuf]> = paths.chunks(IN_A_FRAME).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(paths) = parts.get(index) else {
                return;
            };
            let frame = Lines::of(paths).and_then(|mut lines| {
                let frame = compressed(&lines.text)?;
                lines.text = Vec::new();
                Ok((lines, frame))
            });
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.insert(index, frame);
        }
    };
    on_all_cpus(parts.len(), work);
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_values().collect()
}

pub(super) fn unpack(command: &args::Unpack, terminal: &mut Terminal) -> Result<Status, Error> {
    let failed = |error| Error::at("unpack", &command.file, error);
    let pack = Pack::open(&command.file).map_err(failed)?;
    let folder = match &command.out {
        Some(folder) => folder.clone(),
        None => default_folder(&command.file)?,
    };
    let cannot_make = |error| Error::at("make", &folder, error);
    fs::create_dir_all(&folder).map_err(cannot_make)?;
    if folder.read_dir().map_err(cannot_make)?.next().is_some() {
        return Err(Error::at(
            "unpack into",
            &folder,
            "there is something in it",
        ));
    }
    let mut files = 0;
    let mut write = |name: &str, contents: &[u8]| {
        let path = folder.join(name);
        files += 1;
        fs::write(&path, contents).map_err(|error| Error::at("write", &path, error))
    };
    for (name, contents) in &pack.beside {
        write(name, contents)?;
    }
    for part in 0..pack.parts() {
        for (name, contents) in pack.part(part).map_err(failed)? {
            write(&name, &contents)?;
        }
    }
    let shown = folder.to_string_lossy();
    writeln!(terminal, "{files} file(s) are in {}", printable(&shown))?;
    Ok(Status::Good)
}

fn default_folder(file: &Path) -> Result<PathBuf, Error> {
    let name = file.file_name().and_then(|name| name.to_str());
    let stem = name.and_then(|name| name.strip_suffix(PACK_SUFFIX));
    stem.filter(|stem| !stem.is_empty())
        .map(PathBuf::from)
        .ok_or_else(|| {
            Error::at(
                "unpack",
                file,
                format!("it is not called `*{PACK_SUFFIX}`: name a folder with --out"),
            )
        })
}
