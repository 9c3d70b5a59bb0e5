//! What the kernel made a thread wait for, by taskstats over generic netlink.
//!
//! The kernel counts it where `kernel.task_delayacct` is 1, for threads that have begun since, and tells it to who has
//! `CAP_NET_ADMIN`. A thread that it does not count looks like one that has not waited. So what is 0 is proved: the thread
//! copies a page, which is a delay, and is asked again.
//!
//! | not counted is | told by |
//! |---|---|
//! | every thread | the switch, read when the test begins and when it ends |
//! | a thread that was there before the switch was on | no delay, after it has copied a page |
//! | a kind that is newer than the kernel | the length of its answer |
//!
//! The socket is kept for the process, and one question at a time is asked. A thread of a fork asks nothing.

mod message;

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::{Errno, pread};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

use super::copied_page::copy_a_page;
use super::delays::{Delays, Kind, note_irq};
use super::kept::Kept;
use super::why::Why;
use crate::descriptor::Descriptor;
use crate::kernel;
use message::Question;

/// What is kept for the process.
struct Line {
    switch: Option<Kept>,
    socket: Option<(Kept, u16)>,
    asked: u32,
}

static LINE: Mutex<Line> = Mutex::new(Line {
    switch: None,
    socket: None,
    asked: 0,
});

fn line() -> MutexGuard<'static, Line> {
    // What is behind the lock is never left half-done by a panic.
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether threads that begin now are counted, and this process may ask.
pub(super) fn is_to_be_had() -> Result<(), Why> {
    let mut line = line();
    if !line.is_on()? {
        return Err(Why::Off);
    }
    line.ask(this_thread()).map(drop)
}

/// Whether the kernel counts now.
pub(super) fn is_on() -> Result<bool, Why> {
    line().is_on()
}

/// Of a thread of this process, since it began.
pub(super) fn of(thread: u32) -> Result<Delays, Why> {
    line().ask(thread)
}

/// Of the calling thread.
pub(super) fn of_this_thread() -> Result<Delays, Why> {
    of(this_thread())
}

/// Of the calling thread, which the kernel is proved to count. By that, it may have copied a page.
pub(super) fn proved_of_this_thread() -> Result<Delays, Why> {
    let thread = this_thread();
    let delays = of(thread)?;
    if delays.is_any() {
        return Ok(delays);
    }
    copy_a_page();
    let delays = of(thread)?;
    if delays.is_any() {
        Ok(delays)
    } else if delays.get(Kind::WriteProtectCopy).is_some() {
        Err(Why::Uncounted)
    } else {
        Err(Why::Unproved)
    }
}

fn this_thread() -> u32 {
    kernel::thread_id().unsigned_abs()
}

impl Line {
    /// Of a kernel older than 5.14, which has no switch, it is what it was booted with: to be asked will show.
    fn is_on(&mut self) -> Result<bool, Why> {
        const SWITCH: &str = "/proc/sys/kernel/task_delayacct";
        if kernel::is_confined() {
            return Err(Why::SwitchUnread(libc::EPERM));
        }
        let kept = self.switch.take().filter(|switch| switch.get().is_some());
        let open = || {
            let flags = OFlags::RDONLY | OFlags::NOCTTY;
            Descriptor::open(CWD, SWITCH, flags, Mode::empty()).and_then(Kept::new)
        };
        let switch = match kept.map_or_else(open, Ok) {
            Ok(switch) => switch,
            Err(Errno::NOENT) if std::fs::exists("/proc/sys/kernel").unwrap_or(false) => {
                return Ok(true);
            }
            Err(error) => return Err(Why::SwitchUnread(error.raw_os_error())),
        };
        let mut said = [0; 1];
        let read = switch.get().map_or(Err(Errno::BADF), |switch| {
            pread(switch, said.as_mut_slice(), 0)
        });
        self.switch = Some(switch);
        match read {
            Ok(_) => Ok(said != *b"0"),
            Err(error) => Err(Why::SwitchUnread(error.raw_os_error())),
        }
    }

    fn ask(&mut self, thread: u32) -> Result<Delays, Why> {
        if kernel::is_confined() {
            return Err(Why::NoAnswer(libc::EPERM));
        }
        let kept = self.socket.take().filter(|(kept, _)| kept.get().is_some());
        let (socket, family) = match kept {
            Some(kept) => kept,
            None => self.connect()?,
        };
        self.asked = self.asked.wrapping_add(1);
        let question = Question::thread(family, thread, self.asked);
        let delays = answer(&socket, &question, |answer| message::delays(answer, thread));
        self.socket = Some((socket, family));
        if let Ok(delays) = &delays {
            note_irq(delays);
        }
        delays
    }

    /// A socket, and which number the family has.
    fn connect(&mut self) -> Result<(Kept, u16), Why> {
        let flags = SocketFlags::CLOEXEC;
        let generic = Some(netlink::GENERIC);
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, generic)
            .and_then(|socket| Kept::new(Descriptor::from(socket)))
            .map_err(|error| Why::NoSocket(error.raw_os_error()))?;
        self.asked = self.asked.wrapping_add(1);
        match answer(&socket, &Question::family(self.asked), message::family) {
            Ok(family) => Ok((socket, family)),
            Err(why) => {
                socket.close();
                Err(why)
            }
        }
    }
}

/// The kernel answers before it has taken a question.
fn answer<T>(
    socket: &Kept,
    question: &Question,
    read: impl FnOnce(&[u8]) -> Result<T, Why>,
) -> Result<T, Why> {
    /// Twice what the longest answer of today takes.
    const ROOM: usize = 2048;
    /// Of answers to questions that were broken off, there are no more.
    const STALE: usize = 16;
    let no_answer = |error: Errno| Why::NoAnswer(error.raw_os_error());
    let socket = socket.get().ok_or(Why::NoAnswer(libc::EBADF))?;
    send(socket, question.bytes(), SendFlags::DONTWAIT).map_err(no_answer)?;
    let mut room = [0; ROOM];
    for _ in 0..STALE {
        let (_, length) =
            recv(socket, room.as_mut_slice(), RecvFlags::DONTWAIT).map_err(no_answer)?;
        let answer = room.get(..length).unwrap_or_default();
        if question.is_answered_by(answer) {
            return read(answer);
        }
    }
    Err(Why::NoAnswer(0))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Whatever this machine grants: no question is left without an answer or a reason.
    #[test]
    fn threads_ask_at_the_same_time() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                thread::spawn(|| {
                    for _ in 0..50 {
                        match of_this_thread() {
                            Ok(_) | Err(Why::NoPrivilege | Why::NoFamily | Why::NoSocket(_)) => {}
                            Err(why) => panic!("{why}"),
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn a_thread_that_is_no_more_gives_no_answer() {
        let gone = thread::spawn(this_thread).join().unwrap();
        // Its number may be somebody's by now.
        if let Err(why) = of(gone) {
            assert!(
                matches!(
                    why,
                    Why::NoAnswer(libc::ESRCH)
                        | Why::NoPrivilege
                        | Why::NoFamily
                        | Why::NoSocket(_)
                ),
                "{why}"
            );
        }
    }

    #[test]
    fn the_switch_is_what_the_file_says() {
        let Ok(said) = std::fs::read_to_string("/proc/sys/kernel/task_delayacct") else {
            return;
        };
        assert_eq!(is_on(), Ok(said.trim() != "0"));
    }
}
