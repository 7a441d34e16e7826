//! Builders of small files and of their parts, for the tests of this crate. TIFF structures are
//! little-endian.

/// A field of an IFD (image file directory, which is a table of tags): a tag, a type, and the bytes
/// of the value.
pub(crate) type TestField = (u16, u16, Vec<u8>);

pub(crate) fn ascii(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

pub(crate) fn shorts(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

pub(crate) fn longs(numbers: &[i32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// Returns fractions whose denominators are 1.
pub(crate) fn rationals(numerators: &[i32]) -> Vec<u8> {
    let pairs = numerators.iter().flat_map(|n| [*n, 1]);
    pairs.flat_map(i32::to_le_bytes).collect()
}

pub(crate) fn text_field(tag: u16, text: &str) -> TestField {
    (tag, 2, ascii(text))
}

pub(crate) fn short_field(tag: u16, value: u16) -> TestField {
    (tag, 3, shorts(&[value]))
}

pub(crate) fn long_field(tag: u16, values: &[u32]) -> TestField {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    (tag, 4, bytes.collect())
}

pub(crate) fn xmp_field(packet: &str) -> TestField {
    (0x02bc, 1, packet.as_bytes().to_vec())
}

pub(crate) fn iptc_field(block: &[u8]) -> TestField {
    (0x83bb, 7, block.to_vec())
}

/// Returns the number of bytes of one value of this type.
fn value_size(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 1,
    }
}

/// Makes an IFD. Each entry is a tag, a type, a count, and the four bytes of a value or an offset.
/// `next` is the offset of the next IFD.
pub(crate) fn ifd(entries: &[(u16, u16, u32, u32)], next: u32) -> Vec<u8> {
    let count = u16::try_from(entries.len()).expect("few");
    let mut bytes = count.to_le_bytes().to_vec();
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(next.to_le_bytes());
    bytes
}

/// Makes an IFD with the values that do not fit into its entries after it. `start` is the offset of
/// the IFD, and `next` is that of the next one.
pub(crate) fn ifd_with_values(start: u32, fields: &[TestField], next: u32) -> Vec<u8> {
    let first_value = start as usize + 6 + 12 * fields.len();
    let mut values: Vec<u8> = Vec::new();
    let entries: Vec<(u16, u16, u32, u32)> = fields
        .iter()
        .map(|(tag, kind, value)| {
            let count = u32::try_from(value.len() / value_size(*kind)).expect("short");
            let slot = if value.len() <= 4 {
                let mut inline = [0; 4];
                inline[..value.len()].copy_from_slice(value);
                u32::from_le_bytes(inline)
            } else {
                // As most programs do, begin each value at an even place.
                values.resize(values.len().next_multiple_of(2), 0);
                let offset = first_value + values.len();
                values.extend(value);
                u32::try_from(offset).expect("short")
            };
            (*tag, *kind, count, slot)
        })
        .collect();
    [ifd(&entries, next), values].concat()
}

/// Makes a TIFF. `body` begins at the offset 8, with IFD0.
pub(crate) fn tiff(body: &[u8]) -> Vec<u8> {
    [b"II*\0\x08\0\0\0", body].concat()
}

/// A TIFF with IFD0, and with the Exif IFD and the GPS IFD if they have fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestTiff {
    pub(crate) ifd0: Vec<TestField>,
    pub(crate) exif: Vec<TestField>,
    pub(crate) gps: Vec<TestField>,
}

impl TestTiff {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let others = [(0x8769, &self.exif), (0x8825, &self.gps)];
        let others = others.into_iter().filter(|(_, fields)| !fields.is_empty());
        // A pointer is inside its entry, so it does not change the size of the values.
        let mut start = 8 + ifd_with_values(8, &self.ifd0, 0).len() + 12 * others.clone().count();
        let mut ifd0 = self.ifd0.clone();
        let mut rest = Vec::new();
        for (pointer, fields) in others {
            let offset = u32::try_from(start).expect("short");
            ifd0.push(long_field(pointer, &[offset]));
            let other = ifd_with_values(offset, fields, 0);
            start += other.len();
            rest.extend(other);
        }
        tiff(&[ifd_with_values(8, &ifd0, 0), rest].concat())
    }
}

/// Makes a segment of a JPEG. `marker` is the second byte of its marker.
pub(crate) fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).expect("a short segment");
    [&[0xff, marker], &length.to_be_bytes()[..], body].concat()
}

pub(crate) fn exif_segment(tiff: &[u8]) -> Vec<u8> {
    segment(0xe1, &[b"Exif\0\0", tiff].concat())
}

pub(crate) fn xmp_segment(packet: &[u8]) -> Vec<u8> {
    let body = [b"http://ns.adobe.com/xap/1.0/\0", packet].concat();
    segment(0xe1, &body)
}

pub(crate) fn photoshop_segment(resources: &[u8]) -> Vec<u8> {
    segment(0xed, &[b"Photoshop 3.0\0", resources].concat())
}

/// Makes a JPEG with these segments before its picture.
pub(crate) fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    let picture = b"\xff\xda\0\x02\xff\xd9";
    [b"\xff\xd8", &segments.concat()[..], picture].concat()
}

/// Makes Photoshop's resources with these IPTC blocks.
pub(crate) fn resources(iptc_blocks: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in iptc_blocks {
        bytes.extend(b"8BIM\x04\x04\0\0");
        bytes.extend(u32::try_from(block.len()).expect("short").to_be_bytes());
        bytes.extend(block);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
    }
    bytes
}

