//! `photos album` manages the albums of the owner.

mod change;
mod report;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args, Subcommand};

use self::change::{AlbumChange, find_photos, put_new_album, update_album};
use self::report::{print_album, print_albums};
use crate::catalogue::album::{Album, AlbumContent, AlbumOrder, AlbumRule};
use crate::cli::CommandStatus;
use crate::cli::catalogue_target::{CatalogueHandle, CatalogueTarget};
use crate::cli::output::escape_control;
use crate::cli::progress::eprint_message;
use crate::privacy::Visibility;
use photo_metadata::make_slug;

/// The arguments of `photos album`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AlbumArguments {
    #[command(subcommand)]
    command: AlbumCommand,
}

/// The subcommands of `photos album`.
#[derive(Debug, Subcommand)]
enum AlbumCommand {
    /// Add an album: the photos that fulfil all conditions, or a list of photos.
    Add(AlbumAddArguments),
    /// Change an album.
    Set(AlbumSetArguments),
    /// Delete an album. Its photos stay.
    Rm(AlbumRmArguments),
    /// List the albums.
    List(AlbumListArguments),
    /// Show an album and the photos of its list.
    Show(AlbumShowArguments),
}

/// The arguments of `photos album add`.
#[derive(Debug, Args)]
struct AlbumAddArguments {
    /// Its title. The slug is made from it: "Japan 2026" has the slug japan-2026.
    #[arg(value_name = "TITLE")]
    title: String,
    /// The photos of the album in their order, by their names in the archive (2018-02-01/foobar,
    /// with or without .jpg) or their ids.
    #[arg(value_name = "PHOTO", required_unless_present = RULE, conflicts_with = RULE)]
    photos: Vec<String>,
    #[command(flatten)]
    rule: RuleFlags,
    #[command(flatten)]
    details: AlbumDetails,
    /// Hide the album from the public. Its photos stay as they are.
    #[arg(long)]
    private: bool,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// The arguments of `photos album set`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("change").required(true).multiple(true).args([
    "title", "description", "cover", "order", "private", "public", "add", "remove",
    "keyword", "camera", "lens", "place", "rating", "from", "to", "folder",
])))]
struct AlbumSetArguments {
    /// An album, by its slug.
    #[arg(value_name = "SLUG")]
    slug: String,
    /// Its title. The slug stays.
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    details: AlbumDetails,
    /// Hide the album from the public. Its photos stay as they are.
    #[arg(long, conflicts_with = "public")]
    private: bool,
    /// Show the album to the public.
    #[arg(long)]
    public: bool,
    /// Photos to add at the end of the list.
    #[arg(long, value_name = "PHOTO", num_args = 1..)]
    add: Vec<String>,
    /// Photos to remove from the list.
    #[arg(long, value_name = "PHOTO", num_args = 1..)]
    remove: Vec<String>,
    #[command(flatten)]
    rule: RuleFlags,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// The arguments of `photos album rm`.
#[derive(Debug, Args)]
struct AlbumRmArguments {
    /// An album, by its slug.
    #[arg(value_name = "SLUG")]
    slug: String,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// The arguments of `photos album list`.
#[derive(Debug, Args)]
struct AlbumListArguments {
    /// Print one line of JSON for each album.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// The arguments of `photos album show`.
#[derive(Debug, Args)]
struct AlbumShowArguments {
    /// An album, by its slug.
    #[arg(value_name = "SLUG")]
    slug: String,
    /// Print the album as one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: CatalogueTarget,
}

/// The name of the group of [`RuleFlags`] in clap.
const RULE: &str = "rule";

/// The conditions of an album. An empty value removes a condition.
#[derive(Debug, Args)]
#[group(id = RULE, multiple = true)]
struct RuleFlags {
    /// Photos with this keyword.
    #[arg(long)]
    keyword: Option<String>,
    /// Photos of this camera: nikon-d750.
    #[arg(long)]
    camera: Option<String>,
    /// Photos with this lens.
    #[arg(long)]
    lens: Option<String>,
    /// Photos taken in this country, region or city.
    #[arg(long)]
    place: Option<String>,
    /// Photos with at least this number of stars, 1 to 5.
    #[arg(long, value_name = "STARS")]
    rating: Option<String>,
    /// Photos taken then or later: 2018, 2018-02, 2018-02-01 or 2018-02-01T09:41.
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Photos taken then or earlier. All of that year, month, day or minute counts.
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Photos uploaded into this folder, if --album-folders makes it an album.
    #[arg(long)]
    folder: Option<String>,
}

/// What an album has besides its title and its photos. An empty value removes a description or a
/// cover.
#[derive(Debug, Args)]
#[group(skip)]
struct AlbumDetails {
    /// Its description.
    #[arg(long)]
    description: Option<String>,
    /// The photo that is its cover.
    #[arg(long, value_name = "PHOTO")]
    cover: Option<String>,
    /// Order of its photos: newest, oldest, added or listed. Only a list can be listed [default:
    /// listed for a list, otherwise oldest].
    #[arg(long)]
    order: Option<AlbumOrder>,
}

/// Runs the subcommand of `photos album`.
///
/// # Errors
/// Fails if an album or a photo does not exist, if a value is not valid, or if the table cannot be
/// reached.
pub(in crate::cli) async fn run(arguments: AlbumArguments) -> anyhow::Result<CommandStatus> {
    match arguments.command {
        AlbumCommand::Add(arguments) => add_album(arguments).await,
        AlbumCommand::Set(arguments) => set_album(arguments).await,
        AlbumCommand::Rm(arguments) => remove_album(arguments).await,
        AlbumCommand::List(arguments) => {
            let handle = arguments.target.connect_to_read().await?;
            print_albums(&handle.catalogue, arguments.json).await
        }
        AlbumCommand::Show(arguments) => {
            let handle = arguments.target.connect_to_read().await?;
            print_album(&handle.catalogue, &arguments.slug, arguments.json).await
        }
    }
}

/// Adds an album. A repeat fails, because the album exists then.
async fn add_album(arguments: AlbumAddArguments) -> anyhow::Result<CommandStatus> {
    let mut rule = AlbumRule::default();
    arguments.rule.apply(&mut rule)?;
    let is_list = !arguments.photos.is_empty();
    let mut album = Album::new(
        &arguments.title,
        match is_list {
            true => AlbumContent::List(Vec::new()),
            false => AlbumContent::Rule(rule),
        },
    )?;
    if arguments.private {
        album.visibility = Visibility::Private;
    }
    let handle = arguments.target.connect().await?;
    arguments
        .details
        .apply(&handle.catalogue, &mut album)
        .await?;
    if is_list {
        album.content =
            AlbumContent::List(find_photos(&handle.catalogue, &arguments.photos).await?);
    }
    let written = put_new_album(&handle.catalogue, &album).await;
    request_update(&handle).await?;
    written?;
    eprint_message(&report::describe_album(&album));
    Ok(CommandStatus::Success)
}

/// Changes an album. A repeat is safe. The exit status is 1 if a photo that should be removed is
/// not in the list.
async fn set_album(arguments: AlbumSetArguments) -> anyhow::Result<CommandStatus> {
    let handle = arguments.target.connect().await?;
    let catalogue = &handle.catalogue;
    let change = AlbumChange {
        title: arguments.title,
        description: arguments.details.description.clone(),
        cover: match &arguments.details.cover {
            Some(name) => Some(change::find_cover(catalogue, name).await?),
            None => None,
        },
        order: arguments.details.order,
        visibility: match (arguments.private, arguments.public) {
            (true, _) => Some(Visibility::Private),
            (_, true) => Some(Visibility::Public),
            _ => None,
        },
        rule: arguments.rule,
        added: find_photos(catalogue, &arguments.add).await?,
        removed: change::find_listed_stems(catalogue, &arguments.remove).await?,
    };
    let updated = update_album(catalogue, &arguments.slug, &change).await;
    request_update(&handle).await?;
    let updated = updated?.with_context(|| no_album(&arguments.slug))?;
    eprint_message(&report::describe_album(&updated.album));
    for name in &updated.not_listed {
        let name = escape_control(name);
        eprint_message(&format!("{name} is not in the album"));
    }
    Ok(match updated.not_listed.is_empty() {
        true => CommandStatus::Success,
        false => CommandStatus::PartialFailure,
    })
}

/// Deletes an album. Its photos stay.
async fn remove_album(arguments: AlbumRmArguments) -> anyhow::Result<CommandStatus> {
    let handle = arguments.target.connect().await?;
    let is_deleted = handle.catalogue.delete_album(&arguments.slug).await;
    request_update(&handle).await?;
    if !is_deleted? {
        bail!(no_album(&arguments.slug));
    }
    let slug = escape_control(&arguments.slug);
    eprint_message(&format!("{slug}: deleted; its photos stay"));
    Ok(CommandStatus::Success)
}

/// Requests that the next cycle of publish updates the static files of the albums. This is also
/// called if the album was not changed: an earlier attempt may have been interrupted after its
/// change.
async fn request_update(handle: &CatalogueHandle) -> anyhow::Result<()> {
    let requested = handle.published.request_album_update().await;
    requested.context("the static files of the albums are not updated yet; repeat the command")
}

/// Returns the message for a slug without an album.
fn no_album(slug: &str) -> String {
    let slug = escape_control(slug);
    format!("there is no album \"{slug}\"; `photos album list` lists them")
}

impl RuleFlags {
    /// Changes the conditions for which a flag is given.
    ///
    /// # Errors
    /// Fails if a text has no slug, or if the rating is no number. The other values are checked
    /// when the album is written.
    fn apply(&self, rule: &mut AlbumRule) -> anyhow::Result<()> {
        for (flag, given, condition) in [
            ("keyword", &self.keyword, &mut rule.keyword),
            ("camera", &self.camera, &mut rule.camera),
            ("lens", &self.lens, &mut rule.lens),
            ("place", &self.place, &mut rule.place),
            ("folder", &self.folder, &mut rule.folder),
        ] {
            if let Some(text) = given {
                let slug = make_slug(text);
                if slug.is_empty() && !text.is_empty() {
                    bail!("--{flag} must contain a letter or a digit");
                }
                *condition = Some(slug).filter(|slug| !slug.is_empty());
            }
        }
        for (given, condition) in [(&self.from, &mut rule.from), (&self.to, &mut rule.to)] {
            if let Some(text) = given {
                *condition = Some(text.clone()).filter(|text| !text.is_empty());
            }
        }
        match self.rating.as_deref() {
            None => {}
            Some("") => rule.rating = None,
            Some(stars) => {
                let stars = stars.parse().ok();
                rule.rating = Some(stars.context("--rating must be 1 to 5 stars")?);
            }
        }
        Ok(())
    }

    /// Reports whether no flag is given.
    fn is_empty(&self) -> bool {
        let texts = [
            &self.keyword,
            &self.camera,
            &self.lens,
            &self.place,
            &self.rating,
            &self.from,
            &self.to,
            &self.folder,
        ];
        texts.into_iter().all(Option::is_none)
    }
}
