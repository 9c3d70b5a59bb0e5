//! How runs are told apart: by texts that are the same in every program that names a run, and that are
//! each the name of one folder.

use std::fmt::Write as _;

/// The id of the run of a process, by its number and when it started, in the kernel's ticks since the boot.
///
/// The kernel's boot is in it too, so that a later process with the same number is another run.
///
/// ```
/// use heap_sidecar::run_id;
///
/// let this = run_id::of_process(std::process::id().cast_signed(), 4711);
/// assert_eq!(this.len(), 16);
/// // Who had the number before is another.
/// assert_ne!(this, run_id::of_process(std::process::id().cast_signed(), 42));
/// ```
#[must_use]
pub fn of_process(pid: i32, start_time: u64) -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let hash = fnv1a([
        boot.trim().as_bytes(),
        &pid.to_le_bytes(),
        &start_time.to_le_bytes(),
    ]);
    format!("{hash:016x}")
}

/// 64-bit FNV-1a of these bytes, one after another: the same in every version of every program that names
/// runs and files.
///
/// ```
/// let whole = heap_sidecar::run_id::fnv1a([b"foobar".as_slice()]);
/// assert_eq!(whole, 0x8594_4171_f739_67e8);
/// assert_eq!(whole, heap_sidecar::run_id::fnv1a([b"foo".as_slice(), b"bar"]));
/// ```
pub fn fnv1a<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    parts
        .into_iter()
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

/// An id from the environment, or from a file, as the name of one folder, never a path.
///
/// ```
/// use heap_sidecar::run_id::sanitised;
///
/// assert_eq!(sanitised("45f3fc9c-7d21"), "45f3fc9c-7d21");
/// assert_eq!(sanitised("../../etc"), "_2e_2e_2f_2e_2e_2fetc");
/// ```
#[must_use]
pub fn sanitised(id: &str) -> String {
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
