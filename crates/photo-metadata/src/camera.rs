//! Names of cameras and lenses for people, and slugs for queries, from the strings that makers write. The strings
//! themselves are kept as recorded.

use crate::record::{Camera, Lens};

/// Makers' recorded names, lower case, by how they start; and what people call them.
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

/// A camera of what `Make` and `Model` say; `None` where neither says anything.
pub(crate) fn camera(make: Option<String>, model: Option<String>) -> Option<Camera> {
    let brand = make.as_deref().map(brand);
    let name = match (&brand, &model) {
        (None, None) => return None,
        (Some(brand), None) => brand.clone(),
        (None, Some(model)) => model.clone(),
        (Some(brand), Some(model)) => joined(brand, make.as_deref().unwrap_or_default(), model),
    };
    let slug = slug(&name);
    (!slug.is_empty()).then_some(Camera {
        slug,
        name,
        make,
        model,
    })
}

/// A lens of what was recorded; `None` without a name.
pub(crate) fn lens(make: Option<String>, model: Option<String>) -> Option<Lens> {
    let model = model?;
    let name = model.clone();
    let slug = slug(&name);
    (!slug.is_empty()).then_some(Lens {
        slug,
        name,
        make,
        model: Some(model),
    })
}

/// What people call the maker.
fn brand(make: &str) -> String {
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
    let dressing = [
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
            .is_some_and(|word| dressing.contains(&word.to_lowercase().as_str()))
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

/// The brand once, then the model: where the model repeats the maker, or the maker's first word, that part goes.
fn joined(brand: &str, make: &str, model: &str) -> String {
    let first_word = make.split([' ', ',']).next().unwrap_or_default();
    for start in [make, brand, first_word] {
        let head = model
            .get(..start.len())
            .filter(|head| !start.is_empty() && head.eq_ignore_ascii_case(start));
        let rest = head.and_then(|head| model.get(head.len()..));
        if let Some(rest) = rest.filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric())) {
            let rest = rest.trim_start_matches([' ', '-', '_', ',']);
            return if rest.is_empty() {
                brand.to_owned()
            } else {
                format!("{brand} {rest}")
            };
        }
    }
    // Ricoh Imaging sells Pentax, and writes the brand into the model.
    if model
        .get(..6)
        .is_some_and(|head| head.eq_ignore_ascii_case("pentax"))
    {
        return format!("Pentax{}", model.get(6..).unwrap_or_default());
    }
    format!("{brand} {model}")
}

/// Lower-case ASCII letters, digits and single hyphens between them. Letters of other scripts are kept by their code
/// point, so that two names never share a slug for want of letters.
pub(crate) fn slug(name: &str) -> String {
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
        camera(Some(make.to_owned()), Some(model.to_owned()))
            .map(|c| (c.name, c.slug))
            .unwrap_or_default()
    }

    #[test]
    fn a_camera_is_named_as_people_name_it() {
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
        ] {
            assert_eq!(name(make, model).0, wanted);
        }
    }

    #[test]
    fn one_maker_is_one_slug_however_it_is_written() {
        assert_eq!(name("samsung", "SM-G973F").1, name("SAMSUNG", "SM-G973F").1);
        assert_eq!(name("NIKON CORPORATION", "NIKON D750").1, "nikon-d750");
    }

    #[test]
    fn slugs_are_safe_and_keep_names_apart() {
        assert_eq!(slug("EF24-105mm f/4L IS USM"), "ef24-105mm-f-4l-is-usm");
        assert_eq!(slug("Voigtländer"), "voigtlander");
        assert_eq!(slug("----"), "");
        assert_ne!(slug("小米"), slug("华为"));
    }
}
