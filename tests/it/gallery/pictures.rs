//! Tests of the pictures of the gallery, with an embedded S3 server: which bytes it serves, and in
//! which form.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use image::{DynamicImage, ImageFormat, RgbImage};
use little_exif::exif_tag::ExifTag;
use little_exif::filetype::FileExtension;
use little_exif::metadata::Metadata;
use photo_catalogue::background::BackgroundSlots;
use photo_catalogue::catalogue::item::{Overrides, PartState, PhotoItem, PhotoPart};
use photo_catalogue::gallery::{CursorKey, PictureArchive};
use photo_catalogue::privacy::{LocationPolicy, Privacy, Visibility};
use photo_catalogue::storage::Storage;
use photo_metadata::EmbeddedPreview;
use s3_folder::S3Store;
use tokio::net::TcpListener;

use super::fixture::{GalleryFixture, Shot};
use crate::engines::serve_s3;

const BUCKET: &str = "archive";
pub(super) const RAW_HEAD: usize = 1000;

/// A gallery that serves pictures, with the S3 client of its store.
pub(super) struct PictureFixture {
    pub(super) gallery: GalleryFixture,
    s3: aws_sdk_s3::Client,
    reads: Arc<AtomicU32>,
    _data: tempfile::TempDir,
}

/// An interceptor that counts the GET requests of the SDK.
#[derive(Debug)]
struct ReadCounter(Arc<AtomicU32>);

