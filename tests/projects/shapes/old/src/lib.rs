//! Edition 2018, with words that later editions keep for themselves.

#[cfg(test)]
kit::use_allocator!();

/// A hundred bytes.
pub fn kept() -> Vec<u8> {
    vec![0; 100]
}

#[cfg(test)]
mod tests {
    use heap_runtime::heap_tracked;

    macro_rules! each {
        ($($name:ident = $size:expr;)*) => {$(
            #[heap_tracked]
            #[test]
            fn $name() {
                std::mem::forget(vec![0_u8; $size]);
            }
        )*};
    }

    each! {
        ninety = 90;
        hundred = 100;
    }

    #[heap_tracked]
    #[test]
    fn gen() -> Result<(), Box<dyn std::error::Error>> {
        std::mem::forget(super::kept());
        let gen: u8 = "1".parse()?;
        assert_eq!(gen, 1);
        Ok(())
    }

    mod as_most_are {
        #[heap_runtime::heap_tracked]
        #[test]
        fn gen() {
            std::mem::forget(crate::kept());
        }
    }
}
