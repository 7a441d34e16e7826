//! Draws the files of `examples/photos`: small photos for a first run. A program draws them, so
//! anybody may copy them.
//!
//! `cargo run -p test-support --bin make_photos [DIR]` writes them. The program always draws the
//! same bytes. One test compares them with the committed files, and another test checks the record
//! of each. The positions are in public parks, so they are not the home of a person.

use std::error::Error;
use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, imageops};
use little_exif::exif_tag::ExifTag;
use little_exif::filetype::FileExtension;
use little_exif::ifd::ExifTagGroup;
use little_exif::metadata::Metadata;
use little_exif::rational::uR64;

/// The bytes of a drawn file, or the reason why it could not be drawn.
pub type DrawnFile = Result<Vec<u8>, Box<dyn Error>>;

/// One example file: its metadata and its picture.
pub struct ExampleShot {
    /// The path of the file below `examples/photos`.
    pub file: &'static str,
    /// The value of the tag `DateTimeOriginal`, in EXIF's format. If it is `None`, the file has no
    /// EXIF.
    taken: Option<&'static str>,
    /// The value of the tag `SubSecTimeOriginal`: the digits after the decimal point of the second.
    fraction: Option<&'static str>,
    /// The value of the tag `OffsetTimeOriginal`, such as `+02:00`.
    offset: Option<&'static str>,
    make: &'static str,
    model: &'static str,
    serial: Option<&'static str>,
    lens: Option<&'static str>,
    exposure: ExampleExposure,
    /// The position: the degrees north, the degrees east, and the metres above sea level.
    place: Option<(f64, f64, u32)>,
    /// The date and the time of day by the clock of the GPS receiver, in UTC. The numbers are
    /// hours, minutes and seconds.
    satellites: Option<(&'static str, [u32; 3])>,
    orientation: u16,
    /// The title, the keywords and the rating in stars, as photo editors write them to XMP.
    words: Option<(&'static str, &'static [&'static str], u8)>,
    scene: LandscapeScene,
}

/// The exposure of an example photo. The numbers are, in this order: `n` of the exposure time 1/`n`
/// s, ten times the f-number, ISO, the focal length in millimetres, and its 35 mm equivalent.
struct ExampleExposure(u32, u32, u16, u32, u16);

/// The colours of a landscape from top to bottom, each as red, green and blue, and the position of
/// the sun. The position is in hundredths of the width and of the height.
struct LandscapeScene {
    zenith: [u8; 3],
    horizon: [u8; 3],
    hills: [[u8; 3]; 3],
    sun: [i32; 2],
}

const PLAIN: ExampleShot = ExampleShot {
    file: "",
    taken: None,
    fraction: None,
    offset: None,
    make: "",
    model: "",
    serial: None,
    lens: None,
    exposure: ExampleExposure(125, 80, 200, 35, 35),
    place: None,
    satellites: None,
    orientation: 1,
    words: None,
    scene: WINTER,
};

const WINTER: LandscapeScene = LandscapeScene {
    zenith: [96, 142, 190],
    horizon: [236, 228, 220],
    hills: [[178, 192, 208], [128, 150, 172], [236, 240, 244]],
    sun: [22, 40],
};
const DUSK: LandscapeScene = LandscapeScene {
    zenith: [44, 40, 92],
    horizon: [246, 148, 96],
    hills: [[120, 72, 112], [78, 48, 92], [36, 26, 56]],
    sun: [70, 56],
};
const SEA: LandscapeScene = LandscapeScene {
    zenith: [58, 132, 200],
    horizon: [206, 232, 240],
    hills: [[88, 160, 176], [40, 122, 148], [222, 204, 156]],
    sun: [80, 18],
};
const NIGHT: LandscapeScene = LandscapeScene {
    zenith: [8, 12, 36],
    horizon: [44, 60, 110],
    hills: [[28, 38, 74], [18, 26, 54], [10, 14, 30]],
    sun: [30, 20],
};
const SPRING: LandscapeScene = LandscapeScene {
    zenith: [124, 184, 226],
    horizon: [248, 224, 232],
    hills: [[232, 168, 190], [146, 188, 120], [92, 150, 84]],
    sun: [50, 26],
};
const AUTUMN: LandscapeScene = LandscapeScene {
    zenith: [146, 174, 196],
    horizon: [246, 232, 196],
    hills: [[214, 146, 62], [178, 92, 40], [108, 60, 34]],
    sun: [34, 44],
};
const JUNGLE: LandscapeScene = LandscapeScene {
    zenith: [92, 190, 206],
    horizon: [232, 246, 214],
    hills: [[112, 176, 112], [52, 132, 82], [22, 84, 58]],
    sun: [62, 22],
};
const DESERT: LandscapeScene = LandscapeScene {
    zenith: [70, 128, 188],
    horizon: [250, 214, 164],
    hills: [[226, 158, 104], [198, 118, 72], [154, 82, 54]],
    sun: [16, 30],
};
const MONOCHROME: LandscapeScene = LandscapeScene {
    zenith: [104, 104, 104],
    horizon: [226, 226, 226],
    hills: [[164, 164, 164], [108, 108, 108], [52, 52, 52]],
    sun: [58, 34],
};
const MEADOW: LandscapeScene = LandscapeScene {
    zenith: [104, 162, 214],
    horizon: [226, 238, 232],
    hills: [[150, 186, 130], [176, 196, 84], [216, 190, 60]],
    sun: [86, 28],
};
const FOG: LandscapeScene = LandscapeScene {
    zenith: [166, 178, 186],
    horizon: [222, 224, 222],
    hills: [[196, 204, 204], [160, 172, 174], [192, 92, 62]],
    sun: [44, 30],
};

/// All example files: first those with EXIF in the order of their days, then the two without EXIF.
pub static SHOTS: [ExampleShot; 14] = [
    // One camera uses the same numbers on two cards: two photos with one name and one day.
    ExampleShot {
        file: "card1/DSC_0001.JPG",
        taken: Some("2018:02:01 09:41:07"),
        fraction: Some("67"),
        make: "NIKON CORPORATION",
        model: "NIKON D750",
        serial: Some("6012345"),
        lens: Some("24.0-120.0 mm f/4.0"),
        exposure: ExampleExposure(250, 80, 100, 34, 34),
        scene: WINTER,
        ..PLAIN
    },
    ExampleShot {
        file: "card2/DSC_0001.JPG",
        taken: Some("2018:02:01 17:20:31"),
        fraction: Some("12"),
        make: "NIKON CORPORATION",
        model: "NIKON D750",
        serial: Some("6012345"),
        lens: Some("50.0 mm f/1.8"),
        exposure: ExampleExposure(60, 20, 800, 50, 50),
        scene: DUSK,
        ..PLAIN
    },
    ExampleShot {
        file: "exports/P1020384.png",
        taken: Some("2019:08:24 13:05:50"),
        make: "Panasonic",
        model: "DC-GX9",
        lens: Some("LUMIX G 20/F1.7 II"),
        exposure: ExampleExposure(1000, 56, 200, 20, 40),
        scene: SEA,
        ..PLAIN
    },
    ExampleShot {
        file: "fuji/DSCF2210.JPG",
        taken: Some("2020:10:18 11:32:09"),
        make: "FUJIFILM",
        model: "X-T4",
        lens: Some("XF16-55mmF2.8 R LM WR"),
        exposure: ExampleExposure(180, 56, 160, 23, 35),
        words: Some((
            "Beech wood in October",
            &["autumn", "forest", "Buchenwald & Söhne"],
            4,
        )),
        scene: AUTUMN,
        ..PLAIN
    },
    ExampleShot {
        file: "canon/IMG_2041.JPG",
        taken: Some("2021:06:12 18:05:44"),
        fraction: Some("08"),
        offset: Some("+02:00"),
        make: "Canon",
        model: "Canon EOS R6",
        serial: Some("023021000456"),
        lens: Some("RF24-105mm F4 L IS USM"),
        exposure: ExampleExposure(500, 71, 400, 70, 70),
        scene: MEADOW,
        ..PLAIN
    },
    // The file has no offset. The offset follows from the GPS receiver's clock. The place is the
    // Parque Ibirapuera in São Paulo: its latitude is south and its longitude is west.
    ExampleShot {
        file: "sony/DSC04711.JPG",
        taken: Some("2021:11:20 10:15:02"),
        make: "SONY",
        model: "ILCE-7M3",
        lens: Some("FE 24-70mm F2.8 GM"),
        exposure: ExampleExposure(320, 80, 100, 24, 24),
        place: Some((-23.587_4, -46.657_6, 745)),
        satellites: Some(("2021:11:20", [13, 15, 0])),
        scene: JUNGLE,
        ..PLAIN
    },
    // The time is twelve minutes after midnight in summer. In UTC it is still the previous day. The
    // place is the Tiergarten in Berlin.
    ExampleShot {
        file: "phone/IMG_0412.JPG",
        taken: Some("2022:07:16 00:12:31"),
        fraction: Some("421"),
        offset: Some("+02:00"),
        make: "Apple",
        model: "iPhone 12",
        lens: Some("iPhone 12 back dual wide camera 4.2mm f/1.6"),
        exposure: ExampleExposure(15, 16, 1250, 4, 26),
        place: Some((52.514_5, 13.350_1, 36)),
        scene: NIGHT,
        ..PLAIN
    },
    // The phone was held upright: the pixels lie on their side, and orientation 6 turns them. The
    // place is Ueno Park in Tokyo.
    ExampleShot {
        file: "phone/IMG_0977.JPG",
        taken: Some("2023:04:09 12:48:19"),
        fraction: Some("903"),
        offset: Some("+09:00"),
        make: "Apple",
        model: "iPhone 12",
        lens: Some("iPhone 12 back dual wide camera 4.2mm f/1.6"),
        exposure: ExampleExposure(1400, 16, 32, 4, 26),
        place: Some((35.714_8, 139.773_7, 17)),
        orientation: 6,
        scene: SPRING,
        ..PLAIN
    },
    // Two files of one shot. They are one photo with two parts.
    ExampleShot {
        file: "leica/L1000123.DNG",
        ..LEICA
    },
    ExampleShot {
        file: "leica/L1000123.JPG",
        ..LEICA
    },
    ExampleShot {
        file: "olympus/P6050077.JPG",
        taken: Some("2024:06:05 19:59:59"),
        make: "OLYMPUS CORPORATION",
        model: "E-M1MarkII",
        lens: Some("OLYMPUS M.12-40mm F2.8"),
        exposure: ExampleExposure(640, 56, 200, 12, 24),
        scene: DESERT,
        ..PLAIN
    },
    // The place is Golden Gate Park in San Francisco.
    ExampleShot {
        file: "nikon/DSC_8210.JPG",
        taken: Some("2024:08:12 07:30:55"),
        fraction: Some("35"),
        offset: Some("-07:00"),
        make: "NIKON CORPORATION",
        model: "NIKON Z 6",
        serial: Some("3009876"),
        lens: Some("NIKKOR Z 14-30mm f/4 S"),
        exposure: ExampleExposure(160, 110, 100, 14, 14),
        place: Some((37.769_4, -122.486_2, 65)),
        scene: FOG,
        ..PLAIN
    },
    // Messengers remove EXIF. Only the file name contains a day.
    ExampleShot {
        file: "received/20240229_121530.jpg",
        scene: LandscapeScene {
            sun: [34, 30],
            ..SEA
        },
        ..PLAIN
    },
    // The photo has no date at all, and is archived as undated.
    ExampleShot {
        file: "received/from-a-friend.jpg",
        scene: LandscapeScene {
            sun: [12, 34],
            ..DUSK
        },
        ..PLAIN
    },
];

const LEICA: ExampleShot = ExampleShot {
    taken: Some("2023:12:27 15:04:36"),
    fraction: Some("25"),
    make: "LEICA CAMERA AG",
    model: "LEICA Q2",
    serial: Some("5401234"),
    lens: Some("SUMMILUX 1:1.7/28 ASPH."),
    exposure: ExampleExposure(250, 40, 200, 28, 28),
    scene: MONOCHROME,
    ..PLAIN
};

/// Draws one example file and returns its bytes.
pub fn file(shot: &ExampleShot) -> DrawnFile {
    if shot.file.ends_with(".DNG") {
        return dng(shot);
    }
    if shot.file.ends_with(".png") {
        return png(shot);
    }
    // A phone's sensor lies on its side. Orientation 6 turns the picture a quarter to the right.
    let picture = if shot.orientation == 6 {
        imageops::rotate270(&draw(&shot.scene, 320, 480))
    } else {
        draw(&shot.scene, 480, 320)
    };
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(&picture)?;
    if let Some(metadata) = metadata(shot, 480, 320) {
        metadata.write_to_vec(&mut bytes, FileExtension::JPEG)?;
    }
    if let Some(packet) = xmp(shot) {
        // The segment follows the start of the image. Its length includes the length field (JPEG
        // B.1.1.4).
        let name = b"http://ns.adobe.com/xap/1.0/\0";
        let length = u16::try_from(2 + name.len() + packet.len())?.to_be_bytes();
        let segment = [&[0xff, 0xe1], &length[..], name, packet.as_bytes()].concat();
        bytes.splice(2..2, segment);
    }
    Ok(bytes)
}

/// Returns the EXIF of an example file, or `None` if the file has none.
fn metadata(shot: &ExampleShot, width: u32, height: u32) -> Option<Metadata> {
    let taken = shot.taken?;
    let ExampleExposure(shutter, f_number, iso, focal, equivalent) = shot.exposure;
    let mut metadata = Metadata::new();
    let mut set = |tag| metadata.set_tag(tag);
    set(ExifTag::Make(shot.make.to_owned()));
    set(ExifTag::Model(shot.model.to_owned()));
    set(ExifTag::Orientation(vec![shot.orientation]));
    set(ExifTag::ModifyDate(taken.to_owned()));
    set(ExifTag::Copyright(
        "The photo-catalogue authors, MIT OR Apache-2.0".to_owned(),
    ));
    set(ExifTag::ExifVersion(b"0232".to_vec()));
    set(ExifTag::DateTimeOriginal(taken.to_owned()));
    set(ExifTag::CreateDate(taken.to_owned()));
    if let Some(fraction) = shot.fraction {
        set(ExifTag::SubSecTimeOriginal(fraction.to_owned()));
    }
    if let Some(offset) = shot.offset {
        set(ExifTag::OffsetTimeOriginal(offset.to_owned()));
    }
    set(ExifTag::ExposureTime(vec![ratio(1, shutter)]));
    set(ExifTag::FNumber(vec![ratio(f_number, 10)]));
    set(ExifTag::ISO(vec![iso]));
    set(ExifTag::Flash(vec![0]));
    set(ExifTag::FocalLength(vec![ratio(focal, 1)]));
    set(ExifTag::FocalLengthIn35mmFormat(vec![equivalent]));
    set(ExifTag::ExifImageWidth(vec![width]));
    set(ExifTag::ExifImageHeight(vec![height]));
    if let Some(serial) = shot.serial {
        set(ExifTag::SerialNumber(serial.to_owned()));
    }
    if let Some(lens) = shot.lens {
        set(ExifTag::LensModel(lens.to_owned()));
    }
    if let Some((north, east, above)) = shot.place {
        set(ExifTag::GPSVersionID(vec![2, 3, 0, 0]));
        set(ExifTag::GPSLatitudeRef(
            if north < 0.0 { "S" } else { "N" }.to_owned(),
        ));
        set(ExifTag::GPSLatitude(sexagesimal(north)));
        set(ExifTag::GPSLongitudeRef(
            if east < 0.0 { "W" } else { "E" }.to_owned(),
        ));
        set(ExifTag::GPSLongitude(sexagesimal(east)));
        set(ExifTag::GPSAltitudeRef(vec![0]));
        set(ExifTag::GPSAltitude(vec![ratio(above, 1)]));
    }
    if let Some((day, time)) = shot.satellites {
        set(ExifTag::GPSTimeStamp(
            time.iter().map(|&part| ratio(part, 1)).collect(),
        ));
        set(ExifTag::GPSDateStamp(day.to_owned()));
    }
    Some(metadata)
}

fn ratio(nominator: u32, denominator: u32) -> uR64 {
    uR64 {
        nominator,
        denominator,
    }
}

/// Converts an angle in degrees to whole degrees, whole minutes, and seconds with two decimals
/// (EXIF 3.0 4.6.7.1.3).
fn sexagesimal(degrees: f64) -> Vec<uR64> {
    let hundredths = (degrees.abs() * 360_000.0).round() as u32;
    vec![
        ratio(hundredths / 360_000, 1),
        ratio(hundredths / 6_000 % 60, 1),
        ratio(hundredths % 6_000, 100),
    ]
}

/// Returns an XMP packet (ISO 16684-1) with the title, the keywords and the rating of a file.
fn xmp(shot: &ExampleShot) -> Option<String> {
    let (title, keywords, stars) = shot.words?;
    let keywords: String = keywords
        .iter()
        .map(|keyword| format!("<rdf:li>{}</rdf:li>", keyword.replace('&', "&amp;")))
        .collect();
    Some(format!(
        r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{stars}"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title><dc:subject><rdf:Bag>{keywords}</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>"#
    ))
}

/// Returns a PNG with its EXIF in an eXIf chunk before the pixels (PNG third edition, 11.3.4.5).
fn png(shot: &ExampleShot) -> DrawnFile {
    const AFTER_IHDR: usize = 8 + 12 + 13;
    let picture = draw(&shot.scene, 240, 160);
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, ImageFormat::Png)?;
    let mut bytes = bytes.into_inner();
    if let Some(metadata) = metadata(shot, 240, 160) {
        let exif = metadata.encode()?;
        let mut chunk = u32::try_from(exif.len())?.to_be_bytes().to_vec();
        chunk.extend(b"eXIf");
        chunk.extend(exif);
        chunk.extend(crc32(&chunk[4..]).to_be_bytes());
        bytes.splice(AFTER_IHDR..AFTER_IHDR, chunk);
    }
    Ok(bytes)
}

/// Returns the checksum of a PNG chunk (PNG third edition, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

/// Returns a RAW file that is small enough to commit. It is a linear DNG: a TIFF with
/// PhotometricInterpretation LinearRaw (DNG 1.4).
fn dng(shot: &ExampleShot) -> DrawnFile {
    let picture = draw(&shot.scene, 120, 80);
    let (width, height) = picture.dimensions();
    let strip = picture.into_raw();
    let raw = ExifTagGroup::GENERIC;
    let mut metadata = metadata(shot, width, height).ok_or("a RAW file has EXIF")?;
    for tag in [
        ExifTag::ImageWidth(vec![width]),
        ExifTag::ImageHeight(vec![height]),
        ExifTag::BitsPerSample(vec![8, 8, 8]),
        ExifTag::Compression(vec![1]),
        ExifTag::PhotometricInterpretation(vec![34_892]),
        ExifTag::SamplesPerPixel(vec![3]),
        ExifTag::RowsPerStrip(vec![height]),
        ExifTag::PlanarConfiguration(vec![1]),
        ExifTag::XResolution(vec![ratio(300, 1)]),
        ExifTag::YResolution(vec![ratio(300, 1)]),
        ExifTag::ResolutionUnit(vec![2]),
        ExifTag::StripByteCounts(vec![u32::try_from(strip.len())?]),
        ExifTag::StripOffsets(Vec::new(), vec![strip]),
        ExifTag::UnknownINT8U(vec![1, 4, 0, 0], 0xc612, raw),
        ExifTag::UnknownINT8U(vec![1, 1, 0, 0], 0xc613, raw),
        ExifTag::UnknownSTRING(shot.model.to_owned(), 0xc614, raw),
    ] {
        metadata.set_tag(tag);
    }
    Ok(metadata.encode()?)
}

/// Draws a landscape with sky, sun and three ranges of hills. Uses only basic arithmetic, so the
/// result is the same on every machine.
fn draw(scene: &LandscapeScene, width: u32, height: u32) -> RgbImage {
    let (across, down) = (f64::from(width), f64::from(height));
    let sun_x = across * f64::from(scene.sun[0]) / 100.0;
    let sun_y = down * f64::from(scene.sun[1]) / 100.0;
    let radius = across.min(down) / 14.0;
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x), f64::from(y));
        // The hills depend on the sun's position, so they differ between scenes.
        let (u, v) = (x / across + f64::from(scene.sun[0]) * 0.037, y / down);
        let nearest = (0..3).rev().find(|&range| v > ridge(range, u));
        let Some(range) = nearest else {
            let sky = mix(scene.zenith, scene.horizon, v / 0.7);
            let distance = (x - sun_x) * (x - sun_x) + (y - sun_y) * (y - sun_y);
            let glow = 1.0 - distance / (radius * radius * 16.0);
            let near = if distance < radius * radius {
                0.9
            } else {
                glow.max(0.0) * 0.35
            };
            return Rgb(mix(sky, [255, 250, 226], near));
        };
        let below = v - ridge(range, u);
        Rgb(mix(scene.hills[range], scene.horizon, 0.25 - below))
    })
}

/// Returns the height of the crest of a range of hills, as a distance from the top of the picture:
/// 0 is the top and 1 is the bottom. `u` is the horizontal position. Range 2 is the nearest.
fn ridge(range: usize, u: f64) -> f64 {
    let (base, height, waves, shift) = [
        (0.58, 0.16, 2.3, 0.1),
        (0.70, 0.12, 1.6, 0.45),
        (0.86, 0.1, 0.9, 0.8),
    ][range];
    base - height * wave(u * waves + shift) - height * 0.25 * wave(u * waves * 3.7 + shift)
}

/// Returns the value of a wave at the position `turns`. The wave repeats after 1, its values are
/// between 0 and 1, and it consists of parabolas.
fn wave(turns: f64) -> f64 {
    let t = (turns - turns.floor()) * 2.0 - 1.0;
    let bend = 4.0 * t * (1.0 - t.abs());
    (bend + 1.0) / 2.0
}

fn mix(from: [u8; 3], to: [u8; 3], share: f64) -> [u8; 3] {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|channel| {
        let (from, to) = (f64::from(from[channel]), f64::from(to[channel]));
        (from + (to - from) * share).round() as u8
    })
}
