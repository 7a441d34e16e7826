//! The transfer function of sRGB as tables.
//!
//! Pictures are scaled in linear light with 16 bits per sample. The darkest two values of 8-bit sRGB
//! are 20 steps apart there, so nothing is lost.

use std::sync::LazyLock;

/// Linear light of each value of 8-bit sRGB.
static LINEAR_OF_8: LazyLock<Box<[u16; 256]>> =
    LazyLock::new(|| Box::new(std::array::from_fn(|value| to_linear(value as f64 / 255.0))));

/// Linear light of each value of 16-bit sRGB.
static LINEAR_OF_16: LazyLock<Vec<u16>> = LazyLock::new(|| {
    (0..=u16::MAX)
        .map(|value| to_linear(f64::from(value) / 65_535.0))
        .collect()
});

/// 8-bit sRGB of each value of linear light.
static SRGB_OF_LINEAR: LazyLock<Vec<u8>> = LazyLock::new(|| (0..=u16::MAX).map(to_srgb).collect());

/// Returns the table from 8-bit sRGB to linear light.
pub(crate) fn linear_of_8() -> &'static [u16; 256] {
    &LINEAR_OF_8
}

/// Returns the table from 16-bit sRGB to linear light.
pub(crate) fn linear_of_16() -> &'static [u16] {
    &LINEAR_OF_16
}

/// Returns the table from linear light to 8-bit sRGB.
pub(crate) fn srgb_of_linear() -> &'static [u8] {
    &SRGB_OF_LINEAR
}

/// Returns linear light for sRGB from 0 to 1 (IEC 61966-2-1).
fn to_linear(encoded: f64) -> u16 {
    let linear = if encoded <= 0.040_45 {
        encoded / 12.92
    } else {
        ((encoded + 0.055) / 1.055).powf(2.4)
    };
    (linear * 65_535.0).round() as u16
}

/// Returns 8-bit sRGB for linear light.
fn to_srgb(linear: u16) -> u8 {
    let linear = f64::from(linear) / 65_535.0;
    let encoded = if linear <= 0.003_130_8 {
        linear * 12.92
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    };
    (encoded * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_values_survive_linear_light() {
        for value in 0..=u8::MAX {
            let linear = linear_of_8()[usize::from(value)];
            assert_eq!(srgb_of_linear()[usize::from(linear)], value);
            let wide = linear_of_16()[usize::from(value) * 257];
            assert_eq!(wide, linear);
        }
    }
}
