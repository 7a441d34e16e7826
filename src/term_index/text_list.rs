//! A list of texts in one piece of memory.

/// A list of texts. It needs the bytes of the texts, and four bytes for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TextList {
    bytes: String,
    ends: Vec<u32>,
}

impl TextList {
    /// Returns the number of texts.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the text at a position. Returns an empty text if the position is too large.
    pub(super) fn get(&self, at: usize) -> &str {
        let end = self.ends.get(at).map(|end| *end as usize);
        let start = match at {
            0 => Some(0),
            _ => self.ends.get(at - 1).map(|end| *end as usize),
        };
        let range = start.zip(end);
        range
            .and_then(|(start, end)| self.bytes.get(start..end))
            .unwrap_or_default()
    }

    /// Returns the number of the first texts for which `is_before` is `true`. The texts must be
    /// sorted accordingly.
    pub(super) fn partition_point(&self, is_before: impl Fn(&str) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Returns the memory that the list uses, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.bytes.len() + 4 * self.ends.len()
    }
}

impl<'a> FromIterator<&'a str> for TextList {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut list = TextList::default();
        for text in texts {
            list.bytes.push_str(text);
            // A part has at most a few megabytes.
            list.ends
                .push(u32::try_from(list.bytes.len()).unwrap_or(u32::MAX));
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_position_and_by_order() {
        let list: TextList = ["a", "", "bc", "d"].into_iter().collect();
        assert_eq!(list.len(), 4);
        let texts: Vec<&str> = (0..5).map(|at| list.get(at)).collect();
        assert_eq!(texts, ["a", "", "bc", "d", ""]);
        let sorted: TextList = ["a", "b", "ba", "c"].into_iter().collect();
        assert_eq!(sorted.partition_point(|text| text < "b"), 1);
        assert_eq!(sorted.partition_point(|text| text < "zz"), 4);
        assert_eq!(sorted.partition_point(|text| text < "a"), 0);
    }
}
