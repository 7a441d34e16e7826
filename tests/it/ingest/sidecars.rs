//! Tests of sidecars: files that belong to a photo and describe it.

use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::item::{LedgerOutcome, PhotoItem};
use photo_catalogue::ingest::{Ingest, MisfiledPhotos, Outcome, SourceAfter};
use photo_catalogue::privacy::{LocationPolicy, Privacy, VisibilityRules};
use photo_catalogue::storage::{CopySettings, Storage};

use super::fixture::{IngestWorld, SOURCE, archive_object, layout, source_object};
use super::photos::TestShot;

const MORNING: TestShot = TestShot {
    taken: Some("2018:02:01 09:41:07"),
    serial: "1000001",
};
const STEM: &str = "2018-02-01/DSC_1";

/// Returns an XMP sidecar with a title and a keyword.
fn xmp(title: &str, keyword: &str) -> String {
    with_properties(&format!(
        "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>{title}</rdf:li></rdf:Alt></dc:title>\
         <dc:subject><rdf:Bag><rdf:li>{keyword}</rdf:li></rdf:Bag></dc:subject>"
    ))
}

fn with_properties(properties: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' \
          xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/'>\
         {properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
}

fn title(item: &PhotoItem) -> Option<&str> {
    item.summary.as_ref()?.record.title.as_deref()
}

async fn title_of(world: &IngestWorld, stem: &str) -> Option<String> {
    let item = world.item(stem).await?;
    title(&item).map(str::to_owned)
}

/// Renames a file of the archive as a person does: copies it, and deletes the old file.
async fn rename_archived(world: &IngestWorld, old: &str, new: &str) {
    world.copy_archived(old, new, |_| ()).await;
    world.wait_until_delivered().await;
    world.delete_archived(old).await;
    world.wait_until_delivered().await;
}

/// Uploads objects one after the other, and organises and indexes each of them at once.
async fn upload_in_order(world: &IngestWorld, uploads: &[(&str, Vec<u8>)]) {
    for (key, bytes) in uploads {
        world.upload(key, bytes.clone()).await;
        world.ingest.sync_object(&source_object(key)).await.unwrap();
        index_all(world).await;
    }
}

/// Indexes all files of the archive, as their events do.
async fn index_all(world: &IngestWorld) {
    for key in world.archive_keys().await {
        let object = archive_object(&key);
        world.ingest.process_object(&object).await.unwrap();
    }
}

#[tokio::test]
async fn sidecar_joins_its_photo_in_any_order() {
    let sidecar = xmp("Night", "stars").into_bytes();
    let files = [
        ("trip/DSC_1.NEF", MORNING.dng()),
        ("trip/DSC_1.JPG", MORNING.jpeg()),
        ("trip/DSC_1.xmp", sidecar.clone()),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [2, 0, 1], [2, 1, 0], [1, 2, 0]] {
        let world = IngestWorld::without_delivery(layout()).await;
        let uploads = order.map(|at: usize| files[at].clone());
        upload_in_order(&world, &uploads).await;
        assert_eq!(
            world.live_parts(STEM).await,
            ["JPG", "NEF", "xmp"],
            "{order:?}"
        );
        let item = world.item(STEM).await.unwrap();
        assert_eq!(title(&item), Some("Night"), "{order:?}");
        assert_eq!(item.summary.as_ref().unwrap().record.keywords, ["stars"]);
        let derived_from = item.derived_from.as_ref().unwrap();
        assert_eq!(derived_from.part, "JPG", "no sidecar is shown");
        assert_eq!(
            world.archived_files().await[&format!("{STEM}.xmp")],
            sidecar
        );
        let entry = world.ledger_entry("trip/DSC_1.xmp").await.unwrap();
        assert_eq!(entry.outcome, LedgerOutcome::Archived, "{order:?}");
    }
}

#[tokio::test]
async fn sidecars_are_archived_beside_their_photos() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.NEF.xmp", xmp("One", "k")).await;
    world.upload("a/DSC_1.NEF", MORNING.dng()).await;
    world.upload("a/IMG_2.AAE", b"<plist/>".to_vec()).await;
    world.upload("a/IMG_2.THM", MORNING.jpeg()).await;
    let evening = TestShot::at("2018:02:01 19:00:00");
    world.upload("a/IMG_2.jpg", evening.jpeg()).await;
    world
        .upload("a/IMG_2.jpg.supplemental-metadata.json", TAKEOUT)
        .await;
    world.wait_until_delivered().await;
    assert_eq!(
        world.archive_keys().await,
        [
            "2018-02-01/DSC_1.NEF",
            "2018-02-01/DSC_1.NEF.xmp",
            "2018-02-01/IMG_2.AAE",
            "2018-02-01/IMG_2.THM",
            "2018-02-01/IMG_2.jpg",
            "2018-02-01/IMG_2.jpg.supplemental-metadata.json",
        ]
    );
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("One"));
    let item = world.item("2018-02-01/IMG_2").await.unwrap();
    let summary = item.summary.as_ref().unwrap();
    assert_eq!(summary.record.caption.as_deref(), Some("By the lake"));
    let derived_from = item.derived_from.as_ref().unwrap();
    assert_eq!(derived_from.part, "jpg", "no sidecar is shown");
    assert!(item.is_public());
}

