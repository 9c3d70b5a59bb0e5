//! A thread that puts itself under a filter of system calls, or says that it will.
//!
//! A filter may kill a thread for a call that is not on its list, and the list is of what the test does itself. A thread
//! that has died so says nothing to its harness, which waits for ever. So nothing of ours is asked of the kernel on such
//! a thread any more ([`kernel::set_confined`]); and where it runs a test, what is still to be done for that is done by
//! another, its aide, which is started before the filter is there.
//!
//! ```text
//!  test    ── body ── prctl ───────────────────── end of the body ─ waits ─────────── verdict
//!  aide                 └─ started, waits ────────────────────── reads, writes ┘
//! ```
//!
//! Nearly every filter is announced: without `CAP_SYS_ADMIN` a thread has to ask for `PR_SET_NO_NEW_PRIVS` first. One that
//! comes by the system call itself, without, is not seen. One that its thread puts on all others too is the aide's as well:
//! where that dies of it, it is not waited for.

use std::cell::Cell;
use std::ffi::{c_int, c_ulong, c_void};
use std::fs::read_to_string;
use std::mem::transmute;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::alive::Alive;
use super::interpose::{Interposed, go_on, interpose};
use super::this_thread::MEMBER;
use super::unmeasured;
use crate::fork;
use crate::kernel;
use crate::process::process_id;

type Control = unsafe extern "C" fn(c_int, c_ulong, c_ulong, c_ulong, c_ulong) -> c_int;

interpose!(".weak", "prctl", control);

fn found() -> &'static Interposed<Control> {
    // SAFETY: `interpose` makes a table of this name and this layout.
    unsafe extern "C" {
        static heap_runtime_prctl_found: Interposed<Control>;
    }
    // SAFETY: `interpose` has made it, and the interceptor is of this type, for five arguments of a machine word.
    unsafe { &heap_runtime_prctl_found }
}

/// The C library's function, once it was looked for.
static NEXT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Looks for it.
pub(super) fn prepare() {
    // SAFETY: the name ends in a nul.
    let next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"prctl".as_ptr()) };
    NEXT.store(next, Ordering::Relaxed);
}

/// Changes something of the calling thread or of its process.
///
/// # Safety
///
/// As the C library's, which takes any number of arguments: the first five are all that there are.
unsafe extern "C" fn control(
    option: c_int,
    second: c_ulong,
    third: c_ulong,
    fourth: c_ulong,
    fifth: c_ulong,
) -> c_int {
    if matches!(option, libc::PR_SET_SECCOMP | libc::PR_SET_NO_NEW_PRIVS) {
        confine();
    }
    let next = NEXT.load(Ordering::Relaxed);
    // SAFETY: the caller's arguments, for a function that takes them, or for the kernel.
    unsafe {
        if let Some(sanitizers) = found().sanitizers {
            sanitizers(option, second, third, fourth, fifth)
        } else if next.is_null() {
            // It gives an `int`.
            let given = libc::syscall(libc::SYS_prctl, option, second, third, fourth, fifth);
            c_int::try_from(given).unwrap_or(-1)
        } else {
            transmute::<*mut c_void, Control>(next)(option, second, third, fourth, fifth)
        }
    }
}

