"""The texts of the record: descriptions, rights, names, keywords, people and places. Each choice changes a text,
or returns None to skip it. `key` is the tag of the text."""

import re

from .choices import (BOILERPLATE, BREAKS, CASE, CONTROL, COUNTRY, DATA, EDITOR, LONG, NOT_DECLARED, NOT_TEXT, ONE_LINE,
                      PATHS, PLACEHOLDER, SERIAL, URL)
from .values import Expected, candidates, items, text, values


def is_long(key):
    return re.search(r"Description|Caption-Abstract|Comment|Notes|ExtDescr", key) is not None


def undo_latin_1(key, value):
    if not key.startswith("IPTC:"):
        return value
    try:
        # Windows-1252 lacks five of the bytes. ExifTool shows them as control characters.
        return b"".join(c.encode("latin-1" if c in "\x81\x8d\x8f\x90\x9d" else "cp1252") for c in value).decode("utf8")
    except UnicodeError:
        return value


def remove_controls(_, value):
    value = value.replace("\t", " ")
    controls = r"\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f"
    return re.sub(rf"[{controls}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd]", "", value)


def unify_breaks(key, value):
    return re.sub(r"\r\n?", "\n", value) if is_long(key) else value


def to_one_line(key, value):
    if is_long(key):
        return value
    value = re.sub(r" *[\r\n]+ *", " ", value)
    return value.encode()[:1024].decode(errors="ignore")


def cut(key, value):
    return value[:4000] if is_long(key) else value


def skip_boilerplate(_, value):
    known = (r"[A-Z ]+ DIGITAL CAMERA|SONY DSC|Untitled|Created with GIMP|LEAD Technologies Inc\. V1\.01|<Digimax.*>|"
             r"Exif_JPEG_PICTURE|GCM_TAG|DCF 1\.0|DCIM\\.*\.JPG|-")
    return None if re.fullmatch(known, value) else value


def skip_data(key, value):
    is_comment = key.endswith("Comment") and key != "IFD0:XPComment"
    has_data = re.search(r"^filter: 0;|^[0-9a-f]{64}$|^R: +\d+ G:|\x07", value)
    return None if is_comment and (has_data or not re.search(r"[^\W\d_]", value)) else value


def skip_placeholder(_, value):
    known = r"[\W0]*|unknown|null|n/a|no lens|manual lens no cpu|0\.0 mm f/0\.0"
    return None if re.fullmatch(known, value, re.IGNORECASE) else value


def skip_no_number(_, value):
    return None if re.fullmatch(r"[\W0]*|none|n/a", value, re.IGNORECASE) else value


def skip_reals(_, value):
    return None if re.search(r"\bInf\b", value) else value


def first_notice(key, value):
    return value.split("\n")[0] if key.startswith("IFD0:") else value


CLEANING = [(NOT_DECLARED, undo_latin_1), (CONTROL, remove_controls), (BREAKS, unify_breaks), (ONE_LINE, to_one_line),
            (LONG, cut)]
DESCRIPTION = [(DATA, skip_data)] + CLEANING + [(BOILERPLATE, skip_boilerplate)]


def changed(pairs, change):
    found = [(key, text(change(key, value))) for key, value in pairs]
    return [pair for pair in found if pair[1]]


def first(pairs):
    return pairs[0][1] if pairs else None


def find_text(pairs, choices, join=first):
    """Returns the first of the texts, before and after the choices."""
    plain, names = join(pairs), []
    for name, change in choices:
        after = changed(pairs, change)
        if join(after) != join(pairs):
            names.append(name)
        pairs = after
    return Expected(plain, join(pairs), names)


def find_list(pairs, choices):
    """Returns all texts, each once and sorted, before and after the choices."""
    return find_text(pairs, choices, lambda pairs: sorted({value for _, value in pairs}))


