"""Parses dates and offsets, by the rules of docs/metadata.md."""

import re
from dataclasses import dataclass
from datetime import datetime

from .choices import CORRECTED, IMPOSSIBLE
from .values import text


@dataclass
class Date:
    """A date: the known parts of the wall-clock time, the offset in minutes, and the choice that made it from an
    impossible text. `raw` is the text."""

    raw: str
    local: str
    offset: object = None
    choice: object = None


DAY = re.compile(r"(\d{4})(?:[:/.-] ?(\d\d?)(?!\d)(?:[:/.-] ?(\d\d?)(?!\d))?)?(.*)$", re.DOTALL)
TIME = re.compile(r"[ T]+(\d\d?)[:.] ?(\d\d?)(?:[:.] ?(\d\d?)(?:[.,](\d+))?)?\s*(AM|PM)?\s*(Z|UTC|[+-]\d\d?:?\d\d)?$",
                  re.IGNORECASE)


def parse_date(value):
    """Returns the date in a text as far as it is known, or None if it has no year."""
    raw = value
    for form in ("%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Y"):
        try:
            value = datetime.strptime(value, form).strftime("%Y:%m:%d %H:%M:%S%z")
        except ValueError:
            pass
    value = re.sub(r"^(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)\b", r"\1:\2:\3 \4:\5:\6", value.strip())
    value = re.sub(r"^(\d{4})(\d\d)(\d\d)(?!\d)", r"\1:\2:\3", value)
    match = DAY.match(value)
    if not match or match[1] == "0000":
        return None
    year, month, day, rest = match[1], int(match[2] or 0), int(match[3] or 0), match[4]
    if month == 0:
        is_sound = match[2] is not None or not rest.strip()
        return Date(raw, year, choice=None if is_sound else IMPOSSIBLE)
    if month > 12:
        return Date(raw, year, choice=IMPOSSIBLE)
    if day == 0:
        return Date(raw, f"{year}-{month:02}")
    try:
        local = datetime(int(year), month, day).strftime("%Y-%m-%d")
    except ValueError:
        return Date(raw, f"{year}-{month:02}", choice=IMPOSSIBLE)
    return add_time(raw, local, rest) if re.search(r"\d", rest) else Date(raw, local)


def add_time(raw, day, rest):
    """Returns the date of a day with the time in the text after it."""
    match = TIME.match(rest)
    if not match or int(match[1]) > 24 or int(match[2]) > 59:
        return Date(raw, day, choice=IMPOSSIBLE)
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    choice = CORRECTED if hour == 24 or second == 60 else IMPOSSIBLE if second > 60 else None
    hour, second = hour % 24, min(second, 59) if second <= 60 else 0
    half = (match[5] or "").upper()
    hour = hour % 12 + (12 if half == "PM" else 0) if half and 1 <= hour <= 12 else hour
    return Date(raw, f"{day}T{hour:02}:{minute:02}:{second:02}{milliseconds(match[4])}", parse_offset(match[6]), choice)


def milliseconds(digits):
    """Returns the fraction of a second with three digits, or an empty text."""
    digits = (digits or "").strip()
    digits = f"{digits:0<3}"[:3] if digits.isdigit() else "000"
    return "" if digits == "000" else "." + digits


def parse_offset(value):
    """Returns an offset in minutes. No place has more than 14 hours, or a part of a quarter of an hour."""
    value = (text(value) or "").upper()
    if value in ("Z", "UTC"):
        return 0
    match = re.fullmatch(r"([+-])(\d\d?):?(\d\d)", value)
    minutes = match and int(match[2]) * 60 + int(match[3])
    if minutes is None or minutes > 14 * 60 or minutes % 15:
        return None
    return minutes if match[1] == "+" else -minutes


def offset_text(minutes):
    return None if minutes is None else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
