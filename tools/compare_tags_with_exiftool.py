#!/usr/bin/env python3
"""Compares the tags of `photos extract --tags` with those of ExifTool: every tag of EXIF, XMP and IPTC.

    tools/compare_tags_with_exiftool.py [--photos BINARY] [--show N] [FOLDER...]

The tool reads all files of FOLDER (default: examples/photos) with both programs. A tag agrees if it has the
same group (family 1), the same name and the same value. ExifTool runs with `-n -a`, so values are raw, and
every copy of a tag counts. The tool brings the values of both programs into one form: dates, fractions,
degrees and APEX values as numbers, lists as lists, texts without control characters and repeated blanks. A
tag that ExifTool shows as `(Binary data ...)` agrees if this program lists its size, or shows its numbers.

It prints a line for each group, the differences that docs/metadata.md lists as choices by their names, and
the other differences. The exit status is 1 if less than 99.5 % of the tags agree.

EXIFTOOL is the command that runs ExifTool, by default `exiftool`. The documented figures come from version
13.59 of the npm package `exiftool-vendored.pl`.
"""

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

BATCH = 400
FAMILIES = ("EXIF", "XMP", "IPTC")
# APEX values of EXIF: ExifTool shows seconds and f-numbers.
APEX = {
    "ShutterSpeedValue": lambda value: 2 ** -value if abs(value) < 100 else 0,
    "ApertureValue": lambda value: 2 ** (value / 2),
    "MaxApertureValue": lambda value: 2 ** (value / 2),
}
DEGREES = ("GPSLatitude", "GPSLongitude", "GPSDestLatitude", "GPSDestLongitude")


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False).stdout


def read_exiftool(exiftool, folder, names):
    """Returns the tags of each file: a list of (family 0, group, name, value, is a copy)."""
    files = json.loads(run(exiftool + ["-j", "-n", "-a", "-G0:1:4", "-charset", "utf8", "--", *names], folder) or "[]")
    tags = {}
    for file in files:
        found = tags.setdefault(file["SourceFile"], [])
        for key, value in file.items():
            # ExifTool leaves out a group that is the same as the one before it.
            family, *groups, name = key.split(":") if ":" in key else ("", key)
            is_copy = bool(groups) and re.fullmatch(r"Copy\d+", groups[-1]) is not None
            groups = groups[:-1] if is_copy else groups
            if family in FAMILIES:
                found.append((family, groups[0] if groups else family, name, value, is_copy))
    return tags


def read_photos(photos, folder, names):
    """Returns the record of each file."""
    lines = run([photos, "extract", "--tags", "--", *names], folder).splitlines()
    return {line["file"]: line["photo"] for line in map(json.loads, lines) if line["photo"]}


def plain(value):
    """Returns a value of this program: a fraction as a number, a list as a list of such values."""
    if isinstance(value, dict):
        return value["value"]
    return [plain(item) for item in value] if isinstance(value, list) else value


def number(value):
    if isinstance(value, bool):
        return None
    try:
        value = float(value)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def text(value):
    """Returns a value as a text in the form that both programs share."""
    value = str(value)
    date = re.match(r"(\d{4})[-:](\d\d)[-:](\d\d)(?:[T ](.*))?$", value, re.S)
    if date:
        value = ":".join(date.groups()[:3]) + (" " + date.group(4) if date.group(4) else "")
    elif re.match(r"\d{4}-\d\d$", value):
        value = value.replace("-", ":")
    value = re.sub(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd]", " ", value)
    return " ".join(value.split()).lower()


def is_equal(wanted, got):
    """Reports whether two values are the same, in the form of `plain`."""
    if isinstance(got, list) and not isinstance(wanted, list):
        words = str(wanted).split()
        return len(words) == len(got) and all(map(is_equal, words, got))
    if isinstance(wanted, list):
        got = got if isinstance(got, list) else [got]
        return len(wanted) == len(got) and all(map(is_equal, wanted, got))
    one, other = number(wanted), number(got)
    if one is not None and other is not None:
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return text(wanted) == text(got)


