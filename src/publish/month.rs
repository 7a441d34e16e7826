//! What is published of one month: counts, and the files that list its photos. Pure.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::catalogue::published::{CellCount, FacetCount, PublishedFile, PublishedMonth};
use crate::summary::Summary;
use crate::view::PublicView;

/// The month of photos without a date.
pub(crate) const UNDATED: &str = "undated";
/// A file is closed at this size, compressed; what the encoder still holds then adds less than a tenth.
const FILE_BYTES: usize = 900_000;
/// Most cells of a month; where there are more, larger ones are counted.
const MAX_CELLS: usize = 1_000;
/// Characters of the names of the smallest cells: about 39 by 20 km.
const CELL_CHARS: usize = 4;
/// Characters of a digest.
const DIGEST_CHARS: usize = 32;

/// Gathers a month's photos.
pub(super) struct Builder<'a> {
    view: &'a PublicView,
    month: PublishedMonth,
    bodies: Vec<Body>,
    open: Option<Open>,
}

/// A file that is ready to be stored.
pub(super) struct Body {
    /// `etag` and `bytes` are not known yet.
    pub(super) file: PublishedFile,
    /// Its JSON, compressed by gzip.
    pub(super) compressed: Vec<u8>,
}

/// The file that is being written.
struct Open {
    out: GzEncoder<Vec<u8>>,
    digest: Sha256,
    photos: u64,
}

impl<'a> Builder<'a> {
    pub(super) fn new(month: &str, view: &'a PublicView) -> Self {
        Builder {
            view,
            month: PublishedMonth {
                month: month.to_owned(),
                positions: view.location_policy_fingerprint(),
                ..PublishedMonth::default()
            },
            bodies: Vec::new(),
            open: None,
        }
    }

    /// Adds a photo, unless it is private by the rules of today; they come in the order of the index.
    pub(super) fn push(&mut self, summary: &Summary) -> io::Result<()> {
        let Some(listed) = self.view.show_in_list(summary) else {
            return Ok(());
        };
        let line = serde_json::to_vec(&listed)?;
        self.count(summary);
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::new(&self.month.month)?,
        };
        open.write(&line)?;
        if open.out.get_ref().len() >= FILE_BYTES {
            self.close(open)?;
        } else {
            self.open = Some(open);
        }
        Ok(())
    }

    /// The counts and the files; a month without photos has none of either.
    pub(super) fn finish(mut self) -> io::Result<(PublishedMonth, Vec<Body>)> {
        if let Some(open) = self.open.take() {
            self.close(open)?;
        }
        while self.month.cells.len() > MAX_CELLS && self.coarsen() {}
        self.month.files = self.bodies.iter().map(|body| body.file.clone()).collect();
        Ok((self.month, self.bodies))
    }

    fn close(&mut self, open: Open) -> io::Result<()> {
        let path = path(&self.month.month, self.bodies.len() + 1);
        self.bodies.push(open.close(path)?);
        Ok(())
    }

    fn count(&mut self, summary: &Summary) {
        let month = &mut self.month;
        month.photos += 1;
        let record = &summary.record;
        if let Some(day) = record.capture.day() {
            *month.days.entry(day.format("%d").to_string()).or_default() += 1;
        }
        let count = |facets: &mut BTreeMap<String, FacetCount>, slug: &str, name: &str| {
            if !slug.is_empty() {
                let facet = facets.entry(slug.to_owned()).or_default();
                facet.photos += 1;
                name.clone_into(&mut facet.name);
            }
        };
        if let Some(camera) = &record.camera {
            count(&mut month.cameras, &camera.slug, &camera.name);
        }
        if let Some(lens) = &record.lens {
            count(&mut month.lenses, &lens.slug, &lens.name);
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

    /// Counts cells of the next size; `false` where there is no larger one.
    fn coarsen(&mut self) -> bool {
        let cells = std::mem::take(&mut self.month.cells);
        let chars = cells.keys().next().map_or(0, String::len);
        for (name, cell) in cells {
            let larger = name.get(..chars.max(2) - 1).unwrap_or(&name).to_owned();
            self.month.cells.entry(larger).or_default().add(&cell);
        }
        chars > 2
    }
}

impl Open {
    fn new(month: &str) -> io::Result<Self> {
        let mut open = Open {
            out: GzEncoder::new(Vec::new(), Compression::default()),
            digest: Sha256::new(),
            photos: 0,
        };
        open.raw(format!("{{\"month\":\"{month}\",\"items\":[").as_bytes())?;
        Ok(open)
    }

    /// A line for each photo, so that a person can compare two versions of a file, and we too.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.raw(if self.photos == 0 { b"\n" } else { b",\n" })?;
        self.photos += 1;
        self.raw(line)
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.out.write_all(bytes)
    }

    fn close(mut self, path: String) -> io::Result<Body> {
        self.raw(b"\n]}\n")?;
        Ok(Body {
            file: PublishedFile {
                path,
                photos: self.photos,
                digest: hexadecimal(self.digest),
                ..PublishedFile::default()
            },
            compressed: self.out.finish()?,
        })
    }
}

