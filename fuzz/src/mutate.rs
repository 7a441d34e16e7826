//! Fuzzes without a nightly toolchain:
//! `cargo run --release --bin mutate -- [SECONDS] [SEED] [FOLDER...]`.
//!
//! Breaks the samples, the files of the corpus, and the files of further folders, for a number of
//! seconds. The seed determines the changes. Prints the slowest file. A file that breaks a property
//! is written to `artifacts/`, and ends the run with a panic.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Numbers that often break code for lengths, counts and offsets.
const EDGES: [u32; 12] = [
    0,
    1,
    2,
    0x7f,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, otherwise| {
        let given = arguments.get(index);
        given.map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let (seconds, seed) = (number(0, 60), number(1, 1));
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = arguments.iter().skip(2).map(PathBuf::from).collect();
    folders.push(fuzz.join("corpus/extract"));
    let mut files: Vec<Vec<u8>> = extraction::samples::all()
        .into_iter()
        .map(|s| s.1)
        .chain(extraction::samples::sidecars())
        .collect();
    for folder in folders.iter().filter(|folder| folder.exists()) {
        collect(folder, &mut files);
    }
    let mut random = XorShift(seed | 1);
    let ends = Instant::now() + Duration::from_secs(seconds);
    let (mut runs, mut slowest) = (0_u64, Duration::ZERO);
    while Instant::now() < ends {
        let bytes = mutate_file(&files, &mut random);
        let outcome = std::panic::catch_unwind(|| {
            extraction::check_sidecar(&bytes);
            extraction::check_extraction(&bytes)
        });
        let took = outcome.unwrap_or_else(|panic| {
            let at = fuzz
                .join("artifacts")
                .join(format!("seed-{seed}-run-{runs}"));
            std::fs::create_dir_all(fuzz.join("artifacts")).expect("a folder");
            std::fs::write(&at, &bytes).expect("a writable folder");
            eprintln!("finding: {}", at.display());
            std::panic::resume_unwind(panic)
        });
        runs += 1;
        slowest = slowest.max(took);
    }
    println!(
        "{runs} broken files of {} in {seconds} s from seed {seed}: no finding, slowest {slowest:?}",
        files.len()
    );
}

fn collect(folder: &Path, files: &mut Vec<Vec<u8>>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else {
            let mut bytes = std::fs::read(&path).expect("a file");
            bytes.truncate(256 << 10);
            files.push(bytes);
        }
    }
}

fn mutate_file(files: &[Vec<u8>], random: &mut XorShift) -> Vec<u8> {
    let mut bytes = files[random.below(files.len())].clone();
    for _ in 0..=random.below(6) {
        if bytes.is_empty() {
            return bytes;
        }
        // Most of the structure is in headers and directories.
        let near = if random.below(3) > 0 {
            bytes.len().min(2_048)
        } else {
            bytes.len()
        };
        let at = random.below(near);
        let room = bytes.len() - at;
        let edge = EDGES[random.below(EDGES.len())];
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 if room >= 2 => bytes[at..at + 2].copy_from_slice(&(edge as u16).to_le_bytes()),
            3 if room >= 4 => bytes[at..at + 4].copy_from_slice(&edge.to_le_bytes()),
            4 if room >= 4 => bytes[at..at + 4].copy_from_slice(&edge.to_be_bytes()),
            5 => bytes.truncate(at),
            // Inserts a piece of another file, or overwrites bytes with this piece.
            6 => {
                let other = &files[random.below(files.len())];
                let from = random.below(other.len().max(1)).min(other.len());
                let length = random.below(64).min(other.len() - from);
                let piece = other[from..from + length].to_vec();
                let end = if random.below(2) == 0 {
                    at
                } else {
                    at + length.min(room)
                };
                bytes.splice(at..end, piece);
            }
            _ => {
                let length = random.below(32).min(room);
                bytes.drain(at..at + length);
            }
        }
    }
    bytes
}

/// A random number generator (xorshift64*). It is small, and gives the same numbers on every
/// platform.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        ((self.next() >> 33) as usize) % end
    }
}
