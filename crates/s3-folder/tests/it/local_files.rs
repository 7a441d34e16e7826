//! Local files that become objects without an HTTP request.

use s3_folder::{NotificationFilter, ObjectAddress};

use super::{BUCKET, FolderServer};

#[tokio::test]
async fn local_file_becomes_the_same_object_as_its_upload() {
    let server = FolderServer::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    let folder = tempfile::tempdir().unwrap();
    // One file is larger than any buffer, one is empty.
    for (name, bytes) in [("a b+ä.jpg", vec![7; 700_000]), ("empty.jpg", Vec::new())] {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let key = format!("card/{name}");
        let etag = server
            .store
            .put_local_file(&ObjectAddress::new(BUCKET, &key), &path)
            .await
            .unwrap();
        let uploaded = server.put("uploaded.jpg", bytes.clone()).await;
        assert_eq!(uploaded.trim_matches('"'), etag);

        // Later changes of the file do not change the object.
        std::fs::write(&path, "changed").unwrap();
        assert_eq!(server.get(&key).await, Some(bytes));
        let head = server.client.head_object().bucket(BUCKET).key(&key);
        let head = head.send().await.unwrap();
        assert_eq!(head.content_type(), Some("image/jpeg"));
        assert_eq!(head.e_tag().unwrap().trim_matches('"'), etag);
    }
    assert_eq!(server.store.count_undelivered(), 4);
    // A repeat stores the changed file.
    let path = folder.path().join("empty.jpg");
    server
        .store
        .put_local_file(&ObjectAddress::new(BUCKET, "card/empty.jpg"), &path)
        .await
        .unwrap();
    let changed = server.get("card/empty.jpg").await;
    assert_eq!(changed.unwrap(), b"changed");
}

#[tokio::test]
async fn file_that_cannot_be_stored_is_reported_in_one_line() {
    let server = FolderServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let existing = folder.path().join("a.jpg");
    std::fs::write(&existing, "x").unwrap();
    let missing = folder.path().join("b.jpg");
    let long = "k".repeat(1025);
    for (bucket, key, path, cause) in [
        (BUCKET, "b.jpg", &missing, "the file cannot be read"),
        (
            "nowhere",
            "a.jpg",
            &existing,
            "The specified bucket does not exist.",
        ),
        (BUCKET, long.as_str(), &existing, "Your key is too long"),
        (
            BUCKET,
            "folder",
            &folder.path().to_owned(),
            "the path is not a regular file",
        ),
    ] {
        let error = server
            .store
            .put_local_file(&ObjectAddress::new(bucket, key), path)
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(cause) && !text.contains('\n'), "{text}");
    }
    let listed = server.client.list_objects_v2().bucket(BUCKET).send();
    assert_eq!(listed.await.unwrap().key_count(), Some(0));
}
