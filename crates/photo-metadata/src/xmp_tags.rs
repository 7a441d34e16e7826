//! Turns the properties of XMP packets into tags, with ExifTool's names and groups: `Subject` in
//! `XMP-dc`.
//!
//! Values are texts, as XMP defines them. Only fractions and coordinates are numbers. Structures
//! are flattened: each member is a tag. A value in another language than the default one is a tag
//! with the language in its name: `Title-fr`.

use std::collections::BTreeMap;

use super::field_value::parse_fraction;
use super::iptc_tags::iso_time;
use super::limits;
use super::record::{TagValue, storable_number};
use super::tag_collector::{GroupCollector, TagCollector, clean_tag_text};
use super::xmp_names::{PathStep, XmpNamespace, XmpTagName, xmp_tag_name};
use super::xmp_packet::{ValueText, XmpPacket};

/// The vocabulary of PLUS. ExifTool shows its terms without this start.
const PLUS_TERMS: &str = "http://ns.useplus.org/ldf/vocab/";
/// The warning if a name is too long for a tag.
const LONG_NAME: &str = "XMP with a name that is too long: some tags are not stored";
/// The warning if a property has more languages than any text has.
const MANY_LANGUAGES: &str = "XMP with too many languages: some tags are not stored";

/// Adds the properties of packets to `collector`. If packets have the same property, the last one
/// counts.
pub(crate) fn collect_xmp_tags(packets: &[XmpPacket], collector: &mut TagCollector) {
    for packet in packets {
        for group in packet.groups() {
            let name = group_name(group.namespace);
            let mut tags = collector.begin_group(&name, group.count);
            if name.len() > limits::MAX_TAG_NAME_BYTES {
                tags.warn(LONG_NAME);
                continue;
            }
            let mut steps = Vec::new();
            for path in packet.paths_of(&group) {
                let count = packet.last_values(path).count();
                if count == 0 {
                    continue;
                }
                packet.write_steps(path, &mut steps);
                let length: usize = steps.iter().map(|step| step.name.len()).sum();
                if length > limits::MAX_XMP_PATH_BYTES {
                    tags.warn(LONG_NAME);
                    continue;
                }
                let tag = xmp_tag_name(&steps);
                if tag.name.len() > limits::MAX_TAG_NAME_BYTES {
                    tags.warn(LONG_NAME);
                    continue;
                }
                ValueDecoder::new(tag, &steps).decode_all(
                    packet.last_values(path),
                    count,
                    &mut tags,
                );
            }
            tags.finish();
        }
    }
}

/// Returns ExifTool's name of the group of a namespace, family 1. `Err` contains the prefix of an
/// unknown namespace.
fn group_name(namespace: Result<&'static XmpNamespace, &str>) -> String {
    let prefix = match namespace {
        Ok(known) => return known.group.to_owned(),
        Err("") => return "XMP".to_owned(),
        Err(prefix) => prefix,
    };
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    let valid: String = prefix.chars().filter(|&c| is_allowed(c)).collect();
    match valid.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        true => format!("XMP-{valid}"),
        false => format!("XMP-ns_{valid}"),
    }
}

/// Reports whether a value is a translation into another language than the default one.
fn is_in_other_language(value: &ValueText<'_>) -> bool {
    !value.language.is_empty() && !value.language.eq_ignore_ascii_case("x-default")
}

