//! Replaces months in the files of a list. Reads only the files that contain these months. Pure.

use std::collections::BTreeSet;
use std::io;

use bytes::Bytes;

use super::list_file::{ListFile, ListHead, ListMonth, month_age};
use super::list_key::ListKey;
use super::stored_text::{compress, json_digest};
use crate::catalogue::published_lists::ListPart;

/// The files of a list, in the order of the photos, while months are replaced in them.
#[derive(Debug, Default)]
pub(super) struct ListPatch {
    parts: Vec<PatchedPart>,
    /// The compressed size of a file, in bytes, above which it is split.
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct PatchedPart {
    /// The file as it is stored. It is the default if no file is stored yet.
    stored: ListPart,
    /// The photos, with the changes so far. `None` if the file was not read.
    months: Option<Vec<ListMonth>>,
}

/// The files that a list must have.
#[derive(Debug, Default)]
pub(super) struct ListPlan {
    pub(super) name: String,
    pub(super) photos: u64,
    /// The files, in the order of the photos.
    pub(super) files: Vec<PlannedFile>,
}

/// A file that a list must have.
#[derive(Debug)]
pub(super) struct PlannedFile {
    /// The state of the file. `etag` is empty if the file must be written.
    pub(super) part: ListPart,
    /// The JSON, compressed by gzip. `None` if the stored file is the same.
    pub(super) compressed: Option<Vec<u8>>,
}

impl ListPatch {
    /// Starts with the files of a list as the publish table lists them. None of them is read yet.
    pub(super) fn new(parts: &[ListPart], max_bytes: usize) -> Self {
        let parts = parts.iter().map(|part| PatchedPart {
            stored: part.clone(),
            months: None,
        });
        ListPatch {
            parts: parts.collect(),
            max_bytes,
        }
    }

    /// Adds a stored file at the end. `file` are its contents, if it was read.
    pub(super) fn push(&mut self, part: ListPart, file: Option<ListFile>) {
        self.parts.push(PatchedPart {
            stored: part,
            months: file.map(|file| file.months),
        });
    }

    /// Returns the stored state of a file. `at` is its position among all files.
    pub(super) fn part(&self, at: usize) -> Option<&ListPart> {
        self.parts.get(at).map(|part| &part.stored)
    }

    /// Sets the contents of a file that was read.
    pub(super) fn set_file(&mut self, at: usize, file: ListFile) {
        if let Some(part) = self.parts.get_mut(at) {
            part.months = Some(file.months);
        }
    }

    /// Returns the positions of the files that must be read before [`ListPatch::apply`].
    pub(super) fn parts_to_read(&self, changes: &[ListMonth]) -> BTreeSet<usize> {
        let mut wanted = BTreeSet::new();
        for change in changes {
            let parts = self.parts.iter().enumerate();
            let covering = parts.filter(|(_, part)| part.covers(&change.month));
            wanted.extend(covering.map(|(at, _)| at));
            if !change.photos.is_empty() {
                wanted.extend(self.target(&change.month));
            }
        }
        self.only_unread(wanted)
    }

    /// Replaces the photos of these months. Returns `false` if the list has exactly these photos
    /// already.
    pub(super) fn apply(&mut self, changes: Vec<ListMonth>) -> bool {
        let mut is_changed = false;
        for change in changes {
            let present = self
                .parts
                .iter()
                .flat_map(|part| part.months.iter().flatten());
            let present = present.filter(|month| month.month == change.month);
            if present.flat_map(|month| &month.photos).eq(&change.photos) {
                continue;
            }
            is_changed = true;
            for months in self
                .parts
                .iter_mut()
                .filter_map(|part| part.months.as_mut())
            {
                months.retain(|month| month.month != change.month);
            }
            if !change.photos.is_empty() {
                self.insert(change);
            }
        }
        is_changed
    }

    /// Returns the positions of the files that must be read before [`ListPatch::finish`], if a
    /// photo of the list has changed: the first one, which contains the name and the number of
    /// photos, and each one whose successor is removed.
    pub(super) fn parts_to_link(&self) -> BTreeSet<usize> {
        let parts = self.parts.iter().enumerate();
        let kept: Vec<usize> = parts
            .filter(|(_, part)| !part.is_removed())
            .map(|(at, _)| at)
            .collect();
        let first = kept.first().copied();
        let end = [self.parts.len()];
        let followed = kept.iter().zip(kept.iter().skip(1).chain(&end));
        let relinked = followed.filter(|(at, next)| *at + 1 != **next);
        self.only_unread(relinked.map(|(at, _)| *at).chain(first).collect())
    }

