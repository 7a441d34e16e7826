//! Render: makes the web-size pictures of public photos, and deletes those of private ones.
//!
//! Render is level-triggered, like ingest. An event only means "this photo may need work". The work
//! on a photo has seven steps, and each may be repeated:
//!
//! 1. Read the item, with strong consistency.
//! 2. Compare the plan in the item with the renditions in it ([`PhotoItem::picture_work`]). If they
//!    agree, no picture is made.
//! 3. Read the best source of the picture from the archive: the file, or the JPEG in a RAW.
//! 4. Decode it, and encode the renditions.
//! 5. Store the pictures under names that nobody can guess.
//! 6. Write the renditions to the item, if it has not changed since step 1. If it has changed,
//!    start again.
//! 7. Delete the pictures that the item does not name any more.
//!
//! If the photo must have no pictures, they are deleted before the item is written. So a repeat
//! finds them again.
//!
//! Step 5 stores only pictures whose names follow from the event. If the plan has changed since the
//! event, the event of the change makes the pictures. So each picture that is stored belongs to an
//! event that is not done yet. If the worker dies, this event comes again, and step 7 deletes the
//! picture if the photo was hidden or edited in the meantime.
//!
//! A failure of steps 3 and 4 that a repeat cannot mend is an outcome. It is written to the item, and
//! the photo is listed without pictures.

mod comparison;
mod event;
mod picture_files;
mod picture_source;
mod token;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use photo_render::{EncodedPicture, RenderLimits, RenderRecipe, RenderedPicture, RightsNotice};
use serde_json::Value;

use crate::background::BackgroundSlots;
use crate::catalogue::item::PhotoItem;
use crate::catalogue::picture_work::PictureWork;
use crate::catalogue::{Catalogue, CatalogueError, WriteOutcome};
use crate::clock::Clock;
use crate::ingest::{IngestError, ItemRules, put_renditions, renew_pictures};
use crate::object::Bucket;
use crate::photo_id::PhotoId;
use crate::pictures::{RenderOutcome, Renditions, WantedPictures};
use crate::storage::{Storage, StorageError};

pub use comparison::{PictureComparison, PictureFault};
pub use event::{PictureEvent, picture_events};
use picture_files::PictureFiles;
use picture_source::{PictureBytes, PictureMaker};
pub use token::{InvalidPictureKey, PictureKey};

/// The maximum number of attempts for a photo. An attempt starts again if the item has changed.
const MAX_ROUNDS: usize = 8;

/// Makes and deletes the pictures of photos. A clone is cheap.
#[derive(Clone)]
pub struct Render {
    catalogue: Catalogue,
    storage: Storage,
    settings: Arc<RenderSettings>,
    background: BackgroundSlots,
    renderer: PictureRenderer,
    clock: Clock,
}

/// A function that renders a picture. It blocks its thread. The outer error means that the picture could
/// not be rendered now. The inner one is the reason why it never can be, in one line.
pub type PictureRenderer = Arc<
    dyn Fn(
            &EncodedPicture<'_>,
            &RenderRecipe,
            &RightsNotice,
        ) -> io::Result<Result<RenderedPicture, String>>
        + Send
        + Sync,
>;

/// Renders a picture in this process.
fn render_here(
    picture: &EncodedPicture<'_>,
    recipe: &RenderRecipe,
    rights: &RightsNotice,
) -> io::Result<Result<RenderedPicture, String>> {
    let rendered = photo_render::render(picture, recipe, rights, RenderLimits::default());
    Ok(rendered.map_err(|error| error.to_string()))
}

/// The settings of render.
#[derive(Clone)]
pub struct RenderSettings {
    /// The archive bucket.
    pub archive: Bucket,
    /// The bucket of the static gallery files. The pictures are in it.
    pub gallery: Bucket,
    /// The prefix of the static gallery files. It is empty or ends in `/`.
    pub prefix: String,
    /// The secret from which the names of pictures are made.
    pub key: PictureKey,
    /// The rules by which items are derived.
    pub rules: ItemRules,
    /// Makes a CDN (content delivery network) forget deleted pictures. `None` if there is no CDN.
    pub cdn: Option<CdnInvalidator>,
}

/// A function that makes a CDN forget all objects whose keys begin with these prefixes.
pub type CdnInvalidator =
    Arc<dyn Fn(Vec<String>) -> BoxFuture<'static, Result<(), CdnError>> + Send + Sync>;

