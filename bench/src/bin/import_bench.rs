//! What `photos import` does with a library: `cargo run --release -p bench --bin import_bench [-- FILES [KILLS [FOLDER]]]`
//! after `cargo build --release`; 55,000 files and 20 kills unless told.
//!
//! A third of the files are RAW and JPEG pairs, names come round again on every card, a twentieth say no date, and some
//! have odd keys. Every import is the real `photos` command over the embedded engines: once undisturbed, once more over
//! the same, once killed on the way again and again and begun anew, and once in place over the archive that came of it.
//! Prints photos a second, the most memory held, the share of work that was done twice, and whether the ends are equal;
//! fails where they are not. The files stay where FOLDER is given.

#![expect(clippy::print_stdout, reason = "its report is what it is run for")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Shots on one card, whose names begin anew on the next.
const CARD: usize = 100;
/// Shots of one day.
const DAY: usize = 250;
/// How often a running import is looked at.
const LOOK: Duration = Duration::from_millis(100);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| match arguments.next() {
        Some(number) => number.parse::<usize>(),
        None => Ok(default),
    };
    let (files, kills) = (number(55_000)?, number(20)?);
    let temporary = tempfile::tempdir()?;
    let folder = arguments
        .next()
        .map_or(temporary.path().to_owned(), PathBuf::from);
    let bench = Bench::new(folder)?;
    let (library, raws) = bench.generate(files)?;
    println!("{files} files, {raws} of them RAW beside a JPEG");

    let whole = bench.import("whole", &[&library])?;
    whole.print("imported");
    let again = bench.import("whole", &[&library])?;
    again.print("the same again");
    let share = 100.0 * again.seconds / whole.seconds;
    println!("  {share:.1} % of the time of the first");
    expect(again.report["new"] == 0, "nothing new the second time")?;

    let worked = bench.killed(&library, files, kills)?;
    let repeated = worked.done - worked.distinct;
    let share = 100.0 * repeated as f64 / worked.distinct as f64;
    println!(
        "killed {} times: {repeated} of {} finished steps done twice, {share:.2} %; what was under way is not counted",
        worked.kills, worked.distinct
    );
    expect(
        bench.state("whole")? == bench.state("killed")?,
        "the same photos in the same days",
    )?;
    for data in ["whole", "killed"] {
        expect(bench.reconciles(data)?, "`photos reconcile` finds nothing")?;
    }

    let archive = bench.data("place").join("archive");
    copy(&bench.data("whole").join("archive"), &archive)?;
    let place = bench.import("place", &[&archive])?;
    place.print("indexed in place");
    expect(
        bench.state("whole")? == bench.state("place")?,
        "no file changed",
    )
}

/// The command, and where its folders are.
struct Bench {
    photos: PathBuf,
    folder: PathBuf,
}

/// A finished import.
struct Imported {
    report: Value,
    seconds: f64,
    /// Of each quarter of the time, MB.
    memory: [f64; 4],
    /// MB.
    most_memory: f64,
}

/// What imports that were killed have done in all.
struct Worked {
    kills: usize,
    /// Steps: a file archived or found to be none, a copy indexed.
    done: usize,
    distinct: usize,
}

impl Imported {
    fn print(&self, what: &str) {
        let found = self.report["found"].as_f64().unwrap_or_default();
        println!(
            "{what}: {:.0} files/s, {:.1} s; {}",
            found / self.seconds,
            self.seconds,
            self.report
        );
        let [a, b, c, d] = self.memory;
        println!(
            "  most memory {:.0} MB; by quarters of the time {a:.0}, {b:.0}, {c:.0}, {d:.0}",
            self.most_memory
        );
    }
}

