//! The shared code of the measuring programs: embedded engines, proxies that count requests,
//! example photos whose capture time can be set, made-up keywords and texts, a picture as large as
//! a photo, statistics, and the memory of a process.

mod engines;
mod gallery;
mod large_photo;
mod metering;
mod photos;
mod process;
mod statistics;
mod vocabulary;

pub use engines::{
    ACCESS_KEY, BenchEngines, EngineStorage, SECRET_KEY, connect, disable_stream, listen,
};
pub use gallery::{count_listed_photos, example_pictures};
pub use large_photo::LargePhoto;
pub use metering::{MeteredClients, RequestCounts};
pub use photos::{DatedPhoto, extract_file, list_files, repository_root};
pub use process::{ChildProcess, ProcessMemory, find_photos_binary, install_tls_provider};
pub use statistics::{median, median_ms, percentile, range_text};
pub use vocabulary::Vocabulary;

use std::error::Error;

/// The result of a function in the measuring programs. It can have any error.
pub type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;
