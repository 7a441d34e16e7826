//! Tests on constructed PNG and WebP files: what is kept, what is removed, and what is refused.

use super::*;
use crate::strip::colour_profile::tests::profile_with_secrets;
use photo_metadata::Location;
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

/// Returns the Exif data of a picture with this orientation.
fn tiff(orientation: u8) -> Vec<u8> {
    let added = AddedMetadata {
        orientation: Some(orientation),
        position: None,
    };
    added.build_tiff(None).expect("Exif")
}

/// Returns the `iCCP` chunk of a profile with this name.
fn iccp(name: &[u8], profile: &[u8]) -> Vec<u8> {
    png(b"iCCP", &[name, &[0, 0], &deflate(profile)].concat())
}

fn rewritten_profile() -> Vec<u8> {
    rewrite_profile(&profile_with_secrets()).expect("a profile")
}

fn png_with_secrets() -> Vec<u8> {
    let file = png_file(&[
        iccp(b"SECRET-NAME", &profile_with_secrets()),
        iccp(b"SECRET-NAME", &profile_with_secrets()),
        png(b"gAMA", &[0, 0, 1, 2]),
        png(b"gAMA", b"SECR"),
        png(b"cHRM", b"SECRET"),
        png(b"PLTE", &[7; 900]),
        png(b"sPLT", b"SECRET"),
        png(b"tEXt", b"SECRET"),
        png(b"zzZz", b""),
        png(b"IDAT", b"PIXELS"),
        png(b"IDAT", b"PIXELS"),
        png(b"eXIf", TIFF_6),
        png(b"iTXt", b"XML:com.adobe.xmp SECRET"),
        png(b"IEND", b"SECRET"),
    ]);
    [file, b"SECRET-TRAILER".to_vec()].concat()
}

