//! The photos of the simulation. Every file has bytes of its own, and the oracle knows which shot
//! it is of.

use std::collections::BTreeMap;
use std::io::Cursor;

use bytes::Bytes;
use fastrand::Rng;
use image::{DynamicImage, ImageFormat, RgbImage};
use little_exif::exif_tag::ExifTag;
use little_exif::filetype::FileExtension;
use little_exif::ifd::ExifTagGroup;
use little_exif::metadata::Metadata;

/// The folder of the archive for photos without a capture time.
pub(super) const UNDATED: &str = "undated";
/// The folder of the day to which an edit moves a photo of the first day.
const DAY_OF_EDIT: &str = "2018-02-02";
/// The capture times of such edits, one for each shot. With equal times, the evidence could not
/// separate two shots under one source key.
const TIMES_OF_EDITS: [&str; SHOTS.len()] = [
    "2018:02:02 09:41:07",
    "2018:02:02 15:00:00",
    "2018:02:02 12:41:08",
    "2018:02:02 13:00:00",
    "2018:02:02 14:00:00",
];
/// The number of the first foreign shot. Each foreign file is a shot of its own.
const FIRST_FOREIGN: u32 = 100;

/// What a camera records of a shot in one file.
#[derive(Clone, Copy)]
struct CameraFields {
    taken: Option<&'static str>,
    model: Option<&'static str>,
    serial: Option<&'static str>,
}

/// A shot: its folder in the archive, and what its JPEG and its RAW record.
struct SimulatedShot {
    folder: &'static str,
    jpeg: CameraFields,
    dng: CameraFields,
}

const fn fields(
    taken: Option<&'static str>,
    model: Option<&'static str>,
    serial: Option<&'static str>,
) -> CameraFields {
    CameraFields {
        taken,
        model,
        serial,
    }
}

const D750: Option<&str> = Some("NIKON D750");
const D5: Option<&str> = Some("NIKON D5");
const FIRST_DAY: &str = "2018-02-01";

/// The shots. All have one file name, and most have one day, so they compete for the same archive
/// names. Some files of a pair lack fields. The third shot was taken by another body, one second
/// after the first one.
const SHOTS: [SimulatedShot; 5] = [
    SimulatedShot {
        folder: FIRST_DAY,
        jpeg: fields(Some("2018:02:01 09:41:07"), D750, Some("1000001")),
        dng: fields(Some("2018:02:01 09:41:07"), D750, Some("1000001")),
    },
    SimulatedShot {
        folder: FIRST_DAY,
        jpeg: fields(Some("2018:02:01 15:00:00"), D750, None),
        dng: fields(Some("2018:02:01 15:00:01"), None, None),
    },
    SimulatedShot {
        folder: FIRST_DAY,
        jpeg: fields(Some("2018:02:01 09:41:08"), D5, None),
        dng: fields(Some("2018:02:01 09:41:08"), D5, Some("2000002")),
    },
    SimulatedShot {
        folder: UNDATED,
        jpeg: fields(None, D750, None),
        dng: fields(None, D750, None),
    },
    SimulatedShot {
        folder: "2018-02-02",
        jpeg: fields(Some("2018:02:02 11:00:00"), None, None),
        dng: fields(Some("2018:02:02 11:00:00"), D750, Some("1000001")),
    },
];

/// What an edit does to the metadata of a JPEG. No edit changes the picture data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EditKind {
    /// The metadata are as the camera wrote them, apart from a comment.
    Comment,
    /// The capture time is on another day.
    OtherDay,
    /// All metadata are gone.
    Stripped,
}

/// The facts about a file that the oracle uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileFacts {
    /// The number of the shot.
    pub(super) shot: u32,
    /// The extension of the file.
    pub(super) extension: &'static str,
    /// The folder of the archive that the file belongs to by its own metadata.
    pub(super) folder: &'static str,
    /// What an edit did to the metadata.
    pub(super) edit: EditKind,
}

impl FileFacts {
    /// Reports whether the file has the day that the camera recorded.
    pub(super) fn has_own_day(&self) -> bool {
        self.edit == EditKind::Comment
    }

    /// Reports whether the file has a capture time.
    pub(super) fn is_dated(&self) -> bool {
        self.folder != UNDATED
    }
}

