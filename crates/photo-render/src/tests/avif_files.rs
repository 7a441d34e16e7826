//! Writes AVIFs from coded pictures. The encoders of AV1 are too large for the tests, so the coded
//! pictures are constants.
//!
//! Each constant is the content of `mdat` of a file that `avifenc` 0.11.1 has written from a PNG of
//! this project: `avifenc --speed 0 --min 0 --max 8 --yuv 444 picture.png picture.avif`. The comments
//! list the other options. `squares.png` has 48 × 32 pixels in four equal parts: red and green, blue and
//! grey (128). `gradient.png` has 33 × 17 pixels of `gradient`. The range is full unless stated.

/// 8 bits, 4:4:4.
pub(super) const SQUARES: &str = "\
    12000a0938152fff28086834803220444000001010fd87087599ca3298afea05cd96d1e6c4f7a7dac29188fe\
    8047e0\
    ";
/// 10 bits, 4:2:0, limited range: `--depth 10 --yuv 420 --range limited`.
pub(super) const SQUARES_420_10: &str = "\
    12000a0918152fff34043418103222444000001010df01bd6e070c53dec03b613adc880acc6cbbf8750d8c35\
    77e9d2ad30\
    ";
/// 12 bits, 4:2:2: `--depth 12 --yuv 422`.
pub(super) const SQUARES_422_12: &str = "\
    12000a0958152fff3a021a0d883227444000001010fa633ca785bc8ca8663a0b999d127a67b325822974fde6\
    c2c9de584f2046a144a0\
    ";
/// Green, blue and red without a conversion: `--lossless`.
pub(super) const SQUARES_RGB: &str = "\
    12000a0838152fff28086801321e440000faeac1b37d820560609dc7de63f9ab5997d5d82e387414dd5e33e1\
    ";
/// 8 bits, 4:4:4.
pub(super) const GRADIENT_444: &str = "\
    12000a09381520872808683480326a118000004040e1978ea841dd32594a50d3d934f78b9b3a3b601304d0b2\
    8818cf2558a60ba1871c2deaff7aba66d1660e27fcc7a9e6c0a98c1d953059efd7401b62a2085d057cfd7a30\
    f49d3ac1aeef3dcea1c68261088ccac6efb4b0292963027b9a46bcf7a4f66ccaa0\
    ";
/// 8 bits, 4:2:0, limited range: `--yuv 420 --range limited`.
pub(super) const GRADIENT_420: &str = "\
    12000a09181520872404341810325b118000004040e618095de0805e195f65c606c7e49b7d1df0fb65b7c0e1\
    85e343d79e3b2646e779f7eeed96d5805539cd1ecd1ca0f29e9130a19e940236a833012678c1f62cbeed0c63\
    b91963dbe8bf163bba6e3a41c0a2f9f58baa\
    ";
/// 8 bits, 4:2:2: `--yuv 422`.
pub(super) const GRADIENT_422: &str = "\
    12000a09581520872404341a40325f118000004400b270262665a0311161d994931da9cf7d7abecf42353a58\
    268b9c2013eac04cffdc812a7683157f1f2025d41aa7488403e0cad345dc7e48f7cf7ca52a37fb9349706f12\
    b40745be2b5784a44d1885a936561c80efcad44396a8\
    ";
/// 10 bits, 4:2:0: `--yuv 420 --depth 10`.
pub(super) const GRADIENT_420_10: &str = "\
    12000a09181520873404341a103257118000004000e31c117fbb137386b85c10da9bbdb7218decf47f0ea326\
    8f5c06f0613130e77493d46fffdb647410f807f3aef5b02f6bc1fff086f80da1c1d6fce3a397a37ea0c1ac49\
    186a0dc35d1c1230328155c26afa\
    ";
/// The red of the gradient as grey, limited range: `--yuv 400 --range limited`.
pub(super) const GREY: &str = "\
    12000a09181520872c04341880321f1100000100e0ef49e1bc81ad0c68f5de6ce542470fe81bf2395313cdd6\
    cbb6\
    ";
/// Grey: 0 and 255, 51 and 255: `--yuv 400`.
pub(super) const ALPHA: &str = "\
    12000a0918152fff2c04341a80320f4440000040c665a63ef81e102c01a0\
    ";

/// The size of the pictures of squares, and of their alpha.
pub(super) const SQUARES_SIZE: (u32, u32) = (48, 32);
/// The size of the gradients.
pub(super) const GRADIENT_SIZE: (u32, u32) = (33, 17);

/// An item of a HEIF file. Its id is its place in the list, from 1.
pub(super) struct TestItem {
    pub(super) kind: [u8; 4],
    pub(super) data: Vec<u8>,
    /// Whole boxes.
    pub(super) properties: Vec<Vec<u8>>,
    /// The type of a reference, and the items to which it points.
    pub(super) references: Vec<([u8; 4], Vec<u16>)>,
}

impl TestItem {
    /// Returns a coded picture.
    pub(super) fn coded(hex: &str, size: (u32, u32)) -> Self {
        let digits = hex.as_bytes().as_chunks::<2>().0.iter();
        let byte = |pair: &[u8; 2]| {
            let text = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(text, 16).expect("two hexadecimal digits")
        };
        Self {
            kind: *b"av01",
            data: digits.map(byte).collect(),
            properties: vec![image_size(size)],
            references: Vec::new(),
        }
    }

    /// Returns the squares with 8 bits.
    pub(super) fn squares() -> Self {
        Self::coded(SQUARES, SQUARES_SIZE)
    }

    /// Returns the alpha of the squares of an item.
    pub(super) fn alpha_of(id: u16) -> Self {
        Self::coded(ALPHA, SQUARES_SIZE)
            .with(full_box(
                b"auxC",
                b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
            ))
            .referring(b"auxl", &[id])
    }

