//! Checks that the lists of keywords, cameras and lenses and the text index contain exactly the
//! photos that the gallery lists, after any changes and interruptions.

use std::collections::{BTreeMap, BTreeSet};

use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::object::Bucket;
use photo_catalogue::privacy::{LocationPolicy, Privacy};
use photo_catalogue::publish;
use photo_catalogue::storage::ObjectHeaders;
use photo_catalogue::term_index::split_words;
use serde_json::{Value, json};

use super::fixture::{BUCKET, PREFIX, PhotoChange, PublishWorld, TestRandom};
use crate::gallery::fixture::Shot;

/// The maximum size of a file of a list, compressed.
const MAX_FILE_BYTES: u64 = 1_000_000;

/// Returns the slugs of the keywords of a photo and of their parents. `photo` is its JSON.
pub(super) fn keyword_slugs(photo: &Value) -> BTreeSet<String> {
    keyword_names(photo).into_keys().collect()
}

/// Returns the keywords of a photo and their parents: slugs and names.
fn keyword_names(photo: &Value) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for keyword in photo["keywords"].as_array().unwrap() {
        let parts: Vec<&str> = keyword.as_str().unwrap().split('|').collect();
        for end in 1..=parts.len() {
            let name = parts[..end].join("|");
            let slug = photo_metadata::make_slug(&name);
            if !slug.is_empty() {
                names.insert(slug, name);
            }
        }
    }
    names
}

/// Returns the lists of a photo: the paths of their first files, and their names.
fn list_names(photo: &Value) -> BTreeMap<String, String> {
    let mut lists = BTreeMap::new();
    for (slug, name) in keyword_names(photo) {
        lists.insert(format!("keyword/{slug}.json"), name);
    }
    for kind in ["camera", "lens"] {
        if let Some(slug) = photo[kind]["slug"].as_str() {
            let name = photo[kind]["name"].as_str().unwrap();
            lists.insert(format!("{kind}/{slug}.json"), name.to_owned());
        }
    }
    lists
}

/// Returns the words of a photo. `photo` is its JSON.
fn words(photo: &Value) -> BTreeSet<String> {
    let texts = [
        &photo["title"],
        &photo["headline"],
        &photo["caption"],
        &photo["altText"],
        &photo["event"],
        &photo["camera"]["name"],
        &photo["lens"]["name"],
        &photo["place"]["sublocation"],
        &photo["place"]["city"],
        &photo["place"]["region"],
        &photo["place"]["country"],
    ];
    let lists = [&photo["keywords"], &photo["people"]];
    let lists = lists.into_iter().flat_map(|list| list.as_array().unwrap());
    let texts = texts.into_iter().chain(lists).filter_map(Value::as_str);
    texts.flat_map(split_words).collect()
}

/// The photos of one month as its files contain them, in order: the JSON of each.
type MonthText = (String, Vec<String>);

/// Returns the months of the index with their photos, the newest month first.
async fn read_months(world: &PublishWorld) -> Vec<MonthText> {
    let index = world.file("index.json").await.unwrap();
    let mut months = Vec::new();
    for month in index["months"].as_array().unwrap() {
        let mut photos = Vec::new();
        for file in month["files"].as_array().unwrap() {
            let text = world.file_text(file["path"].as_str().unwrap()).await;
            photos.extend(photo_lines(&text.unwrap()));
        }
        months.push((month["month"].as_str().unwrap().to_owned(), photos));
    }
    months
}

/// Returns the lines of a file that contain photos, without the commas at their ends.
fn photo_lines(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with("{\"id\""));
    let lines = lines.map(|line| line.strip_suffix(',').unwrap_or(line).to_owned());
    lines.collect()
}

/// Checks that the list files, the text index and what the facets say about them are exactly those
/// of the photos that the gallery lists under these privacy rules.
pub(super) async fn check_lists(world: &PublishWorld, privacy: impl Into<Privacy>) {
    let photos = world.gallery_photos(privacy).await;
    let months = read_months(world).await;
    let mut lists: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    let mut text: BTreeMap<String, BTreeMap<String, Vec<u64>>> = BTreeMap::new();
    let mut seen = 0;
    for (month, lines) in &months {
        for (row, line) in lines.iter().enumerate().rev() {
            let photo: Value = serde_json::from_str(line).unwrap();
            assert_eq!(Some(&photo), photos.get(photo["id"].as_str().unwrap()));
            seen += 1;
            for (path, name) in list_names(&photo) {
                let (_, list) = lists.entry(path).or_insert((name, Vec::new()));
                list.push(line.clone());
            }
            for word in words(&photo) {
                let rows = text.entry(word).or_default();
                rows.entry(month.clone()).or_default().push(row as u64);
            }
        }
    }
    assert_eq!(seen, photos.len());
    let mut files = world.file_texts().await;
    files.retain(|path, _| path.contains('/') && !path.starts_with("app/"));
    for (path, (name, expected)) in &lists {
        check_list(path, name, expected, &mut files);
    }
    check_text(world, text, &mut files).await;
    assert_eq!(files, BTreeMap::new(), "files that belong to nothing");
    check_facets(world, &lists).await;
    check_table(world, &lists).await;
}

