//! Files that are made to cost much time or memory. Each attacks a nested loop, a length for which
//! memory is allocated, or a decoder of compressed data.
//!
//! The folder `fuzz` compiles this file too, so it uses nothing else of this crate.

/// A hostile file: its name and its bytes.
type NamedFile = (&'static str, Vec<u8>);

/// Returns the names and the bytes of all hostile files.
pub fn all() -> Vec<NamedFile> {
    [container_files(), tiff_files(), xmp_files()].concat()
}

/// Returns the files that attack the readers of containers.
fn container_files() -> Vec<NamedFile> {
    vec![
        ("CRW heap that holds itself", heap_in_itself()),
        (
            "JXL of Brotli windows",
            brotli_boxes(&brotli_window(), 4_000),
        ),
        (
            "JXL of Brotli tables",
            brotli_boxes(&brotli_tables(20_000), 1),
        ),
        ("JXL of names in packets", packets_of_names()),
        ("PNG of deflate tables", deflate_tables()),
        ("PNG of small compressed texts", small_compressed_texts()),
        ("PNG of Exif chunks", exif_chunks()),
        ("TIFF that chains to itself", ifd_loop()),
        ("TIFF of nested IFDs", nested_ifds()),
        ("BigTIFF of huge counts", huge_counts()),
        ("CR3 of tracks", cr3_of_tracks()),
        ("HEIF of references", heif_of_references()),
        ("MRW of blocks", mrw_of_blocks()),
        ("PSD of IPTC blocks", psd_of_iptc()),
        ("WebP of XMP chunks", webp_of_xmp()),
        ("JPEG of Photoshop segments", jpeg_of_resources()),
        ("HEIF extents of no bytes", extents_of_no_bytes()),
        ("HEIF items in a thousand pieces", items_in_pieces()),
        ("PNG of bombs", bombs()),
        ("PNG tail of names", tail_of_names()),
        (
            "X3F sections that are one JPEG",
            one_jpeg_in_every_section(),
        ),
        (
            "JPEG of empty segments",
            b"\xff\xd8"
                .iter()
                .chain(b"\xff\xfe\0\x02".iter().cycle().take(4 << 20))
                .copied()
                .collect(),
        ),
        (
            "JPEG of empty Exif",
            b"\xff\xd8"
                .iter()
                .chain(b"\xff\xe1\0\x0aExif\0\0II".iter().cycle().take(4 << 20))
                .copied()
                .collect(),
        ),
        (
            "IPTC of empty captions",
            tiff(
                &[(0x83bb, 1, 4_194_300)],
                &b"\x1c\x02\x78\0\x01x".repeat(699_050),
            ),
        ),
    ]
}

/// Returns the files that attack the reader of TIFF structures.
fn tiff_files() -> Vec<NamedFile> {
    let mut all = Vec::new();
    // The tags that make a TIFF a RAW file, and many of the tags that are looked up for each field.
    for (name, tags) in [
        ("TIFF of widths and heights", &[0x0100_u16, 0x0101][..]),
        ("TIFF of compressions", &[0x0103]),
        ("TIFF of strips", &[0x0103, 0x0106, 0x0111, 0x0117]),
        ("TIFF of thumbnails", &[0x0201, 0x0202]),
        ("TIFF of Exif pointers", &[0x8769]),
    ] {
        let entries: Vec<(u16, u16, u32)> = [(0x010f, 2, 20), (0x828d, 3, 1)]
            .into_iter()
            .chain((0..60_000).map(|n| (tags[n % tags.len()], 3, 1)))
            .collect();
        all.push((name, tiff(&entries, b"NIKON CORPORATION\0\0\0")));
    }
    let lists: Vec<(u16, u16, u32)> = (0..2_000).map(|n| (0x4000 + n, 1, 2_048)).collect();
    all.push(("TIFF of lists", tiff(&lists, &[7; 4_096])));
    all
}

/// Returns the files that attack the reader of XMP.
fn xmp_files() -> Vec<NamedFile> {
    let mut all = Vec::new();
    for (name, inner) in [
        ("XMP of many names", many_names()),
        ("XMP of namespaces", namespaces()),
        (
            "XMP of attributes",
            format!("<dc:a {}/>", "dc:b='x' ".repeat(400_000)),
        ),
        (
            "XMP of attributes of their own",
            format!(
                "<dc:a {}/>",
                (0..200_000)
                    .map(|n| format!("dc:b{n}='x' "))
                    .collect::<String>()
            ),
        ),
        ("XMP of elements", "<dc:a>x</dc:a>".repeat(290_000)),
        ("XMP of open elements", "<dc:a>".repeat(600_000)),
        (
            "XMP of entities",
            format!("<dc:a>{}</dc:a>", "&amp;".repeat(800_000)),
        ),
        (
            "XMP of one attribute",
            format!("<dc:a dc:b='{}'/>", "x".repeat(4_000_000)),
        ),
        (
            "XMP of lists",
            format!(
                "<dc:subject><r:Bag>{}</r:Bag></dc:subject>",
                "<r:li xml:lang='x-default'>x</r:li>".repeat(100_000)
            ),
        ),
    ] {
        let head = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><r:RDF><r:Description>"#;
        let mut packet = format!("{head}{inner}").into_bytes();
        packet.truncate(4 << 20);
        all.push((name, tiff(&[(0x02bc, 1, packet.len() as u32)], &packet)));
    }
    all
}

/// Makes a TIFF of one directory. Each entry is a tag, a type and a count. Every value of more than
/// four bytes begins directly after the directory.
fn tiff(entries: &[(u16, u16, u32)], values: &[u8]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    let end = 8 + 2 + 12 * entries.len() as u32 + 4;
    for (tag, kind, count) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(if *count > 4 { end } else { 7 }.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(values);
    bytes
}

fn heap_in_itself() -> Vec<u8> {
    let count = 500_u16;
    let size = 2 + 10 * u32::from(count) + 4;
    let mut bytes = b"II\x1a\0\0\0HEAPCCDR\x02\0\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(count.to_le_bytes());
    for _ in 0..count {
        bytes.extend(0x2807_u16.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend([0; 4]);
    }
    bytes.extend([0; 4]);
    bytes
}

fn iso(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

fn heif(iinf: &[u8], iloc: &[u8]) -> Vec<u8> {
    let meta = [&[0; 4][..], &iso(b"iinf", iinf), &iso(b"iloc", iloc)].concat();
    [iso(b"ftyp", b"heic\0\0\0\0heic"), iso(b"meta", &meta)].concat()
}

fn exif_items(count: u16) -> Vec<u8> {
    let mut iinf = vec![0, 0, 0, 0, 0xff, 0xff];
    for id in 1..=count {
        let id = id.to_be_bytes();
        iinf.extend(iso(
            b"infe",
            &[2, 0, 0, 0, id[0], id[1], 0, 0, b'E', b'x', b'i', b'f', 0],
        ));
    }
    iinf
}

fn extents_of_no_bytes() -> Vec<u8> {
    let mut iloc = vec![0, 0, 0, 0, 0x00, 0x00, 0xff, 0xff];
    for id in 1..=0xffff_u16 {
        iloc.extend(id.to_be_bytes());
        iloc.extend([0, 0, 0x0f, 0xff]);
    }
    heif(&exif_items(4_000), &iloc)
}

fn items_in_pieces() -> Vec<u8> {
    let mut iloc = vec![0, 0, 0, 0, 0x44, 0x00, 0x0f, 0xa0];
    for id in 1..=4_000_u16 {
        iloc.extend(id.to_be_bytes());
        iloc.extend([0, 0, 0, 4]);
        for _ in 0..4 {
            iloc.extend(0_u32.to_be_bytes());
            iloc.extend((900_u32 << 10).to_be_bytes());
        }
    }
    let mut bytes = heif(&exif_items(4_000), &iloc);
    bytes.resize(2 << 20, 0);
    bytes
}

fn bombs() -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(
        b"XML:com.adobe.xmp\0\0".to_vec(),
        flate2::Compression::best(),
    );
    std::io::Write::write_all(&mut packed, &vec![b' '; 4 << 20]).expect("memory");
    let body = packed.finish().expect("memory");
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for _ in 0..900 {
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.extend(b"zTXt");
        bytes.extend(&body);
        bytes.extend([0; 4]);
    }
    bytes
}

fn tail_of_names() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\x00\x01\x86\xa0IDAT".to_vec();
    bytes.resize(8 + 12 + 100_000, 0);
    for _ in 0..20 {
        bytes.extend(b"\0\0\x20\0IDAT");
        bytes.extend(b"\0\0\x10\0tEXt".repeat(1_024));
        bytes.extend([0; 4]);
    }
    bytes
}

fn one_jpeg_in_every_section() -> Vec<u8> {
    let mut bytes = b"FOVb\0\0\x02\0".to_vec();
    bytes.resize(40, 0);
    bytes.extend(b"SECi\0\0\x02\0");
    bytes.extend([2_u32, 18, 6, 4, 0].map(u32::to_le_bytes).concat());
    bytes.extend(b"\xff\xd8");
    bytes.extend(b"\xff\xe1\0\x0aExif\0\0II".repeat(4_090));
    let (length, directory) = (bytes.len() as u32 - 40, bytes.len() as u32);
    bytes.extend(b"SECd\0\0\x02\0\x00\x40\0\0");
    for _ in 0..0x4000 {
        bytes.extend(40_u32.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(b"IMA2");
    }
    bytes.extend(directory.to_le_bytes());
    bytes
}

fn many_names() -> String {
    let names: String = (0..1_024)
        .map(|n| format!("<dc:name{n:04}>x</dc:name{n:04}>"))
        .collect();
    names + &"<dc:name9999>x</dc:name9999>".repeat(140_000)
}

fn namespaces() -> String {
    let open: String = (0..30)
        .map(|depth| {
            let declared: String = (0..64)
                .map(|n| format!(" xmlns:n{depth}x{n}='u'"))
                .collect();
            format!("<dc:a{declared}>")
        })
        .collect();
    open + &"<q:a/>".repeat(600_000)
}

/// Writes bits, the lowest bit of a byte first, as Brotli and Deflate store them.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    fn put(&mut self, value: u32, bits: u32) {
        for bit in 0..bits {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::try_from(value >> bit & 1).unwrap_or(0) << (self.used % 8);
            }
            self.used += 1;
        }
    }
}

