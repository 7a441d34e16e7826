#!/usr/bin/env python3
"""Compares `photos extract` with ExifTool over files that ExifTool has written.

    tools/compare_with_exiftool.py [--photos BINARY] [--files N] [--seed N] [FOLDER...]

The tool copies the photos of FOLDER (default: examples/photos) and lets ExifTool write random tags into the
copies: common and odd ones, in both byte orders, with and without the existing tags. Then it compares the
fields that ExifTool reads with those that `photos extract` prints: text without surrounding blanks, numbers
to 0.1 %, positions to 0.00001 degrees, dates to the second. It counts differences that docs/metadata.md
lists as choices by their names. The exit status is 1 if there is any other difference.

EXIFTOOL is the command that runs ExifTool, by default `exiftool`. The documented figures come from version
13.59 of the npm package `exiftool-vendored.pl`.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

EXIF, IFD0 = "ExifIFD:", "IFD0:"
BATCH = 400


def pick(random, share, *choices):
    """Returns one of the choices with the probability `share`, else an empty list."""
    return list(random.choice(choices)) if random.random() < share else []


def tags(random):
    """Returns arguments that write random tags into one file."""
    one = lambda tag, *values: [(f"-{tag}={value}",) for value in values]
    arguments = [
        (0.7, one("DateTimeOriginal", "2018:02:01 09:41:07", "2020:12:31 23:59:59", "1999:01:01 00:00:00")),
        (0.3, one("CreateDate", "2018:02:01 09:41:07", "0000:00:00 00:00:00", "2001:01:01 01:01:01")),
        (0.2, one("DateTimeOriginal#", "0000:00:00 00:00:00", "    :  :     :  :  ", "2018:13:01 00:00:00",
                  "2018-02-01 09:41:07", "2018/02/01 09:41:07", "2018:02:01T09:41:07", "2018:02:30 10:00:00", "garbage")),
        (0.4, one("OffsetTimeOriginal", "+01:00", "-08:00", "+05:30", "+12:45", "Z", "+00:00", "-03:30")),
        (0.3, one("OffsetTime", "+02:00", "+09:00")),
        (0.5, one("SubSecTimeOriginal", "5", "67", "123", "000", "9999")),
        (0.4, one("LensModel", "EF24-105mm f/4L IS USM", "----", "  Padded Lens  ", "Ünicode 35mm",
                  "iPhone 7 back camera 3.99mm f/1.8")),
        (0.2, [("-LensMake=Apple", "-LensInfo=3.99 3.99 1.8 1.8")]),
        (0.5, [(f"-GPSLatitude={lat}", f"-GPSLatitudeRef={ns}", f"-GPSLongitude={lon}", f"-GPSLongitudeRef={ew}")
               for lat in (45.4712345, 33.5, 0.0001, 89.99) for ns in "NS"
               for lon in (73.64, 151.2, 179.999, 0) for ew in "EW"]),
        (0.4, [(f"-GPSAltitude={alt}", f"-GPSAltitudeRef={ref}")
               for alt in (31, 8848.86, 0, 12.3) for ref in ("above", "below")]),
        (0.4, [("-GPSDateStamp=2018:02:01", "-GPSTimeStamp=08:41:07", "-GPSSpeed=10", "-GPSSpeedRef=K",
                "-GPSImgDirection=270.5")]),
        (0.5, one("ExposureTime", "1/250", "2.5", "30", "1/8000", "0.3")),
        (0.5, one("FNumber", "2.8", "1.8", "22", "0.95")),
        (0.5, one("ISO", "100", "6400", "65535", "50", "100 200")),
        (0.3, [("-RecommendedExposureIndex=102400", "-SensitivityType=2")]),
        (0.4, one("FocalLength", "50", "4.25", "400")),
        (0.4, one("FocalLengthIn35mmFormat", "75", "28", "0")),
        (0.4, one("ExposureCompensation", "-1/3", "0", "2", "-2.7")),
        (0.5, one("Orientation#", *range(9))),
        (0.5, [(f"-Make={make}", f"-Model={model}")
               for make in ("NIKON CORPORATION", "samsung", "Apple", "  SONY ", "Canon")
               for model in ("NIKON D750", "SM-G973F", "iPhone 7", "ILCE-7M3", "Canon EOS R6")]),
        (0.4, [("-XMP-dc:Title=A title", "-XMP-dc:Subject=one", "-XMP-dc:Subject=two", "-XMP-xmp:Rating=4",
                "-IPTC:Caption-Abstract=IPTC Zürich", "-IPTC:Keywords=three")]),
        (0.2, [("-UserComment=comment äöü", "-XPTitle=xp title", "-ImageDescription=Described", "-Copyright=(c) me",
                "-Artist=Someone")]),
        (0.2, one("IFD0:DateTimeOriginal", "2011:11:11 11:11:11")),
        (0.2, [("-XMP:DateTimeOriginal=2010:10:10 10:10:10", "-XMP:CreateDate=2010:10:10 10:10:11+03:00")]),
    ]
    return [argument for share, choices in arguments for argument in pick(random, share, *choices)]


def write(exiftool, sources, folder, files, seed):
    """Writes copies of the sources with random tags."""
    chance, arguments = random.Random(seed), []
    for n in range(files):
        source = chance.choice(sources)
        copy = folder / f"{n:05}{source.suffix.lower()}"
        shutil.copyfile(source, copy)
        if chance.random() < 0.25:
            arguments.append("-all=")
        if chance.random() < 0.25:
            arguments.append("-ExifByteOrder=" + chance.choice(("II", "MM")))
        arguments += tags(chance) + ["-overwrite_original", "-q", "-m", "-charset", "utf8", str(copy), "-execute"]
    # ExifTool cannot write some kinds of file. They are compared without changes.
    subprocess.run(exiftool + ["-@", "-"], input="\n".join(arguments), text=True, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def text(value):
    value = None if value is None or isinstance(value, (dict, list)) else str(value).split("\0")[0].strip()
    return value or None


def number(value):
    try:
        value = float(str(value).split()[0])
    except (ValueError, IndexError):
        return None
    return value if abs(value) < float("inf") else None


def positive(value):
    value = number(value)
    return value if value and value > 0 else None


def date(value):
    parts = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)", text(value) or "")
    return parts and "{}-{}-{}T{}:{}:{}".format(*parts.groups())


# For each field: ExifTool's tags, of which the first present one counts; the kind; the path in our photo.
FIELDS = {
    "make": ([IFD0 + "Make"], text, "camera.make"),
    "model": ([IFD0 + "Model"], text, "camera.model"),
    "lens": ([EXIF + "LensModel", IFD0 + "LensModel"], text, "lens.model"),
    "taken": ([EXIF + "DateTimeOriginal", IFD0 + "DateTimeOriginal", EXIF + "CreateDate", IFD0 + "CreateDate"], date,
              "takenAtLocal"),
    "offset": ([EXIF + "OffsetTimeOriginal"], text, "offset"),
    "exposure": ([EXIF + "ExposureTime", IFD0 + "ExposureTime"], positive, "exposure.seconds"),
    "f-number": ([EXIF + "FNumber", IFD0 + "FNumber"], positive, "exposure.fNumber"),
    "ISO": ([EXIF + "ISO", IFD0 + "ISO"], positive, "exposure.iso"),
    "focal length": ([EXIF + "FocalLength", IFD0 + "FocalLength"], positive, "exposure.focalLength"),
    "35 mm": ([EXIF + "FocalLengthIn35mmFormat"], positive, "exposure.focalLength35"),
    "bias": ([EXIF + "ExposureCompensation", IFD0 + "ExposureCompensation"], number, "exposure.bias"),
    "orientation": ([IFD0 + "Orientation"], positive, "orientation"),
    "latitude": (["Composite:GPSLatitude"], number, "location.lat"),
    "longitude": (["Composite:GPSLongitude"], number, "location.lon"),
    "altitude": (["Composite:GPSAltitude"], number, "location.alt"),
}


def is_equal(name, wanted, got):
    if got is None:
        return False
    if isinstance(wanted, str):
        return wanted.lower() == str(got).lower()
    tolerance = {"latitude": 1e-5, "longitude": 1e-5, "altitude": 0.1}.get(name, max(1e-6, abs(wanted) * 1e-3))
    return abs(wanted - got) <= tolerance


def is_day(taken):
    """Reports whether the day and the time exist."""
    year, month, day, hour, minute, second = map(int, re.split("[-T:]", taken))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return 1826 <= year and 1 <= month <= 12 and 1 <= day <= days[month - 1] and hour < 24 and minute < 60 and second < 60


def find_choice(name, wanted, tags, ours):
    """Returns the choice in docs/metadata.md that explains a difference, or None."""
    if name == "taken" and not is_day(wanted):
        return "a day or time that does not exist is ignored"
    if name == "taken" and ours.get("takenAtLocal", "") != wanted and wanted > "2026":
        return "a capture time later than Last-Modified is ignored"
    if name == "lens" and not wanted.strip("-"):
        return "LensModel ---- is not a lens"
    if name == "orientation" and tags.get("File:FileType") == "JXL":
        return "the orientation of a JPEG XL is in its codestream"
    if name == "ISO" and wanted == 65535 and tags.get(EXIF + "RecommendedExposureIndex", 0) > 65535:
        return "ISO 65535 means more than that"
    if name == "offset" and ours.get("dateSource") not in ("DateTimeOriginal", "DateTimeDigitized", "CreateDate"):
        return "an offset applies only to its own time"
    if isinstance(wanted, str) and "?" in wanted:
        return "bytes that are not UTF-8 are Latin-1"
    return None


def value_at(photo, path):
    for name in path.split("."):
        photo = photo.get(name) if isinstance(photo, dict) else None
    return photo


def compare(exiftool, photos, folder, names):
    """Returns the numbers of equal and of compared fields, the choices by name, and the other differences."""
    run = lambda command: subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    truth = json.loads(run(exiftool + ["-j", "-n", "-G1", "-charset", "utf8", *names]).stdout or "[]")
    ours = {}
    for line in run([photos, "extract", "--", *names]).stdout.splitlines():
        line = json.loads(line)
        ours[line["file"]] = line["photo"] or {}
    agreed, compared, choices, others = 0, 0, Counter(), []
    for tags in truth:
        name, lat, lon = tags["SourceFile"], number(tags.get("Composite:GPSLatitude")), number(tags.get("Composite:GPSLongitude"))
        photo = ours.get(name, {})
        has_place = lat is not None and lon is not None and (lat, lon) != (0, 0) and abs(lat) <= 90 and abs(lon) <= 180
        if not any(tag.startswith((IFD0, EXIF, "GPS:")) for tag in tags):
            continue
        for field, (sources, kind, path) in FIELDS.items():
            wanted = kind(next((tags[source] for source in sources if tags.get(source) not in (None, "")), None))
            if wanted is None or (field in ("latitude", "longitude", "altitude") and not has_place):
                continue
            compared += 1
            got = kind(value_at(photo, path))
            if is_equal(field, wanted, got):
                agreed += 1
            elif reason := find_choice(field, wanted, tags, photo):
                choices[reason] += 1
            else:
                others.append(f"{name}: {field}: ExifTool {wanted!r}, here {got!r}")
    return agreed, compared, choices, others


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=root / "target/release/photos", type=Path)
    parser.add_argument("--files", default=3000, type=int)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--keep", type=Path, help="write the files to this folder and keep them")
    parser.add_argument("folders", nargs="*", default=[root / "examples/photos"], type=Path)
    arguments = parser.parse_args()
    exiftool = os.environ.get("EXIFTOOL", "exiftool").split()
    if not shutil.which(exiftool[0]):
        sys.exit(f"{exiftool[0]} is not installed: set EXIFTOOL to the command that runs ExifTool")
    sources = [file for folder in arguments.folders for file in sorted(folder.rglob("*"))
               if file.is_file() and file.stat().st_size < 300_000 and file.suffix not in (".json", ".md", ".txt", "")]
    folder = arguments.keep or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    try:
        write(exiftool, sources, folder, arguments.files, arguments.seed)
        names = sorted(file.name for file in folder.iterdir())
        agreed, compared, choices, others = 0, 0, Counter(), []
        for first in range(0, len(names), BATCH):
            batch = compare(exiftool, arguments.photos.resolve(), folder, names[first:first + BATCH])
            agreed, compared, choices, others = agreed + batch[0], compared + batch[1], choices + batch[2], others + batch[3]
    finally:
        if not arguments.keep:
            shutil.rmtree(folder)
    for reason, count in choices.most_common():
        print(f"{count:6}  {reason}")
    for other in others[:40]:
        print(other)
    print(f"{agreed} of {compared} field values agree ({agreed / compared:.2%}) in {len(names)} files; "
          f"{sum(choices.values())} differ by choice, {len(others)} for other reasons: {(agreed + sum(choices.values())) / compared:.2%} are as intended")
    sys.exit(bool(others))


if __name__ == "__main__":
    main()
