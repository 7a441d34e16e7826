//! Records the output of the `photos` commands.

use std::fmt::Write;

use super::normalise::{self, is_local_time, is_time};
use super::pretty::pretty_lines;
use super::recording::{PHOTOS, Recorder};
use crate::serve::process::files;

/// The arguments that name each command of the program.
const COMMANDS: [&[&str]; 16] = [
    &["serve"],
    &["import"],
    &["extract"],
    &["list"],
    &["show"],
    &["set"],
    &["skipped"],
    &["recount"],
    &["reconcile"],
    &["rm"],
    &["restore"],
    &["fix-date"],
    &["reindex"],
    &["hook", "status"],
    &["hook", "test"],
    &[],
];

/// The arguments of `photos hook status`. Their waiting times are so long that no test run calls
/// the hook.
const HOOK_STATUS: [&str; 6] = [
    "hook",
    "status",
    "--hook-quiet-seconds",
    "3600",
    "--hook-max-wait-seconds",
    "7200",
];

/// Records the commands that read a catalogue, while `photos serve` runs.
pub(super) fn record_while_served(recorder: &mut Recorder) {
    let lists: [&[&str]; 5] = [
        &["list"],
        &["list", "-n", "3"],
        &["list", "--order", "oldest", "--camera", "nikon-d750"],
        &["list", "--from", "2021-06-12", "--to", "2021-11-20"],
        &["list", "--private"],
    ];
    let text = lists.map(|list| run(recorder, list).text()).concat();
    recorder.add("cli/list.txt", text);
    let list = run(recorder, &["list", "--json"]);
    recorder.add("cli/list-json.txt", list.json_lines());

    record_show(recorder);

    let skipped = run(recorder, &["skipped"]).text();
    let json = run(recorder, &["skipped", "--json"]);
    let json = normalise::last_modified(&json.stdout);
    recorder.add("cli/skipped.txt", skipped + &pretty_lines(&json));

    let status = run(recorder, &HOOK_STATUS).text();
    let mut status = normalise::replace(
        &status,
        ("built at ", " at the earliest"),
        is_local_time,
        "<local time>",
    );
    let mut json = run(recorder, &[&HOOK_STATUS[..], &["--json"]].concat()).stdout;
    for name in ["since", "last", "until"] {
        json = normalise::field(&json, name, is_time, "<time>");
    }
    status += &pretty_lines(&json);
    recorder.add("cli/hook-status.txt", status);

    let known = ["import", PHOTOS, "--dry-run"];
    let new = ["import", PHOTOS, "--dry-run", "--data", "no-such-folder"];
    let mut text = String::new();
    for arguments in [&known[..], &new[..]] {
        text += &run(recorder, arguments).text();
        let json = run(recorder, &[arguments, &["--json"]].concat()).stdout;
        let is_seconds = |text: &str| text.parse::<f64>().is_ok();
        let seconds = ("\"seconds\":", ",");
        let json = normalise::replace(&json, seconds, is_seconds, "<seconds>");
        text += &pretty_lines(&json);
    }
    recorder.add("cli/import-dry-run.txt", text);
}

/// Records `photos show` for every photo. For one photo, also records the other output formats of
/// this command.
fn record_show(recorder: &mut Recorder) {
    let list = run(recorder, &["list", "--json", "--order", "oldest"]).stdout;
    let mut text = String::new();
    for line in list.lines() {
        let photo: serde_json::Value = serde_json::from_str(line).unwrap();
        text += &run(recorder, &["show", photo["stem"].as_str().unwrap()]).text();
    }
    text += &run(recorder, &["show", "2018-02-01/nothing"]).text();
    recorder.add("cli/show.txt", text);
    let with_tags = ["show", "2023-12-27/L1000123.JPG", "--tags"];
    let with_tags = run(recorder, &with_tags).text();
    recorder.add("cli/show-tags.txt", with_tags);
    let json = run(recorder, &["show", "2022-07-16/IMG_0412", "--json"]);
    let json = normalise::last_modified(&json.stdout);
    recorder.add("cli/show-json.txt", pretty_lines(&json));
}

