//! Numbers that nobody else has, and nobody can tell in advance.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use heap_sidecar::run_id::fnv1a;

/// A number that differs from that of every other call, in this process, which has that number, and in others: its
/// forks, those on other machines, and those that have the same process number in another namespace.
pub(crate) fn token(process: u32) -> u64 {
    static RANDOM: OnceLock<[u8; 16]> = OnceLock::new();
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let random = RANDOM.get_or_init(random);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_else(|error| error.duration());
    fnv1a([
        &random[..],
        &process.to_le_bytes(),
        &now.as_nanos().to_le_bytes(),
        &CALLS.fetch_add(1, Ordering::Relaxed).to_le_bytes(),
    ])
}

/// Zeros where the kernel gives none: the rest has to do then.
#[cfg(all(posix, target_os = "linux"))]
fn random() -> [u8; 16] {
    let mut random = [0; 16];
    // Not `getentropy`, which the crate libc has not for musl.
    // SAFETY: there is room for as many bytes.
    let _ = unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
    random
}

/// See above.
#[cfg(all(posix, target_vendor = "apple"))]
fn random() -> [u8; 16] {
    let mut random = [0; 16];
    // SAFETY: there is room for as many bytes.
    let _ = unsafe { libc::getentropy(random.as_mut_ptr().cast(), random.len()) };
    random
}

/// What std makes its maps by, from the system.
#[cfg(not(all(posix, any(target_os = "linux", target_vendor = "apple"))))]
fn random() -> [u8; 16] {
    use std::hash::{BuildHasher as _, RandomState};
    let half = || RandomState::new().hash_one(0_u8).to_le_bytes();
    let mut random = [0; 16];
    let halves = half().into_iter().chain(half());
    for (to, from) in random.iter_mut().zip(halves) {
        *to = from;
    }
    random
}

#[cfg(test)]
mod tests {
    use super::token;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_are_the_same() {
        let all: BTreeSet<u64> = std::iter::repeat_with(|| token(1)).take(10_000).collect();
        assert_eq!(all.len(), 10_000);
    }
}
