//! Medians, percentiles and ranges.

use std::time::Duration;

/// Returns the median of a list that is not empty.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the median in milliseconds of a list that is not empty.
pub fn median_ms(times: impl IntoIterator<Item = Duration>) -> f64 {
    median(
        times
            .into_iter()
            .map(|time| time.as_secs_f64() * 1e3)
            .collect(),
    )
}

/// Returns the value below which `percent` per cent of the values lie. The list is sorted and not
/// empty.
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[sorted.len() * percent / 100]
}

/// Returns the smallest and the largest value as text: `5`, or `5 to 7`.
pub fn range_text(values: impl IntoIterator<Item = u64>) -> String {
    let (least, most) = values
        .into_iter()
        .fold((u64::MAX, 0), |(least, most), value| {
            (least.min(value), most.max(value))
        });
    if least == most {
        format!("{most}")
    } else {
        format!("{least} to {most}")
    }
}
