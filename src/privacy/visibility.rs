//! Visibility: who may see a photo. This module does no I/O.

use std::fmt;
use std::str::FromStr;

use photo_metadata::FileLabels;
use serde::{Deserialize, Serialize};

use super::keyword::KeywordPath;

/// The reason why keywords and a rating may be missing if the file was read by a version of this
/// program that stored no labels.
pub const UNREAD_LABELS: &str = "read by an older version of this program";
/// The rating of a photo that a person rejected (XMP `xmp:Rating`).
const REJECTED: i8 = -1;

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
/// 2. a photo that may be a hidden photo under another name is held: it is private;
/// 3. any rule that makes the photo private, for any of its files;
/// 4. a keyword that makes the photo public;
/// 5. the default.
///
/// A rejected photo is always private, unless a person made it public. If keywords or ratings could
/// not be read, the photo is private if any setting makes some photos private.
///
/// ```
/// use photo_catalogue::privacy::{Visibility, VisibilityFacts, VisibilityRules};
///
/// let rules = VisibilityRules {
///     private_keywords: vec!["family".to_owned()],
///     private_sources: vec!["private/".to_owned()],
///     ..VisibilityRules::default()
/// };
/// let decide = |facts: &VisibilityFacts<'_>| rules.decide(facts).visibility();
/// let family = VisibilityFacts { keywords: vec!["People|Family"], ..VisibilityFacts::default() };
/// assert_eq!(decide(&family), Visibility::Private);
/// assert_eq!(decide(&VisibilityFacts::default()), Visibility::Public);
/// let upload = VisibilityFacts { sources: vec!["private/a.jpg"], ..VisibilityFacts::default() };
/// assert_eq!(decide(&upload), Visibility::Private);
/// // A person has the last word.
/// let set = VisibilityFacts { set: Some(Visibility::Public), ..family };
/// assert_eq!(decide(&set), Visibility::Public);
/// ```
// The Debug form is part of the fingerprints that publish stores. See `PublicView`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VisibilityRules {
    /// The visibility of a photo to which no other rule applies.
    pub default: Visibility,
    /// The keywords that make a photo private. A keyword also matches as any part of a hierarchical
    /// keyword. Case, Unicode form and surrounding blanks do not matter.
    pub private_keywords: Vec<String>,
    /// The keywords that make a photo public if the default is private. A keyword must match as a
    /// whole. Case, Unicode form and surrounding blanks do not matter.
    pub public_keywords: Vec<String>,
    /// The number of stars below which a photo is private. A photo without a rating counts as a
    /// photo with no stars. `None` means that only a rejection makes a photo private.
    pub private_below_rating: Option<i8>,
    /// The prefixes of source keys. A photo that was uploaded under one of these prefixes is
    /// private.
    pub private_sources: Vec<String>,
}

/// The properties of a photo that the rules of visibility use.
#[derive(Debug, Clone, Default)]
pub struct VisibilityFacts<'a> {
    /// The visibility that a person set for the photo, if any.
    pub set: Option<Visibility>,
    /// The stem of the hidden photo because of which this photo is held, if it is held.
    pub held_for: Option<&'a str>,
    /// The keywords of all files of the photo, and those that a person has added.
    pub keywords: Vec<&'a str>,
    /// The keywords that a person has removed from the photo. They do not make it public any more.
    /// If a file has them, they still make it private.
    pub removed_keywords: Vec<&'a str>,
    /// The lowest rating of all rated files of the photo: -1 to 5 stars.
    pub rating: Option<i8>,
    /// The reason why some keywords or ratings of the photo may be missing here. `None` if all
    /// keywords and ratings were read.
    pub gap: Option<&'a str>,
    /// The source keys from which the photo was uploaded.
    pub sources: Vec<&'a str>,
}

impl<'a> VisibilityFacts<'a> {
    /// Adds the labels of a file. If they are `None`, they were never read, and the field `gap`
    /// gets that reason.
    pub fn add_labels(&mut self, labels: Option<&'a FileLabels>) {
        match labels {
            Some(labels) => {
                self.keywords
                    .extend(labels.keywords.iter().map(String::as_str));
                self.add_rating(labels.rating);
                self.gap = self.gap.or(labels.gap.as_deref());
            }
            None => self.gap = self.gap.or(Some(UNREAD_LABELS)),
        }
    }

    /// Adds the rating of a file, if it has one. The lowest rating counts.
    pub fn add_rating(&mut self, rating: Option<i8>) {
        self.rating = self.rating.into_iter().chain(rating).min();
    }
}