/// The month that a sort key of by-date is of.
pub(super) fn of_sort(sort: &str) -> &str {
    if sort.starts_with(UNDATED) {
        return UNDATED;
    }
    sort.get(..7).unwrap_or(sort)
}

/// The name of a month's n-th file, from 1.
fn path(month: &str, number: usize) -> String {
    match number {
        1 => format!("{month}.json"),
        _ => format!("{month}.{number}.json"),
    }
}

/// The JSON of a stored file, which is compressed or not.
pub(super) fn plain(stored: &[u8]) -> io::Result<Vec<u8>> {
    if !stored.starts_with(&[0x1f, 0x8b]) {
        return Ok(stored.to_vec());
    }
    let mut json = Vec::new();
    GzDecoder::new(stored).read_to_end(&mut json)?;
    Ok(json)
}

/// JSON as it is stored, compressed.
pub(super) fn compressed(json: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(json)?;
    out.finish()
}

/// The digest that a file with this JSON has.
pub(super) fn digest(json: &[u8]) -> String {
    hexadecimal(Sha256::new().chain_update(json))
}

fn hexadecimal(digest: Sha256) -> String {
    let mut text = HEXLOWER.encode(&digest.finalize());
    text.truncate(DIGEST_CHARS);
    text
}

/// What one version of a month's files has that another has not.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Difference {
    /// Photos that are new or other than before, as JSON.
    pub(super) set: Vec<serde_json::Value>,
    /// Ids of those that are gone.
    pub(super) removed: Vec<String>,
    /// How many came, changed or went.
    pub(super) photos: u64,
    /// The earliest of their days.
    pub(super) from: Option<String>,
    /// The latest.
    pub(super) to: Option<String>,
}

/// The difference from one version to the next, and whether it is complete: beyond `most` bytes of JSON, photos are
/// only counted. Both versions are the JSON of those of their files that differ.
pub(super) fn difference(
    before: &[Vec<u8>],
    after: &[Vec<u8>],
    most: usize,
) -> serde_json::Result<(Difference, bool)> {
    let mut gone: BTreeMap<String, (Option<String>, &[u8])> = BTreeMap::new();
    for line in before.iter().flat_map(|json| lines(json)) {
        let head: Head = serde_json::from_slice(line)?;
        gone.insert(head.id, (head.date, line));
    }
    let mut difference = Difference::default();
    let mut bytes = 0;
    let mut complete = true;
    for line in after.iter().flat_map(|json| lines(json)) {
        let head: Head = serde_json::from_slice(line)?;
        let was = gone.remove(&head.id);
        if was.as_ref().is_some_and(|(_, was)| *was == line) {
            continue;
        }
        difference.add(head.date);
        bytes += line.len();
        if bytes <= most {
            difference.set.push(serde_json::from_slice(line)?);
        } else {
            complete = false;
        }
    }
    for (id, (date, _)) in gone {
        difference.add(date);
        bytes += id.len() + 3;
        complete &= bytes <= most;
        difference.removed.push(id);
    }
    Ok((difference, complete))
}

impl Difference {
    fn add(&mut self, date: Option<String>) {
        self.photos += 1;
        self.from = [self.from.take(), date.clone()].into_iter().flatten().min();
        self.to = self.to.take().max(date);
    }
}

/// What of a photo tells where it stands.
#[derive(Deserialize)]
struct Head {
    id: String,
    date: Option<String>,
}

