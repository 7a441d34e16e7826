//! A scanner over every public byte of pictures. The files contain secrets in every place that the
//! test can write: positions, places, serial numbers, owners and contacts. The gallery must serve
//! none of them, under any location policy.

use std::io::Cursor;

use exif::{Context, Tag};
use image::{DynamicImage, ImageFormat, RgbImage};
use moxcms::{ColorProfile, LocalizableString, ProfileText};
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::privacy::{LocationPolicy, Privacy};

use super::fixture::Shot;
use super::pictures::{PictureFixture, RAW_HEAD};

/// Secret texts: serial numbers of body and lens, an owner, contacts, places and notes.
const SECRET_TEXTS: [&str; 9] = [
    "BODY-4711004",
    "LENS-0815123",
    "Olga Ownerova",
    "olga@secret.example",
    "Kleinkleckersdorf",
    "Geheimgasse 7",
    "HOST-of-olga",
    "NOTE-by-maker",
    "PROFILE-of-olga",
];
/// A secret position: where the subject is, or where the picture was edited.
const SECRET_PLACE: (f64, f64) = (47.123_456, 8.654_321);
/// The recorded position of the photo. The location policy decides about it.
const PHOTO_PLACE: (f64, f64) = (45.471_234, -73.645_678);

/// Tags that the Exif reader does not name. [TIFF 6.0; TIFF/EP; Exif 3.0; DNG 1.7]
const HOST_COMPUTER: Tag = Tag(Context::Tiff, 0x013c);
const IPTC_RECORDS: Tag = Tag(Context::Tiff, 0x83bb);
const EXIF_IFD: Tag = Tag(Context::Tiff, 0x8769);
const GPS_IFD: Tag = Tag(Context::Tiff, 0x8825);
const XP_AUTHOR: Tag = Tag(Context::Tiff, 0x9c9d);
const DNG_SERIAL: Tag = Tag(Context::Tiff, 0xc62f);

/// One tag of an IFD: tag, type, count and value in little-endian order.
type SecretTag = (Tag, u16, u32, Vec<u8>);

fn text_tag(tag: Tag, text: &str) -> SecretTag {
    let value = [text.as_bytes(), &[0]].concat();
    (tag, 2, value.len() as u32, value)
}

fn bytes_tag(tag: Tag, value_type: u16, value: Vec<u8>) -> SecretTag {
    (tag, value_type, value.len() as u32, value)
}

fn rationals(values: &[(u32, u32)], to_bytes: fn(u32) -> [u8; 4]) -> Vec<u8> {
    let numbers = values.iter().flat_map(|(above, below)| [*above, *below]);
    numbers.flat_map(to_bytes).collect()
}

/// Returns an angle as degrees, minutes and seconds, as cameras write it.
fn angle(degrees: f64) -> [(u32, u32); 3] {
    let seconds = degrees.abs() * 3600.0;
    let minutes = (seconds / 60.0).floor();
    let rest = ((seconds - minutes * 60.0) * 10_000.0).round() as u32;
    let minutes = minutes as u32;
    [(minutes / 60, 1), (minutes % 60, 1), (rest, 10_000)]
}

fn rational_tag(tag: Tag, values: &[(u32, u32)]) -> SecretTag {
    let value = rationals(values, u32::to_le_bytes);
    (tag, 5, values.len() as u32, value)
}

