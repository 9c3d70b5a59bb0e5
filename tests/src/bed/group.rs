//! Cgroups of version 2, as deep as a case wants them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::damage;

const ROOT: &str = "/sys/fs/cgroup";

/// How long the kernel may take to let go of who was killed.
const LEAVING: Duration = Duration::from_secs(20);

/// A cgroup. When this is dropped, whoever is in it is killed, and it is removed; those below it must be gone.
#[derive(Debug)]
pub struct Group {
    folder: PathBuf,
}

impl Group {
    /// Makes one below the root.
    ///
    /// # Errors
    ///
    /// What the kernel answers.
    pub fn new(name: &str) -> io::Result<Self> {
        Self::make(Path::new(ROOT).join(name))
    }

    /// Makes one below this one, which from then on has every controller for those below and takes no process.
    ///
    /// # Errors
    ///
    /// What the kernel answers.
    pub fn below(&self, name: &str) -> io::Result<Self> {
        let controllers = fs::read_to_string(self.folder.join("cgroup.controllers"))?;
        let on: Vec<_> = controllers
            .split_whitespace()
            .map(|name| format!("+{name}"))
            .collect();
        self.set("cgroup.subtree_control", &on.join(" "))?;
        Self::make(self.folder.join(name))
    }

    fn make(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir(&folder)?;
        Ok(Self { folder })
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes one of its files, such as `memory.max`.
    ///
    /// # Errors
    ///
    /// What the kernel answers.
    pub fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.folder.join(file), value)
    }

    /// The number behind a word of one of its files, such as `oom_kill` of `memory.events`.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn count(&self, file: &str, word: &str) -> io::Result<u64> {
        let text = fs::read_to_string(self.folder.join(file))?;
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(name, _)| *name == word)
            .and_then(|(_, number)| number.trim().parse().ok())
            .ok_or_else(|| io::Error::other(format!("no {word} in {file}: {text:?}")))
    }

    /// Has a command start in it.
    ///
    /// # Errors
    ///
    /// Where its file cannot be opened.
    pub fn enter(&self, command: &mut Command) -> io::Result<()> {
        use std::io::Write as _;
        let mut processes = fs::File::options()
            .write(true)
            .open(self.folder.join("cgroup.procs"))?;
        // SAFETY: one write to a file opened before; zero is the writer itself.
        unsafe { damage::before(command, move || processes.write_all(b"0")) };
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group that is gone already has nobody to kill.
        let _ = self.set("cgroup.kill", "1");
        let began = std::time::Instant::now();
        while let Err(error) = fs::remove_dir(&self.folder) {
            if began.elapsed() > LEAVING {
                eprintln!("{} stays: {error}", self.folder.display());
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
