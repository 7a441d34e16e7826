//! Renders AVIFs in a process of its own.
//!
//! The decoder of AVIF can abort the process, or wait without an end (`avif_decode.rs` in
//! `photo-render`). So `photos` starts itself with the hidden command `render-avif`. It reads a request
//! from standard input: one line of JSON, and the bytes of the picture. It writes the outcome to
//! standard output: one line of JSON, and the bytes of the JPEGs.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use photo_render::{
    ColourConversion, EncodedPicture, JpegRendition, PictureFormat, PictureOrientation, PixelSize,
    RenderError, RenderLimits, RenderRecipe, RenderedPicture, RightsNotice, SrgbColour,
    UntaggedColour, render,
};
use serde::{Deserialize, Serialize};

use super::CommandStatus;
use crate::render::PictureRenderer;

/// The name of the hidden command.
pub(super) const COMMAND: &str = "render-avif";
/// The time after which the process ends itself. A picture of 24 megapixels takes seconds.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// The arguments of the hidden command.
#[derive(Debug, Args)]
pub(super) struct RenderAvifArguments {}

/// The first line of a request.
#[derive(Debug, Serialize, Deserialize)]
struct RequestHead {
    long_edges: Vec<u32>,
    quality: u8,
    copyright: Option<String>,
    creator: Option<String>,
    credit: Option<String>,
    license_url: Option<String>,
}

/// The first line of an outcome.
#[derive(Debug, Serialize, Deserialize)]
enum OutcomeHead {
    Rendered(RenderedHead),
    Unrendered(String),
}

/// A rendered picture without the bytes of its JPEGs.
#[derive(Debug, Serialize, Deserialize)]
struct RenderedHead {
    width: u32,
    height: u32,
    placeholder: Vec<u8>,
    colour: [u8; 3],
    conversion: ConversionName,
    renditions: Vec<RenditionHead>,
}

/// A rendition without its bytes.
#[derive(Debug, Serialize, Deserialize)]
struct RenditionHead {
    width: u32,
    height: u32,
    bytes: usize,
}

/// [`ColourConversion`] as JSON.
#[derive(Debug, Serialize, Deserialize)]
enum ConversionName {
    Untagged,
    Profile,
    UnusableProfile,
}

/// Returns a renderer that renders AVIFs in a process of its own, and other formats in this one.
pub(super) fn picture_renderer() -> PictureRenderer {
    Arc::new(|picture, recipe, rights| match picture.format {
        PictureFormat::Avif => render_in_process(picture.bytes, recipe, rights),
        _ => {
            let rendered = render(picture, recipe, rights, RenderLimits::default());
            Ok(rendered.map_err(|error| error.to_string()))
        }
    })
}

/// Renders an AVIF in a process of its own. The outer error means that a repeat can help.
fn render_in_process(
    bytes: &[u8],
    recipe: &RenderRecipe,
    rights: &RightsNotice,
) -> io::Result<Result<RenderedPicture, String>> {
    let mut command = Command::new(own_program()?);
    command
        .arg(COMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // If the decoder panics, it prints several lines.
        .stderr(Stdio::null());
    // Ctrl-C must not reach it, or the picture would look as if it were corrupt.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let input = child.stdin.take();
    // If the process has died, this fails, and its exit status is the reason.
    let _ = input.map(|mut input| write_request(&mut input, bytes, recipe, rights));
    let mut output = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut output)?;
    }
    let status = child.wait()?;
    if was_stopped(status) {
        return Err(io::Error::other("the process that renders was stopped"));
    }
    let failed = || RenderError::DecoderPanicked(PictureFormat::Avif).to_string();
    let outcome = status.success().then(|| read_outcome(&output)).flatten();
    Ok(outcome.unwrap_or_else(|| Err(failed())))
}

/// Returns the path of this program. On Linux, it works after an update has replaced the file.
fn own_program() -> io::Result<PathBuf> {
    match cfg!(target_os = "linux") {
        true => Ok(PathBuf::from("/proc/self/exe")),
        false => std::env::current_exe(),
    }
}

/// Reports whether a person or the system stopped a process: by SIGHUP, SIGINT or SIGTERM.
fn was_stopped(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        matches!(signal, Some(1 | 2 | 15))
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        false
    }
}

/// Runs the hidden command. Reads a request from standard input, and writes the outcome to standard
/// output.
///
/// # Errors
/// Fails if the request is invalid, or if the outcome cannot be written.
pub(super) fn run(_: &RenderAvifArguments) -> anyhow::Result<CommandStatus> {
    thread::spawn(|| {
        thread::sleep(TIME_LIMIT);
        std::process::exit(1);
    });
    let mut request = Vec::new();
    io::stdin().lock().read_to_end(&mut request)?;
    let outcome = answer(&request).context("the request is invalid")?;
    io::stdout().lock().write_all(&outcome)?;
    Ok(CommandStatus::Success)
}

/// Renders the picture of a request. Returns the outcome as it is written.
fn answer(request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (head, bytes) = split_line(request).context("it has no first line")?;
    let head: RequestHead = serde_json::from_slice(head)?;
    let recipe = RenderRecipe::new(&head.long_edges, head.quality)?;
    let rights = RightsNotice {
        copyright: head.copyright,
        creator: head.creator,
        credit: head.credit,
        license_url: head.license_url,
    };
    let picture = EncodedPicture {
        bytes,
        format: PictureFormat::Avif,
        // Both have no effect on an AVIF.
        orientation: PictureOrientation::Upright,
        untagged_colour: UntaggedColour::Srgb,
    };
    let rendered = render(&picture, &recipe, &rights, RenderLimits::default());
    Ok(written_outcome(&rendered)?)
}