const TAKEOUT: &str = r#"{"title": "IMG_2.jpg", "description": "By the lake",
    "photoTakenTime": {"timestamp": "1517511600"},
    "geoData": {"latitude": 45.5, "longitude": -73.6, "altitude": 20.0}}"#;

#[tokio::test]
async fn sidecar_without_a_photo_waits_and_is_in_no_list() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.xmp", xmp("Night", "stars")).await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await, Vec::<String>::new());
    let entry = world.ledger_entry("a/DSC_1.xmp").await.unwrap();
    assert_eq!(entry.outcome, LedgerOutcome::Skipped);
    assert!(entry.reason.unwrap().contains("a sidecar that waits"));

    // Photos of other names and folders do not take it.
    world.upload("b/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_10.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    let entry = world.ledger_entry("a/DSC_1.xmp").await.unwrap();
    assert_eq!(entry.outcome, LedgerOutcome::Skipped);

    world.upload("a/DSC_1.jpg", MORNING.edited(1)).await;
    world.wait_until_delivered().await;
    let entry = world.ledger_entry("a/DSC_1.xmp").await.unwrap();
    assert_eq!(entry.outcome, LedgerOutcome::Archived);
}

#[tokio::test]
async fn edited_sidecar_replaces_the_older_one() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.xmp", xmp("Before", "k")).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("Before"));
    world.upload("a/DSC_1.xmp", xmp("After", "k")).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("After"));
    // An edit of the photo keeps its sidecar.
    world.upload("a/DSC_1.jpg", MORNING.edited(1)).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("After"));
    assert_eq!(world.archive_keys().await.len(), 2);
}

#[tokio::test]
async fn removed_sidecar_stays_removed() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.xmp", xmp("Night", "k")).await;
    world.wait_until_delivered().await;
    world.delete_archived(&format!("{STEM}.xmp")).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, STEM).await, None);
    world.deliver_all_again().await;
    assert_eq!(world.live_parts(STEM).await, ["jpg"]);
    assert_eq!(title_of(&world, STEM).await, None);
}

#[tokio::test]
async fn repeated_events_of_a_sidecar_write_nothing() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.xmp", xmp("Night", "k")).await;
    world.wait_until_delivered().await;
    let item = world.item(STEM).await;
    world.wire.take();
    world.deliver_all_again().await;
    let log = world.wire.take();
    let kinds: Vec<&str> = log.counts().into_keys().collect();
    assert_eq!(
        kinds,
        [
            "dynamodb BatchGetItem",
            "dynamodb GetItem",
            "s3 GET",
            "s3 HEAD"
        ]
    );
    assert_eq!(world.item(STEM).await, item);
}

