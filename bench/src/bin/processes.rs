//! Whole processes over the same files, beside each other: ours, kamadak-exif, nom-exif, ExifTool, exiv2 and exifr.
//! `cargo run --release -p bench --bin processes -- FILE...`
//!
//! The crates run as this program, called again; each prints all fields of each file. Of the others, what is not
//! installed is named and left out: `exiftool` (or `EXIFTOOL`, a command line) and `exiv2` on the path, `exifr` where
//! `node` finds it (`NODE_PATH`). Each is run in turn, five times; the best time counts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use photo_catalogue::extract_report::report;
use photo_metadata::{ExtractError, Extractor, FileContext};

const ROUNDS: usize = 5;
/// exifr reads as little as it can of each file, and everything that it knows of in it.
const EXIFR: &str = "const exifr = require('exifr');
(async () => { for (const f of process.argv.slice(1)) {
  try { console.log(JSON.stringify([f, await exifr.parse(f, {tiff: true, xmp: true, iptc: true, ifd1: true})])) } catch (e) { console.log(f) }
} })()";

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.split_first() {
        Some((crate_name, files)) if crate_name == "--ours" => ours(files),
        Some((crate_name, files)) if crate_name == "--kamadak-exif" => kamadak_exif(files),
        Some((crate_name, files)) if crate_name == "--nom-exif" => nom_exif(files),
        Some(_) => compare(&arguments),
        None => writeln!(io::stdout(), "processes: no files named"),
    }
}

fn compare(files: &[String]) -> io::Result<()> {
    let this = std::env::current_exe()?;
    let ourselves = |argument: &str| {
        let mut command = Command::new(&this);
        command.arg(argument);
        command
    };
    let exiftool = std::env::var("EXIFTOOL").unwrap_or_else(|_| "exiftool".to_owned());
    let mut words = exiftool.split_whitespace();
    let mut exiftool = Command::new(words.next().unwrap_or("exiftool"));
    exiftool.args(words).args(["-fast2", "-j", "-n", "-G1"]);
    let mut exiv2 = Command::new("exiv2");
    exiv2.args(["-q", "-pa"]);
    let mut exifr = Command::new("node");
    exifr.args(["-e", EXIFR, "--"]);
    let mut commands = [
        ("ours", ourselves("--ours")),
        ("kamadak-exif", ourselves("--kamadak-exif")),
        ("nom-exif", ourselves("--nom-exif")),
        ("exiv2", exiv2),
        ("exifr", exifr),
        ("ExifTool -fast2", exiftool),
    ];
    let mut best: BTreeMap<usize, Duration> = BTreeMap::new();
    let mut out = io::stdout().lock();
    for command in &mut commands {
        command.1.args(files);
        command.1.stdin(Stdio::null()).stderr(Stdio::null());
    }
    for _ in 0..ROUNDS {
        for (index, (_, command)) in commands.iter_mut().enumerate() {
            let started = Instant::now();
            // Some exit with an error because of one broken file; one that printed nothing is not there.
            let printed = command
                .output()
                .is_ok_and(|output| !output.stdout.is_empty());
            if printed {
                let took = started.elapsed();
                let before = best.entry(index).or_insert(took);
                *before = took.min(*before);
            }
        }
    }
    let ours = best.get(&0).copied().unwrap_or_default();
    writeln!(
        out,
        "| {} files | ms | times ours |\n| --- | --- | --- |",
        files.len()
    )?;
    for (index, (name, _)) in commands.iter().enumerate() {
        match best.get(&index) {
            Some(time) => writeln!(
                out,
                "| {name} | {:.1} | {:.1} |",
                time.as_secs_f64() * 1e3,
                time.as_secs_f64() / ours.as_secs_f64()
            )?,
            None => writeln!(out, "| {name} | not installed | |")?,
        }
    }
    Ok(())
}

fn ours(files: &[String]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for path in files {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let context = FileContext {
            file_name: path.clone(),
            latest_credible_time: NaiveDateTime::MAX,
        };
        let read = |range: std::ops::Range<u64>| {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            file.read_exact_at(&mut bytes, range.start)?;
            Ok::<_, io::Error>(bytes.into())
        };
        let result = match Extractor::new(size, context).run(read) {
            Err(ExtractError::Read(error)) => return Err(error),
            result => result,
        };
        writeln!(out, "{}", report(path, size, result.as_ref(), true))?;
    }
    Ok(())
}

fn kamadak_exif(files: &[String]) -> io::Result<()> {
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

fn nom_exif(files: &[String]) -> io::Result<()> {
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
