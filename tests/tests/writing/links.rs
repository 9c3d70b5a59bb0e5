//! Links, pipes and files that somebody has put where a sidecar goes: nothing is written through
//! one, and none keeps a writer or a reader waiting.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};
use std::path::Path;
use std::process::Command;

use heap_sidecar::{Outcome, Sidecar, Status, read, read_run};
use heap_tests::{damage, rerun, scratch};

mod victims {
    use std::path::PathBuf;

    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn passes() {}

    fn path(of: &str) -> PathBuf {
        PathBuf::from(std::env::var_os(of).unwrap())
    }

    /// Puts a link where its next checkpoint goes.
    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn puts_a_link_in_place_of_its_notes() {
        heap_runtime::checkpoint("before");
        let names = heap_tests::damage::names(&path("HEAP_SIDECAR_DIR"));
        let notes = names.iter().find(|name| name.ends_with(".heap.notes"));
        let notes = path("HEAP_SIDECAR_DIR").join(notes.unwrap());
        std::fs::remove_file(&notes).unwrap();
        match std::env::var("KIND").unwrap().as_str() {
            "symbolic" => std::os::unix::fs::symlink(path("ELSEWHERE"), &notes).unwrap(),
            _ => std::fs::hard_link(path("ELSEWHERE"), &notes).unwrap(),
        }
        heap_runtime::checkpoint("after");
    }

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn puts_a_link_in_place_of_its_record() {
        let record =
            path("HEAP_SIDECAR_DIR").join(super::file_name("puts_a_link_in_place_of_its_record"));
        std::fs::remove_file(&record).unwrap();
        std::os::unix::fs::symlink(path("ELSEWHERE"), record).unwrap();
    }
}

const CONTENTS: &str = "not to be written to";

fn test_name(function: &str) -> String {
    format!("links::victims::{function}")
}

fn file_name(function: &str) -> String {
    format!("heap-tests+writing+links+victims+{function}.heap.json")
}

/// Runs a victim, which passes and has nothing to say.
fn quiet(command: &mut Command) {
    let output = damage::output(command);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

/// Runs the victim that does nothing where something else has its name: it takes the next. In each
/// folder it is of another run, whoever runs this test.
fn passes_beside(folder: &Path) -> Sidecar {
    let mut victim = rerun::victim(&test_name("passes"), folder);
    quiet(victim.env("NEXTEST_RUN_ID", folder.file_name().unwrap()));
    let (mut sidecars, _) = read_run(folder).unwrap();
    assert_eq!(sidecars.len(), 1);
    let sidecar = sidecars.remove(0);
    assert_eq!(sidecar.status, Status::Finished);
    sidecar
}

#[test]
fn a_link_at_the_name_of_a_sidecar_is_not_followed() {
    let (folder, elsewhere) = (scratch::folder(), scratch::folder());
    let target = elsewhere.path().join("target");
    let link = folder.path().join(file_name("passes"));
    // To a file, to a file that there is not, to a device, to itself.
    for to in [
        &target,
        &elsewhere.path().join("none"),
        Path::new("/dev/zero"),
        &link,
    ] {
        fs::write(&target, CONTENTS).unwrap();
        symlink(to, &link).unwrap();
        assert_eq!(passes_beside(folder.path()).iteration, 1);
        assert_eq!(fs::read_link(&link).unwrap(), *to);
        assert_eq!(fs::read_to_string(&target).unwrap(), CONTENTS);
        assert_eq!(damage::names(elsewhere.path()), ["target"]);
        for name in damage::names(folder.path()) {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
}

#[test]
fn a_link_to_the_sidecar_of_another_run_is_not_followed() {
    let (folder, elsewhere) = (scratch::folder(), scratch::folder());
    passes_beside(elsewhere.path());
    let target = elsewhere.path().join(file_name("passes"));
    let before = fs::read(&target).unwrap();
    let name = folder.path().join(file_name("passes"));

    symlink(&target, &name).unwrap();
    passes_beside(folder.path());
    assert_eq!(fs::read(&target).unwrap(), before);
    fs::remove_file(&name).unwrap();
    fs::remove_file(folder.path().join(file_name("passes@iteration1"))).unwrap();

    // A hard link is that file, so it is replaced: the name here, not the file there.
    fs::hard_link(&target, &name).unwrap();
    assert_eq!(passes_beside(folder.path()).iteration, 0);
    assert_eq!(fs::read(&target).unwrap(), before);
    assert_ne!(fs::read(&name).unwrap(), before);
    assert_eq!(fs::metadata(&target).unwrap().nlink(), 1);
}

#[test]
fn a_link_in_place_of_the_running_record_is_replaced() {
    let (folder, elsewhere) = (scratch::folder(), scratch::folder());
    let target = elsewhere.path().join("target");
    fs::write(&target, CONTENTS).unwrap();
    let test = test_name("puts_a_link_in_place_of_its_record");
    quiet(rerun::victim(&test, folder.path()).env("ELSEWHERE", &target));
    assert_eq!(fs::read_to_string(&target).unwrap(), CONTENTS);
    let sidecars = damage::sidecars(folder.path());
    assert_eq!(sidecars[0].outcome, Some(Outcome::Passed));
}

#[test]
fn a_link_in_place_of_what_a_test_has_said_is_not_followed() {
    for kind in ["symbolic", "hard"] {
        let (folder, elsewhere) = (scratch::folder(), scratch::folder());
        let target = elsewhere.path().join("target");
        fs::write(&target, CONTENTS).unwrap();
        let test = test_name("puts_a_link_in_place_of_its_notes");
        let mut victim = rerun::victim(&test, folder.path());
        quiet(victim.env("ELSEWHERE", &target).env("KIND", kind));
        assert_eq!(fs::read_to_string(&target).unwrap(), CONTENTS, "{kind}");
        // All of it is in the finished record.
        let sidecars = damage::sidecars(folder.path());
        assert_eq!(sidecars[0].heap.checkpoints.len(), 2);
    }
}

/// Without `HEAP_SIDECAR_DIR`: below the target folder, which the user names, `heap` and the run
/// are ours.
#[test]
fn no_folder_of_ours_may_be_a_link() {
    for link in ["heap", "heap/a-run"] {
        let (target, elsewhere) = (scratch::folder(), scratch::folder());
        let link = target.path().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(elsewhere.path(), &link).unwrap();
        let mut command = rerun::victim(&test_name("passes"), Path::new(""));
        command
            .env_remove("HEAP_SIDECAR_DIR")
            .env("CARGO_TARGET_DIR", target.path())
            .env("NEXTEST_RUN_ID", "a-run");
        let output = damage::output(&mut command);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("Not a directory"), "{said}");
        assert!(damage::names(elsewhere.path()).is_empty());
        // The same without the link.
        fs::remove_file(&link).unwrap();
        quiet(&mut command);
        assert_eq!(damage::sidecars(&target.path().join("heap/a-run")).len(), 1);
    }
}

#[test]
fn a_pipe_named_like_a_sidecar_keeps_nobody_waiting() {
    let folder = scratch::folder();
    let pipe = folder.path().join(file_name("passes"));
    let made = rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o666),
        0,
    );
    made.unwrap();
    assert_eq!(passes_beside(folder.path()).iteration, 1);
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    // Also who names it gets an answer, and so does who follows a link to a device.
    read(&pipe).unwrap_err();
    let device = folder.path().join("device");
    symlink("/dev/zero", &device).unwrap();
    read(&device).unwrap_err();
}
