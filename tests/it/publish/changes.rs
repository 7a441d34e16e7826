//! Checks that counts and files are exact in the end. The stream may deliver its records in any
//! way, and a cycle may be interrupted at any request.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish;
use photo_metadata::Location;
use serde_json::Value;

use super::fixture::{PhotoChange, PublishWorld, TestRandom};
use super::lists::{check_lists, keyword_slugs};
use super::reader::StaticReader;
use crate::gallery::fixture::Shot;

/// The number of photo changes that a test makes in one round.
const CHANGES_PER_ROUND: u32 = 250;
/// The number of stream records in one batch.
const RECORDS_PER_BATCH: usize = 80;

impl TestRandom {
    fn test_photo(&mut self) -> Shot {
        let name = format!("IMG_{:04}", self.below(3_000));
        if self.one_in(20) {
            return Shot::undated(&name);
        }
        let (year, month) = (2017 + self.below(2), 1 + self.below(6));
        let local = format!(
            "{year}-{month:02}-{:02}T{:02}:00:00",
            1 + self.below(28),
            self.below(24)
        );
        let shot = Shot::new(&name, &local);
        let place = (
            self.below(3_600) as f64 / 10.0 - 180.0,
            self.below(1_800) as f64 / 10.0 - 90.0,
        );
        let shot = shot.place(place.0, place.1, LocationPolicy::Exact);
        match self.below(4) {
            0 => shot.private(),
            1 => shot.camera("nikon-d750").lens("nikkor-24-120"),
            2 => shot.camera("canon-eos-r5"),
            _ => shot,
        }
    }

    /// Returns the item of a test photo, with a size, a rating and keywords. Some keywords have two
    /// spellings.
    fn test_item(&mut self) -> PhotoItem {
        let mut item = self.test_photo().item();
        let record = &mut item.summary.as_mut().unwrap().record;
        let sizes = [
            Some((6000, 4000)),
            Some((3000, 4000)),
            Some((20_000, 1000)),
            None,
        ];
        (record.width, record.height) = sizes[self.below(4) as usize].unzip();
        record.rating = [None, Some(0), Some(1), Some(5)][self.below(4) as usize];
        let keywords = ["Kyoto", "kyoto", "Places|Japan", "Été", "!"];
        let keywords = keywords.iter().filter(|_| self.one_in(3));
        record.keywords = keywords.map(ToString::to_string).collect();
        item.photo.record = record.clone();
        item
    }
}

/// Returns the number of rounds. It is eight by default. If `PUBLISH_TEST_CHANGES` is set, there
/// are as many rounds as this number of changes needs. `.ci/run` sets ten thousand changes.
fn round_count() -> u32 {
    let changes = std::env::var("PUBLISH_TEST_CHANGES").ok();
    let changes = changes.map(|changes| changes.parse::<u32>().unwrap());
    changes.map_or(8, |changes| changes.div_ceil(CHANGES_PER_ROUND))
}

/// Checks that the published files list the same photos as the gallery, and that the published
/// counts are the same as a count of all photos.
async fn assert_published_exactly(world: &PublishWorld) {
    let photos = world.gallery_photos(LocationPolicy::Exact).await;
    let index = world.file("index.json").await.unwrap();
    assert_eq!(index["photos"].as_u64(), Some(photos.len() as u64));
    let mut published = BTreeMap::new();
    for month in index["months"].as_array().unwrap() {
        for file in month["files"].as_array().unwrap() {
            let json = world.file(file["path"].as_str().unwrap()).await.unwrap();
            for photo in json["items"].as_array().unwrap() {
                let id = photo["id"].as_str().unwrap().to_owned();
                assert!(
                    published.insert(id, photo.clone()).is_none(),
                    "twice: {photo}"
                );
            }
        }
    }
    assert_eq!(published, photos);
    let miscounted = publish::find_miscounted_months(
        &world.catalogue,
        &world.published,
        LocationPolicy::Exact.into(),
        chrono::Utc::now(),
    )
    .await
    .unwrap();
    assert_eq!(miscounted, Vec::<String>::new());
    let months = world.published.months().await.unwrap();
    let cells: u64 = months
        .iter()
        .flat_map(|month| month.cells.values())
        .map(|cell| cell.photos)
        .sum();
    assert_eq!(
        cells,
        photos
            .values()
            .filter(|photo| !photo["location"].is_null())
            .count() as u64
    );
    let days: u64 = months.iter().flat_map(|month| month.days.values()).sum();
    assert_eq!(
        days,
        photos
            .values()
            .filter(|photo| !photo["takenAtLocal"].is_null())
            .count() as u64
    );
    assert_facets_exactly(world, &index, &photos).await;
    assert_map_exactly(world, &index, &photos).await;
    // Every stored file outside of folders is in the index, except the index, the facets, the map
    // and the changes.
    let named = index["months"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|month| month["files"].as_array().unwrap());
    let files = world.files().await.into_keys();
    let files = files.filter(|path| !path.contains('/'));
    assert_eq!(files.count(), named.count() + 4);
    check_lists(world, LocationPolicy::Exact).await;
}

