//! The sidecars of the simulation: the acts of the person with them, and what must be true of them
//! when no work is left. Each version of a sidecar has a title of its own.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use photo_catalogue::catalogue::item::PhotoItem;

use super::history::{ARCHIVE, SOURCE, choose, copy_source, is_own, live_parts};
use super::mirror::CatalogueMirror;
use super::objects::{ObjectName, SimulatedObject, SimulatedObjects};

/// The end of the key of every sidecar.
const TAIL: &str = ".xmp";

/// Reports whether an object is a sidecar.
pub(super) fn is_sidecar(key: &str) -> bool {
    key.ends_with(TAIL)
}

/// The sidecars of a run, and what the person has done with them.
#[derive(Default)]
pub(super) struct SidecarHistory {
    /// The titles of all versions that were ever made, by ETag.
    titles: BTreeMap<String, String>,
    /// The sidecars that are in the source now.
    pub(super) sources: BTreeMap<ObjectName, SimulatedObject>,
    /// The versions that the person removed from the archive.
    removed: BTreeSet<String>,
    /// Those that must not come back under the same archive key, because no work was left when the
    /// person removed them. The key is the ETag, the value the archive key.
    settled: BTreeMap<String, String>,
}

impl SidecarHistory {
    /// Uploads a new sidecar, or an edit of one.
    pub(super) fn put(&mut self, folder: &str, objects: &mut SimulatedObjects) -> String {
        let title = format!("t{}", self.titles.len());
        let packet = format!(
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
             <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
             <rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/'>\
             <dc:title>{title}</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"
        );
        let name = (SOURCE.to_owned(), format!("{folder}/IMG_1{TAIL}"));
        let object = objects.put(name.clone(), packet.into()).clone();
        self.titles.insert(object.etag.clone(), title);
        let line = format!("put {} {}", name.1, &object.etag[..6]);
        self.sources.insert(name, object);
        line
    }

    /// Uploads the sidecars of a renamed folder under their new keys. Returns the old names.
    pub(super) fn rename_folder(
        &mut self,
        from: &str,
        to: &str,
        objects: &mut SimulatedObjects,
    ) -> Vec<ObjectName> {
        let keys = self.sources.keys().cloned();
        let old: Vec<ObjectName> = keys
            .filter(|(_, key)| key.starts_with(&format!("{from}/")))
            .collect();
        for name in &old {
            let key = name.1.replacen(from, to, 1);
            let bytes = self.sources[name].bytes.clone();
            let name = (SOURCE.to_owned(), key);
            let object = objects.put(name.clone(), bytes).clone();
            self.settled.remove(&object.etag);
            self.sources.insert(name, object);
        }
        old
    }

    pub(super) fn remove_source(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
    ) -> Option<String> {
        let name = choose(random, self.sources.keys())?;
        self.sources.remove(&name);
        objects.remove(&name);
        Some(format!("removed the source {}", name.1))
    }

    /// Removes a sidecar from the archive. `quiet` is `true` if no work is left.
    pub(super) fn remove_from_archive(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        quiet: bool,
    ) -> Option<String> {
        let name = choose(random, archived_sidecars(objects).map(|(name, _)| name))?;
        let etag = objects.remove(&name)?.etag;
        let mut others = archived_sidecars(objects);
        if quiet && !others.any(|(_, other)| other.etag == etag) {
            self.settled.insert(etag.clone(), name.1.clone());
        }
        self.removed.insert(etag);
        Some(format!("removed {} from the archive", name.1))
    }

    /// Checks all guarantees about sidecars in the final state. Returns the first violation as an
    /// error.
    pub(super) fn check_final_state(
        &self,
        objects: &SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        self.check_sources(objects, mirror)?;
        self.check_archive(objects, mirror)?;
        self.check_catalogue(objects, mirror)
    }

