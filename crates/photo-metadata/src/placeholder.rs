//! Recognises the texts that cameras and programs write if the name of a lens or a camera is
//! unknown: `Unknown`, `N/A`, `0.0 mm f/0.0`.
//!
//! Only the whole text is compared. A name that only contains one of these words is kept, because
//! it may be the name of a product.

/// Placeholders for a name of any kind. They are in the form of [`words`].
#[rustfmt::skip]
const ANY: [&str; 40] = [
    "unknown", "unkown", "unknow", "unidentified", "undefined", "undef", "unspecified", "unset",
    "unavailable", "none", "null", "nil", "nan", "n a", "na", "n s", "not available", "not found",
    "not applicable", "not specified", "not set", "not defined", "not known", "no name", "noname",
    "no data", "default", "missing", "empty", "invalid", "unbekannt", "inconnu", "desconocido",
    "sconosciuto", "nicht verfügbar", "aucun", "ninguno", "nessuno", "未知", "不明",
];

/// Placeholders for the maker or the model of a camera.
#[rustfmt::skip]
const CAMERA: [&str; 10] = [
    "unknown camera", "unknown model", "unknown make", "unknown maker", "unknown manufacturer",
    "make", "model", "manufacturer", "camera make", "camera model",
];

/// The names of lens numbers that cameras write if they do not know the lens. Exiv2 and the programs that
/// use it copy them.
const UNKNOWN_LENSES: [&str; 2] = ["e mount t mount other lens or no lens", "dt 0mm f0 sam"];

/// The words of placeholders for the model of a lens. No lens has a name of these words alone.
#[rustfmt::skip]
const LENS_WORDS: [&str; 44] = [
    "lens", "lenses", "nolens", "lensmodel", "lensid", "lenstype", "unknown", "unidentified",
    "undefined", "unspecified", "unrecognized", "unrecognised", "unnamed", "generic", "default",
    "other", "none", "null", "no", "non", "not", "without", "or", "is", "has", "manual", "focus",
    "cpu", "attached", "mounted", "detected", "recognized", "recognised", "available",
    "applicable", "specified", "set", "model", "name", "type", "id", "number", "data", "info",
];

/// Returns the text, if it is a name of the maker or the model of a camera. Returns `None` for a
/// placeholder.
pub(crate) fn camera_name(text: String) -> Option<String> {
    let words = words(&text);
    let is_placeholder = is_empty(&words) || ANY.contains(&&*words) || CAMERA.contains(&&*words);
    (!is_placeholder).then_some(text)
}

/// Returns the text, if it is the name of a lens. Returns `None` for a placeholder.
pub(crate) fn lens_name(text: String) -> Option<String> {
    let words = words(&text);
    let is_placeholder = is_empty(&words)
        || ANY.contains(&&*words)
        || UNKNOWN_LENSES.contains(&&*words)
        || has_no_name(&words)
        || has_no_focal_length(&words);
    (!is_placeholder).then_some(text)
}

/// Returns the text, if it is a serial number. Returns `None` for a placeholder: zeros, `None`, `XXXX`.
/// Cameras without a number write them, so they do not identify a body.
pub(crate) fn serial_number(text: String) -> Option<String> {
    let words = words(&text);
    let is_placeholder = is_empty(&words)
        || ANY.contains(&&*words)
        || words.chars().all(|c| matches!(c, 'x' | ' '))
        || words.chars().all(|c| matches!(c, 'f' | ' '));
    (!is_placeholder).then_some(text)
}

/// Returns the words of a text in lower case, with single spaces between them. Every character that
/// is neither a letter nor a digit separates words: `<N/A>` gives `n a`.
fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if !c.is_alphanumeric() {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) && !words.is_empty() {
            words.push(' ');
        }
        match c {
            _ if c.is_ascii() => words.push(c.to_ascii_lowercase()),
            _ => words.extend(c.to_lowercase()),
        }
    }
    words
}

/// Reports whether a text has no letter, and no digit other than 0.
fn is_empty(words: &str) -> bool {
    words.chars().all(|c| matches!(c, '0' | ' '))
}

/// Reports whether a text consists of words of placeholders, such as `Manual Lens No CPU`. Numbers
/// may follow the word `unknown`: `Unknown lens (0x1f)`. The number 65535 means "no lens" (Canon).
fn has_no_name(words: &str) -> bool {
    let is_number = |word: &str| {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        digits.chars().all(|c| c.is_ascii_hexdigit())
    };
    let is_unknown = words.starts_with("unknown");
    // "n a" is "N/A".
    let has_na = words.contains("n a");
    words.split(' ').all(|word| {
        LENS_WORDS.contains(&word)
            || is_empty(word)
            || word.strip_suffix("mm").is_some_and(is_empty)
            || (word.len() > 1 && word.strip_prefix('f').is_some_and(is_empty))
            || (has_na && matches!(word, "n" | "a"))
            || word == "65535"
            || (is_unknown && is_number(word))
    })
}

