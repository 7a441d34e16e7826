//! Counts the photos that are hidden because an older version of this program did not read all of
//! their keywords and ratings.

use futures::TryStreamExt;

use crate::catalogue::query::{PhotoIndex, Segment};
use crate::catalogue::{Catalogue, CatalogueError};
use crate::privacy::{UNREAD_LABELS, VisibilityReason, VisibilityRules};

/// The number of photos that one query of the index returns.
const PAGE: u32 = 200;
/// The maximum number of queries of one count. With more photos, the count is a lower bound.
const MAX_PAGES: usize = 500;

/// A number of hidden photos.
enum HiddenCount {
    Exact(usize),
    /// Not all photos were read.
    AtLeast(usize),
}

/// Returns a message with the number of photos that are hidden until `photos reindex` has read
/// their files again. Returns `None` if no such photo was found. Sends no request if no rule could
/// hide a photo. Otherwise reads at most 100,000 summaries, the public partitions first and the
/// oldest photos of each first. If there are more, the message contains the lowest possible number.
///
/// # Errors
/// Fails if the table cannot be read.
pub(super) async fn describe_unread_labels(
    catalogue: &Catalogue,
    rules: &VisibilityRules,
) -> Result<Option<String>, CatalogueError> {
    if !rules.has_private_rule() {
        return Ok(None);
    }
    let unread = VisibilityReason::Gap(UNREAD_LABELS.to_owned());
    let (mut count, mut pages_left) = (0_usize, MAX_PAGES);
    // After an update, the oldest photos are the ones that were not read again.
    for partition in catalogue.date_partitions().await? {
        let segment = Segment {
            index: PhotoIndex::ByDate,
            partition: partition.to_string(),
            from: None,
            to: None,
            descending: false,
        };
        let mut pages = std::pin::pin!(catalogue.query_pages(segment, PAGE, None));
        while pages_left > 0
            && let Some(page) = pages.try_next().await?
        {
            pages_left -= 1;
            let summaries = page.entries.iter().map(|entry| &entry.summary);
            let hidden = summaries.filter(|summary| summary.decide_visibility(rules) == unread);
            count += hidden.count();
        }
    }
    let counted = match pages_left {
        0 => HiddenCount::AtLeast(count),
        _ => HiddenCount::Exact(count),
    };
    Ok((count > 0).then(|| unread_labels_text(counted)))
}

fn unread_labels_text(count: HiddenCount) -> String {
    let count = match count {
        HiddenCount::Exact(count) => count.to_string(),
        HiddenCount::AtLeast(count) => format!("at least {count}"),
    };
    format!(
        "Photos that are hidden until `photos reindex` reads their files again: {count}. An older \
         version of this program did not store all of their keywords and ratings, so a rule may \
         apply to them."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_has_the_number_the_reason_and_the_command() {
        let text = unread_labels_text(HiddenCount::Exact(12));
        assert!(text.contains("again: 12. An older version"), "{text}");
        assert!(text.contains("`photos reindex`"), "{text}");
        assert!(unread_labels_text(HiddenCount::AtLeast(12)).contains("at least 12"));
    }
}
