//! External changes: files that other programs add, edit or delete in the buckets' folders.
//!
//! If a file and the database disagree, the file is right. To register a file means to update the
//! database to its state. A new or changed file is hashed and becomes the object, without user
//! metadata and with a content type guessed from its name. If a file vanished, its object is
//! removed. If a file has another identity but the bytes of the object, for example after a `touch`
//! or from a backup, the object keeps all its attributes and there is no notification. Hidden
//! files, links, and names that are not legal keys are ignored.
//!
//! This module neither writes nor removes files. It does not sync its changes of the database to
//! disk. If a power loss undoes such a change, the next scan makes it again.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use s3s::{S3Result, s3_error};

use crate::address::ObjectAddress;
use crate::content_type::guess_content_type;
use crate::database::{self, Durability, KeyRangeStart, ObjectAttributes, StoredObject};
use crate::errors::{database_error, file_error};
use crate::etag::{md5_of, multipart_etag, whole_etag};
use crate::files::{self, FileIdentity, OpenedFile, PathState};
use crate::notification::ObjectChange;
use crate::placement::{Placement, is_registrable_key};
use crate::store::S3Store;

/// The maximum number of attempts to register a file of another program, which means to make the
/// file an object. An attempt fails if the file changes while it is hashed.
const MAX_REGISTRATION_ATTEMPTS: usize = 3;

/// The number of objects that a scan loads from the database at a time and compares with their
/// files. During the comparison, the scan uses no connection to the database.
const SCAN_PAGE_OBJECTS: usize = 500;

impl S3Store {
    /// Compares the folders of all buckets with the database. Adds, updates or removes the objects
    /// whose files other programs added, changed or removed. [`S3Store::handler`] does the same in
    /// the background. Reads every new or changed file. Blocks. Safe to repeat.
    ///
    /// ```
    /// # use s3_folder::S3Store;
    /// let data = tempfile::tempdir().unwrap();
    /// let store = S3Store::open(data.path())?;
    /// store.rescan();
    /// # Ok::<(), s3_folder::OpenError>(())
    /// ```
    pub fn rescan(&self) {
        let buckets = self.read_database(database::list_buckets);
        for bucket in buckets.unwrap_or_default() {
            scan_bucket(self, &bucket.name);
        }
    }
}

/// Starts a thread that updates the objects of every bucket to the state of the files in the folder
/// of the bucket. Returns at once.
pub(crate) fn scan_in_background(store: &S3Store) {
    let store = store.clone();
    if let Err(error) = std::thread::Builder::new()
        .name("s3-scan".to_owned())
        .spawn(move || store.rescan())
    {
        tracing::warn!(%error, "s3 store: cannot scan the folders for changed files");
    }
}

/// Updates the objects of a bucket to the state of the files in its folder. If this fails for one
/// file, the scan logs the error and continues. Blocks. Safe to repeat.
pub(crate) fn scan_bucket(store: &S3Store, bucket: &str) {
    register_changed_files(store, bucket);
    register_missing_files(store, bucket);
}

fn register_changed_files(store: &S3Store, bucket: &str) {
    let root = store.context().folders.bucket(bucket);
    if !std::fs::symlink_metadata(&root).is_ok_and(|metadata| metadata.is_dir()) {
        return;
    }
    visit_files(&root, &mut String::new(), &mut |key, identity| {
        let address = ObjectAddress::new(bucket, key);
        if !is_registered(store, &address, identity) {
            reconcile_or_log(store, &address);
        }
    });
}

fn register_missing_files(store: &S3Store, bucket: &str) {
    let mut start = KeyRangeStart::After(Vec::new());
    loop {
        let page = store.read_database(|connection| {
            database::list_objects(connection, bucket, &start, SCAN_PAGE_OBJECTS)
        });
        let Ok(page) = page else { return };
        let Some(last) = page.last() else { return };
        start = KeyRangeStart::After(last.key.clone().into_bytes());
        for listed in page {
            let address = ObjectAddress::new(bucket, listed.key);
            let state = store
                .context()
                .inspect_object(&address, listed.object.placement);
            if !state.is_ok_and(|state| state.is_file(listed.object.identity)) {
                reconcile_or_log(store, &address);
            }
        }
    }
}

