//! Albums: sets of photos to which the owner gives a title. This module does no I/O.
//!
//! An album is a rule or a list. A rule contains each photo that fulfils all its conditions, also
//! one that is added later. A list contains the photos that the owner has chosen, in the owner's
//! order. The JSON form of an album, which is also its form in DynamoDB, is described in
//! docs/albums.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use photo_metadata::{is_bidi_control, make_slug};
use serde::{Deserialize, Serialize};

use super::set_date::SetDate;
use crate::privacy::Visibility;

/// The maximum size of the title of an album, in bytes.
pub const MAX_ALBUM_TITLE_BYTES: usize = 256;
/// The maximum length of the description of an album, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 4_000;
/// The maximum rating of a photo, in stars.
const MAX_RATING: u8 = 5;

/// An album of the owner. [`Album::validate`] checks its fields. The table contains valid albums
/// only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Album {
    /// The slug, which identifies the album: lower-case ASCII letters, digits and single hyphens.
    /// It stays the same when the title changes.
    pub slug: String,
    /// The title: one line of at most [`MAX_ALBUM_TITLE_BYTES`] bytes.
    pub title: String,
    /// The description, if any: at most [`MAX_DESCRIPTION_CHARS`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The stem of the photo that is the cover. `None` if the owner has chosen none. The photo need
    /// not be in the album.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<String>,
    /// The order of the photos.
    pub order: AlbumOrder,
    /// Who may see the album. A photo of a private album stays public, unless it is private itself.
    pub visibility: Visibility,
    /// The photos of the album. In JSON, it is a field `rule` or a field `list`.
    #[serde(flatten)]
    pub content: AlbumContent,
}

/// The photos of an album.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlbumContent {
    /// All photos that fulfil the rule.
    Rule(AlbumRule),
    /// The stems of the photos, in the owner's order. No stem occurs twice. The list may be empty.
    /// If a photo was moved, its present stem is found by
    /// [`Catalogue::listed_photos`](super::Catalogue::listed_photos).
    List(Vec<String>),
}

/// The conditions of an album. A photo must fulfil all conditions that are set. At least one is.
// An unknown condition is an error. An album without this condition would contain too many photos.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AlbumRule {
    /// The slug of a keyword of the photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyword: Option<String>,
    /// The slug of the camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// The slug of the lens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    /// The slug of a place: a country, a region or a city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The minimum rating, 1 to 5 stars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    /// The first year, month, day or wall-clock time: `2018`, `2018-02`, `2018-02-01`,
    /// `2018-02-01T09:41` or `2018-02-01T09:41:07`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last year, month, day or wall-clock time. The whole of it belongs to the album.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The slug of a folder of uploads. See [`AlbumRule::fits_folders`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

/// The order of the photos of an album.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlbumOrder {
    /// By capture time, newest first.
    Newest,
    /// By capture time, oldest first.
    Oldest,
    /// By the time at which a photo became public, newest first.
    Added,
    /// The order of the list. Only a list has this order.
    Listed,
}

/// The error of a text that is no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an order: use newest, oldest, added or listed")]
pub struct InvalidAlbumOrder(String);

impl AlbumOrder {
    /// Returns the name of the order, as it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            AlbumOrder::Newest => "newest",
            AlbumOrder::Oldest => "oldest",
            AlbumOrder::Added => "added",
            AlbumOrder::Listed => "listed",
        }
    }
}

impl fmt::Display for AlbumOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AlbumOrder {
    type Err = InvalidAlbumOrder;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use AlbumOrder::{Added, Listed, Newest, Oldest};
        let mut orders = [Newest, Oldest, Added, Listed].into_iter();
        let order = orders.find(|order| order.name() == text);
        order.ok_or_else(|| InvalidAlbumOrder(text.to_owned()))
    }
}

