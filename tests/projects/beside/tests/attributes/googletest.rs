use googletest::prelude::{eq, expect_that, gtest, verify_that};
use heap_runtime::heap_tracked;

use crate::keep;

#[heap_tracked(labels(keeps_some = "131072"))]
#[gtest]
fn above() {
    keep(2);
    expect_that!(1 + 1, eq(2));
}

#[gtest]
#[heap_tracked(labels(keeps_some = "131072"))]
fn below() {
    keep(2);
    expect_that!(1 + 1, eq(2));
}

// The body returns, and the test fails all the same.
#[heap_tracked]
#[gtest]
fn fails_above() {
    expect_that!(1 + 1, eq(3));
}

#[gtest]
#[heap_tracked]
fn fails_below() {
    expect_that!(1 + 1, eq(3));
}

#[heap_tracked]
#[googletest::test]
fn fails_under_its_other_name() {
    expect_that!(1 + 1, eq(3));
}

#[heap_tracked]
#[gtest]
fn fails_fatally_above() -> googletest::Result<()> {
    expect_that!(1 + 1, eq(2));
    verify_that!(1 + 1, eq(3))
}

#[gtest]
#[heap_tracked]
fn fails_fatally_below() -> googletest::Result<()> {
    expect_that!(1 + 1, eq(2));
    verify_that!(1 + 1, eq(3))
}

#[heap_tracked]
#[gtest]
#[should_panic]
fn should_panic_above() {
    expect_that!(1 + 1, eq(3));
}

#[gtest]
#[should_panic]
#[heap_tracked]
fn should_panic_below() {
    expect_that!(1 + 1, eq(3));
}

#[heap_tracked]
#[gtest]
#[should_panic]
fn fails_should_panic() {
    expect_that!(1 + 1, eq(2));
}

mod on_tokio {
    use super::*;

    crate::orders! {
        [gtest] [heap_tracked] [tokio::test]
        async fn fails() {
            tokio::task::yield_now().await;
            expect_that!(1 + 1, eq(3));
        }
    }
}
