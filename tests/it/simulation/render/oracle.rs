//! The oracle of render: what must be true after each request, and when no work is left.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::catalogue::picture_work::{PICTURE_WAIT, PictureWork};
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::pictures::{ORIGINAL_NAME, PictureSet, RenderOutcome};
use photo_catalogue::render::{PictureEvent, Render};

use super::files::{FileContent, PictureFileMaker, find_credit, has_colour};
use super::owner::{PhotoOwner, STEMS, sidecar_name};
use super::world::{PICTURES, SITE};
use crate::simulation::mirror::CatalogueMirror;
use crate::simulation::objects::{ObjectName, SimulatedObjects};

/// What the pictures with one token must show.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PlannedPictures {
    /// The stem of the photo.
    stem: String,
    /// The ETag of the file that they are made of.
    etag: String,
    /// The credit in them.
    credit: Option<String>,
}

/// What the oracle remembers of a run.
#[derive(Default)]
pub(super) struct PictureOracle {
    /// The pictures of all plans so far, by token.
    planned: BTreeMap<String, PlannedPictures>,
    /// The tokens that a photo names or wants now, by stem.
    present: BTreeMap<String, BTreeSet<String>>,
    /// The tokens that a photo named or wanted, and does not any more.
    retired: BTreeSet<String>,
    /// The tokens from before a photo was hidden or removed.
    hidden: BTreeSet<String>,
    /// The public photos, and until when each waits for its pictures at most.
    waits: BTreeMap<String, DateTime<Utc>>,
    /// The photos that lists show now.
    listed: BTreeSet<String>,
    /// The tokens of pictures that arrived after the worker that sent them had died. If the event of
    /// the worker was processed again before, only a comparison finds these pictures.
    late: BTreeSet<String>,
}

impl PictureOracle {
    /// Records that a picture of a dead worker has arrived.
    pub(super) fn record_late_picture(&mut self, name: &ObjectName) {
        self.late.extend(token_of_key(&name.1).map(str::to_owned));
    }

    /// Returns the stem of the photo with this token.
    pub(super) fn stem_of_token(&self, token: &str) -> Option<&str> {
        let planned = self.planned.get(token)?;
        Some(&planned.stem)
    }

    /// Checks an item that was just written.
    pub(super) fn check_item(
        &mut self,
        item: &PhotoItem,
        render: &Render,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let stem = &item.stem;
        let shown = shown_pictures(item);
        let before = self.present.remove(stem).unwrap_or_default();
        self.check_wait(item, now)?;
        if !item.is_public() {
            self.hidden.extend(before.iter().cloned());
            self.hidden.extend(named_token(item).map(str::to_owned));
            if shown.is_some() {
                return Err(format!("{stem} is not public, and shows pictures"));
            }
        }
        if shown.is_some_and(|set| self.hidden.contains(&set.token)) {
            return Err(format!("{stem} shows pictures from before it was hidden"));
        }
        let wanted = self.record_plan(item, render);
        let named = named_token(item).map(str::to_owned);
        let present: BTreeSet<String> = named.into_iter().chain(wanted).collect();
        self.retired.extend(before.difference(&present).cloned());
        if let Some(token) = present.intersection(&self.retired).next() {
            return Err(format!("{stem} uses the token {token} again"));
        }
        self.present.insert(stem.clone(), present);
        Ok(())
    }

    /// Checks that an item that has become public waits for its pictures. The wait begins when the task
    /// that writes the item derives it, or has started.
    fn check_wait(&mut self, item: &PhotoItem, now: DateTime<Utc>) -> Result<(), String> {
        let stem = &item.stem;
        if !item.is_public() {
            self.waits.remove(stem);
            return Ok(());
        }
        if self.waits.contains_key(stem) {
            return Ok(());
        }
        let until = item
            .summary
            .as_ref()
            .and_then(|summary| summary.awaited_until);
        let until = until.filter(|until| *until <= now + PICTURE_WAIT);
        let until = until.ok_or_else(|| format!("{stem} does not wait for its pictures"))?;
        self.waits.insert(stem.clone(), until);
        Ok(())
    }

