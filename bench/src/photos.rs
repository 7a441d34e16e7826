//! Example photos for the measurements.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use photo_metadata::{ExtractError, Extraction, Extractor, FileContext};

use crate::{BenchResult, LargePhoto};

/// An example photo whose capture time can be set.
pub struct DatedPhoto {
    bytes: Vec<u8>,
    clock_offsets: Vec<usize>,
}

impl DatedPhoto {
    /// Reads the file `name` in `examples/photos`. `clock` is the capture time in the file, as EXIF
    /// writes it: `2018:02:01 09:41:07`.
    ///
    /// # Errors
    /// The file cannot be read, or does not contain this capture time.
    pub fn read(name: &str, clock: &str) -> BenchResult<Self> {
        let bytes = std::fs::read(repository_root().join("examples/photos").join(name))?;
        let clock_offsets: Vec<usize> = (0..bytes.len())
            .filter(|&offset| bytes[offset..].starts_with(clock.as_bytes()))
            .collect();
        if clock_offsets.is_empty() {
            return Err(format!("examples/photos/{name} does not contain {clock}").into());
        }
        Ok(DatedPhoto {
            bytes,
            clock_offsets,
        })
    }

    /// Replaces the picture of a JPEG, and keeps its EXIF data and XMP.
    ///
    /// # Errors
    /// Fails if the photo does not begin with them, or if the picture cannot be encoded.
    pub fn with_picture(self, picture: &LargePhoto) -> BenchResult<Self> {
        let mut end = 2;
        while let [0xff, 0xe1, high, low, ..] = self.bytes[end..] {
            end += 2 + usize::from(u16::from_be_bytes([high, low]));
        }
        if end == 2 {
            return Err("the photo does not begin with EXIF data".into());
        }
        let jpeg = picture.jpeg(false)?;
        let clock_offsets = self.clock_offsets.into_iter();
        Ok(DatedPhoto {
            clock_offsets: clock_offsets.filter(|&offset| offset < end).collect(),
            bytes: [&self.bytes[..end], &jpeg[2..]].concat(),
        })
    }

    /// Returns the bytes of the photo with the capture time `clock`. `clock` must have as many
    /// characters as the original capture time.
    pub fn with_clock(&self, clock: &str) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for &offset in &self.clock_offsets {
            bytes[offset..offset + clock.len()].copy_from_slice(clock.as_bytes());
        }
        bytes
    }

    /// Returns the photo, enlarged to `size` bytes. The additional bytes are before the last two
    /// bytes, which are the end marker of a JPEG. A photo that already has `size` bytes or more is
    /// not changed.
    pub fn enlarged_to(mut self, size: usize) -> Self {
        // The bytes are below 0x80, so that the filler contains no marker. A reader of metadata
        // treats them as entropy-coded data.
        let mut state = 1_u64;
        let filler = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u8 & 0x7f
        });
        let end = self.bytes.len() - 2;
        let filler: Vec<u8> = filler.take(size.saturating_sub(self.bytes.len())).collect();
        self.bytes.splice(end..end, filler);
        self
    }
}

/// Extracts the metadata of a file. Reads only the ranges that the extractor asks for. `name` is
/// the name of the file, which may contain a date.
///
/// # Errors
/// The file cannot be read, or its format is not supported.
pub fn extract_file(file: &File, name: &str) -> Result<Extraction, ExtractError<io::Error>> {
    let context = FileContext {
        file_name: name.to_owned(),
        latest_credible_time: NaiveDateTime::MAX,
    };
    let read = |range: Range<u64>| {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok::<_, io::Error>(bytes.into())
    };
    let size = file.metadata().map_err(ExtractError::Read)?.len();
    Extractor::new(size, context).run(read)
}

/// Returns all files in a folder and its subfolders, sorted by path. If the path is a file, returns
/// only this file.
pub fn list_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        files.extend(list_files(&entry?.path())?);
    }
    files.sort();
    Ok(files)
}

/// Returns the root folder of the repository.
pub fn repository_root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
