//! Keys in URL encoding. Notifications use it, and listings with `encoding-type=url`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::EncodingType;

/// The bytes that are percent-encoded: all except those that `java.net.URLEncoder` keeps, `/`, and
/// the space.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// Encodes a key as AWS does: as in an HTML form, so that a space becomes `+`. Unlike in a form,
/// `/` stays.
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
    /// Returns the encoding that a request asks for.
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