/// The error of a failed request to a CDN. The text is one line.
#[derive(Debug, thiserror::Error)]
#[error("cannot invalidate the pictures in the CDN: {0}")]
pub struct CdnError(pub String);

/// The outcome of render for one photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenderReport {
    /// Nothing was left to do, or only old pictures were deleted.
    Unchanged,
    /// The pictures that the photo should have are those of a later event. Only old pictures were
    /// deleted.
    Outdated,
    /// The pictures were made. The number of files is given.
    Made(usize),
    /// The pictures cannot be made, for this reason.
    Unrendered(String),
    /// The pictures were deleted, because the photo must have none.
    Removed,
}

/// The error of render. The event must be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum RenderServiceError {
    /// A request to the store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A request to the table failed.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The item could not be written.
    #[error(transparent)]
    Item(#[from] IngestError),
    /// A request to the CDN failed.
    #[error(transparent)]
    Cdn(#[from] CdnError),
    /// The renderer failed, but not because of the picture.
    #[error("cannot render pictures now")]
    Renderer(#[source] io::Error),
    /// The item changed again and again.
    #[error("photo {0}: other writers keep changing it; try again later")]
    Busy(String),
    /// The archived file is not the one that the item describes. Ingest has not processed a change.
    #[error(
        "photo {0}: its file in the archive has changed and is not indexed yet; try again later"
    )]
    Unindexed(String),
}

impl Render {
    /// Builds the service. Sends no request.
    pub fn new(
        catalogue: Catalogue,
        storage: Storage,
        settings: RenderSettings,
        background: BackgroundSlots,
        clock: Clock,
    ) -> Self {
        Render {
            catalogue,
            storage,
            settings: Arc::new(settings),
            background,
            renderer: Arc::new(render_here),
            clock,
        }
    }

    /// Replaces the function that renders pictures.
    #[must_use]
    pub fn with_renderer(self, renderer: PictureRenderer) -> Self {
        Render { renderer, ..self }
    }

