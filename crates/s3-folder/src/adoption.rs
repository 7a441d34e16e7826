//! Changes behind the store's back: files that the owner adds, edits or deletes with other programs.
//!
//! The file wins. A new or changed one is hashed and becomes the object, without user metadata, its content type
//! guessed from its name; one that vanished takes the object with it. Where only the file's identity changed and the
//! bytes are those of the object (a restored backup, a `touch`), the object keeps everything and nobody is told.
//! Hidden files, links and names that are no legal key are left alone. Nothing here ever writes or removes a file, and
//! nothing is synced: what a power cut takes of it, the next comparison finds again.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::Ordering;

use s3s::{S3Result, s3_error};

use super::database::{self, Attributes, Object};
use super::files::{self, Identity, Standing};
use super::location::{Location, is_adoptable};
use super::notification::Event;
use super::{S3Store, database_error, file_error, receive, writer};

/// Compares every bucket's folder with the database, on a thread of its own.
pub(super) fn scan_in_background(store: &S3Store) {
    let inner = std::sync::Arc::downgrade(&store.inner);
    let begin = move || {
        let Some(inner) = inner.upgrade() else { return };
        scan(&S3Store { inner });
    };
    if let Err(error) = std::thread::Builder::new()
        .name("s3-scan".to_owned())
        .spawn(begin)
    {
        tracing::warn!(%error, "s3 store: cannot look for changed files");
    }
}

/// Compares every bucket's folder with the database.
pub(super) fn scan(store: &S3Store) {
    let buckets = store
        .shared()
        .readers
        .with(database::buckets)
        .unwrap_or_default();
    for (bucket, _) in buckets {
        if store.inner.closing.load(Ordering::Relaxed) {
            return;
        }
        scan_bucket(store, &bucket);
    }
}

/// Takes up what differs between a bucket's folder and the database. One failure does not stop the rest.
pub(super) fn scan_bucket(store: &S3Store, bucket: &str) {
    let take_up = |key: &str| {
        if let Err(error) = reconcile(store, bucket, key) {
            tracing::warn!(bucket, key, %error, "s3 store: cannot take up a changed file");
        }
    };
    // From the folder: what is new or changed.
    let root = store.shared().folders.bucket(bucket);
    if std::fs::symlink_metadata(&root).is_ok_and(|metadata| metadata.is_dir()) {
        visit(&root, &mut String::new(), &mut |key, identity| {
            if is_ours(store, bucket, key, identity) != Some(true) {
                take_up(key);
            }
            !store.inner.closing.load(Ordering::Relaxed)
        });
    }
    // From the database: what is gone. A page at a time, so that no reader is held open meanwhile.
    let mut after = Vec::new();
    loop {
        let page = store
            .shared()
            .readers
            .with(|connection| database::range(connection, bucket, &after, false, 500));
        let Ok(page) = page else { return };
        let Some((last, _)) = page.last() else { return };
        after = last.as_bytes().to_vec();
        for (key, object) in &page {
            if store.inner.closing.load(Ordering::Relaxed) {
                return;
            }
            let standing = store.shared().look(bucket, key, object.location);
            if !matches!(standing, Ok(Standing::File(identity)) if identity == object.identity) {
                take_up(key);
            }
        }
    }
}

/// Makes the object what its file is. Call it off the async threads.
///
/// # Errors
/// `ServiceUnavailable` while the file is being written by somebody else.
pub(super) fn reconcile(store: &S3Store, bucket: &str, key: &str) -> S3Result {
    let shared = store.shared();
    for _ in 0..3 {
        let (current, pending) = shared
            .readers
            .with(|connection| database::object(connection, bucket, key))
            .map_err(database_error)?;
        let location = match &current {
            Some(object) => object.location,
            None if is_adoptable(key) => Location::Plain,
            None => return Ok(()),
        };
        let (root, relative) = shared.folders.locate(bucket, key, location);
        let opened = files::open(&root, &relative).map_err(|error| file_error("open", error))?;
        let Some((file, identity)) = opened else {
            let Some(object) = current else { return Ok(()) };
            return forget(store, bucket, key, object);
        };
        let known = [&current, &pending]
            .into_iter()
            .flatten()
            .any(|object| object.identity == identity);
        if known {
            return Ok(());
        }
        let parts = current
            .as_ref()
            .map_or(&[][..], |object| &object.attributes.parts);
        let etag = hash(&file, identity, parts).map_err(|error| file_error("read", error))?;
        let unchanged = file
            .metadata()
            .is_ok_and(|metadata| Identity::of(&metadata) == identity);
        if unchanged && adopt(store, bucket, key, location, identity, etag)? {
            return Ok(());
        }
    }
    Err(s3_error!(
        ServiceUnavailable,
        "the file of this object is being changed by another program"
    ))
}

/// The content type that a file's name suggests.
pub(super) fn content_type(key: &str) -> &'static str {
    let extension = key
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "heif" | "hif" => "image/heif",
        "avif" => "image/avif",
        "jxl" => "image/jxl",
        "tif" | "tiff" => "image/tiff",
        "dng" => "image/x-adobe-dng",
        "nef" => "image/x-nikon-nef",
        "cr2" => "image/x-canon-cr2",
        "cr3" => "image/x-canon-cr3",
        "arw" => "image/x-sony-arw",
        "raf" => "image/x-fuji-raf",
        "rw2" => "image/x-panasonic-rw2",
        "orf" => "image/x-olympus-orf",
        "svg" => "image/svg+xml",
        "xmp" => "application/rdf+xml",
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "json" => "application/json",
        "html" | "htm" => "text/html",
        "txt" => "text/plain",
        "pdf" => "application/pdf",
        _ => "binary/octet-stream",
    }
}