/// Returns a Brotli stream with a window of 16 MiB. It announces 16 MiB of data and then ends.
fn brotli_window() -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.put(0b1111, 4);
    brotli_tables_block(&mut bits, 0xff_ffff);
    // The decoder has begun to write.
    bits.bytes
}

/// Returns a Brotli stream of `blocks` blocks. Each block describes 256 code tables, and then
/// contains one byte.
fn brotli_tables(blocks: usize) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.put(0, 1);
    for _ in 0..blocks {
        brotli_tables_block(&mut bits, 0);
    }
    bits.put(0b11, 2);
    bits.bytes
}

/// Writes a block (a meta-block, RFC 7932 9.2) of `length_minus_one + 1` bytes. Its 256 literal
/// codes, its command code and its distance code have one symbol each, so the data take no bits.
/// The command is: one literal, and then a copy of two bytes.
fn brotli_tables_block(bits: &mut BitWriter, length_minus_one: u32) {
    bits.put(0, 1);
    // The length has four or six nibbles. The highest must not be zero if there are six.
    if length_minus_one >> 16 == 0 {
        bits.put(0, 2);
        bits.put(length_minus_one, 16);
    } else {
        bits.put(2, 2);
        bits.put(length_minus_one, 24);
    }
    bits.put(0, 1);
    // One block type for literals, commands and distances.
    bits.put(0, 3);
    // No postfix bits, no direct distances, context mode 0.
    bits.put(0, 2 + 4 + 2);
    // 256 literal codes: 1, then 7 in three bits, then 127 in seven bits.
    bits.put(0b1111, 4);
    bits.put(127, 7);
    // The context map: no run lengths, a simple code with the one symbol 0, no transform.
    bits.put(0, 1);
    simple_code(bits, 0, 8);
    bits.put(0, 1);
    // One distance code.
    bits.put(0, 1);
    for _ in 0..256 {
        simple_code(bits, 0, 8);
    }
    simple_code(bits, 8, 10);
    simple_code(bits, 0, 6);
}