impl Bench {
    fn new(folder: PathBuf) -> Result<Self> {
        // target/<profile>/import_bench
        let binary = std::env::current_exe()?;
        let profile = binary.ancestors().nth(1).ok_or("not in a target folder")?;
        let photos = profile.join("photos");
        if !photos.is_file() {
            return Err(format!("{} is not built; `cargo build` first", photos.display()).into());
        }
        Ok(Bench { photos, folder })
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The library, and how many RAWs it holds.
    fn generate(&self, files: usize) -> Result<(PathBuf, usize)> {
        let library = self.folder.join("library");
        let raw = Template::new("leica/L1000123.DNG", "2023:12:27 15:04:36")?;
        let beside = Template::new("leica/L1000123.JPG", "2023:12:27 15:04:36")?;
        let alone = Template::new("fuji/DSCF2210.JPG", "2020:10:18 11:32:09")?;
        let undated = Template::new("received/from-a-friend.jpg", "")?;
        let (mut written, mut shot, mut raws) = (0, 0, 0);
        while written < files {
            let card = library.join(format!("card{:04}", shot / CARD));
            std::fs::create_dir_all(&card)?;
            let name = match shot % 50 {
                7 => format!("été {} & 50% +1", shot % CARD),
                13 => format!("a.b.c {}", shot % CARD),
                21 => format!("{}{}", "long".repeat(50), shot % CARD),
                _ => format!("IMG_{:04}", shot % CARD),
            };
            let day = shot / DAY;
            let clock = format!(
                "{}:{:02}:{:02} {:02}:{:02}:{:02}",
                2004 + day / 336,
                day / 28 % 12 + 1,
                day % 28 + 1,
                8 + shot % DAY / 60,
                shot % 60,
                shot % 7,
            );
            // Pairs: one shot in five, and so two files in six.
            let file = |extension: &str| card.join(format!("{name}.{extension}"));
            match shot % 20 {
                0 | 5 | 10 | 15 if written + 2 <= files => {
                    std::fs::write(file("DNG"), raw.at(&clock, shot))?;
                    std::fs::write(file("JPG"), beside.at(&clock, shot))?;
                    (written, raws) = (written + 1, raws + 1);
                }
                3 => std::fs::write(file("jpg"), undated.at("", shot))?,
                _ => std::fs::write(file("JPG"), alone.at(&clock, shot))?,
            }
            (written, shot) = (written + 1, shot + 1);
        }
        Ok((library, raws))
    }

    fn start(&self, data: &str, paths: &[&Path], log: Option<&File>) -> Result<Child> {
        let mut command = Command::new(&self.photos);
        if log.is_some() {
            command.arg("--verbose");
        }
        command
            .args(["import", "--json", "--data"])
            .arg(self.data(data));
        command.args(paths).stdout(Stdio::piped());
        match log {
            Some(log) => command.stderr(log.try_clone()?),
            None => command.stderr(Stdio::inherit()),
        };
        Ok(command.spawn()?)
    }

    fn import(&self, data: &str, paths: &[&Path]) -> Result<Imported> {
        let start = Instant::now();
        let mut child = self.start(data, paths, None)?;
        let mut memory = Vec::new();
        let mut most_memory = 0.0;
        let status: ExitStatus = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if let Ok((now, most)) = self::memory(child.id()) {
                memory.push(now);
                most_memory = most;
            }
            std::thread::sleep(LOOK);
        };
        let seconds = start.elapsed().as_secs_f64();
        expect(status.success(), "the import went well")?;
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
        Ok(Imported {
            report: serde_json::from_str(&report)?,
            seconds,
            memory: quarters,
            most_memory,
        })
    }

    /// Imports, and kills it each time that a share of the work is done, until it is through.
    fn killed(&self, library: &Path, files: usize, kills: usize) -> Result<Worked> {
        let path = self.folder.join("killed.log");
        let log = File::options().create(true).append(true).open(&path)?;
        // Two steps a file.
        let share = 2 * files / (kills + 1);
        let mut reader = Steps::new(&path)?;
        let mut killed = 0;
        loop {
            let mut child = self.start("killed", &[library], Some(&log))?;
            let begun = reader.done;
            let status = loop {
                if let Some(status) = child.try_wait()? {
                    break Some(status);
                }
                reader.read()?;
                if killed < kills && reader.done >= begun + share {
                    child.kill()?;
                    child.wait()?;
                    killed += 1;
                    break None;
                }
                std::thread::sleep(Duration::from_millis(10));
            };
            if let Some(status) = status {
                expect(status.success(), "the last import went well")?;
                break;
            }
        }
        reader.read()?;
        Ok(Worked {
            kills: killed,
            done: reader.done,
            distinct: reader.distinct.len(),
        })
    }

