//! What a person does by hand, what was seen to happen, and the oracle: what must hold when all is at rest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use fastrand::Rng;
use photo_catalogue::archive::{Layout, Owner};
use photo_catalogue::catalogue::item::PhotoItem;

use super::objects::{Name, Object, Objects};
use crate::ingest::photos::TestShot;

pub(super) const SOURCE: &str = "inbox";
pub(super) const ARCHIVE: &str = "archive";
/// One file name in two folders, and the RAW beside one of them.
const SOURCE_KEYS: [&str; 4] = ["a/IMG_1.jpg", "a/IMG_1.dng", "b/IMG_1.jpg", "b/IMG_1.dng"];
/// Where files are dropped by hand: the very name that all of them want first.
const DROPPED_AT: &str = "2018-02-01/IMG_1.jpg";
/// The same name with an extension that no upload has: dropped at any moment, beside first copies under way.
const DROPPED_BESIDE: &str = "2018-02-01/IMG_1.jpeg";
/// Shots of one day: so the name comes round again.
const TAKEN: [&str; 3] = [
    "2018:02:01 09:41:07",
    "2018:02:01 15:00:00",
    "2018:02:01 19:30:00",
];

/// JPEG and RAW of each shot.
static FILES: LazyLock<[(Vec<u8>, Vec<u8>); 3]> =
    LazyLock::new(|| TAKEN.map(|taken| (TestShot::at(taken).jpeg(), TestShot::at(taken).dng())));

/// A file of a shot in the archive: the owner that its copy names, and its extension.
type File = (String, String);

pub(super) struct History {
    acts_left: usize,
    /// The next act waits until all is at rest.
    waits: bool,
    /// Makes all bytes different.
    edits: u32,
    /// What the source holds.
    sources: BTreeMap<Name, Object>,
    /// ETags that each source key ever held.
    uploaded: BTreeSet<(String, String)>,
    /// Files in the archive that are not ours, as they were dropped.
    dropped: BTreeMap<Name, String>,
    /// Those of them that nobody was told of.
    untold: BTreeMap<Name, String>,
    /// Every file that was ever archived.
    ever: BTreeSet<File>,
    /// Files that were removed by hand, or overwritten.
    removed: BTreeSet<File>,
    /// Source key and ETag of copies that were removed by hand since that source was last put.
    removed_bytes: BTreeSet<(String, String)>,
    /// Those that were removed while all was at rest.
    settled: BTreeSet<(String, String)>,
}

impl History {
    pub(super) fn new(acts: usize) -> Self {
        History {
            acts_left: acts,
            waits: false,
            edits: 0,
            sources: BTreeMap::new(),
            uploaded: BTreeSet::new(),
            dropped: BTreeMap::new(),
            untold: BTreeMap::new(),
            ever: BTreeSet::new(),
            removed: BTreeSet::new(),
            removed_bytes: BTreeSet::new(),
            settled: BTreeSet::new(),
        }
    }

    /// A file that was in the archive before there were notifications.
    pub(super) fn before_us(&mut self, random: &mut Rng, objects: &mut Objects) -> String {
        let line = self.drop_file(DROPPED_AT, random, objects);
        objects.take_changes();
        self.untold = self.dropped.clone();
        line
    }

    pub(super) fn may_go_on(&self, quiet: bool) -> bool {
        self.acts_left > 0 && (quiet || !self.waits)
    }

    /// Does something by hand, and says what.
    pub(super) fn act(&mut self, random: &mut Rng, objects: &mut Objects, quiet: bool) -> String {
        self.acts_left -= 1;
        self.waits = random.usize(..3) == 0;
        match random.usize(..10) {
            // See the note on drops in docs/guarantees.md: one is handled before anything else is done.
            0 if quiet => {
                self.waits = true;
                self.drop_file(DROPPED_AT, random, objects)
            }
            0 => self.drop_file(DROPPED_BESIDE, random, objects),
            1 | 2 => self.remove_from_archive(random, objects, quiet),
            3 => self.remove_source(random, objects),
            4 => self.put_anew(random, objects),
            _ => self.put(random, objects),
        }
    }

    /// A copy landed.
    pub(super) fn copied(&mut self, copy: &Object, name: &Name) {
        if let Some(owner) = owner(copy) {
            self.ever.insert((owner, extension(&name.1)));
        }
    }

