//! From arguments and a function as written to options and a function that can be tracked.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, FnArg, Ident, Lit, LitInt, LitStr, Meta, Path, Result};

use crate::arguments::{ARGUMENTS, Known, Switch, Takes};
use crate::attr::{self, Argument, Kind, Value};
use crate::item::Function;
use crate::{duration, size};

/// What the attribute asks for, all of it valid.
#[derive(Default)]
pub(crate) struct Options {
    /// The path of the runtime, where it is not `::heap_runtime`.
    pub(crate) runtime: Option<Path>,
    pub(crate) labels: Vec<(String, LitStr)>,
    /// Limits, by the name of their argument, which is that of their setter.
    pub(crate) budgets: Vec<(Ident, Bound)>,
    pub(crate) exact: bool,
    pub(crate) exclusive: bool,
    /// How many rounds, and where that is said.
    pub(crate) warmup: Option<(u32, Span)>,
    /// Where it is said that nothing is to be tracked.
    pub(crate) skip: Option<Span>,
}

/// A limit, as its setter takes it.
pub(crate) enum Bound {
    /// Of bytes or of allocations.
    Number(u64),
    /// Of time.
    Nanoseconds(u64),
}

/// The harness's idea of success.
pub(crate) enum ShouldPanic {
    No,
    Yes,
    WithMessage(LitStr),
}

/// Judges the arguments. What is wrong with them is added to `errors`, one for each mistake.
pub(crate) fn options(arguments: TokenStream, errors: &mut Vec<Error>) -> Options {
    let mut options = Options::default();
    let (arguments, malformed) = attr::parse(arguments, Kind::Argument);
    errors.extend(malformed);
    let mut seen: Vec<Ident> = Vec::new();
    for argument in arguments {
        if seen.contains(&argument.name) {
            errors.push(repeated(&argument.name));
            continue;
        }
        seen.push(argument.name.clone());
        if let Err(error) = options.set(argument) {
            errors.push(error);
        }
    }
    options
}

impl Options {
    fn set(&mut self, argument: Argument) -> Result<()> {
        let Argument { name, value } = argument;
        let Some(known) = Known::find(&name) else {
            return Err(unknown(&name));
        };
        match known.takes {
            Takes::Size => {
                let bytes = bytes(&name, value)?;
                self.budgets.push((name, Bound::Number(bytes)));
            }
            Takes::Allocations => {
                let count = integer(&name, value)?;
                self.budgets.push((name, Bound::Number(count)));
                self.exact = true;
            }
            Takes::Duration => {
                let ns = nanoseconds(&name, value)?;
                self.budgets.push((name, Bound::Nanoseconds(ns)));
            }
            Takes::Rounds => self.warmup = Some((warmup(&name, value)?, name.span())),
            Takes::Labels => self.labels = labels(&name, value)?,
            Takes::Path => self.runtime = Some(runtime(&name, value)?),
            Takes::Nothing(switch) => {
                let is_on = flag(&name, value)?;
                match switch {
                    Switch::Exact => self.exact = is_on,
                    Switch::Exclusive => self.exclusive = is_on,
                    Switch::Skip => self.skip = is_on.then(|| name.span()),
                }
            }
        }
        Ok(())
    }
}

/// Judges the function, and takes what the harness was told of panics.
pub(crate) fn function(
    function: &Function,
    options: &Options,
    errors: &mut Vec<Error>,
) -> ShouldPanic {
    let signature = &function.signature;
    if let Some(token) = &signature.constness {
        errors.push(Error::new(
            token.span(),
            "a `const fn` cannot be tracked, because tracking runs code that is not const: \
             remove `const`",
        ));
    }
    if let Some(abi) = &signature.abi {
        let name = abi.name.as_ref().map_or_else(|| "C".into(), LitStr::value);
        if name != "Rust" && !name.ends_with("-unwind") {
            errors.push(Error::new(
                abi.span(),
                format!(
                    "a panic cannot leave an `extern \"{name}\"` function, so a failing test would \
                     abort the process: remove the ABI, or write `extern \"{name}-unwind\"`"
                ),
            ));
        }
    }
    if let Some(dots) = &signature.variadic {
        errors.push(Error::new(
            dots.span(),
            "a variadic function cannot be tracked: give it fixed arguments",
        ));
    }
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        errors.push(Error::new(
            receiver.self_token.span(),
            "a method cannot be tracked, only a free function: move the test out of the impl block",
        ));
    }
    let mut should_panic = ShouldPanic::No;
    for attribute in &function.attributes {
        if is_heap_tracked(attribute.path()) {
            errors.push(stands_twice(attribute));
        } else if attribute.path().is_ident("should_panic") {
            should_panic = expected_panic(&attribute.meta);
        }
    }
    if let Some((_, span)) = options.warmup {
        let cannot = if signature.asyncness.is_some() {
            Some("the body of an `async fn` runs once")
        } else if matches!(should_panic, ShouldPanic::No) {
            None
        } else {
            Some("a body that should panic does not get past its first round")
        };
        if let Some(reason) = cannot {
            errors.push(Error::new(
                span,
                format!("`warmup` does not work here, because {reason}: remove it"),
            ));
        }
    }
    should_panic
}