/// Follows a list as a reader does, and removes its files from `files`.
fn check_list(path: &str, name: &str, expected: &[String], files: &mut BTreeMap<String, String>) {
    let (kind, file) = path.split_once('/').unwrap();
    let slug = file.strip_suffix(".json").unwrap();
    let mut next = Some(file.to_owned());
    let (mut found, mut is_first) = (Vec::new(), true);
    while let Some(file) = next {
        let text = files.remove(&format!("{kind}/{file}"));
        let text = text.unwrap_or_else(|| panic!("{kind}/{file} is missing"));
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&json["kind"], &json["slug"]), (&json!(kind), &json!(slug)));
        if is_first {
            assert_eq!(json["name"], name, "{path}");
            assert_eq!(json["photos"], expected.len(), "{path}");
        }
        let lines = photo_lines(&text);
        assert_eq!(json["items"].as_array().unwrap().len(), lines.len());
        assert!(!lines.is_empty(), "{file}");
        found.extend(lines);
        next = json["next"].as_str().map(str::to_owned);
        is_first = false;
    }
    assert_eq!(found, expected, "{path}");
}

/// Compares the text index with the rows of each word, and removes its files from `files`. The rows
/// are in descending order.
async fn check_text(
    world: &PublishWorld,
    expected: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
    files: &mut BTreeMap<String, String>,
) {
    let facets = world.file("facets.json").await.unwrap();
    let mut found = BTreeMap::new();
    for shard in facets["text"].as_array().unwrap() {
        let shard = shard.as_str().unwrap();
        let text = files.remove(&format!("text/{shard}.json"));
        let text = text.unwrap_or_else(|| panic!("the shard {shard} is missing"));
        let json: Value = serde_json::from_str(&text).unwrap();
        assert!(json["generation"].as_u64() <= facets["generation"].as_u64());
        for (word, months) in json["words"].as_object().unwrap() {
            let first = word.chars().next().unwrap();
            let name = match first {
                'a'..='z' | '0'..='9' => first.to_string(),
                _ => format!("u{:x}", u32::from(first) >> 8),
            };
            assert_eq!(name, shard, "{word}");
            let mut rows = BTreeMap::new();
            for (month, differences) in months.as_object().unwrap() {
                let mut row = 0;
                let mut sums: Vec<u64> = Vec::new();
                for difference in differences.as_array().unwrap() {
                    row += difference.as_u64().unwrap();
                    sums.push(row);
                }
                sums.reverse();
                rows.insert(month.clone(), sums);
            }
            assert!(found.insert(word.clone(), rows).is_none(), "{word}");
        }
    }
    assert_eq!(found, expected);
}

/// Checks that the facets and the index name exactly the lists.
async fn check_facets(world: &PublishWorld, lists: &BTreeMap<String, (String, Vec<String>)>) {
    let facets = world.file("facets.json").await.unwrap();
    let index = world.file("index.json").await.unwrap();
    let paths = |json: &Value, names: &[&str]| -> BTreeMap<String, u64> {
        let facets = names.iter().flat_map(|name| json[name].as_array().unwrap());
        let facets = facets.filter_map(|facet| {
            let path = facet["list"].as_str()?.to_owned();
            Some((path, facet["photos"].as_u64().unwrap()))
        });
        facets.collect()
    };
    let numbers = lists.iter();
    let numbers = numbers.map(|(path, (_, photos))| (path.clone(), photos.len() as u64));
    let mut numbers: BTreeMap<String, u64> = numbers.collect();
    assert_eq!(paths(&facets, &["cameras", "lenses", "keywords"]), numbers);
    numbers.retain(|path, _| !path.starts_with("keyword/"));
    assert_eq!(paths(&index, &["cameras", "lenses"]), numbers);
}

/// Checks that the publish table has an item for each list and no other, and that nothing is
/// pending.
async fn check_table(world: &PublishWorld, lists: &BTreeMap<String, (String, Vec<String>)>) {
    let items = world.published.all_lists().await.unwrap();
    let paths = items.keys().map(|key| key.replace('#', "/") + ".json");
    let expected: BTreeSet<String> = lists.keys().cloned().collect();
    assert_eq!(paths.collect::<BTreeSet<String>>(), expected);
    let pending = world.published.state().await.unwrap().lists;
    assert!(pending.is_empty(), "{pending:?}");
}

