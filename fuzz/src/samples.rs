//! One small photo of each container and RAW family, made here byte by byte.
//!
//! They are the seeds of the fuzzer, and the files that the hostile tests break. None of them is
//! from a camera, and none has pixels.

/// The entries of a TIFF directory. Each has a tag, a type, and the bytes of its value.
type Entries<'a> = Vec<(u16, u16, &'a [u8])>;

const XMP: &[u8] = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="4" xmp:CreateDate="2018-02-01T09:41:07+01:00"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">Night &amp; day</rdf:li></rdf:Alt></dc:title><dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li>b</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"#;
/// An IPTC-IIM block with a date and a time, a keyword and a caption.
const IPTC: &[u8] =
    b"\x1c\x02\x37\0\x0820180201\x1c\x02\x3c\0\x0b094107+0100\x1c\x02\x19\0\x03sea\x1c\x02\x78\0\x05waves";

/// A sidecar of Google Takeout.
const TAKEOUT: &[u8] = br#"{"title": "a.jpg", "description": "waves", "photoTakenTime": {"timestamp": "1517474467"}, "geoData": {"latitude": 35.0, "longitude": 135.75, "altitude": 50.5}, "people": [{"name": "Anna"}]}"#;

/// Returns the bytes of one sidecar of each format.
pub fn sidecars() -> [Vec<u8>; 2] {
    [XMP.to_vec(), TAKEOUT.to_vec()]
}

/// Returns the names and the bytes of all samples.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let exif = tiff(b"Canon\0", b"*\0", &[]);
    let mut all = vec![
        ("tiff", exif.clone()),
        ("cr2", cr2()),
        ("big.tiff", big_tiff(&[])),
        ("big.dng", big_tiff(&[(0xc612, 1, 4, 0x0401)])),
        ("jpg", jpeg(&exif)),
        ("gaps.jpg", jpeg_with_gaps(&exif)),
        ("png", png(&exif)),
        ("webp", webp(&exif)),
        ("heic", heic(&exif)),
        ("idat.heic", heic_in_idat(&exif)),
        ("jxl", jxl(&exif)),
        ("jp2", jp2(&exif)),
        ("cr3", cr3()),
        ("crw", crw()),
        ("raf", raf(&exif)),
        ("mrw", mrw(&exif)),
        ("x3f", x3f(&exif)),
        ("psd", psd(&exif)),
        ("gif", b"GIF89a\x03\0\x02\0\0\0\0;".to_vec()),
    ];
    let dng = |version: &'static [u8]| -> Entries<'static> { vec![(0xc612, 1, version)] };
    all.push(("dng", tiff(b"Leica\0", b"*\0", &dng(&[1, 4, 0, 0]))));
    for (name, make) in [
        ("nef", &b"NIKON CORPORATION\0"[..]),
        ("arw", b"SONY\0"),
        ("pef", b"PENTAX\0"),
        ("srw", b"SAMSUNG\0"),
        ("iiq", b"Phase One\0"),
        ("3fr", b"Hasselblad\0"),
        ("kdc", b"EASTMAN KODAK COMPANY\0"),
    ] {
        all.push((name, tiff(make, b"*\0", &[])));
    }
    for (name, make) in [
        ("fuji.jpg", &b"FUJIFILM\0"[..]),
        ("leica.jpg", b"Leica Camera AG\0"),
    ] {
        all.push((name, jpeg(&tiff(make, b"*\0", &[]))));
    }
    all.push(("orf", tiff(b"OLYMPUS IMAGING CORP.\0", b"RO", &[])));
    let inner = jpeg(&exif);
    let borders: Entries<'_> = vec![
        (0x0004, 3, &[1, 0]),
        (0x0005, 3, &[1, 0]),
        (0x0006, 3, &[9, 0]),
        (0x0007, 3, &[9, 0]),
        (0x002e, 7, &inner),
    ];
    all.push(("rw2", tiff(b"Panasonic\0", b"U\0", &borders)));
    all
}

