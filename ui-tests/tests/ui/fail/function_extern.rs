use heap_runtime::heap_tracked;

#[heap_tracked]
extern "C" fn called_from_c() {}

#[heap_tracked]
extern "system" fn called_from_the_system() {}

fn main() {
    called_from_c();
    called_from_the_system();
}
