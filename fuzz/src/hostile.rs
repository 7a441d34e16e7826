//! Measures the worst cost of an extraction: `cargo run --release --bin hostile -- [FOLDER]`.
//!
//! Runs the extraction over the attack files. Then takes every sample and every file of a folder,
//! and cuts it at every byte and flips one bit of every byte. After the first 64 KiB of a file,
//! only some bytes are taken. The default folder is the corpus next to the project. Exits with 1 if
//! a run takes over 100 ms or over 32 MiB.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use extraction::{hostile_files, samples, time_extraction};

const MAX_MEMORY_BYTES: usize = 32 << 20;
const ALWAYS: usize = 64 << 10;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct CountingAllocator;

// Only counting is added to the allocator of the system.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: CountingAllocator = CountingAllocator;

#[derive(Default)]
struct WorstRun {
    runs: u64,
    time: (Duration, String),
    memory: (usize, String),
}

impl WorstRun {
    fn run(&mut self, bytes: &[u8], what: impl Fn() -> String) -> (Duration, usize) {
        self.runs += 1;
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        let mut took = time_extraction(bytes);
        let memory = PEAK.load(Relaxed) - before;
        // Another process may have interrupted a run, so the best of a few runs counts.
        for _ in 0..4 {
            if took > Duration::from_millis(10).max(self.time.0) {
                took = took.min(time_extraction(bytes));
            }
        }
        if took > self.time.0 {
            self.time = (took, what());
        }
        if memory > self.memory.0 {
            self.memory = (memory, what());
        }
        (took, memory)
    }

    fn print(&self, name: &str) {
        println!("{name}: {} runs, no panic", self.runs);
        println!("  longest {:?}: {}", self.time.0, self.time.1);
        println!(
            "  most memory {} KiB: {}",
            self.memory.0 >> 10,
            self.memory.1
        );
    }
}

fn main() -> ExitCode {
    let mut attacked = WorstRun::default();
    for (name, bytes) in hostile_files::all() {
        let (took, memory) = attacked.run(&bytes, || name.to_owned());
        println!(
            "{:8.2} ms {:6} KiB  {name} ({} KiB)",
            took.as_secs_f64() * 1e3,
            memory >> 10,
            bytes.len() >> 10
        );
    }
    let mut broken = WorstRun::default();
    for (name, bytes) in samples::all() {
        break_everywhere(name, bytes, &mut broken);
    }
    broken.print("samples, cut and flipped");
    let folder = std::env::args().nth(1).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
        PathBuf::from,
    );
    let mut of_folder = WorstRun::default();
    let mut paths = Vec::new();
    collect(&folder, &mut paths);
    if paths.is_empty() {
        println!("no files in {}: left out", folder.display());
    }
    for path in paths {
        let name = path
            .strip_prefix(&folder)
            .unwrap_or(&path)
            .display()
            .to_string();
        break_everywhere(
            &name,
            std::fs::read(&path).unwrap_or_default(),
            &mut of_folder,
        );
    }
    of_folder.print("folder, cut and flipped");
    let all = [attacked, broken, of_folder];
    let within =
        |w: &WorstRun| w.time.0 < Duration::from_millis(100) && w.memory.0 < MAX_MEMORY_BYTES;
    if all.iter().all(within) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_none_or(|e| e != "json" && e != "md") {
            paths.push(path);
        }
    }
    paths.sort();
}

fn break_everywhere(name: &str, mut bytes: Vec<u8>, worst: &mut WorstRun) {
    let rest = (ALWAYS..bytes.len()).step_by((bytes.len() / 512).max(1));
    let places: Vec<usize> = (0..bytes.len().min(ALWAYS)).chain(rest).collect();
    for &place in &places {
        worst.run(&bytes[..place], || format!("{name} cut at {place}"));
    }
    for &place in &places {
        let bit = 1 << (place % 8);
        bytes[place] ^= bit;
        worst.run(&bytes, || {
            format!("{name} with a bit of byte {place} flipped")
        });
        bytes[place] ^= bit;
    }
}
