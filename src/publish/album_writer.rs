//! Writes the files of albums (docs/static-gallery.md).
//!
//! Albums are few, so a changed album is made as a whole: the term indexes of all months give its
//! photos and their order, and the files of the months give their JSON. All of these must be stored
//! before. If a month cannot be read, the album is made without its photos, and is made again
//! later. So a photo that was hidden never stays in an album because another month is damaged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use serde_json::json;

use super::album_file::{ALBUM_FOLDER, AlbumFile, AlbumHead, build_album_files};
use super::album_rows::{AlbumRow, MonthIndex, find_album_rows};
use super::error::PublishError;
use super::file_store::{StaticFileStore, StoredETags};
use super::list_changes::PublishedMonths;
use super::month_builder::FILE_BYTES;
use super::month_difference::photo_lines;
use super::stored_text::json_digest;
use super::text_writer::parse_parts;
use crate::catalogue::Catalogue;
use crate::catalogue::album::Album;
use crate::catalogue::album_folders::AlbumFolders;
use crate::catalogue::published::{
    PUBLISH_FORMAT_VERSION, PublishTable, PublishedFile, PublishedMonth,
};
use crate::catalogue::published_albums::PublishedAlbum;
use crate::site_albums::{AlbumQuery, find_album_query, find_folder_names, select_public_albums};
use crate::term_index::IndexPart;
use crate::view::clean_text;

/// The number of months whose term indexes are read at once. Most months have one part.
const MONTHS_PER_READ: usize = 100;

/// All published albums, by slug.
pub(super) type PublishedAlbums = BTreeMap<String, PublishedAlbum>;

/// Writes the files of albums, but not their items.
#[derive(Debug, Clone, Copy)]
pub(super) struct AlbumWriter<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) table: &'a PublishTable,
    pub(super) files: &'a StaticFileStore,
    /// The published months. Their files and their term indexes are stored.
    pub(super) published: &'a PublishedMonths,
    /// The folders of uploads that are albums.
    pub(super) folders: &'a AlbumFolders,
    /// The fingerprint of the privacy rules. A month that was indexed under other rules has no
    /// photos in an album until it is rebuilt.
    pub(super) privacy: &'a str,
}

/// The albums that must be published, and those that differ from what is published.
#[derive(Debug, Default)]
pub(super) struct AlbumPlan {
    /// The albums that need no write.
    kept: PublishedAlbums,
    /// The albums whose files must be made.
    changed: Vec<PlannedAlbum>,
    /// The stored files, if they may differ from the items.
    stored: Option<StoredETags>,
    /// The term index of all months.
    index: Vec<MonthIndex>,
    /// The months whose term index is not stored.
    lost: BTreeSet<String>,
}

/// An album whose files must be made.
#[derive(Debug)]
struct PlannedAlbum {
    album: Album,
    query: AlbumQuery,
    source: String,
}

/// The albums after their files were written.
#[derive(Debug, Default)]
pub(super) struct WrittenAlbums {
    /// All albums.
    pub(super) albums: PublishedAlbums,
    /// The paths of the files that no longer belong to an album. They must be deleted.
    pub(super) obsolete: BTreeSet<String>,
    /// The months whose files or term index cannot be read. They must be rebuilt.
    pub(super) lost: BTreeSet<String>,
}

impl AlbumPlan {
    /// Reports whether nothing must be written or deleted. `before` are the published albums.
    pub(super) fn is_empty(&self, before: &PublishedAlbums) -> bool {
        let known = before.values().flat_map(|album| &album.files);
        let known: BTreeSet<&str> = known.map(|file| file.path.as_str()).collect();
        let mut stored = self.stored.iter().flat_map(BTreeMap::keys);
        let has_only_known = stored.all(|path| known.contains(path.as_str()));
        self.changed.is_empty() && self.kept.len() == before.len() && has_only_known
    }
}

