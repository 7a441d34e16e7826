//! Visibility: who may see a photo. This module does no I/O.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The visibility of a photo: who may see it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everyone may see the photo.
    #[default]
    Public,
    /// Only the owner may see the photo, with `photos show` and `photos list --private`.
    Private,
}

/// The error of a text that is neither `public` nor `private`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a visibility: use public or private")]
pub struct InvalidVisibility(String);

/// The rules that decide who may see a photo.
///
/// These rules apply in this order, and the first one that fits decides:
/// 1. the visibility that a person set for the photo;
/// 2. any rule that makes the photo private;
/// 3. a keyword that makes the photo public;
/// 4. the default.
///
/// ```
/// use photo_catalogue::privacy::{Visibility, VisibilityFacts, VisibilityRules};
///
/// let rules = VisibilityRules {
///     private_keywords: vec!["family".to_owned()],
///     private_sources: vec!["private/".to_owned()],
///     ..VisibilityRules::default()
/// };
/// let keywords = ["Family".to_owned()];
/// let family = VisibilityFacts { keywords: &keywords, ..VisibilityFacts::default() };
/// assert_eq!(rules.decide(family, ["a.jpg"].into_iter()), Visibility::Private);
/// let other = VisibilityFacts::default();
/// assert_eq!(rules.decide(other, ["a.jpg"].into_iter()), Visibility::Public);
/// assert_eq!(rules.decide(other, ["private/a.jpg"].into_iter()), Visibility::Private);
/// // A person has the last word.
/// let set = VisibilityFacts { set: Some(Visibility::Public), ..family };
/// assert_eq!(rules.decide(set, ["private/a.jpg"].into_iter()), Visibility::Public);
/// ```
// The Debug form is part of the fingerprints that publish stores. See `PublicView`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VisibilityRules {
    /// The visibility of a photo to which no other rule applies.
    pub default: Visibility,
    /// The keywords that make a photo private. Upper and lower case are the same.
    pub private_keywords: Vec<String>,
    /// The keywords that make a photo public if the default is private. Upper and lower case are
    /// the same.
    pub public_keywords: Vec<String>,
    /// The number of stars below which a photo is private. A photo without a rating counts as a
    /// photo with no stars. `None` means that the rating does not matter.
    pub private_below_rating: Option<i8>,
    /// The prefixes of source keys. A photo that was uploaded under one of these prefixes is
    /// private.
    pub private_sources: Vec<String>,
}

/// The properties of a photo that the rules of visibility use.
#[derive(Debug, Clone, Copy, Default)]
pub struct VisibilityFacts<'a> {
    /// The visibility that a person set for the photo, if any.
    pub set: Option<Visibility>,
    /// The keywords of the photo.
    pub keywords: &'a [String],
    /// The rating of the photo: -1 to 5 stars.
    pub rating: Option<i8>,
}

impl VisibilityRules {
    /// Applies the rules to a photo, and returns who may see it. `sources` are the source keys from
    /// which the photo was uploaded.
    pub fn decide<'a>(
        &self,
        facts: VisibilityFacts<'_>,
        mut sources: impl Iterator<Item = &'a str>,
    ) -> Visibility {
        let VisibilityFacts {
            set,
            keywords,
            rating,
        } = facts;
        let has_any = |listed: &[String]| {
            listed.iter().any(|listed| {
                keywords
                    .iter()
                    .any(|keyword| listed.to_lowercase() == keyword.to_lowercase())
            })
        };
        let mut from_private_source = || {
            let private = |source: &str| {
                self.private_sources
                    .iter()
                    .any(|prefix| source.starts_with(prefix))
            };
            sources.any(private)
        };
        if let Some(set) = set {
            set
        } else if has_any(&self.private_keywords)
            || self
                .private_below_rating
                .is_some_and(|least| rating.unwrap_or(0) < least)
            || from_private_source()
        {
            Visibility::Private
        } else if has_any(&self.public_keywords) {
            Visibility::Public
        } else {
            self.default
        }
    }
}

impl FromStr for Visibility {
    type Err = InvalidVisibility;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "public" => Ok(Visibility::Public),
            "private" => Ok(Visibility::Private),
            _ => Err(InvalidVisibility(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: VisibilityFacts<'_> = VisibilityFacts {
        set: None,
        keywords: &[],
        rating: None,
    };

    fn rules() -> VisibilityRules {
        VisibilityRules {
            private_keywords: vec!["Family".to_owned()],
            public_keywords: vec!["web".to_owned()],
            private_below_rating: Some(1),
            private_sources: vec!["inbox/private/".to_owned()],
            ..VisibilityRules::default()
        }
    }

    fn decide(
        rules: &VisibilityRules,
        set: Option<Visibility>,
        keywords: &[&str],
        rating: Option<i8>,
        source: &str,
    ) -> Visibility {
        let keywords: Vec<String> = keywords
            .iter()
            .map(|keyword| (*keyword).to_owned())
            .collect();
        rules.decide(
            VisibilityFacts {
                set,
                keywords: &keywords,
                rating,
            },
            std::iter::once(source),
        )
    }

    #[test]
    fn rules_apply_in_order_person_private_public_default() {
        use Visibility::{Private, Public};
        let rules = rules();
        let table = [
            (None, &[][..], Some(3), "a.jpg", Public),
            (None, &["FAMILY"], Some(3), "a.jpg", Private),
            (None, &["family", "web"], Some(3), "a.jpg", Private),
            (None, &["familyless"], Some(3), "a.jpg", Public),
            (None, &[], None, "a.jpg", Private),
            (None, &[], Some(-1), "a.jpg", Private),
            (None, &[], Some(1), "inbox/private/a.jpg", Private),
            (None, &[], Some(1), "private/a.jpg", Public),
            (
                Some(Public),
                &["family"],
                Some(-1),
                "inbox/private/a.jpg",
                Public,
            ),
            (Some(Private), &["web"], Some(5), "a.jpg", Private),
        ];
        for (set, keywords, rating, source, expected) in table {
            assert_eq!(
                decide(&rules, set, keywords, rating, source),
                expected,
                "{keywords:?} {rating:?} {source}"
            );
        }
    }

    #[test]
    fn keyword_publishes_if_the_default_is_private() {
        let rules = VisibilityRules {
            default: Visibility::Private,
            private_below_rating: None,
            ..rules()
        };
        assert_eq!(
            decide(&rules, None, &["Web"], None, "a.jpg"),
            Visibility::Public
        );
        assert_eq!(
            decide(&rules, None, &["other"], None, "a.jpg"),
            Visibility::Private
        );
        assert_eq!(
            VisibilityRules::default().decide(NOTHING, std::iter::empty()),
            Visibility::Public
        );
    }

    #[test]
    fn visibility_is_parsed() {
        assert_eq!("private".parse(), Ok(Visibility::Private));
        assert!("Public".parse::<Visibility>().is_err());
    }
}