    /// Records what the pictures of a plan must show. Returns their token.
    fn record_plan(&mut self, item: &PhotoItem, render: &Render) -> Option<String> {
        let plan = item.picture_plan.as_ref()?;
        let wanted = plan.wanted.clone()?;
        let event = PictureEvent {
            id: PhotoId::from_stem(&item.stem),
            planned: Some((plan.epoch, wanted.clone())),
            stored_token: None,
            sequence: String::new(),
        };
        let token = render.tokens(&event).pop_first()?;
        let pictures = PlannedPictures {
            stem: item.stem.clone(),
            etag: wanted.etag,
            credit: item.described_record().credit,
        };
        self.planned.entry(token.clone()).or_insert(pictures);
        Some(token)
    }

    /// Checks a picture that was just stored.
    pub(super) fn check_picture(
        &self,
        name: &ObjectName,
        jpeg: &[u8],
        files: &PictureFileMaker,
    ) -> Result<(), String> {
        let key = &name.1;
        let planned = token_of_key(key).and_then(|token| self.planned.get(token));
        let Some(planned) = planned else {
            return Err(format!("{key} is stored, and was never planned"));
        };
        match files.content(&planned.etag) {
            FileContent::Colour(colour) if has_colour(jpeg, colour) => {}
            content => return Err(format!("{key} does not show {content:?}")),
        }
        let credit = find_credit(jpeg);
        match key.ends_with(ORIGINAL_NAME) || credit == planned.credit {
            true => Ok(()),
            false => Err(format!("{key} has the credit {credit:?} of {planned:?}")),
        }
    }

    /// Checks what lists show at this moment.
    pub(super) fn check_lists(
        &mut self,
        mirror: &CatalogueMirror,
        objects: &SimulatedObjects,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        for (stem, item) in &mirror.items {
            let was_listed = self.listed.remove(stem);
            let must_wait = self.waits.get(stem).is_some_and(|until| now < *until);
            if !item.is_listed(now) {
                match item.is_public() && !must_wait {
                    true => return Err(format!("{stem} is public, and waits for too long")),
                    false => continue,
                }
            }
            self.listed.insert(stem.clone());
            match shown_pictures(item) {
                Some(set) => check_stored(stem, set, objects)?,
                None if was_listed || !must_wait || has_failure(item) => {}
                None => return Err(format!("{stem} is listed before it has pictures")),
            }
        }
        Ok(())
    }

    /// Checks all guarantees in the final state. Returns the tokens that no item names, and that are
    /// stored because a picture arrived late.
    pub(super) fn check_final_state(
        &self,
        mirror: &CatalogueMirror,
        objects: &SimulatedObjects,
        owner: &PhotoOwner,
    ) -> Result<BTreeSet<String>, String> {
        let mut named = BTreeSet::new();
        for stem in STEMS {
            if let Some(item) = mirror.items.get(stem) {
                self.check_final_item(item, objects, owner)?;
                let set = shown_pictures(item);
                named.extend(set.into_iter().flat_map(picture_keys));
            }
        }
        let stored: BTreeSet<String> = stored_pictures(objects).map(str::to_owned).collect();
        if let Some(missing) = named.difference(&stored).next() {
            return Err(format!("{missing} is gone"));
        }
        let mut unnamed = BTreeSet::new();
        for key in stored.difference(&named) {
            match token_of_key(key).filter(|token| self.late.contains(*token)) {
                Some(token) => unnamed.insert(token.to_owned()),
                None => return Err(format!("{key} is left, and no item names it")),
            };
        }
        Ok(unnamed)
    }