/// Returns the name of a tag for a translation: with the language.
fn name_in_language(name: &str, language: &str) -> String {
    let mut parts = language.split(['-', '_']).map(str::to_ascii_lowercase);
    let mut name = format!("{name}-{}", parts.next().unwrap_or_default());
    for (index, part) in parts.enumerate() {
        name.push('-');
        // The second part is a country, if it has two letters.
        match index == 0 && part.len() == 2 {
            true => name.push_str(&part.to_ascii_uppercase()),
            false => name.push_str(&part),
        }
    }
    name.retain(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    name.truncate(limits::MAX_TAG_NAME_BYTES);
    name
}

/// Decodes the values of a tag.
struct ValueDecoder {
    tag: XmpTagName,
    form: ValueForm,
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueForm {
    Text,
    /// A text that may be a fraction.
    Fraction,
    /// A list of fractions, separated by blanks.
    Fractions,
    /// A coordinate in degrees.
    Coordinate,
    /// A term of the vocabulary of PLUS.
    PlusTerm,
    /// A name with a slash before it (PDF 1.7, 14.3.2).
    PdfName,
    /// A time as IPTC has it: `094107+0100`.
    IptcTime,
    /// Data that are not shown.
    Binary,
}

impl ValueDecoder {
    /// Returns the decoder for the tag with this path.
    fn new(tag: XmpTagName, path: &[PathStep<'_>]) -> Self {
        let (prefix, name) = match path.last() {
            Some(last) => (last.namespace.map_or("", |known| known.prefix), last.name),
            None => ("", ""),
        };
        let form = match (prefix, name) {
            _ if tag.is_binary => ValueForm::Binary,
            _ if tag.is_rational => ValueForm::Fraction,
            ("exif", "GPSLatitude" | "GPSLongitude" | "GPSDestLatitude" | "GPSDestLongitude") => {
                ValueForm::Coordinate
            }
            ("aux", "LensInfo") => ValueForm::Fractions,
            ("plus", _) => ValueForm::PlusTerm,
            ("pdf", "Trapped") => ValueForm::PdfName,
            ("photomechanic", "TimeCreated") => ValueForm::IptcTime,
            _ => ValueForm::Text,
        };
        ValueDecoder { tag, form }
    }

    /// Decodes the values of a property, and adds them to `tags`: one tag for each language. Of
    /// several values that are translations into one language, the last one counts. `count` is the
    /// number of values.
    fn decode_all<'v>(
        self,
        mut values: impl Iterator<Item = ValueText<'v>>,
        count: usize,
        tags: &mut GroupCollector<'_>,
    ) {
        if count == 1 {
            let Some(value) = values.next() else {
                return;
            };
            let decoded = self.decode(value.text);
            let name = match is_in_other_language(&value) {
                true => name_in_language(&self.tag.name, value.language),
                false => self.tag.name,
            };
            return tags.add(name, value.text.len() as u64, decoded);
        }
        let mut list = ValueList::default();
        list.values
            .reserve_exact(count.min(limits::MAX_LIST_VALUES));
        let mut translations: BTreeMap<String, ValueList> = BTreeMap::new();
        for value in values {
            let list = match is_in_other_language(&value) {
                true if translations.len() >= limits::MAX_LIST_VALUES => {
                    tags.warn(MANY_LANGUAGES);
                    continue;
                }
                true => translations
                    .entry(name_in_language(&self.tag.name, value.language))
                    .or_default(),
                false => &mut list,
            };
            if value.is_single {
                list.clear();
            }
            list.push(value.text, &self);
        }
        if list.count > 0 {
            tags.add(self.tag.name, list.bytes, list.into_value());
        }
        for (name, list) in translations {
            tags.add(name, list.bytes, list.into_value());
        }
    }

    /// Decodes a value. Returns `None` if the value is binary or too large.
    fn decode(&self, text: &str) -> Option<TagValue> {
        if text.len() as u64 > limits::MAX_TEXT_VALUE_BYTES {
            return None;
        }
        let special = match self.form {
            ValueForm::Text => None,
            ValueForm::Fraction => rational_value(text),
            ValueForm::Fractions => rational_list(text),
            ValueForm::Coordinate => coordinate(text).map(TagValue::Real),
            ValueForm::PlusTerm => text
                .strip_prefix(PLUS_TERMS)
                .map(|term| TagValue::Text(clean_tag_text(term))),
            ValueForm::PdfName => text
                .strip_prefix('/')
                .map(|name| TagValue::Text(clean_tag_text(name))),
            ValueForm::IptcTime => Some(TagValue::Text(iso_time(&clean_tag_text(text)))),
            ValueForm::Binary => return None,
        };
        Some(special.unwrap_or_else(|| TagValue::Text(clean_tag_text(text))))
    }
}

/// The values of a tag that is a list.
#[derive(Default)]
struct ValueList {
    values: Vec<TagValue>,
    count: usize,
    bytes: u64,
}

impl ValueList {
    fn clear(&mut self) {
        self.values.clear();
        (self.count, self.bytes) = (0, 0);
    }

    /// Adds a value. If the list is too large, only counts it.
    fn push(&mut self, text: &str, decoder: &ValueDecoder) {
        self.count += 1;
        self.bytes += text.len() as u64;
        if self.fits() {
            self.values.extend(decoder.decode(text));
        }
    }

    fn fits(&self) -> bool {
        self.count <= limits::MAX_LIST_VALUES && self.bytes <= limits::MAX_TEXT_VALUE_BYTES
    }

    /// Returns the value of the tag. Returns `None` if the list is too large, or if a value is
    /// binary.
    fn into_value(mut self) -> Option<TagValue> {
        match self.values.len() {
            length if length < self.count => None,
            1 => self.values.pop(),
            _ => Some(TagValue::List(self.values)),
        }
    }
}

/// Returns a fraction such as `1/250`. Returns `None` if the text is not a fraction. A fraction
/// that is not a number is the text `inf` or `undef`, as in ExifTool.
fn rational_value(text: &str) -> Option<TagValue> {
    let (numerator, denominator) = text.split_once('/')?;
    let parse = |number: &str| {
        let digits = number.strip_prefix('-').unwrap_or(number);
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        number.parse::<i64>().ok().filter(|_| is_number)
    };
    let (numerator, denominator) = (parse(numerator)?, parse(denominator)?);
    Some(match (numerator, denominator) {
        (0, 0) => TagValue::Text("undef".to_owned()),
        (_, 0) => TagValue::Text("inf".to_owned()),
        _ => TagValue::Rational {
            value: parse_fraction(text)?,
            fraction: text.to_owned(),
        },
    })
}

/// Returns the fractions of a text such as `24/1 70/1 28/10 28/10`. Returns `None` if the text is
/// not a list of fractions.
fn rational_list(text: &str) -> Option<TagValue> {
    let list: Option<Vec<TagValue>> = text.split_whitespace().map(rational_value).collect();
    list.filter(|list| list.len() > 1).map(TagValue::List)
}

/// Returns a coordinate in degrees, negative in the south and in the west: `45,28.27N` or
/// `45 28 16.2 S` (XMP part 2, "GPSCoordinate"). Returns `None` if the text has no number.
fn coordinate(text: &str) -> Option<f64> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let mut parts = text
        .split(|c| !is_part(c))
        .filter(|part| !part.is_empty())
        .map(|part| part.parse::<f64>().ok());
    let degrees = parts.next()??;
    let mut next = || parts.next().flatten().unwrap_or(0.0);
    let (minutes, seconds) = (next(), next());
    let value = degrees + (minutes + seconds / 60.0) / 60.0;
    let is_negative = text.trim_end().ends_with(['S', 's', 'W', 'w']);
    storable_number(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::LabelCollector;
    use crate::work_budget::WorkBudget;
    use crate::xmp_parser::{XmpCounts, parse_packet};

    /// Returns the tags of packets. Each text is what is inside the outermost `rdf:Description`.
    fn collect(insides: &[&str]) -> TagCollector {
        let (mut counts, mut labels) = (XmpCounts::default(), LabelCollector::default());
        let packets: Vec<XmpPacket> = insides
            .iter()
            .map(|inside| {
                let packet = format!(
                    r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Toolkit"><rdf:RDF
                    xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="uuid:1"
                    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:d="http://purl.org/dc/elements/1.1/"
                    xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"
                    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
                    xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#" xmlns:my="http://example.org/my/"
                    xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
                    xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/">{inside}</rdf:Description></rdf:RDF></x:xmpmeta>"#
                );
                let budget = WorkBudget::default();
                let parsed = parse_packet(packet.as_bytes(), &budget, &mut counts, &mut labels);
                assert_eq!(parsed.warning, None);
                parsed.packet
            })
            .collect();
        let mut collector = TagCollector::default();
        collect_xmp_tags(&packets, &mut collector);
        collector
    }

    /// Returns the tags of a group as texts: `Name=value`.
    fn group(inside: &str, group: &str) -> Vec<String> {
        let mut tags = collect(&[inside]).tags;
        let tags = tags.remove(group).unwrap_or_default();
        tags.iter()
            .map(|(name, value)| format!("{name}={}", serde_json::to_string(value).expect("JSON")))
            .collect()
    }

    #[test]
    fn attributes_elements_and_lists_are_tags() {
        assert_eq!(
            group(
                r#"<d:format>image/jpeg</d:format><dc:subject><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two &amp; <![CDATA[<3>]]></rdf:li>
                </rdf:Bag></dc:subject><dc:creator><rdf:Seq><rdf:li>Anna</rdf:li></rdf:Seq></dc:creator><dc:source/>
                <dc:relation><rdf:Bag/></dc:relation>"#,
                "XMP-dc"
            ),
            [
                r#"Creator="Anna""#,
                r#"Format="image/jpeg""#,
                r#"Relation="""#,
                r#"Source="""#,
                r#"Subject=["one","two & <3>"]"#,
            ]
        );
        let tags = collect(&[""]).tags;
        assert_eq!(
            tags["XMP-x"]["XMPToolkit"],
            TagValue::Text("Toolkit".to_owned())
        );
        assert_eq!(
            tags["XMP-rdf"]["About"],
            TagValue::Text("uuid:1".to_owned())
        );
        assert_eq!(
            group(
                r#"<rdf:Description dc:type="a&#x41;&quot;" dc:source='b'/>"#,
                "XMP-dc"
            ),
            [r#"Source="b""#, r#"Type="aA\"""#]
        );
    }

    #[test]
    fn structures_are_flattened() {
        let history = r#"<xmpMM:History><rdf:Seq><rdf:li stEvt:action="created" stEvt:when="2018"/>
            <rdf:li rdf:parseType="Resource"><stEvt:action>saved</stEvt:action></rdf:li><rdf:li><rdf:Description>
            <stEvt:action>derived</stEvt:action></rdf:Description></rdf:li></rdf:Seq></xmpMM:History>
            <xmpMM:DerivedFrom stRef:documentID="d1"/>"#;
        assert_eq!(
            group(history, "XMP-xmpMM"),
            [
                r#"DerivedFromDocumentID="d1""#,
                r#"HistoryAction=["created","saved","derived"]"#,
                r#"HistoryWhen="2018""#,
            ]
        );
        let places = r#"<e:LocationCreated><rdf:Bag><rdf:li e:City="Kyoto" exif:GPSLatitude="35,0.5N"/></rdf:Bag>
            </e:LocationCreated><e:LocationShown><rdf:Bag><rdf:li e:City="Nara"/></rdf:Bag></e:LocationShown>"#;
        assert_eq!(
            group(places, "XMP-iptcExt"),
            [
                r#"LocationCreatedCity="Kyoto""#,
                "LocationCreatedGPSLatitude=35.00833333333333",
                r#"LocationShownCity="Nara""#,
            ]
        );
    }

    #[test]
    fn translations_have_their_language() {
        let title = r#"<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Night</rdf:li><rdf:li xml:lang="FR-ca">Nuit</rdf:li>
            <rdf:li xml:lang="zh-hant-tw">Ye</rdf:li><rdf:li xml:lang="fr_CA">Soir</rdf:li></rdf:Alt></dc:title>"#;
        assert_eq!(
            group(title, "XMP-dc"),
            [
                r#"Title="Night""#,
                r#"Title-fr-CA="Soir""#,
                r#"Title-zh-hant-tw="Ye""#
            ]
        );
        let artworks = r#"<e:ArtworkOrObject><rdf:Bag><rdf:li rdf:parseType="Resource"><e:AOTitle><rdf:Alt>
            <rdf:li xml:lang="x-default">one</rdf:li><rdf:li xml:lang="de">eins</rdf:li></rdf:Alt></e:AOTitle></rdf:li>
            <rdf:li rdf:parseType="Resource"><e:AOTitle><rdf:Alt><rdf:li xml:lang="x-default">two</rdf:li></rdf:Alt>
            </e:AOTitle></rdf:li></rdf:Bag></e:ArtworkOrObject>"#;
        assert_eq!(
            group(artworks, "XMP-iptcExt"),
            [r#"ArtworkTitle=["one","two"]"#, r#"ArtworkTitle-de="eins""#]
        );
        let plain =
            r#"<dc:subject><rdf:Bag><rdf:li xml:lang="de">eins</rdf:li></rdf:Bag></dc:subject>"#;
        assert_eq!(group(plain, "XMP-dc"), [r#"Subject="eins""#]);
    }

    #[test]
    fn last_of_repeated_properties_counts() {
        let list = |values: &str| {
            let items: String = values
                .chars()
                .map(|v| format!("<rdf:li>{v}</rdf:li>"))
                .collect();
            format!("<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>")
        };
        let (first, second) = (list("ab"), list("cd"));
        let expected = [r#"Subject=["c","d"]"#];
        assert_eq!(group(&(first.clone() + &second), "XMP-dc"), expected);
        let both = collect(&[&first, &second]).tags;
        assert_eq!(
            serde_json::to_string(&both["XMP-dc"]["Subject"]).expect("JSON"),
            r#"["c","d"]"#
        );
        // Some programs write the values of a list as properties.
        let repeated = "<dc:subject>a</dc:subject><dc:subject>b</dc:subject>";
        assert_eq!(group(repeated, "XMP-dc"), [r#"Subject=["a","b"]"#]);
    }

    #[test]
    fn fractions_and_coordinates_are_numbers() {
        assert_eq!(
            group(
                r#"<rdf:Description exif:ExposureTime="1/250" exif:FNumber="0/0" exif:FocalLength="1/0" exif:GPSLongitude="73 30 36 W"
                exif:GPSLatitude="nowhere" exif:ISOSpeedRatings="1/2"/>"#,
                "XMP-exif"
            ),
            [
                r#"ExposureTime={"value":0.004,"fraction":"1/250"}"#,
                r#"FNumber="undef""#,
                r#"FocalLength="inf""#,
                r#"GPSLatitude="nowhere""#,
                "GPSLongitude=-73.51",
                r#"ISO="1/2""#,
            ]
        );
        assert_eq!(
            group(
                r#"<rdf:Description aux:LensInfo="24/1 70/1 0/0 4/1"/>"#,
                "XMP-aux"
            ),
            [
                r#"LensInfo=[{"value":24.0,"fraction":"24/1"},{"value":70.0,"fraction":"70/1"},"undef",{"value":4.0,"fraction":"4/1"}]"#
            ]
        );
        let license = r#"<plus:ImageType rdf:resource="http://ns.useplus.org/ldf/vocab/TY-PHO"/>"#;
        assert_eq!(group(license, "XMP-plus"), [r#"ImageType="TY-PHO""#]);
    }

    #[test]
    fn unknown_namespaces_have_a_group_by_their_prefix() {
        let tags = r#"<my:size>1/4</my:size><my:LENS_NAME>x</my:LENS_NAME><dc2:other xmlns:dc2="http://example.org/dc/">a</dc2:other>
            <dc:other xmlns:dc="http://example.org/dc3/">b</dc:other><undeclared:one>c</undeclared:one><tiff:Make>d</tiff:Make>
            <none>e</none>"#;
        let collected = collect(&[tags]).tags;
        let groups: Vec<&str> = collected.keys().map(String::as_str).collect();
        assert_eq!(
            groups,
            [
                "XMP",
                "XMP-dc2",
                "XMP-my",
                "XMP-rdf",
                "XMP-tiff",
                "XMP-tmp0",
                "XMP-undeclared",
                "XMP-x"
            ]
        );
        assert_eq!(
            group(tags, "XMP-my"),
            [r#"LensName="x""#, r#"Size={"value":0.25,"fraction":"1/4"}"#]
        );
        assert_eq!(group(tags, "XMP-tmp0"), [r#"Other="b""#]);
    }

    #[test]
    fn binary_values_are_listed_with_their_size() {
        let thumbnail = r#"<xmp:Thumbnails xmlns:i="http://ns.adobe.com/xap/1.0/g/img/"><rdf:Alt><rdf:li rdf:parseType="Resource">
            <i:width>160</i:width><i:image>/9j/4AAQ</i:image></rdf:li></rdf:Alt></xmp:Thumbnails>"#;
        let collector = collect(&[thumbnail]);
        assert_eq!(collector.omitted["XMP-xmp.ThumbnailImage"], 8);
        assert_eq!(group(thumbnail, "XMP-xmp"), [r#"ThumbnailWidth="160""#]);
    }
}
