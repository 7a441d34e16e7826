//! Tags of maker notes, which are data in the camera makers' own formats. Only the tags that are
//! read are listed. The doc of each constant begins with ExifTool's name of the tag.

/// Tags of Canon.
pub(crate) mod canon {
    /// `CanonCameraSettings`: a list of numbers.
    pub(crate) const CAMERA_SETTINGS: u16 = 0x0001;
    /// `CanonShotInfo`: a list of numbers.
    pub(crate) const SHOT_INFO: u16 = 0x0004;
    /// `SerialNumber`, a number.
    pub(crate) const SERIAL_NUMBER: u16 = 0x000c;
    /// `TimeInfo`: a list of numbers.
    pub(crate) const TIME_INFO: u16 = 0x0035;
    /// `CanonFileInfo`: a list of numbers.
    pub(crate) const FILE_INFO: u16 = 0x0093;
    /// `LensModel`, a text.
    pub(crate) const LENS_MODEL: u16 = 0x0095;
    /// `ProcessingInfo`: a list of numbers.
    pub(crate) const PROCESSING_INFO: u16 = 0x00a0;
}

/// Tags of Nikon.
pub(crate) mod nikon {
    /// `ISO`: two numbers.
    pub(crate) const ISO: u16 = 0x0002;
    /// `SerialNumber`, a text.
    pub(crate) const SERIAL_NUMBER: u16 = 0x001d;
    /// `PictureControlData`: a structure.
    pub(crate) const PICTURE_CONTROL: u16 = 0x0023;
    /// `WorldTime`: a structure.
    pub(crate) const WORLD_TIME: u16 = 0x0024;
    /// `ISOInfo`: a structure.
    pub(crate) const ISO_INFO: u16 = 0x0025;
    /// `LensType`, bits.
    pub(crate) const LENS_TYPE: u16 = 0x0083;
    /// `Lens`: focal lengths and apertures, like EXIF's `LensInfo`.
    pub(crate) const LENS: u16 = 0x0084;
    /// `ShootingMode`, bits.
    pub(crate) const SHOOTING_MODE: u16 = 0x0089;
    /// `LensData`: a structure. It is encrypted in newer cameras.
    pub(crate) const LENS_DATA: u16 = 0x0098;
    /// `SerialNumber` of older cameras, a text.
    pub(crate) const OLD_SERIAL_NUMBER: u16 = 0x00a0;
    /// `PictureControlData` of some Coolpix cameras.
    pub(crate) const COOLPIX_PICTURE_CONTROL: u16 = 0x00bd;
}

/// Tags of Fujifilm.
pub(crate) mod fujifilm {
    /// `Saturation`, a number. It contains the black-and-white film simulations.
    pub(crate) const SATURATION: u16 = 0x1003;
    /// `DriveSettings`, a number.
    pub(crate) const DRIVE_SETTINGS: u16 = 0x1103;
    /// `FilmMode`, a number.
    pub(crate) const FILM_MODE: u16 = 0x1401;
}

/// Tags of Panasonic, and of Leica cameras that Panasonic makes.
pub(crate) mod panasonic {
    /// `BurstMode`, a number.
    pub(crate) const BURST_MODE: u16 = 0x002a;
    /// `SelfTimer`, a number.
    pub(crate) const SELF_TIMER: u16 = 0x002e;
    /// `FilmMode`, a number.
    pub(crate) const FILM_MODE: u16 = 0x0042;
    /// `LensType`, a text.
    pub(crate) const LENS_TYPE: u16 = 0x0051;
    /// `PhotoStyle`, a number.
    pub(crate) const PHOTO_STYLE: u16 = 0x0089;
}

