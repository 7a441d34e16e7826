//! Kills a real `photos serve` (`kill -9`) several times while it uploads and archives a folder and
//! makes pictures. The final state must be the same as without a kill, and the stored pictures must
//! be those that the items name.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{Photos, files};
use crate::ingest::photos::TestShot;

/// The number of files that a test uploads. If `SERVE_KILLS` is set, there are ten files for each
/// kill instead. `.ci/run` sets 50 kills, so the test uploads 500 files.
const FILES: usize = 120;
/// The number of times that the test kills the process. `SERVE_KILLS` sets another number.
const KILLS: u32 = 6;

/// The maximum time that a test waits until one run over the folder ends. It is long because a
/// machine may be loaded.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// Writes photos of many days: pairs of RAW and JPEG, undated photos, and files that are not
/// photos. No two shots need the same archive name.
fn write_photos(folder: &Path, files: usize) {
    for number in 0..files {
        let day = number % 28 + 1;
        let (month, second) = (number / 28 % 2 + 1, number % 60);
        let taken = format!("2018:{month:02}:{day:02} 09:41:{second:02}");
        let shot = TestShot::at(taken.leak());
        let (name, bytes) = match number % 10 {
            0 => (format!("card/IMG_{}.dng", number + 1), {
                // This is the RAW of the next JPEG.
                let next = number + 1;
                let taken = format!(
                    "2018:{:02}:{:02} 09:41:{:02}",
                    next / 28 % 2 + 1,
                    next % 28 + 1,
                    next % 60
                );
                TestShot::at(taken.leak()).dng()
            }),
            1 => (format!("card/IMG_{number}.jpg"), shot.jpeg()),
            2 => (
                format!("scans/{number}.jpg"),
                TestShot::undated().edited(number as u8),
            ),
            3 if number % 50 == 3 => (format!("notes/{number}.txt"), b"dear diary".to_vec()),
            _ => (format!("card{}/IMG_{number}.jpg", number % 3), shot.jpeg()),
        };
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}

/// The final state of a run. It must be the same with and without kills.
struct FinalState {
    archive: BTreeMap<String, Vec<u8>>,
    inbox: BTreeMap<String, u64>,
    listed: Vec<Value>,
    skipped: Vec<(String, String)>,
}

/// Runs `photos serve` and uploads the folder until all files are archived. Then stops the process.
/// Returns the final state, and the time that the run took.
fn finish(photos: &mut Photos, folder: &Path) -> (FinalState, Duration) {
    let printed_before = photos.messages().len();
    let start = Instant::now();
    photos.start(&[folder.to_str().unwrap()]);
    while !photos.messages()[printed_before..].contains(" uploaded") {
        let messages = photos.messages();
        assert!(
            start.elapsed() < MAX_WAIT,
            "{}",
            &messages[printed_before..]
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = start.elapsed();
    photos.interrupt();
    let last = photos.messages()[printed_before..].to_owned();
    assert!(
        !last.contains("given up") && !last.contains("not processed yet"),
        "{last}"
    );
    // Nothing is left to import. The pictures that are not made yet are made.
    photos.output(&["import", folder.to_str().unwrap()]);
    photos.output(&["reconcile"]);
    let root = photos.data().join("archive");
    let archive = files(&root)
        .into_keys()
        .map(|name| (name.clone(), std::fs::read(root.join(&name)).unwrap()))
        .collect();
    let listed = photos.output(&["list", "--json", "--limit", "1000"]);
    let mut listed: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for photo in &mut listed {
        // The version depends on the number of writes, and a killed run may write an item more
        // often.
        photo.as_object_mut().unwrap().remove("version");
        for time in ["addedAt", "changedAt"] {
            assert!(photo.as_object_mut().unwrap().remove(time).is_some());
        }
        // The names of pictures are random.
        for image in photo["images"].as_array_mut().unwrap() {
            let url = image["url"].as_str().unwrap();
            image["url"] = url.rsplit('/').next().unwrap().into();
        }
    }
    let mut skipped: Vec<(String, String)> = photos
        .output(&["skipped", "--json"])
        .lines()
        .map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            (text("key"), text("reason"))
        })
        .collect();
    skipped.sort();
    let end = FinalState {
        archive,
        inbox: photos.tree("inbox"),
        listed,
        skipped,
    };
    (end, took)
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "prints how many kills interrupted ingest"
)]
fn repeated_kills_do_not_change_the_final_state() {
    let requested = std::env::var("SERVE_KILLS").ok();
    let requested: Option<u32> = requested.map(|kills| kills.parse().unwrap());
    let kills = requested.unwrap_or(KILLS);
    let count = requested.map_or(FILES, |kills| 10 * kills as usize);
    // The default name begins with a dot, and files in a hidden folder are never photos.
    let folder = tempfile::Builder::new()
        .prefix("photos-")
        .tempdir()
        .unwrap();
    write_photos(folder.path(), count);
    let (expected, took) = finish(&mut Photos::with_pictures(), folder.path());
    assert!(!expected.skipped.is_empty());
    let archived = expected.archive.len();
    assert_eq!(archived + expected.skipped.len(), count);
    assert_eq!(expected.inbox.len(), count);

    let mut photos = Photos::with_pictures();
    let mut random = fastrand::Rng::with_seed(4);
    // Computes the longest time before a kill. The kills together take about as long as a whole
    // run, and each also gets some time for the start.
    let most = Duration::from_millis(300) + took * 2 / kills;
    let mut under_way = 0;
    for _ in 0..kills {
        photos.launch(&[folder.path().to_str().unwrap()]);
        std::thread::sleep(most.mul_f64(random.f64()));
        photos.kill();
        let archived = photos.tree("archive").len();
        under_way += usize::from(archived > 0 && archived < expected.archive.len());
    }
    let (end, _) = finish(&mut photos, folder.path());
    println!("{kills} kills, {under_way} of them while {count} files were partly archived");
    assert!(under_way > 0, "no kill interrupted ingest");
    assert!(end.inbox == expected.inbox, "the source");
    assert_eq!(end.skipped, expected.skipped);
    let keys = |end: &FinalState| end.archive.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&end), keys(&expected));
    assert!(end.archive == expected.archive, "bytes of the archive");
    for (photo, expected) in end.listed.iter().zip(&expected.listed) {
        assert_eq!(photo, expected);
    }
    assert_eq!(end.listed.len(), expected.listed.len());
}
