//! Turns the datasets of IPTC blocks into tags, with ExifTool's names (IPTC.pm). Each block is a
//! group of its own: `IPTC`, `IPTC2`, ...

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use DatasetKind::{Binary, CharacterSet, Date, Lines, Number, Text, Time};

use super::iptc::{IptcDataset, IptcDatasets, UTF8};
use super::limits;
use super::record::TagValue;
use super::tag_collector::{TagCollector, clean_tag_text};
use super::text::until_nul;
use super::work_budget::WorkBudget;

/// The form of a dataset's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DatasetKind {
    /// A text. It ends at the first NUL: some programs fill a dataset with NULs.
    Text,
    /// A text in which NULs separate lines.
    Lines,
    /// A big-endian number.
    Number,
    /// A date: `20180201`.
    Date,
    /// A time with its offset from UTC: `094107+0100`.
    Time,
    /// The escape sequence of a character set (ISO 2022).
    CharacterSet,
    /// Data that are not shown.
    Binary,
}

/// Record number, dataset number, name, kind, and whether the dataset may be repeated (IPTC-IIM
/// 4.2, and the tables of IPTC.pm).
#[rustfmt::skip]
static DATASETS: &[(u8, u8, &str, DatasetKind, bool)] = &[
    (1, 0, "EnvelopeRecordVersion", Number, false), (1, 5, "Destination", Text, true),
    (1, 20, "FileFormat", Number, false), (1, 22, "FileVersion", Number, false),
    (1, 30, "ServiceIdentifier", Text, false), (1, 40, "EnvelopeNumber", Text, false),
    (1, 50, "ProductID", Text, true), (1, 60, "EnvelopePriority", Text, false),
    (1, 70, "DateSent", Date, false), (1, 80, "TimeSent", Time, false),
    (1, 90, "CodedCharacterSet", CharacterSet, false), (1, 100, "UniqueObjectName", Text, false),
    (1, 120, "ARMIdentifier", Number, false), (1, 122, "ARMVersion", Number, false),
    (2, 0, "ApplicationRecordVersion", Number, false), (2, 3, "ObjectTypeReference", Text, false),
    (2, 4, "ObjectAttributeReference", Text, true), (2, 5, "ObjectName", Text, false),
    (2, 7, "EditStatus", Text, false), (2, 8, "EditorialUpdate", Text, false),
    (2, 10, "Urgency", Text, false), (2, 12, "SubjectReference", Text, true),
    (2, 15, "Category", Text, false), (2, 20, "SupplementalCategories", Text, true),
    (2, 22, "FixtureIdentifier", Text, false), (2, 25, "Keywords", Text, true),
    (2, 26, "ContentLocationCode", Text, true), (2, 27, "ContentLocationName", Text, true),
    (2, 30, "ReleaseDate", Date, false), (2, 35, "ReleaseTime", Time, false),
    (2, 37, "ExpirationDate", Date, false), (2, 38, "ExpirationTime", Time, false),
    (2, 40, "SpecialInstructions", Text, false), (2, 42, "ActionAdvised", Text, false),
    (2, 45, "ReferenceService", Text, true), (2, 47, "ReferenceDate", Date, true),
    (2, 50, "ReferenceNumber", Text, true), (2, 55, "DateCreated", Date, false),
    (2, 60, "TimeCreated", Time, false), (2, 62, "DigitalCreationDate", Date, false),
    (2, 63, "DigitalCreationTime", Time, false), (2, 65, "OriginatingProgram", Text, false),
    (2, 70, "ProgramVersion", Text, false), (2, 75, "ObjectCycle", Text, false),
    (2, 80, "By-line", Text, true), (2, 85, "By-lineTitle", Text, true),
    (2, 90, "City", Text, false), (2, 92, "Sub-location", Text, false),
    (2, 95, "Province-State", Text, false), (2, 100, "Country-PrimaryLocationCode", Text, false),
    (2, 101, "Country-PrimaryLocationName", Text, false),
    (2, 103, "OriginalTransmissionReference", Text, false), (2, 105, "Headline", Text, false),
    (2, 110, "Credit", Text, false), (2, 115, "Source", Text, false),
    (2, 116, "CopyrightNotice", Text, false), (2, 118, "Contact", Text, true),
    (2, 120, "Caption-Abstract", Text, false), (2, 121, "LocalCaption", Text, false),
    (2, 122, "Writer-Editor", Text, true), (2, 125, "RasterizedCaption", Binary, false),
    (2, 130, "ImageType", Text, false), (2, 131, "ImageOrientation", Text, false),
    (2, 135, "LanguageIdentifier", Text, false), (2, 150, "AudioType", Text, false),
    (2, 151, "AudioSamplingRate", Text, false), (2, 152, "AudioSamplingResolution", Text, false),
    (2, 153, "AudioDuration", Text, false), (2, 154, "AudioOutcue", Text, false),
    (2, 184, "JobID", Text, false), (2, 185, "MasterDocumentID", Text, false),
    (2, 186, "ShortDocumentID", Text, false), (2, 187, "UniqueDocumentID", Text, false),
    (2, 188, "OwnerID", Text, false), (2, 200, "ObjectPreviewFileFormat", Number, false),
    (2, 201, "ObjectPreviewFileVersion", Number, false),
    (2, 202, "ObjectPreviewData", Binary, false), (2, 221, "Prefs", Text, false),
    (2, 225, "ClassifyState", Text, false), (2, 228, "SimilarityIndex", Text, false),
    (2, 230, "DocumentNotes", Text, false), (2, 231, "DocumentHistory", Lines, false),
    (2, 232, "ExifCameraInfo", Text, false), (2, 255, "CatalogSets", Text, true),
    (3, 0, "NewsPhotoVersion", Number, false), (3, 10, "IPTCPictureNumber", Text, false),
    (3, 20, "IPTCImageWidth", Number, false), (3, 30, "IPTCImageHeight", Number, false),
    (3, 40, "IPTCPixelWidth", Number, false), (3, 50, "IPTCPixelHeight", Number, false),
    (3, 55, "SupplementalType", Number, false), (3, 60, "ColorRepresentation", Number, false),
    (3, 64, "InterchangeColorSpace", Number, false), (3, 65, "ColorSequence", Number, false),
    (3, 66, "ICC_Profile", Binary, false), (3, 70, "ColorCalibrationMatrix", Binary, false),
    (3, 80, "LookupTable", Binary, false), (3, 84, "NumIndexEntries", Number, false),
    (3, 85, "ColorPalette", Binary, false), (3, 86, "IPTCBitsPerSample", Number, false),
    (3, 90, "SampleStructure", Number, false), (3, 100, "ScanningDirection", Number, false),
    (3, 102, "IPTCImageRotation", Number, false),
    (3, 110, "DataCompressionMethod", Number, false),
    (3, 120, "QuantizationMethod", Number, false), (3, 125, "EndPoints", Binary, false),
    (3, 130, "ExcursionTolerance", Number, false), (3, 135, "BitsPerComponent", Number, false),
    (3, 140, "MaximumDensityRange", Number, false),
    (3, 145, "GammaCompensatedValue", Number, false), (7, 10, "SizeMode", Number, false),
    (7, 20, "MaxSubfileSize", Number, false), (7, 90, "ObjectSizeAnnounced", Number, false),
    (7, 95, "MaximumObjectSize", Number, false), (8, 10, "SubFile", Binary, true),
    (9, 10, "ConfirmedObjectSize", Number, false),
];

