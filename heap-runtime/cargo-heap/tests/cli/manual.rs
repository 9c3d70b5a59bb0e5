//! Completions, the man page, and help.

use crate::run::program;

fn stdout(arguments: &[&str]) -> String {
    let output = program().args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(
            stdout(&["completions", shell]).contains("baseline"),
            "{shell}"
        );
    }
}

#[test]
fn the_man_page_has_every_command() {
    let page = stdout(&["man"]);
    for command in [
        "TEST", "REPORT", "SHOW", "COMPARE", "BASELINE", "EXPORT", "CLEAN",
    ] {
        assert!(page.contains(&format!(".SH {command}")), "{command}");
    }
}

#[test]
fn help_says_how_to_start() {
    insta::assert_snapshot!("help", stdout(&["--help"]));
    insta::assert_snapshot!("help_test", stdout(&["heap", "test", "--help"]));
    insta::assert_snapshot!("help_report", stdout(&["report", "--help"]));
    insta::assert_snapshot!("help_compare", stdout(&["compare", "--help"]));
    insta::assert_snapshot!("help_export", stdout(&["export", "--help"]));
}