/// Records the commands that work without `photos serve`, while no server runs.
pub(super) fn record_at_rest(recorder: &mut Recorder) {
    let examples = files(&recorder.photos.folder().join(PHOTOS)).into_keys();
    let paths: Vec<String> = examples.map(|file| format!("{PHOTOS}/{file}")).collect();
    let mut arguments = vec!["extract", "--tags"];
    arguments.extend(paths.iter().map(String::as_str));
    let extracted = run(recorder, &arguments);
    recorder.add("cli/extract-tags.txt", extracted.json_lines());
    let some = [
        "extract",
        "examples/photos/fuji/DSCF2210.JPG",
        "notes/list.txt",
        "missing.jpg",
    ];
    let extracted = run(recorder, &some);
    recorder.add("cli/extract.txt", extracted.json_lines());

    // At rest, the command checks every file, even a new one.
    let mut text = run(recorder, &["reconcile"]).text();
    text += &run(recorder, &["reconcile", "--json"]).text();
    recorder.add("cli/reconcile.txt", text);

    record_flags(recorder);
}

/// Deletes a file of the archive, and records what `photos reconcile` reports. This must be the
/// last recording, because the next start of `photos serve` would notice the loss.
pub(super) fn record_loss(recorder: &mut Recorder) {
    let archive = recorder.photos.data().join("archive");
    std::fs::remove_file(archive.join("2020-10-18/DSCF2210.JPG")).unwrap();
    // The last start had another location policy. Under that policy all counts would be wrong, so
    // the command gets the earlier policy.
    let reconcile = ["reconcile", "--location", "exact"];
    let mut text = run(recorder, &reconcile).text();
    text += &run(recorder, &[&reconcile[..], &["--json"]].concat()).text();
    recorder.add("cli/reconcile-loss.txt", text);
}

/// Records the flags, environment variables and default values of every command. These must not
/// change. The words of the help texts may change.
fn record_flags(recorder: &mut Recorder) {
    let mut text = String::new();
    for command in COMMANDS {
        let help = run(recorder, &[command, &["--help"]].concat()).stdout;
        writeln!(text, "photos {}", command.join(" ")).unwrap();
        for flag in flags(&help) {
            writeln!(text, "  {flag}").unwrap();
        }
    }
    recorder.add("cli/flags.txt", text);
}

/// Extracts the flags from a help text, each with its notes in brackets, such as
/// `--data <DIR> [env: PHOTOS_DATA]`.
fn flags(help: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in help.lines() {
        let text = line.trim_start();
        // Descriptions are indented further than flags.
        let is_flag = text.starts_with('-') && line.len() - text.len() <= 6;
        if is_flag {
            blocks.push(text.to_owned());
        } else if let Some(block) = blocks.last_mut() {
            *block += " ";
            *block += text;
        }
    }
    let is_name = |word: &&str| word.starts_with(['-', '<', '[']);
    let flag = |block: &String| {
        let names = block.split_whitespace().take_while(is_name);
        let mut parts: Vec<&str> = names.collect();
        let note = |part| {
            let (note, _) = block.split_once(part)?.1.split_once(']')?;
            // The help shows a variable together with its value: `[env: PHOTOS_DATA=]`.
            Some(format!("{part}{}]", note.split('=').next()?.trim()))
        };
        let notes: Vec<String> = ["[env:", "[default:"]
            .into_iter()
            .filter_map(note)
            .collect();
        parts.extend(notes.iter().map(String::as_str));
        parts
            .join(" ")
            .replace("[env:", "[env: ")
            .replace("[default:", "[default: ")
    };
    blocks.iter().map(flag).collect()
}

/// The result of a command that has ended: its status and output.
struct Ran {
    command: String,
    status: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// Returns the command, its standard output and its standard error as one text.
    fn text(&self) -> String {
        let Ran { stdout, stderr, .. } = self;
        format!("{}{stdout}[standard error]\n{stderr}\n", self.head())
    }

    /// Returns the command and the JSON that it printed, in a readable layout. The command must not
    /// print messages to standard error.
    fn json_lines(&self) -> String {
        assert_eq!(self.stderr, "", "{}", self.command);
        self.head() + &pretty_lines(&self.stdout)
    }

    fn head(&self) -> String {
        format!("$ photos {}\n[status {}]\n", self.command, self.status)
    }
}

fn run(recorder: &Recorder, arguments: &[&str]) -> Ran {
    let output = recorder.photos.run(arguments);
    Ran {
        command: arguments.join(" "),
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