/// Appends an IFD to a TIFF structure, and the number of the next IFD.
fn append_ifd(tiff: &mut Vec<u8>, tags: &[SecretTag], next: u32) {
    let mut values: Vec<u8> = Vec::new();
    let values_at = tiff.len() + 2 + tags.len() * 12 + 4;
    tiff.extend((tags.len() as u16).to_le_bytes());
    for (tag, value_type, count, value) in tags {
        tiff.extend(
            [
                &tag.number().to_le_bytes()[..],
                &value_type.to_le_bytes(),
                &count.to_le_bytes(),
            ]
            .concat(),
        );
        if value.len() <= 4 {
            tiff.extend([value, &vec![0; 4 - value.len()][..]].concat());
        } else {
            tiff.extend(((values_at + values.len()) as u32).to_le_bytes());
            values.extend(value);
        }
    }
    tiff.extend(next.to_le_bytes());
    tiff.extend(values);
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

/// Returns all GPS tags: the position of the photo, and secrets in the others.
fn gps_tags() -> Vec<SecretTag> {
    let [body, .., street, _, _, _] = SECRET_TEXTS;
    let area = [b"UNICODE\0", &utf16(street, u16::to_le_bytes)[..]].concat();
    vec![
        bytes_tag(Tag::GPSVersionID, 1, vec![2, 3, 0, 0]),
        text_tag(Tag::GPSLatitudeRef, "N"),
        rational_tag(Tag::GPSLatitude, &angle(PHOTO_PLACE.0)),
        text_tag(Tag::GPSLongitudeRef, "W"),
        rational_tag(Tag::GPSLongitude, &angle(PHOTO_PLACE.1)),
        rational_tag(Tag::GPSAltitude, &[(31_415, 100)]),
        rational_tag(Tag::GPSTimeStamp, &[(12, 1), (34, 1), (56_789, 1000)]),
        text_tag(Tag::GPSSatellites, body),
        text_tag(Tag::GPSMapDatum, street),
        text_tag(Tag::GPSDestLatitudeRef, "N"),
        rational_tag(Tag::GPSDestLatitude, &angle(SECRET_PLACE.0)),
        text_tag(Tag::GPSDestLongitudeRef, "E"),
        rational_tag(Tag::GPSDestLongitude, &angle(SECRET_PLACE.1)),
        rational_tag(Tag::GPSDestBearing, &[(27_182, 100)]),
        rational_tag(Tag::GPSDestDistance, &[(16_180, 100)]),
        bytes_tag(Tag::GPSProcessingMethod, 7, area.clone()),
        bytes_tag(Tag::GPSAreaInformation, 7, area),
        text_tag(Tag::GPSDateStamp, "2018:02:01"),
        rational_tag(Tag::GPSHPositioningError, &[(14_142, 100)]),
    ]
}

/// Returns Exif data with all GPS tags, serial numbers, owners, maker notes and a thumbnail.
fn exif(orientation: u8) -> Vec<u8> {
    let [body, lens, owner, contact, city, _, host, note, _] = SECRET_TEXTS;
    let position = format!("{},{}", SECRET_PLACE.0, SECRET_PLACE.1);
    let numbers = [SECRET_PLACE.0, SECRET_PLACE.1]
        .map(f64::to_le_bytes)
        .concat();
    let note = [note.as_bytes(), position.as_bytes(), &numbers].concat();
    let comment = [b"UNICODE\0", &utf16(city, u16::to_be_bytes)[..]].concat();
    let gps = gps_tags();
    let exif = vec![
        bytes_tag(Tag::MakerNote, 7, note),
        bytes_tag(Tag::UserComment, 7, comment),
        text_tag(Tag::ImageUniqueID, body),
        text_tag(Tag::CameraOwnerName, owner),
        text_tag(Tag::BodySerialNumber, body),
        text_tag(Tag::LensSerialNumber, lens),
    ];
    let thumbnail = [b"\xff\xd8\xff\xe1", body.as_bytes(), b"\xff\xd9"].concat();
    let ifd0 = |exif_at: u32, gps_at: u32| {
        vec![
            text_tag(Tag::ImageDescription, city),
            (Tag::Orientation, 3, 1, vec![orientation, 0]),
            text_tag(Tag::Artist, contact),
            text_tag(HOST_COMPUTER, host),
            bytes_tag(IPTC_RECORDS, 7, iptc()),
            (EXIF_IFD, 4, 1, exif_at.to_le_bytes().to_vec()),
            (GPS_IFD, 4, 1, gps_at.to_le_bytes().to_vec()),
            bytes_tag(XP_AUTHOR, 1, utf16(owner, u16::to_le_bytes)),
            text_tag(DNG_SERIAL, body),
        ]
    };
    let header = b"II*\0\x08\0\0\0".to_vec();
    let mut probe = header.clone();
    append_ifd(&mut probe, &ifd0(0, 0), 0);
    let exif_at = probe.len() as u32;
    append_ifd(&mut probe, &exif, 0);
    let gps_at = probe.len() as u32;
    append_ifd(&mut probe, &gps, 0);
    let thumbnail_at = probe.len() as u32;
    let mut tiff = header;
    append_ifd(&mut tiff, &ifd0(exif_at, gps_at), thumbnail_at);
    append_ifd(&mut tiff, &exif, 0);
    append_ifd(&mut tiff, &gps, 0);
    let data_at = thumbnail_at + 2 + 2 * 12 + 4;
    let thumbnail_tags = [
        (
            Tag::JPEGInterchangeFormat,
            4,
            1,
            data_at.to_le_bytes().to_vec(),
        ),
        (
            Tag::JPEGInterchangeFormatLength,
            4,
            1,
            (thumbnail.len() as u32).to_le_bytes().to_vec(),
        ),
    ];
    append_ifd(&mut tiff, &thumbnail_tags, 0);
    tiff.extend(thumbnail);
    tiff
}

/// Returns IPTC records with an address and contacts.
fn iptc() -> Vec<u8> {
    let [_, _, owner, contact, city, street, ..] = SECRET_TEXTS;
    let records = [(80, owner), (90, city), (92, street), (118, contact)];
    let record = |(number, text): (u8, &str)| {
        [&[0x1c, 2, number, 0, text.len() as u8], text.as_bytes()].concat()
    };
    records.map(record).concat()
}

/// Returns XMP with positions, created and shown locations, serial numbers and contacts.
fn xmp() -> String {
    let [body, lens, owner, contact, city, street, ..] = SECRET_TEXTS;
    let coordinate = |value: f64, letters: [char; 2]| {
        let letter = letters[usize::from(value < 0.0)];
        let value = value.abs();
        format!("{},{:.6}{letter}", value.floor(), value.fract() * 60.0)
    };
    let latitude = coordinate(SECRET_PLACE.0, ['N', 'S']);
    let longitude = coordinate(SECRET_PLACE.1, ['E', 'W']);
    let place = format!(
        "<rdf:Bag><rdf:li Iptc4xmpExt:City='{city}' Iptc4xmpExt:Sublocation='{street}' \
         exif:GPSLatitude='{latitude}' exif:GPSLongitude='{longitude}'/></rdf:Bag>"
    );
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description \
         exif:GPSLatitude='{latitude}' exif:GPSLongitude='{longitude}' \
         exif:GPSDestLatitude='{latitude}' exif:GPSDestLongitude='{longitude}' \
         drone-dji:GpsLatitude='{}' drone-dji:GpsLongitude='{}' \
         aux:SerialNumber='{body}' aux:LensSerialNumber='{lens}' aux:OwnerName='{owner}' \
         photoshop:City='{city}' Iptc4xmpCore:Location='{street}'>\
         <Iptc4xmpExt:LocationCreated>{place}</Iptc4xmpExt:LocationCreated>\
         <Iptc4xmpExt:LocationShown>{place}</Iptc4xmpExt:LocationShown>\
         <Iptc4xmpCore:CreatorContactInfo Iptc4xmpCore:CiEmailWork='{contact}'/>\
         </rdf:Description></rdf:RDF></x:xmpmeta>",
        SECRET_PLACE.0, SECRET_PLACE.1,
    )
}

