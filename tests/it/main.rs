mod exif_corpus;
