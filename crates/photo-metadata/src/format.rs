//! Which image format a file is, by its bytes. A file's name is never looked at.

/// An image format whose metadata this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants are the formats' own names")]
#[rustfmt::skip]
pub enum Format {
    Jpeg, Tiff, BigTiff, Heic, Heif, Avif, Png, WebP, Jxl, Jp2, Psd, Gif,
    Dng, Gpr, Cr2, Cr3, Crw, Nef, Nrw, Arw, Sr2, Srf, Raf, Orf, Rw2, Rwl, Pef, Srw, Iiq, ThreeFr, Fff, Kdc, Dcr, Mrw, X3f,
    Mef, Mos, Erf,
}

impl Format {
    /// The MIME type, as IANA or, for RAW, as ExifTool and the desktop's shared MIME database have it.
    #[rustfmt::skip]
    pub fn mime(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg", Format::Tiff | Format::BigTiff => "image/tiff", Format::Heic => "image/heic",
            Format::Heif => "image/heif", Format::Avif => "image/avif", Format::Png => "image/png",
            Format::WebP => "image/webp", Format::Jxl => "image/jxl", Format::Jp2 => "image/jp2",
            Format::Psd => "image/vnd.adobe.photoshop", Format::Gif => "image/gif", Format::Dng => "image/x-adobe-dng",
            Format::Gpr => "image/x-gopro-gpr", Format::Cr2 => "image/x-canon-cr2", Format::Cr3 => "image/x-canon-cr3",
            Format::Crw => "image/x-canon-crw", Format::Nef => "image/x-nikon-nef", Format::Nrw => "image/x-nikon-nrw",
            Format::Arw => "image/x-sony-arw", Format::Sr2 => "image/x-sony-sr2", Format::Srf => "image/x-sony-srf",
            Format::Raf => "image/x-fujifilm-raf", Format::Orf => "image/x-olympus-orf",
            Format::Rw2 => "image/x-panasonic-rw2", Format::Rwl => "image/x-leica-rwl",
            Format::Pef => "image/x-pentax-pef", Format::Srw => "image/x-samsung-srw",
            Format::Iiq => "image/x-phaseone-iiq", Format::ThreeFr => "image/x-hasselblad-3fr",
            Format::Fff => "image/x-hasselblad-fff", Format::Kdc => "image/x-kodak-kdc",
            Format::Dcr => "image/x-kodak-dcr", Format::Mrw => "image/x-minolta-mrw", Format::X3f => "image/x-sigma-x3f",
            Format::Mef => "image/x-mamiya-mef", Format::Mos => "image/x-leaf-mos", Format::Erf => "image/x-epson-erf",
        }
    }

    /// The format's name: `JPEG`, `CR2`.
    #[rustfmt::skip]
    pub fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "JPEG", Format::Tiff => "TIFF", Format::BigTiff => "BigTIFF", Format::Heic => "HEIC",
            Format::Heif => "HEIF", Format::Avif => "AVIF", Format::Png => "PNG", Format::WebP => "WebP",
            Format::Jxl => "JXL", Format::Jp2 => "JP2", Format::Psd => "PSD", Format::Gif => "GIF", Format::Dng => "DNG",
            Format::Gpr => "GPR", Format::Cr2 => "CR2", Format::Cr3 => "CR3", Format::Crw => "CRW", Format::Nef => "NEF",
            Format::Nrw => "NRW", Format::Arw => "ARW", Format::Sr2 => "SR2", Format::Srf => "SRF", Format::Raf => "RAF",
            Format::Orf => "ORF", Format::Rw2 => "RW2", Format::Rwl => "RWL", Format::Pef => "PEF", Format::Srw => "SRW",
            Format::Iiq => "IIQ", Format::ThreeFr => "3FR", Format::Fff => "FFF", Format::Kdc => "KDC",
            Format::Dcr => "DCR", Format::Mrw => "MRW", Format::X3f => "X3F", Format::Mef => "MEF", Format::Mos => "MOS",
            Format::Erf => "ERF",
        }
    }

    /// Whether browsers of today show it (Can I use: over 90 % of users).
    pub fn browser_can_show(self) -> bool {
        matches!(
            self,
            Format::Jpeg | Format::Png | Format::WebP | Format::Avif | Format::Gif
        )
    }

    /// Whether it holds sensor data, so that what a person sees is an embedded preview or has yet to be developed.
    pub fn is_raw(self) -> bool {
        !matches!(
            self,
            Format::Jpeg
                | Format::Tiff
                | Format::BigTiff
                | Format::Heic
                | Format::Heif
                | Format::Avif
                | Format::Png
                | Format::WebP
                | Format::Jxl
                | Format::Jp2
                | Format::Psd
                | Format::Gif
        )
    }
}

