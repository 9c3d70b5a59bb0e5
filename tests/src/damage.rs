//! What is done to the processes of tests, and what they must leave behind all the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use heap_sidecar::{NOTES_SUFFIX, RUN_SUFFIX, SUFFIX, Sidecar, read_run};

/// Says that a test cannot do its damage here: in its sidecar, and past the harness, which shows
/// nothing of a test that passes.
pub fn skip(reason: &str) {
    heap_runtime::skip(reason);
    // With stderr closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "skipped: {reason}");
}

/// Whether nextest is installed. Where it is not, the test is skipped, and says so.
#[must_use]
pub fn nextest_is_installed() -> bool {
    let installed = Command::new("cargo")
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        skip("cargo-nextest is not installed");
    }
    installed
}

/// Whether this process may do what only root may.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Gives the calling thread mounts of its own, for the processes that it starts from now on.
///
/// # Errors
///
/// Where it may not.
pub fn private_mounts() -> io::Result<()> {
    // SAFETY: takes a flag; what changes is the calling thread's view of the file system only.
    checked(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    // Else what is mounted here would be mounted for all.
    mount(c"none", c"/", None, libc::MS_REC | libc::MS_PRIVATE, None)
}

/// Makes the calling process's cgroup the root of all cgroups that it can name. Allocates nothing.
///
/// # Errors
///
/// Where it may not.
#[cfg(target_os = "linux")]
pub fn cgroup_namespace() -> io::Result<()> {
    // SAFETY: takes a flag; what changes is how cgroups are named.
    checked(unsafe { libc::unshare(libc::CLONE_NEWCGROUP) })
}

/// Mounts a file system in memory at `folder`, of so many bytes.
///
/// # Errors
///
/// Where that is not allowed.
///
/// # Panics
///
/// Where the path has a zero byte in it.
pub fn mount_memory(folder: &Path, bytes: u64) -> io::Result<()> {
    let options = std::ffi::CString::new(format!("size={bytes}")).expect("digits");
    mount(c"tmpfs", &c_path(folder), Some(c"tmpfs"), 0, Some(&options))
}

/// Makes what is mounted at `folder` read-only.
///
/// # Errors
///
/// Where that is not allowed.
///
/// # Panics
///
/// Where the path has a zero byte in it.
pub fn make_read_only(folder: &Path) -> io::Result<()> {
    let flags = libc::MS_REMOUNT | libc::MS_RDONLY;
    mount(c"tmpfs", &c_path(folder), None, flags, None)
}

fn mount(
    source: &std::ffi::CStr,
    target: &std::ffi::CStr,
    kind: Option<&std::ffi::CStr>,
    flags: libc::c_ulong,
    options: Option<&std::ffi::CStr>,
) -> io::Result<()> {
    let pointer =
        |text: Option<&std::ffi::CStr>| text.map_or(std::ptr::null(), std::ffi::CStr::as_ptr);
    // SAFETY: every pointer is null or to a text that ends in a zero and outlives the call.
    checked(unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            pointer(kind),
            flags,
            pointer(options).cast(),
        )
    })
}

/// A path as system calls take it.
///
/// # Panics
///
/// Where it has a zero byte in it.
#[must_use]
pub fn c_path(path: &Path) -> std::ffi::CString {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::CString::new(path.as_os_str().as_bytes()).expect("no zero byte in a path")
}

/// The error of a system call that returns -1 for one.
///
/// # Errors
///
/// Where it failed.
pub fn checked(returned: libc::c_int) -> io::Result<()> {
    if returned == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Has the process do something before it becomes the command's.
///
/// # Safety
///
/// It runs in the child of a fork, where other threads' locks are held for ever: only what is safe
/// there, such as single system calls on values made before.
pub unsafe fn before(
    command: &mut Command,
    act: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) -> &mut Command {
    // SAFETY: as the caller has promised.
    unsafe { command.pre_exec(act) }
}

/// Runs a command to its end and takes in what it says; one that hangs is killed.
///
/// # Panics
///
/// Where it cannot be started, or takes longer than any test may.
#[must_use]
pub fn output(command: &mut Command) -> Output {
    try_output(command).expect("the command can be started")
}

/// As [`output`], of a command that may not be allowed to start.
///
/// # Errors
///
/// Where it could not be started.
///
/// # Panics
///
/// Where it takes longer than any test may.
pub fn try_output(command: &mut Command) -> io::Result<Output> {
    const MAX_WAIT: Duration = Duration::from_secs(30);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = rustix::process::Pid::from_child(&child);
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let watch = {
        let done = std::sync::Arc::clone(&done);
        std::thread::spawn(move || {
            let start = Instant::now();
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                if start.elapsed() > MAX_WAIT {
                    // It may have ended just now; it is not waited for before this thread ends.
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                    return true;
                }
                std::thread::park_timeout(Duration::from_millis(100));
            }
            false
        })
    };
    let output = child.wait_with_output();
    done.store(true, std::sync::atomic::Ordering::Release);
    watch.thread().unpark();
    let hung = watch.join().expect("the watch does not panic");
    assert!(!hung, "{command:?} hung: {output:?}");
    output
}

/// Allocates so many MiB, one after the other, and keeps them. They are not written to.
#[must_use]
pub fn grow(mib: usize) -> Vec<Vec<u8>> {
    let mut held = Vec::with_capacity(mib);
    for _ in 0..mib {
        held.push(std::hint::black_box(Vec::with_capacity(1 << 20)));
    }
    held
}

/// What libtest says of each test: `ok`, `FAILED`.
#[must_use]
pub fn verdicts(output: &Output) -> BTreeMap<String, String> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "))
        .map(|(name, verdict)| (name.to_owned(), verdict.to_owned()))
        .collect()
}

/// The sidecars of a folder, every one of them readable, and nothing else beside them but what running ones have
/// there.
///
/// # Panics
///
/// Where one is not, or there is something else.
#[must_use]
pub fn sidecars(folder: &Path) -> Vec<Sidecar> {
    let (sidecars, unreadable) = read_run(folder).expect("the folder can be read");
    assert!(unreadable.is_empty(), "{unreadable:?}");
    let notes = sidecars.iter().filter_map(|sidecar| sidecar.notes.as_ref());
    let notes: Vec<String> = notes.map(|mark| format!("{mark}{NOTES_SUFFIX}")).collect();
    for name in names(folder) {
        let is_ours = name.ends_with(SUFFIX) || notes.contains(&name);
        assert!(is_ours, "left behind: {name}");
    }
    sidecars
}

/// Removes all files of a folder.
///
/// # Panics
///
/// Where one cannot be.
pub fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        fs::remove_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// The names in a folder, in order, but for the records of runs, of which there is one whatever their tests do.
///
/// # Panics
///
/// Where it cannot be read.
#[must_use]
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("a name of ours is text"))
        .filter(|name| !name.ends_with(RUN_SUFFIX))
        .collect();
    names.sort_unstable();
    names
}