/// Returns a photo with these keywords. `credit` is a text that only makes its JSON large.
fn photo(shot: &Shot, keywords: &[&str], credit: &str) -> PhotoItem {
    let mut item = shot.item();
    let record = &mut item.summary.as_mut().unwrap().record;
    record.keywords = keywords.iter().map(ToString::to_string).collect();
    record.credit = Some(credit.to_owned());
    item.photo.record = record.clone();
    item
}

impl PublishWorld {
    /// Writes photos to the catalogue, and marks their months dirty.
    async fn add_photos(&self, items: &[PhotoItem]) {
        for item in items {
            let change = PhotoChange::new(None, Some(item.clone()));
            self.write(&change).await;
            self.mark(&[change.record]).await;
        }
    }

    async fn recount(&mut self) {
        publish::mark_all_months(&self.catalogue, &self.published, self.now)
            .await
            .unwrap();
        self.settle().await;
    }

    async fn remove_file(&self, path: &str) {
        let bucket = Bucket::new(BUCKET).unwrap();
        let object = bucket.object(format!("{PREFIX}{path}"));
        self.storage.delete_object(&object).await.unwrap();
    }
}

/// Returns a random photo of one of twelve months. Its JSON has 30 KB that cannot be compressed
/// well.
fn large_photo(random: &mut TestRandom, number: u64) -> PhotoItem {
    let name = format!("IMG_{number:04}");
    let shot = match random.below(14) {
        0 => Shot::undated(&name),
        month => Shot::new(&name, &format!("2018-{:02}-01T09:00:00", month.min(12))),
    };
    let shot = if random.one_in(3) {
        shot.private()
    } else {
        shot
    };
    let shot = shot.camera("nikon-d750");
    let hexadecimal = std::iter::repeat_with(|| format!("{:08x}", random.below(1 << 31)));
    let credit: String = hexadecimal.take(3_750).collect();
    let keywords: &[&str] = match random.below(3) {
        0 => &["Kyoto", "Places|Japan"],
        1 => &["KYOTO", "Night train"],
        _ => &[],
    };
    photo(&shot, keywords, &credit)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_lists_are_split_and_survive_interruptions() {
    let mut world = PublishWorld::new().await;
    let mut random = TestRandom(1_889);
    let mut photos: BTreeMap<u64, PhotoItem> = BTreeMap::new();
    let mut interrupted = 0;
    let mut most_files = 0;
    for round in 0..14 {
        let changes = if round == 0 {
            180
        } else {
            1 + random.below(25)
        };
        for _ in 0..changes {
            let number = random.below(260);
            let before = photos.remove(&number);
            let after = match before {
                Some(_) if random.one_in(2) => None,
                _ => Some(large_photo(&mut random, number)),
            };
            // An item of another day is another photo.
            if let (Some(before), Some(after)) = (&before, &after)
                && before.pk != after.pk
            {
                let removed = PhotoChange::new(Some(before.clone()), None);
                world.write(&removed).await;
                world.mark(&[removed.record]).await;
            }
            photos.extend(after.clone().map(|item| (number, item)));
            if before.is_some() || after.is_some() {
                let change = PhotoChange::new(before, after);
                world.write(&change).await;
                world.mark(&[change.record]).await;
            }
        }
        world.pass(60);
        for _ in 0..random.below(3) {
            world.wire.cut_after(20 + random.below(120) as i64);
            interrupted += u32::from(world.run_cycle().await.is_err());
            world.wire.mend();
            world.pass(600);
        }
        world.settle().await;
        check_lists(&world, LocationPolicy::Exact).await;
        let camera = "camera/nikon-d750.";
        let files = world.file_texts().await.into_keys();
        most_files = most_files.max(files.filter(|path| path.starts_with(camera)).count());
        for list in world.published.all_lists().await.unwrap().into_values() {
            for part in list.parts {
                let bucket = Bucket::new(BUCKET).unwrap();
                let object = bucket.object(format!("{PREFIX}{}", part.path));
                let head = world.storage.head_object(&object).await.unwrap().unwrap();
                assert_eq!(head.etag, part.etag);
                assert!(head.size_bytes < MAX_FILE_BYTES, "{part:?}");
            }
        }
    }
    assert!(most_files > 2, "{most_files}");
    assert!(interrupted > 3, "{interrupted}");
}

#[tokio::test]
async fn recount_restores_damaged_lists_and_removes_foreign_files() {
    let mut world = PublishWorld::new().await;
    let photos: Vec<PhotoItem> = (1..=12)
        .map(|month| {
            let name = format!("IMG_{month:04}");
            let shot = Shot::new(&name, &format!("2018-{month:02}-01T09:00:00"));
            photo(&shot.camera("nikon-d750"), &["Kyoto"], "")
        })
        .collect();
    world.add_photos(&photos).await;
    world.settle().await;
    check_lists(&world, LocationPolicy::Exact).await;
    for path in [
        "keyword/kyoto.json",
        "text/k.json",
        "camera/nikon-d750.json",
    ] {
        world.remove_file(path).await;
        world.recount().await;
        check_lists(&world, LocationPolicy::Exact).await;
        put_text(&world, path, "{}").await;
        world.recount().await;
        check_lists(&world, LocationPolicy::Exact).await;
    }
    for path in ["keyword/kyoto.7.json", "lens/other.json", "text/zz.json"] {
        put_text(&world, path, "{}").await;
        world.recount().await;
        check_lists(&world, LocationPolicy::Exact).await;
    }
    // A change of one month finds that the file is missing, and the other months are restored.
    world.remove_file("keyword/kyoto.json").await;
    let shot = Shot::new("IMG_0099", "2018-06-01T09:00:00");
    world.add_photos(&[photo(&shot, &["Kyoto"], "")]).await;
    world.settle().await;
    world.settle().await;
    check_lists(&world, LocationPolicy::Exact).await;
}

async fn put_text(world: &PublishWorld, path: &str, text: &str) {
    let object = Bucket::new(BUCKET)
        .unwrap()
        .object(format!("{PREFIX}{path}"));
    let body = bytes::Bytes::from(text.to_owned());
    let put = world
        .storage
        .put_object(&object, body, ObjectHeaders::default());
    put.await.unwrap();
}

/// Interrupts a cycle at each place. It gives a photo a keyword, which the photo loses before the
/// next cycle, so that neither the stored nor the new term index has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keyword_of_an_interrupted_cycle_leaves_no_list() {
    let shot = || Shot::new("IMG_0001", "2018-02-01T09:00:00").camera("nikon-d750");
    let plain = photo(&shot(), &["Kyoto"], "");
    let tagged = photo(&shot(), &["Kyoto", "Planted"], "");
    let hidden = photo(&shot().private(), &["Kyoto"], "");
    for cut in 0.. {
        let mut world = PublishWorld::new().await;
        world.add_photos(std::slice::from_ref(&plain)).await;
        let other = Shot::new("IMG_0002", "2018-03-01T09:00:00");
        world.add_photos(&[photo(&other, &["Kyoto"], "")]).await;
        world.settle().await;
        let change = PhotoChange::new(Some(plain.clone()), Some(tagged.clone()));
        world.write(&change).await;
        world.mark(&[change.record]).await;
        world.pass(60);
        world.wire.cut_after(cut);
        let is_interrupted = world.run_cycle().await.is_err();
        world.wire.mend();
        world.pass(600);
        let after = if cut % 2 == 0 { &plain } else { &hidden };
        let change = PhotoChange::new(Some(tagged.clone()), Some(after.clone()));
        world.write(&change).await;
        world.mark(&[change.record]).await;
        world.settle().await;
        check_lists(&world, LocationPolicy::Exact).await;
        for (path, text) in world.file_texts().await {
            let text = format!("{path} {text}").to_lowercase();
            assert!(!text.contains("planted"), "cut after {cut}: {path}");
        }
        if !is_interrupted {
            assert!(cut > 20, "{cut} requests");
            break;
        }
    }
}

