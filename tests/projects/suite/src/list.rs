//! A module of its own file.

use alloc::vec::Vec;

/// A hundred bytes.
pub fn hundred() -> Vec<u8> {
    alloc::vec![0; 100]
}

/// An error.
#[derive(Debug)]
pub struct Never;

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! tests {
        ($($name:ident)*) => {$(
            #[test]
            fn $name() {
                core::mem::forget(hundred());
            }
        )*};
    }

    tests! { one two }

    #[test]
    #[ignore]
    fn not_now() {}
}
