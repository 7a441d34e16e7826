//! `photos set` records the owner's overrides of a photo. They take precedence over the file's
//! metadata, and stay when the file is read again.

use std::str::FromStr;

use anyhow::{Context, bail};
use chrono::Utc;
use clap::Args;

use super::show;
use crate::catalogue::item::{Overrides, PhotoItem};
use crate::catalogue::published::PublishTable;
use crate::catalogue::set_date::{SetDate, SetOffset};
use crate::cli::CommandStatus;
use crate::cli::catalogue_target::CatalogueTarget;
use crate::cli::flags::{PictureFlags, PrivacyFlags};
use crate::cli::output::escape_control;
use crate::cli::progress::eprint_message;
use crate::cli::session::require_location;
use crate::ingest::{self, ChangedItem};
use crate::photo_id::PhotoId;
use crate::privacy::Visibility;
use crate::publish;

/// The maximum length of a title, in bytes. Titles in files have the same limit.
const MAX_TITLE_BYTES: usize = 1024;
/// The maximum length of a caption, in characters. Captions in files have the same limit.
const MAX_CAPTION_CHARS: usize = 4_000;
/// The maximum length of an alternative text or of a keyword, in bytes. Those in files have the
/// same limit.
const MAX_LINE_BYTES: usize = 1024;

/// The arguments of `photos set`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SetArguments {
    /// Photos, by their names in the archive (2018-02-01/foobar, with or without .jpg), their
    /// ids or slugs.
    #[arg(value_name = "PHOTO", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    change: OverrideChange,
    #[command(flatten)]
    privacy: PrivacyFlags,
    #[command(flatten)]
    pictures: PictureFlags,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// The overrides to change.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct OverrideChange {
    /// Hide the photo from the public, regardless of the rules.
    #[arg(long, conflicts_with_all = ["public", "by_rules"])]
    private: bool,
    /// Show the photo to the public, regardless of the rules.
    #[arg(long, conflicts_with = "by_rules")]
    public: bool,
    /// Let the rules decide again who sees the photo.
    #[arg(long)]
    by_rules: bool,
    /// Its title. An empty title restores the one in the file.
    #[arg(long)]
    title: Option<String>,
    /// Its caption. An empty caption restores the one in the file.
    #[arg(long)]
    caption: Option<String>,
    /// The text that a page shows to people who do not see the picture. An empty text restores the
    /// one in the file.
    #[arg(long, value_name = "TEXT")]
    alt: Option<String>,
    /// Adds a keyword to those in the file. The flag may be repeated. An empty keyword takes all
    /// added keywords back.
    #[arg(long = "keyword", value_name = "TEXT", value_parser = parse_keyword)]
    keywords: Vec<Given<String>>,
    /// Removes a keyword. The flag may be repeated. An empty keyword restores all removed keywords
    /// of the file.
    #[arg(long = "remove-keyword", value_name = "TEXT", value_parser = parse_keyword)]
    removed_keywords: Vec<Given<String>>,
    /// Its date: 1985, 1985-06, 1985-06-14 or 1985-06-14T10:00:00. An empty date restores the one
    /// in the file. Its files stay in their folder.
    #[arg(long, value_name = "DATE", value_parser = parse_or_empty::<SetDate>)]
    date: Option<Given<SetDate>>,
    /// Its offset from UTC, such as +02:00. An empty offset restores the one in the file.
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true, value_parser = parse_or_empty::<SetOffset>)]
    offset: Option<Given<SetOffset>>,
}

/// The value of a flag: a value, or an empty text, which restores the value in the file.
#[derive(Debug, Clone, Copy)]
enum Given<T> {
    Set(T),
    Restore,
}

fn parse_or_empty<T: FromStr>(text: &str) -> Result<Given<T>, T::Err> {
    match text {
        "" => Ok(Given::Restore),
        text => text.parse().map(Given::Set),
    }
}

/// Parses a keyword: one line of text.
fn parse_keyword(text: &str) -> Result<Given<String>, String> {
    let keyword = text.trim();
    match keyword {
        _ if text.is_empty() => Ok(Given::Restore),
        "" => Err("a keyword must not be blank".to_owned()),
        _ if keyword.contains(char::is_control) => Err("a keyword must be one line".to_owned()),
        _ if keyword.len() > MAX_LINE_BYTES => Err(format!(
            "a keyword must have at most {MAX_LINE_BYTES} bytes; this one has {}",
            keyword.len()
        )),
        _ => Ok(Given::Set(keyword.to_owned())),
    }
}

impl<T> Given<T> {
    fn value(self) -> Option<T> {
        match self {
            Given::Set(value) => Some(value),
            Given::Restore => None,
        }
    }
}

