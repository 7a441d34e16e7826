#!/usr/bin/env python3
"""Compares `photos extract` with ExifTool over files that ExifTool has written.

    tools/compare_with_exiftool.py [--photos BINARY] [--files N] [--seed N] [FOLDER...]

The tool copies the photos of FOLDER (default: examples/photos) and lets ExifTool write random tags into the
copies: EXIF, XMP, IPTC, texts of PNG and comments, common and odd ones, in both byte orders, with and without
the existing tags (`exiftool_comparison/random_tags.py`). From what ExifTool reads in a copy, it computes the
record by the rules of docs/metadata.md (`exiftool_comparison/record.py`), and compares it with the record that
`photos extract` prints. Texts must be the same, numbers to 0.1 %, positions to 0.00001 degrees.

A value agrees if it is ExifTool's value: that of the first source in the documented order. A value that differs
as docs/metadata.md describes is a choice. Each choice has the name of its row in the tables of this document. The
exit status is 1 if there is any other difference.

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

from exiftool_comparison import choices
from exiftool_comparison.random_tags import argument_line, random_name, random_tags
from exiftool_comparison.record import expected_record

ROOT = Path(__file__).resolve().parent.parent
BATCH = 250
# ExifTool does not write these kinds of file, or writes them in a form without EXIF.
NOT_WRITTEN = (".x3f", ".crw", ".json", ".md", ".txt", ".xmp", "")
# The value of these fields may also come from a maker note, or be made from other tags.
FROM_NOTES = {"lens.model", "exposure.iso", "bodySerial"}


def find_sources(exiftool, photos, folders):
    """Returns the photos in folders that both programs can read."""
    files = [file.resolve() for folder in folders for file in sorted(folder.rglob("*"))
             if file.is_file() and file.stat().st_size < 300_000 and file.suffix.lower() not in NOT_WRITTEN]
    return [Path(name) for name, _, photo in read(exiftool, photos, Path("/"), list(map(str, files))) if photo]


def write(exiftool, sources, folder, numbers, seed):
    """Writes copies of the sources with random tags. The tags depend only on the seed and the number of the copy."""
    arguments = []
    for number in numbers:
        chance = random.Random(f"{seed} {number}")
        source = chance.choice(sources)
        copy = folder / random_name(chance, number, source.suffix.lower())
        shutil.copyfile(source, copy)
        if chance.random() < 0.25:
            arguments.append("-all=")
        if chance.random() < 0.25:
            arguments.append("-ExifByteOrder=" + chance.choice(("II", "MM")))
        arguments += map(argument_line, random_tags(chance, source.suffix.lower()))
        arguments += ["-overwrite_original", "-q", "-m", str(copy), "-execute"]
    # ExifTool cannot write some kinds of file. They are compared without changes.
    subprocess.run(exiftool + ["-@", "-"], input="\n".join(arguments), text=True, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout.decode(errors="replace")


def read(exiftool, photos, folder, names):
    """Returns what both programs read: for each file, ExifTool's tags and the record."""
    options = ["-j", "-n", "-G1", "-a", "-struct", "-x", "ICC_Profile:all", "--"]
    texts = json.loads(run(exiftool + options + names, folder) or "[]", parse_int=str, parse_float=str)
    records = map(json.loads, run([photos, "extract", "--", *names], folder).splitlines())
    records = {record["file"]: record["photo"] for record in records}
    for tags in texts:
        # ExifTool shows dc:creator and dc:Creator as one tag.
        tags["has dc:Creator"] = b"<dc:Creator>" in (folder / tags["SourceFile"]).read_bytes()
    return [(tags["SourceFile"], tags, records.get(tags["SourceFile"])) for tags in texts if is_whole(tags)]


def is_whole(tags):
    """Reports whether ExifTool can read a file: it finds a picture, and needs no module that is not installed."""
    return "Composite:ImageSize" in tags and not re.search("format error|Brotli", tags.get("ExifTool:Warning", ""))


def value_at(photo, path):
    """Returns the value of a field of the record. Empty lists and structures count as absent."""
    if path == "size":
        return [photo["width"], photo["height"]] if photo.get("width") else None
    for name in path.split("."):
        photo = photo.get(name) if isinstance(photo, dict) else None
    if isinstance(photo, dict):
        photo = {name: value for name, value in photo.items() if value is not None}
    if isinstance(photo, list):
        return sorted(photo) or None
    return photo if photo != {} else None


