//! Tests of which uploads are one photo, what hides with a photo, and what each case costs.

use std::collections::HashMap;
use std::io::Cursor;
use std::time::Duration;

use image::{DynamicImage, ImageFormat, RgbImage};
use little_exif::exif_tag::ExifTag;
use little_exif::filetype::FileExtension;
use little_exif::ifd::ExifTagGroup;
use little_exif::metadata::Metadata;
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::identity::EvidenceList;
use photo_catalogue::ingest::{self, Outcome};
use photo_catalogue::object::ObjectVersion;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::{LocationPolicy, Visibility};

use super::fixture::{ARCHIVE, IngestWorld, SOURCE, archive_object, layout, source_object};

/// A file of a shot.
#[derive(Debug, Clone, Copy)]
struct TestFile {
    /// The number of the picture. Files with one number have equal picture data.
    picture: u8,
    taken: Option<&'static str>,
    model: Option<&'static str>,
    serial: Option<&'static str>,
    caption: Option<&'static str>,
}

const TAKEN: &str = "2018:02:01 09:41:07";
const STEM: &str = "2018-02-01/a";

/// A file of the shot of [`TAKEN`].
const SHOT: TestFile = TestFile {
    picture: 1,
    taken: Some(TAKEN),
    model: Some("NIKON D750"),
    serial: Some("1000001"),
    caption: None,
};

/// A file without metadata.
const SCAN: TestFile = TestFile {
    picture: 1,
    taken: None,
    model: None,
    serial: None,
    caption: None,
};

impl TestFile {
    fn metadata(&self) -> Metadata {
        let mut metadata = Metadata::new();
        let tags = [
            self.taken
                .map(|taken| ExifTag::DateTimeOriginal(taken.to_owned())),
            self.model.map(|model| ExifTag::Model(model.to_owned())),
            self.serial
                .map(|serial| ExifTag::SerialNumber(serial.to_owned())),
            self.caption
                .map(|caption| ExifTag::ImageDescription(caption.to_owned())),
        ];
        for tag in tags.into_iter().flatten() {
            metadata.set_tag(tag);
        }
        metadata
    }

    fn jpeg(&self) -> Vec<u8> {
        let shade = self.picture.wrapping_mul(37);
        let picture = RgbImage::from_fn(24, 16, |x, y| {
            image::Rgb([x as u8 * 9, (y as u8 * 9) ^ shade, shade])
        });
        let mut bytes = Vec::new();
        DynamicImage::from(picture)
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg)
            .unwrap();
        self.metadata()
            .write_to_vec(&mut bytes, FileExtension::JPEG)
            .unwrap();
        bytes
    }

    /// Returns a TIFF with the tag DNGVersion.
    fn dng(&self) -> Vec<u8> {
        let mut metadata = self.metadata();
        let version = vec![1, 4, 0, self.picture];
        metadata.set_tag(ExifTag::UnknownINT8U(
            version,
            0xc612,
            ExifTagGroup::GENERIC,
        ));
        metadata.encode().unwrap()
    }
}

/// Uploads a file and processes it and its copy, as their events would.
async fn upload(world: &IngestWorld, key: &str, bytes: Vec<u8>) -> Outcome {
    world.upload(key, bytes).await;
    sync(world, key).await
}

async fn sync(world: &IngestWorld, key: &str) -> Outcome {
    world.ingest.sync_object(&source_object(key)).await.unwrap()
}

async fn index(world: &IngestWorld, key: &str) -> Outcome {
    let indexed = world.ingest.process_object(&archive_object(key)).await;
    indexed.unwrap()
}

async fn set_visibility(world: &IngestWorld, stem: &str, visibility: Visibility) {
    let (privacy, id) = (LocationPolicy::Exact.into(), PhotoId::from_stem(stem));
    let change = |item: &mut PhotoItem| item.overrides.visibility = Some(visibility);
    let changed =
        ingest::update_overrides(&world.catalogue, &privacy, chrono::Utc::now(), &id, change).await;
    assert!(!changed.unwrap().is_empty(), "{stem}");
}

async fn hide(world: &IngestWorld, stem: &str) {
    set_visibility(world, stem, Visibility::Private).await;
}

async fn item(world: &IngestWorld, stem: &str) -> PhotoItem {
    let item = world.item(stem).await;
    item.unwrap_or_else(|| panic!("there is no item {stem}"))
}

/// Checks the keys in the archive, and that the catalogue lists exactly these files.
async fn assert_archive(world: &IngestWorld, expected: &[&str]) {
    let keys = world.archive_keys().await;
    assert_eq!(keys, expected);
    for key in keys {
        let (stem, extension) = key.rsplit_once('.').unwrap();
        let live = world.live_parts(stem).await;
        assert!(live.contains(&extension.to_owned()), "{key}: {live:?}");
    }
}

