//! Many processes and threads that write into one folder at once.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Child, Stdio};

use cargo_heap::report::{Run, State};
use heap_tests::{rerun, scratch};

const THREADS: usize = 8;

mod victims {
    use heap_runtime::__private::{TrackedTest as Test, once, run, verdict};

    /// Eight threads, each of which runs a test of its own again and again. The tests are made
    /// here, because a package has one name, and nobody writes functions with names of 4 KiB.
    #[test]
    #[ignore = "is run as a child"]
    fn eight_threads() {
        let variable = |name| std::env::var(name).unwrap();
        let package = &variable("CROWD_PACKAGE");
        let executions: usize = variable("CROWD_EXECUTIONS").parse().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..super::THREADS {
                scope.spawn(move || {
                    let name = match thread % 2 {
                        0 => format!("{package} writing::crowd::short_{thread}"),
                        // They differ in the last byte only.
                        _ => format!(
                            "{package} writing::crowd::{}{thread}",
                            "lang/\u{e4}\n".repeat(512)
                        ),
                    };
                    let test = Test::of_function(&name);
                    for _ in 0..executions {
                        run(&test, once(|| ()), |returned| verdict!(returned));
                    }
                });
            }
        });
    }
}

fn start(folder: &Path, package: &str, executions: usize) -> Child {
    rerun::victim("crowd::victims::eight_threads", folder)
        .env("NEXTEST_RUN_ID", "one-run")
        .env("CROWD_PACKAGE", package)
        .env("CROWD_EXECUTIONS", executions.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs the processes, each of a package, and finds each execution's sidecar.
fn all_are_there(packages: impl Iterator<Item = String>, executions: usize) {
    let folder = scratch::folder();
    let children: Vec<_> = packages
        .map(|package| start(folder.path(), &package, executions))
        .collect();
    let processes = children.len();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let run = Run::read(&[folder.path().to_owned()], |_, _| ()).unwrap();
    assert!(run.unreadable.is_empty(), "{:?}", run.unreadable);
    assert_eq!(run.rows.len(), processes * THREADS * executions);
    let mut seen = HashSet::new();
    for row in &run.rows {
        assert_eq!(row.state, State::Passed, "{}", row.test);
        let execution = (&row.package, &row.test, row.iteration);
        assert!(seen.insert(execution), "twice: {execution:?}");
    }
    let names: HashSet<_> = run.rows.iter().map(|row| &row.test).collect();
    assert_eq!(names.len(), THREADS);
    assert_eq!(
        names.iter().filter(|name| name.len() > 4096).count(),
        THREADS / 2
    );
}

#[test]
fn sixty_four_processes_lose_nothing() {
    const PROCESSES: usize = 64;
    let all: usize =
        std::env::var("HEAP_TESTS_EXECUTIONS").map_or(10_000, |text| text.parse().unwrap());
    let packages = (0..PROCESSES).map(|process| format!("package-{process}"));
    all_are_there(packages, all.div_ceil(PROCESSES * THREADS));
}

/// As where a test binary runs itself: nothing but the iteration tells them apart.
#[test]
fn processes_of_one_package_lose_nothing() {
    all_are_there((0..8).map(|_| "package".to_owned()), 10);
}
