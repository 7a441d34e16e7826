"""The capture time of the record: the date, its source and its offset."""

import re
from datetime import datetime, timedelta, timezone

from .choices import DEAD_CLOCK, LIMITS, NO_TIME
from .dates import Date, milliseconds, offset_text, parse_date, parse_offset
from .position import gps_time
from .values import Expected, number, text


def exif_date(tags, keys, fraction):
    """Returns the first date of EXIF that can be read, with the fraction of a second in its own tag."""
    for key in keys:
        date = parse_date(text(tags.get(key)) or "")
        if date:
            if len(date.local) == 19:
                date.local += milliseconds(text(tags.get(fraction)))
            return date
    return None


def iptc_date(tags, day, time):
    """Returns the date in two datasets of IPTC."""
    return parse_date(f"{text(tags.get(day)) or ''} {text(tags.get(time)) or ''}")


def gps_day(tags):
    """Returns the day of the GPS receiver."""
    for key in ("GPS:GPSDateStamp", "XMP-exif:GPSDateTime"):
        date = parse_date(text(tags.get(key)) or "")
        if date and len(date.local) >= 10:
            return Date(date.raw, date.local[:10])
    return None


def name_date(name):
    """Returns the date in the name of a file."""
    found = re.search(r"(?<!\d)(20\d\d)(\d\d)(\d\d)(?:_(\d\d)(\d\d)(\d\d))?(?!\d)", name)
    if not found:
        return None
    day = "-".join(found.groups()[:3])
    return Date(found[0], day + ("T" + ":".join(found.groups()[3:]) if found[4] else ""))


def date_sources(tags, name):
    """Returns the dates of a file in the documented order, each with the name of its source."""
    def simple(key):
        return parse_date(text(tags.get(key)) or "")
    original = ["ExifIFD:DateTimeOriginal", "IFD0:DateTimeOriginal"]
    digitized = ["ExifIFD:CreateDate", "IFD0:CreateDate"]
    dates = [
        ("DateTimeOriginal", exif_date(tags, original, "ExifIFD:SubSecTimeOriginal")),
        ("exif:DateTimeOriginal", simple("XMP-exif:DateTimeOriginal")),
        ("photoshop:DateCreated", simple("XMP-photoshop:DateCreated")),
        ("IPTC:DateCreated", iptc_date(tags, "IPTC:DateCreated", "IPTC:TimeCreated")),
        ("PNG:CreationTime", simple("PNG:CreationTime")),
        ("DateTimeDigitized", exif_date(tags, digitized, "ExifIFD:SubSecTimeDigitized")),
        ("exif:DateTimeDigitized", simple("XMP-exif:DateTimeDigitized")),
        ("xmp:CreateDate", simple("XMP-xmp:CreateDate")),
        ("IPTC:DigitalCreationDate", iptc_date(tags, "IPTC:DigitalCreationDate", "IPTC:DigitalCreationTime")),
        ("GPSDateStamp", gps_day(tags)),
        ("FileName", name_date(name)),
        ("DateTime", exif_date(tags, ["IFD0:ModifyDate", "ExifIFD:ModifyDate"], "ExifIFD:SubSecTime")),
    ]
    return [(source, date) for source, date in dates if date]


DEAD_CLOCKS = ("2002-12-08T12:00:00", "1970-01-01T00:00:00", "1980-01-01T00:00:00", "2000-01-01T00:00:00")


def is_dead_clock(source, date):
    """Reports whether a date is the one with which a clock or a GPS receiver starts."""
    if source == "GPSDateStamp":
        return date.local <= "1980-01-06"
    return date.local[:19] in DEAD_CLOCKS


