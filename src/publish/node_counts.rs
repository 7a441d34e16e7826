//! The numbers of photos of the keywords and of the places in one month. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::catalogue::item_size::stored_value_size;
use crate::catalogue::published::FacetCount;
use crate::term_index::HierarchyNode;

/// How many nodes are in the item of a month. DynamoDB accepts 400 KB, and the item also contains
/// the counts by day, camera, lens and cell, and the list of files.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeLimits {
    /// The maximum number of nodes.
    nodes: usize,
    /// The maximum size of the nodes, in bytes.
    bytes: usize,
}

/// The limits of the keywords. A page cannot offer more of them to choose from, and `facets.json`
/// contains them for each month.
pub(super) const KEYWORD_LIMITS: NodeLimits = NodeLimits {
    nodes: 1_000,
    bytes: 120_000,
};
/// The limits of the places.
pub(super) const PLACE_LIMITS: NodeLimits = NodeLimits {
    nodes: 500,
    bytes: 60_000,
};
/// The maximum number of different nodes that are counted in a month while it is built. It limits
/// the memory.
const MAX_COUNTED_NODES: usize = 20_000;

/// Counts the photos of each keyword or of each place, and of their parents. Two spellings with the
/// same slug are one node.
#[derive(Debug, Default)]
pub(super) struct NodeCounts {
    /// The counts by slug.
    counts: BTreeMap<String, FacetCount>,
}

impl NodeCounts {
    /// Counts one photo with these nodes. A photo that has a node more than once counts once.
    pub(super) fn count_photo(&mut self, nodes: impl IntoIterator<Item = HierarchyNode>) {
        let nodes = nodes.into_iter().map(|node| (node.slug, node.name));
        let of_photo: BTreeMap<String, String> = nodes.collect();
        for (slug, name) in of_photo {
            if self.counts.len() >= MAX_COUNTED_NODES && !self.counts.contains_key(&slug) {
                continue;
            }
            let facet = self.counts.entry(slug).or_default();
            facet.photos += 1;
            facet.name = name;
        }
    }

    /// Returns the counts of the most frequent nodes, by slug. If two nodes are equally frequent,
    /// the one whose slug comes first is kept.
    pub(super) fn most_frequent(self, limits: &NodeLimits) -> BTreeMap<String, FacetCount> {
        let mut counts: Vec<(String, FacetCount)> = self.counts.into_iter().collect();
        counts.sort_by(|(a, first), (b, second)| {
            (Reverse(first.photos), a).cmp(&(Reverse(second.photos), b))
        });
        counts.truncate(limits.nodes);
        let mut bytes = 0;
        let fitting = counts.into_iter().take_while(|(slug, facet)| {
            bytes += slug.len() + stored_value_size(facet);
            bytes <= limits.bytes
        });
        fitting.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term_index::keyword_nodes;

    fn count(counts: &mut NodeCounts, keywords: &[String]) {
        counts.count_photo(keywords.iter().flat_map(|keyword| keyword_nodes(keyword)));
    }

    fn keywords(keywords: &[String]) -> NodeCounts {
        let mut counts = NodeCounts::default();
        count(&mut counts, keywords);
        counts
    }

    #[test]
    fn most_frequent_keywords_are_kept() {
        let all: Vec<String> = (0..1_500).map(|n| format!("keyword {n:04}")).collect();
        let mut counts = keywords(&all);
        count(&mut counts, &all[1_499..]);
        let kept = counts.most_frequent(&KEYWORD_LIMITS);
        assert_eq!(kept.len(), KEYWORD_LIMITS.nodes);
        assert_eq!(kept["keyword-1499"].photos, 2);
        assert!(kept.contains_key("keyword-0998") && !kept.contains_key("keyword-0999"));
    }

    #[test]
    fn parents_are_counted_once_for_each_photo() {
        let all = ["Places|Japan|Kyoto", "Places|Japan|Nara", "places"];
        let counts = keywords(&all.map(str::to_owned)).most_frequent(&KEYWORD_LIMITS);
        let photos: Vec<(&str, u64)> = counts
            .iter()
            .map(|(slug, facet)| (slug.as_str(), facet.photos))
            .collect();
        let expected = [
            "places",
            "places-japan",
            "places-japan-kyoto",
            "places-japan-nara",
        ];
        assert_eq!(photos, expected.map(|slug| (slug, 1)));
        assert_eq!(counts["places-japan"].name, "Places|Japan");
        assert_eq!(counts["places"].name, "places");
    }

    #[test]
    fn long_keywords_leave_room_in_the_item() {
        let long = |n| format!("{n:04}{}", "x".repeat(252));
        let counts = keywords(&(0..1_000).map(long).collect::<Vec<_>>());
        let kept = counts.most_frequent(&KEYWORD_LIMITS);
        assert!((200..1_000).contains(&kept.len()), "{}", kept.len());
        assert!(stored_value_size(&kept) <= KEYWORD_LIMITS.bytes + 2_000);
        let too_long = "x".repeat(257);
        assert!(
            keywords(&[too_long])
                .most_frequent(&KEYWORD_LIMITS)
                .is_empty()
        );
    }

    #[test]
    fn number_of_counted_keywords_has_a_limit() {
        let all: Vec<String> = (0..30_000).map(|n| format!("k{n}")).collect();
        let counts = keywords(&all);
        assert_eq!(counts.counts.len(), MAX_COUNTED_NODES);
    }
}
