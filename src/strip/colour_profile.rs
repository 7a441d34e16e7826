//! Rewrites a colour profile, so that it contains only what defines the colours.
//!
//! A profile (ICC.1:2022) is a header, a table of tags, and the data of the tags. A list defines
//! which tags stay. Texts, dates, names of devices, private tags and bytes between the data are
//! removed. The new profile gets a fixed description, because some programs require one. In the
//! data of the tags that stay, bytes without a meaning are set to 0. [ICC.1:2022, 7, 9 and 10;
//! ICC.1:2001-04, 6.5]

/// The maximum length of a profile, in bytes. A longer one is removed. The profiles of printing
/// presses have one or two MiB.
pub(super) const MAX_PROFILE_BYTES: usize = 4 * 1024 * 1024;

const HEADER_BYTES: usize = 128;
/// The maximum number of tags. A profile with more tags is removed.
const MAX_TAGS: usize = 200;
/// The length of an entry in the table of tags: signature, offset and length.
const TAG_ENTRY_BYTES: usize = 12;

/// The tags that stay: how colours are converted from the values of the picture.
const COLOUR_TAGS: [&[u8; 4]; 15] = [
    b"wtpt", b"bkpt", b"chad", b"cicp", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC",
    b"kTRC", b"A2B0", b"A2B1", b"A2B2", b"A2B3",
];
/// The classes of profiles that define the colours of a picture.
const CLASSES: [&[u8; 4]; 4] = [b"scnr", b"mntr", b"prtr", b"spac"];
/// The colour spaces of the values of a picture.
const COLOUR_SPACES: [&[u8; 4]; 4] = [b"RGB ", b"GRAY", b"CMYK", b"Lab "];
/// The colour spaces that values are converted to.
const CONNECTION_SPACES: [&[u8; 4]; 2] = [b"XYZ ", b"Lab "];
/// The description of every rewritten profile.
const DESCRIPTION: &str = "Colours";
/// The copyright notice of every rewritten profile. The standard requires one.
const COPYRIGHT: &str = "None";

/// Returns a new profile with the colours of `profile`, and nothing else of it. Returns `None` if
/// the bytes are not a profile that defines the colours of a picture.
pub(super) fn rewrite_profile(profile: &[u8]) -> Option<Vec<u8>> {
    let length = u32_at(profile, 0)? as usize;
    let profile = profile
        .get(..length)
        .filter(|profile| profile.len() <= MAX_PROFILE_BYTES)?;
    let header = rewrite_header(profile)?;
    let version = *header.get(8)?;
    let count = u32_at(profile, HEADER_BYTES)? as usize;
    let mut tags = vec![
        (*b"desc", description_element(version, DESCRIPTION)),
        (*b"cprt", copyright_element(version, COPYRIGHT)),
    ];
    let mut total = 0_usize;
    for index in 0..count.min(MAX_TAGS + 1) {
        let at = HEADER_BYTES + 4 + index * TAG_ENTRY_BYTES;
        let signature = *profile.get(at..)?.first_chunk::<4>()?;
        let is_new = tags.iter().all(|(known, _)| *known != signature);
        if COLOUR_TAGS.contains(&&signature) && is_new {
            let start = u32_at(profile, at + 4)? as usize;
            let end = start.checked_add(u32_at(profile, at + 8)? as usize)?;
            total = total.saturating_add(end.saturating_sub(start));
            if total > MAX_PROFILE_BYTES {
                return None;
            }
            tags.push((signature, rewrite_element(profile.get(start..end)?)?));
        }
    }
    let has = |wanted: &[u8; 4]| tags.iter().any(|(signature, _)| signature == wanted);
    let has_colours = has(b"A2B0")
        || has(b"kTRC")
        || (has(b"rXYZ") && has(b"gXYZ") && has(b"bXYZ") && has(b"rTRC"));
    let is_usable = count <= MAX_TAGS && has_colours;
    let rewritten = is_usable.then(|| assemble_profile(header, &tags))?;
    // The data of the tags may overlap, so the new profile can be longer.
    (rewritten.len() <= MAX_PROFILE_BYTES).then_some(rewritten)
}

