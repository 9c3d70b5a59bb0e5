//! Ended from outside by nextest, and from inside where nothing unwinds: the record of the test
//! stays `running`, and the report names it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use cargo_heap::report::{Context, Diagnosis, Row, State};
use heap_runtime::heap_tracked;
use heap_runtime::sidecar::{Outcome, Status};
use heap_tests::damage::nextest_is_installed;
use heap_tests::project::{Project, Run};

heap_runtime::use_jemalloc!();

/// The rows that a report has of these sidecars, and what it says of those that were killed.
struct Reported {
    run: Run,
    rows: Vec<Row>,
}

fn reported(command: &mut Command) -> Reported {
    let folder = tempfile::tempdir().unwrap();
    command.env("HEAP_SIDECAR_DIR", folder.path());
    let run = Run::with_sidecars_in(command, || folder.path().to_owned());
    let read = cargo_heap::report::Run::read(&[folder.path().to_owned()], |_, _| ()).unwrap();
    assert!(read.unreadable.is_empty());
    Reported {
        run,
        rows: read.rows,
    }
}

impl Reported {
    /// What is promised of a test that was ended in the middle.
    fn was_killed_after_its_checkpoint(&self, test: &str, kept: i64) {
        let sidecar = self.run.sidecar(test);
        assert_eq!(sidecar.status, Status::Running, "{test}");
        assert_eq!(sidecar.outcome, None);
        let [checkpoint] = sidecar.heap.checkpoints.as_slice() else {
            panic!("{:?}", sidecar.heap.checkpoints);
        };
        assert_eq!(checkpoint.label, "before the end");
        let own = checkpoint.own.expect("it was measured");
        assert!(own.retained_bytes >= kept, "{own:?}");

        let row = self.rows.iter().find(|row| row.test == test).unwrap();
        assert_eq!(row.state, State::Killed, "{test}");
        let diagnosis = Diagnosis::of(row, &Context::of(&self.rows));
        let said = format!("{diagnosis:?}");
        assert!(said.contains("before the end"), "{said}");
    }

    fn passed(&self, test: &str) {
        let sidecar = self.run.sidecar(test);
        assert_eq!(sidecar.status, Status::Finished);
        assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    }
}

#[heap_tracked]
#[test]
fn a_test_that_nextest_ends_is_named_as_killed() {
    if !nextest_is_installed() {
        return;
    }
    let project = Project::copy_of("timeouts");
    let mut command = project.cargo(["nextest", "run", "--no-fail-fast", "--test", "hang"]);
    let reported = reported(&mut command);
    let Run { stdout, stderr, .. } = &reported.run;
    let said = format!("{stdout}{stderr}");
    // nextest's status where tests failed.
    assert_eq!(reported.run.status.code(), Some(100), "{said}");
    assert!(said.contains("2 timed out"), "{said}");
    assert_eq!(reported.run.sidecars.len(), 3, "{said}");
    reported.was_killed_after_its_checkpoint("hangs", 1 << 20);
    reported.was_killed_after_its_checkpoint("hangs_and_ignores_sigterm", 1 << 20);
    reported.passed("ends");
}

#[heap_tracked]
#[test]
fn a_panic_that_aborts_leaves_its_running_record() {
    let project = Project::copy_of("timeouts");
    project
        .cargo(["build", "--profile", "aborts", "--bin", "timeouts"])
        .status()
        .map(|status| assert!(status.success()))
        .unwrap();
    let mut program = Command::new(Project::target().join("aborts/timeouts"));
    let reported = reported(&mut program);
    assert_eq!(reported.run.status.signal(), Some(libc::SIGABRT));
    assert!(
        reported
            .run
            .stderr
            .contains("there is nothing that unwinds")
    );
    assert_eq!(reported.run.sidecars.len(), 2);
    reported.was_killed_after_its_checkpoint("panics", 0);
    reported.passed("passes");
}
