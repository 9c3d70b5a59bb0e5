//! Threads that may make few system calls.

use std::hint::black_box;
use std::thread;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::Outcome;
use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter, sock_fprog};

use crate::child::{Child, own};

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("refused", || {
        under_a_filter(libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned());
    }),
    ("killed", || under_a_filter(libc::SECCOMP_RET_KILL_PROCESS)),
    ("announced", || {
        announces_a_filter();
        after_the_announcement();
    }),
];

/// What the allocator, std and the C library need for a thread that allocates and ends.
const ALLOWED: [libc::c_long; 10] = [
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sched_yield,
    libc::SYS_exit,
];

/// From here on, this thread may do no more than that.
fn filter(otherwise: u32) {
    let statement = |code, value| sock_filter {
        code: u16::try_from(code).unwrap(),
        jt: 0,
        jf: 0,
        k: value,
    };
    // The number of the call is at the start of what a filter is given.
    let mut program = vec![statement(BPF_LD | BPF_W | BPF_ABS, 0)];
    for call in ALLOWED {
        program.push(sock_filter {
            jf: 1,
            ..statement(BPF_JMP | BPF_JEQ | BPF_K, u32::try_from(call).unwrap())
        });
        program.push(statement(BPF_RET | BPF_K, libc::SECCOMP_RET_ALLOW));
    }
    program.push(statement(BPF_RET | BPF_K, otherwise));
    let program = sock_fprog {
        len: u16::try_from(program.len()).unwrap(),
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the program is whole, and read by the kernel before this returns.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(
            libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program),
            0
        );
    }
}

#[heap_tracked]
fn under_a_filter(otherwise: u32) {
    let filtered = thread::spawn(move || {
        filter(otherwise);
        drop(black_box(Vec::<u8>::with_capacity(8 << 20)));
    });
    filtered.join().unwrap();
}

#[test]
fn a_filter_on_a_thread_changes_nothing() {
    for (subject, last_seen) in [
        ("refused", "1"),
        ("refused", "0"),
        ("killed", "1"),
        ("killed", "0"),
    ] {
        // To have made no system call of ours is asked for by both.
        let calls = Child::of(subject).env("HEAP_LAST_SEEN", last_seen);
        let ran = calls.env("HEAP_TIME", last_seen).run();
        assert!(
            ran.status.success(),
            "{subject}: {:?} {}",
            ran.status,
            ran.said
        );
        let sidecar = ran.only("under_a_filter");
        assert_eq!(sidecar.outcome, Some(Outcome::Passed), "{subject}");
        assert!(own(sidecar).peak_bytes.unwrap() >= 8 << 20);
        let time = sidecar.time.as_ref();
        assert_eq!(time.is_some(), last_seen == "1", "{subject}");
        if let Some(time) = time {
            // Of the thread with the filter; that of the test itself is known.
            assert_eq!((time.own.cpu_ns, time.own.user_ns), (None, None));
            assert!(time.reason["cpu_ns"].contains("refused"), "{time:?}");
            assert!(time.test_thread.unwrap().cpu_ns.is_some());
        }
    }
}

/// On the thread that the harness waits for, which dies of a call that is not on its list.
#[heap_tracked]
#[test]
#[ignore = "is run as a child"]
fn filters_its_own_thread() {
    filter(libc::SECCOMP_RET_KILL_THREAD);
    std::mem::forget(black_box(Vec::<u8>::with_capacity(4 << 20)));
    heap_runtime::checkpoint("filtered");
    tracked_inside();
}

/// Is not tracked there, and runs.
#[heap_tracked]
fn tracked_inside() {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(4096)));
}

#[test]
fn a_filter_on_the_tests_own_thread_changes_nothing() {
    const NAME: &str = "filtered::filters_its_own_thread";
    let untracked = Child::of_tests(&[NAME]).env("HEAP_TRACK", "0").run();
    assert!(untracked.status.success(), "{}", untracked.said);
    for process in ["0", "1"] {
        let tests = Child::of_tests(&[NAME]);
        let ran = tests.env("HEAP_PROCESS", process).run();
        assert!(ran.status.success(), "{} {}", ran.status, ran.said);
        assert_eq!(ran.sidecars.len(), 1, "{}", ran.said);
        let sidecar = ran.only("filters_its_own_thread");
        assert_eq!(sidecar.outcome, Some(Outcome::Passed));
        let retained = i64::try_from(crate::class(4 << 20) + crate::class(4096)).unwrap();
        assert_eq!(own(sidecar).retained_bytes, retained);
        assert_eq!(sidecar.heap.checkpoints.len(), 1);
        assert!(sidecar.host.mem_available_kib.is_some());
        let time = sidecar.time.as_ref().unwrap();
        assert_eq!(time.own.cpu_ns, None);
        assert!(time.reason["cpu_ns"].contains("refused"), "{time:?}");
    }
}

/// And puts none on itself.
#[heap_tracked]
fn announces_a_filter() {
    // SAFETY: it takes numbers alone.
    let code = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(code, 0);
    std::mem::forget(black_box(Vec::<u8>::with_capacity(4096)));
}

#[heap_tracked]
fn after_the_announcement() {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(4096)));
}

#[test]
fn who_only_announces_a_filter_is_tracked_again() {
    let ran = Child::of("announced").run();
    for name in ["announces_a_filter", "after_the_announcement"] {
        assert_eq!(ran.own(name).retained_bytes, 4096);
        assert_eq!(ran.own(name).threads, 1);
    }
    let time = ran.only("after_the_announcement").time.as_ref().unwrap();
    assert!(time.own.cpu_ns.is_some(), "{time:?}");
}
