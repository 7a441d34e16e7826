//! Checks that no static file keeps anything of a photo that was hidden, removed or changed. Each
//! version of a photo contains a secret text and a position that no other version contains.

use std::collections::{BTreeMap, BTreeSet};

use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::LocationPolicy;
use photo_metadata::{Camera, Location, Place};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fixture::{PhotoChange, PublishWorld, TestRandom};
use super::lists::check_lists;
use super::reader::StaticReader;
use crate::gallery::fixture::Shot;

/// The number of photos in the album that are never public.
const NEVER_PUBLIC: u64 = 4;
/// The number of other photos.
const PHOTOS: u64 = 16;

/// The photos of a test, with the state that they have in the catalogue now.
struct ChangingPhotos {
    random: TestRandom,
    photos: BTreeMap<u64, PhotoItem>,
    /// The number of versions that were made. It is in the secrets of the next version.
    versions: u32,
}

/// The parts of `changes.json` that contain photos.
#[derive(Deserialize)]
struct ChangesJson {
    changes: Vec<ChangeJson>,
}

#[derive(Deserialize)]
struct ChangeJson {
    month: String,
    #[serde(default)]
    set: Vec<Box<RawValue>>,
    #[serde(default)]
    removed: Vec<String>,
}

/// Returns a secret text. `version` is its number.
fn secret_text(version: u32) -> String {
    format!("secret-{version:06}-")
}

/// Puts the secrets of a version into a photo: texts, and a position unless the number is a
/// multiple of four.
fn with_secrets(mut item: PhotoItem, version: u32) -> PhotoItem {
    let secret = secret_text(version);
    let summary = item.summary.as_mut().unwrap();
    let record = &mut summary.record;
    record.title = Some(secret.clone());
    record.caption = Some(format!("of {secret}"));
    record.headline = Some(secret.clone());
    record.alt_text = Some(secret.clone());
    record.extended_description = Some(format!("one\n{secret}"));
    record.keywords = vec![secret.clone()];
    record.people = vec![secret.clone()];
    record.event = Some(secret.clone());
    record.label = Some(secret.clone());
    record.credit = Some(secret.clone());
    record.license_url = Some(format!("https://example.org/{secret}"));
    record.usage_terms = Some(secret.clone());
    record.place = Some(Place {
        city: Some(secret.clone()),
        country: Some(secret.clone()),
        ..Place::default()
    });
    record.camera = Some(Camera {
        slug: secret.clone(),
        name: secret.clone(),
        ..Camera::default()
    });
    record.exposure.seconds = Some(1.0 / (60.0 + f64::from(version)));
    record.location = (!version.is_multiple_of(4)).then(|| Location {
        lat: secret_latitude(version),
        lon: -73.6,
        ..Location::default()
    });
    item.photo.record = record.clone();
    item
}

fn secret_latitude(version: u32) -> f64 {
    f64::from(10_000_001 + version * 1_230) / 1e6
}

/// Returns the number of each planted secret that occurs in a text, as a text or as a position.
fn find_secrets(text: &str) -> BTreeSet<u32> {
    let number = |rest: &str| rest.get(..6).and_then(|digits| digits.parse().ok());
    let texts = text.split("secret-").skip(1).filter_map(number);
    let latitudes = text.split("\"lat\":").skip(1).filter_map(|rest| {
        // The mean latitude of several photos on the map can be the latitude of another photo.
        let photos = rest.split_once("\"photos\":").map(|(_, photos)| photos);
        let is_mean = photos.is_some_and(|photos| !photos.starts_with("1,"));
        let latitude: f64 = rest.split([',', '}']).next()?.parse().ok()?;
        let version = ((latitude * 1e6).round() as u32).checked_sub(10_000_001)?;
        (!is_mean && version.is_multiple_of(1_230)).then_some(version / 1_230)
    });
    texts.chain(latitudes).collect()
}

/// Returns the text of `map.json` without the cells of several photos. Their mean position may be
/// the secret position of another photo.
fn without_means(text: &str) -> String {
    let mut map: serde_json::Value = serde_json::from_str(text).unwrap();
    let cells = map["cells"].as_array_mut().unwrap();
    cells.retain(|cell| cell["photos"] == 1);
    map.to_string()
}

