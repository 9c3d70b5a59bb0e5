//! Threads of all kinds are the test's, from their first allocation on.

use std::ffi::{CString, c_int, c_void};
use std::hint::black_box;
use std::mem;
use std::process::Command;
use std::ptr::{null, null_mut};
use std::sync::{Condvar, Mutex};
use std::thread;

use heap_runtime::heap_tracked;

use crate::child::{Child, own};
use crate::class;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("std_threads", std_threads),
    ("two_thousand", two_thousand),
    ("five_thousand", five_thousand),
    ("unborn", unborn),
    ("stragglers", stragglers),
    ("pthreads", pthreads),
    ("library", library),
    ("small_stacks", small_stacks),
    ("loses_one", || {
        loses_a_thread();
        after_the_loss();
        // When a thread begins or ends, jemalloc looks into the memory of the one that is gone.
        // SAFETY: nothing is to be cleaned up.
        unsafe { libc::_exit(0) };
    }),
];

extern "C" fn leak_a_page(_: *mut c_void) -> *mut c_void {
    leak(4096);
    null_mut()
}

pub(crate) fn leak(bytes: usize) {
    mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
}

#[heap_tracked]
fn std_threads() {
    thread::spawn(|| leak(4096)).join().unwrap();
    let named = thread::Builder::new()
        .name("named".into())
        .stack_size(64 << 10);
    named.spawn(|| leak(4096)).unwrap().join().unwrap();
    thread::scope(|scope| {
        scope
            .spawn(|| {
                scope.spawn(|| leak(4096)).join().unwrap();
                leak(4096);
            })
            .join()
            .unwrap();
    });
}

#[test]
fn every_thread_of_std_is_counted() {
    let ran = Child::of("std_threads").times(100).run();
    for sidecar in ran.of("std_threads") {
        let own = own(sidecar);
        assert_eq!(own.retained_bytes, 4 * 4096);
        assert_eq!((own.threads, own.threads_running), (5, 0));
    }
}

#[heap_tracked]
fn two_thousand() {
    leak_on_threads(2000);
}

#[heap_tracked]
fn five_thousand() {
    leak_on_threads(5000);
}

