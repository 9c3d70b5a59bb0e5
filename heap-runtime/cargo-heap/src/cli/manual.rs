//! Shell completions and the man page, from clap's own crates.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use super::error::Error;
use super::status::Status;
use super::terminal::Terminal;

/// Prints what a shell needs to complete `cargo-heap`.
pub(super) fn completions(shell: Shell, terminal: &mut Terminal) -> Result<Status, Error> {
    // As the program is called where a shell completes it: completions of `cargo` are cargo's.
    let mut command = Cli::command().bin_name("cargo-heap");
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "cargo-heap", &mut script);
    terminal.write_all(&script)?;
    Ok(Status::Good)
}

/// Prints the man page, all commands in it.
pub(super) fn man(terminal: &mut Terminal) -> Result<Status, Error> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for command in command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let man = clap_mangen::Man::new(command.clone());
        writeln!(page, ".SH {}", command.get_name().to_uppercase())?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    terminal.write_all(&page)?;
    Ok(Status::Good)
}
