use heap_runtime::heap_tracked;

#[heap_tracked(labels(keeps_some = "131072"))]
mod of_every_kind {
    #![expect(dead_code, reason = "an attribute of the module stays one of its own")]

    use heap_runtime::heap_tracked;
    use proptest::prelude::*;
    use rstest::{fixture, rstest};
    use test_case::test_case;

    use crate::keep;

    fn nobody_calls_it() {}

    /// Not a test.
    #[fixture]
    fn page() -> usize {
        keep(1);
        1
    }

    #[test]
    fn plain() {
        keep(2);
    }

    #[test]
    #[should_panic(expected = "two pages")]
    fn should_panic() {
        keep(2);
        panic!("two pages");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_tokio() {
        tokio::spawn(async { keep(2) }).await.unwrap();
    }

    #[async_std::test]
    async fn on_async_std() {
        keep(2);
    }

    #[rstest]
    #[case(1)]
    #[case::named(1)]
    fn cases(#[case] pages: usize, page: usize) {
        keep(pages * page);
    }

    #[test_case(2)]
    #[test_case(2; "named")]
    fn test_cases(pages: usize) {
        keep(pages);
    }

    #[googletest::gtest]
    fn google() {
        keep(2);
    }

    #[googletest::gtest]
    fn google_fails() {
        keep(2);
        googletest::expect_that!(1, googletest::prelude::eq(2));
    }

    #[heap_tracked(skip)]
    #[test]
    fn untracked() {}

    #[heap_tracked(labels(keeps_some = "65536"))]
    #[test]
    fn by_itself() {
        keep(1);
    }

    mod deeper {
        use crate::keep;

        #[test_log::test]
        fn logged() {
            keep(2);
        }
    }

    #[heap_tracked(skip)]
    mod untracked_module {
        #[test]
        fn plain() {}
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn property(_number in 0..100_u32) {
            keep(1);
        }
    }
}

#[heap_tracked(labels(keeps_some = "6553600"))]
mod properties {
    use crate::keep;

    quickcheck::quickcheck! {
        fn by_the_hundred(number: u32) -> bool {
            keep(1);
            number.checked_add(0) == Some(number)
        }
    }
}

#[heap_tracked(max_retained = "4 KiB", warmup = 1)]
mod budgets {
    use heap_runtime::heap_tracked;

    use crate::keep;

    #[test]
    fn fails() {
        keep(1);
    }

    #[heap_tracked(max_retained = "1 MiB", warmup = 0)]
    #[test]
    fn has_more() {
        keep(1);
    }

    // It has no second round.
    #[test]
    #[should_panic]
    fn panics() {
        panic!("in the first");
    }
}
