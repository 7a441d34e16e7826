//! What the public view shows, and what it must never show.

use std::collections::BTreeMap;

use super::*;
use crate::catalogue::item::{IndexKeys, Overrides, PartSource};
use photo_metadata::{EmbeddedPreview, PhotoMetadata, TagValue};

fn location() -> Location {
    Location {
        lat: 45.471_234,
        lon: -73.645_678,
        alt: Some(31.0),
        ..Location::default()
    }
}

fn item() -> PhotoItem {
    let photo = PhotoMetadata {
        record: PhotoRecord {
            capture: CaptureTime {
                local: Some("2018-02-01T09:41:07".parse().expect("a local time")),
                ..CaptureTime::default()
            },
            location: Some(location()),
            caption: Some("<script>\u{1b}[31m\u{202e}caption\u{7}\nline".to_owned()),
            ..PhotoRecord::default()
        },
        body_serial: Some("SECRET-SERIAL".to_owned()),
        orientation: Some(6),
    };
    let part = |extension: &str, mime: &str| PhotoPart {
        key: format!("archive/2018-02-01/foo bar.{extension}"),
        etag: "SECRET-ETAG".to_owned(),
        mime: mime.to_owned(),
        source: Some(PartSource {
            bucket: "SECRET-BUCKET".to_owned(),
            key: "SECRET-KEY".to_owned(),
            etag: "e".to_owned(),
        }),
        preview: (extension == "CR2").then_some(EmbeddedPreview {
            offset: 100,
            length: 50,
            width: None,
            height: None,
        }),
        ..PhotoPart::default()
    };
    let image = |extension: &str, mime: &str, kind: &str| Image {
        key: format!("archive/2018-02-01/foo bar.{extension}"),
        mime: mime.to_owned(),
        kind: kind.to_owned(),
        ..Image::default()
    };
    let images = vec![
        image("JPG", "image/jpeg", "original"),
        image("CR2", "image/jpeg", "preview"),
        image("CR2", "image/x-canon-cr2", "original"),
    ];
    let mut item = PhotoItem::stub("2018-02-01/foo bar", "SECRET-OWNER");
    item.revision = 1;
    item.parts = BTreeMap::from([
        ("JPG".to_owned(), part("JPG", "image/jpeg")),
        ("CR2".to_owned(), part("CR2", "image/x-canon-cr2")),
    ]);
    item.summary = Some(Summary::of(
        &item.id,
        &item.stem,
        1,
        photo.record.clone(),
        images,
    ));
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
        date_partition: Some("2018".to_owned()),
        ..IndexKeys::default()
    };
    item
}

fn here(location: LocationPolicy) -> PublicView {
    PublicView::new(location, None, false, true)
}

fn urls(view: &PublicView) -> Vec<String> {
    let listed = view
        .listed(item().summary.as_ref().expect("summary"))
        .expect("public");
    listed.images.into_iter().map(|image| image.url).collect()
}

#[test]
fn nothing_private_is_in_any_text_of_the_view() {
    for policy in [LocationPolicy::Hide, LocationPolicy::Round(2)] {
        let detailed = here(policy).detailed(&item()).expect("public");
        let json = serde_json::to_string(&detailed).expect("json");
        assert!(!json.contains("SECRET"), "{json}");
        assert!(!json.contains("45.471") && !json.contains("GPS"), "{json}");
        assert!(json.contains("\"ISO\":400"), "{json}");
    }
}

#[test]
fn an_exact_policy_shows_places_but_still_no_owner() {
    let detailed = here(LocationPolicy::Exact)
        .detailed(&item())
        .expect("public");
    let json = serde_json::to_string(&detailed).expect("json");
    assert!(
        json.contains("GPSLatitude") && json.contains("City"),
        "{json}"
    );
    for secret in ["SERIAL", "OWNER", "HOST", "BUCKET", "KEY", "ETAG"] {
        assert!(!json.contains(&format!("SECRET-{secret}")), "{json}");
    }
}

#[test]
fn texts_are_harmless_in_a_terminal_and_read_as_they_are_spelt() {
    let detailed = here(LocationPolicy::Hide)
        .detailed(&item())
        .expect("public");
    assert_eq!(
        detailed.listed.record.caption.as_deref(),
        Some("<script>[31mcaption\nline")
    );
    assert_eq!(
        detailed.tags["IFD0"]["Make"],
        TagValue::Text("NIKON".to_owned())
    );
}

