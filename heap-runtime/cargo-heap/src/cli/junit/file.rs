//! A `JUnit` file as text with places to put properties in: what is not put in stays as it was, to
//! the byte.

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::super::text::printable;

/// A file larger than this is refused: all of it is kept in memory.
const LARGEST: u64 = 256 << 20;

/// Elements in elements; nextest's has six.
const DEEPEST: usize = 64;

const MARK: &str = "\u{feff}";

/// How the names of all our properties begin.
pub(super) const PREFIX: &str = "heap.";

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

/// A `<testcase>`.
#[derive(Debug)]
pub(super) struct Case {
    /// The test.
    pub(super) name: String,
    /// The id of its binary, as nextest writes it: `package`, `package::test`, `package::bin/name`.
    pub(super) binary_id: String,
    /// Which round of a stress run its suite is.
    pub(super) stress_index: Option<u32>,
    /// Attempts that failed before the one that this is about, which passed.
    pub(super) earlier: u32,
    /// Attempts that failed after the one that this is about, which failed too.
    pub(super) later: u32,
    /// Why it failed for the runner.
    pub(super) failed: Option<String>,
    /// Whether it did not run.
    pub(super) skipped: bool,
    place: Place,
    /// What stands before it on its line, if that is nothing but blanks.
    indent: Option<String>,
}

/// Where the properties of a test case go.
#[derive(Debug)]
enum Place {
    /// Behind its start tag: there are none yet.
    Start(usize),
    /// In place of the end of an empty element, `/>`, of this name.
    Empty(Range<usize>),
    /// Before the end tag of its `<properties>`.
    Properties(usize),
    /// In place of the end of its empty `<properties/>`.
    EmptyProperties(Range<usize>),
}

