//! Others that want the name `pthread_create`: whoever comes first, threads start, and births are
//! counted or said to be missing.

use std::path::Path;
use std::process::Command;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::{FailureKind, Outcome};
use heap_tests::damage::skip;
use heap_tests::project::{Project, Run};

heap_runtime::use_jemalloc!();

/// A test that starts a thread, and one that starts none.
const TESTS: &str = r#"
heap_runtime::use_jemalloc!();

fn keep() {
    std::mem::forget(std::hint::black_box(Vec::<u8>::with_capacity(4096)));
}

#[heap_runtime::heap_tracked(max_peak = "1 MiB")]
#[test]
fn starts_a_thread() {
    std::thread::spawn(keep).join().unwrap();
    keep();
}

#[heap_runtime::heap_tracked]
#[test]
fn starts_none() {
    keep();
}
"#;

/// As that of a crash handler, it prepares each thread.
const OWN_DEFINITION: &str = r#"
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

type Create = unsafe extern "C" fn(*mut c_void, *const c_void, *mut c_void, *mut c_void) -> c_int;
static STARTED: AtomicU32 = AtomicU32::new(0);

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut c_void,
    attributes: *const c_void,
    begin: *mut c_void,
    argument: *mut c_void,
) -> c_int {
    STARTED.fetch_add(1, Relaxed);
    // SAFETY: the next definition is the C library's, and has this type.
    unsafe {
        let next = libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr());
        std::mem::transmute::<*mut c_void, Create>(next)(thread, attributes, begin, argument)
    }
}

#[test]
fn it_starts_the_threads() {
    let before = STARTED.load(Relaxed);
    std::thread::spawn(|| ()).join().unwrap();
    assert!(STARTED.load(Relaxed) > before);
}
"#;

/// The project, in whose `tests/plain.rs` nobody interposes.
fn project(name: &str) -> Project {
    Project::new(name)
        .file(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n\
                 [dependencies]\nheap-runtime.path = \"../../../heap-runtime\"\nlibc = \"*\"\n\n\
                 [workspace]\n\n\
                 [profile.dev]\ndebug = \"line-tables-only\"\nincremental = false\n"
            ),
        )
        .file("src/lib.rs", "")
        .file("tests/plain.rs", TESTS)
        .file("tests/defines.rs", &format!("{TESTS}{OWN_DEFINITION}"))
}

/// Every thread of the tests is counted.
#[track_caller]
fn births_are_counted(run: &Run) {
    for (test, threads) in [("starts_a_thread", 2), ("starts_none", 1)] {
        let sidecar = run.sidecar(test);
        assert_eq!(sidecar.heap.reason, None, "{}{}", run.stdout, run.stderr);
        let own = sidecar.heap.own.expect("it was measured");
        assert_eq!((own.threads, own.threads_running), (threads, 0), "{test}");
        assert_eq!(own.retained_bytes, 4096 * i64::from(threads), "{test}");
        assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    }
}

const MISSING: &str = "which threads a test starts is not seen: another definition of \
     `pthread_create` in this program comes before that of heap-runtime";

/// There is no number that would be of some threads only, and no budget is held because nobody looked.
#[track_caller]
fn births_are_said_to_be_missing(run: &Run) {
    for test in ["starts_a_thread", "starts_none"] {
        let sidecar = run.sidecar(test);
        assert_eq!(sidecar.heap.reason.as_deref(), Some(MISSING), "{test}");
        assert_eq!((sidecar.heap.own, sidecar.heap.last_seen), (None, None));
        assert!(sidecar.heap.process.is_some(), "it is of all threads");
        assert_eq!(sidecar.outcome, Some(Outcome::Passed));
        assert!(sidecar.budgets.iter().all(|budget| budget.held.is_none()));
    }
    assert_eq!(run.sidecar("starts_a_thread").budgets.len(), 1);
}

#[heap_tracked]
#[test]
fn a_definition_of_the_programs_own_comes_first_and_is_said() {
    let project = project("interposers");
    let run = project.test(&["--test", "defines"]).success();
    assert_eq!(run.verdict("it_starts_the_threads"), Some("ok"));
    births_are_said_to_be_missing(&run);

    // What cannot be tracked in full has been asked to fail.
    let mut required = project.cargo(["test", "--test", "defines"]);
    let run = Run::of(required.env("HEAP_REQUIRE", "1"));
    let failure = run.sidecar("starts_none").failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Error);
    assert!(failure.message.ends_with(MISSING), "{}", failure.message);

    births_are_counted(&project.test(&["--test", "plain"]).success());
}

