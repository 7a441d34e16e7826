//! `photos list`: the gallery's own list, to its last page.

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use chrono::Utc;
use clap::Args;
use http::Request;
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use super::Ended;
use super::ask::Where;
use super::output::{harmless, json_line, stdout, table, write_table};
use crate::gallery::{self, CursorKey};
use crate::photo::LocationPolicy;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// First day or time: 2018-02-01, 2018-02-01T09:41.
    #[arg(long)]
    from: Option<String>,
    /// Last day or time, itself included.
    #[arg(long)]
    to: Option<String>,
    /// A camera's slug: nikon-d750.
    #[arg(long)]
    camera: Option<String>,
    /// A lens's slug.
    #[arg(long)]
    lens: Option<String>,
    /// newest or oldest first.
    #[arg(long)]
    order: Option<String>,
    /// At most so many photos.
    #[arg(long, short = 'n', default_value = "50")]
    limit: NonZeroUsize,
    /// A line of JSON for each photo, as the gallery lists it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whence: Where,
}

/// One page of `/v1/photos`.
#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    next: Option<String>,
}

/// Prints the photos that the public may see, with their true places.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    let asked = arguments.whence.connect().await?;
    let router = gallery::router(
        asked.catalogue.clone(),
        asked.published.clone(),
        gallery::Settings {
            location: LocationPolicy::Exact,
            photo_base_url: None,
            photo_base_url_stripped: false,
            cursor_key: CursorKey::random()?,
            cors_origins: Vec::new(),
            pictures: None,
            now: Arc::new(Utc::now),
        },
    );
    let mut out = stdout();
    let mut rows = table(&["STEM", "TAKEN", "CAMERA", "LENS", "EXPOSURE"]);
    let (mut left, mut cursor) = (arguments.limit.get(), None);
    while left > 0 {
        let page = page(&router, &arguments, left.min(200), cursor.as_deref()).await?;
        left -= page.items.len().min(left);
        for photo in &page.items {
            if arguments.json {
                json_line(&mut out, photo)?;
            } else {
                rows.add_row(row(photo));
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if !arguments.json {
        if rows.is_empty() {
            super::progress::tell("no photos");
        } else {
            write_table(&mut out, &mut rows)?;
        }
        if cursor.is_some() {
            super::progress::tell(&format!(
                "the first {}; --limit shows more",
                arguments.limit
            ));
        }
    }
    out.flush()?;
    Ok(Ended::Well)
}

async fn page(
    router: &Router,
    arguments: &Arguments,
    limit: usize,
    cursor: Option<&str>,
) -> anyhow::Result<Page> {
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
        return serde_json::from_slice(&body).context("the gallery's answer is not understood");
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or("no reason given");
    match problem["parameter"].as_str() {
        Some(parameter) => bail!("--{parameter}: {detail}"),
        None => bail!("{detail}"),
    }
}

fn row(photo: &Value) -> Vec<String> {
    let text = |value: &Value| harmless(value.as_str().unwrap_or_default());
    let exposure = &photo["exposure"];
    let mut exposed = Vec::new();
    if let Some(time) = exposure["time"].as_str() {
        exposed.push(format!("{} s", harmless(time)));
    }
    if let Some(f_number) = exposure["fNumber"].as_f64() {
        exposed.push(format!("f/{f_number}"));
    }
    if let Some(iso) = exposure["iso"].as_u64() {
        exposed.push(format!("ISO {iso}"));
    }
    if let Some(length) = exposure["focalLength"].as_f64() {
        exposed.push(format!("{length} mm"));
    }
    let taken = match (photo["takenAtLocal"].as_str(), photo["offset"].as_str()) {
        (Some(local), offset) => format!(
            "{}{}",
            local.replacen('T', " ", 1),
            offset.unwrap_or_default()
        ),
        _ => "undated".to_owned(),
    };
    vec![
        text(&photo["stem"]),
        harmless(&taken),
        text(&photo["camera"]["name"]),
        text(&photo["lens"]["name"]),
        exposed.join(" "),
    ]
}
