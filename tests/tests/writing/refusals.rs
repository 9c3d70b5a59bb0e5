//! A kernel that refuses a system call, as a seccomp filter has it do.

use heap_runtime::heap_tracked;
use heap_tests::{damage, rerun, scratch, trace};

/// What a tracked test asks of the kernel, and neither its harness nor the C library cannot do without.
const CALLS: [&str; 21] = [
    "clock_gettime",
    "fcntl",
    "flock",
    "fstat",
    "ftruncate",
    "getdents64",
    "getpid",
    "getrandom",
    "getrusage",
    "gettid",
    "linkat",
    "mkdir",
    "mkdirat",
    "prlimit64",
    "pwrite64",
    "readlink",
    "renameat",
    "renameat2",
    "statx",
    "uname",
    "unlinkat",
];

/// Without these no program starts: they are refused in the folder of the sidecars alone.
const CALLS_IN_THE_FOLDER: [&str; 3] = ["close", "newfstatat", "openat"];

/// Whatever is refused, from the start of the program on: a test has the verdict that it has without us.
#[heap_tracked]
#[test]
fn a_call_that_is_refused_changes_no_verdict() {
    if !trace::is_possible() {
        return;
    }
    for call in CALLS.into_iter().chain(CALLS_IN_THE_FOLDER) {
        for error in ["EPERM", "ENOSYS"] {
            let refused = |track: &str| {
                let folder = scratch::folder();
                let victims = rerun::victims("faults::victims::a::", folder.path());
                let inject = format!("inject={call}:error={error}");
                let mut options = vec!["-o", "/dev/null", "-e", &inject];
                if CALLS_IN_THE_FOLDER.contains(&call) {
                    options.extend(["-P", folder.path().to_str().unwrap()]);
                }
                let mut traced = trace::traced(&victims, options);
                damage::output(traced.env("HEAP_TRACK", track))
            };
            let (tracked, bare) = (refused("1"), refused("0"));
            let verdicts = damage::verdicts(&bare);
            assert_eq!(verdicts.len(), 4, "{call} {error}: {bare:?}");
            assert_eq!(
                damage::verdicts(&tracked),
                verdicts,
                "{call} {error}: {tracked:?}"
            );
        }
    }
}
