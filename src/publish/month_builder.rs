//! Builds the counts of one month and the files that list its photos. Pure.

use std::collections::BTreeMap;
use std::io::{self, Write};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::month_name::month_file_name;
use super::node_counts::{KEYWORD_LIMITS, NodeCounts, PLACE_LIMITS};
use super::stored_text::{compress, finish_digest, json_digest};
use crate::catalogue::index_parts::StoredIndexPart;
use crate::catalogue::published::{CellCount, FacetCount, PublishedFile, PublishedMonth};
use crate::summary::Summary;
use crate::term_index::{IndexPartBuilder, IndexedPhoto, keyword_nodes, place_nodes};
use crate::view::{ListedPhoto, PublicView};
use photo_metadata::PhotoRecord;

/// The compressed size in bytes after which no more photos are added to a file. The finished file
/// is less than a tenth larger, because some bytes are still in the encoder's buffer.
pub(super) const FILE_BYTES: usize = 900_000;
/// The maximum number of geohash cells in the counts of a month. If there are more, photos are
/// counted in larger cells.
const MAX_CELLS: usize = 1_000;
/// The length of the geohash of the smallest cells in the counts, in characters. Such a cell is
/// about 39 by 20 km.
const CELL_CHARS: usize = 4;
/// The length of the geohash of the largest cells in the counts, in characters.
const MIN_CELL_CHARS: usize = 1;
/// The lowest aspect ratio that is added up. A page shows a higher picture cut to this one.
const MIN_ASPECT: f64 = 0.25;
/// The highest aspect ratio that is added up. A page shows a wider picture cut to this one.
const MAX_ASPECT: f64 = 4.0;
/// The aspect ratio of a photo whose size is unknown: that of most cameras.
const USUAL_ASPECT: f64 = 1.5;

/// Builds the counts and the files of one month from its photos.
pub(super) struct MonthBuilder<'a> {
    view: &'a PublicView,
    now: DateTime<Utc>,
    month: PublishedMonth,
    keywords: NodeCounts,
    places: NodeCounts,
    files: Vec<MonthFile>,
    open: Option<MonthFileWriter>,
    index: Vec<StoredIndexPart>,
    open_index: IndexPartBuilder,
    /// The first time at which a photo must be listed that is not listed yet.
    waits_until: Option<DateTime<Utc>>,
}

/// The counts of one month, and the files that list its photos.
pub(super) struct BuiltMonth {
    pub(super) month: PublishedMonth,
    pub(super) files: Vec<MonthFile>,
    /// The parts of the term index. The item of the month lists their keys.
    pub(super) index: Vec<StoredIndexPart>,
    /// The time at which the month must be built again, because a photo that waits for its pictures
    /// must then be listed without them. `None` if no photo waits.
    pub(super) waits_until: Option<DateTime<Utc>>,
}

/// A file of a month that is ready to be stored.
pub(super) struct MonthFile {
    /// The entry of the file in the item of the month. Its `etag` and `bytes` are empty until the
    /// file is stored.
    pub(super) entry: PublishedFile,
    /// The JSON of the file, compressed by gzip.
    pub(super) compressed: Vec<u8>,
}

/// A file of a month to which photos are being added.
struct MonthFileWriter {
    out: GzEncoder<Vec<u8>>,
    digest: Sha256,
    photos: u64,
}

impl<'a> MonthBuilder<'a> {
    /// Creates a builder of a month, as it is at the time `now`.
    pub(super) fn new(month: &str, view: &'a PublicView, now: DateTime<Utc>) -> Self {
        MonthBuilder {
            view,
            now,
            month: PublishedMonth {
                month: month.to_owned(),
                positions: view.location_policy_fingerprint(),
                privacy: view.privacy_fingerprint(),
                ..PublishedMonth::default()
            },
            keywords: NodeCounts::default(),
            places: NodeCounts::default(),
            files: Vec::new(),
            open: None,
            index: Vec::new(),
            open_index: IndexPartBuilder::default(),
            waits_until: None,
        }
    }

