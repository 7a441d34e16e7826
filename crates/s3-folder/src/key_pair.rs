//! The key pair of the store's one user.

/// The access key and the secret key with which clients must sign their requests.
///
/// ```
/// use s3_folder::KeyPair;
///
/// let key_pair = KeyPair::new("local", "local-secret");
/// assert_eq!(key_pair.access_key, "local");
/// ```
#[derive(Clone)]
pub struct KeyPair {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: String,
}

impl KeyPair {
    /// Returns the key pair of these two keys.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        KeyPair {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
        }
    }
}