/// Writes what was seen, unless things moved on meanwhile; `false` then.
fn adopt(
    store: &S3Store,
    bucket: &str,
    key: &str,
    location: Location,
    identity: Identity,
    etag: String,
) -> S3Result<bool> {
    let shared = std::sync::Arc::clone(&store.inner.shared);
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    let change = move |connection: &rusqlite::Connection| {
        if !database::bucket_exists(connection, &bucket).map_err(database_error)? {
            return Ok(true);
        }
        let (current, _) = database::object(connection, &bucket, &key).map_err(database_error)?;
        let standing = shared
            .look(&bucket, &key, location)
            .map_err(|error| file_error("look at", error))?;
        let same_place = current
            .as_ref()
            .is_none_or(|object| object.location == location);
        if !same_place || !matches!(standing, Standing::File(now) if now == identity) {
            return Ok(false);
        }
        // On a file system that ignores case another key may own this very file.
        let others = database::same_name(connection, &bucket, &key).map_err(database_error)?;
        if others.iter().any(|(_, object)| object.identity == identity) {
            return Ok(true);
        }
        if let Some(mut object) = current.clone().filter(|object| object.etag == etag) {
            object.identity = identity;
            database::put_object(connection, &bucket, &key, None, &object)
                .map_err(database_error)?;
            return Ok(true);
        }
        let attributes = Attributes {
            content_type: Some(content_type(&key).to_owned()),
            ..Attributes::default()
        };
        let object = Object {
            location,
            identity,
            etag,
            modified_ms: identity.mtime_ns / 1_000_000,
            attributes,
        };
        database::put_object(connection, &bucket, &key, None, &object).map_err(database_error)?;
        tracing::debug!(bucket, key, "s3 store: took up a file");
        shared
            .record(connection, &bucket, &key, Event::Put.name(), Some(&object))
            .map_err(database_error)?;
        Ok(true)
    };
    store
        .inner
        .writer
        .change(false, change)
        .blocking_recv()
        .map_err(writer::stopped)?
}

/// Drops the row of an object whose file is gone.
fn forget(store: &S3Store, bucket: &str, key: &str, seen: Object) -> S3Result {
    let shared = std::sync::Arc::clone(&store.inner.shared);
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    let change = move |connection: &rusqlite::Connection| {
        let (current, _) = database::object(connection, &bucket, &key).map_err(database_error)?;
        let standing = shared
            .look(&bucket, &key, seen.location)
            .map_err(|error| file_error("look at", error))?;
        let still = current.is_some_and(|object| object.identity == seen.identity);
        if still && !matches!(standing, Standing::File(_)) {
            database::delete_object(connection, &bucket, &key, false).map_err(database_error)?;
            tracing::debug!(bucket, key, "s3 store: a file is gone");
            shared
                .record(connection, &bucket, &key, Event::Delete.name(), None)
                .map_err(database_error)?;
        }
        Ok(())
    };
    store
        .inner
        .writer
        .change(false, change)
        .blocking_recv()
        .map_err(writer::stopped)?
}

/// Whether this file is what a row says; `None` where it cannot be told.
fn is_ours(store: &S3Store, bucket: &str, key: &str, identity: Identity) -> Option<bool> {
    let (current, pending) = store
        .shared()
        .readers
        .with(|connection| database::object(connection, bucket, key))
        .ok()?;
    if let Some(object) = &current
        && object.location == Location::Odd
    {
        tracing::warn!(
            bucket,
            key,
            "s3 store: a file lies where an object of another place has its name; ignored"
        );
        return Some(true);
    }
    Some(
        [current, pending]
            .into_iter()
            .flatten()
            .any(|object| object.identity == identity),
    )
}

/// The ETag of a file's content: MD5, or, where it has the size of an object uploaded in parts, that of those parts.
fn hash(file: &File, identity: Identity, parts: &[u64]) -> std::io::Result<String> {
    let whole = [identity.size.cast_unsigned()];
    let in_parts = !parts.is_empty() && parts.iter().sum::<u64>() == whole[0];
    let mut digests = Vec::new();
    let mut reader = file;
    for size in if in_parts { parts } else { &whole } {
        digests.push(receive::digest(Read::take(&mut reader, *size))?);
    }
    Ok(super::parts::etag(&digests, in_parts))
}

/// Calls `found` for every adoptable file below `folder`, until it answers `false`.
fn visit(
    folder: &Path,
    prefix: &mut String,
    found: &mut impl FnMut(&str, Identity) -> bool,
) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return true;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else {
            continue;
        };
        let length = prefix.len();
        prefix.push_str(name);
        let mut go_on = true;
        if is_adoptable(prefix) {
            if kind.is_dir() {
                prefix.push('/');
                go_on = visit(&entry.path(), prefix, found);
            } else if kind.is_file()
                && let Ok(metadata) = entry.metadata()
            {
                go_on = found(prefix, Identity::of(&metadata));
            }
        }
        prefix.truncate(length);
        if !go_on {
            return false;
        }
    }
    true
}