/// Returns a new header with the fields that define the colours. All other fields are 0.
fn rewrite_header(profile: &[u8]) -> Option<[u8; HEADER_BYTES]> {
    let old = profile.first_chunk::<HEADER_BYTES>()?;
    let mut header = [0; HEADER_BYTES];
    let mut copy = |from: usize, to: usize| {
        if let (Some(new), Some(old)) = (header.get_mut(from..to), old.get(from..to)) {
            new.copy_from_slice(old);
        }
    };
    copy(8, 10); // The version. The two bytes after it are reserved.
    copy(12, 24); // The class and the two colour spaces.
    copy(36, 40); // The signature of the format, which is checked below.
    copy(64, 80); // The rendering intent, and the illuminant.
    let is_one_of = |list: &[&[u8; 4]], at: usize| {
        let field = old.get(at..).and_then(|rest| rest.first_chunk::<4>());
        field.is_some_and(|field| list.contains(&field))
    };
    let known = matches!(old[8], 2 | 4)
        && is_one_of(&CLASSES, 12)
        && is_one_of(&COLOUR_SPACES, 16)
        && is_one_of(&CONNECTION_SPACES, 20)
        && is_one_of(&[b"acsp"], 36);
    // The date of the profile must be a date: 2000-01-01.
    header[24..30].copy_from_slice(&[0x07, 0xd0, 0, 1, 0, 1]);
    known.then_some(header)
}

/// Writes a profile from its header and its tags. Tags with equal data share it.
fn assemble_profile(mut header: [u8; HEADER_BYTES], tags: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut table = (tags.len() as u32).to_be_bytes().to_vec();
    let mut data = Vec::new();
    let data_at = HEADER_BYTES + 4 + tags.len() * TAG_ENTRY_BYTES;
    let mut written: Vec<(usize, &Vec<u8>)> = Vec::new();
    for (signature, element) in tags {
        let shared = written.iter().find(|(_, known)| *known == element);
        let start = shared.map_or(data_at + data.len(), |(start, _)| *start);
        table.extend(signature);
        table.extend((start as u32).to_be_bytes());
        table.extend((element.len() as u32).to_be_bytes());
        if shared.is_none() {
            written.push((start, element));
            data.extend(element);
            data.resize(data.len().next_multiple_of(4), 0);
        }
    }
    let size = (HEADER_BYTES + table.len() + data.len()) as u32;
    header[..4].copy_from_slice(&size.to_be_bytes());
    [&header[..], &table, &data].concat()
}

/// Returns the data of a tag without bytes that have no meaning. Returns `None` if its type does
/// not define colours, or if the data is too short.
fn rewrite_element(element: &[u8]) -> Option<Vec<u8>> {
    match element.first_chunk::<4>()? {
        b"XYZ " => copy_parts(element, &[(0, 4), (8, 20)], 20),
        b"sf32" => copy_parts(element, &[(0, 4), (8, 44)], 44),
        b"cicp" => copy_parts(element, &[(0, 4), (8, 12)], 12),
        b"curv" | b"para" => rewrite_curve(element),
        b"mft1" | b"mft2" => rewrite_lookup_table(element),
        b"mAB " => rewrite_staged_table(element),
        _ => None,
    }
}

/// Returns `length` bytes: the given ranges of `element`, and 0 everywhere else.
fn copy_parts(element: &[u8], parts: &[(usize, usize)], length: usize) -> Option<Vec<u8>> {
    let mut copy = vec![0; length];
    for (from, to) in parts {
        copy.get_mut(*from..*to)?
            .copy_from_slice(element.get(*from..*to)?);
    }
    Some(copy)
}

/// Rewrites a curve, which may have other bytes after it [ICC.1:2022, 10.6 and 10.18].
fn rewrite_curve(element: &[u8]) -> Option<Vec<u8>> {
    if element.starts_with(b"curv") {
        let length = 12 + u32_at(element, 8)? as usize * 2;
        element.get(..length)?;
        return copy_parts(element, &[(0, 4), (8, length)], length);
    }
    let numbers = match u16_at(element, 8)? {
        0 => 1,
        1 => 3,
        2 => 4,
        3 => 5,
        4 => 7,
        _ => return None,
    };
    let length = 12 + numbers * 4;
    if !element.starts_with(b"para") {
        return None;
    }
    copy_parts(element, &[(0, 4), (8, 10), (12, length)], length)
}

