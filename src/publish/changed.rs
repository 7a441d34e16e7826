//! Which months a batch of the photos table's stream touches. Pure.
//!
//! Records are in the form that Lambda gets: `{"Records":[{"dynamodb":{"OldImage":…,"NewImage":…}}]}` with attributes in
//! DynamoDB's own JSON. Source: Lambda Developer Guide, "Using Lambda with Amazon DynamoDB".

use std::collections::BTreeSet;

use serde_json::Value;

use super::month::UNDATED;

/// The months in whose public view something may have changed. A change of nothing that is shown touches none.
pub(super) fn months(records: &[Value]) -> BTreeSet<String> {
    let mut months = BTreeSet::new();
    for record in records {
        let image = |name| record.pointer(&format!("/dynamodb/{name}")).and_then(shown);
        let (before, after) = (image("OldImage"), image("NewImage"));
        if before != after {
            let both = [before, after].into_iter().flatten();
            months.extend(both.map(|shown| shown.month.to_owned()));
        }
    }
    months
}

/// What the public sees of a photo's item.
#[derive(PartialEq)]
struct Shown<'a> {
    month: &'a str,
    sort: &'a str,
    summary: &'a Value,
}

/// `None` for what is not public: private photos, stubs, the ledger.
fn shown(image: &Value) -> Option<Shown<'_>> {
    let text = |attribute| image.pointer(attribute)?.as_str();
    let partition = text("/datePartition/S")?;
    let sort = text("/dateSort/S")?;
    Some(Shown {
        month: month_of(partition, sort)?,
        sort,
        summary: image.get("summary")?,
    })
}

/// `2018-02` of the partition `2018`.
fn month_of<'a>(partition: &str, sort: &'a str) -> Option<&'a str> {
    match partition {
        UNDATED => Some(UNDATED),
        year => sort.get(..7).filter(|month| month.starts_with(year)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(partition: &str, sort: &str, title: &str) -> Value {
        json!({
            "pk": { "S": "photo#abc" },
            "datePartition": { "S": partition },
            "dateSort": { "S": sort },
            "summary": { "M": { "title": { "S": title } } },
            "exifWarnings": { "L": [] },
        })
    }

    fn touched(before: Option<Value>, after: Option<Value>) -> Vec<String> {
        let mut record = json!({ "eventSource": "aws:dynamodb", "dynamodb": {} });
        for (name, image) in [("OldImage", before), ("NewImage", after)] {
            if let Some(image) = image {
                record["dynamodb"][name] = image;
            }
        }
        months(&[record]).into_iter().collect()
    }

    #[test]
    fn a_photo_that_comes_changes_moves_or_goes_touches_its_months() {
        let february = || Some(image("2018", "2018-02-01T09:41:07#abc", "a"));
        let march = || Some(image("2018", "2018-03-01T09:41:07#abc", "a"));
        assert_eq!(touched(None, february()), ["2018-02"]);
        assert_eq!(touched(february(), None), ["2018-02"]);
        assert_eq!(touched(february(), march()), ["2018-02", "2018-03"]);
        let titled = Some(image("2018", "2018-02-01T09:41:07#abc", "b"));
        assert_eq!(touched(february(), titled), ["2018-02"]);
        let undated = Some(image("undated", "undated#a#abc", "a"));
        assert_eq!(touched(undated, february()), ["2018-02", "undated"]);
    }

    #[test]
    fn what_nobody_sees_touches_nothing() {
        let public = || image("2018", "2018-02-01T09:41:07#abc", "a");
        let mut warned = public();
        warned["exifWarnings"] = json!({ "L": [{ "S": "cut short" }] });
        assert!(touched(Some(public()), Some(warned)).is_empty());
        let private = image("private#2018", "2018-02-01T09:41:07#abc", "a");
        assert!(touched(None, Some(private.clone())).is_empty());
        assert_eq!(touched(Some(public()), Some(private)), ["2018-02"]);
        let ledger = json!({ "pk": { "S": "ledger#inbox/a.jpg" } });
        assert!(touched(None, Some(ledger)).is_empty());
        assert!(months(&[json!({}), json!("text")]).is_empty());
    }
}
