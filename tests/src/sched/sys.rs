//! The system calls that `rustix` does not have. All unsafe code of the suite is here.

use std::io;
use std::mem;

use rustix::thread::Pid;

/// What `sched_setattr(2)` is told. Fields that a policy does not use are zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) policy: u32,
    pub(crate) priority: u32,
    pub(crate) runtime_ns: u64,
    pub(crate) deadline_ns: u64,
    pub(crate) period_ns: u64,
}

/// `sched_setattr(2)` on one thread.
///
/// # Errors
///
/// What the kernel answers, such as `EPERM` without `CAP_SYS_NICE`.
pub(crate) fn set_attributes(thread: Pid, attributes: Attributes) -> io::Result<()> {
    let attr = libc::sched_attr {
        size: u32::try_from(size_of::<libc::sched_attr>()).map_err(io::Error::other)?,
        sched_policy: attributes.policy,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: attributes.priority,
        sched_runtime: attributes.runtime_ns,
        sched_deadline: attributes.deadline_ns,
        sched_period: attributes.period_ns,
    };
    // SAFETY: `attr` is alive and initialised during the call, its `size` field is its true size, and the kernel
    // only reads it (it writes the size back on E2BIG, so the pointer comes from a place that may be written).
    // The call changes how a thread is scheduled and touches no other memory of ours.
    let status = unsafe {
        let mut attr = attr;
        libc::syscall(
            libc::SYS_sched_setattr,
            thread.as_raw_nonzero().get(),
            &raw mut attr,
            0_u32,
        )
    };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// How often the calling thread has been switched out: of its own will, and against it.
///
/// # Errors
///
/// What `getrusage(2)` answers.
pub(crate) fn switches_of_this_thread() -> io::Result<(usize, usize)> {
    let mut usage = mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is valid for a write of one `rusage`, which is all the kernel writes.
    if unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a `rusage` is integers only, for which all zeroes is valid, and the call has filled it.
    let usage = unsafe { usage.assume_init() };
    Ok((
        usage.ru_nvcsw.try_into().map_err(io::Error::other)?,
        usage.ru_nivcsw.try_into().map_err(io::Error::other)?,
    ))
}

/// The policy number of the calling thread.
///
/// # Errors
///
/// What `sched_getscheduler(2)` answers.
pub(crate) fn policy_of_this_thread() -> io::Result<libc::c_int> {
    // SAFETY: the call takes a number and touches no memory of ours; 0 is the calling thread.
    match unsafe { libc::sched_getscheduler(0) } {
        -1 => Err(io::Error::last_os_error()),
        policy => Ok(policy),
    }
}
