//! Tests of render over the embedded engines: which pictures exist after which change of a photo.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use image::{DynamicImage, ImageFormat, RgbImage};
use little_exif::exif_tag::ExifTag;
use little_exif::filetype::FileExtension;
use little_exif::metadata::Metadata;
use photo_catalogue::background::BackgroundSlots;
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::catalogue::picture_work::{PICTURE_WAIT, PictureWork};
use photo_catalogue::ingest::{Ingest, ItemRules, update_overrides};
use photo_catalogue::object::Bucket;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::pictures::{
    OriginalCopies, PictureRecipe, PictureSet, RenderOutcome, Renditions,
};
use photo_catalogue::privacy::{LocationPolicy, Visibility};
use photo_catalogue::render::{
    PictureEvent, PictureFault, PictureKey, Render, RenderReport, RenderServiceError,
    RenderSettings,
};
use photo_catalogue::storage::Storage;
use serde_json::json;

use crate::ingest::fixture::{ARCHIVE, IngestWorld, archive_object, layout, source_object};
use crate::ingest::photos::TestShot;

const SITE: &str = "site";
const STEM: &str = "2018-02-01/a";

/// The embedded engines, with ingest and render over them. Nothing runs by itself.
struct RenderWorld {
    world: IngestWorld,
    ingest: Ingest,
    render: Render,
    rules: ItemRules,
}

impl RenderWorld {
    async fn new() -> Self {
        Self::with_originals(OriginalCopies::None).await
    }

    async fn with_originals(originals: OriginalCopies) -> Self {
        let world = IngestWorld::without_delivery(layout()).await;
        let storage = Storage::new(world.s3.clone());
        storage.create_bucket(&bucket(SITE)).await.unwrap();
        let rules = ItemRules {
            recipe: Some(PictureRecipe::new("320,640", originals).unwrap()),
            ..ItemRules::from(LocationPolicy::Exact)
        };
        let ingest = Ingest::new(
            storage.clone(),
            world.catalogue.clone(),
            layout(),
            rules.clone(),
            Arc::new(Utc::now),
        );
        let render = render_over(&world, storage, &rules);
        RenderWorld {
            world,
            ingest,
            render,
            rules,
        }
    }

    /// Uploads a file, archives it and indexes it.
    async fn add(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.world.upload(key, bytes).await;
        self.ingest.sync_object(&source_object(key)).await.unwrap();
    }

    async fn item(&self) -> PhotoItem {
        self.world.item(STEM).await.unwrap()
    }

    /// Renders the photo, as after an event of its present item.
    async fn process(&self) -> RenderReport {
        let item = self.item().await;
        let tokens = PictureEvent::of_item(&item).map(|event| self.render.tokens(&event));
        let tokens = tokens.unwrap_or_default();
        self.render.process(&id(), tokens).await.unwrap()
    }

    async fn set_visibility(&self, visibility: Visibility) {
        let change = |item: &mut PhotoItem| item.overrides.visibility = Some(visibility);
        let catalogue = &self.world.catalogue;
        let changed = update_overrides(catalogue, &self.rules, Utc::now(), &id(), change).await;
        assert_eq!(changed.unwrap().len(), 1);
    }

    /// Returns the keys of all stored pictures.
    async fn picture_keys(&self) -> BTreeSet<String> {
        let listed = self.world.list_etags(SITE, "gallery/r/").await;
        listed.into_keys().collect()
    }

    async fn pictures(&self) -> BTreeMap<String, Vec<u8>> {
        self.world.read_objects(SITE, "gallery/r/").await
    }

    /// Writes an item as it is, even if it is older than the stored one.
    async fn restore_item(&self, item: &PhotoItem) {
        let stored = self.item().await.revision;
        let item = PhotoItem {
            revision: stored + 1,
            ..item.clone()
        };
        let catalogue = &self.world.catalogue;
        catalogue.put_item(&item, Some(stored)).await.unwrap();
    }
}

