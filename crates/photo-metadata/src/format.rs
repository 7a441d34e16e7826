//! Detects the image format from the bytes of a file. The name of the file is not used.

const ORF_MAGIC: u16 = 0x4f52;
const ORF_MAGIC_OLD: u16 = 0x5352;
const RW2_MAGIC: u16 = 0x0055;

/// An image format whose metadata this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants are the names of the formats")]
#[rustfmt::skip]
pub enum PhotoFormat {
    Jpeg, Tiff, BigTiff, Heic, Heif, Avif, Png, WebP, Jxl, Jp2, Psd, Gif,
    Dng, Gpr, Cr2, Cr3, Crw, Nef, Nrw, Arw, Sr2, Srf, Raf, Orf, Rw2, Rwl, Pef, Srw, Iiq, ThreeFr, Fff, Kdc, Dcr, Mrw, X3f,
    Mef, Mos, Erf,
}

/// The extensions of files in the formats of [`PhotoFormat`], in lower case.
#[rustfmt::skip]
const PHOTO_EXTENSIONS: [&str; 50] = [
    "3fr", "arw", "avif", "avifs", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gif", "gpr", "heic", "heics", "heif",
    "heifs", "hif", "iiq", "j2c", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpf", "jpg", "jpx", "jxl", "kdc", "mef", "mos",
    "mrw", "nef", "nrw", "orf", "pef", "png", "psb", "psd", "raf", "rw2", "rwl", "sr2", "srf", "srw", "tif", "tiff", "webp",
    "x3f",
];

/// Returns the extensions of photo files, in lower case and in alphabetical order.
///
/// ```
/// use photo_metadata::photo_extensions;
///
/// assert!(photo_extensions().contains(&"nef"));
/// ```
pub fn photo_extensions() -> &'static [&'static str] {
    &PHOTO_EXTENSIONS
}

/// Reports whether files with this extension are photos in a format of [`PhotoFormat`]. Case does
/// not matter. The bytes of such a file may be something else.
///
/// ```
/// use photo_metadata::is_photo_extension;
///
/// assert!(is_photo_extension("NEF") && is_photo_extension("jpg"));
/// assert!(!is_photo_extension("MOV") && !is_photo_extension("xmp"));
/// ```
pub fn is_photo_extension(extension: &str) -> bool {
    PHOTO_EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}

