//! Writes the samples into the fuzzer's corpus: `cargo run --bin write_samples`.

use std::path::Path;

use extraction::{render_samples, samples};

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, samples) in [
        ("extract", samples::all()),
        ("render", render_samples::all()),
    ] {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        for (name, bytes) in samples {
            std::fs::write(folder.join(format!("sample.{name}")), bytes)?;
        }
    }
    Ok(())
}
