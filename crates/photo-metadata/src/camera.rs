//! Makes the names and the slugs of cameras and lenses from the texts in a file. A name is for
//! people (`Nikon D750`), a slug is for queries (`nikon-d750`). The texts of the file are kept
//! unchanged.

use super::limits;
use crate::record::{Camera, Lens};

/// Pairs of texts: the beginning of the tag `Make` in lower case, and the brand name that people
/// use. `EASTMAN KODAK COMPANY` gives `Kodak`.
#[rustfmt::skip]
static BRANDS: &[(&str, &str)] = &[
    ("aiptek", "Aiptek"), ("apple", "Apple"), ("arashi vision", "Insta360"), ("insta360", "Insta360"),
    ("asahi", "Pentax"), ("asus", "ASUS"), ("benq", "BenQ"), ("blackmagic", "Blackmagic"), ("canon", "Canon"),
    ("carl zeiss", "Zeiss"), ("casio", "Casio"), ("concord", "Concord"), ("dji", "DJI"), ("hasselblad", "Hasselblad"),
    ("eastman kodak", "Kodak"), ("kodak", "Kodak"), ("epson", "Epson"), ("seiko epson", "Epson"), ("flir", "FLIR"),
    ("fairphone", "Fairphone"), ("fuji photo film", "Fujifilm"), ("fujifilm", "Fujifilm"),
    ("general imaging", "GE"), ("ge ", "GE"), ("google", "Google"), ("gopro", "GoPro"), ("hewlett-packard", "HP"),
    ("hewlett packard", "HP"), ("hmd", "HMD"), ("honor", "Honor"), ("htc", "HTC"), ("huawei", "Huawei"),
    ("jenoptik", "Jenoptik"), ("jk imaging", "Kodak"), ("konica minolta", "Konica Minolta"), ("konica", "Konica"),
    ("kyocera", "Kyocera"), ("leaf", "Leaf"), ("leica", "Leica"), ("lenovo", "Lenovo"), ("lg", "LG"),
    ("lumicron", "Lumicron"), ("mamiya", "Mamiya"), ("meizu", "Meizu"), ("microsoft", "Microsoft"),
    ("minolta", "Minolta"), ("motorola", "Motorola"), ("mustek", "Mustek"), ("nikon", "Nikon"), ("nokia", "Nokia"),
    ("nothing", "Nothing"), ("olympus", "Olympus"), ("om digital", "OM System"), ("om system", "OM System"),
    ("oneplus", "OnePlus"), ("oppo", "OPPO"), ("panasonic", "Panasonic"), ("parrot", "Parrot"), ("pentax", "Pentax"),
    ("phase one", "Phase One"), ("polaroid", "Polaroid"), ("premier", "Premier"), ("realme", "Realme"),
    ("research in motion", "BlackBerry"), ("rim", "BlackBerry"), ("blackberry", "BlackBerry"), ("ricoh", "Ricoh"),
    ("samsung", "Samsung"), ("sanyo", "Sanyo"), ("sharp", "Sharp"), ("sigma", "Sigma"), ("sony ericsson", "Sony Ericsson"),
    ("sony", "Sony"), ("supra", "Supra"), ("tamron", "Tamron"), ("tcl", "TCL"), ("tokina", "Tokina"),
    ("toshiba", "Toshiba"), ("vivitar", "Vivitar"), ("vivo", "vivo"), ("voigtlander", "Voigtländer"),
    ("xiaomi", "Xiaomi"), ("yakumo", "Yakumo"), ("zte", "ZTE"),
];

/// Makes a camera from the tags `Make` and `Model`. Returns `None` if they are absent, or contain
/// no letter and no digit.
pub(crate) fn make_camera(make: Option<String>, model: Option<String>) -> Option<Camera> {
    let brand = make.as_deref().map(brand_name);
    let name = match (&brand, &model) {
        (None, None) => return None,
        (Some(brand), None) => brand.clone(),
        (None, Some(model)) => model.clone(),
        (Some(brand), Some(model)) => {
            join_brand_and_model(brand, make.as_deref().unwrap_or_default(), model)
        }
    };
    let slug = make_slug(&name);
    (!slug.is_empty()).then_some(Camera {
        slug,
        name,
        make,
        model,
    })
}

