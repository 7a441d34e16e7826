#!/usr/bin/env python3
"""Compares what `photos extract FILE.xmp` prints for sidecars with ExifTool.

    tools/compare_sidecars_with_exiftool.py [--photos BINARY] [--files N] [--seed N] [--keep FOLDER]

The tool lets ExifTool write XMP sidecars in the manner of Lightroom, Capture One, darktable and digiKam:
random values in the fields that each of these programs writes, with lists, structures, languages and texts
in several scripts. It adds the history of darktable as text, because ExifTool cannot write it. Every eighth
file has a byte order mark, and every eighth is in UTF-16. Then it compares the fields that ExifTool reads
from the sidecars with those that `photos extract` prints: texts and lists exactly, numbers to 0.1 %,
positions to 0.00001 degrees, dates to the millisecond.

It prints the share of equal fields for each program, and the differences. ExifTool prints six question marks
for a character outside the basic plane of Unicode in UTF-16. This is counted apart, as a fault of ExifTool.
The exit status is 1 if less than 99.5 % of the other fields agree.

EXIFTOOL is the command that runs ExifTool, by default `exiftool`. The documented figures come from version
13.59 of the npm package `exiftool-vendored.pl`.
"""

import argparse
import html
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

PROGRAMS = ("Lightroom", "CaptureOne", "darktable", "digiKam")
WORDS = ("Night", "Zürich", "東京の夜", "Ночь", "café & bar", "<b>", "it's", "\"quoted\"", "ليل", "🌙", "3:2", "a / b", "Ω")
NAMES = ("Anna", "Ben Müller", "Renée", "田中さくら", "O'Neill")
HISTORY = """ <rdf:Description rdf:about='' xmlns:darktable='http://darktable.sf.net/' darktable:xmp_version='5'
  darktable:import_timestamp='63849' darktable:auto_presets_applied='1'>
  <darktable:colorlabels><rdf:Seq><rdf:li>1</rdf:li></rdf:Seq></darktable:colorlabels>
  <darktable:history><rdf:Seq><rdf:li darktable:num='0' darktable:operation='exposure' darktable:enabled='1'
   darktable:params='gz02eJxjYGBgAAAABAAB' darktable:multi_name='' darktable:multi_priority='0'/></rdf:Seq></darktable:history>
 </rdf:Description>
</rdf:RDF>"""


