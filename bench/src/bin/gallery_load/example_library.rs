//! The catalogue of the measurement: photos of 30 years with keywords, places, ratings and texts,
//! and some albums.

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use bench::{BenchResult, Vocabulary, example_pictures};
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use futures::{StreamExt, TryStreamExt, stream};
use photo_catalogue::catalogue::album::{Album, AlbumContent, AlbumOrder, AlbumRule};
use photo_catalogue::catalogue::date_partition::DatePartition;
use photo_catalogue::catalogue::item::{IndexKeys, PhotoItem, PhotoPart};
use photo_catalogue::catalogue::query::date_sort;
use photo_catalogue::catalogue::{AlbumWrite, Catalogue};
use photo_catalogue::clients::Clients;
use photo_catalogue::privacy::Visibility;
use photo_catalogue::summary::Summary;
use photo_metadata::{
    Camera, CaptureTime, DateSource, Exposure, Lens, Location, LocationPrecision, PhotoMetadata,
    PhotoRecord, TagValue,
};

pub(crate) const YEARS: u32 = 30;
pub(crate) const FIRST_YEAR: u32 = 1996;
pub(crate) const CAMERAS: u32 = 40;
pub(crate) const LENSES: u32 = 60;
/// The number of places near which the photos are taken. Places with low numbers have more photos.
pub(crate) const PLACES: u32 = 25;
/// The number of albums of each kind.
pub(crate) const ALBUMS: u32 = 10;
/// The number of photos in an album that is a list.
const LISTED_PHOTOS: u32 = 200;
/// The start of the capture times: 1996-01-01, in seconds since 1970.
const START: i64 = 820_454_400;
/// The time at which the photos of the first 25 years were imported: 2021-01-01, in seconds since
/// 1970. The import took a week.
const IMPORT: i64 = 1_609_459_200;
const WEEK: i64 = 7 * 86_400;

/// Writes the photos and the albums of a catalogue of `size` photos.
pub(crate) async fn fill_catalogue(
    clients: &Clients,
    catalogue: &Catalogue,
    size: u32,
) -> BenchResult<()> {
    for year in FIRST_YEAR..FIRST_YEAR + YEARS {
        let partition = year.to_string().parse()?;
        catalogue.ensure_date_partition(partition).await?;
    }
    let numbers: Vec<u32> = (0..size).collect();
    stream::iter(numbers.chunks(25))
        .map(|numbers| async move {
            let puts = numbers.iter().map(|n| {
                let item = serde_dynamo::to_item(photo_item(*n, size))?;
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                Ok(WriteRequest::builder().put_request(put).build())
            });
            let puts = puts.collect::<BenchResult<Vec<_>>>()?;
            let write = clients.dynamodb.batch_write_item();
            write.request_items("photos", puts).send().await?;
            BenchResult::Ok(())
        })
        .buffer_unordered(4)
        .try_for_each(|()| async { Ok(()) })
        .await?;
    for album in (0..ALBUMS).flat_map(|n| [rule_album(n), list_album(n, size)]) {
        catalogue.put_album(&album, AlbumWrite::Create).await?;
    }
    Ok(())
}

/// Returns an album with a rule: a keyword, or a camera and some years.
fn rule_album(n: u32) -> Album {
    let mut random = Rng::with_seed(u64::from(n));
    let rule = match n % 2 {
        0 => AlbumRule {
            keyword: Some(Vocabulary::new(&mut random).frequent_keyword()),
            ..AlbumRule::default()
        },
        _ => AlbumRule {
            camera: Some(format!("camera-{}", random.u32(..CAMERAS))),
            from: Some((FIRST_YEAR + n).to_string()),
            to: Some((FIRST_YEAR + n + 4).to_string()),
            ..AlbumRule::default()
        },
    };
    Album {
        content: AlbumContent::Rule(rule),
        ..album(&format!("rule-{n}"), AlbumOrder::Newest)
    }
}

/// Returns an album that lists photos of all years in the order of their owner.
fn list_album(n: u32, size: u32) -> Album {
    let mut random = Rng::with_seed(u64::from(n));
    let mut stems: Vec<String> = (0..LISTED_PHOTOS.min(size))
        .map(|_| photo_stem(&example_photo(random.u32(..size), size)))
        .collect();
    stems.sort_unstable();
    stems.dedup();
    random.shuffle(&mut stems);
    Album {
        content: AlbumContent::List(stems),
        ..album(&format!("list-{n}"), AlbumOrder::Listed)
    }
}

fn album(slug: &str, order: AlbumOrder) -> Album {
    Album {
        slug: slug.to_owned(),
        title: format!("Album {slug}"),
        description: None,
        cover: None,
        order,
        visibility: Visibility::Public,
        content: AlbumContent::List(Vec::new()),
    }
}

/// Returns the latitude and the longitude of place number `n`, in degrees. They are random, but
/// always the same for one number.
pub(crate) fn place(n: u32) -> (f64, f64) {
    let mut random = Rng::with_seed(u64::from(n));
    (random.f64() * 120.0 - 60.0, random.f64() * 340.0 - 170.0)
}

pub(crate) fn photo_stem(record: &PhotoRecord) -> String {
    let capture = &record.capture;
    let date = capture.day().map(|day| day.to_string());
    let name: String = capture
        .local_text()
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    format!("{}/DSC_{name}", date.unwrap_or_default())
}

