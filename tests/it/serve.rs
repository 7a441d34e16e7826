//! End-to-end tests of the `photos` command. They run the real binary in a temporary folder, with
//! clients over HTTP.

mod albums;
mod amend;
mod bad_input;
mod command_line;
mod corpus;
mod crash;
mod data_folder;
mod drift;
mod elsewhere;
mod identity;
mod import;
mod listeners;
mod names;
mod pictures;
mod private_labels;
pub(crate) mod process;
mod public_bytes;
mod reconcile;
mod remove;
mod upload;
