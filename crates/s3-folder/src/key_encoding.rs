//! Keys in URL encoding. Notifications use it, and listings with `encoding-type=url`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::EncodingType;

/// The bytes that are percent-encoded: all except ASCII letters and digits, `-`, `_`, `.`, `*`, `/`
/// and the space. `java.net.URLEncoder` encodes the same bytes, and also `/`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// Encodes a key for a URL as AWS does: `2018-02-01/a b+c.jpg` gives `2018-02-01/a+b%2Bc.jpg`. As
/// in an HTML form, a space becomes `+`. Unlike in a form, `/` is not encoded.
pub(crate) fn encode_key(key: &str) -> String {
    utf8_percent_encode(key, ENCODED)
        .to_string()
        .replace(' ', "+")
}

/// The encoding of keys in a listing. XML cannot carry every character, so clients can ask for
/// the URL encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyEncoding {
    /// Keys are written unchanged.
    Unchanged,
    /// Keys are written by [`encode_key`].
    Url,
}

impl KeyEncoding {
    /// Returns the encoding of keys that a request asks for.
    pub(crate) fn requested(encoding: Option<&EncodingType>) -> KeyEncoding {
        match encoding {
            Some(encoding) if encoding.as_str() == EncodingType::URL => KeyEncoding::Url,
            _ => KeyEncoding::Unchanged,
        }
    }

    /// Encodes a key, a prefix or a delimiter.
    pub(crate) fn encode(self, key: String) -> String {
        match self {
            KeyEncoding::Unchanged => key,
            KeyEncoding::Url => encode_key(&key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_as_aws_encodes_them() {
        for (key, encoded) in [
            ("2018-02-01/a b.jpg", "2018-02-01/a+b.jpg"),
            ("a+b%20.jpg", "a%2Bb%2520.jpg"),
            ("ä/(1)~*'.jpg", "%C3%A4/%281%29%7E*%27.jpg"),
            ("a=b&c;d:e,f@g$h!", "a%3Db%26c%3Bd%3Ae%2Cf%40g%24h%21"),
        ] {
            assert_eq!(encode_key(key), encoded);
        }
    }
}
