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

/// Starts logging to standard error. If `verbose` is `false`, logs only warnings and errors. If it
/// is `true`, also logs every photo. If the variable RUST_LOG is set, its value selects the log
/// lines and `verbose` has no effect.
pub(super) fn init_logs(verbose: bool) {
    // The engines' logs are off, because they contain every refused request. A conditional write
    // that is refused is part of normal work.
    let default = if verbose {
        "info,s3s=off,dynoxide=off"
    } else {
        "warn,s3s=off,dynoxide=off"
    };
    let environment = Settings::from_environment();
    let filter = environment.get(config::LOG_FILTER);
    telemetry::init_text_logs(filter, default, LineWriter::default);
}

/// Prints a line for people to standard error, above the progress bars.
pub(super) fn eprint_message(line: &str) {
    BARS.suspend(|| {
        // Standard error may be closed. Then there is no place for the message.
        let _ = writeln!(io::stderr(), "{line}");
    });
}

/// A progress bar on the terminal. It is removed when this value is dropped.
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

/// Shows a progress bar with this number of steps. `style` is a template in the syntax of the crate
/// indicatif. Nothing is shown if standard error is not a terminal.
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

/// A buffer for one log line. When it is dropped, the line is written above the progress bars.
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
