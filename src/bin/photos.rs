//! The `photos` command; all of it is in [`photo_catalogue::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    photo_catalogue::cli::main()
}
