use heap_runtime::heap_tracked;

#[heap_tracked]
#[test]
#[cfg_attr(all(), should_panic(expected = "tasks"))]
fn should_panic_above() {
    panic!("two tasks");
}

#[cfg_attr(all(), should_panic(expected = "tasks"))]
#[test]
#[heap_tracked]
fn should_panic_below() {
    panic!("two tasks");
}

#[heap_tracked]
#[test]
#[cfg_attr(any(), should_panic)]
fn need_not_panic() {}

#[cfg_attr(all(), heap_tracked)]
#[test]
fn is_hidden_itself() {}

#[heap_tracked]
#[cfg_attr(all(), rstest::rstest)]
#[case::fails(1)]
#[case(2)]
fn hides_cases(#[case] pages: usize) {
    assert_eq!(pages, 2);
}