def has_value(name, wanted, got, copies):
    """Reports whether a value of ExifTool is the value of this program. `copies` is the number of tags with this name."""
    got = plain(got)
    if is_equal(wanted, got):
        return True
    if is_binary(wanted):
        # This program shows the numbers that ExifTool does not show.
        return True
    if copies > 1 and isinstance(got, list):
        # ExifTool shows the members of an unknown list one by one.
        return any(is_equal(wanted, item) for item in got)
    if name in APEX and number(got) is not None:
        return number(wanted) is not None and math.isclose(number(wanted), APEX[name](got), rel_tol=1e-6)
    if name in DEGREES and isinstance(got, list):
        parts = [number(part) for part in got[:3]]
        if parts[0] is None:
            return wanted == ""
        degrees = sum((part or 0) / 60**index for index, part in enumerate(parts))
        return number(wanted) is not None and math.isclose(abs(number(wanted)), degrees, rel_tol=1e-9, abs_tol=1e-9)
    if name == "CodedCharacterSet":
        return (wanted, got) == ("\x1b%G", "UTF8")
    return False


def is_binary(wanted):
    return all(map(is_binary, wanted)) if isinstance(wanted, list) else str(wanted).startswith("(Binary data")


def find_choice(group, name, is_copy):
    """Returns the choice in docs/metadata.md that explains a difference, or None."""
    if is_copy:
        return "of several tags of one name, the last one counts"
    if name.startswith("MakerNote"):
        return "a maker note is listed as MakerNote"
    if name == "ThumbnailTIFF":
        return "no picture is made from strips"
    if name.endswith(("Offset", "Offsets", "Start")):
        return "an offset counts from the start of the file"
    if group == "XMP-Device" and name.endswith("Timestamp"):
        return "a time in milliseconds stays a number"
    return None


def compare(tags, photo):
    """Yields (family, group, name, value of ExifTool, value here, outcome) for each tag of ExifTool."""
    ours, omitted = photo.get("exif", {}), photo.get("exifOmitted", {})
    copies = Counter((group, name) for _, group, name, _, _ in tags)
    for family, group, name, wanted, is_copy in tags:
        got = ours.get(group, {}).get(name)
        size = omitted.get(f"{group}.{name}")
        if size is not None and got is None:
            outcome = "equal" if is_binary(wanted) else "too large"
        elif got is not None and has_value(name, wanted, got, copies[group, name]):
            outcome = "equal"
        else:
            outcome = find_choice(group, name, is_copy) or ("missing" if got is None else "other value")
        yield family, group, name, wanted, got, outcome


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=root / "target/release/photos", type=Path)
    parser.add_argument("--show", default=60, type=int, help="the number of differences to print")
    parser.add_argument("folders", nargs="*", default=[root / "examples/photos"], type=Path)
    arguments = parser.parse_args()
    exiftool = os.environ.get("EXIFTOOL", "exiftool").split()
    if not shutil.which(exiftool[0]):
        sys.exit(f"{exiftool[0]} is not installed: set EXIFTOOL to the command that runs ExifTool")
    counts, agreed, outcomes, differences, files = Counter(), Counter(), Counter(), [], 0
    for folder in arguments.folders:
        folder = folder.resolve()
        names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*")
                       if file.is_file() and file.suffix not in (".json", ".md", ".txt"))
        for first in range(0, len(names), BATCH):
            batch = names[first:first + BATCH]
            photos = read_photos(arguments.photos.resolve(), folder, batch)
            for name, tags in read_exiftool(exiftool, folder, batch).items():
                if name not in photos:
                    continue
                files += 1
                for family, group, tag, wanted, got, outcome in compare(tags, photos[name]):
                    key = (family, re.sub(r"\d+$", "", group) if family == "IPTC" else group)
                    counts[key] += 1
                    agreed[key] += outcome == "equal"
                    if outcome != "equal":
                        outcomes[outcome] += 1
                        differences.append(f"{name}: {group}:{tag}: {outcome}: ExifTool {wanted!r:.120}, here {got!r:.120}")
    by_family = defaultdict(Counter)
    for (family, group), count in sorted(counts.items()):
        by_family[family].update(count=count, agreed=agreed[family, group])
        print(f"{count:7} {agreed[family, group] / count:8.2%}  {group}")
    for outcome, count in outcomes.most_common():
        print(f"{count:7}  {outcome}")
    for difference in differences[:arguments.show]:
        print(difference)
    everything = Counter()
    for family, total in by_family.items():
        everything.update(total)
        print(f"{family}: {total['agreed']} of {total['count']} tags agree ({total['agreed'] / total['count']:.2%})")
    share = everything["agreed"] / max(everything["count"], 1)
    print(f"{everything['agreed']} of {everything['count']} tags agree ({share:.2%}) in {files} files")
    sys.exit(share < 0.995)


if __name__ == "__main__":
    main()