/// Returns the bytes of a TIFF directory whose offset is `start`. The values follow the directory.
/// `next` is the offset of the next directory.
fn directory(start: u32, entries: &Entries<'_>, next: u32) -> Vec<u8> {
    let mut entries = entries.clone();
    entries.sort_by_key(|entry| entry.0);
    let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
    let data = start + 2 + 12 * entries.len() as u32 + 4;
    let mut values = Vec::new();
    for (tag, kind, value) in entries {
        let size = [1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4][usize::from(kind)];
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend((value.len() as u32 / size).to_le_bytes());
        let mut slot = [0; 4];
        if value.len() <= 4 {
            slot[..value.len()].copy_from_slice(value);
        } else {
            slot = (data + values.len() as u32).to_le_bytes();
            values.extend(value);
            values.resize(values.len().next_multiple_of(2), 0);
        }
        bytes.extend(slot);
    }
    bytes.extend(next.to_le_bytes());
    bytes.extend(values);
    bytes
}

fn exif_entries<'a>(note: &'a [u8], interop: &'a [u8]) -> Entries<'a> {
    vec![
        (0x829a, 5, &[1, 0, 0, 0, 250, 0, 0, 0]),
        (0x829d, 5, &[28, 0, 0, 0, 10, 0, 0, 0]),
        (0x8827, 3, &[0x90, 1]),
        (0x9003, 2, b"2018:02:01 09:41:07\0"),
        (0x9011, 2, b"+01:00\0"),
        (0x9291, 2, b"67\0"),
        (0x9204, 10, &[0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0]),
        (0x9209, 3, &[1, 0]),
        (0x927c, 7, note),
        (0x9286, 7, b"UNICODE\0h\0i\0"),
        (0xa002, 4, &[6, 0, 0, 0]),
        (0xa003, 4, &[4, 0, 0, 0]),
        (
            0xa432,
            5,
            &[
                18, 0, 0, 0, 1, 0, 0, 0, 55, 0, 0, 0, 1, 0, 0, 0, 35, 0, 0, 0, 10, 0, 0, 0, 56, 0,
                0, 0, 10, 0, 0, 0,
            ],
        ),
        (0xa005, 13, interop),
    ]
}

fn gps_entries() -> Entries<'static> {
    vec![
        (0x01, 2, b"N\0"),
        (
            0x02,
            5,
            &[
                45, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 1, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0,
            ],
        ),
        (0x03, 2, b"W\0"),
        (
            0x04,
            5,
            &[
                73, 0, 0, 0, 1, 0, 0, 0, 38, 0, 0, 0, 1, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0,
            ],
        ),
        (0x05, 1, &[1]),
        (0x06, 5, &[31, 0, 0, 0, 1, 0, 0, 0]),
        (
            0x07,
            5,
            &[
                8, 0, 0, 0, 1, 0, 0, 0, 41, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0,
            ],
        ),
        (0x1d, 2, b"2018:02:01\0"),
    ]
}

