//! Tests of the texts of a record: which source is used, which texts are skipped, and how long
//! texts may be.

use super::builders::{
    self, TestTiff, alternative, bag, exif_segment, iptc_block, photoshop_segment, resources,
    segment, xmp_segment,
};
use super::{has_warning, read};
use crate::{Extraction, PhotoRecord, Place};

const IMAGE_DESCRIPTION: u16 = 0x010e;
const MAKE: u16 = 0x010f;
const MODEL: u16 = 0x0110;
const ARTIST: u16 = 0x013b;
const RATING_PERCENT: u16 = 0x4749;
const USER_COMMENT: u16 = 0x9286;
const XP_TITLE: u16 = 0x9c9b;
const XP_COMMENT: u16 = 0x9c9c;
const XP_KEYWORDS: u16 = 0x9c9e;
const IMAGE_TITLE: u16 = 0xa436;
const PHOTOGRAPHER: u16 = 0xa437;
const IMAGE_EDITOR: u16 = 0xa438;

/// A JPEG that is made for a test: the segments before its picture.
#[derive(Default)]
struct TestJpeg(Vec<Vec<u8>>);

impl TestJpeg {
    fn with_segment(mut self, segment: Vec<u8>) -> Self {
        self.0.push(segment);
        self
    }

    /// Adds EXIF with these fields in IFD0. A field is its tag, its type and its value.
    fn with_exif(self, fields: &[(u16, u16, &[u8])]) -> Self {
        let fields = fields
            .iter()
            .map(|(tag, kind, value)| (*tag, *kind, value.to_vec()));
        let file = TestTiff {
            ifd0: fields.collect(),
            ..TestTiff::default()
        };
        self.with_segment(exif_segment(&file.to_bytes()))
    }

    fn with_ascii(self, tag: u16, text: &str) -> Self {
        self.with_exif(&[(tag, 2, format!("{text}\0").as_bytes())])
    }

    /// Adds an XMP packet with these properties.
    fn with_xmp(self, properties: &str) -> Self {
        self.with_segment(xmp_segment(builders::xmp("", properties).as_bytes()))
    }

    /// Adds an IPTC block with these datasets of record 2, in UTF-8.
    fn with_iptc(self, datasets: &[(u8, &[u8])]) -> Self {
        let mut all: Vec<(u8, u8, &[u8])> = vec![(1, 90, b"\x1b%G")];
        all.extend(
            datasets
                .iter()
                .map(|(dataset, value)| (2, *dataset, *value)),
        );
        self.with_segment(photoshop_segment(&resources(&[iptc_block(&all)])))
    }

    fn with_comment(self, comment: &str) -> Self {
        self.with_segment(segment(0xfe, comment.as_bytes()))
    }

    fn extract(self) -> Extraction {
        read(&builders::jpeg(&self.0))
    }

    fn record(self) -> PhotoRecord {
        self.extract().photo.record
    }
}

fn jpeg() -> TestJpeg {
    TestJpeg::default()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect()
}

const BOILERPLATE: &str = "OLYMPUS DIGITAL CAMERA";

#[test]
fn boilerplate_is_skipped_in_every_source() {
    let xmp = alternative("dc:description", BOILERPLATE) + &alternative("dc:title", BOILERPLATE);
    let iptc: [(u8, &[u8]); 3] = [
        (5, BOILERPLATE.as_bytes()),
        (105, BOILERPLATE.as_bytes()),
        (120, BOILERPLATE.as_bytes()),
    ];
    let file = || {
        let wide = utf16(BOILERPLATE);
        let ascii = format!("{BOILERPLATE}   \0");
        let comment = format!("ASCII\0\0\0{BOILERPLATE}");
        jpeg()
            .with_xmp(&xmp)
            .with_iptc(&iptc)
            .with_comment(BOILERPLATE)
            .with_exif(&[
                (IMAGE_DESCRIPTION, 2, ascii.as_bytes()),
                (USER_COMMENT, 7, comment.as_bytes()),
                (XP_TITLE, 1, &wide),
                (XP_COMMENT, 1, &wide),
                (IMAGE_TITLE, 2, ascii.as_bytes()),
            ])
    };
    let record = file().record();
    assert_eq!(
        (record.title, record.headline, record.caption),
        (None, None, None)
    );
    // The next source is used.
    let record = file().with_comment("Red beetle").record();
    assert_eq!(record.caption.as_deref(), Some("Red beetle"));
    let record = jpeg()
        .with_xmp(&xmp)
        .with_iptc(&[(120, b"Red beetle"), (5, b"Beetle")])
        .record();
    assert_eq!(record.caption.as_deref(), Some("Red beetle"));
    assert_eq!(record.title.as_deref(), Some("Beetle"));
}

