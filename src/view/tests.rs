//! Tests of what the public view shows, and of what it must never show.

use std::collections::BTreeMap;

use super::*;
use crate::catalogue::item::{IndexKeys, Overrides, PartSource};
use crate::privacy::VisibilityRules;
use chrono::FixedOffset;
use photo_metadata::{
    DateSource, EmbeddedPreview, FileLabels, PartialDateTime, PhotoMetadata, TagValue,
};

fn location() -> Location {
    Location {
        lat: 45.471_234,
        lon: -73.645_678,
        alt: Some(31.0),
        ..Location::default()
    }
}

/// Returns metadata with texts that are not public.
fn secret_metadata() -> PhotoMetadata {
    PhotoMetadata {
        record: PhotoRecord {
            capture: CaptureTime {
                local: Some("2018-02-01T09:41:07".parse().expect("a local time")),
                ..CaptureTime::default()
            },
            location: Some(location()),
            place: Some(Place {
                sublocation: Some("SECRET-STREET".to_owned()),
                city: Some("Montreal".to_owned()),
                country: Some("Can\u{202e}ada".to_owned()),
                ..Place::default()
            }),
            people: vec!["SECRET-PERSON".to_owned()],
            caption: Some("<script>\u{1b}[31m\u{202e}caption\u{7}\nline".to_owned()),
            ..PhotoRecord::default()
        },
        body_serial: Some("SECRET-SERIAL".to_owned()),
        orientation: Some(6),
    }
}

fn item() -> PhotoItem {
    let photo = secret_metadata();
    let part = |extension: &str, mime: &str| PhotoPart {
        key: format!("archive/2018-02-01/foo bar.{extension}"),
        etag: "SECRET-ETAG".to_owned(),
        mime: mime.to_owned(),
        source: Some(PartSource {
            object: "s3://SECRET-BUCKET/SECRET-KEY".parse().expect("an object"),
            etag: "e".to_owned(),
        }),
        preview: (extension == "CR2").then_some(EmbeddedPreview {
            offset: 100,
            length: 50,
            width: None,
            height: None,
        }),
        labels: Some(FileLabels::default()),
        ..PhotoPart::default()
    };
    let mut item = PhotoItem::stub("2018-02-01/foo bar");
    item.revision = 1;
    item.parts = BTreeMap::from([
        ("JPG".to_owned(), part("JPG", "image/jpeg")),
        ("CR2".to_owned(), part("CR2", "image/x-canon-cr2")),
    ]);
    let mut summary = Summary::new(&item.id, &item.stem, 1, photo.record.clone());
    summary.labels = Some(FileLabels::default());
    summary.pictures = Some(Box::new(pictures()));
    item.summary = Some(summary);
    item.photo = photo;
    let text = |text: &str| TagValue::Text(text.to_owned());
    item.exif = BTreeMap::from([
        (
            "IFD0".to_owned(),
            BTreeMap::from([
                ("Make".to_owned(), text("NI\u{202e}KON")),
                ("HostComputer".to_owned(), text("SECRET-HOST")),
                ("ImageDescription".to_owned(), text("SECRET-PLACE")),
            ]),
        ),
        (
            "ExifIFD".to_owned(),
            BTreeMap::from([
                ("SerialNumber".to_owned(), text("SECRET-SERIAL")),
                ("OwnerName".to_owned(), text("SECRET-OWNER")),
                ("ISO".to_owned(), TagValue::Integer(400)),
            ]),
        ),
        (
            "GPS".to_owned(),
            BTreeMap::from([("GPSLatitude".to_owned(), TagValue::Real(45.471_234))]),
        ),
        (
            "XMP-photoshop".to_owned(),
            BTreeMap::from([("City".to_owned(), text("SECRET-PLACE"))]),
        ),
        (
            "Canon".to_owned(),
            BTreeMap::from([("OwnerName".to_owned(), text("SECRET-OWNER"))]),
        ),
    ]);
    item.index = IndexKeys {
        date_partition: Some("2018".parse().expect("valid")),
        ..IndexKeys::default()
    };
    item
}

