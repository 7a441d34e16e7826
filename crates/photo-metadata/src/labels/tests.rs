use super::*;
use crate::tests::builders::{
    iptc_block, jpeg, photoshop_segment, png, resources, segment, xmp_segment,
};
use crate::{FileContext, extract};

#[test]
fn every_source_of_xmp_gives_keywords() {
    let mut labels = LabelCollector::default();
    for name in KEYWORD_PROPERTIES {
        labels.add_xmp_value(name, name);
    }
    labels.add_xmp_value("dc:title", "no keyword");
    let nested = r#"<Categories><Category Assigned="0">Family<Category Assigned="1">Anna</Category></Category></Categories>"#;
    labels.add_xmp_value(ACDSEE_CATEGORIES, nested);
    let mut expected = KEYWORD_PROPERTIES.to_vec();
    expected.push("Family|Anna");
    assert_eq!(labels.keywords, expected);
    assert!(!labels.is_rejected && labels.gap.is_none());
}

#[test]
fn every_source_of_xmp_is_read_from_a_packet() {
    for name in KEYWORD_PROPERTIES {
        // Without a declaration, a prefix has its usual namespace.
        let packet = xmp(&format!("<{name}><rdf:li>Private</rdf:li></{name}>"));
        let labels = read(&jpeg(&[xmp_segment(&packet)]));
        assert_eq!(labels.keywords, ["Private"], "{name}");
    }
}

#[test]
fn categories_of_acdsee_have_their_characters_and_their_paths() {
    let mut labels = LabelCollector::default();
    let xml = r#"<Categories><Category Assigned="0">Family<Category Assigned="1">Tom &amp; Anna</Category></Category><Category Assigned="1">Home</Category></Categories>"#;
    labels.add_xmp_value(ACDSEE_CATEGORIES, xml);
    assert_eq!(labels.keywords, ["Family|Tom & Anna", "Home"]);
    assert_eq!(labels.gap, None);
    let mut other = LabelCollector::default();
    other.add_xmp_value(ACDSEE_CATEGORIES, "Family, Anna");
    assert!(other.gap.is_some());
    let long =
        "<Category>".to_owned() + &"x".repeat(9_000) + &"<Category>y</Category>".repeat(1_000);
    labels.add_xmp_value(ACDSEE_CATEGORIES, &long);
    assert!(labels.gap.is_some() && labels.path_bytes > limits::MAX_PATH_BYTES);
}

#[test]
fn rating_that_is_no_number_is_a_gap() {
    for (value, has_gap) in [
        ("Rejected", true),
        ("\u{2212}1", true),
        ("-1,0", true),
        ("-1/1", true),
        (" ", false),
        ("-1", false),
        ("3", false),
        ("99", false),
    ] {
        let mut labels = LabelCollector::default();
        labels.add_xmp_value("xmp:Rating", value);
        assert_eq!(labels.gap.is_some(), has_gap, "{value}");
    }
    // A TIFF whose field Rating is the text -1.
    let tiff = b"II*\0\x08\0\0\0\x01\0\x46\x47\x02\0\x03\0\0\0-1\0\0\0\0\0\0";
    assert!(read(tiff).gap.is_some());
}

fn read(file: &[u8]) -> FileLabels {
    let context = FileContext {
        file_name: String::new(),
        latest_credible_time: chrono::NaiveDateTime::MAX,
    };
    extract(file, context).expect("a photo").labels
}

fn xmp(property: &str) -> Vec<u8> {
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        xmlns:dc="http://purl.org/dc/elements/1.1/">{property}</x:xmpmeta>"#
    )
    .into_bytes()
}