pub(crate) fn stands_twice(attribute: &Attribute) -> Error {
    Error::new(
        attribute.path().span(),
        "`#[heap_tracked]` is here twice: remove this one",
    )
}

/// `skip` is taken away by the module around it, and is none where it gets here.
pub(crate) fn skips_nothing(span: Span) -> Error {
    Error::new(
        span,
        "`skip` stands alone, as `#[heap_tracked(skip)]`, on a test or module that is skipped in a module with \
         `#[heap_tracked]`: remove it here",
    )
}

/// Whether an attribute is this one, however it was imported.
pub(crate) fn is_heap_tracked(path: &Path) -> bool {
    path.segments
        .last()
        .is_some_and(|segment| segment.ident == "heap_tracked")
}

/// `#[should_panic]` in its three forms. A malformed one is the compiler's to report.
fn expected_panic(meta: &Meta) -> ShouldPanic {
    let expected = match meta {
        Meta::Path(_) => None,
        Meta::NameValue(pair) => string(&pair.value),
        Meta::List(list) => list
            .parse_args::<syn::MetaNameValue>()
            .ok()
            .and_then(|pair| string(&pair.value)),
    };
    expected.map_or(ShouldPanic::Yes, ShouldPanic::WithMessage)
}

fn string(expression: &Expr) -> Option<LitStr> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.clone()),
        _ => None,
    }
}

fn bytes(name: &Ident, value: Value) -> Result<u64> {
    match literal(name, value)? {
        Lit::Str(text) => {
            size::parse(&text.value()).map_err(|error| Error::new(text.span(), error))
        }
        Lit::Int(number) => whole(name, &number, "bytes"),
        other => Err(wrong_value(name, other)),
    }
}

fn nanoseconds(name: &Ident, value: Value) -> Result<u64> {
    match literal(name, value)? {
        Lit::Str(text) => {
            duration::parse(&text.value()).map_err(|error| Error::new(text.span(), error))
        }
        other => Err(wrong_value(name, other)),
    }
}

fn integer(name: &Ident, value: Value) -> Result<u64> {
    match literal(name, value)? {
        Lit::Int(number) => whole(name, &number, "allocations"),
        other => Err(wrong_value(name, other)),
    }
}

fn whole(name: &Ident, number: &LitInt, unit: &str) -> Result<u64> {
    if number.suffix().is_empty() {
        number.base10_parse().map_err(|_| {
            Error::new(
                number.span(),
                format!(
                    "`{number}` is more than {} {unit}, the largest limit: write a smaller one",
                    u64::MAX
                ),
            )
        })
    } else {
        Err(Error::new(
            number.span(),
            format!(
                "`{name}` is a number of {unit} and takes no suffix: write {}",
                number.base10_digits()
            ),
        ))
    }
}

fn warmup(name: &Ident, value: Value) -> Result<u32> {
    match literal(name, value)? {
        Lit::Int(number) if number.suffix().is_empty() => match number.base10_parse() {
            Ok(0) => Err(Error::new(
                number.span(),
                "`warmup = 0` does nothing: remove it",
            )),
            Ok(rounds) => Ok(rounds),
            Err(_) => Err(Error::new(
                number.span(),
                format!(
                    "`{number}` is more than {} rounds, the maximum: write a smaller number",
                    u32::MAX
                ),
            )),
        },
        other => Err(wrong_value(name, other)),
    }
}

fn flag(name: &Ident, value: Value) -> Result<bool> {
    match value {
        Value::None => Ok(true),
        Value::Assigned(tokens) | Value::List(tokens) => Err(Error::new_spanned(
            or_name(tokens, name),
            format!("`{name}` takes no value: write `{name}` alone, or remove it"),
        )),
    }
}

