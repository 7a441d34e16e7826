//! Standard error: progress bars, and messages and log lines that do not break the bars.

use std::fmt;
use std::io::{self, Write};
use std::ops::Deref;
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::config::{self, Settings};
use crate::telemetry;

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Starts logging to standard error: warnings, or with `verbose` every photo.
pub(super) fn init_logs(verbose: bool) {
    // The engines log every refused request. A condition that does not hold is part of normal work.
    let default = if verbose {
        "info,s3s=off,dynoxide=off"
    } else {
        "warn,s3s=off,dynoxide=off"
    };
    let environment = Settings::from_environment();
    let filter = environment.get(config::LOG_FILTER);
    telemetry::init_text_logs(filter, default, LineWriter::default);
}

/// Prints a line for a person, above the bars.
pub(super) fn eprint_message(line: &str) {
    BARS.suspend(|| {
        // Standard error may be closed. There is no other place for the error.
        let _ = writeln!(io::stderr(), "{line}");
    });
}

/// A progress bar that is shown until it is dropped.
pub(super) struct DrawnBar(ProgressBar);

impl Deref for DrawnBar {
    type Target = ProgressBar;

    fn deref(&self) -> &ProgressBar {
        &self.0
    }
}

impl Drop for DrawnBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
        BARS.remove(&self.0);
    }
}

/// Shows a progress bar with this number of steps. Draws nothing if standard error is not a
/// terminal.
pub(super) fn bar(steps: u64, style: &str) -> DrawnBar {
    let style = ProgressStyle::with_template(style)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
            // If the rate cannot be written, neither can the bar.
            let _ = write!(out, "{:.0} photos/s", state.per_sec());
        });
    let bar = BARS.add(ProgressBar::new(steps).with_style(style));
    bar.enable_steady_tick(Duration::from_millis(200));
    DrawnBar(bar)
}

/// Collects one log line and writes it above the bars.
#[derive(Default)]
struct LineWriter(Vec<u8>);

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        BARS.suspend(|| {
            let _ = io::stderr().write_all(&self.0);
        });
    }
}