#[tokio::test]
async fn sidecar_costs_six_requests_to_each_store() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    world.wire.take();
    world.upload("a/DSC_1.xmp", xmp("Night", "k")).await;
    world.wait_until_delivered().await;
    let log = world.wire.take();
    let counts: Vec<_> = log.counts().into_iter().collect();
    assert_eq!(
        counts,
        [
            ("dynamodb BatchGetItem", 1),
            ("dynamodb GetItem", 2),
            ("dynamodb PutItem", 2),
            ("dynamodb UpdateItem", 1),
            ("s3 COPY", 1),
            ("s3 GET", 2),
            ("s3 HEAD", 3),
        ]
    );
}

#[tokio::test]
async fn split_photo_gets_its_sidecar_back() {
    let world = IngestWorld::new().await;
    let evening = TestShot::at("2018:02:01 19:00:00");
    for (folder, shot) in [("nikon", MORNING.dng()), ("canon", evening.jpeg())] {
        let extension = if folder == "nikon" { "dng" } else { "jpg" };
        world
            .upload(&format!("{folder}/IMG_1.{extension}"), shot)
            .await;
        world.wait_until_delivered().await;
        world
            .upload(&format!("{folder}/IMG_1.{extension}.xmp"), xmp(folder, "k"))
            .await;
        world.wait_until_delivered().await;
    }
    let (one, two) = ("2018-02-01/IMG_1", "2018-02-01/IMG_1~2");
    world.ingest.merge_photos(one, two).await.unwrap();
    world.wait_until_delivered().await;
    assert_eq!(
        world.live_parts(one).await,
        ["dng", "dng.xmp", "jpg", "jpg.xmp"]
    );
    // The sidecar of the primary part, the JPEG, counts.
    assert_eq!(title_of(&world, one).await.as_deref(), Some("canon"));
    world.ingest.split_photo(one).await.unwrap();
    world.wait_until_delivered().await;
    assert_eq!(world.live_parts(one).await, ["dng", "dng.xmp"]);
    assert_eq!(title_of(&world, one).await.as_deref(), Some("nikon"));
    assert_eq!(world.live_parts(two).await, ["jpg", "jpg.xmp"]);
    assert_eq!(title_of(&world, two).await.as_deref(), Some("canon"));
}

#[tokio::test]
async fn split_of_formats_takes_the_sidecars_of_the_raw() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.dng", MORNING.dng()).await;
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.xmp", xmp("RAW", "k")).await;
    world.upload("a/DSC_1.jpg.xmp", xmp("JPEG", "k")).await;
    world.wait_until_delivered().await;
    world.ingest.split_photo(STEM).await.unwrap();
    world.wait_until_delivered().await;
    assert_eq!(world.live_parts(STEM).await, ["jpg", "jpg.xmp"]);
    let other = format!("{STEM}~2");
    assert_eq!(world.live_parts(&other).await, ["dng", "xmp"]);
    assert_eq!(title_of(&world, &other).await.as_deref(), Some("RAW"));
}

#[tokio::test]
async fn keyword_of_a_sidecar_hides_its_photo() {
    let rules = VisibilityRules {
        private_keywords: vec!["family".to_owned()],
        ..VisibilityRules::default()
    };
    let privacy = Privacy {
        visibility: rules,
        ..LocationPolicy::Exact.into()
    };
    let mut world = IngestWorld::without_delivery(layout()).await;
    world.ingest = Ingest::new(
        Storage::new(world.s3.clone()),
        world.catalogue.clone(),
        layout(),
        privacy,
        std::sync::Arc::new(chrono::Utc::now),
    );
    let files = [
        ("a/DSC_1.jpg", MORNING.jpeg()),
        ("a/DSC_1.xmp", xmp("Night", "People|Family").into_bytes()),
    ];
    upload_in_order(&world, &files).await;
    assert!(!world.item(STEM).await.unwrap().is_public());
    // The photo stays hidden after its sidecar was removed.
    world.delete_archived(&format!("{STEM}.xmp")).await;
    let object = archive_object(&format!("{STEM}.xmp"));
    world.ingest.process_object(&object).await.unwrap();
    assert!(!world.item(STEM).await.unwrap().is_public());
    // An edit of the sidecar without the keyword shows it.
    let files = [("a/DSC_1.xmp", xmp("Night", "stars").into_bytes())];
    upload_in_order(&world, &files).await;
    assert!(world.item(STEM).await.unwrap().is_public());
    // A sidecar that cannot be read may contain the keyword.
    let files = [("a/DSC_1.xmp", b"<x:xmpmeta".to_vec())];
    upload_in_order(&world, &files).await;
    assert!(!world.item(STEM).await.unwrap().is_public());
}