/// Counts the photos that the gallery lists by hand, and compares the result with `facets.json` and
/// with the sums of aspect ratios in the index.
async fn assert_facets_exactly(
    world: &PublishWorld,
    index: &Value,
    photos: &BTreeMap<String, Value>,
) {
    let mut facets: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    let mut aspects: BTreeMap<String, f64> = BTreeMap::new();
    for photo in photos.values() {
        let taken = photo["takenAtLocal"].as_str();
        // A photo of which only the year is known is in the first month.
        let month = taken.map_or("undated".to_owned(), |taken| {
            format!("{taken}-01")[..7].to_owned()
        });
        let size = (photo["width"].as_f64(), photo["height"].as_f64());
        let aspect = match size {
            (Some(width), Some(height)) => (width / height).clamp(0.25, 4.0),
            _ => 1.5,
        };
        *aspects.entry(month.clone()).or_default() += aspect;
        let mut count = |kind: &str, value: String| {
            let key = (kind.to_owned(), value, month.clone());
            *facets.entry(key).or_default() += 1;
        };
        for kind in ["camera", "lens"] {
            if let Some(slug) = photo[kind]["slug"].as_str() {
                count(kind, slug.to_owned());
            }
        }
        if let Some(rating) = photo["rating"].as_i64().filter(|rating| *rating > 0) {
            count("rating", rating.to_string());
        }
        let slugs = keyword_slugs(photo);
        slugs.into_iter().for_each(|slug| count("keyword", slug));
    }
    for month in index["months"].as_array().unwrap() {
        let expected = aspects.remove(month["month"].as_str().unwrap()).unwrap();
        let found = month["aspects"].as_f64().unwrap();
        assert!((found - expected).abs() < 0.001, "{month} {expected}");
    }
    assert!(aspects.is_empty(), "{aspects:?}");

    let published = world.file("facets.json").await.unwrap();
    assert_eq!(published["generation"], index["generation"]);
    let mut found = BTreeMap::new();
    for (list, kind, id) in [
        ("cameras", "camera", "slug"),
        ("lenses", "lens", "slug"),
        ("keywords", "keyword", "slug"),
        ("ratings", "rating", "rating"),
    ] {
        for entry in published[list].as_array().unwrap() {
            let value = &entry[id];
            let value = value.as_str().map_or(value.to_string(), str::to_owned);
            let mut sum = 0;
            for (month, photos) in entry["months"].as_object().unwrap() {
                let photos = photos.as_u64().unwrap();
                sum += photos;
                found.insert((kind.to_owned(), value.clone(), month.clone()), photos);
            }
            assert_eq!(entry["photos"].as_u64(), Some(sum), "{entry}");
        }
    }
    assert_eq!(found, facets);
}