    /// Returns the files that the list must have. `taken` are the paths of all stored files of the
    /// list, which a new file must not have.
    ///
    /// # Errors
    /// Fails if a file cannot be compressed, which does not happen in memory.
    pub(super) fn finish(self, key: &ListKey, taken: &BTreeSet<String>) -> io::Result<ListPlan> {
        let parts: Vec<PatchedPart> = self
            .parts
            .into_iter()
            .filter(|part| !part.is_removed())
            .collect();
        let months = parts.first().and_then(|part| part.months.as_ref());
        let newest = months.and_then(|months| months.first()?.photos.first());
        // Without a name in the newest photo, no earlier name is kept. It may be that of a hidden
        // photo.
        let name = newest.and_then(|photo| key.name_in(photo));
        let head = ListHead {
            name: name.unwrap_or_else(|| key.slug().to_owned()),
            photos: parts.iter().map(PatchedPart::photos).sum(),
        };
        let mut planner = ListPlanner {
            key,
            head: &head,
            taken: taken.clone(),
            max_bytes: self.max_bytes,
            files: Vec::new(),
        };
        for (at, part) in parts.into_iter().enumerate().rev() {
            let path = match at {
                0 => key.first_path(),
                _ if part.stored.path.is_empty() => planner.free_path(),
                _ => part.stored.path.clone(),
            };
            match part.months {
                Some(months) => planner.plan_file(months, path, &part.stored)?,
                None => planner.files.push(PlannedFile {
                    part: part.stored,
                    compressed: None,
                }),
            }
        }
        planner.files.reverse();
        let files = planner.files;
        Ok(ListPlan {
            name: head.name,
            photos: head.photos,
            files,
        })
    }

    /// Adds the photos of a month that no file contains.
    fn insert(&mut self, change: ListMonth) {
        let at = self.target(&change.month).unwrap_or_else(|| {
            self.parts.push(PatchedPart::default());
            0
        });
        if let Some(part) = self.parts.get_mut(at) {
            let months = part.months.get_or_insert_default();
            let age = month_age(&change.month);
            let position = months.partition_point(|month| month_age(&month.month) > age);
            months.insert(position, change);
        }
    }

    /// Returns the position of the file to which a month belongs: the first one that contains
    /// photos of this month or older ones, else the last one. Returns `None` if there is no file.
    /// The result does not depend on the changes so far.
    fn target(&self, month: &str) -> Option<usize> {
        let mut parts = self.parts.iter();
        let target = parts.position(|part| month_age(&part.stored.oldest) <= month_age(month));
        target.or(self.parts.len().checked_sub(1))
    }

    fn only_unread(&self, mut wanted: BTreeSet<usize>) -> BTreeSet<usize> {
        wanted.retain(|at| {
            self.parts
                .get(*at)
                .is_some_and(|part| part.months.is_none())
        });
        wanted
    }
}

impl PatchedPart {
    /// Reports whether the stored file may contain photos of a month.
    fn covers(&self, month: &str) -> bool {
        let range = month_age(&self.stored.oldest)..=month_age(&self.stored.newest);
        range.contains(&month_age(month))
    }

    /// Reports whether no photo is left in the file.
    fn is_removed(&self) -> bool {
        self.months.as_ref().is_some_and(Vec::is_empty)
    }

    fn photos(&self) -> u64 {
        match &self.months {
            Some(months) => months.iter().map(|month| month.photos.len() as u64).sum(),
            None => self.stored.photos,
        }
    }
}

/// Plans the files of a list, from the last one to the first one, because each file contains the
/// path of the next one.
struct ListPlanner<'a> {
    key: &'a ListKey,
    head: &'a ListHead,
    /// The paths that a new file must not have.
    taken: BTreeSet<String>,
    max_bytes: usize,
    /// The planned files, the last one first.
    files: Vec<PlannedFile>,
}