#[tokio::test]
async fn sidecar_in_the_archive_belongs_to_the_photo_of_its_name() {
    let world = IngestWorld::new().await;
    world
        .put_archived(&format!("{STEM}.xmp"), xmp("By hand", "k"))
        .await;
    world.wait_until_delivered().await;
    let item = world.item(STEM).await.unwrap();
    assert!(!item.has_live_photo() && item.summary.is_none());
    assert_eq!(item.index.date_partition, None);
    // The photo uses the name, although a sidecar is there.
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("By hand"));
    // No upload replaces a sidecar by hand.
    world.upload("a/DSC_1.xmp", xmp("Upload", "k")).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("By hand"));
    let entry = world.ledger_entry("a/DSC_1.xmp").await.unwrap();
    assert!(entry.reason.unwrap().contains("a person put another file"));
}

#[tokio::test]
async fn date_in_a_sidecar_moves_the_photo() {
    let dated =
        with_properties("<exif:DateTimeOriginal>1985-06-03T12:00:00</exif:DateTimeOriginal>");
    let files = [
        ("a/scan.jpg", TestShot::undated().jpeg()),
        ("a/scan.xmp", dated.into_bytes()),
    ];
    for order in [[0, 1], [1, 0]] {
        let world = IngestWorld::new().await;
        for at in order {
            let (key, bytes) = &files[at];
            world.upload(key, bytes.clone()).await;
            world.wait_until_delivered().await;
        }
        assert_eq!(
            world.archive_keys().await,
            ["1985-06-03/scan.jpg", "1985-06-03/scan.xmp"],
            "{order:?}"
        );
        let item = world.item("1985-06-03/scan").await.unwrap();
        assert_eq!(item.index.date_partition, Some("1985".parse().unwrap()));
        // An edit of the scan finds its photo.
        let comment = b"\xff\xfe\x00\x06edit";
        let edited = TestShot::undated().jpeg_with_segment(comment);
        world.upload("a/scan.jpg", edited).await;
        world.wait_until_delivered().await;
        assert_eq!(
            world.archive_keys().await,
            ["1985-06-03/scan.jpg", "1985-06-03/scan.xmp"],
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn date_in_a_sidecar_does_not_separate_a_raw_from_its_jpeg() {
    let world = IngestWorld::new().await;
    let dated = "<exif:DateTimeOriginal>2018-02-03T09:41:07</exif:DateTimeOriginal>";
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.xmp", with_properties(dated)).await;
    world.wait_until_delivered().await;
    world.upload("a/DSC_1.dng", MORNING.dng()).await;
    world.wait_until_delivered().await;
    assert_eq!(world.live_parts(STEM).await, ["dng", "jpg", "xmp"]);
    let item = world.item(STEM).await.unwrap();
    let capture = item.summary.unwrap().record.capture;
    assert_eq!(capture.local_text().as_deref(), Some("2018-02-03T09:41:07"));
    // Its folder is that of the day in its files.
    assert_eq!(world.ingest.move_to_capture_day(STEM).await.unwrap(), None);
}

#[tokio::test]
async fn sidecar_follows_a_photo_that_moves() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.jpg.xmp", xmp("Night", "k")).await;
    world.wait_until_delivered().await;
    let moved = TestShot {
        taken: Some("2018:02:03 09:41:07"),
        ..MORNING
    };
    world.upload("a/DSC_1.jpg", moved.jpeg()).await;
    world.wait_until_delivered().await;
    assert_eq!(
        world.archive_keys().await,
        ["2018-02-03/DSC_1.jpg", "2018-02-03/DSC_1.jpg.xmp"]
    );
    let stem = "2018-02-03/DSC_1";
    assert_eq!(title_of(&world, stem).await.as_deref(), Some("Night"));
    // The next edit of the sidecar finds the photo.
    world.upload("a/DSC_1.jpg.xmp", xmp("Day", "k")).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, stem).await.as_deref(), Some("Day"));
}