/// Writes a request.
fn write_request(
    output: &mut impl Write,
    bytes: &[u8],
    recipe: &RenderRecipe,
    rights: &RightsNotice,
) -> io::Result<()> {
    let head = RequestHead {
        long_edges: recipe.long_edges().to_vec(),
        quality: recipe.quality(),
        copyright: rights.copyright.clone(),
        creator: rights.creator.clone(),
        credit: rights.credit.clone(),
        license_url: rights.license_url.clone(),
    };
    serde_json::to_writer(&mut *output, &head)?;
    output.write_all(b"\n")?;
    output.write_all(bytes)
}

/// Returns an outcome as it is written.
fn written_outcome(rendered: &Result<RenderedPicture, RenderError>) -> serde_json::Result<Vec<u8>> {
    let head = match rendered {
        Ok(rendered) => OutcomeHead::Rendered(RenderedHead {
            width: rendered.size.width,
            height: rendered.size.height,
            placeholder: rendered.placeholder.clone(),
            colour: rendered.average_colour.0,
            conversion: match rendered.conversion {
                ColourConversion::Untagged => ConversionName::Untagged,
                ColourConversion::Profile => ConversionName::Profile,
                ColourConversion::UnusableProfile => ConversionName::UnusableProfile,
            },
            renditions: rendered.renditions.iter().map(rendition_head).collect(),
        }),
        Err(error) => OutcomeHead::Unrendered(error.to_string()),
    };
    let mut written = serde_json::to_vec(&head)?;
    written.push(b'\n');
    for rendition in rendered.iter().flat_map(|rendered| &rendered.renditions) {
        written.extend_from_slice(&rendition.jpeg);
    }
    Ok(written)
}

fn rendition_head(rendition: &JpegRendition) -> RenditionHead {
    RenditionHead {
        width: rendition.size.width,
        height: rendition.size.height,
        bytes: rendition.jpeg.len(),
    }
}

/// Returns an outcome that was written. Returns `None` if it is not whole.
fn read_outcome(output: &[u8]) -> Option<Result<RenderedPicture, String>> {
    let (head, mut jpegs) = split_line(output)?;
    let head = match serde_json::from_slice(head).ok()? {
        OutcomeHead::Rendered(head) => head,
        OutcomeHead::Unrendered(reason) => return Some(Err(reason)),
    };
    let mut renditions = Vec::new();
    for rendition in &head.renditions {
        let (jpeg, rest) = jpegs.split_at_checked(rendition.bytes)?;
        jpegs = rest;
        renditions.push(JpegRendition {
            size: PixelSize {
                width: rendition.width,
                height: rendition.height,
            },
            jpeg: jpeg.to_vec(),
        });
    }
    Some(Ok(RenderedPicture {
        size: PixelSize {
            width: head.width,
            height: head.height,
        },
        renditions,
        placeholder: head.placeholder,
        average_colour: SrgbColour(head.colour),
        conversion: match head.conversion {
            ConversionName::Untagged => ColourConversion::Untagged,
            ConversionName::Profile => ColourConversion::Profile,
            ConversionName::UnusableProfile => ColourConversion::UnusableProfile,
        },
    }))
}

/// Returns the first line, and the bytes after it.
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read_as_they_were_written() {
        let rendition = |edge: u32, jpeg: &[u8]| JpegRendition {
            size: PixelSize {
                width: edge,
                height: edge / 2,
            },
            jpeg: jpeg.to_vec(),
        };
        let rendered = RenderedPicture {
            size: PixelSize {
                width: 900,
                height: 450,
            },
            renditions: vec![rendition(640, b"large\n\0"), rendition(320, b"small")],
            placeholder: vec![1, 2, 10],
            average_colour: SrgbColour([1, 2, 3]),
            conversion: ColourConversion::Profile,
        };
        let written = written_outcome(&Ok(rendered.clone())).expect("JSON");
        assert_eq!(read_outcome(&written), Some(Ok(rendered)));
        // A process that died while it wrote.
        for end in 0..written.len() {
            assert_eq!(read_outcome(&written[..end]), None);
        }
        let error = RenderError::Truncated(PictureFormat::Avif);
        let written = written_outcome(&Err(error)).expect("JSON");
        let reason = "truncated AVIF".to_owned();
        assert_eq!(read_outcome(&written), Some(Err(reason)));
    }

    #[test]
    fn requests_are_answered() {
        let rights = RightsNotice {
            copyright: Some("© Ann\nExample".to_owned()),
            ..RightsNotice::default()
        };
        let mut request = Vec::new();
        write_request(
            &mut request,
            b"no picture",
            &RenderRecipe::default(),
            &rights,
        )
        .expect("memory");
        let outcome = read_outcome(&answer(&request).expect("a valid request"));
        let reason = outcome.expect("a whole outcome").expect_err("a reason");
        assert!(reason.contains("AVIF"), "{reason}");
        assert!(answer(b"no request").is_err());
    }
}
