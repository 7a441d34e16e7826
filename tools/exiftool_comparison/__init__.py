"""The parts of compare_with_exiftool.py."""