fn leak_on_threads(threads: usize) {
    let threads: Vec<_> = (0..threads)
        .map(|_| {
            let small = thread::Builder::new().stack_size(64 << 10);
            small.spawn(|| leak(24)).unwrap()
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn two_thousand_threads_are_two_thousand() {
    let ran = Child::of("two_thousand").run();
    let own = ran.own("two_thousand");
    assert_eq!(own.retained_bytes, 2000 * 32);
    assert_eq!((own.threads, own.threads_running), (2001, 0));
}

/// What threads that allocate little keep back is little, however many they are.
#[test]
fn five_thousand_threads_leave_a_peak_that_says_something() {
    let ran = Child::of("five_thousand").run();
    let own = ran.own("five_thousand");
    assert_eq!(own.threads, 5001);
    let (peak, error) = (own.peak_bytes.unwrap(), own.peak_error_bytes.unwrap());
    assert!(error <= peak, "{own:?}");
}

/// Starts a thread by the C library, and gives its number where it started.
fn start(
    stack: Option<usize>,
    begin: extern "C" fn(*mut c_void) -> *mut c_void,
) -> Option<libc::pthread_t> {
    // SAFETY: the attributes are made before they are used and destroyed after it, and `begin`
    // takes any argument.
    unsafe {
        let mut attributes = mem::zeroed();
        assert_eq!(libc::pthread_attr_init(&raw mut attributes), 0);
        if let Some(stack) = stack {
            assert_eq!(
                libc::pthread_attr_setstacksize(&raw mut attributes, stack),
                0
            );
        }
        let mut thread = 0;
        let code = libc::pthread_create(&raw mut thread, &raw const attributes, begin, null_mut());
        libc::pthread_attr_destroy(&raw mut attributes);
        (code == 0).then_some(thread)
    }
}

fn join(thread: libc::pthread_t) {
    // SAFETY: the thread was started, and is joined once.
    assert_eq!(unsafe { libc::pthread_join(thread, null_mut()) }, 0);
}

#[heap_tracked]
fn unborn() {
    // More than there is of address space.
    assert_eq!(start(Some(1 << 60), leak_a_page), None);
    join(start(None, leak_a_page).unwrap());
    assert_eq!(start(Some(1 << 60), leak_a_page), None);
}

extern "C" fn nothing(_: *mut c_void) -> *mut c_void {
    null_mut()
}

#[heap_tracked]
fn small_stacks() {
    for _ in 0..10 {
        join(start(Some(libc::PTHREAD_STACK_MIN), nothing).unwrap());
    }
}

#[test]
fn the_smallest_stack_has_room_for_us() {
    let ran = Child::of("small_stacks").run();
    let own = ran.own("small_stacks");
    assert_eq!((own.threads, own.threads_running), (11, 0));
    assert_eq!(own.retained_bytes, 0);
}

/// By the system call, which runs no destructor.
extern "C" fn dies(_: *mut c_void) -> *mut c_void {
    leak(4096);
    // SAFETY: it ends the calling thread, and nothing of it is needed any more.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    null_mut()
}

#[heap_tracked(max_retained = "1 MiB")]
fn loses_a_thread() {
    // Of a stack so large that the C library does not keep it, but gives it back.
    join(start(Some(64 << 20), dies).unwrap());
    heap_runtime::checkpoint("lost");
}

#[heap_tracked]
fn after_the_loss() {
    leak(4096);
}

#[test]
fn of_a_thread_that_dies_without_a_word_nothing_is_told() {
    let ran = Child::of("loses_one").env("HEAP_PROCESS", "1").run();
    assert!(ran.status.success(), "{}", ran.said);
    for sidecar in ran.of("loses_a_thread") {
        assert_eq!(sidecar.heap.own, None, "{}", ran.said);
        assert_eq!(sidecar.heap.checkpoints[0].own, None);
        assert_eq!(sidecar.budgets[0].held, None);
    }
    for sidecar in ran.of("after_the_loss") {
        let own = own(sidecar);
        assert_eq!((own.retained_bytes, own.threads_running), (4096, 0));
    }
    for sidecar in &ran.sidecars {
        // jemalloc would look into the thread's memory.
        assert_eq!(sidecar.heap.process, None);
        let reason = sidecar.heap.reason.as_deref().unwrap();
        assert!(reason.contains("the system call `exit`"), "{reason}");
    }
}

#[test]
fn a_thread_that_cannot_be_started_is_none() {
    let ran = Child::of("unborn").times(10).run();
    for sidecar in ran.of("unborn") {
        let own = own(sidecar);
        assert_eq!(own.retained_bytes, 4096);
        assert_eq!((own.threads, own.threads_running), (2, 0));
    }
}

#[heap_tracked]
fn pthreads() {
    extern "C" fn detached(_: *mut c_void) -> *mut c_void {
        leak(4096);
        come_to(1);
        null_mut()
    }
    come_to(0);
    let thread = start(None, detached).unwrap();
    // SAFETY: it was started, and is not joined.
    assert_eq!(unsafe { libc::pthread_detach(thread) }, 0);
    wait_for(1);
}

#[test]
fn a_detached_thread_is_counted() {
    let ran = Child::of("pthreads").times(100).run();
    for sidecar in ran.of("pthreads") {
        let own = own(sidecar);
        assert_eq!((own.retained_bytes, own.threads), (4096, 2));
        // Nobody can wait for its end.
        assert!(own.threads_running <= 1);
    }
}

/// How far a thread and the tests around it have come. Who waits sleeps: it is not at work.
static STEP: Mutex<u32> = Mutex::new(0);
static CAME: Condvar = Condvar::new();

fn come_to(step: u32) {
    *STEP.lock().unwrap() = step;
    CAME.notify_all();
}

fn wait_for(step: u32) {
    let came = CAME.wait_while(STEP.lock().unwrap(), |came| *came < step);
    drop(came.unwrap());
}

#[heap_tracked]
fn leaves_a_thread_behind() {
    start(None, straggler).unwrap();
    wait_for(1);
}

extern "C" fn straggler(_: *mut c_void) -> *mut c_void {
    leak(4096);
    come_to(1);
    wait_for(2);
    leak(8192);
    thread::spawn(|| leak(8192)).join().unwrap();
    come_to(3);
    null_mut()
}

#[heap_tracked]
fn comes_after() {
    come_to(2);
    wait_for(3);
}

fn stragglers() {
    come_to(0);
    leaves_a_thread_behind();
    comes_after();
}

#[test]
fn a_thread_that_outlives_its_test_is_counted_to_its_end_and_never_after_it() {
    let ran = Child::of("stragglers").times(100).run();
    for sidecar in ran.of("leaves_a_thread_behind") {
        let own = own(sidecar);
        assert_eq!(own.retained_bytes, 4096);
        assert_eq!((own.threads, own.threads_running), (2, 1));
    }
    for sidecar in ran.of("comes_after") {
        let own = own(sidecar);
        assert_eq!((own.allocated_bytes, own.deallocated_bytes), (0, 0));
        assert_eq!((own.threads, own.threads_running), (1, 0));
    }
}

const LIBRARY: &str = "OWN_TEST_LIBRARY";

/// Starts threads that end in every way there is.
const SOURCE: &str = r"
#include <pthread.h>
#include <unistd.h>
typedef void *(*work)(void *);
static void *returns(void *leak) { return ((work)leak)(0); }
static void *exits(void *leak) { ((work)leak)(0); pthread_exit(0); }
static void *waits(void *leak) { ((work)leak)(0); for (;;) pause(); }
int run(work leak) {
    work begins[] = { returns, exits, waits };
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        if (pthread_create(&thread, 0, begins[i], (void *)leak)) return 1;
        if (i == 2) pthread_cancel(thread);
        if (pthread_join(thread, 0)) return 1;
    }
    return 0;
}
";

#[heap_tracked]
fn library() {
    let path = std::env::var(LIBRARY).unwrap();
    let path = CString::new(path).unwrap();
    // SAFETY: the library is the one of `SOURCE`, which has no constructors and this function.
    let code = unsafe {
        let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
        assert!(!library.is_null());
        let run = libc::dlsym(library, c"run".as_ptr());
        assert!(!run.is_null());
        let run: extern "C-unwind" fn(extern "C" fn(*mut c_void) -> *mut c_void) -> c_int =
            mem::transmute::<*mut c_void, _>(run);
        run(leak_a_page)
    };
    assert_eq!(code, 0);
    assert_ne!(path.as_ptr(), null());
}

#[test]
fn the_threads_of_a_loaded_c_library_are_counted_however_they_end() {
    let folder = tempfile::tempdir().unwrap();
    let [source, library] = ["threads.c", "libthreads.so"].map(|name| folder.path().join(name));
    std::fs::write(&source, SOURCE).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-fexceptions", "-pthread", "-o"])
        .args([&library, &source])
        .status()
        .unwrap();
    assert!(compiled.success());
    let ran = Child::of("library")
        .env(LIBRARY, library.to_str().unwrap())
        .times(100)
        .run();
    let all = ran.of("library");
    assert_eq!(all.len(), 100, "{}", ran.said);
    for sidecar in all {
        let own = own(sidecar);
        assert_eq!((own.threads, own.threads_running), (4, 0));
        // A thread may be cancelled before it has come to its first function.
        assert_eq!(own.retained_bytes, 3 * i64::try_from(class(4096)).unwrap());
    }
}