    /// Adds a photo to the counts and to a file. Ignores the photo if the present rules make it
    /// private, or if it waits for its pictures. The caller must add the photos in the order of the
    /// index by-date.
    pub(super) fn add_photo(&mut self, summary: &Summary) -> io::Result<()> {
        let Some(listed) = self.view.show_in_list(summary, self.now) else {
            let until = self.view.waits_until(summary, self.now);
            self.waits_until = self.waits_until.into_iter().chain(until).min();
            return Ok(());
        };
        let line = serde_json::to_vec(&listed)?;
        self.count_photo(summary);
        self.count_public_record(listed.record());
        self.index_photo(summary, &listed)?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => MonthFileWriter::open(&self.month.month)?,
        };
        open.write_photo(&line)?;
        if open.out.get_ref().len() >= FILE_BYTES {
            self.close_file(open)?;
        } else {
            self.open = Some(open);
        }
        Ok(())
    }

    /// Returns the month with its counts, and its files. A month without photos has no files.
    pub(super) fn finish(mut self) -> io::Result<BuiltMonth> {
        if let Some(open) = self.open.take() {
            self.close_file(open)?;
        }
        self.close_index_part()?;
        while self.month.cells.len() > MAX_CELLS && self.enlarge_cells() {}
        self.month.keywords = std::mem::take(&mut self.keywords).most_frequent(&KEYWORD_LIMITS);
        self.month.places = std::mem::take(&mut self.places).most_frequent(&PLACE_LIMITS);
        self.month.aspects = (self.month.aspects * 1_000.0).round() / 1_000.0;
        self.month.files = self.files.iter().map(|file| file.entry.clone()).collect();
        Ok(BuiltMonth {
            month: self.month,
            files: self.files,
            index: self.index,
            waits_until: self.waits_until,
        })
    }

    fn close_file(&mut self, open: MonthFileWriter) -> io::Result<()> {
        let path = month_file_name(&self.month.month, self.files.len() + 1);
        self.files.push(open.close(path)?);
        Ok(())
    }

    /// Adds a photo to the term index. `listed` is the photo as lists show it.
    fn index_photo(&mut self, summary: &Summary, listed: &ListedPhoto) -> io::Result<()> {
        let location = self.view.published_location(summary);
        self.open_index.add_photo(&IndexedPhoto {
            stem: listed.stem(),
            record: listed.record(),
            location: location.as_ref(),
            added: summary.added_at.map_or(0, |added| added.timestamp()),
            folders: &summary.folders,
        });
        match self.open_index.is_full() {
            true => self.close_index_part(),
            false => Ok(()),
        }
    }

    /// Ends a part of the term index. Does nothing if the part has no photos.
    fn close_index_part(&mut self) -> io::Result<()> {
        let part = std::mem::take(&mut self.open_index);
        if part.is_empty() {
            return Ok(());
        }
        let json = part.finish()?;
        let number = self.index.len() + 1;
        let key = format!("{}#{number}#{}", self.month.month, json_digest(&json));
        self.month.index.push(key.clone());
        self.index.push(StoredIndexPart {
            key,
            compressed: compress(&json)?,
        });
        Ok(())
    }

    fn count_photo(&mut self, summary: &Summary) {
        let month = &mut self.month;
        month.photos += 1;
        let record = &summary.record;
        // A photo of which only the year or the month is known counts on the first day.
        if let Some(start) = record.capture.start() {
            *month
                .days
                .entry(start.format("%d").to_string())
                .or_default() += 1;
        }
        if let Some(camera) = &record.camera {
            count_facet(&mut month.cameras, &camera.slug, &camera.name);
        }
        if let Some(lens) = &record.lens {
            count_facet(&mut month.lenses, &lens.slug, &lens.name);
        }
        if let Some(position) = self.view.published_location(summary)
            && let Some(cell) = position.geohash(CELL_CHARS)
        {
            let one = CellCount {
                photos: 1,
                lat: position.lat,
                lon: position.lon,
            };
            month.cells.entry(cell).or_default().add(&one);
        }
    }

    /// Counts what a photo shows in lists. `record` is its public record, so that nothing is
    /// counted that the public view hides.
    fn count_public_record(&mut self, record: &PhotoRecord) {
        self.month.aspects += aspect_ratio(record);
        if let Some(stars @ 1..=5) = record.rating {
            *self.month.ratings.entry(stars.to_string()).or_default() += 1;
        }
        let keywords = record.keywords.iter();
        self.keywords
            .count_photo(keywords.flat_map(|keyword| keyword_nodes(keyword)));
        self.places
            .count_photo(record.place.iter().flat_map(place_nodes));
    }

    /// Merges the cells of the counts into larger cells, whose geohashes are one character shorter.
    /// Returns `false` if the new cells cannot be enlarged any more.
    fn enlarge_cells(&mut self) -> bool {
        let cells = std::mem::take(&mut self.month.cells);
        let chars = cells.keys().next().map_or(0, String::len);
        let larger_chars = chars.saturating_sub(1).max(MIN_CELL_CHARS);
        for (name, cell) in cells {
            let larger = name.get(..larger_chars).unwrap_or(&name).to_owned();
            self.month.cells.entry(larger).or_default().add(&cell);
        }
        larger_chars > MIN_CELL_CHARS
    }
}

