//! Compares the cost of web-size JPEGs made by whole processes: `photo-render` and sharp.
//! `cargo run --release -p bench --bin renditions`
//!
//! Makes a JPEG of 24 megapixels, baseline and progressive, or takes the JPEGs that are named as
//! arguments. They should be larger than 2048 pixels: for a smaller picture, `photo-render` makes fewer
//! renditions, and sharp makes the same one again. `photo-render` runs in this program, which starts
//! itself again. sharp needs `node` on the path, and `sharp` in a folder that `node` searches
//! (`NODE_PATH`). A program that is not installed is listed as such. All processes take turns, five
//! times. The lowest CPU time and the lowest memory count.
//!
//! The scores are those of SSIMULACRA 2 (100 is equal, 90 looks equal, 70 is a good JPEG). The
//! reference is the picture before it was encoded, reduced in linear light with Lanczos3. For named
//! files, it is the decoded file. The CPU time is that of `/proc`, in steps of 10 ms, so only Linux
//! has it.

#![expect(clippy::print_stdout, reason = "the table is its output")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bench::{BenchResult, LargePhoto, ProcessMemory};
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U16x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use mozjpeg::Decompress;
use photo_render::{
    EncodedPicture, PictureFormat, PictureOrientation, RenderLimits, RenderRecipe, RightsNotice,
    UntaggedColour, render,
};
use ssimulacra2::{LinearRgb, compute_frame_ssimulacra2};

const ROUNDS: usize = 5;
const PHOTO: LargePhoto = LargePhoto {
    width: 6_000,
    height: 4_000,
};
/// The renditions whose quality is compared.
const SCORED_EDGES: [usize; 2] = [2_048, 640];
/// The JavaScript code that all runs of sharp begin with. sharp uses one thread, as `photo-render`.
const SHARP: &str = "const sharp = require('sharp'), fs = require('fs');
sharp.concurrency(1); sharp.cache(false);
const [file, folder] = process.argv.slice(1);
const write = (picture, edge) => picture.resize(edge, edge, {fit: 'inside', withoutEnlargement: true})
  .jpeg({quality: 76, mozjpeg: true}).toFile(`${folder}/${edge}.jpg`);
const finish = () => console.log(+/VmHWM:\\s*(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1] * 1024);
";
/// Decodes the file once, to the pixels of the largest rendition.
const SHARP_ONCE: &str = "(async () => {
  const {data, info} = await sharp(file).rotate().resize(2048, 2048, {fit: 'inside', withoutEnlargement: true})
    .raw().toBuffer({resolveWithObject: true});
  const largest = sharp(data, {raw: info});
  for (const edge of [2048, 1280, 640, 320]) await write(largest.clone(), edge);
  finish();
})()";
/// Decodes the file for each rendition, each time at the scale that fits it best.
const SHARP_EACH: &str = "(async () => {
  const picture = sharp(file).rotate();
  for (const edge of [2048, 1280, 640, 320]) await write(picture.clone(), edge);
  finish();
})()";

fn main() -> BenchResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [ours, file, folder] if ours == "--ours" => render_file(file, Path::new(folder)),
        [] => compare_large_photo(),
        files => {
            print_head();
            let compare = |file: &String| {
                let jpeg = fs::read(file)?;
                let decoded = LinearPicture::from_jpeg(&jpeg)?;
                compare_programs(file, Path::new(file), &decoded)
            };
            files.iter().try_for_each(compare)
        }
    }
}

/// Renders a file with the default recipe, as a process of its own. Prints its peak memory.
fn render_file(file: &str, folder: &Path) -> BenchResult<()> {
    let bytes = fs::read(file)?;
    let picture = EncodedPicture {
        bytes: &bytes,
        format: PictureFormat::Jpeg,
        orientation: PictureOrientation::Upright,
        untagged_colour: UntaggedColour::Srgb,
    };
    let recipe = RenderRecipe::default();
    let rights = RightsNotice::default();
    let rendered = render(&picture, &recipe, &rights, RenderLimits::default())?;
    for rendition in &rendered.renditions {
        let name = format!("{}.jpg", rendition.size.long_edge());
        fs::write(folder.join(name), &rendition.jpeg)?;
    }
    println!("{}", ProcessMemory::of_this_process()?.peak);
    Ok(())
}

