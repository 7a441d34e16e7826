//! Measures the import of a library by `photos import`:
//! `cargo run --release -p bench --bin import_bench [-- FILES [KILLS [FOLDER]]]`, after `cargo
//! build --release`. The defaults are 55,000 files and 20 kills.
//!
//! The program writes the library. A third of the files are pairs of RAW and JPEG. One shot in
//! twenty has no date. The names repeat on every card, and some are unusual. Every import is the
//! real `photos` command over the embedded engines. The program imports the library four times:
//! undisturbed, again over the same archive, killed and restarted again and again, and in place
//! over the resulting archive. It prints files per second, the peak memory, and the share of work
//! that was repeated. It fails if the resulting archives differ. The files are kept if FOLDER is
//! given.

#![expect(clippy::print_stdout, reason = "the report is its output")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bench::{BenchResult, DatedPhoto, ProcessMemory, find_photos_binary, list_files};
use ring::digest::{SHA256, digest};
use serde_json::Value;

/// The number of shots on one memory card. The names of the shots are the same on every card.
const SHOTS_PER_CARD: usize = 100;
const SHOTS_PER_DAY: usize = 250;
/// The time between two measurements of the memory of a running import.
const MEMORY_INTERVAL: Duration = Duration::from_millis(100);

fn main() -> BenchResult<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| match arguments.next() {
        Some(number) => number.parse::<usize>(),
        None => Ok(default),
    };
    let (files, kills) = (number(55_000)?, number(20)?);
    // The default name begins with a dot, and files in a hidden folder are never photos.
    let temporary = tempfile::Builder::new().prefix("photos-").tempdir()?;
    let folder = arguments
        .next()
        .map_or(temporary.path().to_owned(), PathBuf::from);
    let bench = ImportBench {
        photos: find_photos_binary()?,
        folder,
    };
    let (library, raws) = bench.write_library(files)?;
    println!("{files} files, {raws} of them RAW with a JPEG of the same name");

    let whole = bench.import("whole", &[&library])?;
    whole.print("imported");
    let again = bench.import("whole", &[&library])?;
    again.print("the same again");
    let share = 100.0 * again.seconds / whole.seconds;
    println!("  {share:.1} % of the time of the first");
    expect(again.report["new"] == 0, "the second import adds nothing")?;

    let killed = bench.import_with_kills(&library, files, kills)?;
    let repeated = killed.steps - killed.distinct_steps;
    let share = 100.0 * repeated as f64 / killed.distinct_steps as f64;
    println!(
        "killed {} times: {repeated} of {} finished steps done twice, {share:.2} %; unfinished steps are not counted",
        killed.kills, killed.distinct_steps
    );
    expect(
        bench.archive_contents("whole")? == bench.archive_contents("killed")?,
        "both archives hold the same photos in the same days",
    )?;
    for data in ["whole", "killed"] {
        expect(bench.reconciles(data)?, "`photos reconcile` finds nothing")?;
    }

    let archive = bench.data_folder("place").join("archive");
    link_files(&bench.data_folder("whole").join("archive"), &archive)?;
    let place = bench.import("place", &[&archive])?;
    place.print("indexed in place");
    expect(
        bench.archive_contents("whole")? == bench.archive_contents("place")?,
        "the import in place changes no file",
    )
}

/// The paths of the `photos` binary and of the folder for the library and the data folders.
struct ImportBench {
    photos: PathBuf,
    folder: PathBuf,
}

/// The report and the measurements of a finished import.
struct FinishedImport {
    report: Value,
    seconds: f64,
    /// The maximum resident memory in each quarter of the import's duration, in MB.
    quarters_mb: [f64; 4],
    peak_mb: f64,
}

/// The numbers of kills and of finished steps of an import that was killed and restarted.
struct KilledImport {
    kills: usize,
    /// The number of finished steps. A step archives or skips one file, or indexes one copy. A step
    /// that was repeated after a kill is counted twice.
    steps: usize,
    distinct_steps: usize,
}

impl FinishedImport {
    fn print(&self, what: &str) {
        let found = self.report["found"].as_f64().unwrap_or_default();
        println!(
            "{what}: {:.0} files/s, {:.1} s; {}",
            found / self.seconds,
            self.seconds,
            self.report
        );
        let [a, b, c, d] = self.quarters_mb;
        println!(
            "  peak memory {:.0} MB; by quarters of the time {a:.0}, {b:.0}, {c:.0}, {d:.0}",
            self.peak_mb
        );
    }
}

/// The example files that are the templates for the files of the library.
struct LibraryFiles {
    raw: DatedPhoto,
    jpeg_of_raw: DatedPhoto,
    jpeg: DatedPhoto,
    undated: Vec<u8>,
}

