//! Rounds measured numbers for the public.

/// The number of significant digits of a measured number. No camera measures an exposure time, a
/// focal length or an altitude more precisely.
const SIGNIFICANT_DIGITS: i32 = 6;
/// The highest exponent for which 10 to this power is an exact `u64` and `f64`.
const MAX_EXPONENT: i32 = 19;

/// Rounds a measured number to 6 significant digits. `1.0 / 60.0` becomes `0.0166667`. Returns the
/// number as it is if it is too large or too small for any camera: the rounding would not be exact.
pub(super) fn round_measured(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    // 3 for 123.4, and 0 for 0.1234: the number of digits before the point.
    let digits = value.abs().log10().floor() as i32 + 1;
    let decimals = SIGNIFICANT_DIGITS - digits;
    let Some(scale) = power_of_ten(decimals.abs()) else {
        return value;
    };
    // Both operands of each division are exact integers. So the quotient is the number that is
    // nearest to the decimal, and it is printed with its digits only.
    let rounded = match decimals >= 0 {
        true => (value * scale).round() / scale,
        false => (value / scale).round() * scale,
    };
    if rounded.is_finite() { rounded } else { value }
}

fn power_of_ten(exponent: i32) -> Option<f64> {
    let exponent = u32::try_from(exponent)
        .ok()
        .filter(|_| exponent <= MAX_EXPONENT)?;
    Some(10_u64.pow(exponent) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn measured_numbers_have_at_most_six_digits() {
        for (value, rounded) in [
            (0.016_666_666_666_666_666, 0.016_666_7),
            (0.002_5, 0.002_5),
            (1.0 / 8_000.0, 0.000_125),
            (-0.333_333_333_333, -0.333_333),
            (1.8, 1.8),
            (5.6, 5.6),
            (4.150_000_095, 4.15),
            (0.999_999_96, 1.0),
            (1_234.567_8, 1_234.57),
            (8_848.86, 8_848.86),
            (1_234_567.0, 1_234_570.0),
            (0.0, 0.0),
            (1e-130, 1e-130),
            (1e124, 1e124),
        ] {
            assert_eq!(round_measured(value), rounded, "{value}");
        }
        assert!(round_measured(f64::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn rounded_number_is_close_and_short(value in prop_oneof![-1e9..1e9, -1.0..1.0, -1e-6..1e-6_f64]) {
            let rounded = round_measured(value);
            prop_assert!((rounded - value).abs() <= value.abs() * 5.1e-6);
            prop_assert_eq!(round_measured(rounded), rounded);
            let text = format!("{rounded}");
            let digits = text.chars().filter(char::is_ascii_digit).collect::<String>();
            let digits = digits.trim_start_matches('0').trim_end_matches('0');
            prop_assert!(digits.len() <= 6, "{} {}", value, text);
        }
    }
}
