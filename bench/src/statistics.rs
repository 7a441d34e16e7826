//! Medians, percentiles and ranges.

use std::time::Duration;

/// Returns the median. If the number of values is even, this is the larger of the two middle
/// values. Panics if there are no values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the median of these times in milliseconds. Panics if there are no times.
pub fn median_ms(times: impl IntoIterator<Item = Duration>) -> f64 {
    median(
        times
            .into_iter()
            .map(|time| time.as_secs_f64() * 1e3)
            .collect(),
    )
}

/// Returns the value below which `percent` per cent of the values lie. The caller must pass sorted
/// values, and a `percent` below 100. Panics if there are no values.
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[sorted.len() * percent / 100]
}

/// Returns the range of the values as text: `5 to 7`, or `5` if all values are equal.
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
