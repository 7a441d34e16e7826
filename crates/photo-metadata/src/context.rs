//! The facts that the caller knows about a file, apart from its bytes.

use chrono::NaiveDateTime;

/// The facts about a file that its bytes do not contain.
///
/// The crate has no clock. The caller supplies the latest time at which the photo can have been
/// taken.
#[derive(Debug, Clone)]
pub struct FileContext {
    /// The base name of the file. It may contain a date.
    pub file_name: String,
    /// The latest possible capture time. A later one is ignored. Use the time of the file's last
    /// change plus one day, because the local time may be ahead of UTC.
    pub latest_credible_time: NaiveDateTime,
}