/// Who does what the calling thread may not, as long as that lives.
struct Mine(Cell<Option<&'static Aide>>);

impl Drop for Mine {
    fn drop(&mut self) {
        if let Some(aide) = self.0.get() {
            aide.set(State::Released);
        }
    }
}

thread_local! {
    static MINE: Mine = const { Mine(Cell::new(None)) };
    /// The calling thread starts its aide, which is in no test.
    static STARTS_AIDE: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn starts_aide() -> bool {
    STARTS_AIDE.get()
}

/// The calling thread is to be under a filter, perhaps.
fn confine() {
    let member = MEMBER
        .get()
        .filter(|member| member.open_group().is_some() && !kernel::is_confined());
    // A child of `vfork` has the memory of its parent, and no thread is to be started in it.
    // SAFETY: it takes nothing, and touches nothing.
    let is_ours = || unsafe { libc::getpid() }.cast_unsigned() == process_id();
    let Some(member) = member.filter(|_| !fork::is_child() && is_ours()) else {
        return;
    };
    // The end of what a thread was spawned for needs nobody.
    if !member.is_home() && aide().is_none() {
        unmeasured(|| MINE.try_with(|mine| mine.0.set(Aide::start()))).ok();
    }
    kernel::set_confined(true);
}

/// The calling thread's; none in its last destructors.
fn aide() -> Option<&'static Aide> {
    MINE.try_with(|mine| mine.0.get()).ok().flatten()
}

/// Whether the calling thread may ask the kernel nothing, and has one that may.
pub(crate) fn has_aide() -> bool {
    kernel::is_confined() && aide().is_some()
}

/// Whether a test that begins on the calling thread has to do without the kernel. It may have said that it would be
/// under a filter, and not be: its aide looks.
pub(crate) fn is_confined() -> bool {
    if kernel::is_confined()
        && let Some(thread) = aide().map(|aide| aide.of)
        && by_aide(|| has_filter(thread)) == Some(false)
    {
        kernel::set_confined(false);
    }
    kernel::is_confined()
}

/// Whether that thread is under a filter, or it is not known.
fn has_filter(thread: i32) -> bool {
    let status = read_to_string(format!("/proc/self/task/{thread}/status"));
    let status = status.unwrap_or_default();
    let mut lines = status.lines();
    let mode = lines.find_map(|line| line.strip_prefix("Seccomp:"));
    mode.is_none_or(|mode| mode.trim() != "0")
}

/// Has that done by the calling thread's aide, and waits for it. None where it has none, or that has died.
pub(crate) fn by_aide<T>(work: impl FnOnce() -> T) -> Option<T> {
    let aide = aide()?;
    let (mut work, mut done) = (Some(work), None);
    aide.does(&mut || {
        if let Some(work) = work.take() {
            done = Some(catch_unwind(AssertUnwindSafe(work)));
        }
    });
    match done? {
        Ok(done) => Some(done),
        Err(payload) => resume_unwind(payload),
    }
}

/// Something to be done. It is waited for.
struct Job(*mut dyn FnMut());

// SAFETY: it is called once, by one thread, while the one that it is from does nothing but wait.
unsafe impl Send for Job {}

enum State {
    Starts,
    Waits,
    Has(Job),
    Released,
}

/// A thread under no filter.
struct Aide {
    /// The kernel's number of the thread that it is an aide of.
    of: i32,
    state: Mutex<State>,
    changed: Condvar,
    alive: Alive,
}

/// After so long, it is asked whether an aide lives.
const LOOK: Duration = Duration::from_millis(100);

impl Aide {
    fn start() -> Option<&'static Self> {
        let aide: &'static Self = Box::leak(Box::new(Self {
            of: kernel::thread_id(),
            state: Mutex::new(State::Starts),
            changed: Condvar::new(),
            alive: Alive::new(),
        }));
        STARTS_AIDE.set(true);
        let started = thread::Builder::new()
            .name("heap-tracked".into())
            .spawn(|| aide.works());
        STARTS_AIDE.set(false);
        started.ok()?;
        let mut state = aide.state();
        while matches!(*state, State::Starts) {
            state = wait(&aide.changed, state);
        }
        drop(state);
        Some(aide)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.state() = state;
        self.changed.notify_all();
    }

    fn works(&self) {
        self.alive.begins();
        self.set(State::Waits);
        loop {
            let mut state = self.state();
            while matches!(*state, State::Waits) {
                state = wait(&self.changed, state);
            }
            let State::Has(Job(job)) = *state else { break };
            drop(state);
            // SAFETY: who has given it waits, and keeps it until the state is another.
            unsafe { (*job)() };
            self.set(State::Waits);
        }
        self.alive.ends();
    }

    fn does(&self, work: &mut dyn FnMut()) {
        let work: *mut (dyn FnMut() + '_) = work;
        #[expect(
            clippy::transmute_ptr_to_ptr,
            reason = "a cast keeps the lifetime of what is behind it"
        )]
        // SAFETY: the lifetime alone is another, and it is not used after this function.
        let work = unsafe { transmute::<*mut (dyn FnMut() + '_), *mut dyn FnMut()>(work) };
        self.set(State::Has(Job(work)));
        let mut state = self.state();
        while matches!(*state, State::Has(_)) {
            let waited = self.changed.wait_timeout(state, LOOK);
            let (still, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
            state = still;
            if timed_out.timed_out() && self.alive.has_died() {
                break;
            }
        }
    }
}

fn wait<'a>(changed: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    changed.wait(state).unwrap_or_else(PoisonError::into_inner)
}
