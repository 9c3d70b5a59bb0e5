//! What a sidecar is to leave out: `HEAP_REDACT`.

use crate::{Failure, HostContext};

/// The keys of a sidecar that are not to be recorded.
///
/// Each is a key as it stands in the JSON, with those above it: `command` of the record of a run,
/// `failure`, `failure.message`, `skip_reason`,
/// `labels`, `labels.KEY`, `metrics.NAME`, `samples.NAME`, `checkpoints`, `process`, `host.kernel_cmdline`; those of `host` also
/// without that. `*` stands for any text, as in `labels.*_url`.
///
/// ```
/// use heap_sidecar::Redaction;
///
/// let redaction = Redaction::parse("kernel_cmdline, labels.*_url, failure.message")?;
/// assert!(!redaction.is_empty());
/// assert!(redaction.leaves_out("host.kernel_cmdline"));
/// assert!(redaction.leaves_out("labels.db_url") && !redaction.leaves_out("labels.scheduler"));
/// // Nothing is left in because it was written wrongly.
/// assert_eq!(Redaction::parse("hostname").unwrap_err(), "`hostname` is not a key that can be redacted");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Redaction {
    patterns: Vec<String>,
}

/// What can be left out, and is not of `host`.
const KEYS: [&str; 9] = [
    // Of the record of a run.
    "command",
    "failure",
    "failure.message",
    "skip_reason",
    "labels",
    "metrics",
    "samples",
    "checkpoints",
    "process",
];

/// Whose members are called as a test calls them.
const OPEN: [&str; 3] = ["labels.", "metrics.", "samples."];

const HOST: &str = "host.";

impl Redaction {
    /// What stands in place of a text that a sidecar cannot be without.
    pub const LEFT_OUT: &str = "(left out by HEAP_REDACT)";

    /// Reads a list of keys, with commas between them.
    ///
    /// # Errors
    ///
    /// Says which of them is no key that can be left out.
    pub fn parse(list: &str) -> Result<Self, String> {
        let keys = list.split(',').map(str::trim);
        let keys: Vec<&str> = keys.filter(|key| !key.is_empty()).collect();
        let unknown: Vec<&str> = keys.iter().copied().filter(|key| !is_known(key)).collect();
        match unknown.as_slice() {
            [] => Ok(Self {
                patterns: keys.into_iter().map(whole).collect(),
            }),
            [one] => Err(format!("`{one}` is not a key that can be redacted")),
            several => Err(format!(
                "`{}` are not keys that can be redacted",
                several.join("`, `")
            )),
        }
    }

    /// Whether nothing is to be left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether this key is to be left out, with those above it: `host.kernel_cmdline`, `labels.scheduler`.
    #[must_use]
    pub fn leaves_out(&self, key: &str) -> bool {
        let is_it = |pattern: &String| {
            matches(pattern, key) || ends_of(key).any(|end| matches(pattern, &key[..end]))
        };
        self.patterns.iter().any(is_it)
    }

    /// The host without what is to be left out.
    ///
    /// ```
    /// use heap_sidecar::{HostContext, Redaction};
    ///
    /// let host = Redaction::parse("host.*")?.host(HostContext::read());
    /// assert_eq!(host, HostContext::default());
    /// # Ok::<(), String>(())
    /// ```
    #[must_use]
    pub fn host(&self, mut host: HostContext) -> HostContext {
        let keys = HostContext::KEYS.iter().copied();
        let _none = host.redact(keys.filter(|key| self.leaves_out_of_host(key)));
        host
    }

    /// Whether this key of `host` is to be left out.
    ///
    /// ```
    /// use heap_sidecar::Redaction;
    ///
    /// assert!(Redaction::parse("cpu_*")?.leaves_out_of_host("cpu_model"));
    /// # Ok::<(), String>(())
    /// ```
    #[must_use]
    pub fn leaves_out_of_host(&self, key: &str) -> bool {
        !self.patterns.is_empty() && self.leaves_out(&format!("{HOST}{key}"))
    }

    /// The failure, as far as it is to be recorded.
    ///
    /// ```
    /// use heap_sidecar::{Failure, FailureKind, Redaction};
    ///
    /// let failure = || Some(Failure::new(FailureKind::Panic, "of 10.0.0.7".into()));
    /// let message = Redaction::parse("failure.message")?;
    /// let left = message.failure(failure()).expect("its kind is kept");
    /// assert_eq!((left.kind, &*left.message), (FailureKind::Panic, Redaction::LEFT_OUT));
    /// assert_eq!(Redaction::parse("failure")?.failure(failure()), None);
    /// # Ok::<(), String>(())
    /// ```
    #[must_use]
    pub fn failure(&self, failure: Option<Failure>) -> Option<Failure> {
        let mut failure = failure.filter(|_| !self.leaves_out("failure"))?;
        if self.leaves_out("failure.message") {
            Self::LEFT_OUT.clone_into(&mut failure.message);
        }
        Some(failure)
    }
}

/// A key of `host` may be written without that.
fn whole(key: &str) -> String {
    let mut of_host = HostContext::KEYS.iter();
    if of_host.any(|known| matches(key, known)) {
        format!("{HOST}{key}")
    } else {
        key.to_owned()
    }
}

fn is_known(pattern: &str) -> bool {
    let mut of_host = HostContext::KEYS.iter();
    KEYS.iter().any(|key| matches(pattern, key))
        || OPEN.iter().any(|open| pattern.starts_with(open))
        || of_host.any(|key| matches(pattern, key) || matches(pattern, &format!("{HOST}{key}")))
}

/// Where the keys end that are above this one.
fn ends_of(key: &str) -> impl Iterator<Item = usize> {
    key.match_indices('.').map(|(end, _)| end)
}

/// Whether a text is as a pattern says, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, mut rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    // The first place where the next piece is found leaves most to those behind it.
    while let Some((piece, behind)) = rest.split_once('*') {
        let Some(at) = text.find(piece) else {
            return false;
        };
        (text, rest) = (&text[at + piece.len()..], behind);
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("*b*", "abc", true),
            ("a*a", "a", false),
            ("*ab*ab", "ab_ab", true),
            ("*ab*ab", "ab", false),
            ("ü*", "üx", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_above_a_key_takes_it_along() {
        let leaves_out = |list, key| Redaction::parse(list).expect("known").leaves_out(key);
        assert!(leaves_out("labels", "labels.a.b"));
        assert!(leaves_out("labels.a", "labels.a.b"));
        assert!(!leaves_out("labels.a", "labels.ab"));
        assert!(leaves_out("failure", "failure.message"));
        assert!(!leaves_out("failure.message", "failure"));
        assert!(leaves_out("heap_state", "host.heap_state"));
        assert!(leaves_out("*message", "failure.message"));
        assert!(!leaves_out("", "failure"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for list in [
            "hostname",
            "label",
            "run_id",
            "host",
            "failure.kind",
            "x*",
            "host.x*",
        ] {
            assert!(Redaction::parse(list).is_err(), "{list}");
        }
        let several = Redaction::parse("host_name, cpu_model,user").expect_err("two are none");
        assert_eq!(
            several,
            "`host_name`, `user` are not keys that can be redacted"
        );
    }
}
