//! Files that are made to cost much time or memory. Each attacks a nested loop, or a length for
//! which memory is allocated.

/// Returns the names and the bytes of all attack files.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("CRW heap that holds itself", heap_in_itself()),
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
    ];
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
