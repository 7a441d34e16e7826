//! CopyObject: one version of the source, bytes and all, becomes one version of the target.

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ETag, MetadataDirective,
    TaggingDirective,
};
use s3s::{S3Request, S3Result, s3_error};

use super::attributes::{date, metadata, parse_tags, without_chunking};
use super::conditions::{ReadConditions, WriteConditions, raw_condition, timestamp};
use super::database::{Attributes, Checksums, Object};
use super::files::{Identity, Temporary};
use super::notification::Event;
use super::objects::require_bucket;
use super::reading::{self, Found};
use super::receive::{self, Expected, Received, Sink};
use super::writer::Put;
use super::{S3Store, file_error, parts};

/// CopyObject.
pub(super) async fn copy(
    store: &S3Store,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let S3Request { input, headers, .. } = request;
    let (source_bucket, source_key) = copy_source(&input.copy_source)?;
    require_bucket(store, &input.bucket).await?;
    let from = ReadConditions {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    // s3s 0.14 does not know these two on a copy.
    let conditions = WriteConditions {
        if_match: raw_condition(&headers, "if-match")?,
        if_none_match: raw_condition(&headers, "if-none-match")?,
        ..WriteConditions::default()
    };
    let replace_metadata = input
        .metadata_directive
        .as_ref()
        .is_some_and(|d| d.as_str() == MetadataDirective::REPLACE);
    let replace_tags = input
        .tagging_directive
        .as_ref()
        .is_some_and(|d| d.as_str() == TaggingDirective::REPLACE);
    let given = Attributes {
        content_type: input.content_type,
        content_encoding: input.content_encoding.and_then(without_chunking),
        content_disposition: input.content_disposition,
        content_language: input.content_language,
        cache_control: input.cache_control,
        expires: input.expires.as_ref().map(date),
        website_redirect_location: input.website_redirect_location.clone(),
        metadata: metadata(input.metadata)?,
        ..Attributes::default()
    };
    let given_tags = input
        .tagging
        .as_deref()
        .map(parse_tags)
        .transpose()?
        .unwrap_or_default();
    let given_class = input.storage_class.map(|class| class.as_str().to_owned());
    let algorithm = input
        .checksum_algorithm
        .map(|algorithm| algorithm.as_str().to_owned());

    let onto_itself = source_bucket == input.bucket && source_key == input.key;
    let unchanged =
        !replace_metadata && !replace_tags && given_class.is_none() && algorithm.is_none();
    if onto_itself && unchanged && input.website_redirect_location.is_none() {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let (source, copied) = store
        .blocking(move |store| {
            let found = reading::find(&store, &source_bucket, &source_key)?;
            from.check_copy(&found.object)?;
            if found.object.size() > receive::LARGEST_PUT {
                return Err(s3_error!(
                    InvalidRequest,
                    "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
                ));
            }
            let (root, relative) =
                store.shared().folders.locate(&source_bucket, &source_key, found.object.location);
            copy_file(&store, found, &root.join(relative), algorithm)
        })
        .await?;
    let mut attributes = if replace_metadata {
        given
    } else {
        Attributes {
            tags: Vec::new(),
            parts: Vec::new(),
            ..source.attributes.clone()
        }
    };
    attributes.website_redirect_location = input.website_redirect_location;
    attributes.tags = if replace_tags {
        given_tags
    } else {
        source.attributes.tags
    };
    attributes.storage_class = given_class;
    attributes.checksums = copied.checksums;
    let result = CopyObjectResult {
        e_tag: Some(ETag::Strong(copied.etag.clone())),
        last_modified: Some(timestamp(copied.modified_ms)),
        checksum_crc32: attributes.checksums.crc32.clone(),
        checksum_crc32c: attributes.checksums.crc32c.clone(),
        checksum_crc64nvme: attributes.checksums.crc64nvme.clone(),
        checksum_sha1: attributes.checksums.sha1.clone(),
        checksum_sha256: attributes.checksums.sha256.clone(),
        checksum_type: attributes.checksums.kind.clone().map(Into::into),
    };
    let put = Put {
        bucket: input.bucket,
        key: input.key,
        file: copied.file,
        identity: copied.identity,
        etag: copied.etag,
        modified_ms: copied.modified_ms,
        attributes,
        conditions,
        event: Event::Copy,
        upload: None,
    };
    store.put(put).await?;
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        ..CopyObjectOutput::default()
    })
}

/// Where a copy comes from.
pub(super) fn copy_source(source: &CopySource) -> S3Result<(String, String)> {
    match source {
        CopySource::Bucket {
            version_id: Some(_),
            ..
        } => Err(s3_error!(NotImplemented, "there are no versions here")),
        CopySource::Bucket { bucket, key, .. } => Ok((bucket.to_string(), key.to_string())),
        _ => Err(s3_error!(NotImplemented, "there are no access points here")),
    }
}

/// A copied file, ready to be put in place.
struct Copied {
    file: Temporary,
    identity: Identity,
    modified_ms: i64,
    etag: String,
    checksums: Checksums,
}

/// Copies an object's bytes: shared with the source where the file system can, without hashing where the source's
/// digest is that of the bytes.
fn copy_file(
    store: &S3Store,
    found: Found,
    path: &std::path::Path,
    algorithm: Option<String>,
) -> S3Result<(Object, Copied)> {
    let Found {
        object,
        file: mut source,
    } = found;
    let folder = store.shared().folders.temporary();
    let unhashed = object.attributes.parts.is_empty() && algorithm.is_none();
    let copied = if unhashed {
        let cloned =
            Temporary::reflink(&folder, path).map_err(|error| file_error("copy", error))?;
        let (temporary, file) = match cloned {
            // The clone goes by path: it is the right one if the path is still the object's file.
            Some(clone) if is_still(path, object.identity) => clone,
            _ => {
                let (temporary, mut file) =
                    Temporary::create(&folder).map_err(|error| file_error("create", error))?;
                // On Linux this is copy_file_range: the bytes stay in the kernel.
                std::io::copy(&mut source, &mut file).map_err(|error| file_error("copy", error))?;
                (temporary, file)
            }
        };
        let (identity, modified_ms) = receive::seal(&file)?;
        let (etag, checksums) = (object.etag.clone(), object.attributes.checksums.clone());
        Copied {
            file: temporary,
            identity,
            modified_ms,
            etag,
            checksums,
        }
    } else {
        let expected = Expected {
            algorithms: algorithm.into_iter().collect(),
            ..Expected::default()
        };
        let mut sink = Sink::create(store, expected.hasher())?;
        sink.append(&mut source)?;
        let Received {
            file,
            identity,
            md5,
            checksums,
            modified_ms,
        } = sink.finish()?;
        Copied {
            file,
            identity,
            modified_ms,
            etag: parts::etag(&[md5], false),
            checksums,
        }
    };
    let after = source
        .metadata()
        .map_err(|error| file_error("look at", error))?;
    if Identity::of(&after) != object.identity || copied.identity.size != object.identity.size {
        return Err(s3_error!(
            ServiceUnavailable,
            "the source is being changed by another program"
        ));
    }
    Ok((object, copied))
}

fn is_still(path: &std::path::Path, identity: Identity) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && Identity::of(&metadata) == identity)
}