/// The reason why an album is not valid. The text is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAlbum {
    /// The title is empty, too long, or more than one line.
    #[error(
        "the title must be one line of 1 to {MAX_ALBUM_TITLE_BYTES} bytes without control characters"
    )]
    Title,
    /// The title contains nothing from which a slug can be made.
    #[error("the title must contain a letter or a digit, because the slug is made from it")]
    NoSlug,
    /// The slug of the album or of a condition is not a slug.
    #[error("the {0} is not a slug, such as nikon-d750")]
    Slug(&'static str),
    /// The description is empty, too long, or contains control characters.
    #[error(
        "the description must have 1 to {MAX_DESCRIPTION_CHARS} characters, without control \
         characters other than line feeds"
    )]
    Description,
    /// The rule has no condition.
    #[error("the rule has no condition, so the album would contain all photos")]
    EmptyRule,
    /// The rating is not a number of stars.
    #[error("the rating must be 1 to {MAX_RATING} stars")]
    Rating,
    /// A time of the rule has another form.
    #[error("\"{0}\" is not a time; write 2018, 2018-02, 2018-02-01 or 2018-02-01T09:41")]
    Time(String),
    /// The time range of the rule is empty.
    #[error("the first time {0} is after the last time {1}")]
    TimeRange(String, String),
    /// An album with a rule has the order of a list.
    #[error("only a list has the order listed")]
    Order,
    /// A stem of the list or the cover is empty, or a list contains a stem twice.
    #[error("a list must contain each photo once")]
    Stems,
}

impl Album {
    /// Builds a public album with the slug of this title. Its order is that of the list, or by
    /// capture time with the oldest photo first.
    ///
    /// ```
    /// use photo_catalogue::catalogue::album::{Album, AlbumContent, AlbumRule};
    ///
    /// let rule = AlbumRule { keyword: Some("japan".to_owned()), ..AlbumRule::default() };
    /// let album = Album::new("Japan 2026", AlbumContent::Rule(rule))?;
    /// assert_eq!(album.slug, "japan-2026");
    /// assert!(Album::new("All", AlbumContent::Rule(AlbumRule::default())).is_err());
    /// # Ok::<(), photo_catalogue::catalogue::album::InvalidAlbum>(())
    /// ```
    ///
    /// # Errors
    /// Returns an [`InvalidAlbum`] if the title or the content is not valid.
    pub fn new(title: &str, content: AlbumContent) -> Result<Self, InvalidAlbum> {
        let slug = make_slug(title);
        if slug.is_empty() {
            check_title(title)?;
            return Err(InvalidAlbum::NoSlug);
        }
        let order = match content {
            AlbumContent::Rule(_) => AlbumOrder::Oldest,
            AlbumContent::List(_) => AlbumOrder::Listed,
        };
        let album = Album {
            slug,
            title: title.to_owned(),
            description: None,
            cover: None,
            order,
            visibility: Visibility::Public,
            content,
        };
        album.validate()?;
        Ok(album)
    }

    /// Checks all fields of the album.
    ///
    /// # Errors
    /// Returns an [`InvalidAlbum`] with the first reason why the album is not valid.
    pub fn validate(&self) -> Result<(), InvalidAlbum> {
        check_slug("slug", &self.slug)?;
        check_title(&self.title)?;
        if let Some(description) = &self.description {
            check_description(description)?;
        }
        if self.cover.as_ref().is_some_and(String::is_empty) {
            return Err(InvalidAlbum::Stems);
        }
        match &self.content {
            AlbumContent::Rule(_) if self.order == AlbumOrder::Listed => Err(InvalidAlbum::Order),
            AlbumContent::Rule(rule) => rule.validate(),
            AlbumContent::List(stems) => check_stems(stems),
        }
    }
}