    /// Checks that no sidecar in the source was changed, and that each one whose photo is archived is
    /// archived too.
    fn check_sources(
        &self,
        objects: &SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        let there = objects.there.iter();
        let there = there.filter(|((bucket, key), _)| bucket == SOURCE && is_sidecar(key));
        let there: Vec<(&ObjectName, &str)> = there
            .map(|(name, object)| (name, object.etag.as_str()))
            .collect();
        let put = self.sources.iter();
        let put: Vec<(&ObjectName, &str)> = put
            .map(|(name, object)| (name, object.etag.as_str()))
            .collect();
        if there != put {
            return Err("a sidecar in the source was changed".to_owned());
        }
        for (name, object) in &self.sources {
            let has_photo = !photo_stems(&name.1, objects, mirror).is_empty();
            // It may have gone to a photo whose upload was removed later.
            let stems: Vec<&str> = photo_keys(&name.1)
                .filter_map(|key| stem_in_ledger(&key, mirror))
                .collect();
            let is_archived = archived_sidecars(objects).any(|(copy_name, copy)| {
                let at = stem_of(&copy_name.1);
                copy.etag == object.etag && stems.iter().any(|stem| is_kin(stem, at, mirror))
            });
            // Nothing tries again if the person removes the other sidecar.
            let entry = mirror.ledger.get(&name.1);
            let reason = entry.and_then(|entry| entry.reason.as_deref());
            let gave_way = reason.is_some_and(|reason| reason.contains("another sidecar"));
            let is_replaced = || {
                has_other_sidecar(&name.1, objects, mirror) || gave_way && !self.removed.is_empty()
            };
            let is_removed = self.removed.contains(&object.etag);
            if has_photo && !is_archived && !is_removed && !is_replaced() {
                return Err(format!("{} {} was not archived", name.1, &object.etag[..6]));
            }
        }
        Ok(())
    }

    /// Checks the sidecars in the archive, one by one.
    fn check_archive(
        &self,
        objects: &SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        for (name, object) in archived_sidecars(objects) {
            if self.settled.get(&object.etag) == Some(&name.1) {
                return Err(format!("{} was removed by hand and is back", name.1));
            }
            if !is_own(name, object) {
                return Err(format!("{} has no known origin", name.1));
            }
            let now = copy_source(object).and_then(|source| self.sources.get(&source));
            if now.is_some_and(|now| now.etag != object.etag)
                && !is_of_older_photo(name, object, mirror)
            {
                return Err(format!("{} was replaced and is still there", name.1));
            }
            let Some(item) = mirror.items.get(stem_of(&name.1)) else {
                return Err(format!("{} is not in the catalogue", name.1));
            };
            let has_lost_photo = !item.has_live_photo()
                && kin_of(item, mirror).into_iter().any(|photo| {
                    let key = format!("{}{TAIL}", photo.stem);
                    let has_sidecar = objects.there.contains_key(&(ARCHIVE.to_owned(), key));
                    // Nothing tries again if the person removes the sidecar that was there.
                    let had_sidecar = photo.parts.contains_key("xmp");
                    !has_sidecar
                        && !had_sidecar
                        && live_parts(photo).any(|part| has_evidence(item, &part.etag))
                });
            if has_lost_photo {
                return Err(format!("{} did not follow its photo", name.1));
            }
        }
        Ok(())
    }