/// Makes a lens from the maker and the model in a file. Returns `None` if the model is absent, or
/// contains no letter and no digit.
pub(crate) fn make_lens(make: Option<String>, model: Option<String>) -> Option<Lens> {
    let model = model?;
    let name = model.clone();
    let slug = make_slug(&name);
    (!slug.is_empty()).then_some(Lens {
        slug,
        name,
        make,
        model: Some(model),
    })
}

/// Returns the brand name that people use for a maker. `NIKON CORPORATION` gives `Nikon`.
fn brand_name(make: &str) -> String {
    let lower = make.to_lowercase();
    let known = BRANDS.iter().find(|(start, _)| {
        lower
            .strip_prefix(start)
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric) || start.ends_with(' '))
            || (*start == "lg" && lower.starts_with("lge"))
    });
    if let Some((_, brand)) = known {
        return (*brand).to_owned();
    }
    let suffixes = [
        "corporation",
        "corp",
        "corp.",
        "co.",
        "co.,",
        "co",
        "co.,ltd.",
        "co.,ltd",
        "ltd",
        "ltd.",
        "inc",
        "inc.",
        "company",
        "gmbh",
        "ag",
        "limited",
    ];
    let mut words: Vec<&str> = make.split_whitespace().collect();
    while words.len() > 1
        && words
            .last()
            .is_some_and(|word| suffixes.contains(&word.to_lowercase().as_str()))
    {
        words.pop();
    }
    let name = words.join(" ");
    let name = name.trim_end_matches([',', '.', ' ']);
    if name.len() > 3 && name.chars().all(|c| !c.is_lowercase()) {
        title_case(name)
    } else {
        name.to_owned()
    }
}

fn title_case(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|c| {
            let c = if start {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            };
            start = !c.is_alphanumeric();
            c
        })
        .collect()
}

/// Makers that sell cameras under another brand, and write it into the model: the beginning of the
/// tag `Make` and the other brand, both in lower case, and the name of this brand.
const OTHER_BRANDS: [(&str, &str, &str); 2] =
    [("ricoh", "pentax", "Pentax"), ("hmd", "nokia", "Nokia")];

/// Joins the brand and the model. The beginning of the model is left out if it repeats the maker,
/// the brand or the first word of the maker. `Nikon` and `NIKON D750` give `Nikon D750`.
///
/// The first word of the maker must be a word of the model too, because it may be part of the
/// model's name: `OM Digital Solutions` and `OM-1` give `OM System OM-1`.
fn join_brand_and_model(brand: &str, make: &str, model: &str) -> String {
    let first_word = make.split([' ', ',']).next().unwrap_or_default();
    let is_boundary = |c: char| !c.is_alphanumeric();
    let repeated = without_start(model, make, is_boundary)
        .or_else(|| without_start(model, brand, is_boundary))
        .or_else(|| without_start(model, first_word, char::is_whitespace));
    if let Some(rest) = repeated {
        let rest = rest.trim_start_matches([' ', '-', '_', ',']);
        return if rest.is_empty() {
            brand.to_owned()
        } else {
            format!("{brand} {rest}")
        };
    }
    let maker = make.to_lowercase();
    let other_brand = OTHER_BRANDS.iter().find_map(|(start, other, name)| {
        let rest = without_start(model, other, is_boundary)?;
        maker.starts_with(start).then(|| format!("{name}{rest}"))
    });
    other_brand.unwrap_or_else(|| format!("{brand} {model}"))
}

/// Returns the rest of a model that begins with `start`, in any case. Returns `None` if it begins
/// with something else, or if the next character is not a boundary.
fn without_start<'m>(
    model: &'m str,
    start: &str,
    is_boundary: impl Fn(char) -> bool,
) -> Option<&'m str> {
    let (head, rest) = model.split_at_checked(start.len())?;
    let is_repeated = !start.is_empty() && head.eq_ignore_ascii_case(start);
    let ends_there = rest.chars().next().is_none_or(is_boundary);
    (is_repeated && ends_there).then_some(rest)
}

