//! `photos list` prints the photos as the gallery lists them, from all pages, or the private
//! photos.

use std::io::Write;
use std::num::NonZeroUsize;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use clap::Args;
use futures::TryStreamExt;
use http::Request;
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use crate::archive::UNDATED;
use crate::catalogue::Catalogue;
use crate::catalogue::date_partition::DatePartition;
use crate::catalogue::query::{PhotoIndex, Segment};
use crate::cli::CommandStatus;
use crate::cli::catalogue_target::{CatalogueHandle, CatalogueTarget};
use crate::cli::output::{escape_control, json_line, stdout, table, write_table};
use crate::cli::progress::eprint_message;
use crate::cli::unread_labels::describe_unread_labels;
use crate::config::{self, Settings};
use crate::gallery::CursorKey;
use crate::privacy::Visibility;
use crate::services::{Deployment, OriginalAccess};
use crate::summary::Summary;
use photo_metadata::PartialDateTime;

/// The maximum number of photos that one query of the index returns.
const PAGE: u32 = 200;

/// The arguments of `photos list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArguments {
    /// First day or time: 2018-02-01, 2018-02-01T09:41.
    #[arg(long)]
    from: Option<String>,
    /// Last day or time, inclusive.
    #[arg(long)]
    to: Option<String>,
    /// A camera's slug: nikon-d750.
    #[arg(long)]
    camera: Option<String>,
    /// A lens's slug.
    #[arg(long)]
    lens: Option<String>,
    /// Order of the photos: newest or oldest first.
    #[arg(long)]
    order: Option<String>,
    /// List the private photos instead of the public ones.
    #[arg(long)]
    private: bool,
    /// Maximum number of photos.
    #[arg(long, short = 'n', default_value = "50")]
    limit: NonZeroUsize,
    /// Print one line of JSON for each photo, as the gallery lists it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// A response of `/v1/photos`: one page of the list.
#[derive(Deserialize)]
struct PhotoListPage {
    items: Vec<Value>,
    next: Option<String>,
}

/// Runs the command: prints the photos that the public may see, as the gallery lists them. With
/// `--private`, prints the private photos instead.
///
/// # Errors
/// Fails if a filter is wrong, or if the tables cannot be reached.
pub(in crate::cli) async fn run(arguments: ListArguments) -> anyhow::Result<CommandStatus> {
    let handle = arguments.target.connect_to_read().await?;
    let (photos, more) = if arguments.private {
        list_private(&handle.catalogue, &arguments).await?
    } else {
        list_public(&handle, &arguments).await?
    };
    let mut out = stdout();
    if arguments.json {
        for photo in &photos {
            json_line(&mut out, photo)?;
        }
    } else if photos.is_empty() {
        eprint_message("no photos");
    } else {
        let mut columns = vec!["STEM", "TAKEN", "CAMERA", "LENS", "EXPOSURE"];
        if arguments.private {
            columns.push("PRIVATE BECAUSE");
        }
        let mut rows = table(&columns);
        rows.add_rows(photos.iter().map(|photo| {
            let mut row = table_row(photo);
            if arguments.private {
                row.push(private_reason(photo));
            }
            row
        }));
        write_table(&mut out, &mut rows)?;
    }
    if arguments.private && !arguments.json {
        let rules = arguments.target.privacy(Settings::default())?.visibility;
        match describe_unread_labels(&handle.catalogue, &rules).await {
            Ok(message) => message.iter().for_each(|message| eprint_message(message)),
            // The list is complete without this count.
            Err(error) => tracing::warn!(%error, "cannot count the hidden photos"),
        }
    }
    if more && !arguments.json {
        eprint_message(&format!(
            "the first {}; --limit shows more",
            arguments.limit
        ));
    }
    out.flush()?;
    Ok(CommandStatus::Success)
}

