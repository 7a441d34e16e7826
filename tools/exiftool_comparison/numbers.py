"""The numbers of the record: exposure, rating, orientation and size."""

import re

from .choices import APEX, CROP, HEIF, ISO, JXL, PERCENT, STARS
from .values import Expected, first_number, numbers

GROUPS = ("ExifIFD", "IFD0", "XMP-exif")


def find_f_number(tags):
    """Returns the f-number. One that is made from an APEX value is rounded to a tenth."""
    plain = first_number(tags, *(f"{group}:FNumber" for group in GROUPS), low=0).plain
    if plain is None:
        plain = first_number(tags, *(f"{group}:ApertureValue" for group in GROUPS), low=0).plain
        rounded = plain and int(plain * 10 + 0.5) / 10
        return Expected(plain, rounded, [APEX] if plain != rounded else [])
    return Expected(plain, plain)


NUMBERS = {
    "exposure.seconds": (("ExposureTime", "ShutterSpeedValue"), 0),
    "exposure.focalLength": (("FocalLength",), 0),
    "exposure.focalLength35": (("FocalLengthIn35mmFormat",), 0),
    "exposure.bias": (("ExposureCompensation",), None),
}


def find_iso(tags):
    """Returns the ISO speed, which one in a tag for higher numbers replaces."""
    names = ("RecommendedExposureIndex", "StandardOutputSensitivity", "ISOSpeed")
    higher = numbers(tags, *(f"ExifIFD:{name}" for name in names), low=0)
    # In a RW2, this is a tag of Panasonic.
    in_ifd0 = numbers(tags, "IFD0:ISO", low=0)
    first, last = ([], in_ifd0) if tags.get("File:FileType") == "RW2" else (in_ifd0, [])
    found = numbers(tags, "ExifIFD:ISO", low=0) + first + higher + last + numbers(tags, "XMP-exif:ISO", low=0)
    plain = found[0] if found else None
    is_higher = plain == 65535 and higher and higher[0] > 65535
    return Expected(plain, higher[0] if is_higher else plain, [ISO] if is_higher else [])


def find_flash(tags):
    flash = first_number(tags, "ExifIFD:Flash").plain
    if flash is None:
        fired = (tags.get("XMP-exif:Flash") or {}).get("Fired")
        return Expected(fired, None if fired is None else str(fired).lower() == "true")
    return Expected(int(flash) & 1 == 1, int(flash) & 1 == 1)


def find_rating(tags):
    """Returns the rating in stars."""
    keys = ("XMP-xmp:Rating", "IFD0:Rating", "IFD0:RatingPercent", "XMP-microsoft:RatingPercent")
    plain = first_number(tags, *keys).plain
    found = [(round(value), STARS) for value in numbers(tags, "XMP-xmp:Rating") if -1 <= value <= 5]
    found += [(value, STARS) for value in numbers(tags, "IFD0:Rating") if 1 <= value <= 5]
    found += [(min(5, max(1, round(value / 25) + 1)), PERCENT)
              for value in numbers(tags, "IFD0:RatingPercent", "XMP-microsoft:RatingPercent") if 1 <= value <= 100]
    value, choice = found[0] if found else (None, STARS)
    return Expected(plain, value, [] if plain == value else [choice])


def find_orientation(tags):
    found = [value for value in numbers(tags, "IFD0:Orientation", "XMP-tiff:Orientation") if 1 <= value <= 8]
    plain = found[0] if found else None
    if tags.get("File:FileType") == "JXL":
        # ExifTool does not show the orientation in the codestream. All JPEG XL of the corpus are upright.
        return Expected(plain, 1, [JXL])
    return Expected(plain, plain)


def find_size(tags, orientation):
    """Returns width and height after the orientation. That of a HEIF is in its own boxes, not in EXIF."""
    size = re.match(r"(\d+) (\d+)$", str(tags.get("Composite:ImageSize")))
    size = [int(part) for part in size.groups()] if size else None
    crop = re.match(r"(\d+) (\d+)$", str(tags.get("SubIFD:DefaultCropSize", tags.get("IFD0:DefaultCropSize"))))
    crop = [int(part) for part in crop.groups()] if crop else size
    is_turned = orientation in (5, 6, 7, 8) and size
    plain, cropped = (size[::-1], crop[::-1]) if is_turned else (size, crop)
    kind = tags.get("File:FileType")
    if kind in ("HEIC", "HEIF", "AVIF"):
        return Expected(plain, size, [HEIF])
    return Expected(plain, cropped, [CROP]) if kind == "DNG" else Expected(plain, plain)


def find_numbers(tags):
    """Returns all fields with numbers, except for the position."""
    fields = {path: first_number(tags, *(f"{group}:{name}" for name in names for group in GROUPS), low=low)
              for path, (names, low) in NUMBERS.items()}
    orientation = find_orientation(tags)
    return fields | {
        "exposure.fNumber": find_f_number(tags), "exposure.iso": find_iso(tags), "exposure.flash": find_flash(tags),
        "rating": find_rating(tags), "orientation": orientation, "size": find_size(tags, orientation.value),
    }
