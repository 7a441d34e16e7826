//! What render must do for a photo: the difference between the plan in its item and its renditions.
//! Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::item::PhotoItem;
use crate::pictures::{PictureSet, RenderOutcome, Renditions, WantedPictures};

/// The maximum time for which a new photo is not listed because it has no pictures yet.
pub const PICTURE_WAIT: TimeDelta = TimeDelta::minutes(15);

/// What render must do for a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureWork<'a> {
    /// Nothing is left to do.
    Nothing,
    /// The photo must have no pictures, but it has these renditions.
    Remove(&'a Renditions),
    /// The photo must have these pictures, and has no renditions or others.
    Make(&'a WantedPictures),
}

/// The text of the attribute [`PhotoItem::picture_work_due`]. The Lambda function of render is
/// called for items with this text (terraform/render.tf).
const DUE: &str = "due";

impl PhotoItem {
    /// Returns what render must do for this photo.
    pub fn picture_work(&self) -> PictureWork<'_> {
        let plan = self.picture_plan.as_ref();
        let wanted = plan.and_then(|plan| Some((plan.epoch, plan.wanted.as_ref()?)));
        match (wanted, &self.renditions) {
            (None, None) => PictureWork::Nothing,
            (None, Some(made)) => PictureWork::Remove(made),
            (Some((epoch, _)), Some(made)) if made.epoch == epoch => PictureWork::Nothing,
            (Some((_, wanted)), _) => PictureWork::Make(wanted),
        }
    }

    /// Updates the plan, and the attribute that wakes up render. `wanted` are the pictures that the
    /// photo should have. `was_listed` is `true` if lists showed the photo until now: such a photo
    /// does not disappear until it has pictures. `now` is the present time.
    pub(crate) fn update_picture_plan(
        &mut self,
        wanted: Option<WantedPictures>,
        was_listed: bool,
        now: DateTime<Utc>,
    ) {
        let mut plan = self.picture_plan.take().unwrap_or_default();
        plan.set_wanted(wanted);
        let made = self.renditions.as_ref();
        let is_settled = plan.wanted.is_none() || made.is_some_and(|made| plan.shows(made));
        plan.awaited_until = match plan.awaited_until {
            _ if is_settled => None,
            Some(until) => Some(until),
            None if was_listed => None,
            None => Some(now + PICTURE_WAIT),
        };
        self.picture_plan = (!plan.is_empty()).then_some(plan);
        let is_due = self.picture_work() != PictureWork::Nothing;
        self.picture_work_due = is_due.then(|| DUE.to_owned());
    }

    /// Returns the pictures that lists show. Pictures of an earlier file of the photo are shown until
    /// render has made the new ones. Returns `None` if the photo has none, or if they were made
    /// before the photo was hidden.
    pub fn shown_pictures(&self) -> Option<&PictureSet> {
        let plan = self.picture_plan.as_ref()?;
        let made = self.renditions.as_ref().filter(|made| plan.shows(made))?;
        match &made.outcome {
            RenderOutcome::Made(set) => Some(set),
            RenderOutcome::Unrendered(_) => None,
        }
    }
}