/// Tags of Leica. The note has several forms.
pub(crate) mod leica {
    /// `SerialNumber` of the M8, a number.
    pub(crate) const M8_SERIAL_NUMBER: u16 = 0x0303;
    /// `LensType` of the M8, a number.
    pub(crate) const M8_LENS_TYPE: u16 = 0x0310;
    /// `SerialInfo` of the R8 and R9: a structure.
    pub(crate) const R8_SERIAL_INFO: u16 = 0x000b;
    /// `Subdir3100` of the M9: a directory.
    pub(crate) const M9_CAMERA: u16 = 0x3100;
    /// `SerialNumber` in the directory `Subdir3100`, a text.
    pub(crate) const M9_SERIAL_NUMBER: u16 = 0x3103;
    /// `Subdir3400` of the M9: a directory.
    pub(crate) const M9_LENS: u16 = 0x3400;
    /// `LensType` in the directory `Subdir3400`, a number.
    pub(crate) const M9_LENS_TYPE: u16 = 0x3405;
    /// `LensType` of the S2, the M (Typ 240) and the T, a text.
    pub(crate) const LENS_TYPE: u16 = 0x0303;
    /// `SerialNumber` of the X, T, Q and SL, a number.
    pub(crate) const SERIAL_NUMBER: u16 = 0x0305;
    /// `FilmMode` of the X, T, Q and SL, a text.
    pub(crate) const FILM_MODE: u16 = 0x0412;
}

/// Tags of Olympus and OM System.
pub(crate) mod olympus {
    /// `SerialNumber` of older cameras, a text.
    pub(crate) const OLD_SERIAL_NUMBER: u16 = 0x0404;
    /// `SerialNumber` of the oldest cameras, a text.
    pub(crate) const OLDEST_SERIAL_NUMBER: u16 = 0x101a;
    /// `Equipment`: a directory.
    pub(crate) const EQUIPMENT: u16 = 0x2010;
    /// `CameraSettings`: a directory.
    pub(crate) const CAMERA_SETTINGS: u16 = 0x2020;
    /// `SerialNumber` in the directory `Equipment`, a text.
    pub(crate) const SERIAL_NUMBER: u16 = 0x0101;
    /// `LensType` in the directory `Equipment`: six bytes.
    pub(crate) const LENS_TYPE: u16 = 0x0201;
    /// `LensModel` in the directory `Equipment`, a text.
    pub(crate) const LENS_MODEL: u16 = 0x0203;
    /// `PictureMode` in the directory `CameraSettings`: one or two numbers.
    pub(crate) const PICTURE_MODE: u16 = 0x0520;
    /// `ArtFilter` in the directory `CameraSettings`: four numbers.
    pub(crate) const ART_FILTER: u16 = 0x0529;
    /// `DriveMode` in the directory `CameraSettings`: two to six numbers.
    pub(crate) const DRIVE_MODE: u16 = 0x0600;
}

/// Tags of Pentax, and of Ricoh cameras with a note of this form.
pub(crate) mod pentax {
    /// `ISO`, a code.
    pub(crate) const ISO: u16 = 0x0014;
    /// `DriveMode`: four bytes.
    pub(crate) const DRIVE_MODE: u16 = 0x0034;
    /// `LensType`: the series and the number of the lens.
    pub(crate) const LENS_TYPE: u16 = 0x003f;
    /// `ImageTone`, a number.
    pub(crate) const IMAGE_TONE: u16 = 0x004f;
    /// `SerialNumber`, a text.
    pub(crate) const SERIAL_NUMBER: u16 = 0x0229;
}

/// Tags of Ricoh.
pub(crate) mod ricoh {
    /// `SerialNumber`: 16 bytes.
    pub(crate) const SERIAL_NUMBER: u16 = 0x0005;
    /// `DriveMode`, a number.
    pub(crate) const DRIVE_MODE: u16 = 0x1002;
    /// `ThetaSubdir`: a directory.
    pub(crate) const THETA: u16 = 0x4001;
    /// `TimeZone` in the directory `ThetaSubdir`, a text.
    pub(crate) const TIME_ZONE: u16 = 0x000a;
}

