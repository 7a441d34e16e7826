//! Tests of the times at which a photo became public and last changed.

use chrono::TimeDelta;

use super::*;
use crate::catalogue::item::{DerivedFrom, PhotoPart};
use crate::catalogue::picture_work::PICTURE_WAIT;
use crate::ingest::ItemRules;
use crate::ingest::record::derive_summary_and_keys;
use crate::pictures::{PictureRecipe, PictureSet, RenderOutcome, RenditionFile, Renditions};
use crate::privacy::{LocationPolicy, Visibility};
use photo_metadata::{FileLabels, Location};

/// Returns the time that is this number of seconds after the start of the tests.
fn second(seconds: i64) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(1_600_000_000, 0).expect("a time");
    start + TimeDelta::seconds(seconds)
}

/// A photo whose item is derived again and again.
struct Photo {
    item: PhotoItem,
    rules: ItemRules,
}

impl Photo {
    fn new(rules: ItemRules) -> Self {
        let mut item = PhotoItem::stub("2018-02-01/foobar");
        let part = PhotoPart {
            key: "2018-02-01/foobar.JPG".to_owned(),
            mime: "image/jpeg".to_owned(),
            labels: Some(FileLabels::default()),
            ..PhotoPart::default()
        };
        item.parts.insert("JPG".to_owned(), part);
        item.derived_from = Some(DerivedFrom {
            part: "JPG".to_owned(),
            etag: String::new(),
        });
        Photo { item, rules }
    }

    /// Returns a photo whose pictures are never made.
    fn without_pictures() -> Self {
        Photo::new(LocationPolicy::Hide.into())
    }

    /// Returns a photo that waits for its pictures when it becomes public.
    fn with_pictures() -> Self {
        Photo::new(ItemRules {
            recipe: Some(PictureRecipe::default()),
            ..LocationPolicy::Hide.into()
        })
    }

    /// Derives the item, and checks that a repeat changes nothing.
    fn derive(&mut self, now: DateTime<Utc>) {
        derive_summary_and_keys(&mut self.item, &self.rules, now);
        let derived = self.item.clone();
        for later in [now, now + TimeDelta::days(1)] {
            let mut again = derived.clone();
            derive_summary_and_keys(&mut again, &self.rules, later);
            assert_eq!(again, derived);
        }
    }

    fn set_visibility(&mut self, visibility: Option<Visibility>, now: DateTime<Utc>) {
        self.item.overrides.visibility = visibility;
        self.derive(now);
    }

    fn set_title(&mut self, title: &str, now: DateTime<Utc>) {
        self.item.overrides.title = Some(title.to_owned());
        self.derive(now);
    }

    /// Records the pictures that render has made.
    fn add_pictures(&mut self, now: DateTime<Utc>) {
        let epoch = self.item.picture_plan.as_ref().map_or(0, |plan| plan.epoch);
        self.item.renditions = Some(Box::new(Renditions {
            epoch,
            part: "JPG".to_owned(),
            recipe: PictureRecipe::default(),
            outcome: RenderOutcome::Made(PictureSet {
                token: format!("token{epoch}"),
                width: 6,
                height: 4,
                files: vec![RenditionFile::default()],
                ..PictureSet::default()
            }),
        }));
        self.derive(now);
    }

    /// Returns `addedAt` and `changedAt`. Checks that the item and the summary have the same.
    fn times(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let summary = self.item.summary.as_ref().expect("a summary");
        assert_eq!(summary.added_at, self.item.added_at);
        (summary.added_at, summary.changed_at)
    }
}

fn at(added: i64, changed: i64) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    (Some(second(added)), Some(second(changed)))
}

#[test]
fn new_photo_is_added_and_changed_at_its_first_write() {
    let mut photo = Photo::without_pictures();
    photo.derive(second(1) + TimeDelta::milliseconds(999));
    assert_eq!(photo.times(), at(1, 1));
}

#[test]
fn only_a_change_that_lists_show_counts() {
    let mut photo = Photo::without_pictures();
    photo.derive(second(1));
    photo.item.exif_warnings.push("not shown".to_owned());
    photo.item.photo.record.location = Some(Location::default());
    photo.item.photo.record.people = vec!["Anna".to_owned()];
    photo.derive(second(2));
    assert_eq!(photo.times(), at(1, 1), "hidden by the present rules");
    photo.set_title("shown", second(3));
    assert_eq!(photo.times(), at(1, 3));
    photo.item.overrides.add_keyword("sea");
    photo.derive(second(4));
    assert_eq!(photo.times(), at(1, 4));
}

#[test]
fn change_of_the_rules_alone_is_no_change_of_the_photo() {
    let mut photo = Photo::without_pictures();
    photo.item.photo.record.location = Some(Location::default());
    photo.derive(second(1));
    photo.rules = LocationPolicy::Exact.into();
    photo.derive(second(2));
    assert_eq!(photo.times(), at(1, 1));
}