impl LibraryFiles {
    fn read() -> BenchResult<Self> {
        let examples = bench::repository_root().join("examples/photos");
        let leica_clock = "2023:12:27 15:04:36";
        Ok(LibraryFiles {
            raw: DatedPhoto::read("leica/L1000123.DNG", leica_clock)?,
            jpeg_of_raw: DatedPhoto::read("leica/L1000123.JPG", leica_clock)?,
            jpeg: DatedPhoto::read("fuji/DSCF2210.JPG", "2020:10:18 11:32:09")?,
            undated: std::fs::read(examples.join("received/from-a-friend.jpg"))?,
        })
    }
}

/// Appends the number of a shot to a file, so that no two files are equal. Readers ignore bytes
/// after the end of a picture.
fn with_number(mut bytes: Vec<u8>, shot: usize) -> Vec<u8> {
    bytes.extend(shot.to_le_bytes());
    bytes
}

/// Returns the file name of a shot, without the extension. Some names are long or have unusual
/// characters.
fn shot_name(shot: usize) -> String {
    let number = shot % SHOTS_PER_CARD;
    match shot % 50 {
        7 => format!("été {number} & 50% +1"),
        13 => format!("a.b.c {number}"),
        21 => format!("{}{number}", "long".repeat(50)),
        _ => format!("IMG_{number:04}"),
    }
}

/// Returns the capture time of a shot as EXIF writes it: `2004:01:01 08:00:00`.
fn shot_clock(shot: usize) -> String {
    let day = shot / SHOTS_PER_DAY;
    format!(
        "{}:{:02}:{:02} {:02}:{:02}:{:02}",
        2004 + day / 336,
        day / 28 % 12 + 1,
        day % 28 + 1,
        8 + shot % SHOTS_PER_DAY / 60,
        shot % 60,
        shot % 7,
    )
}

impl ImportBench {
    /// Returns the path of the data folder with this name.
    fn data_folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a library of this many files. Returns the folder of the library and its number of RAW
    /// files.
    fn write_library(&self, files: usize) -> BenchResult<(PathBuf, usize)> {
        let library = self.folder.join("library");
        let templates = LibraryFiles::read()?;
        let (mut written, mut shot, mut raws) = (0, 0, 0);
        while written < files {
            let card = library.join(format!("card{:04}", shot / SHOTS_PER_CARD));
            std::fs::create_dir_all(&card)?;
            let (name, clock) = (shot_name(shot), shot_clock(shot));
            let write = |extension: &str, bytes: Vec<u8>| {
                let path = card.join(format!("{name}.{extension}"));
                std::fs::write(path, with_number(bytes, shot))
            };
            // One shot in five is a pair: two files in six.
            match shot % 20 {
                0 | 5 | 10 | 15 if written + 2 <= files => {
                    write("DNG", templates.raw.with_clock(&clock))?;
                    write("JPG", templates.jpeg_of_raw.with_clock(&clock))?;
                    (written, raws) = (written + 1, raws + 1);
                }
                3 => write("jpg", templates.undated.clone())?,
                _ => write("JPG", templates.jpeg.with_clock(&clock))?,
            }
            (written, shot) = (written + 1, shot + 1);
        }
        Ok((library, raws))
    }

    fn start(&self, data: &str, paths: &[&Path], log: Option<&File>) -> BenchResult<Child> {
        let mut command = Command::new(&self.photos);
        if log.is_some() {
            command.arg("--verbose");
        }
        command
            .args(["import", "--json", "--data"])
            .arg(self.data_folder(data));
        command.args(paths).stdout(Stdio::piped());
        match log {
            Some(log) => command.stderr(log.try_clone()?),
            None => command.stderr(Stdio::inherit()),
        };
        Ok(command.spawn()?)
    }

