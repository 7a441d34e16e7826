//! The tokens in the names of pictures. Pure.

use data_encoding::{BASE32_NOPAD, BASE64};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::photo_id::PhotoId;
use crate::pictures::WantedPictures;

/// The number of characters of a token: 130 bits.
const TOKEN_CHARS: usize = 26;

/// The secret from which the names of pictures are made: 32 bytes. It is stored in the catalogue
/// ([`Catalogue::picture_secret`](crate::catalogue::Catalogue::picture_secret)). If it changes,
/// existing pictures keep their names, and new ones get names from the new key.
///
/// ```
/// use photo_catalogue::render::PictureKey;
///
/// let key: PictureKey = PictureKey::random_text()?.parse()?;
/// assert_eq!(format!("{key:?}"), "PictureKey(secret)");
/// assert!("too short".parse::<PictureKey>().is_err());
/// # Ok::<(), photo_catalogue::render::InvalidPictureKey>(())
/// ```
#[derive(Clone)]
pub struct PictureKey(hmac::Key);

/// The error for the text of a picture key that is not 32 bytes in base64, or for a system that cannot
/// provide random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the picture key is not 32 bytes in base64")]
pub struct InvalidPictureKey;

impl PictureKey {
    /// Makes a key from 32 secret random bytes.
    pub fn new(secret: [u8; 32]) -> Self {
        PictureKey(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    /// Returns the text of a new random key.
    ///
    /// # Errors
    /// Fails if the system cannot provide random bytes.
    pub fn random_text() -> Result<String, InvalidPictureKey> {
        let mut secret = [0; 32];
        let random = SystemRandom::new();
        random.fill(&mut secret).map_err(|_| InvalidPictureKey)?;
        Ok(BASE64.encode(&secret))
    }

    /// Returns the token of the pictures of a photo: 26 characters of lower-case base32. Nobody can
    /// guess it without the key. It is the same at each call with the same arguments. Any other
    /// argument gives another token.
    pub(super) fn token(&self, id: &PhotoId, epoch: u64, wanted: &WantedPictures) -> String {
        let WantedPictures {
            part,
            etag,
            recipe,
            rights,
        } = wanted;
        let text = format!("{id}\0{epoch}\0{part}\0{etag}\0{recipe}\0{rights:?}");
        let signed = hmac::sign(&self.0, text.as_bytes());
        let mut token = BASE32_NOPAD.encode(signed.as_ref()).to_ascii_lowercase();
        token.truncate(TOKEN_CHARS);
        token
    }
}

impl std::str::FromStr for PictureKey {
    type Err = InvalidPictureKey;

    /// Parses a key in standard base64 with padding.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64.decode(text.trim().as_bytes());
        let bytes = bytes.map_err(|_| InvalidPictureKey)?;
        let secret = bytes.try_into().map_err(|_| InvalidPictureKey)?;
        Ok(PictureKey::new(secret))
    }
}

impl std::fmt::Debug for PictureKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PictureKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::PictureRecipe;

    #[test]
    fn every_argument_changes_the_token() {
        let key = PictureKey::new([7; 32]);
        let wanted = WantedPictures {
            part: "JPG".to_owned(),
            etag: "e1".to_owned(),
            recipe: PictureRecipe::default(),
            rights: None,
        };
        let id = PhotoId::from_stem("2018-02-01/foobar");
        let token = key.token(&id, 1, &wanted);
        assert_eq!(token.len(), TOKEN_CHARS);
        assert_eq!(token, key.token(&id, 1, &wanted));
        let other_bytes = WantedPictures {
            etag: "e2".to_owned(),
            ..wanted.clone()
        };
        let other_rights = WantedPictures {
            rights: Some(String::new()),
            ..wanted.clone()
        };
        let others = [
            key.token(&id, 2, &wanted),
            key.token(&id, 1, &other_bytes),
            key.token(&id, 1, &other_rights),
            key.token(&PhotoId::from_stem("2018-02-01/other"), 1, &wanted),
            PictureKey::new([8; 32]).token(&id, 1, &wanted),
        ];
        assert!(others.iter().all(|other| *other != token), "{others:?}");
    }
}