    /// Day and bytes of every file of the archive, and how many of each, whatever their names: which of two shots that
    /// share one keeps it is the first's good luck.
    fn state(&self, data: &str) -> Result<BTreeMap<(String, Vec<u8>), usize>> {
        let archive = self.data(data).join("archive");
        let mut state = BTreeMap::new();
        for path in files(&archive)? {
            let day = path.parent().unwrap_or(&path).strip_prefix(&archive)?;
            let bytes = digest(&SHA256, &std::fs::read(&path)?).as_ref().to_vec();
            let day = day.to_string_lossy().into_owned();
            *state.entry((day, bytes)).or_default() += 1;
        }
        Ok(state)
    }

    fn reconciles(&self, data: &str) -> Result<bool> {
        let mut command = Command::new(&self.photos);
        command.args(["reconcile", "--data"]).arg(self.data(data));
        Ok(command.status()?.success())
    }
}

/// The steps that a log tells of.
struct Steps {
    log: BufReader<File>,
    done: usize,
    distinct: BTreeSet<Vec<u8>>,
}

impl Steps {
    fn new(path: &Path) -> Result<Self> {
        let mut log = File::open(path)?;
        log.seek(SeekFrom::Start(0))?;
        Ok(Steps {
            log: BufReader::new(log),
            done: 0,
            distinct: BTreeSet::new(),
        })
    }

    /// Reads what has been written since.
    fn read(&mut self) -> Result<()> {
        let mut line = String::new();
        loop {
            let at = self.log.stream_position()?;
            line.clear();
            self.log.read_line(&mut line)?;
            if !line.ends_with('\n') {
                // The rest of it is still to come.
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
                self.done += 1;
                self.distinct
                    .insert(digest(&SHA256, step.as_bytes()).as_ref().to_vec());
            }
        }
    }
}

/// A file whose wall clock can be set.
struct Template {
    bytes: Vec<u8>,
    clocks: Vec<usize>,
}

impl Template {
    fn new(name: &str, clock: &str) -> Result<Self> {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join("examples/photos");
        let bytes = std::fs::read(folder.join(name))?;
        let clocks = (0..bytes.len()).filter(|&at| {
            !clock.is_empty()
                && bytes
                    .get(at..)
                    .is_some_and(|rest| rest.starts_with(clock.as_bytes()))
        });
        let clocks: Vec<usize> = clocks.collect();
        expect(
            clock.is_empty() || !clocks.is_empty(),
            "the example has this clock",
        )?;
        Ok(Template { bytes, clocks })
    }

    /// With this clock, and its number behind its end, so that no two are equal.
    fn at(&self, clock: &str, number: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for &at in &self.clocks {
            bytes[at..at + clock.len()].copy_from_slice(clock.as_bytes());
        }
        bytes.extend(number.to_le_bytes());
        bytes
    }
}

/// Resident now, and at most so far, MB.
fn memory(pid: u32) -> Result<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let megabytes = |name: &str| -> Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes: f64 = line
            .ok_or("no such line")?
            .trim()
            .trim_end_matches(" kB")
            .parse()?;
        Ok(kilobytes * 1024.0 / 1e6)
    };
    Ok((megabytes("VmRSS:")?, megabytes("VmHWM:")?))
}

fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// The same files again, by hard links: an archive that was there before us.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for path in files(from)? {
        let target = to.join(path.strip_prefix(from)?);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::hard_link(&path, &target)?;
    }
    Ok(())
}

fn expect(holds: bool, what: &str) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(format!("it does not hold that {what}").into())
    }
}
