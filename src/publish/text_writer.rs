//! Writes the text index from the term indexes of all months.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::error::PublishError;
use super::file_store::{FileHeaders, StaticFileStore};
use super::stored_text::decompress;
use super::text_index::{TEXT_FOLDER, TextIndexBuilder, shard_path};
use crate::catalogue::published::{PublishTable, PublishedMonth};
use crate::catalogue::published_lists::TextShards;
use crate::term_index::IndexPart;

/// The number of parts of the term index after which the words of the parts are collected. It
/// limits the memory: a part has up to half a megabyte.
const PARTS_PER_READ: usize = 100;

/// Writes the files of the text index.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextWriter<'a> {
    pub(super) table: &'a PublishTable,
    pub(super) files: &'a StaticFileStore,
}

/// The text index after its shards were written.
#[derive(Debug, Default)]
pub(super) struct WrittenText {
    /// All shards.
    pub(super) shards: TextShards,
    /// The paths of the files that no longer belong to the index. They must be deleted.
    pub(super) obsolete: BTreeSet<String>,
    /// The months whose term index is not stored. They must be rebuilt.
    pub(super) lost: BTreeSet<String>,
}

impl TextWriter<'_> {
    /// Writes the shards whose words differ from those in `before`. If `before` is `None`, the
    /// stored files are not known. All shards are then written, and the stored files listed. A
    /// repeat is safe.
    ///
    /// # Errors
    /// Fails for the reasons in [`PublishError`].
    pub(super) async fn write(
        &self,
        months: &BTreeMap<String, PublishedMonth>,
        before: Option<&TextShards>,
        generation: u64,
    ) -> Result<WrittenText, PublishError> {
        let mut written = WrittenText::default();
        let index = self.read_words(months, &mut written.lost).await?;
        written.obsolete = match before {
            Some(before) => before.shards.keys().map(|name| shard_path(name)).collect(),
            None => {
                let stored = self.files.list_below(TEXT_FOLDER).await?;
                stored.into_keys().collect()
            }
        };
        for shard in index.finish() {
            let path = shard_path(&shard.name);
            let known = before.and_then(|before| before.shards.get(&shard.name));
            if known != Some(&shard.digest) {
                let json = shard.to_json(generation);
                let headers = FileHeaders::JSON;
                self.files.put_text(&path, json.as_bytes(), headers).await?;
            }
            written.obsolete.remove(&path);
            written.shards.shards.insert(shard.name, shard.digest);
        }
        Ok(written)
    }

    /// Reads the term indexes of all months, and collects their words. Adds the months whose index
    /// is not stored to `lost`.
    async fn read_words(
        &self,
        months: &BTreeMap<String, PublishedMonth>,
        lost: &mut BTreeSet<String>,
    ) -> Result<TextIndexBuilder, PublishError> {
        let mut builder = TextIndexBuilder::default();
        let mut months = months.values().peekable();
        while months.peek().is_some() {
            let (mut batch, mut keys) = (Vec::new(), Vec::new());
            while let Some(month) = months.next_if(|_| keys.len() < PARTS_PER_READ) {
                keys.extend(month.index.iter().cloned());
                batch.push(month);
            }
            let stored = self.table.index_parts(&keys).await?;
            for month in batch {
                match parse_parts(&month.index, &stored) {
                    Some(parts) => builder.add_month(&month.month, &parts),
                    None => {
                        lost.insert(month.month.clone());
                    }
                }
            }
        }
        Ok(builder)
    }
}

/// Parses the stored parts with these keys. Returns `None` if one of them is missing or damaged.
pub(super) fn parse_parts(
    keys: &[String],
    stored: &HashMap<String, Vec<u8>>,
) -> Option<Vec<IndexPart>> {
    let parts = keys.iter().map(|key| {
        let json = decompress(stored.get(key)?).ok()?;
        IndexPart::parse(&json).ok()
    });
    parts.collect()
}