fn webp_with_secrets() -> Vec<u8> {
    let file = webp_file(&[
        riff(b"VP8X", b"\x2dSEC\x09\0\0\x09\0\0SECRET"),
        riff(b"ICCP", &profile_with_secrets()),
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
    scanner.finish(&AddedMetadata {
        orientation,
        position: None,
    })
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
        png(b"eXIf", &tiff(6)),
        iccp(b"icc", &rewritten_profile()),
        png(b"gAMA", &[0, 0, 1, 2]),
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
        riff(b"ICCP", &rewritten_profile()),
        riff(b"VP8 ", b"PIXELS"),
        riff(b"EXIF", &tiff(6)),
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
fn position_is_written_into_a_webp_without_exif() {
    let position = Some(Location {
        lat: 45.5,
        lon: -73.25,
        ..Location::default()
    });
    let added = AddedMetadata {
        orientation: None,
        position,
    };
    let tiff = added.build_tiff(None).expect("Exif");
    // A size of 300 by 200 pixels, in the two forms of compression.
    let lossy = riff(b"VP8 ", b"abc\x9d\x01\x2a\x2c\x01\xc8\0PIXELS");
    let size = 299_u32 | 199 << 14 | 1 << 28;
    let lossless = riff(
        b"VP8L",
        &[b"/", &size.to_le_bytes()[..], b"PIXELS!"].concat(),
    );
    for (flags, pixels) in [(0x08, lossy), (0x18, lossless)] {
        let file = webp_file(std::slice::from_ref(&pixels));
        let mut scanner = ChunkScanner::new(&WEBP, 0);
        scanner.feed(&file);
        let edit = scanner.finish(&added).expect("strippable");
        let expected = webp_file(&[
            riff(b"VP8X", &[flags, 0, 0, 0, 0x2b, 1, 0, 0xc7, 0, 0]),
            pixels,
            riff(b"EXIF", &tiff),
        ]);
        assert_eq!(rendered(&file, &edit), expected);
    }
}

#[test]
fn animated_webp_keeps_its_frames_without_other_chunks() {
    let frame = |secret: &[Vec<u8>], flags: u8, pixels: &[u8]| {
        let header = [&[1; 15][..], &[flags]].concat();
        let chunks = [
            &secret.concat(),
            &riff(b"ALPH", b"A"),
            &riff(b"VP8 ", pixels)[..],
        ]
        .concat();
        riff(b"ANMF", &[header, chunks].concat())
    };
    let secrets = [riff(b"XMP ", b"SECRET"), riff(b"ANIM", b"SECRET")];
    let file = webp_file(&[
        riff(b"VP8X", &[0x12, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
        riff(b"ANIM", &[1; 6]),
        frame(&secrets, 0xf2, b"FIRST"),
        riff(b"SECR", b"SECRET"),
        frame(&[], 1, b"SECOND"),
        riff(b"XMP ", b"SECRET"),
    ]);
    let expected = webp_file(&[
        riff(b"VP8X", &[0x12, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
        riff(b"ANIM", &[1; 6]),
        frame(&[], 2, b"FIRST"),
        frame(&[], 1, b"SECOND"),
    ]);
    for step in [1, 7, 1000] {
        let edit = edit(&WEBP, &file, step, None).expect("strippable");
        assert_eq!(rendered(&file, &edit), expected);
    }
    // A chunk must not be longer than its frame, and a frame must not be empty.
    for inner in [&b"VP8 \xff\0\0\0PIXELS"[..], b"", &riff(b"XMP ", b"SECRET")] {
        let broken = webp_file(&[riff(b"ANMF", &[&[1; 16], inner].concat())]);
        assert_eq!(edit(&WEBP, &broken, 64, None), Err(NotStrippable));
    }
}

#[test]
fn truncated_file_shows_no_secret_and_is_refused_without_pixels() {
    for (rules, file) in [(&PNG, png_with_secrets()), (&WEBP, webp_with_secrets())] {
        for end in 0..file.len() {
            if let Ok(edit) = edit(rules, &file[..end], 3, Some(3)) {
                let bytes = rendered(&file[..end], &edit);
                assert!(
                    contains(&bytes, "PIXELS") && !contains(&bytes, "SECR"),
                    "cut at {end}"
                );
            }
        }
    }
    assert_eq!(
        edit(&WEBP, b"RIFF\x04\0\0\0WEBP", 64, None),
        Err(NotStrippable)
    );
}

#[test]
fn incomplete_and_overwritten_pixels_of_a_png_are_removed() {
    let first = png(b"IDAT", b"FIRST");
    let second = png(b"IDAT", b"SECOND");
    let end = png(b"IEND", b"");
    let whole = png_file(&[first.clone(), end.clone()]);
    let cut = &png_file(&[first.clone(), second.clone()]);
    for missing in 1..second.len() {
        let file = &cut[..cut.len() - missing];
        let edit = edit(&PNG, file, 5, None).expect("strippable");
        assert_eq!(rendered(file, &edit), whole, "without {missing} bytes");
    }
    // The pixels were cut off, and other bytes follow.
    let mut overwritten = png_file(&[second, end]);
    let at = overwritten.len() - 12 - 8;
    overwritten[at..at + 4].copy_from_slice(b"KEYS");
    assert_eq!(edit(&PNG, &overwritten, 5, None), Err(NotStrippable));
    let alone = png_file(&[first]);
    for missing in 1..10 {
        assert_eq!(
            edit(&PNG, &alone[..alone.len() - missing], 5, None),
            Err(NotStrippable)
        );
    }
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

#[test]
fn profile_of_a_png_that_needs_too_much_work_is_removed() {
    // An empty block of deflate takes five bytes and inflates to nothing.
    let with_empty_blocks = |count: usize| {
        let zlib = deflate(&profile_with_secrets());
        let (head, rest) = zlib.split_at(2);
        let blocks = b"\0\0\0\xff\xff".repeat(count);
        let data = [b"icc\0\0", head, &blocks, rest].concat();
        let file = png_file(&[
            png(b"iCCP", &data),
            png(b"IDAT", b"PIXELS"),
            png(b"IEND", b""),
        ]);
        edit(&PNG, &file, 9, None).expect("strippable").size_bytes()
    };
    let rewritten = png(
        b"iCCP",
        &[PROFILE_HEAD, &deflate(&rewritten_profile())].concat(),
    )
    .len();
    assert_eq!(with_empty_blocks(100), with_empty_blocks(0));
    assert_eq!(
        with_empty_blocks(100) - with_empty_blocks(400_000),
        rewritten as u64
    );
}

#[test]
fn only_the_first_profile_counts() {
    let broken = png(b"iCCP", b"icc\0\0broken");
    for (chunks, has_profile) in [
        (
            vec![iccp(b"a", &profile_with_secrets()), broken.clone()],
            true,
        ),
        (vec![broken, iccp(b"a", &profile_with_secrets())], false),
    ] {
        let chunks = [chunks, vec![png(b"IDAT", b"PIXELS"), png(b"IEND", b"")]].concat();
        let file = png_file(&chunks);
        let stripped = rendered(&file, &edit(&PNG, &file, 9, None).expect("strippable"));
        let found = stripped.windows(4).any(|name| name == b"iCCP");
        assert_eq!(found, has_profile);
    }
}
