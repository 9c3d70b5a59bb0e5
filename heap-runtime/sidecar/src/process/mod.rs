//! Which process a test ran in, and how it is told from all others.

#[cfg(feature = "host")]
#[cfg_attr(
    not(all(target_os = "linux", not(any(miri, heap_runtime_elsewhere)))),
    path = "elsewhere.rs"
)]
mod here;
#[cfg(feature = "host")]
mod mark;
#[cfg(feature = "host")]
mod stat;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[cfg(feature = "host")]
pub use mark::Mark;
#[cfg(feature = "host")]
pub use stat::Stat;

/// What tells a process apart: its number is given again, and is another process's in a container and
/// on another machine.
///
/// ```
/// use heap_sidecar::Process;
///
/// let text = r#"{ "boot": "00c0ffee00c0ffee", "pid_namespace": 4026531836, "start_ticks": 1200 }"#;
/// let process: Process = serde_json::from_str(text)?;
/// assert_eq!(process.boot, 0x00c0_ffee_00c0_ffee);
/// // It may have any number: it is none of this machine.
/// assert!(!process.is_alive(std::process::id()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Process {
    /// A hash of the boot id of the kernel; in JSON 16 hexadecimal digits.
    #[serde(serialize_with = "as_digits", deserialize_with = "of_digits")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub boot: u64,
    /// The number of its namespace of process numbers.
    pub pid_namespace: u64,
    /// When it was started: clock ticks since the boot.
    pub start_ticks: u64,
}

/// The test that an execution was started in.
///
/// ```
/// use heap_sidecar::Parent;
///
/// let parent: Parent = serde_json::from_str(r#"{ "pid": 4242 }"#)?;
/// assert_eq!(parent, Parent::new(4242));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Parent {
    /// Its process.
    pub pid: u32,
}

impl Parent {
    /// The process of that number.
    #[must_use]
    pub fn new(pid: u32) -> Self {
        Self { pid }
    }
}

#[cfg(feature = "host")]
impl Process {
    /// This process. None where there is no `/proc` to ask.
    ///
    /// ```
    /// # if cfg!(target_os = "linux") {
    /// let own = heap_sidecar::Process::own().expect("there is a /proc");
    /// assert!(own.is_alive(std::process::id()));
    /// # }
    /// ```
    #[must_use]
    pub fn own() -> Option<Self> {
        // Its number need not be the name of its folder: the /proc may be of another namespace.
        Self::of_own(&Stat::of_process("self")?)
    }

    /// This process, of which that is known already.
    ///
    /// ```
    /// use heap_sidecar::{Process, process::Stat};
    ///
    /// let own = Stat::of_process("self");
    /// assert_eq!(own.and_then(|own| Process::of_own(&own)), Process::own());
    /// ```
    #[must_use]
    pub fn of_own(stat: &Stat) -> Option<Self> {
        Some(Self {
            boot: here::boot()?,
            pid_namespace: here::pid_namespace()?,
            start_ticks: running(stat)?,
        })
    }

    /// Whether it is here, has this number, and has not ended. Nobody can tell of a process of another
    /// machine or container, nor where there is no `/proc`: it is taken to be gone.
    #[must_use]
    pub fn is_alive(&self, pid: u32) -> bool {
        here::boot() == Some(self.boot)
            && here::pid_namespace() == Some(self.pid_namespace)
            && Stat::of_process(&pid.to_string())
                .as_ref()
                .and_then(running)
                == Some(self.start_ticks)
    }
}

/// When a process was started that has not ended.
#[cfg(feature = "host")]
fn running(stat: &Stat) -> Option<u64> {
    (!stat.has_ended).then_some(stat.start_ticks)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn as_digits<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    // In room of its own: to write a sidecar is to allocate nothing.
    let mut digits = [b'0'; 16];
    for (digit, shift) in digits.iter_mut().rev().zip((0..).step_by(4)) {
        let value = number >> shift & 0xf;
        *digit = b"0123456789abcdef"[usize::try_from(value).unwrap_or(0)];
    }
    serializer.serialize_str(str::from_utf8(&digits).unwrap_or_default())
}

/// JSON's numbers are not for 64 bits in every reader.
fn of_digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Digits;
    impl de::Visitor<'_> for Digits {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("hexadecimal digits")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
            u64::from_str_radix(text, 16)
                .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_str(Digits)
}

#[cfg(all(test, target_os = "linux", not(any(miri, heap_runtime_elsewhere))))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_only_where_all_is_as_it_was() {
        let own = Process::own().expect("there is a /proc");
        let pid = std::process::id();
        assert!(own.is_alive(pid));
        assert!(!own.is_alive(u32::MAX));
        // As a process of a container, of another machine, of the time before the last start, or one
        // that has had the number before.
        let others: [fn(&mut Process); 3] = [
            |process| process.pid_namespace += 1,
            |process| process.boot += 1,
            |process| process.start_ticks -= 1,
        ];
        for change in others {
            let mut other = own;
            change(&mut other);
            assert!(!other.is_alive(pid), "{other:?}");
        }
    }

    #[test]
    fn a_boot_is_digits() {
        let process = Process {
            boot: 0xab,
            pid_namespace: 1,
            start_ticks: 2,
        };
        let text = serde_json::to_string(&process).expect("it can be written");
        assert!(text.contains(r#""boot":"00000000000000ab""#), "{text}");
        assert_eq!(
            serde_json::from_str::<Process>(&text).expect("it can be read"),
            process
        );
        assert!(serde_json::from_str::<Process>(&text.replace("ab", "xy")).is_err());
    }
}
