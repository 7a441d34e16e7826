//! The photos of a list of stems, such as that of an album, in the order of the list.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::batch::MAX_BATCH_KEYS;
use super::date_partition::{DatePartition, deserialize_stored};
use super::item::{SCHEMA_VERSION_ATTRIBUTE, photo_pk};
use super::query::PhotoEntry;
use super::{Catalogue, CatalogueError};
use crate::photo_id::PhotoId;
use crate::privacy::Visibility;
use crate::summary::Summary;

/// The maximum number of steps from a stem in the list to the present stem of its photo. Each move
/// of a photo is one step.
const MAX_KIN_STEPS: usize = 8;
/// The maximum number of stems that are read for one stem in the list.
const MAX_KIN: usize = 100;

/// A photo of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct AlbumPhoto {
    /// The stem in the list. The photo has another one if it was moved since then.
    pub listed_stem: String,
    /// The photo.
    pub entry: PhotoEntry,
    /// Who may see the photo, as its item records it.
    pub visibility: Visibility,
}

/// The attributes of a photo item that are read for a list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AlbumPhotoItem {
    stem: String,
    kin: BTreeSet<String>,
    #[serde(deserialize_with = "deserialize_stored")]
    date_partition: Option<DatePartition>,
    date_sort: Option<String>,
    summary: Option<Summary>,
}

/// The attributes of [`AlbumPhotoItem`].
const LISTED_ATTRIBUTES: [&str; 6] = [
    "stem",
    "kin",
    "datePartition",
    "dateSort",
    "summary",
    SCHEMA_VERSION_ATTRIBUTE,
];

impl AlbumPhotoItem {
    /// Returns the photo, or `None` if no photo file of the item is in the archive.
    fn into_album_photo(self, listed_stem: &str) -> Option<AlbumPhoto> {
        let partition = self.date_partition?;
        Some(AlbumPhoto {
            listed_stem: listed_stem.to_owned(),
            entry: PhotoEntry {
                sort: self.date_sort?,
                summary: self.summary?,
            },
            visibility: partition.visibility,
        })
    }

    fn has_photo(&self) -> bool {
        self.summary.is_some() && self.date_partition.is_some() && self.date_sort.is_some()
    }
}

impl Catalogue {
    /// Reads the photos of a list of stems, also the private ones, in the order of the list. The
    /// reads are strongly consistent. If the photo of a stem was moved or merged, returns the photo
    /// at its present stem. Leaves out a stem without a photo, and a photo that comes earlier in
    /// the list.
    ///
    /// Sends one request for each 100 stems, and more if DynamoDB leaves some keys unprocessed, or
    /// if photos were moved: one for each 100 moved photos and each move.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
    pub async fn listed_photos(&self, stems: &[String]) -> Result<Vec<AlbumPhoto>, CatalogueError> {
        let (searches, items) = self.search_present_stems(stems).await?;
        let mut shown = BTreeSet::new();
        let photos = searches.into_iter().filter_map(|search| {
            let present = search.present?;
            let is_first = shown.insert(present.clone());
            let item = items.get(&present).filter(|_| is_first)?;
            item.clone().into_album_photo(&search.listed)
        });
        Ok(photos.collect())
    }

    /// Returns the present stem of the photo of each of these stems, in their order: the stem
    /// itself, or that of its kin if the photo was moved or merged. Returns `None` for a stem
    /// without a photo. Sends the same requests as [`Catalogue::listed_photos`].
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
    pub async fn present_stems(
        &self,
        stems: &[String],
    ) -> Result<Vec<Option<String>>, CatalogueError> {
        let (searches, _) = self.search_present_stems(stems).await?;
        Ok(searches.into_iter().map(|search| search.present).collect())
    }

    /// Searches the present stems of these photos. Returns the searches and the items that they
    /// read.
    async fn search_present_stems(
        &self,
        stems: &[String],
    ) -> Result<(Vec<KinSearch>, BTreeMap<String, AlbumPhotoItem>), CatalogueError> {
        let mut searches: Vec<KinSearch> = stems.iter().map(|stem| KinSearch::new(stem)).collect();
        let mut items: BTreeMap<String, AlbumPhotoItem> = BTreeMap::new();
        for _ in 0..=MAX_KIN_STEPS {
            let wanted: BTreeSet<&str> = searches
                .iter()
                .flat_map(|search| search.next.iter())
                .map(String::as_str)
                .filter(|stem| !items.contains_key(*stem))
                .collect();
            let read = self.read_listed_items(wanted).await?;
            items.extend(read);
            for search in &mut searches {
                search.advance(&items);
            }
            if searches.iter().all(|search| search.next.is_empty()) {
                break;
            }
        }
        Ok((searches, items))
    }

