//! Counts and files follow the photos, whatever of the stream is delivered, how often and in which order, and wherever a
//! tick is cut off.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish;
use serde_json::Value;

use super::fixture::{Change, World};
use super::reader::Reader;
use crate::gallery::fixture::Shot;

/// Changes of a round.
const CHANGES: u32 = 250;
/// Records of a batch.
const BATCH: usize = 80;

/// A generator of numbers that are the same at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX constants.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn shot(&mut self) -> Shot {
        let name = format!("IMG_{:04}", self.roll(3_000));
        if self.one_in(20) {
            return Shot::undated(&name);
        }
        let (year, month) = (2017 + self.roll(2), 1 + self.roll(6));
        let local = format!(
            "{year}-{month:02}-{:02}T{:02}:00:00",
            1 + self.roll(28),
            self.roll(24)
        );
        let shot = Shot::new(&name, &local);
        let place = (
            self.roll(3_600) as f64 / 10.0 - 180.0,
            self.roll(1_800) as f64 / 10.0 - 90.0,
        );
        let shot = shot.place(place.0, place.1, LocationPolicy::Exact);
        match self.roll(4) {
            0 => shot.private(),
            1 => shot.camera("nikon-d750").lens("nikkor-24-120"),
            2 => shot.camera("canon-eos-r5"),
            _ => shot,
        }
    }
}

/// How many rounds: eight, or as many as the changes that `PUBLISH_TEST_CHANGES` names; .ci/run names ten thousand.
fn rounds() -> u32 {
    let changes = std::env::var("PUBLISH_TEST_CHANGES").ok();
    let changes = changes.map(|changes| changes.parse::<u32>().unwrap());
    changes.map_or(8, |changes| changes.div_ceil(CHANGES))
}

