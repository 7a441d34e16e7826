#!/usr/bin/env python3
"""Prints how the Rust code of this project is built, in figures. Needs only Python.

  tools/structure.py             prints a line for each figure
  tools/structure.py --list      also prints each place that a figure counts against us
  tools/structure.py --check     fails if a figure misses its goal

The figures and their goals:

- Type names that occur twice (0). A reader who searches for a type finds one definition.
  Structs, enums, unions, traits and type aliases count, private ones and those of tests too.
  Associated types do not.
- Compound type names (over 60 %). `LocationPolicy` has two words, `Policy` has one.
- Functions over 100 lines (0), and the 99th percentile of function length (at most 78 lines).
  From the line with `fn` to the line with the closing brace. Tests count.
- Functions that take bucket and key apart (0): two string parameters, or a tuple of both.
- Hexadecimal tag literals outside the tag table (0): four hexadecimal digits in
  crates/photo-metadata/src, apart from tag.rs, lens_ids.rs, named constants and tests.
"""

import argparse
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "crates", "tests", "bench", "examples")
TAG_TABLES = {"tag.rs", "lens_ids.rs"}

TOKEN = re.compile(
    r"""(?P<line>//[^\n]*)
      | (?P<block>/\*.*?\*/)
      | (?P<raw>\bb?r(?P<hashes>\#*)"(?:.*?)"(?P=hashes))
      | (?P<string>b?"(?:\\.|[^"\\])*")
      | (?P<char>b?'(?:\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F_]+\}|.)|[^'\\\n])')
    """,
    re.S | re.X,
)
TYPE = re.compile(r"^(?P<indent>[ \t]*)(?:pub(?:\([^)]*\))? )?(?:unsafe )?(?P<kind>struct|enum|union|trait|type) (?P<name>\w+)", re.M)
FUNCTION = re.compile(r"\bfn (?P<name>\w+)\s*(?P<open>[<(])")
STRING = r"(?:&(?:'\w+ )?(?:mut )?str\b|String\b|&String\b|impl (?:Into<String>|AsRef<str>)|Cow<'?\w*,? ?str>)"
BUCKET = re.compile(rf"\b\w*bucket: {STRING}")
KEY = re.compile(rf"\b(?:\w+_)?key: {STRING}")
PAIR = re.compile(rf"\(\w*bucket, \w*key\): \({STRING}, {STRING}\)|\b(?:object|from|source|target|copy|place|at): \({STRING}, {STRING}\)")
TAG_LITERAL = re.compile(r"\b0x[0-9a-fA-F]{4}\b")


def without_text(code):
    """Returns the code with comments, strings and characters blanked, line by line in place."""

    def blank(found):
        return re.sub(r"[^\n]", " ", found.group(0))

    return TOKEN.sub(blank, code)


def closing(code, start, opening, end):
    """Returns the index of the bracket that closes the one at `start`, or None."""
    depth = 0
    for index in range(start, len(code)):
        if code[index] == opening:
            depth += 1
        elif code[index] == end:
            depth -= 1
            if depth == 0:
                return index
    return None


def body_of(code, found):
    """Returns parameters and the indexes of the body's braces, or None for a declaration."""
    at = found.start("open")
    if code[at] == "<":
        # A closure type such as `Fn() -> T` has an arrow, whose `>` closes nothing.
        plain = code.replace("->", "  ")
        end = closing(plain, at, "<", ">")
        at = plain.index("(", end) if end else at
    end = closing(code, at, "(", ")")
    if end is None:
        return None
    for index in range(end, len(code)):
        if code[index] == ";":
            return code[at:end], None
        if code[index] == "{":
            return code[at:end], (index, closing(code, index, "{", "}"))
    return None


