//! The times at which a photo became public and last changed. This module does no I/O.
//!
//! The time of a write is the time of a change. A photo that waits for its pictures becomes public
//! without a write when the wait ends. So its times are written before, as the end of the wait, and
//! replaced if the pictures come earlier.

use chrono::{DateTime, SubsecRound, Utc};

use crate::catalogue::item::{FIRST_VERSION_WITH_TIMES, PhotoItem};
use crate::privacy::Privacy;
use crate::summary::Summary;
use crate::view::PublicView;

/// What the public has seen of a photo until now.
pub(super) struct PublicPast {
    /// The instant at which the photo first became public, if it ever was.
    added_at: Option<DateTime<Utc>>,
    /// The summary that lists show. `None` if they do not show the photo.
    listed: Option<Summary>,
}

impl PublicPast {
    /// Returns what the public has seen of the photo until the time `now`. The caller must not have
    /// derived the item again yet.
    pub(super) fn of_item(item: &PhotoItem, now: DateTime<Utc>) -> Self {
        PublicPast {
            added_at: item.first_public_at(now),
            listed: item.summary.clone().filter(|_| item.is_listed(now)),
        }
    }

    /// Reserves room for the times in an item that is trimmed after that. So the same photo is
    /// always trimmed in the same way, whether it has times yet or not. If the item has no summary,
    /// the photo has no file, and its time stays.
    pub(super) fn reserve_times(&self, item: &mut PhotoItem, now: DateTime<Utc>) {
        let now = Some(now.trunc_subsecs(0));
        match &mut item.summary {
            Some(summary) => {
                (item.added_at, summary.added_at, summary.changed_at) = (now, now, now);
            }
            None => item.added_at = self.added_at,
        }
    }

    /// Sets the times of a photo with a new summary, which is complete except for its version. The
    /// photo is public if `is_public` is `true`.
    ///
    /// A change of what lists show changes `changed_at`, under the present rules. A change of the
    /// rules alone does not.
    pub(super) fn set_times(
        &self,
        item: &mut PhotoItem,
        summary: &mut Summary,
        is_public: bool,
        privacy: &Privacy,
        now: DateTime<Utc>,
    ) {
        let until = summary.awaited_until.filter(|until| now < *until);
        let start = until.unwrap_or(now).trunc_subsecs(0);
        (item.added_at, summary.changed_at) = match is_public {
            false => (self.added_at, None),
            true => {
                let unchanged = self.listed.as_ref().filter(|listed| {
                    let view = PublicView::new(privacy.clone(), Some(String::new()));
                    view.shows_same(listed, summary)
                });
                let changed_at = unchanged.and_then(|listed| listed.changed_at);
                let added_at = self.added_at.unwrap_or(start);
                (Some(added_at), changed_at.or(Some(start)))
            }
        };
        summary.added_at = item.added_at;
    }
}

/// Sets the times of a public photo that an older version of this program wrote: from the time of
/// its oldest photo file to that of its newest file. Has no effect on other photos. A repeat has no
/// effect.
///
/// The caller must do this before it changes the parts of the item.
pub(super) fn set_times_of_older_item(item: &mut PhotoItem, now: DateTime<Utc>) {
    let is_older = item.schema_version < FIRST_VERSION_WITH_TIMES;
    if !is_older || item.added_at.is_some() || !item.is_listed(now) {
        return;
    }
    let time = |text: &str| {
        let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        Some(time.min(now).trunc_subsecs(0))
    };
    let photos = item.live_photo_parts();
    let oldest = photos.filter_map(|(_, part)| time(&part.last_modified));
    let oldest = oldest.min();
    let files = item.parts.values().filter(|part| part.is_live());
    let newest = files.filter_map(|part| time(&part.last_modified)).max();
    let now = now.trunc_subsecs(0);
    item.added_at = oldest.or(Some(now));
    if let Some(summary) = &mut item.summary {
        summary.changed_at = newest.or(Some(now));
    }
}

#[cfg(test)]
mod tests;