impl PhotoFormat {
    /// Returns the MIME type of the format, as IANA lists it. For a RAW format, returns the type
    /// that ExifTool and the MIME database of Linux desktops (shared-mime-info) use.
    ///
    /// ```
    /// use photo_metadata::PhotoFormat;
    ///
    /// assert_eq!(PhotoFormat::Dng.mime(), "image/x-adobe-dng");
    /// assert!(PhotoFormat::Dng.is_raw() && !PhotoFormat::Dng.browser_can_show());
    /// ```
    #[rustfmt::skip]
    pub fn mime(self) -> &'static str {
        match self {
            PhotoFormat::Jpeg => "image/jpeg", PhotoFormat::Tiff | PhotoFormat::BigTiff => "image/tiff", PhotoFormat::Heic => "image/heic",
            PhotoFormat::Heif => "image/heif", PhotoFormat::Avif => "image/avif", PhotoFormat::Png => "image/png",
            PhotoFormat::WebP => "image/webp", PhotoFormat::Jxl => "image/jxl", PhotoFormat::Jp2 => "image/jp2",
            PhotoFormat::Psd => "image/vnd.adobe.photoshop", PhotoFormat::Gif => "image/gif", PhotoFormat::Dng => "image/x-adobe-dng",
            PhotoFormat::Gpr => "image/x-gopro-gpr", PhotoFormat::Cr2 => "image/x-canon-cr2", PhotoFormat::Cr3 => "image/x-canon-cr3",
            PhotoFormat::Crw => "image/x-canon-crw", PhotoFormat::Nef => "image/x-nikon-nef", PhotoFormat::Nrw => "image/x-nikon-nrw",
            PhotoFormat::Arw => "image/x-sony-arw", PhotoFormat::Sr2 => "image/x-sony-sr2", PhotoFormat::Srf => "image/x-sony-srf",
            PhotoFormat::Raf => "image/x-fujifilm-raf", PhotoFormat::Orf => "image/x-olympus-orf",
            PhotoFormat::Rw2 => "image/x-panasonic-rw2", PhotoFormat::Rwl => "image/x-leica-rwl",
            PhotoFormat::Pef => "image/x-pentax-pef", PhotoFormat::Srw => "image/x-samsung-srw",
            PhotoFormat::Iiq => "image/x-phaseone-iiq", PhotoFormat::ThreeFr => "image/x-hasselblad-3fr",
            PhotoFormat::Fff => "image/x-hasselblad-fff", PhotoFormat::Kdc => "image/x-kodak-kdc",
            PhotoFormat::Dcr => "image/x-kodak-dcr", PhotoFormat::Mrw => "image/x-minolta-mrw", PhotoFormat::X3f => "image/x-sigma-x3f",
            PhotoFormat::Mef => "image/x-mamiya-mef", PhotoFormat::Mos => "image/x-leaf-mos", PhotoFormat::Erf => "image/x-epson-erf",
        }
    }

    /// Returns the name of the format: `JPEG`, `CR2`.
    #[rustfmt::skip]
    pub fn name(self) -> &'static str {
        match self {
            PhotoFormat::Jpeg => "JPEG", PhotoFormat::Tiff => "TIFF", PhotoFormat::BigTiff => "BigTIFF", PhotoFormat::Heic => "HEIC",
            PhotoFormat::Heif => "HEIF", PhotoFormat::Avif => "AVIF", PhotoFormat::Png => "PNG", PhotoFormat::WebP => "WebP",
            PhotoFormat::Jxl => "JXL", PhotoFormat::Jp2 => "JP2", PhotoFormat::Psd => "PSD", PhotoFormat::Gif => "GIF", PhotoFormat::Dng => "DNG",
            PhotoFormat::Gpr => "GPR", PhotoFormat::Cr2 => "CR2", PhotoFormat::Cr3 => "CR3", PhotoFormat::Crw => "CRW", PhotoFormat::Nef => "NEF",
            PhotoFormat::Nrw => "NRW", PhotoFormat::Arw => "ARW", PhotoFormat::Sr2 => "SR2", PhotoFormat::Srf => "SRF", PhotoFormat::Raf => "RAF",
            PhotoFormat::Orf => "ORF", PhotoFormat::Rw2 => "RW2", PhotoFormat::Rwl => "RWL", PhotoFormat::Pef => "PEF", PhotoFormat::Srw => "SRW",
            PhotoFormat::Iiq => "IIQ", PhotoFormat::ThreeFr => "3FR", PhotoFormat::Fff => "FFF", PhotoFormat::Kdc => "KDC",
            PhotoFormat::Dcr => "DCR", PhotoFormat::Mrw => "MRW", PhotoFormat::X3f => "X3F", PhotoFormat::Mef => "MEF", PhotoFormat::Mos => "MOS",
            PhotoFormat::Erf => "ERF",
        }
    }

    /// Reports whether the browsers of over 90 % of users can show the format (source: Can I use).
    pub fn browser_can_show(self) -> bool {
        matches!(
            self,
            PhotoFormat::Jpeg
                | PhotoFormat::Png
                | PhotoFormat::WebP
                | PhotoFormat::Avif
                | PhotoFormat::Gif
        )
    }

    /// Reports whether the format is a RAW format. A RAW file contains the data of the camera's
    /// sensor. Browsers cannot show these data. They can only show the preview inside the file, or
    /// a picture that was made from the data.
    pub fn is_raw(self) -> bool {
        !matches!(
            self,
            PhotoFormat::Jpeg
                | PhotoFormat::Tiff
                | PhotoFormat::BigTiff
                | PhotoFormat::Heic
                | PhotoFormat::Heif
                | PhotoFormat::Avif
                | PhotoFormat::Png
                | PhotoFormat::WebP
                | PhotoFormat::Jxl
                | PhotoFormat::Jp2
                | PhotoFormat::Psd
                | PhotoFormat::Gif
        )
    }
}

