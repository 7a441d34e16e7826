//! The facts that the caller knows about a file, apart from its bytes.

use chrono::NaiveDateTime;

/// The facts about a file that its bytes do not contain.
///
/// This crate never reads the current time. The caller must pass the latest time at which the photo
/// can have been taken.
#[derive(Debug, Clone)]
pub struct FileContext {
    /// The base name of the file. It may contain a date.
    pub file_name: String,
    /// The latest possible capture time, as a wall-clock time. A later date in the file is ignored.
    /// A good value is the present time in UTC plus one day, because a wall clock may be ahead of
    /// UTC. The modification time of the file is not a good value, because many programs and disks
    /// set it wrongly.
    pub latest_credible_time: NaiveDateTime,
}
