use heap_runtime::heap_tracked;

macro_rules! tests {
    ($name:ident) => {
        fn $name() {}
    };
}

#[heap_tracked]
tests!(works);

#[heap_tracked]
macro_rules! more_tests {
    () => {};
}

more_tests!();

fn main() {
    works();
}