fn render_over(world: &IngestWorld, storage: Storage, rules: &ItemRules) -> Render {
    let settings = RenderSettings {
        archive: bucket(ARCHIVE),
        gallery: bucket(SITE),
        prefix: "gallery/".to_owned(),
        key: PictureKey::new([7; 32]),
        rules: rules.clone(),
        cdn: None,
    };
    let catalogue = world.catalogue.clone();
    let slots = BackgroundSlots::default();
    Render::new(catalogue, storage, settings, slots, Arc::new(Utc::now))
}

fn bucket(name: &str) -> Bucket {
    Bucket::new(name).unwrap()
}

fn id() -> PhotoId {
    PhotoId::from_stem(STEM)
}

/// Returns a JPEG of 700 × 500 pixels that must be turned, with a position and a serial number.
/// JPEGs with different numbers have different pixels.
fn large_jpeg(number: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(700, 500, |x, y| {
        image::Rgb([(x / 3) as u8, (y / 2) as u8, number.wrapping_mul(40)])
    });
    let mut bytes = Vec::new();
    DynamicImage::from(picture)
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg)
        .unwrap();
    let mut metadata = Metadata::new();
    metadata.set_tag(ExifTag::Model("NIKON D750".to_owned()));
    metadata.set_tag(ExifTag::DateTimeOriginal("2018:02:01 09:41:07".to_owned()));
    metadata.set_tag(ExifTag::SerialNumber("SECRET-SERIAL".to_owned()));
    metadata.set_tag(ExifTag::GPSLatitudeRef("N".to_owned()));
    metadata.set_tag(ExifTag::Copyright("Ann Example".to_owned()));
    metadata.set_tag(ExifTag::Orientation(vec![6]));
    metadata
        .write_to_vec(&mut bytes, FileExtension::JPEG)
        .unwrap();
    bytes
}

fn made(item: &PhotoItem) -> &PictureSet {
    match &item.renditions.as_ref().unwrap().outcome {
        RenderOutcome::Made(set) => set,
        RenderOutcome::Unrendered(reason) => panic!("{reason}"),
    }
}

fn keys_of(item: &PhotoItem) -> BTreeSet<String> {
    let set = made(item);
    let names = set.files.iter().map(|file| file.name());
    let names = names.chain(set.original.map(|_| "original.jpg".to_owned()));
    let token = &set.token;
    names
        .map(|name| format!("gallery/r/{token}/{name}"))
        .collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn photo_is_added_when_its_pictures_are_made_and_keeps_this_time() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    let times = async || {
        let item = world.item().await;
        let summary = item.summary.unwrap();
        assert_eq!(item.added_at, summary.added_at);
        (summary.added_at, summary.changed_at)
    };
    let waiting = world.item().await;
    assert!(waiting.added_at > Some(Utc::now()), "the end of the wait");
    assert_eq!(waiting.first_public_at(Utc::now()), None);
    assert_eq!(world.process().await, RenderReport::Made(2));
    let (added_at, changed_at) = times().await;
    assert_eq!(added_at, changed_at);
    assert!(added_at.is_some_and(|added| added <= Utc::now()));

    let revision = world.item().await.revision;
    world.add("a.jpg", large_jpeg(1)).await;
    assert_eq!(world.item().await.revision, revision, "no change, no write");

    world.set_visibility(Visibility::Private).await;
    assert_eq!(times().await, (added_at, None));
    assert_eq!(world.process().await, RenderReport::Removed);
    world.set_visibility(Visibility::Public).await;
    assert_eq!(world.process().await, RenderReport::Made(2));
    world.add("a.jpg", large_jpeg(2)).await;
    assert_eq!(world.process().await, RenderReport::Made(2));
    let (still, changed_at) = times().await;
    assert_eq!(still, added_at);
    assert!(changed_at >= added_at);
}

