//! Every form of a tracked test, in code that no lint finds fault with.

#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    unused_results,
    unused_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    let_underscore_drop,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    missing_debug_implementations,
    non_ascii_idents,
    redundant_lifetimes,
    unit_bindings,
    unnameable_types,
    variant_size_differences,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#![forbid(unsafe_op_in_unsafe_fn)]

#[cfg(test)]
mod tests {
    use heap_runtime::{Test, heap_tracked};
    use std::num::ParseIntError;
    use std::process::{ExitCode, Termination};

    #[heap_tracked]
    #[test]
    fn returns_nothing() {
        println!("nothing");
    }

    #[test]
    fn by_a_call() {
        Test::new("by_a_call").run(|| println!("called"));
    }

    #[heap_tracked(labels(a = "b", c = "d"))]
    #[test]
    fn labelled() {
        println!("labelled");
    }

    #[test]
    #[heap_tracked]
    fn returns_a_result() -> Result<(), ParseIntError> {
        let _number: u32 = "3".parse()?;
        Ok(())
    }

    #[heap_tracked]
    #[test]
    fn returns_early() {
        if std::env::args().count() > 100 {
            return;
        }
        println!("few arguments");
    }

    #[heap_tracked]
    #[test]
    fn returns_a_code() -> ExitCode {
        println!("a code");
        ExitCode::SUCCESS
    }

    #[heap_tracked]
    #[test]
    fn returns_opaque() -> impl Termination {
        println!("opaque");
        ExitCode::SUCCESS
    }

    #[heap_tracked]
    #[test]
    #[should_panic(expected = "panics")]
    fn panics() {
        panic!("it panics");
    }

    #[heap_tracked]
    #[test]
    #[should_panic(expected = "never")]
    fn panics_deep() {
        never()
    }

    fn helper() {
        println!("helps");
    }

    #[heap_tracked]
    #[test]
    fn calls_one_function() {
        helper();
    }

    #[heap_tracked]
    #[test]
    fn is_one_call() -> ExitCode {
        returns_a_code()
    }

    #[heap_tracked]
    #[test]
    fn is_empty() {}

    #[heap_tracked]
    #[test]
    #[ignore = "it takes long"]
    fn is_ignored() {
        println!("ignored");
    }

    #[heap_tracked]
    fn never() -> ! {
        panic!("it never returns")
    }

    #[heap_tracked]
    fn generic<T: Clone, const N: usize>(values: &[T; N]) -> Vec<T> {
        values.to_vec()
    }

    #[heap_tracked]
    fn elided(text: &str, more: &mut String) -> usize {
        more.push_str(text);
        more.len()
    }

    #[heap_tracked]
    fn chosen<'a>(left: &'a str, right: &'a str) -> &'a str {
        if left.len() > right.len() {
            left
        } else {
            right
        }
    }

    #[heap_tracked]
    fn shown(values: impl IntoIterator<Item = u32>) -> impl Iterator<Item = u32> {
        values.into_iter().map(|value| value + 1)
    }

    #[heap_tracked]
    async fn later(value: &u32) -> Result<u32, String> {
        std::future::ready(()).await;
        if *value > 100 {
            return Err(String::from("large"));
        }
        Ok(*value)
    }

    #[heap_tracked]
    async fn later_and_nothing() {
        std::future::ready(()).await;
        println!("later");
    }

    #[heap_tracked]
    async fn one_call_later() {
        later_and_nothing().await;
    }

    #[heap_tracked]
    async fn one_value_later() -> Result<u32, String> {
        later(&3).await
    }

    #[heap_tracked]
    async fn one_opaque_value_later() -> impl Termination {
        later_and_opaque().await
    }

    #[heap_tracked]
    async fn later_and_never() -> ! {
        std::future::ready(()).await;
        panic!("never")
    }

    #[heap_tracked]
    async fn later_and_opaque() -> impl Termination {
        std::future::ready(()).await;
        ExitCode::SUCCESS
    }

    #[heap_tracked]
    #[test]
    fn calls_them() {
        assert_eq!(generic(&[1, 2]), [1, 2]);
        let mut more = String::new();
        assert_eq!(elided("a", &mut more), 1);
        assert_eq!(chosen("ab", "c"), "ab");
        assert_eq!(shown([1]).collect::<Vec<_>>(), [2]);
        drop(later(&3));
        drop(later_and_nothing());
        drop(later_and_never());
        drop(later_and_opaque());
        drop(one_call_later());
        drop(one_value_later());
        drop(one_opaque_value_later());
    }
}
