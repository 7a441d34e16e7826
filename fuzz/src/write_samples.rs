//! Writes the samples into the fuzzer's corpus: `cargo run --bin write_samples`.

fn main() -> std::io::Result<()> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/extract");
    std::fs::create_dir_all(&folder)?;
    for (name, bytes) in extraction::samples::all() {
        std::fs::write(folder.join(format!("sample.{name}")), bytes)?;
    }
    Ok(())
}
