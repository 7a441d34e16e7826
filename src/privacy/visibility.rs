//! Who may see a photo. Pure.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Who may see a photo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody.
    #[default]
    Public,
    /// The owner, by `photos show` and `photos list --private`.
    Private,
}

/// A visibility that is neither `public` nor `private`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no visibility; it is public or private")]
pub struct InvalidVisibility(String);

/// How it is decided who may see a photo. What a person set for it goes first; then whatever makes it private; then the
/// keywords that make it public; then the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VisibilityRules {
    /// Of photos that no rule speaks of.
    pub default: Visibility,
    /// Keywords, each of which makes a photo private; upper and lower case are one.
    pub private_keywords: Vec<String>,
    /// Keywords, each of which makes a photo public where the default is private.
    pub public_keywords: Vec<String>,
    /// Photos of fewer stars are private; unrated ones have none.
    pub private_below_rating: Option<i8>,
    /// Photos that were uploaded under these prefixes of source keys are private.
    pub private_sources: Vec<String>,
}

/// What of a photo the rules go by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// What a person set.
    pub set: Option<Visibility>,
    /// Keywords.
    pub keywords: &'a [String],
    /// Stars.
    pub rating: Option<i8>,
}

impl VisibilityRules {
    /// Who may see a photo that was uploaded under these source keys.
    pub fn decide<'a>(
        &self,
        facts: Facts<'_>,
        mut sources: impl Iterator<Item = &'a str>,
    ) -> Visibility {
        let Facts {
            set,
            keywords,
            rating,
        } = facts;
        let has = |listed: &[String]| {
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
        } else if has(&self.private_keywords)
            || self
                .private_below_rating
                .is_some_and(|least| rating.unwrap_or(0) < least)
            || from_private_source()
        {
            Visibility::Private
        } else if has(&self.public_keywords) {
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

    const NOTHING: Facts<'_> = Facts {
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
            Facts {
                set,
                keywords: &keywords,
                rating,
            },
            std::iter::once(source),
        )
    }

    #[test]
    fn what_a_person_set_goes_first_then_private_then_public_then_the_default() {
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
    fn with_a_private_default_a_keyword_publishes() {
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
    fn a_visibility_reads() {
        assert_eq!("private".parse(), Ok(Visibility::Private));
        assert!("Public".parse::<Visibility>().is_err());
    }
}