#[test]
fn caption_that_begins_like_boilerplate_is_kept_in_every_source() {
    let honest = "Default settings of my first camera, JPEG";
    let comment = format!("ASCII\0\0\0{honest}");
    for file in [
        jpeg().with_xmp(&alternative("dc:description", honest)),
        jpeg().with_iptc(&[(120, honest.as_bytes())]),
        jpeg().with_ascii(IMAGE_DESCRIPTION, honest),
        jpeg().with_exif(&[(XP_COMMENT, 1, &utf16(honest))]),
        jpeg().with_exif(&[(USER_COMMENT, 7, comment.as_bytes())]),
        jpeg().with_comment(honest),
    ] {
        assert_eq!(file.record().caption.as_deref(), Some(honest));
    }
}

#[test]
fn name_of_the_own_camera_is_no_caption() {
    let file = |text: &str| {
        let text = format!("{text}\0");
        jpeg()
            .with_exif(&[
                (IMAGE_DESCRIPTION, 2, text.as_bytes()),
                (MAKE, 2, b"JVC\0"),
                (MODEL, 2, b"GC-X1E\0"),
            ])
            .record()
            .caption
    };
    assert_eq!(file("GC-X1E Image"), None);
    assert_eq!(file("My GC-X1E").as_deref(), Some("My GC-X1E"));
}

#[test]
fn comments_are_the_last_sources_of_a_caption() {
    let user_comment = |text: &[u8]| jpeg().with_exif(&[(USER_COMMENT, 7, text)]);
    let caption = |file: TestJpeg| file.record().caption;
    let unicode = [&b"UNICODE\0"[..], &utf16("Two\r\nlines")].concat();
    assert_eq!(
        caption(user_comment(&unicode)).as_deref(),
        Some("Two\nlines")
    );
    assert_eq!(
        caption(user_comment(&unicode).with_comment("segment")).as_deref(),
        Some("Two\nlines")
    );
    assert_eq!(
        caption(user_comment(&unicode).with_iptc(&[(120, b"IPTC")])).as_deref(),
        Some("IPTC")
    );
    for data in [
        &b"ASCII\0\0\0filter: 0; fileterIntensity: 0.0; filterMask: 0; algolist: 0;"[..],
        b"\0\0\0\0\0\0\0\0\x01\x02binary data",
        b"ASCII\0\0\0{\"scale\":1,\"source\":\"gallery\"}",
        b"ASCII\0\0\0Oplus_16908288",
        b"ASCII\0\0\0                       ",
    ] {
        assert_eq!(caption(user_comment(data)), None, "{data:?}");
        // The next comment is used.
        let next = user_comment(data)
            .with_comment("AppleMark\n")
            .with_comment("Frank");
        assert_eq!(caption(next).as_deref(), Some("Frank"));
    }
    let in_xmp = alternative("exif:UserComment", "From XMP");
    assert_eq!(
        caption(jpeg().with_xmp(&in_xmp)).as_deref(),
        Some("From XMP")
    );
}

#[test]
fn position_in_a_comment_is_no_caption() {
    let position = "Lat: 45.4712 Lon: -73.6456";
    let user_comment = [b"ASCII\0\0\0", position.as_bytes()].concat();
    let file = jpeg()
        .with_exif(&[(USER_COMMENT, 7, &user_comment)])
        .with_xmp(&alternative("exif:UserComment", position))
        .with_comment(position);
    assert_eq!(file.record().caption, None);
    // A person wrote this one.
    let written = jpeg().with_xmp(&alternative("dc:description", position));
    assert_eq!(written.record().caption.as_deref(), Some(position));
}

