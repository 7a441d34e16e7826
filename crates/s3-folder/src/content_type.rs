//! Guesses the content type of a file from its name.

/// Returns the content type for the extension of `key`. Returns `binary/octet-stream` if the
/// extension is unknown.
pub(crate) fn guess_content_type(key: &str) -> &'static str {
    let extension = key
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "heif" | "hif" => "image/heif",
        "avif" => "image/avif",
        "jxl" => "image/jxl",
        "tif" | "tiff" => "image/tiff",
        "dng" => "image/x-adobe-dng",
        "nef" => "image/x-nikon-nef",
        "cr2" => "image/x-canon-cr2",
        "cr3" => "image/x-canon-cr3",
        "arw" => "image/x-sony-arw",
        "raf" => "image/x-fuji-raf",
        "rw2" => "image/x-panasonic-rw2",
        "orf" => "image/x-olympus-orf",
        "svg" => "image/svg+xml",
        "xmp" => "application/rdf+xml",
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "json" => "application/json",
        "html" | "htm" => "text/html",
        "txt" => "text/plain",
        "pdf" => "application/pdf",
        _ => "binary/octet-stream",
    }
}
