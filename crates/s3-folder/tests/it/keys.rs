//! Each legal key is a separate object, and no key leads outside the data folder.

use super::{BUCKET, FolderServer, code, files};

#[tokio::test]
async fn every_legal_key_is_a_separate_object() {
    let server = FolderServer::start().await;
    let long_segment = "s".repeat(256);
    let longest = format!("{}/{}", "é".repeat(500), "x".repeat(23));
    assert_eq!(longest.len(), 1024);
    let keys = [
        "plain.jpg",
        "a",
        "a/b",
        "a/b/c",
        "a/",
        "A",
        "a/B",
        "with space.jpg",
        "plus+plus",
        "per%20cent",
        "per cent",
        "日本語/写真 📷.jpg",
        "//",
        "//double",
        "x//y",
        "/lead",
        "lead",
        "..",
        "../up",
        "../../etc/passwd",
        "dir/../../x",
        "./here",
        ".",
        "trailing/.",
        ".hidden",
        "q?x=1&y=2#frag",
        "quote\"'<>&",
        "tab\tand\nnewline",
        "back\\slash",
        "~",
        "colon:semi;comma,",
        "[brackets]{}^`|",
        "*",
        "nul\0byte",
        ".engine/s3.sqlite",
        "e\u{301}",
        "\u{e9}",
        &long_segment,
        &longest,
    ];
    for key in keys {
        server.put(key, key).await;
    }
    for key in keys {
        assert_eq!(
            server.get(key).await.as_deref(),
            Some(key.as_bytes()),
            "{key:?}"
        );
    }
    let mut expected: Vec<String> = keys.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(server.keys().await, expected);
    assert_eq!(
        std::fs::read(server.file("日本語/写真 📷.jpg")).unwrap(),
        "日本語/写真 📷.jpg".as_bytes()
    );

    let server = server.restart().await;
    assert_eq!(server.keys().await, expected);
    for key in keys {
        server.delete(key).await;
        assert_eq!(server.get(key).await, None, "{key:?}");
    }
    assert!(server.keys().await.is_empty());
    assert!(files(&server.data.path().join(BUCKET)).is_empty());
    assert!(files(&server.data.path().join(".engine/odd")).is_empty());
}

#[tokio::test]
async fn keys_that_are_not_paths_can_be_copied() {
    let server = FolderServer::start().await;
    for (i, source) in ["../x", "a//b", "/lead", "a+b c%20"]
        .into_iter()
        .enumerate()
    {
        server.put(source, source).await;
        let encoded: String = source.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let key = format!("copies/{i}/../{i}");
        let copy = server
            .client
            .copy_object()
            .bucket(BUCKET)
            .key(&key)
            .copy_source(format!("{BUCKET}/{encoded}"));
        copy.send().await.unwrap();
        assert_eq!(server.get(&key).await.unwrap(), source.as_bytes());
    }
}

#[tokio::test]
async fn key_over_1024_bytes_is_refused() {
    let server = FolderServer::start().await;
    let key = "x".repeat(1025);
    let error = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&error), "KeyTooLongError");
}

#[tokio::test]
async fn nothing_is_written_outside_the_data_folder() {
    let server = FolderServer::start().await;
    let outside = tempfile::tempdir().unwrap();
    for key in [
        "../../escaped",
        "../escaped",
        "/../../escaped",
        "..",
        "a/../../../escaped",
        "/etc/escaped",
    ] {
        server.put(key, "x").await;
    }
    assert_eq!(
        files(server.data.path())
            .iter()
            .filter(|file| file.contains("escaped"))
            .count(),
        0
    );
    assert!(
        !server
            .data
            .path()
            .parent()
            .unwrap()
            .join("escaped")
            .exists()
    );

    #[cfg(unix)]
    {
        // Neither a read nor a write follows a link out of the folder.
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(outside.path(), server.file("link")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), server.file("file")).unwrap();
        assert_eq!(server.get("link/secret").await, None);
        assert_eq!(server.get("file").await, None);
        for key in ["link/new", "link/secret", "file", "link"] {
            server.put(key, "mine").await;
            assert_eq!(server.get(key).await.unwrap(), b"mine");
            server.delete(key).await;
        }
        assert_eq!(files(outside.path()), ["secret"]);
        assert_eq!(
            std::fs::read(outside.path().join("secret")).unwrap(),
            b"secret"
        );
        assert!(server.file("link").is_symlink() && server.file("file").is_symlink());
        let server = server.restart().await;
        assert_eq!(server.get("link/secret").await, None);
    }
}

#[tokio::test]
async fn file_and_folder_of_one_name_coexist_in_either_order() {
    let server = FolderServer::start().await;
    server.put("x/y", "folder").await;
    server.put("x", "file").await;
    server.put("z", "file").await;
    server.put("z/y", "folder").await;
    server.put("Z/y", "other").await;
    for (key, body) in [
        ("x/y", "folder"),
        ("x", "file"),
        ("z", "file"),
        ("z/y", "folder"),
        ("Z/y", "other"),
    ] {
        assert_eq!(server.get(key).await.unwrap(), body.as_bytes(), "{key}");
    }
    assert_eq!(std::fs::read(server.file("z")).unwrap(), b"file");
    assert_eq!(std::fs::read(server.file("x/y")).unwrap(), b"folder");
}