/// Returns the width of a photo divided by its height, between [`MIN_ASPECT`] and [`MAX_ASPECT`].
fn aspect_ratio(record: &PhotoRecord) -> f64 {
    match (record.width, record.height) {
        (Some(width @ 1..), Some(height @ 1..)) => {
            (f64::from(width) / f64::from(height)).clamp(MIN_ASPECT, MAX_ASPECT)
        }
        _ => USUAL_ASPECT,
    }
}

fn count_facet(facets: &mut BTreeMap<String, FacetCount>, slug: &str, name: &str) {
    if !slug.is_empty() {
        let facet = facets.entry(slug.to_owned()).or_default();
        facet.photos += 1;
        name.clone_into(&mut facet.name);
    }
}

impl MonthFileWriter {
    fn open(month: &str) -> io::Result<Self> {
        let mut file = MonthFileWriter {
            out: GzEncoder::new(Vec::new(), Compression::default()),
            digest: Sha256::new(),
            photos: 0,
        };
        file.write_bytes(format!("{{\"month\":\"{month}\",\"items\":[").as_bytes())?;
        Ok(file)
    }

    /// Writes one photo on a line of its own. Two versions of a file can then be compared by lines.
    /// `line` is the JSON of the photo.
    fn write_photo(&mut self, line: &[u8]) -> io::Result<()> {
        self.write_bytes(if self.photos == 0 { b"\n" } else { b",\n" })?;
        self.photos += 1;
        self.write_bytes(line)
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.out.write_all(bytes)
    }

