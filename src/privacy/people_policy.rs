//! The people policy: whether names of people are published. This module does no I/O.

use std::str::FromStr;

/// The people policy: whether the names of the people in photos are published.
///
/// Programs that recognise faces write the names of all people in a photo, also of children. The
/// owner did not choose these names for publication. So the default is to hide them.
// The Debug form is part of the fingerprints that publish stores. See `PublicView`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PeoplePolicy {
    /// No name is published. This is the default, so that a forgotten setting cannot reveal one.
    #[default]
    Hide,
    /// All names are published.
    Show,
}

/// The error of a text that is neither `hide` nor `show`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a people policy: use hide or show")]
pub struct InvalidPeoplePolicy(String);

impl FromStr for PeoplePolicy {
    type Err = InvalidPeoplePolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "hide" => Ok(PeoplePolicy::Hide),
            "show" => Ok(PeoplePolicy::Show),
            _ => Err(InvalidPeoplePolicy(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_policy_is_parsed() {
        assert_eq!("hide".parse(), Ok(PeoplePolicy::Hide));
        assert_eq!("show".parse(), Ok(PeoplePolicy::Show));
        for text in ["", "Show", "exact", "true"] {
            assert!(text.parse::<PeoplePolicy>().is_err(), "{text}");
        }
        assert_eq!(PeoplePolicy::default(), PeoplePolicy::Hide);
    }
}
