//! Tests that the macro of another crate writes.

kit::use_allocator!();

kit::tracked_test!(by_kit {
    std::mem::forget(old::kept());
});

kit::tracked_test!(
    #[should_panic(expected = "by the kit")]
    panics_by_kit {
        panic!("by the kit");
    }
);