/// Rewrites a table with 8 or 16 bits [ICC.1:2022, 10.10 and 10.11].
fn rewrite_lookup_table(element: &[u8]) -> Option<Vec<u8>> {
    let (inputs, outputs) = (channels(element, 8)?, channels(element, 9)?);
    let grid = usize::from(*element.get(10)?).checked_pow(inputs as u32)?;
    let points = grid.checked_mul(outputs)?;
    let length = if element.starts_with(b"mft1") {
        points.checked_add(48 + 256 * (inputs + outputs))?
    } else {
        let (input, output) = (u16_at(element, 48)?, u16_at(element, 50)?);
        let tables = usize::from(input) * inputs + usize::from(output) * outputs;
        points
            .checked_add(tables)?
            .checked_mul(2)?
            .checked_add(52)?
    };
    element.get(..length)?;
    copy_parts(element, &[(0, 4), (8, 11), (12, length)], length)
}

/// Rewrites a table that consists of curves, a matrix and a grid, at offsets in the data
/// [ICC.1:2022, 10.12].
fn rewrite_staged_table(element: &[u8]) -> Option<Vec<u8>> {
    const MATRIX_BYTES: usize = 48;
    let (inputs, outputs) = (channels(element, 8)?, channels(element, 9)?);
    let mut copy = copy_parts(element, &[(0, 4), (8, 10), (12, 32)], 32)?;
    copy.resize(element.len(), 0);
    let mut end = 32;
    let mut put = |start: usize, part: &[u8]| {
        end = end.max(start + part.len());
        copy.get_mut(start..start + part.len())
            .map(|place| place.copy_from_slice(part))
    };
    let offset = |at: usize| u32_at(element, at).map(|offset| offset as usize);
    for (at, curves) in [(12, outputs), (20, outputs), (28, inputs)] {
        let mut start = offset(at)?;
        for _ in 0..if start == 0 { 0 } else { curves } {
            let curve = rewrite_curve(element.get(start..)?)?;
            put(start, &curve)?;
            start += curve.len().next_multiple_of(4);
        }
    }
    let matrix = offset(16)?;
    if matrix != 0 {
        put(matrix, element.get(matrix..)?.get(..MATRIX_BYTES)?)?;
    }
    let grid = offset(24)?;
    if grid != 0 {
        put(grid, &rewrite_grid(element.get(grid..)?, inputs, outputs)?)?;
    }
    copy.truncate(end);
    Some(copy)
}

/// Rewrites the grid of a staged table: the number of points of each input, the width of a value,
/// and the values.
fn rewrite_grid(grid: &[u8], inputs: usize, outputs: usize) -> Option<Vec<u8>> {
    let sides = grid.get(..inputs)?.iter();
    let mut sides = sides.map(|side| usize::from(*side));
    let points = sides.try_fold(outputs, usize::checked_mul)?;
    let width = *grid.get(16)?;
    if !matches!(width, 1 | 2) {
        return None;
    }
    let length = points.checked_mul(width.into())?.checked_add(20)?;
    grid.get(..length)?;
    copy_parts(grid, &[(0, inputs), (16, 17), (20, length)], length)
}

/// Reads a number of channels: 1 to 15.
fn channels(element: &[u8], at: usize) -> Option<usize> {
    let channels = element.get(at).copied().map(usize::from)?;
    (1..=15).contains(&channels).then_some(channels)
}

/// Builds the data of a description, in the form of the version of the profile.
fn description_element(version: u8, text: &str) -> Vec<u8> {
    if version >= 4 {
        return localised_text(text);
    }
    // The lengths of the texts in Unicode and in the code of the Macintosh are 0.
    const OTHER_TEXTS_BYTES: usize = 4 + 4 + 2 + 1 + 67;
    let length = (text.len() as u32 + 1).to_be_bytes();
    let head = [b"desc\0\0\0\0", &length[..], text.as_bytes(), &[0]].concat();
    [head, vec![0; OTHER_TEXTS_BYTES]].concat()
}

/// Builds the data of a copyright notice, in the form of the version of the profile.
fn copyright_element(version: u8, text: &str) -> Vec<u8> {
    if version >= 4 {
        return localised_text(text);
    }
    [b"text\0\0\0\0", text.as_bytes(), &[0]].concat()
}

/// Builds a text with one translation [ICC.1:2022, 10.15].
fn localised_text(text: &str) -> Vec<u8> {
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let length = (utf16.len() as u32).to_be_bytes();
    let head = b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS";
    [&head[..], &length, &28_u32.to_be_bytes(), &utf16].concat()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*bytes))
}

#[cfg(test)]
pub(super) mod tests;