impl Intercept for ReadCounter {
    fn name(&self) -> &'static str {
        "ReadCounter"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.request().method() == "GET" {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

impl PictureFixture {
    pub(super) async fn new(privacy: impl Into<Privacy>) -> Self {
        PictureFixture::with_key(privacy, [7; 32]).await
    }

    /// Starts a gallery whose cursor key is made from `secret`.
    async fn with_key(privacy: impl Into<Privacy>, secret: [u8; 32]) -> Self {
        let privacy = privacy.into();
        let data = tempfile::tempdir().expect("a folder");
        let store = S3Store::open(data.path()).expect("a store");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        serve_s3(listener, &store);
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .endpoint_url(endpoint)
            .force_path_style(true)
            .credentials_provider(Credentials::new("test", "secret", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let s3 = aws_sdk_s3::Client::from_conf(config);
        s3.create_bucket()
            .bucket(BUCKET)
            .send()
            .await
            .expect("a bucket");
        let reads = Arc::new(AtomicU32::new(0));
        let counted = s3
            .config()
            .to_builder()
            .interceptor(ReadCounter(Arc::clone(&reads)));
        let storage = Storage::new(aws_sdk_s3::Client::from_conf(counted.build()));
        let gallery = GalleryFixture::with(|settings| {
            settings.privacy = privacy;
            settings.cursor_key = CursorKey::new(secret);
            settings.originals = Some(PictureArchive {
                background: BackgroundSlots::default(),
                storage,
                bucket: photo_catalogue::object::Bucket::new(BUCKET).unwrap(),
            });
        })
        .await;
        PictureFixture {
            gallery,
            s3,
            reads,
            _data: data,
        }
    }

    /// Writes a file to the archive, and adds it to the parts (files) of the photo `item`.
    pub(super) async fn archive(
        &self,
        item: &mut PhotoItem,
        extension: &str,
        mime: &str,
        bytes: &[u8],
    ) {
        let key = format!("archive/{}.{extension}", item.stem);
        let put = self
            .s3
            .put_object()
            .bucket(BUCKET)
            .key(&key)
            .body(ByteStream::from(bytes.to_vec()));
        let etag = put.send().await.expect("archived").e_tag.expect("an ETag");
        let part = PhotoPart {
            key,
            etag: etag.trim_matches('"').to_owned(),
            mime: mime.to_owned(),
            bytes: bytes.len() as u64,
            preview: (extension == "CR2").then(|| EmbeddedPreview {
                offset: RAW_HEAD as u64,
                length: (bytes.len() - RAW_HEAD) as u64,
                width: None,
                height: None,
            }),
            ..PhotoPart::default()
        };
        item.parts.insert(extension.to_owned(), part);
        self.gallery.put(item).await;
    }

    /// Adds a photo with two files: a JPEG, and a RAW that contains another JPEG.
    async fn photo(&self, shot: &Shot) -> PhotoItem {
        let mut item = self.gallery.add(shot).await;
        item.parts = BTreeMap::new();
        item.photo.orientation = Some(8);
        self.archive(&mut item, "jpg", "image/jpeg", &jpeg(true))
            .await;
        let raw = [vec![b'R'; RAW_HEAD], jpeg(false)].concat();
        self.archive(&mut item, "CR2", "image/x-canon-cr2", &raw)
            .await;
        item
    }

    /// Returns the number of GET requests that the gallery sends to the store while `request` runs.
    async fn count_reads(&self, request: impl Future) -> u32 {
        let before = self.reads.load(Ordering::SeqCst);
        request.await;
        self.reads.load(Ordering::SeqCst) - before
    }

    async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.gallery.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        let length = response.content_length();
        let bytes = response.bytes().await.expect("a body").to_vec();
        assert_eq!(length, Some(bytes.len() as u64), "{path}");
        bytes
    }

    async fn status(&self, path: &str) -> u16 {
        self.gallery.get(path).await.status().as_u16()
    }
}

fn jpeg(tagged: bool) -> Vec<u8> {
    let image = RgbImage::from_fn(400, 300, |x, y| {
        image::Rgb([(x * y % 251) as u8, (x * 7 % 256) as u8, y as u8])
    });
    let mut file = Vec::new();
    DynamicImage::from(image)
        .write_to(&mut Cursor::new(&mut file), ImageFormat::Jpeg)
        .expect("encoded");
    if tagged {
        let mut metadata = Metadata::new();
        metadata.set_tag(ExifTag::Orientation(vec![6]));
        metadata.set_tag(ExifTag::GPSLatitudeRef("N".to_owned()));
        metadata.set_tag(ExifTag::OwnerName("SECRET".to_owned()));
        metadata
            .write_to_vec(&mut file, FileExtension::JPEG)
            .expect("tagged");
        file.extend_from_slice(b"SECRET-TRAILER");
    }
    file
}

/// Returns the names and values of the tags that an Exif reader finds in a file.
fn tags(file: &[u8]) -> Vec<String> {
    let read = exif::Reader::new()
        .read_from_container(&mut Cursor::new(file))
        .expect("Exif");
    read.fields()
        .map(|field| format!("{}={}", field.tag, field.value.get_uint(0).unwrap_or(0)))
        .collect()
}

fn foobar() -> Shot {
    Shot::new("foo bar+é", "2018-02-01T10:00:00")
}

const FILE: &str = "/photos/2018-02-01/foo%20bar%2B%C3%A9";

/// The tags of the position that the gallery writes into a picture.
const POSITION_TAGS: [&str; 5] = [
    "GPSVersionID=2",
    "GPSLatitudeRef=0",
    "GPSLatitude=0",
    "GPSLongitudeRef=0",
    "GPSLongitude=0",
];

#[tokio::test]
async fn jpeg_is_stripped_and_raw_has_only_its_preview() {
    let at_home = Privacy {
        home_zones: "45.471234,-73.645678,500".parse().expect("zones"),
        ..LocationPolicy::Exact.into()
    };
    for (privacy, position) in [
        (LocationPolicy::Hide.into(), &[][..]),
        (LocationPolicy::Round(2).into(), &POSITION_TAGS),
        (LocationPolicy::Exact.into(), &POSITION_TAGS),
        (at_home, &[]),
    ] {
        let fixture = PictureFixture::new(privacy).await;
        fixture.photo(&foobar()).await;
        let served = fixture.bytes(&format!("{FILE}.jpg")).await;
        assert_eq!(tags(&served), [&["Orientation=6"], position].concat());
        assert!(!served.windows(6).any(|window| window == b"SECRET"));
        let decode = |bytes: &[u8]| image::load_from_memory(bytes).expect("decodable");
        assert_eq!(decode(&served), decode(&jpeg(true)));

        let refused = fixture.gallery.get(&format!("{FILE}.CR2")).await;
        assert_eq!(refused.status(), 404);
        let problem: serde_json::Value = refused.json().await.expect("JSON");
        assert_eq!(problem["type"], "/problems/not-found");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("metadata cannot be removed"), "{detail}");
        let preview = fixture.bytes(&format!("{FILE}.CR2?preview=1")).await;
        assert_eq!(tags(&preview), [&["Orientation=8"], position].concat());
        assert_eq!(decode(&preview), decode(&jpeg(false)));
    }
}

#[tokio::test]
async fn headers_describe_the_picture() {
    let fixture = PictureFixture::new(LocationPolicy::Exact).await;
    fixture.photo(&foobar()).await;
    let response = fixture.gallery.get(&format!("{FILE}.jpg")).await;
    assert_eq!(response.headers()["content-type"], "image/jpeg");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let disposition = response.headers()["content-disposition"]
        .to_str()
        .expect("text");
    assert_eq!(
        disposition,
        "inline; filename=\"foo bar+_.jpg\"; filename*=UTF-8''foo%20bar%2B%C3%A9%2Ejpg"
    );
}

#[tokio::test]
async fn etag_is_no_hash_of_the_original() {
    let mut etags = Vec::new();
    for secret in [[7; 32], [8; 32]] {
        let fixture = PictureFixture::with_key(LocationPolicy::Hide, secret).await;
        let item = fixture.photo(&foobar()).await;
        for path in [format!("{FILE}.jpg"), format!("{FILE}.CR2?preview=1")] {
            let etag = fixture.gallery.get(&path).await.headers()["etag"].clone();
            let etag = etag.to_str().expect("text").to_owned();
            let again = fixture.gallery.get(&path).await.headers()["etag"].clone();
            assert_eq!(again, etag.as_str());
            for part in item.parts.values() {
                assert!(!etag.contains(&part.etag), "{etag}");
            }
            etags.push(etag);
        }
    }
    // The key decides: the same files have other ETags in another gallery.
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 4, "{etags:?}");
}

#[tokio::test]
async fn view_of_a_picture_costs_few_reads_of_the_store() {
    let fixture = PictureFixture::new(LocationPolicy::Hide).await;
    let mut item = fixture.gallery.add(&foobar()).await;
    let (file, stripped) = png_of_many_pieces(2000);
    fixture.archive(&mut item, "png", "image/png", &file).await;
    let path = format!("{FILE}.png");
    let view = async || assert_eq!(fixture.bytes(&path).await, stripped);
    // The first view also reads the file to find out what stays of it.
    assert_eq!(fixture.count_reads(view()).await, 2);
    assert_eq!(fixture.count_reads(view()).await, 1);
    let url = format!("{}{path}", fixture.gallery.base);
    let part = async || {
        let request = fixture.gallery.http.get(&url);
        let request = request.header("range", "bytes=100-20000").send();
        let bytes = request.await.expect("an answer").bytes().await;
        assert_eq!(bytes.expect("a body"), stripped[100..=20_000]);
    };
    assert_eq!(fixture.count_reads(part()).await, 1);
    let head = async || {
        let response = fixture.gallery.http.head(&url).send().await;
        assert_eq!(response.expect("an answer").status(), 200);
    };
    assert_eq!(fixture.count_reads(head()).await, 0);
    // A file that cannot be stripped is read once, and not again for each request.
    fixture
        .archive(&mut item, "png", "image/png", b"SECRET")
        .await;
    let refused = async || assert_eq!(fixture.status(&path).await, 404);
    assert_eq!(fixture.count_reads(refused()).await, 1);
    assert_eq!(fixture.count_reads(refused()).await, 0);
}

/// Returns two PNG files. In both, the pixels are divided into this number of chunks. The first one
/// also has a text after each chunk.
fn png_of_many_pieces(pieces: usize) -> (Vec<u8>, Vec<u8>) {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let mut checksum = flate2::Crc::new();
        checksum.update(name);
        checksum.update(data);
        let length = (data.len() as u32).to_be_bytes();
        [&length[..], name, data, &checksum.sum().to_be_bytes()].concat()
    };
    let mut file = [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &[1; 13])].concat();
    let mut stripped = file.clone();
    for piece in 0..pieces {
        let pixels = chunk(b"IDAT", &(piece as u32).to_be_bytes());
        file.extend([&pixels[..], &chunk(b"tEXt", b"SECRET")].concat());
        stripped.extend(&pixels);
    }
    let end = chunk(b"IEND", b"");
    file.extend(&end);
    stripped.extend(&end);
    (file, stripped)
}

