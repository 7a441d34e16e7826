//! The `photos` command. It runs the whole catalogue on one machine, and has the commands with
//! which the owner manages the photos.
//!
//! Results go to standard output. Progress and messages go to standard error. The exit status is 0
//! if the command succeeded, 1 if something failed, and 2 if the command line is wrong. Each
//! failure is one line on standard error.

#![allow(
    clippy::disallowed_methods,
    reason = "commands read the clock and files"
)]

mod catalogue_target;
mod commands;
mod cursor_key_file;
mod data_dir;
mod engine_client;
mod engine_socket;
mod engines;
mod flags;
mod key_pair_file;
mod output;
mod picture_worker;
mod progress;
mod session;
mod shutdown;
mod stream_poller;
mod sweep;
mod unfinished_work;
mod unread_labels;
mod upload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::telemetry::error_chain;

/// Files photos by the day they were taken and catalogues them with their full EXIF.
#[derive(Debug, Parser)]
#[command(name = "photos", version, max_term_width = 100)]
struct PhotosArguments {
    /// Log every photo, and more with RUST_LOG.
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine: an S3 server to upload to, ingest, and the gallery.
    Serve(commands::serve::ServeArguments),
    /// Print the shell commands that let other S3 clients use the running server.
    Env(commands::env::EnvArguments),
    /// File and catalogue many photos: those of a folder or of a bucket.
    Import(commands::import::ImportArguments),
    /// Print what ingest would record for files, as one line of JSON each.
    Extract(commands::extract::ExtractArguments),
    /// List the catalogue's photos.
    List(commands::list::ListArguments),
    /// Show one photo's record.
    Show(commands::show::ShowArguments),
    /// Hide a photo from the public or show it, or give it another title, caption or date.
    Set(commands::set::SetArguments),
    /// List the uploads that are not photos, and why.
    Skipped(commands::skipped::SkippedArguments),
    /// Rebuild the counts and the static gallery files, or verify the counts.
    Recount(commands::recount::RecountArguments),
    /// Compare archive, uploads and catalogue, and report or repair the differences.
    Reconcile(commands::reconcile::ReconcileArguments),
    /// Remove photos, with all their files.
    Rm(commands::rm::RmArguments),
    /// Restore removed photos from their uploads.
    Restore(commands::restore::RestoreArguments),
    /// Make two photos one.
    Merge(commands::merge::MergeArguments),
    /// Make several photos of one: undo a merge, or separate a photo's formats.
    Split(commands::split::SplitArguments),
    /// List the photos that have the same bytes or the same picture, or merge them.
    Duplicates(commands::duplicates::DuplicatesArguments),
    /// Correct the times of a camera whose clock was wrong.
    FixDate(commands::fix_date::FixDateArguments),
    /// Read the files again that an older extractor has read.
    Reindex(commands::reindex::ReindexArguments),
    /// Show when the site is built next, or call its build hook.
    Hook(commands::hook::HookArguments),
}

/// The result of a command that ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommandStatus {
    /// All of the work succeeded. The exit status is 0.
    Success,
    /// A part of the work was not done, or a check found faults. The exit status is 1. The command
    /// has printed the reasons.
    PartialFailure,
}

/// Parses the command line of this process and runs the command. Returns the exit status.
pub fn main() -> ExitCode {
    let arguments = PhotosArguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report_failure(&error.into()),
    };
    let PhotosArguments { verbose, command } = arguments;
    progress::init_logs(verbose);
    let ended = runtime.block_on(async {
        match command {
            Command::Serve(arguments) => commands::serve::run(arguments).await,
            Command::Env(arguments) => commands::env::run(arguments).await,
            Command::Import(arguments) => commands::import::run(arguments).await,
            Command::Extract(arguments) => commands::extract::run(&arguments),
            Command::List(arguments) => commands::list::run(arguments).await,
            Command::Show(arguments) => commands::show::run(arguments).await,
            Command::Set(arguments) => commands::set::run(arguments).await,
            Command::Skipped(arguments) => commands::skipped::run(arguments).await,
            Command::Recount(arguments) => commands::recount::run(arguments).await,
            Command::Reconcile(arguments) => commands::reconcile::run(arguments).await,
            Command::Rm(arguments) => commands::rm::run(arguments).await,
            Command::Restore(arguments) => commands::restore::run(arguments).await,
            Command::Merge(arguments) => commands::merge::run(arguments).await,
            Command::Split(arguments) => commands::split::run(arguments).await,
            Command::Duplicates(arguments) => commands::duplicates::run(arguments).await,
            Command::FixDate(arguments) => commands::fix_date::run(arguments).await,
            Command::Reindex(arguments) => commands::reindex::run(arguments).await,
            Command::Hook(arguments) => commands::hook::run(arguments).await,
        }
    });
    // All tasks have been asked to stop. A thread that still runs must not delay the exit.
    runtime.shutdown_background();
    match ended {
        Ok(CommandStatus::Success) => ExitCode::SUCCESS,
        Ok(CommandStatus::PartialFailure) => ExitCode::from(1),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => report_failure(&error),
    }
}

/// Prints the error with which a command failed. Returns the exit status 1.
fn report_failure(error: &anyhow::Error) -> ExitCode {
    progress::eprint_message(&format!("photos: {}", error_chain(error.as_ref())));
    ExitCode::from(1)
}

/// Reports whether the error of a command means that its output pipe was closed, for example by
/// `head` in `photos list | head`. This does not count as a failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        super::PhotosArguments::command().debug_assert();
    }
}