#[tokio::test]
async fn new_photo_is_listed_only_with_its_pictures() {
    let world = RenderWorld::new().await;
    let before = Utc::now();
    world.add("a.jpg", large_jpeg(1)).await;
    let item = world.item().await;
    assert!(item.is_public() && !item.is_listed(Utc::now()));
    let until = item.picture_plan.as_ref().unwrap().awaited_until.unwrap();
    let earliest = DateTime::from_timestamp_millis(before.timestamp_millis()).unwrap();
    assert!(until >= earliest + PICTURE_WAIT && until <= Utc::now() + PICTURE_WAIT);
    assert!(item.is_listed(until));

    assert_eq!(world.process().await, RenderReport::Made(2));
    let item = world.item().await;
    assert!(item.is_listed(Utc::now()));
    assert_eq!(item.picture_work_due, None);
    let summary = item.summary.as_ref().unwrap();
    assert_eq!(summary.pictures.as_deref(), Some(made(&item)));
    // The camera was held upright.
    assert_eq!(
        (summary.record.width, summary.record.height),
        (Some(500), Some(700))
    );
    assert_eq!(world.picture_keys().await, keys_of(&item));
    for (file, (key, bytes)) in made(&item).files.iter().rev().zip(world.pictures().await) {
        let picture = image::load_from_memory(&bytes).unwrap();
        assert_eq!(
            (picture.width(), picture.height()),
            (file.width, file.height),
            "{key}"
        );
        assert_eq!(bytes.len() as u64, file.bytes, "{key}");
        assert!(contains(&bytes, "Ann Example"), "{key}");
        for secret in ["SECRET", "NIKON", "GPS", "2018"] {
            assert!(!contains(&bytes, secret), "{key}: {secret}");
        }
    }
    // A repeat does nothing.
    assert_eq!(world.process().await, RenderReport::Unchanged);
    assert_eq!(world.item().await, item);
}

#[tokio::test]
async fn hidden_photo_has_no_pictures_and_gets_new_names() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    world.process().await;
    let first = keys_of(&world.item().await);
    world.set_visibility(Visibility::Private).await;
    assert_eq!(world.process().await, RenderReport::Removed);
    assert_eq!(world.picture_keys().await, BTreeSet::new());
    assert_eq!(world.item().await.renditions, None);

    world.set_visibility(Visibility::Public).await;
    assert!(!world.item().await.is_listed(Utc::now()));
    assert_eq!(world.process().await, RenderReport::Made(2));
    let item = world.item().await;
    assert!(item.is_listed(Utc::now()));
    let second = keys_of(&item);
    assert!(first.is_disjoint(&second));
    assert_eq!(world.picture_keys().await, second);
}

#[tokio::test]
async fn photo_that_is_shown_again_at_once_does_not_show_its_old_pictures() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    world.process().await;
    let first = keys_of(&world.item().await);
    world.set_visibility(Visibility::Private).await;
    world.set_visibility(Visibility::Public).await;
    let item = world.item().await;
    assert_eq!(item.shown_pictures(), None);
    assert!(!item.is_listed(Utc::now()));
    assert_eq!(world.process().await, RenderReport::Made(2));
    let second = keys_of(&world.item().await);
    assert!(first.is_disjoint(&second));
    assert_eq!(world.picture_keys().await, second);
}

#[tokio::test]
async fn edited_photo_keeps_its_pictures_until_the_new_ones_are_made() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    world.process().await;
    let before = world.item().await;
    world.add("a.jpg", large_jpeg(2)).await;
    let item = world.item().await;
    assert!(matches!(item.picture_work(), PictureWork::Make(_)));
    assert!(item.is_listed(Utc::now()));
    assert_eq!(item.shown_pictures(), Some(made(&before)));
    assert_eq!(world.process().await, RenderReport::Made(2));
    let after = world.item().await;
    assert_ne!(made(&after).token, made(&before).token);
    assert_eq!(world.picture_keys().await, keys_of(&after));
    // The same bytes as before get new names.
    world.add("a.jpg", large_jpeg(1)).await;
    world.process().await;
    let again = world.item().await;
    assert_ne!(made(&again).token, made(&before).token);
    assert_eq!(world.picture_keys().await, keys_of(&again));
}

