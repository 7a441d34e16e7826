//! Compares the lists of the gallery with a model, a sorted vector of photos. Generated cases use
//! any filter, order, limit and paging. Photos are added between pages.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::fixture::{GalleryFixture, Shot};

const CAMERAS: [&str; 3] = ["canon-eos-r6", "nikon-d750", "sony-a7"];
const LENSES: [&str; 2] = ["35mm", "50mm"];

/// A generated request for a list. The model computes the expected photos from the fields of the
/// request.
#[derive(Debug, Clone)]
struct ListCase {
    from: Option<String>,
    to: Option<String>,
    camera: Option<&'static str>,
    lens: Option<&'static str>,
    oldest: bool,
    limit: usize,
}

/// Generates capture times. They have only a few different years, days and seconds, so that many
/// photos share them.
fn time() -> impl Strategy<Value = String> {
    (
        2016..2019_u32,
        1..3_u32,
        1..4_u32,
        0..3_u32,
        prop_oneof![Just(""), Just(".120")],
    )
        .prop_map(|(year, month, day, second, sub_second)| {
            format!("{year}-{month:02}-{day:02}T10:00:{second:02}{sub_second}")
        })
}

/// Generates capture times. Some are known only to the year, the month or the day.
fn local() -> impl Strategy<Value = String> {
    let known = prop_oneof![6 => Just(23), 1 => Just(4), 1 => Just(7), 1 => Just(10)];
    (time(), known).prop_map(|(time, known)| time[..time.len().min(known)].to_owned())
}

fn shots(most: usize) -> impl Strategy<Value = Vec<Shot>> {
    let shot = (
        option::weighted(0.85, local()),
        option::of(prop::sample::select(&CAMERAS[..])),
        option::of(prop::sample::select(&LENSES[..])),
        prop::bool::weighted(0.1),
    );
    vec(shot, 0..most).prop_map(|shots| {
        let shot =
            |(local, camera, lens, private): (Option<String>, Option<&str>, Option<&str>, bool)| {
                Shot {
                    local,
                    camera: camera.map(str::to_owned),
                    lens: lens.map(str::to_owned),
                    private,
                    ..Shot::default()
                }
            };
        shots.into_iter().map(shot).collect()
    })
}

fn list_case() -> impl Strategy<Value = ListCase> {
    // A bound is a day or a time.
    let bound = || {
        option::of((time(), any::<bool>()).prop_map(|(local, day)| {
            if day {
                local[..10].to_owned()
            } else {
                local[..19].to_owned()
            }
        }))
    };
    (
        bound(),
        bound(),
        option::of(prop::sample::select(&CAMERAS[..])),
        option::of(prop::sample::select(&LENSES[..])),
        any::<bool>(),
        1..8_usize,
    )
        .prop_filter("from is not after to", |(from, to, ..)| match (from, to) {
            (Some(from), Some(to)) => from <= to || from.starts_with(to.as_str()),
            _ => true,
        })
        .prop_map(|(from, to, camera, lens, oldest, limit)| ListCase {
            from,
            to,
            // No index of the table has both. tests/it/publish/list_oracle.rs covers it.
            lens: lens.filter(|_| camera.is_none()),
            camera,
            oldest,
            limit,
        })
}

impl ListCase {
    fn path(&self) -> String {
        let mut path = format!("/v1/photos?limit={}", self.limit);
        let order = self.oldest.then_some("oldest");
        let pairs = [
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("camera", self.camera),
            ("lens", self.lens),
            ("order", order),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                path += &format!("&{name}={value}");
            }
        }
        path
    }

    fn admits(&self, shot: &Shot) -> bool {
        let is = |slug: &Option<String>, wanted: Option<&str>| {
            wanted.is_none() || slug.as_deref() == wanted
        };
        let is_in_range = match &shot.start() {
            None => self.from.is_none() && self.to.is_none(),
            Some(local) => {
                self.from.as_ref().is_none_or(|from| from <= local)
                    // The last day or second is included as a whole.
                    && self.to.as_ref().is_none_or(|to| local <= to || local.starts_with(to.as_str()))
            }
        };
        !shot.private && is_in_range && is(&shot.camera, self.camera) && is(&shot.lens, self.lens)
    }

    /// Returns the names of those `shots` that the list must contain, in the order of the list.
    fn expected(&self, shots: &[Shot]) -> Vec<String> {
        let mut dated: Vec<(String, String)> = Vec::new();
        let mut undated: Vec<String> = Vec::new();
        for shot in shots.iter().filter(|shot| self.admits(shot)) {
            match shot.start() {
                Some(start) => dated.push((start, shot.name.clone())),
                None => undated.push(shot.name.clone()),
            }
        }
        dated.sort();
        if !self.oldest {
            dated.reverse();
        }
        undated.sort();
        let dated = dated.into_iter().map(|(_, name)| name);
        dated.chain(undated).collect()
    }
}

fn named(mut shots: Vec<Shot>, prefix: &str) -> Vec<Shot> {
    for (n, shot) in shots.iter_mut().enumerate() {
        shot.name = format!("{prefix}{n:03}");
    }
    shots
}

async fn check(
    before: Vec<Shot>,
    later: Vec<Shot>,
    cases: Vec<ListCase>,
) -> Result<(), TestCaseError> {
    let fixture = GalleryFixture::new().await;
    for shot in &before {
        fixture.add(shot).await;
    }
    for case in &cases {
        let names = fixture.names(&case.path()).await;
        prop_assert_eq!(names, case.expected(&before), "{}", case.path());
    }
    // The first case is repeated, and a photo is added after each page.
    let Some(case) = cases.first() else {
        return Ok(());
    };
    let (mut names, mut added, mut cursor) = (Vec::new(), Vec::new(), None::<String>);
    let mut waiting = later.into_iter();
    loop {
        let cursor_of = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let page = fixture.json(&format!("{}{cursor_of}", case.path())).await;
        let items = page["items"].as_array().unwrap();
        prop_assert!(items.len() <= case.limit);
        names.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursor = Some(next.to_owned());
        if let Some(shot) = waiting.next() {
            fixture.add(&shot).await;
            added.push(shot);
        }
    }
    let distinct: BTreeSet<&String> = names.iter().collect();
    prop_assert_eq!(
        distinct.len(),
        names.len(),
        "a photo is shown twice: {:?}",
        names
    );
    let new: BTreeSet<String> = case.expected(&added).into_iter().collect();
    names.retain(|name| !new.contains(name));
    prop_assert_eq!(
        names,
        case.expected(&before),
        "a photo that existed before is skipped"
    );
    Ok(())
}

#[test]
fn lists_equal_a_sorted_vector() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 32,
        failure_persistence: None,
        ..Config::default()
    };
    let strategy = (shots(40), shots(12), vec(list_case(), 1..6));
    let outcome = TestRunner::new(config).run(&strategy, |(before, later, cases)| {
        runtime.block_on(check(named(before, "A"), named(later, "B"), cases))
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
