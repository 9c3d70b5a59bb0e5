//! The threads that were there when jemalloc took a call-back. Any other has known of it since its
//! first allocation.

use std::fs::{metadata, read_dir};
use std::os::unix::fs::MetadataExt as _;

use crate::kernel::thread_id;
use crate::process::process_id;

/// Those threads, by the kernel's numbers. A number that was given again is taken for an old thread's.
pub(super) struct PreexistingThreads {
    process: u32,
    threads: Vec<i32>,
}

impl PreexistingThreads {
    /// The threads of now; nothing where they cannot be listed, or are listed by numbers that are
    /// not those which this process knows them by.
    pub(super) fn now() -> Option<Self> {
        let this = thread_id();
        let threads = Self::few(this).or_else(Self::listed)?;
        threads.contains(&this).then(|| Self {
            process: process_id(),
            threads,
        })
    }

    /// Where there is no other but the main thread, as in a process of one test: a folder has a link for each folder
    /// in it, and two of its own.
    fn few(this: i32) -> Option<Vec<i32>> {
        let links = metadata("/proc/self/task").ok()?.nlink();
        let main = process_id().cast_signed();
        match links {
            3 if this == main => Some(vec![main]),
            4 if this != main => Some(vec![main, this]),
            _ => None,
        }
    }

    fn listed() -> Option<Vec<i32>> {
        let entries = read_dir("/proc/self/task").ok()?;
        let threads = entries.map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        threads.collect()
    }

    /// Whether the calling thread may be one of them.
    pub(super) fn has_this_thread(&self) -> bool {
        // A fork has one thread, of another number: whose it was, nobody knows any more.
        self.process != process_id() || self.threads.contains(&thread_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_thread_is_preexisting_to_those_who_come_later() {
        let (ask, asked) = std::sync::mpsc::channel::<PreexistingThreads>();
        let older = thread::spawn(move || asked.recv().unwrap().has_this_thread());
        let preexisting = PreexistingThreads::now().unwrap();
        assert!(preexisting.has_this_thread());
        // The older thread keeps its number for as long as the younger runs.
        thread::scope(|scope| {
            let younger = scope
                .spawn(|| preexisting.has_this_thread())
                .join()
                .unwrap();
            assert!(!younger);
        });
        ask.send(preexisting).unwrap();
        assert!(older.join().unwrap());
    }
}
