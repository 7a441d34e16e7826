//! A reader of the static files, as docs/static-gallery.md defines one. It begins with `index.json`
//! and `changes.json`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fixture::PublishWorld;

/// The photos that the builder of a static site keeps between two builds.
#[derive(Default)]
pub(super) struct StaticReader {
    generation: Option<u64>,
    months: BTreeMap<String, BTreeMap<String, Value>>,
    /// The number of files that the reader has read so far.
    pub(super) reads: usize,
}

impl StaticReader {
    /// Reads the files that have changed since the last call of this method, and updates the
    /// photos.
    pub(super) async fn update(&mut self, world: &PublishWorld) {
        let index = world.file("index.json").await.unwrap();
        self.reads += 1;
        let newest = index["generation"].as_u64();
        if self.generation == newest {
            return;
        }
        let changes = world.file("changes.json").await.unwrap();
        self.reads += 1;
        if self.generation.is_none() || self.generation < changes["since"].as_u64() {
            self.months.clear();
            for month in index["months"].as_array().unwrap() {
                self.load_month(world, month).await;
            }
            self.generation = newest;
            return;
        }
        for change in changes["changes"].as_array().unwrap() {
            if change["generation"].as_u64() <= self.generation {
                continue;
            }
            let name = change["month"].as_str().unwrap();
            if change["reload"] == true {
                self.months.remove(name);
                let months = index["months"].as_array().unwrap();
                if let Some(month) = months.iter().find(|month| month["month"] == name) {
                    self.load_month(world, month).await;
                }
                continue;
            }
            let month = self.months.entry(name.to_owned()).or_default();
            for id in change["removed"].as_array().into_iter().flatten() {
                month.remove(id.as_str().unwrap());
            }
            for photo in change["set"].as_array().into_iter().flatten() {
                month.insert(photo["id"].as_str().unwrap().to_owned(), photo.clone());
            }
        }
        self.generation = changes["generation"].as_u64();
    }

    async fn load_month(&mut self, world: &PublishWorld, month: &Value) {
        let photos = self
            .months
            .entry(month["month"].as_str().unwrap().to_owned())
            .or_default();
        for file in month["files"].as_array().unwrap() {
            let file = world.file(file["path"].as_str().unwrap()).await.unwrap();
            self.reads += 1;
            for photo in file["items"].as_array().unwrap() {
                photos.insert(photo["id"].as_str().unwrap().to_owned(), photo.clone());
            }
        }
    }

    /// Returns all photos that the reader has, by id.
    pub(super) fn photos(&self) -> BTreeMap<String, Value> {
        self.months
            .values()
            .flatten()
            .map(|(id, photo)| (id.clone(), photo.clone()))
            .collect()
    }
}
