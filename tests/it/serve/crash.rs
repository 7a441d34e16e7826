//! `kill -9` of a real `photos serve` while it uploads and files a folder: the end is the same as without.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{Photos, files};
use crate::ingest::photos::TestShot;

/// Files and kills of an ordinary `cargo test`; SERVE_KILLS asks for so many kills, and for ten files each: `.ci/run`
/// for 50, of an upload of 500.
const FILES: usize = 120;
const KILLS: u32 = 6;

/// How long the folder may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// Photos of many days: pairs of RAW and JPEG, undated ones, and files that are none. No two want one name.
fn make(folder: &Path, files: usize) {
    for number in 0..files {
        let day = number % 28 + 1;
        let (month, second) = (number / 28 % 2 + 1, number % 60);
        let taken = format!("2018:{month:02}:{day:02} 09:41:{second:02}");
        let shot = TestShot::at(taken.leak());
        let (name, bytes) = match number % 10 {
            0 => (format!("card/IMG_{}.dng", number + 1), {
                // The RAW of the next one.
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

/// Everything that the end comes to.
struct End {
    archive: BTreeMap<String, Vec<u8>>,
    inbox: BTreeMap<String, u64>,
    listed: Vec<Value>,
    skipped: Vec<(String, String)>,
}

/// Serves the folder until all of it is filed, and stops; how long that took.
fn finish(photos: &mut Photos, folder: &Path) -> (End, Duration) {
    let said = photos.messages().len();
    let start = Instant::now();
    photos.start(&[folder.to_str().unwrap()]);
    while !photos.messages()[said..].contains(" uploaded") {
        let messages = photos.messages();
        assert!(start.elapsed() < PATIENCE, "{}", &messages[said..]);
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = start.elapsed();
    photos.interrupt();
    let last = photos.messages()[said..].to_owned();
    assert!(
        !last.contains("given up") && !last.contains("still to be worked on"),
        "{last}"
    );
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
        // How often its item was written, which is not what it says.
        photo.as_object_mut().unwrap().remove("version");
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
    let end = End {
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
    reason = "how many of the kills hit work under way"
)]
fn killed_again_and_again_while_it_files_a_folder_it_ends_as_though_it_had_not_been() {
    let asked = std::env::var("SERVE_KILLS").ok();
    let asked: Option<u32> = asked.map(|kills| kills.parse().unwrap());
    let kills = asked.unwrap_or(KILLS);
    let count = asked.map_or(FILES, |kills| 10 * kills as usize);
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), count);
    let (expected, took) = finish(&mut Photos::at_rest(), folder.path());
    assert!(!expected.skipped.is_empty());
    let archived = expected.archive.len();
    assert_eq!(archived + expected.skipped.len(), count);
    assert_eq!(expected.inbox.len(), count);

    let mut photos = Photos::at_rest();
    let mut random = fastrand::Rng::with_seed(4);
    // On average all kills together leave as much time as the whole takes; starting takes some of each.
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
    println!("{kills} kills, {under_way} of them while {count} files were half filed");
    assert!(under_way > 0, "no kill hit the work");
    assert!(end.inbox == expected.inbox, "the source");
    assert_eq!(end.skipped, expected.skipped);
    let keys = |end: &End| end.archive.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&end), keys(&expected));
    assert!(end.archive == expected.archive, "bytes of the archive");
    for (photo, expected) in end.listed.iter().zip(&expected.listed) {
        assert_eq!(photo, expected);
    }
    assert_eq!(end.listed.len(), expected.listed.len());
}
