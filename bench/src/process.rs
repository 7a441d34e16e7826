//! Child processes, the memory of a process, and the path of the `photos` binary.

use std::path::PathBuf;
use std::process::Child;

use crate::BenchResult;

/// A child process. Dropping the value kills the process.
pub struct ChildProcess(pub Child);

impl Drop for ChildProcess {
    fn drop(&mut self) {
        // Both calls fail if the process has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The resident memory of a process, in bytes. Only Linux has these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessMemory {
    /// The resident memory at the time of the measurement: `VmRSS`.
    pub resident: u64,
    /// The maximum resident memory since the start of the process: `VmHWM`.
    pub peak: u64,
}

impl ProcessMemory {
    /// Reads the memory of the process with this id.
    ///
    /// # Errors
    /// The process has ended, or the system has no `/proc`.
    pub fn of_process(process: u32) -> BenchResult<Self> {
        Self::read(&format!("/proc/{process}/status"))
    }

    /// Reads the memory of this process.
    ///
    /// # Errors
    /// The system has no `/proc`.
    pub fn of_this_process() -> BenchResult<Self> {
        Self::read("/proc/self/status")
    }

    fn read(path: &str) -> BenchResult<Self> {
        let status = std::fs::read_to_string(path)?;
        let bytes = |name: &str| -> BenchResult<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next());
            let kib = kib.ok_or_else(|| format!("{path} has no {name}"))?;
            Ok(kib.parse::<u64>()? * 1024)
        };
        Ok(ProcessMemory {
            resident: bytes("VmRSS:")?,
            peak: bytes("VmHWM:")?,
        })
    }
}

/// Returns the path of the `photos` binary. It must be in the same folder as this program, for
/// example in `target/release`.
///
/// # Errors
/// `photos` is not built.
pub fn find_photos_binary() -> BenchResult<PathBuf> {
    let this = std::env::current_exe()?;
    let profile = this.parent().ok_or("this program is in no folder")?;
    let binary = profile.join("photos");
    if !binary.is_file() {
        let shown = binary.display();
        return Err(
            format!("{shown} is not built: run `cargo build` with the same profile").into(),
        );
    }
    Ok(binary)
}

/// Installs the TLS provider that reqwest expects, even for plain HTTP. A repeat is safe.
pub fn install_tls_provider() {
    // This fails if a provider is already installed. It is then the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