fn pictures() -> PictureSet {
    let file = |width, height, bytes| RenditionFile {
        width,
        height,
        bytes,
    };
    PictureSet {
        token: "k3".to_owned(),
        width: 4000,
        height: 6000,
        files: vec![file(1365, 2048, 263_687), file(213, 320, 20_000)],
        original: None,
        placeholder: "1QcSHQ".to_owned(),
        color: "#6b5a48".to_owned(),
    }
}

/// The time at which the photos of the tests are shown.
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn serving_view(location: LocationPolicy) -> PublicView {
    PublicView::new(location, Some("https://cdn.example/gallery/".to_owned()))
}

#[test]
fn view_contains_no_private_text() {
    for policy in [LocationPolicy::Hide, LocationPolicy::Round(2)] {
        let details = serving_view(policy)
            .show_details(&item(), NOW)
            .expect("public");
        let json = serde_json::to_string(&details).expect("json");
        assert!(!json.contains("SECRET"), "{json}");
        assert!(!json.contains("45.471") && !json.contains("GPS"), "{json}");
        assert!(json.contains("\"ISO\":400"), "{json}");
    }
}

#[test]
fn place_and_people_are_shown_only_if_the_settings_allow_it() {
    let listed = |privacy: Privacy, location: Option<Location>| {
        let mut summary = item().summary.expect("a summary");
        summary.record.location = location;
        let view = PublicView::new(privacy, None);
        let record = view.show_in_list(&summary, NOW).expect("public").record;
        let place = record.place.unwrap_or_default();
        (place.sublocation, place.city, place.country, record.people)
    };
    let name = |name: &str| Some(name.to_owned());
    let away = Location {
        lat: 48.8584,
        lon: 2.2945,
        ..Location::default()
    };
    let exact = Privacy::from(LocationPolicy::Exact);
    let at_home = Privacy {
        home_zones: "45.471234,-73.645678".parse().expect("zones"),
        ..exact.clone()
    };
    let street = name("SECRET-STREET");
    let whole = (street, name("Montreal"), name("Canada"), Vec::new());
    let rounded = (None, name("Montreal"), name("Canada"), Vec::new());
    let nothing = (None, None, None, Vec::new());
    for location in [None, Some(location()), Some(away.clone())] {
        let hide = LocationPolicy::Hide.into();
        assert_eq!(listed(hide, location.clone()), nothing);
        let round = LocationPolicy::Round(2).into();
        assert_eq!(listed(round, location.clone()), rounded);
        assert_eq!(listed(exact.clone(), location), whole);
    }
    assert_eq!(listed(at_home.clone(), Some(location())), nothing);
    assert_eq!(listed(at_home.clone(), None), nothing);
    assert_eq!(listed(at_home, Some(away)), whole);
    let with_people = Privacy {
        people: PeoplePolicy::Show,
        ..LocationPolicy::Hide.into()
    };
    let people = listed(with_people, None).3;
    assert_eq!(people, ["SECRET-PERSON"]);
}

/// Returns the JSON of the details of a photo with an offset from this source. Returns `None` if
/// the offset is not shown. Checks that lists show the same, and that no other field shows the
/// offset.
fn shown_capture(
    privacy: &Privacy,
    source: OffsetSource,
    location: Option<Location>,
) -> Option<String> {
    let offset = FixedOffset::east_opt(20_700).map(|offset| (offset, source));
    let local: PartialDateTime = "2018-02-01T09:41:07".parse().expect("a local time");
    let capture = CaptureTime::new(local, DateSource::DateTimeOriginal, offset);
    let mut item = item();
    item.exif.clear();
    let summary = item.summary.as_mut().expect("a summary");
    summary.record.capture = capture;
    summary.record.location = location;
    let view = PublicView::new(privacy.clone(), None);
    let listed = view.show_in_list(item.summary.as_ref()?, NOW)?;
    let details = view.show_details(&item, NOW)?;
    assert_eq!(details.listed, listed);
    let json = serde_json::to_string(&details).expect("json");
    assert_eq!(
        json.contains("GPS"),
        json.contains("GPSTimeStamp"),
        "{json}"
    );
    assert_eq!(
        json.contains("+05:45"),
        json.contains("2018-02-01T03:56:07Z"),
        "{json}"
    );
    json.contains("+05:45").then_some(json)
}

