"""The position in the record."""

from datetime import datetime, timedelta

from .choices import UNDEFINED
from .dates import parse_date
from .values import Expected, first_number, number, text


def coordinate(tags, axis):
    """Returns a coordinate in the GPS IFD. Without a hemisphere there is none."""
    degrees, hemisphere = number(tags.get(f"GPS:GPS{axis}")), text(tags.get(f"GPS:GPS{axis}Ref")) or ""
    if degrees is None or hemisphere[:1].upper() not in "NSEW" or not hemisphere:
        return None
    return -degrees if hemisphere[:1].upper() in "SW" else degrees


def find_position(tags):
    """Returns latitude and longitude of the first source that has both. 0, 0 is not a position."""
    in_xmp = [number(tags.get(f"XMP-exif:GPS{axis}")) for axis in ("Latitude", "Longitude")]
    for lat, lon in ([coordinate(tags, "Latitude"), coordinate(tags, "Longitude")], in_xmp):
        if lat is not None and lon is not None and (lat, lon) != (0, 0) and abs(lat) <= 90 and abs(lon) <= 180:
            return lat, lon
    return None


def find_altitude(tags):
    for group in ("GPS", "XMP-exif"):
        metres = number(tags.get(f"{group}:GPSAltitude"))
        if metres is not None:
            below = text(tags.get(f"{group}:GPSAltitudeRef")) in ("1", "3")
            metres = -abs(metres) if below else metres
            return Expected(metres, metres)
    return Expected(None, None)


def find_speed(tags):
    value = number(tags.get("GPS:GPSSpeed"))
    factor = {"K": 1, "M": 1.609344, "N": 1.852, None: 1}.get(text(tags.get("GPS:GPSSpeedRef")))
    value = None if value is None or factor is None else value * factor
    return Expected(value, value)


def gps_time(tags):
    """Returns the time of the GPS receiver in UTC."""
    stamp = f"{text(tags.get('GPS:GPSDateStamp'))} {text(tags.get('GPS:GPSTimeStamp'))}"
    for value in (stamp, text(tags.get("XMP-exif:GPSDateTime")) or ""):
        parsed = parse_date(value)
        if parsed and len(parsed.local) > 10:
            shift = timedelta(minutes=parsed.offset or 0)
            return datetime.fromisoformat(parsed.local) - shift
    return None


def find_gps_time(tags):
    found = gps_time(tags)
    value = found and found.isoformat(timespec="milliseconds").replace(".000", "") + "Z"
    # ExifTool shows undefined fractions as 00:00:00.
    is_unclear = text(tags.get("GPS:GPSTimeStamp")) == "00:00:00"
    return Expected(value, value, [UNDEFINED] if is_unclear else [], others=(None,) if is_unclear else ())


def find_location(tags, position):
    """Returns the fields of the location. They exist only if there is a position."""
    return {
        "location.lat": Expected(position[0], position[0]), "location.lon": Expected(position[1], position[1]),
        "location.alt": find_altitude(tags), "location.speed": find_speed(tags),
        "location.direction": first_number(tags, "GPS:GPSImgDirection", "XMP-exif:GPSImgDirection"),
        "location.timestamp": find_gps_time(tags),
    }