#[tokio::test]
async fn sidecar_that_is_left_behind_follows_its_photo() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.xmp", xmp("Night", "k")).await;
    world.wait_until_delivered().await;
    // A person renames the photo in the archive, and forgets the sidecar.
    let (old, new) = (format!("{STEM}.jpg"), "2018-02-01/lake.jpg");
    rename_archived(&world, &old, new).await;
    assert_eq!(
        world.archive_keys().await,
        ["2018-02-01/lake.jpg", "2018-02-01/lake.xmp"]
    );
    let title = title_of(&world, "2018-02-01/lake").await;
    assert_eq!(title.as_deref(), Some("Night"));
    // An edit goes to the old name first, and replaces the older version at the new name.
    world.upload("a/DSC_1.xmp", xmp("Dawn", "k")).await;
    world.wait_until_delivered().await;
    let title = title_of(&world, "2018-02-01/lake").await;
    assert_eq!(title.as_deref(), Some("Dawn"));
    assert_eq!(
        world.archive_keys().await,
        ["2018-02-01/lake.jpg", "2018-02-01/lake.xmp"]
    );
}

#[tokio::test]
async fn sidecar_follows_a_renamed_photo_whose_removal_is_indexed_first() {
    let world = IngestWorld::without_delivery(layout()).await;
    let files = [
        ("a/DSC_1.jpg", MORNING.jpeg()),
        ("a/DSC_1.xmp", xmp("Night", "k").into_bytes()),
    ];
    upload_in_order(&world, &files).await;
    let (old, new) = (format!("{STEM}.jpg"), "2018-02-01/lake.jpg");
    world.copy_archived(&old, new, |_| ()).await;
    world.delete_archived(&old).await;
    for key in [&old, new] {
        let object = archive_object(key);
        world.ingest.process_object(&object).await.unwrap();
    }
    let title = title_of(&world, "2018-02-01/lake").await;
    assert_eq!(title.as_deref(), Some("Night"));
    let keys = world.archive_keys().await;
    assert_eq!(keys, ["2018-02-01/lake.jpg", "2018-02-01/lake.xmp"]);
}

#[tokio::test]
async fn sidecar_follows_no_file_of_other_bytes() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.xmp", xmp("Night", "k")).await;
    world.wait_until_delivered().await;
    let (old, new) = (format!("{STEM}.jpg"), "2018-02-01/lake.jpg");
    world.copy_archived(&old, new, |_| ()).await;
    world.wait_until_delivered().await;
    // The person replaces the copy by another picture.
    let evening = TestShot::at("2018:02:01 19:00:00");
    world.put_archived(new, evening.jpeg()).await;
    world.wait_until_delivered().await;
    world.delete_archived(&old).await;
    world.wait_until_delivered().await;
    let keys = world.archive_keys().await;
    assert_eq!(keys, [format!("{STEM}.xmp"), new.to_owned()]);
}

#[tokio::test]
async fn sidecar_that_is_left_behind_follows_the_copy_without_a_sidecar() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.xmp", xmp("Night", "k")).await;
    world.wait_until_delivered().await;
    let old = format!("{STEM}.jpg");
    for copy in ["2018-02-01/lake.jpg", "holidays/sea.jpg"] {
        world.copy_archived(&old, copy, |_| ()).await;
    }
    world
        .put_archived("2018-02-01/lake.xmp", xmp("By hand", "k"))
        .await;
    world.wait_until_delivered().await;
    world.delete_archived(&old).await;
    world.wait_until_delivered().await;
    let titles = ["2018-02-01/lake", "holidays/sea"].map(|stem| title_of(&world, stem));
    let titles = futures::future::join_all(titles).await;
    assert_eq!(
        titles,
        [Some("By hand".to_owned()), Some("Night".to_owned())]
    );
    assert!(!world.archive_keys().await.contains(&format!("{STEM}.xmp")));
}

