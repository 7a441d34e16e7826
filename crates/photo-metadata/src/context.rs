//! What the caller knows of a file apart from its bytes.

use chrono::NaiveDateTime;

/// The facts about a file that its bytes do not contain.
///
/// The crate has no clock. The caller supplies the latest time at which the photo can have been
/// taken.
#[derive(Debug, Clone)]
pub struct FileContext {
    /// The base name of the file. It may contain a date.
    pub file_name: String,
    /// Any capture time after this one is impossible and is ignored. Take the time of the file's
    /// last change and add a day, since the local time may be ahead of UTC.
    pub latest_credible_time: NaiveDateTime,
}