async fn new_world() -> IngestWorld {
    IngestWorld::without_delivery(layout()).await
}

/// Renames an object, as `aws s3 mv` does: its metadata stay.
async fn rename(world: &IngestWorld, bucket: &str, from: &str, to: &str) {
    let copy = world.s3.copy_object().bucket(bucket).key(to);
    let copied = copy.copy_source(format!("{bucket}/{from}")).send().await;
    copied.unwrap();
    let delete = world.s3.delete_object().bucket(bucket).key(from);
    delete.send().await.unwrap();
}

#[tokio::test]
async fn equal_bytes_of_one_name_are_one_photo() {
    let world = new_world().await;
    upload(&world, "card/a.jpg", SHOT.jpeg()).await;
    let outcome = upload(&world, "backup/a.jpg", SHOT.jpeg()).await;
    assert_eq!(outcome.name(), "duplicate");
    // The folder is renamed, and the same bytes come under another case of the extension.
    rename(&world, SOURCE, "card/a.jpg", "trip/a.jpg").await;
    assert_eq!(sync(&world, "trip/a.jpg").await.name(), "duplicate");
    let outcome = upload(&world, "other/a.JPG", SHOT.jpeg()).await;
    assert_eq!(outcome.name(), "duplicate");
    assert_archive(&world, &["2018-02-01/a.jpg"]).await;
    for key in ["backup/a.jpg", "trip/a.jpg", "other/a.JPG"] {
        let entry = world.ledger_entry(key).await.unwrap();
        assert_eq!(entry.archive_key.as_deref(), Some("2018-02-01/a.jpg"));
        assert_eq!(sync(&world, key).await, Outcome::Unchanged);
    }
    // An edit after the rename replaces the photo, and its older bytes do not come back.
    let edit = TestFile {
        caption: Some("edited"),
        ..SHOT
    };
    world.delete(&source_object("backup/a.jpg")).await;
    world.delete(&source_object("other/a.JPG")).await;
    upload(&world, "trip/a.jpg", edit.jpeg()).await;
    assert_archive(&world, &["2018-02-01/a.jpg"]).await;
    let files = world.archived_files().await;
    assert_eq!(files["2018-02-01/a.jpg"], edit.jpeg());
}

#[tokio::test]
async fn equal_bytes_of_two_names_are_two_photos() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    upload(&world, "b.jpg", SHOT.jpeg()).await;
    assert_archive(&world, &["2018-02-01/a.jpg", "2018-02-01/b.jpg"]).await;
}

#[tokio::test]
async fn edit_under_the_same_key_replaces_its_photo() {
    let captioned = TestFile {
        caption: Some("a caption"),
        ..SCAN
    };
    let dated = TestFile {
        taken: Some("1962:07:14 10:00:00"),
        ..SCAN
    };
    let without_serial = TestFile {
        serial: None,
        picture: 2,
        ..SHOT
    };
    let right_day = TestFile {
        taken: Some("2018:02:02 09:41:07"),
        ..SHOT
    };
    let stripped = TestFile {
        taken: None,
        model: None,
        serial: None,
        ..SHOT
    };
    for (first, second, expected) in [
        (SCAN, captioned, "undated/a.jpg"),
        (SCAN, dated, "1962-07-14/a.jpg"),
        (SHOT, without_serial, "2018-02-01/a.jpg"),
        (SHOT, right_day, "2018-02-02/a.jpg"),
        // No date is invented, so the photo stays in the folder of its day.
        (SHOT, stripped, "2018-02-01/a.jpg"),
        (stripped, SHOT, "2018-02-01/a.jpg"),
    ] {
        let world = new_world().await;
        upload(&world, "s/a.jpg", first.jpeg()).await;
        let before = world.archive_keys().await.remove(0);
        let stem = before.trim_end_matches(".jpg");
        set_visibility(&world, stem, Visibility::Private).await;
        upload(&world, "s/a.jpg", second.jpeg()).await;
        assert_archive(&world, &[expected]).await;
        assert_eq!(world.archived_files().await[expected], second.jpeg());
        // What was set follows the photo.
        let item = item(&world, expected.trim_end_matches(".jpg")).await;
        assert!(!item.is_public(), "{first:?} {second:?}");
        let entry = world.ledger_entry("s/a.jpg").await.unwrap();
        assert_eq!(entry.archive_key.as_deref(), Some(expected));
        // Late events change nothing.
        assert_eq!(sync(&world, "s/a.jpg").await, Outcome::Unchanged);
        index(&world, &before).await;
        assert_archive(&world, &[expected]).await;
    }
}

