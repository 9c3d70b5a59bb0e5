//! Why it is not known what a thread was delayed by.

use std::fmt;
use std::io;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(proc_fs), expect(dead_code, reason = "nobody is asked"))]
pub(crate) enum Why {
    /// Nobody asked for the tier of time.
    Unwanted,
    #[cfg(not(proc_fs))]
    NotLinux,
    /// The switch could not be read: an error's number.
    SwitchUnread(i32),
    Off,
    SwitchedOn,
    SwitchedOff,
    /// No socket could be had: an error's number.
    NoSocket(i32),
    NoFamily,
    NoPrivilege,
    /// The kernel did not answer: an error's number, or 0 where the answer was none that we know.
    NoAnswer(i32),
    /// Of that version, the numbers do not stand where they are looked for.
    Layout(u16),
    /// The thread was there before accounting was switched on.
    Uncounted,
    /// The thread may have been.
    Unproved,
    /// Nobody has asked when the thread's part in the test began.
    Unread,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = |number: &i32| io::Error::from_raw_os_error(*number);
        match self {
            Self::Unwanted => f.write_str("HEAP_TIME=0"),
            #[cfg(not(proc_fs))]
            Self::NotLinux => f.write_str("delays of threads are known on Linux alone"),
            Self::SwitchUnread(number) => write!(
                f,
                "whether kernel.task_delayacct is on could not be read: {}",
                error(number)
            ),
            Self::Off => f.write_str("kernel.task_delayacct is 0"),
            Self::SwitchedOn => {
                f.write_str("kernel.task_delayacct was switched on while the test ran")
            }
            Self::SwitchedOff => {
                f.write_str("kernel.task_delayacct was switched off while the test ran")
            }
            Self::NoSocket(number) => {
                write!(f, "no netlink socket could be had: {}", error(number))
            }
            Self::NoFamily => {
                f.write_str("the kernel has no taskstats: it was built without CONFIG_TASKSTATS")
            }
            Self::NoPrivilege => f.write_str("taskstats needs CAP_NET_ADMIN, and not in a user namespace"),
            Self::NoAnswer(0) => f.write_str("taskstats gave no answer that is understood"),
            Self::NoAnswer(number) => write!(f, "taskstats gave no answer: {}", error(number)),
            Self::Layout(version) => {
                write!(f, "taskstats of version {version} is laid out in another way")
            }
            Self::Uncounted => f.write_str(
                "a thread was there before kernel.task_delayacct was switched on, and is not counted",
            ),
            Self::Unproved => f.write_str(
                "a thread had no delay, and may have been there before kernel.task_delayacct was switched on: this \
                 kernel, older than 6.0, does not tell",
            ),
            Self::Unread => f.write_str("a thread was not asked when it came to the test"),
        }
    }
}