impl ListPlanner<'_> {
    /// Plans a file before the files that are planned already. Splits it if it is too large.
    fn plan_file(
        &mut self,
        months: Vec<ListMonth>,
        path: String,
        stored: &ListPart,
    ) -> io::Result<()> {
        let is_first = path == self.key.first_path();
        let next = self.files.last().map(|file| file.part.path.clone());
        let file = ListFile { months, next };
        let json = file.to_json(self.key, is_first.then_some(self.head));
        let month = |month: Option<&ListMonth>| month.map(|month| month.month.clone());
        let part = ListPart {
            photos: file.photos(),
            newest: month(file.months.first()).unwrap_or_default(),
            oldest: month(file.months.last()).unwrap_or_default(),
            digest: json_digest(&json),
            etag: String::new(),
            path,
        };
        if part.path == stored.path && part.digest == stored.digest {
            self.files.push(PlannedFile {
                part: ListPart {
                    etag: stored.etag.clone(),
                    ..part
                },
                compressed: None,
            });
            return Ok(());
        }
        let compressed = compress(&json)?;
        if compressed.len() <= self.max_bytes || part.photos < 2 {
            self.files.push(PlannedFile {
                part,
                compressed: Some(compressed),
            });
            return Ok(());
        }
        let pieces = self.split_file(file, compressed.len(), is_first);
        for (at, piece) in pieces.into_iter().enumerate().rev() {
            let path = match at {
                0 => part.path.clone(),
                _ => self.free_path(),
            };
            // The sizes are estimates. A piece that is still too large is split again.
            self.plan_file(piece.months, path, &ListPart::default())?;
        }
        Ok(())
    }

    /// Splits a file, which has `bytes` compressed, into pieces. Pieces of the first file are
    /// filled from the oldest photo on, so that new photos change only a small file. Those of
    /// another file have equal sizes.
    fn split_file(&self, file: ListFile, bytes: usize, is_first: bool) -> Vec<ListFile> {
        let total: usize = photos_of(&file).map(|(_, photo)| photo.len()).sum();
        // A tenth is left for photos that are compressed less than the average.
        let full = (total as f64 * 0.9 * self.max_bytes as f64 / bytes as f64) as usize;
        let count = if is_first {
            1
        } else {
            total.div_ceil(full.max(1))
        };
        let piece_bytes = match count {
            0 | 1 => full,
            _ => total.div_ceil(count),
        };
        let mut pieces: Vec<Vec<(&str, Bytes)>> = Vec::new();
        let mut size = 0;
        for (at, (month, photo)) in photos_of(&file)
            .enumerate()
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            // There are at least two pieces, so that a piece is always smaller than the file.
            let is_full = size >= piece_bytes || (at == 0 && pieces.len() == 1);
            if pieces.is_empty() || is_full {
                pieces.push(Vec::new());
                size = 0;
            }
            size += photo.len();
            if let Some(piece) = pieces.last_mut() {
                piece.push((month, photo.clone()));
            }
        }
        let pieces = pieces.into_iter().rev().map(|photos| {
            let mut piece = ListFile::default();
            for (month, photo) in photos.into_iter().rev() {
                piece.push(month, photo);
            }
            piece
        });
        pieces.collect()
    }

    /// Returns a path that no file of the list has, and takes it.
    fn free_path(&mut self) -> String {
        let mut paths = (2..).map(|number| self.key.numbered_path(number));
        let free = paths.find(|path| !self.taken.contains(path));
        let free = free.unwrap_or_default();
        self.taken.insert(free.clone());
        free
    }
}