#[tokio::test]
async fn cut_upload_is_skipped() {
    let world = new_world().await;
    let whole = SHOT.jpeg();
    let cut = whole[..150.min(whole.len())].to_vec();
    for order in [[&cut, &whole], [&whole, &cut]] {
        for bytes in order {
            upload(&world, "a.jpg", bytes.clone()).await;
        }
        assert_archive(&world, &["2018-02-01/a.jpg"]).await;
        assert_eq!(world.archived_files().await["2018-02-01/a.jpg"], whole);
    }
}

#[tokio::test]
async fn reused_name_keeps_both_photos_and_is_held_beside_a_hidden_one() {
    let other = TestFile {
        picture: 2,
        taken: Some("2018:02:01 15:00:00"),
        ..SHOT
    };
    let other_body = TestFile {
        picture: 2,
        serial: Some("2000002"),
        ..SHOT
    };
    let other_scan = TestFile { picture: 2, ..SCAN };
    for (first, second, folder) in [
        (SHOT, other, "2018-02-01"),
        (SHOT, other_body, "2018-02-01"),
        (SCAN, other_scan, "undated"),
    ] {
        for visibility in [Visibility::Public, Visibility::Private] {
            let world = new_world().await;
            upload(&world, "a.jpg", first.jpeg()).await;
            let stem = format!("{folder}/a");
            set_visibility(&world, &stem, visibility).await;
            upload(&world, "a.jpg", second.jpeg()).await;
            let keys = [format!("{stem}.jpg"), format!("{stem}~2.jpg")];
            assert_archive(&world, &keys.each_ref().map(String::as_str)).await;
            assert_eq!(world.archived_files().await[&keys[0]], first.jpeg());
            let beside = item(&world, &format!("{stem}~2")).await;
            assert_eq!(beside.is_public(), visibility == Visibility::Public);
            let summary = beside.summary.unwrap();
            let reason = summary.private_reason;
            match visibility {
                Visibility::Public => assert_eq!(reason, None),
                Visibility::Private => {
                    assert_eq!(reason, Some(format!("held: same key or name as {stem}")));
                }
            }
        }
    }
}

#[tokio::test]
async fn photo_that_a_newcomer_of_a_hidden_one_joins_is_held() {
    let later = TestFile {
        picture: 2,
        taken: Some("2018:02:02 15:00:00"),
        ..SHOT
    };
    for is_shown_by_owner in [false, true] {
        let world = new_world().await;
        upload(&world, "a.dng", SHOT.dng()).await;
        hide(&world, STEM).await;
        upload(&world, "card/a.jpg", later.jpeg()).await;
        if is_shown_by_owner {
            set_visibility(&world, "2018-02-02/a", Visibility::Public).await;
        }
        // A copy in the archive is kin of the photo.
        let keep = |_: &mut HashMap<String, String>| ();
        let (file, copy) = ("2018-02-02/a.jpg", "best/a.jpg");
        world.copy_archived(file, copy, keep).await;
        index(&world, copy).await;

        world.upload("a.dng", later.dng()).await;
        let organised = world.ingest.process_object(&source_object("a.dng")).await;
        organised.unwrap();
        // Both are held before the RAW is in the catalogue.
        let held = (!is_shown_by_owner).then(|| format!("held: same key or name as {STEM}"));
        for stem in ["2018-02-02/a", "best/a"] {
            let item = item(&world, stem).await;
            assert_eq!(item.is_public(), is_shown_by_owner, "{stem}");
            assert_eq!(item.held_for.is_none(), is_shown_by_owner, "{stem}");
            assert_eq!(item.summary.unwrap().private_reason, held, "{stem}");
        }
        sync(&world, "a.dng").await;
        assert_eq!(world.live_parts("2018-02-02/a").await, ["dng", "jpg"]);
        let joined = item(&world, "2018-02-02/a").await;
        assert_eq!(joined.is_public(), is_shown_by_owner);
    }
}

#[tokio::test]
async fn edit_is_found_under_a_second_key_before_index_has_seen_it() {
    let world = new_world().await;
    let organise = async |key: &str, bytes: Vec<u8>| {
        world.upload(key, bytes).await;
        world
            .ingest
            .process_object(&source_object(key))
            .await
            .unwrap();
    };
    let edit = TestFile {
        caption: Some("edited"),
        ..SHOT
    };
    organise("a/a.jpg", SHOT.jpeg()).await;
    organise("a/a.jpg", edit.jpeg()).await;
    organise("b/a.jpg", edit.jpeg()).await;
    let files = world.archived_files().await;
    assert_eq!(
        files.into_iter().collect::<Vec<_>>(),
        [("2018-02-01/a.jpg".to_owned(), edit.jpeg())]
    );
}

