//! The terms of one photo.

use std::collections::{BTreeMap, BTreeSet};

use photo_metadata::{PhotoRecord, Place};

use crate::photo_id::compose_letters;

use super::words::split_words;

/// The maximum length of a keyword or of the name of a place, in bytes. Longer ones get no term.
const MAX_NAME_BYTES: usize = 256;
/// The maximum number of words of one photo in the index. Later words are left out.
const MAX_PHOTO_WORDS: usize = 256;
/// The character between the parts of a hierarchical keyword.
const PATH_SEPARATOR: char = '|';

/// A kind of terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermKind {
    /// The slug of the camera.
    Camera,
    /// The slug of the lens.
    Lens,
    /// The slug of a keyword, or of a parent of a hierarchical keyword: `places-japan`.
    Keyword,
    /// The slug of one part of a hierarchical keyword: `kyoto`, of `Places|Japan|Kyoto`.
    KeywordPart,
    /// The slug of a country, a region or a city with those that contain it: `japan-kyoto`.
    Place,
    /// The slug of one name of a place, or its country code: `kyoto`, `jp`.
    PlacePart,
    /// The rating, from `1` to `5`.
    Rating,
    /// The slug of a folder of uploads.
    Folder,
    /// The month and the day on which the photo was taken: `02-01`. A photo of which only the year
    /// or the month is known has none.
    Day,
    /// A word of a text. See [`split_words`].
    Word,
}

/// The kinds of terms that a filter by keyword compares.
pub const KEYWORD_KINDS: [TermKind; 2] = [TermKind::Keyword, TermKind::KeywordPart];
/// The kinds of terms that a filter by place compares.
pub const PLACE_KINDS: [TermKind; 2] = [TermKind::Place, TermKind::PlacePart];

impl TermKind {
    /// Returns the character with which the terms of this kind begin.
    fn prefix(self) -> char {
        match self {
            TermKind::Camera => 'c',
            TermKind::Lens => 'l',
            TermKind::Keyword => 'k',
            TermKind::KeywordPart => 'K',
            TermKind::Place => 'p',
            TermKind::PlacePart => 'P',
            TermKind::Rating => 'r',
            TermKind::Folder => 'f',
            TermKind::Day => 'd',
            TermKind::Word => 'w',
        }
    }
}

/// A term: its kind and its text.
///
/// ```
/// use photo_catalogue::term_index::{Term, TermKind};
///
/// let term = Term::new(TermKind::Keyword, "japan");
/// assert_eq!(term.as_str(), "k:japan");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(String);

impl Term {
    /// Creates a term.
    pub fn new(kind: TermKind, text: &str) -> Self {
        Term(format!("{}:{text}", kind.prefix()))
    }

    /// Returns the stored form of the term. The terms of one kind begin with the same two
    /// characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A node of a hierarchy of keywords or places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HierarchyNode {
    /// The slug, which contains the slugs of the parents: `places-japan`.
    pub slug: String,
    /// The name. For a keyword, this is the path, with `|` between its parts. For a place, this is
    /// the country, the region and the city, with `|` between them: `Japan||Kyoto`.
    pub name: String,
}

