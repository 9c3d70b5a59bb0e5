//! Odd processes: tests that change what they run in. No verdict changes, and the sidecar is where
//! it belongs, or one line says why it is not.
//!
//! The victims are tests of this binary that are ignored, run by it as a child. Each does what its
//! name says, and no more.

use std::path::Path;
use std::process::{Command, Output};

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::{LastSeen, Outcome, Sidecar, Status};
use heap_tests::damage::{self, checked};
use heap_tests::{rerun, scratch};
use tempfile::TempDir;

heap_runtime::use_jemalloc!();

mod victims {
    use super::*;

    const NOBODY: libc::uid_t = 65_534;

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn starts_another_program() {
        assert!(Command::new("/bin/true").status().unwrap().success());
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn changes_directory() {
        std::env::set_current_dir("/").unwrap();
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn takes_all_descriptors() {
        while let Ok(file) = std::fs::File::open("/dev/null") {
            std::mem::forget(file);
        }
    }

    macro_rules! victims {
        ($($name:ident $body:block)*) => {$(
            #[heap_tracked]
            #[test]
            #[ignore = "is run as a child"]
            fn $name() {
                // SAFETY: each calls the system with constants, null, or pointers to values that
                // outlive the call, in a process that has this test only.
                unsafe { $body }
            }
        )*};
    }

    fn wait_for(child: libc::pid_t) {
        let mut status = 0;
        // SAFETY: the pointer is to a value that outlives the call.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert!(libc::WIFEXITED(status), "{status:#x}");
    }

    fn scratch_root() -> std::ffi::CString {
        damage::c_path(Path::new(&std::env::var_os("ELSEWHERE").unwrap()))
    }

    /// Its sidecar, as it is on the disk.
    fn on_the_disk() -> Sidecar {
        let folder = std::env::var_os("HEAP_SIDECAR_DIR").unwrap();
        let mut sidecars = damage::sidecars(Path::new(&folder));
        assert_eq!(sidecars.len(), 1);
        sidecars.remove(0)
    }

    fn is_tracked() -> bool {
        std::env::var_os("HEAP_TRACK").is_none()
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn grows() {
        let held = damage::grow(8);
        if is_tracked() {
            let seen = on_the_disk().heap.last_seen.unwrap();
            assert!(seen.live_bytes > 6 << 20, "{seen:?}");
        }
        drop(held);
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn grows_with_all_descriptors_taken() {
        let mut taken = Vec::with_capacity(1 << 20);
        while let Ok(file) = std::fs::File::open("/dev/null") {
            taken.push(file);
        }
        drop(damage::grow(8));
    }

    victims! {
        grows_in_a_fork {
            match libc::fork() {
                0 => {
                    std::mem::forget(damage::grow(8));
                    libc::_exit(0)
                }
                child => wait_for(child),
            }
            if is_tracked() {
                assert_eq!(on_the_disk().heap.last_seen, Some(LastSeen::default()));
            }
        }
        grows_with_standard_ones_closed {
            use std::io::Write as _;
            checked(libc::close_range(0, u32::MAX, 0)).unwrap();
            std::thread::spawn(|| loop {
                let _ = std::io::stdout().write_all(b"printed\n");
            });
            for _ in 0..200 {
                drop(damage::grow(24));
                heap_runtime::checkpoint("again");
            }
        }
        grows_with_an_error_pending {
            *libc::__errno_location() = 12_345;
            let held = damage::grow(8);
            assert_eq!(*libc::__errno_location(), 12_345);
            drop(held);
        }
        grows_in_another_root {
            let root = scratch_root();
            let record = Path::new(&std::env::var_os("HEAP_SIDECAR_DIR").unwrap()).to_owned();
            let decoys = Path::new(&std::env::var_os("ELSEWHERE").unwrap())
                .join(record.strip_prefix("/").unwrap());
            std::fs::create_dir_all(&decoys).unwrap();
            for name in damage::names(&record) {
                std::fs::copy(record.join(&name), decoys.join(&name)).unwrap();
            }
            checked(libc::chroot(root.as_ptr())).unwrap();
            std::env::set_current_dir("/").unwrap();
            drop(damage::grow(8));
            if is_tracked() {
                assert_eq!(on_the_disk().heap.last_seen, Some(LastSeen::default()));
            }
            for entry in std::fs::read_dir("/").unwrap() {
                std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
            }
        }
        forks {
            match libc::fork() {
                0 => {
                    heap_runtime::checkpoint("in the fork");
                    libc::_exit(0)
                }
                child => wait_for(child),
            }
        }
        forks_and_both_return {
            let child = libc::fork();
            if child > 0 {
                wait_for(child);
            }
        }
        forks_and_the_fork_panics {
            let child = libc::fork();
            assert_ne!(child, 0);
            wait_for(child);
        }
        executes_another_program {
            let program = c"/bin/true".as_ptr();
            libc::execv(program, [program, std::ptr::null()].as_ptr());
            unreachable!();
        }
        daemonizes {
            if libc::fork() > 0 {
                libc::_exit(0);
            }
            checked(libc::setsid()).unwrap();
        }
        changes_root {
            checked(libc::chroot(scratch_root().as_ptr())).unwrap();
            std::env::set_current_dir("/").unwrap();
        }
        changes_root_and_closes_all {
            checked(libc::chroot(scratch_root().as_ptr())).unwrap();
            checked(libc::close_range(3, u32::MAX, 0)).unwrap();
        }
        drops_privileges {
            checked(libc::setresgid(NOBODY, NOBODY, NOBODY)).unwrap();
            checked(libc::setresuid(NOBODY, NOBODY, NOBODY)).unwrap();
        }
        closes_all_but_standard_ones {
            checked(libc::close_range(3, u32::MAX, 0)).unwrap();
            // Another file gets the folder's number.
            std::mem::forget(std::fs::File::open("/dev/null").unwrap());
        }
        closes_standard_ones_and_prints {
            // Past the harness, which would catch it.
            use std::io::Write as _;
            checked(libc::close_range(0, u32::MAX, 0)).unwrap();
            std::thread::spawn(|| loop {
                let _ = std::io::stdout().write_all(b"printed\n");
            });
            for number in 0..100 {
                heap_runtime::checkpoint(format!("{number}"));
            }
        }
        sets_umask {
            libc::umask(0o777);
        }
        blocks_signals {
            let mut all = std::mem::zeroed();
            checked(libc::sigfillset(&raw mut all)).unwrap();
            checked(libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut()))
                .unwrap();
        }
        is_interrupted_all_the_time {
            extern "C" fn nothing(_: libc::c_int) {}
            // Without SA_RESTART, so that system calls are interrupted.
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as *const () as usize;
            checked(libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut())).unwrap();
            let every = libc::timeval { tv_sec: 0, tv_usec: 50 };
            let timer = libc::itimerval { it_interval: every, it_value: every };
            checked(libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()))
                .unwrap();
            for number in 0..200 {
                heap_runtime::checkpoint(format!("{number}"));
            }
        }
        changes_locale {
            // One with a comma in numbers, where there is one.
            for locale in [c"de_DE.UTF-8", c"fr_FR.UTF-8", c""] {
                libc::setlocale(libc::LC_ALL, locale.as_ptr());
            }
            heap_runtime::metric("a_half", 0.5);
        }
        moves_namespaces {
            let all = libc::CLONE_NEWNS | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC
                | libc::CLONE_NEWNET | libc::CLONE_NEWPID;
            checked(libc::unshare(all)).unwrap();
            damage::private_mounts().unwrap();
            let folder = std::env::var_os("HEAP_SIDECAR_DIR").unwrap();
            damage::mount_memory(Path::new(&folder), 1 << 20).unwrap();
        }
    }
}

struct Left {
    output: Output,
    sidecars: Vec<Sidecar>,
    folder: TempDir,
    elsewhere: TempDir,
}

/// Runs a victim with tracking and without, which must be the same to who started it.
fn left(name: &str) -> Left {
    let test = format!("victims::{name}");
    let (folder, elsewhere) = (scratch::folder(), scratch::folder());
    let mut command = rerun::victim(&test, folder.path());
    command.env("ELSEWHERE", elsewhere.path());
    let output = damage::output(&mut command);
    let untracked = damage::output(command.env("HEAP_TRACK", "0"));
    assert_eq!(output.status, untracked.status, "{output:?} {untracked:?}");
    assert_eq!(damage::verdicts(&output), damage::verdicts(&untracked));
    let sidecars = damage::sidecars(folder.path());
    Left {
        output,
        sidecars,
        folder,
        elsewhere,
    }
}

impl Left {
    /// One sidecar, of a test that has passed, and nothing said.
    fn passed(&self) -> &Sidecar {
        assert_eq!(self.output.status.code(), Some(0), "{:?}", self.output);
        assert!(self.output.stderr.is_empty(), "{:?}", self.output);
        let [sidecar] = &self.sidecars[..] else {
            panic!("{:?}", self.sidecars);
        };
        assert_eq!(sidecar.outcome, Some(Outcome::Passed));
        assert!(damage::names(self.elsewhere.path()).is_empty());
        sidecar
    }