#[tokio::test]
async fn files_of_one_shot_are_one_photo() {
    let without_serial = TestFile {
        serial: None,
        ..SHOT
    };
    let later = TestFile {
        taken: Some("2018:02:01 09:41:09"),
        ..SHOT
    };
    let bare = TestFile {
        taken: None,
        model: None,
        serial: None,
        ..SHOT
    };
    for (jpeg, jpeg_key, raw, raw_key) in [
        (SHOT, "q/a.jpg", SHOT, "q/a.dng"),
        (without_serial, "q/a.jpg", SHOT, "q/a.dng"),
        (SHOT, "q/a.jpg", later, "q/a.dng"),
        (SHOT, "q/JPEG/a.jpg", SHOT, "q/RAW/a.dng"),
        (SHOT, "slot1/a.jpg", SHOT, "slot2/a.dng"),
        (
            SHOT,
            "q/PXL_1.RAW-01.COVER.jpg",
            SHOT,
            "q/PXL_1.RAW-02.ORIGINAL.dng",
        ),
        (bare, "q/neg7.jpg", bare, "q/neg7.dng"),
    ] {
        for jpeg_first in [true, false] {
            let world = new_world().await;
            let mut files = [(jpeg_key, jpeg.jpeg()), (raw_key, raw.dng())];
            if !jpeg_first {
                files.reverse();
            }
            for (key, bytes) in files {
                upload(&world, key, bytes).await;
            }
            let keys = world.archive_keys().await;
            let stems: Vec<&str> = keys
                .iter()
                .map(|key| key.rsplit_once('.').unwrap().0)
                .collect();
            assert_eq!(stems.len(), 2, "{keys:?}");
            assert_eq!(stems[0], stems[1], "{jpeg_key} {raw_key} {jpeg_first}");
            assert_eq!(world.live_parts(stems[0]).await, ["dng", "jpg"]);
        }
    }
}

#[tokio::test]
async fn two_pictures_that_differ_in_the_case_of_the_extension_are_two_photos() {
    let world = new_world().await;
    let other = TestFile { picture: 2, ..SHOT };
    upload(&world, "vc/a.jpg", SHOT.jpeg()).await;
    upload(&world, "vc/a.JPG", other.jpeg()).await;
    assert_archive(&world, &["2018-02-01/a.jpg", "2018-02-01/a~2.JPG"]).await;
}

#[tokio::test]
async fn hidden_photo_stays_hidden_if_its_file_is_copied_or_renamed_in_the_archive() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    hide(&world, STEM).await;
    rename(&world, ARCHIVE, "2018-02-01/a.jpg", "2018-02-01/beach.jpg").await;
    index(&world, "2018-02-01/beach.jpg").await;
    index(&world, "2018-02-01/a.jpg").await;
    assert!(!item(&world, "2018-02-01/beach").await.is_public());
    // If one of them is hidden later, all are hidden.
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    rename(&world, ARCHIVE, "2018-02-01/a.jpg", "best/one.jpg").await;
    index(&world, "best/one.jpg").await;
    index(&world, "2018-02-01/a.jpg").await;
    assert!(item(&world, "best/one").await.is_public());
    hide(&world, "best/one").await;
    // The upload is edited, and its edit comes back under the old name.
    let edit = TestFile {
        caption: Some("edited"),
        ..SHOT
    };
    upload(&world, "a.jpg", edit.jpeg()).await;
    assert!(!item(&world, STEM).await.is_public());
}

#[tokio::test]
async fn hidden_photo_stays_hidden_if_its_upload_is_renamed() {
    let world = new_world().await;
    upload(&world, "in/a.jpg", SHOT.jpeg()).await;
    hide(&world, STEM).await;
    rename(&world, SOURCE, "in/a.jpg", "sorted/a.jpg").await;
    sync(&world, "sorted/a.jpg").await;
    assert_archive(&world, &["2018-02-01/a.jpg"]).await;
    assert!(!item(&world, STEM).await.is_public());
}

#[tokio::test]
async fn removed_photo_stays_removed_until_its_key_is_uploaded_anew() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    world.delete_archived("2018-02-01/a.jpg").await;
    index(&world, "2018-02-01/a.jpg").await;
    assert_eq!(sync(&world, "a.jpg").await, Outcome::Unchanged);
    let outcome = upload(&world, "backup/a.jpg", SHOT.jpeg()).await;
    assert_eq!(outcome.name(), "duplicate");
    assert_archive(&world, &[]).await;
    // A store keeps times to the second. Another upload in the same second is no other version.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    assert_archive(&world, &["2018-02-01/a.jpg"]).await;
}

/// Gives an archived file the metadata that an older version of this program wrote: an owner, and
/// neither an archive key nor a content id.
async fn write_older_metadata(world: &IngestWorld, key: &str) {
    let change = |metadata: &mut HashMap<String, String>| {
        metadata.remove("photo-target");
        metadata.remove("photo-content");
        metadata.insert("photo-owner".to_owned(), "o".repeat(26));
    };
    world.copy_archived(key, key, change).await;
}