TEXTS = {
    "title": (["XMP-dc:Title", "PNG:Title", "IPTC:ObjectName", "ExifIFD:ImageTitle", "IFD0:XPTitle", "XMP-exifEX:ImageTitle",
               "XMP-acdsee:Caption"], DESCRIPTION),
    "headline": (["XMP-photoshop:Headline", "IPTC:Headline"], DESCRIPTION),
    "caption": (["XMP-dc:Description", "PNG:Description", "IPTC:Caption-Abstract", "IFD0:ImageDescription", "ExifIFD:ImageDescription",
                 "IFD0:XPComment", "XMP-tiff:ImageDescription", "XMP-acdsee:Notes", "ExifIFD:UserComment", "IFD0:UserComment",
                 "XMP-exif:UserComment", "File:Comment", "PNG:Comment"], DESCRIPTION),
    "altText": (["XMP-iptcCore:AltTextAccessibility"], DESCRIPTION),
    "extendedDescription": (["XMP-iptcCore:ExtDescrAccessibility"], DESCRIPTION),
    "event": (["XMP-iptcExt:Event"], CLEANING),
    "label": (["XMP-xmp:Label"], CLEANING),
    "credit": (["XMP-photoshop:Credit", "IPTC:Credit"], CLEANING),
    "copyright": (["XMP-dc:Rights", "PNG:Copyright", "IPTC:CopyrightNotice", "IFD0:Copyright", "XMP-tiff:Copyright"],
                  [(EDITOR, first_notice)] + CLEANING),
    "usageTerms": (["XMP-xmpRights:UsageTerms"], CLEANING),
    "camera.make": (["IFD0:Make", "ExifIFD:Make", "XMP-tiff:Make"], CLEANING + [(PLACEHOLDER, skip_placeholder)]),
    "camera.model": (["IFD0:Model", "ExifIFD:Model", "XMP-tiff:Model"], CLEANING + [(PLACEHOLDER, skip_placeholder)]),
    "bodySerial": (["ExifIFD:SerialNumber", "IFD0:SerialNumber", "IFD0:CameraSerialNumber", "XMP-exifEX:SerialNumber",
                   "XMP-aux:SerialNumber"], CLEANING + [(NOT_TEXT, skip_reals), (SERIAL, skip_no_number)]),
}


def find_artist(tags):
    """Returns the photographers of the first source that names any."""
    in_png = [key for key in tags if key in ("PNG:Author", "PNG:Artist")]
    keys = ["XMP-dc:Creator", *in_png, "IPTC:By-line", "IFD0:Artist", "ExifIFD:Artist", "ExifIFD:Photographer",
            "IFD0:XPAuthor", "XMP-tiff:Artist", "XMP-exifEX:Photographer"]

    def joined(pairs):
        return ", ".join(value for key, value in pairs if key == pairs[0][0]) or None
    case = [(CASE, lambda key, value: None if key == "XMP-dc:Creator" and tags.get("has dc:Creator") else value)]
    return find_text(candidates(tags, keys), case + CLEANING, joined)


def find_license(tags):
    pairs = candidates(tags, ["XMP-cc:License", "XMP-xmpRights:WebStatement"])
    pairs = [pair for pair in pairs if re.match(r"https?://", pair[1], re.IGNORECASE)]
    return find_text(pairs, [(URL, lambda _, url: None if "@" in url else url)])


def find_lens(tags):
    """Returns the name of the lens. A name in the maker note, or made from LensInfo, is not compared."""
    pairs = candidates(tags, ["ExifIFD:LensModel", "IFD0:LensModel", "XMP-exifEX:LensModel", "XMP-aux:Lens"])
    return find_text(pairs, CLEANING + [(PLACEHOLDER, skip_placeholder)])


def find_lens_maker(tags):
    pairs = candidates(tags, ["ExifIFD:LensMake", "IFD0:LensMake", "XMP-exifEX:LensMake"])
    return find_text(pairs, CLEANING + [(PLACEHOLDER, skip_placeholder)])


def fields_of(structures, *names):
    """Returns the texts at a path in structures: a list of them, or one."""
    for name in names:
        structures = [structure for structure in items(structures) if isinstance(structure, dict)]
        structures = [item for structure in structures for item in items(structure.get(name))]
    return [("", found) for found in map(text, structures) if found]


def tree_paths(nodes, above=()):
    """Returns the paths of the leaves of the keyword tree of the Metadata Working Group."""
    for node in items(nodes):
        path = (*above, text(node.get("Keyword")) or "")
        if node.get("Children"):
            yield from tree_paths(node["Children"], path)
        else:
            yield "mwg", "|".join(filter(None, path))