    fn bytes(&mut self, random: &mut Rng, extension: &str) -> Bytes {
        self.edits += 1;
        let (jpeg, dng) = &FILES[random.usize(..TAKEN.len())];
        let mut bytes = if extension == "jpg" {
            jpeg.clone()
        } else {
            dng.clone()
        };
        bytes.extend(self.edits.to_be_bytes());
        bytes.into()
    }

    fn put(&mut self, random: &mut Rng, objects: &mut Objects) -> String {
        let key = SOURCE_KEYS[random.usize(..SOURCE_KEYS.len())];
        let bytes = self.bytes(random, &extension(key));
        self.upload(key, bytes, objects)
    }

    /// The same bytes once more.
    fn put_anew(&mut self, random: &mut Rng, objects: &mut Objects) -> String {
        if self.sources.is_empty() {
            return self.put(random, objects);
        }
        let keys: Vec<Name> = self.sources.keys().cloned().collect();
        let name = &keys[random.usize(..keys.len())];
        let bytes = self.sources[name].bytes.clone();
        self.upload(&name.1, bytes, objects)
    }

    fn upload(&mut self, key: &str, bytes: Bytes, objects: &mut Objects) -> String {
        let name = (SOURCE.to_owned(), key.to_owned());
        let object = objects.put(name.clone(), bytes).clone();
        let what = (key.to_owned(), object.etag.clone());
        self.uploaded.insert(what.clone());
        self.removed_bytes.remove(&what);
        // Whatever was settled of this source is open again.
        self.settled.retain(|(source, _)| source != key);
        let line = format!("put {key} {}", &object.etag[..6]);
        self.sources.insert(name, object);
        line
    }

    fn remove_source(&mut self, random: &mut Rng, objects: &mut Objects) -> String {
        let keys: Vec<Name> = self.sources.keys().cloned().collect();
        if keys.is_empty() {
            return self.put(random, objects);
        }
        let name = &keys[random.usize(..keys.len())];
        self.sources.remove(name);
        objects.remove(name);
        format!("removed the source {}", name.1)
    }

    fn drop_file(&mut self, at: &str, random: &mut Rng, objects: &mut Objects) -> String {
        let name = (ARCHIVE.to_owned(), at.to_owned());
        self.note_removal(objects, &name, false);
        let bytes = self.bytes(random, "jpg");
        let etag = objects.put(name.clone(), bytes).etag.clone();
        self.untold.remove(&name);
        let line = format!("dropped {at} {}", &etag[..6]);
        self.dropped.insert(name, etag);
        line
    }

    fn remove_from_archive(
        &mut self,
        random: &mut Rng,
        objects: &mut Objects,
        quiet: bool,
    ) -> String {
        let names: Vec<Name> = in_archive(objects).map(|(name, _)| name.clone()).collect();
        if names.is_empty() {
            return self.put(random, objects);
        }
        let name = &names[random.usize(..names.len())];
        self.note_removal(objects, name, quiet);
        self.dropped.remove(name);
        self.untold.remove(name);
        objects.remove(name);
        format!("removed {} from the archive", name.1)
    }

    fn note_removal(&mut self, objects: &Objects, name: &Name, quiet: bool) {
        let Some(object) = objects.there.get(name) else {
            return;
        };
        if let (Some(owner), Some(source)) = (owner(object), copied_from(object)) {
            self.removed.insert((owner, extension(&name.1)));
            self.removed_bytes.insert(source.clone());
            if quiet {
                self.settled.insert(source);
            }
        }
    }

    /// Everything that is promised, held against what is there.
    pub(super) fn judge(
        &self,
        objects: &Objects,
        items: &BTreeMap<String, HashMap<String, AttributeValue>>,
    ) -> Result<(), String> {
        let sources: BTreeMap<&Name, &str> = objects
            .there
            .iter()
            .filter(|((bucket, _), _)| bucket == SOURCE)
            .map(|(name, object)| (name, object.etag.as_str()))
            .collect();
        let put: BTreeMap<&Name, &str> = self
            .sources
            .iter()
            .map(|(name, object)| (name, object.etag.as_str()))
            .collect();
        if sources != put {
            return Err("the source was changed".to_owned());
        }
        self.judge_archive(objects)?;
        self.judge_catalogue(objects, items)
    }