#[test]
fn offset_from_the_gps_time_is_shown_only_with_its_place() {
    let gps = OffsetSource::GpsTimeStamp;
    let away = Location {
        lat: 48.8584,
        lon: 2.2945,
        ..Location::default()
    };
    let zones = |policy: LocationPolicy| Privacy {
        home_zones: "45.471234,-73.645678".parse().expect("zones"),
        ..policy.into()
    };
    let hide = Privacy::from(LocationPolicy::Hide);
    for place in [None, Some(location()), Some(away.clone())] {
        assert_eq!(shown_capture(&hide, gps, place), None);
    }
    for policy in [LocationPolicy::Exact, LocationPolicy::Round(1)] {
        assert!(shown_capture(&policy.into(), gps, Some(location())).is_some());
        assert!(shown_capture(&zones(policy), gps, Some(away.clone())).is_some());
        assert_eq!(shown_capture(&zones(policy), gps, Some(location())), None);
        assert_eq!(shown_capture(&zones(policy), gps, None), None);
    }
    // The camera wrote these offsets itself.
    for source in [
        OffsetSource::OffsetTimeOriginal,
        OffsetSource::OffsetTimeDigitized,
        OffsetSource::Date(DateSource::XmpCreateDate),
    ] {
        assert!(shown_capture(&hide, source, Some(location())).is_some());
    }
}

#[test]
fn private_label_hides_a_photo_from_every_view() {
    let privacy = Privacy {
        visibility: VisibilityRules {
            private_keywords: vec!["family".to_owned()],
            ..VisibilityRules::default()
        },
        ..LocationPolicy::Exact.into()
    };
    let view = PublicView::new(privacy, None);
    let labelled = |labels: Option<FileLabels>| {
        let mut item = item();
        item.parts
            .get_mut("CR2")
            .expect("a part")
            .labels
            .clone_from(&labels);
        item.summary.as_mut().expect("a summary").labels = labels;
        item
    };
    let is_shown = |item: &PhotoItem| {
        let listed = view.show_in_list(item.summary.as_ref().expect("a summary"), NOW);
        let shown = view.show_details(item, NOW).is_some();
        assert_eq!(shown, listed.is_some());
        assert_eq!(
            shown,
            !matches!(
                view.find_picture(item, "JPG", PictureKind::Original),
                PictureAccess::Absent
            )
        );
        shown
    };
    let keyword = FileLabels {
        keywords: vec!["People|Family|SECRET".to_owned()],
        ..FileLabels::default()
    };
    let gap = FileLabels {
        gap: Some("cut short".to_owned()),
        ..FileLabels::default()
    };
    let rejected = FileLabels {
        rating: Some(-1),
        ..FileLabels::default()
    };
    for hidden in [Some(keyword), Some(gap), Some(rejected), None] {
        assert!(!is_shown(&labelled(hidden.clone())), "{hidden:?}");
    }
    let other = FileLabels {
        keywords: vec!["LABEL-SECRET".to_owned()],
        rating: Some(3),
        gap: None,
    };
    let shown = labelled(Some(other));
    assert!(is_shown(&shown));
    // The labels themselves are not public.
    let json = serde_json::to_string(&view.show_details(&shown, NOW)).expect("json");
    assert!(
        !json.contains("LABEL") && !json.contains("labels"),
        "{json}"
    );
}

#[test]
fn exact_policy_shows_places_and_no_owner() {
    let details = serving_view(LocationPolicy::Exact)
        .show_details(&item(), NOW)
        .expect("public");
    let json = serde_json::to_string(&details).expect("json");
    assert!(
        json.contains("GPSLatitude") && json.contains("Montreal"),
        "{json}"
    );
    for secret in [
        "SERIAL", "OWNER", "HOST", "BUCKET", "KEY", "ETAG", "PLACE", "PERSON",
    ] {
        assert!(!json.contains(&format!("SECRET-{secret}")), "{json}");
    }
}

