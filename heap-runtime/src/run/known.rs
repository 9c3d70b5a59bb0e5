//! What the first process of a run has found out of its host, for the others: nextest starts one for each test, and
//! to find it out takes longer than most tests.
//!
//! It is a file among the sidecars, which goes with them. It is for processes that the same nextest has started itself,
//! with the same namespaces and since the same start of the system; any other finds out for itself. Of what moves, and
//! what somebody may set, there is what a process has read that was told the rest, and the next takes it for as long as it
//! would stand for the host in one process.

use std::fs::read_link;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use heap_sidecar::process::Stat;
use heap_sidecar::run_id::fnv1a;
use heap_sidecar::{Process, host};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat};

use super::ancestry::Ancestry;
use crate::descriptor::Descriptor;
use crate::env::Settings;
use crate::sidecar::Store;

/// The file, beside the sidecars. No reader takes it for one, and `cargo heap clean` removes it with them, as all that is called
/// like this.
pub(super) const FILE: &str = ".host.tmp";

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    /// That of this process, which nextest has started.
    pub(super) fn of(run_id: &str, own: &Stat, process: Process) -> Self {
        let namespace = |name: &str| read_link(format!("/proc/self/ns/{name}"));
        let [mounts, groups]: [PathBuf; 2] =
            ["mnt", "cgroup"].map(|name| namespace(name).unwrap_or_default());
        Self(fnv1a([
            run_id.as_bytes(),
            &own.parent.to_le_bytes(),
            &process.boot.to_le_bytes(),
            mounts.as_os_str().as_bytes(),
            groups.as_os_str().as_bytes(),
            // An emulator's kernel is another, and nextest starts such processes beside others.
            std::env::consts::ARCH.as_bytes(),
        ]))
    }

    /// What stands first in the file.
    fn head(self) -> String {
        format!("heap_tracked {:016x}", self.0)
    }
}

/// What is above this process, if another one of the run has told, together with what it has told of the host.
pub(super) fn read(path: &Path, key: Key) -> Option<Ancestry> {
    let text = String::from_utf8(content(path)?).ok()?;
    let (head, host) = text.split_once('\n')?;
    let partition = head.strip_prefix(&key.head())?;
    host::remember(host);
    Some(Ancestry {
        is_nextest_alone: true,
        partition: partition.strip_prefix(' ').map(str::to_owned),
        ..Ancestry::default()
    })
}

/// More than that is none of ours.
const MAX_BYTES: usize = 1 << 20;

/// Only of a file that nobody else could have put there: it says which other files are to be read.
fn content(path: &Path) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = Descriptor::open(CWD, path, flags, Mode::empty()).ok()?;
    let now = fstat(&file).ok()?;
    // SAFETY: it takes a number, and touches nothing.
    let user = unsafe { libc::getauxval(libc::AT_EUID) };
    let is_ours = u64::from(now.st_uid) == user
        && FileType::from_raw_mode(now.st_mode) == FileType::RegularFile
        && !Mode::from_raw_mode(now.st_mode).contains(Mode::WOTH);
    let length = usize::try_from(now.st_size).ok()?;
    if !is_ours || length > MAX_BYTES {
        return None;
    }
    let mut content = vec![0; length];
    let read = file.read(&mut content).ok()?;
    (read == length).then_some(content)
}

/// Tells the others, once, what nobody had told this process.
pub(super) fn tell(to_tell: Option<&(Key, Option<String>)>, store: &Store, settings: &Settings) {
    static IS_TOLD: AtomicBool = AtomicBool::new(false);
    let (Some((key, partition)), Some(folder)) = (to_tell, store.folder()) else {
        return;
    };
    // What is not to be recorded is not to be here either.
    if !settings.redact.is_empty() || IS_TOLD.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Some(known) = host::known() {
        let text = text(*key, partition.as_deref(), &known);
        // Where it cannot be written, each finds out for itself.
        let _ = folder.replace(FILE, text.as_bytes());
    }
}

fn text(key: Key, partition: Option<&str>, known: &str) -> String {
    let mut text = key.head();
    if let Some(partition) = partition.filter(|partition| !partition.contains('\n')) {
        text.push(' ');
        text.push_str(partition);
    }
    text.push('\n');
    text.push_str(known);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn the_file_is_one_that_clean_removes_with_its_run() {
        assert!(FILE.starts_with('.'), "{FILE}");
        assert_eq!(Path::new(FILE).extension(), Some("tmp".as_ref()));
    }

    #[test]
    fn what_is_told_is_for_those_it_is_for_alone() {
        host::constant();
        let known = host::known().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let (key, other) = (Key(0xab), Key(0xabc));
        assert!(read(&path, key).is_none());
        for partition in [None, Some("hash:1/2"), Some("slice:3 / 4")] {
            fs::write(&path, text(key, partition, &known)).unwrap();
            let ancestry = read(&path, key).unwrap();
            assert_eq!(ancestry.partition.as_deref(), partition);
            assert!(ancestry.marked.is_none() && ancestry.of_cargo.is_none());
            assert!(read(&path, other).is_none());
        }
        // Of anybody's making.
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(read(&link, key).is_none());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(read(&path, key).is_none());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(read(&path, key).is_none());
    }

    #[test]
    fn another_parent_run_or_boot_is_another_key() {
        let own = Stat::of_process("self").unwrap();
        let process = Process::of_own(&own).unwrap();
        let key = Key::of("a", &own, process);
        assert_eq!(key, Key::of("a", &own, process));
        assert_ne!(key, Key::of("b", &own, process));
        let mut another = own.clone();
        another.parent += 1;
        assert_ne!(key, Key::of("a", &another, process));
        let mut another = process;
        another.boot += 1;
        assert_ne!(key, Key::of("a", &own, another));
    }
}