/// Returns the record of photo number `n` of a catalogue of `size` photos. The capture times are
/// spread evenly over 30 years.
pub(crate) fn example_photo(n: u32, size: u32) -> PhotoRecord {
    let mut random = Rng::with_seed(u64::from(n) + 1_000);
    let span = i64::from(YEARS) * 365 * 86_400 * 1_000;
    let start = DateTime::from_timestamp(START, 0).unwrap_or_default();
    let local = start + TimeDelta::milliseconds(span / i64::from(size) * i64::from(n));
    let place_number = random.u32(..PLACES).min(random.u32(..PLACES));
    let (lat, lon) = place(place_number);
    let (camera, lens) = (random.u32(..CAMERAS), random.u32(..LENSES));
    let mut vocabulary = Vocabulary::new(&mut random);
    let labels = PhotoRecord {
        keywords: vocabulary.keywords(),
        rating: vocabulary.rating(),
        title: vocabulary.title(),
        caption: vocabulary.caption(),
        place: Some(vocabulary.place(place_number)),
        ..PhotoRecord::default()
    };
    PhotoRecord {
        capture: CaptureTime::new(local.naive_utc(), DateSource::DateTimeOriginal, None),
        width: Some(6000),
        height: Some(4000),
        camera: Some(Camera {
            slug: format!("camera-{camera}"),
            name: format!("Camera {camera}"),
            make: Some("Maker".to_owned()),
            model: Some(format!("Camera {camera}")),
        }),
        lens: Some(Lens {
            slug: format!("lens-{lens}"),
            name: format!("Lens {lens} 24-70mm f/2.8"),
            make: None,
            model: Some(format!("Lens {lens} 24-70mm f/2.8")),
        }),
        exposure: Exposure {
            time: Some("1/250".to_owned()),
            seconds: Some(0.004),
            f_number: Some(2.8),
            iso: Some(100 * random.u32(1..64)),
            focal_length: Some(50.0),
            ..Exposure::default()
        },
        location: Some(Location {
            lat: lat + random.f64() * 0.1 - 0.05,
            lon: lon + random.f64() * 0.1 - 0.05,
            alt: Some(31.0),
            precision: LocationPrecision::Exact,
            ..Location::default()
        }),
        artist: Some("A. Photographer".to_owned()),
        ..labels
    }
}

/// Returns the time at which photo number `n` became public. The photos of the first 25 years were
/// imported in one week, in no particular order. The others were added in the month after they were
/// taken.
fn added_at(n: u32, photo: &PhotoRecord) -> Option<DateTime<Utc>> {
    let mut random = Rng::with_seed(u64::from(n) + 2_000);
    let taken = photo.capture.start()?.and_utc().timestamp();
    let added = match taken < IMPORT {
        true => IMPORT + random.i64(..WEEK),
        false => taken + random.i64(..4 * WEEK),
    };
    DateTime::from_timestamp(added, 0)
}

/// Returns the catalogue item of photo number `n` of a catalogue of `size` photos, as ingest writes
/// it. The item has 60 EXIF tags, about as many as a camera writes.
fn photo_item(n: u32, size: u32) -> PhotoItem {
    let photo = example_photo(n, size);
    let stem = photo_stem(&photo);
    let mut item = PhotoItem::stub(&stem);
    item.revision = 1;
    let part = PhotoPart {
        key: format!("{stem}.JPG"),
        etag: "0123456789abcdef0123456789abcdef".to_owned(),
        last_modified: "2026-01-01T00:00:00Z".to_owned(),
        bytes: 8_000_000 + u64::from(n),
        mime: "image/jpeg".to_owned(),
        width: photo.width,
        height: photo.height,
        ..PhotoPart::default()
    };
    let mut summary = Summary::new(&item.id, &stem, 1, photo.clone());
    summary.pictures = Some(Box::new(example_pictures(n)));
    summary.added_at = added_at(n, &photo);
    item.added_at = summary.added_at;
    let geohash = photo
        .location
        .as_ref()
        .and_then(|location| location.geohash(9))
        .unwrap_or_default();
    let slug = |slug: Option<&String>| slug.cloned();
    item.index = IndexKeys {
        date_partition: Some(DatePartition::of_time(
            Visibility::Public,
            photo.capture.start(),
        )),
        date_sort: Some(date_sort(&photo.capture, &summary.name, &summary.id)),
        camera_partition: slug(photo.camera.as_ref().map(|camera| &camera.slug)),
        lens_partition: slug(photo.lens.as_ref().map(|lens| &lens.slug)),
        place_partition: Some(geohash[..4].to_owned()),
        place_sort: Some(format!("{geohash}#{}", item.id)),
    };
    let tags = (0..60).map(|tag| {
        let value = TagValue::Text(format!("value {n}"));
        (format!("ExampleTag{tag:02}"), value)
    });
    item.exif.insert("ExifIFD".to_owned(), tags.collect());
    item.parts.insert("JPG".to_owned(), part);
    item.summary = Some(summary);
    item.photo = PhotoMetadata {
        record: photo,
        orientation: Some(1),
        ..PhotoMetadata::default()
    };
    item
}