#[tokio::test]
async fn item_of_an_older_version_is_recognised() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    hide(&world, STEM).await;
    // An older version of the program wrote no evidence, no content ids and no archive key.
    let mut old = item(&world, STEM).await;
    let read_revision = old.revision;
    old.revision += 1;
    old.evidence = EvidenceList::default();
    old.claim = Default::default();
    for part in old.parts.values_mut() {
        part.content = None;
        part.picture = None;
    }
    world
        .catalogue
        .put_item(&old, Some(read_revision))
        .await
        .unwrap();
    write_older_metadata(&world, "2018-02-01/a.jpg").await;
    let mut entry = world.ledger_entry("a.jpg").await.unwrap();
    entry.content = None;
    world.catalogue.put_ledger_entry(&entry).await.unwrap();

    assert_eq!(sync(&world, "a.jpg").await, Outcome::Unchanged);
    let outcome = upload(&world, "backup/a.jpg", SHOT.jpeg()).await;
    assert_eq!(outcome.name(), "duplicate");
    let later = TestFile {
        taken: Some("2018:02:01 15:00:00"),
        ..SHOT
    };
    // Only the picture data decide, and the old item does not record where they are.
    upload(&world, "a.jpg", later.jpeg()).await;
    assert_archive(&world, &["2018-02-01/a.jpg"]).await;
    let now = item(&world, STEM).await;
    assert!(!now.is_public() && now.evidence.iter().count() == 2);
    upload(&world, "a.dng", later.dng()).await;
    assert_eq!(world.live_parts(STEM).await, ["dng", "jpg"]);
}

#[tokio::test]
async fn photo_that_an_older_version_removed_stays_removed() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    world.delete_archived("2018-02-01/a.jpg").await;
    index(&world, "2018-02-01/a.jpg").await;
    let mut old = item(&world, STEM).await;
    let read_revision = old.revision;
    old.revision += 1;
    old.evidence = EvidenceList::default();
    let put = world.catalogue.put_item(&old, Some(read_revision));
    put.await.unwrap();
    assert_eq!(sync(&world, "a.jpg").await, Outcome::Unchanged);
    assert_archive(&world, &[]).await;
}

/// The time after which a version of an object is certainly later than the one before.
const LATER_VERSION: Duration = Duration::from_secs(4);

/// Runs `work`, and returns the number of its requests to S3 and to DynamoDB.
async fn count_requests<T>(world: &IngestWorld, work: impl Future<Output = T>) -> (usize, usize) {
    world.wire.take();
    work.await;
    let requests = world.wire.take().requests;
    let of = |store: &str| requests.iter().filter(|one| one.starts_with(store)).count();
    (of("s3"), of("dynamodb"))
}

/// Index 4 of docs/ingest-protocol.md.
#[tokio::test]
async fn index_looks_at_the_file_again_unless_the_recorded_version_is_older() {
    let world = new_world().await;
    let key = "2018-02-01/a.jpg";
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    let head = world.s3.head_object().bucket(ARCHIVE).key(key);
    let head = head.send().await.unwrap();
    let written = head.last_modified.unwrap().secs();
    for (age_seconds, to_s3) in [(0, 3), (2, 3), (3, 2)] {
        let mut recorded = item(&world, STEM).await;
        let read_revision = recorded.revision;
        recorded.revision += 1;
        let part = recorded.parts.get_mut("jpg").unwrap();
        let time = chrono::DateTime::from_timestamp(written - age_seconds, 0).unwrap();
        let version = ObjectVersion::new("another version", time);
        (part.etag, part.last_modified) = (version.etag, version.last_modified);
        let put = world.catalogue.put_item(&recorded, Some(read_revision));
        put.await.unwrap();
        let requests = count_requests(&world, index(&world, key)).await;
        assert_eq!(requests, (to_s3, 2), "{age_seconds} seconds older");
    }
    // The part is a tombstone. A copy by hand has no source to look at.
    world.delete_archived(key).await;
    index(&world, key).await;
    world.put_archived(key, SHOT.jpeg()).await;
    assert_eq!(count_requests(&world, index(&world, key)).await, (2, 2));
}

