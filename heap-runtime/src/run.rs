//! Which run this process belongs to: all test binaries of one `cargo test`, or of one
//! `cargo nextest run`, are one run.

#[cfg_attr(
    not(all(target_os = "linux", not(any(miri, heap_runtime_elsewhere)))),
    path = "run/elsewhere.rs"
)]
mod ancestry;

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::env::Nextest;

#[cfg(all(
    feature = "cli",
    target_os = "linux",
    not(any(miri, heap_runtime_elsewhere))
))]
pub(crate) use ancestry::id_of_cargo;

/// What started the test process.
///
/// ```
/// use heap_runtime::{Runner, sidecar};
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// // So the process is that of all tests of the binary, and its numbers are theirs too.
/// assert_eq!(sidecar.runner, Runner::CargoTest);
/// # Ok::<(), heap_runtime::sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Runner {
    /// `cargo test`: many tests in one process.
    CargoTest,
    /// `cargo nextest run`: a process for each test.
    Nextest,
    /// The test binary was started by something else, such as a debugger.
    Other,
}

/// The run of this process, and the turn of its tests in it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) runner: Runner,
    /// From 1; more under nextest's retries.
    pub(crate) attempt: u32,
    /// From 0; under nextest's stress runs.
    pub(crate) stress_index: Option<u32>,
}

impl Run {
    /// The run of this process, found out once.
    pub(crate) fn get() -> &'static Self {
        static RUN: OnceLock<Run> = OnceLock::new();
        RUN.get_or_init(|| {
            if let Some(nextest) = Nextest::get() {
                return Self {
                    id: sanitised(&nextest.run_id),
                    runner: Runner::Nextest,
                    attempt: nextest.attempt,
                    stress_index: nextest.stress_index,
                };
            }
            let (id, runner) = ancestry::identity();
            Self {
                id,
                runner,
                attempt: 1,
                stress_index: None,
            }
        })
    }
}

/// This process's number; 0 on targets that have no processes.
pub(crate) fn process_id() -> u32 {
    // There, to ask is to panic.
    if cfg!(target_family = "wasm") {
        0
    } else {
        std::process::id()
    }
}

fn id(pid: i32, start_time: u64) -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let hash = fnv1a([
        boot.trim().as_bytes(),
        &pid.to_le_bytes(),
        &start_time.to_le_bytes(),
    ]);
    format!("{hash:016x}")
}

/// 64-bit FNV-1a: the same in every version of every program that names runs and files.
pub(crate) fn fnv1a<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    parts
        .into_iter()
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

/// An id from the environment becomes the name of one folder, never a path.
pub(crate) fn sanitised(id: &str) -> String {
    let mut name = String::new();
    for c in id.chars().take(100) {
        if c.is_ascii_alphanumeric() || c == '-' || (c == '_' && !name.is_empty()) {
            name.push(c);
        } else {
            write!(name, "_{:x}", u32::from(c)).expect("a String takes all");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_folder_name() {
        let uuid = "45f3fc9c-7d21-4c2e-8c63-b1a34a2bb1a0";
        assert_eq!(sanitised(uuid), uuid);
        assert_eq!(sanitised("../../etc"), "_2e_2e_2f_2e_2e_2fetc");
        assert_eq!(sanitised("."), "_2e");
    }

    #[test]
    fn fnv1a_is_the_published_function() {
        // From the reference's test vectors.
        assert_eq!(fnv1a([b"".as_slice()]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a([b"foobar".as_slice()]), 0x8594_4171_f739_67e8);
        assert_eq!(fnv1a([b"foo".as_slice(), b"bar"]), 0x8594_4171_f739_67e8);
    }
}
