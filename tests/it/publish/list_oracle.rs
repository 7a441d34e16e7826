//! Compares the lists that the term index answers with a model, a vector of photos that is filtered
//! and sorted by the test itself. Photos change at random between the comparisons, and the events
//! of the changes repeat and overlap.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use photo_catalogue::catalogue::AlbumWrite;
use photo_catalogue::catalogue::album::{Album, AlbumContent, AlbumOrder, AlbumRule};
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::privacy::LocationPolicy;
use serde_json::Value;

use super::counts::start_gallery;
use super::fixture::{PhotoChange, PublishWorld, TestRandom};
use crate::gallery::fixture::{GalleryFixture, MAX_PAGES, Shot};

/// The number of changes in the whole test.
const CHANGES: u64 = 10_000;
/// The number of changes between two comparisons.
const CHANGES_PER_ROUND: u64 = 250;
/// The number of lists that are compared in a round.
const LISTS_PER_ROUND: u64 = 12;
/// The largest number of photos.
const PHOTOS: u64 = 150;
const KEYWORDS: [&str; 5] = [
    "Japan",
    "Places|Japan|Kyoto",
    "Night",
    "Places|Italy",
    "Été",
];
const CITIES: [(&str, &str); 3] = [("Kyoto", "Japan"), ("Rome", "Italy"), ("Paris", "France")];
const TITLES: [&str; 4] = [
    "Night train",
    "A temple in Kyoto",
    "Trains at night",
    "Été à Rome",
];
const CAMERAS: [&str; 2] = ["canon-eos-r6", "nikon-d750"];
const LENSES: [&str; 2] = ["35mm", "50mm"];
const POSITIONS: [(f64, f64); 3] = [(135.76, 35.01), (12.49, 41.89), (179.99, -17.0)];
const FOLDERS: [&str; 2] = ["Japan 2026", "Best"];

/// A filter or an order of a request, as a parameter of its query string.
type Parameter = (&'static str, String);

fn pick<T: Clone>(random: &mut TestRandom, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize].clone()
}

fn maybe<T: Clone>(random: &mut TestRandom, from: &[T]) -> Option<T> {
    let is_some = random.below(3) > 0;
    is_some.then(|| pick(random, from))
}

/// Generates the photo with this number. Its stem depends only on the number.
fn random_shot(random: &mut TestRandom, number: u64) -> Shot {
    let (year, month, day) = (2016 + number % 3, 1 + number % 2, 1 + number % 4);
    let local = match number % 10 {
        0 => None,
        1 => Some(format!("{year}")),
        2 => Some(format!("{year}-{month:02}")),
        _ => Some(format!(
            "{year}-{month:02}-{day:02}T10:00:{:02}",
            number % 5
        )),
    };
    let keywords: BTreeSet<&str> = (0..random.below(3))
        .map(|_| pick(random, &KEYWORDS))
        .collect();
    let city = maybe(random, &CITIES);
    Shot {
        name: format!("P{number:03}"),
        local,
        camera: maybe(random, &CAMERAS).map(str::to_owned),
        lens: maybe(random, &LENSES).map(str::to_owned),
        private: random.one_in(5),
        place: Some(pick(random, &POSITIONS)),
        policy: LocationPolicy::Exact,
        title: maybe(random, &TITLES).map(str::to_owned),
        keywords: keywords.into_iter().map(str::to_owned).collect(),
        rating: maybe(random, &[-1, 0, 1, 3, 5]),
        city: city.map(|(city, country)| (city.to_owned(), country.to_owned())),
        added: Some(1_700_000_000 + random.below(50) as i64),
        folders: maybe(random, &FOLDERS)
            .map(str::to_owned)
            .into_iter()
            .collect(),
    }
}

