//! Tests of rewritten profiles, with a colour management system that is not our own.

use moxcms::{ColorProfile, Layout, TransformOptions};
use proptest::prelude::*;

use super::*;

/// Adds tags to a profile that was written by another program.
fn add_tags(profile: &[u8], added: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let count = u32_at(profile, HEADER_BYTES).expect("a count") as usize;
    let table_end = HEADER_BYTES + 4 + count * TAG_ENTRY_BYTES;
    let shift = (added.len() * TAG_ENTRY_BYTES) as u32;
    let mut table = Vec::new();
    for entry in profile[HEADER_BYTES + 4..table_end].chunks(TAG_ENTRY_BYTES) {
        let offset = u32_at(entry, 4).expect("an offset") + shift;
        table.extend([&entry[..4], &offset.to_be_bytes(), &entry[8..]].concat());
    }
    let mut data = profile[table_end..].to_vec();
    for (signature, element) in added {
        data.resize(data.len().next_multiple_of(4), 0);
        let offset = (table_end + data.len()) as u32 + shift;
        table.extend(
            [
                &signature[..],
                &offset.to_be_bytes(),
                &(element.len() as u32).to_be_bytes(),
            ]
            .concat(),
        );
        data.extend(*element);
    }
    let count = ((count + added.len()) as u32).to_be_bytes();
    let mut whole = [&profile[..HEADER_BYTES], &count, &table, &data].concat();
    let size = (whole.len() as u32).to_be_bytes();
    whole[..4].copy_from_slice(&size);
    whole
}

/// Fills the fields of the header that do not define colours with a secret.
fn fill_header(mut profile: Vec<u8>) -> Vec<u8> {
    // The preferred program, the platform to the attributes, the creator to the reserved bytes.
    for field in [4..8, 40..64, 80..128] {
        let secret = b"SECRET".iter().cycle();
        profile[field]
            .iter_mut()
            .zip(secret)
            .for_each(|(byte, secret)| *byte = *secret);
    }
    profile
}

/// Returns a profile with secrets in the header, in texts, in private tags and after its end.
pub(crate) fn profile_with_secrets() -> Vec<u8> {
    let profile = ColorProfile::new_display_p3().encode().expect("encoded");
    let secrets: [(&[u8; 4], &[u8]); 5] = [
        (b"dmnd", b"text\0\0\0\0SECRET-MAKER\0"),
        (b"vued", b"desc\0\0\0\0\0\0\0\x07SECRET\0"),
        (b"meta", b"dict\0\0\0\0SECRET"),
        (b"ROOM", b"text\0\0\0\0SECRET-ROOM\0"),
        (b"bkpt", b"XYZ SECR\0\0\0\0\0\0\0\0\0\0\0\0SECRET"),
    ];
    let mut profile = fill_header(add_tags(&profile, &secrets));
    profile.extend(b"SECRET-TRAILER");
    profile
}

/// Returns a profile with a table of 200,000 values, and with secrets.
pub(crate) fn large_profile() -> Vec<u8> {
    let (inputs, outputs, grid) = (4_u8, 3_u8, 16_u8);
    let mut table = [b"mft2SECR".as_slice(), &[inputs, outputs, grid, b'S']].concat();
    table.extend([0; 36]);
    table.extend([0, 2, 0, 2]);
    let points = usize::from(grid).pow(inputs.into()) * usize::from(outputs);
    let values = (0..points + 2 * 4 + 2 * 3).map(|value| value as u16);
    table.extend(values.flat_map(u16::to_be_bytes));
    table.extend(b"SECRET");
    let mut header = ColorProfile::new_srgb().encode().expect("encoded")[..HEADER_BYTES].to_vec();
    header[16..20].copy_from_slice(b"CMYK");
    header[20..24].copy_from_slice(b"Lab ");
    header[12..16].copy_from_slice(b"prtr");
    add_tags(
        &[&header[..], &[0; 4]].concat(),
        &[(b"A2B0", &table), (b"B2A0", b"mft2SECRET")],
    )
}

