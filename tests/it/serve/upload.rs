//! Tests of the main function of the program: photos that are uploaded by S3 are archived by day,
//! and served as JSON by the gallery.

use std::path::Path;

use super::process::{Photos, files};

/// The number of photos in `examples/photos`.
const PHOTOS: usize = 13;
/// The number of files in `examples/photos`. Two of them are one photo.
const FILES: usize = 14;

pub(super) fn examples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos")
}

pub(super) async fn upload_examples(photos: &Photos) {
    // Two photos have the same name, and the first of them keeps it. If both were uploaded
    // together, either could be the first.
    let first = "card1/DSC_0001.JPG";
    photos
        .put(first, std::fs::read(examples().join(first)).unwrap())
        .await;
    photos.photos(1).await;
    for file in files(&examples()).keys().filter(|file| *file != first) {
        let bytes = std::fs::read(examples().join(file)).unwrap();
        photos.put(file, bytes).await;
    }
}

#[tokio::test]
async fn uploads_are_archived_by_day_and_served() {
    // Without pictures, so that no URL differs from run to run.
    let mut photos = Photos::at_rest();
    photos.start(&["--renditions", "none"]);
    upload_examples(&photos).await;
    let list = photos.photos_of_files(FILES).await;
    assert_eq!(list.len(), PHOTOS);
    insta::assert_json_snapshot!("archive", photos.tree("archive"));
    let gallery = photos.gallery();
    let json = serde_json::to_string(&list)
        .unwrap()
        .replace(&gallery, "http://gallery");
    let mut list: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    list.iter().for_each(crate::gallery::schema::check_photo);
    // The version depends on the order in which the files of a photo arrive, and the times on the
    // clock.
    for photo in &mut list {
        for field in ["version", "addedAt", "changedAt"] {
            photo[field] = "any".into();
        }
    }
    insta::assert_json_snapshot!("list", list);

    // The uploads are still in the source.
    assert_eq!(photos.tree("inbox"), files(&examples()));
    // The detail of a photo has every tag.
    let detail = photos.json("/v1/photos/2022-07-16/IMG_0412").await;
    assert_eq!(detail["tags"]["ExifIFD"]["OffsetTimeOriginal"], "+02:00");
    assert_eq!(detail["images"], serde_json::json!([]));
    // The gallery filters photos and pages its lists.
    let camera = photos.json("/v1/photos?camera=nikon-d750").await;
    assert_eq!(camera["items"].as_array().unwrap().len(), 2);
    let day = photos
        .json("/v1/photos?from=2018-02-01&to=2018-02-01&limit=1")
        .await;
    assert_eq!(day["items"][0]["takenAtLocal"], "2018-02-01T17:20:31.120");
    assert!(day["next"].is_string());
}

#[tokio::test]
async fn restart_keeps_everything_and_repeats_nothing() {
    let mut photos = Photos::at_rest();
    let folder = examples();
    photos.start(&[folder.to_str().unwrap()]);
    let before = photos.photos_of_files(FILES).await;
    let archive = photos.tree("archive");
    let stamp = |photos: &Photos| {
        let file = photos.data().join("archive/2018-02-01/DSC_0001.JPG");
        std::fs::metadata(file).unwrap().modified().unwrap()
    };
    let stamped = stamp(&photos);
    photos.interrupt();
    assert!(!photos.data().join(".engine/serve.json").exists());

    // `photos list` works at rest too.
    assert_eq!(photos.output(&["list", "--json"]).lines().count(), PHOTOS);

    photos.start(&[folder.to_str().unwrap()]);
    let after = photos.photos_of_files(FILES).await;
    let versions = |list: &[serde_json::Value]| -> Vec<_> {
        let mut all: Vec<_> = list
            .iter()
            .map(|p| (p["id"].clone(), p["version"].clone()))
            .collect();
        all.sort_by_key(|(id, _)| id.to_string());
        all
    };
    assert_eq!(
        versions(&before),
        versions(&after),
        "an item was written again"
    );
    assert_eq!((photos.tree("archive"), stamp(&photos)), (archive, stamped));
    photos.interrupt();
    assert!(
        photos.messages().contains("0 uploaded, 14 there already."),
        "{}",
        photos.messages()
    );
}

#[tokio::test]
async fn edit_replaces_its_photo_and_removal_removes_it() {
    let photos = Photos::serving();
    let read = |file: &str| std::fs::read(examples().join(file)).unwrap();
    let original = read("fuji/DSCF2210.JPG");
    photos.put("fuji/DSCF2210.JPG", original.clone()).await;
    let before = photos.photos(1).await;
    // This is the same shot, with one more byte after the end of the picture.
    let edited = [original.as_slice(), b"\0"].concat();
    photos.put("fuji/DSCF2210.JPG", edited.clone()).await;
    let file = photos.data().join("archive/2020-10-18/DSCF2210.JPG");
    super::process::until("the edit is archived", || {
        (std::fs::read(&file).ok()? == edited).then_some(())
    });
    super::process::until("the edit is indexed", || {
        let shown = photos.output(&["show", "2020-10-18/DSCF2210", "--json"]);
        let item: serde_json::Value = serde_json::from_str(&shown).unwrap();
        (item["parts"]["JPG"]["bytes"] == edited.len()).then_some(())
    });
    assert_eq!(photos.tree("archive").len(), 1);
    assert_eq!(photos.photos(1).await[0]["id"], before[0]["id"]);

    // A person may delete a file from the archive's folder with a file manager.
    std::fs::remove_file(&file).unwrap();
    let s3 = photos.s3();
    // A request for the key makes the store find that the file is gone.
    let gone = s3
        .head_object()
        .bucket("archive")
        .key("2020-10-18/DSCF2210.JPG")
        .send()
        .await;
    assert!(gone.is_err());
    photos.photos(0).await;
}
