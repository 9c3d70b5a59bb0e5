//! A `JUnit` file as text with places to put properties in: what is not put in stays as it was, to
//! the byte.
//!
//! That is why it is no `quick_junit::Report`, which reads a file into what it knows of the format and writes
//! that anew: what another tool has put in between, comments and order would be gone.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::super::text::printable;
use super::case::{Case, Place};
use super::parser;

/// A file larger than this is refused: all of it is kept in memory.
const MAX_BYTES: u64 = 256 << 20;

const MARK: &str = "\u{feff}";

/// A `JUnit` file of one run of nextest's.
#[derive(Debug)]
pub(super) struct JUnit {
    /// A byte order mark, where the file begins with one: positions are counted behind it.
    mark: &'static str,
    text: String,
    /// The run's id.
    pub(super) run_id: String,
    pub(super) cases: Vec<Case>,
}

impl JUnit {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err("it is not a regular file".into());
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("it has more than {MAX_BYTES} bytes"));
        }
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
        Self::parse(text)
    }

    fn parse(mut text: String) -> Result<Self, String> {
        let mark = if text.starts_with(MARK) { MARK } else { "" };
        text.drain(..mark.len());
        let (run_id, cases) = parser::parse(&text)?;
        Ok(Self {
            mark,
            text,
            run_id,
            cases,
        })
    }

    /// The file with properties: for each test case those that are in the same place of the list.
    pub(super) fn with(&self, properties: &[Vec<(String, String)>]) -> String {
        let mut out = String::with_capacity(self.text.len() * 2);
        out.push_str(self.mark);
        let mut done = 0;
        for (case, properties) in self.cases.iter().zip(properties) {
            if properties.is_empty() {
                continue;
            }
            let list = |depth| {
                let lines = properties.iter().map(|(name, value)| {
                    let (name, value) = (attribute(name), attribute(value));
                    format!("<property name=\"{name}\" value=\"{value}\"/>")
                });
                lines.fold(String::new(), |all, line| all + &case.line(depth) + &line)
            };
            let (replaced, text) = match &case.place {
                Place::Start(at) => {
                    let (start, end) = (case.line(1), case.line(1));
                    let list = list(2);
                    (
                        *at..*at,
                        format!("{start}<properties>{list}{end}</properties>"),
                    )
                }
                Place::Empty(range) => {
                    let (start, end, close) = (case.line(1), case.line(1), case.line(0));
                    let list = list(2);
                    (
                        range.clone(),
                        format!(">{start}<properties>{list}{end}</properties>{close}</testcase>"),
                    )
                }
                Place::Properties(at) => {
                    // Behind the last that is there, not behind the blanks after it.
                    let at = self.text[..*at].trim_end().len();
                    (at..at, list(2))
                }
                Place::EmptyProperties(range) => {
                    let (list, end) = (list(2), case.line(1));
                    (range.clone(), format!(">{list}{end}</properties>"))
                }
            };
            out.push_str(&self.text[done..replaced.start]);
            out.push_str(&text);
            done = replaced.end;
        }
        out.push_str(&self.text[done..]);
        out
    }
}

/// Text as the value of an attribute. What XML has no place for is shown by its number.
fn attribute(text: &str) -> String {
    let text = printable(text);
    let text: String = text
        .chars()
        .map(|c| match c {
            '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect();
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::case::PREFIX;
    use super::*;
    use crate::report::End;

    const FILE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites uuid=\"a\">
    <testsuite name=\"p::b@stress-3\">
        <testcase name=\"ä\" classname='p::b'/>
        <testcase name=\"&lt;\"><properties/><flakyFailure/><rerunError>x</rerunError></testcase>
        <testcase name=\"b\"><properties><property name=\"c\" value=\"d\"/> </properties>
        </testcase>
    </testsuite>
</testsuites>
";

    fn with_numbers(junit: &JUnit) -> String {
        let property = (format!("{PREFIX}x"), "1".to_owned());
        junit.with(&vec![vec![property]; junit.cases.len()])
    }

    #[test]
    fn a_byte_order_mark_moves_nothing() {
        let plain = with_numbers(&JUnit::parse(FILE.into()).unwrap());
        assert_eq!(plain.matches("<property name=\"heap.x\"").count(), 3);
        let marked = JUnit::parse(format!("\u{feff}{FILE}")).unwrap();
        assert_eq!(with_numbers(&marked), format!("\u{feff}{plain}"));
    }

    #[test]
    fn each_attempt_says_how_its_process_ended() {
        let junit = JUnit::parse(
            r#"<testsuites uuid="a"><testsuite name="p">
            <testcase name="flaky"><flakyFailure type="test timeout"/><flakyFailure type="test failure"/></testcase>
            <testcase name="fails">
                <failure message="process aborted with signal 11 (SIGSEGV)" type="test abort"/>
                <rerunFailure type="test failure with exit code 3"/><rerunFailure type="test timeout"/>
            </testcase>
            </testsuite></testsuites>"#
                .into(),
        )
        .unwrap();
        let ends = |case: &Case| -> Vec<(u32, End)> {
            let ends = case.ends.iter();
            ends.map(|ended| (ended.attempt, ended.end)).collect()
        };
        assert_eq!(ends(&junit.cases[0]), [(1, End::TimedOut)]);
        assert_eq!(
            ends(&junit.cases[1]),
            [(1, End::Signal(11)), (2, End::Exit(3)), (3, End::TimedOut)]
        );
    }

    #[test]
    fn no_text_makes_it_panic_or_write_what_cannot_be_read() {
        let pieces: Vec<&str> =
            "< > / \" ' = & ; ä </testcase> <properties> <testsuite/> <![CDATA["
                .split(' ')
                .collect();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random % below as u64).unwrap()
        };
        let mut read = 0;
        for _ in 0..5_000 {
            let mut text: Vec<char> = FILE.chars().collect();
            for _ in 0..=next(3) {
                let start = next(text.len());
                let end = (start + next(4)).min(text.len());
                let piece = pieces[next(pieces.len())];
                text.splice(start..end, piece.chars().take(next(2) * 20));
            }
            let Ok(junit) = JUnit::parse(text.into_iter().collect()) else {
                continue;
            };
            read += 1;
            let written = with_numbers(&junit);
            let again = JUnit::parse(written.clone());
            let refused = again.map(|again| again.cases.len());
            if junit.cases.is_empty() {
                assert_eq!(refused, Ok(0), "{written}");
            } else {
                let refused = refused.unwrap_err();
                assert!(refused.contains("already"), "{refused}: {written}");
            }
        }
        assert!(read > 100, "{read}");
    }
}
