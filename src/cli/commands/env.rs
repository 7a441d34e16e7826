//! `photos env` prints the shell commands that let other S3 clients use a running `photos serve`.

use std::io::Write;

use anyhow::bail;
use clap::Args;

use crate::cli::CommandStatus;
use crate::cli::data_dir::{self, LockOutcome, ServeEndpoints};
use crate::cli::flags::DataFlags;
use crate::cli::output::stdout;

/// The arguments of `photos env`.
#[derive(Debug, Args)]
pub(in crate::cli) struct EnvArguments {
    #[command(flatten)]
    data: DataFlags,
}

/// Runs the command: prints `export` commands with the address and the key pair of the running
/// servers. AWS's own tools and SDKs read these variables.
///
/// # Errors
/// Fails if no `photos serve` runs on the data folder.
pub(in crate::cli) async fn run(arguments: EnvArguments) -> anyhow::Result<CommandStatus> {
    let data = &arguments.data.data;
    let LockOutcome::InUse(Some(running)) = data_dir::lock_to_read(data)? else {
        bail!(
            "no `photos serve` runs on {}; start it first, or name its folder with --data",
            data.display()
        );
    };
    let mut out = stdout();
    out.write_all(export_commands(&running).as_bytes())?;
    out.flush()?;
    Ok(CommandStatus::Success)
}

/// Returns the commands for a POSIX shell. They also remove the session token of another account,
/// because clients would send it together with this key pair.
fn export_commands(running: &ServeEndpoints) -> String {
    let mut variables = vec![
        ("AWS_ENDPOINT_URL_S3", running.s3.as_str()),
        ("AWS_ACCESS_KEY_ID", &running.key_pair.access_key),
        ("AWS_SECRET_ACCESS_KEY", &running.key_pair.secret_key),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ];
    if let Some(dynamodb) = &running.dynamodb {
        variables.push(("AWS_ENDPOINT_URL_DYNAMODB", dynamodb));
    }
    let mut commands = String::from("unset AWS_SESSION_TOKEN\n");
    for (name, value) in variables {
        commands += &format!("export {name}={}\n", quote_for_shell(value));
    }
    commands
}

/// Returns a text in single quotes, as a POSIX shell reads it ("Shell Command Language", 2.2.2).
fn quote_for_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_so_that_a_shell_reads_them_unchanged() {
        assert_eq!(quote_for_shell("a b$c"), "'a b$c'");
        assert_eq!(quote_for_shell("it's"), r"'it'\''s'");
    }
}
