//! Shows transparent pixels over white.

/// A sample that can be mixed with white.
pub(crate) trait AlphaSample: Copy {
    /// Returns the sample mixed with white. If `alpha` is 0, it is white.
    fn over_white(self, alpha: Self) -> Self;

    /// Returns a sample that is multiplied by alpha already, mixed with white.
    #[cfg(feature = "more-formats")]
    fn premultiplied_over_white(self, alpha: Self) -> Self;
}

impl AlphaSample for u8 {
    fn over_white(self, alpha: Self) -> Self {
        let shade = u32::from(255 - self) * u32::from(alpha);
        255 - ((shade + 127) / 255) as u8
    }

    #[cfg(feature = "more-formats")]
    fn premultiplied_over_white(self, alpha: Self) -> Self {
        self.saturating_add(255 - alpha)
    }
}

impl AlphaSample for u16 {
    fn over_white(self, alpha: Self) -> Self {
        let shade = u64::from(65_535 - self) * u64::from(alpha);
        65_535 - ((shade + 32_767) / 65_535) as u16
    }

    #[cfg(feature = "more-formats")]
    fn premultiplied_over_white(self, alpha: Self) -> Self {
        self.saturating_add(65_535 - alpha)
    }
}

/// Removes the alpha of pixels with `N` samples, of which the last is alpha.
pub(crate) fn compose_over_white<S: AlphaSample, const N: usize>(samples: &mut Vec<S>) {
    let mut written = 0;
    for start in (0..samples.len()).step_by(N) {
        let alpha = samples[start + N - 1];
        for at in start..start + N - 1 {
            samples[written] = samples[at].over_white(alpha);
            written += 1;
        }
    }
    samples.truncate(written);
}

/// Shows pixels over white, whose alpha is in a row of its own. `N` is the number of samples of a pixel.
#[cfg(feature = "more-formats")]
pub(crate) fn show_over_white<S: AlphaSample, const N: usize>(
    samples: &mut [S],
    alpha: &[S],
    is_premultiplied: bool,
) {
    for (pixel, alpha) in samples.as_chunks_mut::<N>().0.iter_mut().zip(alpha) {
        for sample in pixel {
            *sample = match is_premultiplied {
                true => sample.premultiplied_over_white(*alpha),
                false => sample.over_white(*alpha),
            };
        }
    }
}
