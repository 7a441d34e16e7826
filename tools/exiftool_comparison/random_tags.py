"""Makes random tags, as arguments of ExifTool that write them: common and odd ones, in EXIF, XMP, IPTC, PNG
texts and comments."""

TEXTS = (
    "Harbour at dawn", "A title", "Zürich, Limmatquai", "東京の夜景", "Ёлка и снег", "Café crème – 3 €", "1985", "007", "1e5",
    "  padded  ", "R&D <b>bold</b>", "quotes \" and '", "📷 emoji", "OLYMPUS DIGITAL CAMERA", "SONY DSC", "Untitled",
    "Created with GIMP", "DCF 1.0", "Default settings of my first camera", "a\tb", "bell\x07 rings", "right\u202eto left", "a; b, c",
    "true", "-",
)
LINES = ("First line\nsecond line", "one\r\ntwo\r\n\r\nfour", " \n lines \n ", "x" * 1500)
COMMENTS = ("A day at the sea", "filter: 0; fileterIntensity: 0.0; captureOrientation: 0; hdrForward: 1; highlight: 1;",
            "LEAD Technologies Inc. V1.01", "日本語のコメント", "Größe 5")
KEYWORDS = ("dawn", "harbour", "Private", "Zürich", "東京", "two words", " padded ", "a/b", "1985", "Dawn")
PATHS = ("Places|Japan|Kyoto", "Animals|Dog", "flat", "Places | Italy", "|leading", "dawn")
NAMES = ("Jane Doe", "Anna", "Ben Müller", "Jane Doe; Anna", "O'Brien", "山田太郎", " Carla ")
CITIES = ("Kyoto", "Zürich", "London", "KYOTO", "Llanfairpwllgwyngyllgogerychwyrndrobwll")
CODES = ("JP", "jpn", "CHE", "XYZ1", "1")
URLS = ("https://creativecommons.org/licenses/by/4.0/", "http://example.org/l?a=b", "CC BY 4.0", "javascript:alert(1)",
        "https://user@example.org/")
MAKES = ("NIKON CORPORATION", "samsung", "Apple", "  SONY ", "Canon", "Unknown", "null", "N/A")
MODELS = ("NIKON D750", "SM-G973F", "iPhone 7", "ILCE-7M3", "Canon EOS R6", "Unknown", "null")
LENSES = ("EF24-105mm f/4L IS USM", "----", "  Padded Lens  ", "Ünicode 35mm", "iPhone 7 back camera 3.99mm f/1.8",
          "0.0 mm f/0.0", "Unknown", "No Lens", "Manual Lens No CPU", "Default Lens 50mm")
TIMES = ("2018:02:01 09:41:07", "2020:12:31 23:59:59", "1999:01:01 00:00:00", "2016:02:29 12:00:00", "1985:06:14 00:00:00",
         "2002:12:08 12:00:00", "2000:01:01 00:00:00")
ODD_TIMES = ("0000:00:00 00:00:00", "    :  :     :  :  ", "2018:13:01 00:00:00", "2018-02-01 09:41:07", "2018/02/01 09:41:07",
             "2018:02:01T09:41:07", "2018:02:30 10:00:00", "garbage", "2018:02:01 25:00:00", "2018:02:01 24:04:20",
             "2018:02:01 09:41:60", "2018: 2: 1  9:41: 7", "2018:02:01 09:41:07 PM", "2018:02:01 09:41", "2018:02", "2018",
             "2018:00:00 00:00:00", "2018:02:01", "Thu, 1 Feb 2018 09:41:07 +0100", "Thu Feb  1 09:41:07 2018",
             "2999:01:01 00:00:00", "1700:01:01 00:00:00", "20180201094107", "2018:02:01 09:41:07+02:00")
XMP_TIMES = ("2018:02:01 09:41:07", "2018:02:01 09:41:07.67+01:00", "2010:10:10 10:10:10Z", "1985", "1985:06", "1985:06:14",
             "2018:02:01 09:41", "2018:02:01 09:41:07-08:00", "2018:02:01 09:41:07.5")
