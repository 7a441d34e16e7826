//! The oracle: what must be true after each request, and when no work is left.

use std::collections::{BTreeMap, BTreeSet};

use photo_catalogue::catalogue::item::{PhotoItem, PhotoPart};

use super::history::{
    ARCHIVE, ManualHistory, SOURCE, archive_objects, copy_source, is_own, live_parts,
};
use super::mirror::CatalogueMirror;
use super::objects::{ObjectName, SimulatedObject, SimulatedObjects};
use super::sidecars::is_sidecar;

/// A file of the archive that ingest put there.
struct OwnFile<'a> {
    name: &'a ObjectName,
    object: &'a SimulatedObject,
    stem: &'a str,
}

impl ManualHistory {
    /// Checks that an item shows nothing that must be hidden.
    pub(super) fn check_item(&self, item: &PhotoItem) -> Result<(), String> {
        if !item.is_public() {
            return Ok(());
        }
        let mut shown = live_parts(item).filter(|part| self.is_hidden(&part.etag));
        match shown.next() {
            None => Ok(()),
            Some(part) => {
                let reason = match self.hidden.contains(&part.etag) {
                    true => "was hidden by hand",
                    false => "takes the place of a hidden photo, or stands beside it",
                };
                let etag = &part.etag[..6];
                Err(format!("{} is public, but {etag} {reason}", item.stem))
            }
        }
    }

    /// Checks all items as [`ManualHistory::check_item`] does.
    pub(super) fn check_items(&self, mirror: &CatalogueMirror) -> Result<(), String> {
        mirror
            .items
            .values()
            .try_for_each(|item| self.check_item(item))
    }

    /// Checks all guarantees in the final state. Returns the first violation as an error.
    pub(super) fn check_final_state(
        &self,
        objects: &SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        self.check_items(mirror)?;
        self.check_sources(objects, mirror)?;
        self.check_archive(objects, mirror)?;
        self.check_shots(objects, mirror)?;
        self.check_catalogue(objects, mirror)?;
        self.sidecars.check_final_state(objects, mirror)?;
        self.check_settings(mirror)
    }

    /// Checks that no source was changed, and that all are archived.
    fn check_sources(
        &self,
        objects: &SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        let there = objects.there.iter();
        let there = there.filter(|((bucket, key), _)| bucket == SOURCE && !is_sidecar(key));
        let there: BTreeMap<&ObjectName, &str> = there
            .map(|(name, object)| (name, object.etag.as_str()))
            .collect();
        let put = self.sources.iter();
        let put: BTreeMap<&ObjectName, &str> = put
            .map(|(name, object)| (name, object.etag.as_str()))
            .collect();
        if there != put {
            return Err("the source was changed".to_owned());
        }
        let archived: BTreeSet<&str> = archive_objects(objects)
            .map(|(_, object)| object.etag.as_str())
            .collect();
        for ((_, key), object) in &self.sources {
            let etag = object.etag.as_str();
            let is_archived = archived.contains(etag) || self.gone.contains(etag);
            if !is_archived && !self.is_replaced(key, etag, &archived, mirror) {
                return Err(format!("{key} {} was not archived", &etag[..6]));
            }
        }
        Ok(())
    }

    /// Reports whether an edit under another key may have replaced the bytes of a source: both keys
    /// have one photo, and the edit is or was in the archive.
    fn is_replaced(
        &self,
        key: &str,
        etag: &str,
        archived: &BTreeSet<&str>,
        mirror: &CatalogueMirror,
    ) -> bool {
        let facts = self.files[etag];
        let archived = archived.iter().copied();
        let of_shot = archived.chain(self.gone.iter().map(String::as_str));
        let has_edit = of_shot
            .map(|other| self.files[other])
            .any(|other| other.shot == facts.shot && other.extension == facts.extension);
        let is_shared = mirror.items.values().any(|item| {
            item.evidence.iter().any(|entry| {
                let source = entry.source.as_ref();
                entry.content.as_str().ends_with(etag)
                    && source.is_some_and(|source| source.key != key)
            })
        });
        has_edit && is_shared
    }

