//! `photos show` prints the whole record of one photo, including its private fields.

use std::io::Write;

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::catalogue::item::PhotoItem;
use crate::cli::CommandStatus;
use crate::cli::catalogue_target::CatalogueTarget;
use crate::cli::output::{escape_control, json_line, stdout, table, write_table};
use crate::photo_id::PhotoId;
use photo_metadata::PhotoMetadata;

/// The arguments of `photos show`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArguments {
    /// A photo, by its name in the archive (2018-02-01/foobar, with or without .jpg), its id or its
    /// slug.
    #[arg(value_name = "PHOTO")]
    name: String,
    /// Print every tag too.
    #[arg(long)]
    tags: bool,
    /// Print the record as JSON, with every tag.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// Runs the command: prints the whole record of the photo. Scans the table for its uploads.
///
/// # Errors
/// Fails if the photo does not exist, or if the tables cannot be reached.
pub(in crate::cli) async fn run(arguments: ShowArguments) -> anyhow::Result<CommandStatus> {
    let handle = arguments.target.connect_to_read().await?;
    let Some(item) = find_photo(&handle.catalogue, &arguments.name).await? else {
        bail!(
            "there is no photo \"{}\" in the catalogue",
            escape_control(&arguments.name)
        );
    };
    let uploads = handle.catalogue.uploads_of(&item).await?;
    let uploads: Vec<String> = uploads
        .iter()
        .map(|entry| entry.object.to_string())
        .collect();
    let mut out = stdout();
    if arguments.json {
        json_line(&mut out, &ShownPhoto { item, uploads })?;
    } else {
        write_record(&mut out, &item, &uploads)?;
        if arguments.tags {
            write_tags(&mut out, &item)?;
        }
    }
    out.flush()?;
    Ok(CommandStatus::Success)
}

/// Returns the item of a photo. `name` is the photo's name in the archive, with or without a file
/// extension, or its id, or its slug. The Unicode form of letters does not matter. Returns `None`
/// if there is no such photo.
pub(in crate::cli) async fn find_photo(
    catalogue: &Catalogue,
    name: &str,
) -> anyhow::Result<Option<PhotoItem>> {
    let mut ids = PhotoId::candidates(name);
    if let Some((stem, _)) = name.rsplit_once('.') {
        ids.extend(PhotoId::candidates(stem));
    }
    ids.extend(PhotoId::parse(name));
    ids.extend(PhotoId::from_slug(name));
    for id in ids {
        if let Some(item) = catalogue.item(&id).await? {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

/// A photo as `--json` prints it.
#[derive(Serialize)]
struct ShownPhoto {
    #[serde(flatten)]
    item: PhotoItem,
    /// All uploads of the photo that ingest has archived, or that have the same bytes as one of its
    /// files.
    uploads: Vec<String>,
}

/// Writes the fields, parts, uploads and warnings of a photo as a table. A field that a person set
/// has that value, and a row of its own that begins with `set.`.
fn write_record(out: &mut impl Write, item: &PhotoItem, uploads: &[String]) -> anyhow::Result<()> {
    let mut rows = table(&[]);
    rows.add_row(["stem", &escape_control(&item.stem)]);
    rows.add_row(["id", &item.id]);
    if item.has_live_photo() && !item.is_public() {
        let reason = item
            .summary
            .as_ref()
            .and_then(|summary| summary.private_reason.as_deref());
        let text = match reason {
            Some(reason) => format!("private ({})", escape_control(reason)),
            None => "private".to_owned(),
        };
        rows.add_row(["visibility", &text]);
    }
    let mut record = item.described_record();
    item.overrides.apply_to(&mut record);
    let photo = serde_json::to_value(PhotoMetadata {
        record,
        ..item.photo.clone()
    })?;
    add_fields(&mut rows, "", &photo);
    add_fields(&mut rows, "set.", &serde_json::to_value(&item.overrides)?);
    for (name, part) in &item.parts {
        let state = if !part.is_live() { ", removed" } else { "" };
        let source = part
            .source
            .as_ref()
            .map_or(String::new(), |source| format!(", from {}", source.object));
        let gap = part.labels.as_ref().and_then(|labels| labels.gap.as_ref());
        let gap = gap.map_or(String::new(), |gap| format!(", not read completely: {gap}"));
        rows.add_row([
            format!("part {}", escape_control(name)),
            escape_control(&format!(
                "{}, {} bytes{state}{source}{gap}",
                part.key, part.bytes
            )),
        ]);
    }
    for upload in uploads {
        rows.add_row(["upload", &escape_control(upload)]);
    }
    for stem in &item.kin {
        rows.add_row(["kin", &escape_control(stem)]);
    }
    for warning in &item.exif_warnings {
        rows.add_row(["warning", &escape_control(warning)]);
    }
    write_table(out, &mut rows)?;
    Ok(())
}

/// Writes one table of tags for each group of tags (IFD), and then the names of the tags whose
/// values were too long to be stored.
fn write_tags(out: &mut impl Write, item: &PhotoItem) -> anyhow::Result<()> {
    for (ifd, tags) in &item.exif {
        writeln!(out, "\n{}", escape_control(ifd))?;
        let mut rows = table(&[]);
        for (name, value) in tags {
            let mut text = format_value(&serde_json::to_value(value)?);
            if let Some(meaning) = photo_metadata::describe_value(ifd, name, value) {
                text = format!("{text}, {meaning}");
            }
            rows.add_row([escape_control(name), text]);
        }
        write_table(out, &mut rows)?;
    }
    for (tag, bytes) in &item.exif_omitted {
        writeln!(out, "{}: {bytes} bytes, not kept", escape_control(tag))?;
    }
    Ok(())
}

/// Adds a row to a table for each field of `value` that is not empty. The name in the row is
/// `prefix` and the name of the field. For a field of a nested object, the name of the object and a
/// dot come between them, such as `camera.slug`.
fn add_fields(rows: &mut comfy_table::Table, prefix: &str, value: &Value) {
    let Some(fields) = value.as_object() else {
        return;
    };
    for (name, value) in fields {
        let name = format!("{prefix}{name}");
        match value {
            Value::Null => {}
            Value::Array(list) if list.is_empty() => {}
            Value::Object(_) => add_fields(rows, &format!("{name}."), value),
            _ => {
                rows.add_row([name, format_value(value)]);
            }
        }
    }
}

/// Returns a JSON value as text for people: a text without quotes and with its line breaks, a
/// rational number as its fraction, and a list with commas between its values.
fn format_value(value: &Value) -> String {
    match value {
        // In a table, a second line is in the column of the values. So it does not look like a row.
        Value::String(text) => text
            .lines()
            .map(escape_control)
            .collect::<Vec<_>>()
            .join("\n"),
        Value::Array(list) => list.iter().map(format_value).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => match fields.get("fraction").and_then(Value::as_str) {
            Some(fraction) => escape_control(fraction),
            None => escape_control(&value.to_string()),
        },
        _ => value.to_string(),
    }
}