/// The tags of the IPTC blocks of a file, one list for each block.
#[derive(Debug, Default)]
pub(crate) struct IptcTags {
    /// For each block, whether it is at the standard place of its format, and its tags.
    blocks: Vec<(bool, BTreeMap<&'static str, DatasetValues>)>,
    bytes: u64,
}

/// The values of a dataset in one block.
#[derive(Debug)]
struct DatasetValues {
    values: Vec<TagValue>,
    bytes: u64,
    is_omitted: bool,
}

impl IptcTags {
    /// Adds the tags of a block. If a dataset that must not be repeated is repeated, the last value
    /// counts, as in ExifTool. Datasets without a name are not added. Stops if the work budget is
    /// used up. `is_standard` is `true` if the block is at the standard place of its format.
    pub(crate) fn read_block(&mut self, bytes: &[u8], is_standard: bool, budget: &WorkBudget) {
        let mut tags = BTreeMap::new();
        for dataset in IptcDatasets::new(bytes, budget) {
            let key = (dataset.record, dataset.number);
            let index = DATASETS.binary_search_by_key(&key, |known| (known.0, known.1));
            if let Some(&(_, _, name, kind, is_list)) =
                index.ok().and_then(|index| DATASETS.get(index))
            {
                self.add_value(tags.entry(name), is_list, kind, dataset);
            }
        }
        if !tags.is_empty() {
            self.blocks.push((is_standard, tags));
        }
    }