fn contains(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

/// Returns colours that a profile converts to sRGB.
fn colours(profile: &[u8], layout: Layout) -> Vec<f32> {
    let source = ColorProfile::new_from_slice(profile).expect("a profile");
    let target = ColorProfile::new_srgb();
    let transform = source
        .create_transform_f32(layout, &target, Layout::Rgb, TransformOptions::default())
        .expect("a transform");
    let channels = if layout == Layout::Gray { 1 } else { 3 };
    let pixels: Vec<f32> = (0..300 * channels)
        .map(|at| (at * 37 % 256) as f32 / 255.0)
        .collect();
    let mut converted = vec![0.0; 900];
    transform
        .transform(&pixels, &mut converted)
        .expect("converted");
    converted
}

#[test]
fn colours_stay_and_secrets_are_removed() {
    for profile in [
        ColorProfile::new_srgb(),
        ColorProfile::new_adobe_rgb(),
        ColorProfile::new_display_p3(),
        ColorProfile::new_pro_photo_rgb(),
        ColorProfile::new_bt2020(),
    ] {
        let mut profile = profile;
        let text = moxcms::LocalizableString::new("en".into(), "US".into(), "SECRET".into());
        profile.description = Some(moxcms::ProfileText::Localizable(vec![text.clone()]));
        profile.copyright = Some(moxcms::ProfileText::Localizable(vec![text]));
        let original = fill_header(profile.encode().expect("encoded"));
        let utf16: Vec<u8> = "SECRET".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(contains(&original, &utf16) && contains(&original, b"SECRET"));
        let rewritten = rewrite_profile(&original).expect("rewritten");
        assert!(!contains(&rewritten, &utf16) && !contains(&rewritten, b"SECRET"));
        assert!(!contains(&rewritten, b"SECR"));
        assert_eq!(
            colours(&rewritten, Layout::Rgb),
            colours(&original, Layout::Rgb)
        );
        assert_eq!(rewrite_profile(&rewritten), Some(rewritten));
    }
    let grey = ColorProfile::new_gray_with_gamma(2.2)
        .encode()
        .expect("encoded");
    let rewritten = rewrite_profile(&grey).expect("rewritten");
    assert_eq!(
        colours(&rewritten, Layout::Gray),
        colours(&grey, Layout::Gray)
    );
}

#[test]
fn private_tags_and_trailers_are_removed() {
    for profile in [profile_with_secrets(), large_profile()] {
        let rewritten = rewrite_profile(&profile).expect("rewritten");
        assert!(contains(&profile, b"SECRET") && !contains(&rewritten, b"SECR"));
    }
    let tags = |profile: &[u8]| {
        let count = u32_at(profile, HEADER_BYTES).expect("a count") as usize;
        let table = profile[HEADER_BYTES + 4..]
            .chunks(TAG_ENTRY_BYTES)
            .take(count);
        table
            .map(|entry| String::from_utf8_lossy(&entry[..4]).into_owned())
            .collect::<Vec<_>>()
    };
    let rewritten = rewrite_profile(&large_profile()).expect("rewritten");
    assert_eq!(tags(&rewritten), ["desc", "cprt", "A2B0"]);
}

#[test]
fn description_has_the_form_of_the_version() {
    let mut profile = profile_with_secrets();
    for (version, kind) in [(2, b"desc"), (4, b"mluc")] {
        profile[8] = version;
        let rewritten = rewrite_profile(&profile).expect("rewritten");
        let at = u32_at(&rewritten, HEADER_BYTES + 8).expect("an offset") as usize;
        assert_eq!(&rewritten[at..at + 4], kind);
    }
}

#[test]
fn staged_table_keeps_its_curves_matrix_and_grid() {
    let curve = |secret: &[u8]| [b"curv", secret, &[0, 0, 0, 1, 1, 2, 0, 0]].concat();
    let table = |secret: &[u8], gap: &[u8]| {
        let offsets = [0, 0, 68_u32, 0, 108].map(u32::to_be_bytes).concat();
        let mut table = [b"mAB ", secret, &[3, 1], &gap[..2], &offsets].concat();
        table.truncate(32);
        table[12..16].copy_from_slice(&32_u32.to_be_bytes());
        // One B curve, a gap, and the grid with its curves.
        table.extend(curve(secret));
        table[20..24].copy_from_slice(&48_u32.to_be_bytes());
        table.extend(curve(secret));
        table[24..28].copy_from_slice(&68_u32.to_be_bytes());
        table.extend(gap);
        table.extend(
            [
                &[2, 2, 2][..],
                &[0; 13],
                &[1, 0, 0, 0],
                &[1, 2, 3, 4, 5, 6, 7, 8],
            ]
            .concat(),
        );
        table[28..32].copy_from_slice(&96_u32.to_be_bytes());
        (0..3).for_each(|_| table.extend(curve(secret)));
        table
    };
    let with_secrets = [table(b"SECR", b"HIDE"), b"SECRET".to_vec()].concat();
    let mut clean = table(&[0; 4], &[0; 4]);
    // The padding after the last curve is not part of the table.
    clean.truncate(clean.len() - 2);
    assert_eq!(rewrite_element(&with_secrets), Some(clean));
    for end in 0..with_secrets.len() - 8 {
        assert_eq!(rewrite_element(&with_secrets[..end]), None, "cut at {end}");
    }
}

#[test]
fn other_bytes_are_no_profile() {
    let profile = profile_with_secrets();
    for end in 0..profile.len() - b"SECRET-TRAILER".len() {
        assert_eq!(rewrite_profile(&profile[..end]), None, "cut at {end}");
    }
    for (at, value) in [(8, 5), (12, b'x'), (16, b'x'), (20, b'x'), (36, b'x')] {
        let mut broken = profile.clone();
        broken[at] = value;
        assert_eq!(rewrite_profile(&broken), None, "byte {at}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_rewritten_once(
        changes in proptest::collection::vec((0_usize..900, any::<u8>()), 0..20),
    ) {
        let mut profile = profile_with_secrets();
        for (at, value) in changes {
            if let Some(byte) = profile.get_mut(at) {
                *byte = value;
            }
        }
        if let Some(rewritten) = rewrite_profile(&profile) {
            prop_assert_eq!(rewrite_profile(&rewritten), Some(rewritten));
        }
    }
}