/// Returns the terms of a photo except its words. `record` must be its public record. `folders` are
/// the names of the folders of uploads to which it belongs. Also returns the names of the camera,
/// the lens, the folders, the keywords and the places, by their terms.
pub fn photo_terms(
    record: &PhotoRecord,
    folders: &[String],
) -> (BTreeSet<Term>, BTreeMap<Term, String>) {
    let (mut terms, mut names) = (BTreeSet::new(), BTreeMap::new());
    let mut add = |kind, text: &str| {
        if !text.is_empty() {
            terms.insert(Term::new(kind, text));
        }
    };
    if let Some(camera) = &record.camera {
        add(TermKind::Camera, &camera.slug);
        let name = camera.name.clone();
        names.insert(Term::new(TermKind::Camera, &camera.slug), name);
    }
    if let Some(lens) = &record.lens {
        add(TermKind::Lens, &lens.slug);
        names.insert(Term::new(TermKind::Lens, &lens.slug), lens.name.clone());
    }
    if let Some(day) = record.capture.day() {
        add(TermKind::Day, &day.format("%m-%d").to_string());
    }
    if let Some(stars @ 1..=5) = record.rating {
        add(TermKind::Rating, &stars.to_string());
    }
    for folder in folders {
        let slug = make_slug(folder);
        add(TermKind::Folder, &slug);
        names.insert(Term::new(TermKind::Folder, &slug), folder.clone());
    }
    for keyword in &record.keywords {
        for node in keyword_nodes(keyword) {
            add(TermKind::Keyword, &node.slug);
            names.insert(Term::new(TermKind::Keyword, &node.slug), node.name);
        }
        for part in path_parts(keyword) {
            add(TermKind::KeywordPart, &make_slug(part));
        }
    }
    if let Some(place) = &record.place {
        for node in place_nodes(place) {
            add(TermKind::Place, &node.slug);
            names.insert(Term::new(TermKind::Place, &node.slug), node.name);
        }
        let code = [&place.country_code];
        for name in place_levels(place).iter().chain(&code) {
            add(TermKind::PlacePart, &make_slug(short_name(name)));
        }
    }
    (terms, names)
}

/// Returns the words of a photo: those of its title, headline, caption, alternative text, keywords,
/// place, people, event, camera and lens. `record` must be its public record.
pub fn photo_words(record: &PhotoRecord) -> BTreeSet<String> {
    let place = record.place.clone().unwrap_or_default();
    let texts = [
        record.title.as_deref(),
        record.headline.as_deref(),
        place.sublocation.as_deref(),
        place.city.as_deref(),
        place.region.as_deref(),
        place.country.as_deref(),
        record.event.as_deref(),
        record.camera.as_ref().map(|camera| camera.name.as_str()),
        record.lens.as_ref().map(|lens| lens.name.as_str()),
    ];
    let lists = record.keywords.iter().chain(&record.people);
    let long = [record.alt_text.as_deref(), record.caption.as_deref()];
    let texts = texts.into_iter().flatten();
    let texts = texts.chain(lists.map(String::as_str));
    let mut words = BTreeSet::new();
    for word in texts
        .chain(long.into_iter().flatten())
        .flat_map(split_words)
    {
        if words.len() == MAX_PHOTO_WORDS {
            break;
        }
        words.insert(word);
    }
    words
}

/// Returns the nodes of a keyword: the keyword and its parents, the outermost first. Returns none
/// if the keyword is too long or has no letters and digits.
pub fn keyword_nodes(keyword: &str) -> Vec<HierarchyNode> {
    if keyword.len() > MAX_NAME_BYTES {
        return Vec::new();
    }
    let ends = keyword.match_indices(PATH_SEPARATOR).map(|(at, _)| at);
    let mut nodes: Vec<HierarchyNode> = Vec::new();
    for end in ends.chain([keyword.len()]) {
        let name = keyword[..end].trim_matches(PATH_SEPARATOR);
        let slug = make_slug(name);
        // A part without letters and digits adds nothing to the slug.
        if !slug.is_empty() && nodes.last().is_none_or(|last| last.slug != slug) {
            let name = name.to_owned();
            nodes.push(HierarchyNode { slug, name });
        }
    }
    nodes
}

/// Returns the nodes of a place: its country, region and city, the outermost first. A level without
/// a name is left out.
pub fn place_nodes(place: &Place) -> Vec<HierarchyNode> {
    let levels = place_levels(place);
    let mut nodes = Vec::new();
    for depth in 0..levels.len() {
        let name = short_name(levels[depth]);
        if make_slug(name).is_empty() {
            continue;
        }
        let mut names: Vec<String> = Vec::new();
        for (at, level) in levels.iter().enumerate() {
            let level = if at <= depth { short_name(level) } else { "" };
            names.push(level.replace(PATH_SEPARATOR, "/"));
        }
        let slugs: Vec<String> = names.iter().map(|name| make_slug(name)).collect();
        let slugs: Vec<String> = slugs.into_iter().filter(|slug| !slug.is_empty()).collect();
        nodes.push(HierarchyNode {
            slug: slugs.join("-"),
            name: names.join("|"),
        });
    }
    nodes
}

