//! Bytes in, tags out: the metadata of one photo, read from as few of its bytes as possible.
//!
//! This module never does I/O. An [`Extractor`] parses straight ahead over the bytes that it holds; where one is
//! missing it asks for the range ([`Step::Need`]) and, once fed, starts again. So the same code reads an S3 object by
//! ranged GETs, a local file and a slice. Pixels are never decoded.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use chrono::NaiveDateTime;

use crate::photo::{Photo, Preview, Tags};

/// Bumped whenever the same bytes would give another record, so that old records can be derived anew.
pub const EXTRACTOR_VERSION: u32 = 1;

/// Bytes asked for first: enough for 99 % of JPEG files.
pub const HEAD_BYTES: u64 = 64 * 1024;