    fn import(&self, data: &str, paths: &[&Path]) -> BenchResult<FinishedImport> {
        let start = Instant::now();
        let mut child = self.start(data, paths, None)?;
        let mut memory = Vec::new();
        let mut peak_mb = 0.0;
        let status: ExitStatus = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            // This fails if the process has just ended.
            if let Ok(now) = ProcessMemory::of_process(child.id()) {
                memory.push(now.resident as f64 / 1e6);
                peak_mb = now.peak as f64 / 1e6;
            }
            std::thread::sleep(MEMORY_INTERVAL);
        };
        let seconds = start.elapsed().as_secs_f64();
        expect(status.success(), "the import succeeds")?;
        let mut report = String::new();
        if let Some(mut out) = child.stdout.take() {
            out.read_to_string(&mut report)?;
        }
        let mut quarters = [0.0_f64; 4];
        for (at, now) in memory.iter().enumerate() {
            if let Some(quarter) = quarters.get_mut(at * 4 / memory.len()) {
                *quarter = quarter.max(*now);
            }
        }
        Ok(FinishedImport {
            report: serde_json::from_str(&report)?,
            seconds,
            quarters_mb: quarters,
            peak_mb,
        })
    }

    /// Imports a library of `files` files. Kills the import `kills` times, each time after an equal
    /// share of the work, and starts it again. The last start runs to the end.
    fn import_with_kills(
        &self,
        library: &Path,
        files: usize,
        kills: usize,
    ) -> BenchResult<KilledImport> {
        let path = self.folder.join("killed.log");
        let log = File::options().create(true).append(true).open(&path)?;
        // Each file is two steps.
        let share = 2 * files / (kills + 1);
        let mut reader = ImportLog::open(&path)?;
        let mut killed = 0;
        loop {
            let mut child = self.start("killed", &[library], Some(&log))?;
            let steps_before = reader.steps;
            let status = loop {
                if let Some(status) = child.try_wait()? {
                    break Some(status);
                }
                reader.read_new_lines()?;
                if killed < kills && reader.steps >= steps_before + share {
                    child.kill()?;
                    child.wait()?;
                    killed += 1;
                    break None;
                }
                std::thread::sleep(Duration::from_millis(10));
            };
            if let Some(status) = status {
                expect(status.success(), "the last import succeeds")?;
                break;
            }
        }
        reader.read_new_lines()?;
        Ok(KilledImport {
            kills: killed,
            steps: reader.steps,
            distinct_steps: reader.distinct.len(),
        })
    }

    /// Returns the contents of an archive: a map from the day and the SHA-256 digest of a file to
    /// the number of files with both. File names are ignored: if two shots have the same name, the
    /// first one that is imported keeps the name, and the order may differ.
    fn archive_contents(&self, data: &str) -> BenchResult<BTreeMap<(String, Vec<u8>), usize>> {
        let archive = self.data_folder(data).join("archive");
        let mut contents = BTreeMap::new();
        for path in list_files(&archive)? {
            let day = path.parent().unwrap_or(&path).strip_prefix(&archive)?;
            let bytes = digest(&SHA256, &std::fs::read(&path)?).as_ref().to_vec();
            let day = day.to_string_lossy().into_owned();
            *contents.entry((day, bytes)).or_default() += 1;
        }
        Ok(contents)
    }

    /// Reports whether `photos reconcile` finds no difference.
    fn reconciles(&self, data: &str) -> BenchResult<bool> {
        let mut command = Command::new(&self.photos);
        command
            .args(["reconcile", "--data"])
            .arg(self.data_folder(data));
        Ok(command.status()?.success())
    }
}

/// A reader of the log of an import that is still running.
struct ImportLog {
    log: BufReader<File>,
    /// The number of steps that have finished so far. A repeated step is counted each time.
    steps: usize,
    /// A digest for each finished step. A repeated step has the same digest, so the set contains
    /// this digest once.
    distinct: BTreeSet<Vec<u8>>,
}

impl ImportLog {
    fn open(path: &Path) -> BenchResult<Self> {
        let mut log = File::open(path)?;
        log.seek(SeekFrom::Start(0))?;
        Ok(ImportLog {
            log: BufReader::new(log),
            steps: 0,
            distinct: BTreeSet::new(),
        })
    }

    /// Reads the log lines that were written since the last call of this function, and counts the
    /// finished steps.
    fn read_new_lines(&mut self) -> BenchResult<()> {
        let mut line = String::new();
        loop {
            let at = self.log.stream_position()?;
            line.clear();
            self.log.read_line(&mut line)?;
            if !line.ends_with('\n') {
                // The import has not finished writing this line.
                self.log.seek(SeekFrom::Start(at))?;
                return Ok(());
            }
            let step = line.split_once("s3.bucket=").map(|(_, step)| step);
            let step = step.and_then(|step| Some(step.rsplit_once(" milliseconds=")?.0));
            let Some(step) = step else { continue };
            let ends = ["archived", "undated", "skipped", "indexed"];
            if ends
                .iter()
                .any(|end| step.contains(&format!("outcome=\"{end}\"")))
            {
                self.steps += 1;
                self.distinct
                    .insert(digest(&SHA256, step.as_bytes()).as_ref().to_vec());
            }
        }
    }
}

/// Makes hard links to all files of the folder `from` in the folder `to`. The result is like an
/// archive that existed before the import.
fn link_files(from: &Path, to: &Path) -> BenchResult<()> {
    for path in list_files(from)? {
        let target = to.join(path.strip_prefix(from)?);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::hard_link(&path, &target)?;
    }
    Ok(())
}

fn expect(holds: bool, what: &str) -> BenchResult<()> {
    if holds {
        Ok(())
    } else {
        Err(format!("expected: {what}").into())
    }
}
