use heap_runtime::heap_tracked;
use quickcheck_macros::quickcheck;

use crate::keep;

// One sidecar for the property, and its hundred cases are in it.
#[heap_tracked(labels(keeps_some = "6553600"))]
#[quickcheck]
fn above(number: u32) -> bool {
    keep(1);
    number.checked_add(0) == Some(number)
}

#[quickcheck]
#[heap_tracked(labels(keeps_some = "6553600"))]
fn below(number: u32) -> bool {
    keep(1);
    number.checked_add(0) == Some(number)
}

#[heap_tracked(labels(says = "[quickcheck] TEST FAILED"))]
#[quickcheck]
fn fails_above(number: u32) -> bool {
    number == u32::MAX / 2
}

#[quickcheck]
#[heap_tracked(labels(says = "[quickcheck] TEST FAILED"))]
fn fails_below(number: u32) -> bool {
    number == u32::MAX / 2
}

#[heap_tracked(labels(keeps_some = "6553600"))]
#[test]
fn function() {
    fn property(number: u32) -> bool {
        keep(1);
        number.checked_add(0) == Some(number)
    }
    quickcheck::quickcheck(property as fn(u32) -> bool);
}

#[heap_tracked(labels(says = "[quickcheck] TEST FAILED"))]
#[test]
fn fails_in_a_function() {
    fn property(number: u32) -> bool {
        number > u32::MAX / 2
    }
    quickcheck::quickcheck(property as fn(u32) -> bool);
}