#[test]
fn photo_that_is_shown_again_keeps_the_time_at_which_it_was_added() {
    let mut photo = Photo::without_pictures();
    photo.derive(second(1));
    photo.set_visibility(Some(Visibility::Private), second(2));
    assert_eq!(photo.times(), (Some(second(1)), None));
    photo.set_title("hidden edit", second(3));
    photo.set_visibility(None, second(4));
    assert_eq!(photo.times(), at(1, 4));
    let part = photo.item.parts.remove("JPG").expect("a part");
    photo.derive(second(5));
    assert_eq!(photo.item.added_at, Some(second(1)));
    photo.item.parts.insert("JPG".to_owned(), part);
    photo.derive(second(6));
    assert_eq!(photo.times(), at(1, 6));
}

#[test]
fn private_photo_was_never_added() {
    let mut photo = Photo::without_pictures();
    photo.set_visibility(Some(Visibility::Private), second(1));
    assert_eq!(photo.times(), (None, None));
    photo.set_visibility(None, second(9));
    assert_eq!(photo.times(), at(9, 9));
}

#[test]
fn photo_is_added_when_its_pictures_come() {
    let mut photo = Photo::with_pictures();
    photo.derive(second(1));
    assert_eq!(photo.item.first_public_at(second(2)), None);
    photo.set_title("edited while it waits", second(2));
    photo.add_pictures(second(3));
    assert_eq!(photo.times(), at(3, 3));
    // Pictures that are made again have other names.
    photo.item.picture_plan.as_mut().expect("a plan").renew();
    photo.derive(second(4));
    assert_eq!(photo.times(), at(3, 3), "the old pictures are still shown");
    photo.add_pictures(second(5));
    assert_eq!(photo.times(), at(3, 5));
}

#[test]
fn photo_without_pictures_is_added_when_the_wait_ends() {
    let wait = PICTURE_WAIT.num_seconds();
    let mut photo = Photo::with_pictures();
    photo.derive(second(1));
    assert_eq!(photo.times(), at(1 + wait, 1 + wait));
    let end = Some(second(1 + wait));
    assert_eq!(photo.item.first_public_at(second(1 + wait)), end);
    photo.add_pictures(second(5 + wait));
    assert_eq!(photo.times(), at(1 + wait, 5 + wait));
    photo.set_visibility(Some(Visibility::Private), second(6 + wait));
    assert_eq!(photo.times(), (Some(second(1 + wait)), None));
}

#[test]
fn photo_that_is_hidden_while_it_waits_was_never_public() {
    let mut photo = Photo::with_pictures();
    photo.derive(second(1));
    photo.set_visibility(Some(Visibility::Private), second(2));
    assert_eq!(photo.times(), (None, None));
    photo.set_visibility(None, second(10));
    photo.add_pictures(second(20));
    assert_eq!(photo.times(), at(20, 20));
    // The second wait of a photo that was public does not change the first time.
    photo.set_visibility(Some(Visibility::Private), second(30));
    photo.set_visibility(None, second(40));
    assert_eq!(photo.item.first_public_at(second(41)), Some(second(20)));
    photo.add_pictures(second(50));
    assert_eq!(photo.times(), at(20, 50));
}

#[test]
fn older_item_has_the_times_of_its_files() {
    let older = |last_modified: [&str; 2]| {
        let mut photo = Photo::without_pictures();
        photo.derive(second(1));
        let item = &mut photo.item;
        let jpeg = item.parts["JPG"].clone();
        for (name, time) in ["JPG", "NEF"].into_iter().zip(last_modified) {
            let part = PhotoPart {
                last_modified: time.to_owned(),
                ..jpeg.clone()
            };
            item.parts.insert(name.to_owned(), part);
        }
        item.schema_version = FIRST_VERSION_WITH_TIMES - 1;
        item.added_at = None;
        let summary = item.summary.as_mut().expect("a summary");
        (summary.added_at, summary.changed_at) = (None, None);
        photo
    };
    let time = |text: &str| Some(text.parse::<DateTime<Utc>>().expect("a time"));
    let (first, last) = ("2018-02-01T09:41:07Z", "2019-02-01T09:41:07Z");
    let mut photo = older([last, first]);
    photo.derive(second(2));
    assert_eq!(photo.times(), (time(first), time(last)));
    // A time in the future, or of an unknown form, is not the time at which it was added.
    let mut photo = older(["", "2999-01-01T00:00:00Z"]);
    photo.derive(second(2));
    assert_eq!(photo.times(), at(2, 2));
    let mut photo = older([first, last]);
    photo.set_visibility(Some(Visibility::Private), second(2));
    assert_eq!(photo.times(), (time(first), None));
    photo.item.schema_version = FIRST_VERSION_WITH_TIMES - 1;
    photo.item.added_at = None;
    photo.set_visibility(Some(Visibility::Private), second(3));
    assert_eq!(photo.times(), (None, None), "nobody knows");
}
