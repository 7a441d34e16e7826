//! The writes of a person, the record of everything that happened in a run, and the oracle: the
//! check of the final state.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use fastrand::Rng;
use photo_catalogue::archive::{Layout, Owner};
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::object::{Bucket, ObjectRef};

use super::objects::{ObjectName, SimulatedObject, SimulatedObjects};
use crate::ingest::photos::TestShot;

pub(super) const SOURCE: &str = "inbox";
pub(super) const ARCHIVE: &str = "archive";
/// The source keys: one file name in two folders, each as a JPEG and a RAW.
const SOURCE_KEYS: [&str; 4] = ["a/IMG_1.jpg", "a/IMG_1.dng", "b/IMG_1.jpg", "b/IMG_1.dng"];
/// The archive key to which a person writes foreign files. It is the first archive key that every
/// JPEG of the uploads tries.
const DROPPED_AT: &str = "2018-02-01/IMG_1.jpg";
/// An archive key with the same stem as [`DROPPED_AT`], and with an extension that no upload has. A
/// person writes foreign files to it at any time, even while the first copy to the stem is in
/// flight.
const DROPPED_OTHER_EXTENSION: &str = "2018-02-01/IMG_1.jpeg";
/// The capture times of the shots. They are on one day, so the shots compete for the same archive
/// names.
const TAKEN: [&str; 3] = [
    "2018:02:01 09:41:07",
    "2018:02:01 15:00:00",
    "2018:02:01 19:30:00",
];

/// The JPEG and the RAW of each shot.
static FILES: LazyLock<[(Vec<u8>, Vec<u8>); 3]> =
    LazyLock::new(|| TAKEN.map(|taken| (TestShot::at(taken).jpeg(), TestShot::at(taken).dng())));

/// An archived file of a shot: the owner, which is in the user metadata of the file, and the
/// extension.
type OwnedFile = (String, String);

pub(super) struct ManualHistory {
    acts_left: usize,
    /// `true` if the person makes the next write only when no work is left.
    waits: bool,
    /// The number of edits so far. It makes the bytes of every edit different.
    edits: u32,
    /// The objects that are in the source now.
    sources: BTreeMap<ObjectName, SimulatedObject>,
    /// The bytes that were ever uploaded: source key and ETag.
    uploaded: BTreeSet<(String, String)>,
    /// The foreign files that are in the archive now. The value is the ETag.
    dropped: BTreeMap<ObjectName, String>,
    /// The foreign files for which no event is ever delivered. The value is the ETag.
    unreported: BTreeMap<ObjectName, String>,
    /// The files of shots that were ever in the archive.
    ever: BTreeSet<OwnedFile>,
    /// The archived files that a person removed or overwrote.
    removed: BTreeSet<OwnedFile>,
    /// The copies that a person removed after the last upload of their bytes: source key and ETag.
    removed_bytes: BTreeSet<(String, String)>,
    /// Those entries of `removed_bytes` whose copy was removed while no work was left.
    settled: BTreeSet<(String, String)>,
}

impl ManualHistory {
    pub(super) fn new(acts: usize) -> Self {
        ManualHistory {
            acts_left: acts,
            waits: false,
            edits: 0,
            sources: BTreeMap::new(),
            uploaded: BTreeSet::new(),
            dropped: BTreeMap::new(),
            unreported: BTreeMap::new(),
            ever: BTreeSet::new(),
            removed: BTreeSet::new(),
            removed_bytes: BTreeSet::new(),
            settled: BTreeSet::new(),
        }
    }

    /// Writes a foreign file to the archive before the store sends notifications, so the file has
    /// no event. Returns a line for the trace (the log of the run).
    pub(super) fn drop_before_notifications(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
    ) -> String {
        let line = self.drop_file(DROPPED_AT, random, objects);
        objects.take_changes();
        self.unreported = self.dropped.clone();
        line
    }

    pub(super) fn can_act(&self, quiet: bool) -> bool {
        self.acts_left > 0 && (quiet || !self.waits)
    }

