//! The examples in documentation, as rustdoc finds them.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{Attribute, Expr, Lit, Meta};

/// The code of the examples in a documentation that are run.
pub(crate) struct Examples(String);

impl Examples {
    pub(crate) fn of(documentation: &str) -> Self {
        let mut code = String::new();
        // Inside of a block, whether it is run.
        let mut block = None;
        for line in documentation.lines().map(str::trim) {
            match (line.strip_prefix("```"), block) {
                (Some(words), None) => block = Some(is_run(words)),
                (Some(_), Some(_)) => block = None,
                (None, Some(true)) => {
                    code.push_str(line);
                    code.push('\n');
                }
                (None, _) => {}
            }
        }
        Self(code)
    }

    pub(crate) fn are_there(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether a method with these attributes has an example of its own, or is called or written in
    /// these, which are its type's.
    pub(crate) fn show(&self, method: &Ident, attributes: &[Attribute]) -> bool {
        let uses = [".", "::", "fn "].map(|before| format!("{before}{method}("));
        uses.iter().any(|uses| self.0.contains(uses))
            || Self::of(&documentation(attributes)).are_there()
    }
}

/// Whether rustdoc runs a block that begins with these words.
fn is_run(words: &str) -> bool {
    let mut words = words.split([',', ' ']);
    words.all(|word| matches!(word, "" | "rust" | "standalone_crate"))
}

/// What the documentation comments among the attributes say.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(doc) = &attribute.meta else {
            return None;
        };
        match &doc.value {
            Expr::Lit(value) if doc.path.is_ident("doc") => match &value.lit {
                Lit::Str(line) => Some(line.value()),
                _ => None,
            },
            _ => None,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The texts in a macro, documentation comments among them.
pub(crate) fn literals(tokens: &TokenStream) -> String {
    let mut texts = String::new();
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => texts.push_str(&literals(&group.stream())),
            TokenTree::Literal(literal) => {
                if let Lit::Str(text) = Lit::new(literal) {
                    texts.push_str(&text.value());
                    texts.push('\n');
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
    texts
}

#[test]
fn an_example_is_a_block_that_is_run() {
    let runs = |block: &str| Examples::of(&format!("Words.\n\n{block}\n\nMore.")).are_there();
    assert!(runs("```\na();\n```"));
    assert!(runs("```standalone_crate\na();\n```"));
    assert!(!runs("```text\na();\n```"));
    assert!(!runs("```ignore\na();\n```"));
    assert!(!runs("a();"));
    assert!(!runs("```\n```"));
}
