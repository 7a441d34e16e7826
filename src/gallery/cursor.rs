//! Cursors: the encrypted position at which the next page of a list begins.
//!
//! A cursor is valid for one query and for a week. It can be read or made only with the key. No
//! clock is read here.
//!
//! The format is `base64url(version ‖ nonce ‖ AES-256-GCM(expiry ‖ position))`. The version and the
//! query (filters and order) are the associated data: they are not in the encrypted text, but
//! decryption fails if they differ. The nonce is a value that must not be used for two texts. It is
//! an HMAC of the query and the plaintext, so the same response always contains the same cursor,
//! and its ETag stays the same. Two plaintexts have the same nonce only after a 96-bit collision.
//! The expiry is a whole day for the same reason.

use chrono::{DateTime, Utc};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

/// The version of the format of cursors. It must be increased when the format, or the meaning of a
/// position, changes. Cursors of an older version are then refused.
const VERSION: u8 = 1;
/// The number of days for which a cursor is valid. A cursor expires at the end of its last day, in
/// UTC.
const VALID_DAYS: i64 = 7;
const SECONDS_PER_DAY: i64 = 86_400;
/// The maximum length of a cursor, in bytes. A sort key has at most 1,024 bytes, so no valid cursor
/// is longer.
const MAX_TOKEN_BYTES: usize = 2048;

/// The secret that encrypts cursors: 32 bytes, the same in every process that serves one gallery.
///
/// ```
/// use photo_catalogue::gallery::CursorKey;
///
/// // As printed by `openssl rand -base64 32`.
/// let key: CursorKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse()?;
/// assert_eq!(format!("{key:?}"), "CursorKey(secret)");
/// assert!("too short".parse::<CursorKey>().is_err());
/// # Ok::<(), photo_catalogue::gallery::InvalidCursorKey>(())
/// ```
#[derive(Clone)]
pub struct CursorKey {
    encryption: [u8; 32],
    nonces: hmac::Key,
    picture_etags: hmac::Key,
}

/// The text of a cursor key is not 32 bytes in base64, or the system cannot provide random bytes
/// for a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor key is not 32 bytes in base64")]
pub struct InvalidCursorKey;

impl CursorKey {
    /// Derives a key from 32 secret random bytes.
    pub fn new(secret: [u8; 32]) -> Self {
        // Each purpose has its own key, so the key for encryption is never used for nonces or
        // ETags.
        let root = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let mut encryption = [0; 32];
        encryption.copy_from_slice(hmac::sign(&root, b"cursor sealing").as_ref());
        let derive = |purpose: &[u8]| {
            let secret = hmac::sign(&root, purpose);
            hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref())
        };
        CursorKey {
            encryption,
            nonces: derive(b"cursor nonces"),
            picture_etags: derive(b"picture etags"),
        }
    }

    /// Returns the key from which the ETags of pictures are made.
    pub(super) fn picture_etags(&self) -> &hmac::Key {
        &self.picture_etags
    }

    /// Creates a random key. Cursors that are made with this key are valid only while this process
    /// runs.
    ///
    /// # Errors
    /// Fails if the system cannot provide random bytes.
    pub fn random() -> Result<Self, InvalidCursorKey> {
        let mut secret = [0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_| InvalidCursorKey)?;
        Ok(CursorKey::new(secret))
    }

    fn aead(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.encryption)
            .ok()
            .map(LessSafeKey::new)
    }
}

impl std::str::FromStr for CursorKey {
    type Err = InvalidCursorKey;

    /// Parses a key in standard base64 with padding, as `openssl rand -base64 32` prints it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64
            .decode(text.trim().as_bytes())
            .map_err(|_| InvalidCursorKey)?;
        bytes
            .try_into()
            .map(CursorKey::new)
            .map_err(|_| InvalidCursorKey)
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(secret)")
    }
}

/// The position at which the next page of a list begins: after the last photo of the page before,
/// or at the start of a segment. A segment is a range of one index partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListPosition {
    /// The key of the partition that contains the segment.
    #[serde(rename = "p")]
    pub(crate) partition: String,
    /// `true` if the position is in the segment of the photos without a date.
    #[serde(rename = "u")]
    pub(crate) undated: bool,
    /// The sort key after which the list continues, or `None` at the start of the segment.
    #[serde(rename = "s")]
    pub(crate) after: Option<String>,
}

/// The reason why a cursor is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CursorError {
    /// The cursor was altered or cut off, or it was made for another query, by another version of
    /// this code, or with another key.
    #[error(
        "It is not a cursor of this query (filters and order as they were). Start again without it."
    )]
    Invalid,
    /// The cursor was valid, but has expired.
    #[error("It has expired. Start again without it.")]
    Expired,
}

