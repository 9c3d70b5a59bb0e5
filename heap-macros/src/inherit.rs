//! What a test of a tracked module comes to: its own arguments, and those of the modules around it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

use crate::arguments::Known;
use crate::attr::{self, Argument, Kind, Value};

/// Arguments, each the innermost that is given.
#[derive(Clone)]
pub(crate) struct Arguments(Vec<Argument>);

impl Arguments {
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Those of the outermost module.
    pub(crate) fn of(arguments: &TokenStream) -> Self {
        Self(attr::parse(arguments.clone(), Kind::Argument).0)
    }

    /// What something inside comes to that has these of its own, and takes those over that it inherits.
    pub(crate) fn within(&self, own: Vec<Argument>, inherits: impl Fn(&Ident) -> bool) -> Self {
        let mut all = own;
        for default in &self.0 {
            match all.iter_mut().find(|own| own.name == default.name) {
                Some(own) => add_labels(own, default),
                None if inherits(&default.name) => all.push(default.clone()),
                None => {}
            }
        }
        all.retain(|argument| !is_taken_back(argument));
        Self(all)
    }

    /// As they stand in the parentheses.
    pub(crate) fn list(&self) -> TokenStream {
        let arguments = &self.0;
        quote!(#(#arguments),*)
    }
}

impl ToTokens for Arguments {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if !self.0.is_empty() {
            let list = self.list();
            tokens.extend(quote!((#list)));
        }
    }
}

/// Labels come together by their keys. Of all else that is given twice, the inner one counts.
fn add_labels(own: &mut Argument, default: &Argument) {
    if let (Value::List(own), Value::List(default)) = (&mut own.value, &default.value) {
        let labels = |list: &TokenStream| attr::parse(list.clone(), Kind::Label).0;
        let mut all = labels(own);
        for label in labels(default) {
            if all.iter().all(|own| own.name != label.name) {
                all.push(label);
            }
        }
        *own = quote!(#(#all),*);
    }
}

/// Whether an argument is there to have none: what a module gives, a test in it can refuse.
fn is_taken_back(argument: &Argument) -> bool {
    let refusal = Known::find(&argument.name).and_then(|known| known.refusal);
    matches!(&argument.value, Value::Assigned(value) if Some(&*value.to_string()) == refusal)
}
