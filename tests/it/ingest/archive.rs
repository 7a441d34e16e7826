//! Tests of an archive to which others also write: older files, files that a person put there, and
//! one bucket for everything.

use photo_catalogue::archive::Layout;
use photo_catalogue::ingest::Outcome;
use photo_catalogue::object::Bucket;
use photo_catalogue::privacy::{VisibilityReason, VisibilityRules};

use s3_folder::NotificationFilter;

use super::fixture::{ARCHIVE, IngestWorld, archive_object, layout, source_object};
use super::photos::TestShot;

const MORNING: TestShot = TestShot {
    taken: Some("2018:02:01 09:41:07"),
    serial: "1000001",
};

#[tokio::test]
async fn uploads_overwrite_none_of_a_thousand_older_files() {
    let world = IngestWorld::without_delivery(layout()).await;
    // These files are older than the notifications.
    world
        .store
        .set_notification_filters(&[NotificationFilter::new("inbox", "")]);
    let old = TestShot::at("2018:02:01 07:00:00").jpeg();
    for number in 0..1000 {
        world
            .put_archived(
                &format!("2018-02-{:02}/IMG_{number:04}.jpg", number % 28 + 1),
                [
                    old.clone(),
                    vec![0, (number / 256) as u8, (number % 256) as u8],
                ]
                .concat(),
            )
            .await;
    }
    world.store.set_notification_filters(&[
        NotificationFilter::new("inbox", ""),
        NotificationFilter::new(ARCHIVE, ""),
    ]);
    let before = world.list_etags(ARCHIVE, "").await;
    world.start_delivery();
    for number in (0..1000).step_by(20) {
        let taken = format!("2018:02:{:02} 09:41:07", number % 28 + 1);
        let shot = TestShot {
            taken: Some(taken.leak()),
            ..MORNING
        };
        world
            .upload(&format!("card/IMG_{number:04}.jpg"), shot.jpeg())
            .await;
    }
    world.wait_until_delivered().await;
    let after = world.list_etags(ARCHIVE, "").await;
    assert_eq!(after.len(), 1050);
    for (key, etag) in &before {
        assert_eq!(after[key], *etag, "{key} was overwritten");
    }
    let ours: Vec<&String> = after
        .keys()
        .filter(|key| !before.contains_key(*key))
        .collect();
    assert!(ours.iter().all(|key| key.contains('~')), "{ours:?}");
}

#[tokio::test]
async fn file_dropped_into_the_archive_is_catalogued_and_owns_its_name() {
    let world = IngestWorld::new().await;
    world
        .put_archived("2018-02-01/foobar.jpg", MORNING.jpeg())
        .await;
    world.wait_until_delivered().await;
    let item = world.item("2018-02-01/foobar").await.unwrap();
    assert!(item.parts["jpg"].copied_from().is_none());

    // The same bytes are the same photo, and other bytes are another one.
    world.upload("foobar.jpg", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await.len(), 1);
    world.upload("foobar.jpg", MORNING.edited(1)).await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await.len(), 2);
    let files = world.archived_files().await;
    assert_eq!(files["2018-02-01/foobar.jpg"], MORNING.jpeg());
    assert_eq!(files["2018-02-01/foobar~2.jpg"], MORNING.edited(1));
}

#[tokio::test]
async fn dropped_file_is_not_overwritten_before_it_is_indexed() {
    let world = IngestWorld::without_delivery(layout()).await;
    world
        .put_archived("2018-02-01/foobar.jpg", MORNING.edited(9))
        .await;
    // The foreign file has no event yet, so only a HEAD of its key can find it.
    world.upload("foobar.jpg", MORNING.jpeg()).await;
    let outcome = world
        .ingest
        .process_object(&source_object("foobar.jpg"))
        .await
        .unwrap();
    let Outcome::Archived(key) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(key.stem().starts_with("2018-02-01/foobar~"), "{key:?}");
    assert_eq!(
        world.archived_files().await["2018-02-01/foobar.jpg"],
        MORNING.edited(9)
    );
    world.start_delivery();
    world.wait_until_delivered().await;
    assert_eq!(world.live_parts("2018-02-01/foobar").await, ["jpg"]);
}