/// What an element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Suites,
    Suite,
    Case,
    Properties,
    Other,
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
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        if bytes.len() as u64 > LARGEST {
            return Err(format!("it has more than {LARGEST} bytes"));
        }
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
        Self::parse(text)
    }

    fn parse(mut text: String) -> Result<Self, String> {
        let mark = if text.starts_with(MARK) { MARK } else { "" };
        text.drain(..mark.len());
        let mut parser = Parser::default();
        let mut reader = Reader::from_str(&text);
        loop {
            let start = place(&reader);
            let event = reader.read_event();
            let event =
                event.map_err(|error| format!("it is no XML, {error}{}", at(&text, start)))?;
            if event == Event::Eof {
                break;
            }
            let range = start..place(&reader);
            parser
                .take(&event, range, &text)
                .map_err(|error| format!("{error}{}", at(&text, start)))?;
        }
        let (run_id, cases) = parser.end()?;
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

impl Case {
    /// A new line, so many steps further in than the test case, where that has a line of its own.
    fn line(&self, depth: usize) -> String {
        self.indent.as_ref().map_or_else(String::new, |indent| {
            format!("\n{indent}{}", "    ".repeat(depth))
        })
    }
}

/// What has been seen of a file.
#[derive(Debug, Default)]
struct Parser {
    open: Vec<Element>,
    suites: Vec<String>,
    run_id: Option<String>,
    cases: Vec<Case>,
    rooted: bool,
}

impl Parser {
    fn take(&mut self, event: &Event<'_>, range: Range<usize>, text: &str) -> Result<(), String> {
        match event {
            Event::Start(tag) => {
                let element = self.start(tag, &range, text, false)?;
                if self.open.len() == DEEPEST {
                    return Err(format!("more than {DEEPEST} elements are in one another"));
                }
                self.open.push(element);
            }
            Event::Empty(tag) => {
                let element = self.start(tag, &range, text, true)?;
                if element == Element::Suite {
                    self.suites.pop();
                }
            }
            Event::End(_) => self.end_tag(range.start),
            // What it says of entities could make any text out of what is in the file.
            Event::DocType(_) => {
                return Err("it has a document type, which JUnit files have not".into());
            }
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose();
                let encoding = encoding.map_err(|error| error.to_string())?;
                if let Some(encoding) = encoding
                    && !encoding.eq_ignore_ascii_case("utf-8")
                {
                    return Err(format!(
                        "it says that it is not UTF-8 but {}",
                        printable(&encoding)
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn start(
        &mut self,
        tag: &BytesStart<'_>,
        range: &Range<usize>,
        text: &str,
        empty: bool,
    ) -> Result<Element, String> {
        let name = tag.name();
        let name: &str = name.as_ref();
        let parent = self.open.last().copied();
        if parent.is_none() {
            if self.rooted {
                return Err("it has more than one root element".into());
            }
            if name != "testsuites" {
                return Err(format!(
                    "its root element is <{}>, and that of nextest's JUnit files is <testsuites>",
                    printable(name)
                ));
            }
            self.rooted = true;
        }
        let end = || range.end - "/>".len()..range.end;
        Ok(match (parent, name) {
            (None, _) => {
                self.run_id = value(tag, "uuid")?;
                Element::Suites
            }
            (Some(Element::Suites | Element::Suite), "testsuite") => {
                self.suites.push(value(tag, "name")?.unwrap_or_default());
                Element::Suite
            }
            (Some(Element::Suite), "testcase") => {
                let place = if empty {
                    Place::Empty(end())
                } else {
                    Place::Start(range.end)
                };
                let case = self.case(tag, place, indent(text, range.start))?;
                self.cases.push(case);
                Element::Case
            }
            (Some(Element::Case), "flakyFailure" | "flakyError") => {
                self.case_mut(|case| case.earlier = case.earlier.saturating_add(1));
                Element::Other
            }
            (Some(Element::Case), "rerunFailure" | "rerunError") => {
                self.case_mut(|case| case.later = case.later.saturating_add(1));
                Element::Other
            }
            (Some(Element::Case), "failure" | "error") => {
                let (message, kind) = (value(tag, "message")?, value(tag, "type")?);
                let why = message.or(kind).unwrap_or_default();
                self.case_mut(|case| case.failed = Some(why));
                Element::Other
            }
            (Some(Element::Case), "skipped") => {
                self.case_mut(|case| case.skipped = true);
                Element::Other
            }
            (Some(Element::Case), "properties") => {
                if empty {
                    self.case_mut(|case| case.place = Place::EmptyProperties(end()));
                }
                Element::Properties
            }
            (Some(Element::Properties), "property") => {
                if value(tag, "name")?.is_some_and(|name| name.starts_with(PREFIX)) {
                    return Err(format!(
                        "a test case has properties called `{PREFIX}*` already: give the file that nextest wrote"
                    ));
                }
                Element::Other
            }
            (_, "testcase" | "testsuite") => {
                return Err(format!("a <{name}> stands where none can"));
            }
            _ => Element::Other,
        })
    }

    fn end_tag(&mut self, start: usize) {
        match self.open.pop() {
            Some(Element::Suite) => {
                self.suites.pop();
            }
            Some(Element::Properties) => {
                self.case_mut(|case| case.place = Place::Properties(start));
            }
            _ => {}
        }
    }

    fn case_mut(&mut self, change: impl FnOnce(&mut Case)) {
        if let Some(case) = self.cases.last_mut() {
            change(case);
        }
    }

    fn case(
        &self,
        tag: &BytesStart<'_>,
        place: Place,
        indent: Option<String>,
    ) -> Result<Case, String> {
        let name = value(tag, "name")?.ok_or("a <testcase> has no name")?;
        let suite = self.suites.last().map_or("", String::as_str);
        let (suite, round) = suite
            .rsplit_once("@stress-")
            .map_or((suite, None), |(suite, round)| (suite, round.parse().ok()));
        Ok(Case {
            name,
            binary_id: value(tag, "classname")?.unwrap_or_else(|| suite.to_owned()),
            stress_index: round,
            earlier: 0,
            later: 0,
            failed: None,
            skipped: false,
            place,
            indent,
        })
    }

    fn end(self) -> Result<(String, Vec<Case>), String> {
        if !self.rooted {
            return Err("it has no element: it is empty, or no XML".into());
        }
        if !self.open.is_empty() {
            return Err("it ends in the middle of an element".into());
        }
        let run_id = self.run_id.ok_or(
            "its <testsuites> has no `uuid`, so it does not tell which run it is of: nextest writes one",
        )?;
        Ok((run_id, self.cases))
    }
}

/// The value of an attribute. No attribute may stand twice.
fn value(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let mut found = None;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("it is no XML, {error}"))?;
        let key: &str = attribute.key.as_ref();
        if key == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| format!("it is no XML, {error}"))?;
            found = Some(value.into_owned());
        }
    }
    Ok(found)
}

fn indent(text: &str, start: usize) -> Option<String> {
    let line = text[..start].rfind('\n')? + 1;
    let before = &text[line..start];
    before
        .bytes()
        .all(|byte| byte == b' ' || byte == b'\t')
        .then(|| before.to_owned())
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

fn place(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).expect("the text is in memory")
}

fn at(text: &str, place: usize) -> String {
    let before = text.get(..place).unwrap_or(text);
    format!(", in line {}", before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

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
