"""The folder of a run: its files, which a kill leaves old or new, checked when they are read."""