#[test]
fn serial_number_of_zeros_hides_no_other() {
    let serial = |file: TestJpeg| file.extract().photo.body_serial;
    let zeros = || jpeg().with_ascii(0xa431, "0000000");
    assert_eq!(serial(zeros()), None);
    let with = |name: &str| zeros().with_xmp(&format!("<{name}>6012345</{name}>"));
    for name in ["exifEX:BodySerialNumber", "aux:SerialNumber"] {
        assert_eq!(serial(with(name)).as_deref(), Some("6012345"), "{name}");
    }
}

#[test]
fn tags_of_exif_3_give_title_and_artist() {
    let tags: [(u16, u16, &[u8]); 3] = [
        (IMAGE_TITLE, 129, "Hafen im Dämmerlicht\0".as_bytes()),
        (PHOTOGRAPHER, 2, b"Jane Doe\0"),
        (IMAGE_EDITOR, 2, b"An editor\0"),
    ];
    let record = jpeg().with_exif(&tags).record();
    assert_eq!(record.title.as_deref(), Some("Hafen im Dämmerlicht"));
    assert_eq!(record.artist.as_deref(), Some("Jane Doe"));
    let record = jpeg().with_exif(&tags[2..]).record();
    assert_eq!(record.artist, None);
    let record = jpeg()
        .with_exif(&[tags[1], (ARTIST, 2, b"Agency\0")])
        .record();
    assert_eq!(record.artist.as_deref(), Some("Agency"));
    let xmp = alternative("dc:title", "XMP");
    let record = jpeg().with_exif(&tags).with_xmp(&xmp).record();
    assert_eq!(record.title.as_deref(), Some("XMP"));
}

#[test]
fn keywords_of_all_programs_have_one_form() {
    // As digiKam writes them.
    let xmp = [
        bag("dc:subject", &["Kyoto"]),
        bag("digiKam:TagsList", &["Places/Japan/Kyoto"]),
        bag("lr:hierarchicalSubject", &["Places|Japan|Kyoto"]),
        bag("MicrosoftPhoto:LastKeywordXMP", &["Places/Japan/Kyoto"]),
        bag("mediapro:CatalogSets", &["Places|Japan|Kyoto"]),
        "<acdsee:categories>&lt;Categories&gt;&lt;Category Assigned=\"0\"&gt;Places\
         &lt;Category Assigned=\"1\"&gt;Japan&lt;/Category&gt;&lt;/Category&gt;&lt;/Categories&gt;\
         </acdsee:categories>"
            .to_owned(),
        "<pdf:Keywords>temple, Kyoto; autumn</pdf:Keywords>".to_owned(),
        bag("photoshop:SupplementalCategories", &["travel"]),
    ]
    .concat();
    let file = jpeg()
        .with_xmp(&xmp)
        .with_iptc(&[(25, b"AC/DC"), (20, b"music")]);
    let extraction = file
        .with_exif(&[(XP_KEYWORDS, 1, &utf16("a; b"))])
        .extract();
    assert_eq!(
        extraction.photo.record.keywords,
        [
            "Kyoto",
            "AC/DC",
            "music",
            "a",
            "b",
            "travel",
            "Places|Japan|Kyoto",
            "Places|Japan",
            "temple, Kyoto",
            "autumn"
        ]
    );
    // The labels have every text as it was written.
    for label in [
        "Kyoto",
        "Places/Japan/Kyoto",
        "Places|Japan|Kyoto",
        "temple, Kyoto; autumn",
        "a",
    ] {
        assert!(
            extraction
                .labels
                .keywords
                .iter()
                .any(|known| known == label),
            "{label}"
        );
    }
}

