//! Draws the photos of `examples/photos` into a folder. Usage: `cargo run -p test-support --bin
//! make_photos [DIR]`.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use test_support::example_photos::{SHOTS, file};

fn main() -> Result<(), Box<dyn Error>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/photos");
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| default.to_owned());
    for shot in &SHOTS {
        let path = Path::new(&folder).join(shot.file);
        let bytes = file(shot)?;
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(&folder)))?;
        std::fs::write(&path, &bytes)?;
        writeln!(
            std::io::stdout(),
            "{:>7} bytes  {}",
            bytes.len(),
            path.display()
        )?;
    }
    Ok(())
}