fn random_parameters(random: &mut TestRandom) -> Vec<Parameter> {
    let all: [(&'static str, &[&str]); 9] = [
        (
            "keyword",
            &["japan", "kyoto", "places", "places-japan", "ete", "none"],
        ),
        ("place", &["japan", "kyoto", "japan-kyoto", "italy-rome"]),
        ("rating", &["1", "3", "5"]),
        (
            "q",
            &["night", "trai nig", "kyo", "ETE", "nikon night", "35mm"],
        ),
        ("camera", &CAMERAS),
        ("lens", &LENSES),
        ("from", &["2017", "2016-02", "2017-01-02"]),
        ("to", &["2017", "2018-01", "2018-01-02T10:00:01"]),
        ("bbox", &["135,34,136,36", "-10,30,50,60", "170,-30,-170,0"]),
    ];
    let mut parameters: Vec<Parameter> = Vec::new();
    let album = ["rule", "list", "hidden", "japan-2026", "best"];
    for _ in 0..1 + random.below(3) {
        let (name, values) = pick(random, &all);
        if parameters.iter().all(|(other, _)| *other != name) {
            parameters.push((name, pick(random, values).to_owned()));
        }
    }
    if random.one_in(4) {
        parameters.push(("album", pick(random, &album).to_owned()));
    }
    if random.one_in(2) {
        parameters.push((
            "order",
            pick(random, &["newest", "oldest", "added"]).to_owned(),
        ));
    }
    parameters
}

/// Returns the words of a text as the model understands them.
fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('é', "e").replace('à', "a");
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn slug(text: &str) -> String {
    words(text).join("-")
}

/// Reports whether a photo is public. A rejected photo is not.
fn is_public(shot: &Shot) -> bool {
    !shot.private && shot.rating != Some(-1)
}

/// Reports whether a photo has a keyword with this slug: one of its paths or of their parts.
fn has_keyword(shot: &Shot, wanted: &str) -> bool {
    shot.keywords.iter().any(|keyword| {
        let parts: Vec<&str> = keyword.split('|').collect();
        let path = |end: usize| slug(&parts[..end].join("|"));
        (1..=parts.len()).any(|end| path(end) == wanted)
            || parts.iter().any(|part| slug(part) == wanted)
    })
}

fn has_words(shot: &Shot, query: &str) -> bool {
    let (city, country) = shot.city.clone().unwrap_or_default();
    let mut texts = vec![city, country];
    texts.extend(shot.title.clone());
    texts.extend(shot.camera.clone());
    texts.extend(shot.lens.clone());
    texts.extend(shot.keywords.iter().cloned());
    let all: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
    let begins = |start: &String| all.iter().any(|word| word.starts_with(start.as_str()));
    words(query).iter().all(begins)
}

fn is_in_box(shot: &Shot, bbox: &str) -> bool {
    let numbers: Vec<f64> = bbox
        .split(',')
        .map(|number| number.parse().unwrap())
        .collect();
    let (lon, lat) = shot.place.unwrap();
    let is_between = if numbers[0] <= numbers[2] {
        numbers[0] <= lon && lon <= numbers[2]
    } else {
        lon >= numbers[0] || lon <= numbers[2]
    };
    is_between && numbers[1] <= lat && lat <= numbers[3]
}

/// The albums of the test: a rule, a list, and a private one.
fn albums(listed: Vec<String>) -> [Album; 3] {
    let rule = AlbumRule {
        keyword: Some("japan".to_owned()),
        rating: Some(3),
        ..AlbumRule::default()
    };
    let mut list = Album::new("List", AlbumContent::List(listed)).unwrap();
    list.order = AlbumOrder::Listed;
    let mut hidden = Album::new("Hidden", AlbumContent::Rule(rule.clone())).unwrap();
    hidden.visibility = photo_catalogue::privacy::Visibility::Private;
    [
        Album::new("Rule", AlbumContent::Rule(rule)).unwrap(),
        list,
        hidden,
    ]
}

struct Model {
    shots: BTreeMap<u64, Shot>,
    /// The stems of the album `list`, in its order.
    listed: Vec<String>,
}

impl Model {
    fn matches(&self, shot: &Shot, (name, value): &Parameter) -> bool {
        let start = shot.start();
        let at_least = |stars: &str| shot.rating >= Some(stars.parse().unwrap());
        match *name {
            "keyword" => has_keyword(shot, value),
            "place" => shot.city.as_ref().is_some_and(|(city, country)| {
                let (city, country) = (slug(city), slug(country));
                [format!("{country}-{city}"), city, country].contains(value)
            }),
            "rating" => at_least(value),
            "q" => has_words(shot, value),
            "camera" => shot.camera.as_ref() == Some(value),
            "lens" => shot.lens.as_ref() == Some(value),
            "from" => start.is_some_and(|start| start >= *value),
            "to" => start.is_some_and(|start| start <= *value || start.starts_with(value.as_str())),
            "bbox" => is_in_box(shot, value),
            "album" => match value.as_str() {
                "rule" => has_keyword(shot, "japan") && at_least("3"),
                "list" => self.listed.contains(&shot.stem()),
                "hidden" => false,
                folder => shot.folders.iter().any(|name| slug(name) == folder),
            },
            _ => true,
        }
    }

    /// Returns the names of the photos of a list, in its order.
    fn expected(&self, parameters: &[Parameter]) -> Vec<String> {
        let shots = self.shots.values().filter(|shot| {
            is_public(shot)
                && parameters
                    .iter()
                    .all(|parameter| self.matches(shot, parameter))
        });
        let mut shots: Vec<&Shot> = shots.collect();
        let value = |wanted: &str| {
            let found = parameters.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let by_time = |shot: &&Shot| (shot.start(), shot.name.clone());
        let (mut dated, mut undated): (Vec<&Shot>, Vec<&Shot>) =
            shots.iter().copied().partition(|shot| shot.local.is_some());
        dated.sort_by_key(by_time);
        undated.sort_by_key(by_time);
        let order = match (value("order"), value("album")) {
            (Some(order), _) => order,
            (None, Some("list")) => "listed",
            (None, Some(_)) => "oldest",
            (None, None) => "newest",
        };
        match order {
            "newest" => dated.reverse(),
            "oldest" => {}
            "added" => {
                shots.sort_by_key(|shot| Reverse((shot.added, shot.stem())));
                return shots.iter().map(|shot| shot.name.clone()).collect();
            }
            _ => {
                let place = |shot: &&Shot| self.listed.iter().position(|stem| *stem == shot.stem());
                shots.sort_by_key(place);
                return shots.iter().map(|shot| shot.name.clone()).collect();
            }
        }
        dated
            .iter()
            .chain(&undated)
            .map(|shot| shot.name.clone())
            .collect()
    }
}

/// Changes photos at random. Returns the records of the table's stream.
async fn change_photos(
    world: &PublishWorld,
    model: &mut Model,
    random: &mut TestRandom,
    count: u64,
) -> Vec<Value> {
    let mut records = Vec::new();
    for _ in 0..count {
        let number = random.below(PHOTOS);
        let before: Option<PhotoItem> = model.shots.get(&number).map(Shot::item);
        let after = (before.is_none() || !random.one_in(4)).then(|| random_shot(random, number));
        let change = PhotoChange::new(before, after.as_ref().map(Shot::item));
        world.write(&change).await;
        records.push(change.record);
        match after {
            Some(shot) => model.shots.insert(number, shot),
            None => model.shots.remove(&number),
        };
    }
    records
}

/// Delivers records of the stream: in parts that overlap, some of them twice and in another order.
async fn deliver(world: &PublishWorld, mut records: Vec<Value>, random: &mut TestRandom) {
    world.mark(&records).await;
    let half = records.len() / 2;
    records.rotate_left(half);
    if random.one_in(2) {
        records.reverse();
    }
    world.mark(&records[..half]).await;
}

fn query_string(parameters: &[Parameter]) -> String {
    let pairs = parameters.iter().map(|(name, value)| {
        let value = value.replace(' ', "%20");
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Reports whether a list is ordered by place: it has a small box, no order, and only filters that
/// an index of the table can answer.
fn is_by_place(parameters: &[Parameter]) -> bool {
    let names: Vec<&str> = parameters.iter().map(|(name, _)| *name).collect();
    let of_table = ["bbox", "from", "to", "camera", "lens"];
    let has_small_box = parameters.iter().any(|(_, value)| value == "135,34,136,36");
    let has_both = names.contains(&"camera") && names.contains(&"lens");
    has_small_box && !has_both && names.iter().all(|name| of_table.contains(name))
}

/// Reads a list page by page. Checks that only the last page is not full.
async fn read_list(gallery: &GalleryFixture, query: &str, limit: usize) -> Vec<Value> {
    let mut photos = Vec::new();
    let mut cursor = String::new();
    for _ in 0..MAX_PAGES {
        let path = format!("/v1/photos?limit={limit}&{query}{cursor}");
        let page = gallery.json(&path).await;
        let items = page["items"]
            .as_array()
            .unwrap_or_else(|| panic!("{path} {page}"));
        photos.extend(items.iter().cloned());
        let Some(next) = page["next"].as_str() else {
            return photos;
        };
        assert_eq!(items.len(), limit, "{path}");
        cursor = format!("&cursor={next}");
    }
    panic!("{query} has too many pages");
}

fn names(photos: &[Value]) -> Vec<String> {
    photos
        .iter()
        .map(|photo| photo["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Compares the neighbours of some photos of a list with the list.
async fn check_neighbours(
    gallery: &GalleryFixture,
    query: &str,
    photos: &[Value],
    random: &mut TestRandom,
) {
    for _ in 0..photos.len().min(3) {
        let at = random.below(photos.len() as u64) as usize;
        let id = |photo: Option<&Value>| photo.map_or(Value::Null, |photo| photo["id"].clone());
        let path = format!("/v1/photos/{}?{query}", photos[at]["id"].as_str().unwrap());
        let photo = gallery.json(&path).await;
        let before = at.checked_sub(1).map(|at| &photos[at]);
        assert_eq!(id(Some(&photo["previous"])), id(before), "{path}");
        assert_eq!(id(Some(&photo["next"])), id(photos.get(at + 1)), "{path}");
    }
}

/// Compares the counts of a list with the list.
async fn check_counts(gallery: &GalleryFixture, query: &str, photos: &[Value]) {
    let sum = |items: &Value| -> u64 {
        let items = items["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["photos"].as_u64().unwrap())
            .sum()
    };
    let timeline = gallery
        .json(&format!("/v1/timeline?unit=day&{query}"))
        .await;
    let undated = timeline["undated"].as_u64().unwrap();
    assert_eq!(sum(&timeline) + undated, photos.len() as u64, "{query}");
    let cameras = gallery.json(&format!("/v1/cameras?{query}")).await;
    let with_camera = photos.iter().filter(|photo| !photo["camera"].is_null());
    assert_eq!(sum(&cameras), with_camera.count() as u64, "{query}");
    let keywords = gallery
        .json(&format!("/v1/keywords?limit=200&{query}"))
        .await;
    for keyword in keywords["items"].as_array().unwrap() {
        let slug = keyword["slug"].as_str().unwrap();
        let path: Vec<&str> = keyword["path"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part.as_str().unwrap())
            .collect();
        let path = path.join("|");
        let has = |photo: &&Value| {
            let keywords = photo["keywords"].as_array().unwrap().iter();
            let mut keywords = keywords.map(|keyword| keyword.as_str().unwrap());
            keywords.any(|keyword| keyword == path || keyword.starts_with(&format!("{path}|")))
        };
        let expected = photos.iter().filter(has).count() as u64;
        assert_eq!(
            keyword["photos"].as_u64().unwrap(),
            expected,
            "{query} {slug}"
        );
        assert!(
            expected > 0 && !keyword["cover"].is_null(),
            "{query} {slug}"
        );
    }
}

#[tokio::test]
async fn lists_equal_a_model_after_random_changes() {
    let mut random = TestRandom(2_026);
    let mut world = PublishWorld::new().await;
    let mut model = Model {
        shots: BTreeMap::new(),
        listed: (0..PHOTOS)
            .rev()
            .step_by(3)
            .map(|n| random_shot(&mut TestRandom(n), n).stem())
            .collect(),
    };
    for album in albums(model.listed.clone()) {
        let write = AlbumWrite::Create;
        world.catalogue.put_album(&album, write).await.unwrap();
    }
    let gallery = start_gallery(&world, LocationPolicy::Exact).await;
    for _ in 0..CHANGES / CHANGES_PER_ROUND {
        let records = change_photos(&world, &mut model, &mut random, CHANGES_PER_ROUND).await;
        deliver(&world, records, &mut random).await;
        world.settle().await;
        for order in ["order=newest", "order=oldest"] {
            let photos = read_list(&gallery, order, 200).await;
            check_neighbours(&gallery, order, &photos, &mut random).await;
        }
        for _ in 0..LISTS_PER_ROUND {
            let parameters = random_parameters(&mut random);
            let query = query_string(&parameters);
            let is_by_place = is_by_place(&parameters);
            let limit = 1 + random.below(40) as usize;
            let photos = read_list(&gallery, &query, limit).await;
            let mut found = names(&photos);
            let mut expected = model.expected(&parameters);
            if is_by_place {
                found.sort();
                expected.sort();
            }
            assert_eq!(found, expected, "{query} limit {limit}");
            if !is_by_place {
                check_neighbours(&gallery, &query, &photos, &mut random).await;
            }
            let filters: Vec<Parameter> = parameters
                .into_iter()
                .filter(|(name, _)| *name != "order")
                .collect();
            check_counts(&gallery, &query_string(&filters), &photos).await;
        }
    }
}

#[tokio::test]
async fn hidden_photo_is_in_no_list_at_once() {
    let mut world = PublishWorld::new().await;
    let shot = |private| Shot {
        private,
        keywords: vec!["Japan".to_owned()],
        ..Shot::new("IMG_0001", "2018-02-01T09:00:00")
    };
    let records = world.change(&[shot(false)]).await;
    world.mark(&records).await;
    world.settle().await;
    let gallery = start_gallery(&world, LocationPolicy::Exact).await;
    let routes = [
        "/v1/photos?keyword=japan",
        "/v1/photos?order=added",
        "/v1/photos/random",
        "/v1/on-this-day?date=02-01",
    ];
    for route in routes {
        let list = gallery.json(route).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{route}");
    }
    // The photo is hidden, and publish has not run yet.
    let change = PhotoChange::new(Some(shot(false).item()), Some(shot(true).item()));
    world.write(&change).await;
    for route in routes {
        let list = gallery.json(route).await;
        assert!(list["items"].as_array().unwrap().is_empty(), "{route}");
    }
    let keywords = gallery.json("/v1/keywords").await;
    assert!(keywords["items"][0]["cover"].is_null());
    world.mark(&[change.record]).await;
    world.settle().await;
    let keywords = gallery.json("/v1/keywords").await;
    assert!(keywords["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn index_of_other_privacy_rules_is_not_used() {
    let mut world = PublishWorld::new().await;
    let shot = Shot {
        city: Some(("Kyoto".to_owned(), "Japan".to_owned())),
        ..Shot::new("IMG_0001", "2018-02-01T09:00:00")
    };
    let records = world.change(&[shot]).await;
    world.mark(&records).await;
    world.settle().await;
    let exact = start_gallery(&world, LocationPolicy::Exact).await;
    let places = exact.json("/v1/places").await;
    assert_eq!(places["items"].as_array().unwrap().len(), 2);
    assert_eq!(places["items"][1]["slug"], "japan-kyoto");
    let hidden = start_gallery(&world, LocationPolicy::Hide).await;
    // Publish has not applied the new rules yet. A list without the photo would be wrong, too.
    for route in [
        "/v1/places",
        "/v1/photos?place=japan",
        "/v1/timeline?q=kyoto",
    ] {
        assert_eq!(hidden.get(route).await.status(), 503, "{route}");
    }
    let photo = hidden.json("/v1/photos/2018-02-01/IMG_0001").await;
    assert!(photo["previous"].is_null() && photo["next"].is_null());
}