#[tokio::test]
async fn files_of_a_private_photo_are_not_found() {
    let fixture = PictureFixture::new(LocationPolicy::Exact).await;
    let mut item = fixture.photo(&foobar()).await;
    item.overrides = Overrides {
        visibility: Some(Visibility::Private),
        ..Overrides::default()
    };
    // The index keys are still those of a public photo.
    fixture.gallery.put(&item).await;
    for path in ["jpg", "CR2", "CR2?preview=1"] {
        assert_eq!(
            fixture.status(&format!("{FILE}.{path}")).await,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn ranges_of_a_stripped_picture_count_its_served_bytes() {
    for policy in [LocationPolicy::Hide, LocationPolicy::Exact] {
        let fixture = PictureFixture::new(policy).await;
        fixture.photo(&foobar()).await;
        for path in [format!("{FILE}.jpg"), format!("{FILE}.CR2?preview=1")] {
            let whole = fixture.bytes(&path).await;
            let url = format!("{}{path}", fixture.gallery.base);
            for (first, last) in [
                (0, 0),
                (0, 40),
                (10, 60),
                (30, 5000),
                (whole.len() - 5, whole.len() - 1),
            ] {
                let request = fixture
                    .gallery
                    .http
                    .get(&url)
                    .header("range", format!("bytes={first}-{last}"));
                let response = request.send().await.expect("an answer");
                assert_eq!(response.status(), 206, "{path} {first}-{last}");
                let range = format!("bytes {first}-{last}/{}", whole.len());
                assert_eq!(response.headers()["content-range"], range.as_str());
                assert_eq!(
                    response.bytes().await.expect("a body"),
                    whole[first..=last],
                    "{path} {range}"
                );
            }
            let beyond = fixture
                .gallery
                .http
                .get(&url)
                .header("range", format!("bytes={}-", whole.len()));
            let response = beyond.send().await.expect("an answer");
            assert_eq!(response.status(), 416);
            assert_eq!(
                response.headers()["content-range"],
                format!("bytes */{}", whole.len()).as_str()
            );
            assert_eq!(
                response.headers()["content-type"],
                "application/problem+json"
            );

            let head = fixture
                .gallery
                .http
                .head(&url)
                .send()
                .await
                .expect("an answer");
            assert_eq!(
                head.headers()["content-length"],
                whole.len().to_string().as_str()
            );
            let etag = head.headers()["etag"].clone();
            let known = fixture
                .gallery
                .http
                .get(&url)
                .header("if-none-match", etag)
                .send()
                .await
                .expect("an answer");
            assert_eq!(known.status(), 304);
        }
    }
}

#[tokio::test]
async fn pictures_of_private_removed_and_unknown_photos_are_not_found() {
    let fixture = PictureFixture::new(LocationPolicy::Exact).await;
    fixture
        .photo(&Shot::new("private", "2018-02-01T10:00:00").private())
        .await;
    let mut gone = fixture
        .photo(&Shot::new("gone", "2018-02-01T10:00:00"))
        .await;
    gone.parts.get_mut("jpg").expect("a part").state = PartState::Tombstone;
    fixture.gallery.put(&gone).await;
    // This file is in the bucket, but no item lists it.
    let stray = fixture
        .s3
        .put_object()
        .bucket(BUCKET)
        .key("archive/2018-02-01/stray.jpg");
    stray
        .body(ByteStream::from(jpeg(false)))
        .send()
        .await
        .expect("stored");
    for path in [
        "/photos/2018-02-01/private.jpg",
        "/photos/2018-02-01/private.CR2?preview=1",
        "/photos/2018-02-01/gone.jpg",
        "/photos/2018-02-01/gone",
        "/photos/2018-02-01/stray.jpg",
        "/photos/archive/2018-02-01/gone.CR2",
        "/photos/2018-02-01/gone.cr2",
        "/photos/..%2f..%2fetc%2fpasswd",
        "/photos/%ff",
    ] {
        assert_eq!(fixture.status(path).await, 404, "{path}");
    }
    assert_eq!(
        fixture
            .status("/photos/2018-02-01/gone.CR2?preview=1")
            .await,
        200
    );
    assert_eq!(
        fixture
            .status("/photos/2018-02-01/gone.CR2?width=100")
            .await,
        400
    );
    assert_eq!(
        fixture
            .status("/photos/2018-02-01/gone.CR2?preview=yes")
            .await,
        400
    );
}

#[tokio::test]
async fn edited_file_is_not_served_before_it_is_indexed() {
    let fixture = PictureFixture::new(LocationPolicy::Hide).await;
    let item = fixture.photo(&foobar()).await;
    fixture.bytes(&format!("{FILE}.jpg")).await;
    fixture.bytes(&format!("{FILE}.CR2?preview=1")).await;
    for extension in ["jpg", "CR2"] {
        let put = fixture
            .s3
            .put_object()
            .bucket(BUCKET)
            .key(format!("archive/{}.{extension}", item.stem));
        put.body(ByteStream::from(jpeg(false)))
            .send()
            .await
            .expect("stored");
    }
    assert_eq!(fixture.status(&format!("{FILE}.jpg")).await, 404);
    assert_eq!(fixture.status(&format!("{FILE}.CR2?preview=1")).await, 404);
}

#[tokio::test]
async fn file_with_a_wrong_media_type_is_not_served() {
    let fixture = PictureFixture::new(LocationPolicy::Hide).await;
    let mut item = fixture.gallery.add(&foobar()).await;
    for bytes in [&b""[..], b"SECRET", &jpeg(true)[..60]] {
        fixture.archive(&mut item, "jpg", "image/jpeg", bytes).await;
        assert_eq!(fixture.status(&format!("{FILE}.jpg")).await, 404);
    }
}
