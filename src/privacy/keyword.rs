//! Compares keywords. A rule must find a keyword in each form in which programs write it. This
//! module does no I/O.

use icu_normalizer::ComposingNormalizerBorrowed;

/// The characters between the parts of a hierarchical keyword, and between keywords that a program
/// wrote as one text.
const SEPARATORS: [char; 8] = ['|', '/', '\\', '<', '>', ':', ';', ','];

/// A keyword as a list of parts: `Family|Anna` has the parts `family` and `anna`. The parts are
/// folded (see [`fold`]), so two keywords are equal if people would read them as the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeywordPath(Vec<String>);

impl KeywordPath {
    /// Splits a keyword into its parts, and folds each part. Leaves out empty parts.
    pub(super) fn new(keyword: &str) -> Self {
        let folded = fold(keyword);
        let parts = folded.split(SEPARATORS).map(collapse_blanks);
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        // A keyword that consists of separators only is one part.
        KeywordPath(if parts.is_empty() {
            vec![folded]
        } else {
            parts
        })
    }

    /// Reports whether the parts of `other` are all of the parts of this keyword, or some of them
    /// in a row.
    pub(super) fn contains(&self, other: &KeywordPath) -> bool {
        self.0.windows(other.0.len()).any(|parts| parts == other.0)
    }
}

/// Reports whether people would read two keywords as the same: they have the same parts. Case,
/// blanks and the Unicode form of letters do not matter.
pub(crate) fn is_same_keyword(one: &str, other: &str) -> bool {
    KeywordPath::new(one) == KeywordPath::new(other)
}

/// Folds a text: applies the Unicode normalisation NFKC, makes all letters lower case, and removes
/// invisible characters.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let normalizer = const { ComposingNormalizerBorrowed::new_nfkc() };
    let normalised = normalizer.normalize(text);
    // Upper case first, because some letters have two lower-case forms: ς and σ, ß and ss.
    let upper = normalised.chars().filter(|c| !is_invisible(*c));
    let lower: String = upper
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    normalizer.normalize(&lower).into_owned()
}

/// Trims a text, and replaces each row of blanks with one space.
fn collapse_blanks(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Reports whether a character has no shape of its own: soft hyphens, joiners, marks of direction
/// and selectors of variants.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(keyword: &str, listed: &str) -> bool {
        KeywordPath::new(keyword).contains(&KeywordPath::new(listed))
    }

    #[test]
    fn keyword_contains_each_part_and_each_row_of_parts() {
        for listed in [
            "family",
            "Anna",
            "2018",
            "family/anna",
            "ANNA|2018",
            "Family|Anna|2018",
        ] {
            assert!(contains("Family|Anna|2018", listed), "{listed}");
        }
        for listed in ["Family|2018", "fam", "family anna", "Anna|Family", "other"] {
            assert!(!contains("Family|Anna|2018", listed), "{listed}");
        }
        assert!(contains("Family > Anna", "anna") && contains("a\\b", "b"));
        assert!(contains("Anna < Family", "family") && contains("People: Anna", "anna"));
        assert!(contains("|", "|") && !contains("a|b", "|") && !contains("a", "|"));
    }

    #[test]
    fn form_of_letters_and_blanks_does_not_matter() {
        for (one, other) in [
            ("STRASSE", "straße"),
            ("Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
            ("ﬁle", "file"),
            ("e\u{301}te\u{301}", "ÉTÉ"),
            ("pri\u{ad}vate", "private"),
            (" my   home ", "My home"),
            ("my\u{a0}home", "my home"),
        ] {
            assert!(contains(one, other), "{one}");
            assert!(contains(other, one), "{other}");
        }
        assert!(!contains("ete", "été"));
    }
}