/// Counts the positions of the photos that the gallery lists by hand, and compares the result with
/// `map.json`.
async fn assert_map_exactly(world: &PublishWorld, index: &Value, photos: &BTreeMap<String, Value>) {
    let map = world.file("map.json").await.unwrap();
    assert_eq!(map["generation"], index["generation"]);
    let cells = map["cells"].as_array().unwrap();
    let chars = cells
        .first()
        .map_or(0, |cell| cell["cell"].as_str().unwrap().len());
    let mut expected: BTreeMap<(String, String), u64> = BTreeMap::new();
    for photo in photos.values().filter(|photo| !photo["location"].is_null()) {
        let place = Location {
            lat: photo["location"]["lat"].as_f64().unwrap(),
            lon: photo["location"]["lon"].as_f64().unwrap(),
            ..Location::default()
        };
        let taken = photo["takenAtLocal"].as_str();
        let month = taken.map_or("undated".to_owned(), |taken| {
            format!("{taken}-01")[..7].to_owned()
        });
        *expected
            .entry((place.geohash(chars).unwrap(), month))
            .or_default() += 1;
    }
    assert_eq!(index["positions"], expected.values().sum::<u64>());
    let mut found = BTreeMap::new();
    for cell in cells {
        let months = cell["months"].as_object().unwrap();
        let sum: u64 = months.values().map(|photos| photos.as_u64().unwrap()).sum();
        assert_eq!(cell["photos"], sum, "{cell}");
        for (month, photos) in months {
            let key = (cell["cell"].as_str().unwrap().to_owned(), month.clone());
            found.insert(key, photos.as_u64().unwrap());
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_and_files_are_exact_after_thousands_of_badly_delivered_changes() {
    let mut world = PublishWorld::new().await;
    let mut random = TestRandom(42);
    let mut shots: BTreeMap<String, PhotoItem> = BTreeMap::new();
    let mut delivered: Vec<Value> = Vec::new();
    let mut undelivered: Vec<Value> = Vec::new();
    let mut reader = StaticReader::default();
    let mut interrupted = 0;
    let rounds = round_count();
    for round in 0..rounds {
        // The index shows a change at most 9 seconds after the stream delivered it.
        let mut lagging: Vec<PhotoChange> = Vec::new();
        for _ in 0..CHANGES_PER_ROUND {
            let item = random.test_item();
            let before = shots.remove(&item.pk);
            let after = match before {
                Some(_) if random.one_in(3) => None,
                _ => Some(item),
            };
            if let Some(item) = &after {
                shots.insert(item.pk.clone(), item.clone());
            }
            if before.is_none() && after.is_none() {
                continue;
            }
            let change = PhotoChange::new(before, after);
            undelivered.push(change.record.clone());
            if random.one_in(4)
                || lagging
                    .iter()
                    .any(|other| other.record["pk"] == change.record["pk"])
            {
                lagging.push(change);
            } else {
                // If one photo changes twice, its changes must keep their order.
                for earlier in lagging.drain(..) {
                    world.write(&earlier).await;
                }
                world.write(&change).await;
            }
        }
        // Batches arrive in any order. Some arrive several times, some much later.
        while !undelivered.is_empty() && !random.one_in(5) {
            let at = random.below(undelivered.len() as u64) as usize;
            let batch: Vec<Value> = undelivered
                .drain(at..undelivered.len().min(at + RECORDS_PER_BATCH))
                .collect();
            world.mark(&batch).await;
            delivered.extend(batch);
        }
        if random.one_in(3) && !delivered.is_empty() {
            let at = random.below(delivered.len() as u64) as usize;
            let again = &delivered[at..delivered.len().min(at + RECORDS_PER_BATCH)];
            world.mark(again).await;
        }
        world.pass(9);
        world.run_cycle().await.unwrap();
        for change in &lagging {
            world.write(change).await;
        }
        world.pass(1 + random.below(70) as i64);
        if random.one_in(2) {
            world.wire.cut_after(random.below(120) as i64);
            interrupted += u32::from(world.run_cycle().await.is_err());
            world.wire.mend();
        } else {
            world.run_cycle().await.unwrap();
        }
        if round % 10 == 9 {
            reader.update(&world).await;
        }
    }
    assert!(interrupted > rounds / 10, "{interrupted}");
    world.mark(&undelivered).await;
    // An interrupted cycle may still have the lease, so the test waits until it has ended.
    world.pass(600);
    world.settle().await;
    assert_published_exactly(&world).await;
    reader.update(&world).await;
    assert_eq!(
        reader.photos(),
        world.gallery_photos(LocationPolicy::Exact).await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_changes_has_the_photos_of_the_gallery() {
    let mut world = PublishWorld::new().await;
    let mut random = TestRandom(7);
    let mut reader = StaticReader::default();
    let mut shots: BTreeMap<String, PhotoItem> = BTreeMap::new();
    world.settle().await;
    reader.update(&world).await;
    let at_first = reader.reads;
    for _ in 0..30 {
        let mut records = Vec::new();
        for _ in 0..4 {
            let item = random.test_item();
            let change = PhotoChange::new(shots.insert(item.pk.clone(), item.clone()), Some(item));
            world.write(&change).await;
            records.push(change.record);
        }
        world.mark(&records).await;
        world.settle().await;
        reader.update(&world).await;
        assert_eq!(
            reader.photos(),
            world.gallery_photos(LocationPolicy::Exact).await
        );
    }
    // Each update reads two files. The reader never needs the file of a month.
    assert!(reader.reads - at_first <= 30 * 2, "{}", reader.reads);
}

#[tokio::test]
async fn a_thousand_changes_need_few_requests_and_an_idle_cycle_two_queries() {
    let mut world = PublishWorld::new().await;
    let shots: Vec<Shot> = (0..1_000)
        .map(|n| {
            Shot::new(
                &format!("IMG_{n:04}"),
                &format!("2018-02-{:02}T09:00:00", n % 28 + 1),
            )
        })
        .collect();
    let records = world.change(&shots).await;
    world.settle().await;
    world.wire.take_requests();
    for batch in records.chunks(100) {
        world.mark(batch).await;
    }
    world.settle().await;
    let sent = world.wire.take_requests();
    assert!(sent.len() <= 60, "{} {sent:?}", sent.len());

    for _ in 0..10 {
        world.pass(60);
        world.run_cycle().await.unwrap();
    }
    let sent = world.wire.take_requests();
    assert_eq!(sent, ["Query"; 20]);
}

#[tokio::test]
async fn burst_within_a_second_is_in_the_order_of_its_file_names() {
    let mut world = PublishWorld::new().await;
    let names = ["DSC_0001", "DSC_0002", "DSC_0003", "DSC_0004", "DSC_0005"];
    // If only the year of a photo is known, the photo is at the start of the year.
    let mut shots = vec![Shot::new("scan", "2022")];
    shots.extend(
        names
            .iter()
            .rev()
            .map(|name| Shot::new(name, "2022-01-01T10:00:00")),
    );
    let mut records = Vec::new();
    for shot in shots {
        let change = PhotoChange::new(None, Some(shot.item()));
        world.write(&change).await;
        records.push(change.record);
    }
    world.mark(&records).await;
    world.settle().await;
    assert_published_exactly(&world).await;
    let file = world.file("2022-01.json").await.unwrap();
    let items = file["items"].as_array().unwrap();
    let listed: Vec<&str> = items
        .iter()
        .map(|photo| photo["name"].as_str().unwrap())
        .collect();
    assert_eq!(listed, [&["scan"][..], &names].concat());
    assert_eq!(items[0]["takenAtLocal"], "2022");
    assert_eq!(items[0]["datePrecision"], "year");
}

#[tokio::test]
async fn a_month_of_many_pages_is_complete_and_in_order() {
    let mut world = PublishWorld::new().await;
    // The months have photos in both halves, or in one half only. Each half has more photos than a
    // page.
    for (month, first, last) in [(2, 1, 28), (3, 1, 15), (4, 16, 30)] {
        let days = last - first + 1;
        let shots: Vec<Shot> = (0..2_400)
            .map(|n| {
                let day = first + n % days;
                let local = format!("2018-{month:02}-{day:02}T09:{:02}:{:02}", n / 60, n % 60);
                Shot::new(&format!("IMG_{n:04}"), &local)
            })
            .collect();
        let changes = shots
            .iter()
            .map(|shot| PhotoChange::new(None, Some(shot.item())));
        let records: Vec<Value> = stream::iter(changes)
            .map(|change| {
                let world = &world;
                async move {
                    world.write(&change).await;
                    change.record
                }
            })
            .buffer_unordered(16)
            .collect()
            .await;
        world.mark(&records).await;
    }
    world.settle().await;
    assert_published_exactly(&world).await;
    for month in ["2018-02", "2018-03", "2018-04"] {
        let file = world.file(&format!("{month}.json")).await.unwrap();
        let times: Vec<&str> = file["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|photo| photo["takenAtLocal"].as_str().unwrap())
            .collect();
        assert_eq!(times.len(), 2_400);
        assert!(times.is_sorted(), "{month}");
    }
}

#[tokio::test]
async fn a_removed_photo_leaves_no_file_and_no_count() {
    let mut world = PublishWorld::new().await;
    let item = Shot::new("IMG_0001", "2018-02-01T09:00:00").item();
    let added = PhotoChange::new(None, Some(item.clone()));
    let removed = PhotoChange::new(Some(item), None);
    world.write(&added).await;
    world.mark(&[added.record]).await;
    world.settle().await;
    assert!(world.file("2018-02.json").await.is_some());
    assert_eq!(world.published.months().await.unwrap().len(), 1);
    world.write(&removed).await;
    world.mark(&[removed.record]).await;
    world.settle().await;
    assert!(world.file("2018-02.json").await.is_none());
    assert!(world.published.months().await.unwrap().is_empty());
    let index = world.file("index.json").await.unwrap();
    assert_eq!(
        (
            index["photos"].as_u64(),
            index["months"].as_array().unwrap().len()
        ),
        (Some(0), 0)
    );
    let changes = world.file("changes.json").await.unwrap();
    let changes = changes["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["removed"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_concurrent_cycles_rebuild_a_month_once() {
    let mut world = PublishWorld::new().await;
    let records = world
        .change(&[Shot::new("IMG_0001", "2018-02-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.pass(60);
    let other = world.other_publisher(super::fixture::settings(LocationPolicy::Exact));
    let long = std::time::Duration::from_secs(60);
    let (one, two) = tokio::join!(world.run_cycle(), other.run_cycle(world.now, long));
    let changed = one.unwrap().changed + two.unwrap().changed;
    assert_eq!(changed, 1);
    world.settle().await;
    assert_published_exactly(&world).await;
}

#[tokio::test]
async fn a_released_lease_lets_the_next_cycle_start_at_once() {
    let mut world = PublishWorld::new().await;
    let records = world
        .change(&[Shot::new("IMG_0001", "2018-02-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.pass(60);
    let other = world.other_publisher(super::fixture::settings(LocationPolicy::Exact));
    let long = std::time::Duration::from_secs(60);
    {
        let mut cycle = std::pin::pin!(world.run_cycle());
        let leased = async {
            while world
                .published
                .state()
                .await
                .unwrap()
                .leased_until
                .is_none()
            {}
        };
        tokio::select! {
            biased;
            () = leased => {}
            report = &mut cycle => panic!("the cycle ended before its lease was seen: {report:?}"),
        }
    }
    assert_eq!(other.run_cycle(world.now, long).await.unwrap().changed, 0);
    world.publish.release_lease().await.unwrap();
    assert_eq!(other.run_cycle(world.now, long).await.unwrap().changed, 1);
    world.settle().await;
    assert_published_exactly(&world).await;
}

#[tokio::test]
async fn a_miscount_is_found_and_repaired() {
    let mut world = PublishWorld::new().await;
    let records = world
        .change(&[Shot::new("IMG_0001", "2018-02-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.settle().await;
    let mut month = world.published.months().await.unwrap().remove(0);
    month.photos += 1;
    world.published.put_month(&month).await.unwrap();
    // The stream delivered no record for this photo.
    world
        .change(&[Shot::new("IMG_0002", "2019-02-01T09:00:00")])
        .await;
    let miscounted = publish::find_miscounted_months(
        &world.catalogue,
        &world.published,
        LocationPolicy::Exact.into(),
        chrono::Utc::now(),
    )
    .await
    .unwrap();
    assert_eq!(miscounted, ["2018-02", "2019-02"]);
    publish::mark_all_months(&world.catalogue, &world.published, world.now)
        .await
        .unwrap();
    world.settle().await;
    assert_published_exactly(&world).await;
}