    /// The running record, and this reason.
    fn told(&self, reason: &str) {
        assert_eq!(self.output.status.code(), Some(0), "{:?}", self.output);
        let said = String::from_utf8_lossy(&self.output.stderr);
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(reason), "{said}");
        assert_eq!(self.sidecars.len(), 1);
        assert_eq!(self.sidecars[0].status, Status::Running);
        assert!(damage::names(self.elsewhere.path()).is_empty());
    }
}

#[test]
fn a_fork_is_not_the_test() {
    let sidecars = left("forks");
    assert!(sidecars.passed().heap.checkpoints.is_empty());
    // The harness itself is there twice then, and says all twice.
    left("forks_and_both_return").passed();
    left("starts_another_program").passed();
}

#[test]
fn a_fork_that_panics_is_not_the_test() {
    let left = left("forks_and_the_fork_panics");
    assert_eq!(left.sidecars.len(), 1);
    assert_eq!(left.sidecars[0].outcome, Some(Outcome::Passed));
}

#[test]
fn a_process_that_becomes_another_leaves_its_running_record() {
    for name in ["executes_another_program", "daemonizes"] {
        let left = left(name);
        assert_eq!(left.output.status.code(), Some(0));
        assert_eq!(left.sidecars.len(), 1, "{name}");
        assert_eq!(left.sidecars[0].status, Status::Running, "{name}");
    }
}

