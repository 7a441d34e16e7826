//! Compares lists with a model, page by page. Photos are added and removed between the pages.

use std::collections::{BTreeMap, HashSet};

use photo_catalogue::catalogue::item::PhotoItem;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::fixture::{GalleryFixture, MAX_PAGES, Shot};

/// A generated request for a list. The model computes the expected photos from the fields of the
/// request.
#[derive(Debug, Clone)]
struct ListQuery {
    from: Option<String>,
    to: Option<String>,
    camera: Option<String>,
    lens: Option<String>,
    oldest: bool,
    limit: usize,
}

impl ListQuery {
    fn path(&self) -> String {
        let mut path = format!("/v1/photos?limit={}", self.limit);
        if self.oldest {
            path += "&order=oldest";
        }
        let parameters = [
            ("from", &self.from),
            ("to", &self.to),
            ("camera", &self.camera),
            ("lens", &self.lens),
        ];
        for (name, value) in parameters {
            if let Some(value) = value {
                path += &format!("&{name}={value}");
            }
        }
        path
    }

    /// Returns `true` if the list must contain this photo. The model compares wall-clock times
    /// only, and ignores offsets from UTC.
    fn admits(&self, shot: &Shot) -> bool {
        let same = |asked: &Option<String>, have: &Option<String>| asked.is_none() || asked == have;
        let padded = |local: &str| format!("{local}{}", &".000"[..(23 - local.len()).min(4)]);
        let within = match &shot.start() {
            None => self.from.is_none() && self.to.is_none(),
            Some(local) => {
                let local = padded(local);
                let after = self.from.as_ref().is_none_or(|from| local >= *from);
                let before = self
                    .to
                    .as_ref()
                    .is_none_or(|to| local[..to.len()] <= to[..]);
                after && before
            }
        };
        !shot.private && within && same(&self.camera, &shot.camera) && same(&self.lens, &shot.lens)
    }

    /// Returns the sort key of a photo in this list. The list must be in ascending order of this
    /// key.
    fn rank(&self, item: &PhotoItem, shot: &Shot) -> (bool, Vec<u8>) {
        match &shot.start() {
            None => (true, format!("{}#{}", shot.name, item.id).into_bytes()),
            Some(local) => {
                let padding = &".000"[..(23 - local.len()).min(4)];
                let key = format!("{local}{padding}#{}#{}", shot.name, item.id).into_bytes();
                (
                    false,
                    if self.oldest {
                        key
                    } else {
                        key.iter().map(|byte| !byte).collect()
                    },
                )
            }
        }
    }
}

fn maybe(values: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        proptest::sample::select(values).prop_map(|value| Some(value.to_owned()))
    ]
}

fn shots(names: &'static str) -> impl Strategy<Value = Vec<Shot>> {
    // There are few values, so that many photos share a day and a second.
    let local = proptest::sample::select(
        &[
            "2015-12-31T23:59:59.999",
            "2016-01-01T00:00:00",
            "2016-02-29T12:00:00",
            "2018",
            "2018-02",
            "2018-02-01",
            "2018-02-01T00:00:00",
            "2018-02-01T09:41:07",
            "2018-02-01T09:41:07.001",
            "2018-02-01T09:41:07.670",
            "2018-02-01T23:59:59",
            "2018-02-02T00:00:00",
            "2018-12-31T23:59:59",
            "2019-01-01T00:00:00",
        ][..],
    );
    let local = prop_oneof![1 => Just(None), 6 => local.prop_map(|local| Some(local.to_owned()))];
    let name = proptest::string::string_regex(names).expect("a pattern");
    let shot = (
        name,
        local,
        maybe(&["nikon", "canon"]),
        maybe(&["50mm", "85mm"]),
        prop::bool::weighted(0.15),
    )
        .prop_map(|(name, local, camera, lens, private)| Shot {
            name,
            local,
            camera,
            lens,
            private,
            ..Shot::default()
        });
    proptest::collection::vec(shot, 0..40)
}

