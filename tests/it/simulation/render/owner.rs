//! The owner of the simulated photos: which files they write and remove, and which photos they hide.

use std::collections::BTreeMap;

use bytes::Bytes;
use fastrand::Rng;
use photo_catalogue::catalogue::item::PhotoItem;

use super::files::{FileContent, PictureFileMaker};
use crate::simulation::history::ARCHIVE;
use crate::simulation::mirror::CatalogueMirror;
use crate::simulation::objects::{ObjectName, SimulatedObjects};

/// The stems of the photos. There are few, so that many acts meet at one photo.
pub(super) const STEMS: [&str; 2] = ["2018-02-01/a", "undated/b"];

/// The number of acts of a run, at least and at most.
const ACTS: std::ops::Range<usize> = 3..11;

/// An act of the owner that needs requests to the table: the visibility of a photo changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VisibilityChange {
    pub(super) stem: &'static str,
    /// `true` to hide the photo, `false` to show it.
    pub(super) hides: bool,
}

/// What the owner does in one step of the schedule.
pub(super) enum OwnerAct {
    /// The owner has changed a file of the archive. The text is a line of the trace.
    File(String),
    /// The owner begins to change the visibility of a photo.
    Visibility(VisibilityChange),
}

/// The owner of the photos, and what they have done so far.
pub(super) struct PhotoOwner {
    pub(super) files: PictureFileMaker,
    acts_left: usize,
    /// The number of photos.
    photos: usize,
    /// All photo files that a stem ever had.
    earlier: BTreeMap<&'static str, Vec<Bytes>>,
    /// Whether a photo is hidden by the last command that has ended. `None` if the command ended
    /// without an effect, because the file of the photo was gone. An earlier attempt of the same
    /// command may have had one.
    hidden: BTreeMap<&'static str, Option<bool>>,
}

impl PhotoOwner {
    pub(super) fn new(random: &mut Rng) -> Self {
        PhotoOwner {
            files: PictureFileMaker::default(),
            acts_left: random.usize(ACTS),
            photos: random.usize(1..=STEMS.len()),
            earlier: BTreeMap::new(),
            hidden: BTreeMap::new(),
        }
    }

    /// Reports whether the owner has something left to do.
    pub(super) fn can_act(&self) -> bool {
        self.acts_left > 0
    }

    /// Does one act, which is chosen at random. `can_change` is `true` if no other change of a
    /// visibility is running.
    pub(super) fn act(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        mirror: &CatalogueMirror,
        can_change: bool,
    ) -> OwnerAct {
        self.acts_left -= 1;
        let stem = STEMS[random.usize(..self.photos)];
        let photo = mirror.items.get(stem).filter(|item| item.has_live_photo());
        let kind = random.usize(..10);
        match photo {
            Some(item) if can_change && kind < 4 => {
                OwnerAct::Visibility(self.change_visibility(random, stem, item))
            }
            _ => OwnerAct::File(self.change_file(random, objects, stem, kind)),
        }
    }

    fn change_visibility(
        &self,
        random: &mut Rng,
        stem: &'static str,
        item: &PhotoItem,
    ) -> VisibilityChange {
        // A few commands have no effect.
        let hides = item.is_public() != (random.usize(..8) == 0);
        VisibilityChange { stem, hides }
    }

    fn change_file(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        stem: &'static str,
        kind: usize,
    ) -> String {
        let photo = photo_name(stem);
        let earlier = self.earlier.entry(stem).or_default();
        let (name, bytes) = match kind {
            0 | 4 if objects.there.contains_key(&photo) => (photo, None),
            1 | 5 | 6 if !earlier.is_empty() => {
                let again = earlier[random.usize(..earlier.len())].clone();
                (photo, Some(again))
            }
            2 => (sidecar_name(stem), Some(self.files.make_sidecar())),
            3 if objects.there.contains_key(&sidecar_name(stem)) => (sidecar_name(stem), None),
            _ => {
                let made = self.files.make_photo(random);
                earlier.push(made.clone());
                (photo, Some(made))
            }
        };
        match bytes {
            Some(bytes) => {
                let etag = &objects.put(name.clone(), bytes).etag;
                format!("the owner writes {} {}", name.1, &etag[..6])
            }
            None => {
                objects.remove(&name);
                format!("the owner removes {}", name.1)
            }
        }
    }

    /// Records that a change of a visibility has ended. `had_effect` is `false` if there was no photo.
    pub(super) fn record_change(&mut self, change: VisibilityChange, had_effect: bool) {
        let hidden = had_effect.then_some(change.hides);
        self.hidden.insert(change.stem, hidden);
    }

    /// Returns whether the owner has hidden a photo. Returns `None` if the oracle cannot know it.
    pub(super) fn has_hidden(&self, stem: &str) -> Option<bool> {
        self.hidden.get(stem).copied().unwrap_or(Some(false))
    }

    /// Returns the ETag and the content of the file that a photo has now. Returns `None` if it has none.
    pub(super) fn present_file(
        &self,
        objects: &SimulatedObjects,
        stem: &str,
    ) -> Option<(String, FileContent)> {
        let object = objects.there.get(&photo_name(stem))?;
        let content = self.files.content(&object.etag);
        Some((object.etag.clone(), content))
    }
}

fn photo_name(stem: &str) -> ObjectName {
    (ARCHIVE.to_owned(), format!("{stem}.jpg"))
}

/// Returns the name of the sidecar of a photo.
pub(super) fn sidecar_name(stem: &str) -> ObjectName {
    (ARCHIVE.to_owned(), format!("{stem}.xmp"))
}