/// Returns a maker note in the form of this maker, with its facts: a lens, a serial number, a time
/// zone, modes. Some makers count offsets from the start of the note, others from the start of the
/// TIFF structure. `start` is the offset of the note in the TIFF structure. A maker without a known
/// form gets `unknown`.
fn note(make: &[u8], start: u32) -> Vec<u8> {
    let lens = b"A lens of 18-55mm\0";
    let longs = |numbers: &[u32]| -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    };
    // A note with a header, whose offsets count from `base` bytes before the directory.
    let with_header = |header: &[u8], base: u32, entries: Entries<'_>| {
        [header, &directory(base, &entries, 0)].concat()
    };
    let is = |maker: &[u8]| make.starts_with(maker);
    if is(b"Canon") {
        // A shared lens number with focal lengths, a style, and a zone.
        let mut settings = [0_u16; 27];
        (settings[0], settings[5], settings[22]) = (54, 5, 152);
        (settings[23], settings[24], settings[25]) = (300, 300, 1);
        let settings: Vec<u8> = settings.iter().flat_map(|n| n.to_le_bytes()).collect();
        let mut style = vec![0; 28];
        (style[0], style[20]) = (28, 0x81);
        let zone = longs(&[16, 120, 19, 60]);
        let serial = longs(&[560_018_150]);
        let entries = vec![
            (0x0001, 3, &settings[..]),
            (0x000c, 4, &serial),
            (0x0035, 9, &zone),
            (0x00a0, 3, &style),
        ];
        let note = directory(start, &entries, 0);
        return [&note[..], b"II*\0", &start.to_le_bytes()].concat();
    }
    if is(b"Panasonic") {
        let entries = vec![(0x0051, 2, &lens[..]), (0x0089, 3, &[2, 0])];
        return with_header(b"Panasonic\0\0\0", start + 12, entries);
    }
    if is(b"PENTAX") {
        let entries = vec![
            (0x0014, 3, &[9, 0][..]),
            (0x0034, 1, &[1, 0, 2, 0]),
            (0x003f, 1, &[3, 44]),
            (0x0229, 2, b"1234567\0"),
        ];
        return with_header(b"AOC\0II", start + 6, entries);
    }
    if is(b"NIKON") {
        let spec = longs(&[18, 1, 55, 1, 35, 10, 56, 10]);
        let control = [&b"0100STANDARD"[..], &[0; 56]].concat();
        let data = b"0101\0\0\0\0\0\0\0\x7f\x40\x2d\x5c\x2c\x34\x84";
        let entries = vec![
            (0x0002, 3, &[0, 0, 200, 0][..]),
            (0x001d, 2, b"20025585\0"),
            (0x0023, 7, &control),
            (0x0024, 7, &[60, 0, 1, 0]),
            (0x0083, 1, &[6]),
            (0x0084, 5, &spec),
            (0x0089, 3, &[1, 0]),
            (0x0098, 7, data),
        ];
        return with_header(b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0", 8, entries);
    }
    if is(b"OLYMPUS") {
        // The two directories follow the main one, which has 30 bytes.
        let equipment = directory(42, &vec![(0x0101, 2, b"BHP123456\0"), (0x0203, 2, lens)], 0);
        let settings_start = 42 + equipment.len() as u32;
        let modes = [0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0x21, 0];
        let settings = directory(
            settings_start,
            &vec![(0x0520, 3, &[3, 0][..]), (0x0600, 3, &modes)],
            0,
        );
        let (first, second) = (42_u32.to_le_bytes(), settings_start.to_le_bytes());
        let entries = vec![(0x2010, 13, &first[..]), (0x2020, 13, &second)];
        let main = with_header(b"OLYMPUS\0II\x03\0", 12, entries);
        return [main, equipment, settings].concat();
    }
    if is(b"SONY") {
        let entries = vec![
            (0x2031, 2, &b"12345607\0"[..]),
            (0xb020, 2, b"Vivid\0"),
            (0xb027, 4, &[128, 0, 0, 0]),
            (0xb02a, 1, &[0, 0, 0x10, 0, 0x20, 0x35, 0, 0]),
        ];
        return with_header(b"SONY DSC \0\0\0", start + 12, entries);
    }
    if is(b"FUJIFILM") {
        let entries = vec![(0x1103, 4, &[2, 0, 0, 0][..]), (0x1401, 3, &[0, 6])];
        return with_header(b"FUJIFILM\x0c\0\0\0", 12, entries);
    }
    if is(b"Leica") {
        let inner = directory(0, &vec![(0x3405, 4, &[25, 0, 0, 0])], 0);
        return with_header(b"LEICA0\x03\0", 8, vec![(0x3400, 7, &inner)]);
    }
    if is(b"SAMSUNG") {
        let entries = vec![
            (0x0001, 7, &b"0100"[..]),
            (0xa002, 2, b"A1B2C3D4E5F6\0"),
            (0xa003, 3, &[2, 0]),
        ];
        return directory(0, &entries, 0);
    }
    if is(b"Phase One") {
        let entry = longs(&[1, 0, 0x0102, 1, 9, 36]);
        return [&b"IIIICwaR\x0c\0\0\0"[..], &entry, b"LD001055\0"].concat();
    }
    b"unknown".to_vec()
}

/// Makes a little-endian TIFF of a maker, with Exif, GPS, SubIFD and thumbnail IFDs, XMP and IPTC.
/// `more` are additional entries of IFD0.
fn tiff(make: &[u8], magic: &[u8; 2], more: &[(u16, u16, &[u8])]) -> Vec<u8> {
    // The TIFF is made twice: the first time only gives the offsets.
    let (_, places) = tiff_at([0; 6], make, more);
    let (blocks, _) = tiff_at(places, make, more);
    [b"II", &magic[..], &8_u32.to_le_bytes(), &blocks].concat()
}