#[tokio::test]
async fn sidecar_of_a_deleted_upload_finds_its_photo() {
    let mut world = IngestWorld::without_delivery(layout()).await;
    world.ingest = world.ingest_with(CopySettings::default(), SourceAfter::Delete);
    world.start_delivery();
    world.upload("a/DSC_1.JPG", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 0);
    world.upload("a/DSC_1.xmp", xmp("Night", "k")).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("Night"));
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 0);
}

#[tokio::test]
async fn sidecars_of_two_shots_of_one_name_stay_apart() {
    let world = IngestWorld::new().await;
    let evening = TestShot::at("2018:02:01 19:00:00");
    world.upload("nikon/IMG_1.jpg", MORNING.jpeg()).await;
    world.upload("nikon/IMG_1.xmp", xmp("Morning", "k")).await;
    world.wait_until_delivered().await;
    world.upload("canon/IMG_1.xmp", xmp("Evening", "k")).await;
    world.upload("canon/IMG_1.jpg", evening.jpeg()).await;
    world.wait_until_delivered().await;
    let first = title_of(&world, "2018-02-01/IMG_1").await;
    let second = title_of(&world, "2018-02-01/IMG_1~2").await;
    assert_eq!(first.as_deref(), Some("Morning"));
    assert_eq!(second.as_deref(), Some("Evening"));
}

#[tokio::test]
async fn shot_that_replaces_another_brings_its_own_sidecar() {
    let world = IngestWorld::without_delivery(layout()).await;
    let files = [
        ("a/IMG_1.dng", MORNING.dng()),
        ("a/IMG_1.xmp", xmp("Morning", "k").into_bytes()),
    ];
    upload_in_order(&world, &files).await;
    // Both objects are overwritten by those of another shot. The sidecar's event comes first.
    let evening = TestShot::at("2018:02:01 19:00:00");
    world.upload("a/IMG_1.dng", evening.dng()).await;
    upload_in_order(&world, &[("a/IMG_1.xmp", xmp("Evening", "k").into_bytes())]).await;
    let first = title_of(&world, "2018-02-01/IMG_1").await;
    let second = title_of(&world, "2018-02-01/IMG_1~2").await;
    assert_eq!(first.as_deref(), Some("Morning"));
    assert_eq!(second.as_deref(), Some("Evening"));
}

#[tokio::test]
async fn sidecar_that_comes_before_its_shot_goes_to_it_too() {
    let world = IngestWorld::without_delivery(layout()).await;
    let files = [
        ("a/IMG_1.dng", MORNING.dng()),
        ("a/IMG_1.xmp", xmp("Morning", "k").into_bytes()),
        // The camera has used the name again. The first object that is overwritten is the sidecar.
        ("a/IMG_1.xmp", xmp("Evening", "k").into_bytes()),
        ("a/IMG_1.dng", TestShot::at("2018:02:01 19:00:00").dng()),
    ];
    upload_in_order(&world, &files).await;
    let second = title_of(&world, "2018-02-01/IMG_1~2").await;
    assert_eq!(second.as_deref(), Some("Evening"));
    // Until then it was an edit of the first one, which keeps it.
    let first = title_of(&world, "2018-02-01/IMG_1").await;
    assert_eq!(first.as_deref(), Some("Evening"));
    world.upload("a/IMG_1.xmp", xmp("Night", "k")).await;
    let edit = source_object("a/IMG_1.xmp");
    world.ingest.sync_object(&edit).await.unwrap();
    index_all(&world).await;
    let second = title_of(&world, "2018-02-01/IMG_1~2").await;
    assert_eq!(second.as_deref(), Some("Night"));
}

