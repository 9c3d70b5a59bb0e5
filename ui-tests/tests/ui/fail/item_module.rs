use heap_runtime::heap_tracked;

#[heap_tracked]
mod helpers {
    pub fn works() {}
}

#[heap_tracked(skip)]
mod is_in_none {
    #[test]
    fn works() {}
}

#[heap_tracked(max_peek = "8 MiB")]
mod misspelt {
    #[test]
    fn works() {}
}

#[heap_tracked]
#[heap_tracked]
mod twice {
    #[test]
    fn works() {}
}

#[heap_tracked]
mod around {
    #[heap_tracked(warmup = 0)]
    mod more {
        #[heap_runtime::heap_tracked(skip, exact)]
        pub fn works() {}
        #[test]
        fn is_a_test() {}
    }

    #[heap_tracked(max_peak = "8 parsecs")]
    mod wrong {
        #[test]
        fn works() {}
    }
}

#[heap_tracked(skip)]
fn function() {}

fn main() {
    helpers::works();
    function();
}