#[tokio::test]
async fn changed_photo_changes_only_its_lists() {
    let mut world = PublishWorld::new().await;
    let photos: Vec<PhotoItem> = (0..200)
        .map(|n| {
            let name = format!("IMG_{n:04}");
            let shot = Shot::new(&name, &format!("2018-02-{:02}T09:00:00", n % 28 + 1));
            photo(&shot, &[&format!("Keyword {n}")], "")
        })
        .collect();
    world.add_photos(&photos).await;
    world.settle().await;
    world.wire.take_requests();
    let shot = Shot::new("IMG_0500", "2018-02-28T10:00:00");
    let added = photo(&shot, &["Keyword 1", "Keyword 2", "Keyword 3"], "");
    world.add_photos(&[added]).await;
    world.settle().await;
    let sent = world.wire.take_requests();
    let count = |name: &str| sent.iter().filter(|request| *request == name).count();
    // The month, `changes.json`, `facets.json`, `map.json`, `index.json`, the page, three lists,
    // and the shards `k`, `1`, `2` and `3`.
    assert_eq!(count("PUT"), 6 + 3 + 4, "{sent:?}");
    // The listing, `changes.json`, the old month and three lists.
    assert_eq!(count("GET"), 3 + 3, "{sent:?}");
    // The old term index, the three lists, and the term index of all months.
    assert_eq!(count("BatchGetItem"), 3, "{sent:?}");
    check_lists(&world, LocationPolicy::Exact).await;
}