#[test]
fn texts_have_no_control_or_bidi_characters() {
    let details = serving_view(LocationPolicy::Hide)
        .show_details(&item(), NOW)
        .expect("public");
    assert_eq!(
        details.listed.record.caption.as_deref(),
        Some("<script>[31mcaption\nline")
    );
    assert_eq!(
        details.tags["IFD0"]["Make"],
        TagValue::Text("NIKON".to_owned())
    );
}

#[test]
fn few_tags_of_xmp_and_iptc_are_public() {
    let mut item = item();
    item.exif.clear();
    let names = [
        "City",
        "CreatorTool",
        "DateCreated",
        "GPSLatitude",
        "ISO",
        "Lens",
        "Make",
        "Rating",
        "SerialNumber",
        "Title",
    ];
    let tags = names.map(|name| (name.to_owned(), TagValue::Text("value".to_owned())));
    for group in [
        "IPTC",
        "IPTC2",
        "XMP",
        "XMP-aux",
        "XMP-crs",
        "XMP-dc",
        "XMP-exif",
        "XMP-exifEX",
        "XMP-iptcCore",
        "XMP-iptcExt",
        "XMP-mwg-rs",
        "XMP-my",
        "XMP-photoshop",
        "XMP-tiff",
        "XMP-x",
        "XMP-xmp",
        "XMP-xmpMM",
        "XMP-xmpRights",
    ] {
        item.exif
            .insert(group.to_owned(), BTreeMap::from(tags.clone()));
    }
    let public = |location| {
        let view = serving_view(location);
        let tags = view.show_details(&item, NOW).expect("public").tags;
        let names = tags.iter().flat_map(|(group, tags)| {
            let names = tags.keys().map(move |name| format!("{group}.{name}"));
            names.collect::<Vec<_>>()
        });
        names.collect::<Vec<_>>()
    };
    // The names of places are in the field `place`, under rules of its own.
    let always = [
        "XMP-aux.Lens",
        "XMP-photoshop.DateCreated",
        "XMP-xmp.CreatorTool",
        "XMP-xmp.Rating",
    ];
    assert_eq!(public(LocationPolicy::Hide), always);
    assert_eq!(public(LocationPolicy::Exact), always);
}

#[test]
fn private_removed_and_claimed_photos_have_no_view() {
    let view = serving_view(LocationPolicy::Exact);
    let mut private = item();
    private.overrides = Overrides {
        visibility: Some(Visibility::Private),
        ..Overrides::default()
    };
    let mut private_by_rule = item();
    private_by_rule.index.date_partition = Some("private#2018".parse().expect("valid"));
    let mut removed = item();
    removed
        .parts
        .values_mut()
        .for_each(|part| part.state = crate::catalogue::item::PartState::Tombstone);
    let stub = PhotoItem::stub("2018-02-01/foo bar");
    for hidden in [private, private_by_rule, removed, stub] {
        assert_eq!(view.show_details(&hidden, NOW), None);
        for (part, kind) in [
            ("JPG", PictureKind::Original),
            ("CR2", PictureKind::Original),
            ("CR2", PictureKind::Preview),
        ] {
            assert_eq!(
                view.find_picture(&hidden, part, kind),
                PictureAccess::Absent
            );
        }
    }
}

/// Returns the URLs and the kinds of the listed pictures.
fn listed_images(view: &PublicView, pictures: Option<PictureSet>) -> Vec<(String, ImageKind)> {
    let summary = item().summary.expect("a summary");
    let summary = Summary {
        pictures: pictures.map(Box::new),
        ..summary
    };
    let listed = view.show_in_list(&summary, NOW).expect("public");
    let images = listed.images.into_iter();
    images.map(|image| (image.url, image.kind)).collect()
}

#[test]
fn pictures_are_listed_with_their_urls() {
    let view = serving_view(LocationPolicy::Hide);
    let url = |name: &str| format!("https://cdn.example/gallery/r/k3/{name}");
    let large = (url("2048.jpg"), ImageKind::Rendition);
    let small = (url("320.jpg"), ImageKind::Rendition);
    let both = vec![large.clone(), small.clone()];
    assert_eq!(listed_images(&view, Some(pictures())), both);
    let with_original = PictureSet {
        original: Some(RenditionFile {
            width: 4000,
            height: 6000,
            bytes: 8_000_000,
        }),
        ..pictures()
    };
    let original = (url("original.jpg"), ImageKind::Original);
    let all = vec![original, large, small];
    assert_eq!(listed_images(&view, Some(with_original)), all);
    assert_eq!(listed_images(&view, None), []);
    // Nobody serves the pictures.
    let nowhere = PublicView::new(LocationPolicy::Hide, None);
    assert_eq!(listed_images(&nowhere, Some(pictures())), []);
}

