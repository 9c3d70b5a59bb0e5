//! Which tests are meant: `--filter`.

use std::str::FromStr;

use regex::Regex;

use super::run_table::full_name;
use crate::report::TestKey;

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
    /// Whether it is in the test's name; one with a blank also in that with its binary, as reports print it
    /// where there are several.
    pub(super) fn takes(&self, key: TestKey<'_>) -> bool {
        self.is_in(key.2) || (self.has_blank() && self.is_in(&full_name(key)))
    }

    fn has_blank(&self) -> bool {
        match self {
            Self::Part(part) => part.contains(' '),
            Self::Regex(regex) => regex.as_str().contains(' '),
        }
    }

    fn is_in(&self, test: &str) -> bool {
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
        let takes = |filter: &str, test| {
            let filter = filter.parse::<Filter>().unwrap();
            filter.takes(("parts", "scheduler", test))
        };
        assert!(takes("nice", "fairness::nice_5"));
        assert!(!takes("nice$", "fairness::nice_5"));
        assert!(takes("/nice_[0-9]$/", "fairness::nice_5"));
        assert!(!takes("/^nice/", "fairness::nice_5"));
        assert!(takes("/", "a/b"));
        assert!(takes("parts::scheduler nice", "nice"));
        assert!(takes("/^parts::scheduler n/", "nice"));
        assert!(!takes("parts::other nice", "nice"));
        // Without a blank it is a test's.
        assert!(!takes("scheduler", "nice"));
        assert!("/(/".parse::<Filter>().is_err());
    }
}