/// Returns a colour profile whose texts contain a secret.
fn profile() -> Vec<u8> {
    let secret = SECRET_TEXTS[8];
    let text = LocalizableString::new("en".into(), "US".into(), secret.into());
    let mut profile = ColorProfile::new_adobe_rgb();
    profile.description = Some(ProfileText::Localizable(vec![text]));
    profile.copyright = Some(ProfileText::PlainString(secret.into()));
    let mut profile = profile.encode().expect("encoded");
    // The reserved bytes of the header.
    profile[100..115].copy_from_slice(&secret.as_bytes()[..15]);
    profile
}

/// Returns bytes as phones append them to a picture: a film with a position, and texts.
fn trailer() -> Vec<u8> {
    let (lat, lon) = SECRET_PLACE;
    let texts = SECRET_TEXTS.join("\n");
    let film = format!("\0\0\0\x18ftypmp42MotionPhoto_Data\u{a9}xyz+{lat}+{lon}/{texts}SEFT");
    film.into_bytes()
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8 * 3, y as u8 * 5, 99]));
    let mut file = Vec::new();
    DynamicImage::from(image)
        .write_to(&mut Cursor::new(&mut file), format)
        .expect("encoded");
    file
}

fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
    let data = parts.concat();
    let length = (data.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], &length[..], &data].concat()
}

