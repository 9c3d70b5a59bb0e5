//! Which tests are meant: `--filter`.

use std::str::FromStr;

use regex::Regex;

/// Part of a test's name, or `/a regular expression/`.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    Part(String),
    Regex(Regex),
}

impl FromStr for Filter {
    type Err = regex::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'))
        {
            Some(pattern) => Regex::new(pattern).map(Self::Regex),
            None => Ok(Self::Part(text.to_owned())),
        }
    }
}

impl Filter {
    pub(super) fn takes(&self, test: &str) -> bool {
        match self {
            Self::Part(part) => test.contains(part.as_str()),
            Self::Regex(regex) => regex.is_match(test),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_make_a_regular_expression() {
        let takes = |filter: &str, test| filter.parse::<Filter>().unwrap().takes(test);
        assert!(takes("nice", "fairness::nice_5"));
        assert!(!takes("nice$", "fairness::nice_5"));
        assert!(takes("/nice_[0-9]$/", "fairness::nice_5"));
        assert!(!takes("/^nice/", "fairness::nice_5"));
        assert!(takes("/", "a/b"));
        assert!("/(/".parse::<Filter>().is_err());
    }
}
