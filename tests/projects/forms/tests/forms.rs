//! Tracked functions of every form. What comes of each is judged by its sidecar.

#[path = "forms/asynchronous.rs"]
mod asynchronous;

use heap_runtime::heap_tracked;
use std::fmt::Display;
use std::process::{ExitCode, Termination};

heap_runtime::use_jemalloc!();

#[heap_tracked(labels(form = "unit", r#type = "plain"))]
#[test]
fn returns_nothing() {
    heap_runtime::metric("tasks", 3.0);
    heap_runtime::label("cpus", "2");
}

#[heap_tracked]
#[test]
fn returns_ok() -> Result<(), String> {
    Ok(())
}

#[heap_tracked]
#[test]
fn returns_err() -> Result<(), String> {
    Err("no CPU left".into())
}

#[heap_tracked]
#[test]
fn question_mark() -> Result<(), std::num::ParseIntError> {
    let tasks: u32 = "three".parse()?;
    unreachable!("{tasks} tasks");
}

#[heap_tracked]
#[test]
fn ok_of_a_failure() -> Result<ExitCode, String> {
    Ok(ExitCode::from(4))
}

#[heap_tracked]
#[test]
fn exit_code_of_success() -> ExitCode {
    ExitCode::SUCCESS
}

#[heap_tracked]
#[test]
fn exit_code_of_failure() -> ExitCode {
    ExitCode::from(3)
}

#[heap_tracked]
#[test]
fn opaque_termination_of_success() -> impl Termination {
    ExitCode::SUCCESS
}

#[heap_tracked]
#[test]
fn opaque_termination_of_failure() -> impl Termination {
    Once
}

#[derive(Clone)]
struct Report(u8);

impl Termination for Report {
    fn report(self) -> ExitCode {
        self.0.into()
    }
}

#[heap_tracked]
#[test]
fn own_termination_of_success() -> Report {
    Report(0)
}

#[heap_tracked]
#[test]
fn own_termination_of_failure() -> Report {
    Report(5)
}

#[heap_tracked]
#[test]
fn returns_early() {
    if std::process::id() > 0 {
        heap_runtime::metric("early", 1.0);
        return;
    }
    unreachable!("after the return");
}

#[heap_tracked]
#[test]
fn returns_err_early() -> Result<(), String> {
    if std::process::id() > 0 {
        return Err("early".to_owned());
    }
    Ok(())
}

#[heap_tracked]
#[test]
fn skips() {
    heap_runtime::skip("needs CAP_SYS_NICE");
}

#[heap_tracked]
#[test]
fn panics() {
    panic!("no CPU left");
}

#[heap_tracked]
#[test]
#[should_panic]
fn should_panic_and_does() {
    panic!("as it should");
}

#[heap_tracked]
#[test]
#[should_panic]
fn should_panic_and_does_not() {}

#[heap_tracked]
#[test]
#[should_panic(expected = "overflow")]
fn should_panic_as_expected() {
    panic!("an overflow of the run queue");
}

#[test]
#[should_panic = "overflow"]
#[heap_tracked]
fn should_panic_as_expected_in_the_other_spelling() {
    panic!("{} overflow", "an");
}

#[heap_tracked]
#[test]
#[should_panic(expected = "overflow")]
fn should_panic_and_does_with_another_message() {
    panic!("an underflow");
}

#[should_panic(expected = "overflow")]
#[test]
#[heap_tracked]
fn should_panic_and_has_no_message() {
    std::panic::panic_any(3_u32);
}

#[test]
#[ignore = "it takes long"]
#[heap_tracked]
fn is_ignored() {}

#[test]
#[heap_tracked]
fn below_the_test_attribute() {}

#[heap_tracked]
#[doc = "documented"]
#[test]
fn above_the_test_attribute() {}

#[heap_tracked]
#[test]
fn r#match() {}

#[heap_tracked]
fn by_value(text: String, (left, right): (u32, u32), mut more: u32) -> u32 {
    more += u32::try_from(text.len()).unwrap();
    left + right + more
}

#[test]
fn arguments() {
    assert_eq!(by_value("abc".into(), (1, 2), 10), 16);
}

#[heap_tracked]
fn pushed<'a>(tasks: &'a mut Vec<u32>, more: &mut u32) -> &'a mut u32 {
    *more += 1;
    tasks.push(*more);
    tasks.last_mut().unwrap()
}

#[test]
fn exclusive_references() {
    let (mut tasks, mut more) = (vec![1], 1);
    *pushed(&mut tasks, &mut more) += 10;
    assert_eq!((tasks, more), (vec![1, 12], 2));
}