    fn close(mut self, path: String) -> io::Result<MonthFile> {
        self.write_bytes(b"\n]}\n")?;
        Ok(MonthFile {
            entry: PublishedFile {
                path,
                photos: self.photos,
                digest: finish_digest(self.digest),
                ..PublishedFile::default()
            },
            compressed: self.out.finish()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::{PictureSet, RenditionFile};
    use crate::privacy::LocationPolicy;
    use crate::publish::stored_text::decompress;
    use photo_metadata::{Camera, CaptureTime, Location, PhotoRecord};

    fn photo(n: u32) -> Summary {
        let date = format!("2018-02-{:02}", n % 28 + 1);
        Summary {
            id: format!("id{n:06}"),
            stem: format!("{date}/photo{n}"),
            name: format!("photo{n}"),
            record: PhotoRecord {
                capture: CaptureTime {
                    local: format!("{date}T09:41:07").parse().ok(),
                    ..CaptureTime::default()
                },
                camera: Some(Camera {
                    slug: "nikon-d750".to_owned(),
                    name: "Nikon D750".to_owned(),
                    ..Camera::default()
                }),
                location: Some(Location {
                    lat: 45.0 + f64::from(n % 100) / 10.0,
                    lon: -73.6,
                    ..Location::default()
                }),
                ..PhotoRecord::default()
            },
            ..Summary::default()
        }
    }

    fn build_month(
        photos: impl IntoIterator<Item = Summary>,
        policy: LocationPolicy,
    ) -> (PublishedMonth, Vec<MonthFile>) {
        let view = PublicView::new(policy, None);
        let mut builder = MonthBuilder::new("2018-02", &view, DateTime::UNIX_EPOCH);
        for photo in photos {
            builder.add_photo(&photo).expect("written");
        }
        let built = builder.finish().expect("finished");
        assert_eq!(built.waits_until, None);
        (built.month, built.files)
    }

    fn json(file: &MonthFile) -> Vec<u8> {
        decompress(&file.compressed).expect("gzip")
    }

    #[test]
    fn days_cameras_lenses_and_public_places_are_counted() {
        let (month, files) = build_month((0..100).map(photo), LocationPolicy::Exact);
        assert_eq!((month.photos, files.len()), (100, 1));
        assert_eq!(month.days.values().sum::<u64>(), 100);
        assert_eq!(month.days["01"], 4);
        assert_eq!(month.cameras["nikon-d750"].photos, 100);
        assert!(month.lenses.is_empty());
        assert_eq!(
            month.cells.values().map(|cell| cell.photos).sum::<u64>(),
            100
        );
        let (hidden, _) = build_month([photo(1)], LocationPolicy::Hide);
        assert!(hidden.cells.is_empty());
        let file: serde_json::Value = serde_json::from_slice(&json(&files[0])).expect("JSON");
        assert_eq!(file["month"], "2018-02");
        assert_eq!(file["items"].as_array().map(Vec::len), Some(100));
    }

    #[test]
    fn aspect_ratios_ratings_and_keywords_are_counted() {
        let sized = |n, size: Option<(u32, u32)>, rating, keywords: &[&str]| {
            let mut photo = photo(n);
            (photo.record.width, photo.record.height) = size.unzip();
            photo.record.rating = rating;
            photo.record.keywords = keywords.iter().map(ToString::to_string).collect();
            photo
        };
        let photos = [
            sized(1, Some((6_000, 4_000)), Some(5), &["Kyoto", "kyoto"]),
            sized(2, Some((2_000, 3_000)), Some(0), &["KYOTO", "Places|Japan"]),
            sized(3, Some((30_000, 100)), Some(5), &[]),
            sized(4, Some((1, 100_000)), Some(2), &["!"]),
            sized(5, None, None, &[]),
            sized(6, Some((10, 0)), None, &[]),
        ];
        let (month, _) = build_month(photos, LocationPolicy::Hide);
        // 1.5 + 0.6667 + 4 + 0.25 + 1.5 + 1.5
        assert!((month.aspects - 9.417).abs() < 1e-9, "{}", month.aspects);
        let ratings = [("2".to_owned(), 1), ("5".to_owned(), 2)];
        assert_eq!(month.ratings, BTreeMap::from(ratings));
        let keywords = |slug: &str| {
            let facet = &month.keywords[slug];
            (facet.name.as_str(), facet.photos)
        };
        assert_eq!(keywords("kyoto"), ("KYOTO", 2));
        assert_eq!(keywords("places-japan"), ("Places|Japan", 1));
        assert_eq!(keywords("places"), ("Places", 1));
        assert_eq!(month.keywords.len(), 3);
    }

    #[test]
    fn photo_that_waits_for_its_pictures_is_left_out_until_its_time() {
        let time = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        let waiting = |n, until| Summary {
            awaited_until: Some(time(until)),
            ..photo(n)
        };
        let photos = [photo(1), waiting(2, 900), waiting(3, 600)];
        let view = PublicView::new(LocationPolicy::Hide, None);
        let counts = |now| {
            let mut builder = MonthBuilder::new("2018-02", &view, time(now));
            for photo in &photos {
                builder.add_photo(photo).expect("written");
            }
            let built = builder.finish().expect("finished");
            (built.month.photos, built.waits_until)
        };
        assert_eq!(counts(0), (1, Some(time(600))));
        assert_eq!(counts(600), (2, Some(time(900))));
        assert_eq!(counts(900), (3, None));
    }

    #[test]
    fn pictures_of_a_photo_need_less_than_180_bytes() {
        let mut state = 1_u64;
        let mut noise = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u8
        };
        let mut pictures = move || {
            let mut bytes = |count| {
                std::iter::repeat_with(&mut noise)
                    .take(count)
                    .collect::<Vec<u8>>()
            };
            let file = |width: u32, noise: &[u8]| RenditionFile {
                width,
                height: width * 2 / 3 + u32::from(noise[0] % 4),
                bytes: u64::from(width) * 100 + u64::from(noise[1]) * 97,
            };
            PictureSet {
                // 16 bytes give the 26 characters of a token.
                token: data_encoding::BASE32_NOPAD
                    .encode(&bytes(16))
                    .to_lowercase(),
                width: 6_000,
                height: 4_000,
                files: [2_048, 1_280, 640, 320]
                    .map(|width| file(width, &bytes(2)))
                    .to_vec(),
                original: None,
                placeholder: data_encoding::BASE64.encode(&bytes(21)),
                color: format!("#{}", data_encoding::HEXLOWER.encode(&bytes(3))),
            }
        };
        let size = |photos: Vec<Summary>| {
            let url = Some("https://photos.example.org/gallery".to_owned());
            let view = PublicView::new(LocationPolicy::Hide, url);
            let mut builder = MonthBuilder::new("2018-02", &view, DateTime::UNIX_EPOCH);
            for photo in &photos {
                builder.add_photo(photo).expect("written");
            }
            let files = builder.finish().expect("finished").files;
            files
                .iter()
                .map(|file| file.compressed.len())
                .sum::<usize>()
        };
        let without: Vec<Summary> = (0..1_000).map(photo).collect();
        let with = without.iter().cloned().map(|photo| Summary {
            pictures: Some(Box::new(pictures())),
            ..photo
        });
        let bytes = (size(with.collect()) - size(without)) / 1_000;
        assert!((60..180).contains(&bytes), "{bytes} bytes for each photo");
    }

    #[test]
    fn a_month_without_photos_has_no_file() {
        let (month, files) = build_month([], LocationPolicy::Exact);
        assert_eq!((month.photos, files.len()), (0, 0));
    }

    #[test]
    fn the_same_photos_make_the_same_files_and_a_large_month_is_split() {
        // Digests, because gzip cannot compress them well.
        let noise = |n: u32| {
            let words = (0..100_u32).map(|word| json_digest(format!("{n} {word}").as_bytes()));
            Some(words.collect::<String>())
        };
        let photos = || {
            (0..1_000).map(|n| {
                let mut photo = photo(n);
                photo.record.caption = noise(n);
                photo
            })
        };
        let (month, files) = build_month(photos(), LocationPolicy::Exact);
        let (again, _) = build_month(photos(), LocationPolicy::Exact);
        assert_eq!(month, again);
        assert!(files.len() > 1);
        assert_eq!(month.files[1].path, "2018-02.2.json");
        assert!(files.iter().all(|file| file.compressed.len() < 1_000_000));
        assert_eq!(
            month.files.iter().map(|file| file.photos).sum::<u64>(),
            1_000
        );
        for file in &files {
            assert_eq!(file.entry.digest, json_digest(&json(file)));
        }
    }

    #[test]
    fn the_number_of_cells_has_a_limit() {
        let spread = (0..5_000_u32).map(|n| {
            let mut photo = photo(n);
            photo.record.location = Some(Location {
                lat: f64::from(n / 100) - 25.0,
                lon: f64::from(n % 100) * 3.0 - 150.0,
                ..Location::default()
            });
            photo
        });
        let (month, _) = build_month(spread, LocationPolicy::Exact);
        assert!(month.cells.len() <= MAX_CELLS);
        assert_eq!(
            month.cells.values().map(|cell| cell.photos).sum::<u64>(),
            5_000
        );
    }
}
