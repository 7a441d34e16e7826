#!/usr/bin/env python3
"""Compares the renditions of photo-render with the pictures of libvips: their colours, sizes and orientations.

    tools/compare_pictures_with_vips.py [--render BINARY] [--adobe-rgb PROFILE] [--show N] [FOLDER...]

The tool renders every photo of FOLDER with `render_photo` and quality 100. libvips decodes the same photo,
turns it upright and converts it to sRGB. Pillow reduces it in linear light. (`vips thumbnail --linear
--export-profile srgb` of libvips 8.14 changes the colours of a picture without a profile.) From the first JPEG of at least 640 pixels it also makes
variants: the eight orientations as JPEG, PNG, TIFF and WebP, and one picture in sRGB, Display P3,
Adobe RGB (with its profile, and with only the Exif value R03), grey, CMYK and with 16 bits.

The two pictures are compared by CIEDE2000. The tool prints the number of pictures and the mean difference
of each kind, and lists the pictures whose mean difference is 1 or more, or whose sizes differ. The exit
status is 1 if there is such a picture. A file that one of the programs cannot read is listed, and does not
count. For a RAW, the largest JPEG in the file is compared, which ExifTool extracts.

Needs libvips 8.14 (`vips`), ExifTool (the command EXIFTOOL, by default `exiftool`), and the Python packages
numpy, pillow and scikit-image. The profile of Adobe RGB is part of the Debian package colord-data. Build
the binary by `cargo build --release -p photo-render --example render_photo`.
"""

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

EXIFTOOL = os.environ.get("EXIFTOOL", "exiftool").split()
SUFFIXES = "jpg jpeg png tif tiff webp gif heic heif avif jxl".split()
RAWS = "3fr arw cr2 cr3 crw dng erf fff iiq kdc mef mrw nef nrw orf pef raf raw rw2 rwl sr2 srw x3f".split()
# Previews of a RAW, as ExifTool names them.
PREVIEWS = ("JpgFromRaw", "PreviewImage", "OtherImage", "PreviewTIFF", "ThumbnailImage")
LONG_EDGE = 640
Image.MAX_IMAGE_PIXELS = None


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, check=False)


def vips(*command):
    done = run("vips", *command)
    if done.returncode != 0:
        raise ValueError("libvips: " + done.stderr.decode(errors="replace").strip().split("\n")[0])


def exiftool(*arguments):
    done = run(*EXIFTOOL, *arguments)
    return done.stdout if done.returncode == 0 else b""


def find_files(folders):
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and path.suffix.lower().lstrip(".") in SUFFIXES + RAWS:
                yield path


def extract_preview(raw, folder):
    """Writes the largest JPEG of a RAW, with the orientation of the RAW. Returns its path."""
    found = [exiftool("-b", f"-{name}", raw) for name in PREVIEWS]
    found = [data for data in found if data.startswith(b"\xff\xd8")]
    if not found:
        raise ValueError("ExifTool finds no JPEG in the RAW")
    path = folder / "preview.jpg"
    path.write_bytes(max(found, key=len))
    orientation = exiftool("-n", "-s3", "-IFD0:Orientation", raw).decode().strip() or "1"
    exiftool("-q", "-overwrite_original", "-all=", "--icc_profile:all", path)
    exiftool("-q", "-overwrite_original", "-n", f"-IFD0:Orientation={orientation}", path)
    return path


def make_variants(photo, folder, adobe_rgb):
    """Makes variants of a photo. Yields the kind, the file, and the file that libvips reads."""
    plain = folder / "plain.png"
    vips("thumbnail", photo, f"{plain}[strip]", 1500)
    for suffix in ("jpg", "png", "tif", "webp"):
        for orientation in range(1, 9):
            path = folder / f"orientation-{orientation}.{suffix}"
            vips("copy", plain, path)
            exiftool("-q", "-overwrite_original", "-n", f"-IFD0:Orientation={orientation}", path)
            yield f"orientations, {suffix}", path, path
    profiles = {"sRGB": "srgb", "Display P3": "p3", "CMYK": "cmyk"}
    if adobe_rgb.exists():
        profiles["Adobe RGB"] = adobe_rgb
    for name, profile in profiles.items():
        for suffix in ("jpg", "tif") if name == "CMYK" else ("jpg", "png", "tif"):
            path = folder / f"{name.replace(' ', '-')}.{suffix}"
            vips("icc_transform", plain, path, profile, "--input-profile", "srgb", "--intent", "relative")
            yield name, path, path
    if adobe_rgb.exists():
        tagged = folder / "Adobe-RGB.jpg"
        untagged = folder / "Adobe-RGB-R03.jpg"
        shutil.copy(tagged, untagged)
        exiftool("-q", "-overwrite_original", "-icc_profile:all=", "-n", "-ExifIFD:ColorSpace=65535",
                 "-InteropIFD:InteropIndex=R03", untagged)
        yield "Adobe RGB without its profile", untagged, tagged
    for name, space, suffixes in (("grey", "b-w", ("jpg", "png", "tif")), ("16 bits", "rgb16", ("png", "tif")),
                                  ("16 bits, grey", "grey16", ("png", "tif"))):
        for suffix in suffixes:
            path = folder / f"{space}.{suffix}"
            vips("colourspace", plain, path, space)
            yield name, path, path


