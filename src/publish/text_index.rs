//! The text index: for each word, the photos that have it (docs/static-gallery.md). A page searches
//! in it without a server. It consists of shards, each with the words of one first letter. Pure.

use std::collections::BTreeMap;

use serde_json::json;

use super::stored_text::json_digest;
use crate::term_index::{IndexPart, Term, TermKind};

/// The folder of the shards.
pub(super) const TEXT_FOLDER: &str = "text/";
/// The number of bits of a code point that are not in the name of a shard.
const SHARD_BITS: u32 = 8;

/// Collects the words of all months.
#[derive(Debug, Default)]
pub(super) struct TextIndexBuilder {
    /// By the name of the shard and by the word: the JSON of the months, without brackets.
    shards: BTreeMap<String, BTreeMap<String, String>>,
}

/// A shard of the text index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextShard {
    pub(super) name: String,
    /// The digest of the words. It does not depend on the generation.
    pub(super) digest: String,
    /// The JSON of the words: `{"kyoto":{"2018-02":[0,4,3]}}`.
    words: String,
}

impl TextIndexBuilder {
    /// Adds the words of a month. `parts` are all parts of its term index, in their order. The
    /// caller must add the months from the oldest to the newest, with `undated` at the end.
    pub(super) fn add_month(&mut self, month: &str, parts: &[IndexPart]) {
        let mut rows: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        let start = Term::new(TermKind::Word, "");
        let mut first = 0;
        for part in parts {
            for (term, of_part) in part.terms_from(&start) {
                let word = &term[start.as_str().len()..];
                let of_part = of_part.iter().map(|row| first + row);
                rows.entry(word).or_default().extend(of_part);
            }
            first += part.len() as u32;
        }
        for (word, rows) in rows {
            let shard = self.shards.entry(shard_name(word)).or_default();
            let months = shard.entry(word.to_owned()).or_default();
            if !months.is_empty() {
                months.push(',');
            }
            months.push_str(&format!("\"{month}\":["));
            let mut before = 0;
            for (at, row) in rows.into_iter().enumerate() {
                let separator = if at == 0 { "" } else { "," };
                months.push_str(&format!("{separator}{}", row - before));
                before = row;
            }
            months.push(']');
        }
    }

    /// Returns the shards, in the order of their names.
    pub(super) fn finish(self) -> impl Iterator<Item = TextShard> {
        self.shards.into_iter().map(|(name, words)| {
            let words = words.into_iter();
            let lines = words.map(|(word, months)| format!("{}:{{{months}}}", json!(word)));
            let words = format!("{{\n{}\n}}", lines.collect::<Vec<_>>().join(",\n"));
            TextShard {
                name,
                digest: json_digest(words.as_bytes()),
                words,
            }
        })
    }
}

impl TextShard {
    /// Returns the JSON of the file.
    pub(super) fn to_json(&self, generation: u64) -> String {
        format!("{{\"generation\":{generation},\"words\":{}}}\n", self.words)
    }
}

/// Returns the path of a shard.
pub(super) fn shard_path(name: &str) -> String {
    format!("{TEXT_FOLDER}{name}.json")
}

/// Returns the name of the shard that contains a word: its first letter or digit if it is an ASCII
/// one, else `u` and the code point without its last two hexadecimal digits.
fn shard_name(word: &str) -> String {
    match word.chars().next() {
        Some(first) if first.is_ascii_lowercase() || first.is_ascii_digit() => first.to_string(),
        first => format!("u{:x}", first.map_or(0, u32::from) >> SHARD_BITS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term_index::{IndexPartBuilder, IndexedPhoto};
    use photo_metadata::PhotoRecord;
    use serde_json::Value;

    fn part(titles: &[&str]) -> IndexPart {
        let mut builder = IndexPartBuilder::default();
        for title in titles {
            let record = PhotoRecord {
                title: Some((*title).to_owned()),
                ..PhotoRecord::default()
            };
            builder.add_photo(&IndexedPhoto {
                stem: "undated/a",
                record: &record,
                location: None,
                added: 0,
                folders: &[],
            });
        }
        IndexPart::parse(&builder.finish().expect("JSON")).expect("a part")
    }

    #[test]
    fn positions_count_over_all_parts_of_a_month() {
        let mut index = TextIndexBuilder::default();
        let parts = [
            part(&["Kyoto", "Osaka", "", "", "kyoto temple"]),
            part(&["", "", "KYOTO"]),
        ];
        index.add_month("2018-02", &parts);
        index.add_month("undated", &[part(&["", "Kyoto 京"])]);
        let shards: Vec<TextShard> = index.finish().collect();
        let names: Vec<&str> = shards.iter().map(|shard| shard.name.as_str()).collect();
        assert_eq!(names, ["k", "o", "t", "u4e"]);
        let file =
            |at: usize| -> Value { serde_json::from_str(&shards[at].to_json(7)).expect("JSON") };
        let kyoto = json!({ "2018-02": [0, 4, 3], "undated": [1] });
        assert_eq!(
            file(0),
            json!({ "generation": 7, "words": { "kyoto": kyoto } })
        );
        assert_eq!(file(3)["words"], json!({ "京": { "undated": [1] } }));
        assert_eq!(shard_path("u4e"), "text/u4e.json");
    }

    #[test]
    fn name_of_a_shard_is_safe_in_a_path() {
        for (word, name) in [
            ("kyoto", "k"),
            ("2018", "2"),
            ("京", "u4e"),
            ("ß", "u0"),
            ("ελλαδα", "u3"),
            ("𠀋", "u200"),
        ] {
            assert_eq!(shard_name(word), name);
        }
    }
}
