#!/usr/bin/env python3
"""Holds `photos import` against ExifTool's own filing by day, over the same folder.

    tools/compare_import.py [--photos BINARY] LIBRARY

Each copies LIBRARY's files to a folder by the day they were taken, into a place of its own, which is removed again; the
second writes no catalogue, and does not wait until its copies are on disk. Prints files a second, and how many files of
the library have their bytes nowhere in the result. LIBRARY may be the one that `import_bench` makes.

ExifTool is the command in EXIFTOOL, by default `exiftool`. phockup is no package of PyPI, and what PyPI has as elodie
lacks half of its modules: neither could be asked.
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


def contents(folder):
    """How often each content is in a folder."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return Counter(hashlib.sha256(path.read_bytes()).digest() for path in files)


def timed(command):
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return time.monotonic() - start, done


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default="target/release/photos")
    parser.add_argument("library")
    arguments = parser.parse_args()
    exiftool = shlex.split(os.environ.get("EXIFTOOL", "exiftool"))
    library = contents(arguments.library)
    files = sum(library.values())
    if not files:
        sys.exit(f"{arguments.library}: no files")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        photos = [arguments.photos, "import", "--data", str(work / "data"), arguments.library]
        # What has no date goes to the folder of -o.
        by_day = [*exiftool, "-q", "-r", "-o", f"{work}/filed/undated/", "-Directory<DateTimeOriginal",
                  "-d", f"{work}/filed/%Y-%m-%d", arguments.library]
        rows = [("photos import", photos, work / "data" / "archive"), ("exiftool -d", by_day, work / "filed")]
        print(f"{files} files      files/s  seconds  files that are nowhere")
        speeds = []
        for name, command, result in rows:
            seconds, done = timed(command)
            missing = sum((library - contents(result)).values())
            speeds.append(files / seconds)
            print(f"{name:14} {files / seconds:9.0f}  {seconds:7.1f}  {missing:22}")
            if done.returncode and not missing:
                print(done.stderr[-400:], file=sys.stderr)
        print(f"photos import is {speeds[0] / speeds[1]:.1f} times as fast")


if __name__ == "__main__":
    main()