#[tokio::test]
async fn each_case_costs_what_the_protocol_states() {
    let world = new_world().await;
    let put = |key: &'static str, bytes: Vec<u8>| world.upload(key, bytes);
    let count = |key: &'static str| count_requests(&world, sync(&world, key));
    // The first photo of a year registers the year.
    put("first.jpg", TestFile { picture: 9, ..SHOT }.jpeg()).await;
    sync(&world, "first.jpg").await;

    put("a.jpg", SHOT.jpeg()).await;
    let source = source_object("a.jpg");
    let organise = || count_requests(&world, world.ingest.process_object(&source));
    assert_eq!(organise().await, (3, 3), "new photo");
    assert_eq!(organise().await, (2, 2), "event again before index");
    let indexed = index(&world, "2018-02-01/a.jpg");
    assert_eq!(count_requests(&world, indexed).await, (2, 2));
    assert_eq!(count("a.jpg").await, (1, 2), "event again");
    let again = index(&world, "2018-02-01/a.jpg");
    assert_eq!(
        count_requests(&world, again).await,
        (2, 1),
        "archive event again"
    );

    put("a.dng", SHOT.dng()).await;
    assert_eq!(count("a.dng").await, (5, 5), "dated RAW");
    put("backup/a.jpg", SHOT.jpeg()).await;
    assert_eq!(
        count("backup/a.jpg").await,
        (1, 3),
        "same bytes, second key"
    );
    let edit = TestFile {
        caption: Some("edited"),
        ..SHOT
    };
    // An edit that comes earlier costs another HEAD.
    tokio::time::sleep(LATER_VERSION).await;
    put("a.jpg", edit.jpeg()).await;
    assert_eq!(count("a.jpg").await, (5, 5), "edit in place");
    let corrected = TestFile {
        taken: Some("2018:02:01 10:41:07"),
        ..SHOT
    };
    tokio::time::sleep(LATER_VERSION).await;
    put("a.jpg", corrected.jpeg()).await;
    assert_eq!(count("a.jpg").await, (7, 5), "edit with another time");
    let other = TestFile {
        picture: 2,
        taken: Some("2018:02:01 15:00:00"),
        ..SHOT
    };
    put("a.jpg", other.jpeg()).await;
    // Their picture data differ in length, so no range is read.
    assert_eq!(count("a.jpg").await, (5, 6), "another shot, same key");
    let raw = TestFile {
        taken: None,
        ..SHOT
    };
    put("b.jpg", SHOT.jpeg()).await;
    sync(&world, "b.jpg").await;
    put("b.dng", raw.dng()).await;
    assert_eq!(count("b.dng").await, (5, 6), "undated RAW");

    let copy = world.s3.copy_object().bucket(ARCHIVE).key("best/a.jpg");
    copy.copy_source(format!("{ARCHIVE}/2018-02-01/b.jpg"))
        .send()
        .await
        .unwrap();
    let by_hand = index(&world, "best/a.jpg");
    assert_eq!(
        count_requests(&world, by_hand).await,
        (2, 4),
        "copied by hand"
    );
    let again = index(&world, "best/a.jpg");
    assert_eq!(
        count_requests(&world, again).await,
        (1, 2),
        "copied by hand, again"
    );
}

/// Returns the stems of the photos that have files in the archive.
async fn stems(world: &IngestWorld) -> Vec<String> {
    let keys = world.archive_keys().await;
    let stems = keys.iter().map(|key| key.rsplit_once('.').unwrap().0);
    let mut stems: Vec<String> = stems.map(str::to_owned).collect();
    stems.dedup();
    stems
}

async fn merge(world: &IngestWorld, into: &str, from: &str) {
    world.ingest.merge_photos(into, from).await.unwrap();
}

async fn split(world: &IngestWorld, stem: &str) -> Vec<String> {
    world.ingest.split_photo(stem).await.unwrap()
}

/// Delivers the events of all uploads and archived files again, and checks that nothing changes.
async fn assert_settled(world: &IngestWorld) {
    let before = world.archived_files().await;
    for key in world.list_etags(SOURCE, "").await.into_keys() {
        sync(world, &key).await;
    }
    for key in before.keys() {
        index(world, key).await;
    }
    let after = world.archived_files().await;
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    assert!(before == after, "the bytes of a file changed");
}

#[tokio::test]
async fn merge_moves_the_files_and_split_moves_them_back() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    let other = TestFile {
        taken: Some("2018:02:02 15:00:00"),
        ..SHOT
    };
    upload(&world, "b.dng", other.dng()).await;
    hide(&world, "2018-02-02/b").await;
    assert!(item(&world, STEM).await.is_public());
    merge(&world, STEM, "2018-02-02/b").await;
    assert_archive(&world, &["2018-02-01/a.dng", "2018-02-01/a.jpg"]).await;
    // The photo is hidden, because one of both was.
    assert!(!item(&world, STEM).await.is_public());
    merge(&world, STEM, "2018-02-02/b").await;
    assert_settled(&world).await;
    // An edit of the merged upload replaces its file.
    let edit = TestFile {
        caption: Some("edited"),
        ..other
    };
    upload(&world, "b.dng", edit.dng()).await;
    assert_archive(&world, &["2018-02-01/a.dng", "2018-02-01/a.jpg"]).await;

    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    upload(&world, "b.dng", other.dng()).await;
    merge(&world, STEM, "2018-02-02/b").await;
    assert_eq!(split(&world, STEM).await, ["2018-02-02/b"]);
    assert_archive(&world, &["2018-02-01/a.jpg", "2018-02-02/b.dng"]).await;
    assert_settled(&world).await;
    // From now on, each has its own settings.
    hide(&world, STEM).await;
    assert!(item(&world, "2018-02-02/b").await.is_public());
}

