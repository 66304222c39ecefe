"""Models that leave declnet in files of other formats, and networks that come in."""
