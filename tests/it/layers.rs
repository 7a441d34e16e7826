//! The layers: what a module of `src/` never imports, and what the Lambda binaries never link.
//!
//! The scanner reads tokens: `use` declarations, and every path written out in code or in a macro's arguments, with
//! `self`, `super` and the file's own imports resolved. It sees names and not what they stand for: a type that another
//! module passes on under its own name is that module's. `#[cfg(test)]` items are exempt, since a test may hold the
//! clock that its subject is given.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Modules, and the paths that they never name. `*` ends a name that only begins so.
type Row = (&'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const NEVER_IMPORTS: [Row; 3] = [
    (&["privacy", "archive", "photo_id", "summary"], &[
        "tokio", "aws_*", "axum", "lambda_*",
        "std::time::SystemTime", "std::time::Instant", "chrono::Utc::now", "chrono::Local", "chrono::prelude",
        "std::env", "std::fs", "std::path",
    ]),
    (&["storage", "catalogue"], &["axum", "lambda_*", "clap", "crate::ingest", "crate::publish", "crate::gallery"]),
    (&["ingest", "publish", "gallery"], &["aws_*", "lambda_*", "std::env"]),
];

/// `bin → cli → {ingest, publish, gallery} → {storage, catalogue} → {archive, privacy}`; the engines under `cli` alone.
#[rustfmt::skip]
const DIRECTION: [Row; 3] = [
    (&["privacy", "archive", "photo_id", "summary"], &[
        "crate::storage", "crate::catalogue", "crate::ingest", "crate::publish", "crate::gallery",
        "crate::cli", "crate::clients", "crate::config", "crate::telemetry",
    ]),
    (&["storage", "catalogue"], &["crate::dynamodb_engine", "crate::cli"]),
    (&["ingest", "publish", "gallery"], &["crate::dynamodb_engine", "crate::cli"]),
];

/// What a machine that only runs the Lambda binaries never links, as packages.
const NEVER_IN_LAMBDA: [&str; 5] = ["clap", "s3s", "dynoxide-rs", "indicatif", "rusqlite"];

/// A path in code, `std::fs::read`, segment by segment.
type Segments = Vec<String>;

/// What one file says.
#[derive(Default)]
struct Source {
    /// Child modules in files of their own.
    children: Vec<String>,
    /// Imported names and what they stand for.
    imports: BTreeMap<String, Segments>,
    /// Every path named, as written, with the module that it stands in.
    named: Vec<(Segments, Segments)>,
}

impl Source {
    fn read(module: &[String], text: &str) -> Self {
        let tokens: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", module.join("::")));
        let mut source = Source::default();
        source.items(tokens, module);
        source
    }

    /// All paths, from the crate's root or an external crate on.
    fn paths(&self) -> BTreeSet<Segments> {
        self.named
            .iter()
            .map(|(path, module)| self.resolve(path, module))
            .collect()
    }

    fn resolve(&self, path: &[String], module: &[String]) -> Segments {
        let mut path = path.to_vec();
        // An import may go by an import; a bound, since `use a::a` goes by itself.
        for _ in 0..4 {
            let Some(import) = path.first().and_then(|first| self.imports.get(first)) else {
                break;
            };
            path.splice(..1, import.iter().cloned());
        }
        let up = path
            .iter()
            .take_while(|segment| *segment == "super")
            .count();
        match path.first().map(String::as_str) {
            Some("self") => path.splice(..1, absolute(module)).count(),
            Some("super") => {
                let parent = &module[..module.len().saturating_sub(up)];
                path.splice(..up, absolute(parent)).count()
            }
            _ => 0,
        };
        path
    }