#[tokio::test]
async fn dropped_file_that_is_not_a_photo_is_not_touched() {
    let world = IngestWorld::new().await;
    world
        .put_archived("2018-02-01/notes.txt", b"dear diary".to_vec())
        .await;
    world.wait_until_delivered().await;
    assert_eq!(world.archive_keys().await, ["2018-02-01/notes.txt"]);
    assert_eq!(world.item("2018-02-01/notes").await, None);
}

#[tokio::test]
async fn in_one_bucket_a_photo_is_processed_exactly_twice() {
    let world = IngestWorld::without_delivery(
        Layout::new("photos", "inbox/", "photos", "library/").unwrap(),
    )
    .await;
    world.start_delivery();
    let photos = Bucket::new("photos").unwrap();
    for number in 0..5 {
        let taken = format!("2018:02:01 09:41:{number:02}");
        let shot = TestShot::at(taken.leak());
        world
            .put(
                &photos.object(format!("inbox/card/IMG_{number}.jpg")),
                shot.jpeg(),
            )
            .await;
    }
    world
        .put(&photos.object("elsewhere/IMG_1.jpg"), MORNING.jpeg())
        .await;
    world.wait_until_delivered().await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(world.store.count_undelivered(), 0);
    let outcomes = world.take_outcomes();
    let archived = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Archived(_)));
    let indexed = outcomes
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::Indexed);
    assert_eq!((archived.count(), indexed.count()), (5, 5));
    assert_eq!(outcomes.len(), 10, "{outcomes:?}");
    assert_eq!(
        world.archive_keys().await[0],
        "library/2018-02-01/IMG_0.jpg"
    );
    assert_eq!(world.archive_keys().await.len(), 5);
}

#[tokio::test]
async fn two_parts_of_an_older_extractor_removed_together_are_both_recorded() {
    let world = IngestWorld::new().await;
    world.upload("DCIM/DSC_1.DNG", MORNING.dng()).await;
    world.upload("DCIM/DSC_1.JPG", MORNING.jpeg()).await;
    world.wait_until_delivered().await;
    let mut item = world.item("2018-02-01/DSC_1").await.unwrap();
    let read = item.revision;
    item.extractor_version -= 1;
    item.revision += 1;
    for part in item.parts.values_mut() {
        part.extractor_version -= 1;
    }
    world.catalogue.put_item(&item, Some(read)).await.unwrap();
    world.store.set_notification_filters(&[]);
    world.delete_archived("2018-02-01/DSC_1.DNG").await;
    world.delete_archived("2018-02-01/DSC_1.JPG").await;
    for extension in ["DNG", "JPG"] {
        let key = format!("2018-02-01/DSC_1.{extension}");
        let outcome = world
            .ingest
            .process_object(&archive_object(&key))
            .await
            .unwrap();
        assert_eq!(outcome, Outcome::Removed, "{key}");
    }
    let item = world.item("2018-02-01/DSC_1").await.unwrap();
    assert!(!item.has_live_photo() && item.summary.is_none() && item.exif.is_empty());
}

#[tokio::test]
async fn file_that_is_no_photo_any_more_hides_its_photo_until_it_is_removed() {
    let world = IngestWorld::new().await;
    world.upload("card/foobar.JPG", MORNING.jpeg()).await;
    world.upload("card/foobar.DNG", MORNING.dng()).await;
    world.wait_until_delivered().await;
    let rules = VisibilityRules {
        private_keywords: vec!["private".to_owned()],
        ..VisibilityRules::default()
    };
    let reason = async || {
        let item = world.item("2018-02-01/foobar").await.unwrap();
        item.decide_visibility(&rules)
    };
    let public = reason().await;
    assert!(matches!(public, VisibilityReason::Default(_)), "{public}");

    world
        .put_archived("2018-02-01/foobar.DNG", "no photo")
        .await;
    world.wait_until_delivered().await;
    assert_eq!(world.live_parts("2018-02-01/foobar").await, ["JPG"]);
    let hidden = reason().await;
    assert!(matches!(hidden, VisibilityReason::Gap(_)), "{hidden}");

    world.delete_archived("2018-02-01/foobar.DNG").await;
    world.wait_until_delivered().await;
    assert_eq!(reason().await, public);
}
