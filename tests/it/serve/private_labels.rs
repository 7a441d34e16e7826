//! Photos that are private because of a keyword or a rating: in any of their files, in any source
//! of keywords, and in any order of the uploads.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use photo_catalogue::clients::{self, Endpoints};
use serde_json::Value;

use super::process::{Photos, until};
use crate::ingest::photos::TestShot;

/// The files of a photo, and the reason why it must be private. `None` for a public photo.
struct LabelledPair {
    name: &'static str,
    jpeg: Vec<u8>,
    dng: Vec<u8>,
    reason: Option<&'static str>,
}

/// The order in which the files of a photo are uploaded.
#[derive(Clone, Copy, PartialEq)]
enum UploadOrder {
    JpegFirst,
    RawFirst,
}

impl UploadOrder {
    const ALL: [UploadOrder; 2] = [UploadOrder::JpegFirst, UploadOrder::RawFirst];

    fn folder(self) -> &'static str {
        match self {
            UploadOrder::JpegFirst => "jpeg",
            UploadOrder::RawFirst => "raw",
        }
    }
}

/// The maximum time until all files are indexed.
const MAX_WAIT: Duration = Duration::from_secs(120);
/// The pause before a test asks the gallery again.
const PAUSE: Duration = Duration::from_millis(200);
const DAY: &str = "2018-02-01";
const CUT: &str = "metadata not read completely: XMP is cut short";

fn shot() -> TestShot {
    TestShot::at("2018:02:01 09:41:07")
}

fn xmp(properties: &str) -> String {
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
        xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
        xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
        xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
        xmlns:digiKam="http://www.digikam.org/ns/1.0/">{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"#
    )
}

fn keywords(property: &str, keywords: &[String]) -> String {
    let items: Vec<String> = keywords
        .iter()
        .map(|keyword| format!("<rdf:li>{keyword}</rdf:li>"))
        .collect();
    xmp(&format!(
        "<{property}><rdf:Bag>{}</rdf:Bag></{property}>",
        items.concat()
    ))
}

fn keyword(property: &str, keyword: &str) -> String {
    keywords(property, &[keyword.to_owned()])
}

fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, &body].concat()
}

fn jpeg_with_xmp(packet: &str) -> Vec<u8> {
    let identifier = b"http://ns.adobe.com/xap/1.0/\0";
    shot().jpeg_with_segment(&segment(0xe1, &[identifier, packet.as_bytes()]))
}

/// Returns a JPEG with a keyword in IPTC, inside Photoshop resources.
fn jpeg_with_iptc(keyword: &str) -> Vec<u8> {
    let length = u16::try_from(keyword.len()).unwrap().to_be_bytes();
    let iptc = [&[0x1c, 2, 25][..], &length, keyword.as_bytes()].concat();
    let size = u32::try_from(iptc.len()).unwrap().to_be_bytes();
    let resource = [&b"8BIM\x04\x04\0\0"[..], &size, &iptc].concat();
    shot().jpeg_with_segment(&segment(0xed, &[b"Photoshop 3.0\0", &resource]))
}