ODD_XMP_TIMES = ("2018-02-30T10:00:00", "2018-13-01", "0000-00-00T00:00:00", "2018-02-01T24:00:00", "2018-02-01 09:41:07",
                 "yesterday", "2018-02-01T09:41:60", "2018-02-01T00:00:00Z", "2018-02-01T09:41:07+0100")
OFFSETS = ("+01:00", "-08:00", "+05:30", "+12:45", "Z", "+00:00", "-03:30")


def bag(random, tag, values, most=4):
    """Returns arguments that write a list of values. A value may occur twice, but not the name of an author."""
    choose = random.sample if tag in ("XMP-dc:Creator", "IPTC:By-line") else random.choices
    return [f"-{tag}={value}" for value in choose(values, k=random.randint(1, most))]


def one(random, tag, values):
    return [f"-{tag}={random.choice(values)}"]


def languages(random, tag, values):
    """Returns arguments that write a text in several languages, mostly with one in the default language."""
    codes = [code for code, share in (("", 0.9), ("-de", 0.3), ("-ja", 0.2)) if random.random() < share]
    return [f"-{tag}{code}={random.choice(values)}" for code in codes]


def position(random, group):
    """Returns arguments that write a position to the GPS IFD, or to XMP, where the sign is the hemisphere."""
    lat, lon = random.choice((45.4712345, 33.5, 0.0001, 89.99)), random.choice((73.64, 151.2, 179.999, 0))
    south, west = random.choice((True, False)), random.choice((True, False))
    if group == "XMP-exif":
        return [f"-XMP-exif:GPSLatitude={-lat if south else lat}", f"-XMP-exif:GPSLongitude={-lon if west else lon}"]
    return [f"-GPS:GPSLatitude={lat}", f"-GPS:GPSLatitudeRef={'S' if south else 'N'}",
            f"-GPS:GPSLongitude={lon}", f"-GPS:GPSLongitudeRef={'W' if west else 'E'}"]


def regions(random):
    """Returns an argument that writes regions of the Metadata Working Group: faces and others."""
    area = "Area={X=0.5,Y=0.5,W=0.1,H=0.1,Unit=normalized}"
    items = [f"{{{area},Name={random.choice(NAMES).strip()},Type={random.choice(('Face', 'Face', 'Pet', 'Focus'))}}}"
             for _ in range(random.randint(1, 4))]
    return ["-XMP-mwg-rs:RegionInfo={AppliedToDimensions={W=480,H=320,Unit=pixel},RegionList=[" + ",".join(items) + "]}"]


def location(random):
    """Returns an argument that writes the structure LocationCreated."""
    names = [f"{field}={random.choice(values)}" for field, values in
             (("Sublocation", ("Gion", "Soho")), ("City", CITIES), ("ProvinceState", ("Kansai", "England")),
              ("CountryName", ("Japan", "UK")), ("CountryCode", CODES)) if random.random() < 0.6]
    return ["-XMP-iptcExt:LocationCreated={" + ",".join(names) + "}"] if names else []


