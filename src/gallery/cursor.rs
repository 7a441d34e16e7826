//! Where a list goes on: sealed, bound to its query, and good for a week. Nothing of a cursor can be read or made
//! without the key, and no clock is read here.
//!
//! `base64url(version ‖ nonce ‖ AES-256-GCM(expiry ‖ position))`, with the version and the query (filters and order) as
//! associated data. The nonce is an HMAC of what is sealed: one answer always carries the same cursor, so that its ETag
//! holds, and two texts never share a nonce but by a 96-bit collision. The expiry is a whole day for the same reason.

use chrono::{DateTime, Utc};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

/// Bumped when the form or the meaning of a position changes; older cursors are then refused.
const VERSION: u8 = 1;
/// A cursor is good for this many days, and to the end of the last.
const DAYS: i64 = 7;
const SECONDS_A_DAY: i64 = 86_400;
/// No position is longer: a sort key has at most 1,024 bytes.
const MAX_TOKEN_BYTES: usize = 2048;

/// The secret that cursors are sealed with: 32 bytes, the same in every process that serves one gallery.
#[derive(Clone)]
pub struct CursorKey {
    sealing: [u8; 32],
    nonces: hmac::Key,
}

/// A key that is not 32 bytes in base64, or that the system gave no randomness for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor key is not 32 bytes in base64")]
pub struct InvalidCursorKey;

impl CursorKey {
    /// A key from 32 secret, random bytes.
    pub fn new(secret: [u8; 32]) -> Self {
        // One secret, two keys: what seals never makes nonces.
        let root = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let mut sealing = [0; 32];
        sealing.copy_from_slice(hmac::sign(&root, b"cursor sealing").as_ref());
        let nonces = hmac::Key::new(
            hmac::HMAC_SHA256,
            hmac::sign(&root, b"cursor nonces").as_ref(),
        );
        CursorKey { sealing, nonces }
    }

    /// A key for this process only: its cursors end with it.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn random() -> Result<Self, InvalidCursorKey> {
        let mut secret = [0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_| InvalidCursorKey)?;
        Ok(CursorKey::new(secret))
    }

    fn aead(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.sealing)
            .ok()
            .map(LessSafeKey::new)
    }
}

impl std::str::FromStr for CursorKey {
    type Err = InvalidCursorKey;

    /// From standard base64, padded: `openssl rand -base64 32`.
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

/// The last photo that was shown, or the segment that is next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The segment's partition.
    #[serde(rename = "p")]
    pub(crate) partition: String,
    /// Whether it is the segment of the undated photos.
    #[serde(rename = "u")]
    pub(crate) undated: bool,
    /// The sort key to go on after; from the segment's start where absent.
    #[serde(rename = "s")]
    pub(crate) after: Option<String>,
}

/// Why a cursor was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CursorError {
    /// Altered, cut, of another query, of another version or of another key.
    #[error(
        "It is not a cursor of this query (filters and order as they were). Start again without it."
    )]
    Invalid,
    /// It was right, once.
    #[error("It has expired. Start again without it.")]
    Expired,
}

/// Seals a position for a query. `None` only if the sealing itself fails, which AES-GCM does for gigabytes alone.
pub(crate) fn seal(
    key: &CursorKey,
    query: &str,
    position: &Position,
    now: DateTime<Utc>,
) -> Option<String> {
    let expires_day = now.timestamp().div_euclid(SECONDS_A_DAY) + DAYS + 1;
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
            Aad::from(associated(query)),
            &mut sealed,
        )
        .ok()?;
    let mut token = vec![VERSION];
    token.extend_from_slice(&nonce);
    token.append(&mut sealed);
    Some(BASE64URL_NOPAD.encode(&token))
}

/// Opens a cursor of this query.
///
/// # Errors
/// It is not ours as it stands, or too old.
pub(crate) fn open(
    key: &CursorKey,
    query: &str,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Position, CursorError> {
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
            Aad::from(associated(query)),
            &mut sealed,
        )
        .map_err(|_| CursorError::Invalid)?;
    let (expires_day, position): (i64, Position) =
        serde_json::from_slice(opened).map_err(|_| CursorError::Invalid)?;
    if now.timestamp() >= expires_day.saturating_mul(SECONDS_A_DAY) {
        return Err(CursorError::Expired);
    }
    Ok(position)
}

fn associated(query: &str) -> Vec<u8> {
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

    fn position() -> Position {
        Position {
            partition: "2018".to_owned(),
            undated: false,
            after: Some("2018-02-01T09:41:07#abc".to_owned()),
        }
    }

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_517_486_400, 0).expect("valid")
    }

    fn token() -> String {
        seal(&key(), "q", &position(), noon()).expect("sealed")
    }

    #[test]
    fn what_was_sealed_opens_and_nothing_of_it_can_be_read() {
        assert_eq!(open(&key(), "q", &token(), noon()), Ok(position()));
        let bytes = BASE64URL_NOPAD.decode(token().as_bytes()).expect("base64");
        assert!(!bytes.windows(4).any(|window| window == b"2018"));
    }

    #[test]
    fn one_position_of_one_query_is_one_text_all_day() {
        assert_eq!(
            seal(&key(), "q", &position(), noon() + TimeDelta::hours(11)),
            Some(token())
        );
        assert_ne!(seal(&key(), "r", &position(), noon()), Some(token()));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = BASE64URL_NOPAD.decode(token().as_bytes()).expect("base64");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let token = BASE64URL_NOPAD.encode(&flipped);
            assert_eq!(
                open(&key(), "q", &token, noon()),
                Err(CursorError::Invalid),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn every_cut_and_foreign_text_is_refused() {
        let token = token();
        for end in 0..token.len() {
            assert_eq!(
                open(&key(), "q", &token[..end], noon()),
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
            assert_eq!(open(&key(), "q", text, noon()), Err(CursorError::Invalid));
        }
    }

    #[test]
    fn another_query_and_another_key_do_not_open_it() {
        assert_eq!(
            open(&key(), "other", &token(), noon()),
            Err(CursorError::Invalid)
        );
        assert_eq!(
            open(&CursorKey::new([8; 32]), "q", &token(), noon()),
            Err(CursorError::Invalid)
        );
    }

    #[test]
    fn a_cursor_is_good_for_a_week_and_at_most_a_day_longer() {
        let open_after = |days| open(&key(), "q", &token(), noon() + TimeDelta::days(days));
        assert_eq!(open_after(7), Ok(position()));
        assert_eq!(open_after(8), Err(CursorError::Expired));
    }

    #[test]
    fn a_key_is_32_bytes_of_base64() {
        assert!(
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                .parse::<CursorKey>()
                .is_ok()
        );
        assert!("AAAA".parse::<CursorKey>().is_err());
        assert_eq!(format!("{:?}", key()), "CursorKey(secret)");
    }
}
