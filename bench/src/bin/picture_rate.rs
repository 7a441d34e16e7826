//! Measures how fast `photos serve` makes pictures in the background, and how much this slows down
//! ingest: `cargo run --release -p bench --bin picture_rate [-- PHOTOS]`, after `cargo build
//! --release`. The default is 40 photos.
//!
//! The program writes JPEGs of 24 megapixels. `photos serve` uploads and archives them in turns, three
//! times without pictures and three times with pictures, each time in a new data folder. The times until
//! all photos are archived are compared, with the lowest of each kind. Then the program waits until all
//! photos have their pictures, and prints how many were made in a second.

#![expect(clippy::print_stdout, reason = "the report is its output")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bench::{
    BenchResult, ChildProcess, LargePhoto, ProcessMemory, find_photos_binary, list_files,
    repository_root,
};

const PHOTO: LargePhoto = LargePhoto {
    width: 6_000,
    height: 4_000,
};
const ROUNDS: usize = 3;
/// The capture time of the example photo whose EXIF data the photos get.
const CLOCK: &str = "2021:06:12 18:05:44";
/// The number of renditions of a photo of this size by the default recipe.
const RENDITIONS: usize = 4;
/// The time between two looks at the stored pictures.
const POLL: Duration = Duration::from_millis(100);

fn main() -> BenchResult<()> {
    let photos = std::env::args()
        .nth(1)
        .map_or(Ok(40), |text| text.parse())?;
    // The default name begins with a dot, and files in a hidden folder are never photos.
    let folder = tempfile::Builder::new().prefix("photos-").tempdir()?;
    let library = folder.path().join("library");
    let bytes = write_library(&library, photos)?;
    println!(
        "{photos} JPEGs of 24 megapixels, {} MB each",
        bytes / 1_000_000
    );
    let binary = find_photos_binary()?;
    let (mut without, mut with, mut made, mut peak) = (f64::MAX, f64::MAX, f64::MAX, 0);
    for round in 0..ROUNDS {
        let run = |name: &str, renditions: &str| ServeRun {
            binary: binary.clone(),
            data: folder.path().join(format!("{name}-{round}")),
            library: library.clone(),
            renditions: renditions.to_owned(),
        };
        without = run("without", "none").measure(0)?.archived.min(without);
        let measured = run("with", "320,640,1280,2048").measure(photos * RENDITIONS)?;
        with = measured.archived.min(with);
        made = measured.pictured.min(made);
        peak = measured.peak.max(peak);
    }
    let photos = photos as f64;
    println!(
        "archived without pictures: {:.1} photos/s",
        photos / without
    );
    println!(
        "archived while pictures are made: {:.1} photos/s, {:.2} of the speed",
        photos / with,
        without / with
    );
    println!(
        "pictures: {:.2} photos/s, peak memory {} MB",
        photos / made,
        peak / 1_000_000
    );
    Ok(())
}

/// Writes the photos, each with a capture time of its own. Returns the size of one.
fn write_library(library: &Path, photos: usize) -> BenchResult<usize> {
    std::fs::create_dir_all(library)?;
    let jpeg = PHOTO.jpeg(false)?;
    let example = std::fs::read(repository_root().join("examples/photos/canon/IMG_2041.JPG"))?;
    let length = usize::from(u16::from_be_bytes([example[4], example[5]]));
    let exif = &example[2..4 + length];
    for number in 0..photos {
        let clock = format!("2021:06:{:02} 18:{:02}:44", number % 28 + 1, number / 28);
        let mut bytes = [&jpeg[..2], exif, &jpeg[2..]].concat();
        for offset in 0..exif.len() {
            if bytes[offset..].starts_with(CLOCK.as_bytes()) {
                bytes[offset..offset + clock.len()].copy_from_slice(clock.as_bytes());
            }
        }
        std::fs::write(library.join(format!("IMG_{number:04}.JPG")), bytes)?;
    }
    Ok(jpeg.len() + exif.len())
}

/// One run of `photos serve` over a new data folder.
struct ServeRun {
    binary: PathBuf,
    data: PathBuf,
    library: PathBuf,
    renditions: String,
}

/// The times of a run in seconds, from the start of the process.
struct MeasuredRun {
    /// The time until all photos are archived.
    archived: f64,
    /// The time until all pictures are stored.
    pictured: f64,
    /// The peak memory in bytes.
    peak: u64,
}

impl ServeRun {
    /// Runs `photos serve` until all photos are archived and this number of pictures is stored.
    fn measure(&self, pictures: usize) -> BenchResult<MeasuredRun> {
        let start = Instant::now();
        let mut serve = Command::new(&self.binary);
        serve.args(["serve", "--port", "0", "--s3-port", "0", "--data"]);
        serve.arg(&self.data).arg(&self.library);
        serve.args(["--renditions", &self.renditions]);
        let mut serve = ChildProcess(serve.stderr(Stdio::piped()).spawn()?);
        let messages = serve.0.stderr.take().ok_or("no messages")?;
        let mut lines = BufReader::new(messages).lines();
        while !lines
            .next()
            .ok_or("photos serve has ended")??
            .contains(" uploaded")
        {}
        let archived = start.elapsed().as_secs_f64();
        let stored = self.data.join("site/gallery/r");
        while pictures > 0 && list_files(&stored).map_or(0, |files| files.len()) < pictures {
            std::thread::sleep(POLL);
        }
        Ok(MeasuredRun {
            archived,
            pictured: start.elapsed().as_secs_f64(),
            peak: ProcessMemory::of_process(serve.0.id())?.peak,
        })
    }
}
