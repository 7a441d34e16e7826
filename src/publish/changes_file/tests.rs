use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The photos of each month: a map from the name of a month to the JSON of its photos by id.
type MonthPhotos = BTreeMap<String, BTreeMap<String, String>>;

fn photo(id: &str, text: &str) -> PhotoLine {
    serde_json::from_str(&format!(r#"{{"id":"{id}","title":"{text}"}}"#)).expect("a photo")
}

/// Returns a change that adds one photo. Its id is made from the generation.
fn change(generation: u64) -> MonthChange {
    let difference = MonthDifference {
        set: vec![photo(&format!("id{generation}"), "a")],
        ..MonthDifference::default()
    };
    MonthChange::new(generation, "2018-02", Some(difference))
}

fn removal(generation: u64, id: &str) -> MonthChange {
    let difference = MonthDifference {
        removed: vec![id.to_owned()],
        ..MonthDifference::default()
    };
    MonthChange::new(generation, "2018-02", Some(difference))
}

#[test]
fn beyond_the_largest_number_the_earliest_changes_are_dropped() {
    let file = ChangesFile::default().append(0, vec![change(1), change(2)]);
    assert_eq!((file.since, file.generation), (0, 2));
    let file = file.append(0, (3..=300).map(change).collect());
    assert_eq!(
        (file.since, file.generation, file.changes.len()),
        (100, 300, 200)
    );
    assert_eq!(file.changes[0].generation, 101);
}

#[test]
fn beyond_the_largest_size_the_earliest_changes_are_dropped() {
    let large = |generation: u64| MonthChange {
        set: vec![photo(
            &generation.to_string(),
            &"x".repeat(MAX_CHANGE_BYTES),
        )],
        ..change(generation)
    };
    let file = ChangesFile::default().append(0, (1..=40).map(large).collect());
    assert!(serde_json::to_vec(&file).expect("JSON").len() < MAX_CHANGES_BYTES + 1000);
    assert_eq!(file.generation, 40);
    assert_eq!(file.changes[0].generation, file.since + 1);
}

#[test]
fn another_view_or_a_gap_drops_all_earlier_changes() {
    let before = ChangesFile::default().append(0, vec![change(1), change(2)]);
    let other_view = before.clone().append(2, vec![change(3)]);
    assert_eq!((other_view.since, other_view.changes.len()), (2, 1));
    let gap = before.append(0, vec![change(5)]);
    assert_eq!((gap.since, gap.changes.len()), (4, 1));
}

#[test]
fn a_removal_and_a_reload_drop_the_earlier_data_of_their_photos() {
    let before = ChangesFile::default().append(0, vec![change(1), change(2)]);
    let removed = before.clone().append(0, vec![removal(3, "id1")]);
    assert_eq!(removed.changes, [change(2), removal(3, "id1")]);
    assert_eq!((removed.since, removed.generation), (0, 3));
    let reload = MonthChange::new(3, "2018-02", None);
    let reloaded = before.append(0, vec![reload.clone()]);
    assert_eq!(reloaded.changes, [reload]);
}

/// A random change of the published photos.
#[derive(Debug, Clone)]
enum PhotoStep {
    /// Adds a photo to a month, or changes it.
    Set { month: u8, id: u8 },
    /// Removes a photo from a month, if the month contains it.
    Remove { month: u8, id: u8 },
    /// Replaces all photos of a month by one photo. The change lists no photos.
    Reload { month: u8, id: u8 },
}

fn photo_step() -> impl Strategy<Value = PhotoStep> {
    prop_oneof![
        4 => (0..3u8, 0..6u8).prop_map(|(month, id)| PhotoStep::Set { month, id }),
        3 => (0..3u8, 0..6u8).prop_map(|(month, id)| PhotoStep::Remove { month, id }),
        1 => (0..3u8, 0..6u8).prop_map(|(month, id)| PhotoStep::Reload { month, id }),
    ]
}

/// Applies a step to `photos`, and returns the change that publish would append for it. `text` is
/// in the photo and occurs in no other step.
fn apply_step(photos: &mut MonthPhotos, step: &PhotoStep, generation: u64) -> MonthChange {
    let (PhotoStep::Set { month, id }
    | PhotoStep::Remove { month, id }
    | PhotoStep::Reload { month, id }) = step;
    let (month, id) = (format!("2018-0{}", month + 1), format!("id{id}"));
    let line = photo(&id, &format!("secret-{generation}-"));
    let text = serde_json::to_string(&line).expect("JSON");
    let of_month = photos.entry(month.clone()).or_default();
    let difference = match step {
        PhotoStep::Set { .. } => {
            of_month.insert(id, text);
            Some(MonthDifference {
                set: vec![line],
                ..MonthDifference::default()
            })
        }
        PhotoStep::Remove { .. } => Some(MonthDifference {
            removed: of_month.remove(&id).map(|_| id).into_iter().collect(),
            ..MonthDifference::default()
        }),
        PhotoStep::Reload { .. } => {
            *of_month = BTreeMap::from([(id, text)]);
            None
        }
    };
    MonthChange::new(generation, &month, difference)
}

/// Returns the photos that a reader has after it has read `file`. `photos` are the photos that the
/// reader had at `generation`, and `present` are the photos in the files of the months.
fn read_changes(
    file: &ChangesFile,
    mut photos: MonthPhotos,
    generation: u64,
    present: &MonthPhotos,
) -> MonthPhotos {
    for change in file
        .changes
        .iter()
        .filter(|change| change.generation > generation)
    {
        let of_month = photos.entry(change.month.clone()).or_default();
        if change.reload {
            *of_month = present[&change.month].clone();
        }
        for id in &change.removed {
            of_month.remove(id);
        }
        for line in &change.set {
            let text = serde_json::to_string(line).expect("JSON");
            of_month.insert(line.id().to_owned(), text);
        }
    }
    photos.retain(|_, photos| !photos.is_empty());
    photos
}

proptest! {
    #[test]
    fn the_file_has_only_present_photos_and_each_reader_gets_all_of_them(
        steps in proptest::collection::vec(photo_step(), 1..120),
        batch in 1..5usize,
    ) {
        let mut photos = MonthPhotos::new();
        let mut history = vec![photos.clone()];
        let mut file = ChangesFile::default();
        let numbered: Vec<(u64, &PhotoStep)> = (1..).zip(&steps).collect();
        for batch in numbered.chunks(batch) {
            let mut new = Vec::new();
            for (generation, step) in batch {
                new.push(apply_step(&mut photos, step, *generation));
                history.push(photos.clone());
            }
            // The file is stored as JSON between two cycles.
            let stored = serde_json::to_vec(&file.append(0, new)).expect("JSON");
            file = serde_json::from_slice(&stored).expect("a file of changes");

            let mut seen = BTreeSet::new();
            for change in &file.changes {
                let of_month = &photos[&change.month];
                for line in &change.set {
                    let text = serde_json::to_string(line).expect("JSON");
                    prop_assert_eq!(of_month.get(line.id()), Some(&text));
                    prop_assert!(seen.insert((change.month.clone(), line.id().to_owned())));
                }
                for id in &change.removed {
                    prop_assert!(!of_month.contains_key(id));
                    prop_assert!(seen.insert((change.month.clone(), id.clone())));
                }
            }
            for (generation, had) in (0..).zip(&history).skip(file.since as usize) {
                let mut expected = photos.clone();
                expected.retain(|_, photos| !photos.is_empty());
                prop_assert_eq!(read_changes(&file, had.clone(), generation, &photos), expected);
            }
        }
        prop_assert_eq!(file.generation, steps.len() as u64);
    }
}