#[heap_tracked]
fn sum_of<T, const N: usize>(values: [T; N]) -> u64
where
    T: Into<u64>,
{
    values.into_iter().map(Into::into).sum()
}

#[test]
fn generics() {
    assert_eq!(sum_of([1_u32, 2]), 3);
}

#[heap_tracked]
fn longer<'a>(left: &'a str, right: &'a str) -> &'a str {
    if left.len() > right.len() {
        left
    } else {
        right
    }
}

#[test]
fn lifetimes() {
    let left = String::from("ab");
    assert_eq!(longer(&left, "c"), "ab");
}

#[heap_tracked]
fn shown(value: impl Display, many: impl IntoIterator<Item = u32>) -> impl Iterator<Item = String> {
    many.into_iter()
        .map(move |number| format!("{value}{number}"))
}

#[test]
fn opaque_types() {
    assert_eq!(shown("n", [1, 2]).collect::<Vec<_>>(), ["n1", "n2"]);
}

#[heap_tracked]
unsafe fn read(pointer: *const u32) -> u32 {
    // SAFETY: the caller's pointer is good.
    unsafe { *pointer }
}

#[test]
fn unsafe_functions() {
    // SAFETY: a reference is a good pointer.
    assert_eq!(unsafe { read(&7) }, 7);
}

#[heap_tracked]
fn diverges() -> ! {
    panic!("it never returns")
}

#[test]
fn never_returning_functions() {
    let payload = std::panic::catch_unwind(|| diverges()).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"it never returns"));
}

struct Once;

impl Termination for Once {
    fn report(self) -> ExitCode {
        ExitCode::from(6)
    }
}

#[heap_tracked]
#[test]
fn inner_attributes() {
    #![expect(unused_variables, reason = "this is what the attribute is tested by")]
    let nobody_reads_it = 3;
}

/// As most are: its body is that of a function inside it.
#[heap_tracked]
#[test]
#[expect(unused_variables, reason = "what is expected of the test is expected of its body")]
pub(crate) fn as_most_are() {
    let nobody_reads_it = 3;
    fn here() {}
    fn helper() -> f64 {
        super_helper::value()
    }
    // What takes its name from where it is called finds the test's.
    let name = std::any::type_name_of_val(&here);
    assert_eq!(name.rsplit("::").nth(1), Some("as_most_are"));
    assert_eq!(std::thread::current().name(), Some("as_most_are"));
    heap_runtime::metric("helped", helper());
    if name.is_empty() {
        as_most_are();
    }
    return;
}

mod super_helper {
    pub(super) fn value() -> f64 {
        1.0
    }
}

macro_rules! plain_test {
    ($test:item) => {
        #[heap_tracked]
        $test
    };
}

plain_test! {
    #[test]
    fn as_most_are_by_a_macro() {}
}

macro_rules! tracked_tests {
    ($($(#[$attribute:meta])* $name:ident $body:block)*) => {
        $(
            $(#[$attribute])*
            #[heap_tracked(labels(from = "a macro"))]
            #[test]
            fn $name() $body
        )*
    };
}

tracked_tests! {
    from_a_macro { heap_runtime::metric("made", 1.0); }

    #[should_panic(expected = "from a macro")]
    from_a_macro_and_should_panic { panic!("from a macro") }
}

#[heap_tracked]
fn inner() {
    heap_runtime::metric("where", 2.0);
}

#[heap_tracked]
#[test]
fn outer() {
    heap_runtime::metric("before", 1.0);
    inner();
    heap_runtime::metric("after", 3.0);
}

#[heap_tracked]
fn twice(round: f64) {
    heap_runtime::metric("round", round);
}

#[test]
fn called_twice() {
    twice(1.0);
    twice(2.0);
}

mod modules {
    pub(crate) mod deep {
        #[heap_runtime::heap_tracked]
        #[test]
        fn in_a_module() {}
    }
}

struct Payload(u32);

#[heap_tracked]
fn throws() {
    std::panic::panic_any(Payload(7));
}

#[test]
fn payloads() {
    let payload = std::panic::catch_unwind(throws).unwrap_err();
    assert_eq!(
        payload.downcast_ref::<Payload>().map(|payload| payload.0),
        Some(7)
    );
}

struct Tail<'a>(&'a std::cell::Cell<u32>);

impl Drop for Tail<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[heap_tracked]
fn drops(cell: &std::cell::Cell<u32>) -> u32 {
    let _first = Tail(cell);
    Tail(cell).0.get()
}

#[test]
fn drop_order() {
    let cell = std::cell::Cell::new(0);
    assert_eq!(drops(&cell), 0);
    assert_eq!(cell.get(), 2);
}