/// Reports whether a text consists of a focal length of 0 mm and an aperture, or of an aperture of
/// 0: `0.0 mm f/0.0`, `0-0mm F2.8`, `-- mm f/--`, `f/0`. Infinite and undefined numbers count as 0.
fn has_no_focal_length(words: &str) -> bool {
    let is_nothing = |word: &str| {
        let zeros = word.trim_end_matches("mm");
        zeros.chars().all(|c| c == '0')
            || matches!(zeros, "inf" | "nan" | "undef" | "undefined" | "null")
    };
    let is_aperture = |word: &str| {
        let digits = word.trim_start_matches('f');
        digits.chars().all(|c| c.is_ascii_digit()) || is_nothing(word)
    };
    if words.strip_prefix('f').is_some_and(is_empty) {
        return true;
    }
    let mut rest = words.split(' ').skip_while(|word| is_nothing(word));
    let starts_with_nothing = words.split(' ').next().is_some_and(is_nothing);
    let marks_an_aperture = |word: &str| word.starts_with('f');
    let Some(first) = rest.next() else {
        return words.contains("mm");
    };
    starts_with_nothing && marks_an_aperture(first) && is_aperture(first) && rest.all(is_aperture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_no_lens() {
        for text in [
            "0.0 mm f/0.0",
            "0mm F0.0",
            "0mm f/0",
            "0.00mm f/0.00",
            "0.0-0.0 mm f/0.0-0.0",
            "0-0mm f/0",
            "0.0 mm",
            "0.0mm f/2.4",
            "f/0.0",
            "f/0",
            "mm f/",
            "-- mm f/--",
            "nan mm f/nan",
            "inf mm f/inf",
            "undef mm f/undef",
            "----",
            "0",
            "00",
            "0.0",
            "?",
            "Unknown",
            "UNKNOWN",
            "<unknown>",
            "(unknown)",
            "Unknown Lens",
            "unknown_lens",
            "Unknown (0)",
            "Unknown (0x1f)",
            "Unknown lens (173)",
            "Unknown lens ID 65535",
            "N/A",
            "n/a",
            "[N/A]",
            "N.A.",
            "NA",
            "None",
            "null",
            "(null)",
            "Undefined",
            "not available",
            "No Lens",
            "Lens",
            "Lens Model",
            "Manual Lens No CPU",
            "Manual lens",
            "default",
            "65535",
            "n/a (0)",
            "No lens or manual lens",
            "lens not attached",
            "Lens not recognized",
            "Unknown manual lens",
            "Unknown 0mm",
            "NULL 0mm f/0",
            "undefined-undefined mm f/undefined",
            "undefinedmm f/undefined",
            "E-Mount, T-Mount, Other Lens or no lens",
            "DT 0mm F0 SAM",
            "Nicht verfügbar",
            "aucun",
            "Generic lens",
        ] {
            assert_eq!(lens_name(text.to_owned()), None, "{text}");
        }
    }

    #[test]
    fn names_of_lenses_are_kept() {
        for text in [
            "EF24-105mm f/4L IS USM",
            "50.0 mm f/1.4",
            "50mm F1.4",
            "50mm f/0.95",
            "50mm f/0.0",
            "10-20mm f/4-5.6",
            "0.5x wide",
            "35",
            "E 35mm F1.8 OSS",
            "iPhone 7 back camera 3.99mm f/1.8",
            "Unknown 16-35mm",
            "Lens F",
            "Noname 50mm",
            "Lensbaby Composer",
            "Manual Lens 35mm",
            "Nocticron 42.5",
            "None-Such 50",
            "FE 28-70mm",
            "F 50",
            "Fisheye 8mm",
            "f/2.8",
            "No. 5",
            "Type A",
            "Otus 1.4/55",
            "未来",
            "Z",
        ] {
            assert_eq!(lens_name(text.to_owned()).as_deref(), Some(text));
        }
    }

    #[test]
    fn placeholders_are_no_serial_number() {
        for text in [
            "0",
            "0000000000",
            "00:00:00",
            "None",
            "N/A",
            "unknown",
            "XXXXXXX",
            "ffffffff",
            "--",
        ] {
            assert_eq!(serial_number(text.to_owned()), None, "{text}");
        }
        for text in [
            "0120",
            "6012345",
            "BHP242330",
            "X1",
            "F",
            "00000001",
            "no data 5",
        ] {
            let expected = (text != "F").then_some(text);
            assert_eq!(serial_number(text.to_owned()).as_deref(), expected);
        }
    }

    #[test]
    fn placeholders_are_no_camera() {
        for text in [
            "Unknown",
            "<unknown>",
            "UNKNOWN ",
            "null",
            "(null)",
            "N/A",
            "n.a.",
            "NA",
            "None",
            "default",
            "Default",
            "Make",
            "Model",
            "<Model>",
            "Unknown Camera",
            "0",
            "----",
            "00",
        ] {
            assert_eq!(camera_name(text.to_owned()), None, "{text}");
        }
        for text in [
            "Nothing",
            "Phone (1)",
            "A063",
            "Camera",
            "DIGITAL CAMERA",
            "Nikon",
            "NA-1",
            "X",
            "1",
            "N",
            "Model 100",
            "0x0",
            "Unknown 5",
            "Nulook",
            "Z",
            "N900",
            "Default X",
            "Lens",
            "Manual",
            "65535",
            "QV-10",
            "None 2",
        ] {
            assert_eq!(camera_name(text.to_owned()).as_deref(), Some(text));
        }
    }
}