class SidecarWriter:
    """Makes the arguments with which ExifTool writes one sidecar."""

    def __init__(self, chance, program):
        self.chance, self.program, self.arguments = chance, program, []
        lightroom, capture_one = program == "Lightroom", program == "CaptureOne"
        darktable, digikam = program == "darktable", program == "digiKam"
        self.write_texts(long=digikam or lightroom)
        self.write_keywords()
        self.write_dates()
        self.maybe(0.8, "XMP-xmp:Rating", chance.choice((-1, 0, 1, 2, 3, 4, 5)))
        if not darktable:
            self.maybe(0.5, "XMP-xmp:Label", chance.choice(("Red", "Grün", "紫", "To Print")))
        if lightroom or digikam:
            self.write_camera()
        if not capture_one:
            self.write_position()
        if lightroom or capture_one or digikam:
            self.write_place()
        if lightroom or digikam:
            self.write_people()
        if lightroom:
            self.write_history()

    def add(self, tag, *values):
        self.arguments += [f"-{tag}={html.escape(str(value), quote=False)}".replace("\n", "&#10;") for value in values]

    def maybe(self, share, tag, *values):
        if self.chance.random() < share:
            self.add(tag, *values)

    def text(self, words=4):
        return " ".join(self.chance.choice(WORDS) for _ in range(self.chance.randint(1, words)))

    def write_texts(self, long):
        self.maybe(0.7, "XMP-dc:Title", self.text())
        self.maybe(0.2, "XMP-dc:Title-fr", "La nuit")
        lines = "\n".join(self.text(8) for _ in range(self.chance.randint(1, 4)))
        self.maybe(0.7, "XMP-dc:Description", lines)
        self.maybe(0.6, "XMP-dc:Creator", *self.chance.sample(NAMES, self.chance.randint(1, 2)))
        self.maybe(0.6, "XMP-dc:Rights", "© " + self.chance.choice(NAMES))
        if self.program == "digiKam":
            self.maybe(0.5, "XMP-tiff:ImageDescription", lines)
            self.maybe(0.5, "XMP-exif:UserComment", lines)
        if long:
            self.maybe(0.4, "XMP-photoshop:Headline", self.text())
            self.maybe(0.4, "XMP-photoshop:Credit", self.chance.choice(NAMES))
            self.maybe(0.4, "XMP-xmpRights:UsageTerms", "Only with a credit, " + self.text(2))
            self.maybe(0.4, "XMP-xmpRights:WebStatement", "https://creativecommons.org/licenses/by/4.0/")
            self.maybe(0.3, "XMP-iptcExt:Event", self.text(3))
            self.maybe(0.3, "XMP-iptcCore:AltTextAccessibility", self.text())
            self.maybe(0.3, "XMP-iptcCore:ExtDescrAccessibility", lines)

    def write_keywords(self):
        flat = self.chance.sample(WORDS[:5] + NAMES, self.chance.randint(0, 6))
        paths = [["Places", "Japan", "Kyoto"], ["People", self.chance.choice(NAMES)], ["Ereignis", "Fête"]]
        paths = self.chance.sample(paths, self.chance.randint(0, 3))
        joined = lambda separator: [separator.join(path) for path in paths]
        self.add("XMP-dc:Subject", *flat, *(path[-1] for path in paths))
        self.add("XMP-lr:HierarchicalSubject", *joined("|"))
        if self.program == "digiKam":
            self.add("XMP-digiKam:TagsList", *joined("/"))
            self.add("XMP-microsoft:LastKeywordXMP", *joined("/"))
            self.add("XMP-mediapro:CatalogSets", *joined("|"))
            self.maybe(0.5, "XMP-digiKam:PickLabel", 3)
            self.maybe(0.5, "XMP-digiKam:ColorLabel", 2)

    def write_dates(self):
        chance = self.chance
        day = f"{chance.randint(1900, 2024)}:{chance.randint(1, 12):02}:{chance.randint(1, 28):02}"
        second = f"{day} {chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"
        exact = second + chance.choice(("", "", ".6", ".67", ".123"))
        zoned = exact + chance.choice(("", "+01:00", "-08:00", "+05:30", "Z"))
        original = second if self.program == "darktable" else zoned
        self.maybe(0.8, "XMP-exif:DateTimeOriginal", original)
        if self.program != "darktable":
            partial = chance.choice((zoned, zoned, day, day[:7], day[:4]))
            self.maybe(0.5, "XMP-photoshop:DateCreated", partial)
            self.maybe(0.5, "XMP-xmp:CreateDate", zoned)
            self.maybe(0.3, "XMP-exif:DateTimeDigitized", zoned)
            self.add("XMP-xmp:ModifyDate", "2024:05:05 10:00:00+02:00")
            self.add("XMP-xmp:MetadataDate", "2024:05:05 10:00:00+02:00")

    def write_camera(self):
        chance = self.chance
        make, model = chance.choice((("NIKON CORPORATION", "NIKON D750"), ("Canon", "Canon EOS R6"), ("SONY", "ILCE-7M3"),
                                     ("FUJIFILM", "X-T3"), ("Apple", "iPhone 7")))
        if chance.random() < 0.8:
            self.add("XMP-tiff:Make", make)
            self.add("XMP-tiff:Model", model)
        lens = chance.choice(("24.0-70.0 mm f/2.8", "EF24-105mm f/4L IS USM", "XF35mmF1.4 R"))
        self.maybe(0.6, "XMP-aux:Lens", lens)
        self.maybe(0.3, "XMP-exifEX:LensModel", lens)
        self.maybe(0.3, "XMP-aux:SerialNumber", 1234567)
        self.maybe(0.8, "XMP-exif:ExposureTime", chance.choice(("1/250", "2.5", "30", "1/8000", "1/3", "0.3")))
        self.maybe(0.8, "XMP-exif:FNumber", chance.choice((2.8, 1.8, 22, 0.95)))
        self.maybe(0.8, "XMP-exif:ISO", chance.choice((50, 100, 6400, 102400)))
        self.maybe(0.8, "XMP-exif:FocalLength", chance.choice((50, 4.25, 400)))
        self.maybe(0.4, "XMP-exif:FocalLengthIn35mmFormat", chance.choice((28, 75)))
        self.maybe(0.4, "XMP-exif:ExposureCompensation", chance.choice((-0.33, 0, 2)))
        self.maybe(0.4, "XMP-exif:FlashFired", chance.choice(("True", "False")))
        self.maybe(0.3, "XMP-exif:ShutterSpeedValue", "1/250")
        self.maybe(0.5, "XMP-tiff:Orientation#", chance.randint(1, 8))
        self.maybe(0.3, "XMP-exif:ExifImageWidth", 6000)

    def write_position(self):
        chance = self.chance
        if chance.random() < 0.5:
            self.add("XMP-exif:GPSLatitude", round(chance.uniform(-89, 89), 6))
            self.add("XMP-exif:GPSLongitude", round(chance.uniform(-179, 179), 6))
            if chance.random() < 0.6:
                self.add("XMP-exif:GPSAltitude", round(chance.uniform(0, 8000), 1))
                self.add("XMP-exif:GPSAltitudeRef#", chance.choice((0, 1)))
            self.maybe(0.3, "XMP-exif:GPSDateTime", "2018:02:01 08:41:07Z")

    def write_place(self):
        chance = self.chance
        if chance.random() < 0.5:
            self.maybe(0.7, "XMP-iptcCore:Location", "祇園")
            self.maybe(0.8, "XMP-photoshop:City", "Kyoto")
            self.maybe(0.5, "XMP-photoshop:State", "Kyōto-fu")
            self.maybe(0.8, "XMP-photoshop:Country", "Japan")
            self.maybe(0.5, "XMP-iptcCore:CountryCode", chance.choice(("JP", "JPN")))
        if self.program == "Lightroom" and chance.random() < 0.3:
            self.add("XMP-iptcExt:LocationCreated", "{City=Kyoto,CountryName=Japan,CountryCode=JP,Sublocation=祇園}")
            self.add("XMP-iptcExt:LocationShown", "{City=Nara,CountryName=Japan}")

    def write_people(self):
        people = self.chance.sample(NAMES, self.chance.randint(0, 3))
        if self.chance.random() < 0.5:
            self.add("XMP-iptcExt:PersonInImage", *people)
        if people and self.chance.random() < 0.5:
            area = "Area={X=0.5,Y=0.5,W=0.1,H=0.1,Unit=normalized}"
            regions = [f"{{{area},Name={name},Type=Face}}" for name in people] + [f"{{{area},Type=Focus}}"]
            if self.program == "digiKam":
                self.add("XMP-MP:RegionInfoMP",
                         "{Regions=[" + ",".join(f"{{PersonDisplayName={name},Rectangle=0.1|, 0.1|, 0.2|, 0.2}}" for name in people) + "]}")
            self.add("XMP-mwg-rs:RegionInfo",
                     "{AppliedToDimensions={W=6000,H=4000,Unit=pixel},RegionList=[" + ",".join(regions) + "]}")

    def write_history(self):
        self.add("XMP-crs:RawFileName", "IMG_0001.NEF")
        self.add("XMP-crs:HasSettings", "True")
        self.add("XMP-crs:ToneCurvePV2012", "0, 0", "128, 140", "255, 255")
        self.add("XMP-photoshop:SidecarForExtension", "NEF")
        self.add("XMP-xmpMM:DocumentID", "xmp.did:1")
        self.add("XMP-xmpMM:History", "{Action=saved,When=2024:05:05 10:00:00+02:00,SoftwareAgent=Adobe Lightroom,Changed=/metadata}")


