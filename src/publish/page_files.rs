//! The files of the gallery page: its modules, its style sheet and its HTML
//! (docs/static-gallery.md). They are made from the folder `web/` and are part of this program.
//! Pure.
//!
//! All modules and the style sheet are in one folder, whose name is a digest of them. So a module
//! imports the others by relative names, and a browser may keep all of them for ever. The folder of
//! an earlier version is never deleted, because pages that are open still import from it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::month_name::{UNDATED, month_file_name};
use super::page_modules::{GALLERY_MODULE, join_modules};
use crate::catalogue::published::PublishedMonth;
use crate::map_tiles::MapTiles;

/// The name of the page.
pub(super) const PAGE_FILE: &str = "index.html";
/// The name of the module under which other sites embed the gallery. It imports the current
/// version.
pub(super) const EMBED_FILE: &str = GALLERY_MODULE;
/// The name of the page's style sheet.
const STYLE_SHEET: &str = "page.css";

/// The modules of the page and its style sheet, with their names. [`EMBED_FILE`] is one of them.
static APP_FILES: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let mut files = join_modules();
    files.push((STYLE_SHEET, include_str!("../../web/page.css").to_owned()));
    files
});
/// The page. `{{app}}` stands for the folder of the modules, `{{months}}` for the list of months,
/// and `{{mapTiles}}` and `{{mapAttribution}}` for the server of the map tiles.
const PAGE_TEMPLATE: &str = include_str!("../../web/index.html");
/// The number of hexadecimal characters in the name of a folder of modules.
const VERSION_CHARS: usize = 16;

/// The folder of this version's modules.
static APP_FOLDER: LazyLock<String> = LazyLock::new(|| {
    let files: Vec<_> = APP_FILES
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    format!("app/{}", short_digest(&files))
});

/// Returns the version of the page and its modules. If one of their bytes or the server of the map
/// tiles changes, it changes.
pub(super) fn page_version(tiles: Option<&MapTiles>) -> String {
    let tiles = tiles.map_or(("", ""), |tiles| (tiles.template(), tiles.attribution()));
    short_digest(&[(&APP_FOLDER, PAGE_TEMPLATE), tiles])
}

/// Returns the modules and the style sheet of this version: the path and the contents of each.
pub(super) fn app_files() -> impl Iterator<Item = (String, &'static str)> {
    let files: &'static Vec<(&str, String)> = &APP_FILES;
    files
        .iter()
        .map(|(name, text)| (format!("{}/{name}", *APP_FOLDER), text.as_str()))
}

/// Returns the contents of [`EMBED_FILE`].
pub(super) fn embed_module() -> String {
    format!("export * from \"./{}/{EMBED_FILE}\";\n", *APP_FOLDER)
}

/// Returns the HTML of the page. It contains a list of these months, for visitors without
/// JavaScript: the newest first, `undated` last. Months without photos are left out. Its map shows
/// these tiles.
pub(super) fn page_html(
    months: &BTreeMap<String, PublishedMonth>,
    tiles: Option<&MapTiles>,
) -> String {
    let listed = months.values().rev().filter(|month| month.photos > 0);
    let (undated, dated): (Vec<_>, Vec<_>) = listed.partition(|month| month.month == UNDATED);
    let items: String = dated.into_iter().chain(undated).map(month_item).collect();
    let template = tiles.map_or("", MapTiles::template);
    let attribution = tiles.map_or("", MapTiles::attribution);
    // The attribution is the owner's text. It comes last, because it may contain a placeholder.
    PAGE_TEMPLATE
        .replace("{{app}}", &APP_FOLDER)
        .replace("{{months}}", &items)
        .replace("{{mapTiles}}", &escape_html(template))
        .replace("{{mapAttribution}}", &escape_html(attribution))
}

/// Returns the list item of a month. It links the first file of the month.
fn month_item(month: &PublishedMonth) -> String {
    let path = month.files.first().map(|file| file.path.clone());
    let path = path.unwrap_or_else(|| month_file_name(&month.month, 1));
    let noun = if month.photos == 1 { "photo" } else { "photos" };
    format!(
        "<li><a href=\"{}\">{}</a>, {} {noun}</li>\n",
        escape_html(&path),
        escape_html(&month_title(&month.month)),
        month.photos
    )
}