fn pairs() -> Vec<LabelledPair> {
    let pair = |name, jpeg, dng, reason| LabelledPair {
        name,
        jpeg,
        dng,
        reason,
    };
    let (jpeg, dng) = (shot().jpeg(), shot().dng());
    let jpeg_and =
        |name, packet: &str, reason| pair(name, jpeg_with_xmp(packet), dng.clone(), Some(reason));
    let dng_and = |name, packet: &str, reason| {
        pair(
            name,
            jpeg.clone(),
            shot().dng_with_xmp(packet),
            Some(reason),
        )
    };
    let hierarchical = "lr:hierarchicalSubject";
    let mut many: Vec<String> = (0..300).map(|n| format!("keyword{n}")).collect();
    many.push("Private".to_owned());
    let cut = keyword("dc:subject", "other");
    let cut = cut.split_once("</rdf:Bag>").unwrap().0;
    vec![
        pair("plain", jpeg.clone(), dng.clone(), None),
        pair(
            "other",
            jpeg_with_xmp(&keyword(hierarchical, "People|Privateer")),
            shot().dng_with_xmp(&keyword("dc:subject", "holiday")),
            None,
        ),
        dng_and("raw", &keyword("dc:subject", "PRIVATE "), "keyword PRIVATE"),
        jpeg_and(
            "hierarchical",
            &keyword(hierarchical, "Family|Private"),
            "keyword Family|Private",
        ),
        dng_and(
            "rawtop",
            &keyword(hierarchical, "private|Anna"),
            "keyword private|Anna",
        ),
        jpeg_and(
            "digikam",
            &keyword("digiKam:TagsList", "Family/Private/Anna"),
            "keyword Family|Private|Anna",
        ),
        jpeg_and("many", &keywords("dc:subject", &many), "keyword Private"),
        pair(
            "iptc",
            jpeg_with_iptc("Private"),
            dng.clone(),
            Some("keyword Private"),
        ),
        jpeg_and("rejected", &xmp("<xmp:Rating>-1</xmp:Rating>"), "rejected"),
        dng_and(
            "rawrejected",
            &xmp("<xmp:Rating>-1</xmp:Rating>"),
            "rejected",
        ),
        jpeg_and("cut", cut, CUT),
        dng_and("rawcut", cut, CUT),
    ]
}

/// Returns the stem of a photo that is uploaded in this order.
fn stem(pair: &LabelledPair, order: UploadOrder) -> String {
    format!("{DAY}/{}-{}", pair.name, order.folder())
}

/// Uploads the first or the second file of each photo.
async fn upload(photos: &Photos, pairs: &[LabelledPair], is_second: bool) {
    for pair in pairs {
        for order in UploadOrder::ALL {
            let is_jpeg = (order == UploadOrder::JpegFirst) != is_second;
            let (bytes, extension) = match is_jpeg {
                true => (&pair.jpeg, "JPG"),
                false => (&pair.dng, "DNG"),
            };
            let key = format!("{}-{}.{extension}", pair.name, order.folder());
            photos.put(&key, bytes.clone()).await;
        }
    }
}

