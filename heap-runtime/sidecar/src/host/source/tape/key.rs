//! By what a file is known among those that were read, without a name in it.

use rustix::path::Arg;

/// What a path is known by: a hash, in hexadecimal digits.
pub(super) struct Key([u8; 16]);

impl Key {
    /// Nothing for a file about the process itself.
    pub(super) fn of(path: impl Arg + Copy) -> Option<Self> {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        // Odd, and with bits all over.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let path = path.as_str().ok()?;
        if path.starts_with("/proc/self/") {
            return None;
        }
        // Eight bytes at a time: one by one, a build without optimisation takes longer than for the call that is saved.
        let words = path.as_bytes().chunks(8).map(|chunk| {
            let mut word = [0; 8];
            if let Some(to) = word.get_mut(..chunk.len()) {
                to.copy_from_slice(chunk);
            }
            u64::from_le_bytes(word)
        });
        let hash = words.fold(path.len() as u64, |hash, word| {
            (hash ^ word).wrapping_mul(FACTOR).rotate_left(29)
        });
        let hash = hash.wrapping_mul(FACTOR);
        // The highest first, four bits each.
        Some(Self(std::array::from_fn(|place| {
            DIGITS[(hash >> (60 - 4 * place) & 0xf) as usize]
        })))
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn a_file_about_the_process_has_no_key_and_others_have_one_each() {
        for path in ["/proc/self/status", "/proc/self/cgroup"] {
            assert!(Key::of(path).is_none(), "{path}");
        }
        let mut keys: Vec<_> = [
            "/a",
            "/b",
            "/a/b",
            "/a/b/",
            "/a/bcdefgh",
            "/a/bcdefgi",
            "/b/a",
        ]
        .map(|path| Key::of(path).map(|key| key.as_str().to_owned()))
        .into();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 7);
    }
}
