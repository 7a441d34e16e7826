//! The acts of a person, and the record of everything that the oracle must know about a run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use fastrand::Rng;
use photo_catalogue::catalogue::item::{PhotoItem, PhotoPart};
use photo_catalogue::ingest::ChangedItem;

use super::act_kind::ActKind;
use super::files::{EditKind, FileFacts, FileMaker};
use super::mirror::CatalogueMirror;
use super::objects::{ObjectName, SimulatedObject, SimulatedObjects};
use super::sidecars::{SidecarHistory, is_sidecar};

pub(super) const SOURCE: &str = "inbox";
pub(super) const ARCHIVE: &str = "archive";
/// The folders of the source. The uploads go to the first two. The others get the files of a folder
/// that is renamed.
const FOLDERS: [&str; 4] = ["a", "b", "c", "d"];
/// The name of all uploads.
const BASE: &str = "IMG_1";
/// The archive key to which a person writes foreign files. It is the first archive key that the
/// JPEGs of most uploads try.
const DROPPED_AT: &str = "2018-02-01/IMG_1.jpg";
/// An archive key with the same stem as [`DROPPED_AT`], and with an extension that no upload has. A
/// person writes foreign files to it at any time, even while the first copy to the stem is in
/// flight.
const DROPPED_OTHER_EXTENSION: &str = "2018-02-01/IMG_1.jpeg";

/// An act of a person, in the form that the world needs.
pub(super) enum ManualAct {
    /// Objects were written or removed. The text is a line for the trace (the log of the run).
    Objects(String),
    /// The person hides the photo with this stem.
    Hide(String),
}

