use heap_runtime::heap_tracked;

struct Queue(u32);

impl Queue {
    #[heap_tracked]
    fn by_reference(&self) -> u32 {
        self.0
    }

    #[heap_tracked]
    fn by_exclusive_reference(&mut self) {
        self.0 += 1;
    }

    #[heap_tracked]
    fn by_value(self) -> u32 {
        self.0
    }

    #[heap_tracked]
    fn by_box(self: Box<Self>) -> u32 {
        self.0
    }
}

fn main() {
    let mut queue = Queue(1);
    queue.by_exclusive_reference();
    assert_eq!(queue.by_reference(), 2);
    assert_eq!(queue.by_value(), 2);
    assert_eq!(Box::new(Queue(3)).by_box(), 3);
}