/// Tags of Sony.
pub(crate) mod sony {
    /// `PictureEffect`, a number.
    pub(crate) const PICTURE_EFFECT: u16 = 0x200e;
    /// `SerialNumber`, a text.
    pub(crate) const SERIAL_NUMBER: u16 = 0x2031;
    /// `CreativeStyle`, a text.
    pub(crate) const CREATIVE_STYLE: u16 = 0xb020;
    /// `LensType`, a number.
    pub(crate) const LENS_TYPE: u16 = 0xb027;
    /// `LensSpec`: eight bytes.
    pub(crate) const LENS_SPEC: u16 = 0xb02a;
    /// `ReleaseMode`, a number.
    pub(crate) const RELEASE_MODE: u16 = 0xb049;
}

/// Tags of Minolta.
pub(crate) mod minolta {
    /// `MinoltaCameraSettingsOld`: a list of numbers.
    pub(crate) const OLD_CAMERA_SETTINGS: u16 = 0x0001;
    /// `MinoltaCameraSettings`: a list of numbers.
    pub(crate) const CAMERA_SETTINGS: u16 = 0x0003;
    /// `LensType`, a number.
    pub(crate) const LENS_TYPE: u16 = 0x010c;
}

/// Tags of Samsung.
pub(crate) mod samsung {
    /// `SerialNumber`, a text.
    pub(crate) const SERIAL_NUMBER: u16 = 0xa002;
    /// `LensType`: one or more numbers.
    pub(crate) const LENS_TYPE: u16 = 0xa003;
    /// `ISO`, a number.
    pub(crate) const ISO: u16 = 0xa014;
}

/// Tags of Casio. The note has two forms.
pub(crate) mod casio {
    /// `ISO` of the older form, a number.
    pub(crate) const OLD_ISO: u16 = 0x0014;
    /// `ReleaseMode`, a number.
    pub(crate) const RELEASE_MODE: u16 = 0x3001;
    /// `ISO`, a number.
    pub(crate) const ISO: u16 = 0x3014;
    /// `DriveMode`, a number.
    pub(crate) const DRIVE_MODE: u16 = 0x3103;
}

/// Tags of Kodak.
pub(crate) mod kodak {
    /// `ISO` of the cameras of type 10, a code.
    pub(crate) const ISO: u16 = 0x0014;
}

/// Tags of Sanyo.
pub(crate) mod sanyo {
    /// `SequentialShot`, a number.
    pub(crate) const SEQUENTIAL_SHOT: u16 = 0x020e;
    /// `SelfTimer`, a number.
    pub(crate) const SELF_TIMER: u16 = 0x0214;
}

/// Tags of Sigma.
pub(crate) mod sigma {
    /// `SerialNumber`, a text.
    pub(crate) const SERIAL_NUMBER: u16 = 0x0002;
    /// `DriveMode`, a text.
    pub(crate) const DRIVE_MODE: u16 = 0x0003;
    /// `LensType`, a hexadecimal number as text, or a number.
    pub(crate) const LENS_TYPE: u16 = 0x0027;
    /// `ColorMode`, a number.
    pub(crate) const COLOR_MODE: u16 = 0x002c;
    /// `PictureMode`, a text.
    pub(crate) const PICTURE_MODE: u16 = 0x003d;
    /// `ISO`, a number.
    pub(crate) const ISO: u16 = 0x0086;
}

/// Tags of Motorola.
pub(crate) mod motorola {
    /// `SerialNumber`, a text.
    pub(crate) const SERIAL_NUMBER: u16 = 0x5501;
    /// `DriveMode`, a text.
    pub(crate) const DRIVE_MODE: u16 = 0x64d0;
}

/// Tags of Phase One and Leaf. They have 32 bits.
pub(crate) mod phase_one {
    /// `SerialNumber`, a text.
    pub(crate) const SERIAL_NUMBER: u32 = 0x0102;
    /// `ISO`, a number.
    pub(crate) const ISO: u32 = 0x0105;
    /// `LensModel`, a text.
    pub(crate) const LENS_MODEL: u32 = 0x0412;
}
