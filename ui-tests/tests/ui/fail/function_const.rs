use heap_runtime::heap_tracked;

#[heap_tracked]
const fn works() -> u32 {
    2
}

fn main() {
    // Still a const fn, so this is no second error.
    const TWO: u32 = works();
    assert_eq!(TWO, 2);
}
