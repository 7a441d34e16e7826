//! Compares two files: are they files of one shot?

use chrono::{NaiveDateTime, TimeDelta};

use super::evidence::Slot;
use super::sibling_folders::FolderRelation;

/// The maximum difference of the capture times of two files of one shot. A camera may write the RAW
/// a second or two after the JPEG.
pub(crate) const NEAR_SECONDS: TimeDelta = TimeDelta::seconds(2);

/// What is known of the shot of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShotFacts<'a> {
    /// The slot of the file: its format.
    pub slot: &'a Slot,
    /// The capture time to the second, from the file's metadata. `None` if it is unknown.
    pub taken: Option<NaiveDateTime>,
    /// The camera model. `None` if it is unknown.
    pub model: Option<&'a str>,
    /// The serial number of the camera body. `None` if it is unknown.
    pub serial: Option<&'a str>,
}

/// The relation of two files, apart from their metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShotRelation {
    /// Whether both files were uploaded under one key.
    pub key: KeyRelation,
    /// Whether the files have equal bytes.
    pub bytes: BytesRelation,
    /// Whether the files have equal picture data.
    pub pictures: PictureRelation,
    /// Whether their folders belong together.
    pub folders: FolderRelation,
}

/// The relation of the source keys of two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRelation {
    /// Both files were uploaded under one key.
    Same,
    /// The files have different source keys, or a source key is unknown.
    Other,
}

/// The relation of the bytes of two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BytesRelation {
    /// The content ids are equal.
    Equal,
    /// The content ids differ.
    Other,
}

/// The relation of the picture data of two files, without their metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureRelation {
    /// The picture data were not compared.
    Unknown,
    /// The picture data are equal: an edit has changed only the metadata.
    Equal,
    /// The picture data differ, or cannot be read.
    Other,
}

/// The answer to the question whether two files are files of one shot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShotVerdict {
    /// They are files of two shots.
    Different,
    /// The evidence does not decide. Both files are kept, as two photos.
    Undecided,
    /// They are files of one shot.
    Same,
}

/// Decides whether two files are files of one shot. Only files of one name and day are compared. The
/// result is the same if `a` and `b` are swapped.
///
/// The first row that applies decides. *Near* means that both capture times are known and at most
/// 2 s apart, *far* that they are more than 2 s apart. A *contradiction* means that both models or
/// both serial numbers are known and differ.
///
/// | row | if | answer |
/// | --- | --- | --- |
/// | S1 | equal bytes | Same |
/// | S2 | one key, a contradiction | Undecided |
/// | S3 | one key, and near or equal picture data | Same |
/// | S4 | one key | Undecided |
/// | S5 | a contradiction | Different |
/// | S6 | two formats, and near; or two formats in related folders, and not far | Same |
/// | S7 | one format, and not far | Undecided |
/// | S8 | in all other cases | Different |
pub fn compare_shots(a: &ShotFacts, b: &ShotFacts, relation: ShotRelation) -> ShotVerdict {
    if relation.bytes == BytesRelation::Equal {
        return ShotVerdict::Same;
    }
    let distance = time_distance(a, b);
    let is_near = distance.is_some_and(|distance| distance <= NEAR_SECONDS);
    let is_far = distance.is_some_and(|distance| distance > NEAR_SECONDS);
    let contradicts = contradict(a.model, b.model) || serials_contradict(a.serial, b.serial);
    if relation.key == KeyRelation::Same {
        let has_equal_picture = relation.pictures == PictureRelation::Equal;
        return match !contradicts && (is_near || has_equal_picture) {
            true => ShotVerdict::Same,
            false => ShotVerdict::Undecided,
        };
    }
    if contradicts {
        return ShotVerdict::Different;
    }
    let is_one_format = a.slot == b.slot;
    let is_related = relation.folders == FolderRelation::Related;
    if !is_one_format && (is_near || is_related && !is_far) {
        return ShotVerdict::Same;
    }
    match is_one_format && !is_far {
        true => ShotVerdict::Undecided,
        false => ShotVerdict::Different,
    }
}

