//! Multipart uploads.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};

use super::{BUCKET, FolderServer, code, files, status};

const MIB: usize = 1 << 20;

impl FolderServer {
    /// Creates an upload. Returns its id.
    pub(crate) async fn begin_upload(&self, key: &str) -> String {
        let create = self
            .client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key(key)
            .content_type("image/x");
        create
            .metadata("owner", "me")
            .tagging("t=1")
            .send()
            .await
            .unwrap()
            .upload_id
            .unwrap()
    }

    /// Uploads a part. Returns the entry of the part in the list of the completion request.
    pub(crate) async fn part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        body: Vec<u8>,
    ) -> CompletedPart {
        let put = self
            .client
            .upload_part()
            .bucket(BUCKET)
            .key(key)
            .upload_id(upload)
            .part_number(number);
        let put = put.body(ByteStream::from(body)).send().await.unwrap();
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(put.e_tag().map(str::to_owned));
        part.set_checksum_crc32(put.checksum_crc32().map(str::to_owned))
            .build()
    }

    /// Completes an upload. Returns the ETag of the object.
    pub(crate) async fn complete_upload(
        &self,
        key: &str,
        upload: &str,
        parts: CompletedMultipartUpload,
    ) -> String {
        let complete = self.client.complete_multipart_upload().bucket(BUCKET);
        let complete = complete.key(key).upload_id(upload).multipart_upload(parts);
        complete.send().await.unwrap().e_tag.unwrap()
    }
}

/// Returns the body of a completion request with these parts.
pub(crate) fn completion_of(
    parts: impl IntoIterator<Item = CompletedPart>,
) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder()
        .set_parts(Some(parts.into_iter().collect()))
        .build()
}

#[tokio::test]
async fn parts_become_one_object() {
    let server = FolderServer::start().await;
    let key = "2018/film.mov";
    let upload = server.begin_upload(key).await;
    // The parts are out of order, and one is sent twice.
    let third = server.part(key, &upload, 3, b"the end".to_vec()).await;
    server.part(key, &upload, 1, vec![9; 5 * MIB]).await;
    let second = server.part(key, &upload, 2, vec![2; 5 * MIB + 1]).await;
    let first = server.part(key, &upload, 1, vec![1; 5 * MIB]).await;
    assert_eq!(
        server.get(key).await,
        None,
        "an incomplete upload is not an object"
    );
    let listed = server
        .client
        .list_parts()
        .bucket(BUCKET)
        .key(key)
        .upload_id(&upload)
        .send()
        .await
        .unwrap();
    assert_eq!(
        listed
            .parts()
            .iter()
            .map(|part| part.size().unwrap())
            .collect::<Vec<_>>(),
        [5242880, 5242881, 7]
    );
    let uploads = server
        .client
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(uploads.uploads()[0].upload_id(), Some(upload.as_str()));

    let complete = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .upload_id(&upload);
    let complete = complete.multipart_upload(completion_of([first, second, third]));
    let done = complete.clone().send().await.unwrap();
    // md5(md5(part 1) + md5(part 2) + md5(part 3)) by Python's hashlib.
    assert_eq!(done.e_tag(), Some(ETAG));
    let again = complete.send().await.unwrap();
    assert_eq!(again.e_tag(), done.e_tag(), "a repeat gets the same ETag");
    let got = server.get_object(key).await;
    assert_eq!(
        (got.content_type(), got.tag_count()),
        (Some("image/x"), Some(1))
    );
    assert_eq!(got.metadata().unwrap()["owner"], "me");
    let body = got.body.collect().await.unwrap().to_vec();
    let expected = [vec![1; 5 * MIB], vec![2; 5 * MIB + 1], b"the end".to_vec()].concat();
    assert!(body == expected);
    assert!(files(&server.data.path().join(".engine/uploads")).is_empty());
    assert!(files(&server.data.path().join(".engine/tmp")).is_empty());
}