/// Makes a TIFF without its header. Its pointers are the offsets `at`, in this order: Exif, GPS,
/// SubIFD, IFD1, Interop, maker note. Returns the TIFF and the offsets that these structures really
/// have.
fn tiff_at(at: [u32; 6], make: &[u8], more: &[(u16, u16, &[u8])]) -> (Vec<u8>, [u32; 6]) {
    let [exif, gps, sub, next, interop, _] = at.map(u32::to_le_bytes);
    let mut first: Entries<'_> = vec![
        (0x010e, 2, b"Waves at night\0"),
        (0x010f, 2, make),
        (0x0110, 2, b"Model 1\0"),
        (0x0112, 3, &[6, 0]),
        (0x0132, 2, b"2018:02:03 04:05:06\0"),
        (0x013b, 2, "Zo\u{eb}\0".as_bytes()),
        (0x014a, 4, &sub),
        (0x02bc, 1, XMP),
        (0x8298, 2, b"(c) 2018\0editor\0"),
        (0x83bb, 7, IPTC),
        (0x8769, 4, &exif),
        (0x8825, 13, &gps),
    ];
    first.extend(more.iter().copied());
    let note = note(make, at[5]);
    let sensor: Entries<'_> = vec![
        (0x0100, 4, &[6, 0, 0, 0]),
        (0x0101, 4, &[4, 0, 0, 0]),
        (0x0103, 3, &[1, 0]),
        (0x0106, 3, &[0x23, 0x80]),
    ];
    let thumbnail: Entries<'_> = vec![(0x0201, 4, &[8, 0, 0, 0]), (0x0202, 4, &[2, 0, 0, 0])];
    let mut blocks = Vec::new();
    let mut starts = Vec::new();
    for (entries, next) in [
        (first, u32::from_le_bytes(next)),
        (exif_entries(&note, &interop), 0),
        (gps_entries(), 0),
        (sensor, 0),
        (thumbnail, 0),
        (vec![(0x0001, 2, b"R98\0")], 0),
    ] {
        let start = 8 + blocks.len() as u32;
        starts.push(start);
        blocks.extend(directory(start, &entries, next));
    }
    let note_at = find(&blocks, &note).map_or(0, |at| at as u32 + 8);
    let places = [
        starts[1], starts[2], starts[3], starts[4], starts[5], note_at,
    ];
    (blocks, places)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn cr2() -> Vec<u8> {
    let inner = tiff(b"Canon\0", b"*\0", &[]);
    // The mark of a CR2 is at the usual offset of IFD0, and would move everything else by 8 bytes.
    // So this sample has a small TIFF of its own.
    let first = directory(
        16,
        &vec![(0x010f, 2, b"Canon\0"), (0x0110, 2, b"Canon EOS 1\0")],
        0,
    );
    let mut bytes = [&b"II*\0\x10\0\0\0CR\x02\0\0\0\0\0"[..], &first].concat();
    bytes.extend(&inner[8..40]);
    bytes
}

/// Makes a BigTIFF with one directory. `more` are additional entries: tag, type, count and value.
fn big_tiff(more: &[(u16, u16, u64, u64)]) -> Vec<u8> {
    let count = 2 + more.len() as u64;
    let mut bytes = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
    bytes.extend(count.to_le_bytes());
    let text = 32 + 20 * count;
    let entries = [(0x0112_u16, 3_u16, 1_u64, 6_u64), (0x0132, 2, 20, text)];
    for (tag, kind, count, value) in entries.iter().chain(more) {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 8]);
    bytes.extend(b"2018:02:01 09:41:07\0");
    bytes
}

fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [
        &[0xff, marker][..],
        &(body.len() as u16 + 2).to_be_bytes(),
        &body,
    ]
    .concat()
}

fn resources(iptc: &[u8]) -> Vec<u8> {
    [
        &b"8BIM\x04\x04\0\0"[..],
        &(iptc.len() as u32).to_be_bytes(),
        iptc,
        &[0][..iptc.len() & 1],
    ]
    .concat()
}

