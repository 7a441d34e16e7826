//! S3 in memory. The protocol comes from the crate s3s, as in the embedded engine. The objects are
//! a map, and the clock is simulated. The embedded engine itself uses threads, files and the wall
//! clock, so a seed could not repeat a run of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput,
    DeleteObjectOutput, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Metadata, Object, PutObjectInput,
    PutObjectOutput, StreamingBlob, Timestamp,
};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

/// The start of the simulated clock, as the time since 1970: 2026-01-01T00:00:00Z.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// The name of an object: its bucket and its key.
pub(super) type ObjectName = (String, String);

#[derive(Debug, Clone)]
pub(super) struct SimulatedObject {
    pub(super) bytes: Bytes,
    pub(super) etag: String,
    /// The Last-Modified of the object, in seconds after [`EPOCH`].
    pub(super) modified: u64,
    pub(super) metadata: BTreeMap<String, String>,
}

impl SimulatedObject {
    /// Returns Last-Modified as the catalogue writes it, such as `2026-01-01T00:00:05Z`.
    pub(super) fn last_modified(&self) -> String {
        chrono::DateTime::<chrono::Utc>::from(
            SystemTime::UNIX_EPOCH + EPOCH + Duration::from_secs(self.modified),
        )
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::from(SystemTime::UNIX_EPOCH + EPOCH + Duration::from_secs(self.modified))
    }

    fn user_metadata(&self) -> Option<Metadata> {
        Some(self.metadata.clone().into_iter().collect())
    }
}

/// The state of the simulated store: its objects, the changes for which no event exists yet, and a
/// copy in flight.
#[derive(Debug, Default)]
pub(super) struct SimulatedObjects {
    pub(super) there: BTreeMap<ObjectName, SimulatedObject>,
    /// The names of the objects that have changed since the last call of
    /// [`SimulatedObjects::take_changes`].
    changes: Vec<ObjectName>,
    /// The present time of the simulated clock, in seconds after [`EPOCH`]. Each write of a person
    /// advances it.
    pub(super) clock: u64,
    /// `true` if the next copy must stay in flight: the store checks its condition, but does not
    /// write the copy yet. It puts the copy into `landing`.
    pub(super) hold_copy: bool,
    pub(super) landing: Option<(ObjectName, SimulatedObject)>,
}

impl SimulatedObjects {
    /// Writes an object as a person does. The simulated clock advances by one second.
    pub(super) fn put(&mut self, name: ObjectName, bytes: Bytes) -> &SimulatedObject {
        self.clock += 1;
        let object = SimulatedObject {
            etag: data_encoding::HEXLOWER.encode(&Md5::digest(&bytes)),
            bytes,
            modified: self.clock,
            metadata: BTreeMap::new(),
        };
        self.write(name.clone(), object);
        &self.there[&name]
    }

    /// Copies an object as a person does, with its metadata.
    pub(super) fn copy_by_hand(&mut self, from: &ObjectName, to: ObjectName) {
        if let Some(object) = self.there.get(from).cloned() {
            self.clock += 1;
            let modified = self.clock;
            self.write(to, SimulatedObject { modified, ..object });
        }
    }

    pub(super) fn remove(&mut self, name: &ObjectName) -> Option<SimulatedObject> {
        self.clock += 1;
        let removed = self.there.remove(name);
        self.changes.push(name.clone());
        removed
    }

    /// Writes a copy that was in flight until now.
    pub(super) fn land(&mut self, name: ObjectName, object: SimulatedObject) {
        let modified = self.clock;
        self.write(name, SimulatedObject { modified, ..object });
    }

    pub(super) fn take_changes(&mut self) -> Vec<ObjectName> {
        std::mem::take(&mut self.changes)
    }

    fn write(&mut self, name: ObjectName, object: SimulatedObject) {
        self.there.insert(name.clone(), object);
        self.changes.push(name);
    }
}

