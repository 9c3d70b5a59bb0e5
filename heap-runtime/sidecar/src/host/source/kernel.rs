//! The kernel: its name, and what it was built with.

use super::{Source, file};
use crate::HostContext;
use crate::{TaskDelayAcct, TaskXacct};
use flate2::bufread::GzDecoder;
use libc::{c_char, utsname};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::mem::MaybeUninit;

/// How the kernel was built to account tasks.
#[derive(Clone, Copy)]
pub(super) struct Accounting {
    delays: bool,
    extended: bool,
}

/// What uname(2) says of the kernel, and nothing of what it says of the host's name.
pub(crate) fn uname() -> HostContext {
    let mut names = MaybeUninit::<utsname>::uninit();
    // Not by rustix, which takes a refusal for a panic: a test may have given it up, by a seccomp filter.
    // SAFETY: there is room for the names.
    if unsafe { libc::uname(names.as_mut_ptr()) } != 0 {
        return HostContext::default();
    }
    // SAFETY: filled in, as there was an answer.
    let names = unsafe { names.assume_init() };
    HostContext {
        kernel_name: text(&names.sysname),
        kernel_release: text(&names.release),
        arch: text(&names.machine),
        ..HostContext::default()
    }
}

fn text(name: &[c_char]) -> Option<String> {
    // Signed on some processors.
    let bytes = name.iter().flat_map(|byte| byte.to_ne_bytes());
    String::from_utf8(bytes.take_while(|byte| *byte != 0).collect()).ok()
}

impl Source {
    pub(super) fn task_xacct(&self) -> TaskXacct {
        // It is there with CONFIG_TASK_IO_ACCOUNTING, which needs CONFIG_TASK_XACCT. To unpack the kernel's
        // configuration takes a millisecond in a debug build.
        if std::fs::exists(&*self.path("/proc/self/io")).unwrap_or(false) {
            return TaskXacct::On;
        }
        match self.accounting() {
            None => TaskXacct::Unknown,
            Some(accounting) if accounting.extended => TaskXacct::On,
            Some(_) => TaskXacct::Off,
        }
    }

    pub(super) fn task_delayacct(&self) -> Option<TaskDelayAcct> {
        let mut buffer = file::buffer();
        let switch = self.path("/proc/sys/kernel/task_delayacct");
        match file::value(&*switch, &mut buffer) {
            Some("0") => Some(TaskDelayAcct::RuntimeOff),
            Some("1") => Some(TaskDelayAcct::On),
            Some(_) => None,
            None => (!self.accounting()?.delays).then_some(TaskDelayAcct::ConfigOff),
        }
    }

    /// Looked up once: a kernel is not rebuilt while it runs.
    fn accounting(&self) -> Option<Accounting> {
        *self.accounting.get_or_init(|| {
            self.config_of_kernel()
                .or_else(|| self.config_of_distribution())
        })
    }

    fn config_of_kernel(&self) -> Option<Accounting> {
        let packed = File::open(&*self.path("/proc/config.gz")).ok()?;
        accounting(BufReader::new(GzDecoder::new(BufReader::new(packed)))).ok()?
    }

    fn config_of_distribution(&self) -> Option<Accounting> {
        let release = self.text("/proc/sys/kernel/osrelease")?;
        let config = File::open(&*self.path(&format!("/boot/config-{release}"))).ok()?;
        accounting(BufReader::new(config)).ok()?
    }
}

/// Reads a kernel's configuration up to the second of the two options, which stand near its top: a map of all
/// its lines, as procfs makes it, costs a hundred times as much. Options that depend on one that is off do not
/// appear at all. Nothing where this is no configuration.
fn accounting(mut config: impl BufRead) -> io::Result<Option<Accounting>> {
    let (mut delays, mut extended) = (None, None);
    let mut is_config = false;
    let mut line = Vec::new();
    while config.read_until(b'\n', &mut line)? > 0 {
        let option = line.trim_ascii();
        match option {
            b"CONFIG_TASK_DELAY_ACCT=y" => delays = Some(true),
            b"# CONFIG_TASK_DELAY_ACCT is not set" => delays = Some(false),
            b"CONFIG_TASK_XACCT=y" => extended = Some(true),
            b"# CONFIG_TASK_XACCT is not set" => extended = Some(false),
            _ => is_config |= option.starts_with(b"CONFIG_"),
        }
        if let (Some(delays), Some(extended)) = (delays, extended) {
            return Ok(Some(Accounting { delays, extended }));
        }
        line.clear();
    }
    Ok(is_config.then_some(Accounting {
        delays: delays.unwrap_or(false),
        extended: extended.unwrap_or(false),
    }))
}
