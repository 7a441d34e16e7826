//! Prints the metadata of a local file, read by ranges: `print_metadata FILE`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program reads files and prints"
)]

use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use photo_metadata::{Extractor, FileContext};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: print_metadata FILE")?;
    let mut file = File::open(&path)?;
    let size = file.metadata()?.len();
    let name = Path::new(&path).file_name().unwrap_or_default();
    let context = FileContext {
        file_name: name.to_string_lossy().into_owned(),
        latest_credible_time: Utc::now().naive_utc() + TimeDelta::days(1),
    };
    let read_range = |range: Range<u64>| -> std::io::Result<Bytes> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(range.start))?;
        let mut part = (&mut file).take(range.end - range.start);
        part.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    };
    let extraction = Extractor::new(size, context).run(read_range)?;
    println!("{}", serde_json::to_string_pretty(&extraction.photo)?);
    println!("{}", serde_json::to_string_pretty(&extraction.tags)?);
    for warning in &extraction.warnings {
        println!("warning: {warning}");
    }
    let reads = extraction.reads;
    println!("{} bytes in {} reads", reads.bytes, reads.count);
    Ok(())
}