/// Runs the command: changes the overrides of each photo. A repeat is safe. The exit status is 1 if
/// a photo does not exist.
///
/// # Errors
/// Fails if a text is too long, if a setting is wrong or missing, or if the tables cannot be
/// reached.
pub(in crate::cli) async fn run(arguments: SetArguments) -> anyhow::Result<CommandStatus> {
    let SetArguments {
        names,
        change,
        privacy,
        pictures,
        target,
    } = arguments;
    change.check_lengths()?;
    let mut given_settings = privacy.settings();
    given_settings.extend(pictures.settings());
    if target.is_elsewhere() {
        require_location(&given_settings)?;
    }
    let rules = target.item_rules(given_settings)?;
    let handle = target.connect().await?;
    let mut status = CommandStatus::Success;
    for name in names {
        let found = show::find_photo(&handle.catalogue, &name).await?;
        let id = found.as_ref().and_then(|item| PhotoId::parse(&item.id));
        let changed = match id {
            Some(id) => {
                let change = |item: &mut PhotoItem| change.apply(item);
                ingest::update_overrides(&handle.catalogue, &rules, Utc::now(), &id, change)
                    .await
                    .with_context(|| escape_control(&name))?
            }
            None => Vec::new(),
        };
        if target.is_without_stream() {
            for ChangedItem { before, after } in &changed {
                for item in before.iter().chain([after]) {
                    mark_public_month(&handle.published, item).await?;
                }
            }
        }
        match changed.into_iter().next().map(|changed| changed.after) {
            Some(item) => eprint_message(&format!(
                "{}: {}",
                escape_control(&item.stem),
                describe_visibility(&item)
            )),
            None => {
                eprint_message(&format!(
                    "there is no photo \"{}\" in the catalogue",
                    escape_control(&name)
                ));
                status = CommandStatus::PartialFailure;
            }
        }
    }
    Ok(status)
}

/// Marks as dirty the month under which a photo is published, so that publish rebuilds the month.
/// Does nothing if the photo is not public.
async fn mark_public_month(published: &PublishTable, item: &PhotoItem) -> anyhow::Result<()> {
    if let Some(month) = publish::public_month(item) {
        let marked = published.mark_dirty(&month, Utc::now()).await;
        marked.context("the photo is changed, but its month cannot be marked; run `photos recount` to publish it")?;
    }
    Ok(())
}

impl OverrideChange {
    /// Checks that the title and the alternative text have at most 1 KB, and the caption at most
    /// [`MAX_CAPTION_CHARS`] characters.
    fn check_lengths(&self) -> anyhow::Result<()> {
        let texts = [
            ("--title", &self.title, MAX_TITLE_BYTES),
            ("--alt", &self.alt, MAX_LINE_BYTES),
        ];
        for (flag, text, most) in texts {
            let bytes = text.as_ref().map_or(0, String::len);
            if bytes > most {
                bail!("{flag} must have at most {most} bytes; this one has {bytes}");
            }
        }
        let chars = self
            .caption
            .as_ref()
            .map_or(0, |caption| caption.chars().count());
        if chars > MAX_CAPTION_CHARS {
            bail!(
                "--caption must have at most {MAX_CAPTION_CHARS} characters; this one has {chars}"
            );
        }
        Ok(())
    }

    /// Changes the overrides of a photo. An override for which no flag is given does not change.
    fn apply(&self, item: &mut PhotoItem) {
        let overrides = &mut item.overrides;
        if self.private {
            overrides.visibility = Some(Visibility::Private);
        } else if self.public {
            overrides.visibility = Some(Visibility::Public);
        } else if self.by_rules {
            overrides.visibility = None;
        }
        if self.public || self.by_rules {
            // The owner has decided, so the photo is not held any more.
            item.held_for = None;
        }
        let set_text = |field: &mut Option<String>, given: &Option<String>| {
            if let Some(text) = given {
                *field = Some(text.clone()).filter(|text| !text.is_empty());
            }
        };
        if let Some(date) = self.date {
            overrides.date = date.value();
        }
        if let Some(offset) = self.offset {
            overrides.offset = offset.value();
        }
        set_text(&mut overrides.title, &self.title);
        set_text(&mut overrides.caption, &self.caption);
        set_text(&mut overrides.alt_text, &self.alt);
        self.change_keywords(overrides);
    }

    /// Changes the added and the removed keywords. What is taken back is taken back first, and
    /// removed keywords come before added ones, so the order of the flags does not matter.
    fn change_keywords(&self, overrides: &mut Overrides) {
        let is_restored = |given: &[Given<String>]| {
            let mut given = given.iter();
            given.any(|given| matches!(given, Given::Restore))
        };
        if is_restored(&self.keywords) {
            overrides.added_keywords.clear();
        }
        if is_restored(&self.removed_keywords) {
            overrides.removed_keywords.clear();
        }
        for keyword in set_values(&self.removed_keywords) {
            overrides.remove_keyword(keyword);
        }
        for keyword in set_values(&self.keywords) {
            overrides.add_keyword(keyword);
        }
    }
}

/// Returns the values that are set, without those that restore the value in the file.
fn set_values(given: &[Given<String>]) -> impl Iterator<Item = &String> {
    given.iter().filter_map(|given| match given {
        Given::Set(value) => Some(value),
        Given::Restore => None,
    })
}

/// Returns a text about the visibility of a photo, the reason for it, and the title. For example
/// `private as set, "Sunset"`.
fn describe_visibility(item: &PhotoItem) -> String {
    let visibility = if item.is_public() {
        "public"
    } else {
        "private"
    };
    let reason = match (&item.overrides.visibility, &item.held_for) {
        (Some(_), _) => "as set".to_owned(),
        (None, Some(stem)) => format!("because {} is hidden", escape_control(stem)),
        (None, None) => "by the rules".to_owned(),
    };
    let title = item
        .summary
        .as_ref()
        .and_then(|summary| summary.record.title.as_deref());
    let title = title.map_or(String::new(), |title| {
        format!(", \"{}\"", escape_control(title))
    });
    format!("{visibility} {reason}{title}")
}