#[tokio::test]
async fn merge_of_equal_bytes_keeps_one_file_and_split_brings_the_other_back() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    upload(&world, "b.jpg", SHOT.jpeg()).await;
    merge(&world, STEM, "2018-02-01/b").await;
    assert_archive(&world, &["2018-02-01/a.jpg"]).await;
    assert_settled(&world).await;
    assert_eq!(split(&world, STEM).await, ["2018-02-01/b"]);
    assert_archive(&world, &["2018-02-01/a.jpg", "2018-02-01/b.jpg"]).await;
    assert_settled(&world).await;
}

#[tokio::test]
async fn merge_of_two_files_of_one_format_needs_the_upload_of_the_second() {
    let world = new_world().await;
    let other = TestFile {
        caption: Some("another export"),
        ..SHOT
    };
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    upload(&world, "b.jpg", other.jpeg()).await;
    merge(&world, STEM, "2018-02-01/b").await;
    assert_archive(&world, &["2018-02-01/a.jpg"]).await;
    assert_eq!(
        world.archived_files().await["2018-02-01/a.jpg"],
        SHOT.jpeg()
    );
    assert_settled(&world).await;
    split(&world, STEM).await;
    assert_archive(&world, &["2018-02-01/a.jpg", "2018-02-01/b.jpg"]).await;
    assert_eq!(
        world.archived_files().await["2018-02-01/b.jpg"],
        other.jpeg()
    );
    assert_settled(&world).await;

    world.delete(&source_object("b.jpg")).await;
    let refused = world.ingest.merge_photos(STEM, "2018-02-01/b").await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("the upload of 2018-02-01/b.jpg is gone"),
        "{refused}"
    );
    assert_eq!(stems(&world).await, [STEM, "2018-02-01/b"]);
    let refused = world.ingest.merge_photos(STEM, STEM).await.unwrap_err();
    assert!(refused.to_string().contains("itself"), "{refused}");
}

#[tokio::test]
async fn split_separates_formats_that_are_two_photos() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    upload(&world, "a.dng", SHOT.dng()).await;
    assert_eq!(stems(&world).await, [STEM]);
    hide(&world, STEM).await;
    assert_eq!(split(&world, STEM).await, ["2018-02-01/a~2"]);
    assert_archive(&world, &["2018-02-01/a.jpg", "2018-02-01/a~2.dng"]).await;
    assert!(!item(&world, "2018-02-01/a~2").await.is_public());
    assert_settled(&world).await;
    merge(&world, STEM, "2018-02-01/a~2").await;
    assert_archive(&world, &["2018-02-01/a.dng", "2018-02-01/a.jpg"]).await;
    let refused = world.ingest.split_photo("2018-02-01/nothing").await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .starts_with("there is no photo")
    );
}

#[tokio::test]
async fn edit_after_a_broken_upload_still_finds_its_hidden_photo() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    hide(&world, STEM).await;
    let cut = SHOT.jpeg()[..100].to_vec();
    assert_eq!(upload(&world, "a.jpg", cut).await.name(), "skipped");
    assert_eq!(sync(&world, "a.jpg").await, Outcome::Unchanged);
    let other_day = TestFile {
        taken: Some("2018:02:02 09:41:07"),
        ..SHOT
    };
    upload(&world, "a.jpg", other_day.jpeg()).await;
    assert_archive(&world, &["2018-02-02/a.jpg"]).await;
    assert!(!item(&world, "2018-02-02/a").await.is_public());
}

#[tokio::test]
async fn held_photo_stays_hidden_if_it_is_merged_with_a_public_one() {
    let world = new_world().await;
    let other = TestFile {
        picture: 2,
        taken: Some("2018:02:01 15:00:00"),
        ..SHOT
    };
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    hide(&world, STEM).await;
    upload(&world, "a.jpg", other.jpeg()).await;
    upload(&world, "b.dng", other.dng()).await;
    set_visibility(&world, "2018-02-01/b", Visibility::Public).await;
    merge(&world, "2018-02-01/b", "2018-02-01/a~2").await;
    assert!(!item(&world, "2018-02-01/b").await.is_public());
}