#[tokio::test]
async fn sidecar_of_another_shot_waits_if_the_upload_of_its_name_is_gone() {
    let mut world = IngestWorld::without_delivery(layout()).await;
    world.ingest = world.ingest_with(CopySettings::default(), SourceAfter::Delete);
    let dated = |time: &str| {
        let date = format!("<exif:DateTimeOriginal>{time}</exif:DateTimeOriginal>");
        with_properties(&format!("<dc:title>{time}</dc:title>{date}")).into_bytes()
    };
    let (morning, evening) = ("2018-02-01T09:41:07", "2018-02-01T19:00:00");
    let files = [
        ("a/IMG_1.jpg", MORNING.jpeg()),
        ("a/IMG_1.xmp", dated(morning)),
        ("a/IMG_1.xmp", dated(evening)),
    ];
    upload_in_order(&world, &files).await;
    let first = title_of(&world, "2018-02-01/IMG_1").await;
    assert_eq!(first.as_deref(), Some(morning));
    let entry = world.ledger_entry("a/IMG_1.xmp").await.unwrap();
    assert!(entry.reason.unwrap().contains("another date or camera"));
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 1);
    let shot = TestShot::at("2018:02:01 19:00:00");
    upload_in_order(&world, &[("a/IMG_1.dng", shot.dng())]).await;
    let second = title_of(&world, "2018-02-01/IMG_1~2").await;
    assert_eq!(second.as_deref(), Some(evening));
    let first = title_of(&world, "2018-02-01/IMG_1").await;
    assert_eq!(first.as_deref(), Some(morning));
    assert_eq!(world.list_etags(SOURCE, "").await.len(), 0);
}

#[tokio::test]
async fn removed_sidecar_does_not_come_back_with_another_shot() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.dng", MORNING.dng()).await;
    world.upload("a/DSC_1.xmp", xmp("Morning", "k")).await;
    world.wait_until_delivered().await;
    for extension in ["xmp", "dng"] {
        world.delete_archived(&format!("{STEM}.{extension}")).await;
    }
    world.wait_until_delivered().await;
    let evening = TestShot::at("2018:02:02 19:00:00");
    world.upload("a/DSC_1.jpg", evening.jpeg()).await;
    world.wait_until_delivered().await;
    world.deliver_all_again().await;
    let keys = world.archive_keys().await;
    assert_eq!(keys, ["2018-02-02/DSC_1.jpg", "2018-02-02/DSC_1.xmp"]);
}

#[tokio::test]
async fn edited_sidecar_finds_its_renamed_photo() {
    let mut world = IngestWorld::without_delivery(layout()).await;
    world.ingest = world.ingest_with(CopySettings::default(), SourceAfter::Delete);
    world.start_delivery();
    world.upload("a/DSC_1.jpg", MORNING.jpeg()).await;
    world.upload("a/DSC_1.xmp", xmp("Morning", "k")).await;
    world.wait_until_delivered().await;
    let (old, new) = (format!("{STEM}.jpg"), "2018-02-01/lake.jpg");
    rename_archived(&world, &old, new).await;
    // Another photo gets the old name, and has a sidecar.
    world.put_archived(&old, MORNING.edited(1)).await;
    let by_hand = xmp("By hand", "k");
    world.put_archived(&format!("{STEM}.xmp"), by_hand).await;
    world.wait_until_delivered().await;
    world.upload("a/DSC_1.xmp", xmp("Edit", "k")).await;
    world.wait_until_delivered().await;
    let titles = [STEM, "2018-02-01/lake"].map(|stem| title_of(&world, stem));
    let titles = futures::future::join_all(titles).await;
    assert_eq!(
        titles,
        [Some("By hand".to_owned()), Some("Edit".to_owned())]
    );
}

#[tokio::test]
async fn sidecar_from_another_folder_does_not_replace_the_first_one() {
    let world = IngestWorld::new().await;
    for folder in ["trip", "backup"] {
        world
            .upload(&format!("{folder}/DSC_1.jpg"), MORNING.jpeg())
            .await;
        world.wait_until_delivered().await;
        world
            .upload(&format!("{folder}/DSC_1.xmp"), xmp(folder, "k"))
            .await;
        world.wait_until_delivered().await;
    }
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("trip"));
    let entry = world.ledger_entry("backup/DSC_1.xmp").await.unwrap();
    assert_eq!(entry.outcome, LedgerOutcome::Skipped);
    // The folder was renamed: the old upload is gone, so the other one is an edit.
    world.delete(&source_object("trip/DSC_1.xmp")).await;
    world.upload("backup/DSC_1.xmp", xmp("edited", "k")).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("edited"));
}

