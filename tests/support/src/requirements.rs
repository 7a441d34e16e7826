//! Macros around tests that need an input which may be absent. Such a test is ignored with a reason
//! if the input was absent when the tests were compiled.

use std::path::{Path, PathBuf};

/// Defines a macro that passes its tests on if `$cfg` is set, and else ignores them with `$reason`.
macro_rules! requirement {
    ($(#[$doc:meta])* $name:ident, $cfg:ident, $reason:literal, $d:tt) => {
        $(#[$doc])*
        #[cfg($cfg)]
        #[macro_export]
        macro_rules! $name {
            ($d($d test:item)*) => { $d($d test)* };
        }

        $(#[$doc])*
        #[cfg(not($cfg))]
        #[macro_export]
        macro_rules! $name {
            ($d($d test:item)*) => { $d(#[ignore = $reason] $d test)* };
        }
    };
}

requirement!(
    /// Tests over real photos, in `PHOTO_CORPUS` or in `../shared/corpus` next to the project.
    needs_corpus, has_corpus, "needs a corpus of photos: set PHOTO_CORPUS", $
);
requirement!(
    /// Tests over moto.
    needs_moto, has_moto, "needs moto: run the tests by .ci/stores", $
);
requirement!(
    /// Tests over OpenStack Swift.
    needs_swift, has_swift, "needs Swift: run the tests by .ci/stores", $
);
requirement!(
    /// Tests over Garage.
    needs_garage, has_garage, "needs Garage: set GARAGE and run the tests by .ci/stores", $
);
requirement!(
    /// Tests under AWS's Runtime Interface Emulator.
    needs_emulator, has_emulator, "needs AWS's emulator: run the tests by .ci/stores", $
);

/// Returns the folder of the corpus: `PHOTO_CORPUS`, or `../shared/corpus` next to the project.
pub fn corpus() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    std::env::var_os("PHOTO_CORPUS").map_or(beside, PathBuf::from)
}