    fn add_value(
        &mut self,
        entry: Entry<'_, &'static str, DatasetValues>,
        is_list: bool,
        kind: DatasetKind,
        dataset: IptcDataset<'_>,
    ) {
        let tag = entry.or_insert(DatasetValues {
            values: Vec::new(),
            bytes: 0,
            is_omitted: false,
        });
        if !is_list {
            (tag.bytes, tag.is_omitted) = (0, false);
            tag.values.clear();
        }
        let length = dataset.value.len() as u64;
        tag.bytes += length;
        self.bytes += length;
        let is_too_large = tag.bytes > limits::MAX_TEXT_VALUE_BYTES
            || tag.values.len() >= limits::MAX_LIST_VALUES
            || self.bytes > limits::MAX_ALL_VALUES_BYTES;
        match decode_value(kind, dataset) {
            Some(value) if !is_too_large && !tag.is_omitted => tag.values.push(value),
            _ => {
                tag.is_omitted = true;
                tag.values.clear();
            }
        }
    }

    /// Adds all tags to `collector`. As in ExifTool (`ProcessIPTC` in IPTC.pm), the first block at
    /// a standard place is the group `IPTC`. The others are `IPTC2`, `IPTC3`, ...
    pub(crate) fn collect(self, collector: &mut TagCollector) {
        let mut standard = None;
        let mut number = 1;
        for (index, (is_standard, tags)) in self.blocks.into_iter().enumerate() {
            let group = if is_standard && *standard.get_or_insert(index) == index {
                "IPTC".to_owned()
            } else {
                number += 1;
                format!("IPTC{number}")
            };
            for (name, mut tag) in tags {
                let value = match tag.values.len() {
                    0 => None,
                    1 => tag.values.pop(),
                    _ => Some(TagValue::List(tag.values)),
                };
                collector.add(&group, name, tag.bytes, value.filter(|_| !tag.is_omitted));
            }
        }
    }
}

/// Decodes the value of a dataset. Returns `None` if the value is not shown.
fn decode_value(kind: DatasetKind, dataset: IptcDataset<'_>) -> Option<TagValue> {
    let value = dataset.value;
    let decode = |bytes: &[u8]| dataset.decode(bytes);
    let text = |bytes: &[u8]| clean_tag_text(&decode(bytes));
    Some(match kind {
        Text => TagValue::Text(text(until_nul(value))),
        Lines => {
            let lines = value.split(|&b| b == 0).filter(|line| !line.is_empty());
            let lines: Vec<String> = lines.map(decode).collect();
            TagValue::Text(clean_tag_text(&lines.join("\n")))
        }
        Number if value.len() < 8 => {
            let number = value.iter().fold(0, |n, &b| n << 8 | i64::from(b));
            TagValue::Integer(number)
        }
        // A number has at most four bytes. Some programs write a text here.
        Number => TagValue::Text(text(until_nul(value))),
        Date => TagValue::Text(iso_date(&text(until_nul(value)))),
        Time => TagValue::Text(iso_time(&text(until_nul(value)))),
        CharacterSet if value == UTF8 => TagValue::Text("UTF8".to_owned()),
        CharacterSet => TagValue::Text(escape_sequence(until_nul(value))),
        Binary => return None,
    })
}

/// Returns a date with hyphens: `2018-02-01`. Returns any other text unchanged.
fn iso_date(text: &str) -> String {
    match text.as_bytes() {
        digits if digits.len() == 8 && digits.iter().all(u8::is_ascii_digit) => {
            let (year, day) = text.split_at(4);
            let (month, day) = day.split_at(2);
            format!("{year}-{month}-{day}")
        }
        _ => text.to_owned(),
    }
}

/// Returns a time with colons: `09:41:07+01:00`. Returns any other text unchanged.
pub(crate) fn iso_time(text: &str) -> String {
    let mut time = text.replace(' ', ":");
    let is_digits =
        |text: Option<&str>| text.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let length = time.len();
    let sign = length.checked_sub(5);
    let has_offset = sign.is_some_and(|sign| {
        time.get(sign..)
            .is_some_and(|offset| offset.starts_with(['+', '-']))
            && is_digits(time.get(sign + 1..))
    });
    if has_offset {
        time.insert(length - 2, ':');
    }
    if is_digits(time.get(..6)) {
        time.insert(4, ':');
        time.insert(2, ':');
    }
    time
}

/// Returns an escape sequence in readable form: `ESC . A`.
fn escape_sequence(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes
        .iter()
        .map(|&b| match b {
            0x1b => "ESC".to_owned(),
            0x21..=0x7e => char::from(b).to_string(),
            _ => format!("{b:02x}"),
        })
        .collect();
    parts.join(" ").replace(" ESC", ", ESC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::builders::iptc_block;

    /// Returns the tags of blocks. The first value of each pair is `true` if the block is at a
    /// standard place.
    fn collect(blocks: &[(bool, Vec<u8>)]) -> TagCollector {
        let mut tags = IptcTags::default();
        for (is_standard, block) in blocks {
            tags.read_block(block, *is_standard, &WorkBudget::default());
        }
        let mut collector = TagCollector::default();
        tags.collect(&mut collector);
        collector
    }

    fn text(text: &str) -> TagValue {
        TagValue::Text(text.to_owned())
    }

    #[test]
    fn table_is_sorted() {
        assert!(DATASETS.is_sorted_by_key(|known| (known.0, known.1)));
    }

    #[test]
    fn datasets_of_all_kinds_have_exiftools_names() {
        let datasets: [(u8, u8, &[u8]); 16] = [
            (1, 0, &[0, 4]),
            (1, 90, b"\x1b%G"),
            (2, 0, &[0, 4]),
            (2, 5, "Zürich\0\u{3}abc".as_bytes()),
            (2, 10, b"5"),
            (2, 25, b"one"),
            (2, 25, b"two"),
            (2, 55, b"20180201"),
            (2, 60, b"094107+0100"),
            (2, 62, b"2018"),
            (2, 120, b"a\r\nb"),
            (2, 105, b"early"),
            (2, 105, b"late"),
            (2, 200, b"Custom Field"),
            (2, 231, b"one\0\0two\0"),
            (2, 99, b"no name"),
        ];
        let tags = collect(&[(true, iptc_block(&datasets))]).tags;
        let expected = [
            ("EnvelopeRecordVersion", TagValue::Integer(4)),
            ("CodedCharacterSet", text("UTF8")),
            ("ApplicationRecordVersion", TagValue::Integer(4)),
            ("ObjectName", text("Zürich")),
            ("Urgency", text("5")),
            ("Keywords", TagValue::List(vec![text("one"), text("two")])),
            ("DateCreated", text("2018-02-01")),
            ("TimeCreated", text("09:41:07+01:00")),
            ("DigitalCreationDate", text("2018")),
            ("Caption-Abstract", text("a\nb")),
            ("Headline", text("late")),
            ("ObjectPreviewFileFormat", text("Custom Field")),
            ("DocumentHistory", text("one\ntwo")),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(tags["IPTC"], BTreeMap::from(expected));
    }

    #[test]
    fn texts_without_a_character_set_are_utf_8_or_latin_1() {
        let datasets: [(u8, u8, &[u8]); 3] = [
            (1, 90, b"\x1b.A"),
            (2, 5, b"Z\xfcrich"),
            (2, 90, "Zürich".as_bytes()),
        ];
        let tags = &collect(&[(true, iptc_block(&datasets))]).tags["IPTC"];
        assert_eq!(tags["CodedCharacterSet"], text("ESC . A"));
        assert_eq!(
            (&tags["ObjectName"], &tags["City"]),
            (&text("Zürich"), &text("Zürich"))
        );
    }

    #[test]
    fn binary_datasets_are_listed_with_their_size() {
        let collector = collect(&[(
            true,
            iptc_block(&[(2, 125, vec![0; 40]), (8, 10, vec![1; 30])]),
        )]);
        assert!(collector.tags.is_empty());
        assert_eq!(collector.omitted["IPTC.RasterizedCaption"], 40);
        assert_eq!(collector.omitted["IPTC.SubFile"], 30);
    }

    #[test]
    fn each_block_is_a_group() {
        let with = |city: &[u8]| iptc_block(&[(2, 90, city)]);
        let groups = |places: [bool; 3]| {
            let blocks = [b"a", b"b", b"c"].map(|city| with(city));
            let blocks: Vec<(bool, Vec<u8>)> = places.into_iter().zip(blocks).collect();
            let tags = collect(&blocks).tags;
            let cities = tags
                .iter()
                .map(|(group, tags)| (group.clone(), tags["City"].clone()));
            cities.collect::<Vec<_>>()
        };
        let named = |names: [&str; 3], cities: [&str; 3]| {
            let pairs = names.into_iter().zip(cities);
            pairs
                .map(|(name, city)| (name.to_owned(), text(city)))
                .collect::<Vec<_>>()
        };
        let names = ["IPTC", "IPTC2", "IPTC3"];
        assert_eq!(groups([true, true, false]), named(names, ["a", "b", "c"]));
        assert_eq!(groups([false, true, true]), named(names, ["b", "a", "c"]));
        let names = ["IPTC2", "IPTC3", "IPTC4"];
        assert_eq!(groups([false, false, false]), named(names, ["a", "b", "c"]));
    }

    #[test]
    fn tags_before_a_broken_dataset_are_kept() {
        let mut bytes = iptc_block(&[(2, 90, b"city")]);
        bytes.extend(b"\x1c\x02\x05\x00\x09abc");
        assert_eq!(collect(&[(true, bytes)]).tags["IPTC"].len(), 1);
    }
}
