//! The virtual machine, booted once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::project::{clean_environment, workspace};

/// The exit status of what was skipped.
const SKIPPED: i32 = 77;

/// So little that a test can take all of it in a moment.
const MEMORY: &str = "512M";

/// As compressed swap. It is off until a case switches it on.
const SWAP: &str = "128M";

/// Seconds until the guest is switched off. On a machine that does nothing else, a quarter of that is enough.
const TIMEOUT: &str = "900";

/// Asserts once more what the last guest has left, while assertions are written.
pub const AGAIN: &str = "BED_AGAIN";

/// Bytes of a file that does not fit into a cgroup of 64 MiB.
const LARGE: usize = 100 << 20;

/// What the guest has to know. Paths are those of this machine, whose files it sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The suite's test binary.
    pub suite: PathBuf,
    /// A large file. By this path the guest reads it through its page cache, as any file of its root.
    pub large: PathBuf,
    /// Whether there are schedulers to load.
    pub schedulers: bool,
}

impl Plan {
    /// In the guest: what the share says.
    ///
    /// # Errors
    ///
    /// Where it says nothing that can be read.
    pub fn read(share: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(share.join(PLAN))?)?)
    }

    fn hand_over(&self, share: &Path) -> io::Result<()> {
        fs::write(share.join(PLAN), serde_json::to_vec(self)?)
    }
}

const PLAN: &str = "plan.json";

/// A guest that has done what it was to do.
#[derive(Debug)]
pub struct Machine {
    share: PathBuf,
    /// Why there are no schedulers for it.
    pub no_schedulers: Option<String>,
}

impl Machine {
    /// Builds the test binaries, boots the guest, runs the driver in it, and waits for the end. With [`AGAIN`] in the
    /// environment, it is the guest of before.
    ///
    /// # Errors
    ///
    /// The reason, where it is skipped because something is not to be had.
    ///
    /// # Panics
    ///
    /// Where something went wrong.
    pub fn boot(share: &Path) -> Result<Self, String> {
        if std::env::var_os(AGAIN).is_some() {
            return Ok(Self {
                share: share.to_owned(),
                no_schedulers: None,
            });
        }
        // What a guest of before has left is no evidence.
        match fs::remove_dir_all(share) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                panic!("{}: {error}", share.display())
            }
            _ => fs::create_dir_all(share).expect("the target folder can be written"),
        }
        let [driver, suite] = ["in_guest", "scheduler"].map(built);
        let vm = workspace().join("tests/vm");
        let no_schedulers = run(&mut Command::new(vm.join("schedulers/build"))).err();
        let mut boot = Command::new(vm.join("boot"));
        boot.args([driver.as_os_str(), "cases".as_ref()])
            .args(["--exact", "--ignored", "--nocapture"])
            .env("SHARE", share)
            .env("CONSOLE", share.join("console"))
            .envs([
                ("MEM", MEMORY),
                ("SWAP", SWAP),
                ("NUMA", "2"),
                ("TIMEOUT", TIMEOUT),
            ]);
        let large = share.join("large");
        fs::write(&large, vec![1; LARGE]).expect("the share can be written");
        let plan = Plan {
            suite,
            large,
            schedulers: no_schedulers.is_none(),
        };
        plan.hand_over(share).expect("the share can be written");
        run(&mut boot)?;
        fs::remove_file(plan.large).expect("it is still there");
        Ok(Self {
            share: share.to_owned(),
            no_schedulers,
        })
    }

    /// The folder that the guest had.
    #[must_use]
    pub fn share(&self) -> &Path {
        &self.share
    }
}

/// What the console of a guest shows whose first and only process is a test binary of this package, which is given these
/// arguments, and the kernel this.
///
/// # Errors
///
/// The reason, where it is skipped because something is not to be had.
///
/// # Panics
///
/// Where something went wrong.
pub fn console_of(target: &str, arguments: &[&str], kernel: &str) -> Result<Vec<u8>, String> {
    let mut boot = Command::new(workspace().join("tests/vm/init"));
    boot.arg(built(target)).args(arguments).envs([
        ("MEM", MEMORY),
        ("TIMEOUT", TIMEOUT),
        ("APPEND", kernel),
    ]);
    run(&mut boot)
}

/// Runs a script that exits with [`SKIPPED`] where it is skipped, and then says why. Gives what it printed.
fn run(script: &mut Command) -> Result<Vec<u8>, String> {
    clean_environment(script);
    let output = script
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{script:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(SKIPPED) {
        let reason = said.lines().last().unwrap_or_default();
        return Err(reason.trim_start_matches("skipped: ").to_owned());
    }
    assert!(
        output.status.success(),
        "{script:?} {}: {said}",
        output.status
    );
    Ok(output.stdout)
}

/// A test binary of this package, built with what this one was built with.
fn built(target: &str) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    clean_environment(&mut cargo);
    let output = cargo
        .current_dir(workspace())
        .args([
            "test",
            "--package",
            "heap-tests",
            "--no-run",
            "--test",
            target,
        ])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{target} does not build");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == target)
        .find_map(|message| Some(message["executable"].as_str()?.into()))
        .unwrap_or_else(|| panic!("cargo names no executable of {target}"))
}