fn is_public(item: &PhotoItem) -> bool {
    item.overrides.visibility.is_none()
}

fn id_of(item: &PhotoItem) -> String {
    item.summary.as_ref().unwrap().id.clone()
}

impl ChangingPhotos {
    /// Returns a random new version of a photo. If `is_new_day` is `true`, the photo may be of
    /// another day than before, with another id.
    fn new_version(&mut self, photo: u64) -> PhotoItem {
        self.versions += 1;
        let name = format!("IMG_{photo:04}");
        let shot = match self.random.below(12) {
            0 => Shot::undated(&name),
            other => {
                let month = 2 + u64::from(other < 2);
                Shot::new(&name, &format!("2018-{month:02}-01T09:00:00"))
            }
        };
        let is_private = photo >= PHOTOS || self.random.one_in(3);
        let shot = if is_private { shot.private() } else { shot };
        with_secrets(shot.item(), self.versions)
    }

    /// Changes a random photo: adds, changes, hides, moves or removes it. Writes the change to the
    /// catalogue, and marks its months dirty.
    async fn change_photo(&mut self, world: &PublishWorld) {
        let photo = self.random.below(PHOTOS + NEVER_PUBLIC);
        let before = self.photos.remove(&photo);
        let after = match before {
            Some(_) if self.random.one_in(4) => None,
            _ => Some(self.new_version(photo)),
        };
        self.photos.extend(after.clone().map(|item| (photo, item)));
        let is_moved = match (&before, &after) {
            (Some(before), Some(after)) => before.pk != after.pk,
            _ => false,
        };
        let changes = if is_moved {
            vec![
                PhotoChange::new(None, after),
                PhotoChange::new(before, None),
            ]
        } else if before.is_some() || after.is_some() {
            vec![PhotoChange::new(before, after)]
        } else {
            Vec::new()
        };
        for change in changes {
            world.write(&change).await;
            world.mark(&[change.record]).await;
        }
    }

    /// Checks all static files and the publish table.
    async fn check_everything_public(&self, world: &PublishWorld) {
        let public = self.photos.values().filter(|item| is_public(item));
        let live: BTreeSet<u32> = public
            .flat_map(|item| find_secrets(&serde_json::to_string(&item.summary).unwrap()))
            .collect();
        let files = world.file_texts().await;
        let mut shown = BTreeSet::new();
        for (path, text) in &files {
            let text = &match path.as_str() {
                "map.json" => without_means(text),
                _ => text.clone(),
            };
            let secrets = find_secrets(&format!("{path} {text}"));
            let stale: Vec<_> = secrets.difference(&live).collect();
            assert!(stale.is_empty(), "{path}: {stale:?} in {text}");
            shown.extend(secrets);
            for id in never_public_ids() {
                assert!(!text.contains(&id), "{path}: {id} in {text}");
            }
        }
        assert_eq!(shown, live, "the test finds the secrets of public photos");
        let scan = world.client.scan().table_name("publish").send().await;
        let items = format!("{:?}", scan.unwrap().items());
        let stale: Vec<u32> = find_secrets(&items).difference(&live).copied().collect();
        assert!(stale.is_empty(), "{stale:?} in {items}");
        check_changes(&files);
    }
}

/// Returns the ids of the photos that are never public, for each day that they may have.
fn never_public_ids() -> Vec<String> {
    let days = ["undated", "2018-02-01", "2018-03-01"];
    let names = PHOTOS..PHOTOS + NEVER_PUBLIC;
    names
        .flat_map(|photo| days.map(|day| format!("{day}/IMG_{photo:04}")))
        .map(|stem| PhotoId::from_stem(&stem).to_string())
        .collect()
}