impl AlbumRule {
    /// Checks the conditions.
    ///
    /// # Errors
    /// Returns an [`InvalidAlbum`] if there is no condition, or if one of them is not valid.
    pub fn validate(&self) -> Result<(), InvalidAlbum> {
        if *self == AlbumRule::default() {
            return Err(InvalidAlbum::EmptyRule);
        }
        for (name, slug) in [
            ("keyword", &self.keyword),
            ("camera", &self.camera),
            ("lens", &self.lens),
            ("place", &self.place),
            ("folder", &self.folder),
        ] {
            if let Some(slug) = slug {
                check_slug(name, slug)?;
            }
        }
        if self
            .rating
            .is_some_and(|rating| !(1..=MAX_RATING).contains(&rating))
        {
            return Err(InvalidAlbum::Rating);
        }
        for time in self.from.iter().chain(&self.to) {
            check_time(time)?;
        }
        if let (Some(from), Some(to)) = (&self.from, &self.to) {
            check_time_range(from, to)?;
        }
        Ok(())
    }

    /// Reports whether a photo with these folder names
    /// (`Summary::folders`) fulfils the condition `folder`. A folder
    /// counts if its name has the same slug. Returns `true` if the rule has no such condition.
    pub fn fits_folders(&self, folders: &[String]) -> bool {
        let Some(slug) = &self.folder else {
            return true;
        };
        folders.iter().any(|folder| make_slug(folder) == *slug)
    }
}

/// Returns the albums of the site: the owner's albums, and one album for each folder name that no
/// album of the owner has as its slug. Names with the same slug are one album, whose title is the
/// first of them in alphabetical order. A name that is no valid title, or that has no letter and no
/// digit, gives no album. The albums are sorted by title, then by slug.
///
/// The result contains private albums. A private album of the owner also hides the folder's album.
pub fn add_folder_albums<'a>(
    albums: Vec<Album>,
    folders: impl IntoIterator<Item = &'a str>,
) -> Vec<Album> {
    let names: BTreeSet<&str> = folders.into_iter().collect();
    let mut by_slug: BTreeMap<String, Album> = BTreeMap::new();
    for name in names {
        let rule = AlbumRule {
            folder: Some(make_slug(name)),
            ..AlbumRule::default()
        };
        if let Ok(album) = Album::new(name, AlbumContent::Rule(rule)) {
            by_slug.entry(album.slug.clone()).or_insert(album);
        }
    }
    by_slug.extend(albums.into_iter().map(|album| (album.slug.clone(), album)));
    let mut albums: Vec<Album> = by_slug.into_values().collect();
    sort_albums(&mut albums);
    albums
}

/// Sorts albums by title, then by slug.
pub(super) fn sort_albums(albums: &mut [Album]) {
    albums.sort_by(|a, b| (&a.title, &a.slug).cmp(&(&b.title, &b.slug)));
}

pub(super) fn check_title(title: &str) -> Result<(), InvalidAlbum> {
    let fits = (1..=MAX_ALBUM_TITLE_BYTES).contains(&title.len());
    let is_plain = !title.chars().any(|c| c.is_control() || is_bidi_control(c));
    let is_blank = title.trim().is_empty();
    match fits && is_plain && !is_blank {
        true => Ok(()),
        false => Err(InvalidAlbum::Title),
    }
}

fn check_description(description: &str) -> Result<(), InvalidAlbum> {
    let length = description.chars().count();
    let is_refused = |c: char| (c.is_control() && c != '\n') || is_bidi_control(c);
    let fits = (1..=MAX_DESCRIPTION_CHARS).contains(&length);
    match fits && !description.chars().any(is_refused) {
        true => Ok(()),
        false => Err(InvalidAlbum::Description),
    }
}

fn check_slug(name: &'static str, slug: &str) -> Result<(), InvalidAlbum> {
    match !slug.is_empty() && make_slug(slug) == slug {
        true => Ok(()),
        false => Err(InvalidAlbum::Slug(name)),
    }
}

/// Checks that a time has one of the accepted forms, all digits included.
fn check_time(time: &str) -> Result<(), InvalidAlbum> {
    let parsed = time.parse::<SetDate>().ok();
    // The parsed time may have seconds that the text has not.
    match parsed.is_some_and(|parsed| parsed.to_string().starts_with(time)) {
        true => Ok(()),
        false => Err(InvalidAlbum::Time(time.to_owned())),
    }
}

