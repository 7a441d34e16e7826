//! Tag numbers, with ExifTool's names. This is the only place for hexadecimal tag literals. An IFD
//! (image file directory) is a table of tags.
//!
//! The numbers and names are public facts: EXIF 3.0, TIFF 6.0, DNG 1.7, TIFF/EP and ExifTool's tag
//! name documentation. An entry of a table has a number and a name. A tag that the code reads also
//! has a constant, which the same entry declares. The doc of such a constant is the name of its
//! tag.

pub(crate) mod maker_note;

/// Declares a table of tags, sorted by number. An entry is `0x829a "ExposureTime" EXPOSURE_TIME`.
/// The macro declares a constant of this name for the number of the tag. The name is optional.
macro_rules! tag_table {
    ($(#[$doc:meta])* $table:ident: $($number:literal $name:literal $($constant:ident)?),* $(,)?) => {
        $(#[$doc])*
        pub(crate) static $table: &[(u16, &str)] = &[$(($number, $name)),*];
        $($(
            #[doc = concat!("Tag `", $name, "`.")]
            pub(crate) const $constant: u16 = $number;
        )?)*
    };
}

tag_table! {
    /// The tags of all IFDs except the GPS IFD.
    EXIF:
    0x0001 "InteropIndex", 0x0002 "InteropVersion", 0x000b "ProcessingSoftware",
    0x00fe "SubfileType" SUBFILE_TYPE, 0x00ff "OldSubfileType", 0x0100 "ImageWidth" IMAGE_WIDTH,
    0x0101 "ImageHeight" IMAGE_HEIGHT, 0x0102 "BitsPerSample", 0x0103 "Compression" COMPRESSION,
    0x0106 "PhotometricInterpretation" PHOTOMETRIC_INTERPRETATION, 0x0107 "Thresholding",
    0x0108 "CellWidth", 0x0109 "CellLength", 0x010a "FillOrder", 0x010d "DocumentName",
    0x010e "ImageDescription" IMAGE_DESCRIPTION, 0x010f "Make" MAKE, 0x0110 "Model" MODEL,
    0x0111 "StripOffsets" STRIP_OFFSETS, 0x0112 "Orientation" ORIENTATION,
    0x0115 "SamplesPerPixel" SAMPLES_PER_PIXEL, 0x0116 "RowsPerStrip", 0x0117 "StripByteCounts" STRIP_BYTE_COUNTS,
    0x0118 "MinSampleValue", 0x0119 "MaxSampleValue", 0x011a "XResolution", 0x011b "YResolution",
    0x011c "PlanarConfiguration", 0x011d "PageName", 0x011e "XPosition", 0x011f "YPosition",
    0x0120 "FreeOffsets", 0x0121 "FreeByteCounts", 0x0122 "GrayResponseUnit",
    0x0123 "GrayResponseCurve", 0x0124 "T4Options", 0x0125 "T6Options", 0x0128 "ResolutionUnit",
    0x0129 "PageNumber", 0x012c "ColorResponseUnit", 0x012d "TransferFunction", 0x0131 "Software",
    0x0132 "ModifyDate" MODIFY_DATE, 0x013b "Artist" ARTIST, 0x013c "HostComputer",
    0x013d "Predictor", 0x013e "WhitePoint", 0x013f "PrimaryChromaticities", 0x0140 "ColorMap",
    0x0141 "HalftoneHints", 0x0142 "TileWidth", 0x0143 "TileLength", 0x0144 "TileOffsets" TILE_OFFSETS,
    0x0145 "TileByteCounts" TILE_BYTE_COUNTS, 0x0146 "BadFaxLines", 0x0147 "CleanFaxData",
    0x0148 "ConsecutiveBadFaxLines", 0x014a "SubIFD" SUB_IFD, 0x014c "InkSet", 0x014d "InkNames",
    0x014e "NumberofInks", 0x0150 "DotRange", 0x0151 "TargetPrinter", 0x0152 "ExtraSamples",
    0x0153 "SampleFormat", 0x0154 "SMinSampleValue", 0x0155 "SMaxSampleValue",
    0x0156 "TransferRange", 0x0157 "ClipPath", 0x0158 "XClipPathUnits", 0x0159 "YClipPathUnits",
    0x015a "Indexed", 0x015b "JPEGTables", 0x015f "OPIProxy", 0x0191 "ProfileType",
    0x0192 "FaxProfile", 0x0193 "CodingMethods", 0x0194 "VersionYear", 0x0195 "ModeNumber",
    0x01b1 "Decode", 0x01b2 "DefaultImageColor", 0x01b3 "T82Options", 0x01b5 "JPEGTables",
    0x0200 "JPEGProc", 0x0201 "ThumbnailOffset" THUMBNAIL_OFFSET,
    0x0202 "ThumbnailLength" THUMBNAIL_LENGTH, 0x0203 "JPEGRestartInterval",
    0x0205 "JPEGLosslessPredictors", 0x0206 "JPEGPointTransforms", 0x0207 "JPEGQTables",
    0x0208 "JPEGDCTables", 0x0209 "JPEGACTables", 0x0211 "YCbCrCoefficients",
    0x0212 "YCbCrSubSampling", 0x0213 "YCbCrPositioning", 0x0214 "ReferenceBlackWhite",
    0x022f "StripRowCounts", 0x02bc "ApplicationNotes" APPLICATION_NOTES, 0x0303 "RenderingIntent",
    0x03e7 "USPTOMiscellaneous", 0x1000 "RelatedImageFileFormat", 0x1001 "RelatedImageWidth",
    0x1002 "RelatedImageHeight", 0x4746 "Rating" RATING, 0x4747 "XP_DIP_XML",
    0x4749 "RatingPercent" RATING_PERCENT, 0x5001 "ResolutionXUnit", 0x5002 "ResolutionYUnit",
    0x5003 "ResolutionXLengthUnit", 0x5004 "ResolutionYLengthUnit", 0x5005 "PrintFlags",
    0x5006 "PrintFlagsVersion", 0x5007 "PrintFlagsCrop", 0x5008 "PrintFlagsBleedWidth",
    0x5009 "PrintFlagsBleedWidthScale", 0x500a "HalftoneLPI", 0x500b "HalftoneLPIUnit",
    0x500c "HalftoneDegree", 0x500d "HalftoneShape", 0x500e "HalftoneMisc",
    0x500f "HalftoneScreen", 0x5010 "JPEGQuality", 0x5011 "GridSize", 0x5012 "ThumbnailFormat",
    0x5013 "ThumbnailWidth", 0x5014 "ThumbnailHeight", 0x5015 "ThumbnailColorDepth",
    0x5016 "ThumbnailPlanes", 0x5017 "ThumbnailRawBytes", 0x5018 "ThumbnailLength",
    0x5019 "ThumbnailCompressedSize", 0x501a "ColorTransferFunction", 0x501b "ThumbnailData",
    0x5020 "ThumbnailImageWidth", 0x5021 "ThumbnailImageHeight", 0x5022 "ThumbnailBitsPerSample",
    0x5023 "ThumbnailCompression", 0x5024 "ThumbnailPhotometricInterp",
    0x5025 "ThumbnailDescription", 0x5026 "ThumbnailEquipMake", 0x5027 "ThumbnailEquipModel",
    0x5028 "ThumbnailStripOffsets", 0x5029 "ThumbnailOrientation",
    0x502a "ThumbnailSamplesPerPixel", 0x502b "ThumbnailRowsPerStrip",
    0x502c "ThumbnailStripByteCounts", 0x502d "ThumbnailResolutionX",
    0x502e "ThumbnailResolutionY", 0x502f "ThumbnailPlanarConfig",
    0x5030 "ThumbnailResolutionUnit", 0x5031 "ThumbnailTransferFunction",
    0x5032 "ThumbnailSoftware", 0x5033 "ThumbnailDateTime", 0x5034 "ThumbnailArtist",
    0x5035 "ThumbnailWhitePoint", 0x5036 "ThumbnailPrimaryChromaticities",
    0x5037 "ThumbnailYCbCrCoefficients", 0x5038 "ThumbnailYCbCrSubsampling",
    0x5039 "ThumbnailYCbCrPositioning", 0x503a "ThumbnailRefBlackWhite",
    0x503b "ThumbnailCopyright", 0x5090 "LuminanceTable", 0x5091 "ChrominanceTable",
    0x5100 "FrameDelay", 0x5101 "LoopCount", 0x5102 "GlobalPalette", 0x5103 "IndexBackground",
    0x5104 "IndexTransparent", 0x5110 "PixelUnits", 0x5111 "PixelsPerUnitX",
    0x5112 "PixelsPerUnitY", 0x5113 "PaletteHistogram", 0x7000 "SonyRawFileType",
    0x7010 "SonyToneCurve", 0x7031 "VignettingCorrection", 0x7032 "VignettingCorrParams",
    0x7034 "ChromaticAberrationCorrection", 0x7035 "ChromaticAberrationCorrParams",
    0x7036 "DistortionCorrection", 0x7037 "DistortionCorrParams", 0x7038 "SonyRawImageSize",
    0x7310 "BlackLevel", 0x7313 "WB_RGGBLevels", 0x74c7 "SonyCropTopLeft", 0x74c8 "SonyCropSize",
    0x800d "ImageID", 0x80a3 "WangTag1", 0x80a4 "WangAnnotation", 0x80a5 "WangTag3",
    0x80a6 "WangTag4", 0x80b9 "ImageReferencePoints", 0x80ba "RegionXformTackPoint",
    0x80bb "WarpQuadrilateral", 0x80bc "AffineTransformMat", 0x80e3 "Matteing", 0x80e4 "DataType",
    0x80e5 "ImageDepth", 0x80e6 "TileDepth", 0x8214 "ImageFullWidth", 0x8215 "ImageFullHeight",
    0x8216 "TextureFormat", 0x8217 "WrapModes", 0x8218 "FovCot", 0x8219 "MatrixWorldToScreen",
    0x821a "MatrixWorldToCamera", 0x827d "Model2",
    0x828d "CFARepeatPatternDim" CFA_REPEAT_PATTERN_DIM, 0x828e "CFAPattern2",
    0x828f "BatteryLevel", 0x8298 "Copyright" COPYRIGHT, 0x829a "ExposureTime" EXPOSURE_TIME,
    0x829d "FNumber" F_NUMBER, 0x82a5 "MDFileTag", 0x82a6 "MDScalePixel", 0x82a7 "MDColorTable",
    0x82a8 "MDLabName", 0x82a9 "MDSampleInfo", 0x82aa "MDPrepDate", 0x82ab "MDPrepTime",
    0x82ac "MDFileUnits", 0x830e "PixelScale", 0x8335 "AdventScale", 0x8336 "AdventRevision",
    0x835c "UIC1Tag", 0x835d "UIC2Tag", 0x835e "UIC3Tag", 0x835f "UIC4Tag",
    0x83bb "IPTC-NAA" IPTC_NAA, 0x847e "IntergraphPacketData", 0x847f "IntergraphFlagRegisters",
    0x8480 "IntergraphMatrix", 0x8481 "INGRReserved", 0x8482 "ModelTiePoint", 0x84e0 "Site",
    0x84e1 "ColorSequence", 0x84e2 "IT8Header", 0x84e3 "RasterPadding", 0x84e4 "BitsPerRunLength",
    0x84e5 "BitsPerExtendedRunLength", 0x84e6 "ColorTable", 0x84e7 "ImageColorIndicator",
    0x84e8 "BackgroundColorIndicator", 0x84e9 "ImageColorValue", 0x84ea "BackgroundColorValue",
    0x84eb "PixelIntensityRange", 0x84ec "TransparencyIndicator", 0x84ed "ColorCharacterization",
    0x84ee "HCUsage", 0x84ef "TrapIndicator", 0x84f0 "CMYKEquivalent", 0x8546 "SEMInfo",
    0x85b8 "PixelMagicJBIGOptions", 0x85d7 "JPLCartoIFD", 0x85d8 "ModelTransform",
    0x8602 "WB_GRGBLevels", 0x8769 "ExifOffset" EXIF_OFFSET, 0x877f "TIFF_FXExtensions",
    0x8780 "MultiProfiles", 0x8781 "SharedData", 0x8782 "T88Options", 0x87ac "ImageLayer",
    0x87af "GeoTiffDirectory", 0x87b0 "GeoTiffDoubleParams", 0x87b1 "GeoTiffAsciiParams",
    0x87be "JBIGOptions", 0x8822 "ExposureProgram", 0x8824 "SpectralSensitivity",
    0x8825 "GPSInfo" GPS_INFO, 0x8827 "ISO" ISO, 0x8828 "Opto-ElectricConvFactor",
    0x8829 "Interlace", 0x882a "TimeZoneOffset", 0x882b "SelfTimerMode", 0x8830 "SensitivityType",
    0x8831 "StandardOutputSensitivity" STANDARD_OUTPUT_SENSITIVITY,
    0x8832 "RecommendedExposureIndex" RECOMMENDED_EXPOSURE_INDEX, 0x8833 "ISOSpeed" ISO_SPEED,
    0x8834 "ISOSpeedLatitudeyyy", 0x8835 "ISOSpeedLatitudezzz", 0x885c "FaxRecvParams",
    0x885d "FaxSubAddress", 0x885e "FaxRecvTime", 0x8871 "FedexEDR", 0x9000 "ExifVersion",
    0x9003 "DateTimeOriginal" DATE_TIME_ORIGINAL, 0x9004 "CreateDate" CREATE_DATE,
    0x9009 "GooglePlusUploadCode", 0x9010 "OffsetTime" OFFSET_TIME,
    0x9011 "OffsetTimeOriginal" OFFSET_TIME_ORIGINAL,
    0x9012 "OffsetTimeDigitized" OFFSET_TIME_DIGITIZED, 0x9101 "ComponentsConfiguration",
    0x9102 "CompressedBitsPerPixel", 0x9201 "ShutterSpeedValue" SHUTTER_SPEED_VALUE,
    0x9202 "ApertureValue" APERTURE_VALUE, 0x9203 "BrightnessValue",
    0x9204 "ExposureCompensation" EXPOSURE_COMPENSATION, 0x9205 "MaxApertureValue" MAX_APERTURE_VALUE,
    0x9206 "SubjectDistance", 0x9207 "MeteringMode", 0x9208 "LightSource", 0x9209 "Flash" FLASH,
    0x920a "FocalLength" FOCAL_LENGTH, 0x920b "FlashEnergy", 0x920c "SpatialFrequencyResponse",
    0x920d "Noise", 0x920e "FocalPlaneXResolution", 0x920f "FocalPlaneYResolution",
    0x9210 "FocalPlaneResolutionUnit", 0x9211 "ImageNumber", 0x9212 "SecurityClassification",
    0x9213 "ImageHistory", 0x9214 "SubjectArea", 0x9215 "ExposureIndex",
    0x9216 "TIFF-EPStandardID", 0x9217 "SensingMethod", 0x923a "CIP3DataFile", 0x923b "CIP3Sheet",
    0x923c "CIP3Side", 0x923f "StoNits", 0x927c "MakerNote" MAKER_NOTE,
    0x9286 "UserComment" USER_COMMENT, 0x9287 "LearningOptOutIn", 0x9290 "SubSecTime" SUB_SEC_TIME,
    0x9291 "SubSecTimeOriginal" SUB_SEC_TIME_ORIGINAL,
    0x9292 "SubSecTimeDigitized" SUB_SEC_TIME_DIGITIZED, 0x932f "MSDocumentText",
    0x9330 "MSPropertySetStorage", 0x9331 "MSDocumentTextPosition", 0x935c "ImageSourceData",
    0x9400 "AmbientTemperature", 0x9401 "Humidity", 0x9402 "Pressure", 0x9403 "WaterDepth",
    0x9404 "Acceleration", 0x9405 "CameraElevationAngle", 0x9999 "XiaomiSettings",
    0x9a00 "XiaomiModel", 0x9c9b "XPTitle" XP_TITLE, 0x9c9c "XPComment" XP_COMMENT,
    0x9c9d "XPAuthor" XP_AUTHOR, 0x9c9e "XPKeywords" XP_KEYWORDS, 0x9c9f "XPSubject" XP_SUBJECT,
    0xa000 "FlashpixVersion", 0xa001 "ColorSpace", 0xa002 "ExifImageWidth" EXIF_IMAGE_WIDTH,
    0xa003 "ExifImageHeight" EXIF_IMAGE_HEIGHT, 0xa004 "RelatedSoundFile",
    0xa005 "InteropOffset" INTEROP_OFFSET, 0xa010 "SamsungRawPointersOffset",
    0xa011 "SamsungRawPointersLength", 0xa101 "SamsungRawByteOrder", 0xa102 "SamsungRawUnknown",
    0xa20b "FlashEnergy", 0xa20c "SpatialFrequencyResponse", 0xa20d "Noise",
    0xa20e "FocalPlaneXResolution", 0xa20f "FocalPlaneYResolution",
    0xa210 "FocalPlaneResolutionUnit", 0xa211 "ImageNumber", 0xa212 "SecurityClassification",
    0xa213 "ImageHistory", 0xa214 "SubjectLocation", 0xa215 "ExposureIndex",
    0xa216 "TIFF-EPStandardID", 0xa217 "SensingMethod", 0xa300 "FileSource", 0xa301 "SceneType",
    0xa302 "CFAPattern" CFA_PATTERN, 0xa401 "CustomRendered", 0xa402 "ExposureMode", 0xa403 "WhiteBalance",
    0xa404 "DigitalZoomRatio", 0xa405 "FocalLengthIn35mmFormat" FOCAL_LENGTH_IN_35MM_FORMAT,
    0xa406 "SceneCaptureType", 0xa407 "GainControl", 0xa408 "Contrast", 0xa409 "Saturation",
    0xa40a "Sharpness", 0xa40b "DeviceSettingDescription", 0xa40c "SubjectDistanceRange",
    0xa40d "DevelopmentType", 0xa40e "DevelopmentTypeDescription", 0xa40f "DistortionCorrection",
    0xa410 "ChromaticAberrationCorrection", 0xa411 "ShadingCorrection", 0xa412 "NoiseReduction",
    0xa420 "ImageUniqueID", 0xa430 "OwnerName", 0xa431 "SerialNumber" SERIAL_NUMBER,
    0xa432 "LensInfo" LENS_INFO, 0xa433 "LensMake" LENS_MAKE, 0xa434 "LensModel" LENS_MODEL,
    0xa435 "LensSerialNumber", 0xa436 "ImageTitle" IMAGE_TITLE, 0xa437 "Photographer" PHOTOGRAPHER, 0xa438 "ImageEditor",
    0xa439 "CameraFirmware", 0xa43a "RAWDevelopingSoftware", 0xa43b "ImageEditingSoftware",
    0xa43c "MetadataEditingSoftware", 0xa460 "CompositeImage", 0xa461 "CompositeImageCount",
    0xa462 "CompositeImageExposureTimes", 0xa480 "GDALMetadata", 0xa481 "GDALNoData",
    0xa500 "Gamma", 0xafc0 "ExpandSoftware", 0xafc1 "ExpandLens", 0xafc2 "ExpandFilm",
    0xafc3 "ExpandFilterLens", 0xafc4 "ExpandScanner", 0xafc5 "ExpandFlashLamp",
    0xb4c3 "HasselbladRawImage" HASSELBLAD_RAW_IMAGE, 0xbc01 "PixelFormat", 0xbc02 "Transformation",
    0xbc03 "Uncompressed", 0xbc04 "ImageType", 0xbc80 "ImageWidth", 0xbc81 "ImageHeight",
    0xbc82 "WidthResolution", 0xbc83 "HeightResolution", 0xbcc0 "ImageOffset",
    0xbcc1 "ImageByteCount", 0xbcc2 "AlphaOffset", 0xbcc3 "AlphaByteCount",
    0xbcc4 "ImageDataDiscard", 0xbcc5 "AlphaDataDiscard", 0xc427 "OceScanjobDesc",
    0xc428 "OceApplicationSelector", 0xc429 "OceIDNumber", 0xc42a "OceImageLogic",
    0xc44f "Annotations", 0xc4a5 "PrintIM", 0xc573 "OriginalFileName",
    0xc580 "USPTOOriginalContentType", 0xc5e0 "CR2CFAPattern" CR2_CFA_PATTERN, 0xc612 "DNGVersion" DNG_VERSION,
    0xc613 "DNGBackwardVersion", 0xc614 "UniqueCameraModel", 0xc615 "LocalizedCameraModel",
    0xc616 "CFAPlaneColor", 0xc617 "CFALayout", 0xc618 "LinearizationTable",
    0xc619 "BlackLevelRepeatDim", 0xc61a "BlackLevel", 0xc61b "BlackLevelDeltaH",
    0xc61c "BlackLevelDeltaV", 0xc61d "WhiteLevel", 0xc61e "DefaultScale",
    0xc61f "DefaultCropOrigin", 0xc620 "DefaultCropSize" DEFAULT_CROP_SIZE, 0xc621 "ColorMatrix1",
    0xc622 "ColorMatrix2", 0xc623 "CameraCalibration1", 0xc624 "CameraCalibration2",
    0xc625 "ReductionMatrix1", 0xc626 "ReductionMatrix2", 0xc627 "AnalogBalance",
    0xc628 "AsShotNeutral", 0xc629 "AsShotWhiteXY", 0xc62a "BaselineExposure",
    0xc62b "BaselineNoise", 0xc62c "BaselineSharpness", 0xc62d "BayerGreenSplit",
    0xc62e "LinearResponseLimit", 0xc62f "CameraSerialNumber" CAMERA_SERIAL_NUMBER,
    0xc630 "DNGLensInfo" DNG_LENS_INFO, 0xc631 "ChromaBlurRadius", 0xc632 "AntiAliasStrength",
    0xc633 "ShadowScale", 0xc634 "DNGPrivateData" DNG_PRIVATE_DATA, 0xc635 "MakerNoteSafety",
    0xc640 "RawImageSegmentation", 0xc65a "CalibrationIlluminant1",
    0xc65b "CalibrationIlluminant2", 0xc65c "BestQualityScale", 0xc65d "RawDataUniqueID" RAW_DATA_UNIQUE_ID,
    0xc660 "AliasLayerMetadata", 0xc68b "OriginalRawFileName", 0xc68c "OriginalRawFileData",
    0xc68d "ActiveArea", 0xc68e "MaskedAreas", 0xc68f "AsShotICCProfile",
    0xc690 "AsShotPreProfileMatrix", 0xc691 "CurrentICCProfile", 0xc692 "CurrentPreProfileMatrix",
    0xc6bf "ColorimetricReference", 0xc6c5 "SRawType", 0xc6d2 "PanasonicTitle",
    0xc6d3 "PanasonicTitle2", 0xc6f3 "CameraCalibrationSig", 0xc6f4 "ProfileCalibrationSig",
    0xc6f6 "AsShotProfileName", 0xc6f7 "NoiseReductionApplied", 0xc6f8 "ProfileName",
    0xc6f9 "ProfileHueSatMapDims", 0xc6fa "ProfileHueSatMapData1", 0xc6fb "ProfileHueSatMapData2",
    0xc6fc "ProfileToneCurve", 0xc6fd "ProfileEmbedPolicy", 0xc6fe "ProfileCopyright",
    0xc714 "ForwardMatrix1", 0xc715 "ForwardMatrix2", 0xc716 "PreviewApplicationName",
    0xc717 "PreviewApplicationVersion", 0xc718 "PreviewSettingsName",
    0xc719 "PreviewSettingsDigest" PREVIEW_SETTINGS_DIGEST, 0xc71a "PreviewColorSpace",
    0xc71b "PreviewDateTime" PREVIEW_DATE_TIME, 0xc71c "RawImageDigest" RAW_IMAGE_DIGEST,
    0xc71d "OriginalRawFileDigest" ORIGINAL_RAW_FILE_DIGEST, 0xc71e "SubTileBlockSize", 0xc71f "RowInterleaveFactor",
    0xc725 "ProfileLookTableDims", 0xc726 "ProfileLookTableData", 0xc740 "OpcodeList1",
    0xc741 "OpcodeList2", 0xc74e "OpcodeList3", 0xc761 "NoiseProfile", 0xc763 "TimeCodes",
    0xc764 "FrameRate", 0xc772 "TStop", 0xc789 "ReelName", 0xc791 "OriginalDefaultFinalSize",
    0xc792 "OriginalBestQualitySize", 0xc793 "OriginalDefaultCropSize", 0xc7a1 "CameraLabel",
    0xc7a3 "ProfileHueSatMapEncoding", 0xc7a4 "ProfileLookTableEncoding",
    0xc7a5 "BaselineExposureOffset", 0xc7a6 "DefaultBlackRender", 0xc7a7 "NewRawImageDigest" NEW_RAW_IMAGE_DIGEST,
    0xc7a8 "RawToPreviewGain", 0xc7aa "CacheVersion", 0xc7b5 "DefaultUserCrop",
    0xc7d7 "ZIFMetadata", 0xc7d8 "ZIFAnnotations", 0xc7e9 "DepthFormat", 0xc7ea "DepthNear",
    0xc7eb "DepthFar", 0xc7ec "DepthUnits", 0xc7ed "DepthMeasureType", 0xc7ee "EnhanceParams",
    0xcd2d "ProfileGainTableMap", 0xcd2e "SemanticName", 0xcd30 "SemanticInstanceID",
    0xcd31 "CalibrationIlluminant3", 0xcd32 "CameraCalibration3", 0xcd33 "ColorMatrix3",
    0xcd34 "ForwardMatrix3", 0xcd35 "IlluminantData1", 0xcd36 "IlluminantData2",
    0xcd37 "IlluminantData3", 0xcd38 "MaskSubArea", 0xcd39 "ProfileHueSatMapData3",
    0xcd3a "ReductionMatrix3", 0xcd3f "RGBTables", 0xcd40 "ProfileGainTableMap2",
    0xcd43 "ColumnInterleaveFactor", 0xcd44 "ImageSequenceInfo", 0xcd46 "ImageStats",
    0xcd47 "ProfileDynamicRange", 0xcd48 "ProfileGroupName", 0xcd49 "JXLDistance",
    0xcd4a "JXLEffort", 0xcd4b "JXLDecodeSpeed", 0xcea1 "SEAL", 0xea1c "Padding",
    0xea1d "OffsetSchema", 0xfde8 "OwnerName", 0xfde9 "SerialNumber", 0xfdea "Lens",
    0xfe4c "RawFile", 0xfe4d "Converter", 0xfe4e "WhiteBalance", 0xfe51 "Exposure",
    0xfe52 "Shadows", 0xfe53 "Brightness", 0xfe54 "Contrast", 0xfe55 "Saturation",
    0xfe56 "Sharpness", 0xfe57 "Smoothness", 0xfe58 "MoireFilter",
}

/// The tag whose value is Photoshop's image resources. ExifTool calls it `PhotoshopSettings`. It is
/// not in the table, because its content is read instead of being listed.
pub(crate) const PHOTOSHOP_SETTINGS: u16 = 0x8649;

tag_table! {
    /// The tags of the GPS IFD.
    GPS:
    0x0000 "GPSVersionID", 0x0001 "GPSLatitudeRef" GPS_LATITUDE_REF,
    0x0002 "GPSLatitude" GPS_LATITUDE, 0x0003 "GPSLongitudeRef" GPS_LONGITUDE_REF,
    0x0004 "GPSLongitude" GPS_LONGITUDE, 0x0005 "GPSAltitudeRef" GPS_ALTITUDE_REF,
    0x0006 "GPSAltitude" GPS_ALTITUDE, 0x0007 "GPSTimeStamp" GPS_TIME_STAMP,
    0x0008 "GPSSatellites", 0x0009 "GPSStatus" GPS_STATUS, 0x000a "GPSMeasureMode", 0x000b "GPSDOP",
    0x000c "GPSSpeedRef" GPS_SPEED_REF, 0x000d "GPSSpeed" GPS_SPEED, 0x000e "GPSTrackRef",
    0x000f "GPSTrack", 0x0010 "GPSImgDirectionRef", 0x0011 "GPSImgDirection" GPS_IMG_DIRECTION,
    0x0012 "GPSMapDatum", 0x0013 "GPSDestLatitudeRef", 0x0014 "GPSDestLatitude",
    0x0015 "GPSDestLongitudeRef", 0x0016 "GPSDestLongitude", 0x0017 "GPSDestBearingRef",
    0x0018 "GPSDestBearing", 0x0019 "GPSDestDistanceRef", 0x001a "GPSDestDistance",
    0x001b "GPSProcessingMethod" GPS_PROCESSING_METHOD,
    0x001c "GPSAreaInformation" GPS_AREA_INFORMATION, 0x001d "GPSDateStamp" GPS_DATE_STAMP,
    0x001e "GPSDifferential", 0x001f "GPSHPositioningError",
}

tag_table! {
    /// The tags of IFD0 in a Panasonic RW2. They replace the tags of the same numbers in `EXIF`.
    /// The low numbers describe the sensor.
    PANASONIC_RAW:
    0x0001 "PanasonicRawVersion", 0x0002 "SensorWidth" SENSOR_WIDTH,
    0x0003 "SensorHeight" SENSOR_HEIGHT, 0x0004 "SensorTopBorder" SENSOR_TOP_BORDER,
    0x0005 "SensorLeftBorder" SENSOR_LEFT_BORDER, 0x0006 "SensorBottomBorder" SENSOR_BOTTOM_BORDER,
    0x0007 "SensorRightBorder" SENSOR_RIGHT_BORDER, 0x0008 "SamplesPerPixel", 0x0009 "CFAPattern",
    0x000a "BitsPerSample", 0x000b "Compression", 0x000e "LinearityLimitRed",
    0x000f "LinearityLimitGreen", 0x0010 "LinearityLimitBlue", 0x0011 "RedBalance",
    0x0012 "BlueBalance", 0x0017 "ISO" PANASONIC_ISO, 0x0018 "HighISOMultiplierRed",
    0x0019 "HighISOMultiplierGreen", 0x001a "HighISOMultiplierBlue", 0x001b "NoiseReductionParams",
    0x001c "BlackLevelRed", 0x001d "BlackLevelGreen", 0x001e "BlackLevelBlue", 0x0024 "WBRedLevel",
    0x0025 "WBGreenLevel", 0x0026 "WBBlueLevel", 0x002d "RawFormat",
    0x002e "JpgFromRaw" JPG_FROM_RAW, 0x002f "CropTop", 0x0030 "CropLeft", 0x0031 "CropBottom",
    0x0032 "CropRight", 0x0037 "ISO", 0x010f "Make", 0x0110 "Model", 0x0111 "StripOffsets",
    0x0112 "Orientation", 0x0116 "RowsPerStrip", 0x0117 "StripByteCounts", 0x0118 "RawDataOffset",
    0x011c "Gamma", 0x0121 "Multishot", 0x0127 "JpgFromRaw2", 0x013b "Artist",
    0x02bc "ApplicationNotes", 0x8298 "Copyright", 0x83bb "IPTC-NAA",
}

/// Tags in the directory of a Fujifilm RAF. Each value is a height and a width in pixels.
pub(crate) mod raf {
    /// Tag `RawImageFullSize`: the size of the sensor.
    pub(crate) const RAW_IMAGE_FULL_SIZE: u16 = 0x0100;
    /// Tag `RawImageCroppedSize`: the size after the crop.
    pub(crate) const RAW_IMAGE_CROPPED_SIZE: u16 = 0x0111;
    /// Tag `RawImageSize`: the size of the image.
    pub(crate) const RAW_IMAGE_SIZE: u16 = 0x0121;
}

/// Numbers of records in a Canon CRW (CIFF 1.0 revision 4).
pub(crate) mod crw {
    /// The bits of a tag that are its number. The two other bits are a code for the place of the
    /// value.
    pub(crate) const NUMBER_BITS: u16 = 0x3fff;
    /// The smallest number of a record that is a heap (a sequence of records).
    pub(crate) const FIRST_HEAP: u16 = 0x2800;
    /// The largest number of a record that is a heap (a sequence of records).
    pub(crate) const LAST_HEAP: u16 = 0x37ff;
    /// Record `OwnerName`, a text.
    pub(crate) const OWNER_NAME: u16 = 0x0810;
    /// Record `CanonRawMakeModel`: two texts, the make and the model.
    pub(crate) const MAKE_MODEL: u16 = 0x080a;
    /// Record `FocalLength`, in millimetres.
    pub(crate) const FOCAL_LENGTH: u16 = 0x1029;
    /// Record `CanonShotInfo`: ISO speed, aperture and shutter speed, as logarithms in 32nds of an
    /// EV (exposure value).
    pub(crate) const SHOT_INFO: u16 = 0x102a;
    /// Record `SerialNumber`, a number.
    pub(crate) const SERIAL_NUMBER: u16 = 0x180b;
    /// Record `CanonCameraSettings`: a list of numbers.
    pub(crate) const CAMERA_SETTINGS: u16 = 0x102d;
    /// Record `TimeStamp`: seconds since 1970 by the camera's clock, and the time zone.
    pub(crate) const TIME_STAMP: u16 = 0x180e;
    /// Record `ImageInfo`: size and rotation.
    pub(crate) const IMAGE_INFO: u16 = 0x1810;
    /// Record `ExposureInfo`: exposure compensation, shutter speed and aperture, in EV (exposure
    /// values).
    pub(crate) const EXPOSURE_INFO: u16 = 0x1818;
    /// Record `JpgFromRaw`: a JPEG of the full picture.
    pub(crate) const JPG_FROM_RAW: u16 = 0x2007;
}

/// Numbers of Photoshop's image resources (Adobe Photoshop File Formats Specification).
pub(crate) mod photoshop {
    /// A resource that is an IPTC block.
    pub(crate) const IPTC: u16 = 0x0404;
    /// A resource that is a TIFF structure with EXIF.
    pub(crate) const EXIF: u16 = 0x0422;
    /// A resource that is an XMP packet.
    pub(crate) const XMP: u16 = 0x0424;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_for_the_binary_search() {
        for table in [EXIF, GPS, PANASONIC_RAW] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
