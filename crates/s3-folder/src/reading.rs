//! Reading: the row and the bytes that belong together, and the bytes of a range as a stream.
//!
//! It never serves bytes whose identity no row has.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use s3s::dto::StreamingBlob;
use s3s::stream::{ByteStream, RemainingLength};
use s3s::{S3ErrorCode, S3Result, StdError};
use tokio::task::JoinHandle;

use super::database::{self, Object};
use super::location::{Location, is_adoptable};
use super::{S3Store, adoption, database_error, file_error, files, refusal};

/// Bytes read from a file at a time.
const PIECE: u64 = 256 * 1024;

/// An object and its open file.
pub(super) struct Found {
    pub(super) object: Object,
    pub(super) file: File,
}

/// Finds an object and opens it. Call it off the async threads.
///
/// # Errors
/// `NoSuchKey`, `NoSuchBucket`.
pub(super) fn find(store: &S3Store, bucket: &str, key: &str) -> S3Result<Found> {
    let shared = store.shared();
    // A write between the look at the row and the opening of the file is met by looking again; what is still unknown
    // then was changed by somebody else.
    for attempt in 0..20 {
        let (current, pending) = shared
            .readers
            .with(|connection| database::object(connection, bucket, key))
            .map_err(database_error)?;
        let places = [current
            .as_ref()
            .or(pending.as_ref())
            .map(|object| object.location)];
        let location = match places {
            [Some(location)] => location,
            [None] if is_adoptable(key) => Location::Plain,
            [None] => break,
        };
        let (root, relative) = shared.folders.locate(bucket, key, location);
        let opened = files::open(&root, &relative).map_err(|error| file_error("open", error))?;
        match opened {
            Some((file, identity)) => {
                let mut known = [current, pending].into_iter().flatten();
                if let Some(object) = known.find(|object| object.identity == identity) {
                    return Ok(Found { object, file });
                }
            }
            None if current.is_none() => break,
            None => {}
        }
        if attempt > 0 {
            if !bucket_exists(store, bucket)? {
                return Err(refusal(S3ErrorCode::NoSuchBucket));
            }
            adoption::reconcile(store, bucket, key)?;
            let known = shared
                .readers
                .with(|connection| database::object(connection, bucket, key));
            if known.map_err(database_error)? == (None, None) {
                break;
            }
        }
    }
    if bucket_exists(store, bucket)? {
        Err(refusal(S3ErrorCode::NoSuchKey))
    } else {
        Err(refusal(S3ErrorCode::NoSuchBucket))
    }
}

/// Whether there is such a bucket. Call it off the async threads.
pub(super) fn bucket_exists(store: &S3Store, bucket: &str) -> S3Result<bool> {
    store
        .shared()
        .readers
        .with(|connection| database::bucket_exists(connection, bucket))
        .map_err(database_error)
}

/// A range of a file as a response body. A short one is read at once; of a long one, a piece at a time as the client
/// takes it.
pub(super) fn body(mut file: File, range: Range<u64>) -> S3Result<StreamingBlob> {
    file.seek(SeekFrom::Start(range.start))
        .map_err(|error| file_error("read", error))?;
    let length = range.end - range.start;
    if length <= PIECE {
        let bytes = read_piece(&mut file, length).map_err(|error| file_error("read", error))?;
        return Ok(StreamingBlob::from(s3s::Body::from(bytes)));
    }
    Ok(StreamingBlob::new(FileBody {
        remaining: length,
        state: State::Idle(file),
    }))
}

struct FileBody {
    remaining: u64,
    state: State,
}

enum State {
    Idle(File),
    Reading(JoinHandle<std::io::Result<(File, Bytes)>>),
    Done,
}

impl Stream for FileBody {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Idle(_) if self.remaining == 0 => return Poll::Ready(None),
                State::Idle(mut file) => {
                    let wanted = self.remaining.min(PIECE);
                    self.state = State::Reading(tokio::task::spawn_blocking(move || {
                        read_piece(&mut file, wanted).map(|bytes| (file, bytes))
                    }));
                }
                State::Reading(mut reading) => match Pin::new(&mut reading).poll(context) {
                    Poll::Pending => {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Ok((file, bytes)))) => {
                        self.remaining -= bytes.len() as u64;
                        self.state = State::Idle(file);
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                    Poll::Ready(Ok(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                },
                State::Done => return Poll::Ready(None),
            }
        }
    }
}

impl ByteStream for FileBody {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.remaining)
            .map_or_else(|_| RemainingLength::unknown(), RemainingLength::new_exact)
    }
}

/// Exactly `length` bytes: a file that got shorter meanwhile breaks the response off rather than falsify it.
fn read_piece(file: &mut File, length: u64) -> std::io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}
