//! The subcommands of `photos`, one file each.

pub(super) mod album;
pub(super) mod duplicates;
pub(super) mod env;
pub(super) mod extract;
pub(super) mod fix_date;
pub(super) mod hook;
pub(super) mod import;
pub(super) mod list;
pub(super) mod merge;
pub(super) mod reconcile;
pub(super) mod recount;
pub(super) mod reindex;
pub(super) mod restore;
pub(super) mod rm;
pub(super) mod serve;
pub(super) mod set;
pub(super) mod show;
pub(super) mod skipped;
pub(super) mod split;
