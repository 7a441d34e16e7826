//! Runs `photos extract` over each hostile file of `test_support::hostile_files`, one process for
//! each file. Prints a table of the time and the memory of each process:
//! `cargo build --release && cargo run --release -p bench --bin hostile [-- FOLDER]`.
//!
//! If a folder is given, also runs over each file of the folder. The time is the shortest of three
//! runs, because other processes may interrupt a run. It includes the start of the process. Exits
//! with 1 if a file needs more than 300 ms or 64 MB. The memory is measured on Linux only.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock and prints its report"
)]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use bench::BenchResult;
use bench::{ProcessMemory, find_photos_binary};
use test_support::hostile_files;

const MAX_TIME: Duration = Duration::from_millis(300);
const MAX_MEGABYTES: f64 = 64.0;
const RUNS: usize = 3;

fn main() -> BenchResult<ExitCode> {
    let photos = find_photos_binary()?;
    let folder = tempfile::tempdir()?;
    let mut files = Vec::new();
    for (name, bytes) in hostile_files::all() {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes)?;
        files.push(path);
    }
    if let Some(more) = std::env::args_os().nth(1) {
        for entry in std::fs::read_dir(more)? {
            let path = entry?.path();
            if path.is_file() {
                files.push(path);
            }
        }
    }
    println!("| file | KB | ms | MB |\n| --- | --- | --- | --- |");
    let mut verdict = ExitCode::SUCCESS;
    for file in &files {
        let kilobytes = std::fs::metadata(file)?.len().div_ceil(1_000);
        let mut time = Duration::MAX;
        for _ in 0..RUNS {
            time = time.min(measure_time(&photos, file)?);
        }
        let megabytes = measure_peak_bytes(&photos, file)? as f64 / 1e6;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let milliseconds = time.as_secs_f64() * 1e3;
        println!("| {name} | {kilobytes} | {milliseconds:.0} | {megabytes:.0} |");
        if time > MAX_TIME || megabytes > MAX_MEGABYTES {
            verdict = ExitCode::FAILURE;
        }
    }
    Ok(verdict)
}

fn extraction(photos: &Path, file: &Path) -> Command {
    let mut command = Command::new(photos);
    command.arg("extract").arg(file);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs `photos extract` over the file. Returns the time from the start to the end of the process.
fn measure_time(photos: &Path, file: &Path) -> BenchResult<Duration> {
    let start = Instant::now();
    extraction(photos, file).status()?;
    Ok(start.elapsed())
}

/// Runs `photos extract` over the file. Returns the maximum resident memory of the process, in
/// bytes. The number is read many times, because it is gone when the process has ended.
fn measure_peak_bytes(photos: &Path, file: &Path) -> BenchResult<u64> {
    let mut child = extraction(photos, file).spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        if let Ok(memory) = ProcessMemory::of_process(child.id()) {
            peak = peak.max(memory.peak);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(peak)
}
