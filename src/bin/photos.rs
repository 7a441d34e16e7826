//! The `photos` command. Its code is in [`photo_catalogue::cli`].

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    photo_catalogue::cli::main()
}
