//! The rules by which items are derived. Pure.

use crate::catalogue::album_folders::AlbumFolders;
use crate::pictures::PictureRecipe;
use crate::privacy::{LocationPolicy, Privacy};

/// The rules by which the summary, the index keys and the picture plan of a photo are derived.
#[derive(Debug, Clone, Default)]
pub struct ItemRules {
    /// The rules about which photos and positions are public.
    pub privacy: Privacy,
    /// The recipe of the pictures. `None` if no pictures are made.
    pub recipe: Option<PictureRecipe>,
    /// The folders of uploads that are albums.
    pub album_folders: AlbumFolders,
}

impl From<Privacy> for ItemRules {
    /// Returns rules with which no pictures are made, and no folder is an album.
    fn from(privacy: Privacy) -> Self {
        ItemRules {
            privacy,
            ..ItemRules::default()
        }
    }
}

impl From<LocationPolicy> for ItemRules {
    /// Returns rules with which all photos are public, and no pictures are made.
    fn from(policy: LocationPolicy) -> Self {
        Privacy::from(policy).into()
    }
}