    fn items(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if is_cfg_test(&tokens, at) {
                at = after_test_item(&tokens, at + 2);
                continue;
            }
            match token {
                TokenTree::Group(group) => self.items(group.stream(), module),
                TokenTree::Ident(keyword) if keyword == "mod" => {
                    if let Some(name) = ident(tokens.get(at + 1)) {
                        match tokens.get(at + 2) {
                            Some(TokenTree::Group(body)) => {
                                self.items(body.stream(), &[module, &[name]].concat());
                            }
                            _ => self.children.push(name),
                        }
                        at += 2;
                    }
                }
                TokenTree::Ident(keyword) if keyword == "use" => {
                    let end = (at..tokens.len())
                        .find(|&i| is_punct(tokens.get(i), ';'))
                        .unwrap_or(tokens.len());
                    self.import(&tokens[at + 1..end], &[], module);
                    at = end;
                }
                TokenTree::Ident(_) => {
                    let path = path_at(&tokens, at);
                    at += 3 * (path.len() - 1);
                    if path.len() > 1 {
                        self.named.push((path, module.to_vec()));
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// One branch of a `use` tree, below the segments that lead to it.
    fn import(&mut self, tree: &[TokenTree], before: &[String], module: &[String]) {
        for branch in tree.split(|token| is_punct(Some(token), ',')) {
            let mut path = before.to_vec();
            let mut name = None;
            let mut renamed = false;
            for token in branch {
                match token {
                    TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                        let inner: Vec<_> = group.stream().into_iter().collect();
                        self.import(&inner, &path, module);
                        path.clear();
                    }
                    TokenTree::Ident(word) if word == "as" => renamed = true,
                    TokenTree::Ident(word) if renamed => name = Some(word.to_string()),
                    // `use a::{self}` is `use a`.
                    TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                    TokenTree::Ident(word) => path.push(plain(&word.to_string())),
                    TokenTree::Punct(star) if star.as_char() == '*' => path.push("*".to_owned()),
                    _ => {}
                }
            }
            if let Some(last) = path.last().cloned() {
                let name = name.unwrap_or(last);
                // The first one stands: `use crate::x` of the file, not that of a function in it.
                if path.first() != Some(&name) {
                    self.imports.entry(name).or_insert_with(|| path.clone());
                }
                self.named.push((path, module.to_vec()));
            }
        }
    }
}

fn absolute(module: &[String]) -> impl Iterator<Item = String> + '_ {
    std::iter::once("crate".to_owned()).chain(module.iter().cloned())
}

fn plain(ident: &str) -> String {
    ident.trim_start_matches("r#").to_owned()
}

fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(plain(&ident.to_string())),
        _ => None,
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// `a::b::c` from its first segment on.
fn path_at(tokens: &[TokenTree], at: usize) -> Segments {
    let mut path: Segments = ident(tokens.get(at)).into_iter().collect();
    for colon in (at + 1..).step_by(3) {
        let joined = is_punct(tokens.get(colon), ':') && is_punct(tokens.get(colon + 1), ':');
        match ident(tokens.get(colon + 2)).filter(|_| joined) {
            Some(segment) => path.push(segment),
            None => break,
        }
    }
    path
}

fn is_cfg_test(tokens: &[TokenTree], at: usize) -> bool {
    let attribute = match tokens.get(at + 1) {
        Some(TokenTree::Group(group)) if is_punct(tokens.get(at), '#') => group.stream(),
        _ => return false,
    };
    attribute.to_string().replace(' ', "") == "cfg(test)"
}

/// Past a module, import, function or implementation; whatever else has the attribute is read like the rest.
fn after_test_item(tokens: &[TokenTree], start: usize) -> usize {
    let mut at = start;
    while is_punct(tokens.get(at), '#') {
        at += 2;
    }
    let mut skippable = false;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(word) => {
                skippable |= ["mod", "use", "fn", "impl"].iter().any(|kind| word == kind);
            }
            TokenTree::Punct(end) if end.as_char() == ';' && skippable => return at + 1,
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace && skippable => {
                return at + 1;
            }
            TokenTree::Group(_) | TokenTree::Punct(_) if !skippable => return start,
            _ => {}
        }
        at += 1;
    }
    start
}

/// Whether the path is, or is below, what the pattern names; a glob import of what is above it, too.
fn is_named(pattern: &str, path: &[String]) -> bool {
    for (index, wanted) in pattern.split("::").enumerate() {
        let is_there = match path.get(index).map(String::as_str) {
            None => false,
            Some("*") => return index > 0,
            Some(segment) => match wanted.strip_suffix('*') {
                Some(start) => segment.starts_with(start),
                None => segment == wanted,
            },
        };
        if !is_there {
            return false;
        }
    }
    true
}

/// The paths of one file that its module's rows forbid.
fn forbidden(module: &[String], source: &Source) -> Vec<String> {
    let layer = module.first().map(String::as_str).unwrap_or_default();
    let rows = NEVER_IMPORTS.iter().chain(&DIRECTION);
    let never: Vec<&str> = rows
        .filter(|(modules, _)| modules.contains(&layer))
        .flat_map(|(_, never)| never.iter().copied())
        .collect();
    source
        .paths()
        .iter()
        .filter(|path| never.iter().any(|pattern| is_named(pattern, path)))
        .map(|path| path.join("::"))
        .collect()
}

/// Reads a module's file and, by its `mod` declarations, those below it.
fn check(module: Segments, files: &mut Vec<PathBuf>, found: &mut Vec<String>) {
    let mut file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    file.extend(&module);
    file.set_extension("rs");
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let source = Source::read(&module, &text);
    let bad = forbidden(&module, &source);
    found.extend(
        bad.iter()
            .map(|path| format!("{} names {path}", file.display())),
    );
    files.push(file);
    for child in source.children {
        check([module.as_slice(), &[child]].concat(), files, found);
    }
}

