//! Placeholder until the extraction is merged.
/// v
pub const EXTRACTOR_VERSION: u32 = 1;
