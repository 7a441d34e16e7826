//! Tests on constructed PNG and WebP files: what is kept, what is removed, and what is refused.

use super::*;
use proptest::prelude::*;

const TIFF_6: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0SECRET";

fn png(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let Span::Made(bytes) = png_chunk(name, data) else {
        panic!("made")
    };
    bytes.to_vec()
}

fn riff(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [
        name.as_slice(),
        &(data.len() as u32).to_le_bytes(),
        data,
        padding,
    ]
    .concat()
}

fn png_file(chunks: &[Vec<u8>]) -> Vec<u8> {
    [
        b"\x89PNG\r\n\x1a\n".as_slice(),
        &png(b"IHDR", &[7; 13]),
        &chunks.concat(),
    ]
    .concat()
}

fn webp_file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.concat();
    let size = (chunks.len() as u32 + 4).to_le_bytes();
    [b"RIFF".as_slice(), &size, b"WEBP", &chunks].concat()
}

fn png_with_secrets() -> Vec<u8> {
    let file = png_file(&[
        png(b"iCCP", b"COLOURS"),
        png(b"tEXt", b"SECRET"),
        png(b"zzZz", b""),
        png(b"IDAT", b"PIXELS"),
        png(b"IDAT", b"PIXELS"),
        png(b"eXIf", TIFF_6),
        png(b"iTXt", b"XML:com.adobe.xmp SECRET"),
        png(b"IEND", b""),
    ]);
    [file, b"SECRET-TRAILER".to_vec()].concat()
}

fn webp_with_secrets() -> Vec<u8> {
    let file = webp_file(&[
        riff(b"VP8X", &[0x2c, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
        riff(b"ICCP", b"COLOURS"),
        riff(b"SECR", b"SECRET"),
        riff(b"VP8 ", b"PIXELS"),
        riff(b"EXIF", TIFF_6),
        riff(b"XMP ", b"SECRET"),
    ]);
    [file, b"SECRET-TRAILER".to_vec()].concat()
}

fn edit(
    rules: &'static ChunkRules,
    file: &[u8],
    step: usize,
    orientation: Option<u8>,
) -> Result<EditList, NotStrippable> {
    let mut scanner = ChunkScanner::new(rules, 0);
    for chunk in file.chunks(step) {
        if !scanner.feed(chunk) {
            break;
        }
    }
    scanner.finish(orientation)
}

fn rendered(file: &[u8], edit: &EditList) -> Vec<u8> {
    let bytes: Vec<u8> = edit
        .slice(0..edit.size_bytes())
        .iter()
        .flat_map(|span| match span {
            Span::Made(bytes) => bytes.to_vec(),
            Span::Kept(range) => file[range.start as usize..range.end as usize].to_vec(),
        })
        .collect();
    assert_eq!(bytes.len() as u64, edit.size_bytes());
    bytes
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn png_keeps_colours_pixels_and_orientation() {
    let file = png_with_secrets();
    let bytes = rendered(&file, &edit(&PNG, &file, 5, None).expect("strippable"));
    let expected = png_file(&[
        png(b"eXIf", &orientation_tiff(6)),
        png(b"iCCP", b"COLOURS"),
        png(b"IDAT", b"PIXELS"),
        png(b"IDAT", b"PIXELS"),
        png(b"IEND", b""),
    ]);
    assert_eq!(bytes, expected);
    assert_eq!(
        rendered(
            &expected,
            &edit(&PNG, &expected, 9, None).expect("strippable")
        ),
        expected
    );
}

#[test]
fn webp_keeps_colours_pixels_and_orientation() {
    let file = webp_with_secrets();
    let bytes = rendered(&file, &edit(&WEBP, &file, 5, None).expect("strippable"));
    let expected = webp_file(&[
        riff(b"VP8X", &[0x28, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
        riff(b"ICCP", b"COLOURS"),
        riff(b"VP8 ", b"PIXELS"),
        riff(b"EXIF", &orientation_tiff(6)),
    ]);
    assert_eq!(bytes, expected);
    let upright = webp_file(&[
        riff(b"VP8X", &[0x0c, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
        riff(b"VP8L", b"PIXELS"),
    ]);
    let bytes = rendered(
        &upright,
        &edit(&WEBP, &upright, 3, None).expect("strippable"),
    );
    assert_eq!(
        bytes,
        webp_file(&[
            riff(b"VP8X", &[0, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
            riff(b"VP8L", b"PIXELS")
        ])
    );
}

#[test]
fn webp_without_metadata_is_unchanged() {
    let file = webp_file(&[riff(b"VP8 ", b"PIXEL")]);
    assert_eq!(
        rendered(&file, &edit(&WEBP, &file, 4, None).expect("strippable")),
        file
    );
}

#[test]
fn animated_webp_is_refused() {
    let file = webp_file(&[
        riff(b"VP8X", &[2, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
        riff(b"VP8 ", b"PIXELS"),
    ]);
    assert_eq!(edit(&WEBP, &file, 64, None), Err(NotStrippable));
    let frames = webp_file(&[riff(b"ANMF", b"SECRET")]);
    assert_eq!(edit(&WEBP, &frames, 64, None), Err(NotStrippable));
}

#[test]
fn truncated_file_shows_no_secret_and_is_refused_without_pixels() {
    for (rules, file) in [(&PNG, png_with_secrets()), (&WEBP, webp_with_secrets())] {
        for end in 0..file.len() {
            if let Ok(edit) = edit(rules, &file[..end], 3, Some(3)) {
                let bytes = rendered(&file[..end], &edit);
                assert!(
                    contains(&bytes, "IDAT") || contains(&bytes, "VP8 "),
                    "cut at {end}"
                );
                assert!(!contains(&bytes, "SECRET"), "cut at {end}");
            }
        }
    }
    let png = png_with_secrets();
    let cut = png
        .windows(4)
        .position(|name| name == b"IDAT")
        .expect("pixels")
        + 6;
    assert!(edit(&PNG, &png[..cut], 8, None).is_ok());
    assert_eq!(edit(&PNG, &png[..cut - 8], 8, None), Err(NotStrippable));
    assert_eq!(
        edit(&WEBP, b"RIFF\x04\0\0\0WEBP", 64, None),
        Err(NotStrippable)
    );
}

proptest! {
    #[test]
    fn any_bytes_give_spans_inside_the_file(
        noise in proptest::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..200),
        tail in proptest::collection::vec(any::<u8>(), 0..40),
        step in 1_usize..20,
    ) {
        let start = [b"\x89PNG\r\n\x1a\n".as_slice(), &png(b"IHDR", &[7; 13]), &png(b"IDAT", &noise), &tail].concat();
        let riff = [webp_file(&[riff(b"VP8 ", &noise)]), tail].concat();
        for (rules, file) in [(&PNG, start), (&WEBP, riff), (&PNG, noise.clone()), (&WEBP, noise)] {
            if let Ok(edit) = edit(rules, &file, step, Some(6)) {
                rendered(&file, &edit);
            }
        }
    }
}
