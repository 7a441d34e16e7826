//! The files of albums: their paths and their JSON, which contains each photo on a line of its own.
//! Pure.

use std::io;

use bytes::Bytes;
use serde_json::json;

use super::list_key::MAX_SLUG_BYTES;
use super::stored_text::{compress, json_digest};
use crate::catalogue::album::AlbumOrder;
use crate::catalogue::published::PublishedFile;

/// The folder of the files.
pub(super) const ALBUM_FOLDER: &str = "album/";
/// The size of the JSON of a file, in bytes, after which it gets no further photo. Most files of
/// this size are far below the compressed size that is allowed.
const MAX_JSON_BYTES: usize = 4_000_000;

/// The fields that only the first file of an album has.
#[derive(Debug)]
pub(super) struct AlbumHead<'a> {
    pub(super) title: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) order: AlbumOrder,
    /// The number of photos in all files of the album.
    pub(super) photos: u64,
}

/// A file that an album must have.
#[derive(Debug)]
pub(super) struct AlbumFile {
    /// The state of the file. `etag` and `bytes` are not set.
    pub(super) entry: PublishedFile,
    /// The JSON, compressed by gzip.
    pub(super) compressed: Vec<u8>,
}

/// Returns the path of the first file of an album, or `None` if the slug is too long for a file.
pub(super) fn album_path(slug: &str) -> Option<String> {
    (slug.len() <= MAX_SLUG_BYTES).then(|| numbered_path(slug, 1))
}

/// Returns the files of an album with these photos, in their order. `photos` are their JSON. If a
/// file would have more than `max_bytes` compressed, its photos are split. Returns no file if the
/// slug is too long for a file.
///
/// # Errors
/// Fails if a file cannot be compressed, which does not happen in memory.
pub(super) fn build_album_files(
    slug: &str,
    head: &AlbumHead<'_>,
    photos: &[Bytes],
    max_bytes: usize,
) -> io::Result<Vec<AlbumFile>> {
    if album_path(slug).is_none() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    let mut rest = photos;
    while !rest.is_empty() {
        let number = files.len() + 1;
        let mut count = photos_up_to(rest, MAX_JSON_BYTES);
        loop {
            let (these, others) = rest.split_at(count);
            let next = (!others.is_empty()).then(|| numbered_path(slug, number + 1));
            let json = to_json(slug, (number == 1).then_some(head), these, next.as_deref());
            let compressed = compress(&json)?;
            if compressed.len() > max_bytes && count > 1 {
                count = count.div_ceil(2);
                continue;
            }
            let entry = PublishedFile {
                path: numbered_path(slug, number),
                photos: count as u64,
                digest: json_digest(&json),
                ..PublishedFile::default()
            };
            files.push(AlbumFile { entry, compressed });
            rest = others;
            break;
        }
    }
    Ok(files)
}

/// Returns the number of photos at the beginning that have at most this number of bytes together,
/// at least one.
fn photos_up_to(photos: &[Bytes], max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fitting = photos.iter().take_while(|photo| {
        bytes += photo.len();
        bytes <= max_bytes
    });
    fitting.count().max(1)
}

fn numbered_path(slug: &str, number: usize) -> String {
    match number {
        1 => format!("{ALBUM_FOLDER}{slug}.json"),
        _ => format!("{ALBUM_FOLDER}{slug}.{number}.json"),
    }
}

/// Returns the JSON of a file. `head` is `None` if it is not the first file of the album.
fn to_json(
    slug: &str,
    head: Option<&AlbumHead<'_>>,
    photos: &[Bytes],
    next: Option<&str>,
) -> Vec<u8> {
    let mut introduction = format!(r#"{{"kind":"album","slug":"{slug}""#);
    if let Some(head) = head {
        introduction.push_str(&format!(
            r#","name":{},"description":{},"order":"{}","photos":{}"#,
            json!(head.title),
            json!(head.description),
            head.order.name(),
            head.photos
        ));
    }
    let mut text = introduction.into_bytes();
    text.extend_from_slice(br#","items":["#);
    for (at, photo) in photos.iter().enumerate() {
        text.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
        text.extend_from_slice(photo);
    }
    // The path in the file is relative to the folder of the file.
    let next = next.and_then(|path| path.strip_prefix(ALBUM_FOLDER));
    text.extend_from_slice(format!("\n],\"next\":{}}}\n", json!(next)).as_bytes());
    text
}

#[cfg(test)]
mod tests {
    use super::super::stored_text::decompress;
    use super::*;
    use serde_json::Value;

    fn head(photos: u64) -> AlbumHead<'static> {
        AlbumHead {
            title: "A \"best\" album",
            description: None,
            order: AlbumOrder::Listed,
            photos,
        }
    }

    fn parse(file: &AlbumFile) -> Value {
        serde_json::from_slice(&decompress(&file.compressed).expect("gzip")).expect("JSON")
    }

    #[test]
    fn only_the_first_file_has_the_head() {
        let photos: Vec<Bytes> = (0..40)
            .map(|n| Bytes::from(format!(r#"{{"id":"{n:04}"}}"#)))
            .collect();
        let files = build_album_files("best", &head(40), &photos, 120).expect("files");
        assert!(files.len() > 2);
        let mut ids = Vec::new();
        let mut next = Value::from("best.json");
        for (at, file) in files.iter().enumerate() {
            let name = file.entry.path.strip_prefix(ALBUM_FOLDER);
            assert_eq!(next.as_str(), name);
            let json = parse(file);
            for field in ["name", "description", "order", "photos"] {
                assert_eq!(json.get(field).is_some(), at == 0, "{field}");
            }
            let items = json["items"].as_array().expect("items");
            assert_eq!(items.len() as u64, file.entry.photos);
            ids.extend(items.iter().map(|item| item["id"].to_string()));
            next = json["next"].clone();
        }
        assert_eq!(next, Value::Null);
        assert!(ids.is_sorted() && ids.len() == 40);
        assert_eq!(parse(&files[0])["name"], "A \"best\" album");
    }

    #[test]
    fn photo_that_is_too_large_has_a_file_of_its_own() {
        let photos = [Bytes::from(format!(r#"{{"id":"{}"}}"#, "x".repeat(999)))];
        let files = build_album_files("best", &head(1), &photos, 1).expect("files");
        assert_eq!(files.len(), 1);
        assert!(parse(&files[0])["next"].is_null());
    }

    #[test]
    fn slug_that_is_too_long_has_no_file() {
        let slug = "x".repeat(MAX_SLUG_BYTES + 1);
        let photos = [Bytes::from(r#"{"id":"a"}"#)];
        assert!(
            build_album_files(&slug, &head(1), &photos, 999)
                .expect("files")
                .is_empty()
        );
        assert_eq!(album_path(&slug), None);
        assert_eq!(album_path("best").as_deref(), Some("album/best.json"));
    }
}