#[test]
fn what_a_test_does_to_its_process_does_not_move_its_sidecar() {
    for name in [
        "closes_all_but_standard_ones",
        "sets_umask",
        "blocks_signals",
        "is_interrupted_all_the_time",
        "changes_locale",
        "grows",
        "grows_in_a_fork",
        "grows_with_an_error_pending",
        "grows_with_all_descriptors_taken",
    ] {
        left(name).passed();
    }
    assert!((left("changes_locale").passed().metrics["a_half"] - 0.5).abs() < f64::EPSILON);
}

#[test]
fn a_relative_folder_is_where_the_process_started() {
    let start = scratch::folder();
    let mut command = rerun::victim("victims::changes_directory", Path::new("sidecars"));
    let output = damage::output(command.current_dir(start.path()));
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let sidecars = damage::sidecars(&start.path().join("sidecars"));
    assert_eq!(sidecars[0].outcome, Some(Outcome::Passed));
}

#[test]
fn what_is_printed_to_closed_descriptors_comes_into_no_sidecar() {
    let left = left("closes_standard_ones_and_prints");
    assert_eq!(left.sidecars.len(), 1);
    assert_eq!(left.sidecars[0].outcome, Some(Outcome::Passed));
    assert_eq!(left.sidecars[0].heap.checkpoints.len(), 100);
}

#[test]
fn what_is_printed_while_it_grows_comes_into_no_sidecar() {
    let left = left("grows_with_standard_ones_closed");
    assert_eq!(left.sidecars.len(), 1);
    assert_eq!(left.sidecars[0].outcome, Some(Outcome::Passed));
}

#[test]
fn a_test_that_takes_all_descriptors_is_told_why_its_end_is_missing() {
    left("takes_all_descriptors").told("Too many open files");
}

#[heap_tracked]
#[test]
fn what_only_root_may_do_does_not_move_its_sidecar() {
    if !damage::is_root() {
        return damage::skip("needs root");
    }
    left("changes_root").passed();
    left("grows_in_another_root").passed();
    left("changes_root_and_closes_all").told("changed the root directory");
}

#[heap_tracked]
#[test]
fn who_drops_privileges_may_not_write_any_more() {
    use std::os::unix::fs::PermissionsExt as _;
    if !damage::is_root() {
        return damage::skip("needs root");
    }
    let left = left("drops_privileges");
    left.told("Permission denied");
    // In a folder that all may write to, there is nothing to tell.
    for name in damage::names(left.folder.path()) {
        std::fs::remove_file(left.folder.path().join(name)).unwrap();
    }
    let for_all = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(left.folder.path(), for_all).unwrap();
    let mut command = rerun::victim("victims::drops_privileges", left.folder.path());
    let output = damage::output(&mut command);
    assert!(output.stderr.is_empty(), "{output:?}");
    let sidecars = damage::sidecars(left.folder.path());
    assert_eq!(sidecars[0].outcome, Some(Outcome::Passed));
}

#[heap_tracked]
#[test]
fn who_moves_namespaces_leaves_its_sidecar_where_it_was() {
    if let Err(error) = std::thread::spawn(damage::private_mounts).join().unwrap() {
        return damage::skip(&format!("no namespaces: {error}"));
    }
    left("moves_namespaces").passed();
}