/// Detects the container format from the first bytes of the file. Many RAW formats are TIFF files.
/// They are detected as TIFF here. Later, `refine_format` finds the RAW format from the tags.
///
/// # Errors
/// Returns a description of the file for people, if the file is not a photo.
pub(crate) fn detect_format(head: &[u8]) -> Result<PhotoFormat, &'static str> {
    let at = |offset: usize, what: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(what))
    };
    if head.is_empty() {
        return Err("empty");
    }
    if at(0, &[0xff, 0xd8]) {
        return Ok(PhotoFormat::Jpeg);
    }
    // 42 is the magic number of TIFF (TIFF 6.0 section 2), 43 of BigTIFF. ORF and RW2 have their
    // own.
    let tiff = at(0, b"II") || at(0, b"MM");
    if tiff {
        let magic = match head.get(2..4) {
            Some(&[a, b]) if at(0, b"II") => u16::from_le_bytes([a, b]),
            Some(&[a, b]) => u16::from_be_bytes([a, b]),
            _ => 0,
        };
        match magic {
            42 if at(8, b"CR") => return Ok(PhotoFormat::Cr2),
            42 => return Ok(PhotoFormat::Tiff),
            43 => return Ok(PhotoFormat::BigTiff),
            ORF_MAGIC | ORF_MAGIC_OLD => return Ok(PhotoFormat::Orf),
            RW2_MAGIC => return Ok(PhotoFormat::Rw2),
            _ if at(6, b"HEAPCCDR") => return Ok(PhotoFormat::Crw),
            _ => {}
        }
    }
    if at(0, b"\x89PNG\r\n\x1a\n") {
        return Ok(PhotoFormat::Png);
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return Ok(PhotoFormat::WebP);
    }
    if at(4, b"ftyp") {
        return format_of_brand(head);
    }
    if at(0, &[0xff, 0x0a]) || at(0, b"\0\0\0\x0cJXL \r\n\x87\n") {
        return Ok(PhotoFormat::Jxl);
    }
    if at(0, b"\0\0\0\x0cjP  \r\n\x87\n") {
        return Ok(PhotoFormat::Jp2);
    }
    if at(0, b"FUJIFILMCCD-RAW") {
        return Ok(PhotoFormat::Raf);
    }
    if at(0, b"\0MRM") {
        return Ok(PhotoFormat::Mrw);
    }
    if at(0, b"FOVb") {
        return Ok(PhotoFormat::X3f);
    }
    if at(0, b"8BPS") {
        return Ok(PhotoFormat::Psd);
    }
    if at(0, b"GIF87a") || at(0, b"GIF89a") {
        return Ok(PhotoFormat::Gif);
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

/// Returns the format of a file that begins with a `ftyp` box. This box contains brands, which are
/// codes for formats: a major brand, and then compatible brands (ISO/IEC 14496-12 4.3). Uses the
/// major brand, if it stands for one format. If any other brand belongs to an image file format,
/// the file is a HEIF or AVIF, and the other brands show which of them it is (ISO/IEC 23008-12 10;
/// the AV1 image file format). `crx ` is Canon's brand.
fn format_of_brand(head: &[u8]) -> Result<PhotoFormat, &'static str> {
    let of = |brand: &[u8]| match brand {
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
            Some(PhotoFormat::Heic)
        }
        b"avif" | b"avis" | b"avio" => Some(PhotoFormat::Avif),
        _ => None,
    };
    let major = head.get(8..12).unwrap_or_default();
    if major == b"crx " {
        return Ok(PhotoFormat::Cr3);
    }
    if let Some(format) = of(major) {
        return Ok(format);
    }
    let length = head
        .get(0..4)
        .and_then(|l| l.try_into().ok())
        .map_or(0, u32::from_be_bytes) as usize;
    let compatible = head.get(16..length.min(head.len())).unwrap_or_default();
    let compatible = || compatible.chunks_exact(4);
    if is_image_brand(major) || compatible().any(is_image_brand) {
        return Ok(compatible().find_map(of).unwrap_or(PhotoFormat::Heif));
    }
    Err("a video (ISO base media)")
}

