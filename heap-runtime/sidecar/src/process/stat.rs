//! What the kernel says of a process in `/proc/PID/stat`.

use super::here;

/// What is to be known of a process, whoever it belongs to.
///
/// ```
/// use heap_sidecar::process::Stat;
///
/// # if cfg!(target_os = "linux") {
/// let own = Stat::of_process("self").expect("there is a /proc");
/// let parent = Stat::of_process(&own.parent.to_string());
/// assert!(parent.is_none_or(|parent| parent.start_ticks <= own.start_ticks));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is made here alone, and the kernel's format does not change"
)]
pub struct Stat {
    /// Its number.
    pub pid: i32,
    /// The name of its program, of which the kernel keeps 15 bytes; what is no text is replaced.
    pub name: String,
    /// Whether it has ended and waits only to be asked how.
    pub has_ended: bool,
    /// The process that has started it, or has it now; 0 for none.
    pub parent: i32,
    /// When it was started, in clock ticks since the boot.
    pub start_ticks: u64,
}

impl Stat {
    /// Of the process with that number, or of this one, which is `self`. None where it is gone, or there is no
    /// `/proc`.
    ///
    /// ```
    /// use heap_sidecar::process::Stat;
    ///
    /// // No kernel has so many.
    /// assert_eq!(Stat::of_process("4194305"), None);
    /// ```
    #[must_use]
    pub fn of_process(pid: &str) -> Option<Self> {
        here::stat(pid, Self::of_text)
    }

    /// `4242 (a name, with any byte) S 1 ...`
    fn of_text(stat: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(stat);
        let (pid, rest) = text.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        Some(Self {
            pid: pid.parse().ok()?,
            name: name.to_owned(),
            has_ended: matches!(state, "Z" | "X"),
            parent,
            // The 22nd, of which the parent is the 4th.
            start_ticks: fields.nth(17)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Stat;

    #[test]
    fn any_name_is_read() {
        let text =
            b"4242 (a) S 1 (\xff) Z 17 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 2200 23";
        let stat = Stat {
            pid: 4242,
            name: "a) S 1 (\u{fffd}".into(),
            has_ended: true,
            parent: 17,
            start_ticks: 2200,
        };
        assert_eq!(Stat::of_text(text), Some(stat));
        for other in ["", "1 (a", "1 (a) S", "x (a) S 1", "1 (a) S 1 2 3"] {
            assert_eq!(Stat::of_text(other.as_bytes()), None, "{other}");
        }
    }
}