#[tokio::test]
async fn object_of_parts_is_read_by_part_and_copied_whole() {
    let server = FolderServer::start().await;
    let key = "2018/film.mov";
    let upload = server.begin_upload(key).await;
    let first = server.part(key, &upload, 1, vec![1; 5 * MIB]).await;
    let second = server.part(key, &upload, 2, vec![2; 5 * MIB + 1]).await;
    let third = server.part(key, &upload, 3, b"the end".to_vec()).await;
    let complete = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .upload_id(&upload);
    let complete = complete.multipart_upload(completion_of([first, second, third]));
    complete.send().await.unwrap();

    let part = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key(key)
        .part_number(3)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (part.parts_count(), part.content_length()),
        (Some(3), Some(7))
    );
    let copy = server
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("copy")
        .copy_source(format!("{BUCKET}/{key}"));
    let copied = copy.send().await.unwrap();
    assert!(
        !copied
            .copy_object_result()
            .unwrap()
            .e_tag()
            .unwrap()
            .contains('-'),
        "a copy has no parts"
    );
    let expected = [vec![1; 5 * MIB], vec![2; 5 * MIB + 1], b"the end".to_vec()].concat();
    assert!(server.get("copy").await.unwrap() == expected);
}

/// The ETag of the object in `parts_become_one_object`.
const ETAG: &str = "\"918597543a61acfcf1da121276a75711-3\"";

#[tokio::test]
async fn wrong_completions_are_refused() {
    let server = FolderServer::start().await;
    let upload = server.begin_upload("k").await;
    let first = server.part("k", &upload, 1, vec![1; 10]).await;
    let second = server.part("k", &upload, 2, vec![1; 10]).await;
    let complete = |parts: Vec<CompletedPart>| {
        let complete = server
            .client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .upload_id(&upload);
        complete.multipart_upload(completion_of(parts)).send()
    };
    let none = CompletedPart::builder()
        .part_number(7)
        .e_tag("\"0\"")
        .build();
    assert_eq!(
        code(&complete(vec![none]).await.unwrap_err()),
        "InvalidPart"
    );
    assert_eq!(
        code(
            &complete(vec![second.clone(), first.clone()])
                .await
                .unwrap_err()
        ),
        "InvalidPartOrder"
    );
    assert_eq!(
        code(
            &complete(vec![first.clone(), second.clone()])
                .await
                .unwrap_err()
        ),
        "EntityTooSmall"
    );
    let other = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("other")
        .upload_id(&upload);
    assert_eq!(
        code(
            &other
                .multipart_upload(completion_of([first.clone()]))
                .send()
                .await
                .unwrap_err()
        ),
        "NoSuchUpload"
    );
    server.put("k", "there").await;
    let guarded = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&upload);
    let guarded = guarded
        .if_none_match("*")
        .multipart_upload(completion_of([first.clone()]))
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (code(&guarded).as_str(), status(&guarded)),
        ("PreconditionFailed", 412)
    );
    complete(vec![first]).await.unwrap();
    assert_eq!(server.get("k").await.unwrap(), [1; 10]);
}

#[tokio::test]
async fn aborted_upload_leaves_nothing() {
    let server = FolderServer::start().await;
    let upload = server.begin_upload("k").await;
    let part = server.part("k", &upload, 1, vec![1; 10]).await;
    let server = server.restart().await;
    assert_eq!(
        files(&server.data.path().join(".engine/uploads")).len(),
        1,
        "an open upload survives a restart"
    );
    let abort = || {
        server
            .client
            .abort_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .upload_id(&upload)
            .send()
    };
    abort().await.unwrap();
    assert!(files(&server.data.path().join(".engine/uploads")).is_empty());
    assert_eq!(code(&abort().await.unwrap_err()), "NoSuchUpload");
    let complete = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&upload);
    assert_eq!(
        code(
            &complete
                .multipart_upload(completion_of([part]))
                .send()
                .await
                .unwrap_err()
        ),
        "NoSuchUpload"
    );
}