/// Checks that a time range is not empty. Each time has an accepted form, so times compare as
/// texts. Only what both times contain is compared: the last time contains the whole of its year,
/// month, day or minute.
fn check_time_range(from: &str, to: &str) -> Result<(), InvalidAlbum> {
    let compared = from.len().min(to.len());
    match from[..compared] <= to[..compared] {
        true => Ok(()),
        false => Err(InvalidAlbum::TimeRange(from.to_owned(), to.to_owned())),
    }
}

fn check_stems(stems: &[String]) -> Result<(), InvalidAlbum> {
    let distinct: BTreeSet<&String> = stems.iter().filter(|stem| !stem.is_empty()).collect();
    match distinct.len() == stems.len() {
        true => Ok(()),
        false => Err(InvalidAlbum::Stems),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: serde_json::Value) -> AlbumRule {
        serde_json::from_value(json).expect("a rule")
    }

    fn album(title: &str) -> Album {
        Album::new(title, AlbumContent::List(vec![])).expect("an album")
    }

    #[test]
    fn rule_album_has_the_documented_json() {
        let rule = rule(serde_json::json!({"keyword": "japan", "rating": 4, "from": "2026-03"}));
        let mut album = Album::new("Japan 2026", AlbumContent::Rule(rule)).expect("an album");
        album.visibility = Visibility::Private;
        album.cover = Some("2026-03-02/foobar".to_owned());
        let json = serde_json::json!({
            "slug": "japan-2026", "title": "Japan 2026", "cover": "2026-03-02/foobar",
            "order": "oldest", "visibility": "private",
            "rule": {"keyword": "japan", "rating": 4, "from": "2026-03"},
        });
        assert_eq!(serde_json::to_value(&album).expect("json"), json);
        assert_eq!(serde_json::from_value::<Album>(json).expect("album"), album);
    }

    #[test]
    fn list_album_has_the_documented_json() {
        let stems = vec!["2018-02-01/b".to_owned(), "2018-02-01/a".to_owned()];
        let album = Album::new("Best", AlbumContent::List(stems)).expect("an album");
        let json = serde_json::json!({
            "slug": "best", "title": "Best", "order": "listed", "visibility": "public",
            "list": ["2018-02-01/b", "2018-02-01/a"],
        });
        assert_eq!(serde_json::to_value(&album).expect("json"), json);
        assert_eq!(serde_json::from_value::<Album>(json).expect("album"), album);
    }

    #[test]
    fn condition_of_a_newer_version_is_refused() {
        let json = serde_json::json!({"keyword": "japan", "person": "aki"});
        assert!(serde_json::from_value::<AlbumRule>(json).is_err());
    }

    #[test]
    fn title_gives_the_slug() {
        assert_eq!(album("Best of 2018!").slug, "best-of-2018");
        assert!(!album("日本").slug.is_empty());
        let titled = |title: &str| Album::new(title, AlbumContent::List(vec![]));
        assert_eq!(titled("★"), Err(InvalidAlbum::NoSlug));
        let too_long = "a".repeat(MAX_ALBUM_TITLE_BYTES + 1);
        for title in ["", " ", "a\nb", "a\u{202e}b", "a\u{7}", &too_long] {
            assert_eq!(titled(title), Err(InvalidAlbum::Title), "{title:?}");
        }
        // The longest titles have whole slugs, so that two of them differ.
        let title = |last: char| format!("{}{last}", "д".repeat(MAX_ALBUM_TITLE_BYTES / 2 - 1));
        assert_ne!(album(&title('д')).slug, album(&title('ж')).slug);
    }

    #[test]
    fn changed_album_is_checked_again() {
        let valid = album("Best");
        let changed = |change: fn(&mut Album)| {
            let mut album = valid.clone();
            change(&mut album);
            album.validate()
        };
        assert_eq!(changed(|album| album.title = "Other".to_owned()), Ok(()));
        assert_eq!(
            changed(|album| album.slug = "Other".to_owned()),
            Err(InvalidAlbum::Slug("slug"))
        );
        assert_eq!(
            changed(|album| album.description = Some(String::new())),
            Err(InvalidAlbum::Description)
        );
        assert_eq!(
            changed(|album| album.description = Some("é".repeat(MAX_DESCRIPTION_CHARS))),
            Ok(())
        );
        assert_eq!(
            changed(|album| album.description = Some("é".repeat(MAX_DESCRIPTION_CHARS + 1))),
            Err(InvalidAlbum::Description)
        );
        assert_eq!(
            changed(
                |album| album.content = AlbumContent::List(vec!["a".to_owned(), "a".to_owned()])
            ),
            Err(InvalidAlbum::Stems)
        );
        assert_eq!(
            changed(|album| {
                album.content = AlbumContent::Rule(AlbumRule {
                    rating: Some(5),
                    ..AlbumRule::default()
                });
            }),
            Err(InvalidAlbum::Order)
        );
    }

    #[test]
    fn rule_needs_a_valid_condition() {
        assert_eq!(
            AlbumRule::default().validate(),
            Err(InvalidAlbum::EmptyRule)
        );
        let check = |json| rule(json).validate();
        assert_eq!(check(serde_json::json!({"rating": 1})), Ok(()));
        for rating in [0, 6] {
            let checked = check(serde_json::json!({"rating": rating}));
            assert_eq!(checked, Err(InvalidAlbum::Rating));
        }
        for slug in ["", "Nikon", "a--b", "-a"] {
            let checked = check(serde_json::json!({"camera": slug}));
            assert_eq!(checked, Err(InvalidAlbum::Slug("camera")), "{slug}");
        }
        for time in [
            "2018",
            "2018-02",
            "2018-02-01",
            "2018-02-01T09:41",
            "2018-02-01T09:41:07",
        ] {
            assert_eq!(
                check(serde_json::json!({"from": time, "to": time})),
                Ok(()),
                "{time}"
            );
        }
        for time in [
            "",
            "18",
            "2018-2",
            "2018-13",
            "2018-02-30",
            "2018-02-01T9:41",
            "2018-02-01T 9:41",
        ] {
            let checked = check(serde_json::json!({"to": time}));
            assert_eq!(checked, Err(InvalidAlbum::Time(time.to_owned())), "{time}");
        }
    }

    #[test]
    fn time_range_contains_the_whole_last_time() {
        for (from, to, is_valid) in [
            ("2018-12-31T23:59:59", "2018", true),
            ("2018", "2018-01", true),
            ("2018-02-01T09:41:07", "2018-02-01T09:41", true),
            ("2019", "2018-12", false),
            ("2018-02-02", "2018-02-01T09:41", false),
        ] {
            let checked = rule(serde_json::json!({"from": from, "to": to})).validate();
            assert_eq!(checked.is_ok(), is_valid, "{from} to {to}");
        }
    }

    #[test]
    fn folders_with_one_slug_are_one_album() {
        let folders = ["japan-2026", "Japan 2026", "★", "Alps"];
        let albums = add_folder_albums(vec![], folders);
        let titles: Vec<&str> = albums.iter().map(|album| album.title.as_str()).collect();
        assert_eq!(titles, ["Alps", "Japan 2026"]);
        let AlbumContent::Rule(rule) = &albums[1].content else {
            panic!("a folder's album is a rule");
        };
        assert!(rule.fits_folders(&["Alps".to_owned(), "japan-2026".to_owned()]));
        assert!(!rule.fits_folders(&["Alps".to_owned()]));
        assert!(AlbumRule::default().fits_folders(&[]));
    }

    #[test]
    fn album_of_the_owner_replaces_the_folder() {
        let mut own = album("Japan 2026");
        own.visibility = Visibility::Private;
        let albums = add_folder_albums(vec![own.clone()], ["Japan 2026"]);
        assert_eq!(albums, [own]);
    }
}