/// Returns the name of a month for people: `February 2018` for `2018-02`. A name that is no month
/// is not changed.
fn month_title(month: &str) -> String {
    if month == UNDATED {
        return "Without a date".to_owned();
    }
    let first_day = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d");
    first_day.map_or_else(|_| month.to_owned(), |day| day.format("%B %Y").to_string())
}

/// Replaces the characters that have a meaning in HTML.
fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Returns the first characters of a SHA-256 over the names and the contents of these files.
fn short_digest(files: &[(&str, &str)]) -> String {
    let mut digest = Sha256::new();
    for part in files.iter().flat_map(|(name, text)| [name, text]) {
        // With the lengths, no two lists of files have the same bytes.
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let mut text = HEXLOWER.encode(&digest.finalize());
    text.truncate(VERSION_CHARS);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months(counts: &[(&str, u64)]) -> BTreeMap<String, PublishedMonth> {
        let month = |&(name, photos): &(&str, u64)| {
            let month = PublishedMonth {
                month: name.to_owned(),
                photos,
                ..PublishedMonth::default()
            };
            (name.to_owned(), month)
        };
        counts.iter().map(month).collect()
    }

    #[test]
    fn months_are_listed_for_visitors_without_javascript() {
        let months = months(&[
            ("1985", 3),
            ("2018-02", 37),
            ("2018-03", 1),
            ("2019-01", 0),
            ("<&\"'>", 2),
            ("undated", 5),
        ]);
        let items: Vec<String> = months.values().map(month_item).collect();
        assert_eq!(
            items[0],
            "<li><a href=\"1985.json\">1985</a>, 3 photos</li>\n"
        );
        let html = page_html(&months, None);
        assert!(!html.contains("{{"), "{html}");
        let list = [
            "<li><a href=\"&lt;&amp;&quot;&#39;&gt;.json\">&lt;&amp;&quot;&#39;&gt;</a>, 2 photos</li>\n",
            "<li><a href=\"2018-03.json\">March 2018</a>, 1 photo</li>\n",
            "<li><a href=\"2018-02.json\">February 2018</a>, 37 photos</li>\n",
            "<li><a href=\"1985.json\">1985</a>, 3 photos</li>\n",
            "<li><a href=\"undated.json\">Without a date</a>, 5 photos</li>\n",
        ];
        // `<` sorts after the digits, so this name is the newest.
        assert!(html.contains(&list.concat()), "{html}");
        assert!(
            html.contains(&format!("{}/{EMBED_FILE}", *APP_FOLDER)),
            "{html}"
        );
    }

    #[test]
    fn map_tiles_are_attributes_of_the_page() {
        let html = page_html(&months(&[]), None);
        assert!(
            html.contains("map-tiles=\"\" map-attribution=\"\""),
            "{html}"
        );
        let attribution = "© \"Example\" {{months}}";
        let tiles = MapTiles::parse("https://tile.example/{z}/{x}/{y}?a&b", attribution);
        let tiles = tiles.expect("tiles");
        let html = page_html(&months(&[]), Some(&tiles));
        let attributes = "map-tiles=\"https://tile.example/{z}/{x}/{y}?a&amp;b\" \
             map-attribution=\"© &quot;Example&quot; {{months}}\"";
        assert!(html.contains(attributes), "{html}");
        assert_ne!(page_version(Some(&tiles)), page_version(None));
    }

    #[test]
    fn version_depends_on_names_and_contents() {
        let version = short_digest(&[("a.js", "1"), ("b.js", "2")]);
        assert_eq!(version.len(), VERSION_CHARS);
        for other in [
            [("a.js", "12"), ("b.js", "")],
            [("a.js", "1"), ("c.js", "2")],
            [("b.js", "2"), ("a.js", "1")],
        ] {
            assert_ne!(short_digest(&other), version);
        }
    }

    #[test]
    fn embedding_module_exports_the_present_version() {
        let (path, _) = app_files().next().expect("a module");
        assert_eq!(embed_module(), format!("export * from \"./{path}\";\n"));
    }
}