/// The reason why a photo is public or private: the rule that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisibilityReason {
    /// A person set the visibility.
    SetByHand(Visibility),
    /// The photo is held, because it may be the hidden photo with this stem.
    Held(String),
    /// The photo has this keyword, which makes it private.
    PrivateKeyword(String),
    /// A person rejected the photo.
    Rejected,
    /// The photo has fewer stars than this number.
    BelowRating(i8),
    /// The photo was uploaded under this prefix.
    PrivateSource(String),
    /// Keywords or ratings may be missing, for this reason.
    Gap(String),
    /// The photo has this keyword, which makes it public.
    PublicKeyword(String),
    /// No rule applies, so the default decides.
    Default(Visibility),
}

impl VisibilityReason {
    /// Returns who may see the photo.
    pub fn visibility(&self) -> Visibility {
        match self {
            VisibilityReason::SetByHand(visibility) | VisibilityReason::Default(visibility) => {
                *visibility
            }
            VisibilityReason::PublicKeyword(_) => Visibility::Public,
            VisibilityReason::Held(_)
            | VisibilityReason::PrivateKeyword(_)
            | VisibilityReason::Rejected
            | VisibilityReason::BelowRating(_)
            | VisibilityReason::PrivateSource(_)
            | VisibilityReason::Gap(_) => Visibility::Private,
        }
    }
}

impl fmt::Display for VisibilityReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VisibilityReason::SetByHand(_) => f.write_str("set by hand"),
            VisibilityReason::Held(stem) => {
                write!(f, "held: same key or name as {stem}")
            }
            VisibilityReason::PrivateKeyword(keyword)
            | VisibilityReason::PublicKeyword(keyword) => write!(f, "keyword {keyword}"),
            VisibilityReason::Rejected => f.write_str("rejected"),
            VisibilityReason::BelowRating(stars) => write!(f, "fewer than {stars} stars"),
            VisibilityReason::PrivateSource(prefix) => write!(f, "uploaded under {prefix}"),
            VisibilityReason::Gap(gap) => write!(f, "metadata not read completely: {gap}"),
            VisibilityReason::Default(_) => f.write_str("default"),
        }
    }
}

impl VisibilityRules {
    /// Applies the rules to a photo. Returns the rule that decides who may see it.
    pub fn decide(&self, facts: &VisibilityFacts<'_>) -> VisibilityReason {
        if let Some(set) = facts.set {
            return VisibilityReason::SetByHand(set);
        }
        if let Some(stem) = facts.held_for {
            return VisibilityReason::Held(stem.to_owned());
        }
        self.find_private_reason(facts)
            .or_else(|| self.find_public_keyword(facts))
            .unwrap_or(VisibilityReason::Default(self.default))
    }

    /// Returns the first rule that makes the photo private, if any does.
    fn find_private_reason(&self, facts: &VisibilityFacts<'_>) -> Option<VisibilityReason> {
        if let Some(keyword) = self.find_private_keyword(facts) {
            return Some(VisibilityReason::PrivateKeyword(keyword));
        }
        if facts.rating.is_some_and(|rating| rating <= REJECTED) {
            return Some(VisibilityReason::Rejected);
        }
        let below = self.private_below_rating;
        if let Some(stars) = below.filter(|stars| facts.rating.unwrap_or(0) < *stars) {
            return Some(VisibilityReason::BelowRating(stars));
        }
        let has_source = |prefix: &&String| {
            let mut sources = facts.sources.iter();
            sources.any(|source| source.starts_with(prefix.as_str()))
        };
        if let Some(prefix) = self.private_sources.iter().find(has_source) {
            return Some(VisibilityReason::PrivateSource(prefix.clone()));
        }
        let gap = facts.gap.filter(|_| self.has_private_rule());
        gap.map(|gap| VisibilityReason::Gap(gap.to_owned()))
    }

    /// Returns the first keyword of the photo that makes it private.
    fn find_private_keyword(&self, facts: &VisibilityFacts<'_>) -> Option<String> {
        let private = self.private_keywords.iter();
        let private: Vec<KeywordPath> = private.map(|keyword| KeywordPath::new(keyword)).collect();
        if private.is_empty() {
            return None;
        }
        let is_private = |keyword: &&&str| {
            let path = KeywordPath::new(keyword);
            private.iter().any(|private| path.contains(private))
        };
        let found = facts.keywords.iter().find(is_private);
        found.map(|keyword| (*keyword).to_owned())
    }

    fn find_public_keyword(&self, facts: &VisibilityFacts<'_>) -> Option<VisibilityReason> {
        let public = self.public_keywords.iter();
        let public: Vec<KeywordPath> = public.map(|keyword| KeywordPath::new(keyword)).collect();
        if public.is_empty() {
            return None;
        }
        let removed = facts.removed_keywords.iter();
        let removed: Vec<KeywordPath> = removed.map(|keyword| KeywordPath::new(keyword)).collect();
        let is_public = |keyword: &&&str| {
            let path = KeywordPath::new(keyword);
            public.contains(&path) && !removed.contains(&path)
        };
        let found = facts.keywords.iter().find(is_public);
        found.map(|keyword| VisibilityReason::PublicKeyword((*keyword).to_owned()))
    }

