use std::thread;
use std::time::Duration;

use heap_runtime::heap_tracked;
use rstest::{fixture, rstest};

use crate::keep;

/// What a fixture keeps is the test's that asks for it.
#[fixture]
fn page() -> usize {
    keep(1);
    1
}

#[fixture]
async fn later_page() -> usize {
    keep(1);
    1
}

/// Each case is a test, with a name and a sidecar of its own.
mod cases {
    use super::*;

    #[heap_tracked(labels(keeps = "131072"))]
    #[rstest]
    #[case(2)]
    #[case::named(2)]
    fn above(#[case] pages: usize) {
        keep(pages);
    }

    #[rstest]
    #[case(2)]
    #[case::named(2)]
    #[heap_tracked(labels(keeps = "131072"))]
    fn below(#[case] pages: usize) {
        keep(pages);
    }

    /// What stands before a case is that case's alone: this is how one of many is tracked.
    #[rstest]
    #[case::untracked(1)]
    #[heap_tracked(labels(keeps = "131072"))]
    #[case(2)]
    fn before_a_case(#[case] pages: usize) {
        keep(pages);
    }

    #[heap_tracked]
    #[rstest]
    #[case::fails(1)]
    #[case(2)]
    fn one_of_two_above(#[case] pages: usize) {
        assert_eq!(pages, 2);
    }

    #[rstest]
    #[case::fails(1)]
    #[case(2)]
    #[heap_tracked]
    fn one_of_two_below(#[case] pages: usize) {
        assert_eq!(pages, 2);
    }

    /// A case may be to panic, and its neighbour not.
    #[heap_tracked]
    #[rstest]
    #[case(2)]
    #[should_panic(expected = "pages")]
    #[case(1)]
    fn one_should_panic_above(#[case] pages: usize) {
        assert_eq!(pages, 2, "pages");
    }

    #[rstest]
    #[case(2)]
    #[should_panic(expected = "pages")]
    #[case(1)]
    #[heap_tracked]
    fn one_should_panic_below(#[case] pages: usize) {
        assert_eq!(pages, 2, "pages");
    }

    #[heap_tracked]
    #[rstest]
    #[case::fails(2)]
    #[should_panic]
    fn does_not_panic_above(#[case] pages: usize) {
        assert_eq!(pages, 2);
    }

    #[heap_tracked]
    #[rstest]
    #[case::fails("one")]
    #[case("1")]
    fn returns_above(#[case] pages: &str) -> Result<(), std::num::ParseIntError> {
        keep(pages.parse()?);
        Ok(())
    }

    #[rstest]
    #[case::fails("one")]
    #[case("1")]
    #[heap_tracked]
    fn returns_below(#[case] pages: &str) -> Result<(), std::num::ParseIntError> {
        keep(pages.parse()?);
        Ok(())
    }
}

mod values {
    use super::*;

    #[heap_tracked(labels(keeps = "196608"))]
    #[rstest]
    fn above(#[values(1, 1)] one: usize, #[values("ab", "cd")] two: &str) {
        keep(one + two.len());
    }

    #[rstest]
    #[heap_tracked(labels(keeps = "196608"))]
    fn below(#[values(1, 1)] one: usize, #[values("ab", "cd")] two: &str) {
        keep(one + two.len());
    }
}

mod fixtures {
    use super::*;

    #[heap_tracked(labels(keeps = "131072"))]
    #[rstest]
    fn above(page: usize) {
        keep(page);
    }

    #[rstest]
    #[heap_tracked(labels(keeps = "131072"))]
    fn below(page: usize) {
        keep(page);
    }
}

mod futures {
    use super::*;

    // tokio's has to stand below rstest's, whether or not there is one of ours.
    #[heap_tracked(labels(keeps_some = "131072"))]
    #[rstest]
    #[tokio::test]
    async fn above_both(#[future(awt)] later_page: usize) {
        keep(later_page);
    }

    #[rstest]
    #[heap_tracked(labels(keeps_some = "131072"))]
    #[tokio::test]
    async fn between(#[future(awt)] later_page: usize) {
        keep(later_page);
    }

    #[rstest]
    #[tokio::test]
    #[heap_tracked(labels(keeps_some = "131072"))]
    async fn below_both(#[future(awt)] later_page: usize) {
        keep(later_page);
    }

    #[heap_tracked(labels(keeps_some = "131072"))]
    #[rstest]
    #[case(1)]
    #[tokio::test]
    async fn awaited_in_the_body(#[future] later_page: usize, #[case] pages: usize) {
        keep(pages);
        assert_eq!(later_page.await, 1);
    }
}

mod timeouts {
    use super::*;

    #[heap_tracked]
    #[rstest]
    #[timeout(Duration::from_millis(50))]
    fn fails_above() {
        thread::sleep(Duration::from_secs(600));
    }

    #[rstest]
    #[timeout(Duration::from_millis(50))]
    #[heap_tracked]
    fn fails_below() {
        thread::sleep(Duration::from_secs(600));
    }

    #[heap_tracked(labels(keeps_some = "65536"))]
    #[rstest]
    #[timeout(Duration::from_secs(600))]
    fn in_time_above() {
        keep(1);
    }

    #[rstest]
    #[timeout(Duration::from_secs(600))]
    #[heap_tracked(labels(keeps_some = "65536"))]
    fn in_time_below() {
        keep(1);
    }

    #[heap_tracked]
    #[rstest]
    #[timeout(Duration::from_millis(50))]
    #[tokio::test]
    async fn fails_async_above() {
        std::future::pending::<()>().await;
    }

    #[rstest]
    #[timeout(Duration::from_millis(50))]
    #[tokio::test]
    #[heap_tracked]
    async fn fails_async_below() {
        std::future::pending::<()>().await;
    }
}
