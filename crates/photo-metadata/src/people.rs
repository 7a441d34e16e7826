//! The names of the people in a photo.

use super::limits;
use super::text::clean_text;
use super::xmp::XmpProperties;

/// The XMP properties that contain names of people: IPTC's person shown, with and without details,
/// and the people in the regions that Windows Live Photo Gallery wrote.
const NAME_PROPERTIES: [&str; 3] = [
    "Iptc4xmpExt:PersonInImage",
    "Iptc4xmpExt:PersonInImageWDetails/Iptc4xmpExt:PersonName",
    "MP:RegionInfo/MPRI:Regions/MPReg:PersonDisplayName",
];

/// Returns the names of the people in the photo, each once: those that a person wrote, then those
/// of regions with a face. If there are too many, leaves out the last ones and adds a warning.
pub(crate) fn collect_people(xmp: &XmpProperties, warnings: &mut Vec<String>) -> Vec<String> {
    let [written, detailed, in_regions] = NAME_PROPERTIES.map(|name| xmp.all(name));
    let names = written
        .iter()
        .chain(detailed)
        .chain(&xmp.face_names)
        .chain(in_regions);
    limit_people(names.map(String::as_str), warnings)
}

/// Cleans names of people, and returns each once. If there are too many, leaves out the last ones and
/// adds a warning.
pub(crate) fn limit_people<'n>(
    names: impl Iterator<Item = &'n str>,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let mut people: Vec<String> = Vec::new();
    for name in names {
        let Some(mut name) = clean_text(name) else {
            continue;
        };
        name.truncate(name.floor_char_boundary(limits::MAX_PERSON_BYTES));
        if people.contains(&name) {
            continue;
        }
        if people.len() >= limits::MAX_PEOPLE {
            warnings
                .push("more people than a record contains: the last ones are missing".to_owned());
            break;
        }
        people.push(name);
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_limited_in_number_and_their_names_in_length() {
        let mut xmp = XmpProperties::default();
        xmp.add(NAME_PROPERTIES[0], &"é".repeat(400));
        xmp.add(NAME_PROPERTIES[2], "Anna 0");
        xmp.face_names = (0..100).map(|n| format!("Anna {n}")).collect();
        let mut warnings = Vec::new();
        let people = collect_people(&xmp, &mut warnings);
        assert_eq!((people.len(), warnings.len()), (limits::MAX_PEOPLE, 1));
        assert_eq!(
            (people[0].len(), people[1].as_str()),
            (limits::MAX_PERSON_BYTES, "Anna 0")
        );
        xmp.face_names.truncate(2);
        let mut warnings = Vec::new();
        assert_eq!(collect_people(&xmp, &mut warnings).len(), 3);
        assert!(warnings.is_empty());
    }
}
