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
mod deferred_arguments;
mod engine_client;
mod engine_socket;
mod engines;
mod flags;
mod key_pair_file;
mod ordered_threads;
mod output;
mod picture_process;
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

use crate::cli::deferred_arguments::Deferred;
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
#[expect(clippy::large_enum_variant, reason = "the program has one value of it")]
enum Command {
    /// Run everything on this machine: an S3 server to upload to, ingest, and the gallery.
    Serve(Deferred<commands::serve::ServeArguments>),
    /// Print the shell commands that let other S3 clients use the running server.
    Env(Deferred<commands::env::EnvArguments>),
    /// File and catalogue many photos: those of a folder or of a bucket.
    Import(Deferred<commands::import::ImportArguments>),
    /// Print what ingest would record for files, as one line of JSON each.
    Extract(Deferred<commands::extract::ExtractArguments>),
    /// List the catalogue's photos.
    List(Deferred<commands::list::ListArguments>),
    /// Show one photo's record.
    Show(Deferred<commands::show::ShowArguments>),
    /// Hide a photo from the public or show it, or give it another title, caption or date.
    Set(Deferred<commands::set::SetArguments>),
    /// Add, change, list or delete albums.
    Album(Deferred<commands::album::AlbumArguments>),
    /// List the uploads that are not photos, and why.
    Skipped(Deferred<commands::skipped::SkippedArguments>),
    /// Rebuild the counts and the static gallery files, or verify the counts.
    Recount(Deferred<commands::recount::RecountArguments>),
    /// Compare archive, uploads and catalogue, and report or repair the differences.
    Reconcile(Deferred<commands::reconcile::ReconcileArguments>),
    /// Remove photos, with all their files.
    Rm(Deferred<commands::rm::RmArguments>),
    /// Restore removed photos from their uploads.
    Restore(Deferred<commands::restore::RestoreArguments>),
    /// Make two photos one.
    Merge(Deferred<commands::merge::MergeArguments>),
    /// Make several photos of one: undo a merge, or separate a photo's formats.
    Split(Deferred<commands::split::SplitArguments>),
    /// List the photos that have the same bytes or the same picture, or merge them.
    Duplicates(Deferred<commands::duplicates::DuplicatesArguments>),
    /// Correct the times of a camera whose clock was wrong.
    FixDate(Deferred<commands::fix_date::FixDateArguments>),
    /// Read the files again that an older extractor has read.
    Reindex(Deferred<commands::reindex::ReindexArguments>),
    /// Show when the site is built next, or call its build hook.
    Hook(Deferred<commands::hook::HookArguments>),
    /// Render the AVIF on standard input. Other commands of this program start it.
    #[command(name = picture_process::COMMAND, hide = true)]
    RenderAvif(Deferred<picture_process::RenderAvifArguments>),
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
    let PhotosArguments { verbose, command } = PhotosArguments::parse();
    progress::init_logs(verbose);
    let ended = match command {
        Command::Serve(Deferred(arguments)) => block_on(commands::serve::run(arguments)),
        Command::Env(Deferred(arguments)) => block_on(commands::env::run(arguments)),
        Command::Import(Deferred(arguments)) => block_on(commands::import::run(arguments)),
        // Needs no runtime. To start its threads takes as long as to read many photos.
        Command::Extract(Deferred(arguments)) => commands::extract::run(&arguments),
        Command::List(Deferred(arguments)) => block_on(commands::list::run(arguments)),
        Command::Show(Deferred(arguments)) => block_on(commands::show::run(arguments)),
        Command::Set(Deferred(arguments)) => block_on(commands::set::run(arguments)),
        Command::Album(Deferred(arguments)) => block_on(commands::album::run(arguments)),
        Command::Skipped(Deferred(arguments)) => block_on(commands::skipped::run(arguments)),
        Command::Recount(Deferred(arguments)) => block_on(commands::recount::run(arguments)),
        Command::Reconcile(Deferred(arguments)) => block_on(commands::reconcile::run(arguments)),
        Command::Rm(Deferred(arguments)) => block_on(commands::rm::run(arguments)),
        Command::Restore(Deferred(arguments)) => block_on(commands::restore::run(arguments)),
        Command::Merge(Deferred(arguments)) => block_on(commands::merge::run(arguments)),
        Command::Split(Deferred(arguments)) => block_on(commands::split::run(arguments)),
        Command::Duplicates(Deferred(arguments)) => block_on(commands::duplicates::run(arguments)),
        Command::FixDate(Deferred(arguments)) => block_on(commands::fix_date::run(arguments)),
        Command::Reindex(Deferred(arguments)) => block_on(commands::reindex::run(arguments)),
        Command::Hook(Deferred(arguments)) => block_on(commands::hook::run(arguments)),
        Command::RenderAvif(Deferred(arguments)) => picture_process::run(&arguments),
    };
    match ended {
        Ok(CommandStatus::Success) => ExitCode::SUCCESS,
        Ok(CommandStatus::PartialFailure) => ExitCode::from(1),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => report_failure(&error),
    }
}

/// Runs a command on an async runtime of its own, to its end.
///
/// # Errors
/// Returns the error of the command. Also fails if the runtime cannot be started.
fn block_on(
    command: impl Future<Output = anyhow::Result<CommandStatus>>,
) -> anyhow::Result<CommandStatus> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // The default of 2 MiB is too small for the futures of ingest in a program without
        // optimisation.
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(command);
    // All tasks have been asked to stop. A thread that still runs must not delay the exit.
    runtime.shutdown_background();
    ended
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

    /// Returns the descriptions of all commands.
    fn descriptions(photos: &clap::Command) -> Vec<String> {
        let commands = photos.get_subcommands();
        commands
            .filter_map(|command| Some(command.get_about()?.to_string()))
            .collect()
    }

    #[test]
    fn arguments_do_not_replace_the_description_of_their_command() {
        let mut photos = super::PhotosArguments::command();
        let expected = descriptions(&photos);
        assert!(expected.contains(&"List the catalogue's photos".to_owned()));
        photos.build();
        // A command `help` is added at the end.
        assert!(descriptions(&photos).starts_with(&expected));
    }

    #[test]
    fn command_line_is_consistent() {
        super::PhotosArguments::command().debug_assert();
    }
}
