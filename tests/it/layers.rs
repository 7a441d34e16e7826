//! Tests of the layers of the package: which modules of `src/` a module never uses, and which
//! packages the Lambda functions never link.
//!
//! Cargo.toml defines the boundaries between crates. clippy.toml forbids the clock, the environment
//! and files in most modules. This file checks the other boundaries. It searches the text of the
//! code for paths such as `crate::gallery` or `aws_sdk_s3::`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A rule: some modules of `src/`, and the paths that must never occur in their code. `aws_` stands
/// for every crate whose name begins with it.
type LayerRule = (&'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const RULES: [LayerRule; 3] = [
    (&["archive", "identity", "paging", "photo_id", "pictures", "privacy", "skipped_names", "summary", "variables", "view"], &[
        "tokio::", "aws_", "axum::", "lambda_", "crate::storage::", "crate::ingest", "crate::publish", "crate::gallery",
        "crate::cli", "crate::clients", "crate::config", "crate::services", "dynamodb_engine",
    ]),
    (&["storage", "catalogue", "request_failure"], &[
        "axum::", "lambda_", "clap::", "crate::ingest", "crate::publish", "crate::gallery", "crate::cli", "crate::config",
        "crate::services", "dynamodb_engine", "s3_folder",
    ]),
    (&["ingest", "publish", "gallery"], &[
        "aws_", "lambda_", "clap::", "crate::cli", "crate::config", "crate::services", "dynamodb_engine", "s3_folder",
    ]),
];

/// The packages that the Lambda functions must never link.
const NEVER_IN_FUNCTIONS: [&str; 7] = [
    "clap",
    "dynamodb-engine",
    "dynoxide-rs",
    "indicatif",
    "rusqlite",
    "s3-folder",
    "s3s",
];

/// Returns the lines of code in a source text. Leaves out comments, and the tests at the end of the
/// file.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .map(|line| line.split("//").next().unwrap_or_default())
}

/// Returns those paths in a module's code that the rules forbid.
fn forbidden_paths(module: &str, text: &str) -> BTreeSet<&'static str> {
    let rules = RULES
        .iter()
        .filter(|(modules, _)| modules.contains(&module));
    let never = rules.flat_map(|(_, never)| never.iter().copied());
    never
        .filter(|path| code_lines(text).any(|line| names_path(line, path)))
        .collect()
}

/// Returns `true` if a line of code contains this path, and the path does not begin in the middle
/// of a word. For example, `xaws_` does not contain the path `aws_`.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Returns the files of a module: `src/MODULE.rs`, and all files in `src/MODULE/` except tests.
fn module_files(module: &str) -> Vec<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![source.join(format!("{module}.rs"))];
    let mut folders = vec![source.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn no_module_names_a_path_that_its_layer_forbids() {
    let modules = RULES.iter().flat_map(|(modules, _)| modules.iter());
    let (mut read, mut found) = (0, Vec::new());
    for module in modules {
        for file in module_files(module) {
            let text = std::fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let paths = forbidden_paths(module, &text);
            found.extend(
                paths
                    .iter()
                    .map(|path| format!("{} names {path}", file.display())),
            );
            read += 1;
        }
    }
    assert!(read > 40, "only {read} files were read");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn planted_import_is_found() {
    for (module, text, path) in [
        ("archive", "use tokio::fs;", "tokio::"),
        (
            "view",
            "fn a() { crate::gallery::router(); }",
            "crate::gallery",
        ),
        (
            "storage",
            "pub(crate) use crate::gallery::View;",
            "crate::gallery",
        ),
        ("gallery", "fn a(_: &aws_sdk_dynamodb::Client) {}", "aws_"),
        (
            "ingest",
            "#[lambda_runtime::main] async fn a() {}",
            "lambda_",
        ),
    ] {
        assert_eq!(
            forbidden_paths(module, text),
            BTreeSet::from([path]),
            "{text}"
        );
    }
}

#[test]
fn comment_or_test_is_not_an_import() {
    for (module, text) in [
        (
            "archive",
            "// use tokio::fs;\n/// See crate::gallery.\nfn a() {}",
        ),
        (
            "archive",
            "fn a() {}\n#[cfg(test)]\nmod tests { use tokio::fs; }",
        ),
        ("gallery", "use axum::Router; use crate::storage::Storage;"),
    ] {
        assert_eq!(forbidden_paths(module, text), BTreeSet::new(), "{text}");
    }
}

/// Returns the packages that the Lambda functions link.
fn function_packages() -> BTreeSet<String> {
    let tree = |offline: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["tree", "--locked", "-p", "photo-catalogue"])
            .args(["--no-default-features", "--features", "lambda"])
            .args(["-e", "normal", "--prefix", "none", "--format", "{p}"])
            .args(offline)
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    };
    // If a machine has built only the default features, it does not have the packages of the
    // functions.
    let text = tree(&["--offline"])
        .or_else(|_| tree(&[]))
        .unwrap_or_else(|error| panic!("cargo tree: {error}"));
    text.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn functions_link_no_command_line_and_no_embedded_engine() {
    let packages = function_packages();
    assert!(
        packages.contains("lambda_runtime") && packages.contains("aws-sdk-s3"),
        "{packages:?}"
    );
    for package in NEVER_IN_FUNCTIONS {
        assert!(!packages.contains(package), "the functions link {package}");
    }
}

/// Returns the packages that a crate of the workspace links, without the crate itself.
fn crate_packages(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--locked", "--offline", "-p", package])
        .args(["-e", "normal", "--prefix", "none", "--format", "{p}"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != package)
        .map(str::to_owned)
        .collect()
}

#[test]
fn extraction_links_no_runtime_and_no_server() {
    let packages = crate_packages("photo-metadata");
    assert!(packages.contains("kamadak-exif"), "{packages:?}");
    for package in &packages {
        let is_forbidden = ["tokio", "axum", "hyper", "photo-catalogue", "s3-folder"]
            .contains(&package.as_str())
            || package.starts_with("aws-");
        assert!(!is_forbidden, "photo-metadata links {package}");
    }
}

#[test]
fn rendering_links_no_runtime_and_no_metadata() {
    let packages = crate_packages("photo-render");
    assert!(packages.contains("mozjpeg"), "{packages:?}");
    for package in &packages {
        let is_forbidden = [
            "tokio",
            "axum",
            "hyper",
            "photo-catalogue",
            "photo-metadata",
        ]
        .contains(&package.as_str())
            || package.starts_with("aws-");
        assert!(!is_forbidden, "photo-render links {package}");
    }
}

#[test]
fn folder_server_links_nothing_of_the_catalogue() {
    let packages = crate_packages("s3-folder");
    assert!(packages.contains("s3s"), "{packages:?}");
    for package in ["photo-catalogue", "photo-metadata"] {
        assert!(!packages.contains(package), "s3-folder links {package}");
    }
}
