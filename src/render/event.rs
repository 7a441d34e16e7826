//! The events of render: records of the photos table's stream. Pure.
//!
//! Stream records have the form in which Lambda receives them:
//! `{"Records":[{"dynamodb":{"SequenceNumber":…,"NewImage":…}}]}`, with attributes in DynamoDB's own
//! JSON. Source: Lambda Developer Guide, "Using Lambda with Amazon DynamoDB".

use serde_json::Value;

use crate::catalogue::item::PhotoItem;
use crate::photo_id::PhotoId;
use crate::pictures::{PictureSet, RenderOutcome, WantedPictures};

/// A photo that may need work, and what the names of its pictures are made of. If the plan has changed
/// since then, an interrupted attempt may have left pictures with these names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureEvent {
    /// The id of the photo.
    pub id: PhotoId,
    /// The epoch and the wanted pictures of the plan, if it wanted any.
    pub planned: Option<(u64, WantedPictures)>,
    /// The token of the pictures that the item named.
    pub stored_token: Option<String>,
    /// The sequence number of the stream record. It is empty for an event of another source.
    pub sequence: String,
}

impl PictureEvent {
    /// Returns an event for a photo that may need work. Returns `None` if render has nothing to do for
    /// it, or if the id of the item is malformed.
    pub fn of_item(item: &PhotoItem) -> Option<Self> {
        item.picture_work_due.as_ref()?;
        let plan = item.picture_plan.as_ref();
        let stored = item.renditions.as_ref().map(|made| &made.outcome);
        Some(PictureEvent {
            id: PhotoId::parse(&item.id)?,
            planned: plan.and_then(|plan| Some((plan.epoch, plan.wanted.clone()?))),
            stored_token: match stored {
                Some(RenderOutcome::Made(PictureSet { token, .. })) => Some(token.clone()),
                _ => None,
            },
            sequence: String::new(),
        })
    }
}

/// Returns the events of those records whose photo needs work.
pub fn picture_events(event: &Value) -> Vec<PictureEvent> {
    let records = event.get("Records").and_then(Value::as_array);
    records
        .into_iter()
        .flatten()
        .filter_map(parse_record)
        .collect()
}

fn parse_record(record: &Value) -> Option<PictureEvent> {
    let image = record.pointer("/dynamodb/NewImage")?;
    let text = |pointer: &str| {
        let value = image.pointer(pointer).and_then(Value::as_str);
        value.map(str::to_owned)
    };
    text("/pictureWork/S")?;
    let sequence = record.pointer("/dynamodb/SequenceNumber");
    let planned = || {
        let wanted = WantedPictures {
            part: text("/picturePlan/M/wanted/M/part/S")?,
            etag: text("/picturePlan/M/wanted/M/etag/S")?,
            recipe: text("/picturePlan/M/wanted/M/recipe/S")?.parse().ok()?,
            rights: text("/picturePlan/M/wanted/M/rights/S"),
        };
        Some((text("/picturePlan/M/epoch/N")?.parse().ok()?, wanted))
    };
    Some(PictureEvent {
        id: PhotoId::parse(&text("/id/S")?)?,
        planned: planned(),
        stored_token: text("/renditions/M/made/M/token/S"),
        sequence: sequence
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(work: Option<&str>) -> Value {
        let id = PhotoId::from_stem("2018-02-01/foobar");
        let mut image = json!({
            "id": { "S": id.as_str() },
            "picturePlan": { "M": {
                "epoch": { "N": "3" },
                "wanted": { "M": {
                    "part": { "S": "JPG" },
                    "etag": { "S": "e1" },
                    "recipe": { "S": "320,640;q76;v1" },
                } },
            } },
            "renditions": { "M": { "made": { "M": { "token": { "S": "old" } } } } },
        });
        if let Some(work) = work {
            image["pictureWork"] = json!({ "S": work });
        }
        json!({ "dynamodb": { "SequenceNumber": "17", "NewImage": image } })
    }

    #[test]
    fn record_of_a_photo_that_needs_work_is_an_event() {
        let events = picture_events(&json!({ "Records": [record(None), record(Some("due"))] }));
        let [event] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(event.sequence, "17");
        assert_eq!(event.stored_token.as_deref(), Some("old"));
        let (epoch, wanted) = event.planned.as_ref().expect("a plan");
        assert_eq!((*epoch, wanted.etag.as_str()), (3, "e1"));
        assert_eq!(wanted.recipe.to_string(), "320,640;q76;v1");
    }

    #[test]
    fn event_of_another_shape_has_no_photo() {
        for event in [json!({}), json!([]), json!({ "Records": [{}, 1] })] {
            assert_eq!(picture_events(&event), []);
        }
    }
}