impl AlbumWriter<'_> {
    /// Finds the albums whose files must be made. `before` are the published albums. If
    /// `checks_files` is `true`, the stored files may differ from their items, and are listed.
    ///
    /// # Errors
    /// Fails for the reasons in [`PublishError`].
    pub(super) async fn plan(
        &self,
        before: &PublishedAlbums,
        checks_files: bool,
    ) -> Result<AlbumPlan, PublishError> {
        let mut plan = AlbumPlan::default();
        if checks_files {
            plan.stored = Some(self.files.list_below(ALBUM_FOLDER).await?);
        }
        let owned = self.catalogue.albums().await?;
        if owned.is_empty() && self.folders.is_empty() {
            return Ok(plan);
        }
        self.read_index(&mut plan).await?;
        let parts: Vec<&IndexPart> = plan.index.iter().flat_map(|month| &month.parts).collect();
        let names = find_folder_names(self.folders, parts.iter().copied());
        for album in select_public_albums(owned, &names) {
            let query = find_album_query(self.catalogue, &parts, &album).await?;
            let rows = find_album_rows(&plan.index, &query, album.order);
            if rows.is_empty() {
                continue;
            }
            let source = self.source_digest(&album, &rows);
            let stored = plan.stored.as_ref();
            let known = before.get(&album.slug).filter(|known| {
                known.source == source && stored.is_none_or(|stored| has_files(known, stored))
            });
            match known {
                Some(known) => {
                    plan.kept.insert(album.slug, known.clone());
                }
                None => plan.changed.push(PlannedAlbum {
                    album,
                    query,
                    source,
                }),
            }
        }
        Ok(plan)
    }

    /// Writes the files of the changed albums. Skips those that are stored already. `before` are
    /// the published albums. A repeat is safe.
    ///
    /// # Errors
    /// Fails for the reasons in [`PublishError`].
    pub(super) async fn write(
        &self,
        plan: AlbumPlan,
        before: &PublishedAlbums,
    ) -> Result<WrittenAlbums, PublishError> {
        let known = before.values().flat_map(|album| &album.files);
        let mut obsolete: BTreeSet<String> = known.map(|file| file.path.clone()).collect();
        let stored = plan.stored.iter().flat_map(BTreeMap::keys);
        obsolete.extend(stored.cloned());
        let mut written = WrittenAlbums {
            albums: plan.kept,
            obsolete,
            lost: plan.lost,
        };
        for planned in plan.changed {
            let rows = find_album_rows(&plan.index, &planned.query, planned.album.order);
            let (photos, lost) = self.read_photos(&rows).await?;
            let (mut album, files) = build_album(planned, &photos)?;
            if !lost.is_empty() {
                album.source.clear();
                written.lost.extend(lost);
            }
            if photos.is_empty() {
                continue;
            }
            let known = before.get(&album.slug);
            album.files = self.put_files(files, known, plan.stored.as_ref()).await?;
            written.albums.insert(album.slug.clone(), album);
        }
        let files = written.albums.values().flat_map(|album| &album.files);
        for file in files {
            written.obsolete.remove(&file.path);
        }
        Ok(written)
    }

    /// Reads the term indexes of all months that were indexed under the present privacy rules.
    async fn read_index(&self, plan: &mut AlbumPlan) -> Result<(), PublishError> {
        let months = self.published.values();
        let months: Vec<&PublishedMonth> = months
            .filter(|month| month.privacy == self.privacy)
            .collect();
        for months in months.chunks(MONTHS_PER_READ) {
            let keys = months.iter().flat_map(|month| month.index.iter().cloned());
            let keys: Vec<String> = keys.collect();
            let stored = self.table.index_parts(&keys).await?;
            for published in months {
                let month = published.month.clone();
                match parse_parts(&published.index, &stored) {
                    Some(parts) => plan.index.push(MonthIndex { month, parts }),
                    None => {
                        plan.lost.insert(month);
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns a digest of everything that the files of an album are made of.
    fn source_digest(&self, album: &Album, rows: &[AlbumRow<'_>]) -> String {
        let months: BTreeSet<&str> = rows.iter().map(|row| row.month).collect();
        let months = months.into_iter().map(|month| {
            let files = self.published.get(month).map(|month| &month.files);
            let digests = files.into_iter().flatten().map(|file| &file.digest);
            (month, digests.collect::<Vec<_>>())
        });
        let source = json!([
            PUBLISH_FORMAT_VERSION,
            album.title,
            album.description,
            album.order,
            rows.iter().map(|row| row.stem).collect::<Vec<_>>(),
            months.collect::<Vec<_>>(),
        ]);
        json_digest(source.to_string().as_bytes())
    }

    /// Reads the JSON of these photos. Leaves out the photos of months whose files are not those of
    /// the month. Returns the names of these months too.
    async fn read_photos<'r>(
        &self,
        rows: &[AlbumRow<'r>],
    ) -> Result<(Vec<(AlbumRow<'r>, Bytes)>, BTreeSet<String>), PublishError> {
        let mut wanted: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for row in rows {
            wanted.entry(row.month).or_default().insert(row.row);
        }
        let mut lines: HashMap<(&str, usize), Bytes> = HashMap::new();
        let mut lost = BTreeSet::new();
        for (month, wanted) in wanted {
            let published = self.published.get(month);
            let read = match published {
                Some(published) => self.read_lines(published, &wanted).await?,
                None => None,
            };
            match read {
                Some(read) => lines.extend(read.into_iter().map(|(at, line)| ((month, at), line))),
                None => {
                    lost.insert(month.to_owned());
                }
            }
        }
        let photos = rows.iter().filter_map(|row| {
            let line = lines.get(&(row.month, row.row))?;
            Some((*row, line.clone()))
        });
        Ok((photos.collect(), lost))
    }

    /// Reads the lines with these numbers from the files of a month. Returns `None` if a file is
    /// not the one in the item of the month.
    async fn read_lines(
        &self,
        month: &PublishedMonth,
        wanted: &BTreeSet<usize>,
    ) -> Result<Option<Vec<(usize, Bytes)>>, PublishError> {
        let mut found = Vec::with_capacity(wanted.len());
        let mut start = 0;
        for file in &month.files {
            let range = start..start + file.photos as usize;
            start = range.end;
            if wanted.range(range.clone()).next().is_none() {
                continue;
            }
            let json = self.files.read_json(&file.path).await?.unwrap_or_default();
            if json_digest(&json) != file.digest {
                return Ok(None);
            }
            let lines = range.zip(photo_lines(&json));
            let lines = lines.filter(|(at, _)| wanted.contains(at));
            // The lines are copied, so that the rest of the file needs no memory.
            found.extend(lines.map(|(at, line)| (at, Bytes::copy_from_slice(line))));
        }
        Ok((found.len() == wanted.len()).then_some(found))
    }

    /// Writes the files of an album that are not stored yet. `known` is its item, and `stored` are
    /// the stored files of all albums, if they may differ from the items. Returns the entries of
    /// all files. The files after the first one are written before it, because it leads to them.
    async fn put_files(
        &self,
        files: Vec<AlbumFile>,
        known: Option<&PublishedAlbum>,
        stored: Option<&StoredETags>,
    ) -> Result<Vec<PublishedFile>, PublishError> {
        let mut entries = Vec::with_capacity(files.len());
        for AlbumFile { entry, compressed } in files.into_iter().rev() {
            let same = known.and_then(|known| {
                let mut files = known.files.iter();
                files.find(|file| file.path == entry.path && file.digest == entry.digest)
            });
            let same = same.filter(|file| stored.is_none_or(|stored| is_stored(file, stored)));
            if let Some(same) = same {
                entries.push(same.clone());
                continue;
            }
            let put = self.files.put_compressed(&entry.path, compressed).await?;
            entries.push(PublishedFile {
                etag: put.etag,
                bytes: put.bytes,
                ..entry
            });
        }
        entries.reverse();
        Ok(entries)
    }
}

/// Builds the item and the files of an album with these photos. The item has no files yet.
fn build_album(
    planned: PlannedAlbum,
    photos: &[(AlbumRow<'_>, Bytes)],
) -> Result<(PublishedAlbum, Vec<AlbumFile>), PublishError> {
    let PlannedAlbum { album, source, .. } = planned;
    let days = || photos.iter().filter_map(|(row, _)| row.day);
    let published = PublishedAlbum {
        title: clean_text(&album.title),
        description: album.description.as_deref().map(clean_text),
        photos: photos.len() as u64,
        from: days().min().map(str::to_owned),
        to: days().max().map(str::to_owned),
        source,
        files: Vec::new(),
        slug: album.slug,
    };
    let head = AlbumHead {
        title: &published.title,
        description: published.description.as_deref(),
        order: album.order,
        photos: published.photos,
    };
    let lines: Vec<Bytes> = photos.iter().map(|(_, line)| line.clone()).collect();
    let files = build_album_files(&published.slug, &head, &lines, FILE_BYTES);
    let files = files.map_err(|error| PublishError::json(&published.slug, error))?;
    Ok((published, files))
}

/// Reports whether all files of an album are stored as in its item.
fn has_files(album: &PublishedAlbum, stored: &StoredETags) -> bool {
    album.files.iter().all(|file| is_stored(file, stored))
}

fn is_stored(file: &PublishedFile, stored: &StoredETags) -> bool {
    stored.get(&file.path) == Some(&file.etag)
}
