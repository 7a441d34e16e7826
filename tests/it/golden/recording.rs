//! Records one run of the program over `examples/photos`, as texts with names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

use super::{commands, engines, gallery, normalise};
use crate::serve::process::{Photos, files, until};

/// The recorded texts, by their file name below `expected/`. All golden tests share one recording.
pub(super) static RECORDING: LazyLock<BTreeMap<String, String>> = LazyLock::new(record);

/// The URL of the static files, under which the gallery lists the pictures. It is fixed, so that no
/// text contains a port.
pub(super) const BASE_URL: &str = "https://photos.test/gallery";
/// The folder with the photos that are recorded.
pub(super) const PHOTOS: &str = "examples/photos";
const NOT_A_PHOTO: &str = "notes/list.txt";
/// The number of photos in `examples/photos`. Two of the 14 files are one photo.
const COUNT: u64 = 13;

/// A data folder with its servers, and the texts that were recorded so far.
pub(super) struct Recorder {
    pub(super) photos: Photos,
    /// One client for all requests, because a new client takes longer than a request.
    pub(super) http: reqwest::Client,
    pub(super) runtime: tokio::runtime::Runtime,
    texts: BTreeMap<String, String>,
}

impl Recorder {
    /// Adds a text to the recording. `name` is the file name below `expected/`.
    pub(super) fn add(&mut self, name: &str, text: String) {
        let before = self.texts.insert(name.to_owned(), text);
        assert!(before.is_none(), "{name} is recorded twice");
    }

    /// Runs `photos serve`. Waits until it has printed the text `last`, calls `visit`, and stops
    /// it. Returns all messages that it printed.
    fn serve(
        &mut self,
        arguments: &[&str],
        last: &str,
        visit: impl FnOnce(&mut Recorder),
    ) -> String {
        let earlier = self.photos.messages().len();
        let arguments = [arguments, &["--gallery-url", BASE_URL]].concat();
        self.photos.start(&arguments);
        until(last, || {
            let messages = self.photos.messages();
            messages
                .get(earlier..)
                .filter(|messages| messages.contains(last))
                .map(|_| ())
        });
        let running = self.photos.running();
        visit(self);
        self.photos.interrupt();
        let messages = self.photos.messages().split_off(earlier);
        let messages = normalise::endpoints(&messages, &running);
        format!("$ photos serve {}\n{messages}\n", arguments.join(" "))
    }
}

/// Makes the recording. `photos serve` runs five times: the first run makes the tables, the next
/// three archive and publish the photos, and the last one shows them under another location policy.
fn record() -> BTreeMap<String, String> {
    let mut recorder = Recorder {
        photos: Photos::with_pictures(),
        http: crate::http_client(),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
        texts: BTreeMap::new(),
    };
    copy_examples(recorder.photos.folder());

    // Uploads run at the same time. If the order matters (two photos with one name, two files of
    // one shot), the first file is uploaded alone. Until all photos have pictures, publish writes
    // to another table, and its files are deleted.
    let elsewhere = ["--publish-table", "draft"];
    let class = ["--archive-storage-class", "STANDARD_IA"];
    let first = [
        "examples/photos/card1",
        "examples/photos/leica/L1000123.DNG",
    ];
    let mut messages = recorder.serve(&elsewhere, "Ctrl-C stops", engines::fix_picture_secret);
    let arguments = [&first[..], &elsewhere, &class].concat();
    messages += &recorder.serve(&arguments, " uploaded", wait_for_pictures);
    let arguments = [&[PHOTOS, NOT_A_PHOTO][..], &elsewhere, &class].concat();
    messages += &recorder.serve(&arguments, " uploaded", |recorder| {
        wait_for_pictures(recorder);
        engines::fix_times(recorder);
    });
    delete_static_files(&recorder);
    add_album(&recorder);

    messages += &recorder.serve(&[], "Ctrl-C stops", |recorder| {
        wait_for_publish(recorder);
        gallery::record(recorder);
        engines::record(recorder);
        commands::record_while_served(recorder);
    });
    commands::record_at_rest(&mut recorder);

    let redacted = [
        "--publish-table",
        "redacted",
        "--gallery-bucket",
        "redacted",
    ];
    let arguments = [&["--location", "round:1"][..], &redacted].concat();
    messages += &recorder.serve(&arguments, "Ctrl-C stops", gallery::record_redacted);
    commands::record_loss(&mut recorder);
    recorder.add("cli/serve.txt", messages);
    recorder.texts
}

/// Copies the photos into the folder of the commands, so that keys and output contain no path of
/// this machine.
fn copy_examples(folder: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(PHOTOS);
    for file in files(&from).into_keys() {
        let to = folder.join(PHOTOS).join(&file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from.join(&file), to).unwrap();
    }
    let note = folder.join(NOT_A_PHOTO);
    std::fs::create_dir_all(note.parent().unwrap()).unwrap();
    std::fs::write(note, "Milk, bread, film.\n").unwrap();
}

/// Waits until render has nothing left to do.
fn wait_for_pictures(recorder: &mut Recorder) {
    until("all photos have pictures", || {
        let photos = engines::items(recorder, "photos");
        let is_due = photos.iter().any(|item| !item["pictureWork"].is_null());
        (!is_due).then_some(())
    });
}

/// Adds an album of the newest photos of the examples.
fn add_album(recorder: &Recorder) {
    let add = ["album", "add", "Since 2024", "--from", "2024"];
    let details = ["--order", "newest", "--description", "Trains,\nand more."];
    recorder.photos.output(&[&add[..], &details].concat());
}

/// Deletes the static files. The pictures and the modules of the page stay.
fn delete_static_files(recorder: &Recorder) {
    let folder = recorder.photos.data().join("site/gallery");
    for lists in ["camera", "keyword", "lens", "text"] {
        let lists = folder.join(lists);
        if lists.exists() {
            std::fs::remove_dir_all(lists).unwrap();
        }
    }
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// Waits until all photos are published and counted. The first cycle over an empty table publishes
/// everything at once.
fn wait_for_publish(recorder: &Recorder) {
    let index = recorder.photos.data().join("site/gallery/index.json");
    until("all photos are published", || {
        let index: Value = serde_json::from_slice(&std::fs::read(&index).ok()?).ok()?;
        (index["photos"] == COUNT).then_some(())
    });
    // The counts of the months are written after the files. The lease is released last.
    until("publish has released its lease", || {
        let state = engines::items(recorder, "publish");
        let has_lease = state.iter().any(|item| item["sk"]["S"] == "lease");
        (!has_lease).then_some(())
    });
}
