//! Finds the item of a photo by a name in a URL: its stem, or one of its files.

use crate::archive::{NO_EXTENSION, split_extension};
use crate::catalogue::item::PhotoItem;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::photo_id::PhotoId;

/// No archive key is longer, bytes.
const MAX_NAME_BYTES: usize = 1024;

/// The item whose stem this is.
pub(super) async fn stem(
    catalogue: &Catalogue,
    stem: &str,
) -> Result<Option<PhotoItem>, CatalogueError> {
    if stem.len() > MAX_NAME_BYTES {
        return Ok(None);
    }
    let item = catalogue.item(&PhotoId::of_stem(stem)).await?;
    Ok(item.filter(|item| item.stem == stem))
}

/// The item that has this file, an archive key below the prefix, and the name of the part. A file that is gone from
/// the archive is no longer had.
pub(super) async fn file(
    catalogue: &Catalogue,
    path: &str,
) -> Result<Option<(PhotoItem, String)>, CatalogueError> {
    let (stem, part) = split(path);
    let item = self::stem(catalogue, stem).await?;
    let has = |item: &PhotoItem| {
        item.parts
            .get(part)
            .is_some_and(|found| !found.removed && found.key.ends_with(path))
    };
    Ok(item.filter(has).map(|item| (item, part.to_owned())))
}

/// The stem and the name of the part, as the archive tells them apart.
fn split(path: &str) -> (&str, &str) {
    let name = path.rsplit('/').next().unwrap_or(path);
    match split_extension(name) {
        (_, Some(part)) => (&path[..path.len() - part.len() - 1], part),
        (_, None) => (path, NO_EXTENSION),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_apart_as_the_archive_does() {
        assert_eq!(split("2018-02-01/foobar.jpg"), ("2018-02-01/foobar", "jpg"));
        assert_eq!(split("2018.02/a.b.CR2"), ("2018.02/a.b", "CR2"));
        for whole in [
            "2018-02-01/foobar",
            "2018.02/foobar",
            "x/.hidden",
            "x/a.",
            "",
            "x/é",
            "x/",
        ] {
            assert_eq!(split(whole), (whole, NO_EXTENSION));
        }
    }
}