/// Checks that each photo is in `changes.json` at most once, with the bytes of its line in the file
/// of its month. Also checks that no removed photo is in that file.
fn check_changes(files: &BTreeMap<String, String>) {
    let changes: ChangesJson = serde_json::from_str(&files["changes.json"]).unwrap();
    let mut seen = BTreeSet::new();
    for change in changes.changes {
        let prefix = format!("{}.", change.month);
        let texts = files.iter().filter(|(path, _)| path.starts_with(&prefix));
        let lines: BTreeSet<&str> = texts
            .flat_map(|(_, text)| text.lines())
            .map(|line| line.strip_suffix(',').unwrap_or(line))
            .collect();
        for photo in &change.set {
            assert!(lines.contains(photo.get()), "{}: {photo}", change.month);
            let head: serde_json::Value = serde_json::from_str(photo.get()).unwrap();
            let id = head["id"].as_str().unwrap().to_owned();
            assert!(
                seen.insert((change.month.clone(), id)),
                "{photo} is there twice"
            );
        }
        for id in change.removed {
            let head = format!("{{\"id\":\"{id}\"");
            assert!(lines.iter().all(|line| !line.starts_with(&head)), "{id}");
            assert!(seen.insert((change.month.clone(), id)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_keeps_a_hidden_a_removed_or_an_old_photo() {
    let mut world = PublishWorld::new().await;
    let mut reader = StaticReader::default();
    let mut album = ChangingPhotos {
        random: TestRandom(2_018),
        photos: BTreeMap::new(),
        versions: 0,
    };
    world.settle().await;
    reader.update(&world).await;
    let mut interrupted = 0;
    for round in 0..40 {
        for _ in 0..1 + album.random.below(6) {
            album.change_photo(&world).await;
        }
        world.pass(60);
        if album.random.one_in(2) {
            world.wire.cut_after(album.random.below(40) as i64);
            interrupted += u32::from(world.run_cycle().await.is_err());
            world.wire.mend();
            // A reader may read what the interrupted cycle has written.
            reader.update(&world).await;
            for _ in 0..album.random.below(4) {
                album.change_photo(&world).await;
            }
        }
        world.settle().await;
        album.check_everything_public(&world).await;
        reader.update(&world).await;
        let expected = world.gallery_photos(LocationPolicy::Exact).await;
        assert_eq!(reader.photos(), expected, "round {round}");
        check_lists(&world, LocationPolicy::Exact).await;
    }
    assert!(interrupted > 5, "{interrupted}");
}

/// Runs a cycle that adds a photo many times, and interrupts it at each place: before its first
/// request, after one request, and so on. The photo is removed before the next cycle, so the month
/// has the same photos as before. The month then needs no new item, but the interrupted cycle may
/// have written its files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_of_an_interrupted_cycle_is_in_no_file_after_its_removal() {
    for has_other_photo in [true, false] {
        for cut in 0.. {
            let mut world = PublishWorld::new().await;
            let mut reader = StaticReader::default();
            if has_other_photo {
                let other = Shot::new("IMG_0002", "2018-02-01T09:00:00");
                let records = world.change(&[other]).await;
                world.mark(&records).await;
            }
            world.settle().await;
            reader.update(&world).await;
            let shot = Shot::new("IMG_0001", "2018-02-01T08:00:00");
            let item = with_secrets(shot.item(), 1);
            let added = PhotoChange::new(None, Some(item.clone()));
            let removed = PhotoChange::new(Some(item.clone()), None);
            world.write(&added).await;
            world.mark(&[added.record]).await;
            world.pass(60);
            world.wire.cut_after(cut);
            let is_interrupted = world.run_cycle().await.is_err();
            world.wire.mend();
            reader.update(&world).await;
            world.write(&removed).await;
            world.mark(&[removed.record]).await;
            world.settle().await;
            for (path, text) in world.file_texts().await {
                let found = find_secrets(&format!("{path} {text}"));
                assert!(found.is_empty(), "cut after {cut}: {path}");
            }
            check_lists(&world, LocationPolicy::Exact).await;
            reader.update(&world).await;
            let left: Vec<String> = reader.photos().into_keys().collect();
            assert_eq!(left.len(), usize::from(has_other_photo), "cut after {cut}");
            assert!(!left.contains(&id_of(&item)));
            if !is_interrupted {
                assert!(cut > 10, "{cut} requests");
                break;
            }
        }
    }
}