EXIF = [
    (0.6, "ExifIFD:DateTimeOriginal", TIMES), (0.3, "ExifIFD:CreateDate", TIMES), (0.2, "ExifIFD:DateTimeOriginal#", ODD_TIMES),
    (0.1, "ExifIFD:CreateDate#", ODD_TIMES), (0.1, "IFD0:DateTimeOriginal", ("2011:11:11 11:11:11",)),
    (0.3, "IFD0:ModifyDate", TIMES), (0.1, "IFD0:ModifyDate#", ODD_TIMES),
    (0.4, "ExifIFD:OffsetTimeOriginal", OFFSETS), (0.2, "ExifIFD:OffsetTimeDigitized", OFFSETS), (0.3, "ExifIFD:OffsetTime", OFFSETS),
    (0.5, "ExifIFD:SubSecTimeOriginal", ("5", "67", "123", "000", "9999")), (0.2, "ExifIFD:SubSecTimeDigitized", ("25", "0")),
    (0.4, "ExifIFD:LensModel", LENSES), (0.2, "ExifIFD:LensMake", ("Apple", "Canon", "N/A")),
    (0.2, "ExifIFD:LensInfo", ("3.99 3.99 1.8 1.8", "18 55 3.5 5.6", "24 70 0 0")),
    (0.4, "IFD0:Make", MAKES), (0.4, "IFD0:Model", MODELS), (0.2, "ExifIFD:SerialNumber", ("12345", " 0099 ", "0000000", "N/A")),
    (0.5, "ExifIFD:ExposureTime", ("1/250", "2.5", "30", "1/8000", "0.3")), (0.5, "ExifIFD:FNumber", ("2.8", "1.8", "22", "0.95")),
    (0.2, "ExifIFD:ShutterSpeedValue", ("1/60", "2")), (0.2, "ExifIFD:ApertureValue", ("4", "5.6")),
    (0.5, "ExifIFD:ISO", ("100", "6400", "65535", "50", "100 200")), (0.2, "ExifIFD:RecommendedExposureIndex", ("102400", "800")),
    (0.4, "ExifIFD:FocalLength", ("50", "4.25", "400")), (0.4, "ExifIFD:FocalLengthIn35mmFormat", ("75", "28", "0")),
    (0.4, "ExifIFD:ExposureCompensation", ("-1/3", "0", "2", "-2.7")), (0.3, "ExifIFD:Flash#", range(2)),
    (0.5, "IFD0:Orientation#", range(9)), (0.2, "IFD0:Rating#", range(7)), (0.2, "IFD0:RatingPercent#", (0, 1, 25, 50, 75, 99)),
    (0.3, "GPS:GPSAltitude", ("31", "8848.86", "0", "12.3")), (0.3, "GPS:GPSAltitudeRef", ("above", "below")),
    (0.3, "GPS:GPSImgDirection", ("270.5", "0", "360")), (0.3, "GPS:GPSDateStamp", ("2018:02:01", "1980:01:06")),
    (0.3, "GPS:GPSTimeStamp", ("08:41:07", "00:00:00", "08:41:07.5")),
    (0.2, "IFD0:ImageDescription", TEXTS + LINES), (0.1, "IFD0:XPTitle", TEXTS), (0.1, "IFD0:XPComment", TEXTS + LINES),
    (0.1, "IFD0:XPKeywords", ("one;two", "drei", "東京; Zürich")), (0.1, "IFD0:XPAuthor", NAMES),
    (0.2, "ExifIFD:UserComment", COMMENTS + TEXTS), (0.2, "IFD0:Artist", NAMES),
    (0.2, "IFD0:Copyright", ("(c) me", "© Ünal", "Photographer\nEditor")),
    (0.1, "ExifIFD:ImageTitle", TEXTS), (0.1, "ExifIFD:Photographer", NAMES), (0.1, "File:Comment", COMMENTS + TEXTS),
]
XMP = [
    (0.1, "XMP-dc:Rights", TEXTS), (0.1, "XMP-photoshop:Headline", TEXTS), (0.2, "XMP-photoshop:Credit", NAMES),
    (0.2, "XMP-photoshop:City", CITIES), (0.2, "XMP-photoshop:State", ("Kansai", "England")),
    (0.2, "XMP-photoshop:Country", ("Japan", "UK")), (0.2, "XMP-iptcCore:Location", ("Gion", "Soho")),
    (0.2, "XMP-iptcCore:CountryCode", CODES), (0.1, "XMP-iptcCore:AltTextAccessibility", TEXTS + LINES),
    (0.1, "XMP-iptcCore:ExtDescrAccessibility", TEXTS + LINES), (0.1, "XMP-iptcExt:Event", TEXTS + LINES),
    (0.2, "XMP-xmp:Rating", ("0", "3", "5", "-1", "3.7", "7")), (0.2, "XMP-xmp:Label", ("Red", "Grün", " Blue ")),
    (0.1, "XMP-microsoft:RatingPercent", ("0", "1", "25", "99")),
    (0.1, "XMP-exif:DateTimeOriginal", XMP_TIMES), (0.1, "XMP-exif:DateTimeOriginal#", ODD_XMP_TIMES),
    (0.1, "XMP-exif:DateTimeDigitized", XMP_TIMES), (0.2, "XMP-photoshop:DateCreated", XMP_TIMES),
    (0.1, "XMP-photoshop:DateCreated#", ODD_XMP_TIMES), (0.3, "XMP-xmp:CreateDate", XMP_TIMES),
    (0.1, "XMP-xmp:CreateDate#", ODD_XMP_TIMES), (0.2, "XMP-xmp:ModifyDate", XMP_TIMES),
    (0.1, "XMP-exif:GPSDateTime", ("2018:02:01 08:41:07Z", "2019:03:04 05:06:07")),
    (0.1, "XMP-exif:GPSAltitude", ("31", "12.3")), (0.1, "XMP-exif:GPSAltitudeRef#", range(2)),
    (0.1, "XMP-exif:GPSImgDirection", ("90", "270.5")),
    (0.1, "XMP-exif:ExposureTime", ("1/125", "4")), (0.1, "XMP-exif:FNumber", ("8", "2.8")), (0.1, "XMP-exif:ISO", ("200", "3200")),
    (0.1, "XMP-exif:FocalLength", ("85", "35")), (0.1, "XMP-exif:FocalLengthIn35mmFormat", ("85", "35")),
    (0.1, "XMP-exif:ExposureCompensation", ("1/3", "-2")), (0.1, "XMP-exif:FlashFired", ("True", "False")),
    (0.1, "XMP-exif:UserComment", COMMENTS), (0.1, "XMP-tiff:ImageDescription", TEXTS + LINES), (0.1, "XMP-tiff:Artist", NAMES),
    (0.1, "XMP-tiff:Copyright", TEXTS), (0.2, "XMP-tiff:Make", MAKES), (0.2, "XMP-tiff:Model", MODELS),
    (0.1, "XMP-tiff:Orientation#", range(1, 9)), (0.2, "XMP-aux:Lens", LENSES), (0.2, "XMP-aux:SerialNumber", ("777", "A-1")),
    (0.1, "XMP-exifEX:LensModel", LENSES), (0.1, "XMP-exifEX:LensMake", ("Sigma", "Unknown")),
    (0.1, "XMP-exifEX:Photographer", NAMES), (0.1, "XMP-exifEX:ImageTitle", TEXTS), (0.1, "XMP-acdsee:Caption", TEXTS),
    (0.1, "XMP-acdsee:Notes", TEXTS + LINES), (0.2, "XMP-cc:License", URLS), (0.2, "XMP-xmpRights:WebStatement", URLS),
    (0.1, "XMP-pdf:Keywords", ("a, b", "a; b, c", "single")),
]
IPTC = [
    (0.1, "ObjectName", TEXTS), (0.1, "Caption-Abstract", TEXTS + LINES), (0.2, "Credit", NAMES), (0.1, "CopyrightNotice", TEXTS),
    (0.1, "Headline", TEXTS), (0.2, "City", CITIES), (0.2, "Province-State", ("Kansai", "England")),
    (0.2, "Country-PrimaryLocationName", ("Japan", "UK")), (0.2, "Country-PrimaryLocationCode", ("JPN", "che")),
    (0.2, "Sub-location", ("Gion", "Soho")), (0.3, "DateCreated", ("2018:02:01", "1985:00:00", "1985:06:00", "1985:06:14")),
    (0.1, "DateCreated#", ("20180230", "00000000", "2018:02:01", "19850614")),
    (0.3, "TimeCreated", ("09:41:07+01:00", "23:59:59-08:00", "09:41:07", "00:00:00+00:00")),
    (0.1, "TimeCreated#", ("094107", "250000+0100", "0941")),
    (0.2, "DigitalCreationDate", ("2019:03:04", "1985:00:00")), (0.2, "DigitalCreationTime", ("10:20:30+02:00", "10:20:30")),
]
PNG = [
    (0.3, "Title", TEXTS), (0.3, "Description", TEXTS + LINES), (0.3, "Author", NAMES), (0.2, "Artist", NAMES),
    (0.3, "Copyright", TEXTS), (0.3, "CreationTime", TIMES), (0.2, "Comment", COMMENTS + TEXTS),
]
LISTS = [
    (0.2, bag, "XMP-dc:Creator", NAMES), (0.3, bag, "XMP-dc:Subject", KEYWORDS), (0.2, bag, "XMP-lr:HierarchicalSubject", PATHS),
    (0.2, bag, "XMP-digiKam:TagsList", [path.replace("|", "/") for path in PATHS]),
    (0.1, bag, "XMP-microsoft:LastKeywordXMP", ("Places/Japan/Kyoto", "dawn")),
    (0.1, bag, "XMP-microsoft:LastKeywordIPTC", KEYWORDS), (0.1, bag, "XMP-mediapro:CatalogSets", PATHS),
    (0.1, bag, "XMP-lr:WeightedFlatSubject", KEYWORDS), (0.1, bag, "XMP-photoshop:SupplementalCategories", KEYWORDS),
    (0.2, bag, "XMP-iptcExt:PersonInImage", NAMES), (0.3, bag, "IPTC:Keywords", KEYWORDS), (0.2, bag, "IPTC:By-line", NAMES),
    (0.1, bag, "IPTC:SupplementalCategories", KEYWORDS),
    (0.3, languages, "XMP-dc:Title", TEXTS + LINES), (0.3, languages, "XMP-dc:Description", TEXTS + LINES),
    (0.2, languages, "XMP-xmpRights:UsageTerms", TEXTS),
]
TREE = "-XMP-mwg-kw:HierarchicalKeywords=[{Keyword=Places,Children=[{Keyword=Japan,Children=[{Keyword=Kyoto}]},{Keyword=Oslo}]}]"
OTHERS = [
    (0.5, lambda random: position(random, "GPS")), (0.1, lambda random: position(random, "XMP-exif")), (0.2, regions), (0.2, location),
    (0.1, lambda random: ["-GPS:GPSSpeed=10", "-GPS:GPSSpeedRef=" + random.choice("KMN")]),
    (0.1, lambda random: [TREE]), (0.1, lambda random: ["-XMP-MP:RegionInfoMP={Regions=[{PersonDisplayName=Dora},{}]}"]),
    (0.1, lambda random: ["-XMP-iptcExt:PersonInImageWDetails={PersonName=Emil}"]),
    (0.3, lambda random: ["-IPTC:CodedCharacterSet=UTF8"]), (0.1, lambda random: ["-charset", "iptc=utf8"]),
    (0.1, lambda random: ["-charset", "exif=latin1"]),
]


