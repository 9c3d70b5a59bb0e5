//! Where the output goes: colours and widths only where there is a terminal for them.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

/// Standard output, from which colours are taken out where nobody would see them: no terminal,
/// `NO_COLOR`, `TERM=dumb`.
pub(super) struct Terminal {
    out: Box<dyn Write>,
    width: Option<u16>,
}

impl Terminal {
    pub(super) fn of_stdout() -> Self {
        let stdout = io::stdout();
        let choice = AutoStream::choice(&stdout);
        let width = terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0);
        Self {
            out: Box::new(BufWriter::new(AutoStream::new(stdout.lock(), choice))),
            width,
        }
    }

    /// A terminal of this width, with all of its colours, on which somebody looks closely.
    #[cfg(test)]
    pub(super) fn of(out: impl Write + 'static, width: Option<u16>) -> Self {
        Self {
            out: Box::new(out),
            width,
        }
    }

    /// How many columns there are; unknown where the output is no terminal.
    pub(super) fn width(&self) -> Option<u16> {
        self.width
    }
}

impl Write for Terminal {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.out.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Of what went wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Of what is put in.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Of what is to be seen first.
pub(super) const STRONG: Style = Style::new().bold();
/// Of what is said beside.
pub(super) const DIM: Style = Style::new().dimmed();

/// Says on stderr what went wrong.
pub(super) fn complain(error: &dyn Display) {
    say("error", BAD, error);
}

/// Says on stderr what is not as it should be, and goes on.
pub(super) fn warn(text: &dyn Display) {
    say("warning", AnsiColor::Yellow.on_default().bold(), text);
}

/// Says on stderr what is good to know.
pub(super) fn note(text: &dyn Display) {
    say("note", AnsiColor::Cyan.on_default().bold(), text);
}

fn say(kind: &str, style: Style, text: &dyn Display) {
    // With stderr closed there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "{style}{kind}{style:#}: {text}");
}
