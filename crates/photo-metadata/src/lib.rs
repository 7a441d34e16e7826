#![doc = include_str!("../README.md")]

mod blocks;
mod bmff;
mod boilerplate;
mod camera;
mod capture;
mod capture_time;
mod container;
mod context;
mod cr3;
mod crw;
mod date_kind;
mod date_time;
mod degrees;
mod describe;
mod description;
mod dimensions;
mod extraction;
mod extractor;
mod field_value;
mod file_name_date;
mod format;
mod gif;
mod heif;
mod iptc;
mod iptc_tags;
mod jpeg;
mod jxl;
mod keywords;
mod labels;
mod lens_ids;
mod limits;
mod location;
mod maker_note;
mod named_month;
mod normalise;
mod partial_date_time;
mod people;
mod photoshop;
mod place;
mod placeholder;
mod png;
mod position;
mod preview;
mod private_comment;
mod rating;
mod raw;
mod raw_format;
mod record;
mod rights;
mod sidecar;
mod sidecar_fields;
mod sidecar_xmp;
mod sources;
mod sparse;
mod tag;
mod tag_collector;
mod tag_names;
mod tag_values;
mod takeout;
mod text;
mod text_scanner;
mod tiff;
mod trailer;
mod utc_offset;
mod webp;
mod work_budget;
mod x3f;
mod xmp;
mod xmp_attributes;
mod xmp_element;
mod xmp_encoding;
mod xmp_names;
mod xmp_namespaces;
mod xmp_packet;
mod xmp_parser;
mod xmp_path_table;
mod xmp_tables;
mod xmp_tags;
mod xmp_text;

#[cfg(test)]
mod tests;

pub use self::camera::make_slug;
pub use self::capture_time::{CaptureTime, DateSource, OffsetSource};
pub use self::context::FileContext;
pub use self::describe::describe_value;
pub use self::extraction::{Extraction, PictureState, ReadTotals, UnsupportedFormat, extract};
pub use self::extractor::{BEGINNING_BYTES, ExtractError, ExtractionStep, Extractor};
pub use self::format::{PhotoFormat, is_photo_extension, photo_extensions};
pub use self::labels::FileLabels;
pub use self::location::{Location, LocationPrecision};
pub use self::partial_date_time::{DatePrecision, InvalidPartialDate, PartialDateTime};
pub use self::place::Place;
pub use self::record::{
    Camera, EmbeddedPreview, Exposure, Lens, PhotoMetadata, PhotoRecord, PictureData, TagValue,
    Tags, storable_number,
};
pub use self::sidecar::{
    MAX_SIDECAR_BYTES, SidecarExtraction, SidecarFormat, SidecarMetadata, extract_sidecar,
    extract_sidecar_tags,
};
pub use self::text::is_bidi_control;
pub use self::work_budget::inflate_zlib;

/// The version of the extractor. It must be raised with every change of the code that gives another
/// record or other labels for the same bytes. Records of an older version are then extracted again.
pub const EXTRACTOR_VERSION: u32 = 5;