pub(super) struct ManualHistory {
    acts_left: usize,
    /// The kinds of acts, from which one is chosen at random.
    acts: &'static [ActKind],
    /// `true` if the person acts again only when no work is left.
    waits: bool,
    /// The kind of act that the person of this run does most often.
    favourite: ActKind,
    maker: FileMaker,
    /// The objects that the person deletes next: files that were copied to another name, or such
    /// copies.
    to_delete: VecDeque<ObjectName>,
    /// All files that were ever made, by ETag.
    pub(super) files: BTreeMap<String, FileFacts>,
    /// The objects that are in the source now.
    pub(super) sources: BTreeMap<ObjectName, SimulatedObject>,
    /// The shots that each source key has had.
    shots_of_keys: BTreeMap<ObjectName, BTreeSet<u32>>,
    /// The files in the archive that a person put there. The value is the ETag.
    pub(super) by_hand: BTreeMap<ObjectName, String>,
    /// The foreign files for which no event is ever delivered. The value is the ETag.
    pub(super) unreported: BTreeMap<ObjectName, String>,
    /// The shots whose files were ever in the archive, with the extension of the file.
    pub(super) ever: BTreeSet<(u32, &'static str)>,
    /// Those of `ever` of which a person removed or overwrote a file.
    pub(super) removed: BTreeSet<(u32, &'static str)>,
    /// The bytes that a person removed or overwrote, and that need not be archived again.
    pub(super) gone: BTreeSet<String>,
    /// The bytes that a person removed while no work was left. They must not come back.
    pub(super) settled: BTreeSet<String>,
    /// The bytes that were hidden by hand.
    pub(super) hidden: BTreeSet<String>,
    /// The bytes that must be hidden, because they replace a hidden photo, or because they may be a
    /// hidden photo under another name.
    pub(super) due: BTreeSet<String>,
    /// The ETags of bytes that may be two photos, so that hiding one does not hide the other. The
    /// bytes are under several keys and an edit has changed their day, or a copy of them in the
    /// archive has no metadata that ingest wrote.
    pub(super) separate: BTreeSet<String>,
    /// The shots of which an older version may stay: a copy arrived after an edit or a move, or the
    /// source key had another shot too, and an edit has changed the day.
    pub(super) slow: BTreeSet<u32>,
    /// The shots that had two different files of one format, or an edit with another day.
    pub(super) edited: BTreeSet<u32>,
    /// Whether a person hid a photo, or began to.
    pub(super) has_hidden: bool,
    /// Whether a person changed the archive.
    pub(super) has_changed_archive: bool,
    pub(super) sidecars: SidecarHistory,
}

impl ManualHistory {
    /// Begins the history of a run. If `favourite` is `None`, the act that the person does most
    /// often is random.
    pub(super) fn new(
        random: &mut Rng,
        favourite: Option<ActKind>,
        acts: &'static [ActKind],
    ) -> Self {
        ManualHistory {
            acts_left: 4 + random.usize(..10),
            waits: false,
            favourite: favourite.unwrap_or_else(|| acts[random.usize(..acts.len())]),
            acts,
            maker: FileMaker::new(),
            to_delete: VecDeque::new(),
            files: BTreeMap::new(),
            sources: BTreeMap::new(),
            shots_of_keys: BTreeMap::new(),
            by_hand: BTreeMap::new(),
            unreported: BTreeMap::new(),
            ever: BTreeSet::new(),
            removed: BTreeSet::new(),
            gone: BTreeSet::new(),
            settled: BTreeSet::new(),
            hidden: BTreeSet::new(),
            due: BTreeSet::new(),
            separate: BTreeSet::new(),
            slow: BTreeSet::new(),
            edited: BTreeSet::new(),
            has_hidden: false,
            has_changed_archive: false,
            sidecars: SidecarHistory::default(),
        }
    }

    /// Writes a foreign file to the archive before the store sends notifications, so the file has
    /// no event. Returns a line for the trace.
    pub(super) fn drop_before_notifications(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
    ) -> String {
        let line = self.drop_file(DROPPED_AT, random, objects);
        objects.take_changes();
        self.unreported = self.by_hand.clone();
        line
    }

    pub(super) fn can_act(&self, quiet: bool) -> bool {
        !self.to_delete.is_empty() || self.acts_left > 0 && (quiet || !self.waits)
    }

    /// Reports whether an act is under way that consists of two steps.
    pub(super) fn is_acting(&self) -> bool {
        !self.to_delete.is_empty()
    }

    /// Does one random thing that a person may do. `quiet` is `true` if no work is left, and
    /// `can_hide` if no photo is being hidden.
    pub(super) fn act(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        mirror: &CatalogueMirror,
        quiet: bool,
        can_hide: bool,
    ) -> ManualAct {
        if let Some(name) = self.to_delete.pop_front() {
            return ManualAct::Objects(self.delete_next(&name, objects));
        }
        self.acts_left -= 1;
        self.waits = random.usize(..3) == 0;
        let kind = match random.usize(..3) {
            0 => self.favourite,
            _ => self.acts[random.usize(..self.acts.len())],
        };
        let line = match kind {
            ActKind::DropFile | ActKind::CopyToAnyName if quiet => {
                // The next act waits until this one is done: see the note on such files in
                // docs/guarantees.md.
                self.waits = true;
                match random.bool() {
                    true => Some(self.drop_file(DROPPED_AT, random, objects)),
                    false => self.copy_in_archive(random, objects, true),
                }
            }
            ActKind::DropFile => Some(self.drop_file(DROPPED_OTHER_EXTENSION, random, objects)),
            ActKind::CopyToAnyName | ActKind::CopyInArchive => {
                self.copy_in_archive(random, objects, false)
            }
            ActKind::RemoveFromArchive => self.remove_from_archive(random, objects, quiet),
            ActKind::RemoveSource => self.remove_source(random, objects),
            ActKind::PutAgain => self.put_again(random, objects, mirror),
            ActKind::PutUnderSecondKey => self.put_under_second_key(random, objects, mirror),
            ActKind::RenameFolder => self.rename_folder(random, objects, mirror),
            ActKind::Hide if can_hide => match choose_shown_photo(random, mirror) {
                Some(stem) => {
                    self.has_hidden = true;
                    return ManualAct::Hide(stem);
                }
                None => None,
            },
            ActKind::PutSidecar => Some(self.sidecars.put(FOLDERS[random.usize(..2)], objects)),
            ActKind::RemoveSidecar => self.sidecars.remove_source(random, objects),
            ActKind::RemoveSidecarFromArchive => {
                self.sidecars.remove_from_archive(random, objects, quiet)
            }
            ActKind::Hide | ActKind::Put => None,
        };
        let line = line.unwrap_or_else(|| self.put(random, objects, mirror));
        ManualAct::Objects(line)
    }

    /// Records that a copy has arrived in the archive.
    pub(super) fn record_copy(&mut self, copy: &SimulatedObject) {
        // A sidecar is of no shot.
        let Some(&facts) = self.files.get(&copy.etag) else {
            return;
        };
        self.ever.insert((facts.shot, facts.extension));
        let now = copy_source(copy).and_then(|source| self.sources.get(&source));
        if now.is_none_or(|now| now.etag != copy.etag) {
            self.slow.insert(facts.shot);
        }
    }

    /// Records that a copy arrives although its worker has died.
    pub(super) fn record_late_copy(&mut self, copy: &SimulatedObject) {
        let facts = self.files.get(&copy.etag);
        self.slow.extend(facts.map(|facts| facts.shot));
    }

    /// Records what a person has hidden: these items were changed.
    pub(super) fn record_hidden(&mut self, changed: &[ChangedItem]) {
        let shown = changed.first().map(|first| &first.after);
        let shown = shown.into_iter().flat_map(live_parts);
        self.hidden.extend(shown.map(|part| part.etag.clone()));
    }

    /// Uploads a new file: a shot, an edit, or another shot under a name that is used already.
    fn put(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> String {
        let extension = ["jpg", "jpg", "dng"][random.usize(..3)];
        let key = format!("{}/{BASE}.{extension}", FOLDERS[random.usize(..2)]);
        let name = (SOURCE.to_owned(), key);
        let before = self.sources.get(&name);
        let before = before.map(|before| self.files[&before.etag]);
        let edit = match random.usize(..6) {
            0 | 1 => EditKind::OtherDay,
            2 => EditKind::Stripped,
            _ => EditKind::Comment,
        };
        let (shot, edit) = match before {
            // An undated RAW has neither a time nor picture data, so no edit of it is recognised.
            Some(before) if random.usize(..3) > 0 && (extension == "jpg" || before.is_dated()) => {
                (before.shot, edit)
            }
            Some(before) => {
                let other = FileMaker::choose_shot(random);
                let other = if other == before.shot {
                    other + 1
                } else {
                    other
                };
                (other % 5, EditKind::Comment)
            }
            None => (FileMaker::choose_shot(random), EditKind::Comment),
        };
        let (bytes, facts) = self.maker.make(shot, extension, edit);
        if before.is_some_and(|before| before.shot == shot) || !facts.has_own_day() {
            self.edited.insert(shot);
        }
        self.upload(name, bytes, Some(facts), objects, mirror)
    }

    /// Uploads a source object again, with the same bytes.
    fn put_again(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Option<String> {
        let name = choose(random, self.sources.keys())?;
        let bytes = self.sources[&name].bytes.clone();
        Some(self.upload(name, bytes, None, objects, mirror))
    }

    /// Uploads bytes of the source once more, under the same name in another folder.
    fn put_under_second_key(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Option<String> {
        let from = choose(random, self.sources.keys())?;
        let file_name = from.1.split_once('/')?.1;
        let to = FOLDERS[random.usize(..2)];
        let to = (SOURCE.to_owned(), format!("{to}/{file_name}"));
        let bytes = self.sources[&from].bytes.clone();
        (from != to).then(|| self.upload(to, bytes, None, objects, mirror))
    }

    /// Renames a folder of the source: copies all its files, and deletes the old ones later.
    fn rename_folder(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> Option<String> {
        let is_used = |folder: &&str| {
            let mut keys = self.sources.keys();
            keys.any(|(_, key)| key.starts_with(&format!("{folder}/")))
        };
        let from = choose(random, FOLDERS.iter().copied().filter(is_used))?;
        let to = choose(random, FOLDERS.iter().copied().filter(|f| !is_used(f)))?;
        let keys = self.sources.keys().cloned();
        let old: Vec<ObjectName> = keys
            .filter(|(_, key)| key.starts_with(&format!("{from}/")))
            .collect();
        for name in &old {
            let key = name.1.replacen(&from, &to, 1);
            let bytes = self.sources[name].bytes.clone();
            self.upload((SOURCE.to_owned(), key), bytes, None, objects, mirror);
        }
        self.to_delete.extend(old);
        let sidecars = self.sidecars.rename_folder(&from, &to, objects);
        self.to_delete.extend(sidecars);
        Some(format!("renaming the folder {from} to {to}"))
    }

    /// Writes an object of the source. `new` is what its bytes are, if they were not used before.
    fn upload(
        &mut self,
        name: ObjectName,
        bytes: Bytes,
        new: Option<FileFacts>,
        objects: &mut SimulatedObjects,
        mirror: &CatalogueMirror,
    ) -> String {
        let before = self.sources.get(&name).map(|before| before.etag.clone());
        let object = objects.put(name.clone(), bytes).clone();
        let etag = object.etag.clone();
        match new {
            Some(facts) => {
                self.files.insert(etag.clone(), facts);
                if self.must_be_hidden(&name.1, before.as_deref(), facts, mirror) {
                    self.due.insert(etag.clone());
                }
            }
            None => self.record_repeat(&name, &etag, before.as_deref(), mirror),
        }
        let facts = self.files[&etag];
        if is_moving(objects, before.as_deref())
            || self.can_lose_track(facts.shot) && self.is_reused(&name, facts.shot)
        {
            self.slow.insert(facts.shot);
        }
        let shots = self.shots_of_keys.entry(name.clone()).or_default();
        shots.insert(facts.shot);
        let key = name.1.clone();
        self.sources.insert(name, object);
        format!(
            "put {key} {} (shot {}, {:?})",
            &etag[..6],
            facts.shot,
            facts.edit
        )
    }

    /// Reports whether a source key that goes back to this shot may not find its older version: a file
    /// of the shot has another day, or the JPEG had to pass a file by hand, and the RAW follows it.
    fn can_lose_track(&self, shot: u32) -> bool {
        self.has_changed_archive || self.has_two_days(shot)
    }

    /// Reports whether a file of a shot has another day than the camera recorded.
    fn has_two_days(&self, shot: u32) -> bool {
        let mut files = self.files.values();
        files.any(|file| file.shot == shot && !file.has_own_day())
    }

    /// Reports whether a source key has had this shot and another one. The ledger may name the
    /// photo of the other shot. A version with another day does not find the older one then.
    fn is_reused(&self, name: &ObjectName, shot: u32) -> bool {
        let shots = self.shots_of_keys.get(name);
        shots.is_some_and(|shots| shots.contains(&shot) && shots.len() > 1)
    }

    /// Records that bytes were uploaded that were uploaded before.
    fn record_repeat(
        &mut self,
        name: &ObjectName,
        etag: &str,
        before: Option<&str>,
        mirror: &CatalogueMirror,
    ) {
        if !self.files[etag].has_own_day() && before != Some(etag) {
            self.separate.insert(etag.to_owned());
        }
        let is_edit = before.is_some_and(|before| {
            before != etag && self.files[before].shot == self.files[etag].shot
        });
        if is_edit || before != Some(etag) && self.has_other_photo(etag, mirror) {
            // The bytes may come into a photo of the same shot that has other bytes. Then they are
            // in two photos.
            self.slow.insert(self.files[etag].shot);
            self.separate.insert(etag.to_owned());
        }
        let Some(entry) = mirror.ledger.get(&name.1) else {
            return;
        };
        // A new upload of these bytes may restore their removed copies.
        self.settled.remove(etag);
        let key = entry.archive_key.as_deref().unwrap_or_default();
        let item = mirror.items.get(key.rsplit_once('.').unwrap_or_default().0);
        let extension = self.files[etag].extension;
        let is_free = item.is_some_and(|item| {
            let mut parts = live_parts(item);
            !parts.any(|part| slot_of(&part.key) == slot_of(extension))
        });
        if entry.version.etag == etag && is_free && before == Some(etag) {
            self.gone.remove(etag);
        }
    }

    /// Returns the files that are in the evidence of an item, with their ETags.
    pub(super) fn known_files<'a>(
        &'a self,
        item: &'a PhotoItem,
    ) -> impl Iterator<Item = (&'a str, &'a FileFacts)> {
        item.evidence.iter().filter_map(|entry| {
            let etag = entry.content.as_str().rsplit(':').next()?;
            Some((etag, self.files.get(etag)?))
        })
    }

    /// Reports whether the evidence of an item contains another file of the same shot, but not
    /// these bytes.
    fn has_other_photo(&self, etag: &str, mirror: &CatalogueMirror) -> bool {
        let facts = self.files[etag];
        mirror.items.values().any(|item| {
            let mut known = self.known_files(item);
            let has_shot = known.any(|(_, known)| known.shot == facts.shot);
            // A file by hand may look like a file of the same shot.
            let has_file_by_hand = item.evidence.iter().any(|entry| entry.source.is_none());
            let is_known = self.known_files(item).any(|(known, _)| known == etag);
            (has_shot || has_file_by_hand) && !is_known
        })
    }

    /// Reports whether new bytes must be hidden: they replace a hidden file under its key, or are
    /// another file of a hidden shot.
    fn must_be_hidden(
        &self,
        key: &str,
        before: Option<&str>,
        facts: FileFacts,
        mirror: &CatalogueMirror,
    ) -> bool {
        let is_hidden = |etag: &str| self.is_hidden(etag);
        let entry = mirror.ledger.get(key);
        let entry = entry.filter(|entry| before == Some(entry.version.etag.as_str()));
        let stem = entry.and_then(|entry| entry.archive_key.as_deref());
        let stem = stem.and_then(|key| Some(key.rsplit_once('.')?.0));
        let item = stem.and_then(|stem| mirror.items.get(stem));
        let replaces_hidden =
            before.is_some_and(is_hidden) && item.is_some_and(PhotoItem::is_hidden_by_hand);
        let first = format!("{}/{BASE}", facts.folder);
        let joins_hidden = mirror.items.values().any(|item| {
            let rest = item.stem.strip_prefix(&first);
            item.is_hidden_by_hand()
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('~'))
                && live_parts(item).any(|part| {
                    let hidden = self.files[&part.etag];
                    let is_near = hidden.is_dated() || hidden.extension == facts.extension;
                    is_hidden(&part.etag)
                        && hidden.shot == facts.shot
                        && hidden.folder == facts.folder
                        && is_near
                })
        });
        // The newcomer may join an item that has evidence of its shot. Then it is not compared with
        // a hidden photo.
        let has_own_place = mirror.items.values().any(|item| {
            let mut known = self.known_files(item);
            // A name that a file by hand has, or had, is free for a RAW whose JPEG went to the next
            // name.
            let is_free = item.evidence.is_empty()
                || item.evidence.iter().any(|entry| entry.source.is_none());
            !item.is_hidden_by_hand()
                && (is_free || known.any(|(_, known)| known.shot == facts.shot))
        });
        replaces_hidden || joins_hidden && !has_own_place
    }

    /// Reports whether these bytes must not be public.
    pub(super) fn is_hidden(&self, etag: &str) -> bool {
        !self.separate.contains(etag) && (self.hidden.contains(etag) || self.due.contains(etag))
    }

    fn remove_source(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
    ) -> Option<String> {
        let name = choose(random, self.sources.keys())?;
        self.sources.remove(&name);
        objects.remove(&name);
        Some(format!("removed the source {}", name.1))
    }

    fn drop_file(&mut self, at: &str, random: &mut Rng, objects: &mut SimulatedObjects) -> String {
        self.has_changed_archive = true;
        let name = (ARCHIVE.to_owned(), at.to_owned());
        self.record_removal(objects, &name, false);
        let (bytes, facts) = self.maker.make_foreign(random);
        let etag = objects.put(name.clone(), bytes).etag.clone();
        self.files.insert(etag.clone(), facts);
        let line = format!("dropped {at} {}", &etag[..6]);
        self.by_hand.insert(name, etag);
        line
    }

    /// Copies or renames a file in the archive with its metadata, or copies it and deletes the
    /// copy. If `is_planned` is true, the new name may be one that uploads use.
    fn copy_in_archive(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        is_planned: bool,
    ) -> Option<String> {
        let from = choose(random, archive_objects(objects).map(|(name, _)| name))?;
        let folder = ["2018-02-01", "2018-02-02", "holidays"][random.usize(..3)];
        let base = if is_planned { BASE } else { "chosen" };
        let extension = from.1.rsplit('.').next()?;
        let to = (ARCHIVE.to_owned(), format!("{folder}/{base}.{extension}"));
        if from == to {
            return None;
        }
        self.has_changed_archive = true;
        if copy_target(&objects.there[&from]).is_none() {
            // Without our metadata, equal bytes are two photos.
            self.separate.insert(objects.there[&from].etag.clone());
        }
        self.record_removal(objects, &to, false);
        objects.copy_by_hand(&from, to.clone());
        let copy = &objects.there[&to];
        if is_own(&to, copy) {
            self.by_hand.remove(&to);
        } else {
            self.by_hand.insert(to.clone(), copy.etag.clone());
        }
        let line = format!("copied {} to {} in the archive", from.1, to.1);
        match random.usize(..8) {
            0..=3 => self.to_delete.push_back(from),
            // The copy was a mistake.
            4 => self.to_delete.push_back(to),
            _ => {}
        }
        Some(line)
    }

    /// Deletes one of the objects that are to be deleted next.
    fn delete_next(&mut self, name: &ObjectName, objects: &mut SimulatedObjects) -> String {
        if name.0 == SOURCE {
            self.sources.remove(name);
            self.sidecars.sources.remove(name);
        } else {
            self.record_removal(objects, name, false);
        }
        objects.remove(name);
        format!("deleted {}", name.1)
    }

    fn remove_from_archive(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        quiet: bool,
    ) -> Option<String> {
        let name = choose(random, archive_objects(objects).map(|(name, _)| name))?;
        self.has_changed_archive = true;
        self.record_removal(objects, &name, quiet);
        objects.remove(&name);
        Some(format!("removed {} from the archive", name.1))
    }

    /// Records that a person removes or overwrites a file of the archive.
    fn record_removal(&mut self, objects: &SimulatedObjects, name: &ObjectName, quiet: bool) {
        self.by_hand.remove(name);
        self.unreported.remove(name);
        let Some(object) = objects.there.get(name) else {
            return;
        };
        let facts = self.files[&object.etag];
        self.removed.insert((facts.shot, facts.extension));
        let mut others = archive_objects(objects).filter(|(other, _)| *other != name);
        if !others.any(|(_, other)| other.etag == object.etag) {
            self.gone.insert(object.etag.clone());
            if quiet {
                self.settled.insert(object.etag.clone());
            }
        }
    }
}

/// Reports whether ingest has made a second copy of these bytes and has not deleted the first one.
fn is_moving(objects: &SimulatedObjects, etag: Option<&str>) -> bool {
    let own = archive_objects(objects).filter(|(name, object)| is_own(name, object));
    own.filter(|(_, object)| Some(object.etag.as_str()) == etag)
        .count()
        > 1
}

/// Returns the stem of a random photo that a person can see.
fn choose_shown_photo(random: &mut Rng, mirror: &CatalogueMirror) -> Option<String> {
    let items = mirror.items.values();
    let shown = items.filter(|item| item.has_live_photo() && !item.is_hidden_by_hand());
    choose(random, shown.map(|item| &item.stem))
}

pub(super) fn choose<'a, T: ToOwned + ?Sized + 'a>(
    random: &mut Rng,
    from: impl Iterator<Item = &'a T>,
) -> Option<T::Owned> {
    let all: Vec<&T> = from.collect();
    let chosen = all.get(random.usize(..all.len().max(1)))?;
    Some((*chosen).to_owned())
}

/// Returns the photo files of an item that are in the archive.
pub(super) fn live_parts(item: &PhotoItem) -> impl Iterator<Item = &PhotoPart> {
    item.live_photo_parts().map(|(_, part)| part)
}

/// Returns the photos in the archive, without sidecars.
pub(super) fn archive_objects(
    objects: &SimulatedObjects,
) -> impl Iterator<Item = (&ObjectName, &SimulatedObject)> {
    let there = objects.there.iter();
    there.filter(|((bucket, key), _)| bucket == ARCHIVE && !is_sidecar(key))
}

/// Returns the archive key in the user metadata of a copy. Returns `None` for a foreign file.
pub(super) fn copy_target(object: &SimulatedObject) -> Option<&str> {
    object.metadata.get("photo-target").map(String::as_str)
}

/// Reports whether ingest put an object under its archive key.
pub(super) fn is_own(name: &ObjectName, object: &SimulatedObject) -> bool {
    copy_target(object) == Some(name.1.as_str())
}

/// Returns the slot of a file with this key or extension.
fn slot_of(key: &str) -> &str {
    match key.rsplit('.').next() {
        Some("jpeg") => "jpg",
        extension => extension.unwrap_or_default(),
    }
}

/// Returns the source object in the user metadata of a copy. Returns `None` for a foreign file.
pub(super) fn copy_source(object: &SimulatedObject) -> Option<ObjectName> {
    let source = object.metadata.get("photo-source")?;
    let (bucket, key) = source.split_once('/')?;
    Some((bucket.to_owned(), key.to_owned()))
}
