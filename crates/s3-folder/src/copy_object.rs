//! Copies objects (the S3 operation CopyObject). A copy never mixes bytes of two states of its
//! source.

use std::path::Path;

use http::HeaderMap;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, ETag, MetadataDirective, TaggingDirective,
};
use s3s::{S3Request, S3Result, s3_error};

use crate::address::ObjectAddress;
use crate::attributes::{check_metadata, format_expires, parse_tags, strip_chunked_encoding};
use crate::conditions::{ReadConditions, WriteConditions, parse_condition_header};
use crate::copy_source::parse_copy_source;
use crate::database::{ObjectAttributes, ObjectChecksums, StoredObject};
use crate::errors::file_error;
use crate::etag::whole_etag;
use crate::files::{FileIdentity, OpenTemporary, TemporaryFile};
use crate::notification::ObjectChange;
use crate::opened_object::{OpenedObject, open_object};
use crate::received_file::{ExpectedBody, HashingFile, MAX_PUT_BYTES, seal_file};
use crate::store::S3Store;
use crate::times::timestamp;
use crate::write_object::put_object;
use crate::write_request::PutRequest;

/// Carries out CopyObject.
///
/// # Errors
/// `NoSuchKey` or `NoSuchBucket` if the source or a bucket does not exist. `InvalidRequest` if the
/// copy would change nothing, or if the source is larger than 5 GiB. `ServiceUnavailable` if
/// another program changes the source during the copy. `PreconditionFailed` if a condition does not
/// hold. The errors of [`check_metadata`] and [`parse_tags`].
pub(crate) async fn copy_object(
    store: &S3Store,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let mut input = request.input;
    let source = parse_copy_source(&input.copy_source)?;
    let target = ObjectAddress::new(input.bucket.clone(), input.key.clone());
    store.require_bucket(&target.bucket).await?;
    let source_conditions = source_conditions(&mut input);
    let conditions = target_conditions(&request.headers)?;
    let changes = AttributeChanges::from_request(&mut input)?;
    let algorithm = input
        .checksum_algorithm
        .map(|algorithm| algorithm.as_str().to_owned());
    if source == target && changes.is_empty() && algorithm.is_none() {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let (object, copied) = store
        .run_blocking(move |store| {
            let opened = open_object(&store, &source)?;
            source_conditions.check_copy(&opened.object)?;
            if opened.object.size() > MAX_PUT_BYTES {
                return Err(s3_error!(
                    InvalidRequest,
                    "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
                ));
            }
            copy_file(&store, &source, opened, algorithm)
        })
        .await?;
    let attributes = ObjectAttributes {
        checksums: copied.checksums,
        ..changes.apply(object.attributes)
    };
    let result = copy_result(
        &copied.etag,
        copied.modified_ms,
        attributes.checksums.clone(),
    );
    let put = PutRequest {
        address: target,
        file: copied.file,
        identity: copied.identity,
        etag: copied.etag,
        modified_ms: copied.modified_ms,
        attributes,
        conditions,
        change: ObjectChange::Copy,
        upload: None,
    };
    put_object(store, put).await?;
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        ..CopyObjectOutput::default()
    })
}

fn source_conditions(input: &mut CopyObjectInput) -> ReadConditions {
    ReadConditions {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since.take(),
        if_unmodified_since: input.copy_source_if_unmodified_since.take(),
    }
}

fn target_conditions(headers: &HeaderMap) -> S3Result<WriteConditions> {
    // s3s 0.14 does not parse these two headers on a copy.
    Ok(WriteConditions {
        if_match: parse_condition_header(headers, "if-match")?,
        if_none_match: parse_condition_header(headers, "if-none-match")?,
        ..WriteConditions::default()
    })
}

fn copy_result(etag: &str, modified_ms: i64, checksums: ObjectChecksums) -> CopyObjectResult {
    CopyObjectResult {
        e_tag: Some(ETag::Strong(etag.to_owned())),
        last_modified: Some(timestamp(modified_ms)),
        checksum_crc32: checksums.crc32,
        checksum_crc32c: checksums.crc32c,
        checksum_crc64nvme: checksums.crc64nvme,
        checksum_sha1: checksums.sha1,
        checksum_sha256: checksums.sha256,
        checksum_type: checksums.kind.map(Into::into),
    }
}

/// The attributes that a CopyObject request sets. The copy takes all other attributes from its
/// source.
struct AttributeChanges {
    /// The attributes that replace those of the source, if the metadata directive is `REPLACE`.
    metadata: Option<ObjectAttributes>,
    /// The tags that replace those of the source, if the tagging directive is `REPLACE`.
    tags: Option<Vec<(String, String)>>,
    storage_class: Option<String>,
    website_redirect_location: Option<String>,
}