/// Writes a simple prefix code (RFC 7932 3.4) with one symbol.
fn simple_code(bits: &mut BitWriter, symbol: u32, symbol_bits: u32) {
    bits.put(1, 2);
    bits.put(0, 2);
    bits.put(symbol, symbol_bits);
}

fn jxl(boxes: &[u8]) -> Vec<u8> {
    [
        &iso(b"JXL ", b"\r\n\x87\n")[..],
        &iso(b"ftyp", b"jxl \0\0\0\0jxl "),
        boxes,
    ]
    .concat()
}

/// Returns a JPEG XL with `count` boxes `brob`. Each contains the Brotli stream as XMP.
fn brotli_boxes(stream: &[u8], count: usize) -> Vec<u8> {
    jxl(&iso(b"brob", &[b"xml ", stream].concat()).repeat(count))
}

/// Returns a JPEG XL with 64 packets of XMP. All packets have the same thousand properties.
fn packets_of_names() -> Vec<u8> {
    let names: String = (0..1_020)
        .map(|n| format!("<dc:name{n:04}>x</dc:name{n:04}>"))
        .collect();
    let packet = format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:dc="http://purl.org/dc/elements/1.1/">{names}</x:xmpmeta>"#
    );
    jxl(&iso(b"xml ", packet.as_bytes()).repeat(64))
}

fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in chunks {
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.extend(*kind);
        bytes.extend(body);
        bytes.extend([0; 4]);
    }
    bytes
}

/// Returns a PNG with one compressed text: 200,000 Deflate blocks (RFC 1951 3.2.7) that each
/// describe their code tables and contain nothing.
fn deflate_tables() -> Vec<u8> {
    let mut bits = BitWriter::default();
    for _ in 0..200_000 {
        bits.put(0, 1);
        bits.put(2, 2);
        // 257 literal codes, 1 distance code, 18 code length codes.
        bits.put(0, 5 + 5);
        bits.put(14, 4);
        // The code lengths come in the order 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2,
        // 14, 1. Only 18 (a run of zeros) and 1 have a code, of one bit.
        for symbol in 0..18 {
            bits.put(u32::from(matches!(symbol, 2 | 17)), 3);
        }
        // Lengths: literal 0 has 1, then 255 zeros, then 1 for the end of the block, and 1 for the
        // distance. The code of the symbol 1 is 0, that of 18 is 1.
        bits.put(0, 1);
        bits.put(1, 1);
        bits.put(138 - 11, 7);
        bits.put(1, 1);
        bits.put(117 - 11, 7);
        bits.put(0, 1);
        bits.put(0, 1);
        // The end of the block has the second code of one bit.
        bits.put(1, 1);
    }
    png(&[(b"zTXt", [b"Title\0\0\x78\x9c", &bits.bytes[..]].concat())])
}

fn small_compressed_texts() -> Vec<u8> {
    let mut packed =
        flate2::write::ZlibEncoder::new(b"Title\0\0".to_vec(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, b"x").expect("memory");
    let body = packed.finish().expect("memory");
    png(&vec![(b"zTXt", body); 4_000])
}

fn exif_chunks() -> Vec<u8> {
    png(&vec![(b"eXIf", b"II*\0\x08\0\0\0\0\0".to_vec()); 4_000])
}

fn ifd_loop() -> Vec<u8> {
    b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x08\0\0\0".to_vec()
}

/// Returns a TIFF whose IFDs each point to 64 SubIFDs.
fn nested_ifds() -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    let (count, size) = (2_000_u32, 2 + 12 + 4 + 64 * 4);
    for index in 0..count {
        let start = 8 + index * size;
        bytes.extend([1, 0, 0x4a, 0x01, 4, 0, 64, 0, 0, 0]);
        bytes.extend((start + 18).to_le_bytes());
        bytes.extend([0; 4]);
        for child in 1..=64 {
            let child = 8 + (index * 64 + child) % count * size;
            bytes.extend(child.to_le_bytes());
        }
    }
    bytes
}

