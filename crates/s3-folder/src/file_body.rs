//! Response bodies: a range of a file as a stream.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use s3s::dto::StreamingBlob;
use s3s::stream::{ByteStream, RemainingLength};
use s3s::{S3Result, StdError};
use tokio::task::JoinHandle;

use crate::errors::file_error;

/// The number of bytes that are read from a file at a time.
const PIECE_BYTES: u64 = 256 * 1024;

/// Returns a range of bytes of a file as a response body. A short range is read at once, which
/// blocks. A long range is read piece by piece while the client receives it.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn range_body(mut file: File, range: Range<u64>) -> S3Result<StreamingBlob> {
    file.seek(SeekFrom::Start(range.start))
        .map_err(|error| file_error("read", error))?;
    let length = range.end - range.start;
    if length <= PIECE_BYTES {
        let bytes = read_exactly(&mut file, length).map_err(|error| file_error("read", error))?;
        return Ok(StreamingBlob::from(s3s::Body::from(bytes)));
    }
    Ok(StreamingBlob::new(FileBody {
        remaining: length,
        state: FileBodyState::Idle(file),
    }))
}

/// A stream of the next `remaining` bytes of a file.
struct FileBody {
    remaining: u64,
    state: FileBodyState,
}

enum FileBodyState {
    Idle(File),
    Reading(JoinHandle<std::io::Result<ReadPiece>>),
    Done,
}

/// A piece that was read from a file, and the file itself for the next read.
struct ReadPiece {
    file: File,
    bytes: Bytes,
}

impl Stream for FileBody {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::mem::replace(&mut self.state, FileBodyState::Done) {
                FileBodyState::Idle(_) if self.remaining == 0 => return Poll::Ready(None),
                FileBodyState::Idle(mut file) => {
                    let wanted = self.remaining.min(PIECE_BYTES);
                    self.state = FileBodyState::Reading(tokio::task::spawn_blocking(move || {
                        let bytes = read_exactly(&mut file, wanted)?;
                        Ok(ReadPiece { file, bytes })
                    }));
                }
                FileBodyState::Reading(mut reading) => match Pin::new(&mut reading).poll(context) {
                    Poll::Pending => {
                        self.state = FileBodyState::Reading(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Ok(ReadPiece { file, bytes }))) => {
                        self.remaining -= bytes.len() as u64;
                        self.state = FileBodyState::Idle(file);
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                    Poll::Ready(Ok(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                },
                FileBodyState::Done => return Poll::Ready(None),
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

/// Reads exactly `length` bytes. Fails if another program made the file shorter. Then the response
/// breaks off, which is better than a complete response with wrong bytes.
fn read_exactly(file: &mut File, length: u64) -> std::io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}