/// Makes an IPTC block. Each dataset is a record number, a dataset number and a value.
pub(crate) fn iptc_block<V: AsRef<[u8]>>(datasets: &[(u8, u8, V)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (record, dataset, value) in datasets {
        let value = value.as_ref();
        bytes.extend([0x1c, *record, *dataset]);
        bytes.extend(u16::try_from(value.len()).expect("short").to_be_bytes());
        bytes.extend(value);
    }
    bytes
}

/// Prefixes and namespaces of XMP.
const NAMESPACES: [(&str, &str); 23] = [
    (
        "Iptc4xmpCore",
        "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    ),
    ("Iptc4xmpExt", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"),
    ("MP", "http://ns.microsoft.com/photo/1.2/"),
    ("MPRI", "http://ns.microsoft.com/photo/1.2/t/RegionInfo#"),
    ("MPReg", "http://ns.microsoft.com/photo/1.2/t/Region#"),
    ("MicrosoftPhoto", "http://ns.microsoft.com/photo/1.0/"),
    ("acdsee", "http://ns.acdsee.com/iptc/1.0/"),
    ("aux", "http://ns.adobe.com/exif/1.0/aux/"),
    ("cc", "http://creativecommons.org/ns#"),
    ("crs", "http://ns.adobe.com/camera-raw-settings/1.0/"),
    ("darktable", "http://darktable.sf.net/"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("digiKam", "http://www.digikam.org/ns/1.0/"),
    ("exif", "http://ns.adobe.com/exif/1.0/"),
    ("exifEX", "http://cipa.jp/exif/1.0/"),
    ("lr", "http://ns.adobe.com/lightroom/1.0/"),
    ("mediapro", "http://ns.iview-multimedia.com/mediapro/1.0/"),
    ("pdf", "http://ns.adobe.com/pdf/1.3/"),
    ("photoshop", "http://ns.adobe.com/photoshop/1.0/"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("tiff", "http://ns.adobe.com/tiff/1.0/"),
    ("xmp", "http://ns.adobe.com/xap/1.0/"),
    ("xmpRights", "http://ns.adobe.com/xap/1.0/rights/"),
];

/// Makes an XMP packet with these attributes and elements of its description. The namespaces of the
/// usual prefixes are declared.
pub(crate) fn xmp(attributes: &str, elements: &str) -> String {
    let description =
        format!(r#"<rdf:RDF><rdf:Description {attributes}>{elements}</rdf:Description></rdf:RDF>"#);
    let declarations: String = NAMESPACES
        .iter()
        .filter(|(prefix, _)| description.contains(&format!("{prefix}:")))
        .map(|(prefix, uri)| format!(r#" xmlns:{prefix}="{uri}""#))
        .collect();
    format!(r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"{declarations}>{description}</x:xmpmeta>"#)
}

/// Returns a property of XMP whose value is a text in the default language.
pub(crate) fn alternative(name: &str, text: &str) -> String {
    format!(r#"<{name}><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></{name}>"#)
}

/// Returns a property of XMP whose value is an unordered list.
pub(crate) fn bag(name: &str, values: &[&str]) -> String {
    list(name, "Bag", values)
}

/// Returns a property of XMP whose value is a list of this kind: `Bag` or `Seq`.
pub(crate) fn list(name: &str, kind: &str, values: &[&str]) -> String {
    let items = values
        .iter()
        .map(|value| format!("<rdf:li>{value}</rdf:li>"));
    let items: String = items.collect();
    format!("<{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>")
}

/// Makes a box of an ISO base media file.
pub(crate) fn media_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).expect("small");
    [&length.to_be_bytes()[..], kind, body].concat()
}

/// The box at the start of a JPEG XL container.
pub(crate) const JXL_SIGNATURE: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";
pub(crate) const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(crate) fn png_chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(body);
    let length = u32::try_from(body.len()).expect("small").to_be_bytes();
    [&length[..], kind, body, &sum.sum().to_be_bytes()].concat()
}

/// Makes a PNG of 3 by 2 pixels with these chunks between its first and its last chunk.
pub(crate) fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let header: (&[u8; 4], &[u8]) = (b"IHDR", &[0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
    let all = [header].into_iter().chain(chunks.iter().copied());
    let all = all.chain([(b"IEND", &[][..])]);
    let chunks = all.flat_map(|(kind, body)| png_chunk(kind, body));
    PNG_SIGNATURE.iter().copied().chain(chunks).collect()
}

/// Makes a CRW with these records, each with its number and its value.
pub(crate) fn crw(records: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut heap = Vec::new();
    let count = u16::try_from(records.len()).expect("few");
    let mut directory = count.to_le_bytes().to_vec();
    for (number, value) in records {
        let place = [value.len(), heap.len()];
        directory.extend(number.to_le_bytes());
        directory.extend(place.iter().flat_map(|n| (*n as u32).to_le_bytes()));
        heap.extend(value);
    }
    let directory_start = (heap.len() as u32).to_le_bytes();
    let header = b"II\x1a\0\0\0HEAPCCDR\x02\0\x01\0\0\0\0\0\0\0\0\0";
    [&header[..], &heap, &directory, &directory_start].concat()
}