#[tokio::test]
async fn merged_photo_stays_in_its_folder_although_its_files_have_two_days() {
    let world = new_world().await;
    let jpeg = TestFile {
        taken: Some("2018:02:02 09:41:07"),
        ..SHOT
    };
    upload(&world, "a.dng", SHOT.dng()).await;
    upload(&world, "a.jpg", jpeg.jpeg()).await;
    merge(&world, STEM, "2018-02-02/a").await;
    assert_settled(&world).await;
    assert_archive(&world, &["2018-02-01/a.dng", "2018-02-01/a.jpg"]).await;
}

#[tokio::test]
async fn copy_by_hand_is_such_a_copy_again_after_a_split() {
    let world = new_world().await;
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    let copy = world.s3.copy_object().bucket(ARCHIVE).key("best/x.jpg");
    let copied = copy
        .copy_source(format!("{ARCHIVE}/2018-02-01/a.jpg"))
        .send();
    copied.await.unwrap();
    index(&world, "best/x.jpg").await;
    merge(&world, STEM, "best/x").await;
    assert_archive(&world, &["2018-02-01/a.jpg"]).await;
    split(&world, STEM).await;
    assert_archive(&world, &["2018-02-01/a.jpg", "best/x.jpg"]).await;
    hide(&world, STEM).await;
    assert!(!item(&world, "best/x").await.is_public());
    // The upload still belongs to the first photo.
    let edit = TestFile {
        caption: Some("edited"),
        ..SHOT
    };
    upload(&world, "a.jpg", edit.jpeg()).await;
    let files = world.archived_files().await;
    assert_eq!(files["2018-02-01/a.jpg"], edit.jpeg());
    assert_eq!(files["best/x.jpg"], SHOT.jpeg());
}

#[tokio::test]
async fn photos_of_a_key_that_an_older_version_used_twice_are_not_kin() {
    let world = new_world().await;
    let other = TestFile {
        picture: 2,
        taken: Some("2018:02:02 15:00:00"),
        ..SHOT
    };
    upload(&world, "a.jpg", SHOT.jpeg()).await;
    upload(&world, "a.jpg", other.jpeg()).await;
    assert_archive(&world, &["2018-02-01/a.jpg", "2018-02-02/a.jpg"]).await;
    // An older version wrote no archive key to the metadata of the first copy.
    write_older_metadata(&world, "2018-02-01/a.jpg").await;
    hide(&world, STEM).await;
    index(&world, "2018-02-01/a.jpg").await;
    set_visibility(&world, "2018-02-02/a", Visibility::Public).await;
    assert!(!item(&world, STEM).await.is_public());
}

#[tokio::test]
async fn file_of_another_key_is_not_overwritten_after_a_lost_table() {
    let world = new_world().await;
    let export = TestFile {
        caption: Some("export"),
        ..SHOT
    };
    upload(&world, "trip/a.jpg", SHOT.jpeg()).await;
    upload(&world, "web/a.jpg", export.jpeg()).await;
    let files = ["2018-02-01/a.jpg", "2018-02-01/a~2.jpg"];
    assert_archive(&world, &files).await;
    for stem in [STEM, "2018-02-01/a~2"] {
        world.delete_item(stem).await;
    }
    for key in ["trip/a.jpg", "web/a.jpg"] {
        let version = world.ledger_entry(key).await.unwrap().version;
        let object = source_object(key);
        let forgotten = world.catalogue.delete_ledger_entry(&object, &version);
        forgotten.await.unwrap();
    }
    sync(&world, "web/a.jpg").await;
    sync(&world, "trip/a.jpg").await;
    let now = world.archived_files().await;
    assert_eq!(now[files[0]], SHOT.jpeg());
    assert_eq!(now[files[1]], export.jpeg());
}

#[tokio::test]
async fn names_after_the_first_ones_are_read_together() {
    let world = new_world().await;
    for number in 1..30_u8 {
        let scan = TestFile {
            picture: number,
            ..SCAN
        };
        upload(&world, &format!("{number}/scan.jpg"), scan.jpeg()).await;
    }
    assert_eq!(world.archive_keys().await.len(), 29);
    let last = TestFile {
        picture: 30,
        ..SCAN
    };
    world.upload("30/scan.jpg", last.jpeg()).await;
    let source = source_object("30/scan.jpg");
    let (_, dynamodb) = count_requests(&world, world.ingest.process_object(&source)).await;
    // The ledger twice, four names, one read of a hundred names, and the claim.
    assert_eq!(dynamodb, 8);
    // The RAW and the copy of an earlier file find their photo.
    let raw = TestFile {
        picture: 20,
        ..SCAN
    };
    upload(&world, "20/scan.dng", raw.dng()).await;
    assert_eq!(world.live_parts("undated/scan~20").await, ["dng", "jpg"]);
    let copy = upload(&world, "backup/scan.jpg", raw.jpeg()).await;
    assert_eq!(copy.name(), "duplicate");
}
