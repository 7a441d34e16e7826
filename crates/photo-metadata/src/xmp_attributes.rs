//! Splits an XML tag into its attributes.

use memchr::memchr;

/// An iterator over the attributes of a tag. An item is the name and the value of an attribute,
/// both unchanged.
pub(crate) struct TagAttributes<'t> {
    /// The rest of the tag.
    rest: &'t str,
}

/// The error if a tag contains anything other than attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrokenAttribute;

impl<'t> TagAttributes<'t> {
    /// Returns the attributes in `rest`: the text of a tag after its name.
    pub(crate) fn new(rest: &'t str) -> Self {
        TagAttributes { rest }
    }

    /// Splits off the first attribute of the rest: a name, `=`, and a value in quotes.
    fn split(rest: &'t str) -> Option<(&'t str, &'t str, &'t str)> {
        let is_end = |b: u8| b == b'=' || b <= b' ';
        let end = rest.bytes().position(is_end).filter(|&end| end > 0)?;
        let (name, after) = rest.split_at_checked(end)?;
        let after = after
            .trim_ascii_start()
            .strip_prefix('=')?
            .trim_ascii_start();
        let quote = *after.as_bytes().first()?;
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let inside = after.get(1..)?;
        let end = memchr(quote, inside.as_bytes())?;
        Some((name, inside.get(..end)?, inside.get(end + 1..)?))
    }
}

impl<'t> Iterator for TagAttributes<'t> {
    type Item = Result<(&'t str, &'t str), BrokenAttribute>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        let Some((name, value, rest)) = TagAttributes::split(rest) else {
            self.rest = "";
            return Some(Err(BrokenAttribute));
        };
        self.rest = rest;
        Some(Ok((name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_split_until_one_is_broken() {
        let all = |tag| -> Vec<_> { TagAttributes::new(tag).collect() };
        assert_eq!(
            all("\n a:b = \"1'2\"c='=\"' "),
            [Ok(("a:b", "1'2")), Ok(("c", "=\""))]
        );
        assert_eq!(all(" "), []);
        for broken in ["a", "a=", "a=b", "a b='1'", "='1'", "a='1", "a=\"1'"] {
            let tag = format!(" x='1' {broken}");
            assert_eq!(
                TagAttributes::new(&tag).collect::<Vec<_>>(),
                [Ok(("x", "1")), Err(BrokenAttribute)],
                "{broken}"
            );
        }
    }
}