    fn judge_archive(&self, objects: &Objects) -> Result<(), String> {
        for (name, etag) in &self.dropped {
            match objects.there.get(name) {
                Some(there) if there.etag == *etag && owner(there).is_none() => {}
                _ => return Err(format!("somebody else's {} was touched", name.1)),
            }
        }
        let mut files: BTreeMap<File, &str> = BTreeMap::new();
        let mut copies = BTreeSet::new();
        for (name, object) in in_archive(objects) {
            let (Some(owner), Some(source)) = (owner(object), copied_from(object)) else {
                if self.dropped.contains_key(name) {
                    continue;
                }
                return Err(format!("{} came from nowhere", name.1));
            };
            if !self.uploaded.contains(&source) || source.1 != object.etag {
                return Err(format!("{} has bytes that {} never had", name.1, source.0));
            }
            if self.settled.contains(&source) {
                return Err(format!("{} was removed by hand, and is back", name.1));
            }
            if let Some(other) = files.insert((owner, extension(&name.1)), &name.1) {
                return Err(format!("{} and {other} are one photo", name.1));
            }
            copies.insert(source);
        }
        for ((_, key), object) in &self.sources {
            let bytes = (key.clone(), object.etag.clone());
            if !copies.contains(&bytes) && !self.removed_bytes.contains(&bytes) {
                return Err(format!("{key} {} was not archived", &object.etag[..6]));
            }
        }
        for file in &self.ever {
            if !files.contains_key(file) && !self.removed.contains(file) {
                return Err(format!("a photo that was archived is gone: {file:?}"));
            }
        }
        Ok(())
    }

    fn judge_catalogue(
        &self,
        objects: &Objects,
        items: &BTreeMap<String, HashMap<String, AttributeValue>>,
    ) -> Result<(), String> {
        let layout = Layout::new(SOURCE, "", ARCHIVE, "").unwrap();
        let photos = items.iter().filter(|(pk, _)| pk.starts_with("photo#"));
        let mut listed: BTreeMap<String, (String, String)> = BTreeMap::new();
        for (_, attributes) in photos {
            let item: PhotoItem =
                serde_dynamo::from_item(attributes.clone()).map_err(|e| e.to_string())?;
            if item.summary.is_some() != item.has_live_parts() {
                return Err(format!(
                    "{} is listed and has no part, or the reverse",
                    item.stem
                ));
            }
            let mut owners = BTreeSet::new();
            for part in item.parts.values().filter(|part| !part.removed) {
                listed.insert(
                    part.key.clone(),
                    (part.etag.clone(), part.last_modified.clone()),
                );
                let there = objects.there.get(&(ARCHIVE.to_owned(), part.key.clone()));
                owners.extend(there.and_then(owner));
            }
            if owners.len() > 1 {
                return Err(format!("two shots in the record of {}", item.stem));
            }
            if item.has_live_parts()
                && !item.derived_from.as_ref().is_some_and(|from| {
                    let part = item.parts.get(&from.part);
                    part.is_some_and(|part| !part.removed && part.etag == from.etag)
                })
            {
                return Err(format!(
                    "the record of {} is that of other bytes",
                    item.stem
                ));
            }
            // None of ours among them: somebody else's file keeps company with a claim, or with what was removed.
            if item.owner != Owner::FOREIGN && !owners.is_empty() && !owners.contains(&item.owner) {
                return Err(format!("{} belongs to none of its parts", item.stem));
            }
        }
        let mut there: BTreeMap<String, (String, String)> = BTreeMap::new();
        for (name, object) in in_archive(objects) {
            assert!(layout.place(&name.0, &name.1).is_some());
            let is_untold = self.untold.get(name) == Some(&object.etag);
            if !is_untold || listed.contains_key(&name.1) {
                there.insert(
                    name.1.clone(),
                    (object.etag.clone(), object.last_modified()),
                );
            }
        }
        if listed == there {
            Ok(())
        } else {
            Err(format!(
                "the catalogue lists {listed:?}\nand the archive holds {there:?}"
            ))
        }
    }
}

fn in_archive(objects: &Objects) -> impl Iterator<Item = (&Name, &Object)> {
    objects
        .there
        .iter()
        .filter(|((bucket, _), _)| bucket == ARCHIVE)
}

/// The owner that a copy of ours names.
fn owner(object: &Object) -> Option<String> {
    object.metadata.get("photo-owner").cloned()
}

/// Source key and ETag that a copy of ours names.
fn copied_from(object: &Object) -> Option<(String, String)> {
    let source = object.metadata.get("photo-source")?;
    let (_, key) = source.split_once('/')?;
    Some((
        key.to_owned(),
        object.metadata.get("photo-source-etag")?.clone(),
    ))
}

fn extension(key: &str) -> String {
    key.rsplit('.').next().unwrap_or_default().to_owned()
}
