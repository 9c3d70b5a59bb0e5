//! A `JUnit` file read from its start to its end: its test cases, and where in the text each has its place.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::super::text::printable;
use super::case::{Case, PREFIX, Place};
use crate::report::{End, Ended};

/// Elements in elements; nextest's has six.
const MAX_DEPTH: usize = 64;

/// The run's id, and the test cases of a file without a byte order mark.
pub(super) fn parse(text: &str) -> Result<(String, Vec<Case>), String> {
    let mut parser = Parser::default();
    let mut reader = Reader::from_str(text);
    loop {
        let start = place(&reader);
        let event = reader.read_event();
        let event =
            event.map_err(|error| format!("it is not valid XML, {error}{}", at(text, start)))?;
        if event == Event::Eof {
            return parser.end();
        }
        let range = start..place(&reader);
        parser
            .take(&event, range, text)
            .map_err(|error| format!("{error}{}", at(text, start)))?;
    }
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
                if self.open.len() == MAX_DEPTH {
                    return Err(format!("more than {MAX_DEPTH} elements are in one another"));
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
                return Err("it has a document type, which JUnit files do not have".into());
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
        let Some(parent) = self.open.last().copied() else {
            return self.root(tag, name);
        };
        let end = || range.end - "/>".len()..range.end;
        Ok(match (parent, name) {
            (Element::Suites | Element::Suite, "testsuite") => {
                self.suites.push(value(tag, "name")?.unwrap_or_default());
                Element::Suite
            }
            (Element::Suite, "testcase") => {
                let place = if empty {
                    Place::Empty(end())
                } else {
                    Place::Start(range.end)
                };
                let case = self.case(tag, place, indent(text, range.start))?;
                self.cases.push(case);
                Element::Case
            }
            (Element::Case, "properties") => {
                if empty {
                    self.case_mut(|case| case.place = Place::EmptyProperties(end()));
                }
                Element::Properties
            }
            (Element::Case, name) => {
                self.ending(tag, name)?;
                Element::Other
            }
            (Element::Properties, "property") => {
                if value(tag, "name")?.is_some_and(|name| name.starts_with(PREFIX)) {
                    return Err(format!(
                        "a test case has properties called `{PREFIX}*` already: give the file that nextest wrote"
                    ));
                }
                Element::Other
            }
            (_, "testcase" | "testsuite") => {
                return Err(format!("a <{name}> is where none can be"));
            }
            _ => Element::Other,
        })
    }

    fn root(&mut self, tag: &BytesStart<'_>, name: &str) -> Result<Element, String> {
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
        self.run_id = value(tag, "uuid")?;
        Ok(Element::Suites)
    }

    /// Takes what an element in a test case says of how that ended.
    fn ending(&mut self, tag: &BytesStart<'_>, name: &str) -> Result<(), String> {
        match name {
            "flakyFailure" | "flakyError" => {
                let end = end_of(tag)?;
                self.case_mut(|case| {
                    case.earlier = case.earlier.saturating_add(1);
                    let attempt = case.earlier;
                    case.ends.extend(end.map(|end| Ended::new(attempt, end)));
                });
            }
            "rerunFailure" | "rerunError" => {
                let end = end_of(tag)?;
                self.case_mut(|case| {
                    case.later = case.later.saturating_add(1);
                    let attempt = case.attempt().saturating_add(case.later);
                    case.ends.extend(end.map(|end| Ended::new(attempt, end)));
                });
            }
            "failure" | "error" => {
                let (message, kind) = (value(tag, "message")?, value(tag, "type")?);
                let why = message.or(kind).unwrap_or_default();
                let end = end_of(tag)?;
                self.case_mut(|case| {
                    case.failed = Some(why);
                    let attempt = case.attempt();
                    case.ends.extend(end.map(|end| Ended::new(attempt, end)));
                });
            }
            "skipped" => self.case_mut(|case| case.skipped = true),
            "testcase" | "testsuite" => {
                return Err(format!("a <{name}> is where none can be"));
            }
            _ => {}
        }
        Ok(())
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
            ends: Vec::new(),
            place,
            indent,
        })
    }

    fn end(self) -> Result<(String, Vec<Case>), String> {
        if !self.rooted {
            return Err("it has no element: it is empty, or not XML".into());
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

/// How the process of a failed attempt ended, where that is said.
fn end_of(tag: &BytesStart<'_>) -> Result<Option<End>, String> {
    let (message, kind) = (value(tag, "message")?, value(tag, "type")?);
    Ok(End::of_nextest(
        &kind.unwrap_or_default(),
        message.as_deref(),
    ))
}

/// The value of an attribute. No attribute may stand twice.
fn value(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let mut found = None;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("it is not valid XML, {error}"))?;
        let key: &str = attribute.key.as_ref();
        if key == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| format!("it is not valid XML, {error}"))?;
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

fn place(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).expect("the text is in memory")
}

fn at(text: &str, place: usize) -> String {
    let before = text.get(..place).unwrap_or(text);
    format!(", in line {}", before.matches('\n').count() + 1)
}
