//! The `photos` command from outside: the real binary in a folder of its own, clients over HTTP.

mod amend;
mod bad_input;
mod command_line;
mod corpus;
mod crash;
mod drift;
mod elsewhere;
mod import;
pub(crate) mod process;
mod reconcile;
mod remove;
mod upload;