/// Says which threads it has started.
const PRELOADED: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>
int pthread_create(pthread_t *thread, const pthread_attr_t *with, void *(*begin)(void *), void *data) {
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    next = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))
        dlsym(RTLD_NEXT, "pthread_create");
    write(2, "preloaded\n", 10);
    return next(thread, with, begin, data);
}
"#;

#[heap_tracked]
#[test]
fn a_preloaded_library_and_we_both_see_every_thread() {
    let folder = tempfile::tempdir().unwrap();
    let [source, library] = ["preloaded.c", "libpreloaded.so"].map(|name| folder.path().join(name));
    std::fs::write(&source, PRELOADED).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .unwrap();
    assert!(compiled.success());
    let project = project("interposers");
    let preload = format!(
        "target.'cfg(unix)'.runner=['env', 'LD_PRELOAD={}']",
        library.display()
    );
    let run = project.test(&[
        "--config",
        &preload,
        "--test",
        "plain",
        "--",
        "--test-threads=1",
    ]);
    let run = run.success();
    births_are_counted(&run);
    // libtest starts none for the tests, as there is one at a time.
    assert!(run.stderr.contains("preloaded\n"), "{}", run.stderr);
}

/// `tests/plain.rs` under a sanitizer, with the library as other programs have it, or as one that is
/// compiled for the sanitizer has. The libraries below are not instrumented: what is theirs is not in doubt
/// here, and takes longest.
fn sanitized(sanitizer: &str, is_compiled_for_it: bool) -> Option<Run> {
    let project = project("sanitizers");
    let mut rustc = project.cargo(["rustc", "--test", "plain", "--message-format=json"]);
    rustc.env("RUSTC_BOOTSTRAP", "1");
    if is_compiled_for_it {
        rustc
            .args(["-Zprofile-rustflags", "--config"])
            .arg("profile.dev.package.heap-runtime.rustflags=['--cfg', 'sanitizer']");
    }
    rustc.args([
        "--",
        &format!("-Zsanitizer={sanitizer}"),
        "-Cunsafe-allow-abi-mismatch=sanitizer",
    ]);
    let output = rustc.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let has_none = said.contains("_rt.") && said.contains("san.a");
        assert!(has_none, "{said}");
        skip(&format!(
            "this compiler comes without the {sanitizer} sanitizer"
        ));
        return None;
    }
    let messages = String::from_utf8(output.stdout).unwrap();
    let (_, executable) = messages
        .rsplit_once("\"executable\":\"")
        .expect("it was built");
    let executable = executable.split('"').next().unwrap();
    // Leaks are what the tests are about, and a standard library that is not instrumented races, as
    // far as can be seen.
    let mut command = Command::new(Path::new(executable));
    for (options, text) in [
        ("ASAN_OPTIONS", "detect_leaks=0"),
        ("LSAN_OPTIONS", "detect_leaks=0"),
        ("TSAN_OPTIONS", "report_bugs=0"),
    ] {
        command.env(options, text);
    }
    Some(Run::of(&mut command).success())
}

#[heap_tracked]
#[test]
fn under_a_sanitizer_threads_start_and_births_are_counted_or_said_to_be_missing() {
    for sanitizer in ["address", "leak", "thread"] {
        if let Some(run) = sanitized(sanitizer, false) {
            births_are_said_to_be_missing(&run);
        }
        if let Some(run) = sanitized(sanitizer, true) {
            births_are_counted(&run);
        }
    }
}

/// Of two, only one could stand in for `pthread_create`: the other would be blind.
#[heap_tracked]
#[test]
fn two_versions_in_one_program_are_refused_with_a_sentence() {
    let project = project("two_versions")
        .file(
            "Cargo.toml",
            "[package]\nname = \"two_versions\"\nedition = \"2024\"\n\n[dependencies]\n\
             heap-runtime.path = \"../../../heap-runtime\"\n\
             older = { package = \"heap-runtime\", path = \"older\" }\n\n[workspace]\n",
        )
        .file(
            "older/Cargo.toml",
            "[package]\nname = \"heap-runtime\"\nversion = \"0.0.1\"\nlinks = \"heap_runtime\"\n",
        )
        .file("older/build.rs", "fn main() {}")
        .file("older/src/lib.rs", "");
    let refused = project
        .cargo(["metadata", "--format-version=1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{said}");
    assert!(
        said.contains("links to the native library `heap_runtime`"),
        "{said}"
    );
}