/// Returns the photos of a file, each with its month.
fn photos_of(file: &ListFile) -> impl Iterator<Item = (&str, &Bytes)> {
    file.months.iter().flat_map(|month| {
        let photos = month.photos.iter();
        photos.map(|photo| (month.month.as_str(), photo))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::list_file::tests::{keyword, photo};
    use super::super::stored_text::decompress;
    use super::*;

    /// The files of a list as they are stored, and the list that they must contain.
    #[derive(Default)]
    struct ListModel {
        parts: Vec<ListPart>,
        stored: BTreeMap<String, Bytes>,
        months: BTreeMap<String, Vec<Bytes>>,
        written: usize,
        read: usize,
    }

    impl ListModel {
        /// Replaces months, and checks the whole list.
        fn patch(&mut self, changes: Vec<ListMonth>) {
            let key = keyword("kyoto");
            let (mut patch, before) = (ListPatch::new(&self.parts, 2_000), self.stored.clone());
            for change in &changes {
                self.months.remove(&change.month);
                if !change.photos.is_empty() {
                    self.months
                        .insert(change.month.clone(), change.photos.clone());
                }
            }
            self.read_parts(&mut patch, |patch| patch.parts_to_read(&changes));
            if !patch.apply(changes) {
                return self.check();
            }
            self.read_parts(&mut patch, ListPatch::parts_to_link);
            let taken: BTreeSet<String> = self.stored.keys().cloned().collect();
            let plan = patch.finish(&key, &taken).expect("a plan");
            self.stored.clear();
            self.parts.clear();
            for PlannedFile { part, compressed } in plan.files {
                let json = match compressed {
                    Some(compressed) => {
                        assert!(compressed.len() <= 2_000 || part.photos == 1);
                        let json = Bytes::from(decompress(&compressed).expect("gzip"));
                        assert_ne!(
                            before.get(&part.path),
                            Some(&json),
                            "unchanged: {}",
                            part.path
                        );
                        self.written += 1;
                        json
                    }
                    None => before[&part.path].clone(),
                };
                self.stored.insert(part.path.clone(), json);
                self.parts.push(part);
            }
            let photos: usize = self.months.values().map(Vec::len).sum();
            assert_eq!(plan.photos, photos as u64);
            self.check();
        }

        fn read_parts(
            &mut self,
            patch: &mut ListPatch,
            wanted: impl Fn(&ListPatch) -> BTreeSet<usize>,
        ) {
            for at in wanted(patch) {
                let path = &patch.part(at).expect("a part").path;
                let file = ListFile::parse(&self.stored[path], &keyword("kyoto"));
                patch.set_file(at, file.expect("a file"));
                self.read += 1;
            }
            assert_eq!(wanted(patch), BTreeSet::new());
        }

        /// Follows the files as a reader does.
        fn check(&self) {
            let mut months: Vec<_> = self.months.iter().collect();
            months.sort_by_key(|(month, _)| std::cmp::Reverse(month_age(month)));
            let expected: Vec<&Bytes> = months.into_iter().flat_map(|(_, photos)| photos).collect();
            let mut next = Some(keyword("kyoto").first_path()).filter(|_| !expected.is_empty());
            let (mut found, mut paths) = (Vec::new(), Vec::new());
            while let Some(path) = next {
                let file = ListFile::parse(&self.stored[&path], &keyword("kyoto")).expect("a file");
                let part = &self.parts[paths.len()];
                assert_eq!((&part.path, part.photos), (&path, file.photos()));
                assert_eq!(part.digest, json_digest(&self.stored[&path]));
                assert_eq!(part.newest, file.months[0].month);
                assert_eq!(part.oldest, file.months[file.months.len() - 1].month);
                found.extend(file.months.into_iter().flat_map(|month| month.photos));
                paths.push(path);
                next = file.next;
            }
            assert!(found.iter().eq(expected));
            assert_eq!(paths.len(), self.stored.len());
        }
    }

    /// Returns the photos of a month. `version` is a part of their JSON, which is not compressible.
    fn month(name: &str, photos: usize, version: u32) -> ListMonth {
        let taken = (name != "undated").then_some(name);
        let photos = (0..photos).map(|at| {
            let noise = json_digest(format!("{name} {at} {version}").as_bytes());
            photo(&format!("{name}-{at}-{noise}"), taken)
        });
        ListMonth {
            month: name.to_owned(),
            photos: photos.collect(),
        }
    }

    #[test]
    fn list_grows_splits_shrinks_and_vanishes() {
        let mut list = ListModel::default();
        let names: Vec<String> = (0..30).map(|n| format!("20{:02}-05", n)).collect();
        for name in &names {
            list.patch(vec![month(name, 10, 1)]);
        }
        list.patch(vec![month("undated", 200, 1)]);
        assert!(list.stored.len() > 5, "{:?}", list.parts);
        // A month in the middle: its file and the first one.
        (list.read, list.written) = (0, 0);
        list.patch(vec![month("2003-05", 9, 2)]);
        assert!(
            list.read <= 4 && list.written <= 5,
            "{} {}",
            list.read,
            list.written
        );
        (list.read, list.written) = (0, 0);
        list.patch(vec![month("2003-05", 9, 2)]);
        assert_eq!(list.written, 0);
        for name in &names {
            list.patch(vec![month(name, 0, 1)]);
        }
        list.patch(vec![month("undated", 1, 3)]);
        list.patch(vec![month("undated", 0, 3)]);
        assert!(list.stored.is_empty() && list.parts.is_empty());
    }

    #[test]
    fn random_changes_leave_exactly_the_photos() {
        let mut list = ListModel::default();
        let mut state = 7_u64;
        let mut random = move |limit: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % limit
        };
        for version in 0..400 {
            let changes = (0..1 + random(3)).map(|_| {
                let name = match random(20) {
                    0 => "undated".to_owned(),
                    year => format!("20{year:02}-05"),
                };
                let photos = [0, 1, 5, 40][random(4) as usize];
                (name.clone(), month(&name, photos, version))
            });
            let changes: BTreeMap<String, ListMonth> = changes.collect();
            list.patch(changes.into_values().collect());
        }
        assert!(list.written > 400);
    }

    #[test]
    fn name_is_that_of_the_newest_photo() {
        let key = keyword("kyoto");
        let spelled = |month: &str, name: &str| ListMonth {
            month: month.to_owned(),
            photos: vec![Bytes::from(format!(
                r#"{{"id":"a","takenAtLocal":"{month}","keywords":["{name}"]}}"#
            ))],
        };
        let mut patch = ListPatch::new(&[], 2_000);
        patch.apply(vec![
            spelled("2018-02", "Kyoto"),
            spelled("2019-02", "KYOTO"),
        ]);
        let plan = patch.finish(&key, &BTreeSet::new()).expect("a plan");
        assert_eq!((plan.name.as_str(), plan.photos), ("KYOTO", 2));
    }
}
