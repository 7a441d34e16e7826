//! Prints albums.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;

use super::no_album;
use crate::catalogue::Catalogue;
use crate::catalogue::album::{Album, AlbumContent, AlbumRule};
use crate::catalogue::listed_photos::AlbumPhoto;
use crate::cli::CommandStatus;
use crate::cli::output::{escape_control, json_line, stdout, table, write_table};
use crate::cli::progress::eprint_message;
use crate::privacy::Visibility;

/// Prints all albums as a table, or as one line of JSON each.
///
/// # Errors
/// Fails if an album cannot be read, or if the table fails.
pub(super) async fn print_albums(
    catalogue: &Catalogue,
    as_json: bool,
) -> anyhow::Result<CommandStatus> {
    let albums = catalogue.albums().await?;
    let mut out = stdout();
    if as_json {
        for album in &albums {
            json_line(&mut out, album)?;
        }
    } else if albums.is_empty() {
        eprint_message("no albums");
    } else {
        let mut rows = table(&["SLUG", "TITLE", "VISIBILITY", "ORDER", "PHOTOS"]);
        for album in &albums {
            rows.add_row([
                album.slug.clone(),
                escape_control(&album.title),
                visibility_text(album.visibility).to_owned(),
                album.order.to_string(),
                describe_content(&album.content),
            ]);
        }
        write_table(&mut out, &mut rows)?;
    }
    out.flush()?;
    Ok(CommandStatus::Success)
}

/// Prints one album, and the state of each photo of its list.
///
/// # Errors
/// Fails if there is no such album, if it cannot be read, or if the table fails.
pub(super) async fn print_album(
    catalogue: &Catalogue,
    slug: &str,
    as_json: bool,
) -> anyhow::Result<CommandStatus> {
    let stored = catalogue.album(slug).await?;
    let album = stored.with_context(|| no_album(slug))?.album;
    let mut out = stdout();
    if as_json {
        json_line(&mut out, &album)?;
        out.flush()?;
        return Ok(CommandStatus::Success);
    }
    let mut rows = table(&[]);
    rows.add_row(["slug", &album.slug]);
    rows.add_row(["title", &escape_control(&album.title)]);
    if let Some(description) = &album.description {
        // In a table, a second line is in the column of the values. So it does not look like a row.
        let lines: Vec<String> = description.lines().map(escape_control).collect();
        rows.add_row(["description", &lines.join("\n")]);
    }
    if let Some(cover) = &album.cover {
        rows.add_row(["cover", &escape_control(cover)]);
    }
    rows.add_row(["order", &album.order.to_string()]);
    rows.add_row(["visibility", visibility_text(album.visibility)]);
    rows.add_row(["photos", &describe_content(&album.content)]);
    write_table(&mut out, &mut rows)?;
    if let AlbumContent::List(stems) = &album.content
        && !stems.is_empty()
    {
        let photos = catalogue.listed_photos(stems).await?;
        let photos: BTreeMap<&str, &AlbumPhoto> = photos
            .iter()
            .map(|photo| (photo.listed_stem.as_str(), photo))
            .collect();
        let mut rows = table(&["PHOTO", "STATE"]);
        for stem in stems {
            let state = describe_state(stem, photos.get(stem.as_str()).copied());
            rows.add_row([escape_control(stem), state]);
        }
        writeln!(out)?;
        write_table(&mut out, &mut rows)?;
    }
    out.flush()?;
    Ok(CommandStatus::Success)
}

/// Returns one line about an album, such as `best: 3 photos` or `japan-2026: keyword japan,
/// private`.
pub(super) fn describe_album(album: &Album) -> String {
    let private = match album.visibility {
        Visibility::Public => "",
        Visibility::Private => ", private",
    };
    let content = describe_content(&album.content);
    format!("{}: {content}{private}", album.slug)
}

fn describe_content(content: &AlbumContent) -> String {
    match content {
        AlbumContent::Rule(rule) => describe_rule(rule),
        AlbumContent::List(stems) if stems.len() == 1 => "1 photo".to_owned(),
        AlbumContent::List(stems) => format!("{} photos", stems.len()),
    }
}

/// Returns the conditions of a rule, such as `keyword japan, from 2026-03`.
fn describe_rule(rule: &AlbumRule) -> String {
    let rating = rule.rating.map(|stars| format!("{stars} or more"));
    let conditions = [
        ("keyword", &rule.keyword),
        ("camera", &rule.camera),
        ("lens", &rule.lens),
        ("place", &rule.place),
        ("stars", &rating),
        ("from", &rule.from),
        ("to", &rule.to),
        ("folder", &rule.folder),
    ];
    let set = conditions
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
    let set: Vec<String> = set.collect();
    set.join(", ")
}

/// Returns the state of a photo in a list. `photo` is the photo that the stem shows, or `None` if
/// there is none, or if it comes earlier in the list.
fn describe_state(listed_stem: &str, photo: Option<&AlbumPhoto>) -> String {
    let Some(photo) = photo else {
        return "not in the catalogue, or earlier in the list".to_owned();
    };
    let visibility = visibility_text(photo.visibility);
    match photo.entry.summary.stem.as_str() {
        present if present == listed_stem => visibility.to_owned(),
        present => format!("{visibility}, now {}", escape_control(present)),
    }
}

fn visibility_text(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
    }
}
