//! Every kind of function that can be tracked.

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

#[heap_tracked]
fn returns_nothing() {}

#[heap_tracked()]
fn empty_parentheses() {}

#[heap_tracked]
fn returns_a_result() -> Result<(), String> {
    let _: u32 = "3".parse().map_err(|error| format!("{error}"))?;
    Ok(())
}

#[heap_tracked]
fn generic<T: Copy, const N: usize>(values: [T; N]) -> usize
where
    T: Into<u64>,
{
    values.map(Into::into).iter().map(|_: &u64| 1).sum()
}

#[heap_tracked]
fn longest<'a>(left: &'a str, right: &'a str) -> &'a str {
    if left.len() > right.len() { left } else { right }
}

#[heap_tracked]
fn elided(text: &str) -> &str {
    text.trim()
}

#[heap_tracked]
fn changes(values: &mut Vec<u32>, mut more: u32, (left, _): (u32, u32)) {
    more += left;
    values.push(more);
}

#[heap_tracked]
fn iterates(values: impl IntoIterator<Item = u32>) -> impl Iterator<Item = u32> {
    values.into_iter().map(|value| value + 1)
}

#[heap_tracked]
unsafe fn reads(pointer: *const u32) -> u32 {
    // SAFETY: the caller's pointer is good.
    unsafe { *pointer }
}

#[heap_tracked]
extern "C-unwind" fn may_unwind() {}

#[heap_tracked]
fn r#match() {}

#[heap_tracked]
fn inner_attributes() {
    #![expect(unused_variables, reason = "an inner attribute of the body still counts")]
    let nobody_reads = 3;
}

struct Queue;

impl Queue {
    /// An associated function has no `self`.
    #[heap_tracked]
    fn new() -> Self {
        Self
    }
}

mod inner {
    #[heap_runtime::heap_tracked]
    pub(crate) fn by_path() {}
}

fn main() {
    returns_nothing();
    empty_parentheses();
    returns_a_result().unwrap();
    assert_eq!(generic([1_u32, 2]), 2);
    assert_eq!(longest("ab", "c"), "ab");
    assert_eq!(elided(" a "), "a");
    let mut values = vec![1];
    changes(&mut values, 2, (3, 4));
    assert_eq!(values, [1, 5]);
    assert_eq!(iterates([1, 2]).collect::<Vec<_>>(), [2, 3]);
    // SAFETY: a reference is a good pointer.
    assert_eq!(unsafe { reads(&7) }, 7);
    may_unwind();
    r#match();
    inner_attributes();
    let Queue = Queue::new();
    inner::by_path();
}