#[test]
fn no_module_imports_what_its_layer_never_imports() {
    let layers: BTreeSet<&str> = NEVER_IMPORTS
        .iter()
        .flat_map(|row| row.0)
        .copied()
        .collect();
    let (mut files, mut found) = (Vec::new(), Vec::new());
    for layer in layers {
        check(vec![layer.to_owned()], &mut files, &mut found);
    }
    assert!(files.len() > 40, "only {} files were read", files.len());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_planted_import_is_found_however_it_is_written() {
    for (module, text, path) in [
        ("archive", "use tokio::fs;", "tokio::fs"),
        ("archive", "use std::{io, fs::File};", "std::fs::File"),
        ("archive", "use std::{fs as disk, io};", "std::fs"),
        ("archive", "use std::*;", "std::*"),
        ("archive", "use std::fs::{self};", "std::fs"),
        (
            "archive",
            "fn now() { ::std::time::Instant::now(); }",
            "std::time::Instant::now",
        ),
        (
            "archive",
            "use chrono::Utc; fn now() { Utc::now(); }",
            "chrono::Utc::now",
        ),
        (
            "archive",
            "use std::time; use time::SystemTime;",
            "std::time::SystemTime",
        ),
        (
            "archive::jpeg",
            "use super::super::storage::Storage;",
            "crate::storage::Storage",
        ),
        (
            "archive",
            "mod inner { use super::super::config; }",
            "crate::config",
        ),
        (
            "archive",
            "fn a() { log!(std::env::var(\"HOME\")); }",
            "std::env::var",
        ),
        (
            "archive",
            "#[cfg(not(test))] mod a { use aws_sdk_s3::Client; }",
            "aws_sdk_s3::Client",
        ),
        (
            "archive",
            "#[cfg(test)] struct A; use axum::Json;",
            "axum::Json",
        ),
        (
            "storage",
            "pub(crate) use crate::gallery::View;",
            "crate::gallery::View",
        ),
        (
            "catalogue::query",
            "type A = clap::Command;",
            "clap::Command",
        ),
        (
            "gallery",
            "fn a(_: &aws_sdk_dynamodb::Client) {}",
            "aws_sdk_dynamodb::Client",
        ),
        (
            "ingest",
            "#[lambda_runtime::main] async fn a() {}",
            "lambda_runtime::main",
        ),
    ] {
        let module: Segments = module.split("::").map(str::to_owned).collect();
        let source = Source::read(&module, text);
        assert_eq!(forbidden(&module, &source), [path], "{text}");
    }
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for (module, text) in [
        (
            "archive",
            "// use tokio::fs;\n/* std::env::var */ //! std::fs\nfn a() {}",
        ),
        (
            "archive",
            "const A: &str = \"std::fs::read\"; const B: &str = r#\"tokio::spawn\"#;",
        ),
        ("archive", "#[cfg(test)] mod tests { use std::fs; }"),
        ("archive", "#[cfg(test)] #[rustfmt::skip] mod tests;"),
        (
            "archive",
            "use chrono::{DateTime, Utc}; fn a(_: DateTime<Utc>) {}",
        ),
        ("archive", "fn a(fs: u8, tokio: u8) -> u8 { fs + tokio }"),
        (
            "archive",
            "use super::photo::Photo; use self::tiff::Ifd; use crate::photo;",
        ),
        ("gallery", "use axum::Router; use crate::storage::Storage;"),
        (
            "storage",
            "use aws_sdk_s3::Client; use crate::{archive, photo};",
        ),
    ] {
        let module: Segments = module.split("::").map(str::to_owned).collect();
        let source = Source::read(&module, text);
        assert_eq!(forbidden(&module, &source), [""; 0], "{text}");
        assert_eq!(source.children, [""; 0], "{text}");
    }
}

/// The packages of the Lambda binaries on this machine.
fn lambda_tree() -> BTreeSet<String> {
    let tree = |offline: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "tree",
                "--locked",
                "--no-default-features",
                "--features",
                "lambda",
            ])
            .args(["-e", "normal", "--prefix", "none", "--format", "{p}"])
            .args(offline)
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    };
    // A machine that has built only the default features has not downloaded what the Lambda binaries add.
    let text = tree(&["--offline"])
        .or_else(|_| tree(&[]))
        .unwrap_or_else(|error| panic!("cargo tree: {error}"));
    text.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_lambda_binaries_link_neither_the_command_line_nor_the_embedded_engines() {
    let tree = lambda_tree();
    assert!(
        tree.contains("lambda_runtime") && tree.contains("aws-sdk-s3"),
        "{tree:?}"
    );
    for package in NEVER_IN_LAMBDA {
        assert!(!tree.contains(package), "{package} is in the Lambda tree");
    }
}
