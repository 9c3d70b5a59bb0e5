//! Where a run's sidecars go that has no folder: a descriptor, a port, a console.
//!
//! What would be done to a file of the folder is written as lines of text, each of which stands for itself: see
//! [`heap_sidecar::frame`]. Nothing is read back, so no name is ever taken, and nothing is overwritten.
//!
//! No lock is held while a line is written, and none is needed: each is one write, of less than what a pipe takes at
//! once, and where two threads' lines come to stand between each other they are told apart. Whoever reads may be slow, or gone: a
//! test waits for it no longer than [`PATIENCE`] for each of its records, and then goes on without.

use std::ffi::OsStr;
use std::io;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use heap_sidecar::frame::{Lines, Operation};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, Stat, fstat};
use rustix::io::{Errno, fcntl_dupfd_cloexec, write};

use crate::descriptor::{Descriptor, FIRST_OF_OURS};
use crate::env::SinkTarget;
use crate::process::process_id;
use crate::sidecar::write::platform::is_same;
use crate::token::token;

/// So long one record waits in all for whoever reads. README says it.
const PATIENCE: Duration = Duration::from_millis(250);

/// Something that takes lines.
pub(crate) struct Sink {
    target: SinkTarget,
    // Never closed by us: where the test has closed it, the number may be the test's by now.
    descriptor: ManuallyDrop<Descriptor>,
    /// What it was when it was opened: device and inode tell whether it still is.
    opened: Stat,
    process: u64,
    next: AtomicU32,
}

impl Sink {
    pub(crate) fn open(target: &SinkTarget) -> Result<Self, String> {
        let opened = descriptor(target).and_then(|descriptor| {
            let opened = fstat(&descriptor)?;
            Ok((descriptor, opened))
        });
        let (descriptor, opened) = opened.map_err(|error| {
            format!("cannot open `{target}`, which sidecars are to be written to: {error}")
        })?;
        Ok(Self {
            target: target.clone(),
            descriptor: ManuallyDrop::new(descriptor),
            opened,
            process: token(process_id()),
            next: AtomicU32::new(0),
        })
    }

    pub(crate) fn target(&self) -> &SinkTarget {
        &self.target
    }

    /// Writes what is done to the file `name`.
    pub(crate) fn write(
        &self,
        operation: Operation,
        name: &str,
        contents: &[u8],
    ) -> io::Result<()> {
        if !fstat(&*self.descriptor).is_ok_and(|now| is_same(&now, &self.opened)) {
            return Err(io::Error::other("the test has closed it"));
        }
        let deadline = Instant::now() + PATIENCE;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        for line in Lines::new(self.process, number, operation, name, contents) {
            write_all(&self.descriptor, &line, deadline)?;
        }
        Ok(())
    }
}

/// A descriptor of our own, which does not block where that can be had.
fn descriptor(target: &SinkTarget) -> rustix::io::Result<Descriptor> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOCTTY;
    let open = |path: &OsStr, flags| Descriptor::open(CWD, path, flags, Mode::from_raw_mode(0o666));
    match target {
        SinkTarget::Descriptor(number) => {
            // Anew, as whether it blocks is otherwise a matter of all that have it.
            let path = format!("/proc/self/fd/{number}");
            if let Ok(own) = open(path.as_ref(), flags) {
                return own.above_standard();
            }
            // A socket, or there is no /proc.
            // SAFETY: a number that is no open descriptor is refused by the kernel, and it is not kept.
            let given = unsafe { rustix::fd::BorrowedFd::borrow_raw(*number) };
            fcntl_dupfd_cloexec(given, FIRST_OF_OURS).map(Descriptor::from)
        }
        // A device that is not there is not made up for by a file.
        SinkTarget::Path(path) if path.starts_with("/dev") => open(path.as_os_str(), flags),
        SinkTarget::Path(path) => open(path.as_os_str(), flags | OFlags::CREATE),
    }?
    .above_standard()
}

/// Writes all of it, or as much as is taken until then.
fn write_all(to: &Descriptor, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        // First asked, for one that blocks.
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(to, PollFlags::OUT)], Some(&timeout)) {
            Ok(0) => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("nobody read it for {PATIENCE:?}"),
                ));
            }
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match write(to, bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixStream;
    use std::path::PathBuf;
    use std::thread;

    use heap_sidecar::frame::{Collected, Collector};

    use super::*;

    fn collected(bytes: &[u8]) -> Collected {
        let mut collector = Collector::default();
        bytes
            .split(|byte| *byte == b'\n')
            .for_each(|line| collector.line(line));
        collector.finish()
    }

    #[test]
    fn what_is_written_to_a_file_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let sink = Sink::open(&SinkTarget::Path(path.clone())).unwrap();
        thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                let sink = &sink;
                scope.spawn(move || {
                    let contents = name.repeat(5000);
                    sink.write(Operation::Put, name, contents.as_bytes())
                        .unwrap();
                });
            }
        });
        let collected = collected(&fs::read(&path).unwrap());
        assert_eq!(collected.torn, []);
        for name in ["a", "b", "c"] {
            assert_eq!(collected.files[name], name.repeat(5000).as_bytes());
        }
    }

    #[test]
    fn a_socket_by_its_number_is_written_to() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let sink = Sink::open(&SinkTarget::Descriptor(theirs.as_raw_fd())).unwrap();
        sink.write(Operation::Put, "a", b"x").unwrap();
        drop(theirs);
        // A duplicate of it is the sink's, which stays open.
        let mut bytes = [0; 512];
        let length = ours.read(&mut bytes).unwrap();
        assert_eq!(collected(&bytes[..length]).files["a"], b"x");
    }

    #[test]
    fn whoever_does_not_read_is_not_waited_for() {
        let (reader, writer) = io::pipe().unwrap();
        let sink = Sink::open(&SinkTarget::Descriptor(writer.as_raw_fd())).unwrap();
        let contents = vec![b'x'; 1 << 20];
        let error = sink.write(Operation::Put, "a", &contents).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop((writer, reader));
    }

    #[test]
    fn what_is_no_descriptor_and_no_device_is_refused() {
        for target in [
            SinkTarget::Descriptor(9999),
            SinkTarget::Path("/dev/there-is-no-such-port".into()),
            SinkTarget::Path(PathBuf::from("/no/such/folder/out")),
        ] {
            let error = Sink::open(&target).err().expect("it cannot be opened");
            assert!(error.contains(&format!("`{target}`")), "{error}");
        }
    }

    #[test]
    fn one_that_the_test_has_closed_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let sink = Sink::open(&SinkTarget::Path(path.clone())).unwrap();
        // SAFETY: nobody else has it.
        unsafe { libc::close(std::os::fd::AsFd::as_fd(&*sink.descriptor).as_raw_fd()) };
        let error = sink.write(Operation::Put, "a", b"x").unwrap_err();
        assert!(error.to_string().contains("has closed it"), "{error}");
    }
}