    /// Reports whether any setting makes some photos private.
    pub fn has_private_rule(&self) -> bool {
        let VisibilityRules {
            default: _,
            private_keywords,
            public_keywords: _,
            private_below_rating,
            private_sources,
        } = self;
        !private_keywords.is_empty()
            || private_below_rating.is_some()
            || !private_sources.is_empty()
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
    use proptest::prelude::*;

    use super::*;

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
        let facts = VisibilityFacts {
            set,
            keywords: keywords.to_vec(),
            rating,
            sources: vec![source],
            ..VisibilityFacts::default()
        };
        rules.decide(&facts).visibility()
    }

    #[test]
    fn removed_keyword_does_not_make_a_photo_public_and_still_hides_it() {
        let rules = VisibilityRules {
            default: Visibility::Private,
            private_below_rating: None,
            ..rules()
        };
        let decide = |keywords: &[&'static str], removed: &[&'static str]| {
            let facts = VisibilityFacts {
                keywords: keywords.to_vec(),
                removed_keywords: removed.to_vec(),
                ..VisibilityFacts::default()
            };
            rules.decide(&facts)
        };
        let public = VisibilityReason::PublicKeyword("web".to_owned());
        assert_eq!(decide(&["web"], &[]), public);
        assert_eq!(decide(&["web"], &["other"]), public);
        let default = VisibilityReason::Default(Visibility::Private);
        assert_eq!(decide(&["web"], &[" WEB"]), default);
        let private = VisibilityReason::PrivateKeyword("family".to_owned());
        assert_eq!(decide(&["web", "family"], &["family"]), private);
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
            (None, &["People|Family|Anna"], Some(3), "a.jpg", Private),
            (None, &["People/family"], Some(3), "a.jpg", Private),
            (None, &[" Fami\u{200b}ly\t"], Some(3), "a.jpg", Private),
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
    fn rejected_photo_is_private_without_any_rule() {
        let none = VisibilityRules::default();
        let facts = |rating| VisibilityFacts {
            rating,
            ..VisibilityFacts::default()
        };
        assert_eq!(none.decide(&facts(Some(-1))), VisibilityReason::Rejected);
        let default = VisibilityReason::Default(Visibility::Public);
        assert_eq!(none.decide(&facts(Some(0))), default);
        assert_eq!(none.decide(&facts(None)), default);
    }

    #[test]
    fn gap_hides_a_photo_if_any_private_rule_exists() {
        let none = VisibilityRules::default();
        let by_keyword = VisibilityRules {
            private_keywords: vec!["family".to_owned()],
            ..VisibilityRules::default()
        };
        let by_rating = VisibilityRules {
            private_below_rating: Some(1),
            ..VisibilityRules::default()
        };
        let by_source = VisibilityRules {
            private_sources: vec!["private/".to_owned()],
            ..VisibilityRules::default()
        };
        let facts = VisibilityFacts {
            gap: Some("JPEG cut short"),
            rating: Some(5),
            ..VisibilityFacts::default()
        };
        assert_eq!(none.decide(&facts).visibility(), Visibility::Public);
        for rules in [by_keyword, by_rating, by_source] {
            let reason = rules.decide(&facts);
            assert_eq!(reason, VisibilityReason::Gap("JPEG cut short".to_owned()));
            assert_eq!(
                reason.to_string(),
                "metadata not read completely: JPEG cut short"
            );
            let whole = VisibilityFacts {
                gap: None,
                ..facts.clone()
            };
            assert_eq!(rules.decide(&whole).visibility(), Visibility::Public);
            let by_hand = VisibilityFacts {
                set: Some(Visibility::Public),
                ..facts.clone()
            };
            assert_eq!(rules.decide(&by_hand).visibility(), Visibility::Public);
        }
    }

    #[test]
    fn labels_that_were_never_read_are_a_gap() {
        let labels = FileLabels::default();
        let mut facts = VisibilityFacts::default();
        facts.add_labels(Some(&labels));
        assert_eq!(facts.gap, None);
        facts.add_labels(None);
        assert_eq!(facts.gap, Some(UNREAD_LABELS));
    }

    #[test]
    fn keyword_publishes_if_the_default_is_private() {
        let rules = VisibilityRules {
            default: Visibility::Private,
            private_below_rating: None,
            ..rules()
        };
        let keyword = |keyword| decide(&rules, None, &[keyword], None, "a.jpg");
        assert_eq!(keyword("Web"), Visibility::Public);
        assert_eq!(keyword("other"), Visibility::Private);
        // A part of a hierarchical keyword hides a photo, but does not publish one.
        assert_eq!(keyword("Work|web"), Visibility::Private);
    }

    #[test]
    fn visibility_is_parsed() {
        assert_eq!("private".parse(), Ok(Visibility::Private));
        assert!("Public".parse::<Visibility>().is_err());
    }

    /// Generates the labels of a file. Private and public keywords are frequent.
    fn labels() -> impl Strategy<Value = FileLabels> {
        let keyword = prop_oneof![
            Just("Family".to_owned()),
            Just("People|FAMILY|Anna".to_owned()),
            Just("web".to_owned()),
            "[a-z|/ ]{0,12}",
        ];
        let keywords = proptest::collection::vec(keyword, 0..5);
        let gap = proptest::option::weighted(0.2, Just("cut short".to_owned()));
        (keywords, proptest::option::of(-1..=5_i8), gap).prop_map(|(keywords, rating, gap)| {
            FileLabels {
                keywords,
                rating,
                gap,
            }
        })
    }

    fn any_rules() -> impl Strategy<Value = VisibilityRules> {
        (
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            proptest::option::of(0..=5_i8),
        )
            .prop_map(
                |(is_private, has_keyword, has_public_keyword, private_below_rating)| {
                    let listed = |is_listed: bool, keyword: &str| {
                        is_listed.then(|| keyword.to_owned()).into_iter().collect()
                    };
                    VisibilityRules {
                        default: if is_private {
                            Visibility::Private
                        } else {
                            Visibility::Public
                        },
                        private_keywords: listed(has_keyword, "family"),
                        public_keywords: listed(has_public_keyword, "web"),
                        private_below_rating,
                        private_sources: Vec::new(),
                    }
                },
            )
    }

    fn reason(rules: &VisibilityRules, files: &[FileLabels]) -> VisibilityReason {
        let mut facts = VisibilityFacts::default();
        for labels in files {
            facts.add_labels(Some(labels));
        }
        rules.decide(&facts)
    }

    proptest! {
        #[test]
        fn adding_a_file_or_a_keyword_never_publishes_a_photo(
            rules in any_rules(),
            files in proptest::collection::vec(labels(), 1..4),
            added in labels(),
            keyword in "[a-zA-Z|/ ]{0,12}",
        ) {
            let before = reason(&rules, &files);
            prop_assume!(before.visibility() == Visibility::Private);
            // Two additions are a person's wish to publish: a keyword that publishes, and the first
            // rating of a photo that was private because it had none.
            let unrated = files.iter().all(|labels| labels.rating.is_none());
            let lifts_rating = matches!(before, VisibilityReason::BelowRating(_)) && unrated
                && added.rating.is_some();
            let is_public_keyword =
                |keyword: &str| KeywordPath::new(keyword) == KeywordPath::new("web");
            let lifts_default = before == VisibilityReason::Default(Visibility::Private)
                && added.keywords.iter().any(|keyword| is_public_keyword(keyword));
            let mut with_file = files.clone();
            with_file.push(added);
            if !lifts_rating && !lifts_default {
                prop_assert_eq!(reason(&rules, &with_file).visibility(), Visibility::Private);
            }
            // The order of the files does not matter.
            with_file.reverse();
            let reversed = reason(&rules, &with_file).visibility();
            with_file.reverse();
            prop_assert_eq!(reversed, reason(&rules, &with_file).visibility());

            let mut with_keyword = files;
            with_keyword[0].keywords.push(keyword.clone());
            if before != VisibilityReason::Default(Visibility::Private) || !is_public_keyword(&keyword) {
                prop_assert_eq!(reason(&rules, &with_keyword).visibility(), Visibility::Private);
            }
        }

        #[test]
        fn private_keyword_is_found_in_every_form_and_place(
            others in proptest::collection::vec("[b-z]{1,8}", 0..400),
            at in any::<prop::sample::Index>(),
            form in prop::sample::select(vec![
                "Privé", "prive\u{301}", "PRIVÉ", " privé ", "Family|Privé", "Family/PRIVÉ/2018",
                "Privé|Anna", "a, privé; b", "Ｐｒｉｖé",
            ]),
        ) {
            let rules = VisibilityRules {
                private_keywords: vec!["privé".to_owned()],
                ..VisibilityRules::default()
            };
            let mut keywords = others;
            let labels = |keywords: &[String]| FileLabels {
                keywords: keywords.to_vec(),
                ..FileLabels::default()
            };
            prop_assert_eq!(reason(&rules, &[labels(&keywords)]).visibility(), Visibility::Public);
            keywords.insert(at.index(keywords.len() + 1), form.to_owned());
            let found = reason(&rules, &[labels(&keywords)]);
            prop_assert_eq!(found, VisibilityReason::PrivateKeyword(form.to_owned()));
        }
    }
}
