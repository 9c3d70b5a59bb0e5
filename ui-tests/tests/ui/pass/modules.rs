//! Modules of tests. These are compiled without their tests, so what runs here are tracked functions.
#![deny(warnings)]

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

#[heap_tracked(exact, labels(area = "queue"))]
pub(crate) mod tests {
    #![allow(dead_code)]
    //! With documentation inside it.

    use heap_runtime::heap_tracked;

    const SIZES: [usize; 2] = {
        let one = 1;
        [one, 2]
    };

    struct Held<const N: usize>;

    impl Held<{ 2 + 1 }> {
        fn size() -> usize {
            3
        }
    }

    fn helper() -> Held<{ 1 + 2 }> {
        Held
    }

    #[test]
    fn works() -> Result<(), std::num::ParseIntError> {
        let Held = helper();
        "3".parse::<u8>().map(drop)
    }

    #[cfg_attr(unix, test)]
    fn on_unix() {}

    #[heap_tracked(max_peak = "1 MiB")]
    pub(crate) fn tracked_helper() -> usize {
        SIZES.len() + Held::size()
    }

    #[heap_tracked(skip)]
    mod left_out {
        #[test]
        fn works() {}
    }

    pub(crate) mod deeper {
        #[heap_runtime::heap_tracked(exact = false, warmup = 0, labels(kind = "smoke"))]
        #[test]
        fn works() {}
    }
}

mod renamed {
    pub(crate) use heap_runtime as evidence;
}

#[renamed::evidence::heap_tracked(crate = crate::renamed::evidence)]
mod of_another_name {
    #[test]
    fn works() {}

    #[heap_runtime::heap_tracked]
    pub(crate) fn helper() {}
}

macro_rules! made {
    ($visibility:vis mod $name:ident, $item:item) => {
        #[heap_tracked]
        $visibility mod $name {
            $item
        }
    };
    ($item:item) => {
        #[heap_tracked]
        $item
    };
}

made!(pub(crate) mod around_a_test, #[test] fn works() {});
made!(mod private, #[test] fn works() {});
made! {
    mod whole {
        #[test]
        fn works() {}
    }
}

fn main() {
    assert_eq!(tests::tracked_helper(), 5);
    of_another_name::helper();
}
