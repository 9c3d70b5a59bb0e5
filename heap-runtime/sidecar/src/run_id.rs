//! How runs are told apart: by texts that are the same in every program that names a run, and that are
//! each the name of one folder.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::sync::OnceLock;

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
    let hash = fnv1a([
        boot_id().as_bytes(),
        &pid.to_le_bytes(),
        &start_time.to_le_bytes(),
    ]);
    format!("{hash:016x}")
}

/// What the kernel calls itself from one start to the next; nothing where it does not say.
pub(crate) fn boot_id() -> String {
    static BOOT: OnceLock<String> = OnceLock::new();
    // Nobody is waited for: whoever began to read it may be a thread that a fork has left behind.
    BOOT.get().cloned().unwrap_or_else(|| {
        let mut text = [0; 64];
        let file = File::open("/proc/sys/kernel/random/boot_id");
        let length = file.and_then(|mut file| file.read(&mut text));
        let text = text.get(..length.unwrap_or(0)).unwrap_or_default();
        let boot = String::from_utf8_lossy(text.trim_ascii()).into_owned();
        if !boot.is_empty() {
            let _ = BOOT.set(boot.clone());
        }
        boot
    })
}

/// How long the name of a run may be, and that of a part of it, in bytes: both are in the names of files.
pub const MAX_BYTES: usize = 100;

/// A name that somebody gives a run.
///
/// ```
/// use heap_sidecar::run_id;
///
/// assert_eq!(run_id::checked("ci-4711_2"), Ok("ci-4711_2"));
/// let mend = run_id::checked("ci/4711").expect_err("a slash");
/// assert_eq!(mend, "write up to 100 letters, digits, `-` and `_`");
/// ```
///
/// # Errors
///
/// What it may be, where it is not the name of a folder everywhere.
pub fn checked(id: &str) -> Result<&str, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if id.is_empty() || id.len() > MAX_BYTES || !id.bytes().all(fits) {
        return Err(format!(
            "write up to {MAX_BYTES} letters, digits, `-` and `_`"
        ));
    }
    Ok(id)
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

/// An id from the environment, or from a file, as the name of one folder, never a path. One that is too long
/// for a file system is cut, and a hash of all of it put in place of the rest.
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
    for c in id.chars() {
        if c.is_ascii_alphanumeric() || c == '-' || (c == '_' && !name.is_empty()) {
            name.push(c);
        } else {
            write!(name, "_{:x}", u32::from(c)).expect("a String takes all");
        }
    }
    if name.len() > MAX_BYTES {
        let hash = fnv1a([name.as_bytes()]);
        name.truncate(MAX_BYTES);
        write!(name, "_{hash:016x}").expect("a String takes all");
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
        let long = "\u{1f600}".repeat(60);
        let names = [sanitised(&long), sanitised(&format!("{long}x"))];
        assert!(names[0] != names[1] && names[0].len() < 130, "{names:?}");
    }

    #[test]
    fn fnv1a_is_the_published_function() {
        // From the reference's test vectors.
        assert_eq!(fnv1a([b"".as_slice()]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a([b"foobar".as_slice()]), 0x8594_4171_f739_67e8);
        assert_eq!(fnv1a([b"foo".as_slice(), b"bar"]), 0x8594_4171_f739_67e8);
    }
}
