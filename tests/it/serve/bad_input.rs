//! Tests of bad input. Each upload must get a recorded outcome, and the process must keep running.
//! No file may be lost or written outside the data folder.

use super::process::{Photos, files};

#[tokio::test]
async fn every_bad_upload_has_an_outcome() {
    let mut photos = Photos::serving();
    let fuji = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/photos/fuji/DSCF2210.JPG"
    );
    let whole = std::fs::read(fuji).unwrap();
    photos.put("text.jpg", "this is no photo").await;
    photos.put("empty.jpg", "").await;
    // The first half of the file contains the whole Exif, but only a part of the picture.
    photos.put("truncated.jpg", &whole[..whole.len() / 2]).await;
    photos.put("stump.jpg", &whole[..20]).await;
    let long = format!("{}.JPG", "k".repeat(1020));
    photos.put(&long, whole.clone()).await;
    photos.put("../../etc/passwd", whole.clone()).await;
    photos.put("a//b/./c\u{202e}.JPG", whole.clone()).await;
    put_zeros(&photos, "zeros.jpg", 1 << 30).await;

    // The list contains four copies of one shot with different file names. The stump ends before
    // its picture, so it is no photo.
    let list = photos.photos(4).await;
    let mut stems: Vec<_> = list
        .iter()
        .map(|photo| photo["stem"].as_str().unwrap())
        .collect();
    stems.sort_unstable();
    let cut = "k".repeat(251);
    assert_eq!(
        stems,
        [
            "2020-10-18/c",
            &format!("2020-10-18/{cut}"),
            "2020-10-18/passwd",
            "2020-10-18/truncated",
        ]
    );
    let skipped = photos.skipped(4);
    let keys: Vec<_> = skipped.keys().map(String::as_str).collect();
    assert_eq!(keys, ["empty.jpg", "stump.jpg", "text.jpg", "zeros.jpg"]);
    assert!(skipped["empty.jpg"].contains("empty"), "{skipped:?}");

    // All uploads still exist with all their bytes, and the process still runs.
    let s3 = photos.s3();
    for (key, bytes) in [
        ("text.jpg", 16),
        (long.as_str(), whole.len()),
        ("../../etc/passwd", whole.len()),
        ("zeros.jpg", 1 << 30),
    ] {
        let head = s3
            .head_object()
            .bucket("inbox")
            .key(key)
            .send()
            .await
            .unwrap();
        assert_eq!(head.content_length(), Some(bytes as i64), "{key}");
    }
    assert!(photos.is_running());
    // The only file outside the data folder is the one that the test created.
    let outside: Vec<_> = files(photos.folder())
        .into_keys()
        .filter(|file| !file.starts_with("photos-data/"))
        .collect();
    assert_eq!(outside, ["errors.txt"]);
    photos.interrupt();
    assert!(
        !photos.messages().contains("panicked"),
        "{}",
        photos.messages()
    );
}

#[tokio::test]
async fn too_long_key_is_refused_with_the_error_code_of_s3() {
    let photos = Photos::serving();
    let request = photos
        .s3()
        .put_object()
        .bucket("inbox")
        .key("k".repeat(1025))
        .body(vec![1].into());
    let error = request.send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("KeyTooLongError"));
}

/// Uploads a file of this number of zero bytes. The bytes come from a sparse file, which needs
/// neither memory nor disk space.
async fn put_zeros(photos: &Photos, key: &str, bytes: u64) {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(bytes).unwrap();
    let body = aws_sdk_s3::primitives::ByteStream::from_path(file.path())
        .await
        .unwrap();
    photos
        .s3()
        .put_object()
        .bucket("inbox")
        .key(key)
        .body(body)
        .send()
        .await
        .unwrap();
}