def read_reference(file, folder, adobe_rgb):
    """Returns the upright picture of a file in sRGB, as libvips decodes and converts it.

    A picture without a profile is Adobe RGB if its InteropIndex is R03 [DCF 2.0]. libvips does not read it."""
    upright, converted, picture = folder / "upright.v", folder / "converted.v", folder / "picture.ppm"
    vips("autorot", file, upright)
    header = run("vipsheader", "-a", upright).stdout.decode(errors="replace")
    interpretation = re.search(r"^interpretation: (.*)$", header, re.MULTILINE)[1]
    bands = int(re.search(r"^bands: (.*)$", header, re.MULTILINE)[1])
    if interpretation == "cmyk":
        profile = ("--embedded",) if "icc-profile-data" in header else ("--input-profile", "cmyk")
        vips("icc_transform", upright, converted, "srgb", *profile, "--intent", "relative")
    elif "icc-profile-data" in header:
        vips("icc_transform", upright, converted, "srgb", "--embedded", "--intent", "relative", "--depth", 8)
    elif b"R03" in exiftool("-s3", "-n", "-InteropIndex", file):
        vips("icc_transform", upright, converted, "srgb", "--input-profile", adobe_rgb, "--intent", "relative")
    else:
        vips("colourspace", upright, converted, "srgb")
    if bands in (2, 4) and interpretation != "cmyk":
        vips("flatten", converted, picture, "--background", "255 255 255")
    else:
        vips("copy", converted, picture)
    return numpy.asarray(Image.open(picture).convert("RGB"), dtype=numpy.float32) / 255


def to_linear(values):
    return numpy.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def from_linear(values):
    values = values.clip(0, 1)
    return numpy.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def resize(picture, width, height):
    """Reduces a picture in linear light. Encodes it as the renditions are, so that only the pictures differ."""
    channels = [Image.fromarray(channel) for channel in numpy.moveaxis(to_linear(picture), 2, 0).astype(numpy.float32)]
    small = [numpy.asarray(channel.resize((width, height), Image.Resampling.LANCZOS)) for channel in channels]
    small = (from_linear(numpy.stack(small, 2)) * 255).round().astype(numpy.uint8)
    encoded = io.BytesIO()
    Image.fromarray(small).save(encoded, "JPEG", quality=100, subsampling=2)
    return read_picture(encoded)


def read_picture(path):
    return numpy.asarray(Image.open(path).convert("RGB"), dtype=numpy.float32) / 255


def compare(render, file, reference, folder, adobe_rgb):
    """Returns the mean difference of the rendition nearest to LONG_EDGE, and a note about the sizes."""
    for old in folder.glob("*.jpg"):
        old.unlink()
    done = run(render, file, folder, 100)
    if done.returncode != 0:
        raise ValueError("photo-render: " + done.stderr.decode(errors="replace").strip())
    edges = sorted(int(path.stem) for path in folder.glob("*.jpg"))
    edge = max((edge for edge in edges if edge <= LONG_EDGE), default=edges[0])
    ours = read_picture(folder / f"{edge}.jpg")
    height, width = ours.shape[:2]
    upright = read_reference(reference, folder.parent, adobe_rgb)
    scale = edge / max(upright.shape[:2])
    note = ""
    if abs(upright.shape[0] * scale - height) > 1 or abs(upright.shape[1] * scale - width) > 1:
        note = f"{width} x {height} of {upright.shape[1]} x {upright.shape[0]}"
    theirs = resize(upright, width, height)
    return float(deltaE_ciede2000(rgb2lab(ours), rgb2lab(theirs)).mean()), note


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--render", default="target/release/examples/render_photo")
    parser.add_argument("--adobe-rgb", type=Path, default=Path("/usr/share/color/icc/colord/AdobeRGB1998.icc"))
    parser.add_argument("--show", type=int, default=50)
    parser.add_argument("folders", nargs="*", default=["examples/photos"])
    arguments = parser.parse_args()
    render = Path(arguments.render).resolve()
    kinds, bad, unread = defaultdict(list), [], []
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        out, made = work / "out", work / "made"
        out.mkdir()
        made.mkdir()

        def judge(kind, file, reference, shown):
            try:
                difference, note = compare(render, file, reference, out, arguments.adobe_rgb)
            except (ValueError, OSError) as error:
                unread.append(f"{shown}: {error}")
                return
            kinds[kind].append(difference)
            if difference >= 1 or note:
                bad.append(f"{shown}: mean difference {difference:.2f} {note}")

        files = list(find_files(arguments.folders))
        for file in files:
            suffix = file.suffix.lower().lstrip(".")
            if suffix in RAWS:
                try:
                    reference = extract_preview(file, made)
                except ValueError as error:
                    unread.append(f"{file}: {error}")
                    continue
                judge("photos, JPEG in a RAW", file, reference, file)
            else:
                judge(f"photos, {re.sub('e(?=g$)', '', suffix)}", file, file, file)
        for file in files:
            size = exiftool("-s3", "-n", "-ImageWidth", file).decode().strip()
            if file.suffix.lower() in (".jpg", ".jpeg") and size.isdigit() and int(size) >= LONG_EDGE:
                for kind, variant, reference in make_variants(file, made, arguments.adobe_rgb):
                    judge(kind, variant, reference, variant.name)
                break
    print(f"{'pictures':32} {'number':>6} {'mean':>6} {'largest':>8}")
    for kind, differences in sorted(kinds.items()):
        mean = sum(differences) / len(differences)
        print(f"{kind:32} {len(differences):6} {mean:6.2f} {max(differences):8.2f}")
    for title, lines in (("not compared", unread), ("different", bad)):
        print(f"{title}: {len(lines)}")
        for line in lines[: arguments.show]:
            print(f"  {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