fn reconcile_or_log(store: &S3Store, address: &ObjectAddress) {
    if let Err(error) = reconcile_object(store, address) {
        tracing::warn!(%address, %error, "s3 store: cannot register a changed file");
    }
}

/// Updates an object in the database to the state of its file: adds, changes or removes the object.
/// Blocks. Safe to repeat.
///
/// # Errors
/// `ServiceUnavailable` if another program is still writing the file. `InternalError` if the disk
/// or the database failed.
pub(crate) fn reconcile_object(store: &S3Store, address: &ObjectAddress) -> S3Result {
    for _ in 0..MAX_REGISTRATION_ATTEMPTS {
        let rows = store.read_database(|connection| database::load_object(connection, address))?;
        let placement = match &rows.current {
            Some(object) => object.placement,
            None if is_registrable_key(&address.key) => Placement::ByPath,
            None => return Ok(()),
        };
        let target = store.context().folders.object_file(address, placement);
        let opened = files::open_file(&target).map_err(|error| file_error("open", error))?;
        let Some(OpenedFile { file, identity }) = opened else {
            return match rows.current {
                Some(object) => remove_missing_object(store, address, object),
                None => Ok(()),
            };
        };
        if rows.contains_identity(identity) {
            return Ok(());
        }
        let parts = rows.current.as_ref();
        let parts = parts.map_or(&[][..], |object| &object.attributes.parts);
        let etag = hash_file(&file, identity, parts).map_err(|error| file_error("read", error))?;
        let unchanged = file
            .metadata()
            .is_ok_and(|metadata| FileIdentity::from_metadata(&metadata) == identity);
        let external = ExternalFile {
            placement,
            identity,
            etag,
        };
        if unchanged && register_external_file(store, address, external)? {
            return Ok(());
        }
    }
    Err(s3_error!(
        ServiceUnavailable,
        "the file of this object is being changed by another program"
    ))
}

/// A file that another program wrote, and its ETag.
struct ExternalFile {
    placement: Placement,
    identity: FileIdentity,
    /// The ETag, without quotes.
    etag: String,
}

impl ExternalFile {
    /// Returns the object that the file becomes.
    fn into_object(self, key: &str) -> StoredObject {
        StoredObject {
            placement: self.placement,
            identity: self.identity,
            etag: self.etag,
            modified_ms: self.identity.mtime_ns / 1_000_000,
            attributes: ObjectAttributes {
                content_type: Some(guess_content_type(key).to_owned()),
                ..ObjectAttributes::default()
            },
        }
    }
}

/// Makes the hashed file the object at `address`. Returns `false`, and does nothing, if the file or
/// the object has changed since the file was hashed. The caller must then hash the file again.
/// Returns `true` if the file is registered. Also returns `true` if the file is ignored, because
/// the bucket no longer exists, or because the file belongs to an object whose key differs only in
/// upper and lower case.
fn register_external_file(
    store: &S3Store,
    address: &ObjectAddress,
    external: ExternalFile,
) -> S3Result<bool> {
    let context = Arc::clone(store.context());
    let address = address.clone();
    let change = move |connection: &rusqlite::Connection| {
        if !database::bucket_exists(connection, &address.bucket).map_err(database_error)? {
            return Ok(true);
        }
        let rows = database::load_object(connection, &address).map_err(database_error)?;
        let state = context
            .inspect_object(&address, external.placement)
            .map_err(|error| file_error("inspect", error))?;
        let current = rows.current;
        let moved = current
            .as_ref()
            .is_some_and(|object| object.placement != external.placement);
        if moved || !state.is_file(external.identity) {
            return Ok(false);
        }
        if database::file_belongs_to_other_case(connection, &address, external.identity)
            .map_err(database_error)?
        {
            return Ok(true);
        }
        if let Some(mut object) = current.filter(|object| object.etag == external.etag) {
            object.identity = external.identity;
            database::save_object(connection, &address, &object).map_err(database_error)?;
            return Ok(true);
        }
        let object = external.into_object(&address.key);
        database::save_object(connection, &address, &object).map_err(database_error)?;
        tracing::debug!(%address, "s3 store: registered a file of another program");
        let name = ObjectChange::Put.event_name();
        context
            .record_change(connection, &address, name, Some(&object))
            .map_err(database_error)?;
        Ok(true)
    };
    store
        .writer()
        .change_database_blocking(Durability::ProcessCrash, change)
}