#[test]
fn too_many_keywords_have_a_warning() {
    let many: Vec<String> = (0..300).map(|n| format!("k{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (first, rest) = many.split_at(200);
    let xmp = bag("dc:subject", first) + &bag("lr:hierarchicalSubject", rest);
    let extraction = jpeg().with_xmp(&xmp).extract();
    assert_eq!(extraction.photo.record.keywords, many[..256]);
    assert!(has_warning(&extraction, "more keywords"));
    assert_eq!(extraction.labels.keywords, many);
    assert_eq!(extraction.labels.gap, None);
}

#[test]
fn rating_in_percent_counts_if_there_are_no_stars() {
    let exif = |percent: u16| jpeg().with_exif(&[(RATING_PERCENT, 3, &percent.to_le_bytes())]);
    for (percent, stars) in [
        (1, Some(1)),
        (25, Some(2)),
        (50, Some(3)),
        (75, Some(4)),
        (99, Some(5)),
        (0, None),
    ] {
        let extraction = exif(percent).extract();
        assert_eq!(extraction.photo.record.rating, stars);
        assert_eq!(extraction.labels.rating, stars);
    }
    let xmp = "<MicrosoftPhoto:Rating>50</MicrosoftPhoto:Rating>";
    assert_eq!(jpeg().with_xmp(xmp).record().rating, Some(3));
    let both = exif(99).with_xmp("<xmp:Rating>2</xmp:Rating>").extract();
    assert_eq!(
        (both.photo.record.rating, both.labels.rating),
        (Some(2), Some(2))
    );
}

#[test]
fn caption_keeps_its_lines_and_is_cut_after_4000_characters() {
    let line = "Zürich, eine Zeile des Textes.";
    let text = [line; 129].join("\n");
    assert_eq!(text.chars().count(), 3_998);
    let xmp = |text: &str| {
        jpeg()
            .with_xmp(&alternative("dc:description", text))
            .extract()
    };
    let whole = xmp(&text.replace('\n', "&#13;&#10;"));
    assert_eq!(whole.photo.record.caption.as_deref(), Some(text.as_str()));
    assert_eq!(whole.warnings, Vec::<String>::new());
    let long = format!("{text}\nabcdef");
    for cut in [
        xmp(&long),
        jpeg().with_iptc(&[(120, long.as_bytes())]).extract(),
        jpeg().with_ascii(IMAGE_DESCRIPTION, &long).extract(),
        jpeg()
            .with_exif(&[(XP_COMMENT, 1, &utf16(&long))])
            .extract(),
        jpeg()
            .with_exif(&[(
                USER_COMMENT,
                7,
                &[&b"UNICODE\0"[..], &utf16(&long)].concat(),
            )])
            .extract(),
    ] {
        let caption = cut.photo.record.caption.clone().expect("a caption");
        assert_eq!(caption, format!("{text}\na"));
        assert!(has_warning(
            &cut,
            "the caption has more than 4000 characters"
        ));
    }
    let xmp = alternative("Iptc4xmpCore:ExtDescrAccessibility", &long)
        + &alternative("dc:title", "Two\nlines");
    let extended = jpeg().with_xmp(&xmp).extract();
    assert!(has_warning(&extended, "the extended description has more"));
    // All other texts are one line.
    assert_eq!(extended.photo.record.title.as_deref(), Some("Two lines"));
}

#[test]
fn name_of_an_author_is_in_the_artist_once() {
    let iptc = |names: &[&str]| {
        let names: Vec<(u8, &[u8])> = names.iter().map(|name| (80, name.as_bytes())).collect();
        jpeg().with_iptc(&names).record().artist
    };
    assert_eq!(iptc(&["Anna", "Anna"]).as_deref(), Some("Anna"));
    assert_eq!(iptc(&["Ben", "Anna", "Anna"]).as_deref(), Some("Ben, Anna"));
    let creators = bag("dc:creator", &["Anna", "Ben", "Anna"]);
    let artist = jpeg().with_xmp(&creators).record().artist;
    assert_eq!(artist.as_deref(), Some("Anna, Ben"));
}

#[test]
fn texts_of_iptc_end_at_a_nul() {
    let datasets: [(u8, &[u8]); 4] = [
        (5, b"Harbour\0abc"),
        (25, b"dawn\0Private"),
        (105, b"Headline\0\0\0"),
        (120, b"Line one\r\nline two\0old"),
    ];
    let extraction = jpeg().with_iptc(&datasets).extract();
    let record = extraction.photo.record;
    assert_eq!(record.title.as_deref(), Some("Harbour"));
    assert_eq!(record.keywords, ["dawn"]);
    assert_eq!(record.headline.as_deref(), Some("Headline"));
    assert_eq!(record.caption.as_deref(), Some("Line one\nline two"));
    // The labels also contain the text after the NUL.
    assert_eq!(extraction.labels.keywords, ["dawn", "Private"]);
}

#[test]
fn texts_of_a_png_are_found_in_any_case() {
    let png = |texts: &[(&str, &str)]| {
        let texts: Vec<Vec<u8>> = texts
            .iter()
            .map(|(keyword, text)| [keyword.as_bytes(), b"\0", text.as_bytes()].concat())
            .collect();
        let chunks = texts.iter().map(|text| (b"tEXt", text.as_slice()));
        let file = builders::png(&chunks.collect::<Vec<_>>());
        read(&file).photo.record
    };
    for case in [str::to_lowercase, str::to_uppercase, str::to_owned] {
        let record = png(&[
            (&case("Title"), "Harbour"),
            (&case("Author"), "Jane Doe"),
            (&case("Description"), "One\ntwo"),
            (&case("Copyright"), "2024 Jane Doe"),
            (&case("Creation Time"), "2024-01-02T03:04:05"),
            (&case("Keywords"), "dawn; sea"),
        ]);
        assert_eq!(record.title.as_deref(), Some("Harbour"));
        assert_eq!(record.artist.as_deref(), Some("Jane Doe"));
        assert_eq!(record.caption.as_deref(), Some("One\ntwo"));
        assert_eq!(record.copyright.as_deref(), Some("2024 Jane Doe"));
        assert_eq!(
            record.capture.local_text().as_deref(),
            Some("2024-01-02T03:04:05")
        );
        assert_eq!(record.keywords, ["dawn", "sea"]);
    }
    // An XMP packet with boilerplate does not hide the texts of the PNG.
    let packet = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Untitled</dc:title><dc:creator>Jane</dc:creator></x:xmpmeta>"#;
    let both = png(&[
        ("Title", "Harbour"),
        ("Author", "John"),
        ("XML:com.adobe.xmp", packet),
    ]);
    assert_eq!(both.title.as_deref(), Some("Harbour"));
    assert_eq!(both.artist.as_deref(), Some("Jane"));
    let exif = TestTiff {
        ifd0: vec![(IMAGE_TITLE, 2, b"Exif\0".to_vec())],
        ..TestTiff::default()
    };
    let exif = exif.to_bytes();
    let chunks: [(&[u8; 4], &[u8]); 2] = [(b"tEXt", b"Title\0Harbour"), (b"eXIf", &exif)];
    let record = read(&builders::png(&chunks)).photo.record;
    assert_eq!(record.title.as_deref(), Some("Harbour"));
    let made = png(&[("Comment", "Created with GIMP"), ("Title", "Untitled")]);
    assert_eq!((made.caption, made.title), (None, None));
    let written = png(&[("comment", "Created with GIMP"), ("Comment", "At dawn")]);
    assert_eq!(written.caption.as_deref(), Some("At dawn"));
}

#[test]
fn descriptive_properties_of_iptc_are_in_the_record() {
    let xmp = [
        alternative("Iptc4xmpCore:AltTextAccessibility", "A glass of beer"),
        alternative("Iptc4xmpCore:ExtDescrAccessibility", "A glass of amber beer\non a bar."),
        alternative("Iptc4xmpExt:Event", "Harvest festival"),
        alternative("xmpRights:UsageTerms", "Only with a link."),
        "<photoshop:Headline>Beer</photoshop:Headline><photoshop:Credit>Agency</photoshop:Credit>".to_owned(),
        "<xmp:Label>Winner</xmp:Label><xmpRights:WebStatement>https://example.org/rights</xmpRights:WebStatement>".to_owned(),
    ]
    .concat();
    let record = jpeg().with_xmp(&xmp).record();
    let expected = PhotoRecord {
        capture: record.capture,
        alt_text: Some("A glass of beer".to_owned()),
        extended_description: Some("A glass of amber beer\non a bar.".to_owned()),
        event: Some("Harvest festival".to_owned()),
        usage_terms: Some("Only with a link.".to_owned()),
        headline: Some("Beer".to_owned()),
        credit: Some("Agency".to_owned()),
        label: Some("Winner".to_owned()),
        license_url: Some("https://example.org/rights".to_owned()),
        ..PhotoRecord::default()
    };
    assert_eq!(record, expected);
    let record = jpeg()
        .with_iptc(&[(105, b"Beer"), (110, b"Agency")])
        .record();
    assert_eq!(
        (record.headline, record.credit),
        (expected.headline, expected.credit)
    );
}

#[test]
fn licence_is_the_one_of_creative_commons_or_the_web_statement() {
    let url = |properties: &str| jpeg().with_xmp(properties).record().license_url;
    let cc = r#"<cc:license rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>"#;
    let statement = "<xmpRights:WebStatement>http://example.org/</xmpRights:WebStatement>";
    let broken = "<xmpRights:WebStatement>all rights reserved</xmpRights:WebStatement>";
    assert_eq!(
        url(&[cc, statement].concat()).as_deref(),
        Some("https://creativecommons.org/licenses/by/4.0/")
    );
    assert_eq!(url(statement).as_deref(), Some("http://example.org/"));
    assert_eq!(url(broken), None);
    assert_eq!(
        url(&[r#"<cc:license rdf:resource="by/4.0"/>"#, statement].concat()).as_deref(),
        Some("http://example.org/")
    );
}

#[test]
fn people_come_from_the_picture_and_from_regions_with_a_face() {
    let regions = r#"<r:Regions xmlns:r="http://www.metadataworkinggroup.com/schemas/regions/" rdf:parseType="Resource">
        <r:RegionList><rdf:Bag><rdf:li><rdf:Description r:Name="Anna" r:Type="Face"/></rdf:li>
        <rdf:li><rdf:Description r:Name="Rex" r:Type="Pet"/></rdf:li></rdf:Bag></r:RegionList></r:Regions>
        <MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag><rdf:li MPReg:PersonDisplayName="Ben"/>
        <rdf:li MPReg:PersonDisplayName="Anna"/></rdf:Bag></MPRI:Regions></MP:RegionInfo>"#;
    let xmp = bag("Iptc4xmpExt:PersonInImage", &["Clara", "Anna"]) + regions;
    assert_eq!(
        jpeg().with_xmp(&xmp).record().people,
        ["Clara", "Anna", "Ben"]
    );
}

#[test]
fn place_is_where_the_photo_was_taken() {
    let name = |text: &str| Some(text.to_owned());
    let created = r#"<Iptc4xmpExt:LocationCreated><rdf:Bag><rdf:li><rdf:Description Iptc4xmpExt:City="Kyoto"
        Iptc4xmpExt:CountryName="Japan" Iptc4xmpExt:CountryCode="jpn"/></rdf:li></rdf:Bag></Iptc4xmpExt:LocationCreated>"#;
    let shown = created
        .replace("LocationCreated", "LocationShown")
        .replace("Kyoto", "Nara");
    let older = "<photoshop:City>Kyoto</photoshop:City><photoshop:State>Kyoto Prefecture</photoshop:State>\
        <Iptc4xmpCore:Location>Gion</Iptc4xmpCore:Location>";
    let other = "<photoshop:City>Munich</photoshop:City><photoshop:State>Bavaria</photoshop:State>";
    let place = |xmp: &str| jpeg().with_xmp(xmp).record().place;
    let kyoto = Place {
        city: name("Kyoto"),
        country: name("Japan"),
        country_code: name("JPN"),
        ..Place::default()
    };
    assert_eq!(place(&shown), None);
    assert_eq!(place(&[created, &shown].concat()), Some(kyoto.clone()));
    assert_eq!(place(&[created, other].concat()), Some(kyoto.clone()));
    let whole = Place {
        sublocation: name("Gion"),
        region: name("Kyoto Prefecture"),
        ..kyoto.clone()
    };
    assert_eq!(place(&[created, older].concat()), Some(whole));
    let iptc: [(u8, &[u8]); 5] = [
        (90, b"Kyoto"),
        (92, b"Gion"),
        (95, b"Kyoto Prefecture"),
        (100, b"JPN"),
        (101, b"Japan"),
    ];
    let in_iptc = jpeg().with_iptc(&iptc).record().place.expect("a place");
    assert_eq!(
        in_iptc,
        jpeg()
            .with_xmp(&[created, older].concat())
            .record()
            .place
            .expect("a place")
    );
    let bad_code = jpeg()
        .with_iptc(&[(100, b"1"), (90, b"Kyoto")])
        .record()
        .place;
    assert_eq!(bad_code.expect("a place").country_code, None);
}
