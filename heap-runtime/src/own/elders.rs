//! The threads that were there when jemalloc took a call-back. Any other has known of it since its
//! first allocation.

use std::fs::read_dir;

use crate::kernel::{process_id, thread_id};

/// Those threads, by the kernel's numbers. A number that was given again is taken for an old thread's.
pub(super) struct Elders {
    process: i32,
    threads: Vec<i32>,
}

impl Elders {
    /// The threads of now; nothing where they cannot be listed, or are listed by numbers that are
    /// not those which this process knows them by.
    pub(super) fn now() -> Option<Self> {
        let entries = read_dir("/proc/self/task").ok()?;
        let threads = entries.map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let threads: Vec<i32> = threads.collect::<Option<_>>()?;
        let elders = Self {
            process: process_id(),
            threads,
        };
        elders.has_this_thread().then_some(elders)
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
    fn a_thread_is_an_elder_of_those_who_come_later() {
        let (ask, asked) = std::sync::mpsc::channel::<Elders>();
        let older = thread::spawn(move || asked.recv().unwrap().has_this_thread());
        let elders = Elders::now().unwrap();
        assert!(elders.has_this_thread());
        // The older thread keeps its number for as long as the younger runs.
        thread::scope(|scope| {
            let younger = scope.spawn(|| elders.has_this_thread()).join().unwrap();
            assert!(!younger);
        });
        ask.send(elders).unwrap();
        assert!(older.join().unwrap());
    }
}