fn query() -> impl Strategy<Value = ListQuery> {
    let moments = &[
        "2016-01-01",
        "2017-06-01",
        "2018-02-01",
        "2018-02-01T09:41",
        "2018-02-01T09:41:07",
        "2018-02-01T09:41:07.670",
        "2018-02-02",
        "2019-01-01",
    ];
    let camera = maybe(&["nikon", "canon", "none"]);
    (
        maybe(moments),
        maybe(moments),
        camera,
        maybe(&["50mm", "85mm"]),
        any::<bool>(),
        1_usize..12,
    )
        .prop_filter("from is not after to", |(from, to, ..)| match (from, to) {
            (Some(from), Some(to)) => from <= to,
            _ => true,
        })
        .prop_map(|(from, to, camera, lens, oldest, limit)| ListQuery {
            from,
            to,
            // No index of the table has both. tests/it/publish/list_oracle.rs covers it.
            lens: lens.filter(|_| camera.is_none()),
            camera,
            oldest,
            limit,
        })
}

/// Reads a list page by page, and compares it with the model. The photos in `before` exist from the
/// beginning. Between the pages, the photos in `during` are added, and the last photo of some pages
/// is removed.
async fn check(before: Vec<Shot>, mut during: Vec<Shot>, query: ListQuery) {
    let fixture = GalleryFixture::new().await;
    let mut shots = BTreeMap::new();
    for shot in before {
        let item = fixture.add(&shot).await;
        shots.insert(item.id.clone(), (item, shot));
    }
    let lasting: HashSet<String> = shots.keys().cloned().collect();
    let mut seen: Vec<String> = Vec::new();
    let mut path = query.path();
    for pages in 0.. {
        assert!(pages < MAX_PAGES, "the list does not end");
        let page = fixture.json(&path).await;
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= query.limit);
        let last = items
            .last()
            .map(|item| item["id"].as_str().expect("an id").to_owned());
        seen.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().expect("an id").to_owned()),
        );
        let Some(cursor) = page["next"].as_str() else {
            break;
        };
        path = format!("{}&cursor={cursor}", query.path());
        // The last photo of the page is removed, and others are added before and after it.
        if let Some(last) = last.filter(|_| seen.len().is_multiple_of(3)) {
            fixture.delete(&shots[&last].0.pk).await;
        }
        for shot in during.split_off(during.len().saturating_sub(3)) {
            if !shots.contains_key(&shot.item().id) {
                let item = fixture.add(&shot).await;
                shots.insert(item.id.clone(), (item, shot));
            }
        }
    }
    let unique: HashSet<&String> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len(), "a photo was shown twice");
    assert!(
        seen.iter().all(|id| query.admits(&shots[id].1)),
        "a photo was shown that does not match"
    );
    let ranks: Vec<_> = seen
        .iter()
        .map(|id| query.rank(&shots[id].0, &shots[id].1))
        .collect();
    assert!(ranks.is_sorted(), "out of order: {ranks:?}");
    // The removed photos were on an earlier page.
    let missing: Vec<_> = lasting
        .iter()
        .filter(|id| query.admits(&shots[*id].1) && !unique.contains(id))
        .map(|id| shots[id].1.clone())
        .collect();
    assert!(missing.is_empty(), "never shown: {missing:?}");
}

#[test]
fn lists_equal_the_model_while_photos_come_and_go() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let config = Config {
        cases: 32,
        failure_persistence: None,
        max_shrink_iters: 64,
        ..Config::default()
    };
    let cases = (shots("[a-c0-9#]{1,3}"), shots("[d-f]{1,3}"), query());
    TestRunner::new(config)
        .run(&cases, |(before, during, query)| {
            runtime.block_on(check(before, during, query));
            Ok(())
        })
        .expect("the model holds");
}