    /// Makes a random write, as a person would: an upload, an edit, a removal or a foreign file.
    /// `quiet` is `true` if no work is left. Returns a line for the trace (the log of the run).
    pub(super) fn act(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        quiet: bool,
    ) -> String {
        self.acts_left -= 1;
        self.waits = random.usize(..3) == 0;
        match random.usize(..10) {
            // The next write waits until this one is done: see the note on such files in
            // docs/guarantees.md.
            0 if quiet => {
                self.waits = true;
                self.drop_file(DROPPED_AT, random, objects)
            }
            0 => self.drop_file(DROPPED_OTHER_EXTENSION, random, objects),
            1 | 2 => self.remove_from_archive(random, objects, quiet),
            3 => self.remove_source(random, objects),
            4 => self.put_again(random, objects),
            _ => self.put(random, objects),
        }
    }

    /// Records that ingest has written this copy to the archive.
    pub(super) fn record_copy(&mut self, copy: &SimulatedObject, name: &ObjectName) {
        if let Some(owner) = copy_owner(copy) {
            self.ever.insert((owner, extension(&name.1)));
        }
    }

    fn make_bytes(&mut self, random: &mut Rng, extension: &str) -> Bytes {
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

    fn put(&mut self, random: &mut Rng, objects: &mut SimulatedObjects) -> String {
        let key = SOURCE_KEYS[random.usize(..SOURCE_KEYS.len())];
        let bytes = self.make_bytes(random, &extension(key));
        self.upload(key, bytes, objects)
    }

    /// Uploads a source object again, with the same bytes.
    fn put_again(&mut self, random: &mut Rng, objects: &mut SimulatedObjects) -> String {
        if self.sources.is_empty() {
            return self.put(random, objects);
        }
        let keys: Vec<ObjectName> = self.sources.keys().cloned().collect();
        let name = &keys[random.usize(..keys.len())];
        let bytes = self.sources[name].bytes.clone();
        self.upload(&name.1, bytes, objects)
    }

    fn upload(&mut self, key: &str, bytes: Bytes, objects: &mut SimulatedObjects) -> String {
        let name = (SOURCE.to_owned(), key.to_owned());
        let object = objects.put(name.clone(), bytes).clone();
        let what = (key.to_owned(), object.etag.clone());
        self.uploaded.insert(what.clone());
        self.removed_bytes.remove(&what);
        // A new upload of this source may restore its removed copies.
        self.settled.retain(|(source, _)| source != key);
        let line = format!("put {key} {}", &object.etag[..6]);
        self.sources.insert(name, object);
        line
    }

    fn remove_source(&mut self, random: &mut Rng, objects: &mut SimulatedObjects) -> String {
        let keys: Vec<ObjectName> = self.sources.keys().cloned().collect();
        if keys.is_empty() {
            return self.put(random, objects);
        }
        let name = &keys[random.usize(..keys.len())];
        self.sources.remove(name);
        objects.remove(name);
        format!("removed the source {}", name.1)
    }

    fn drop_file(&mut self, at: &str, random: &mut Rng, objects: &mut SimulatedObjects) -> String {
        let name = (ARCHIVE.to_owned(), at.to_owned());
        self.record_removal(objects, &name, false);
        let bytes = self.make_bytes(random, "jpg");
        let etag = objects.put(name.clone(), bytes).etag.clone();
        self.unreported.remove(&name);
        let line = format!("dropped {at} {}", &etag[..6]);
        self.dropped.insert(name, etag);
        line
    }

    fn remove_from_archive(
        &mut self,
        random: &mut Rng,
        objects: &mut SimulatedObjects,
        quiet: bool,
    ) -> String {
        let names: Vec<ObjectName> = archive_objects(objects)
            .map(|(name, _)| name.clone())
            .collect();
        if names.is_empty() {
            return self.put(random, objects);
        }
        let name = &names[random.usize(..names.len())];
        self.record_removal(objects, name, quiet);
        self.dropped.remove(name);
        self.unreported.remove(name);
        objects.remove(name);
        format!("removed {} from the archive", name.1)
    }

    fn record_removal(&mut self, objects: &SimulatedObjects, name: &ObjectName, quiet: bool) {
        let Some(object) = objects.there.get(name) else {
            return;
        };
        if let (Some(owner), Some(source)) = (copy_owner(object), copy_source(object)) {
            self.removed.insert((owner, extension(&name.1)));
            self.removed_bytes.insert(source.clone());
            if quiet {
                self.settled.insert(source);
            }
        }
    }

    /// Checks all guarantees in the final state. Returns the first violation as an error.
    pub(super) fn check_final_state(
        &self,
        objects: &SimulatedObjects,
        items: &BTreeMap<String, HashMap<String, AttributeValue>>,
    ) -> Result<(), String> {
        let sources: BTreeMap<&ObjectName, &str> = objects
            .there
            .iter()
            .filter(|((bucket, _), _)| bucket == SOURCE)
            .map(|(name, object)| (name, object.etag.as_str()))
            .collect();
        let put: BTreeMap<&ObjectName, &str> = self
            .sources
            .iter()
            .map(|(name, object)| (name, object.etag.as_str()))
            .collect();
        if sources != put {
            return Err("the source was changed".to_owned());
        }
        self.check_archive(objects)?;
        self.check_catalogue(objects, items)
    }

    fn check_archive(&self, objects: &SimulatedObjects) -> Result<(), String> {
        for (name, etag) in &self.dropped {
            match objects.there.get(name) {
                Some(there) if there.etag == *etag && copy_owner(there).is_none() => {}
                _ => return Err(format!("the foreign file {} was changed", name.1)),
            }
        }
        let mut files: BTreeMap<OwnedFile, &str> = BTreeMap::new();
        let mut copies = BTreeSet::new();
        for (name, object) in archive_objects(objects) {
            let (Some(owner), Some(source)) = (copy_owner(object), copy_source(object)) else {
                if self.dropped.contains_key(name) {
                    continue;
                }
                return Err(format!("{} has no known origin", name.1));
            };
            if !self.uploaded.contains(&source) || source.1 != object.etag {
                return Err(format!("{} has bytes that {} never had", name.1, source.0));
            }
            if self.settled.contains(&source) {
                return Err(format!("{} was removed by hand and is back", name.1));
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

    fn check_catalogue(
        &self,
        objects: &SimulatedObjects,
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
                    "{} is listed without a part, or has a part and is not listed",
                    item.stem
                ));
            }
            let mut owners = BTreeSet::new();
            for part in item.parts.values().filter(|part| part.is_live()) {
                listed.insert(
                    part.key.clone(),
                    (part.etag.clone(), part.last_modified.clone()),
                );
                let there = objects.there.get(&(ARCHIVE.to_owned(), part.key.clone()));
                owners.extend(there.and_then(copy_owner));
            }
            if owners.len() > 1 {
                return Err(format!("two shots in the record of {}", item.stem));
            }
            if item.has_live_parts()
                && !item.derived_from.as_ref().is_some_and(|from| {
                    let part = item.parts.get(&from.part);
                    part.is_some_and(|part| part.is_live() && part.etag == from.etag)
                })
            {
                return Err(format!(
                    "the record of {} was derived from other bytes",
                    item.stem
                ));
            }
            // An item with only foreign files may still have the owner of a claim or of a removed
            // copy.
            if item.owner != Owner::FOREIGN && !owners.is_empty() && !owners.contains(&item.owner) {
                return Err(format!("{} belongs to none of its parts", item.stem));
            }
        }
        let mut there: BTreeMap<String, (String, String)> = BTreeMap::new();
        for (name, object) in archive_objects(objects) {
            assert!(layout.place(&object_ref(name)).is_some());
            let is_unreported = self.unreported.get(name) == Some(&object.etag);
            if !is_unreported || listed.contains_key(&name.1) {
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

fn archive_objects(
    objects: &SimulatedObjects,
) -> impl Iterator<Item = (&ObjectName, &SimulatedObject)> {
    objects
        .there
        .iter()
        .filter(|((bucket, _), _)| bucket == ARCHIVE)
}

/// Returns the owner in the user metadata of a copy. Returns `None` for a foreign file.
fn copy_owner(object: &SimulatedObject) -> Option<String> {
    object.metadata.get("photo-owner").cloned()
}

/// Returns the source key and the ETag in the user metadata of a copy. Returns `None` for a foreign
/// file.
fn copy_source(object: &SimulatedObject) -> Option<(String, String)> {
    let source = object.metadata.get("photo-source")?;
    let (_, key) = source.split_once('/')?;
    Some((
        key.to_owned(),
        object.metadata.get("photo-source-etag")?.clone(),
    ))
}

fn object_ref((bucket, key): &(String, String)) -> ObjectRef {
    Bucket::new(bucket).unwrap().object(key)
}

fn extension(key: &str) -> String {
    key.rsplit('.').next().unwrap_or_default().to_owned()
}