/// Returns at most `--limit` public photos, as the gallery lists them, and whether more photos
/// match the filters.
async fn list_public(
    handle: &CatalogueHandle,
    arguments: &ListArguments,
) -> anyhow::Result<(Vec<Value>, bool)> {
    let mut settings = handle.services.settings().clone();
    settings.set(config::LOCATION, "exact");
    // The path of the pictures on the gallery's own port.
    settings.set(config::GALLERY_URL, "/gallery");
    settings.extend(arguments.target.kept_privacy()?);
    let services = handle.services.clone().with_settings(settings);
    let (deployment, originals) = (Deployment::Functions, OriginalAccess::Nobody);
    let router = services.router(deployment, originals, CursorKey::random()?)?;
    let (limit, mut photos, mut cursor) = (arguments.limit.get(), Vec::new(), None);
    while photos.len() < limit {
        let missing = (limit - photos.len()).min(200);
        let page = request_page(&router, arguments, missing, cursor.as_deref()).await?;
        photos.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok((photos, cursor.is_some()))
}

/// Returns at most `--limit` private photos with all fields of their summaries, and whether more
/// photos match the filters. Private photos are only in the index by-date. So this function reads
/// them by date, and applies the filters to each photo.
async fn list_private(
    catalogue: &Catalogue,
    arguments: &ListArguments,
) -> anyhow::Result<(Vec<Value>, bool)> {
    let descending = match arguments.order.as_deref() {
        None | Some("newest") => true,
        Some("oldest") => false,
        Some(order) => bail!("--order: \"{order}\" is neither newest nor oldest"),
    };
    let mut partitions: Vec<DatePartition> =
        catalogue.date_partitions().await?.into_iter().collect();
    partitions.retain(|partition| partition.visibility == Visibility::Private);
    if descending {
        partitions.reverse();
    }
    // Undated photos are last in both orders.
    partitions.sort_by_key(DatePartition::is_undated);
    let limit = arguments.limit.get();
    let mut photos = Vec::new();
    for partition in partitions {
        let segment = Segment {
            index: PhotoIndex::ByDate,
            partition: partition.to_string(),
            from: None,
            to: None,
            descending,
        };
        let mut pages = std::pin::pin!(catalogue.query_pages(segment, PAGE, None));
        while let Some(page) = pages.try_next().await? {
            for entry in page.entries {
                if !matches_filters(arguments, &entry.summary) {
                    continue;
                }
                if photos.len() == limit {
                    return Ok((photos, true));
                }
                photos.push(serde_json::to_value(&entry.summary)?);
            }
        }
    }
    Ok((photos, false))
}

/// Reports whether a private photo matches the filters of the arguments.
fn matches_filters(arguments: &ListArguments, summary: &Summary) -> bool {
    let ListArguments {
        from,
        to,
        camera,
        lens,
        ..
    } = arguments;
    // A date that is known in part is the start of its period, as in the gallery.
    let taken = summary.record.capture.start();
    let taken = taken.map(|start| PartialDateTime::from(start).to_string());
    let taken = taken.as_deref();
    let is_in_range = (from.is_none() && to.is_none())
        || taken.is_some_and(|taken| {
            from.as_deref().is_none_or(|from| from <= taken)
                // The last day or time is included completely.
                && to.as_deref().is_none_or(|to| taken <= to || taken.starts_with(to))
        });
    let slug_is =
        |slug: Option<&str>, wanted: &Option<String>| wanted.is_none() || slug == wanted.as_deref();
    is_in_range
        && slug_is(
            summary
                .record
                .camera
                .as_ref()
                .map(|camera| camera.slug.as_str()),
            camera,
        )
        && slug_is(
            summary.record.lens.as_ref().map(|lens| lens.slug.as_str()),
            lens,
        )
}

/// Requests one page of `/v1/photos` from the gallery's router in this process, and parses the
/// response.
///
/// # Errors
/// Fails if the gallery refuses a parameter, or if the response cannot be parsed.
async fn request_page(
    router: &Router,
    arguments: &ListArguments,
    limit: usize,
    cursor: Option<&str>,
) -> anyhow::Result<PhotoListPage> {
    let limit = limit.to_string();
    let pairs = [
        ("from", arguments.from.as_deref()),
        ("to", arguments.to.as_deref()),
        ("camera", arguments.camera.as_deref()),
        ("lens", arguments.lens.as_deref()),
        ("order", arguments.order.as_deref()),
        ("limit", Some(limit.as_str())),
        ("cursor", cursor),
    ];
    let query: Vec<String> = pairs
        .into_iter()
        .filter_map(|(name, value)| {
            Some(format!(
                "{name}={}",
                utf8_percent_encode(value?, NON_ALPHANUMERIC)
            ))
        })
        .collect();
    let request = Request::get(format!("/v1/photos?{}", query.join("&"))).body(Body::empty())?;
    let response = router.clone().oneshot(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status.is_success() {
        return serde_json::from_slice(&body).context("the gallery's answer cannot be parsed");
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or("no reason given");
    match problem["parameter"].as_str() {
        Some(parameter) => bail!("--{parameter}: {detail}"),
        None => bail!("{detail}"),
    }
}

/// Returns the reason why a photo is private, as the table prints it.
fn private_reason(photo: &Value) -> String {
    // Only a photo that an older version of the program indexed has no reason.
    escape_control(photo["privateReason"].as_str().unwrap_or("unknown"))
}

/// Returns the row of a photo in the printed table: one text for each column.
fn table_row(photo: &Value) -> Vec<String> {
    let text = |value: &Value| escape_control(value.as_str().unwrap_or_default());
    let exposure = &photo["exposure"];
    let mut exposure_parts = Vec::new();
    if let Some(time) = exposure["time"].as_str() {
        exposure_parts.push(format!("{} s", escape_control(time)));
    }
    if let Some(f_number) = exposure["fNumber"].as_f64() {
        exposure_parts.push(format!("f/{f_number}"));
    }
    if let Some(iso) = exposure["iso"].as_u64() {
        exposure_parts.push(format!("ISO {iso}"));
    }
    if let Some(length) = exposure["focalLength"].as_f64() {
        exposure_parts.push(format!("{length} mm"));
    }
    let taken = match (photo["takenAtLocal"].as_str(), photo["offset"].as_str()) {
        (Some(local), offset) => format!(
            "{}{}",
            local.replacen('T', " ", 1),
            offset.unwrap_or_default()
        ),
        _ => UNDATED.to_owned(),
    };
    vec![
        text(&photo["stem"]),
        escape_control(&taken),
        text(&photo["camera"]["name"]),
        text(&photo["lens"]["name"]),
        exposure_parts.join(" "),
    ]
}
