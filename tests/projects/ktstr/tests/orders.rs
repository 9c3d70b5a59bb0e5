//! The attribute beside ktstr's, in both orders.

use heap_runtime::heap_tracked;
use ktstr::assert::AssertResult;
use ktstr::ktstr_test;
use ktstr::scenario::Ctx;

heap_runtime::use_jemalloc!();

#[ktstr_test(host_only)]
#[heap_tracked]
fn ktstr_above(_: &Ctx) -> anyhow::Result<AssertResult> {
    Ok(AssertResult::pass())
}

#[heap_tracked]
#[ktstr_test(host_only)]
fn ktstr_below(_: &Ctx) -> anyhow::Result<AssertResult> {
    Ok(AssertResult::pass())
}