fn jpeg(exif: &[u8]) -> Vec<u8> {
    [
        b"\xff\xd8".to_vec(),
        segment(0xe0, &[b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"]),
        segment(0xe1, &[b"Exif\0\0", exif]),
        segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", XMP]),
        segment(0xed, &[b"Photoshop 3.0\0", &resources(IPTC)]),
        segment(0xc0, &[&[8, 0, 4, 0, 6, 1, 1, 0x11, 0]]),
        segment(0xda, &[&[1, 1, 0, 0, 63, 0]]),
        b"\0\xff\xd9".to_vec(),
    ]
    .concat()
}

/// Makes a JPEG with bytes between its segments, which decoders skip.
fn jpeg_with_gaps(exif: &[u8]) -> Vec<u8> {
    let whole = jpeg(exif);
    let (start, rest) = whole.split_at(20);
    let (app1, rest) = rest.split_at(10 + exif.len());
    [start, &[0; 6], app1, b"\xff\xff\0more", rest].concat()
}

fn png(exif: &[u8]) -> Vec<u8> {
    let hex: String = [b"Exif\0\0", exif]
        .concat()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let profile = format!(
        "Raw profile type exif\0\nexif\n{:8}\n{hex}\n",
        exif.len() + 6
    );
    let mut packed =
        flate2::write::ZlibEncoder::new(b"Description\0\0".to_vec(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, b"Waves").expect("memory");
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in [
        (b"IHDR", &[0, 0, 0, 6, 0, 0, 0, 4, 8, 2, 0, 0, 0][..]),
        (b"eXIf", exif),
        (b"tEXt", profile.as_bytes()),
        (b"zTXt", &packed.finish().expect("memory")),
        (b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", XMP].concat()),
        (b"tEXt", b"Creation Time\x002018-02-01T09:41:07"),
        (b"IEND", b""),
    ] {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(body);
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.extend(kind);
        bytes.extend(body);
        bytes.extend(sum.sum().to_be_bytes());
    }
    bytes
}

fn webp(exif: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
    for (kind, body) in [
        (b"VP8X", &[0x0c, 0, 0, 0, 5, 0, 0, 3, 0, 0][..]),
        (b"VP8 ", b"\0\0\0\x9d\x01\x2a\x06\0\x04\0"),
        (b"EXIF", exif),
        (b"XMP ", XMP),
    ] {
        bytes.extend(kind);
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
    }
    let length = (bytes.len() as u32 - 8).to_le_bytes();
    bytes[4..8].copy_from_slice(&length);
    bytes
}

/// Returns an ISO base media box of this type. `parts` are the pieces of its content.
fn iso(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, &body].concat()
}

/// Makes a `meta` box with the items 1 (the picture), 2 (Exif) and 3 (XMP). `places` are the
/// offsets and lengths of items 2 and 3. With `method` 0 the offsets count from the start of the
/// file, with 1 from the start of `idat`.
fn meta(method: u8, places: [(u32, u32); 2], idat: &[u8]) -> Vec<u8> {
    let info = |id: u8, kind: &[u8]| iso(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0], kind, b"\0"]);
    let mut iloc = vec![1, 0, 0, 0, 0x44, 0, 0, 2];
    for (id, (offset, length)) in [2_u8, 3].into_iter().zip(places) {
        iloc.extend([0, id, 0, method, 0, 0, 0, 1]);
        iloc.extend(offset.to_be_bytes());
        iloc.extend(length.to_be_bytes());
    }
    let properties = iso(
        b"ipco",
        &[
            &iso(
                b"ispe",
                &[&[0; 4], &6_u32.to_be_bytes(), &4_u32.to_be_bytes()],
            ),
            &iso(b"irot", &[&[1]]),
            &iso(
                b"clap",
                &[&[5_u32, 1, 3, 1, 1, 2, 1, 2].map(u32::to_be_bytes).concat()],
            ),
        ],
    );
    iso(
        b"meta",
        &[
            &[0; 4],
            &iso(b"hdlr", &[&[0; 8], b"pict", &[0; 13]]),
            &iso(b"pitm", &[&[0, 0, 0, 0, 0, 1]]),
            &iso(
                b"iinf",
                &[
                    &[0, 0, 0, 0, 0, 3],
                    &info(1, b"hvc1"),
                    &info(2, b"Exif"),
                    &info(3, b"mime\0application/rdf+xml"),
                ],
            ),
            &iso(b"iref", &[&[0; 4], &iso(b"cdsc", &[&[0, 2, 0, 1, 0, 1]])]),
            &iso(
                b"iprp",
                &[
                    &properties,
                    &iso(
                        b"ipma",
                        &[&[0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 3, 1, 0x83, 0x82]],
                    ),
                ],
            ),
            &iso(b"iloc", &[&iloc]),
            &iso(b"idat", &[idat]),
        ],
    )
}

fn heic(exif: &[u8]) -> Vec<u8> {
    let head = iso(b"ftyp", &[b"heic\0\0\0\0mif1heic"]);
    let item = [b"\0\0\0\x06Exif\0\0", exif].concat();
    // The box `meta` is after the pictures, as some phones write it.
    let data = iso(b"mdat", &[&item, XMP]);
    let start = head.len() as u32 + 8;
    let places = [
        (start, item.len() as u32),
        (start + item.len() as u32, XMP.len() as u32),
    ];
    [head, data, meta(0, places, b"")].concat()
}

fn heic_in_idat(exif: &[u8]) -> Vec<u8> {
    let item = [b"\0\0\0\0", exif].concat();
    let places = [
        (0, item.len() as u32),
        (item.len() as u32, XMP.len() as u32),
    ];
    let body = [&item[..], XMP].concat();
    [
        iso(b"ftyp", &[b"avif\0\0\0\0mif1avif"]),
        meta(1, places, &body),
    ]
    .concat()
}

/// Makes a Brotli stream of one uncompressed block (RFC 7932 section 9.2), so that no compressor is
/// needed.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let header = (bytes.len() as u32 - 1) << 4 | 1 << 20;
    [&header.to_le_bytes()[..3], bytes, &[3]].concat()
}

