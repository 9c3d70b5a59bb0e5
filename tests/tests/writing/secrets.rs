//! What is in a sidecar, and who may read it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::Failure;
use heap_tests::{damage, rerun, scratch};

mod victims {
    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn passes() {}

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn panics_at_length() {
        // Three bytes each: a cut may not go through the middle of one.
        panic!("{}", "€".repeat(1 << 20));
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_are_for_whom_the_umask_says() {
    for (umask, file_mode, folder_mode) in [(0o077, 0o600, 0o700), (0o002, 0o664, 0o775)] {
        let target = scratch::folder();
        let mut command = rerun::victim("secrets::victims::passes", Path::new(""));
        command
            .env_remove("HEAP_SIDECAR_DIR")
            .env("CARGO_TARGET_DIR", target.path())
            .env("NEXTEST_RUN_ID", "a-run");
        let set = move || {
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
            Ok(())
        };
        // SAFETY: one system call.
        unsafe { damage::before(&mut command, set) };
        let output = damage::output(&mut command);
        assert!(output.status.success(), "{output:?}");
        let run = target.path().join("heap/a-run");
        let [name] = &damage::names(&run)[..] else {
            panic!("one sidecar");
        };
        assert_eq!(mode(&run.join(name)), file_mode);
        assert_eq!(mode(&run), folder_mode);
        assert_eq!(mode(&target.path().join("heap")), folder_mode);
    }
}

#[heap_tracked]
#[test]
fn neither_host_nor_user_nor_environment_is_recorded() {
    const HOST: &str = "plugh-host";
    const USER: &str = "xyzzy-user";
    const SECRET: &str = "swordfish-token";
    let folder = scratch::folder();
    let mut command = rerun::victim("secrets::victims::passes", folder.path());
    command
        .env("USER", USER)
        .env("LOGNAME", USER)
        .env("HOME", format!("/home/{USER}"))
        .env("HOSTNAME", HOST)
        .env("API_TOKEN", SECRET);
    if damage::is_root() {
        let rename = || {
            // SAFETY: takes a flag.
            damage::checked(unsafe { libc::unshare(libc::CLONE_NEWUTS) })?;
            // SAFETY: the text has the length that is told.
            damage::checked(unsafe { libc::sethostname(HOST.as_ptr().cast(), HOST.len()) })
        };
        // SAFETY: two system calls, on a constant.
        unsafe { damage::before(&mut command, rename) };
    }
    let output = match damage::try_output(&mut command) {
        Ok(output) => output,
        Err(error) => return damage::skip(&format!("no host name of its own: {error}")),
    };
    assert!(output.status.success(), "{output:?}");
    let [name] = &damage::names(folder.path())[..] else {
        panic!("one sidecar");
    };
    let text = fs::read_to_string(folder.path().join(name)).unwrap();
    for secret in [HOST, USER, SECRET] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn what_a_failure_says_is_cut() {
    let folder = scratch::folder();
    let test = "secrets::victims::panics_at_length";
    let output = damage::output(&mut rerun::victim(test, folder.path()));
    assert_eq!(output.status.code(), Some(101));
    let sidecars = damage::sidecars(folder.path());
    let message = &sidecars[0].failure.as_ref().unwrap().message;
    assert!(message.len() <= Failure::MAX_MESSAGE_BYTES + '…'.len_utf8());
    assert!(message.len() > Failure::MAX_MESSAGE_BYTES - '€'.len_utf8());
    assert!(message.ends_with("€…"));
}