fn jpeg() -> Vec<u8> {
    let plain = encoded(ImageFormat::Jpeg);
    let xmp = xmp();
    let extended = [&[b'0'; 32][..], &[0; 8], xmp.as_bytes()].concat();
    let block = [
        b"8BIM\x04\x04\0\0",
        &(iptc().len() as u32).to_be_bytes()[..],
        &iptc(),
    ]
    .concat();
    let all = SECRET_TEXTS.join(" ");
    let metadata = [
        segment(0xe1, &[b"Exif\0\0", &exif(6)]),
        segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()]),
        segment(0xe1, &[b"http://ns.adobe.com/xmp/extension/\0", &extended]),
        segment(0xe2, &[b"MPF\0", all.as_bytes()]),
        segment(0xe2, &[b"ICC_PROFILE\0\x01\x01", &profile()]),
        segment(0xe4, &[all.as_bytes()]),
        segment(0xe5, &[b"SAMSUNG\0", all.as_bytes()]),
        segment(0xed, &[b"Photoshop 3.0\0", &block]),
        segment(0xef, &[all.as_bytes()]),
        segment(0xfe, &[all.as_bytes()]),
    ];
    let second = [&[0xff, 0xd8][..], &metadata.concat(), &plain[2..]].concat();
    [&second[..], &second, &trailer()].concat()
}

fn png_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checksum = flate2::Crc::new();
    checksum.update(name);
    checksum.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length[..], name, data, &checksum.sum().to_be_bytes()].concat()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut encoder, bytes).expect("written");
    encoder.finish().expect("compressed")
}

fn png() -> Vec<u8> {
    const SIGNATURE_AND_HEADER: usize = 8 + 25;
    let plain = encoded(ImageFormat::Png);
    let (head, rest) = plain.split_at(SIGNATURE_AND_HEADER);
    let pixels = &rest[..rest.len() - 12];
    let all = SECRET_TEXTS.join(" ");
    let name = SECRET_TEXTS[8].as_bytes();
    let xmp = [b"XML:com.adobe.xmp\0\0\0\0\0", xmp().as_bytes()].concat();
    let compressed = [b"Comment\0\0", &deflate(all.as_bytes())[..]].concat();
    [
        head,
        &png_chunk(b"iCCP", &[name, &[0, 0], &deflate(&profile())].concat()),
        &png_chunk(b"eXIf", &exif(6)),
        &png_chunk(b"iTXt", &xmp),
        &png_chunk(b"tEXt", &[b"Author\0", all.as_bytes()].concat()),
        &png_chunk(b"zTXt", &compressed),
        &png_chunk(b"sPLT", &[name, b"\0\x08"].concat()),
        pixels,
        &png_chunk(b"tEXt", &[b"Comment\0", all.as_bytes()].concat()),
        &png_chunk(b"IEND", all.as_bytes()),
        &trailer(),
    ]
    .concat()
}

fn webp_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len() % 2 == 1 { b"B" } else { b"" };
    [&name[..], &(data.len() as u32).to_le_bytes(), data, padding].concat()
}

fn webp() -> Vec<u8> {
    let pixels = &encoded(ImageFormat::WebP)[12..];
    let all = SECRET_TEXTS.join(" ");
    let chunks = [
        webp_chunk(b"VP8X", &[0x2c, 0, 0, 0, 63, 0, 0, 47, 0, 0]),
        webp_chunk(b"ICCP", &profile()),
        webp_chunk(b"NOTE", all.as_bytes()),
        pixels.to_vec(),
        webp_chunk(b"EXIF", &exif(6)),
        webp_chunk(b"XMP ", xmp().as_bytes()),
    ]
    .concat();
    let size = (chunks.len() as u32 + 4).to_le_bytes();
    [b"RIFF", &size[..], b"WEBP", &chunks, &trailer()].concat()
}