/// Returns a cursor: the encrypted position in the list of a query. Returns `None` if the
/// encryption fails, which can happen only with gigabytes of data.
pub(crate) fn seal_cursor(
    key: &CursorKey,
    query: &str,
    position: &ListPosition,
    now: DateTime<Utc>,
) -> Option<String> {
    let expires_day = now.timestamp().div_euclid(SECONDS_PER_DAY) + VALID_DAYS + 1;
    let mut sealed = serde_json::to_vec(&(expires_day, position)).ok()?;
    let mut context = hmac::Context::with_key(&key.nonces);
    context.update(&(query.len() as u64).to_be_bytes());
    context.update(query.as_bytes());
    context.update(&sealed);
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(context.sign().as_ref().get(..NONCE_LEN)?);
    key.aead()?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated_data(query)),
            &mut sealed,
        )
        .ok()?;
    let mut token = vec![VERSION];
    token.extend_from_slice(&nonce);
    token.append(&mut sealed);
    Some(BASE64URL_NOPAD.encode(&token))
}

/// Decrypts a cursor and returns its position in the list of a query.
///
/// # Errors
/// Fails if the cursor was not made with this key for this query, or if it has expired.
pub(crate) fn open_cursor(
    key: &CursorKey,
    query: &str,
    token: &str,
    now: DateTime<Utc>,
) -> Result<ListPosition, CursorError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(CursorError::Invalid);
    }
    let token = BASE64URL_NOPAD
        .decode(token.as_bytes())
        .map_err(|_| CursorError::Invalid)?;
    let (version, rest) = token.split_first().ok_or(CursorError::Invalid)?;
    let (nonce, sealed) = rest
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(CursorError::Invalid)?;
    if *version != VERSION {
        return Err(CursorError::Invalid);
    }
    let mut sealed = sealed.to_vec();
    let opened = key
        .aead()
        .ok_or(CursorError::Invalid)?
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(associated_data(query)),
            &mut sealed,
        )
        .map_err(|_| CursorError::Invalid)?;
    let (expires_day, position): (i64, ListPosition) =
        serde_json::from_slice(opened).map_err(|_| CursorError::Invalid)?;
    if now.timestamp() >= expires_day.saturating_mul(SECONDS_PER_DAY) {
        return Err(CursorError::Expired);
    }
    Ok(position)
}

/// Returns the associated data of a cursor. These bytes are not in the cursor, but they must be the
/// same at encryption and at decryption. If they differ, decryption fails.
fn associated_data(query: &str) -> Vec<u8> {
    let mut data = vec![VERSION];
    data.extend_from_slice(query.as_bytes());
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn key() -> CursorKey {
        CursorKey::new([7; 32])
    }

    fn position() -> ListPosition {
        ListPosition {
            partition: "2018".to_owned(),
            undated: false,
            after: Some("2018-02-01T09:41:07#abc".to_owned()),
        }
    }

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_517_486_400, 0).expect("valid")
    }

    fn token() -> String {
        seal_cursor(&key(), "q", &position(), noon()).expect("sealed")
    }

    #[test]
    fn cursor_decrypts_and_cannot_be_read_without_the_key() {
        assert_eq!(open_cursor(&key(), "q", &token(), noon()), Ok(position()));
        let bytes = BASE64URL_NOPAD.decode(token().as_bytes()).expect("base64");
        assert!(!bytes.windows(4).any(|window| window == b"2018"));
    }

    #[test]
    fn same_position_and_query_give_the_same_cursor_all_day() {
        assert_eq!(
            seal_cursor(&key(), "q", &position(), noon() + TimeDelta::hours(11)),
            Some(token())
        );
        assert_ne!(seal_cursor(&key(), "r", &position(), noon()), Some(token()));
    }

    #[test]
    fn cursor_with_a_flipped_bit_is_refused() {
        let bytes = BASE64URL_NOPAD.decode(token().as_bytes()).expect("base64");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let token = BASE64URL_NOPAD.encode(&flipped);
            assert_eq!(
                open_cursor(&key(), "q", &token, noon()),
                Err(CursorError::Invalid),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn truncated_cursor_and_other_text_are_refused() {
        let token = token();
        for end in 0..token.len() {
            assert_eq!(
                open_cursor(&key(), "q", &token[..end], noon()),
                Err(CursorError::Invalid)
            );
        }
        for text in [
            "!",
            "AQ==",
            "null",
            &"A".repeat(10_000),
            &format!("{token}A"),
            "é",
        ] {
            assert_eq!(
                open_cursor(&key(), "q", text, noon()),
                Err(CursorError::Invalid)
            );
        }
    }

    #[test]
    fn cursor_of_another_query_or_key_is_refused() {
        assert_eq!(
            open_cursor(&key(), "other", &token(), noon()),
            Err(CursorError::Invalid)
        );
        assert_eq!(
            open_cursor(&CursorKey::new([8; 32]), "q", &token(), noon()),
            Err(CursorError::Invalid)
        );
    }

    #[test]
    fn cursor_is_valid_for_a_week_and_at_most_a_day_longer() {
        let open_after = |days| open_cursor(&key(), "q", &token(), noon() + TimeDelta::days(days));
        assert_eq!(open_after(7), Ok(position()));
        assert_eq!(open_after(8), Err(CursorError::Expired));
    }

    #[test]
    fn key_is_32_bytes_of_base64() {
        assert!(
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                .parse::<CursorKey>()
                .is_ok()
        );
        assert!("AAAA".parse::<CursorKey>().is_err());
        assert_eq!(format!("{:?}", key()), "CursorKey(secret)");
    }
}