def write(exiftool, folder, files, seed):
    """Writes the sidecars. Every fourth one is from the same program."""
    chance, arguments = random.Random(seed), []
    for n in range(files):
        program = PROGRAMS[n % len(PROGRAMS)]
        path = folder / f"{n:05}.{program}.xmp"
        arguments += [*SidecarWriter(chance, program).arguments, "-E", "-q", "-m", "-charset", "utf8", "-o", str(path), "-execute"]
    done = subprocess.run(exiftool + ["-@", "-"], input="\n".join(arguments), text=True, check=False, capture_output=True)
    written = sorted(folder.glob("*.xmp"))
    if len(written) < files:
        sys.exit(f"ExifTool wrote {len(written)} of {files} sidecars: {done.stderr[:500]}")
    for n, path in enumerate(written):
        content = path.read_text(encoding="utf8")
        if ".darktable." in path.name:
            content = content.replace("</rdf:RDF>", HISTORY)
        # The counter runs over the files of each program.
        encoding = {5: "utf-8-sig", 6: "utf-16"}.get(n // len(PROGRAMS) % 8, "utf8")
        path.write_text(content, encoding=encoding)


def values(tags, *names):
    """Returns the values of tags as texts, in this order and each once."""
    found = []
    for name in names:
        value = tags.get(name)
        for text in value if isinstance(value, list) else [] if value is None else [value]:
            text = " ".join(str(text).replace("\t", " ").split(" ")).strip()
            if text and text not in found:
                found.append(text)
    return found


def first(tags, *names):
    return next(iter(values(tags, *names)), None)


def number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def read_date(tags):
    """Returns the wall-clock time and the offset."""
    text = first(tags, "XMP-exif:DateTimeOriginal", "XMP-photoshop:DateCreated", "XMP-exif:DateTimeDigitized", "XMP-xmp:CreateDate")
    parts = re.match(r"(\d{4})(?::(\d\d))?(?::(\d\d))?(?: (\d\d:\d\d:\d\d)(\.\d+)?)?(Z|[-+]\d\d:\d\d)?$", text or "")
    if not parts:
        return None, None
    year, month, day, time, fraction, offset = parts.groups()
    local = "-".join(part for part in (year, month, day) if part)
    if time:
        local += f"T{time}" + (f"{fraction:0<4}" if fraction else "")
    return local, {"Z": "+00:00"}.get(offset, offset)


def read_people(tags):
    listed = lambda name: tags[name] if isinstance(tags.get(name), list) else [tags[name]] if name in tags else []
    # ExifTool leaves out the name of a region without one. The regions without a name are the last ones.
    faces = [name for name, kind in zip(listed("XMP-mwg-rs:RegionName"), listed("XMP-mwg-rs:RegionType")) if kind == "Face"]
    return values({**tags, "faces": faces}, "XMP-iptcExt:PersonInImage", "faces", "XMP-MP:RegionPersonDisplayName")


def read_keywords(tags):
    with_bar = lambda name: [text.replace("/", "|") for text in values(tags, name)]
    paths = {"tags": with_bar("XMP-digiKam:TagsList"), "windows": with_bar("XMP-microsoft:LastKeywordXMP")}
    return values({**tags, **paths}, "XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "tags", "windows", "XMP-mediapro:CatalogSets")


def read_fields(tags):
    """Returns the fields of our record that ExifTool's tags give, by their paths."""
    local, offset = read_date(tags)
    place = lambda created, *older: first(tags, "XMP-iptcExt:LocationCreated" + created, *older)
    latitude = number(tags.get("XMP-exif:GPSLatitude"))
    altitude = number(tags.get("XMP-exif:GPSAltitude")) if latitude is not None else None
    fired = tags.get("XMP-exif:FlashFired")
    fields = {
        "title": first(tags, "XMP-dc:Title"),
        "headline": first(tags, "XMP-photoshop:Headline"),
        "caption": first(tags, "XMP-dc:Description", "XMP-tiff:ImageDescription", "XMP-exif:UserComment"),
        "altText": first(tags, "XMP-iptcCore:AltTextAccessibility"),
        "extendedDescription": first(tags, "XMP-iptcCore:ExtDescrAccessibility"),
        "keywords": read_keywords(tags),
        "people": read_people(tags),
        "event": first(tags, "XMP-iptcExt:Event"),
        "label": first(tags, "XMP-xmp:Label"),
        "rating": number(tags.get("XMP-xmp:Rating")),
        "artist": ", ".join(values(tags, "XMP-dc:Creator")) or None,
        "credit": first(tags, "XMP-photoshop:Credit"),
        "copyright": first(tags, "XMP-dc:Rights"),
        "licenseUrl": first(tags, "XMP-xmpRights:WebStatement"),
        "usageTerms": first(tags, "XMP-xmpRights:UsageTerms"),
        "takenAtLocal": local,
        "offset": offset if local and "T" in local else None,
        "camera.make": first(tags, "XMP-tiff:Make"),
        "camera.model": first(tags, "XMP-tiff:Model"),
        "lens.model": first(tags, "XMP-exifEX:LensModel", "XMP-aux:Lens"),
        "exposure.seconds": number(first(tags, "XMP-exif:ExposureTime", "XMP-exif:ShutterSpeedValue")),
        "exposure.fNumber": number(tags.get("XMP-exif:FNumber")),
        "exposure.iso": number(tags.get("XMP-exif:ISO")),
        "exposure.focalLength": number(tags.get("XMP-exif:FocalLength")),
        "exposure.focalLength35": number(tags.get("XMP-exif:FocalLengthIn35mmFormat")),
        "exposure.bias": number(tags.get("XMP-exif:ExposureCompensation")),
        "exposure.flash": None if fired is None else str(fired).lower() == "true",
        "location.lat": latitude,
        "location.lon": number(tags.get("XMP-exif:GPSLongitude")),
        "location.alt": altitude and (-altitude if tags.get("XMP-exif:GPSAltitudeRef") == 1 else altitude),
        "place.sublocation": place("Sublocation", "XMP-iptcCore:Location"),
        "place.city": place("City", "XMP-photoshop:City"),
        "place.region": place("ProvinceState", "XMP-photoshop:State"),
        "place.country": place("CountryName", "XMP-photoshop:Country"),
        "place.countryCode": place("CountryCode", "XMP-iptcCore:CountryCode"),
    }
    # The GPS day is a date, if there is no better one.
    if fields["takenAtLocal"] is None and tags.get("XMP-exif:GPSDateTime"):
        fields["takenAtLocal"] = str(tags["XMP-exif:GPSDateTime"])[:10].replace(":", "-")
    return {path: value for path, value in fields.items() if value not in (None, [])}


def value_at(record, path):
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def is_equal(path, wanted, got):
    if isinstance(wanted, float):
        tolerance = {"location.lat": 1e-5, "location.lon": 1e-5, "location.alt": 0.1}.get(path, max(1e-6, abs(wanted) * 1e-3))
        return isinstance(got, (int, float)) and abs(wanted - got) <= tolerance
    return wanted == got


def is_exiftool_fault(wanted, got):
    """Reports whether ExifTool could not decode a character outside the basic plane of Unicode."""
    if not isinstance(got, str) or max(got) < "\U00010000":
        return False
    return wanted == re.sub("[\U00010000-\U0010ffff]", "??????", got)


def compare(exiftool, photos, folder, names):
    """Returns the numbers of equal and of compared fields for each program, the number of faults of ExifTool, and
    the other differences."""
    run = lambda command: subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False).stdout
    truth = json.loads(run(exiftool + ["-j", "-n", "-G1", "-charset", "utf8", *names]) or "[]")
    ours = {line["file"]: line for line in map(json.loads, run([photos, "extract", "--", *names]).splitlines())}
    agreed, compared, faults, others = Counter(), Counter(), 0, []
    for tags in truth:
        name = tags["SourceFile"]
        program, record = name.split(".")[1], ours.get(name, {})
        for path, wanted in read_fields(tags).items():
            got = value_at(record, path)
            if is_exiftool_fault(wanted, got):
                faults += 1
                continue
            compared[program] += 1
            if is_equal(path, wanted, got):
                agreed[program] += 1
            else:
                others.append(f"{name}: {path}: ExifTool {wanted!r}, here {got!r}")
        if value_at(record, "labels.gap") or record.get("warnings"):
            others.append(f"{name}: {record['labels']} {record['warnings']}")
    return agreed, compared, faults, others


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=root / "target/release/photos", type=Path)
    parser.add_argument("--files", default=200, type=int)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--keep", type=Path, help="write the sidecars to this folder and keep them")
    arguments = parser.parse_args()
    exiftool = os.environ.get("EXIFTOOL", "exiftool").split()
    if not shutil.which(exiftool[0]):
        sys.exit(f"{exiftool[0]} is not installed: set EXIFTOOL to the command that runs ExifTool")
    folder = arguments.keep or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    try:
        write(exiftool, folder, arguments.files, arguments.seed)
        names = sorted(file.name for file in folder.glob("*.xmp"))
        agreed, compared, faults, others = compare(exiftool, arguments.photos.resolve(), folder, names)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder)
    for other in others[:40]:
        print(other)
    for program in PROGRAMS:
        print(f"{program}: {agreed[program]} of {compared[program]} fields agree")
    share = agreed.total() / max(1, compared.total())
    print(f"{agreed.total()} of {compared.total()} fields of {len(names)} sidecars agree ({share:.2%}); "
          f"{faults} more are faults of ExifTool")
    sys.exit(share < 0.995)


if __name__ == "__main__":
    main()
