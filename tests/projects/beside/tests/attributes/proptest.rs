use heap_runtime::heap_tracked;
use proptest::{prelude::*, property_test};

use crate::keep;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 10,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

// One sidecar for the property, and all its cases are in it.
proptest! {
    #![proptest_config(config())]

    #[heap_tracked(labels(keeps_some = "655360"))]
    #[test]
    fn above(_number in 0..100_u32) {
        keep(1);
    }

    #[test]
    #[heap_tracked(labels(keeps_some = "655360"))]
    fn below(_number in 0..100_u32) {
        keep(1);
    }

    #[heap_tracked(labels(says = "minimal failing input: number = 17"))]
    #[test]
    fn fails_above(number in 0..1000_u32) {
        prop_assert!(number < 17);
    }

    #[test]
    #[heap_tracked(labels(says = "minimal failing input: number = 17"))]
    fn fails_below(number in 0..1000_u32) {
        prop_assert!(number < 17);
    }

    #[heap_tracked(labels(says = "minimal failing input: number = 17"))]
    #[test]
    fn fails_with_a_panic(number in 0..1000_u32) {
        assert!(number < 17, "too many");
    }
}

#[heap_tracked(labels(keeps_some = "655360"))]
#[property_test(config = config())]
fn attribute_above(_number: u32) {
    keep(1);
}

#[property_test(config = config())]
#[heap_tracked(labels(keeps_some = "655360"))]
fn attribute_below(_number: u32) {
    keep(1);
}

#[heap_tracked(labels(says = "number: 17"))]
#[property_test(config = config())]
fn attribute_fails_above(number: u32) {
    assert!(number < 17);
}

#[property_test(config = config())]
#[heap_tracked(labels(says = "number: 17"))]
fn attribute_fails_below(number: u32) {
    assert!(number < 17);
}

#[heap_tracked(labels(keeps_some = "655360"))]
#[test]
fn closure() {
    proptest!(config(), |(_number in 0..100_u32)| keep(1));
}
