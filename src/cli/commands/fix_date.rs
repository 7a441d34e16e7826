//! `photos fix-date` corrects the capture times of a camera whose clock was wrong.

use std::str::FromStr;

use chrono::{NaiveDate, NaiveDateTime, Utc};
use clap::Args;
use futures::TryStreamExt;

use crate::catalogue::batch::ScannedItem;
use crate::catalogue::item::PhotoItem;
use crate::catalogue::item::PhotoItemHeader;
use crate::cli::CommandStatus;
use crate::cli::output::escape_control;
use crate::cli::progress::{self, eprint_message};
use crate::cli::session::{Session, SessionPurpose, StoreOptions};
use crate::ingest;
use crate::photo_id::PhotoId;

/// The arguments of `photos fix-date`.
#[derive(Debug, Args)]
pub(in crate::cli) struct FixDateArguments {
    /// The camera's slug, such as nikon-d750.
    #[arg(long)]
    camera: String,
    /// First day or time, by the camera's own clock: 2018-02-01, 2018-02-01T09:41.
    #[arg(long)]
    from: LocalTimeBound,
    /// Last day or time, by the camera's own clock, inclusive.
    #[arg(long)]
    to: LocalTimeBound,
    /// How much the clock was slow: +1h, -30m, +1d2h. Replaces an earlier shift; 0 removes it.
    #[arg(long, allow_hyphen_values = true)]
    shift: ClockShift,
    /// Change nothing. Print the photos that would be shifted.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    stores: StoreOptions,
}

/// One end of the range of capture times that the command changes: a day such as `2018-02-01`, or a
/// time such as `2018-02-01T09:41`. The text is compared with the beginning of capture times.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LocalTimeBound(String);

/// The number of seconds that is added to capture times. It is negative if the clock of the camera
/// was fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ClockShift(i64);

impl FromStr for LocalTimeBound {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_day = text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
        let is_time = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
            .iter()
            .any(|pattern| NaiveDateTime::parse_from_str(text, pattern).is_ok());
        if is_day || is_time {
            Ok(LocalTimeBound(text.to_owned()))
        } else {
            Err("a day or a time, 2018-02-01 or 2018-02-01T09:41")
        }
    }
}

impl FromStr for ClockShift {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str =
            "a sign and days, hours, minutes or seconds: +1h, -30m, +1d2h30m; or 0";
        /// The largest accepted shift, in seconds: a century.
        const MAX_SECONDS: i64 = 100 * 366 * 86_400;
        if text == "0" {
            return Ok(ClockShift(0));
        }
        let (sign, mut rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (1, rest),
            Some(("-", rest)) => (-1, rest),
            _ => return Err(EXPECTED),
        };
        let mut seconds = 0_i64;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let mut after = after.chars();
            let unit = match after.next() {
                Some('d') => 86_400,
                Some('h') => 3_600,
                Some('m') => 60,
                Some('s') => 1,
                _ => return Err(EXPECTED),
            };
            let number: i64 = number.parse().map_err(|_| EXPECTED)?;
            let added = number
                .checked_mul(unit)
                .and_then(|more| seconds.checked_add(more));
            seconds = added
                .filter(|seconds| *seconds <= MAX_SECONDS)
                .ok_or(EXPECTED)?;
            rest = after.as_str();
        }
        if seconds == 0 {
            Err(EXPECTED)
        } else {
            Ok(ClockShift(sign * seconds))
        }
    }
}

/// Runs the command: shifts the capture time of each photo that the camera took between `--from`
/// and `--to`. A repeat is safe, because a shift replaces an earlier shift. Scans the whole table,
/// because private photos are not in the index by-camera. The exit status is 1 if a photo cannot be
/// changed.
pub(in crate::cli) async fn run(arguments: FixDateArguments) -> anyhow::Result<CommandStatus> {
    let purpose = if arguments.dry_run {
        SessionPurpose::Read
    } else {
        SessionPurpose::Write
    };
    let session = arguments.stores.open_existing(purpose).await?;
    let result = shift_photos(&arguments, &session).await;
    session.close(true).await;
    result
}

async fn shift_photos(
    arguments: &FixDateArguments,
    session: &Session,
) -> anyhow::Result<CommandStatus> {
    let ClockShift(seconds) = arguments.shift;
    let (mut shifted, mut failed) = (0_u64, 0_u64);
    let bar = progress::bar(0, "{human_pos} photos of this camera");
    let mut items = std::pin::pin!(session.catalogue.scan_items());
    while let Some(found) = items.try_next().await? {
        let ScannedItem::Photo(photo) = found else {
            continue;
        };
        if !arguments.matches(&photo) {
            continue;
        }
        bar.inc(1);
        shifted += 1;
        if arguments.dry_run {
            let taken = photo.taken_at_local.as_deref().unwrap_or_default();
            eprint_message(&format!("{}: {taken}", escape_control(&photo.stem)));
            continue;
        }
        let id = PhotoId::from_stem(&photo.stem);
        let set = Some(seconds).filter(|seconds| *seconds != 0);
        let shift = |item: &mut PhotoItem| item.overrides.shift_seconds = set;
        let (catalogue, rules) = (&session.catalogue, &session.rules);
        let amended = ingest::update_overrides(catalogue, rules, Utc::now(), &id, shift);
        if let Err(error) = amended.await {
            eprint_message(&format!("{}: {error}", escape_control(&photo.stem)));
            failed += 1;
        }
    }
    drop(bar);
    eprint_message(&match arguments.dry_run {
        true => format!("{shifted} photos would be shifted by {seconds} seconds."),
        false => format!(
            "{} photos shifted by {seconds} seconds. Their files stay in their folders.",
            shifted - failed
        ),
    });
    Ok(if failed > 0 {
        CommandStatus::PartialFailure
    } else {
        CommandStatus::Success
    })
}

impl FixDateArguments {
    /// Reports whether the photo was taken with the camera `--camera`, from the time `--from` to
    /// the time `--to`. Compares the capture time in the file, without a shift. Returns `false` if
    /// the photo has no capture time, or if all its files have been removed.
    fn matches(&self, photo: &PhotoItemHeader) -> bool {
        let Some(taken) = &photo.taken_at_local else {
            return false;
        };
        let until = taken.get(..self.to.0.len()).unwrap_or(taken);
        photo
            .camera
            .as_ref()
            .is_some_and(|camera| camera.slug == self.camera)
            && photo.has_live_photo()
            && *taken >= self.from.0
            && until <= self.to.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_is_a_sign_and_units() {
        for (text, seconds) in [
            ("+1h", 3_600),
            ("-30m", -1_800),
            ("+1d2h3m4s", 93_784),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(ClockShift(seconds)), "{text}");
        }
        for text in [
            "",
            "+",
            "1h",
            "+1",
            "+1x",
            "+0h",
            "+99999999999999999999d",
            "+36601d",
            "é",
        ] {
            assert!(text.parse::<ClockShift>().is_err(), "{text}");
        }
    }

    #[test]
    fn bound_is_a_day_or_a_time() {
        for (text, is_valid) in [
            ("2018-02-01", true),
            ("2018-02-01T09:41", true),
            ("2018-02-01T09:41:07", true),
            ("2018-02-30", false),
            ("2018", false),
            ("2018-2-1", false),
        ] {
            assert_eq!(text.parse::<LocalTimeBound>().is_ok(), is_valid, "{text}");
        }
    }
}
