//! The names of the place at which a photo was taken.

use serde::{Deserialize, Serialize};

use super::sources::MetadataSources;
use super::text::clean_text;

/// The names of the place at which a photo was taken, as a person or a program wrote them. They are
/// private until the gallery's location policy is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Place {
    /// The name of a part of the city, or of a place outside of cities: `Gion`.
    pub sublocation: Option<String>,
    /// The city: `Kyoto`.
    pub city: Option<String>,
    /// The state, province or prefecture: `Kyoto Prefecture`.
    pub region: Option<String>,
    /// The country: `Japan`.
    pub country: Option<String>,
    /// The code of the country, two or three capital letters (ISO 3166-1): `JP`, `JPN`.
    pub country_code: Option<String>,
}

impl Place {
    /// Reports whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.names().iter().all(|name| name.is_none())
    }

    fn names(&self) -> [&Option<String>; 5] {
        let Place {
            sublocation,
            city,
            region,
            country,
            country_code,
        } = self;
        [sublocation, city, region, country, country_code]
    }

    /// Reports whether another source may name the same place: each name that both have must be the
    /// same, or the beginning of the other one. IPTC has at most 32 bytes for most names.
    fn agrees_with(&self, other: &Place) -> bool {
        let pairs = self.names().into_iter().zip(other.names());
        let mut both = pairs.filter_map(|(one, other)| one.as_ref().zip(other.as_ref()));
        both.all(|(one, other)| {
            let (one, other) = (one.to_lowercase(), other.to_lowercase());
            one.starts_with(&other) || other.starts_with(&one)
        })
    }

    /// Adds the names that are missing from another source.
    fn fill_from(&mut self, other: Place) {
        let Place {
            sublocation,
            city,
            region,
            country,
            country_code,
        } = other;
        self.sublocation = self.sublocation.take().or(sublocation);
        self.city = self.city.take().or(city);
        self.region = self.region.take().or(region);
        self.country = self.country.take().or(country);
        self.country_code = self.country_code.take().or(country_code);
    }
}

/// Returns the names of the place at which the photo was taken. The sources are the IPTC
/// Extension's location created, then the older properties in XMP, then the datasets of IPTC-IIM
/// (IPTC Photo Metadata Standard 2023.2, "Location Created"; IPTC-IIM 4.2, 2:90 to 2:101). A later
/// source adds the names that are missing, but only if its other names are the same.
///
/// The location shown is not read, because it is the place of the subject. For example, a photo of
/// Mount Fuji may be taken in Tokyo.
pub(crate) fn find_place(sources: &MetadataSources<'_, '_>) -> Option<Place> {
    let in_xmp = |names: [&str; 5]| {
        let [sublocation, city, region, country, country_code] =
            names.map(|name| sources.xmp.get(name).and_then(clean_text));
        Place {
            sublocation,
            city,
            region,
            country,
            country_code: country_code.and_then(|code| parse_country_code(&code)),
        }
    };
    let mut place = in_xmp([
        "Iptc4xmpExt:LocationCreated/Iptc4xmpExt:Sublocation",
        "Iptc4xmpExt:LocationCreated/Iptc4xmpExt:City",
        "Iptc4xmpExt:LocationCreated/Iptc4xmpExt:ProvinceState",
        "Iptc4xmpExt:LocationCreated/Iptc4xmpExt:CountryName",
        "Iptc4xmpExt:LocationCreated/Iptc4xmpExt:CountryCode",
    ]);
    let older = in_xmp([
        "Iptc4xmpCore:Location",
        "photoshop:City",
        "photoshop:State",
        "photoshop:Country",
        "Iptc4xmpCore:CountryCode",
    ]);
    let mut in_iptc = sources.iptc.place.clone();
    let code = in_iptc.country_code.take();
    in_iptc.country_code = code.and_then(|code| parse_country_code(&code));
    for other in [older, in_iptc] {
        if place.agrees_with(&other) {
            place.fill_from(other);
        }
    }
    (!place.is_empty()).then_some(place)
}

/// Returns the code of a country in capital letters, or `None` if it does not have two or three
/// letters.
fn parse_country_code(code: &str) -> Option<String> {
    let is_code = (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphabetic());
    is_code.then(|| code.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(city: &str, country: &str) -> Place {
        let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        Place {
            city: name(city),
            country: name(country),
            ..Place::default()
        }
    }

    #[test]
    fn places_agree_if_no_name_differs() {
        for (one, other) in [
            (place("Kyoto", ""), place("", "Japan")),
            (place("Kyoto", "Japan"), place("KYOTO", "Japan")),
            (
                place("Llanfairpwllgwyngyllgogerychwyrn", ""),
                place("Llanfairpwllgwyngyllgogerychwyrndrobwll", ""),
            ),
            (Place::default(), place("Kyoto", "Japan")),
        ] {
            assert!(
                one.agrees_with(&other) && other.agrees_with(&one),
                "{one:?}"
            );
        }
        assert!(!place("London", "UK").agrees_with(&place("Munich", "")));
    }

    #[test]
    fn code_of_a_country_has_two_or_three_letters() {
        for (code, expected) in [
            ("jp", Some("JP")),
            ("JPN", Some("JPN")),
            ("J", None),
            ("JAPA", None),
            ("J1", None),
            ("日本", None),
        ] {
            assert_eq!(parse_country_code(code).as_deref(), expected, "{code}");
        }
    }
}
