//! A runner's command line, as far as it is nobody's secret.

/// Stands for what may be one.
const SECRET: &str = "…";

/// Options whose values say which tests ran, and how they were built.
const SHOWN: [&str; 22] = [
    "--bench",
    "--bin",
    "--cargo-profile",
    "--example",
    "--exclude",
    "--features",
    "--filter-expr",
    "--filterset",
    "--jobs",
    "--package",
    "--partition",
    "--profile",
    "--retries",
    "--run-ignored",
    "--stress-count",
    "--target",
    "--test",
    "--test-threads",
    "-E",
    "-F",
    "-j",
    "-p",
];

/// What runners are asked to do.
const SUBCOMMANDS: [&str; 6] = ["bench", "nextest", "run", "t", "test", "--"];

/// The command line, from what stands in `/proc/PID/cmdline`.
pub(super) fn shown(arguments: &[u8]) -> Vec<String> {
    let arguments = arguments.strip_suffix(b"\0").unwrap_or(arguments);
    let mut arguments = arguments
        .split(|byte| *byte == 0)
        .map(String::from_utf8_lossy);
    let program = arguments.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let mut shown = vec![program.to_owned()];
    let mut is_value_of_shown = false;
    for argument in arguments {
        let is_option = argument.starts_with('-') && argument != "--";
        shown.push(if is_value_of_shown || SUBCOMMANDS.contains(&&*argument) {
            argument.clone().into_owned()
        } else if is_option {
            option(&argument)
        } else {
            SECRET.to_owned()
        });
        is_value_of_shown = is_option && SHOWN.contains(&&*argument);
    }
    shown
}

/// An option, with its value where that is no secret.
fn option(argument: &str) -> String {
    if let Some((name, _)) = argument.split_once('=') {
        return if SHOWN.contains(&name) {
            argument.to_owned()
        } else {
            format!("{name}={SECRET}")
        };
    }
    // `-pqueue`
    let short = argument.get(..2).filter(|_| !argument.starts_with("--"));
    match short {
        Some(name) if argument.len() > 2 && !SHOWN.contains(&name) => format!("{name}{SECRET}"),
        _ => argument.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_may_be_secret_is_not_shown() {
        for (command, expected) in [
            ("/nix/bin/cargo test", "cargo test"),
            (
                "cargo test -p a --features=b c",
                "cargo test -p a --features=b …",
            ),
            ("cargo --config net.token=x test", "cargo --config … test"),
            ("cargo test --config=net.token=x", "cargo test --config=…"),
            ("cargo test -pqueue -Zx -q", "cargo test -pqueue -Z… -q"),
            (
                "cargo-nextest nextest run --partition count:1/2 -- name --skip x",
                "cargo-nextest nextest run --partition count:1/2 -- … --skip …",
            ),
        ] {
            let arguments = command.replace(' ', "\0") + "\0";
            assert_eq!(shown(arguments.as_bytes()).join(" "), expected);
        }
        assert_eq!(shown(b""), [""]);
    }
}
