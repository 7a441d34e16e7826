//! The modules of the gallery page, joined and minified. Pure.
//!
//! The sources in `web/` are many small modules, which a browser can also load without a change. On
//! a slow connection, one request for each of them would take longer than their bytes. So the
//! modules that the first screen needs become one file, and those of the viewer, of the map, of the
//! controls and of the search one each. The sources keep three rules: an import is one line,
//! exported names are declared in the line of `export`, and no two joined modules declare the same
//! name.

use std::collections::{BTreeMap, BTreeSet};

/// The name of the file with everything that the first screen needs.
pub(super) const GALLERY_MODULE: &str = "photo-gallery.js";

/// A source module: its name and its text.
type SourceModule = (&'static str, &'static str);

/// The modules that become the file [`GALLERY_MODULE`]. Each comes after the modules that it
/// imports.
const GALLERY: [SourceModule; 9] = [
    ("style-sheet.js", include_str!("../../web/style-sheet.js")),
    ("styles.js", include_str!("../../web/styles.js")),
    ("dates.js", include_str!("../../web/dates.js")),
    (
        "gallery-files.js",
        include_str!("../../web/gallery-files.js"),
    ),
    ("layout.js", include_str!("../../web/layout.js")),
    ("thumbhash.js", include_str!("../../web/thumbhash.js")),
    (
        "month-section.js",
        include_str!("../../web/month-section.js"),
    ),
    ("scrubber.js", include_str!("../../web/scrubber.js")),
    (GALLERY_MODULE, include_str!("../../web/photo-gallery.js")),
];
/// The modules that a page loads when a visitor opens a photo.
const VIEWER: [SourceModule; 3] = [
    ("capture-time.js", include_str!("../../web/capture-time.js")),
    ("lightbox.js", include_str!("../../web/lightbox.js")),
    ("photo-viewer.js", include_str!("../../web/photo-viewer.js")),
];
/// The modules that a page loads when a visitor opens the map.
const MAP: [SourceModule; 4] = [
    ("map-cells.js", include_str!("../../web/map-cells.js")),
    (
        "map-background.js",
        include_str!("../../web/map-background.js"),
    ),
    ("map-view.js", include_str!("../../web/map-view.js")),
    ("map-panel.js", include_str!("../../web/map-panel.js")),
];
/// The modules that a page loads if it has controls or a filter.
const FILTER: [SourceModule; 1] = [("photo-filter.js", include_str!("../../web/photo-filter.js"))];
const CONTROLS: [SourceModule; 2] = [
    ("search-field.js", include_str!("../../web/search-field.js")),
    ("filters.js", include_str!("../../web/filters.js")),
];
/// The modules that a page loads when a visitor searches.
const SEARCH: [SourceModule; 2] = [
    ("words.js", include_str!("../../web/words.js")),
    ("text-search.js", include_str!("../../web/text-search.js")),
];
/// The module that a page loads if it shows an album.
const ALBUM: [SourceModule; 1] = [("album.js", include_str!("../../web/album.js"))];
/// The module that a page loads when a visitor presses an arrow key.
const FOCUS: [SourceModule; 1] = [("tile-focus.js", include_str!("../../web/tile-focus.js"))];

/// Returns the modules in the published form: the name and the text of each.
pub(super) fn join_modules() -> Vec<(&'static str, String)> {
    let groups: [&[SourceModule]; 8] = [
        &GALLERY, &VIEWER, &MAP, &FILTER, &CONTROLS, &SEARCH, &ALBUM, &FOCUS,
    ];
    let joined = groups.into_iter().filter_map(|group| {
        let (name, _) = group.last()?;
        let joined = shorten_private_names(&join_group(group));
        Some((*name, minify(&joined)))
    });
    joined.collect()
}

/// Joins modules to one. Names of modules outside the group are imported from [`GALLERY_MODULE`].
fn join_group(group: &[SourceModule]) -> String {
    let mut body = String::new();
    let (mut imported, mut exported) = (BTreeSet::new(), BTreeSet::new());
    for line in group.iter().flat_map(|(_, text)| text.lines()) {
        if let Some((names, module)) = parse_import(line) {
            if group.iter().all(|(name, _)| *name != module) {
                imported.extend(names.split(',').map(str::trim));
            }
            continue;
        }
        let declaration = line.strip_prefix("export ");
        exported.extend(declaration.and_then(declared_name));
        body.push_str(declaration.unwrap_or(line));
        body.push('\n');
    }
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(",");
    let imports = if imported.is_empty() {
        String::new()
    } else {
        format!("import{{{}}}from\"./{GALLERY_MODULE}\";\n", list(imported))
    };
    format!("{imports}{body}export{{{}}};\n", list(exported))
}

/// Parses `import { a, b } from "./module.js";`. Returns the names and the name of the module.
fn parse_import(line: &str) -> Option<(&str, &str)> {
    let (names, module) = line.strip_prefix("import {")?.split_once("} from \"./")?;
    Some((names, module.strip_suffix("\";")?))
}

/// Returns the name that a line such as `async function name(` or `const NAME =` declares.
fn declared_name(declaration: &str) -> Option<&str> {
    let mut words = declaration.split([' ', '(']);
    words.find(|word| matches!(*word, "function" | "class" | "const"))?;
    words.next()
}

