//! Compares the stored pictures with the items that name them. Pure. The caller provides a scan of the
//! table and a listing of the pictures.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::catalogue::item::PhotoItemHeader;
use crate::pictures::{ORIGINAL_NAME, PICTURE_FOLDER, PictureSet, RenderOutcome};

/// A difference between the stored pictures and the items.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PictureFault {
    /// The photo with this stem lacks pictures: stored ones that it names, or new ones that are overdue.
    Missing(String),
    /// The photo with this stem must have no pictures, but has some.
    Unwanted(String),
    /// No item names the pictures with this token.
    Unnamed(String),
}

/// The comparison. The caller must list the pictures before it scans the table: pictures that are made
/// in between are then named, and not listed.
#[derive(Debug, Default)]
pub struct PictureComparison {
    /// The names of the listed pictures, by token, and the time of the newest.
    stored: BTreeMap<String, StoredPictures>,
    named: BTreeSet<String>,
    faults: Vec<PictureFault>,
}

#[derive(Debug, Default)]
struct StoredPictures {
    names: BTreeSet<String>,
    newest: Option<DateTime<Utc>>,
}

impl PictureComparison {
    /// Adds a listed picture. `path` is its key without the prefix of the static files. Ignores an object
    /// that is no picture.
    pub fn add_stored(&mut self, path: &str, last_modified: Option<DateTime<Utc>>) {
        let below = path.strip_prefix(PICTURE_FOLDER);
        if let Some((token, name)) = below.and_then(|path| path.split_once('/')) {
            let stored = self.stored.entry(token.to_owned()).or_default();
            stored.names.insert(name.to_owned());
            stored.newest = stored.newest.max(last_modified);
        }
    }

    /// Adds a photo. `now` is the present time.
    pub fn add_photo(&mut self, photo: &PhotoItemHeader, now: DateTime<Utc>) {
        let plan = photo.picture_plan.as_ref();
        let is_wanted = plan.is_some_and(|plan| plan.wanted.is_some());
        let made = photo.renditions.as_ref().map(|made| &made.outcome);
        if let Some(RenderOutcome::Made(set)) = made {
            self.named.insert(set.token.clone());
            if !is_wanted {
                self.faults.push(PictureFault::Unwanted(photo.stem.clone()));
            } else if !self.has_all(set) {
                self.faults.push(PictureFault::Missing(photo.stem.clone()));
            }
        }
        let is_overdue = plan
            .and_then(|plan| plan.awaited_until)
            .is_some_and(|until| until <= now);
        if is_overdue && made.is_none() {
            self.faults.push(PictureFault::Missing(photo.stem.clone()));
        }
    }

    fn has_all(&self, set: &PictureSet) -> bool {
        let stored = self.stored.get(&set.token);
        let is_stored = |name: &str| stored.is_some_and(|stored| stored.names.contains(name));
        set.files.iter().all(|file| is_stored(&file.name()))
            && (set.original.is_none() || is_stored(ORIGINAL_NAME))
    }

    /// Returns the differences, sorted. Pictures that were stored after `settled` and that no item names
    /// are left out, because render may be working on them.
    pub fn into_faults(self, settled: DateTime<Utc>) -> Vec<PictureFault> {
        let PictureComparison {
            stored,
            named,
            mut faults,
        } = self;
        for (token, stored) in stored {
            let is_settled = stored.newest.is_none_or(|newest| newest <= settled);
            if is_settled && !named.contains(&token) {
                faults.push(PictureFault::Unnamed(token));
            }
        }
        faults.sort();
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::{PicturePlan, PictureRecipe, RenditionFile, Renditions, WantedPictures};

    fn photo(stem: &str, token: Option<&str>) -> PhotoItemHeader {
        let recipe = PictureRecipe::default();
        let file = |width| RenditionFile {
            width,
            height: 10,
            bytes: 1,
        };
        let made = token.map(|token| Renditions {
            epoch: 1,
            part: "JPG".to_owned(),
            recipe: recipe.clone(),
            outcome: RenderOutcome::Made(PictureSet {
                token: token.to_owned(),
                files: vec![file(640), file(320)],
                ..PictureSet::default()
            }),
        });
        PhotoItemHeader {
            stem: stem.to_owned(),
            picture_plan: Some(Box::new(PicturePlan {
                epoch: 1,
                wanted: Some(WantedPictures {
                    part: "JPG".to_owned(),
                    etag: "e1".to_owned(),
                    recipe,
                    rights: None,
                }),
                ..PicturePlan::default()
            })),
            renditions: made.map(Box::new),
            ..PhotoItemHeader::default()
        }
    }

    fn hidden(stem: &str, token: &str) -> PhotoItemHeader {
        let mut photo = photo(stem, Some(token));
        photo.picture_plan = None;
        photo
    }

    fn overdue(stem: &str) -> PhotoItemHeader {
        let mut photo = photo(stem, None);
        let plan = photo.picture_plan.as_mut().expect("a plan");
        plan.awaited_until = Some(time(100));
        photo
    }

    fn time(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    #[test]
    fn differences_in_both_directions_are_found() {
        let mut comparison = PictureComparison::default();
        for path in [
            "r/whole/640.jpg",
            "r/whole/320.jpg",
            "r/part/640.jpg",
            "r/hid/640.jpg",
        ] {
            comparison.add_stored(path, Some(time(0)));
        }
        comparison.add_stored("r/stray/640.jpg", Some(time(0)));
        comparison.add_stored("r/new/640.jpg", Some(time(300)));
        comparison.add_stored("index.json", Some(time(0)));
        let photos = [
            photo("a", Some("whole")),
            photo("b", Some("part")),
            photo("c", Some("none")),
            hidden("d", "hid"),
            overdue("e"),
            photo("f", None),
        ];
        for photo in &photos {
            comparison.add_photo(photo, time(200));
        }
        let missing = |stem: &str| PictureFault::Missing(stem.to_owned());
        assert_eq!(
            comparison.into_faults(time(250)),
            [
                missing("b"),
                missing("c"),
                missing("e"),
                PictureFault::Unwanted("d".to_owned()),
                PictureFault::Unnamed("stray".to_owned()),
            ]
        );
    }
}
