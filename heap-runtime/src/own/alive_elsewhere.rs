//! Where nobody tells of a thread that ends without a word.

pub(crate) struct Alive;

impl Alive {
    pub(crate) const fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as where there is something to do")]
    pub(crate) fn begins(&self) {}

    #[cfg(posix)]
    #[expect(clippy::unused_self, reason = "as where there is something to do")]
    pub(crate) fn ends(&self) {}

    #[expect(clippy::unused_self, reason = "as where there is something to do")]
    pub(crate) fn has_died(&self) -> bool {
        false
    }
}