/// Returns the country, the region and the city of a place.
fn place_levels(place: &Place) -> [&Option<String>; 3] {
    [&place.country, &place.region, &place.city]
}

/// Returns the slug of a name. Accents may be written as characters of their own.
fn make_slug(name: &str) -> String {
    photo_metadata::make_slug(&compose_letters(name))
}

/// Returns a name, or an empty text if there is none or it is too long.
fn short_name(name: &Option<String>) -> &str {
    let name = name.as_deref().unwrap_or_default();
    if name.len() > MAX_NAME_BYTES {
        ""
    } else {
        name
    }
}

/// Returns the parts of a hierarchical keyword. A flat keyword is one part.
fn path_parts(keyword: &str) -> impl Iterator<Item = &str> {
    let parts = keyword.split(PATH_SEPARATOR);
    parts.filter(|part| part.len() <= MAX_NAME_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use photo_metadata::Camera;

    fn terms(record: &PhotoRecord) -> Vec<String> {
        let (terms, _) = photo_terms(record, &[]);
        terms.into_iter().map(|Term(text)| text).collect()
    }

    fn with_keyword(keyword: &str) -> PhotoRecord {
        PhotoRecord {
            keywords: vec![keyword.to_owned()],
            ..PhotoRecord::default()
        }
    }

    #[test]
    fn hierarchical_keyword_has_its_parents_and_its_parts() {
        let expected = [
            "K:japan",
            "K:kyoto",
            "K:places",
            "k:places",
            "k:places-japan",
            "k:places-japan-kyoto",
        ];
        assert_eq!(terms(&with_keyword("Places|Japan|Kyoto")), expected);
        assert_eq!(terms(&with_keyword("Kyoto")), ["K:kyoto", "k:kyoto"]);
        assert_eq!(terms(&with_keyword("|Kyoto|?|")), ["K:kyoto", "k:kyoto"]);
        assert!(terms(&with_keyword("…")).is_empty());
        assert!(terms(&with_keyword(&"x".repeat(MAX_NAME_BYTES + 1))).is_empty());
    }

    #[test]
    fn place_has_its_levels_and_its_country_code() {
        let place = |region: Option<&str>| Place {
            city: Some("Kyoto".to_owned()),
            region: region.map(str::to_owned),
            country: Some("Japan".to_owned()),
            country_code: Some("JP".to_owned()),
            ..Place::default()
        };
        let record = PhotoRecord {
            place: Some(place(None)),
            ..PhotoRecord::default()
        };
        let expected = ["P:japan", "P:jp", "P:kyoto", "p:japan", "p:japan-kyoto"];
        assert_eq!(terms(&record), expected);
        let names: Vec<String> = place_nodes(&place(Some("Kansai|West")))
            .into_iter()
            .map(|node| format!("{} {}", node.slug, node.name))
            .collect();
        assert_eq!(
            names,
            [
                "japan Japan||",
                "japan-kansai-west Japan|Kansai/West|",
                "japan-kansai-west-kyoto Japan|Kansai/West|Kyoto"
            ]
        );
    }

    #[test]
    fn rating_and_camera_have_terms() {
        let record = |rating| PhotoRecord {
            rating,
            camera: Some(Camera {
                slug: "nikon-d750".to_owned(),
                ..Camera::default()
            }),
            ..PhotoRecord::default()
        };
        assert_eq!(terms(&record(Some(4))), ["c:nikon-d750", "r:4"]);
        assert_eq!(terms(&record(Some(0))), ["c:nikon-d750"]);
        assert_eq!(terms(&record(Some(-1))), ["c:nikon-d750"]);
    }

    #[test]
    fn number_of_words_has_a_limit_and_titles_come_first() {
        let many: Vec<String> = (0..2_000).map(|n| format!("w{n}")).collect();
        let record = PhotoRecord {
            title: Some("Zebra".to_owned()),
            caption: Some(many.join(" ")),
            ..PhotoRecord::default()
        };
        let words = photo_words(&record);
        assert_eq!(words.len(), MAX_PHOTO_WORDS);
        assert!(words.contains("zebra"));
    }
}