    /// Returns a grid of tiles.
    pub(super) fn grid(columns: u8, rows: u8, size: (u16, u16), tiles: &[u16]) -> Self {
        let (width, height) = (size.0.to_be_bytes(), size.1.to_be_bytes());
        Self {
            kind: *b"grid",
            data: [&[0, 0, rows - 1, columns - 1][..], &width, &height].concat(),
            properties: vec![image_size((size.0.into(), size.1.into()))],
            references: vec![(*b"dimg", tiles.to_vec())],
        }
    }

    /// Adds a property.
    pub(super) fn with(mut self, property: Vec<u8>) -> Self {
        self.properties.push(property);
        self
    }

    /// Adds references to items.
    pub(super) fn referring(mut self, kind: &[u8; 4], ids: &[u16]) -> Self {
        self.references.push((*kind, ids.to_vec()));
        self
    }
}

/// Returns a box.
pub(super) fn plain_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u32 + 8).to_be_bytes();
    [&size[..], kind, content].concat()
}

/// Returns a box of version 0 without flags.
pub(super) fn full_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    plain_box(kind, &[&[0; 4], content].concat())
}

/// Returns the property with the size of a picture.
pub(super) fn image_size((width, height): (u32, u32)) -> Vec<u8> {
    full_box(
        b"ispe",
        &[width.to_be_bytes(), height.to_be_bytes()].concat(),
    )
}

/// Returns the property that names a colour space of full range by numbers.
pub(super) fn nclx(primaries: u16, transfer: u16, matrix: u16) -> Vec<u8> {
    let numbers = [primaries, transfer, matrix].map(u16::to_be_bytes).concat();
    plain_box(b"colr", &[b"nclx", &numbers[..], &[0x80]].concat())
}

/// Returns the property with an ICC profile.
pub(super) fn icc(profile: &[u8]) -> Vec<u8> {
    plain_box(b"colr", &[b"prof", profile].concat())
}

/// Returns the property that crops a picture. `offset` is the distance of the middles, in halves of
/// pixels.
pub(super) fn crop(size: (u32, u32), offset: (i32, i32)) -> Vec<u8> {
    let one = 1_u32.to_be_bytes();
    let two = 2_u32.to_be_bytes();
    let (width, height) = (size.0.to_be_bytes(), size.1.to_be_bytes());
    let (x, y) = (offset.0.to_be_bytes(), offset.1.to_be_bytes());
    plain_box(b"clap", &[width, one, height, one, x, two, y, two].concat())
}

/// Returns an AVIF. The first item is the primary one.
pub(super) fn avif(items: &[TestItem]) -> Vec<u8> {
    container(b"avif", Some(1), items)
}

/// Returns a HEIF file of a brand.
pub(super) fn container(brand: &[u8; 4], primary: Option<u16>, items: &[TestItem]) -> Vec<u8> {
    let file_type = plain_box(b"ftyp", &[&brand[..], &[0; 4], brand, b"mif1"].concat());
    // The offsets have a fixed size, so the boxes have the same size with all of them.
    let size = meta(primary, items, 0).len();
    let first = file_type.len() + size + 8;
    let data: Vec<u8> = items.iter().flat_map(|item| item.data.clone()).collect();
    [
        file_type,
        meta(primary, items, first as u32),
        plain_box(b"mdat", &data),
    ]
    .concat()
}

/// Returns the box with all that describes the items. The data of the first item is at `first`.
fn meta(primary: Option<u16>, items: &[TestItem], first: u32) -> Vec<u8> {
    let count = (items.len() as u16).to_be_bytes();
    let ids = || {
        items
            .iter()
            .zip(1_u16..)
            .map(|(item, id)| (item, id.to_be_bytes()))
    };
    let mut locations = [&[0x44, 0][..], &count].concat();
    let mut entries = count.to_vec();
    let (mut properties, mut associations) = (Vec::new(), Vec::new());
    let (mut references, mut offset, mut index) = (Vec::new(), first, 0);
    for (item, id) in ids() {
        let length = item.data.len() as u32;
        locations.extend([&id[..], &[0, 0, 0, 1]].concat());
        locations.extend([offset.to_be_bytes(), length.to_be_bytes()].concat());
        offset += length;
        let mut entry = full_box(b"infe", &[&id[..], &[0, 0], &item.kind, &[0]].concat());
        // The version.
        entry[8] = 2;
        entries.extend(entry);
        associations.extend([&id[..], &[item.properties.len() as u8]].concat());
        for property in &item.properties {
            index += 1;
            associations.push(index);
            properties.extend_from_slice(property);
        }
        for (kind, to) in &item.references {
            let to_count = (to.len() as u16).to_be_bytes();
            let to: Vec<u8> = to.iter().flat_map(|id| id.to_be_bytes()).collect();
            references.extend(plain_box(kind, &[&id[..], &to_count, &to].concat()));
        }
    }
    let associations = [
        &u32::from(items.len() as u16).to_be_bytes()[..],
        &associations,
    ]
    .concat();
    let properties = [
        plain_box(b"ipco", &properties),
        full_box(b"ipma", &associations),
    ];
    let primary = primary.map(|id| full_box(b"pitm", &id.to_be_bytes()));
    let handler = [&[0; 4], &b"pict"[..], &[0; 13]].concat();
    let boxes = [
        full_box(b"hdlr", &handler),
        primary.unwrap_or_default(),
        full_box(b"iloc", &locations),
        full_box(b"iinf", &entries),
        plain_box(b"iprp", &properties.concat()),
        full_box(b"iref", &references),
    ];
    full_box(b"meta", &boxes.concat())
}
