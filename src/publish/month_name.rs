//! Names of months and of their files. Pure.

pub(super) use crate::archive::UNDATED;

/// Returns the month of a photo from its sort key in the index by-date. For example, a sort key
/// that begins with `2018-02-01` gives `2018-02`. The result is `undated` for a photo without a
/// date.
pub(super) fn month_of_sort_key(sort: &str) -> &str {
    if sort.starts_with(UNDATED) {
        return UNDATED;
    }
    sort.get(..7).unwrap_or(sort)
}

/// Returns the name of the `number`-th file of a month. Numbers start at 1.
///
/// ```
/// use photo_catalogue::publish::month_file_name;
///
/// assert_eq!(month_file_name("2018-02", 1), "2018-02.json");
/// assert_eq!(month_file_name("2018-02", 2), "2018-02.2.json");
/// assert_eq!(month_file_name("undated", 1), "undated.json");
/// ```
pub fn month_file_name(month: &str, number: usize) -> String {
    match number {
        1 => format!("{month}.json"),
        _ => format!("{month}.{number}.json"),
    }
}