    /// Checks that the catalogue lists exactly the sidecars of the archive, and shows what they
    /// contain.
    fn check_catalogue(
        &self,
        objects: &SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Result<(), String> {
        let mut listed: BTreeMap<&str, (&str, String)> = BTreeMap::new();
        for item in mirror.items.values() {
            let mut shown = None;
            for (_, part) in item.live_sidecars() {
                let version = (part.etag.as_str(), part.last_modified.clone());
                listed.insert(&part.key, version);
                let title = part.sidecar.as_ref().and_then(|it| it.record.title.clone());
                if title.as_ref() != self.titles.get(&part.etag) {
                    return Err(format!("{} was read from other bytes", part.key));
                }
                shown = title;
            }
            let summary = item.summary.as_ref();
            if summary.is_some_and(|summary| summary.record.title != shown) {
                return Err(format!("{} does not show its sidecar", item.stem));
            }
        }
        let there = archived_sidecars(objects);
        let there: BTreeMap<&str, (&str, String)> = there
            .map(|(name, object)| {
                let version = (object.etag.as_str(), object.last_modified());
                (name.1.as_str(), version)
            })
            .collect();
        match listed == there {
            true => Ok(()),
            false => Err(format!(
                "the catalogue lists the sidecars {listed:?}\nand the archive has {there:?}"
            )),
        }
    }
}

/// Reports whether the source key of an archived sidecar belongs to another photo now: the ledger has
/// another archive key for it.
fn is_of_older_photo(name: &ObjectName, copy: &SimulatedObject, mirror: &CatalogueMirror) -> bool {
    let source = copy_source(copy);
    let entry = source.and_then(|source| mirror.ledger.get(&source.1));
    entry.is_some_and(|entry| entry.archive_key.as_deref() != Some(name.1.as_str()))
}

/// Returns the kin of an item, and their kin.
fn kin_of<'a>(item: &'a PhotoItem, mirror: &'a CatalogueMirror) -> Vec<&'a PhotoItem> {
    let mut found = vec![item];
    let mut at = 0;
    while let Some(item) = found.get(at) {
        let kin = item.kin.iter().filter_map(|kin| mirror.items.get(kin));
        let new: Vec<&PhotoItem> = kin
            .filter(|kin| found.iter().all(|known| known.stem != kin.stem))
            .collect();
        found.extend(new);
        at += 1;
    }
    found.split_off(1)
}

/// Reports whether two stems are the same, or kin over any number of steps.
fn is_kin(one: &str, other: &str, mirror: &CatalogueMirror) -> bool {
    let kin = mirror.items.get(one).map(|item| kin_of(item, mirror));
    let mut kin = kin.into_iter().flatten();
    one == other || kin.any(|item| item.stem == other)
}

/// Reports whether the evidence of an item has these bytes.
fn has_evidence(item: &PhotoItem, etag: &str) -> bool {
    let mut evidence = item.evidence.iter();
    evidence.any(|entry| entry.content.as_str().ends_with(etag))
}

fn archived_sidecars(
    objects: &SimulatedObjects,
) -> impl Iterator<Item = (&ObjectName, &SimulatedObject)> {
    let there = objects.there.iter();
    there.filter(|((bucket, key), _)| bucket == ARCHIVE && is_sidecar(key))
}

/// Returns the stems at which the uploads beside a sidecar are archived.
fn photo_stems<'a>(
    sidecar: &str,
    objects: &SimulatedObjects,
    mirror: &'a CatalogueMirror,
) -> Vec<&'a str> {
    let present = photo_keys(sidecar).filter(|key| {
        let name = (SOURCE.to_owned(), key.clone());
        objects.there.contains_key(&name)
    });
    present
        .filter_map(|key| stem_in_ledger(&key, mirror))
        .collect()
}

/// Returns the keys that the photo of a sidecar can have.
fn photo_keys(sidecar: &str) -> impl Iterator<Item = String> {
    let keys = ["dng", "jpg"].map(|extension| format!("{}.{extension}", stem_of(sidecar)));
    keys.into_iter()
}

/// Returns the stem at which an upload is archived.
fn stem_in_ledger<'a>(upload: &str, mirror: &'a CatalogueMirror) -> Option<&'a str> {
    mirror.ledger.get(upload)?.copied_to().map(stem_of)
}

/// Reports whether the photo of a sidecar has, or had, a sidecar from another folder.
fn has_other_sidecar(sidecar: &str, objects: &SimulatedObjects, mirror: &CatalogueMirror) -> bool {
    photo_stems(sidecar, objects, mirror)
        .into_iter()
        .any(|stem| {
            let item = mirror.items.get(stem);
            let kin = item
                .into_iter()
                .flat_map(|item| item.kin.iter().map(String::as_str));
            kin.chain([stem]).any(|stem| {
                let name = (ARCHIVE.to_owned(), format!("{stem}{TAIL}"));
                let there = objects.there.get(&name);
                there.is_some_and(|copy| copy_source(copy).is_some_and(|from| from.1 != sidecar))
            })
        })
}

/// Returns the key without its extension.
fn stem_of(key: &str) -> &str {
    key.rsplit_once('.').unwrap_or((key, "")).0
}