#[tokio::test]
async fn sidecar_stays_with_its_photo_if_the_folder_gets_another_shot_of_the_name() {
    let world = IngestWorld::new().await;
    let evening = TestShot::at("2018:02:01 19:00:00");
    for (key, bytes) in [
        ("a/IMG_1.dng", MORNING.dng()),
        ("a/IMG_1.xmp", xmp("Morning", "k").into_bytes()),
        ("b/IMG_1.jpg", evening.jpeg()),
        ("b/IMG_1.xmp", xmp("Evening", "k").into_bytes()),
        // The RAW comes first in the folder, but it has a sidecar from the other folder.
        ("b/IMG_1.dng", MORNING.dng()),
        ("b/IMG_1.xmp", xmp("Late evening", "k").into_bytes()),
    ] {
        world.upload(key, bytes).await;
        world.wait_until_delivered().await;
    }
    let first = title_of(&world, "2018-02-01/IMG_1").await;
    assert_eq!(first.as_deref(), Some("Morning"));
    let second = title_of(&world, "2018-02-01/IMG_1~2").await;
    assert_eq!(second.as_deref(), Some("Late evening"));
}

#[tokio::test]
async fn accented_names_match_in_both_unicode_forms() {
    let world = IngestWorld::new().await;
    world
        .upload("a/E\u{301}te\u{301}.jpg", MORNING.jpeg())
        .await;
    world.wait_until_delivered().await;
    world.upload("a/\u{c9}t\u{e9}.xmp", xmp("Night", "k")).await;
    world.wait_until_delivered().await;
    let title = title_of(&world, "2018-02-01/\u{c9}t\u{e9}").await;
    assert_eq!(title.as_deref(), Some("Night"));
}

#[tokio::test]
async fn photo_whose_name_ends_in_an_extension_has_its_own_sidecar() {
    let world = IngestWorld::new().await;
    world.upload("a/DSC_1.NEF.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    world
        .upload("a/DSC_1.NEF.jpg.xmp", xmp("Export", "k"))
        .await;
    world.wait_until_delivered().await;
    let title = title_of(&world, "2018-02-01/DSC_1.NEF").await;
    assert_eq!(title.as_deref(), Some("Export"));
}

#[tokio::test]
async fn sidecar_with_source_and_archive_in_one_bucket() {
    let layout = Layout::new("one", "inbox/", "one", "archive/").unwrap();
    let world = IngestWorld::without_delivery(layout).await;
    world.start_delivery();
    let bucket = world.layout.source_bucket().clone();
    let put = async |key: &str, bytes: Vec<u8>| world.put(&bucket.object(key), bytes).await;
    put("inbox/a/DSC_1.xmp", xmp("Night", "k").into_bytes()).await;
    put("inbox/a/DSC_1.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    assert_eq!(title_of(&world, STEM).await.as_deref(), Some("Night"));
    assert_eq!(world.archive_keys().await.len(), 2);
}

#[tokio::test]
async fn misfiled_photo_stays_if_the_caller_requires_it() {
    let dated =
        with_properties("<exif:DateTimeOriginal>1985-06-03T12:00:00</exif:DateTimeOriginal>");
    let world = IngestWorld::without_delivery(layout()).await;
    upload_in_order(&world, &[("a/scan.jpg", TestShot::undated().jpeg())]).await;
    world.upload("a/scan.xmp", dated).await;
    let sidecar = source_object("a/scan.xmp");
    let organised = world.ingest.process_object(&sidecar);
    let Outcome::Undated(copy) = organised.await.unwrap() else {
        panic!("the sidecar was not copied")
    };
    let index = world
        .ingest
        .process_object_and(copy.object(), MisfiledPhotos::Stay);
    assert_eq!(index.await.unwrap(), Outcome::Indexed);
    assert_eq!(world.live_parts("undated/scan").await, ["jpg", "xmp"]);
}
