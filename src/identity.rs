//! Decides which files show one shot. A shot is one press of the shutter, or one scan, with all its
//! formats and edits.
//!
//! The modules are pure: no I/O, no clock, no environment. The rules and their reasons are in
//! docs/ingest-protocol.md.

mod content_id;
mod evidence;
mod same_shot;
mod sibling_folders;

pub use content_id::ContentId;
pub use evidence::{Evidence, EvidenceList, EvidenceState, Slot};
pub(crate) use same_shot::NEAR_SECONDS;
pub use same_shot::{
    BytesRelation, KeyRelation, PictureRelation, ShotFacts, ShotRelation, ShotVerdict,
    compare_shots, needs_picture_data,
};
pub use sibling_folders::{FolderRelation, InvalidFolderName, SiblingFolders};
