//! The file name of a sidecar: readable, one for each execution, and a name on every file system.

use std::fmt::Write as _;

use heap_sidecar::SUFFIX;
use heap_sidecar::run_id::fnv1a;

use crate::pool::{Lent, Pool};

/// Long enough for nearly every test, and short enough for every file system (255 bytes) with
/// what is put behind it.
const MAX_BYTES: usize = 170;

/// What tells two executions of a run apart.
pub(crate) struct Execution<'a> {
    pub(crate) package: &'a str,
    pub(crate) binary: &'a str,
    pub(crate) test_name: &'a str,
    pub(crate) shard: Option<&'a str>,
    pub(crate) attempt: u32,
    pub(crate) stress_index: Option<u32>,
    pub(crate) iteration: u32,
}

/// The name of a file, in room that goes from test to test.
pub(crate) type FileName = Lent<String>;

impl Execution<'_> {
    /// `package+binary+module+test[@shard3%2f20][@attempt2][@stress0][@iteration1].heap.json`.
    ///
    /// No two executions share one: `+` and `@` stand nowhere else, because every byte that is not
    /// a letter, digit, `_` or `-` of ASCII is written as `%` and two digits. So there is no dot
    /// before the suffix either. A name that is too long is cut, and a hash of all of it put in
    /// place of the rest.
    pub(crate) fn file_name(&self) -> FileName {
        static NAMES: Pool<String> = Pool::new();
        let mut name = NAMES.lend();
        name.clear();
        // Most are no longer than that.
        name.reserve(64);
        push_escaped(&mut name, self.package);
        for part in [self.binary].into_iter().chain(self.test_name.split("::")) {
            name.push('+');
            push_escaped(&mut name, part);
        }
        // The sidecars of all shards can be put into one folder.
        if let Some(shard) = self.shard {
            name.push_str("@shard");
            push_escaped(&mut name, shard);
        }
        if name.len() > MAX_BYTES {
            let hash = fnv1a([name.as_bytes()]);
            name.truncate(MAX_BYTES);
            write!(name, "@{hash:016x}").expect("a String takes all");
        }
        if self.attempt > 1 {
            write!(name, "@attempt{}", self.attempt).expect("a String takes all");
        }
        if let Some(index) = self.stress_index {
            write!(name, "@stress{index}").expect("a String takes all");
        }
        if self.iteration > 0 {
            write!(name, "@iteration{}", self.iteration).expect("a String takes all");
        }
        name.push_str(SUFFIX);
        name
    }
}

fn push_escaped(name: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            name.push(char::from(byte));
        } else {
            write!(name, "%{byte:02x}").expect("a String takes all");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn execution(test_name: &str) -> Execution<'_> {
        Execution {
            package: "heap-tests",
            binary: "scheduler",
            test_name,
            shard: None,
            attempt: 1,
            stress_index: None,
            iteration: 0,
        }
    }

    #[test]
    fn the_usual_name_reads_like_the_test() {
        assert_eq!(
            *execution("fairness::two_spinners").file_name(),
            "heap-tests+scheduler+fairness+two_spinners.heap.json"
        );
        let again = Execution {
            shard: Some("3/20"),
            attempt: 2,
            stress_index: Some(0),
            iteration: 3,
            ..execution("t")
        };
        assert_eq!(
            *again.file_name(),
            "heap-tests+scheduler+t@shard3%2f20@attempt2@stress0@iteration3.heap.json"
        );
    }

    #[test]
    fn executions_that_differ_have_names_that_differ() {
        let long = "x".repeat(4096);
        let names = [
            "a::b",
            "a+b",
            "a:b",
            "a.b",
            "a%2eb",
            "a",
            "a@iteration1",
            "ä",
            "a\0",
            "a/b",
            "..",
            "",
            "::",
            "A",
            "ktstr::x",
            &long,
            &format!("{long}y"),
            &format!("{long}::y"),
        ];
        let mut seen = HashSet::new();
        for name in names {
            for (attempt, stress_index, iteration) in [
                (1, None, 0),
                (2, None, 0),
                (1, Some(0), 0),
                (1, Some(2), 0),
                (1, None, 1),
                (1, None, 21),
                (u32::MAX, Some(u32::MAX), u32::MAX),
            ] {
                let file = Execution {
                    attempt,
                    stress_index,
                    iteration,
                    ..execution(name)
                }
                .file_name()
                .to_string();
                assert!(file.len() <= 255, "{} bytes", file.len());
                assert!(!file.contains('/') && !file.contains(".ktstr."), "{file}");
                assert_eq!(file.matches('.').count(), 2, "{file}");
                assert!(seen.insert(file), "{name}");
            }
        }
        let shards = [Some("1/2"), Some("2/2"), Some(&*long)];
        for shard in shards {
            let execution = Execution {
                shard,
                attempt: u32::MAX,
                stress_index: Some(u32::MAX),
                iteration: u32::MAX,
                ..execution("a")
            };
            let file = execution.file_name().to_string();
            assert!(file.len() <= 255, "{} bytes", file.len());
            assert!(seen.insert(file), "{shard:?}");
        }
        let moved = Execution {
            package: "heap-tests+scheduler",
            binary: "t",
            ..execution("x")
        };
        assert!(seen.insert(moved.file_name().to_string()));
    }
}
