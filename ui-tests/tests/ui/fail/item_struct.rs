use heap_runtime::heap_tracked;

#[heap_tracked]
struct Frame {
    bytes: [u8; 64],
}

fn main() {
    // The struct is there all the same, so this is no second error.
    let frame = Frame { bytes: [0; 64] };
    assert_eq!(frame.bytes.len(), 64);
}
