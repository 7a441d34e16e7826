//! Trailers: IPTC that old programs wrote after the picture of a JPEG.
//!
//! Two kinds are read. AFCP (AXS File Concatenation Protocol) has a directory of records.
//! FotoStation writes records with a footer of ten bytes. Other trailers may follow them.
//!
//! A trailer is read only if the file is so small that its first read contains all of it. A larger
//! file would need a read of its end, and nearly no file has a trailer.

use memchr::memmem;

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::extractor::BEGINNING_BYTES;
use super::limits;
use super::sparse::ByteView;
use super::work_budget::Work;

/// The end of a record of FotoStation.
const FOTO_STATION: &[u8] = &[0xa1, 0xb2, 0xc3, 0xd4];
/// The number of bytes after a record of FotoStation: its number, its size and [`FOTO_STATION`].
const FOTO_STATION_FOOTER: usize = 10;
/// The start of the header and of the footer of AFCP. A letter for the byte order follows.
const AFCP: &[u8] = b"AXS";
/// The size of the header and of the footer of AFCP, and of an entry of its directory.
const AFCP_BYTES: usize = 12;

/// Finds the IPTC in the trailers of a file, and adds it to `blocks`, the last one first. The
/// caller must have found the picture before.
pub(crate) fn read_trailers(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let picture = blocks
        .picture
        .map(|picture| picture.offset.saturating_sub(view.base()));
    let Some(picture) = picture.filter(|_| view.len() <= BEGINNING_BYTES) else {
        return;
    };
    let after = view.from(picture);
    let file = view.get(0, view.len());
    let bytes = after.get(0, after.len());
    let paid = view.budget().pay(Work::Bytes, after.len());
    let (Some(file), Some(bytes), Some(())) = (file, bytes, paid) else {
        return;
    };
    let picture = file.len() - bytes.len();
    let mut found = Vec::new();
    let signatures: [(&[u8], ReadTrailer); 2] =
        [(FOTO_STATION, foto_station_iptc), (AFCP, afcp_iptc)];
    for (signature, read) in signatures {
        let places: Vec<usize> = memmem::find_iter(bytes, signature).collect();
        for at in places.into_iter().rev().take(limits::MAX_TRAILERS) {
            let at = picture + at;
            found.extend(read(file, at).map(|range| (at, range)));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    for (_, (start, length)) in found {
        blocks.trailing_iptc.push(MetadataBlock::File {
            start: view.base() + start as u64,
            len: length as u64,
        });
    }
}

/// Returns the place of the IPTC in a trailer: its start and its length. The second parameter is
/// the place of the trailer's signature in the file.
type ReadTrailer = fn(&[u8], usize) -> Option<(usize, usize)>;

/// Returns the place of a record of FotoStation that contains IPTC. `at` is the place of the
/// signature in its footer.
fn foto_station_iptc(file: &[u8], at: usize) -> Option<(usize, usize)> {
    let (&[.., 0, 1, a, b, c, d], _) = file.split_at_checked(at)? else {
        return None;
    };
    let size = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    let length = size.checked_sub(FOTO_STATION_FOOTER)?;
    let start = (at + FOTO_STATION.len()).checked_sub(size)?;
    Some((start, length))
}

/// Returns the place of the IPTC in an AFCP trailer. `at` is the place of the signature in its
/// footer.
fn afcp_iptc(file: &[u8], at: usize) -> Option<(usize, usize)> {
    let footer: [u8; AFCP_BYTES] = array(file, at)?;
    let [_, _, _, order, start @ .., _, _, _, _] = footer;
    let read_u32 = match order {
        b'!' => u32::from_be_bytes,
        b'*' => u32::from_le_bytes,
        _ => return None,
    };
    let number = |bytes: [u8; 4]| usize::try_from(read_u32(bytes)).ok();
    let start = number(start)?;
    let header: [u8; AFCP_BYTES] = array(file, start).filter(|_| start < at)?;
    let [b'A', b'X', b'S', same, _, _, high, low, ..] = header else {
        return None;
    };
    if same != order {
        return None;
    }
    let count = match order {
        b'!' => u16::from_be_bytes([high, low]),
        _ => u16::from_le_bytes([high, low]),
    };
    let mut entries = (1..=usize::from(count)).map_while(|index| {
        let entry: [u8; AFCP_BYTES] = array(file, start + index * AFCP_BYTES)?;
        let [name @ .., a, b, c, d, e, f, g, h] = entry;
        Some((name, [a, b, c, d], [e, f, g, h]))
    });
    let (_, length, offset) = entries.find(|(name, ..)| name == b"IPTC")?;
    let (offset, length) = (number(offset)?, number(length)?);
    file.get(offset..offset.checked_add(length)?)?;
    Some((offset, length))
}

fn array<const N: usize>(file: &[u8], start: usize) -> Option<[u8; N]> {
    file.get(start..start.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::PictureData;
    use crate::sparse::Sparse;

    fn iptc_of(file: &[u8]) -> Vec<Vec<u8>> {
        let sparse = Sparse::whole(file);
        let mut blocks = MetadataBlocks {
            picture: Some(PictureData {
                offset: 50,
                length: file.len() as u64,
            }),
            ..MetadataBlocks::default()
        };
        read_trailers(sparse.view(), &mut blocks);
        let bytes = blocks.trailing_iptc.iter().map(|block| match block {
            MetadataBlock::File { start, len } => {
                file[*start as usize..(*start + *len) as usize].to_vec()
            }
            MetadataBlock::Memory(bytes) => bytes.clone(),
        });
        bytes.collect()
    }

    fn foto_station(number: u8, record: &[u8]) -> Vec<u8> {
        let size = (record.len() as u32 + 10).to_be_bytes();
        [record, &[0, number], &size, FOTO_STATION].concat()
    }

    /// Returns an AFCP trailer that begins at `start`, with a text and with IPTC.
    fn afcp(start: u32, iptc: &[u8], is_big: bool) -> Vec<u8> {
        let number = |n: u32| match is_big {
            true => n.to_be_bytes(),
            false => n.to_le_bytes(),
        };
        let signature = if is_big { b"AXS!" } else { b"AXS*" };
        let count = if is_big { [0, 2] } else { [2, 0] };
        let data = start + 36;
        let parts: [&[u8]; 15] = [
            signature,
            &[0, 1],
            &count,
            &[0; 4],
            b"TEXT",
            &number(2),
            &number(data),
            b"IPTC",
            &number(iptc.len() as u32),
            &number(data + 2),
            b"hi",
            iptc,
            signature,
            &number(start),
            &[0; 4],
        ];
        parts.concat()
    }

    #[test]
    fn iptc_in_trailers_is_found() {
        let picture = [0x55; 100];
        for is_big in [true, false] {
            let mut file = picture.to_vec();
            file.extend(afcp(100, b"afcp", is_big));
            assert_eq!(iptc_of(&file), [b"afcp"]);
            file.extend(foto_station(1, b"station"));
            file.extend(foto_station(2, b"other"));
            file.extend(b"another trailer");
            assert_eq!(iptc_of(&file), [b"station".to_vec(), b"afcp".to_vec()]);
            let end = file.len() - 1;
            file[end - 15 - 15 - 17 - 6] ^= 1;
            assert_eq!(iptc_of(&file), [b"station"]);
        }
        assert_eq!(iptc_of(&picture), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn broken_trailers_are_ignored() {
        let mut file = vec![0x55; 100];
        file.extend(afcp(100, b"afcp", true));
        file.extend(foto_station(1, b"station"));
        for at in 100..file.len() {
            for byte in [0, 0xff] {
                let mut broken = file.clone();
                broken[at] = byte;
                iptc_of(&broken);
                iptc_of(&broken[..at]);
                iptc_of(&broken[at..]);
            }
        }
    }

    #[test]
    fn trailers_of_large_files_are_not_read() {
        let with = |padding: usize| {
            let mut file = vec![0x55; padding];
            file.extend(foto_station(1, b"station"));
            iptc_of(&file).len()
        };
        let fitting = BEGINNING_BYTES as usize - 17;
        assert_eq!((with(fitting), with(fitting + 1)), (1, 0));
    }
}
