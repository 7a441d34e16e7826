//! Files of this machine that become objects without a request.

use s3_folder::{NotificationFilter, ObjectAddress};

use super::{BUCKET, Server};

#[tokio::test]
async fn a_file_that_is_taken_is_the_object_that_its_upload_would_be() {
    let server = Server::start().await;
    server
        .store
        .add_notification_filter(NotificationFilter::new(BUCKET, ""));
    let folder = tempfile::tempdir().unwrap();
    // Larger than any buffer, and empty.
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

        // It is the store's from now on.
        std::fs::write(&path, "changed").unwrap();
        assert_eq!(server.get(&key).await, Some(bytes));
        let head = server.client.head_object().bucket(BUCKET).key(&key);
        let head = head.send().await.unwrap();
        assert_eq!(head.content_type(), Some("image/jpeg"));
        assert_eq!(head.e_tag().unwrap().trim_matches('"'), etag);
    }
    assert_eq!(server.store.count_undelivered(), 4);
    // Again: the file as it is now.
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
async fn what_cannot_be_taken_is_said_in_one_line() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("a.jpg");
    std::fs::write(&there, "x").unwrap();
    let missing = folder.path().join("b.jpg");
    let long = "k".repeat(1025);
    for (bucket, key, path, cause) in [
        (BUCKET, "b.jpg", &missing, "it cannot be read"),
        (
            "nowhere",
            "a.jpg",
            &there,
            "The specified bucket does not exist.",
        ),
        (BUCKET, long.as_str(), &there, "Your key is too long"),
        (BUCKET, "folder", &folder.path().to_owned(), "it is no file"),
    ] {
        let error = server
            .store
            .put_local_file(&ObjectAddress::new(bucket, key), path)
            .await
            .unwrap_err();
        let said = error.to_string();
        assert!(said.ends_with(cause) && !said.contains('\n'), "{said}");
    }
    let listed = server.client.list_objects_v2().bucket(BUCKET).send();
    assert_eq!(listed.await.unwrap().key_count(), Some(0));
}