def is_equal(path, wanted, got):
    if wanted is None or got is None or isinstance(wanted, bool) or not isinstance(wanted, (int, float)):
        return got == (None if wanted == [] else wanted)
    tolerances = {"location.lat": 1e-5, "location.lon": 1e-5, "location.alt": 0.1}
    return abs(wanted - got) <= tolerances.get(path, max(1e-6, abs(wanted) * 1e-3))


def judge(path, expected, got):
    """Returns the kind of a result, "agreed", "choice" or "other", and the name of the choice."""
    if is_equal(path, expected.plain, got) and is_equal(path, expected.value, got):
        return "agreed", None
    if any(is_equal(path, value, got) for value in (expected.value, *expected.others)):
        return ("choice", expected.choices[0]) if expected.choices else ("agreed", None)
    if matches_unknown_bytes(expected.value, got):
        return "choice", choices.LATIN_1
    return "other", None


def matches_unknown_bytes(wanted, got):
    """Reports whether a text is the expected one except for characters that ExifTool shows as `?`."""
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return all(one == other or matches_unknown_bytes(one, other) for one, other in zip(wanted, got))
    if not isinstance(wanted, str) or not isinstance(got, str) or "?" not in wanted:
        return False
    return re.fullmatch(re.escape(wanted).replace(r"\?", "."), got, re.DOTALL) is not None


def compare(name, tags, photo, results, others):
    """Compares the fields of one file."""
    for path, expected in expected_record(tags, name).items():
        got = value_at(photo, path)
        if got is None and expected.plain in (None, []) and expected.value in (None, []):
            continue
        if path in FROM_NOTES and expected.value is None and got is not None:
            continue
        kind, choice = judge(path, expected, got)
        results[kind, path] += 1
        if choice:
            results["name", choice] += 1
        if kind == "other":
            others.append(f"{name}: {path}: expected {expected.value!r}, got {got!r}")


def check_names():
    """Exits if a choice is not the beginning of a row in docs/metadata.md."""
    rows = (ROOT / "docs/metadata.md").read_text().splitlines()
    names = {value for name, value in vars(choices).items() if name.isupper()}
    missing = [name for name in sorted(names) if not any(row.startswith("| " + name) for row in rows)]
    if missing:
        sys.exit("docs/metadata.md has no rows with these names: " + "; ".join(missing))


def print_results(results, others, files):
    def count(kind):
        return sum(number for (found, _), number in results.items() if found == kind)
    print("agree choice other  field")
    for path in sorted({path for kind, path in results if kind != "name"}):
        print("{:5} {:6} {:5}  {}".format(*(results[kind, path] for kind in ("agreed", "choice", "other")), path))
    print("\nchoices:")
    names = {choice: number for (kind, choice), number in results.items() if kind == "name"}
    for choice in sorted(names, key=names.get, reverse=True):
        print(f"{names[choice]:6}  {choice}")
    print(*others[:100], sep="\n")
    agreed, chosen, other = count("agreed"), count("choice"), count("other")
    total = agreed + chosen + other
    print(f"{agreed:,} of {total:,} values agree ({agreed / total:.2%}) in {files:,} files. {chosen:,} differ by a documented "
          f"choice, {other:,} for other reasons: {(agreed + chosen) / total:.2%} are as documented.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=ROOT / "target/release/photos", type=Path)
    parser.add_argument("--files", default=5000, type=int)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--keep", type=Path, help="write the files to this folder and keep them")
    parser.add_argument("folders", nargs="*", default=[ROOT / "examples/photos"], type=Path)
    arguments = parser.parse_args()
    check_names()
    exiftool = os.environ.get("EXIFTOOL", "exiftool").split()
    if not shutil.which(exiftool[0]):
        sys.exit(f"{exiftool[0]} is not installed: set EXIFTOOL to the command that runs ExifTool")
    photos = arguments.photos.resolve()
    sources = find_sources(exiftool, photos, arguments.folders)
    results, others, files = Counter(), [], 0
    for start in range(0, arguments.files, BATCH):
        folder = arguments.keep or Path(tempfile.mkdtemp())
        folder.mkdir(exist_ok=True)
        try:
            write(exiftool, sources, folder, range(start, min(start + BATCH, arguments.files)), arguments.seed)
            names = sorted(file.name for file in folder.iterdir() if start <= int(file.name[:5]) < start + BATCH)
            for name, tags, photo in read(exiftool, photos, folder, names):
                if photo is not None:
                    files += 1
                    compare(name, tags, photo, results, others)
        finally:
            if not arguments.keep:
                shutil.rmtree(folder)
    print_results(results, others, files)
    sys.exit(bool(others))


if __name__ == "__main__":
    main()
