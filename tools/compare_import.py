#!/usr/bin/env python3
"""Compares the speed of `photos import` with ExifTool, which copies the same files to day folders.

    tools/compare_import.py [--photos BINARY] LIBRARY

Each program copies the files of LIBRARY to folders by capture day in a temporary folder, which is removed
afterwards. ExifTool writes no catalogue and does not wait until its copies are on disk. The tool prints
files per second, and how many files of the library are missing in the result. LIBRARY may be the folder
that `import_bench` creates.

EXIFTOOL is the command that runs ExifTool, by default `exiftool`. phockup and elodie are not compared:
PyPI has no package of phockup, and its package of elodie lacks half of the modules.
"""

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path


def count_contents(folder):
    """Counts the files of a folder by content."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return Counter(hashlib.sha256(path.read_bytes()).digest() for path in files)


def run_timed(command):
    """Runs a command and returns its seconds and its result."""
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return time.monotonic() - start, done


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default="target/release/photos")
    parser.add_argument("library")
    arguments = parser.parse_args()
    exiftool = shlex.split(os.environ.get("EXIFTOOL", "exiftool"))
    library = count_contents(arguments.library)
    files = sum(library.values())
    if not files:
        sys.exit(f"{arguments.library}: no files")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        photos = [arguments.photos, "import", "--data", str(work / "data"), arguments.library]
        # Files without a date go to the folder of -o.
        by_day = [*exiftool, "-q", "-r", "-o", f"{work}/filed/undated/", "-Directory<DateTimeOriginal",
                  "-d", f"{work}/filed/%Y-%m-%d", arguments.library]
        rows = [("photos import", photos, work / "data" / "archive"), ("exiftool -d", by_day, work / "filed")]
        print(f"{files} files      files/s  seconds  files that are missing")
        speeds = []
        for name, command, result in rows:
            seconds, done = run_timed(command)
            missing = sum((library - count_contents(result)).values())
            speeds.append(files / seconds)
            print(f"{name:14} {files / seconds:9.0f}  {seconds:7.1f}  {missing:22}")
            if done.returncode and not missing:
                print(done.stderr[-400:], file=sys.stderr)
        print(f"photos import is {speeds[0] / speeds[1]:.1f} times as fast")


if __name__ == "__main__":
    main()
