//! What the compiler says when `#[heap_tracked]` is misused: see `tests/ui.rs`.