    /// Reads the items of these stems. A stem without an item gets an empty one.
    async fn read_listed_items(
        &self,
        stems: BTreeSet<&str>,
    ) -> Result<Vec<(String, AlbumPhotoItem)>, CatalogueError> {
        let mut found: BTreeMap<String, AlbumPhotoItem> = stems
            .iter()
            .map(|stem| ((*stem).to_owned(), AlbumPhotoItem::default()))
            .collect();
        let pks: Vec<String> = stems
            .iter()
            .map(|stem| photo_pk(&PhotoId::from_stem(stem)))
            .collect();
        for pks in pks.chunks(MAX_BATCH_KEYS) {
            let items: Vec<AlbumPhotoItem> =
                self.get_items(pks.to_vec(), &LISTED_ATTRIBUTES).await?;
            found.extend(items.into_iter().map(|item| (item.stem.clone(), item)));
        }
        Ok(found.into_iter().collect())
    }
}

/// The search for the present stem of a photo, step by step along its kin. The nearest kin that has
/// a photo counts, and the first of them in alphabetical order.
struct KinSearch {
    listed: String,
    visited: BTreeSet<String>,
    /// The stems to look at in the next step. Empty at the end of the search.
    next: BTreeSet<String>,
    present: Option<String>,
}

impl KinSearch {
    fn new(stem: &str) -> Self {
        KinSearch {
            listed: stem.to_owned(),
            visited: BTreeSet::new(),
            next: BTreeSet::from([stem.to_owned()]),
            present: None,
        }
    }

    /// Looks at the stems of the next step. `items` has their items.
    fn advance(&mut self, items: &BTreeMap<String, AlbumPhotoItem>) {
        let stems = std::mem::take(&mut self.next);
        let read = stems.iter().filter_map(|stem| items.get(stem));
        let is_photo = |stem: &&String| items.get(*stem).is_some_and(AlbumPhotoItem::has_photo);
        if let Some(present) = stems.iter().find(is_photo) {
            self.present = Some(present.clone());
            return;
        }
        let kin: BTreeSet<String> = read.flat_map(|item| item.kin.iter().cloned()).collect();
        self.visited.extend(stems);
        let room = MAX_KIN.saturating_sub(self.visited.len());
        let unread = kin.into_iter().filter(|stem| !self.visited.contains(stem));
        self.next = unread.take(room).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(stem: &str, kin: &[&str], has_photo: bool) -> (String, AlbumPhotoItem) {
        let item = AlbumPhotoItem {
            stem: stem.to_owned(),
            kin: kin.iter().map(|stem| (*stem).to_owned()).collect(),
            date_partition: has_photo.then(|| "2018".parse().expect("a partition")),
            date_sort: has_photo.then(|| stem.to_owned()),
            summary: has_photo.then(Summary::default),
        };
        (stem.to_owned(), item)
    }

    /// Returns the present stem of the photo that was at `stem`.
    fn present_stem(stem: &str, items: &BTreeMap<String, AlbumPhotoItem>) -> Option<String> {
        let mut search = KinSearch::new(stem);
        for _ in 0..=MAX_KIN_STEPS {
            search.advance(items);
        }
        search.present
    }

    #[test]
    fn photo_that_moved_twice_is_found() {
        let items = BTreeMap::from([
            item("a", &["b"], false),
            item("b", &["a", "c"], false),
            item("c", &["b"], true),
        ]);
        assert_eq!(present_stem("a", &items).as_deref(), Some("c"));
        assert_eq!(present_stem("c", &items).as_deref(), Some("c"));
    }

    #[test]
    fn photo_with_a_copy_stays_itself() {
        let items = BTreeMap::from([item("b", &["a"], true), item("a", &["b"], true)]);
        assert_eq!(present_stem("b", &items).as_deref(), Some("b"));
    }

    #[test]
    fn removed_photo_is_not_found() {
        let items = BTreeMap::from([item("a", &["b"], false), item("b", &["a"], false)]);
        assert_eq!(present_stem("a", &items), None);
        assert_eq!(present_stem("z", &items), None);
    }
}
