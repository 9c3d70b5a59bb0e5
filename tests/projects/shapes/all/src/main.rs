//! A program of the library's name.

#[cfg(test)]
heap_runtime::use_jemalloc!();

fn main() {
    println!("{}", all_kinds::kept().len());
}

#[cfg(test)]
mod tests {
    #[heap_runtime::heap_tracked]
    #[test]
    fn unit() {
        std::mem::forget(all_kinds::kept());
    }
}
