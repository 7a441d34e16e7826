//! Names of months and of their files. Pure.

pub(super) use crate::archive::UNDATED;

/// Returns the month of a sort key of the index by-date: `2018-02`, or `undated`.
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