def choose_date(dates):
    """Returns the date of the record and its source: a pair, or None."""
    latest = (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()
    dates = [pair for pair in dates if "1826" <= pair[1].local < latest]
    dead = [pair for pair in dates if pair[0] != "DateTime" and is_dead_clock(*pair)]
    alive = [pair for pair in dates if pair not in dead]
    before = [pair for pair in alive if pair[0] != "DateTime"]
    dead = [pair for pair in dead if pair[0] != "GPSDateStamp"][:1]
    order = before + dead + [pair for pair in alive if pair[0] == "DateTime"]
    if order and order[0][1].choice:
        finer = [pair for pair in order[1:] if not pair[1].choice and is_inside(pair[1].local, order[0][1].local)]
        return (finer or order)[0]
    return order[0] if order else None


def is_inside(local, period):
    """Reports whether a date is a finer one of a day, a month or a year."""
    return len(period) <= 10 and local.startswith(period) and local != period


def date_choice(dates):
    """Returns the choice that applies to the first date of a file."""
    source, date = dates[0]
    if is_dead_clock(source, date):
        return DEAD_CLOCK
    return date.choice or LIMITS


def find_offset(tags, date, source, position):
    """Returns the expected offset in minutes, and other ones that are right too."""
    names = ("Original", "Digitized", "")
    original, digitized, modified = (parse_offset(tags.get(f"ExifIFD:OffsetTime{name}")) for name in names)
    edited = exif_date(tags, ["IFD0:ModifyDate", "ExifIFD:ModifyDate"], "")
    is_unedited = edited is not None and edited.local[:19] == date.local[:19]
    order = {"DateTimeOriginal": [original, date.offset], "DateTimeDigitized": [digitized, original, date.offset],
             "DateTime": [modified, original, date.offset]}
    is_digitized = "Digit" in source or "CreateDate" in source
    order = order.get(source, [date.offset, digitized, original] if is_digitized else [date.offset, original])
    order += [modified] if is_unedited else []
    order += [note_zone(tags)] if source in ("DateTimeOriginal", "DateTimeDigitized", "DateTime") else []
    order = [offset for offset in order if offset is not None]
    if order:
        return order[0], ()
    return None, (gps_offset(tags, date) if position else ())


def gps_offset(tags, date):
    """Returns the difference from the GPS time. Which places have it is not checked here, so None is right too."""
    utc = gps_time(tags)
    if utc is None or text(tags.get("GPS:GPSStatus")) == "V":
        return ()
    seconds = (datetime.fromisoformat(date.local) - utc).total_seconds()
    quarters = int((seconds + (450 if seconds >= 0 else -450)) / 900)
    return (quarters * 15,) if abs(quarters) <= 14 * 4 else ()


def note_zone(tags):
    """Returns the time zone in a maker note in minutes. Nikon writes it without daylight saving time."""
    zone = number(tags.get("Canon:TimeZone"))
    if zone is None and number(tags.get("Nikon:TimeZone")) is not None:
        zone = number(tags["Nikon:TimeZone"]) + 60 * (number(tags.get("Nikon:DaylightSavings")) or 0)
    return None if zone is None else int(zone)


def find_capture_time(tags, name, position):
    """Returns the fields of the capture time."""
    dates = date_sources(tags, name)
    chosen = choose_date(dates)
    any_offset = text(tags.get("ExifIFD:OffsetTimeOriginal"))
    if not dates:
        return {"offset": Expected(any_offset, None, [NO_TIME] if any_offset else [])}
    source, date = chosen or (None, Date("", None))
    plain_source, plain_date = dates[0]
    plain = plain_date.raw if plain_date.choice else plain_date.local
    choices = [] if (plain_source, plain) == (source, date.local) else [date_choice(dates)]
    precision = date.local and {4: "year", 7: "month", 10: "day", 19: "second"}.get(len(date.local), "subsecond")
    fields = {
        "takenAtLocal": Expected(plain, date.local, choices),
        "dateSource": Expected(plain_source, source, choices),
        "datePrecision": Expected(precision, precision),
        "date": Expected(None, date.local[:10] if date.local and len(date.local) >= 10 else None, choices),
    }
    fields["date"].plain = fields["date"].value
    if date.local and len(date.local) > 10:
        offset, others = find_offset(tags, date, source, position)
        fields["offset"] = Expected(offset_text(offset), offset_text(offset), others=tuple(map(offset_text, others)))
    else:
        fields["offset"] = Expected(any_offset, None, [NO_TIME] if any_offset else [])
    return fields