    /// Handles a batch of records of the photos table's stream, in the form in which Lambda receives
    /// them. Returns the list `batchItemFailures`. It has one entry, the first record that failed:
    /// Lambda delivers this record and all later ones again (Lambda Developer Guide, "Configuring
    /// partial batch response with DynamoDB and Lambda"). A repeat is safe.
    ///
    /// `remaining` is the time until Lambda stops the function. A record that cannot be processed in
    /// this time fails.
    pub async fn handle_event(&self, event: &Value, remaining: Duration) -> Value {
        let deadline = tokio::time::Instant::now() + remaining.saturating_sub(TIME_TO_RESPOND);
        for record in picture_events(event) {
            let work = self.process(&record.id, self.tokens(&record));
            let failure = match tokio::time::timeout_at(deadline, work).await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "out of time".to_owned(),
            };
            tracing::error!(
                photo = record.id.as_str(),
                error = failure,
                "cannot make the pictures of a photo"
            );
            return serde_json::json!({
                "batchItemFailures": [{ "itemIdentifier": record.sequence }]
            });
        }
        serde_json::json!({ "batchItemFailures": [] })
    }

    /// Returns the tokens of the pictures that may exist at the time of an event: those that the item
    /// names, and those that an interrupted attempt may have stored.
    pub fn tokens(&self, event: &PictureEvent) -> BTreeSet<String> {
        let planned = event.planned.as_ref();
        let planned = planned.map(|(epoch, wanted)| self.token(&event.id, *epoch, wanted));
        event.stored_token.iter().cloned().chain(planned).collect()
    }

    /// Returns the number of pictures that are made at the same time.
    pub fn slots(&self) -> usize {
        self.background.count()
    }

    /// Does the work that is left for one photo. `tokens` are those of the event ([`Render::tokens`]). If
    /// the item wants pictures with another token, they are not made: they have an event of their own.
    /// Deletes the pictures with these tokens, if the item does not name them. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if the event must be processed again.
    pub async fn process(
        &self,
        id: &PhotoId,
        tokens: BTreeSet<String>,
    ) -> Result<RenderReport, RenderServiceError> {
        let mut unnamed = tokens;
        let mut made = None;
        for _ in 0..MAX_ROUNDS {
            let Some(item) = self.catalogue.item(id).await? else {
                self.delete_pictures(&unnamed).await?;
                self.forget_pictures(&unnamed).await?;
                return Ok(RenderReport::Unchanged);
            };
            let done = match item.picture_work() {
                PictureWork::Nothing => Some(RenderReport::Unchanged),
                PictureWork::Remove(renditions) => {
                    let tokens = token_of(renditions).map(str::to_owned);
                    let tokens: BTreeSet<String> = tokens.into_iter().collect();
                    unnamed.retain(|token| !tokens.contains(token));
                    self.delete_pictures(&tokens).await?;
                    // Also if they were gone: an earlier attempt may have ended after their deletion.
                    self.forget_pictures(&tokens).await?;
                    let written = self.write_item(&item, None).await?;
                    written.then_some(RenderReport::Removed)
                }
                PictureWork::Make(wanted) => {
                    let epoch = item.picture_plan.as_ref().map_or(0, |plan| plan.epoch);
                    if unnamed.contains(&self.token(id, epoch, wanted)) {
                        let replaced = item.renditions.as_deref().and_then(token_of);
                        unnamed.extend(replaced.map(str::to_owned));
                        self.make_pictures(id, &item, epoch, wanted, &mut made)
                            .await?
                    } else {
                        Some(RenderReport::Outdated)
                    }
                }
            };
            if let Some(report) = done {
                // Reads the item again: the pictures of a photo that was hidden in the meantime must go.
                let item = self.catalogue.item(id).await?;
                self.delete_unnamed(id, item.as_ref(), unnamed).await?;
                return Ok(report);
            }
        }
        Err(RenderServiceError::Busy(id.to_string()))
    }

    /// Makes and stores the pictures that a photo should have, and writes them to its item. If `made`
    /// contains the pictures of this epoch, they are stored already. Returns `None` if the item has
    /// changed.
    async fn make_pictures(
        &self,
        id: &PhotoId,
        item: &PhotoItem,
        epoch: u64,
        wanted: &WantedPictures,
        made: &mut Option<Renditions>,
    ) -> Result<Option<RenderReport>, RenderServiceError> {
        let renditions = match made.take().filter(|made| made.epoch == epoch) {
            Some(renditions) => renditions,
            None => {
                let outcome = self.render_picture(id, item, epoch, wanted).await?;
                Renditions {
                    epoch,
                    part: wanted.part.clone(),
                    recipe: wanted.recipe.clone(),
                    outcome,
                }
            }
        };
        let report = match &renditions.outcome {
            RenderOutcome::Made(set) => RenderReport::Made(set.files.len()),
            RenderOutcome::Unrendered(reason) => RenderReport::Unrendered(reason.clone()),
        };
        let written = self.write_item(item, Some(renditions.clone())).await?;
        *made = Some(renditions);
        Ok(written.then_some(report))
    }

    /// Reads, decodes, encodes and stores the pictures of a photo (steps 3 to 5).
    async fn render_picture(
        &self,
        id: &PhotoId,
        item: &PhotoItem,
        epoch: u64,
        wanted: &WantedPictures,
    ) -> Result<RenderOutcome, RenderServiceError> {
        let maker = match PictureMaker::new(item, wanted) {
            Ok(maker) => maker,
            Err(reason) => return Ok(RenderOutcome::Unrendered(reason)),
        };
        let archive = &self.settings.archive;
        let bytes = match maker.read(&self.storage, archive).await? {
            PictureBytes::Read(bytes) => bytes,
            PictureBytes::Changed => return Err(RenderServiceError::Unindexed(id.to_string())),
        };
        let renderer = Arc::clone(&self.renderer);
        let render = move || maker.render(&bytes, &renderer);
        let rendered = self.background.run(render).await;
        let (set, files) = match rendered.map_err(RenderServiceError::Renderer)? {
            Ok(rendered) => rendered,
            Err(reason) => return Ok(RenderOutcome::Unrendered(reason)),
        };
        let set = crate::pictures::PictureSet {
            token: self.token(id, epoch, wanted),
            ..set
        };
        self.files().store(&set.token, files).await?;
        Ok(RenderOutcome::Made(set))
    }

    /// Repairs a difference that a comparison found. Makes missing pictures at once. A repeat is safe.
    ///
    /// # Errors
    /// Returns an error if a request fails, or if the photo changes again and again.
    pub async fn repair(&self, fault: &PictureFault) -> Result<(), RenderServiceError> {
        match fault {
            PictureFault::Missing(stem) => {
                let id = PhotoId::from_stem(stem);
                let rules = &self.settings.rules;
                renew_pictures(&self.catalogue, rules, (self.clock)(), &id).await?;
                self.process_present(&id).await?;
            }
            PictureFault::Unwanted(stem) => {
                self.process_present(&PhotoId::from_stem(stem)).await?;
            }
            PictureFault::Unnamed(token) => {
                let tokens = BTreeSet::from([token.clone()]);
                self.delete_pictures(&tokens).await?;
                self.forget_pictures(&tokens).await?;
            }
        }
        Ok(())
    }

    /// Does the work that is left for one photo, as after an event of its present item.
    async fn process_present(&self, id: &PhotoId) -> Result<RenderReport, RenderServiceError> {
        let item = self.catalogue.item(id).await?;
        let event = item.as_ref().and_then(PictureEvent::of_item);
        let tokens = event.map(|event| self.tokens(&event));
        self.process(id, tokens.unwrap_or_default()).await
    }

    /// Writes the renditions to an item that was read before. Returns `false` if it has changed since
    /// then.
    async fn write_item(
        &self,
        item: &PhotoItem,
        renditions: Option<Renditions>,
    ) -> Result<bool, RenderServiceError> {
        let now = (self.clock)();
        let rules = &self.settings.rules;
        let written = put_renditions(&self.catalogue, rules, now, item, renditions).await?;
        Ok(written == WriteOutcome::Written)
    }

    /// Deletes the pictures with these tokens that the item does not name, and does not want. An item
    /// never wants a token again that it does not want now.
    ///
    /// If the photo is hidden, the CDN must forget the deleted pictures. If it has new pictures, the
    /// old ones may stay in the CDN: each request to it costs money, and a photo whose RAW is rendered
    /// before its JPEG comes would need one.
    async fn delete_unnamed(
        &self,
        id: &PhotoId,
        item: Option<&PhotoItem>,
        mut tokens: BTreeSet<String>,
    ) -> Result<(), RenderServiceError> {
        if let Some(item) = item {
            if let Some(token) = item.renditions.as_deref().and_then(token_of) {
                tokens.remove(token);
            }
            if let PictureWork::Make(wanted) = item.picture_work() {
                let epoch = item.picture_plan.as_ref().map_or(0, |plan| plan.epoch);
                tokens.remove(&self.token(id, epoch, wanted));
            }
        }
        let deleted = self.delete_pictures(&tokens).await?;
        let plan = item.and_then(|item| item.picture_plan.as_ref());
        match plan.is_some_and(|plan| plan.wanted.is_some()) {
            true => Ok(()),
            false => self.forget_pictures(&deleted).await,
        }
    }

    /// Deletes all pictures with these tokens. Returns the tokens of those that existed. A repeat is
    /// safe.
    async fn delete_pictures(
        &self,
        tokens: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, RenderServiceError> {
        let files = self.files();
        let mut deleted = BTreeSet::new();
        for token in tokens {
            if files.delete(token).await? {
                deleted.insert(token.clone());
            }
        }
        Ok(deleted)
    }

    /// Makes the CDN forget all pictures with these tokens. They must be deleted already, or the CDN
    /// might load them again. A repeat is safe.
    async fn forget_pictures(&self, tokens: &BTreeSet<String>) -> Result<(), RenderServiceError> {
        match &self.settings.cdn {
            Some(invalidate) if !tokens.is_empty() => {
                let files = self.files();
                let folders = tokens.iter().map(|token| files.folder(token));
                Ok(invalidate(folders.collect()).await?)
            }
            _ => Ok(()),
        }
    }

    fn files(&self) -> PictureFiles<'_> {
        PictureFiles {
            storage: &self.storage,
            bucket: &self.settings.gallery,
            prefix: &self.settings.prefix,
        }
    }

    fn token(&self, id: &PhotoId, epoch: u64, wanted: &WantedPictures) -> String {
        self.settings.key.token(id, epoch, wanted)
    }
}

/// The time at the end of an invocation that is reserved for sending the response.
const TIME_TO_RESPOND: Duration = Duration::from_secs(1);

/// Returns the token of renditions, or `None` if no pictures were made.
fn token_of(renditions: &Renditions) -> Option<&str> {
    match &renditions.outcome {
        RenderOutcome::Made(set) => Some(&set.token),
        RenderOutcome::Unrendered(_) => None,
    }
}
