"""Computes the record that docs/metadata.md promises for a file, from the tags that ExifTool reads in it.

ExifTool must have run with `-n -G1 -a -struct`, and all numbers of its JSON must be texts. The functions share
no code with the program: they are the rules of the documentation, written a second time."""

from .capture_time import find_capture_time
from .numbers import find_numbers
from .position import find_location, find_position
from .texts import find_texts


def with_second_iptc(tags):
    """Returns the tags, with those of a second IPTC block that the first one lacks."""
    second = {f"IPTC:{key[6:]}": value for key, value in tags.items() if key.startswith("IPTC2:")}
    keywords = ("IPTC:Keywords", "IPTC:SupplementalCategories")
    if any(key in tags for key in keywords):
        second = {key: value for key, value in second.items() if key not in keywords}
    return second | tags


def expected_record(tags, name):
    """Returns the expected value of each field of the record, by its path in the JSON of `photos extract`."""
    tags = with_second_iptc(tags)
    position = find_position(tags)
    fields = find_texts(tags) | find_numbers(tags) | find_capture_time(tags, name, position)
    return fields | find_location(tags, position) if position else fields