#[test]
fn private_stub_and_removed_photos_have_no_view() {
    let view = here(LocationPolicy::Exact);
    let mut private = item();
    private.overrides = Overrides {
        visibility: Some(Visibility::Private),
        ..Overrides::default()
    };
    let mut private_by_rule = item();
    private_by_rule.index.date_partition = Some("private#2018".to_owned());
    let mut removed = item();
    removed
        .parts
        .values_mut()
        .for_each(|part| part.removed = true);
    let stub = PhotoItem::stub("2018-02-01/foo bar", "owner");
    for hidden in [private, private_by_rule, removed, stub] {
        assert_eq!(view.detailed(&hidden), None);
        assert_eq!(view.picture(&hidden, "JPG", false), None);
        assert_eq!(view.picture(&hidden, "CR2", true), None);
    }
}

#[test]
fn originals_are_listed_only_where_their_position_may_be_seen() {
    let jpeg = "/2018-02-01/foo%20bar.JPG";
    let raw = "/2018-02-01/foo%20bar.CR2";
    let at = |base: &str, paths: &[&str]| {
        paths
            .iter()
            .map(|path| format!("{base}{path}"))
            .collect::<Vec<_>>()
    };
    let preview = &format!("{raw}?preview=1");
    let cdn = Some("https://cdn.example/");
    let view = |policy, base, stripped, here| urls(&PublicView::new(policy, base, stripped, here));

    assert_eq!(
        view(LocationPolicy::Hide, None, false, false),
        Vec::<String>::new()
    );
    assert_eq!(
        view(LocationPolicy::Hide, None, false, true),
        at("/photos", &[jpeg, preview])
    );
    assert_eq!(
        view(LocationPolicy::Exact, None, false, true),
        at("/photos", &[jpeg, preview, raw])
    );
    for policy in [LocationPolicy::Hide, LocationPolicy::Round(2)] {
        assert_eq!(view(policy, cdn, false, false), Vec::<String>::new());
        assert_eq!(view(policy, cdn, false, true), Vec::<String>::new());
        assert_eq!(
            view(policy, cdn, true, false),
            at("https://cdn.example", &[jpeg, raw])
        );
        assert_eq!(
            view(policy, cdn, true, true),
            at("https://cdn.example", &[jpeg, preview])
        );
    }
    assert_eq!(
        view(LocationPolicy::Exact, cdn, false, false),
        at("https://cdn.example", &[jpeg, raw])
    );
}

#[test]
fn what_cannot_be_stripped_is_not_served_where_it_must_be() {
    let treatment = |policy, part: &str, preview| {
        here(policy)
            .picture(&item(), part, preview)
            .map(|picture| picture.treatment)
    };
    let preview = Treatment::Preview {
        range: 100..150,
        orientation: Some(6),
    };
    assert_eq!(
        treatment(LocationPolicy::Hide, "JPG", false),
        Some(Treatment::Strip(Format::Jpeg))
    );
    assert_eq!(treatment(LocationPolicy::Hide, "CR2", false), None);
    assert_eq!(treatment(LocationPolicy::Hide, "CR2", true), Some(preview));
    assert_eq!(
        treatment(LocationPolicy::Exact, "CR2", false),
        Some(Treatment::AsIs)
    );
    assert_eq!(treatment(LocationPolicy::Exact, "JPG", true), None);
    assert_eq!(treatment(LocationPolicy::Exact, "jpg", false), None);
}

#[test]
fn the_fields_are_those_of_the_view() {
    let detailed = here(LocationPolicy::Hide)
        .detailed(&item())
        .expect("public");
    let json = serde_json::to_value(&detailed.listed).expect("json");
    let fields: Vec<&str> = json
        .as_object()
        .expect("object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(fields, FIELDS);
}

#[test]
fn a_key_is_cut_to_what_follows_its_prefix() {
    assert_eq!(
        below_prefix("archive/2018-02-01/a.jpg", "2018-02-01/a"),
        Some("2018-02-01/a.jpg")
    );
    assert_eq!(
        below_prefix("2018-02-01/a", "2018-02-01/a"),
        Some("2018-02-01/a")
    );
    assert_eq!(
        below_prefix("x/2018-02-01/a.b.jpg", "2018-02-01/a.b"),
        Some("2018-02-01/a.b.jpg")
    );
    assert_eq!(
        below_prefix("x/2018-02-01/.hidden", "2018-02-01/.hidden"),
        Some("2018-02-01/.hidden")
    );
    assert_eq!(below_prefix("x/other.jpg", "2018-02-01/a"), None);
}
