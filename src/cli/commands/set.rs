//! `photos set`: what a person says of a photo, kept whatever its file says and however often it is read anew.

use anyhow::{Context, bail};
use chrono::Utc;
use clap::Args;

use super::show;
use crate::catalogue::item::{Overrides, PhotoItem};
use crate::catalogue::published::PublishTable;
use crate::cli::CommandStatus;
use crate::cli::catalogue_target::CatalogueTarget;
use crate::cli::flags::PrivacyFlags;
use crate::cli::output::escape_control;
use crate::cli::progress::eprint_message;
use crate::cli::session::require_location;
use crate::ingest;
use crate::photo_id::PhotoId;
use crate::privacy::Visibility;
use crate::publish;

/// Longest title or caption, bytes: as long as those that are read from files.
const MAX_TEXT_BYTES: usize = 1024;

#[derive(Debug, Args)]
pub(in crate::cli) struct SetArguments {
    /// Photos by their names in the archive (2018-02-01/foobar, with or without .jpg) or their ids.
    #[arg(value_name = "PHOTO", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    privacy: PrivacyFlags,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// What is set.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// Nobody but you sees it, whatever the rules say.
    #[arg(long, conflicts_with_all = ["public", "by_rules"])]
    private: bool,
    /// Everybody sees it, whatever the rules say.
    #[arg(long, conflicts_with = "by_rules")]
    public: bool,
    /// The rules say again who sees it.
    #[arg(long)]
    by_rules: bool,
    /// Its title; empty, that of its file again.
    #[arg(long)]
    title: Option<String>,
    /// Its caption; empty, that of its file again.
    #[arg(long)]
    caption: Option<String>,
}

/// Sets it for each photo; the status is 1 where one of them is not there.
pub(in crate::cli) async fn run(arguments: SetArguments) -> anyhow::Result<CommandStatus> {
    let SetArguments {
        names,
        change,
        privacy,
        target,
    } = arguments;
    for (flag, text) in [("--title", &change.title), ("--caption", &change.caption)] {
        if text
            .as_ref()
            .is_some_and(|text| text.len() > MAX_TEXT_BYTES)
        {
            bail!("{flag} takes at most {MAX_TEXT_BYTES} bytes");
        }
    }
    let given = privacy.settings();
    if target.is_elsewhere() {
        require_location(&given)?;
    }
    let privacy = target.privacy(given)?;
    let handle = target.connect().await?;
    let mut ended = CommandStatus::Success;
    for name in names {
        let found = show::find(&handle.catalogue, &name).await?;
        let id = found.as_ref().and_then(|item| PhotoId::parse(&item.id));
        let amended = match id {
            Some(id) => {
                ingest::update_overrides(&handle.catalogue, &privacy, &id, |set| change.apply(set))
                    .await
                    .with_context(|| escape_control(&name))?
            }
            None => None,
        };
        if target.is_without_stream() {
            for item in found.iter().chain(&amended) {
                mark(&handle.published, item).await?;
            }
        }
        match amended {
            Some(item) => {
                eprint_message(&format!("{}: {}", escape_control(&item.stem), seen(&item)))
            }
            None => {
                eprint_message(&format!(
                    "there is no photo \"{}\" in the catalogue",
                    escape_control(&name)
                ));
                ended = CommandStatus::PartialFailure;
            }
        }
    }
    Ok(ended)
}

/// Has the month that shows a photo published anew.
async fn mark(published: &PublishTable, item: &PhotoItem) -> anyhow::Result<()> {
    if let Some(month) = publish::public_month(item) {
        let marked = published.mark_dirty(&month, Utc::now()).await;
        marked.context("set, but not told to publish: `photos recount` has all published anew")?;
    }
    Ok(())
}

impl Change {
    fn apply(&self, set: &mut Overrides) {
        if self.private {
            set.visibility = Some(Visibility::Private);
        } else if self.public {
            set.visibility = Some(Visibility::Public);
        } else if self.by_rules {
            set.visibility = None;
        }
        let text = |set: &mut Option<String>, said: &Option<String>| {
            if let Some(said) = said {
                *set = Some(said.clone()).filter(|said| !said.is_empty());
            }
        };
        text(&mut set.title, &self.title);
        text(&mut set.caption, &self.caption);
    }
}

fn seen(item: &PhotoItem) -> String {
    let seen = if item.is_public() {
        "public"
    } else {
        "private"
    };
    let by = if item.overrides.visibility.is_some() {
        "as set"
    } else {
        "by the rules"
    };
    let title = item
        .summary
        .as_ref()
        .and_then(|summary| summary.record.title.as_deref());
    let title = title.map_or(String::new(), |title| {
        format!(", \"{}\"", escape_control(title))
    });
    format!("{seen} {by}{title}")
}