fn jxl(exif: &[u8]) -> Vec<u8> {
    [
        b"\0\0\0\x0cJXL \r\n\x87\n".to_vec(),
        iso(b"ftyp", &[b"jxl \0\0\0\0jxl "]),
        // The first piece of the codestream is too short for its header. The orientation is 6.
        iso(b"jxlp", &[&[0; 4], &[0xff, 0x0a, 0x41]]),
        iso(b"Exif", &[&[0; 4], exif]),
        iso(b"jxlp", &[&[0x80, 0, 0, 1], &[0x2c, 0, 0, 0, 0, 0]]),
        iso(b"brob", &[b"xml ", &brotli(XMP)]),
    ]
    .concat()
}

fn jp2(exif: &[u8]) -> Vec<u8> {
    let header = iso(b"ihdr", &[&[0, 0, 0, 4, 0, 0, 0, 6, 0, 3, 7, 7, 0, 0]]);
    [
        b"\0\0\0\x0cjP  \r\n\x87\n".to_vec(),
        iso(b"ftyp", &[b"jp2 \0\0\0\0jp2 "]),
        iso(b"jp2h", &[&header]),
        iso(b"uuid", &[b"JpgTiffExif->JP2", exif]),
    ]
    .concat()
}

fn cr3() -> Vec<u8> {
    let one = |entries: &Entries<'_>| [b"II*\0\x08\0\0\0", &directory(8, entries, 0)[..]].concat();
    let canon = [
        &b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48"[..],
        &iso(
            b"CMT1",
            &[&one(&vec![
                (0x010f, 2, b"Canon\0"),
                (0x0110, 2, b"Canon EOS R\0"),
            ])],
        ),
        &iso(b"CMT2", &[&one(&exif_entries(b"none", &[8, 0, 0, 0]))]),
        &iso(b"CMT3", &[&one(&vec![(0x0095, 2, b"RF 50mm F1.2\0")])]),
        &iso(b"CMT4", &[&one(&gps_entries())]),
    ]
    .concat();
    let table = iso(
        b"stbl",
        &[
            &iso(b"stsd", &[&[0; 16], b"CRAWJPEG"]),
            &iso(b"stsz", &[&[0; 4], &[0; 4], &[0, 0, 0, 1], &[0, 0, 0, 4]]),
            &iso(b"co64", &[&[0; 4], &[0, 0, 0, 1], &[0; 7], &[64]]),
        ],
    );
    let track = iso(b"trak", &[&iso(b"mdia", &[&iso(b"minf", &[&table])])]);
    [
        iso(b"ftyp", &[b"crx \0\0\0\x01crx isom"]),
        iso(b"moov", &[&iso(b"uuid", &[&canon]), &track]),
        iso(b"mdat", &[b"\xff\xd8\xff\xd9"]),
    ]
    .concat()
}