fn compare_large_photo() -> BenchResult<()> {
    let folder = tempfile::tempdir()?;
    let source = LinearPicture::from_rows(PHOTO.width, PHOTO.rows());
    print_head();
    for (name, is_progressive) in [("baseline", false), ("progressive", true)] {
        let file = folder.path().join(name);
        fs::write(&file, PHOTO.jpeg(is_progressive)?)?;
        compare_programs(name, &file, &source)?;
    }
    Ok(())
}

fn print_head() {
    println!("| JPEG | program | CPU seconds | peak memory, MB | bytes | score at 2048 | at 640 |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
}

/// Prints a line for each program that renders the file. `source` is the picture in the file.
fn compare_programs(name: &str, file: &Path, source: &LinearPicture) -> BenchResult<()> {
    let this = std::env::current_exe()?;
    let once = format!("{SHARP}{SHARP_ONCE}");
    let each = format!("{SHARP}{SHARP_EACH}");
    let mut programs = [
        ComparedRenderer::new("photo-render", &this.to_string_lossy(), &["--ours"])?,
        ComparedRenderer::new("sharp, decoded once", "node", &["-e", &once, "--"])?,
        ComparedRenderer::new("sharp, decoded for each", "node", &["-e", &each, "--"])?,
    ];
    for _ in 0..ROUNDS {
        for program in &mut programs {
            program.run(file)?;
        }
    }
    for program in &programs {
        match program.best {
            Some(cost) => println!(
                "| {name} | {} | {:.2} | {:.0} | {} | {} |",
                program.name,
                cost.cpu_ticks as f64 / TICKS_PER_SECOND,
                cost.peak as f64 / 1e6,
                program.rendition_bytes()?,
                program.scores(source)?.join(" | ")
            ),
            None => println!("| {name} | {} | not installed | | | | |", program.name),
        }
    }
    Ok(())
}

/// The steps of the CPU times in `/proc`. Linux has the same value on all machines.
const TICKS_PER_SECOND: f64 = 100.0;

/// The cost of a process.
#[derive(Debug, Clone, Copy)]
struct RenderCost {
    /// User and system time, in steps of `/proc`.
    cpu_ticks: u64,
    /// The maximum resident memory in bytes.
    peak: u64,
}

/// One of the compared programs: its command, the folder of its renditions, and its lowest cost so
/// far. The cost is `None` if the program is not installed.
struct ComparedRenderer {
    name: &'static str,
    program: String,
    arguments: Vec<String>,
    folder: tempfile::TempDir,
    best: Option<RenderCost>,
}

impl ComparedRenderer {
    fn new(name: &'static str, program: &str, arguments: &[&str]) -> BenchResult<Self> {
        Ok(Self {
            name,
            program: program.to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            folder: tempfile::tempdir()?,
            best: None,
        })
    }

    fn run(&mut self, file: &Path) -> BenchResult<()> {
        let before = cpu_ticks_of_children()?;
        let output = Command::new(&self.program)
            .args(&self.arguments)
            .args([file, self.folder.path()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        let cpu_ticks = cpu_ticks_of_children()? - before;
        // A program that prints nothing is not installed.
        let printed = output.ok().filter(|output| output.status.success());
        let printed = printed.and_then(|output| String::from_utf8(output.stdout).ok());
        let Some(peak) = printed.and_then(|text| text.trim().parse().ok()) else {
            return Ok(());
        };
        let best = self.best.unwrap_or(RenderCost { cpu_ticks, peak });
        self.best = Some(RenderCost {
            cpu_ticks: best.cpu_ticks.min(cpu_ticks),
            peak: best.peak.min(peak),
        });
        Ok(())
    }

    /// Returns the total size of all renditions.
    fn rendition_bytes(&self) -> BenchResult<u64> {
        let mut bytes = 0;
        for entry in fs::read_dir(self.folder.path())? {
            bytes += entry?.metadata()?.len();
        }
        Ok(bytes)
    }

    /// Returns the scores of the compared renditions.
    fn scores(&self, source: &LinearPicture) -> BenchResult<Vec<String>> {
        let score = |edge: usize| -> BenchResult<String> {
            let path: PathBuf = self.folder.path().join(format!("{edge}.jpg"));
            if !path.is_file() {
                return Ok(String::new());
            }
            let rendition = LinearPicture::from_jpeg(&fs::read(path)?)?;
            let reference = source.reduced(rendition.width, rendition.height)?;
            let score = compute_frame_ssimulacra2(reference.rgb()?, rendition.rgb()?)?;
            Ok(format!("{score:.1}"))
        };
        SCORED_EDGES.into_iter().map(score).collect()
    }
}

/// Returns the CPU time of all children of this process that have ended, in steps of `/proc`.
fn cpu_ticks_of_children() -> BenchResult<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program is in parentheses. It may contain spaces.
    let (_, fields) = stat.rsplit_once(')').ok_or("an unknown format of /proc")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // The fields 16 and 17, counted from 1. The list begins with field 3.
    let (user, system) = (fields.get(13), fields.get(14));
    let (user, system) = user.zip(system).ok_or("an unknown format of /proc")?;
    Ok(user.parse::<u64>()? + system.parse::<u64>()?)
}

/// A picture in linear light. 65,535 is white.
struct LinearPicture {
    width: usize,
    height: usize,
    pixels: Vec<U16x3>,
}

impl LinearPicture {
    /// Returns the picture for rows in 8-bit sRGB.
    fn from_rows(width: usize, rows: impl Iterator<Item = Vec<u8>>) -> Self {
        let linear: Vec<u16> = (0..=255_u8).map(linear_of_srgb).collect();
        let mut pixels = Vec::new();
        for row in rows {
            let row = row.as_chunks::<3>().0.iter();
            pixels.extend(row.map(|rgb| U16x3::new(rgb.map(|value| linear[usize::from(value)]))));
        }
        Self {
            width,
            height: pixels.len() / width,
            pixels,
        }
    }

    fn from_jpeg(jpeg: &[u8]) -> BenchResult<Self> {
        let mut rows = Decompress::new_mem(jpeg)?.rgb()?;
        let width = rows.width();
        let pixels: Vec<[u8; 3]> = rows.read_scanlines()?;
        let rows = pixels.chunks(width).map(<[[u8; 3]]>::as_flattened);
        Ok(Self::from_rows(width, rows.map(<[u8]>::to_vec)))
    }

    /// Returns the picture reduced with Lanczos3.
    fn reduced(&self, width: usize, height: usize) -> BenchResult<Self> {
        let mut pixels = vec![U16x3::default(); width * height];
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        let from = TypedImageRef::new(self.width as u32, self.height as u32, &self.pixels)?;
        let mut to = TypedImage::from_pixels_slice(width as u32, height as u32, &mut pixels)?;
        Resizer::new().resize_typed(&from, &mut to, &options)?;
        drop(to);
        Ok(Self {
            width,
            height,
            pixels,
        })
    }

    fn rgb(&self) -> BenchResult<LinearRgb> {
        let pixels = self.pixels.iter();
        let pixels = pixels.map(|pixel| pixel.0.map(|sample| f32::from(sample) / 65_535.0));
        Ok(LinearRgb::new(pixels.collect(), self.width, self.height)?)
    }
}

/// Returns the light of a value in sRGB. 65,535 is white.
fn linear_of_srgb(value: u8) -> u16 {
    let value = f64::from(value) / 255.0;
    let light = if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    };
    (light * 65_535.0).round() as u16
}
