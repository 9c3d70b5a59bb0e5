//! Faults of the file system.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cargo_heap::report::{Run, State};
use heap_runtime::heap_tracked;
use heap_runtime::sidecar::{Outcome, Status};
use heap_tests::{damage, rerun, scratch};

/// Tests that end in every way, more than one of each.
mod victims {
    use heap_runtime::heap_tracked;

    macro_rules! each {
        ($($name:ident)*) => {$(
            mod $name {
                use super::*;

                #[heap_tracked]
                #[test]
                #[ignore = "is run as a child"]
                fn passes() {
                    drop(std::hint::black_box(vec![0_u8; 1000]));
                    heap_runtime::checkpoint("filled");
                }

                #[heap_tracked]
                #[test]
                #[ignore = "is run as a child"]
                fn panics() {
                    panic!("its own reason");
                }

                #[heap_tracked]
                #[test]
                #[ignore = "is run as a child"]
                fn returns_an_error() -> Result<(), String> {
                    Err("its own reason".into())
                }

                #[heap_tracked]
                #[test]
                #[should_panic(expected = "as it should")]
                #[ignore = "is run as a child"]
                fn panics_as_it_should() {
                    panic!("as it should");
                }
            }
        )*};
    }

    each! { a b c d e f g h }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn removes_its_folder() {
        std::fs::remove_dir_all(std::env::var_os("HEAP_SIDECAR_DIR").unwrap()).unwrap();
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn puts_a_file_in_place_of_its_folder() {
        let folder = std::env::var_os("HEAP_SIDECAR_DIR").unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, "a file").unwrap();
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn allows_no_larger_file() {
        let none = rustix::process::Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        rustix::process::setrlimit(rustix::process::Resource::Fsize, none).unwrap();
        // Its record would be overwritten now.
        drop(heap_tests::damage::grow(8));
    }
}

/// The modules of those that end in every way.
const MANY: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn many(folder: &Path) -> Command {
    let mut command = rerun::victims("faults::victims::a::", folder);
    command.args(
        MANY[1..]
            .iter()
            .map(|name| format!("faults::victims::{name}::")),
    );
    command
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs the tests under a fault, which must change no verdict and be told in one line. Where it is
/// `HEAP_REQUIRE`d to write, no test passes, and each says why.
fn damaged(folder: &Path, reason: &str, damage: impl Fn(&mut Command)) -> io::Result<()> {
    let unharmed = damage::output(many(folder).env("HEAP_TRACK", "0"));
    let expected = damage::verdicts(&unharmed);
    assert_eq!(expected.len(), 4 * MANY.len(), "{unharmed:?}");

    let mut command = many(folder);
    damage(&mut command);
    let output = damage::try_output(&mut command)?;
    assert_eq!(damage::verdicts(&output), expected, "{output:?}");
    assert_eq!(output.status, unharmed.status);
    assert_one_line(&output, reason);

    let mut command = many(folder);
    damage(command.env("HEAP_REQUIRE", "1"));
    let output = damage::try_output(&mut command)?;
    for (test, verdict) in damage::verdicts(&output) {
        assert_eq!(verdict, "FAILED", "{test}");
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    let required = "HEAP_REQUIRE=1 and the test could not be tracked";
    // Those that pass and those that panic as they should; the others have a reason of their own.
    assert_eq!(stdout.matches(required).count(), 2 * MANY.len(), "{stdout}");
    assert_eq!(stdout.matches(reason).count(), 2 * MANY.len(), "{stdout}");
    assert!(stdout.matches("its own reason").count() >= 2 * MANY.len());
    assert_one_line(&output, reason);
    Ok(())
}

fn assert_one_line(output: &Output, reason: &str) {
    let said = said(output);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("heap_tracked: cannot "), "{said}");
    assert!(said.trim_end().contains(reason), "{said}");
}

/// Room in a full file system.
const PAGE: u64 = 4096;

#[heap_tracked]
#[test]
fn on_a_full_disk() {
    let folder = scratch::folder();
    if let Err(error) =
        damage::private_mounts().and_then(|()| damage::mount_memory(folder.path(), PAGE))
    {
        return damage::skip(&format!("no mounts of its own: {error}"));
    }
    fs::write(folder.path().join("filler"), [1; 4096]).unwrap();
    damaged(folder.path(), "No space left on device", |_| ()).unwrap();
    assert_eq!(damage::names(folder.path()), ["filler"]);
}

/// A disk with room for the running record and not for the finished one beside it.
#[heap_tracked]
#[test]
fn on_a_disk_that_is_full_in_the_middle() {
    let test = "faults::victims::a::passes";
    let folder = scratch::folder();
    assert!(
        damage::output(&mut rerun::victim(test, folder.path()))
            .status
            .success()
    );
    let [finished] = &damage::names(folder.path())[..] else {
        panic!("{:?}", damage::names(folder.path()));
    };
    let finished = folder.path().join(finished).metadata().unwrap();
    let pages = finished.len().div_ceil(PAGE);
    damage::clear(folder.path());
    if let Err(error) =
        damage::private_mounts().and_then(|()| damage::mount_memory(folder.path(), pages * PAGE))
    {
        return damage::skip(&format!("no mounts of its own: {error}"));
    }
    // What the harness is told, the record of the start says in the end.
    for (require, state) in [("0", State::Passed), ("1", State::Failed)] {
        let mut victim = rerun::victim(test, folder.path());
        let output = damage::output(victim.env("HEAP_REQUIRE", require));
        assert_eq!(
            output.status.success(),
            state == State::Passed,
            "{output:?}"
        );
        if state == State::Passed {
            assert_one_line(&output, "No space left on device");
        }
        let sidecars = damage::sidecars(folder.path());
        assert_eq!(sidecars.len(), 1);
        assert_eq!(sidecars[0].status, Status::Running);
        let run = Run::read(&[folder.path().to_owned()], |_, _| ()).unwrap();
        assert_eq!(run.rows[0].state, state);
        let reason = run.rows[0].heap_reason.as_deref();
        assert_eq!(reason, Some("its finished record could not be written"));
        damage::clear(folder.path());
    }
}

#[heap_tracked]
#[test]
fn in_a_read_only_folder() {
    let folder = scratch::folder();
    let mounted = damage::private_mounts()
        .and_then(|()| damage::mount_memory(folder.path(), PAGE))
        .and_then(|()| damage::make_read_only(folder.path()));
    if let Err(error) = mounted {
        return damage::skip(&format!("no mounts of its own: {error}"));
    }
    damaged(folder.path(), "Read-only file system", |_| ()).unwrap();
}

#[heap_tracked]
#[test]
fn without_permission() {
    const NOBODY: u32 = 65_534;
    let folder = scratch::folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let run = damaged(folder.path(), "Permission denied", |command| {
        // Nothing is forbidden to root.
        if damage::is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
    });
    if let Err(error) = run {
        return damage::skip(&format!("nobody may not run this binary: {error}"));
    }
    assert!(damage::names(folder.path()).is_empty());
}

#[test]
fn without_descriptors() {
    let folder = scratch::folder();
    damaged(folder.path(), "Too many open files", |command| {
        // Standard input, output and error, and one for the folder.
        let four = rustix::process::Rlimit {
            current: Some(4),
            maximum: Some(4),
        };
        let limit = move || {
            rustix::process::setrlimit(rustix::process::Resource::Nofile, four)?;
            Ok(())
        };
        // SAFETY: one system call.
        unsafe { damage::before(command, limit) };
    })
    .unwrap();
    assert!(damage::names(folder.path()).is_empty());
}

#[test]
fn in_a_folder_whose_path_is_too_long() {
    let folder = scratch::folder();
    let name = folder.path().join("x".repeat(256));
    damaged(&name, "File name too long", |_| ()).unwrap();
    let path: PathBuf = std::iter::repeat_n("y".repeat(200), 21).collect();
    damaged(&folder.path().join(path), "File name too long", |_| ()).unwrap();
    assert!(damage::names(folder.path()).is_empty());
}

#[test]
fn into_a_file() {
    let folder = scratch::folder();
    let file = folder.path().join("file");
    fs::write(&file, "as it was").unwrap();
    damaged(&file, "Not a directory", |_| ()).unwrap();
    damaged(&file.join("below"), "Not a directory", |_| ()).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"as it was");
}

/// One line is one line, whatever is in the path.
#[test]
fn into_a_file_with_a_strange_name() {
    let folder = scratch::folder();
    let file = folder.path().join("two\nlines`: and \u{1b}[31mred");
    fs::write(&file, "as it was").unwrap();
    damaged(&file, "Not a directory", |_| ()).unwrap();
}

#[test]
fn a_folder_that_is_removed_in_the_middle_is_made_anew() {
    let parent = scratch::folder();
    let folder = parent.path().join("sidecars");
    let test = "faults::victims::removes_its_folder";
    let output = damage::output(&mut rerun::victim(test, &folder));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(said(&output), "");
    let sidecars = damage::sidecars(&folder);
    assert_eq!(sidecars.len(), 1);
    assert_eq!(sidecars[0].outcome, Some(Outcome::Passed));
}

#[test]
fn a_folder_that_becomes_a_file_in_the_middle_is_told() {
    let parent = scratch::folder();
    let folder = parent.path().join("sidecars");
    let test = "faults::victims::puts_a_file_in_place_of_its_folder";
    let output = damage::output(&mut rerun::victim(test, &folder));
    assert!(output.status.success(), "{output:?}");
    assert_one_line(&output, "Not a directory");
    assert_eq!(fs::read(&folder).unwrap(), b"a file");

    fs::remove_file(&folder).unwrap();
    let output = damage::output(rerun::victim(test, &folder).env("HEAP_REQUIRE", "1"));
    assert_eq!(damage::verdicts(&output)[test], "FAILED");
    assert_one_line(&output, "Not a directory");
}

/// The kernel sends SIGXFSZ to who writes beyond the limit, which would be the test's end.
#[test]
fn a_test_that_allows_no_larger_file_passes() {
    let folder = scratch::folder();
    let test = "faults::victims::allows_no_larger_file";
    let output = damage::output(&mut rerun::victim(test, folder.path()));
    assert!(output.status.success(), "{output:?}");
    assert_one_line(&output, "File too large");
    let sidecars = damage::sidecars(folder.path());
    assert_eq!(sidecars.len(), 1);
    assert_eq!(sidecars[0].status, Status::Running);
}