/// Reports whether the picture data of two files with one key must be compared: nothing else decides
/// between the rows S3 and S4.
pub fn needs_picture_data(a: &ShotFacts, b: &ShotFacts) -> bool {
    let is_near = time_distance(a, b).is_some_and(|distance| distance <= NEAR_SECONDS);
    !is_near && !contradict(a.model, b.model) && !serials_contradict(a.serial, b.serial)
}

fn time_distance(a: &ShotFacts, b: &ShotFacts) -> Option<TimeDelta> {
    Some((a.taken? - b.taken?).abs())
}

/// Reports whether two texts are known and differ. Ignores case and the blanks at both ends,
/// because programs write them in different ways.
fn contradict(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => !a.trim().eq_ignore_ascii_case(b.trim()),
        _ => false,
    }
}

/// Reports whether two serial numbers are known and differ. Also ignores zeros at the start: a
/// Canon's maker note has ten digits, and programs write the number without the zeros. A serial number
/// of zeros is not known.
fn serials_contradict(a: Option<&str>, b: Option<&str>) -> bool {
    let significant = |serial: Option<&str>| {
        let digits = serial?.trim().trim_start_matches('0');
        (!digits.is_empty()).then(|| digits.to_owned())
    };
    contradict(significant(a).as_deref(), significant(b).as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::option;
    use proptest::prelude::*;

    /// A file: extension, seconds of its capture time, model, serial number.
    type File = (
        &'static str,
        Option<i64>,
        Option<&'static str>,
        Option<&'static str>,
    );

    const BARE: File = ("jpg", None, None, None);
    const SECOND: File = ("jpg", Some(0), None, None);
    const D750: File = ("jpg", Some(0), Some("D750"), Some("1"));

    fn compare(a: File, b: File, relation: ShotRelation) -> ShotVerdict {
        let slots = [a.0, b.0].map(|extension| Slot::of_extension(Some(extension)));
        let facts = |index: usize, file: File| ShotFacts {
            slot: &slots[index],
            taken: file.1.and_then(|seconds| {
                let time = chrono::DateTime::from_timestamp(1_517_474_467 + seconds, 0);
                time.map(|time| time.naive_utc())
            }),
            model: file.2,
            serial: file.3,
        };
        let (a, b) = (facts(0, a), facts(1, b));
        let verdict = compare_shots(&a, &b, relation);
        assert_eq!(verdict, compare_shots(&b, &a, relation), "not symmetric");
        verdict
    }

    fn relation(key: KeyRelation, folders: FolderRelation) -> ShotRelation {
        ShotRelation {
            key,
            bytes: BytesRelation::Other,
            pictures: PictureRelation::Unknown,
            folders,
        }
    }

    fn strangers() -> ShotRelation {
        relation(KeyRelation::Other, FolderRelation::Unrelated)
    }

    fn neighbours() -> ShotRelation {
        relation(KeyRelation::Other, FolderRelation::Related)
    }

    fn one_key() -> ShotRelation {
        relation(KeyRelation::Same, FolderRelation::Related)
    }

    fn one_key_one_picture() -> ShotRelation {
        ShotRelation {
            pictures: PictureRelation::Equal,
            ..one_key()
        }
    }

    fn at(seconds: i64) -> File {
        ("jpg", Some(seconds), None, None)
    }

    fn as_raw(file: File) -> File {
        ("NEF", file.1, file.2, file.3)
    }

    use ShotVerdict::{Different, Same, Undecided};

    #[test]
    fn serial_number_of_zeros_is_not_known() {
        assert!(!serials_contradict(Some("0000000"), Some("123")));
        assert!(!serials_contradict(Some("00123"), Some("123")));
        assert!(serials_contradict(Some("124"), Some("123")));
    }

    #[test]
    fn s1_equal_bytes_are_one_shot() {
        let equal = ShotRelation {
            bytes: BytesRelation::Equal,
            ..strangers()
        };
        let other = ("jpg", Some(9), Some("D5"), Some("2"));
        assert_eq!(compare(D750, other, equal), Same);
    }

    #[test]
    fn s2_another_body_under_one_key_is_undecided() {
        let other_serial = ("jpg", Some(0), Some("D750"), Some("2"));
        let other_model = ("jpg", Some(0), Some("D5"), None);
        assert_eq!(
            compare(D750, other_serial, one_key_one_picture()),
            Undecided
        );
        assert_eq!(compare(D750, other_model, one_key()), Undecided);
    }

    #[test]
    fn s3_an_edit_under_one_key_is_one_shot() {
        let without_serial = ("jpg", Some(2), Some("d750 "), None);
        assert_eq!(compare(D750, without_serial, one_key()), Same);
        let with_zeros = ("jpg", Some(2), Some("D750"), Some(" 0001"));
        assert_eq!(compare(D750, with_zeros, one_key()), Same);
        assert_eq!(compare(BARE, BARE, one_key_one_picture()), Same);
        assert_eq!(compare(SECOND, at(3600), one_key_one_picture()), Same);
    }

    #[test]
    fn s4_a_name_that_is_used_again_is_undecided() {
        assert_eq!(compare(SECOND, at(3), one_key()), Undecided);
        assert_eq!(compare(BARE, BARE, one_key()), Undecided);
        assert_eq!(compare(SECOND, BARE, one_key()), Undecided);
        let other_picture = ShotRelation {
            pictures: PictureRelation::Other,
            ..one_key()
        };
        assert_eq!(compare(BARE, BARE, other_picture), Undecided);
    }

    #[test]
    fn s5_two_bodies_are_two_shots() {
        let other = ("jpg", Some(0), Some("D750"), Some("2"));
        assert_eq!(compare(D750, other, neighbours()), Different);
        assert_eq!(compare(D750, as_raw(other), neighbours()), Different);
    }

    #[test]
    fn s6_raw_and_jpeg_are_one_shot() {
        assert_eq!(compare(D750, as_raw(at(2)), strangers()), Same);
        assert_eq!(compare(D750, as_raw(BARE), neighbours()), Same);
        assert_eq!(compare(D750, as_raw(BARE), strangers()), Different);
        assert_eq!(compare(SECOND, as_raw(at(3)), neighbours()), Different);
    }

    #[test]
    fn s7_two_files_of_one_format_are_undecided() {
        assert_eq!(compare(D750, at(1), neighbours()), Undecided);
        assert_eq!(compare(BARE, BARE, strangers()), Undecided);
        assert_eq!(
            compare(("JPG", None, None, None), BARE, strangers()),
            Undecided
        );
        assert_eq!(
            compare(("jpeg", None, None, None), BARE, strangers()),
            Undecided
        );
    }

    #[test]
    fn s8_all_others_are_two_shots() {
        assert_eq!(compare(SECOND, at(3), strangers()), Different);
        assert_eq!(compare(BARE, as_raw(BARE), strangers()), Different);
    }

    fn files() -> impl Strategy<Value = File> {
        let extension = prop_oneof![Just("jpg"), Just("JPG"), Just("nef"), Just("dng")];
        let model = option::of(prop_oneof![Just("D750"), Just("D5")]);
        let serial = option::of(prop_oneof![Just("1"), Just("2")]);
        (extension, option::of(0..6_i64), model, serial)
    }

    fn relations() -> impl Strategy<Value = ShotRelation> {
        let pictures = prop_oneof![
            Just(PictureRelation::Unknown),
            Just(PictureRelation::Equal),
            Just(PictureRelation::Other)
        ];
        let folders = prop_oneof![
            Just(FolderRelation::Related),
            Just(FolderRelation::Unrelated)
        ];
        let keys = prop_oneof![Just(KeyRelation::Same), Just(KeyRelation::Other)];
        (keys, pictures, folders).prop_map(|(key, pictures, folders)| ShotRelation {
            key,
            bytes: BytesRelation::Other,
            pictures,
            folders,
        })
    }

    proptest! {
        #[test]
        fn shots_that_differ_are_never_the_same(a in files(), b in files(), relation in relations()) {
            let verdict = compare(a, b, relation);
            let differ = |a: Option<&str>, b: Option<&str>| a.is_some() && b.is_some() && a != b;
            let is_far = a.1.zip(b.1).is_some_and(|(a, b)| (a - b).abs() > 2);
            if differ(a.2, b.2) || differ(a.3, b.3) {
                prop_assert_ne!(verdict, Same);
            }
            if is_far && relation.pictures != PictureRelation::Equal {
                prop_assert_ne!(verdict, Same);
            }
        }
    }
}
