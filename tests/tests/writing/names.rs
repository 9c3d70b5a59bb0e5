//! The name that a record takes: without waiting for anybody, in so many calls whatever is there, and
//! never one that leaves an older run's record to be taken for this run's.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use heap_runtime::heap_tracked;
use heap_sidecar::{Sidecar, Status, read_run};
use heap_tests::{damage, rerun, scratch, trace};

const VICTIM: &str = "links::victims::passes";

fn file_name(rest: &str) -> String {
    format!("heap-tests+writing+links+victims+passes{rest}.heap.json")
}

fn victim(folder: &Path, run: &str) -> Command {
    let mut victim = rerun::victim(VICTIM, folder);
    victim.env("NEXTEST_RUN_ID", run);
    victim
}

/// The sidecars of a folder that are of that run.
fn of_run(folder: &Path, run: &str) -> Vec<Sidecar> {
    let (mut sidecars, unreadable) = read_run(folder).unwrap();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    sidecars.retain(|sidecar| sidecar.run_id == run);
    sidecars
}

/// Somebody else has locked the folder and each file in it, for as long as the test takes.
#[test]
fn nobody_who_holds_a_lock_keeps_a_test_waiting() {
    let folder = scratch::folder();
    assert!(
        damage::output(&mut victim(folder.path(), "earlier"))
            .status
            .success()
    );
    let locked: Vec<File> = [folder.path().to_owned(), folder.path().join(file_name(""))]
        .iter()
        .map(|path| File::open(path).unwrap())
        .collect();
    for file in &locked {
        file.lock().unwrap();
    }
    // One that hangs is killed, and that is told.
    let output = damage::output(&mut victim(folder.path(), "this"));
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let sidecars = damage::sidecars(folder.path());
    assert_eq!(sidecars.len(), 1);
    assert_eq!(
        (sidecars[0].run_id.as_str(), sidecars[0].status),
        ("this", Status::Finished)
    );
}

/// File systems that know no locks, no hard links or no renames of one kind or another, such as those of a network.
#[heap_tracked]
#[test]
fn what_a_file_system_refuses_makes_no_record_another_runs() {
    if !trace::is_possible() {
        return;
    }
    let each = ["flock", "linkat", "renameat2", "renameat"];
    let sets = each.iter().map(|call| vec![*call]).chain([
        vec!["linkat", "renameat2"],
        vec!["linkat", "renameat2", "flock"],
        vec!["linkat", "renameat2", "renameat"],
    ]);
    for calls in sets {
        for error in ["EBADF", "ENOLCK", "EXDEV", "ESTALE", "EINVAL", "EPERM"] {
            for earlier in [false, true] {
                refused(&calls, error, earlier);
            }
        }
    }
}

fn refused(calls: &[&str], error: &str, earlier: bool) {
    let case = format!("{calls:?} {error} {earlier}");
    let folder = scratch::folder();
    if earlier {
        assert!(
            damage::output(&mut victim(folder.path(), "earlier"))
                .status
                .success()
        );
    }
    let injections: Vec<String> = calls
        .iter()
        .map(|call| format!("inject={call}:error={error}"))
        .collect();
    let options = injections.iter().flat_map(|inject| ["-e", inject]);
    let mut traced = trace::traced(
        &victim(folder.path(), "this"),
        ["-o", "/dev/null"].into_iter().chain(options),
    );
    let output = damage::output(&mut traced);
    assert!(output.status.success(), "{case}: {output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    let written = of_run(folder.path(), "this");
    if calls.contains(&"renameat") || (error == "ESTALE" && calls.contains(&"renameat2")) {
        // Without a rename no record is written over another: one line says so, and the record of the start, where
        // there is one, says how the test ended.
        assert_eq!(said.lines().count(), 1, "{case}: {said}");
        assert!(
            said.starts_with("heap_tracked: cannot write the sidecar"),
            "{case}: {said}"
        );
        assert!(
            written
                .iter()
                .all(|sidecar| sidecar.status == Status::Running),
            "{case}"
        );
    } else {
        assert!(said.is_empty(), "{case}: {said}");
        assert_eq!(written.len(), 1, "{case}");
        assert_eq!(written[0].status, Status::Finished, "{case}");
    }
    // What was there is as it was, but where it is replaced.
    let is_replaced = written.iter().any(|sidecar| sidecar.iteration == 0);
    let stays = usize::from(earlier && !is_replaced);
    assert_eq!(of_run(folder.path(), "earlier").len(), stays, "{case}");
    for name in damage::names(folder.path()) {
        assert!(name.ends_with(".heap.json"), "{case}: left behind: {name}");
    }
}

/// So many system calls a tracked execution makes in its folder. Those elsewhere depend on how long it takes: a host
/// that was read a moment ago is not read again.
fn calls(folder: &Path) -> usize {
    let log = scratch::folder();
    let log = log.path().join("calls");
    let options = ["-P", folder.to_str().unwrap(), "-o", log.to_str().unwrap()];
    let output = damage::output(&mut trace::traced(&victim(folder, "this"), options));
    assert!(output.status.success(), "{output:?}");
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("rename"), "{log}");
    log.lines().filter(|line| line.contains('(')).count()
}

/// As where a test binary runs itself again and again: each process begins with the first name.
#[heap_tracked]
#[test]
fn the_four_hundredth_execution_of_a_name_takes_as_many_calls_as_the_third() {
    if !trace::is_possible() {
        return;
    }
    let folder = scratch::folder();
    let path = |rest: &str| folder.path().join(file_name(rest));
    assert!(
        damage::output(&mut victim(folder.path(), "this"))
            .status
            .success()
    );
    fs::copy(path(""), path("@iteration1")).unwrap();
    let third = calls(folder.path());
    for number in 2..400 {
        fs::copy(path(""), path(&format!("@iteration{number}"))).unwrap();
    }
    let later = calls(folder.path());
    assert_eq!(later, third);
    // Each of the two has a number of its own.
    let mut numbers: Vec<u32> = of_run(folder.path(), "this")
        .iter()
        .map(|sidecar| sidecar.iteration)
        .filter(|number| *number > 0)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 2, "{numbers:?}");
    heap_runtime::metric("calls", f64::from(u32::try_from(later).unwrap()));
}
