//! The number of photos of each keyword in one month. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use photo_metadata::make_slug;

use crate::catalogue::item_size::stored_value_size;
use crate::catalogue::published::FacetCount;

/// The maximum number of keywords in the counts of a month. A page cannot offer more of them to
/// choose from, and `facets.json` contains them for each month.
const MAX_MONTH_KEYWORDS: usize = 1_000;
/// The maximum size in bytes of the keywords in the item of a month. DynamoDB accepts 400 KB, and
/// the item also contains the counts by day, camera, lens and cell, and the list of files.
const MAX_MONTH_KEYWORD_BYTES: usize = 120_000;
/// The maximum number of different keywords that are counted in a month while it is built. It limits
/// the memory.
const MAX_COUNTED_KEYWORDS: usize = 20_000;
/// The maximum length in bytes of a keyword that is counted. A longer one is a sentence, not a
/// keyword to choose from.
const MAX_KEYWORD_BYTES: usize = 256;

/// Counts the photos of each keyword. Two keywords with the same slug are one keyword.
#[derive(Debug, Default)]
pub(super) struct KeywordCounts {
    /// The counts by slug.
    counts: BTreeMap<String, FacetCount>,
}

impl KeywordCounts {
    /// Counts one photo with these keywords. A photo with two spellings of one keyword counts once.
    /// Leaves out a keyword without letters and digits, and one that is too long.
    pub(super) fn count_photo(&mut self, keywords: &[String]) {
        let mut of_photo = BTreeMap::new();
        for keyword in keywords {
            let slug = make_slug(keyword);
            if !slug.is_empty() && keyword.len() <= MAX_KEYWORD_BYTES {
                of_photo.entry(slug).or_insert(keyword);
            }
        }
        for (slug, keyword) in of_photo {
            if self.counts.len() >= MAX_COUNTED_KEYWORDS && !self.counts.contains_key(&slug) {
                continue;
            }
            let facet = self.counts.entry(slug).or_default();
            facet.photos += 1;
            keyword.clone_into(&mut facet.name);
        }
    }

    /// Returns the counts of the most frequent keywords, by slug. If two keywords are equally
    /// frequent, the one whose slug comes first is kept.
    pub(super) fn most_frequent(self) -> BTreeMap<String, FacetCount> {
        let mut counts: Vec<(String, FacetCount)> = self.counts.into_iter().collect();
        counts.sort_by(|(a, first), (b, second)| {
            (Reverse(first.photos), a).cmp(&(Reverse(second.photos), b))
        });
        counts.truncate(MAX_MONTH_KEYWORDS);
        let mut bytes = 0;
        let fitting = counts.into_iter().take_while(|(slug, facet)| {
            bytes += slug.len() + stored_value_size(facet);
            bytes <= MAX_MONTH_KEYWORD_BYTES
        });
        fitting.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keywords(keywords: &[String]) -> KeywordCounts {
        let mut counts = KeywordCounts::default();
        counts.count_photo(keywords);
        counts
    }

    #[test]
    fn most_frequent_keywords_are_kept() {
        let all: Vec<String> = (0..1_500).map(|n| format!("keyword {n:04}")).collect();
        let mut counts = keywords(&all);
        counts.count_photo(&all[1_499..]);
        let kept = counts.most_frequent();
        assert_eq!(kept.len(), MAX_MONTH_KEYWORDS);
        assert_eq!(kept["keyword-1499"].photos, 2);
        assert!(kept.contains_key("keyword-0998") && !kept.contains_key("keyword-0999"));
    }

    #[test]
    fn long_keywords_leave_room_in_the_item() {
        let long = |n| format!("{n:04}{}", "x".repeat(MAX_KEYWORD_BYTES - 4));
        let kept = keywords(&(0..1_000).map(long).collect::<Vec<_>>()).most_frequent();
        assert!((200..1_000).contains(&kept.len()), "{}", kept.len());
        assert!(stored_value_size(&kept) <= MAX_MONTH_KEYWORD_BYTES + 2_000);
        let too_long = "x".repeat(MAX_KEYWORD_BYTES + 1);
        assert!(keywords(&[too_long]).most_frequent().is_empty());
    }

    #[test]
    fn number_of_counted_keywords_has_a_limit() {
        let all: Vec<String> = (0..30_000).map(|n| format!("k{n}")).collect();
        let counts = keywords(&all);
        assert_eq!(counts.counts.len(), MAX_COUNTED_KEYWORDS);
    }
}