/// The S3 service of the crate s3s, over the objects in memory.
#[derive(Clone, Default)]
pub(super) struct SimulatedS3(pub(super) Arc<Mutex<SimulatedObjects>>);

impl SimulatedS3 {
    fn find(&self, name: &ObjectName) -> S3Result<SimulatedObject> {
        let objects = self.0.lock().unwrap();
        let found = objects.there.get(name);
        found.cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }
}

fn check(condition: Option<&ETagCondition>, object: &SimulatedObject) -> S3Result {
    match condition {
        Some(ETagCondition::ETag(etag)) if etag.value() != object.etag => {
            Err(s3_error!(PreconditionFailed))
        }
        _ => Ok(()),
    }
}

#[async_trait]
impl S3 for SimulatedS3 {
    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = self.find(&(input.bucket.clone(), input.key.clone()))?;
        check(input.if_match.as_ref(), &object)?;
        let size = object.bytes.len() as u64;
        let range = match &input.range {
            Some(range) => range.check(size)?,
            None => 0..size,
        };
        let bytes = object.bytes.slice(range.start as usize..range.end as usize);
        let output = GetObjectOutput {
            content_length: Some(bytes.len() as i64),
            content_range: Some(format!("bytes {}-{}/{size}", range.start, range.end - 1)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.timestamp()),
            metadata: object.user_metadata(),
            body: Some(StreamingBlob::from(s3s::Body::from(bytes))),
            ..GetObjectOutput::default()
        };
        Ok(S3Response::with_status(
            output,
            http::StatusCode::PARTIAL_CONTENT,
        ))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let object = self.find(&(request.input.bucket.clone(), request.input.key.clone()))?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(object.bytes.len() as i64),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.timestamp()),
            metadata: object.user_metadata(),
            ..HeadObjectOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let ListObjectsV2Input { bucket, prefix, .. } = request.input;
        let prefix = prefix.unwrap_or_default();
        let objects = self.0.lock().unwrap();
        let listed = objects.there.iter();
        let listed = listed.filter(|((in_bucket, key), _)| {
            *in_bucket == bucket && key.starts_with(prefix.as_str())
        });
        let contents = listed.map(|((_, key), object)| Object {
            key: Some(key.clone()),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.timestamp()),
            size: Some(object.bytes.len() as i64),
            ..Object::default()
        });
        Ok(S3Response::new(ListObjectsV2Output {
            contents: Some(contents.collect()),
            is_truncated: Some(false),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented));
        };
        let source = self.find(&(bucket.to_string(), key.to_string()))?;
        check(input.copy_source_if_match.as_ref(), &source)?;
        let copy = SimulatedObject {
            metadata: input.metadata.into_iter().flatten().collect(),
            ..source
        };
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(copy.etag.clone())),
            ..CopyObjectResult::default()
        };
        let mut objects = self.0.lock().unwrap();
        let name = (input.bucket, input.key);
        if objects.hold_copy {
            objects.landing = Some((name, copy));
        } else {
            objects.land(name, copy);
        }
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            ..CopyObjectOutput::default()
        }))
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let body = s3s::Body::from(input.body.unwrap());
        let bytes = body.collect().await.unwrap().to_bytes();
        let mut objects = self.0.lock().unwrap();
        let object = objects.put((input.bucket, input.key), bytes);
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(object.etag.clone())),
            ..PutObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let condition = request.input.if_match;
        let name = (request.input.bucket, request.input.key);
        let object = match self.find(&name) {
            Ok(object) => object,
            // S3 does not report that an object was gone before.
            Err(_) if condition.is_none() => {
                return Ok(S3Response::new(DeleteObjectOutput::default()));
            }
            Err(error) => return Err(error),
        };
        check(condition.as_ref(), &object)?;
        let mut objects = self.0.lock().unwrap();
        objects.there.remove(&name);
        objects.changes.push(name);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }
}
