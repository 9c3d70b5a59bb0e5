//! How what is being compiled is linked, as far as the compiler's own arguments say.

use std::env;
use std::fs;

/// Whether the standard library is linked dynamically, where it can be.
///
/// It has been linked already then, with the system's allocator, and only what is generic in it comes to the
/// program's: memory that the one has allocated would be freed by the other. No `cfg` says so; but a macro is
/// expanded in the compiler's process.
pub(crate) fn prefers_dynamic() -> bool {
    is_preferred(arguments())
}

/// The arguments of this process. Cargo puts those that are too long for a command line into a file.
fn arguments() -> Vec<String> {
    let mut arguments = Vec::new();
    for argument in env::args_os().filter_map(|argument| argument.into_string().ok()) {
        let file = argument.strip_prefix('@');
        match file.and_then(|file| fs::read_to_string(file).ok()) {
            Some(lines) => arguments.extend(lines.lines().map(str::to_owned)),
            None => arguments.push(argument),
        }
    }
    arguments
}

/// What `-C prefer-dynamic` comes to in the end: the last one counts.
fn is_preferred(arguments: impl IntoIterator<Item = String>) -> bool {
    let mut preferred = false;
    let mut follows = false;
    for argument in arguments {
        let option = if follows {
            Some(&*argument)
        } else {
            let joined = argument.strip_prefix("-C");
            joined.or_else(|| argument.strip_prefix("--codegen="))
        };
        follows = matches!(&*argument, "-C" | "--codegen");
        let (name, value) = match option.and_then(|option| option.split_once('=')) {
            Some((name, value)) => (name, value),
            None => (option.unwrap_or_default(), "yes"),
        };
        if name.replace('_', "-") == "prefer-dynamic" {
            preferred = matches!(value, "y" | "yes" | "on" | "true");
        }
    }
    preferred
}

#[cfg(test)]
mod tests {
    use super::is_preferred;

    #[test]
    fn it_is_as_the_last_option_says() {
        let is = |line: &str| is_preferred(line.split(' ').map(str::to_owned));
        for line in [
            "rustc -C prefer-dynamic --test",
            "rustc -Cprefer-dynamic",
            "rustc --codegen prefer_dynamic=y",
            "rustc --codegen=prefer-dynamic=on",
            "rustc -C prefer-dynamic=no -C prefer-dynamic",
        ] {
            assert!(is(line), "{line}");
        }
        for line in [
            "rustc --crate-name prefer-dynamic -C opt-level=3",
            "rustc prefer-dynamic",
            "rustc -C prefer-dynamic -C prefer-dynamic=no",
            "rustc -C debuginfo=2 --test",
        ] {
            assert!(!is(line), "{line}");
        }
    }
}
