//! The albums of the site, and the queries of the term index that find their photos. Gallery and
//! publish use it, so both show the same albums with the same photos.

use std::collections::BTreeSet;

use crate::catalogue::album::{Album, AlbumContent, AlbumOrder, add_folder_albums};
use crate::catalogue::album_folders::AlbumFolders;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::privacy::Visibility;
use crate::term_index::{IndexPart, IndexQuery, TermKind};

/// The query that finds the photos of an album.
#[derive(Debug)]
pub(crate) struct AlbumQuery {
    pub(crate) query: IndexQuery,
    /// The present stems of a list in the owner's order, if the album has this order.
    pub(crate) listed: Option<Vec<String>>,
}

/// Returns the names of all folders of uploads that are albums, by these parts of the term index.
/// Returns none if the setting is off now. The photos still have the names of an earlier setting
/// until they are indexed again.
pub(crate) fn find_folder_names<'a>(
    folders: &AlbumFolders,
    index: impl IntoIterator<Item = &'a IndexPart>,
) -> BTreeSet<String> {
    if folders.is_empty() {
        return BTreeSet::new();
    }
    let parts = index.into_iter();
    let names = parts.flat_map(|part| part.named_terms(TermKind::Folder));
    names.map(|(_, name, _)| name.to_owned()).collect()
}

/// Returns the public albums: those of the owner, and the folders of uploads with these names. They
/// are sorted by title.
pub(crate) fn select_public_albums(owned: Vec<Album>, folders: &BTreeSet<String>) -> Vec<Album> {
    let mut albums = add_folder_albums(owned, folders.iter().map(String::as_str));
    albums.retain(|album| album.visibility == Visibility::Public);
    albums
}

/// Returns the query that finds the photos of an album. If photos of a list were moved, reads the
/// items of these photos. `index` are the parts of the term index of all months.
///
/// # Errors
/// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
pub(crate) async fn find_album_query(
    catalogue: &Catalogue,
    index: &[&IndexPart],
    album: &Album,
) -> Result<AlbumQuery, CatalogueError> {
    match &album.content {
        AlbumContent::Rule(rule) => Ok(AlbumQuery {
            query: IndexQuery::of_rule(rule),
            listed: None,
        }),
        AlbumContent::List(stems) => {
            let stems = find_present_stems(catalogue, index, stems).await?;
            Ok(AlbumQuery {
                query: stems_query(&stems),
                listed: (album.order == AlbumOrder::Listed).then_some(stems),
            })
        }
    }
}

/// Returns the present stems of a list. Most of them are in the index. Only for the others, which
/// are private, removed or moved, the items are read.
async fn find_present_stems(
    catalogue: &Catalogue,
    index: &[&IndexPart],
    stems: &[String],
) -> Result<Vec<String>, CatalogueError> {
    let query = stems_query(stems);
    let rows = |part: &'_ &IndexPart| query.matching_rows(part);
    let known = index
        .iter()
        .flat_map(|part| rows(part).into_iter().map(|row| part.row(row).stem));
    let known: BTreeSet<&str> = known.collect();
    let is_unknown = |stem: &&String| !known.contains(stem.as_str());
    let unknown: Vec<String> = stems.iter().filter(is_unknown).cloned().collect();
    let mut found = catalogue.present_stems(&unknown).await?.into_iter();
    let mut shown = BTreeSet::new();
    let mut present = Vec::with_capacity(stems.len());
    for stem in stems {
        let stem = match known.contains(stem.as_str()) {
            true => Some(stem.clone()),
            false => found.next().flatten(),
        };
        present.extend(stem.filter(|stem| shown.insert(stem.clone())));
    }
    Ok(present)
}

/// Returns the query for the photos with these stems.
fn stems_query(stems: &[String]) -> IndexQuery {
    IndexQuery {
        stems: Some(stems.iter().cloned().collect()),
        ..IndexQuery::default()
    }
}