class Figures:
    """What was counted, and where."""

    def __init__(self):
        self.types = defaultdict(list)
        self.lengths = []
        self.long = []
        self.apart = []
        self.literals = []

    def read(self, path):
        """Counts one file."""
        name = path.relative_to(ROOT).as_posix()
        code = without_text(path.read_text(encoding="utf-8"))

        def line(index):
            return code.count("\n", 0, index) + 1

        bodies = []
        for found in FUNCTION.finditer(code):
            body = body_of(code, found)
            if body is None:
                continue
            parameters, braces = body
            place = f"{name}:{line(found.start())} {found.group('name')}"
            parameters = re.sub(r"\s+", " ", parameters)
            # The constructor of a reference to an object is where the two meet.
            is_constructor = found.group("name") == "new"
            if not is_constructor and (
                BUCKET.search(parameters) and KEY.search(parameters) or PAIR.search(parameters)
            ):
                self.apart.append(place)
            if braces and braces[1]:
                bodies.append(braces)
                length = line(braces[1]) - line(found.start()) + 1
                self.lengths.append(length)
                if length > 100:
                    self.long.append(f"{place}: {length} lines")
        blocks = [
            (found.end() - 1, closing(code, found.end() - 1, "{", "}") or len(code))
            for found in re.finditer(r"\b(?:impl|trait)\b[^;{}]*\{", code)
        ]
        for found in TYPE.finditer(code):
            associated = found.group("kind") == "type" and any(
                start < found.start() < end for start, end in blocks
            )
            # `union` is no keyword: a call of that name is no type.
            if not associated and found.group("name")[0].isupper():
                self.types[found.group("name")].append(f"{name}:{line(found.start())}")
        if name.startswith("crates/photo-metadata/src/") and path.name not in TAG_TABLES:
            self.read_literals(name, code)

    def read_literals(self, name, code):
        """Counts hexadecimal tag literals of one file."""
        if "tests" in name:
            return
        code = code.split("#[cfg(test)]")[0]
        for number, text in enumerate(code.splitlines(), 1):
            if not re.match(r"\s*(?:pub(?:\([^)]*\))? )?const ", text):
                for literal in TAG_LITERAL.findall(text):
                    self.literals.append(f"{name}:{number} {literal}")


def rust_files():
    """Returns the Rust files that git tracks, or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *FOLDERS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in (ROOT / name for name in listed.splitlines()) if path.suffix == ".rs" and path.exists()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="also print each place")
    parser.add_argument("--check", action="store_true", help="fail if a figure misses its goal")
    arguments = parser.parse_args()
    figures = Figures()
    files = rust_files()
    for path in files:
        figures.read(path)
    twice = {name: places for name, places in figures.types.items() if len(places) > 1}
    compound = sum(len(re.findall(r"[A-Z]+[a-z0-9]*", name)) > 1 for name in figures.types)
    share = 100 * compound / max(len(figures.types), 1)
    lengths = sorted(figures.lengths)
    p99 = lengths[int(0.99 * (len(lengths) - 1))] if lengths else 0
    rows = [
        ("type names that occur twice", len(twice), len(twice) == 0, "0", [f"{name}: {', '.join(places)}" for name, places in sorted(twice.items())]),
        ("compound type names, %", f"{share:.1f}", share > 60, "over 60", []),
        ("functions over 100 lines", len(figures.long), not figures.long, "0", figures.long),
        ("p99 of function length, lines", p99, p99 <= 78, "at most 78", []),
        ("functions that take bucket and key apart", len(figures.apart), not figures.apart, "0", figures.apart),
        ("hexadecimal tag literals outside the table", len(figures.literals), not figures.literals, "0", figures.literals),
    ]
    print(f"{len(files)} files, {len(figures.types)} type names, {len(lengths)} functions")
    for label, value, is_met, goal, places in rows:
        print(f"{label + ':':46}{value!s:>7}   goal {goal:11} {'ok' if is_met else 'MISSED'}")
        if arguments.list:
            for place in places:
                print(f"    {place}")
    return 1 if arguments.check and not all(row[2] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
