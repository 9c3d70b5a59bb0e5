//! Where `pthread_create` cannot be stood in for: a thread that a test starts does not know its test
//! by itself, and joins it by a [`Handle`](super::Handle) or is nobody's.

pub(super) fn prepare() {}

/// Nothing is: that is how it is documented to be there.
pub(super) fn missing() -> Option<&'static str> {
    None
}
