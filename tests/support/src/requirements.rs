//! Macros for tests that need an input which may be absent. If the input was absent when the tests
//! were compiled, such a test is ignored, with a reason.

use std::path::{Path, PathBuf};

/// Defines a macro that is put around tests. If the configuration name `$cfg` is set, the tests
/// run. Otherwise the tests are compiled as ignored, with `$reason`.
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
    /// Runs tests only if there are real photos in `PHOTO_CORPUS`, or in `../shared/corpus` next to
    /// the project.
    needs_corpus, has_corpus, "needs a corpus of photos: set PHOTO_CORPUS", $
);
requirement!(
    /// Runs tests only if the S3 server moto is available.
    needs_moto, has_moto, "needs moto: run the tests by .ci/stores", $
);
requirement!(
    /// Runs tests only if OpenStack Swift is available.
    needs_swift, has_swift, "needs Swift: run the tests by .ci/stores", $
);
requirement!(
    /// Runs tests only if the S3 server Garage is available.
    needs_garage, has_garage, "needs Garage: set GARAGE and run the tests by .ci/stores", $
);
requirement!(
    /// Runs tests only if Amazon's DynamoDB Local is available.
    needs_dynamodb_local, has_dynamodb_local, "needs DynamoDB Local: run the tests by .ci/stores", $
);
requirement!(
    /// Runs tests only if AWS's Runtime Interface Emulator is available.
    needs_emulator, has_emulator, "needs AWS's emulator: run the tests by .ci/stores", $
);

/// Returns the path of the folder with real photos: `PHOTO_CORPUS`, or `../shared/corpus` next to
/// the project.
pub fn corpus() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    std::env::var_os("PHOTO_CORPUS").map_or(beside, PathBuf::from)
}
