//! Tests with real photos of many cameras. Each photo must be archived, or skipped with a reason.
//! None may be lost.

use std::collections::BTreeMap;
use std::path::Path;

use test_support::requirements::corpus;

use super::process::{Photos, files};

test_support::needs_corpus! {
#[tokio::test]
async fn every_file_of_the_corpus_has_an_outcome() {
    let corpus = corpus();
    let mut photos = Photos::at_rest();
    photos.start(&["--verbose", corpus.to_str().unwrap()]);
    let uploaded = files(&corpus);
    super::process::until("all files are uploaded and ingested", || {
        photos.messages().contains(" uploaded").then_some(())
    });
    let skipped: BTreeMap<_, _> = photos.skipped(7);
    let archived = photos.tree("archive");
    let undated = archived
        .keys()
        .filter(|key| key.starts_with("undated/"))
        .count();
    // The README and the oracle are not photos. Four files are videos, or their file type is unknown.
    // One JPEG is cut short before its picture. The XMP sidecar of a photo is archived.
    assert_eq!(
        (uploaded.len(), archived.len(), undated),
        (skipped.len() + archived.len(), 169, 50)
    );

    // Every archived file is in the catalogue as a part of one photo. Four undated files of one
    // folder have one name and four formats.
    // A photo is listed when it has pictures, or when they cannot be made.
    photos.photos(165).await;
    let compared = photos.run(&["reconcile"]);
    assert!(compared.status.success(), "{compared:?}");
    // No archived file differs from its upload.
    let content = |root: &Path, names: &BTreeMap<String, u64>| {
        let mut contents: Vec<Vec<u8>> = names
            .keys()
            .map(|name| std::fs::read(root.join(name)).unwrap())
            .collect();
        contents.sort_unstable();
        contents
    };
    let mut sources = uploaded.clone();
    sources.retain(|name, _| !skipped.keys().any(|key| key.ends_with(name.as_str())));
    assert_eq!(
        content(&corpus, &sources),
        content(&photos.data().join("archive"), &archived)
    );
    photos.interrupt();
}
}