/// Returns every form in which a secret could be in a file, with a description.
fn secret_forms() -> Vec<(String, Vec<u8>)> {
    let mut forms = Vec::new();
    for text in SECRET_TEXTS {
        forms.push((text.to_owned(), text.as_bytes().to_vec()));
        forms.push((format!("{text} (UTF-16LE)"), utf16(text, u16::to_le_bytes)));
        forms.push((format!("{text} (UTF-16BE)"), utf16(text, u16::to_be_bytes)));
    }
    for value in [SECRET_PLACE.0, SECRET_PLACE.1, PHOTO_PLACE.0, PHOTO_PLACE.1] {
        let minutes = format!("{:.6}", value.abs().fract() * 60.0);
        let mut form = |kind: &str, bytes: Vec<u8>| forms.push((format!("{value} {kind}"), bytes));
        form("as minutes", minutes.into_bytes());
        form("as rationals", rationals(&angle(value), u32::to_le_bytes));
        form("as rationals", rationals(&angle(value), u32::to_be_bytes));
        form("as a double", value.to_le_bytes().to_vec());
        form("as a double", value.to_be_bytes().to_vec());
        form("as a float", (value as f32).to_le_bytes().to_vec());
        form("as a float", (value as f32).to_be_bytes().to_vec());
    }
    let (lat, lon) = SECRET_PLACE;
    forms.push(("latitude".to_owned(), lat.to_string().into_bytes()));
    forms.push(("longitude".to_owned(), lon.to_string().into_bytes()));
    // Altitude, GPS time, direction, bearing, distance and error.
    for value in [31_415_u32, 27_182, 16_180, 14_142] {
        forms.push((
            format!("{value}/100"),
            rationals(&[(value, 100)], u32::to_le_bytes),
        ));
    }
    forms.push((
        "the GPS time".to_owned(),
        rationals(&[(56_789, 1000)], u32::to_le_bytes),
    ));
    forms
}

fn contains(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

/// The files of the photo: extension, media type and bytes. The first three can be stripped.
fn files() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let tiff = exif(1);
    let raw = [vec![b'R'; RAW_HEAD], jpeg()].concat();
    let boxed = |brand: &str| [b"\0\0\0\x18ftyp", brand.as_bytes(), &trailer()].concat();
    vec![
        ("jpg", "image/jpeg", jpeg()),
        ("png", "image/png", png()),
        ("webp", "image/webp", webp()),
        ("CR2", "image/x-canon-cr2", raw),
        ("DNG", "image/x-adobe-dng", tiff.clone()),
        ("tif", "image/tiff", tiff),
        ("heic", "image/heic", boxed("heic")),
        ("avif", "image/avif", boxed("avif")),
        ("jxl", "image/jxl", boxed("jxl ")),
        ("gif", "image/gif", [b"GIF89a", &trailer()[..]].concat()),
    ]
}

/// Starts a gallery with a photo that has all files.
async fn photo_with_all_files(privacy: Privacy) -> (PictureFixture, PhotoItem) {
    let fixture = PictureFixture::new(privacy).await;
    let (lat, lon) = PHOTO_PLACE;
    let shot = Shot::new("p", "2018-02-01T10:00:00").place(lon, lat, LocationPolicy::Hide);
    let mut item = fixture.gallery.add(&shot).await;
    item.photo.orientation = Some(6);
    item.parts.clear();
    for (extension, mime, bytes) in files() {
        fixture.archive(&mut item, extension, mime, &bytes).await;
    }
    fixture.gallery.put(&item).await;
    (fixture, item)
}

/// Returns the latitude and longitude that an Exif reader finds in a picture, and the names of all
/// its tags.
fn read_exif(picture: &[u8]) -> (Option<(f64, f64)>, Vec<String>) {
    let exif = exif::Reader::new()
        .read_from_container(&mut Cursor::new(picture))
        .expect("Exif");
    let angle = |tag, reference, negative: &[u8]| {
        let exif::Value::Rational(parts) = &exif.get_field(tag, exif::In::PRIMARY)?.value else {
            return None;
        };
        let exif::Value::Ascii(letter) = &exif.get_field(reference, exif::In::PRIMARY)?.value
        else {
            return None;
        };
        let value = parts[0].to_f64() + parts[1].to_f64() / 60.0 + parts[2].to_f64() / 3600.0;
        Some(if letter[0] == negative { -value } else { value })
    };
    let lat = angle(Tag::GPSLatitude, Tag::GPSLatitudeRef, b"S");
    let lon = angle(Tag::GPSLongitude, Tag::GPSLongitudeRef, b"W");
    let names = exif.fields().map(|field| field.tag.to_string()).collect();
    (lat.zip(lon), names)
}