/// Deletes the row of an object whose file is gone. `seen` is the object as it was when its file
/// was missing. Does nothing if there is a file again, or if the object was written again.
fn remove_missing_object(store: &S3Store, address: &ObjectAddress, seen: StoredObject) -> S3Result {
    let context = Arc::clone(store.context());
    let address = address.clone();
    let change = move |connection: &rusqlite::Connection| {
        let rows = database::load_object(connection, &address).map_err(database_error)?;
        let state = context
            .inspect_object(&address, seen.placement)
            .map_err(|error| file_error("inspect", error))?;
        let same = rows
            .current
            .is_some_and(|object| object.identity == seen.identity);
        if same && !matches!(state, PathState::File(_)) {
            database::delete_object(connection, &address).map_err(database_error)?;
            tracing::debug!(%address, "s3 store: removed an object whose file is gone");
            let name = ObjectChange::Delete.event_name();
            context
                .record_change(connection, &address, name, None)
                .map_err(database_error)?;
        }
        Ok(())
    };
    store
        .writer()
        .change_database_blocking(Durability::ProcessCrash, change)
}

/// Reports whether a file in a bucket's folder can be left alone. This is so in two cases: the
/// database already has a row with the address and the identity of the file, or the object's bytes
/// are in a file whose name is a hash, so that the file at this path does not belong to the object.
fn is_registered(store: &S3Store, address: &ObjectAddress, identity: FileIdentity) -> bool {
    let Ok(rows) = store.read_database(|connection| database::load_object(connection, address))
    else {
        return false;
    };
    if let Some(object) = &rows.current
        && object.placement == Placement::ByHash
    {
        tracing::warn!(
            %address,
            "s3 store: ignored a file at the path of an object that is placed by hash"
        );
        return true;
    }
    rows.contains_identity(identity)
}

/// Returns the ETag of a file. `parts` are the sizes in bytes of the parts in which the object was
/// uploaded. If their sum is the size of the file, returns the ETag of an upload in these parts.
/// Otherwise returns the MD5 digest of the file.
fn hash_file(file: &File, identity: FileIdentity, parts: &[u64]) -> std::io::Result<String> {
    let mut reader = file;
    if parts.is_empty() || parts.iter().sum::<u64>() != identity.size.cast_unsigned() {
        let whole = reader.take(identity.size.cast_unsigned());
        return Ok(whole_etag(&md5_of(whole)?));
    }
    let mut digests = Vec::new();
    for size in parts {
        digests.push(md5_of(Read::take(&mut reader, *size))?);
    }
    Ok(multipart_etag(&digests))
}

/// Calls `found` with the key and identity of every file below `folder` that can be an object.
/// `prefix` is the beginning of these keys: empty, or the path of `folder` in its bucket with a `/`
/// at its end.
fn visit_files(folder: &Path, prefix: &mut String, found: &mut impl FnMut(&str, FileIdentity)) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else {
            continue;
        };
        let length = prefix.len();
        prefix.push_str(name);
        if is_registrable_key(prefix) {
            if kind.is_dir() {
                prefix.push('/');
                visit_files(&entry.path(), prefix, found);
            } else if kind.is_file()
                && let Ok(metadata) = entry.metadata()
            {
                found(prefix, FileIdentity::from_metadata(&metadata));
            }
        }
        prefix.truncate(length);
    }
}