/// Returns the private photos by their stems.
fn private_photos(photos: &Photos) -> BTreeMap<String, Value> {
    let lines = photos.output(&["list", "--private", "--json", "-n", "1000"]);
    let listed = lines.lines().map(|line| {
        let photo: Value = serde_json::from_str(line).unwrap();
        (photo["stem"].as_str().unwrap().to_owned(), photo)
    });
    listed.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_file_and_any_source_of_keywords_makes_a_photo_private() {
    let mut photos = Photos::at_rest();
    photos.start(&["--private-keywords", "private", "--originals", "jpeg"]);
    let pairs = pairs();
    let total = pairs.len() * UploadOrder::ALL.len();
    upload(&photos, &pairs, false).await;
    let public = loop {
        let public = photos.all_photos().await;
        if public.len() + private_photos(&photos).len() == total {
            break public;
        }
        tokio::time::sleep(PAUSE).await;
    };
    // While a photo has one file, this file decides.
    let hidden_at_first = private_photos(&photos);
    assert_eq!(public.len() + hidden_at_first.len(), total);
    assert!(hidden_at_first.contains_key(&format!("{DAY}/raw-raw")));

    upload(&photos, &pairs, true).await;
    let start = Instant::now();
    let expected: BTreeMap<String, &str> = (pairs.iter())
        .filter_map(|pair| Some((pair, pair.reason?)))
        .flat_map(|(pair, reason)| UploadOrder::ALL.map(|order| (stem(pair, order), reason)))
        .collect();
    loop {
        let public = photos.all_photos().await;
        for photo in &public {
            let stem = photo["stem"].as_str().unwrap();
            assert!(!hidden_at_first.contains_key(stem), "{stem} became public");
        }
        let private = private_photos(&photos);
        // The lists name no files, so the owner's record counts.
        let is_complete = |photo: &Value| {
            let record = photos.output(&["show", photo["stem"].as_str().unwrap(), "--json"]);
            let record: Value = serde_json::from_str(&record).unwrap();
            record["parts"].as_object().unwrap().len() == 2
        };
        if private.len() == expected.len() && private.values().chain(&public).all(is_complete) {
            break;
        }
        assert!(start.elapsed() < MAX_WAIT, "{private:?}");
        tokio::time::sleep(PAUSE).await;
    }
    let private = private_photos(&photos);
    let reasons: BTreeMap<String, &str> = (private.iter())
        .map(|(stem, photo)| (stem.clone(), photo["privateReason"].as_str().unwrap()))
        .collect();
    assert_eq!(reasons, expected);
    for stem in expected.keys() {
        for path in [
            format!("/v1/photos/{stem}"),
            format!("/photos/{stem}.JPG"),
            format!("/photos/{stem}.DNG"),
        ] {
            assert_eq!(photos.get(&path).await.status(), 404, "{path}");
        }
    }
    let table = photos.output(&["list", "--private", "-n", "1000"]);
    assert!(
        table.contains("PRIVATE BECAUSE") && table.contains(CUT),
        "{table}"
    );

    // The visibility that a person sets has priority over all rules.
    let (plain, rejected) = (format!("{DAY}/plain-raw"), format!("{DAY}/rejected-raw"));
    photos.output(&["set", "--private", &plain]);
    photos.output(&["set", "--public", &rejected]);
    until("the photos are set", || {
        let private = private_photos(&photos);
        let reason = private.get(&plain)?["privateReason"].as_str()?;
        (reason == "set by hand" && !private.contains_key(&rejected)).then_some(())
    });
    let path = format!("/v1/photos/{rejected}");
    assert_eq!(photos.get(&path).await.status(), 200);
}

/// Puts a file into the archive, as a person or another program does.
async fn put_archived(photos: &Photos, key: &str, bytes: Vec<u8>) {
    let put = photos.s3().put_object().bucket("archive").key(key);
    put.body(bytes.into()).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_cannot_be_read_hides_the_photo_beside_it() {
    let mut photos = Photos::at_rest();
    photos.start(&["--private-keywords", "private", "--originals", "jpeg"]);
    let files = [
        ("broken", "NEF", &b"no photo"[..]),
        ("empty", "DNG", b""),
        ("film", "MP4", b"\0\0\0\x14ftypisom\0\0\0\0mp42"),
        ("movie", "MOV", b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
        ("text", "txt", b"dear diary"),
    ];
    let put_files = async |order: UploadOrder| {
        for (name, extension, bytes) in files {
            let key = format!("{DAY}/{name}-{}.{extension}", order.folder());
            put_archived(&photos, &key, bytes.to_vec()).await;
        }
    };
    let put_photos = async |order: UploadOrder| {
        for (name, ..) in files {
            let key = format!("{DAY}/{name}-{}.JPG", order.folder());
            put_archived(&photos, &key, shot().jpeg()).await;
        }
    };
    put_files(UploadOrder::RawFirst).await;
    photos.skipped(files.len());
    put_photos(UploadOrder::RawFirst).await;
    put_photos(UploadOrder::JpegFirst).await;
    photos.photos(2 * files.len() - 2).await;
    put_files(UploadOrder::JpegFirst).await;
    photos.skipped(2 * files.len());

    let reason =
        |why: &str| format!("metadata not read completely: a file of the photo was skipped: {why}");
    let expected: BTreeMap<String, String> = UploadOrder::ALL
        .into_iter()
        .flat_map(|order| {
            let stem = |name| format!("{DAY}/{name}-{}", order.folder());
            [
                (
                    stem("broken"),
                    reason("its first bytes are of no image format known here"),
                ),
                (stem("empty"), reason("empty")),
            ]
        })
        .collect();
    let private = until("the photos are hidden", || {
        let private = private_photos(&photos);
        (private.len() == expected.len()).then_some(private)
    });
    let reasons: BTreeMap<String, String> = (private.iter())
        .map(|(stem, photo)| {
            (
                stem.clone(),
                photo["privateReason"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(reasons, expected);
    let public = photos.all_photos().await;
    assert_eq!(public.len(), 2 * files.len() - expected.len());
    for stem in expected.keys() {
        assert!(public.iter().all(|photo| photo["stem"] != **stem), "{stem}");
        let path = format!("/photos/{stem}.JPG");
        assert_eq!(photos.get(&path).await.status(), 404, "{path}");
    }

    // A photo is shown again when the file is gone.
    for (name, extension, _) in &files[..2] {
        for order in UploadOrder::ALL {
            let key = format!("{DAY}/{name}-{}.{extension}", order.folder());
            let delete = photos.s3().delete_object().bucket("archive").key(key);
            delete.send().await.unwrap();
        }
    }
    until("the photos are shown", || {
        private_photos(&photos).is_empty().then_some(())
    });
    photos.photos(2 * files.len()).await;
}

/// The message about photos that an older version read.
const UNREAD: &str = "Photos that are hidden until `photos reindex` reads their files again: 2. ";

/// Makes all photos look as if a version without labels had read them.
async fn forget_labels(photos: &Photos) {
    let running = photos.running();
    let endpoints = Endpoints {
        s3: Some(running.s3.clone()),
        dynamodb: running.dynamodb.clone(),
    };
    let sdk = clients::with_key_pair(&running.access_key, &running.secret_key);
    let dynamodb = clients::connect(&sdk, &endpoints).dynamodb;
    for photo in photos.all_photos().await {
        let key = format!("photo#{}", photo["id"].as_str().unwrap());
        let update = dynamodb.update_item().table_name("photos");
        let update = update
            .key("pk", AttributeValue::S(key))
            .update_expression(
                "SET extractorVersion = :v, #p.#e.extractorVersion = :v \
                 REMOVE summary.labels, #p.#e.labels",
            )
            .expression_attribute_names("#p", "parts")
            .expression_attribute_names("#e", "jpg")
            .expression_attribute_values(":v", AttributeValue::N("1".to_owned()));
        update.send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn number_of_photos_that_an_older_version_read_is_printed_until_reindex() {
    let mut photos = Photos::at_rest();
    photos.start(&["--dynamodb-port", "0"]);
    photos.put("a.jpg", shot().jpeg()).await;
    photos.put("b.jpg", shot().jpeg()).await;
    photos.photos(2).await;
    forget_labels(&photos).await;
    photos.interrupt();
    let count = |photos: &Photos| photos.messages().matches(UNREAD).count();

    // Without a rule that could hide them, they are shown.
    photos.start(&[]);
    photos.photos(2).await;
    photos.interrupt();
    assert_eq!(count(&photos), 0);

    photos.start(&["--private-keywords", "private"]);
    until("the message", || (count(&photos) == 1).then_some(()));
    photos.photos(0).await;
    let listed = photos.run(&["list", "--private"]);
    let messages = String::from_utf8(listed.stderr).unwrap();
    assert!(messages.contains(UNREAD), "{messages}");
    photos.output(&["reindex"]);
    photos.photos(2).await;
    let listed = photos.run(&["list", "--private"]);
    let messages = String::from_utf8(listed.stderr).unwrap();
    assert!(!messages.contains("reindex"), "{messages}");
    photos.interrupt();
    photos.start(&["--private-keywords", "private"]);
    photos.photos(2).await;
    photos.interrupt();
    assert_eq!(count(&photos), 1);
}