/// What is published is what the gallery answers, and what a count of all photos gives.
async fn assert_right(world: &World) {
    let photos = world.api(LocationPolicy::Exact).await;
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
    let off = publish::find_miscounted_months(
        &world.catalogue,
        &world.published,
        LocationPolicy::Exact.into(),
    )
    .await
    .unwrap();
    assert_eq!(off, Vec::<String>::new());
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
            .filter(|photo| !photo["date"].is_null())
            .count() as u64
    );
    // No file is left behind that no index names.
    let named = index["months"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|month| month["files"].as_array().unwrap());
    assert_eq!(world.files().await.len(), named.count() + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_and_files_are_exact_after_thousands_of_changes_that_are_told_badly() {
    let mut world = World::new().await;
    let mut dice = Dice(42);
    let mut shots: BTreeMap<String, PhotoItem> = BTreeMap::new();
    let mut told: Vec<Value> = Vec::new();
    let mut untold: Vec<Value> = Vec::new();
    let mut reader = Reader::default();
    let mut cuts = 0;
    let rounds = rounds();
    for round in 0..rounds {
        // The index shows a change up to 9 seconds after the stream has told of it.
        let mut lagging: Vec<Change> = Vec::new();
        for _ in 0..CHANGES {
            let item = dice.shot().item();
            let before = shots.remove(&item.pk);
            let after = match before {
                Some(_) if dice.one_in(3) => None,
                _ => Some(item),
            };
            if let Some(item) = &after {
                shots.insert(item.pk.clone(), item.clone());
            }
            if before.is_none() && after.is_none() {
                continue;
            }
            let change = Change::new(before, after);
            untold.push(change.record.clone());
            if dice.one_in(4)
                || lagging
                    .iter()
                    .any(|other| other.record["pk"] == change.record["pk"])
            {
                lagging.push(change);
            } else {
                // In the order of the writes, where one photo changes twice.
                for earlier in lagging.drain(..) {
                    world.write(&earlier).await;
                }
                world.write(&change).await;
            }
        }
        // Batches in any order, some again, some much later.
        while !untold.is_empty() && !dice.one_in(5) {
            let at = dice.roll(untold.len() as u64) as usize;
            let batch: Vec<Value> = untold.drain(at..untold.len().min(at + BATCH)).collect();
            world.mark(&batch).await;
            told.extend(batch);
        }
        if dice.one_in(3) && !told.is_empty() {
            let at = dice.roll(told.len() as u64) as usize;
            let again = &told[at..told.len().min(at + BATCH)];
            world.mark(again).await;
        }
        world.pass(9);
        world.run_cycle().await.unwrap();
        for change in &lagging {
            world.write(change).await;
        }
        world.pass(1 + dice.roll(70) as i64);
        if dice.one_in(2) {
            world.wire.cut_after(dice.roll(120) as i64);
            cuts += u32::from(world.run_cycle().await.is_err());
            world.wire.mend();
        } else {
            world.run_cycle().await.unwrap();
        }
        if round % 10 == 9 {
            reader.update(&world).await;
        }
    }
    assert!(cuts > rounds / 10, "{cuts}");
    world.mark(&untold).await;
    // Who was cut off had the lease.
    world.pass(600);
    world.settle().await;
    assert_right(&world).await;
    reader.update(&world).await;
    assert_eq!(reader.photos(), world.api(LocationPolicy::Exact).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_builder_that_reads_changes_only_has_what_the_gallery_has() {
    let mut world = World::new().await;
    let mut dice = Dice(7);
    let mut reader = Reader::default();
    let mut shots: BTreeMap<String, PhotoItem> = BTreeMap::new();
    world.settle().await;
    reader.update(&world).await;
    let at_first = reader.reads;
    for _ in 0..30 {
        let mut records = Vec::new();
        for _ in 0..4 {
            let item = dice.shot().item();
            let change = Change::new(shots.insert(item.pk.clone(), item.clone()), Some(item));
            world.write(&change).await;
            records.push(change.record);
        }
        world.mark(&records).await;
        world.settle().await;
        reader.update(&world).await;
        assert_eq!(reader.photos(), world.api(LocationPolicy::Exact).await);
    }
    // Never a month's own file.
    assert!(reader.reads - at_first <= 30 * 2, "{}", reader.reads);
}

#[tokio::test]
async fn a_change_costs_few_requests_and_nothing_costs_two_queries() {
    let mut world = World::new().await;
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
    world.wire.take();
    for batch in records.chunks(100) {
        world.mark(batch).await;
    }
    world.settle().await;
    let sent = world.wire.take();
    assert!(sent.len() <= 60, "{} {sent:?}", sent.len());

    for _ in 0..10 {
        world.pass(60);
        world.run_cycle().await.unwrap();
    }
    let sent = world.wire.take();
    assert_eq!(sent, ["Query"; 20]);
}

#[tokio::test]
async fn a_month_of_many_pages_is_whole_and_in_order_wherever_its_days_lie() {
    let mut world = World::new().await;
    // Both halves over more than a page; then one of them only.
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
            .map(|shot| Change::new(None, Some(shot.item())));
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
    assert_right(&world).await;
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
async fn a_photo_that_goes_leaves_no_file_and_no_count() {
    let mut world = World::new().await;
    let item = Shot::new("IMG_0001", "2018-02-01T09:00:00").item();
    let come = Change::new(None, Some(item.clone()));
    let go = Change::new(Some(item), None);
    world.write(&come).await;
    world.mark(&[come.record]).await;
    world.settle().await;
    assert!(world.file("2018-02.json").await.is_some());
    assert_eq!(world.published.months().await.unwrap().len(), 1);
    world.write(&go).await;
    world.mark(&[go.record]).await;
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
    assert_eq!(
        changes["changes"][1]["removed"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn two_at_once_do_the_work_of_one() {
    let mut world = World::new().await;
    let records = world
        .change(&[Shot::new("IMG_0001", "2018-02-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.pass(60);
    let other = world.other(super::fixture::settings(LocationPolicy::Exact));
    let long = std::time::Duration::from_secs(60);
    let (one, two) = tokio::join!(world.run_cycle(), other.run_cycle(world.now, long));
    let changed = one.unwrap().changed + two.unwrap().changed;
    assert_eq!(changed, 1);
    world.settle().await;
    assert_right(&world).await;
}

#[tokio::test]
async fn who_is_stopped_in_the_middle_leaves_the_work_to_the_next_at_once() {
    let mut world = World::new().await;
    let records = world
        .change(&[Shot::new("IMG_0001", "2018-02-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.pass(60);
    let other = world.other(super::fixture::settings(LocationPolicy::Exact));
    let long = std::time::Duration::from_secs(60);
    {
        let mut tick = std::pin::pin!(world.run_cycle());
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
            ticked = &mut tick => panic!("over before it was seen: {ticked:?}"),
        }
    }
    assert_eq!(other.run_cycle(world.now, long).await.unwrap().changed, 0);
    world.publish.release_lease().await.unwrap();
    assert_eq!(other.run_cycle(world.now, long).await.unwrap().changed, 1);
    world.settle().await;
    assert_right(&world).await;
}

#[tokio::test]
async fn a_miscount_is_found_and_put_right() {
    let mut world = World::new().await;
    let records = world
        .change(&[Shot::new("IMG_0001", "2018-02-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.settle().await;
    let mut month = world.published.months().await.unwrap().remove(0);
    month.photos += 1;
    world.published.put_month(&month).await.unwrap();
    // One that nobody has told of.
    world
        .change(&[Shot::new("IMG_0002", "2019-02-01T09:00:00")])
        .await;
    let off = publish::find_miscounted_months(
        &world.catalogue,
        &world.published,
        LocationPolicy::Exact.into(),
    )
    .await
    .unwrap();
    assert_eq!(off, ["2018-02", "2019-02"]);
    publish::mark_all_months(&world.catalogue, &world.published, world.now)
        .await
        .unwrap();
    world.settle().await;
    assert_right(&world).await;
}