fn crw() -> Vec<u8> {
    let mut heap = b"Canon\0Canon EOS 10D\0".to_vec();
    let mut entries = vec![(0x080a_u16, heap.len() as u32, 0_u32)];
    for (tag, value) in [
        (0x180e_u16, 1_517_478_067_u32.to_le_bytes().to_vec()),
        (0x1810, [6_u32, 4, 0, 90].map(u32::to_le_bytes).concat()),
        (0x1818, [0_f32, 8.0, 5.0].map(f32::to_le_bytes).concat()),
    ] {
        entries.push((tag, value.len() as u32, heap.len() as u32));
        heap.extend(value);
    }
    let directory = heap.len() as u32;
    heap.extend((entries.len() as u16).to_le_bytes());
    for (tag, length, offset) in entries {
        heap.extend(tag.to_le_bytes());
        heap.extend(length.to_le_bytes());
        heap.extend(offset.to_le_bytes());
    }
    heap.extend(directory.to_le_bytes());
    [
        &b"II\x1a\0\0\0HEAPCCDR\x02\0\x01\0\0\0\0\0\0\0\0\0"[..],
        &heap,
    ]
    .concat()
}

fn raf(exif: &[u8]) -> Vec<u8> {
    let picture = jpeg(exif);
    let mut bytes = b"FUJIFILMCCD-RAW 0201FF000000".to_vec();
    bytes.resize(100, 0);
    bytes[84..88].copy_from_slice(&120_u32.to_be_bytes());
    bytes[88..92].copy_from_slice(&(picture.len() as u32).to_be_bytes());
    bytes[92..96].copy_from_slice(&100_u32.to_be_bytes());
    bytes.extend([0, 0, 0, 1, 1, 0x11, 0, 4, 0, 4, 0, 6]);
    bytes.resize(120, 0);
    bytes.extend(picture);
    bytes
}

fn mrw(exif: &[u8]) -> Vec<u8> {
    let block =
        |kind: &[u8], body: &[u8]| [kind, &(body.len() as u32).to_be_bytes(), body].concat();
    let blocks = [
        block(
            b"\0PRD",
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 6, 0, 4, 0, 6, 0, 0],
        ),
        block(b"\0TTW", exif),
    ]
    .concat();
    block(b"\0MRM", &blocks)
}

fn x3f(exif: &[u8]) -> Vec<u8> {
    let texts = ["CAMMANUF", "SIGMA", "TIME", "1517478067"];
    let mut properties = b"SECp\0\0\x02\0".to_vec();
    for number in [2_u32, 0, 0, 0] {
        properties.extend(number.to_le_bytes());
    }
    let mut text: Vec<u8> = Vec::new();
    for word in texts {
        properties.extend((text.len() as u32 / 2).to_le_bytes());
        text.extend(word.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
    properties.extend(text);
    let picture = jpeg(exif);
    let image = [
        &b"SECi\0\0\x02\0"[..],
        &[2_u32, 18, 6, 4, 0].map(u32::to_le_bytes).concat(),
        &picture,
    ]
    .concat();
    let mut bytes = b"FOVb\0\0\x02\0".to_vec();
    bytes.resize(28, 0);
    bytes.extend([6, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
    let mut sections = Vec::new();
    for (kind, section) in [(b"PROP", properties), (b"IMA2", image)] {
        sections.extend((bytes.len() as u32).to_le_bytes());
        sections.extend((section.len() as u32).to_le_bytes());
        sections.extend(kind);
        bytes.extend(section);
    }
    let directory = bytes.len() as u32;
    bytes.extend(b"SECd\0\0\x02\0\x02\0\0\0");
    bytes.extend(sections);
    bytes.extend(directory.to_le_bytes());
    bytes
}

fn psd(exif: &[u8]) -> Vec<u8> {
    let resource = |id: u16, body: &[u8]| {
        [
            &b"8BIM"[..],
            &id.to_be_bytes(),
            &[0, 0],
            &(body.len() as u32).to_be_bytes(),
            body,
            &[0][..body.len() & 1],
        ]
        .concat()
    };
    let all = [
        resource(0x0404, IPTC),
        resource(0x0422, exif),
        resource(0x0424, XMP),
    ]
    .concat();
    [
        &b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x04\0\0\0\x06\0\x08\0\x03\0\0\0\0"[..],
        &(all.len() as u32).to_be_bytes(),
        &all,
    ]
    .concat()
}