/// Returns a JPEG with a packet of extended XMP in two pieces. The packet contains one keyword.
fn jpeg_with_extended_xmp(change: impl Fn(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let packet = xmp("<dc:subject><rdf:Bag><rdf:li>Private</rdf:li></rdf:Bag></dc:subject>");
    let total = u32::try_from(packet.len()).expect("short").to_be_bytes();
    let (first, second) = packet.split_at(100);
    let piece = |offset: u32, body: &[u8]| {
        let identifier = b"http://ns.adobe.com/xmp/extension/\0";
        [
            &identifier[..],
            &[b'0'; 32],
            &total,
            &offset.to_be_bytes(),
            body,
        ]
        .concat()
    };
    // The pieces may be in any order.
    let mut pieces = vec![piece(100, second), piece(0, first)];
    change(&mut pieces);
    let segments = pieces.iter().map(|piece| segment(0xe1, piece));
    jpeg(&segments.collect::<Vec<_>>())
}

#[test]
fn extended_xmp_is_read_or_is_a_gap() {
    let whole = read(&jpeg_with_extended_xmp(|_| {}));
    assert_eq!(
        (whole.keywords, whole.gap),
        (vec!["Private".to_owned()], None)
    );
    let changes: [fn(&mut Vec<Vec<u8>>); 4] = [
        |pieces| drop(pieces.pop()),
        |pieces| drop(pieces.remove(0)),
        |pieces| pieces[0].truncate(60),
        |pieces| pieces[1][67] = 0xff,
    ];
    for change in changes {
        let broken = read(&jpeg_with_extended_xmp(change));
        assert!(
            broken.gap.is_some() && broken.keywords.is_empty(),
            "{broken:?}"
        );
    }
}

#[test]
fn all_keywords_of_windows_explorer_are_read() {
    // A TIFF with the field XPKeywords. The value of the field is longer than the tags of a
    // record may be.
    let mut keywords: Vec<String> = (0..300).map(|n| format!("keyword{n}")).collect();
    keywords.push("Private".to_owned());
    let text: Vec<u8> = keywords
        .join(";")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let size = u32::try_from(text.len()).expect("short");
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x9e\x9c\x01\0".to_vec();
    tiff.extend(size.to_le_bytes());
    tiff.extend(26_u32.to_le_bytes());
    tiff.extend([0; 4]);
    tiff.extend(&text);
    assert_eq!(read(&tiff).keywords, keywords);
    tiff.truncate(tiff.len() - 1);
    let cut = read(&tiff);
    assert!(cut.keywords.is_empty() && cut.gap.is_some(), "{cut:?}");
}

#[test]
fn keywords_of_iptc_are_not_limited_in_number() {
    let names: Vec<String> = (0..301).map(|n| format!("k{n}")).collect();
    let datasets = names.iter().map(|name| (2, 25, name));
    let iptc = iptc_block(&datasets.collect::<Vec<_>>());
    let file = |iptc: &[u8]| {
        let resources = resources(&[iptc.to_vec()]);
        read(&jpeg(&[photoshop_segment(&resources)]))
    };
    let whole = file(&iptc);
    assert_eq!((whole.keywords, whole.gap), (names, None));
    let cut = file(&iptc[..iptc.len() - 1]);
    assert_eq!(cut.gap.as_deref(), Some("IPTC is broken or cut short"));
    assert_eq!(cut.keywords.len(), 300);
}

#[test]
fn reject_flag_of_a_program_rejects_the_photo() {
    let rating = |properties: &str| {
        let packet = xmp(&format!(
            r#"<rdf:Description xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/"
               xmlns:digiKam="http://www.digikam.org/ns/1.0/" {properties}/>"#
        ));
        read(&jpeg(&[xmp_segment(&packet)])).rating
    };
    for (properties, expected) in [
        (r#"xmpDM:pick="-1""#, Some(REJECTED)),
        (r#"digiKam:PickLabel="1""#, Some(REJECTED)),
        (r#"digiKam:PickLabel="3" xmpDM:pick="1""#, None),
    ] {
        assert_eq!(rating(properties), expected, "{properties}");
    }
}

#[test]
fn broken_xmp_is_a_gap() {
    let file = |packet: &[u8]| read(&jpeg(&[xmp_segment(packet)])).gap;
    let sound = xmp(r#"<rdf:Description dc:subject="a &amp; b"/>"#);
    assert_eq!(file(&sound), None);
    for cut in 1..sound.len() {
        assert!(file(&sound[..cut]).is_some(), "{cut}");
    }
    for broken in [
        r#"<rdf:Description dc:subject="a &unknown; b"/>"#,
        "<dc:subject>a &unknown; b</dc:subject>",
        "<dc:subject>a</dc:subject",
        "<rdf:Description dc:subject=unquoted/>",
        "<dc:subject>Private<rdf:Bag><rdf:li>b</rdf:li></rdf:Bag></dc:subject>",
        "<dc:subject><rdf:Bag><rdf:li>Private<b/></rdf:li></rdf:Bag></dc:subject>",
    ] {
        assert!(file(&xmp(broken)).is_some(), "{broken}");
    }
    let indented = "<dc:subject>\n <rdf:Bag>\n <rdf:li>a</rdf:li>\n </rdf:Bag>\n</dc:subject>";
    assert_eq!(file(&xmp(indented)), None);
    assert!(file(b"compressed").is_some());
    assert_eq!(file(b""), None);
}

#[test]
fn keyword_in_a_misspelled_namespace_is_a_gap() {
    let gap = |properties: &str| {
        let packet = xmp(properties);
        read(&jpeg(&[xmp_segment(&packet)])).gap
    };
    for (uri, name, has_gap) in [
        ("https://purl.org/dc/elements/1.1/", "subject", true),
        ("http://purl.org/dc/", "subject", true),
        ("http://purl.org/dc/", "title", false),
        ("http://purl.org/dc/elements/1.1/", "subject", false),
    ] {
        let element = format!("<dc:{name} xmlns:dc='{uri}'>a</dc:{name}>");
        let attribute = format!("<rdf:Description xmlns:dc='{uri}' dc:{name}='a'/>");
        for properties in [element, attribute] {
            assert_eq!(gap(&properties).is_some(), has_gap, "{properties}");
        }
    }
    assert_eq!(
        gap("<a:subject xmlns:a='http://example.org/'>a</a:subject>"),
        None
    );
}

#[test]
fn text_of_a_png_and_a_gif_give_keywords_or_a_gap() {
    let with_text = |keyword: &str| {
        let text = format!("{keyword}\0Family; Private");
        read(&png(&[(b"tEXt", text.as_bytes())]))
    };
    assert_eq!(with_text("keywords").keywords, ["Family; Private"]);
    assert_eq!(with_text("Comment"), FileLabels::default());
    assert!(read(b"GIF89a\x01\0\x01\0\0\0\0;").gap.is_some());
}

#[test]
fn negative_rating_rejects() {
    for (value, rejected) in [
        ("-1", true),
        (" -1.0 ", true),
        ("0", false),
        ("5", false),
        ("x", false),
    ] {
        let mut labels = LabelCollector::default();
        labels.add_xmp_value("xmp:Rating", value);
        assert_eq!(labels.is_rejected, rejected, "{value}");
    }
}

#[test]
fn rating_in_percent_is_a_number_of_stars() {
    let mut labels = LabelCollector::default();
    labels.add_xmp_value(PERCENT_RATING, "75");
    assert_eq!(labels.stars, Some(4));
    labels.add_xmp_value(PERCENT_RATING, "0");
    assert_eq!(labels.stars, Some(4));
    // A TIFF with the field RatingPercent.
    let tiff = b"II*\0\x08\0\0\0\x01\0\x49\x47\x03\0\x01\0\0\0\x32\0\0\0\0\0\0\0";
    assert_eq!(read(tiff).rating, Some(3));
}

#[test]
fn lowest_rating_of_all_packets_counts() {
    let mut all = LabelCollector::default();
    for rating in ["5", "2", "4", "6", "x"] {
        let mut packet = LabelCollector::default();
        packet.add_xmp_value("xmp:Rating", rating);
        all.append(&packet);
    }
    assert_eq!(all.stars, Some(2));
}

#[test]
fn keywords_that_do_not_fit_are_a_gap() {
    let mut labels = LabelCollector::default();
    labels.add_keyword(&"x".repeat(limits::MAX_LABEL_BYTES));
    labels.add_keyword(&"x".repeat(limits::MAX_LABEL_BYTES));
    assert_eq!(
        (labels.keywords.len(), labels.gap.as_deref()),
        (1, Some("more keywords than are kept"))
    );

    let mut stored = FileLabels {
        keywords: vec!["a".repeat(10), "b".repeat(10)],
        ..FileLabels::default()
    };
    stored.limit_bytes(20);
    assert_eq!((stored.keywords.len(), stored.gap.as_deref()), (2, None));
    stored.limit_bytes(19);
    assert_eq!(stored.keywords, ["a".repeat(10)]);
    assert!(stored.gap.is_some());
}