#[tokio::test]
async fn removed_photo_has_no_pictures() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    world.process().await;
    world.world.delete_archived("2018-02-01/a.jpg").await;
    let object = archive_object("2018-02-01/a.jpg");
    world.ingest.process_object(&object).await.unwrap();
    assert_eq!(world.process().await, RenderReport::Removed);
    assert_eq!(world.picture_keys().await, BTreeSet::new());
}

#[tokio::test]
async fn pictures_of_an_interrupted_attempt_are_deleted() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    let before = world.item().await;
    let event = PictureEvent::of_item(&before).unwrap();
    world.process().await;
    assert_eq!(world.picture_keys().await.len(), 2);
    // The attempt stored the pictures, and was killed before it wrote the item.
    world.restore_item(&before).await;
    world.set_visibility(Visibility::Private).await;
    assert_eq!(world.item().await.picture_work(), PictureWork::Nothing);
    // Its event comes again.
    let tokens = world.render.tokens(&event);
    let report = world.render.process(&id(), tokens).await.unwrap();
    assert_eq!(report, RenderReport::Unchanged);
    assert_eq!(world.picture_keys().await, BTreeSet::new());
}

#[tokio::test]
async fn old_event_deletes_no_picture_that_the_photo_has_now() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    let event = PictureEvent::of_item(&world.item().await).unwrap();
    world.process().await;
    let keys = keys_of(&world.item().await);
    let tokens = world.render.tokens(&event);
    world.render.process(&id(), tokens).await.unwrap();
    assert_eq!(world.picture_keys().await, keys);
}

#[tokio::test]
async fn outdated_event_makes_no_pictures_of_a_later_plan() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    let outdated = PictureEvent::of_item(&world.item().await).unwrap();
    world.add("a.jpg", large_jpeg(2)).await;
    // If this worker stored pictures of the later plan and died, its event would not delete them.
    let tokens = world.render.tokens(&outdated);
    let report = world.render.process(&id(), tokens).await.unwrap();
    assert_eq!(report, RenderReport::Outdated);
    assert_eq!(world.picture_keys().await, BTreeSet::new());
    assert_eq!(world.process().await, RenderReport::Made(2));
}

#[tokio::test]
async fn missing_pictures_are_made_again_under_other_names() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    world.process().await;
    let before = keys_of(&world.item().await);
    let fault = PictureFault::Missing(STEM.to_owned());
    world.render.repair(&fault).await.unwrap();
    let after = keys_of(&world.item().await);
    assert!(before.is_disjoint(&after));
    assert_eq!(world.picture_keys().await, after);
}

#[tokio::test]
async fn file_that_cannot_be_rendered_is_an_outcome() {
    let mut truncated = large_jpeg(1);
    truncated.truncate(truncated.len() / 2);
    let dng = TestShot::at("2018:02:01 09:41:07").dng();
    let cases = [
        ("a.jpg", truncated, "truncated JPEG"),
        (
            "a.dng",
            dng,
            "no JPEG in the file, which is image/x-adobe-dng",
        ),
    ];
    for (key, bytes, reason) in cases {
        let world = RenderWorld::new().await;
        world.add(key, bytes).await;
        let unrendered = RenderReport::Unrendered(reason.to_owned());
        assert_eq!(world.process().await, unrendered);
        let item = world.item().await;
        assert!(item.is_listed(Utc::now()), "{key}");
        assert_eq!(item.shown_pictures(), None);
        assert_eq!(item.picture_work(), PictureWork::Nothing);
        let Some(Renditions { outcome, .. }) = item.renditions.as_deref() else {
            panic!("{key}: no outcome");
        };
        assert_eq!(*outcome, RenderOutcome::Unrendered(reason.to_owned()));
        if key == "a.jpg" {
            // A better file replaces it.
            world.add(key, large_jpeg(2)).await;
            assert_eq!(world.process().await, RenderReport::Made(2));
        }
    }
}

