//! One run of the program over `examples/photos`, as named texts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

use super::{commands, engines, gallery, normalise};
use crate::serve::process::{Photos, files, until};

/// File name below `expected/` and its text. All tests of this module share one recording.
pub(super) static RECORDING: LazyLock<BTreeMap<String, String>> = LazyLock::new(record);

/// Where pictures are reached. Set, so that no text depends on a port.
pub(super) const BASE_URL: &str = "https://photos.test";
/// The photos, and a file that is none.
pub(super) const PHOTOS: &str = "examples/photos";
const NOT_A_PHOTO: &str = "notes/list.txt";
/// Photos in `examples/photos`; two of the 14 files are one shot.
const COUNT: u64 = 13;

/// A data folder with its servers, and what was recorded of them so far.
pub(super) struct Recorder {
    pub(super) photos: Photos,
    /// One for all requests: to make a client takes longer than to use it.
    pub(super) http: reqwest::Client,
    pub(super) runtime: tokio::runtime::Runtime,
    texts: BTreeMap<String, String>,
}

impl Recorder {
    /// Adds a text under a name.
    pub(super) fn add(&mut self, name: &str, text: String) {
        let before = self.texts.insert(name.to_owned(), text);
        assert!(before.is_none(), "{name} is recorded twice");
    }

    /// Serves until `last` is printed and `visit` has returned. Returns all that was printed.
    fn serve(
        &mut self,
        arguments: &[&str],
        last: &str,
        visit: impl FnOnce(&mut Recorder),
    ) -> String {
        let earlier = self.photos.messages().len();
        let arguments = [arguments, &["--photo-base-url", BASE_URL]].concat();
        self.photos.start(&arguments);
        until(last, || {
            let messages = self.photos.messages();
            messages
                .get(earlier..)
                .filter(|messages| messages.contains(last))
                .map(|_| ())
        });
        let (s3, gallery) = (self.photos.endpoint("s3"), self.photos.endpoint("gallery"));
        visit(self);
        self.photos.interrupt();
        let messages = self.photos.messages().split_off(earlier);
        let messages = normalise::endpoints(&messages, &s3, &gallery);
        format!("$ photos serve {}\n{messages}\n", arguments.join(" "))
    }
}

/// Runs everything. Three starts bring the photos in and publish them, a fourth shows them under
/// another policy.
fn record() -> BTreeMap<String, String> {
    let mut recorder = Recorder {
        photos: Photos::at_rest(),
        http: crate::http_client(),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
        texts: BTreeMap::new(),
    };
    copy_examples(recorder.photos.folder());

    // Uploads run in parallel. If the order matters (two photos of one name, two files of one
    // shot), the first file is uploaded alone. Until all photos are there, publish writes to other
    // tables.
    let elsewhere = ["--publish-table", "draft", "--gallery-bucket", "draft"];
    let class = ["--archive-storage-class", "STANDARD_IA"];
    let first = [
        "examples/photos/card1",
        "examples/photos/leica/L1000123.DNG",
    ];
    let mut messages = String::new();
    let arguments = [&first[..], &elsewhere, &class].concat();
    messages += &recorder.serve(&arguments, " uploaded", |_| {});
    let arguments = [&[PHOTOS, NOT_A_PHOTO][..], &elsewhere, &class].concat();
    messages += &recorder.serve(&arguments, " uploaded", |_| {});

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

/// Copies the photos to where the commands run, so that keys and output have no path of this
/// machine.
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

/// Waits until all photos are published and counted. The first cycle over an empty table publishes
/// everything at once.
fn wait_for_publish(recorder: &Recorder) {
    let index = recorder.photos.data().join("site/gallery/index.json");
    until("all photos are published", || {
        let index: Value = serde_json::from_slice(&std::fs::read(&index).ok()?).ok()?;
        (index["photos"] == COUNT).then_some(())
    });
    // The months' counts are written after the files, and the lease is released last.
    until("publish has released its lease", || {
        let state = engines::items(recorder, "publish");
        let has_lease = state.iter().any(|item| item["sk"]["S"] == "lease");
        (!has_lease).then_some(())
    });
}