fn labels(name: &Ident, value: Value) -> Result<Vec<(String, LitStr)>> {
    let list = match value {
        Value::List(list) if !list.is_empty() => list,
        Value::List(_) => {
            return Err(Error::new(
                name.span(),
                "`labels()` is empty: write `labels(key = \"value\")`, or remove it",
            ));
        }
        Value::None => return Err(wrong_value(name, name)),
        Value::Assigned(tokens) => return Err(wrong_value(name, tokens)),
    };
    let (pairs, mut errors) = attr::parse(list, Kind::Label);
    let mut labels: Vec<(String, LitStr)> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for Argument { name: key, value } in pairs {
        let label = key.unraw().to_string();
        if seen.contains(&label) {
            errors.push(repeated(&key));
            continue;
        }
        seen.push(label.clone());
        let text = match literal(&key, value) {
            Ok(Lit::Str(text)) if !text.value().trim().is_empty() => text,
            Ok(Lit::Str(text)) => {
                errors.push(Error::new(
                    text.span(),
                    format!("the label `{key}` is empty: give it a value, or remove it"),
                ));
                continue;
            }
            Ok(other) => {
                errors.push(no_string(&key, other));
                continue;
            }
            Err(_) => {
                errors.push(no_string(&key, &key));
                continue;
            }
        };
        labels.push((label, text));
    }
    match combined(errors) {
        Some(error) => Err(error),
        None => Ok(labels),
    }
}

fn no_string(key: &Ident, at: impl ToTokens) -> Error {
    Error::new_spanned(at, format!("a label is a string: write `{key} = \"...\"`"))
}

fn runtime(name: &Ident, value: Value) -> Result<Path> {
    let Value::Assigned(tokens) = value else {
        return Err(wrong_value(name, name));
    };
    // `crate = "path"` is how serde writes it; both mean the same.
    if let Ok(text) = syn::parse2::<LitStr>(tokens.clone()) {
        return text
            .parse_with(Path::parse_mod_style)
            .map_err(|_| wrong_value(name, text));
    }
    Path::parse_mod_style
        .parse2(tokens.clone())
        .map_err(|_| wrong_value(name, tokens))
}

/// The one literal that an argument's value must be.
fn literal(name: &Ident, value: Value) -> Result<Lit> {
    match value {
        Value::Assigned(tokens) => {
            // `-1` would parse as a literal, and no argument means anything below nothing.
            syn::parse2::<Lit>(tokens.clone())
                .ok()
                .filter(|literal| !matches!(literal, Lit::Int(number) if number.base10_digits().starts_with('-')))
                .ok_or_else(|| wrong_value(name, tokens))
        }
        Value::None => Err(wrong_value(name, name)),
        Value::List(tokens) => Err(wrong_value(name, or_name(tokens, name))),
    }
}

/// What is wrong, or where there is nothing of it, the argument's name.
fn or_name(tokens: TokenStream, name: &Ident) -> TokenStream {
    if tokens.is_empty() {
        name.to_token_stream()
    } else {
        tokens
    }
}

fn wrong_value(name: &Ident, at: impl ToTokens) -> Error {
    // A label is none of the arguments.
    let known = Known::find(name);
    let example = known.map_or("name = value", |known| known.example);
    let what = known.map_or("a value", |known| known.takes.words());
    Error::new_spanned(at, format!("`{name}` takes {what}: write `{example}`"))
}

fn repeated(name: &Ident) -> Error {
    Error::new(
        name.span(),
        format!("`{name}` is given twice: remove one of the two"),
    )
}

fn unknown(name: &Ident) -> Error {
    let text = name.to_string();
    let near = ARGUMENTS
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&text, known.name), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, known)| *distance <= known.name.len() / 3);
    let message = if let Some((_, meant)) = near {
        let Known {
            name: known,
            example,
            ..
        } = meant;
        format!("there is no argument `{name}`; did you mean `{known}`? Write `{example}`")
    } else {
        let names = ARGUMENTS.map(|known| format!("`{}`", known.name));
        let names = names.join(", ");
        format!("there is no argument `{name}`; the arguments are {names}")
    };
    Error::new(name.span(), message)
}

/// All errors as one.
pub(crate) fn combined(errors: Vec<Error>) -> Option<Error> {
    errors.into_iter().reduce(|mut all, error| {
        all.combine(error);
        all
    })
}
