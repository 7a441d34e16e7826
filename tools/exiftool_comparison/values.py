"""What all fields share: the expected value of a field, and access to ExifTool's tags."""

import re
from dataclasses import dataclass, field


@dataclass
class Expected:
    """The expected value of a field: what ExifTool's tags have, the value in the record, and the names of the
    choices in docs/metadata.md that make the difference. `others` are values that are right too."""

    plain: object
    value: object
    choices: list = field(default_factory=list)
    others: tuple = ()


def text(value):
    """Returns a text without surrounding blanks, or None if nothing is left."""
    if value is None or isinstance(value, (dict, list)):
        return None
    # ExifTool writes the text "true" as a boolean.
    value = str(value).lower() if isinstance(value, bool) else str(value).split("\0")[0].strip()
    return value or None


def items(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def values(tags, key):
    """Returns the texts of a tag: each item of a list, and the default language before the others."""
    keys = [key] + [name for name in tags if name.startswith(key + "-")]
    texts = [text(item) for name in keys for item in items(tags.get(name))]
    return [(key, found) for found in texts if found]


def candidates(tags, keys):
    return [pair for key in keys for pair in values(tags, key)]


def number(value):
    """Returns the first number of a value, or None."""
    match = re.match(r"\s*[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?(?=\s|$)", str(value))
    return float(match[0]) if match else None


def numbers(tags, *keys, low=None):
    found = [number(tags[key]) for key in keys if key in tags]
    return [value for value in found if value is not None and (low is None or value > low)]


def first_number(tags, *keys, low=None):
    value = next(iter(numbers(tags, *keys, low=low)), None)
    return Expected(value, value)