#[tokio::test]
async fn parts_are_copied_from_ranges_of_objects() {
    let server = FolderServer::start().await;
    let source: Vec<u8> = (0..6 * MIB).map(|i| (i / 7 % 256) as u8).collect();
    let etag = server.put("source", source.clone()).await;
    let upload = server.begin_upload("k").await;
    let copy = |number: i32, range: &str| {
        let copy = server
            .client
            .upload_part_copy()
            .bucket(BUCKET)
            .key("k")
            .upload_id(&upload)
            .part_number(number);
        copy.copy_source("photos/source")
            .copy_source_range(range)
            .copy_source_if_match(&etag)
    };
    let mut parts = Vec::new();
    for (number, range) in [
        (1, format!("bytes=0-{}", 5 * MIB - 1)),
        (2, "bytes=7-106".to_owned()),
    ] {
        let copied = copy(number, &range).send().await.unwrap();
        let etag = copied
            .copy_part_result()
            .unwrap()
            .e_tag()
            .unwrap()
            .to_owned();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(etag)
                .build(),
        );
    }
    let beyond = copy(3, &format!("bytes=0-{}", 6 * MIB))
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&beyond), "InvalidRange");
    let complete = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&upload);
    complete
        .multipart_upload(completion_of(parts))
        .send()
        .await
        .unwrap();
    assert!(server.get("k").await.unwrap() == [&source[..5 * MIB], &source[7..107]].concat());
}

#[tokio::test]
async fn checksums_of_parts_are_combined() {
    let server = FolderServer::start().await;
    for (kind, expected) in [
        (ChecksumType::Composite, "9Qo8ng==-2"),
        (ChecksumType::FullObject, "oO49yw=="),
    ] {
        let create = server
            .client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key("k");
        let create = create
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .checksum_type(kind.clone());
        let upload = create.send().await.unwrap().upload_id.unwrap();
        let parts = [
            server.part("k", &upload, 1, vec![1; 5 * MIB]).await,
            server.part("k", &upload, 2, vec![2]).await,
        ];
        let complete = server
            .client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("k")
            .upload_id(&upload);
        complete
            .multipart_upload(completion_of(parts))
            .send()
            .await
            .unwrap();
        let head = server
            .client
            .head_object()
            .bucket(BUCKET)
            .key("k")
            .checksum_mode(ChecksumMode::Enabled);
        let head = head.send().await.unwrap();
        assert_eq!(
            (head.checksum_crc32(), head.checksum_type()),
            (Some(expected), Some(&kind))
        );
    }
}

#[tokio::test]
async fn uploads_without_a_new_part_for_a_week_expire() {
    let server = FolderServer::start().await;
    let mut uploads = Vec::new();
    for key in ["idle", "continued", "new", "without-parts"] {
        let upload = server.begin_upload(key).await;
        if key != "without-parts" {
            server.part(key, &upload, 1, key.into()).await;
        }
        uploads.push(upload);
    }
    let data = server.stop().await;
    let database = rusqlite::Connection::open(data.path().join(".engine/s3.sqlite")).unwrap();
    let day_ms = 24 * 3600 * 1000_i64;
    for (upload, start, last_part) in [
        (&uploads[0], 8, 8),
        (&uploads[1], 30, 6),
        (&uploads[2], 6, 6),
        (&uploads[3], 8, 0),
    ] {
        let sql = "UPDATE uploads SET started_ms = started_ms - ?2 WHERE id = ?1";
        database.execute(sql, (upload, start * day_ms)).unwrap();
        let sql = "UPDATE parts SET modified_ms = modified_ms - ?2 WHERE upload = ?1";
        database.execute(sql, (upload, last_part * day_ms)).unwrap();
    }
    drop(database);
    let server = FolderServer::start_in(data).await;
    let mut open = Vec::new();
    for _ in 0..500 {
        let listed = server.client.list_multipart_uploads().bucket(BUCKET);
        let listed = listed.send().await.unwrap();
        let keys = listed.uploads().iter();
        open = keys
            .map(|upload| upload.key().unwrap().to_owned())
            .collect();
        if open.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(open, ["continued", "new"]);
    let folder = server.data.path().join(".engine/uploads");
    for _ in 0..500 {
        if files(&folder).len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(
        files(&folder).len(),
        2,
        "the part of the idle upload is removed"
    );
}