/// The container, by the first bytes of the file; which RAW format a TIFF is shows only in its tags.
///
/// # Errors
/// What the file is instead, for people.
pub(crate) fn detect(head: &[u8]) -> Result<Format, &'static str> {
    let at = |offset: usize, what: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(what))
    };
    if head.is_empty() {
        return Err("empty");
    }
    if at(0, &[0xff, 0xd8]) {
        return Ok(Format::Jpeg);
    }
    // TIFF 6.0 section 2; the other magic numbers are ORF's, RW2's and DCP-like variants', BigTIFF's 43.
    let tiff = at(0, b"II") || at(0, b"MM");
    if tiff {
        let magic = match head.get(2..4) {
            Some(&[a, b]) if at(0, b"II") => u16::from_le_bytes([a, b]),
            Some(&[a, b]) => u16::from_be_bytes([a, b]),
            _ => 0,
        };
        match magic {
            42 if at(8, b"CR") => return Ok(Format::Cr2),
            42 => return Ok(Format::Tiff),
            43 => return Ok(Format::BigTiff),
            0x4f52 | 0x5352 => return Ok(Format::Orf),
            0x55 => return Ok(Format::Rw2),
            _ if at(6, b"HEAPCCDR") => return Ok(Format::Crw),
            _ => {}
        }
    }
    if at(0, b"\x89PNG\r\n\x1a\n") {
        return Ok(Format::Png);
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return Ok(Format::WebP);
    }
    if at(4, b"ftyp") {
        return brand(head);
    }
    if at(0, &[0xff, 0x0a]) || at(0, b"\0\0\0\x0cJXL \r\n\x87\n") {
        return Ok(Format::Jxl);
    }
    if at(0, b"\0\0\0\x0cjP  \r\n\x87\n") {
        return Ok(Format::Jp2);
    }
    if at(0, b"FUJIFILMCCD-RAW") {
        return Ok(Format::Raf);
    }
    if at(0, b"\0MRM") {
        return Ok(Format::Mrw);
    }
    if at(0, b"FOVb") {
        return Ok(Format::X3f);
    }
    if at(0, b"8BPS") {
        return Ok(Format::Psd);
    }
    if at(0, b"GIF87a") || at(0, b"GIF89a") {
        return Ok(Format::Gif);
    }
    if [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"]
        .iter()
        .any(|kind| at(4, *kind))
    {
        return Err("a QuickTime video");
    }
    if at(0, b"\x1a\x45\xdf\xa3") {
        return Err("a Matroska video");
    }
    if at(0, b"RIFF") && at(8, b"AVI ") {
        return Err("an AVI video");
    }
    Err("its first bytes are of no image format known here")
}

/// ISO/IEC 14496-12 4.3: the major brand decides; where it is a general one, the compatible brands do (ISO/IEC 23008-12
/// 10 for HEIF, the AV1 image file format for AVIF; `crx ` is Canon's).
fn brand(head: &[u8]) -> Result<Format, &'static str> {
    let of = |brand: &[u8]| match brand {
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
            Some(Format::Heic)
        }
        b"avif" | b"avis" | b"avio" => Some(Format::Avif),
        b"crx " => Some(Format::Cr3),
        _ => None,
    };
    let major = head.get(8..12).unwrap_or_default();
    if let Some(format) = of(major) {
        return Ok(format);
    }
    let length = head
        .get(0..4)
        .and_then(|l| l.try_into().ok())
        .map_or(0, u32::from_be_bytes) as usize;
    let compatible = head.get(16..length.min(head.len())).unwrap_or_default();
    let general = |brand: &[u8]| {
        matches!(
            brand,
            b"mif1" | b"msf1" | b"mif2" | b"miaf" | b"heif" | b"1pic"
        )
    };
    if general(major) {
        return Ok(compatible
            .chunks_exact(4)
            .find_map(of)
            .unwrap_or(Format::Heif));
    }
    Err("a video (ISO base media)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_bytes() {
        assert_eq!(detect(b"\xff\xd8\xff\xe1"), Ok(Format::Jpeg));
        assert_eq!(detect(b"II*\0\x10\0\0\0CR\x02\0"), Ok(Format::Cr2));
        assert_eq!(detect(b"MM\0*\0\0\0\x08"), Ok(Format::Tiff));
        assert_eq!(
            detect(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif"),
            Ok(Format::Avif)
        );
        assert_eq!(detect(b"\0\0\0\x14ftypmif1\0\0\0\0mif1"), Ok(Format::Heif));
    }

    #[test]
    fn what_is_no_photo_says_what_it_is() {
        assert_eq!(detect(b""), Err("empty"));
        assert_eq!(
            detect(b"\0\0\0\x14ftypisom\0\0\0\0mp42"),
            Err("a video (ISO base media)")
        );
        assert_eq!(
            detect(b"hello"),
            Err("its first bytes are of no image format known here")
        );
    }
}
