use heap_runtime::heap_tracked;

#[heap_tracked]
mod tests {
    pub fn works() {}
}

fn main() {
    tests::works();
}