/// Makes a slug from a name: lower-case ASCII letters and digits, with single hyphens between
/// words. `EF24-105mm f/4L` gives `ef24-105mm-f-4l`. Accents are removed. A letter of another
/// script becomes its code point in hexadecimal, so that different names in this script have
/// different slugs. A slug of more than 512 bytes is cut. A name without letters and digits has an
/// empty slug.
///
/// ```
/// assert_eq!(photo_metadata::make_slug("Places|Japan|Kyoto"), "places-japan-kyoto");
/// ```
pub fn make_slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            if gap && !slug.is_empty() {
                slug.push('-');
            }
            gap = false;
            slug.push(c.to_ascii_lowercase());
        } else if let Some(plain) = without_accent(c) {
            if gap && !slug.is_empty() {
                slug.push('-');
            }
            gap = false;
            slug.push_str(plain);
        } else if c.is_alphanumeric() {
            if !slug.is_empty() {
                slug.push('-');
            }
            slug.push_str(&format!("{:x}", u32::from(c)));
            gap = true;
        } else {
            gap = true;
        }
    }
    // The slug is ASCII, so it can be cut anywhere.
    slug.truncate(limits::MAX_SLUG_BYTES);
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

fn without_accent(c: char) -> Option<&'static str> {
    Some(match c.to_lowercase().next()? {
        'à'..='å' => "a",
        'è'..='ë' => "e",
        'ì'..='ï' => "i",
        'ò'..='ö' | 'ø' => "o",
        'ù'..='ü' => "u",
        'ç' => "c",
        'ñ' => "n",
        'ß' => "ss",
        'α' => "alpha",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(make: &str, model: &str) -> (String, String) {
        make_camera(Some(make.to_owned()), Some(model.to_owned()))
            .map(|c| (c.name, c.slug))
            .unwrap_or_default()
    }

    #[test]
    fn cameras_have_the_names_that_people_use() {
        for (make, model, wanted) in [
            ("NIKON CORPORATION", "NIKON D750", "Nikon D750"),
            ("Canon", "Canon EOS 350D DIGITAL", "Canon EOS 350D DIGITAL"),
            (
                "EASTMAN KODAK COMPANY",
                "KODAK DC240 ZOOM DIGITAL CAMERA",
                "Kodak DC240 ZOOM DIGITAL CAMERA",
            ),
            ("OLYMPUS IMAGING CORP.", "E-M1", "Olympus E-M1"),
            (
                "RICOH IMAGING COMPANY, LTD.",
                "PENTAX K-3 II",
                "Pentax K-3 II",
            ),
            (
                "Asahi Optical Co.,Ltd",
                "PENTAX Optio430",
                "Pentax Optio430",
            ),
            ("HUAWEI", "CLT-L29", "Huawei CLT-L29"),
            ("FUJIFILM", "FinePix S5Pro", "Fujifilm FinePix S5Pro"),
            (
                "Konica Minolta Camera, Inc.",
                "DiMAGE A2",
                "Konica Minolta DiMAGE A2",
            ),
            ("ACME CAMERA CO., LTD.", "X1", "Acme Camera X1"),
            ("LGE", "Nexus 5", "LG Nexus 5"),
            ("Hewlett-Packard", "HP PhotoSmart 618", "HP PhotoSmart 618"),
            ("OM Digital Solutions", "OM-1", "OM System OM-1"),
            ("OM Digital Solutions", "OM-1MarkII", "OM System OM-1MarkII"),
            ("OM Digital Solutions", "OM-5", "OM System OM-5"),
            ("OM SYSTEM", "OM-3", "OM System OM-3"),
            ("OM Digital Solutions", "OM SYSTEM OM-5", "OM System OM-5"),
            ("OLYMPUS CORPORATION", "E-M1MarkII", "Olympus E-M1MarkII"),
            ("Leica Camera AG", "LEICA Q2", "Leica Q2"),
            (
                "Leica Camera AG",
                "M9 Digital Camera",
                "Leica M9 Digital Camera",
            ),
            ("LEICA", "LEICA M (Typ 240)", "Leica M (Typ 240)"),
            ("SIGMA", "sd Quattro", "Sigma sd Quattro"),
            ("SIGMA", "SIGMA fp", "Sigma fp"),
            ("RICOH", "RICOH GR III", "Ricoh GR III"),
            (
                "RICOH IMAGING COMPANY, LTD.",
                "RICOH GR III",
                "Ricoh GR III",
            ),
            ("RICOH IMAGING COMPANY, LTD.", "PENTAX K-1", "Pentax K-1"),
            ("PENTAX", "PENTAX K-1", "Pentax K-1"),
            ("PENTAX Corporation", "PENTAX *ist DS", "Pentax *ist DS"),
            ("Canon", "EOS R6", "Canon EOS R6"),
            ("Apple", "iPhone 15 Pro", "Apple iPhone 15 Pro"),
            ("OnePlus", "ONEPLUS A6013", "OnePlus A6013"),
            ("OnePlus", "OnePlus 7T", "OnePlus 7T"),
            ("HMD Global", "Nokia 8.3 5G", "Nokia 8.3 5G"),
            ("HMD Global", "HMD Pulse", "HMD Pulse"),
            ("Nokia", "8.3 5G", "Nokia 8.3 5G"),
            ("motorola", "moto g(7) power", "Motorola moto g(7) power"),
            ("motorola", "motorola one", "Motorola one"),
            ("DJI", "FC3170", "DJI FC3170"),
            ("Panasonic", "DC-GH5", "Panasonic DC-GH5"),
            ("Phase One", "P 45+", "Phase One P 45+"),
            ("Phase One A/S", "Phase One IQ180", "Phase One IQ180"),
            ("Google", "Pixel 3", "Google Pixel 3"),
            ("samsung", "Galaxy S21", "Samsung Galaxy S21"),
            ("Samsung Techwin", "SAMSUNG ES55", "Samsung ES55"),
            ("Xiaomi", "Mi 9", "Xiaomi Mi 9"),
            ("Xiaomi", "Redmi Note 9", "Xiaomi Redmi Note 9"),
            ("Hasselblad", "Hasselblad X1D", "Hasselblad X1D"),
            ("Hasselblad", "X2D 100C", "Hasselblad X2D 100C"),
            ("asus", "ASUS_Z01R", "ASUS Z01R"),
            ("LG Electronics", "LG-H870", "LG H870"),
            ("HTC", "HTC One_M8", "HTC One_M8"),
            ("HUAWEI", "HUAWEI P20", "Huawei P20"),
            (
                "Blackmagic Design",
                "Blackmagic Pocket",
                "Blackmagic Pocket",
            ),
            ("Arashi Vision", "Insta360 OneX2", "Insta360 OneX2"),
            ("Z CAM", "Z CAM E2", "Z Cam E2"),
            (
                "Acme Digital Solutions",
                "Acme-7",
                "Acme Digital Solutions Acme-7",
            ),
            (
                "Acme Digital Solutions",
                "ACME 7",
                "Acme Digital Solutions 7",
            ),
            ("Nothing", "Nothing", "Nothing"),
        ] {
            assert_eq!(name(make, model).0, wanted);
        }
    }

    #[test]
    fn spellings_of_one_maker_share_a_slug() {
        assert_eq!(name("samsung", "SM-G973F").1, name("SAMSUNG", "SM-G973F").1);
        assert_eq!(name("NIKON CORPORATION", "NIKON D750").1, "nikon-d750");
        assert_eq!(name("OM Digital Solutions", "OM-1").1, "om-system-om-1");
        assert_eq!(name("OM SYSTEM", "OM SYSTEM OM-1").1, "om-system-om-1");
    }

    #[test]
    fn slugs_are_ascii_and_distinct() {
        assert_eq!(
            make_slug("EF24-105mm f/4L IS USM"),
            "ef24-105mm-f-4l-is-usm"
        );
        assert_eq!(make_slug("Voigtländer"), "voigtlander");
        assert_eq!(make_slug("----"), "");
        assert_ne!(make_slug("小米"), make_slug("华为"));
    }
}