def random_tags(random, suffix):
    """Returns arguments of ExifTool that write random tags into one file. A third of the files have only a part of
    the tags, so that sources of lower rank are used too."""
    shares = {group: random.choice((0, 0.3, 1)) for group in ("EXIF", "XMP", "IPTC")}
    chosen = []
    for group, tags, prefix in (("EXIF", EXIF, ""), ("XMP", XMP, ""), ("IPTC", IPTC, "IPTC:"), ("PNG", PNG, "PNG:")):
        if group == "PNG" and suffix != ".png":
            continue
        for share, tag, values in tags:
            # Without its maker, an IIQ is a TIFF. The comment of a RAW file belongs to its preview.
            is_skipped = (suffix, tag) == (".iiq", "IFD0:Make") or (tag == "File:Comment" and suffix != ".jpg")
            if random.random() < share * shares.get(group, 1) and not is_skipped:
                chosen += one(random, prefix + tag, values)
    for share, kind, tag, values in LISTS:
        if random.random() < share * shares["IPTC" if tag.startswith("IPTC") else "XMP"]:
            chosen += kind(random, tag, values)
    for share, kind in OTHERS:
        if random.random() < share:
            chosen += kind(random)
    if random.random() < 0.01:
        chosen.append("-XMP-dc:Description=" + "long text " * 500)
    return chosen


def random_name(random, number, suffix):
    """Returns the name of a copy. Some names have a date."""
    stem = random.choice(("",) * 16 + ("-IMG_20170304_050607", "-IMG-20160708-WA0001"))
    return f"{number:05}{stem}{suffix}"


def argument_line(argument):
    """Returns a line of an argument file of ExifTool. A value with a line break is written as a C string."""
    if "\n" not in argument and "\r" not in argument:
        return argument
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return "#[CSTR]" + escaped
