//! The rights of a photo: who took it, who owns it, and on which terms others may use it.

use std::collections::HashSet;

use super::limits;
use super::sources::MetadataSources;
use super::tag;
use super::text::{clean_text, decode_text, decode_utf16, field_text};
use super::tiff::{ByteOrder, Ifd, IfdField};

/// Returns the photographer. The sources are `dc:creator`, the by-line of IPTC, EXIF `Artist`, EXIF
/// 3.0 `Photographer`, the author of Windows Explorer, and copies of the EXIF tags in XMP.
pub(crate) fn find_artist(sources: &MetadataSources<'_, '_>) -> Option<String> {
    let fields = sources.fields;
    let exif = |tag| fields.in_ifd0_first(tag).find_map(field_text);
    let explorer = || {
        let mut all = fields.all(Ifd::Main(0), tag::XP_AUTHOR);
        all.find_map(|field| decode_utf16(field.bytes?, ByteOrder::Little))
    };
    let names = |name| clean_text(&join_names(sources.xmp.all(name)));
    names("dc:creator")
        .or_else(|| sources.iptc.artist.clone())
        .or_else(|| exif(tag::ARTIST))
        .or_else(|| exif(tag::PHOTOGRAPHER))
        .or_else(explorer)
        .or_else(|| names("tiff:Artist"))
        .or_else(|| names("exifEX:Photographer"))
}

/// Joins names to one text. Leaves out each name that is there already.
fn join_names(names: &[String]) -> String {
    let mut known = HashSet::new();
    let new = names.iter().filter(|name| known.insert(*name));
    let new: Vec<&str> = new.map(String::as_str).collect();
    new.join(", ")
}

/// Returns the copyright notice.
pub(crate) fn find_copyright(sources: &MetadataSources<'_, '_>) -> Option<String> {
    let in_exif = || {
        let mut all = sources.fields.in_ifd0_first(tag::COPYRIGHT);
        all.find_map(copyright_text)
    };
    in_xmp(sources, "dc:rights")
        .or_else(|| sources.iptc.copyright.clone())
        .or_else(in_exif)
        .or_else(|| in_xmp(sources, "tiff:Copyright"))
}

/// Returns the credit line: the name to show when the photo is published (IPTC Photo Metadata
/// Standard, "Credit Line").
pub(crate) fn find_credit(sources: &MetadataSources<'_, '_>) -> Option<String> {
    in_xmp(sources, "photoshop:Credit").or_else(|| sources.iptc.credit.clone())
}

/// Returns the terms on which others may use the photo, as a text.
pub(crate) fn find_usage_terms(sources: &MetadataSources<'_, '_>) -> Option<String> {
    in_xmp(sources, "xmpRights:UsageTerms")
}

/// Returns the URL of the licence: `cc:license` (Creative Commons Rights Expression Language), or
/// else the web statement of rights, which Google Images reads as the licence ("Image metadata in
/// Google Images"). The URL of the licensor (PLUS) is not used, because it is the page on which a
/// licence is sold.
pub(crate) fn find_license_url(sources: &MetadataSources<'_, '_>) -> Option<String> {
    let names = ["cc:license", "xmpRights:WebStatement"];
    let mut urls = names.iter().filter_map(|name| in_xmp(sources, name));
    urls.find(|url| is_web_url(url))
}

/// Reports whether a text is an http or https URL with a host. A URL with a user name is refused,
/// because people read the user name as the host. A URL that may have been cut is refused too.
fn is_web_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_forbidden = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
    };
    is_web
        && text.len() < limits::MAX_TEXT_BYTES
        && host.starts_with(|c: char| c.is_alphanumeric() || c == '[')
        && !host.contains('@')
        && !rest.contains(is_forbidden)
}

fn in_xmp(sources: &MetadataSources<'_, '_>, name: &str) -> Option<String> {
    sources.xmp.get(name).and_then(clean_text)
}

/// Returns the first copyright notice in the field Copyright. The field has the notice of the
/// photographer, a NUL, and the notice of the editor. A single space means that there is no notice
/// (EXIF 3.0 4.6.5.4.6).
fn copyright_text(field: &IfdField<'_>) -> Option<String> {
    let mut parts = field
        .bytes?
        .split(|&b| b == 0)
        .map(decode_text)
        .filter_map(|part| clean_text(&part));
    parts.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_of_a_licence_is_on_the_web() {
        for url in [
            "https://creativecommons.org/licenses/by/4.0/",
            "HTTP://example.org",
            "https://example.org:8443/a?b=c#d",
            "http://[::1]/",
            "https://пример.рф/лицензия",
        ] {
            assert!(is_web_url(url), "{url}");
        }
        for text in [
            "",
            "CC BY 4.0",
            "www.example.org/licence",
            "javascript:alert(1)",
            "ftp://example.org/",
            "https://",
            "https:///path",
            "https://example.org@evil.example/",
            "https://example.org/ and more",
            "https://example.org/\"onload=\"x",
            "https://example.org/<b>",
        ] {
            assert!(!is_web_url(text), "{text}");
        }
        let long = format!("https://example.org/{}", "x".repeat(limits::MAX_TEXT_BYTES));
        assert!(!is_web_url(
            long.get(..limits::MAX_TEXT_BYTES).expect("long")
        ));
    }
}
