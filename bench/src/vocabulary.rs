//! Made-up keywords, places and texts for the example photos of a large catalogue.
//!
//! A few keywords and words are in many photos and most of them in few, as in real libraries: the
//! number of photos of a keyword is inversely proportional to its rank (Zipf's law).

use std::ops::Range;

use fastrand::Rng;
use photo_metadata::Place;

/// The syllables of which the words are made. A word has two or more.
const SYLLABLES: [&str; 40] = [
    "ba", "be", "bi", "bo", "da", "de", "di", "do", "ka", "ke", "ki", "ko", "la", "le", "li", "lo",
    "ma", "me", "mi", "mo", "na", "ne", "ni", "no", "ra", "re", "ri", "ro", "sa", "se", "si", "so",
    "ta", "te", "ti", "to", "va", "ve", "vi", "vo",
];
/// The number of keywords. Every second one is hierarchical.
const KEYWORDS: u32 = 2_000;
/// The number of keywords at the top of the hierarchies, and of those below them.
const TOP_KEYWORDS: u32 = 12;
const MIDDLE_KEYWORDS: u32 = 96;
/// The number of different words in titles and captions.
const WORDS: u32 = 8_000;
const COUNTRIES: u32 = 12;
/// The number of cities near each place of the catalogue.
const CITIES: u32 = 8;
/// The ranks of frequent keywords and words, and of rare keywords.
const FREQUENT: Range<u32> = 0..20;
const RARE: Range<u32> = 1_000..KEYWORDS;

/// Chooses keywords, places and texts at random.
pub struct Vocabulary<'a> {
    random: &'a mut Rng,
}

impl<'a> Vocabulary<'a> {
    /// Returns a vocabulary that makes its choices with these random numbers.
    pub fn new(random: &'a mut Rng) -> Self {
        Vocabulary { random }
    }

    /// Returns up to ten different keywords of a photo, five on average.
    pub fn keywords(&mut self) -> Vec<String> {
        let count = self.random.usize(..=10);
        let mut keywords: Vec<String> = Vec::with_capacity(count);
        for _ in 0..count {
            let keyword = keyword(self.rank(KEYWORDS));
            if !keywords.contains(&keyword) {
                keywords.push(keyword);
            }
        }
        keywords
    }

    /// Returns the title of a photo: three to six words. Every second photo has one.
    pub fn title(&mut self) -> Option<String> {
        let words = self.random.usize(3..=6);
        self.random.bool().then(|| self.text(words))
    }

    /// Returns the caption of a photo: 8 to 30 words. Every fourth photo has one.
    pub fn caption(&mut self) -> Option<String> {
        let words = self.random.usize(8..=30);
        (self.random.u32(..4) == 0).then(|| self.text(words))
    }

    /// Returns the rating of a photo. Two of three photos have none, and high ratings are rarer.
    pub fn rating(&mut self) -> Option<i8> {
        match self.random.u32(..100) {
            0..10 => Some(3),
            10..20 => Some(2),
            20..25 => Some(1),
            25..31 => Some(4),
            31..34 => Some(5),
            _ => None,
        }
    }

    /// Returns the names of a place near the place `number` of the catalogue.
    pub fn place(&mut self, number: u32) -> Place {
        let city = self.random.u32(..CITIES);
        let country = number % COUNTRIES;
        Place {
            city: Some(capitalised(&word(WORDS + 100 + number * CITIES + city))),
            region: Some(format!(
                "{} Province",
                capitalised(&word(WORDS + 50 + number))
            )),
            country: Some(capitalised(&word(WORDS + country))),
            country_code: Some(format!("Q{}", char::from(b'A' + country as u8))),
            ..Place::default()
        }
    }

    /// Returns the slug of a keyword that many photos have.
    pub fn frequent_keyword(&mut self) -> String {
        slug(&keyword(self.random.u32(FREQUENT)))
    }

    /// Returns the slug of a keyword that few photos have.
    pub fn rare_keyword(&mut self) -> String {
        slug(&keyword(self.random.u32(RARE)))
    }

    /// Returns the slug of a keyword that has children.
    pub fn parent_keyword(&mut self) -> String {
        word(self.random.u32(..TOP_KEYWORDS) + 1_000)
    }

    /// Returns a word as frequent as those that photos have.
    pub fn search_word(&mut self) -> String {
        word(self.rank(WORDS))
    }

    /// Returns the first letters of words.
    pub fn prefix(&mut self) -> String {
        let word = self.search_word();
        word[..self.random.usize(1..=3)].to_owned()
    }

    fn text(&mut self, words: usize) -> String {
        let words: Vec<String> = (0..words).map(|_| self.search_word()).collect();
        capitalised(&words.join(" "))
    }

    /// Returns a random rank below `count`. The probability of a rank is inversely proportional to
    /// it.
    fn rank(&mut self, count: u32) -> u32 {
        let rank = f64::from(count).powf(self.random.f64());
        (rank as u32 - 1).min(count - 1)
    }
}

/// Returns the keyword of a rank. Every second one is hierarchical.
fn keyword(rank: u32) -> String {
    if rank.is_multiple_of(2) {
        return capitalised(&word(rank));
    }
    let top = word(rank / 2 % TOP_KEYWORDS + 1_000);
    let middle = word(rank / 2 % MIDDLE_KEYWORDS + 1_100);
    let names = [top, middle, word(rank)];
    names.map(|name| capitalised(&name)).join("|")
}

/// Returns the word of a number. Different numbers have different words.
fn word(number: u32) -> String {
    let syllables = SYLLABLES.len() as u32;
    let mut rest = number / syllables;
    let mut word = SYLLABLES[(number % syllables) as usize].to_owned();
    while rest > 0 || word.len() < 4 {
        word.push_str(SYLLABLES[(rest % syllables) as usize]);
        rest /= syllables;
    }
    word
}

fn capitalised(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

fn slug(keyword: &str) -> String {
    photo_metadata::make_slug(keyword)
}