/// Replaces the private names of classes, such as `#months`, by short ones. Other texts after `#`,
/// such as colours, do not change.
fn shorten_private_names(text: &str) -> String {
    let name_end = |text: &str| {
        text.find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(text.len())
    };
    let used = text
        .split("this.#")
        .skip(1)
        .map(|rest| &rest[..name_end(rest)]);
    let names: BTreeSet<&str> = used.collect();
    let short: BTreeMap<&str, String> = names.into_iter().zip(short_names()).collect();
    let mut parts = text.split('#');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shortened, part| {
        let (name, rest) = part.split_at(name_end(part));
        let name = short.get(name).map_or(name, String::as_str);
        format!("{shortened}#{name}{rest}")
    })
}

/// Returns `a`, `b`, …, `z`, `aa`, `ab`, ….
fn short_names() -> impl Iterator<Item = String> {
    let letters = || ('a'..='z').map(String::from);
    letters().chain(
        letters().flat_map(move |first| letters().map(move |second| format!("{first}{second}"))),
    )
}

/// Removes comments and spaces, also in style sheets. Returns the text without a change if the
/// library cannot parse it.
fn minify(text: &str) -> String {
    let minified = minifier::js::minify(text).map_or_else(|_| text.to_owned(), |m| m.to_string());
    let mut parts = minified.split(STYLE_SHEET);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |joined, part| {
        let (css, rest) = part.split_once("`)").unwrap_or((part, ""));
        format!("{joined}{STYLE_SHEET}{}`){rest}", minify_style_sheet(css))
    })
}

/// The text before a style sheet in a module. The sheet ends at the next backtick.
const STYLE_SHEET: &str = "styleSheet(`";

/// Removes the spaces of a style sheet that have no meaning. In a sheet of this page, a colon or a
/// comma with a space after it is never part of a selector or a string.
fn minify_style_sheet(css: &str) -> String {
    let joined: String = css.lines().map(str::trim).collect();
    let spaces = [
        (": ", ":"),
        ("; ", ";"),
        (" {", "{"),
        ("{ ", "{"),
        (" }", "}"),
        (", ", ","),
        (";}", "}"),
    ];
    spaces
        .iter()
        .fold(joined, |css, (from, to)| css.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_joined_by_the_rules_of_their_sources() {
        const FIRST: SourceModule = (
            "first.js",
            "import { x, y } from \"./else.js\";\nexport const ONE = 1;\nfunction own() {}\n",
        );
        const SECOND: SourceModule = (
            "second.js",
            "import { ONE } from \"./first.js\";\nexport async function two() { own(ONE); }\n",
        );
        assert_eq!(
            join_group(&[FIRST, SECOND]),
            "import{x,y}from\"./photo-gallery.js\";\nconst ONE = 1;\nfunction own() {}\n\
             async function two() { own(ONE); }\nexport{ONE,two};\n"
        );
    }

    #[test]
    fn imports_are_exported_by_the_joined_modules() {
        let joined = join_group(&GALLERY);
        let exported = joined.lines().last().expect("a line");
        assert!(!joined.contains("import {"), "an import is not one line");
        let others: [&[SourceModule]; 6] = [&VIEWER, &MAP, &FILTER, &CONTROLS, &SEARCH, &ALBUM];
        for (group, (name, text)) in others
            .iter()
            .flat_map(|group| group.iter().map(move |module| (group, module)))
        {
            for (names, module) in text.lines().filter_map(parse_import) {
                if group.iter().any(|(own, _)| *own == module) {
                    continue;
                }
                assert!(
                    GALLERY.iter().any(|(own, _)| *own == module),
                    "{name}: {module}"
                );
                for imported in names.split(',').map(str::trim) {
                    assert!(exported.contains(imported), "{name}: {imported}");
                }
            }
        }
    }

    #[test]
    fn joined_modules_declare_no_name_twice() {
        for group in [&GALLERY[..], &VIEWER, &MAP, &CONTROLS, &SEARCH] {
            let lines = group.iter().flat_map(|(_, text)| text.lines());
            let declared = lines.filter_map(|line| {
                let declaration = line.strip_prefix("export ").unwrap_or(line);
                let word = declaration.split(' ').next()?;
                let starts = ["function", "class", "const", "let", "async"].contains(&word);
                starts.then(|| declared_name(declaration)).flatten()
            });
            let mut names = BTreeSet::new();
            for name in declared {
                assert!(names.insert(name), "{name} is declared twice");
            }
            assert!(names.len() > 5, "{names:?}");
        }
    }

    #[test]
    fn private_names_are_shortened() {
        let class =
            "class A { #months = 1; #top() { return this.#months + `#${this.#top()} #fff`; } }";
        assert_eq!(
            shorten_private_names(class),
            "class A { #a = 1; #b() { return this.#a + `#${this.#b()} #fff`; } }"
        );
    }

    #[test]
    fn no_private_name_is_a_colour_or_a_part_of_an_address() {
        for (name, text) in [&GALLERY[..], &VIEWER, &MAP].concat() {
            for rest in text.split("this.#").skip(1) {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric())
                    .unwrap_or(rest.len());
                let is_hexadecimal = rest[..end].chars().all(|c| c.is_ascii_hexdigit());
                assert!(!is_hexadecimal, "{name}: {}", &rest[..end]);
            }
        }
    }

    #[test]
    fn style_sheets_are_minified() {
        let module =
            "const A = styleSheet(`\n:host { color: red; }\n@media (x: y) { a, b { top: 0 } }\n`);";
        assert_eq!(
            minify(module),
            "const A=styleSheet(`:host{color:red}@media (x:y){a,b{top:0}}`);"
        );
    }

    #[test]
    fn modules_are_minified() {
        for (name, text) in join_modules() {
            assert!(!text.contains("@param"), "{name}");
            assert!(!text.contains("\n  "), "{name}: {text}");
        }
    }
}
