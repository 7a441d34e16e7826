//! Compares the run time of whole processes that print the metadata of the same files: this
//! project, kamadak-exif, nom-exif, ExifTool, exiv2 and exifr.
//! `cargo build --release && cargo run --release -p bench --bin processes -- FILE...`
//!
//! This project runs as `photos extract --tags`. kamadak-exif and nom-exif are libraries: they run
//! in this program, which starts itself again for each. Each process prints all fields of each
//! file. The others need `exiftool` (or a command line in `EXIFTOOL`) and
//! `exiv2` on the path, and `exifr` in a folder that `node` searches (`NODE_PATH`). A tool that is
//! not installed is listed as such. All processes take turns, five times. In a turn, a process runs three
//! times in a row. The best time counts.

#![expect(clippy::print_stdout, reason = "the table is its output")]

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bench::{BenchResult, find_photos_binary};

const ROUNDS: usize = 5;
/// The number of runs of a process in a round. The first run may read the program from the disk, because
/// other processes ran before it.
const RUNS: usize = 3;
/// The JavaScript code that runs exifr. It prints all fields that exifr supports, and reads as
/// little as possible of each file.
const EXIFR: &str = "const exifr = require('exifr');
(async () => { for (const f of process.argv.slice(1)) {
  try { console.log(JSON.stringify([f, await exifr.parse(f, {tiff: true, xmp: true, iptc: true, ifd1: true})])) } catch (e) { console.log(f) }
} })()";

fn main() -> BenchResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((library, files)) if library == "--kamadak-exif" => Ok(print_kamadak_exif(files)?),
        Some((library, files)) if library == "--nom-exif" => Ok(print_nom_exif(files)?),
        Some(_) => compare(&arguments),
        None => Err("usage: processes FILE...".into()),
    }
}

/// One of the compared tools: its name, its command, and its shortest time so far. The time is
/// `None` if the tool is not installed.
struct ComparedTool {
    name: &'static str,
    command: Command,
    best: Option<Duration>,
}

impl ComparedTool {
    fn new(name: &'static str, program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        ComparedTool {
            name,
            command,
            best: None,
        }
    }

    fn run(&mut self) {
        let started = Instant::now();
        let output = self.command.output();
        let time = started.elapsed();
        // Some tools exit with an error because of one broken file. A tool that prints nothing is
        // not installed.
        if output.is_ok_and(|output| !output.stdout.is_empty()) {
            self.best = Some(self.best.map_or(time, |best| best.min(time)));
        }
    }
}

fn compared_tools() -> BenchResult<Vec<ComparedTool>> {
    let photos = find_photos_binary()?;
    let this = std::env::current_exe()?;
    let this = this.to_string_lossy();
    let exiftool = std::env::var("EXIFTOOL").unwrap_or_else(|_| "exiftool".to_owned());
    let exiftool: Vec<&str> = exiftool
        .split_whitespace()
        .chain(["-fast2", "-j", "-n", "-G1"])
        .collect();
    Ok(vec![
        ComparedTool::new("ours", &photos.to_string_lossy(), &["extract", "--tags"]),
        ComparedTool::new("kamadak-exif", &this, &["--kamadak-exif"]),
        ComparedTool::new("nom-exif", &this, &["--nom-exif"]),
        ComparedTool::new("exiv2", "exiv2", &["-q", "-pa"]),
        ComparedTool::new("exifr", "node", &["-e", EXIFR, "--"]),
        ComparedTool::new("ExifTool -fast2", exiftool[0], &exiftool[1..]),
    ])
}

fn compare(files: &[String]) -> BenchResult<()> {
    let mut tools = compared_tools()?;
    for tool in &mut tools {
        tool.command
            .args(files)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
    }
    for _ in 0..ROUNDS {
        for tool in &mut tools {
            for _ in 0..RUNS {
                tool.run();
            }
        }
    }
    let ours = tools[0].best.unwrap_or_default().as_secs_f64();
    println!("| {} files | ms | times ours |", files.len());
    println!("| --- | --- | --- |");
    for ComparedTool { name, best, .. } in &tools {
        match best.map(|best| best.as_secs_f64()) {
            Some(best) => println!("| {name} | {:.1} | {:.1} |", best * 1e3, best / ours),
            None => println!("| {name} | not installed | |"),
        }
    }
    Ok(())
}

fn print_kamadak_exif(files: &[String]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for path in files {
        let mut file = BufReader::new(File::open(path)?);
        writeln!(out, "{path}")?;
        if let Ok(exif) = exif::Reader::new().read_from_container(&mut file) {
            for field in exif.fields() {
                writeln!(out, "{} {}", field.tag, field.display_value())?;
            }
        }
    }
    Ok(())
}

fn print_nom_exif(files: &[String]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for path in files {
        writeln!(out, "{path}")?;
        if let Ok(exif) = nom_exif::read_exif(path) {
            for field in exif.entries() {
                writeln!(out, "{:?}", field.value())?;
            }
        }
    }
    Ok(())
}