/// Returns a BigTIFF with 2,000 values of 2^60 bytes.
fn huge_counts() -> Vec<u8> {
    let mut bytes = b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
    bytes.extend(2_000_u64.to_le_bytes());
    for tag in 0..2_000_u16 {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(1_u16.to_le_bytes());
        bytes.extend((1_u64 << 60).to_le_bytes());
        bytes.extend(16_u64.to_le_bytes());
    }
    bytes.extend([0; 8]);
    bytes
}

fn cr3_of_tracks() -> Vec<u8> {
    let table = [
        iso(b"stsd", &b"JPEG".repeat(128)),
        iso(b"stsz", &[0, 0, 0, 0, 0, 0, 0, 9]),
        iso(b"stco", &[0; 12]),
    ]
    .concat();
    let track = iso(b"trak", &iso(b"mdia", &iso(b"minf", &iso(b"stbl", &table))));
    [
        iso(b"ftyp", b"crx \0\0\0\x01crx isom"),
        iso(b"moov", &track.repeat(6_000)),
    ]
    .concat()
}

fn heif_of_references() -> Vec<u8> {
    let reference = iso(b"cdsc", &[0, 1, 0xff, 0xff]);
    let references = [&[0; 4][..], &reference.repeat(4_000), &[0; 140_000]].concat();
    let meta = [
        &[0; 4][..],
        &iso(b"pitm", &[0, 0, 0, 0, 0, 9]),
        &iso(b"iinf", &exif_items(4_000)),
        &iso(b"iref", &references),
    ]
    .concat();
    [iso(b"ftyp", b"heic\0\0\0\0heic"), iso(b"meta", &meta)].concat()
}

fn mrw_of_blocks() -> Vec<u8> {
    let blocks = b"\0TTW\0\0\0\x08MM\0*\0\0\0\x08".repeat(10_000);
    let mut bytes = b"\0MRM".to_vec();
    bytes.extend((blocks.len() as u32).to_be_bytes());
    bytes.extend(blocks);
    bytes
}

fn psd_of_iptc() -> Vec<u8> {
    let captions = b"\x1c\x02\x50\0\x01x".repeat(10_000);
    let mut resource = b"8BIM\x04\x04\0\0".to_vec();
    resource.extend((captions.len() as u32).to_be_bytes());
    resource.extend(captions);
    let resources = resource.repeat(100);
    let mut bytes = b"8BPS\0\x01\0\0\0\0\0\0\0\x03".to_vec();
    bytes.extend([0, 0, 0, 2, 0, 0, 0, 2, 0, 8, 0, 3, 0, 0, 0, 0]);
    bytes.extend((resources.len() as u32).to_be_bytes());
    bytes.extend(resources);
    bytes
}

fn webp_of_xmp() -> Vec<u8> {
    let packet = format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:dc="http://purl.org/dc/elements/1.1/">{}"#,
        "<dc:a b='&lt;'>&amp;</dc:a>".repeat(4_000)
    );
    let mut chunk = b"XMP ".to_vec();
    chunk.extend((packet.len() as u32).to_le_bytes());
    chunk.extend(packet.as_bytes());
    [b"RIFF\0\0\0\0WEBP", &chunk.repeat(70)[..]].concat()
}

fn jpeg_of_resources() -> Vec<u8> {
    let mut segment = b"\xff\xed\xff\xffPhotoshop 3.0\0".to_vec();
    segment.extend(b"8BIM\x04\x04\0\0\0\0\0\0".repeat(5_460));
    segment.resize(65_537, 0);
    [b"\xff\xd8", &segment.repeat(120)[..]].concat()
}
