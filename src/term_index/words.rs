//! Splits texts into the words that a search compares.
//!
//! The gallery page does the same in JavaScript (web/words.js), because it searches in the static
//! files. A change here needs a change there. Both are tested with the texts of
//! `tests/browser/words.json`.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// The maximum length of a word, in bytes. A longer word is cut.
pub const MAX_WORD_BYTES: usize = 64;

/// Splits a text into words: rows of letters and digits, in lower case and without accents. Each
/// character of a script without spaces between words (Chinese and Japanese) is a word.
///
/// ```
/// use photo_catalogue::term_index::split_words;
///
/// let words: Vec<String> = split_words("Été à Kyōto, 京都 (f/2.8)").collect();
/// assert_eq!(words, ["ete", "a", "kyoto", "京", "都", "f", "2", "8"]);
/// ```
pub fn split_words(text: &str) -> impl Iterator<Item = String> {
    let folded = fold_text(text);
    let mut words = Vec::new();
    let mut word = String::new();
    for c in folded.chars() {
        let stands_alone = is_word_of_its_own(c);
        if !c.is_alphanumeric() || stands_alone {
            words.extend(finish_word(&mut word));
        }
        if stands_alone {
            words.push(c.to_string());
        } else if c.is_alphanumeric() {
            word.push(c);
        }
    }
    words.extend(finish_word(&mut word));
    words.into_iter()
}

/// Takes the collected word, cut to [`MAX_WORD_BYTES`]. Returns `None` if it is empty.
fn finish_word(word: &mut String) -> Option<String> {
    let mut word = std::mem::take(word);
    word.truncate(word.floor_char_boundary(MAX_WORD_BYTES));
    Some(word).filter(|word| !word.is_empty())
}

/// Returns a text in lower case, in the Unicode form NFKD, and without accents.
fn fold_text(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let normalizer = const { DecomposingNormalizerBorrowed::new_nfkd() };
    let lower = normalizer.normalize(text).to_lowercase();
    lower.chars().filter(|c| !is_accent(*c)).collect()
}

/// Reports whether a character is an accent of a Latin, Greek or Cyrillic letter, or a sound mark
/// of a Japanese one.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{309a}')
}

/// Reports whether a character is Chinese or Japanese.
fn is_word_of_its_own(c: char) -> bool {
    matches!(c,
        '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
        && c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use sha2::{Digest, Sha256};

    fn words(text: &str) -> Vec<String> {
        split_words(text).collect()
    }

    #[test]
    fn accents_case_and_width_do_not_matter() {
        assert_eq!(words("ÉTÉ E\u{301}te\u{301} ｅｔｅ"), ["ete", "ete", "ete"]);
        assert_eq!(words("Straße İzmir Ελλάδα"), ["straße", "izmir", "ελλαδα"]);
    }

    #[test]
    fn chinese_and_japanese_characters_are_words() {
        assert_eq!(words("京都の寺"), ["京", "都", "の", "寺"]);
        assert_eq!(words("カメラ2"), ["カ", "メ", "ラ", "2"]);
        assert_eq!(words("ガ"), ["カ"]);
    }

    #[test]
    fn separators_and_symbols_are_no_words() {
        assert_eq!(words(" - #tag 🎉 a_b "), ["tag", "a", "b"]);
        assert!(words("").is_empty() && words("… !").is_empty());
    }

    #[test]
    fn long_word_is_cut_at_a_character() {
        let long = "é".repeat(200) + &"世".repeat(2);
        assert_eq!(words(&long)[0].len(), MAX_WORD_BYTES);
        let greek = "λ".repeat(100) + "x";
        assert_eq!(words(&greek), ["λ".repeat(32)]);
    }
    /// The texts with which the gallery page is tested, too (tests/browser/page.mjs).
    #[derive(serde::Deserialize)]
    struct WordVectors {
        examples: Vec<WordExample>,
        alphabet: String,
        strings: usize,
        digest: String,
    }

    #[derive(serde::Deserialize)]
    struct WordExample {
        text: String,
        words: Vec<String>,
    }

    #[test]
    fn words_are_those_of_the_gallery_page() {
        let vectors = include_str!("../../tests/browser/words.json");
        let vectors: WordVectors = serde_json::from_str(vectors).expect("vectors");
        for example in &vectors.examples {
            assert_eq!(words(&example.text), example.words, "{:?}", example.text);
        }
        // Both languages make the same texts of random characters, and compare a digest of all
        // words.
        let alphabet: Vec<char> = vectors.alphabet.chars().collect();
        let mut seed = 1_u64;
        let mut next = |limit: usize| {
            seed = seed * 48_271 % 2_147_483_647;
            usize::try_from(seed).expect("a small number") % limit
        };
        let mut digest = Sha256::new();
        for _ in 0..vectors.strings {
            let length = next(24);
            let text: String = (0..length)
                .map(|_| alphabet[next(alphabet.len())])
                .collect();
            digest.update(words(&text).join(" ") + "\n");
        }
        assert_eq!(HEXLOWER.encode(&digest.finalize()), vectors.digest);
    }
}