    /// Checks the files of the archive, one by one.
    fn check_archive(
        &self,
        objects: &SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        for (name, etag) in &self.by_hand {
            let there = objects.there.get(name);
            if there.is_none_or(|there| there.etag != *etag) {
                return Err(format!("the file {} by hand was changed", name.1));
            }
        }
        let current: BTreeSet<&str> = self.sources.values().map(|now| now.etag.as_str()).collect();
        let mut copies: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, object) in archive_objects(objects) {
            let etag = object.etag.as_str();
            if self.settled.contains(etag) {
                return Err(format!("{} was removed by hand and is back", name.1));
            }
            if !is_own(name, object) {
                match self.by_hand.contains_key(name) {
                    true => continue,
                    false => return Err(format!("{} has no known origin", name.1)),
                }
            }
            let facts = self.files[etag];
            let is_slow = self.slow.contains(&facts.shot);
            if let Some(other) = copies.insert(etag, &name.1)
                && !is_slow
                && !self.separate.contains(etag)
            {
                return Err(format!("{} and {other} have the same bytes", name.1));
            }
            let now = copy_source(object).and_then(|source| self.sources.get(&source));
            // An undated RAW has neither a time nor picture data, so no edit of it is recognised.
            let is_old = (facts.is_dated() || facts.extension == "jpg")
                && now.is_some_and(|now| {
                    now.etag != etag && self.files[&now.etag].shot == facts.shot
                });
            if is_old && !current.contains(etag) && !is_slow {
                return Err(format!("{} was replaced and is still there", name.1));
            }
            self.check_day(name, object, mirror)?;
        }
        Ok(())
    }

    /// Checks that a photo is in the folder of its day, if all its files are copies of ingest.
    fn check_day(
        &self,
        name: &ObjectName,
        object: &SimulatedObject,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        let facts = self.files[&object.etag];
        let stem = stem_of(&name.1);
        let (folder, _) = stem.rsplit_once('/').unwrap_or_default();
        let Some(item) = mirror.items.get(stem) else {
            return Ok(());
        };
        let is_of_ingest = item.parts.values().all(PhotoPart::is_live_copy);
        let mut photos = item
            .parts
            .keys()
            .filter(|name| !is_sidecar(&format!(".{name}")));
        let is_primary = facts.extension == "jpg" || photos.nth(1).is_none();
        let of_bytes = |entry: &&photo_catalogue::catalogue::item::LedgerEntry| {
            entry.version.etag == object.etag
                && entry.archive_key.as_deref().map(stem_of) == Some(stem)
        };
        let is_in_ledger = mirror.ledger.values().any(|entry| of_bytes(&entry));
        let is_misfiled = facts.is_dated() && facts.folder != folder;
        let is_slow = self.slow.contains(&facts.shot);
        match is_misfiled && is_of_ingest && is_primary && is_in_ledger && !is_slow {
            true => Err(format!("{} is in the folder of another day", name.1)),
            false => Ok(()),
        }
    }

    /// Checks that no shot is gone, that no photo has two shots, and that pairs are one photo.
    fn check_shots(
        &self,
        objects: &SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        let there = archive_objects(objects).map(|(_, object)| self.files[&object.etag]);
        let there: BTreeSet<(u32, &str)> =
            there.map(|facts| (facts.shot, facts.extension)).collect();
        for file in &self.ever {
            if !there.contains(file) && !self.removed.contains(file) {
                return Err(format!("a photo that was archived is gone: {file:?}"));
            }
        }
        let own: Vec<OwnFile<'_>> = archive_objects(objects)
            .filter(|(name, object)| is_own(name, object))
            .map(|(name, object)| OwnFile {
                name,
                object,
                stem: stem_of(&name.1),
            })
            .collect();
        for stem in own.iter().map(|file| file.stem).collect::<BTreeSet<_>>() {
            let files = || own.iter().filter(|file| file.stem == stem);
            let facts = || files().map(|file| self.files[&file.object.etag]);
            let shots: BTreeSet<u32> = facts().map(|facts| facts.shot).collect();
            // Files without a time are joined by their name alone. They stay one photo if an edit
            // gives them a time. A file by hand may look like one of another shot.
            let item = mirror.items.get(stem);
            let mut known = item.into_iter().flat_map(|item| self.known_files(item));
            let is_dated =
                facts().all(|facts| facts.is_dated()) && known.all(|(_, known)| known.is_dated());
            let mut evidence = item.into_iter().flat_map(|item| item.evidence.iter());
            let has_file_by_hand = evidence.any(|entry| entry.source.is_none());
            if shots.len() > 1 && is_dated && !has_file_by_hand {
                return Err(format!("two shots in the record of {stem}: {shots:?}"));
            }
        }
        match self.has_changed_archive {
            true => Ok(()),
            false => self.check_pairs(&own, mirror),
        }
    }

    /// Checks that the JPEG and the RAW of a shot are one photo. Edits and reused names may
    /// separate them.
    fn check_pairs(&self, own: &[OwnFile<'_>], mirror: &CatalogueMirror) -> Result<(), String> {
        for raw in own {
            let facts = self.files[&raw.object.etag];
            let of_shot = || {
                own.iter()
                    .map(|file| (file, self.files[&file.object.etag]))
                    .filter(|(_, other)| other.shot == facts.shot)
            };
            let is_raw = facts.extension == "dng" && facts.is_dated();
            if !is_raw || of_shot().count() != 2 || self.edited.contains(&facts.shot) {
                continue;
            }
            let Some((jpeg, _)) = of_shot().find(|(_, other)| other.extension == "jpg") else {
                continue;
            };
            // Another file may have had the place of the RAW or of the JPEG.
            let item = mirror.items.get(jpeg.stem);
            let of_raw = |entry: &&photo_catalogue::identity::Evidence| {
                entry.slot.as_str() == "dng" && !entry.content.as_str().ends_with(&raw.object.etag)
            };
            let is_taken = item.is_some_and(|item| item.evidence.iter().any(|e| of_raw(&e)));
            if jpeg.stem != raw.stem && !is_taken {
                let (a, b) = (&jpeg.name.1, &raw.name.1);
                return Err(format!("{a} and {b} are one shot and two photos"));
            }
        }
        Ok(())
    }

    /// Checks that the catalogue lists exactly what the archive has.
    fn check_catalogue(
        &self,
        objects: &SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        let mut listed: BTreeMap<&str, (String, String)> = BTreeMap::new();
        for item in mirror.items.values() {
            let stem = &item.stem;
            if item.summary.is_some() != item.has_live_photo() {
                return Err(format!(
                    "{stem} is listed without a part, or has a part and is not listed"
                ));
            }
            for part in live_parts(item) {
                let version = (part.etag.clone(), part.last_modified.clone());
                listed.insert(&part.key, version);
            }
            if item.has_live_photo() && !is_derived_from_primary(item) {
                return Err(format!("the record of {stem} was derived from other bytes"));
            }
        }
        let mut there: BTreeMap<&str, (String, String)> = BTreeMap::new();
        for (name, object) in archive_objects(objects) {
            let is_unreported = self.unreported.get(name) == Some(&object.etag);
            if !is_unreported || listed.contains_key(name.1.as_str()) {
                there.insert(&name.1, (object.etag.clone(), object.last_modified()));
            }
        }
        match listed == there {
            true => Ok(()),
            false => Err(format!(
                "the catalogue lists {listed:?}\nand the archive {ARCHIVE} has {there:?}"
            )),
        }
    }

    /// Checks that nothing is hidden if no person hid a photo.
    fn check_settings(&self, mirror: &CatalogueMirror) -> Result<(), String> {
        for item in mirror.items.values() {
            let is_private = item.has_live_photo() && !item.is_public();
            if is_private && !self.has_hidden {
                return Err(format!("{} is hidden without a reason", item.stem));
            }
        }
        Ok(())
    }
}

/// Reports whether the record of an item was derived from the present bytes of its primary part: a
/// JPEG, if there is one.
fn is_derived_from_primary(item: &PhotoItem) -> bool {
    let has_jpeg = live_parts(item).any(|part| part.mime == "image/jpeg");
    item.derived_from.as_ref().is_some_and(|from| {
        item.parts.get(&from.part).is_some_and(|part| {
            part.is_live() && part.etag == from.etag && (part.mime == "image/jpeg" || !has_jpeg)
        })
    })
}

/// Returns the stem of an archive key.
fn stem_of(key: &str) -> &str {
    key.rsplit_once('.').unwrap_or((key, "")).0
}
