//! The namespaces of XMP, and the names of XMP tags that differ from their path.
//!
//! `tools/xmp_tag_tables.pl` makes this file from the tables of ExifTool 13.59.

use super::xmp_names::{NO_TAGS, XmpNamespace};

/// The namespaces, in the order of their prefixes.
#[rustfmt::skip]
pub(crate) static NAMESPACES: &[XmpNamespace] = &[
    XmpNamespace {
        uri: "http://pix4d.com/camera/1.0/",
        prefix: "Camera", group: "XMP-Camera",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/DICOM/",
        prefix: "DICOM", group: "XMP-DICOM",
        names: &[
            ("PatientDOB", "PatientBirthDate"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "",
        prefix: "Device", group: "XMP-Device",
        structures: &[
            ("Cameras", ""), ("Planes", ""), ("Profiles", ""),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/photos/1.0/audio/",
        prefix: "GAudio", group: "XMP-GAudio",
        names: &[
            ("Data", "AudioData"), ("Mime", "AudioMimeType"),
        ],
        binary: &[
            "Data",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/photos/1.0/camera/",
        prefix: "GCamera", group: "XMP-GCamera",
        names: &[
            ("HdrPlusMakernote", "HDRPlusMakerNote"), ("hdrp_makernote", "HDRPMakerNote"),
            ("shot_log_data", "ShotLogData"),
        ],
        binary: &[
            "HdrPlusMakernote", "PortraitRequest", "hdrp_makernote", "shot_log_data",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/photos/1.0/container/",
        prefix: "GContainer", group: "XMP-GContainer",
        names: &[
            ("Directory", "ContainerDirectory"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/photos/1.0/creations/",
        prefix: "GCreations", group: "XMP-GCreations",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/photos/1.0/depthmap/",
        prefix: "GDepth", group: "XMP-GDepth",
        names: &[
            ("Data", "DepthImage"),
        ],
        binary: &[
            "Confidence", "Data",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/photos/1.0/focus/",
        prefix: "GFocus", group: "XMP-GFocus",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/photos/1.0/image/",
        prefix: "GImage", group: "XMP-GImage",
        names: &[
            ("Data", "ImageData"), ("Mime", "ImageMimeType"),
        ],
        binary: &[
            "Data",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/photos/1.0/panorama/",
        prefix: "GPano", group: "XMP-GPano",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/videos/1.0/spherical/",
        prefix: "GSpherical", group: "XMP-GSpherical",
        names: &[
            ("Timestamp", "TimeStamp"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://xmp.gettyimages.com/gift/1.0/",
        prefix: "GettyImagesGIFT", group: "XMP-getty",
        names: &[
            ("OriginalFilename", "OriginalFileName"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.apple.com/HDRGainMap/1.0/",
        prefix: "HDRGainMap", group: "XMP-HDRGainMap",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
        prefix: "Iptc4xmpCore", group: "XMP-iptcCore",
        names: &[
            ("CreatorContactInfoCiAdrCity", "CreatorCity"),
            ("CreatorContactInfoCiAdrCtry", "CreatorCountry"),
            ("CreatorContactInfoCiAdrExtadr", "CreatorAddress"),
            ("CreatorContactInfoCiAdrPcode", "CreatorPostalCode"),
            ("CreatorContactInfoCiAdrRegion", "CreatorRegion"),
            ("CreatorContactInfoCiEmailWork", "CreatorWorkEmail"),
            ("CreatorContactInfoCiTelWork", "CreatorWorkTelephone"),
            ("CreatorContactInfoCiUrlWork", "CreatorWorkURL"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        prefix: "Iptc4xmpExt", group: "XMP-iptcExt",
        names: &[
            ("AboutCvTermCvTermId", "AboutCvTermId"), ("AboutCvTermCvTermName", "AboutCvTermName"),
            ("AboutCvTermCvTermRefinedAbout", "AboutCvTermRefinedAbout"),
            ("AddlModelInfo", "AdditionalModelInformation"),
            ("ArtworkOrObjectAOCircaDateCreated", "ArtworkCircaDateCreated"),
            ("ArtworkOrObjectAOContentDescription", "ArtworkContentDescription"),
            ("ArtworkOrObjectAOContributionDescription", "ArtworkContributionDescription"),
            ("ArtworkOrObjectAOCopyrightNotice", "ArtworkCopyrightNotice"),
            ("ArtworkOrObjectAOCreator", "ArtworkCreator"),
            ("ArtworkOrObjectAOCreatorId", "ArtworkCreatorID"),
            ("ArtworkOrObjectAOCurrentCopyrightOwnerId", "ArtworkCopyrightOwnerID"),
            ("ArtworkOrObjectAOCurrentCopyrightOwnerName", "ArtworkCopyrightOwnerName"),
            ("ArtworkOrObjectAOCurrentLicensorId", "ArtworkLicensorID"),
            ("ArtworkOrObjectAOCurrentLicensorName", "ArtworkLicensorName"),
            ("ArtworkOrObjectAODateCreated", "ArtworkDateCreated"),
            ("ArtworkOrObjectAOPhysicalDescription", "ArtworkPhysicalDescription"),
            ("ArtworkOrObjectAOSource", "ArtworkSource"),
            ("ArtworkOrObjectAOSourceInvNo", "ArtworkSourceInventoryNo"),
            ("ArtworkOrObjectAOSourceInvURL", "ArtworkSourceInvURL"),
            ("ArtworkOrObjectAOStylePeriod", "ArtworkStylePeriod"),
            ("ArtworkOrObjectAOTitle", "ArtworkTitle"), ("CVterm", "ControlledVocabularyTerm"),
            ("DigImageGUID", "DigitalImageGUID"),
            ("DigitalSourcefileType", "DigitalSourceFileType"),
            ("EmbdEncRightsExprEncRightsExpr", "EmbeddedEncodedRightsExpr"),
            ("EmbdEncRightsExprRightsExprEncType", "EmbeddedEncodedRightsExprType"),
            ("EmbdEncRightsExprRightsExprLangId", "EmbeddedEncodedRightsExprLangID"),
            ("EventExt", "ShownEvent"), ("EventId", "EventID"),
            ("IptcLastEdited", "IPTCLastEdited"),
            ("LinkedEncRightsExprLinkedRightsExpr", "LinkedEncodedRightsExpr"),
            ("LinkedEncRightsExprRightsExprEncType", "LinkedEncodedRightsExprType"),
            ("LinkedEncRightsExprRightsExprLangId", "LinkedEncodedRightsExprLangID"),
            ("PersonInImageWDetailsPersonCharacteristic", "PersonInImageCharacteristic"),
            ("PersonInImageWDetailsPersonCharacteristicCvId", "PersonInImageCvTermCvId"),
            ("PersonInImageWDetailsPersonCharacteristicCvTermId", "PersonInImageCvTermId"),
            ("PersonInImageWDetailsPersonCharacteristicCvTermName", "PersonInImageCvTermName"),
            ("PersonInImageWDetailsPersonCharacteristicCvTermRefinedAbout", "PersonInImageCvTermRefinedAbout"),
            ("PersonInImageWDetailsPersonDescription", "PersonInImageDescription"),
            ("PersonInImageWDetailsPersonId", "PersonInImageId"),
            ("PersonInImageWDetailsPersonName", "PersonInImageName"), ("RegistryId", "RegistryID"),
            ("RegistryIdRegEntryRole", "RegistryEntryRole"),
            ("RegistryIdRegItemId", "RegistryItemID"),
            ("RegistryIdRegOrgId", "RegistryOrganisationID"), ("SnapshotLink", "Snapshot"),
            ("VisualColour", "VisualColor"), ("audioBitRate", "AudioBitrate"),
            ("audioBitRateMode", "AudioBitrateMode"), ("parentId", "ParentID"),
            ("videoBitRate", "VideoBitrate"), ("videoBitRateMode", "VideoBitrateMode"),
        ],
        structures: &[
            ("EventExt", "ShownEvent"),
            ("PersonInImageWDetailsPersonCharacteristic", "PersonInImageCharacteristic"),
            ("RegistryId", "RegistryID"), ("SnapshotLink", "Snapshot"),
        ],
        fields: &[
            ("ProductDescription", "Description"), ("ProductGTIN", "GTIN"), ("ProductName", "Name"),
            ("RatingRegion", "Region"), ("RatingScaleMaxValue", "ScaleMaxValue"),
            ("RatingScaleMinValue", "ScaleMinValue"), ("RatingSourceLink", "SourceLink"),
            ("RatingValue", "Value"), ("RatingValueLogoLink", "ValueLogoLink"),
            ("RegionBoundary", "Boundary"), ("rCtype", "Ctype"), ("rId", "ID"), ("rRole", "Role"),
            ("rbH", "H"), ("rbRx", "Rx"), ("rbShape", "Shape"), ("rbUnit", "Unit"),
            ("rbVertices", "Vertices"), ("rbW", "W"), ("rbX", "X"), ("rbY", "Y"),
            ("tempCoverageFrom", "From"), ("tempCoverageTo", "To"),
        ],
        open: &[
            "ImageRegion",
        ],
        rationals: &[
            "LocationCreatedGPSAltitude", "LocationShownGPSAltitude",
            "RatingRatingRegionGPSAltitude", "videoDisplayAspectRatio",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.leiainc.com/photos/1.0/image/",
        prefix: "LImage", group: "XMP-LImage",
        binary: &[
            "RightAlbedo",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.microsoft.com/photo/1.2/",
        prefix: "MP", group: "XMP-MP",
        names: &[
            ("RegionInfo", "RegionInfoMP"),
            ("RegionInfoDateRegionsValid", "RegionInfoDateRegionsValid"),
            ("RegionInfoRegions", "RegionInfoRegions"),
            ("RegionInfoRegionsPersonDisplayName", "RegionPersonDisplayName"),
            ("RegionInfoRegionsPersonEmailDigest", "RegionPersonEmailDigest"),
            ("RegionInfoRegionsPersonLiveIdCID", "RegionPersonLiveIdCID"),
            ("RegionInfoRegionsPersonSourceID", "RegionPersonSourceID"),
            ("RegionInfoRegionsRectangle", "RegionRectangle"),
        ],
        structures: &[
            ("RegionInfo", "RegionInfoMP"), ("RegionInfoRegions", "RegionInfoRegions"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.microsoft.com/photo/1.1",
        prefix: "MP1", group: "XMP-MP1",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
        prefix: "MPRI", group: "XMP-MPRI",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.microsoft.com/photo/1.2/t/Region#",
        prefix: "MPReg", group: "XMP-MPReg",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.microsoft.com/photo/1.0",
        prefix: "MicrosoftPhoto", group: "XMP-microsoft",
        names: &[
            ("CreatorAppId", "CreatorAppID"), ("Rating", "RatingPercent"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "",
        prefix: "PixelLive", group: "XMP-PixelLive",
        names: &[
            ("AUTHOR", "Author"), ("COMMENTS", "Comments"), ("COPYRIGHT", "Copyright"),
            ("DATE", "Date"), ("GENRE", "Genre"), ("TITLE", "Title"),
        ],
        capitals: &[
            "AUTHOR", "COMMENTS", "COPYRIGHT", "DATE", "GENRE", "TITLE",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.google.com/photos/dd/1.0/profile/",
        prefix: "Profile", group: "XMP-Profile",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.apple.com/adjustment-settings/1.0/",
        prefix: "aas", group: "XMP-aas",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.acdsee.com/iptc/1.0/",
        prefix: "acdsee", group: "XMP-acdsee",
        names: &[
            ("datetime", "DateTime"), ("dpp", "DPP"), ("rpp", "RPP"),
        ],
        binary: &[
            "Snapshots", "dpp", "rpp",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.acdsee.com/regions/",
        prefix: "acdsee-rs", group: "XMP-acdsee-rs",
        names: &[
            ("Regions", "RegionInfoACDSee"),
        ],
        structures: &[
            ("Regions", "ACDSee"),
        ],
        fields: &[
            ("AppliedToDimensions", "RegionAppliedToDimensions"), ("RegionList", "Region"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/album/1.0/",
        prefix: "album", group: "XMP-album",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.apple.com/pixeldatainfo/1.0/",
        prefix: "apdi", group: "XMP-apdi",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.apple.com/faceinfo/1.0/",
        prefix: "apple-fi", group: "XMP-apple-fi",
        names: &[
            ("Timestamp", "TimeStamp"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.nikon.com/asteroid/1.0/",
        prefix: "ast", group: "XMP-ast",
        binary: &[
            "IPTC", "XMLPackets",
        ],
        capitals: &[
            "IPTC",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/exif/1.0/aux/",
        prefix: "aux", group: "XMP-aux",
        rationals: &[
            "ApproximateFocusDistance", "EnhanceSuperResolutionScale", "FlashCompensation",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://creativecommons.org/ns#",
        prefix: "cc", group: "XMP-cc",
        names: &[
            ("legalcode", "LegalCode"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://developer.sonyericsson.com/cell/1.0/",
        prefix: "cell", group: "XMP-cell",
        names: &[
            ("cellid", "CellTowerID"), ("cgi", "CellGlobalID"), ("lac", "LocationAreaCode"),
            ("mcc", "MobileCountryCode"), ("mnc", "MobileNetworkCode"), ("r", "CellR"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/camera-raw-defaults/1.0/",
        prefix: "crd", group: "XMP-crd",
        names: &[
            ("CircularGradientBasedCorrectionsCorrectionMasks", "CircGradBasedCorrMasks"),
            ("CircularGradientBasedCorrectionsCorrectionRangeMask", "CircGradBasedCorrRangeMask"),
            ("DepthBasedCorrectionsCorrectionActive", "DepthBasedCorrCorrectionActive"),
            ("DepthBasedCorrectionsCorrectionAmount", "DepthBasedCorrCorrectionAmount"),
            ("GradientBasedCorrectionsCorrectionMasks", "GradientBasedCorrMasks"),
            ("GradientBasedCorrectionsCorrectionRangeMask", "GradientBasedCorrRangeMask"),
            ("MaskGroupBasedCorrectionsCorrectionRangeMask", "MaskGroupBasedCorrRangeMask"),
            ("PaintBasedCorrectionsCorrectionMasks", "PaintBasedCorrectionMasks"),
            ("PaintBasedCorrectionsCorrectionRangeMask", "PaintCorrectionRangeMask"),
            ("RangeMaskMapInfo", "RangeMask"), ("Temperature", "ColorTemperature"),
        ],
        structures: &[
            ("CircularGradientBasedCorrections", "CircGradBasedCorr"),
            ("CircularGradientBasedCorrectionsCorrectionRangeMask", "CircGradBasedCorrRangeMask"),
            ("DepthBasedCorrections", "DepthBasedCorr"),
            ("GradientBasedCorrections", "GradientBasedCorr"),
            ("GradientBasedCorrectionsCorrectionRangeMask", "GradientBasedCorrRangeMask"),
            ("MaskGroupBasedCorrections", "MaskGroupBasedCorr"),
            ("MaskGroupBasedCorrectionsCorrectionRangeMask", "MaskGroupBasedCorrRangeMask"),
            ("PaintBasedCorrections", "PaintCorrection"),
            ("PaintBasedCorrectionsCorrectionRangeMask", "PaintCorrectionRangeMask"),
            ("RangeMaskMapInfo", "RangeMask"), ("RetouchAreas", "RetouchArea"),
            ("RetouchAreasMasks", "RetouchAreaMask"),
        ],
        fields: &[
            ("AreaComponents", "Components"), ("BlurAmount", "Amount"),
            ("ColorRangeMaskAreaSampleInfo", "ColorSampleInfo"), ("CorrectionActive", "Active"),
            ("CorrectionAmount", "Amount"), ("CorrectionMasks", "Mask"),
            ("CorrectionRangeMask", "Range"), ("LocalBlacks2012", "Blacks2012"),
            ("LocalBrightness", "Brightness"), ("LocalClarity", "Clarity"),
            ("LocalClarity2012", "Clarity2012"), ("LocalContrast", "Contrast"),
            ("LocalContrast2012", "Contrast2012"), ("LocalDefringe", "Defringe"),
            ("LocalDehaze", "Dehaze"), ("LocalExposure", "Exposure"),
            ("LocalExposure2012", "Exposure2012"), ("LocalHighlights2012", "Highlights2012"),
            ("LocalHue", "Hue"), ("LocalLuminanceNoise", "LuminanceNoise"), ("LocalMoire", "Moire"),
            ("LocalSaturation", "Saturation"), ("LocalShadows2012", "Shadows2012"),
            ("LocalSharpness", "Sharpness"), ("LocalTemperature", "Temperature"),
            ("LocalTexture", "Texture"), ("LocalTint", "Tint"), ("LocalToningHue", "ToningHue"),
            ("LocalToningSaturation", "ToningSaturation"), ("LocalWhites2012", "Whites2012"),
            ("MaskValue", "Value"), ("RangeMaskMapInfo", "MapInfo"),
        ],
        capitals: &[
            "UUID",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/creatorAtom/1.0/",
        prefix: "creatorAtom", group: "XMP-creatorAtom",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/camera-raw-embedded-lens-profile/1.0/",
        prefix: "crlcp", group: "XMP-crlcp",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/camera-raw-settings/1.0/",
        prefix: "crs", group: "XMP-crs",
        names: &[
            ("CircularGradientBasedCorrectionsCorrectionMasks", "CircGradBasedCorrMasks"),
            ("CircularGradientBasedCorrectionsCorrectionRangeMask", "CircGradBasedCorrRangeMask"),
            ("DepthBasedCorrectionsCorrectionActive", "DepthBasedCorrCorrectionActive"),
            ("DepthBasedCorrectionsCorrectionAmount", "DepthBasedCorrCorrectionAmount"),
            ("GradientBasedCorrectionsCorrectionMasks", "GradientBasedCorrMasks"),
            ("GradientBasedCorrectionsCorrectionRangeMask", "GradientBasedCorrRangeMask"),
            ("MaskGroupBasedCorrectionsCorrectionRangeMask", "MaskGroupBasedCorrRangeMask"),
            ("PaintBasedCorrectionsCorrectionMasks", "PaintBasedCorrectionMasks"),
            ("PaintBasedCorrectionsCorrectionRangeMask", "PaintCorrectionRangeMask"),
            ("RangeMaskMapInfo", "RangeMask"), ("Temperature", "ColorTemperature"),
        ],
        structures: &[
            ("CircularGradientBasedCorrections", "CircGradBasedCorr"),
            ("CircularGradientBasedCorrectionsCorrectionRangeMask", "CircGradBasedCorrRangeMask"),
            ("DepthBasedCorrections", "DepthBasedCorr"),
            ("GradientBasedCorrections", "GradientBasedCorr"),
            ("GradientBasedCorrectionsCorrectionRangeMask", "GradientBasedCorrRangeMask"),
            ("MaskGroupBasedCorrections", "MaskGroupBasedCorr"),
            ("MaskGroupBasedCorrectionsCorrectionRangeMask", "MaskGroupBasedCorrRangeMask"),
            ("PaintBasedCorrections", "PaintCorrection"),
            ("PaintBasedCorrectionsCorrectionRangeMask", "PaintCorrectionRangeMask"),
            ("RangeMaskMapInfo", "RangeMask"), ("RetouchAreas", "RetouchArea"),
            ("RetouchAreasMasks", "RetouchAreaMask"),
        ],
        fields: &[
            ("AreaComponents", "Components"), ("BlurAmount", "Amount"),
            ("ColorRangeMaskAreaSampleInfo", "ColorSampleInfo"), ("CorrectionActive", "Active"),
            ("CorrectionAmount", "Amount"), ("CorrectionMasks", "Mask"),
            ("CorrectionRangeMask", "Range"), ("LocalBlacks2012", "Blacks2012"),
            ("LocalBrightness", "Brightness"), ("LocalClarity", "Clarity"),
            ("LocalClarity2012", "Clarity2012"), ("LocalContrast", "Contrast"),
            ("LocalContrast2012", "Contrast2012"), ("LocalDefringe", "Defringe"),
            ("LocalDehaze", "Dehaze"), ("LocalExposure", "Exposure"),
            ("LocalExposure2012", "Exposure2012"), ("LocalHighlights2012", "Highlights2012"),
            ("LocalHue", "Hue"), ("LocalLuminanceNoise", "LuminanceNoise"), ("LocalMoire", "Moire"),
            ("LocalSaturation", "Saturation"), ("LocalShadows2012", "Shadows2012"),
            ("LocalSharpness", "Sharpness"), ("LocalTemperature", "Temperature"),
            ("LocalTexture", "Texture"), ("LocalTint", "Tint"), ("LocalToningHue", "ToningHue"),
            ("LocalToningSaturation", "ToningSaturation"), ("LocalWhites2012", "Whites2012"),
            ("MaskValue", "Value"), ("RangeMaskMapInfo", "MapInfo"),
        ],
        capitals: &[
            "UUID",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/camera-raw-saved-settings/1.0/",
        prefix: "crss", group: "XMP-crss",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://purl.org/dc/elements/1.1/",
        prefix: "dc", group: "XMP-dc",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.optimasc.com/dex/1.0/",
        prefix: "dex", group: "XMP-dex",
        names: &[
            ("crc32", "CRC32"), ("ffid", "FFID"), ("licensetype", "LicenseType"), ("os", "OS"),
            ("shortdescription", "ShortDescription"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://www.digikam.org/ns/1.0/",
        prefix: "digiKam", group: "XMP-digiKam",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://www.dji.com/drone-dji/1.0/",
        prefix: "drone-dji", group: "XMP-drone-dji",
        names: &[
            ("GpsLatitude", "GPSLatitude"), ("GpsLongitude", "GPSLongitude"),
            ("GpsLongtitude", "GPSLongtitude"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://rs.tdwg.org/dwc/index.htm",
        prefix: "dwc", group: "XMP-dwc",
        names: &[
            ("Event", "DCEvent"), ("EventEventDate", "EventDate"), ("EventEventID", "EventID"),
            ("EventEventRemarks", "EventRemarks"), ("EventEventTime", "EventTime"),
            ("MaterialSampleMaterialSampleID", "MaterialSampleID"),
            ("dctermsLocation", "DCTermsLocation"),
        ],
        structures: &[
            ("GeologicalContext", ""), ("Identification", ""), ("MeasurementOrFact", ""),
            ("ResourceRelationship", ""), ("dctermsLocation", "DC"),
        ],
        fields: &[
            ("bed", "GeologicalContextBed"), ("formation", "GeologicalContextFormation"),
            ("group", "GeologicalContextGroup"), ("member", "GeologicalContextMember"),
            ("occurrenceDetails", "Details"), ("occurrenceID", "ID"),
            ("occurrenceRemarks", "Remarks"), ("occurrenceStatus", "Status"), ("organismID", "ID"),
            ("organismName", "Name"), ("organismRemarks", "Remarks"), ("organismScope", "Scope"),
            ("taxonConceptID", "ConceptID"), ("taxonID", "ID"), ("taxonRank", "Rank"),
            ("taxonRemarks", "Remarks"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.exiftool.org/1.0/",
        prefix: "et", group: "XMP-et",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/exif/1.0/",
        prefix: "exif", group: "XMP-exif",
        names: &[
            ("ExposureBiasValue", "ExposureCompensation"),
            ("FocalLengthIn35mmFilm", "FocalLengthIn35mmFormat"), ("GPSTimeStamp", "GPSDateTime"),
            ("ISOSpeedRatings", "ISO"), ("OECF", "Opto-ElectricConvFactor"),
            ("PixelXDimension", "ExifImageWidth"), ("PixelYDimension", "ExifImageHeight"),
        ],
        rationals: &[
            "ApertureValue", "BrightnessValue", "CompressedBitsPerPixel", "DigitalZoomRatio",
            "ExposureBiasValue", "ExposureIndex", "ExposureTime", "FNumber", "FlashEnergy",
            "FocalLength", "FocalPlaneXResolution", "FocalPlaneYResolution", "GPSAltitude",
            "GPSDOP", "GPSDestBearing", "GPSDestDistance", "GPSHPositioningError",
            "GPSImgDirection", "GPSSpeed", "GPSTrack", "MaxApertureValue", "OECFValues",
            "ShutterSpeedValue", "SpatialFrequencyResponseValues", "SubjectDistance",
        ],
        capitals: &[
            "GPSDOP", "OECF",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://cipa.jp/exif/1.0/",
        prefix: "exifEX", group: "XMP-exifEX",
        names: &[
            ("BodySerialNumber", "SerialNumber"), ("CameraOwnerName", "OwnerName"),
            ("InteroperabilityIndex", "InteropIndex"), ("LensSpecification", "LensInfo"),
            ("Temperature", "AmbientTemperature"),
        ],
        structures: &[
            ("CompositeImageExposureTimes", "CompImage"),
        ],
        fields: &[
            ("MaxExposureTimesOfAll", "MaxExposureAll"),
            ("MaxExposureTimesOfUsed", "MaxExposureUsed"),
            ("MinExposureTimesOfAll", "MinExposureAll"),
            ("MinExposureTimesOfUsed", "MinExposureUsed"),
            ("NumberOfImagesInSequences", "ImagesPerSequence"),
            ("NumberOfSequences", "NumSequences"), ("SumOfExposureTimesOfAll", "SumExposureAll"),
            ("SumOfExposureTimesOfUsed", "SumExposureUsed"),
        ],
        rationals: &[
            "Acceleration", "CameraElevationAngle",
            "CompositeImageExposureTimesMaxExposureTimesOfAll",
            "CompositeImageExposureTimesMaxExposureTimesOfUsed",
            "CompositeImageExposureTimesMinExposureTimesOfAll",
            "CompositeImageExposureTimesMinExposureTimesOfUsed",
            "CompositeImageExposureTimesSumOfExposureTimesOfAll",
            "CompositeImageExposureTimesSumOfExposureTimesOfUsed",
            "CompositeImageExposureTimesTotalExposurePeriod", "CompositeImageExposureTimesValues",
            "Gamma", "Humidity", "LensSpecification", "Pressure", "Temperature", "WaterDepth",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.microsoft.com/expressionmedia/1.0/",
        prefix: "expressionmedia", group: "XMP-expressionmedia",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.extensis.com/extensis/1.0/",
        prefix: "extensis", group: "XMP-extensis",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.fastpictureviewer.com/fpv/1.0/",
        prefix: "fpv", group: "XMP-fpv",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/hdr-metadata/1.0/",
        prefix: "hdr_metadata", group: "XMP-hdr",
        names: &[
            ("ccv_avg_luminance_nits", "CCVAvgLuminanceNits"),
            ("ccv_max_luminance_nits", "CCVMaxLuminanceNits"),
            ("ccv_min_luminance_nits", "CCVMinLuminanceNits"),
            ("ccv_primaries_xy", "CCVPrimariesXY"), ("ccv_white_xy", "CCVWhiteXY"),
            ("scene_referred", "SceneReferred"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/hdr-gain-map/1.0/",
        prefix: "hdrgm", group: "XMP-hdrgm",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/iX/1.0/",
        prefix: "iX", group: "XMP-iX",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.idimager.com/ics/1.0/",
        prefix: "ics", group: "XMP-ics",
        names: &[
            ("SubVersionsFileName", "SubVersionFileName"),
            ("SubVersionsVersRef", "SubVersionReference"), ("TagStructureLabelName", "LabelName1"),
            ("TagStructureParentReference", "ParentReference1"),
            ("TagStructureReference", "Reference1"), ("TagStructureSubLabels", "SubLabels1"),
            ("TagStructureSubLabelsLabelName", "LabelName2"),
            ("TagStructureSubLabelsParentReference", "ParentReference2"),
            ("TagStructureSubLabelsReference", "Reference2"),
            ("TagStructureSubLabelsSubLabels", "SubLabels2"),
            ("TagStructureSubLabelsSubLabelsLabelName", "LabelName3"),
            ("TagStructureSubLabelsSubLabelsParentReference", "ParentReference3"),
            ("TagStructureSubLabelsSubLabelsReference", "Reference3"),
            ("TagStructureSubLabelsSubLabelsSubLabels", "SubLabels3"),
            ("TagStructureSubLabelsSubLabelsSubLabelsLabelName", "LabelName4"),
            ("TagStructureSubLabelsSubLabelsSubLabelsParentReference", "ParentReference4"),
            ("TagStructureSubLabelsSubLabelsSubLabelsReference", "Reference4"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabels", "SubLabels4"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabelsLabelName", "LabelName5"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabelsParentReference", "ParentReference5"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabelsReference", "Reference5"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabelsSubLabels", "SubLabels5"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabelsSubLabelsLabelName", "LabelName6"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabelsSubLabelsParentReference", "ParentReference6"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabelsSubLabelsReference", "Reference6"),
        ],
        structures: &[
            ("TagStructureSubLabels", "SubLabels1"),
            ("TagStructureSubLabelsSubLabels", "SubLabels2"),
            ("TagStructureSubLabelsSubLabelsSubLabels", "SubLabels3"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabels", "SubLabels4"),
            ("TagStructureSubLabelsSubLabelsSubLabelsSubLabelsSubLabels", "SubLabels5"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/lightroom/1.0/",
        prefix: "lr", group: "XMP-lr",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.iview-multimedia.com/mediapro/1.0/",
        prefix: "mediapro", group: "XMP-mediapro",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://www.metadataworkinggroup.com/schemas/collections/",
        prefix: "mwg-coll", group: "XMP-mwg-coll",
        structures: &[
            ("Collections", ""),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://www.metadataworkinggroup.com/schemas/keywords/",
        prefix: "mwg-kw", group: "XMP-mwg-kw",
        names: &[
            ("Keywords", "KeywordInfo"), ("KeywordsHierarchy", "HierarchicalKeywords"),
            ("KeywordsHierarchyChildrenApplied", "HierarchicalKeywords2Applied"),
            ("KeywordsHierarchyChildrenChildren", "HierarchicalKeywords2Children"),
            ("KeywordsHierarchyChildrenChildrenApplied", "HierarchicalKeywords3Applied"),
            ("KeywordsHierarchyChildrenChildrenChildren", "HierarchicalKeywords3Children"),
            ("KeywordsHierarchyChildrenChildrenChildrenApplied", "HierarchicalKeywords4Applied"),
            ("KeywordsHierarchyChildrenChildrenChildrenChildren", "HierarchicalKeywords4Children"),
            ("KeywordsHierarchyChildrenChildrenChildrenChildrenApplied", "HierarchicalKeywords5Applied"),
            ("KeywordsHierarchyChildrenChildrenChildrenChildrenChildren", "HierarchicalKeywords5Children"),
            ("KeywordsHierarchyChildrenChildrenChildrenChildrenChildrenApplied", "HierarchicalKeywords6Applied"),
            ("KeywordsHierarchyChildrenChildrenChildrenChildrenChildrenKeyword", "HierarchicalKeywords6"),
            ("KeywordsHierarchyChildrenChildrenChildrenChildrenKeyword", "HierarchicalKeywords5"),
            ("KeywordsHierarchyChildrenChildrenChildrenKeyword", "HierarchicalKeywords4"),
            ("KeywordsHierarchyChildrenChildrenKeyword", "HierarchicalKeywords3"),
            ("KeywordsHierarchyChildrenKeyword", "HierarchicalKeywords2"),
        ],
        structures: &[
            ("Keywords", "KeywordInfo"), ("KeywordsHierarchy", "HierarchicalKeywords"),
            ("KeywordsHierarchyChildrenChildren", "HierarchicalKeywords2Children"),
            ("KeywordsHierarchyChildrenChildrenChildren", "HierarchicalKeywords3Children"),
            ("KeywordsHierarchyChildrenChildrenChildrenChildren", "HierarchicalKeywords4Children"),
            ("KeywordsHierarchyChildrenChildrenChildrenChildrenChildren", "HierarchicalKeywords5Children"),
        ],
        fields: &[
            ("Applied", "1Applied"), ("Children", "1Children"), ("Keyword", "1"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://www.metadataworkinggroup.com/schemas/regions/",
        prefix: "mwg-rs", group: "XMP-mwg-rs",
        names: &[
            ("Regions", "RegionInfo"), ("RegionsRegionList", "RegionList"),
        ],
        structures: &[
            ("Regions", "Region"),
        ],
        fields: &[
            ("RegionList", ""),
        ],
        open: &[
            "RegionsRegionListExtensions",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.nikon.com/nine/1.0/",
        prefix: "nine", group: "XMP-nine",
        binary: &[
            "NineEdits", "Trim",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/photoshop/1.0/panorama-profile",
        prefix: "panorama", group: "XMP-panorama",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/pdf/1.3/",
        prefix: "pdf", group: "XMP-pdf",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/pdfx/1.3/",
        prefix: "pdfx", group: "XMP-pdfx",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "",
        prefix: "photomechanic", group: "XMP-photomech",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/photoshop/1.0/",
        prefix: "photoshop", group: "XMP-photoshop",
        names: &[
            ("ICCProfile", "ICCProfileName"),
        ],
        structures: &[
            ("TextLayers", "Text"),
        ],
        fields: &[
            ("VignetteModelParam1", "Param1"), ("VignetteModelPiecewiseParam", "PiecewiseParam"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.useplus.org/ldf/xmp/1.0/",
        prefix: "plus", group: "XMP-plus",
        names: &[
            ("Version", "PLUSVersion"),
        ],
        structures: &[
            ("CopyrightOwner", ""), ("EndUser", ""), ("ImageCreator", ""), ("ImageSupplier", ""),
            ("Licensee", ""), ("Licensor", ""),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://prismstandard.org/namespaces/pmi/2.2/",
        prefix: "pmi", group: "XMP-pmi",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://prismstandard.org/namespaces/basic/2.0/",
        prefix: "prism", group: "XMP-prism",
        names: &[
            ("doi", "DOI"), ("isbn", "ISBN"), ("issn", "ISSN"), ("url", "URL"),
        ],
        structures: &[
            ("url", "URL"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "",
        prefix: "prismusagerights", group: "XMP-pur",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://prismstandard.org/namespaces/prl/2.1/",
        prefix: "prl", group: "XMP-prl",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://prismstandard.org/namespaces/prm/3.0/",
        prefix: "prm", group: "XMP-prm",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://prismstandard.org/namespaces/prismusagerights/2.1/",
        prefix: "pur", group: "XMP-pur",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        prefix: "rdf", group: "XMP-rdf",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://www.w3.org/2000/01/rdf-schema#",
        prefix: "rdfs", group: "XMP-rdfs",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.nikon.com/sdc/1.0/",
        prefix: "sdc", group: "XMP-sdc",
        names: &[
            ("appname", "AppName"), ("appversion", "AppVersion"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.seal/2024/1.0/",
        prefix: "seal", group: "XMP-seal",
        binary: &[
            "seal",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xmp/sType/Area#",
        prefix: "stArea", group: "XMP-stArea",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/photoshop/1.0/camera-profile",
        prefix: "stCamera", group: "XMP-stCamera",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
        prefix: "stDim", group: "XMP-stDim",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
        prefix: "stEvt", group: "XMP-stEvt",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/sType/Font#",
        prefix: "stFnt", group: "XMP-stFnt",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/sType/Job#",
        prefix: "stJob", group: "XMP-stJob",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/sType/ManifestItem#",
        prefix: "stMfs", group: "XMP-stMfs",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
        prefix: "stRef", group: "XMP-stRef",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/sType/Version#",
        prefix: "stVer", group: "XMP-stVer",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://www.w3.org/2000/svg",
        prefix: "svg", group: "XMP-svg",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/swf/1.0/",
        prefix: "swf", group: "XMP-swf",
        names: &[
            ("bgalpha", "BackgroundAlpha"), ("forwardlock", "ForwardLock"),
            ("maxstorage", "MaxStorage"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/tiff/1.0/",
        prefix: "tiff", group: "XMP-tiff",
        names: &[
            ("ImageLength", "ImageHeight"),
        ],
        rationals: &[
            "PrimaryChromaticities", "ReferenceBlackWhite", "WhitePoint", "XResolution",
            "YCbCrCoefficients", "YResolution",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "adobe:ns:meta/",
        prefix: "x", group: "XMP-x",
        names: &[
            ("xmptk", "XMPToolkit"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/",
        prefix: "xmp", group: "XMP-xmp",
        names: &[
            ("ThumbnailsImage", "ThumbnailImage"),
        ],
        structures: &[
            ("PageInfo", "PageImage"), ("Thumbnails", "Thumbnail"),
        ],
        fields: &[
            ("image", ""),
        ],
        binary: &[
            "PageInfoImage", "ThumbnailsImage",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/bj/",
        prefix: "xmpBJ", group: "XMP-xmpBJ",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xmp/1.0/DynamicMedia/",
        prefix: "xmpDM", group: "XMP-xmpDM",
        names: &[
            ("comment", "DMComment"),
        ],
        rationals: &[
            "beatSpliceParamsRiseInTimeDurationScale", "contributedMediaDurationScale",
            "contributedMediaStartTimeScale", "durationScale", "fileDataRate", "introTimeScale",
            "outCueScale", "relativeTimestampScale", "videoPixelAspectRatio",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://leica-camera.com/digital-shift-assistant/1.0/",
        prefix: "xmpDSA", group: "XMP-xmpDSA",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/g/",
        prefix: "xmpG", group: "XMP-xmpG",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/g/img/",
        prefix: "xmpGImg", group: "XMP-xmpGImg",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/mm/",
        prefix: "xmpMM", group: "XMP-xmpMM",
        open: &[
            "Pantry",
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xmp/note/",
        prefix: "xmpNote", group: "XMP-xmpNote",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/PLUS/",
        prefix: "xmpPLUS", group: "XMP-xmpPLUS",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/rights/",
        prefix: "xmpRights", group: "XMP-xmpRights",
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xap/1.0/t/pg/",
        prefix: "xmpTPg", group: "XMP-xmpTPg",
        names: &[
            ("SwatchGroupsGroupName", "SwatchGroupName"),
            ("SwatchGroupsGroupType", "SwatchGroupType"),
        ],
        structures: &[
            ("Colorants", "Colorant"), ("Fonts", ""), ("SwatchGroupsColorants", "SwatchColorant"),
        ],
        fields: &[
            ("composite", "FontComposite"), ("versionString", "FontVersion"),
        ],
        ..NO_TAGS
    },
    XmpNamespace {
        uri: "http://ns.adobe.com/xmp/Identifier/qual/1.0/",
        prefix: "xmpidq", group: "XMP-xmpidq",
        ..NO_TAGS
    },
];
