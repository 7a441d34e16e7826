//! Finds the item of a photo by a name from a URL: its slug, its stem, or the name of one of its
//! files.

use crate::archive::{NO_EXTENSION, split_file_name};
use crate::catalogue::item::PhotoItem;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::photo_id::{PhotoId, compose_letters, photo_slug};

/// The maximum length of an archive key, in bytes. No photo is found by a longer name.
const MAX_NAME_BYTES: usize = 1024;

/// Returns the item of the photo with this slug, stem or file, or `None` if there is no such photo.
/// A slug counts first: it is unique, and a person may have given a file in the archive the same
/// name.
pub(super) async fn find_by_name(
    catalogue: &Catalogue,
    name: &str,
) -> Result<Option<PhotoItem>, CatalogueError> {
    if let Some(item) = find_by_slug(catalogue, name).await? {
        return Ok(Some(item));
    }
    match find_by_file(catalogue, name).await? {
        Some((item, _)) => Ok(Some(item)),
        None => find_by_stem(catalogue, name).await,
    }
}

/// Returns the item of the photo with this slug, or `None` if there is no such photo. Sends no
/// request for a name that cannot be a slug.
async fn find_by_slug(
    catalogue: &Catalogue,
    slug: &str,
) -> Result<Option<PhotoItem>, CatalogueError> {
    let Some(id) = PhotoId::from_slug(slug).filter(|_| slug.len() <= MAX_NAME_BYTES) else {
        return Ok(None);
    };
    let item = catalogue.item(&id).await?;
    Ok(item.filter(|item| photo_slug(&item.stem) == slug))
}

/// Returns the item of the photo with this stem, or `None` if there is no such photo. The Unicode
/// form of letters does not matter.
pub(super) async fn find_by_stem(
    catalogue: &Catalogue,
    stem: &str,
) -> Result<Option<PhotoItem>, CatalogueError> {
    if stem.len() > MAX_NAME_BYTES {
        return Ok(None);
    }
    for id in PhotoId::candidates(stem) {
        let item = catalogue.item(&id).await?;
        let is_named = |item: &PhotoItem| compose_letters(&item.stem) == compose_letters(stem);
        if let Some(item) = item.filter(is_named) {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

/// Returns the item of the photo that has this file, and the name of the file's part, such as
/// `jpg`. `path` is an archive key without the archive prefix. Returns `None` if there is no such
/// file, or if it has been removed from the archive.
pub(super) async fn find_by_file(
    catalogue: &Catalogue,
    path: &str,
) -> Result<Option<(PhotoItem, String)>, CatalogueError> {
    let (stem, part) = split_path(path);
    let item = find_by_stem(catalogue, stem).await?;
    let composed = compose_letters(path);
    let has_file = |item: &PhotoItem| {
        item.parts.get(part).is_some_and(|found| {
            found.is_live() && compose_letters(&found.key).ends_with(&*composed)
        })
    };
    Ok(item.filter(has_file).map(|item| (item, part.to_owned())))
}

/// Splits a path into the stem and the name of the part, by the rule for archive keys. For example,
/// `2018-02-01/foobar.jpg` gives `2018-02-01/foobar` and `jpg`.
fn split_path(path: &str) -> (&str, &str) {
    let name = path.rsplit('/').next().unwrap_or(path);
    match split_file_name(name) {
        (_, Some(part)) => (&path[..path.len() - part.len() - 1], part),
        (_, None) => (path, NO_EXTENSION),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_split_as_in_the_archive() {
        assert_eq!(
            split_path("2018-02-01/foobar.jpg"),
            ("2018-02-01/foobar", "jpg")
        );
        assert_eq!(split_path("2018.02/a.b.CR2"), ("2018.02/a.b", "CR2"));
        for whole in [
            "2018-02-01/foobar",
            "2018.02/foobar",
            "x/.hidden",
            "x/a.",
            "",
            "x/é",
            "x/",
        ] {
            assert_eq!(split_path(whole), (whole, NO_EXTENSION));
        }
    }
}