def find_keywords(tags):
    """Returns the keywords of all sources."""
    pairs = candidates(tags, ["XMP-dc:Subject", "PNG:Keywords", "IPTC:SupplementalCategories", "IPTC:Keywords"])
    pairs += [("", word) for _, value in values(tags, "IFD0:XPKeywords") for word in value.split(";")]
    pairs += candidates(tags, ["XMP-lr:WeightedFlatSubject", "XMP-acdsee:Keywords", "XMP-microsoft:LastKeywordIPTC",
                               "XMP-photoshop:SupplementalCategories"])
    paths = [("XMP-lr:HierarchicalSubject", "|"), ("XMP-digiKam:TagsList", "/"), ("XMP-microsoft:LastKeywordXMP", "/"),
             ("XMP-mediapro:CatalogSets", "|"), ("XMP-expressionmedia:CatalogSets", "|")]
    separators = dict(paths)
    pairs += candidates(tags, separators)
    pairs += tree_paths(fields_tree(tags))
    for _, value in values(tags, "XMP-pdf:Keywords"):
        pairs += [("", word) for word in value.split(";" if ";" in value else ",")]

    def to_path(key, value):
        parts = value.split(separators[key]) if key in separators else [value]
        return "|".join(part.strip() for part in parts if part.strip())
    pairs = [(key, text(value)) for key, value in pairs if text(value)]
    return find_list(pairs, [(PATHS, to_path)] + CLEANING)


def fields_tree(tags):
    """Returns the keywords at the top of the tree."""
    return items((tags.get("XMP-mwg-kw:KeywordInfo") or {}).get("Hierarchy"))


def find_people(tags):
    """Returns the names of the people of all sources."""
    pairs = values(tags, "XMP-iptcExt:PersonInImage")
    pairs += fields_of(tags.get("XMP-iptcExt:PersonInImageWDetails"), "PersonName")
    for region in items((tags.get("XMP-mwg-rs:RegionInfo") or {}).get("RegionList")):
        if region.get("Type") == "Face":
            pairs += fields_of(region, "Name")
    pairs += fields_of(tags.get("XMP-MP:RegionInfoMP"), "Regions", "PersonDisplayName")
    return find_list(pairs, CLEANING)


PLACE = ("sublocation", "city", "region", "country", "countryCode")


def find_place(tags):
    """Returns the names of the place: those of the first source, and those of later sources that agree."""
    created = [first(fields_of(tags.get("XMP-iptcExt:LocationCreated"), name))
               for name in ("Sublocation", "City", "ProvinceState", "CountryName", "CountryCode")]
    keys = (("XMP-iptcCore:Location", "XMP-photoshop:City", "XMP-photoshop:State", "XMP-photoshop:Country",
             "XMP-iptcCore:CountryCode"),
            ("IPTC:Sub-location", "IPTC:City", "IPTC:Province-State", "IPTC:Country-PrimaryLocationName",
             "IPTC:Country-PrimaryLocationCode"))
    sources = [created] + [[first(changed(values(tags, key), undo_latin_1)) for key in names] for names in keys]
    plain = join_places(sources)
    for source in sources:
        code = source[4] or ""
        source[4] = code.upper() if re.fullmatch(r"[A-Za-z]{2,3}", code) else None
    value = join_places(sources)
    return Expected(plain, value, [COUNTRY] if plain != value else [])


def join_places(sources):
    """Returns the names of the first place, and those of later places that agree with it."""
    place = [None] * 5
    for source in sources:
        both = [(one.lower(), other.lower()) for one, other in zip(place, source) if one and other]
        if all(one.startswith(other) or other.startswith(one) for one, other in both):
            place = [one or other for one, other in zip(place, source)]
    return {name: value for name, value in zip(PLACE, place) if value} or None


def find_texts(tags):
    """Returns all fields with texts."""
    fields = {path: find_text(candidates(tags, keys), choices) for path, (keys, choices) in TEXTS.items()}
    model = fields["camera.model"].value

    def skip_model(_, value):
        return None if value in (model, f"{model} Image") else value
    for path in ("title", "headline", "caption"):
        keys, choices = TEXTS[path]
        fields[path] = find_text(candidates(tags, keys), choices + [(BOILERPLATE, skip_model)])
    fields |= {
        "artist": find_artist(tags), "licenseUrl": find_license(tags), "keywords": find_keywords(tags),
        "people": find_people(tags), "place": find_place(tags), "lens.model": find_lens(tags),
    }
    if fields["lens.model"].value:
        fields["lens.make"] = find_lens_maker(tags)
    return fields