impl AttributeChanges {
    /// Parses and checks the attributes in the request. Also checks attributes that the copy will
    /// not have, because the directive of the request is not `REPLACE`.
    fn from_request(input: &mut CopyObjectInput) -> S3Result<AttributeChanges> {
        let replaces_metadata = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        let replaces_tags = input
            .tagging_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == TaggingDirective::REPLACE);
        let metadata = ObjectAttributes {
            content_type: input.content_type.take(),
            content_encoding: input
                .content_encoding
                .take()
                .and_then(strip_chunked_encoding),
            content_disposition: input.content_disposition.take(),
            content_language: input.content_language.take(),
            cache_control: input.cache_control.take(),
            expires: input.expires.as_ref().map(format_expires),
            metadata: check_metadata(input.metadata.take())?,
            ..ObjectAttributes::default()
        };
        let tags = parse_tags(input.tagging.as_deref())?;
        let class = input.storage_class.as_ref();
        Ok(AttributeChanges {
            metadata: replaces_metadata.then_some(metadata),
            tags: replaces_tags.then_some(tags),
            storage_class: class.map(|class| class.as_str().to_owned()),
            website_redirect_location: input.website_redirect_location.take(),
        })
    }

    fn is_empty(&self) -> bool {
        self.metadata.is_none()
            && self.tags.is_none()
            && self.storage_class.is_none()
            && self.website_redirect_location.is_none()
    }

    /// Returns the attributes of the copy. `source` are the attributes of the source object. The
    /// caller must replace the checksums in the result by those of the copy.
    fn apply(self, source: ObjectAttributes) -> ObjectAttributes {
        let tags = self.tags.unwrap_or_else(|| source.tags.clone());
        ObjectAttributes {
            tags,
            storage_class: self.storage_class,
            website_redirect_location: self.website_redirect_location,
            // The copy is one file, so it has no parts.
            parts: Vec::new(),
            ..self.metadata.unwrap_or(source)
        }
    }
}

/// A temporary copy of an object's file. It is not stored as an object yet.
struct CopiedFile {
    file: TemporaryFile,
    identity: FileIdentity,
    /// The time of the last change, in milliseconds since 1970.
    modified_ms: i64,
    /// The ETag, without quotes.
    etag: String,
    checksums: ObjectChecksums,
}

/// Copies the bytes of an object to a temporary file. Returns the source object and the copy. If
/// `algorithm` is given, computes this checksum. Fails if the object's file changes during the
/// copy.
fn copy_file(
    store: &S3Store,
    address: &ObjectAddress,
    opened: OpenedObject,
    algorithm: Option<String>,
) -> S3Result<(StoredObject, CopiedFile)> {
    let target = store
        .context()
        .folders
        .object_file(address, opened.object.placement);
    // The ETag of an object with parts is not the MD5 of its bytes. The copy needs that MD5,
    // because it has no parts.
    let must_hash = !opened.object.attributes.parts.is_empty() || algorithm.is_some();
    let copied = if must_hash {
        copy_and_hash(store, &opened, algorithm)?
    } else {
        clone_or_copy(store, &opened, &target.path())?
    };
    let after = opened
        .file
        .metadata()
        .map_err(|error| file_error("inspect", error))?;
    let object = opened.object;
    if FileIdentity::from_metadata(&after) != object.identity
        || copied.identity.size != object.identity.size
    {
        return Err(s3_error!(
            ServiceUnavailable,
            "the source is being changed by another program"
        ));
    }
    Ok((object, copied))
}

fn copy_and_hash(
    store: &S3Store,
    opened: &OpenedObject,
    algorithm: Option<String>,
) -> S3Result<CopiedFile> {
    let expected = ExpectedBody::with_algorithm(algorithm);
    let mut hashing = HashingFile::create(store, expected.hasher())?;
    hashing.append(&opened.file)?;
    let received = hashing.finish()?;
    Ok(CopiedFile {
        file: received.file,
        identity: received.identity,
        modified_ms: received.modified_ms,
        etag: whole_etag(&received.md5),
        checksums: received.checksums,
    })
}

/// Copies the bytes of an object without hashing them. The copy has the same bytes as the object,
/// so it gets the same ETag and checksums. `path` is the path of the object's file.
fn clone_or_copy(store: &S3Store, opened: &OpenedObject, path: &Path) -> S3Result<CopiedFile> {
    let folder = store.context().folders.temporary();
    let cloned =
        TemporaryFile::clone_file(&folder, path).map_err(|error| file_error("copy", error))?;
    let OpenTemporary { temporary, file } = match cloned {
        // The clone was made by path. Its bytes are right if the object's file is still at that
        // path.
        Some(clone) if path_has_file(path, opened.object.identity) => clone,
        _ => {
            let mut copy =
                TemporaryFile::create(&folder).map_err(|error| file_error("create", error))?;
            // On Linux this is copy_file_range: the bytes stay in the kernel.
            std::io::copy(&mut &opened.file, &mut copy.file)
                .map_err(|error| file_error("copy", error))?;
            copy
        }
    };
    let sealed = seal_file(&file)?;
    Ok(CopiedFile {
        file: temporary,
        identity: sealed.identity,
        modified_ms: sealed.modified_ms,
        etag: opened.object.etag.clone(),
        checksums: opened.object.attributes.checksums.clone(),
    })
}

fn path_has_file(path: &Path, identity: FileIdentity) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| {
        metadata.is_file() && FileIdentity::from_metadata(&metadata) == identity
    })
}
