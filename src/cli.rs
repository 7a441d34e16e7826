//! The `photos` command: the whole catalogue on one machine, and the owner's view of it.
//!
//! Results go to standard output, progress and messages to standard error. Exit status: 0 all well, 1 something
//! failed (each failure is one line), 2 wrong use.

mod catalogue_target;
mod commands;
mod data_dir;
mod engines;
mod flags;
mod listing;
mod output;
mod progress;
mod session;
mod shutdown;
mod stream_poller;
mod sweep;
mod upload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Photos, filed by the day they were taken and catalogued with their full EXIF.
#[derive(Debug, Parser)]
#[command(name = "photos", version, max_term_width = 100)]
struct PhotosArguments {
    /// Log every photo, and more with RUST_LOG.
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[expect(clippy::large_enum_variant, reason = "there is one, once")]
#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything here: an S3 to upload to, ingest, and the gallery.
    Serve(commands::serve::ServeArguments),
    /// File and catalogue a library: a folder, or what is in a bucket already.
    Import(commands::import::ImportArguments),
    /// Print what ingest would record of files, a line of JSON each.
    Extract(commands::extract::ExtractArguments),
    /// List the catalogue's photos.
    List(commands::list::ListArguments),
    /// Show one photo's record.
    Show(commands::show::ShowArguments),
    /// Hide a photo from the public or show it, or give it another title or caption.
    Set(commands::set::SetArguments),
    /// List the uploads that were no photos, and why.
    Skipped(commands::skipped::SkippedArguments),
    /// Count and write the static gallery files anew, or verify the counts.
    Recount(commands::recount::RecountArguments),
    /// Hold archive, uploads and catalogue against each other, and mend what does not fit.
    Reconcile(commands::reconcile::ReconcileArguments),
    /// Remove photos, with all their files.
    Rm(commands::rm::RmArguments),
    /// Bring removed photos back, from what they were uploaded as.
    Restore(commands::restore::RestoreArguments),
    /// Set right the times of a camera whose clock was wrong.
    FixDate(commands::fix_date::FixDateArguments),
    /// Read anew what an older extractor has read.
    Reindex(commands::reindex::ReindexArguments),
    /// Say when the site is built next, or call its build hook.
    Hook(commands::hook::HookArguments),
}

/// The result of a command that ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommandStatus {
    Success,
    /// Some of the work failed; each failure was printed.
    PartialFailure,
}

/// Runs the command line of this process to its end.
pub fn main() -> ExitCode {
    let arguments = PhotosArguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let PhotosArguments { verbose, command } = arguments;
    progress::log(verbose);
    let ended = runtime.block_on(async {
        match command {
            Command::Serve(arguments) => commands::serve::run(arguments).await,
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
            Command::FixDate(arguments) => commands::fix_date::run(arguments).await,
            Command::Reindex(arguments) => commands::reindex::run(arguments).await,
            Command::Hook(arguments) => commands::hook::run(arguments).await,
        }
    });
    // Whatever still runs has been told to stop; a thread that does not listen must not hold the process.
    runtime.shutdown_background();
    match ended {
        Ok(CommandStatus::Success) => ExitCode::SUCCESS,
        Ok(CommandStatus::PartialFailure) => ExitCode::from(1),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    progress::eprint_message(&format!("photos: {error:#}"));
    ExitCode::from(1)
}

/// `photos list | head` is not an error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::PhotosArguments::command().debug_assert();
    }
}
