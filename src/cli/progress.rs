//! Standard error: progress bars, and the messages and log lines that must not tear them.

use std::fmt;
use std::io::{self, Write};
use std::ops::Deref;
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::config::{self, Settings};
use crate::telemetry;

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Log lines from here on: warnings, or with `verbose` every photo.
pub(super) fn log(verbose: bool) {
    // The engines log every refusal, and a refused condition is an answer like any other.
    let default = if verbose {
        "info,s3s=off,dynoxide=off"
    } else {
        "warn,s3s=off,dynoxide=off"
    };
    let environment = Settings::from_environment();
    let filter = environment.get(config::LOG_FILTER);
    telemetry::init_text_logs(filter, default, LineWriter::default);
}

/// A line for a person.
pub(super) fn eprint_message(line: &str) {
    BARS.suspend(|| {
        // Nobody may be listening any more; there is no one else to tell.
        let _ = writeln!(io::stderr(), "{line}");
    });
}

/// A bar that is drawn until it is dropped.
pub(super) struct Bar(ProgressBar);

impl Deref for Bar {
    type Target = ProgressBar;

    fn deref(&self) -> &ProgressBar {
        &self.0
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
        BARS.remove(&self.0);
    }
}

/// A bar of that many steps; nothing is drawn where standard error is no terminal.
pub(super) fn bar(steps: u64, style: &str) -> Bar {
    let style = ProgressStyle::with_template(style)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
            // Nobody reads a bar that cannot be written.
            let _ = write!(out, "{:.0} photos/s", state.per_sec());
        });
    let bar = BARS.add(ProgressBar::new(steps).with_style(style));
    bar.enable_steady_tick(Duration::from_millis(200));
    Bar(bar)
}

/// Gathers one log line and writes it above the bars.
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