/// The photos of a file, as they are written there.
fn lines(json: &[u8]) -> impl Iterator<Item = &[u8]> {
    json.split(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(b"{\"id\""))
        .map(|line| line.strip_suffix(b",").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::LocationPolicy;
    use crate::view::PictureHosting;
    use photo_metadata::{Camera, CaptureTime, Location, PhotoRecord};

    fn view(policy: LocationPolicy) -> PublicView {
        PublicView::new(policy, PictureHosting::default())
    }

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

    fn build(
        photos: impl IntoIterator<Item = Summary>,
        policy: LocationPolicy,
    ) -> (PublishedMonth, Vec<Body>) {
        let view = view(policy);
        let mut builder = Builder::new("2018-02", &view);
        for photo in photos {
            builder.push(&photo).expect("written");
        }
        builder.finish().expect("finished")
    }

    fn json(bodies: &[Body]) -> Vec<Vec<u8>> {
        let plain = |body: &Body| plain(&body.compressed).expect("gzip");
        bodies.iter().map(plain).collect()
    }

    #[test]
    fn counts_are_of_days_cameras_lenses_and_published_places() {
        let (month, bodies) = build((0..100).map(photo), LocationPolicy::Exact);
        assert_eq!((month.photos, bodies.len()), (100, 1));
        assert_eq!(month.days.values().sum::<u64>(), 100);
        assert_eq!(month.days["01"], 4);
        assert_eq!(month.cameras["nikon-d750"].photos, 100);
        assert!(month.lenses.is_empty());
        assert_eq!(
            month.cells.values().map(|cell| cell.photos).sum::<u64>(),
            100
        );
        assert!(build([photo(1)], LocationPolicy::Hide).0.cells.is_empty());
        let file: serde_json::Value = serde_json::from_slice(&json(&bodies)[0]).expect("JSON");
        assert_eq!(file["month"], "2018-02");
        assert_eq!(file["items"].as_array().map(Vec::len), Some(100));
    }

    #[test]
    fn a_month_without_photos_has_no_file() {
        let (month, bodies) = build([], LocationPolicy::Exact);
        assert_eq!((month.photos, bodies.len()), (0, 0));
    }

    #[test]
    fn the_same_photos_make_the_same_files_and_a_large_month_is_split() {
        // Little for gzip to find.
        let noise = |n: u32| {
            let words = (0..100_u32).map(|word| digest(format!("{n} {word}").as_bytes()));
            Some(words.collect::<String>())
        };
        let photos = || {
            (0..1_000).map(|n| {
                let mut photo = photo(n);
                photo.record.caption = noise(n);
                photo
            })
        };
        let (month, bodies) = build(photos(), LocationPolicy::Exact);
        let (again, _) = build(photos(), LocationPolicy::Exact);
        assert_eq!(month, again);
        assert!(bodies.len() > 1);
        assert_eq!(month.files[1].path, "2018-02.2.json");
        assert!(bodies.iter().all(|body| body.compressed.len() < 1_000_000));
        assert_eq!(
            month.files.iter().map(|file| file.photos).sum::<u64>(),
            1_000
        );
        for (body, json) in bodies.iter().zip(json(&bodies)) {
            assert_eq!(body.file.digest, digest(&json));
        }
    }

    #[test]
    fn cells_are_coarse_enough_to_be_few() {
        let spread = (0..5_000_u32).map(|n| {
            let mut photo = photo(n);
            photo.record.location = Some(Location {
                lat: f64::from(n / 100) - 25.0,
                lon: f64::from(n % 100) * 3.0 - 150.0,
                ..Location::default()
            });
            photo
        });
        let (month, _) = build(spread, LocationPolicy::Exact);
        assert!(month.cells.len() <= MAX_CELLS);
        assert_eq!(
            month.cells.values().map(|cell| cell.photos).sum::<u64>(),
            5_000
        );
    }

    #[test]
    fn a_difference_names_what_came_changed_and_went() {
        let mut titled = photo(2);
        titled.record.title = Some("new".to_owned());
        let (_, before) = build([photo(1), photo(2), photo(3)], LocationPolicy::Exact);
        let (_, after) = build([photo(1), titled, photo(4)], LocationPolicy::Exact);
        let (found, complete) = difference(&json(&before), &json(&after), 10_000).expect("JSON");
        let ids: Vec<_> = found.set.iter().map(|photo| photo["id"].as_str()).collect();
        assert_eq!(ids, [Some("id000002"), Some("id000004")]);
        assert_eq!(found.removed, ["id000003"]);
        assert_eq!((found.photos, complete), (3, true));
        assert_eq!(
            (found.from.as_deref(), found.to.as_deref()),
            (Some("2018-02-03"), Some("2018-02-05"))
        );
        let (found, complete) = difference(&json(&before), &json(&after), 10).expect("JSON");
        assert_eq!((found.photos, complete), (3, false));
    }
}