    fn check_final_item(
        &self,
        item: &PhotoItem,
        objects: &SimulatedObjects,
        owner: &PhotoOwner,
    ) -> Result<(), String> {
        let stem = &item.stem;
        if item.picture_work() != PictureWork::Nothing || item.picture_work_due.is_some() {
            return Err(format!("{stem} has work left"));
        }
        let file = owner.present_file(objects, stem);
        let hidden = owner.has_hidden(stem).unwrap_or(!item.is_public());
        let Some((etag, content)) = file.filter(|_| !hidden) else {
            return match (item.is_public(), &item.renditions) {
                (true, _) => Err(format!("{stem} is public")),
                (false, Some(_)) => Err(format!("{stem} is not public, and has renditions")),
                (false, None) => Ok(()),
            };
        };
        if !item.is_public() {
            return Err(format!("{stem} is not public"));
        }
        let sidecar = objects.there.get(&sidecar_name(stem));
        let credit = sidecar.and_then(|sidecar| find_credit(&sidecar.bytes));
        let stem = stem.clone();
        let expected = PlannedPictures { stem, etag, credit };
        let made = item.renditions.as_ref().map(|made| &made.outcome);
        match (content, made) {
            (FileContent::Truncated, Some(RenderOutcome::Unrendered(_))) => Ok(()),
            (FileContent::Colour(_), Some(RenderOutcome::Made(set)))
                if shown_pictures(item) == Some(set)
                    && self.planned.get(&set.token) == Some(&expected) =>
            {
                Ok(())
            }
            _ => Err(format!(
                "{expected:?} has {made:?}, and its file is {content:?}"
            )),
        }
    }
}

/// Returns the pictures that lists show of a photo.
fn shown_pictures(item: &PhotoItem) -> Option<&PictureSet> {
    item.summary.as_ref()?.pictures.as_deref()
}

/// Returns the token that an item names, even if the pictures are not shown.
fn named_token(item: &PhotoItem) -> Option<&str> {
    match &item.renditions.as_ref()?.outcome {
        RenderOutcome::Made(set) => Some(&set.token),
        RenderOutcome::Unrendered(_) => None,
    }
}

/// Reports whether the item records that its pictures cannot be made.
fn has_failure(item: &PhotoItem) -> bool {
    let Some((plan, made)) = item.picture_plan.as_ref().zip(item.renditions.as_ref()) else {
        return false;
    };
    made.epoch >= plan.shown_from && matches!(made.outcome, RenderOutcome::Unrendered(_))
}

/// Returns the keys of the pictures of a set.
fn picture_keys(set: &PictureSet) -> Vec<String> {
    let names = set.files.iter().map(|file| file.name());
    let original = set.original.map(|_| ORIGINAL_NAME.to_owned());
    let names = names.chain(original);
    names
        .map(|name| format!("{PICTURES}{}/{name}", set.token))
        .collect()
}

/// Checks that all pictures of a set are stored, with the sizes in the set.
fn check_stored(stem: &str, set: &PictureSet, objects: &SimulatedObjects) -> Result<(), String> {
    let sizes = set.files.iter().chain(&set.original).map(|file| file.bytes);
    for (key, bytes) in picture_keys(set).into_iter().zip(sizes) {
        let stored = objects.there.get(&(SITE.to_owned(), key.clone()));
        if stored.is_none_or(|stored| stored.bytes.len() as u64 != bytes) {
            return Err(format!("{stem} shows {key}, which is not stored"));
        }
    }
    Ok(())
}

/// Returns the keys of all stored pictures.
fn stored_pictures(objects: &SimulatedObjects) -> impl Iterator<Item = &str> {
    let names = objects.there.keys().filter(|name| name.0 == SITE);
    names.map(|name| name.1.as_str())
}

/// Returns the token in the key of a picture.
pub(super) fn token_of_key(key: &str) -> Option<&str> {
    let (token, _) = key.strip_prefix(PICTURES)?.split_once('/')?;
    Some(token)
}
