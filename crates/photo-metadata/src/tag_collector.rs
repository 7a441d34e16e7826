//! Collects the map of tags that is stored and shown, and the sizes of the tags that are left out
//! of it.

use std::collections::BTreeMap;

use super::limits;
use super::record::{TagValue, Tags};
use super::text::is_unwanted;

/// The warning if the list of the tags that are left out is full.
const MORE_OMITTED: &str = "more tags are left out than are listed";

/// Collects the tags of a file in two maps: the values of the tags that are small enough, and the
/// sizes in bytes of the others.
#[derive(Debug, Default)]
pub(crate) struct TagCollector {
    pub(crate) tags: Tags,
    /// The sizes of the tags that are left out. The key is the group and the name:
    /// `ExifIFD.MakerNote`.
    pub(crate) omitted: BTreeMap<String, u64>,
    pub(crate) warning: Option<&'static str>,
    /// The number of bytes of all values in `tags`.
    kept_bytes: u64,
}

impl TagCollector {
    /// Adds the tags of a group. The group must be new.
    pub(crate) fn add_new_group(&mut self, group: String, tags: BTreeMap<String, TagValue>) {
        self.tags.insert(group, tags);
    }

    /// Reserves room for a value of `bytes` bytes. Returns `false` if there is not enough room.
    pub(crate) fn reserve(&mut self, bytes: u64) -> bool {
        let kept = self.kept_bytes.saturating_add(bytes);
        let fits = kept <= limits::MAX_ALL_VALUES_BYTES;
        if fits {
            self.kept_bytes = kept;
        }
        fits
    }

    /// Records the size of a tag that is left out. Keeps the first size. If too many tags are left
    /// out, does not list the tag, and records a warning.
    pub(crate) fn omit(&mut self, group: &str, name: &str, bytes: u64) {
        if self.omitted.len() >= limits::MAX_OMITTED_TAGS {
            self.warning.get_or_insert(MORE_OMITTED);
            return;
        }
        self.omitted
            .entry(format!("{group}.{name}"))
            .or_insert(bytes);
    }

    /// Adds a tag. `bytes` is the size of its value. If `value` is `None`, or if there is no room
    /// for it, only the size is recorded.
    pub(crate) fn add(&mut self, group: &str, name: &str, bytes: u64, value: Option<TagValue>) {
        let mut tags = self.begin_group(group, 1);
        tags.add(name.to_owned(), bytes, value);
        tags.finish();
    }

    /// Starts to add tags of one group. `count` is the expected number of tags.
    pub(crate) fn begin_group<'c>(
        &'c mut self,
        group: &'c str,
        count: usize,
    ) -> GroupCollector<'c> {
        GroupCollector {
            collector: self,
            group,
            kept: Vec::with_capacity(count),
        }
    }
}

/// Adds tags of one group to a [`TagCollector`].
pub(crate) struct GroupCollector<'c> {
    collector: &'c mut TagCollector,
    group: &'c str,
    kept: Vec<(String, TagValue)>,
}

impl GroupCollector<'_> {
    /// Adds a tag, as [`TagCollector::add`] does.
    pub(crate) fn add(&mut self, name: String, bytes: u64, value: Option<TagValue>) {
        let size = bytes + name.len() as u64;
        match value.filter(|_| self.collector.reserve(size)) {
            Some(value) => self.kept.push((name, value)),
            None => self.collector.omit(self.group, &name, bytes),
        }
    }

    /// Records a warning. Keeps the first one.
    pub(crate) fn warn(&mut self, warning: &'static str) {
        self.collector.warning.get_or_insert(warning);
    }

    /// Ends the group. A tag replaces an earlier one with the same name.
    pub(crate) fn finish(self) {
        let tags = &mut self.collector.tags;
        match tags.get_mut(self.group) {
            Some(known) => known.extend(self.kept),
            None if self.kept.is_empty() => {}
            None => {
                tags.insert(self.group.to_owned(), self.kept.into_iter().collect());
            }
        }
    }
}

/// Cleans the text of a tag: removes control characters and characters that reorder the text, and
/// blanks around it. Keeps line breaks, as line feeds, and does not cut the text.
pub(crate) fn clean_tag_text(text: &str) -> String {
    // Nearly every text is printable ASCII. This way it takes one allocation.
    if is_printable_ascii(text.as_bytes()) {
        let is_trimmed = !text.starts_with(' ') && !text.ends_with(' ');
        let trimmed = if is_trimmed {
            text
        } else {
            text.trim_matches(' ')
        };
        return trimmed.to_owned();
    }
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let mut kept = String::with_capacity(trimmed.len());
    let mut is_after_return = false;
    for c in trimmed.chars() {
        match c {
            // The pair CR LF is one line break.
            '\n' if is_after_return => {}
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => kept.push('\n'),
            '\t' => kept.push(' '),
            _ if is_unwanted(c) => {}
            _ => kept.push(c),
        }
        is_after_return = c == '\r';
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// Reports whether all bytes are printable ASCII: 0x20 to 0x7e. Compares eight bytes at once.
fn is_printable_ascii(bytes: &[u8]) -> bool {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let mut chunks = bytes.chunks_exact(8);
    let mut found = 0;
    for chunk in &mut chunks {
        let word = chunk.try_into().map_or(u64::MAX, u64::from_le_bytes);
        // The first sum sets the high bit of 0x7f, and the difference that of a byte below 0x20. If
        // a byte is carried or borrowed from, the bit of the byte before it is set.
        found |= word | word.wrapping_add(HIGH_BITS >> 7) | word.wrapping_sub(HIGH_BITS >> 2);
    }
    let rest = chunks.remainder().iter();
    found & HIGH_BITS == 0 && rest.copied().all(|b| (0x20..0x7f).contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_ascii_is_recognised_at_every_place() {
        let plain: Vec<u8> = (0x20..0x7f).collect();
        assert!(is_printable_ascii(&plain) && is_printable_ascii(b""));
        for byte in (0..=0xff).filter(|b| !(0x20..0x7f).contains(b)) {
            for place in 0..20 {
                let mut bytes = [b' '; 20];
                bytes[place] = byte;
                assert!(!is_printable_ascii(&bytes), "{byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn text_of_a_tag_has_line_feeds_and_no_other_control_characters() {
        for (text, expected) in [
            (" plain text ", "plain text"),
            ("a\r\nb\rc\n\nd\te", "a\nb\nc\n\nd e"),
            ("\u{feff}Zürich\u{202e}\0\u{7}", "Zürich"),
            ("one\u{2028}two", "one\ntwo"),
            (" \n\t", ""),
        ] {
            assert_eq!(clean_tag_text(text), expected);
        }
    }

    #[test]
    fn later_tag_replaces_an_earlier_one() {
        let number = |n| Some(TagValue::Integer(n));
        let mut collector = TagCollector::default();
        collector.add("IPTC", "Urgency", 1, number(1));
        collector.add("IPTC", "Urgency", 1, number(2));
        collector.add("IPTC", "SubFile", 9, None);
        assert_eq!(collector.tags["IPTC"]["Urgency"], TagValue::Integer(2));
        assert_eq!(collector.tags["IPTC"].len(), 1);
        assert_eq!(collector.omitted["IPTC.SubFile"], 9);
    }
}
