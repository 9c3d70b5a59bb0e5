//! How a thread learns which test started it: every `pthread_create` of the process comes through
//! here, std's, tokio's, rayon's and C's, unless another definition of that name is linked.

#[path = "pthread_create.rs"]
mod name;
#[path = "untracked.rs"]
mod untracked;

use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::ptr::{from_ref, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use crate::{fork, jemalloc, kernel};

use super::interpose::{go_on, interpose};
use super::member::Member;
use super::registry::Locked;
use super::this_thread::{self, MEMBER, REGISTRY, counters};
use super::{confined, sampler, spending, std_map, thread_end};
use name::StartRoutine;

// Beside a sanitizer's, which is weak too, ours must come first: see [`name`].
#[cfg(not(sanitizer))]
interpose!(".weak", "pthread_create", create);
#[cfg(sanitizer)]
interpose!(".globl", "pthread_create", create);

/// Why no spawned threads are seen, where that is so.
pub(super) fn missing() -> Option<&'static str> {
    name::is_anothers().then_some(
        "which threads a test starts is not seen: another definition of `pthread_create` in this \
         program comes before that of heap-runtime",
    )
}

/// Finds the C library's function, and makes `fork` safe. Once, before anything is measured.
pub(super) fn prepare() {
    static FORKS: OnceLock<()> = OnceLock::new();
    name::next();
    confined::prepare();
    jemalloc::prepare_for_exits();
    if !name::is_anothers() {
        std_map::prepare();
    }
    FORKS.get_or_init(|| {
        // SAFETY: the handlers are functions of ours that may be called at every fork. Where there
        // is no memory for them, forks are as they are in any program with threads.
        unsafe {
            libc::pthread_atfork(
                Some(before_fork),
                Some(after_fork_in_parent),
                Some(after_fork_in_child),
            );
        }
    });
}

/// Starts a thread, in the test of the thread that calls it.
///
/// # Safety
///
/// As the C library's.
unsafe extern "C" fn create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    routine: StartRoutine,
    argument: *mut c_void,
) -> c_int {
    if std_map::is_probe(routine as *mut c_void) {
        return libc::EAGAIN;
    }
    let Some(real) = name::next() else {
        return libc::EAGAIN;
    };
    let parent = MEMBER.get().filter(|_| !confined::starts_aide());
    let child = parent.and_then(|parent| {
        // What the parent has done up to here is accounted for before a thread is spawned.
        sampler::take_thread_peak(parent);
        REGISTRY.spawn(parent)
    });
    let Some(child) = child else {
        // SAFETY: the caller's arguments.
        return unsafe { untracked::create(real, thread, attributes, routine, argument) };
    };
    spending::spawned(child);
    let confined = kernel::is_confined();
    child.confined.store(confined, Ordering::Relaxed);
    child
        .start_routine
        .store(routine as *mut c_void, Ordering::Relaxed);
    child.start_argument.store(argument, Ordering::Relaxed);
    let enlarged = enlarged(attributes);
    let attributes = enlarged.as_ref().map_or(attributes, from_ref);
    // SAFETY: the caller's arguments, but that `begin` is put before the routine. It takes a member,
    // which lives for ever; starting the thread makes what was stored in it visible there.
    let code = unsafe { real(thread, attributes, begin, from_ref(child).cast_mut().cast()) };
    if code != 0 {
        REGISTRY.cancel_spawn(child);
    }
    code
}

/// What `begin` and the end of a thread take of its stack at the most, in a build without optimisation.
const OUR_STACK: usize = 32 << 10;

/// The same attributes with a larger stack, where that is so small that our part of the thread might not
/// find room on it. A stack that the caller has made itself stays as it is.
fn enlarged(attributes: *const libc::pthread_attr_t) -> Option<libc::pthread_attr_t> {
    let (mut start, mut size) = (null_mut(), 0);
    // SAFETY: the attributes are the caller's, for the function that this stands in for.
    let code = unsafe {
        attributes.as_ref()?;
        libc::pthread_attr_getstack(attributes, &raw mut start, &raw mut size)
    };
    // Where there is none, it ends at 0.
    let is_the_librarys = start.addr().wrapping_add(size) == 0;
    if code != 0 || !is_the_librarys || size >= 2 * OUR_STACK {
        return None;
    }
    // SAFETY: what is behind a pointer in it stays the caller's: the copy is not destroyed.
    unsafe {
        let mut enlarged = attributes.read();
        let code = libc::pthread_attr_setstacksize(&raw mut enlarged, size + OUR_STACK);
        (code == 0).then_some(enlarged)
    }
}

/// The new thread's first function.
///
/// # Safety
///
/// For the C library alone, with the member that `create` has passed to it.
unsafe extern "C-unwind" fn begin(member: *mut c_void) -> *mut c_void {
    // SAFETY: `create` has passed a member that lives for ever, made for this thread alone.
    let member: &'static Member = unsafe { &*member.cast::<Member>() };
    let routine = member.start_routine.load(Ordering::Relaxed);
    let argument = member.start_argument.load(Ordering::Relaxed);
    // SAFETY: `create` has stored a function of this type.
    let start = unsafe { transmute::<*mut c_void, StartRoutine>(routine) };
    if member.confined.load(Ordering::Relaxed) {
        kernel::set_confined(true);
    }
    member.alive.begins();
    let ends_with_thread = thread_end::watch(member);
    MEMBER.set(Some(member));
    member.set_thread(this_thread::number());
    sampler::start_thread_peak();
    REGISTRY.begin(member, counters());
    if !ends_with_thread {
        // Its samples start from here; nobody else may read the counters.
        REGISTRY.detach_counters(member);
    }
    std_map::begins(member, routine);
    // SAFETY: what the caller of `pthread_create` asked for. Nothing is left to be dropped in this
    // frame, so that unwinding passes it.
    let returned = unsafe { start(argument) };
    member.leaves.store(true, Ordering::Relaxed);
    std_map::ends(member);
    returned
}

/// The registry's lock, held over a fork by the thread that forks.
struct Held(std::cell::UnsafeCell<Option<Locked<'static>>>);
// SAFETY: touched only by the thread that holds the registry's lock: after it was taken, and before
// it is given back.
unsafe impl Sync for Held {}
static HELD: Held = Held(std::cell::UnsafeCell::new(None));

extern "C" fn before_fork() {
    let locked = REGISTRY.lock();
    // SAFETY: this thread holds the registry's lock.
    unsafe { *HELD.0.get() = Some(locked) };
}

extern "C" fn after_fork_in_parent() {
    // SAFETY: this thread has held the registry's lock since `before_fork`.
    let locked = unsafe { (*HELD.0.get()).take() };
    drop(locked);
}

/// In the child, whose only thread is the one that forked.
extern "C" fn after_fork_in_child() {
    fork::note_child();
    // SAFETY: this thread has held the registry's lock since `before_fork`.
    let locked = unsafe { (*HELD.0.get()).take() };
    if let Some(mut locked) = locked {
        locked.forget_others(MEMBER.get());
    }
}
