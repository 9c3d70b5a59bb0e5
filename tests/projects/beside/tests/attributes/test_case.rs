use heap_runtime::heap_tracked;
use test_case::{test_case, test_matrix};

use crate::keep;

#[heap_tracked(labels(keeps = "131072"))]
#[test_case(2)]
#[test_case(2; "named")]
fn above(pages: usize) {
    keep(pages);
}

#[test_case(2)]
#[heap_tracked(labels(keeps = "131072"))]
#[test_case(2; "named")]
fn between(pages: usize) {
    keep(pages);
}

#[test_case(2)]
#[test_case(2; "named")]
#[heap_tracked(labels(keeps = "131072"))]
fn below(pages: usize) {
    keep(pages);
}

#[heap_tracked]
#[test_case(1 => 2; "fails")]
#[test_case(2 => 4)]
fn compared_above(pages: usize) -> usize {
    pages * pages
}

#[test_case(1 => 2; "fails")]
#[test_case(2 => 4)]
#[heap_tracked]
fn compared_below(pages: usize) -> usize {
    pages * pages
}

#[heap_tracked]
#[test_case(1 => panics "pages")]
#[test_case(2 => panics "pages"; "fails")]
fn panics_above(pages: usize) {
    assert_eq!(pages, 2, "pages");
}

#[test_case(1 => panics "pages")]
#[test_case(2 => panics "pages"; "fails")]
#[heap_tracked]
fn panics_below(pages: usize) {
    assert_eq!(pages, 2, "pages");
}

#[heap_tracked(labels(keeps = "196608"))]
#[test_matrix([1, 1], [2, 2])]
fn matrix_above(one: usize, two: usize) {
    keep(one + two);
}

#[test_matrix([1, 1], [2, 2])]
#[heap_tracked(labels(keeps = "196608"))]
fn matrix_below(one: usize, two: usize) {
    keep(one + two);
}

mod asynchronous {
    use super::*;

    crate::orders! {
        [::test_case::test_case(2)] [heap_tracked(labels(keeps_some = "131072"))] [tokio::test]
        async fn on_tokio(pages: usize) {
            keep(pages);
        }
    }
}