/// Reports whether a brand belongs to an image file format: the structural brands, and the brands
/// of pictures in HEVC, AV1, JPEG, AVC, JPEG 2000, VVC and EVC (ISO/IEC 23008-12 10 and its
/// annexes). The brands of sequences in HEVC and AV1 are not among them: films may have them too.
#[rustfmt::skip]
fn is_image_brand(brand: &[u8]) -> bool {
    matches!(
        brand,
        b"mif1" | b"mif2" | b"mif3" | b"msf1" | b"miaf" | b"heif" | b"1pic"
            | b"heic" | b"heix" | b"heim" | b"heis" | b"avif" | b"avio" | b"jpeg" | b"jpgs"
            | b"avci" | b"avcs" | b"j2ki" | b"j2is" | b"vvic" | b"vvis" | b"evbi" | b"evbs"
            | b"evmi" | b"evms"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_detected_from_their_bytes() {
        assert_eq!(detect_format(b"\xff\xd8\xff\xe1"), Ok(PhotoFormat::Jpeg));
        assert_eq!(
            detect_format(b"II*\0\x10\0\0\0CR\x02\0"),
            Ok(PhotoFormat::Cr2)
        );
        assert_eq!(detect_format(b"MM\0*\0\0\0\x08"), Ok(PhotoFormat::Tiff));
        assert_eq!(
            detect_format(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif"),
            Ok(PhotoFormat::Avif)
        );
        assert_eq!(
            detect_format(b"\0\0\0\x14ftypmif1\0\0\0\0mif1"),
            Ok(PhotoFormat::Heif)
        );
    }

    #[test]
    fn image_brand_anywhere_in_the_list_makes_an_image() {
        // The first of the brands is the major one.
        let file = |brands: &[u8]| {
            let (major, compatible) = brands.split_at(4);
            let length = u32::try_from(brands.len() + 12).expect("few").to_be_bytes();
            detect_format(&[&length[..], b"ftyp", major, &[0; 4], compatible].concat())
        };
        let heif = Ok(PhotoFormat::Heif);
        assert_eq!(file(b"jpegmif1jpegmiaf"), heif);
        assert_eq!(file(b"jpeg"), heif);
        assert_eq!(file(b"vvicmif1"), heif);
        assert_eq!(file(b"xxxxyyyymif1"), heif);
        assert_eq!(file(b"xxxxmif1heic"), Ok(PhotoFormat::Heic));
        assert_eq!(file(b"unifmif1avif"), Ok(PhotoFormat::Avif));
        assert_eq!(file(b"xxxxavif"), Ok(PhotoFormat::Avif));
        let video = Err("a video (ISO base media)");
        assert_eq!(file(b"isommp42"), video);
        // A film in HEVC may have the brand of HEVC sequences.
        assert_eq!(file(b"qt  hevc"), video);
        // Brands end with the box.
        let mut cut = b"\0\0\0\x10ftypisom\0\0\0\0mif1".to_vec();
        assert_eq!(detect_format(&cut), video);
        cut[3] = 20;
        assert_eq!(detect_format(&cut), heif);
    }

    #[test]
    fn other_files_are_refused_with_a_reason() {
        assert_eq!(detect_format(b""), Err("empty"));
        assert_eq!(
            detect_format(b"\0\0\0\x14ftypisom\0\0\0\0mp42"),
            Err("a video (ISO base media)")
        );
        assert_eq!(
            detect_format(b"hello"),
            Err("its first bytes are of no image format known here")
        );
    }
}