/// Makes the files of a run, and remembers what they are.
pub(super) struct FileMaker {
    /// The number of files so far. It makes the bytes of every file different.
    made: u32,
    jpegs: BTreeMap<(u32, EditKind), Vec<u8>>,
    dngs: BTreeMap<u32, Vec<u8>>,
}

impl FileMaker {
    pub(super) fn new() -> Self {
        FileMaker {
            made: 0,
            jpegs: BTreeMap::new(),
            dngs: BTreeMap::new(),
        }
    }

    /// Chooses a shot at random. The first shot is chosen most often, so that its files meet.
    pub(super) fn choose_shot(random: &mut Rng) -> u32 {
        random.u32(..SHOTS.len() as u32 + 3) % SHOTS.len() as u32
    }

    /// Makes a new file of a shot. A RAW keeps its metadata in any edit.
    pub(super) fn make(
        &mut self,
        shot: u32,
        extension: &'static str,
        edit: EditKind,
    ) -> (Bytes, FileFacts) {
        self.made += 1;
        let shown = &SHOTS[shot as usize % SHOTS.len()];
        let is_jpeg = extension != "dng";
        let edit = match is_jpeg && shown.folder == FIRST_DAY {
            true => edit,
            false => EditKind::Comment,
        };
        let folder = match edit {
            EditKind::Comment => shown.folder,
            EditKind::OtherDay => DAY_OF_EDIT,
            EditKind::Stripped => UNDATED,
        };
        let number = self.made.to_be_bytes();
        let bytes = if is_jpeg {
            let key = (shot, edit);
            let plain = self.jpegs.entry(key).or_insert_with(|| encode_jpeg(key));
            // A comment segment after the marker of the beginning.
            let (start, rest) = plain.split_at(2);
            [start, &[0xff, 0xfe, 0, 6], &number, rest].concat()
        } else {
            let plain = self.dngs.entry(shot);
            let plain = plain.or_insert_with(|| encode_dng(&shown.dng));
            [plain.as_slice(), &number].concat()
        };
        let facts = FileFacts {
            shot,
            extension,
            folder,
            edit,
        };
        (bytes.into(), facts)
    }

    /// Makes a foreign JPEG: another picture, whose metadata are those of one of the shots.
    pub(super) fn make_foreign(&mut self, random: &mut Rng) -> (Bytes, FileFacts) {
        let shots = SHOTS.len() as u32;
        let alike = FIRST_FOREIGN.next_multiple_of(shots) + Self::choose_shot(random);
        let shot = alike + (self.made + 1) * shots;
        self.make(shot, "jpg", EditKind::Comment)
    }
}

fn encode_jpeg((shot, edit): (u32, EditKind)) -> Vec<u8> {
    let blue = (shot as u8).wrapping_mul(37);
    let picture = RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8 * 9, y as u8 * 9, blue]));
    let mut bytes = Vec::new();
    DynamicImage::from(picture)
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg)
        .unwrap();
    let number = shot as usize % SHOTS.len();
    let shown = &SHOTS[number].jpeg;
    let shown = match edit {
        EditKind::Comment => *shown,
        EditKind::OtherDay => CameraFields {
            taken: Some(TIMES_OF_EDITS[number]),
            ..*shown
        },
        EditKind::Stripped => return bytes,
    };
    metadata(&shown)
        .write_to_vec(&mut bytes, FileExtension::JPEG)
        .unwrap();
    bytes
}

/// Encodes a DNG: a TIFF with the tag DNGVersion, and without a picture.
fn encode_dng(shown: &CameraFields) -> Vec<u8> {
    let mut metadata = metadata(shown);
    metadata.set_tag(ExifTag::UnknownINT8U(
        vec![1, 4, 0, 0],
        0xc612,
        ExifTagGroup::GENERIC,
    ));
    metadata.encode().unwrap()
}

fn metadata(shown: &CameraFields) -> Metadata {
    let mut metadata = Metadata::new();
    metadata.set_tag(ExifTag::ISO(vec![400]));
    let texts = [
        shown
            .model
            .map(|_| ExifTag::Make("NIKON CORPORATION".to_owned())),
        shown.model.map(|model| ExifTag::Model(model.to_owned())),
        shown
            .taken
            .map(|taken| ExifTag::DateTimeOriginal(taken.to_owned())),
        shown
            .serial
            .map(|serial| ExifTag::SerialNumber(serial.to_owned())),
    ];
    for tag in texts.into_iter().flatten() {
        metadata.set_tag(tag);
    }
    metadata
}