#[test]
fn photo_that_waits_for_its_pictures_is_not_shown() {
    let view = serving_view(LocationPolicy::Hide);
    let until = NOW + chrono::TimeDelta::minutes(15);
    let mut item = item();
    let summary = item.summary.as_mut().expect("a summary");
    summary.awaited_until = Some(until);
    let summary = summary.clone();
    let before = until - chrono::TimeDelta::milliseconds(1);
    for (now, is_shown) in [(NOW, false), (before, false), (until, true)] {
        assert_eq!(view.show_in_list(&summary, now).is_some(), is_shown);
        assert_eq!(view.show_details(&item, now).is_some(), is_shown);
        let waits_until = view.waits_until(&summary, now);
        assert_eq!(waits_until, Some(until).filter(|_| !is_shown));
    }
}

#[test]
fn alternative_text_is_the_best_text_of_the_photo() {
    let text = |text: &str| Some(text.to_owned());
    let mut record = PhotoRecord {
        caption: text("caption"),
        ..PhotoRecord::default()
    };
    assert_eq!(alternative_text(&record), text("caption"));
    record.title = text("title");
    assert_eq!(alternative_text(&record), text("title"));
    record.alt_text = text("alternative");
    assert_eq!(alternative_text(&record), text("alternative"));
    assert_eq!(alternative_text(&PhotoRecord::default()), None);
}

#[test]
fn picture_is_stripped_and_gets_the_published_position() {
    let away = Privacy {
        home_zones: "48.8584,2.2945,500".parse().expect("zones"),
        ..LocationPolicy::Exact.into()
    };
    let at_home = Privacy {
        home_zones: "45.471234,-73.645678,500".parse().expect("zones"),
        ..LocationPolicy::Exact.into()
    };
    let rounded = Location {
        lat: 45.47,
        lon: -73.65,
        ..LocationPolicy::Round(2)
            .redact_location(&location())
            .expect("published")
    };
    for (privacy, published) in [
        (LocationPolicy::Hide.into(), None),
        (LocationPolicy::Round(2).into(), Some(rounded)),
        (LocationPolicy::Exact.into(), Some(location())),
        (away, Some(location())),
        (at_home, None),
    ] {
        let view = PublicView::new(privacy, None);
        let find = |part: &str, kind| match view.find_picture(&item(), part, kind) {
            PictureAccess::Servable(picture) => {
                assert_eq!(picture.added.position, published);
                Some((picture.source, picture.added.orientation))
            }
            PictureAccess::NotStrippable => None,
            PictureAccess::Absent => panic!("{part} is absent"),
        };
        let file = PictureSource::File(StripFormat::Jpeg);
        assert_eq!(find("JPG", PictureKind::Original), Some((file, None)));
        assert_eq!(find("CR2", PictureKind::Original), None);
        let preview = PictureSource::Preview(100..150);
        assert_eq!(find("CR2", PictureKind::Preview), Some((preview, Some(6))));
        for (part, kind) in [
            ("JPG", PictureKind::Preview),
            ("jpg", PictureKind::Original),
        ] {
            assert_eq!(
                view.find_picture(&item(), part, kind),
                PictureAccess::Absent
            );
        }
    }
}

#[test]
fn list_fields_are_those_of_the_schema() {
    let details = serving_view(LocationPolicy::Exact)
        .show_details(&item(), NOW)
        .expect("public");
    let json = serde_json::to_value(&details.listed).expect("json");
    let shown: Vec<&String> = json.as_object().expect("object").keys().collect();
    assert_eq!(shown, list_fields().iter().collect::<Vec<_>>());
    let schema = include_str!("../../schema/photo.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("a schema");
    let documented = schema["properties"].as_object().expect("properties");
    assert_eq!(shown, documented.keys().collect::<Vec<_>>());
}