#[tokio::test]
async fn file_that_is_not_indexed_yet_is_tried_again() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    world
        .world
        .put_archived("2018-02-01/a.jpg", large_jpeg(2))
        .await;
    let event = PictureEvent::of_item(&world.item().await).unwrap();
    let tokens = world.render.tokens(&event);
    let result = world.render.process(&id(), tokens).await;
    assert!(
        matches!(result, Err(RenderServiceError::Unindexed(_))),
        "{result:?}"
    );
    assert_eq!(world.picture_keys().await, BTreeSet::new());
    let object = archive_object("2018-02-01/a.jpg");
    world.ingest.process_object(&object).await.unwrap();
    assert_eq!(world.process().await, RenderReport::Made(2));
}

#[tokio::test]
async fn changed_rights_give_new_pictures() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    world.process().await;
    let before = world.item().await;
    let sidecar = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
        xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
        xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Credit="Example Agency"/>
        </rdf:RDF></x:xmpmeta>"#;
    world.add("a.xmp", sidecar).await;
    assert_eq!(world.process().await, RenderReport::Made(2));
    let after = world.item().await;
    assert_ne!(made(&after).token, made(&before).token);
    let pictures = world.pictures().await;
    assert_eq!(pictures.len(), 2);
    for (key, bytes) in pictures {
        assert!(contains(&bytes, "Example Agency"), "{key}");
    }
}

#[tokio::test]
async fn copy_of_the_original_has_its_pixels_and_none_of_its_metadata() {
    let world = RenderWorld::with_originals(OriginalCopies::Jpeg).await;
    world.add("a.jpg", large_jpeg(1)).await;
    assert_eq!(world.process().await, RenderReport::Made(2));
    let item = world.item().await;
    assert_eq!(world.picture_keys().await, keys_of(&item));
    let pictures = world.pictures().await;
    let (_, copy) = pictures
        .iter()
        .find(|(key, _)| key.ends_with("original.jpg"))
        .unwrap();
    assert_eq!(made(&item).original.unwrap().bytes, copy.len() as u64);
    let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap();
    assert_eq!(pixels(copy), pixels(&large_jpeg(1)));
    for secret in ["SECRET", "NIKON", "2018"] {
        assert!(!contains(copy, secret), "{secret}");
    }
}

#[tokio::test]
async fn batch_names_the_first_record_that_failed() {
    let world = RenderWorld::new().await;
    world.add("a.jpg", large_jpeg(1)).await;
    let gone = PhotoItem {
        id: PhotoId::from_stem("2018-02-01/gone").to_string(),
        picture_work_due: Some("due".to_owned()),
        ..PhotoItem::default()
    };
    let record = |sequence: &str, item: &PhotoItem| {
        let image: serde_dynamo::Item = serde_dynamo::to_item(item).unwrap();
        json!({ "dynamodb": { "SequenceNumber": sequence, "NewImage": image } })
    };
    let records = |item: &PhotoItem| json!({ "Records": [record("1", &gone), record("2", item)] });
    let event = records(&world.item().await);
    let time = Duration::from_secs(60);
    let answer = world.render.handle_event(&event, time).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert_eq!(world.picture_keys().await.len(), 2);

    // The store is not reachable.
    world.add("a.jpg", large_jpeg(2)).await;
    let storage = Storage::new(world.world.s3_client("http://127.0.0.1:9"));
    let broken = render_over(&world.world, storage, &world.rules);
    let event = records(&world.item().await);
    let answer = broken.handle_event(&event, time).await;
    assert_eq!(
        answer,
        json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] })
    );
    let nothing = broken.handle_event(&event, Duration::ZERO).await;
    assert_eq!(
        nothing,
        json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] })
    );
}
