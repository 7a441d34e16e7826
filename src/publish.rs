//! Publish: exact counts, static gallery files, and a build hook that stays within its budget.
//!
//! The stream of the photos table is the log of its changes. A stream record only marks months as
//! dirty. Once a minute, [`Publisher::run_cycle`] rebuilds each dirty month from its present
//! photos: the counts and the files together, from one index query. The result is therefore exact,
//! no matter how often and in which order the stream records arrive.
//!
//! A cycle may be interrupted at any line. The months that are not finished are still dirty. This
//! is ensured by the order of the writes in a cycle:
//!
//! 1. the new parts of the term index, and the files of a month;
//! 2. the record of the months and lists that change (`PendingLists`);
//! 3. the files of lists, each list followed by its item;
//! 4. the shards of the text index, in the last batch of the cycle;
//! 5. `changes.json`, `facets.json`, `map.json`, `index.json` and the page;
//! 6. the state of the files and of the hook;
//! 7. the item of the month;
//! 8. the removal of the old parts of the term index;
//! 9. the removal of the dirty mark of the month;
//! 10. at the end of the cycle, if albums change: their files, the files and the state of (5) and
//!     (6)
//!     again, the removal of obsolete files, and the items of the albums;
//! 11. the removal of obsolete shards, the state of the shards, the removal of the request to
//!     update
//!     the albums, and the removal of the record.
//!
//! A cycle lists the stored files first. If the files of a month do not match the item of the
//! month, an earlier cycle was interrupted. All files of the month are then written again, even if
//! the item of the month does not change. Files that do not belong to the month are deleted. The
//! entry of the month in `changes.json` then has `"reload": true`, and readers must read all files
//! of the month again.
//!
//! Lists and shards are not listed in each cycle. If there is a record (2) when a cycle starts, an
//! earlier one was interrupted. The lists that it has begun to change may contain photos that
//! neither the old nor the new term index names: a photo that got a keyword in the interrupted
//! cycle, and then lost it. So each of these lists is compared with its stored files as soon as its
//! month is rebuilt (`list_changes.rs`), and all shards are written again. A month stays in the
//! record until it is rebuilt. If the record would be too large, it means all lists. So does a new
//! public view, and `photos recount`. All files in the folders of the lists are then compared with
//! the items in the end. The order of the writes of one list is in `list_writer.rs`.
//!
//! An album changes by a command of its owner, which leaves a request in the state of publish.
//! Albums are made from the files and the term indexes of all months (`album_writer.rs`), so they
//! come last. The record names them before a month or an album changes. If there is a record when a
//! cycle starts, all files in their folder are compared with the albums.
//!
//! The first cycle of a new version of the gallery page writes the modules of the page before
//! everything else: see `page_files.rs`.
//!
//! The clock may be set back. Stored times that are in the future are corrected: see
//! `schedule.rs`.

mod album_file;
mod album_rows;
mod album_writer;
mod changes_file;
mod cycle;
mod error;
mod event;
mod facets_file;
mod file_store;
mod hook;
mod hook_call;
mod hook_calls;
mod index_file;
mod lease;
mod list_changes;
mod list_file;
mod list_key;
mod list_patch;
mod list_progress;
mod list_writer;
mod map_file;
mod month_builder;
mod month_contents;
mod month_difference;
mod month_name;
mod month_pages;
mod node_counts;
mod page_files;
mod page_modules;
mod rebuild;
mod schedule;
mod stored_text;
mod text_index;
mod text_writer;
mod verify;

pub use cycle::{CycleReport, PublishSettings, Publisher};
pub use error::PublishError;
pub use event::{mark_all_months, mark_changed_months, public_month};
pub use hook::{BuildHook, HookError, build_title};
pub use hook_call::HookCall;
pub use hook_calls::{parse_hook_state, send_trial_call};
pub use month_name::month_file_name;
pub use schedule::{
    HookDecision, HookResponse, HookRules, HookState, MAX_HOOK_HOLD, PendingBuild, WaitReason,
};
pub use verify::find_miscounted_months;
