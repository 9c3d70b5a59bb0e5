//! Atomics that stay the standard library's where a model checker tries all orders: nothing that it looks for depends
//! on their order, and each would multiply the orders that it has to try.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};

/// Bytes that one thread writes and others read, for bounds alone.
pub(super) type Bytes = AtomicU64;
/// See [`Bytes`].
pub(super) type SignedBytes = AtomicI64;
/// Written under the registry's lock, which orders it.
pub(super) type Flag = AtomicBool;