#[test]
fn files_of_the_scanner_contain_all_secrets() {
    let found = |bytes: &[u8]| {
        let forms = secret_forms().into_iter();
        forms.filter(|(_, secret)| contains(bytes, secret)).count()
    };
    for (extension, _, bytes) in files().into_iter().take(4) {
        assert!(found(&bytes) > 25, "{extension}: {}", found(&bytes));
        for secret in SECRET_TEXTS {
            assert!(contains(&bytes, secret.as_bytes()), "{extension}: {secret}");
        }
    }
}

#[tokio::test]
async fn no_byte_of_a_served_file_contains_a_secret() {
    let zones = |zones: &str, policy: LocationPolicy| Privacy {
        home_zones: zones.parse().expect("zones"),
        ..policy.into()
    };
    let rounded = (45.47, -73.65);
    for (privacy, published) in [
        (LocationPolicy::Hide.into(), None),
        (LocationPolicy::Round(2).into(), Some(rounded)),
        (LocationPolicy::Exact.into(), Some(PHOTO_PLACE)),
        (zones("45.4712,-73.6456,500", LocationPolicy::Exact), None),
        (
            zones("45.4712,-73.6456,500", LocationPolicy::Round(2)),
            None,
        ),
        (
            zones("47.123456,8.654321,500", LocationPolicy::Exact),
            Some(PHOTO_PLACE),
        ),
    ] {
        let (fixture, item) = photo_with_all_files(privacy.clone()).await;
        let files = ["jpg", "png", "webp", "CR2?preview=1"];
        for url in files.map(|file| format!("/photos/2018-02-01/p.{file}")) {
            let url = url.as_str();
            let response = fixture.gallery.get(url).await;
            assert_eq!(response.status(), 200, "{url}");
            let headers = format!("{:?}", response.headers());
            let picture = response.bytes().await.expect("a body");
            for part in item.parts.values() {
                assert!(!headers.contains(&part.etag), "{url}: {headers}");
            }
            for (name, secret) in secret_forms() {
                assert!(!contains(&picture, &secret), "{privacy:?} {url}: {name}");
                assert!(!contains(headers.as_bytes(), &secret), "{url}: {name}");
            }
            check_exif(&picture, published, url);
            image::load_from_memory(&picture).expect("decodable");
        }
        check_unlisted_files(&fixture).await;
    }
}

/// Checks that a picture has only the orientation and the published position.
fn check_exif(picture: &[u8], published: Option<(f64, f64)>, url: &str) {
    let (position, names) = read_exif(picture);
    assert_eq!(position.is_some(), published.is_some(), "{url}");
    if let (Some(position), Some(published)) = (position, published) {
        let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert!(
            near(position.0, published.0) && near(position.1, published.1),
            "{url}"
        );
    }
    let allowed = [
        "Orientation",
        "GPSVersionID",
        "GPSLatitudeRef",
        "GPSLatitude",
        "GPSLongitudeRef",
        "GPSLongitude",
    ];
    let count = if published.is_some() {
        allowed.len()
    } else {
        1
    };
    assert_eq!(names, allowed[..count], "{url}");
}

/// Checks that the files that cannot be stripped are refused, and that the refusal contains no
/// secret.
async fn check_unlisted_files(fixture: &PictureFixture) {
    for extension in ["CR2", "DNG", "tif", "heic", "avif", "jxl", "gif"] {
        let path = format!("/photos/2018-02-01/p.{extension}");
        let response = fixture.gallery.get(&path).await;
        assert_eq!(response.status(), 404, "{path}");
        let media_type = response.headers()["content-type"].clone();
        assert_eq!(media_type, "application/problem+json", "{path}");
        let problem = response.bytes().await.expect("a body");
        for (name, secret) in secret_forms() {
            assert!(!contains(&problem, &secret), "{path}: {name}");
        }
    }
}
